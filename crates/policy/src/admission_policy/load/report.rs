//! Fields of a document with their paths, and the list of what is wrong with them.

use std::fmt::Write as _;
use std::sync::Arc;

use manifest::{Data, Value};
use model::Location;

use super::super::issue::{Level, LoadIssue};

/// A field, there or not.
#[derive(Clone, Debug)]
pub(super) struct At<'d> {
    /// Its value; null counts as absent.
    pub value: Option<Value<'d>>,
    /// Its place, or that of the mapping in which it is missing.
    pub location: Location,
    /// `spec.validations[0].expression`
    pub path: String,
}

/// Collects what is wrong with one object.
#[derive(Debug)]
pub(super) struct Report {
    /// Kind and name.
    pub object: Arc<str>,
    /// What was found so far.
    pub issues: Vec<LoadIssue>,
}

// === impl At ===

impl<'d> At<'d> {
    /// The object itself.
    pub(super) fn root(value: Value<'d>) -> Self {
        At { value: Some(value), location: value.location(), path: String::new() }
    }

    /// A field of a mapping.
    pub(super) fn child(&self, key: &str) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        let value = self.value.and_then(|value| value.get(key));
        At { value, location: value.map_or(self.location, Value::location), path }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> impl Iterator<Item = At<'d>> + use<'d, '_> {
        self.value.into_iter().flat_map(Value::items).enumerate().map(|(index, value)| At {
            value: Some(value),
            location: value.location(),
            path: format!("{}[{index}]", self.path),
        })
    }

    /// Its text; empty when it is absent or no text.
    pub(super) fn str(&self) -> &'d str {
        self.value.and_then(Value::as_str).unwrap_or("")
    }

    /// Whether the field is there.
    pub(super) fn is_set(&self) -> bool {
        self.value.is_some()
    }

    /// Texts of a list of strings.
    pub(super) fn strings(&self) -> Vec<&'d str> {
        self.value.into_iter().flat_map(Value::items).filter_map(Value::as_str).collect()
    }
}

// === impl Report ===

impl Report {
    /// Whether the API server would refuse the object.
    pub(super) fn has_refusal(&self) -> bool {
        self.issues.iter().any(|issue| issue.level == Level::Refused)
    }

    /// A field that must be there.
    pub(super) fn required(&mut self, at: &At<'_>, detail: &str) {
        let colon = if detail.is_empty() { "" } else { ": " };
        self.error(at, format!("Required value{colon}{detail}"));
    }

    /// Text that is not right.
    pub(super) fn invalid(&mut self, at: &At<'_>, value: &str, detail: &str) {
        self.error(at, format!("Invalid value: {}: {detail}", quote(value)));
    }

    /// A list of texts that is not right.
    pub(super) fn invalid_list(&mut self, at: &At<'_>, values: &[&str], detail: &str) {
        let shown: Vec<String> = values.iter().map(|value| quote(value)).collect();
        self.error(at, format!("Invalid value: [{}]: {detail}", shown.join(",")));
    }

    /// A word that is none of the known ones. They are listed in alphabetical order.
    pub(super) fn unsupported(&mut self, at: &At<'_>, value: &str, known: &[&str]) {
        let shown: Vec<String> = known.iter().map(|word| quote(word)).collect();
        self.error(at, format!("Unsupported value: {}: supported values: {}", quote(value), shown.join(", ")));
    }

    /// A value that may occur only once.
    pub(super) fn duplicate(&mut self, at: &At<'_>, value: &str) {
        self.error(at, format!("Duplicate value: {}", quote(value)));
    }

    /// A field that may not be set here.
    pub(super) fn forbidden(&mut self, at: &At<'_>, detail: &str) {
        self.error(at, format!("Forbidden: {detail}"));
    }

    /// Anything else for which the API server refuses the object.
    pub(super) fn error(&mut self, at: &At<'_>, message: String) {
        self.push(Level::Refused, at, message, None);
    }

    /// Something that the API server drops or that has no effect, with advice.
    pub(super) fn error_with(&mut self, at: &At<'_>, message: String, hint: &'static str) {
        self.push(Level::Error, at, message, Some(hint));
    }

    /// Something that the API server takes, but that cannot be meant.
    pub(super) fn warn(&mut self, at: &At<'_>, message: String, hint: &'static str) {
        self.push(Level::Warning, at, message, Some(hint));
    }

    fn push(&mut self, level: Level, at: &At<'_>, message: String, hint: Option<&'static str>) {
        let (object, field, location) = (self.object.clone(), at.path.clone(), at.location);
        self.issues.push(LoadIssue { level, object, field, message, hint, location });
    }
}

/// Text in double quotes with escapes, as Go's `%q` writes it.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            char if (char as u32) < 0x20 || char == '\u{7f}' => {
                let _ = write!(out, "\\x{:02x}", char as u32);
            }
            char if !is_print(char) && (char as u32) < 0x1_0000 => {
                let _ = write!(out, "\\u{:04x}", char as u32);
            }
            char if !is_print(char) => {
                let _ = write!(out, "\\U{:08x}", char as u32);
            }
            char => out.push(char),
        }
    }
    out.push('"');
    out
}

/// Whether Go prints a character as it is: letters, marks, numbers, punctuation, symbols and the plain space.
fn is_print(char: char) -> bool {
    let code = char as u32;
    !(char.is_control()
        || (char.is_whitespace() && char != ' ')
        || matches!(code, 0xad | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe000..=0xf8ff)
        || code & 0xfffe == 0xfffe)
}

/// What a node is, in a word of JSON.
pub(super) fn noun(value: Value<'_>) -> &'static str {
    match value.data() {
        Data::Null => "null",
        Data::Bool(_) => "a boolean",
        Data::Int(_) | Data::Float(_) => "a number",
        Data::Str(_) => "a string",
        Data::Seq(_) => "a list",
        Data::Map(_) => "a mapping",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_as_go_quotes_it() {
        assert_eq!(quote("a\"b\\c\n\t\u{1}é世\u{200b}"), "\"a\\\"b\\\\c\\n\\t\\x01é世\\u200b\"");
    }
}
