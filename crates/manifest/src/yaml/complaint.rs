//! What the parser's complaints mean to the author of a manifest.

use granit_parser::ErrorKind;

/// One sentence: what is wrong, and what to do about it.
pub(super) fn text(kind: &ErrorKind) -> String {
    let known = match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => "a tab where YAML wants spaces; indent with spaces",
        ErrorKind::InvalidIndentation | ErrorKind::InvalidBlockScalarIndent => {
            "the indentation does not fit the lines around it; align it with its siblings"
        }
        ErrorKind::ExpectedBlockMappingKey => {
            "expected a key at this indentation; align it with its siblings, or quote the value before it"
        }
        ErrorKind::ExpectedBlockSequenceEntry | ErrorKind::BlockSequenceEntryNotAllowed => {
            "a list item `- ` does not fit here; start it on its own line, aligned with the other items"
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            "expected a colon after the key; write `key: value`, or quote the text"
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => {
            "a second `: ` in one line, or a key of more than 1024 characters; quote the value, or put the mapping on \
             lines of its own"
        }
        ErrorKind::ExpectedNodeContent => "expected a value here; quote it if it starts with a special character",
        ErrorKind::UnclosedQuotedScalar => "a quote is opened but never closed; close it",
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            "text follows a quoted value; quote all of it, escaping inner quotes"
        }
        ErrorKind::UnexpectedEofFlowSequence | ErrorKind::ExpectedFlowSequenceSeparator => {
            "a list in brackets lacks a comma or its closing `]`"
        }
        ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::ExpectedFlowMappingSeparator => "a mapping in braces lacks a comma or its closing `}`",
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::MismatchedFlowCollectionEnd { .. }
        | ErrorKind::MisplacedFlowCollectionEnd => "brackets that do not match; pair each with its like",
        ErrorKind::UnexpectedCharacter { .. } => "a character that cannot start a value; quote the value",
        ErrorKind::UnknownAnchor => {
            "an alias of an anchor that this document does not define; define it before, or quote the text"
        }
        ErrorKind::UnknownQuotedScalarEscape | ErrorKind::InvalidQuotedScalarHexEscape => {
            "an escape that YAML does not know; double the backslash, or use single quotes"
        }
        ErrorKind::RecursionLimitExceeded => "nested too deeply; flatten it",
        ErrorKind::InvalidDocumentEnd => "text after the end of the document; start the next one with `---`",
        _ => return format!("not valid YAML: {kind}"),
    };
    known.to_owned()
}
