//! Splits text into documents and reads each.
//!
//! Documents are separated as `kubectl` separates them: by lines that start with `---`. Each one is
//! read by itself, so a broken document never hides its neighbours and only one tree is in memory
//! at a time.

use model::{FileId, Location};

use crate::decode::DAMAGED;
use crate::limits::DOCUMENTS_MAX;
use crate::split::{chunk_length, has_content, newlines};
use crate::tree::Tree;
use crate::yaml::Base;
use crate::{breaks, json, split, yaml};

/// One document of a file.
pub type Document<'t> = Result<Tree<'t>, ReadError>;

/// A document, or the rest of a file, could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// The document is no valid YAML or JSON, or meets a limit.
    #[error("{message}")]
    Syntax {
        /// Where.
        location: Location,
        /// What is wrong.
        message: String,
    },
    /// The document holds `{{ … }}` template actions, so it is not YAML before rendering.
    #[error("holds template actions `{{{{ … }}}}`; judge the rendered output instead")]
    Template {
        /// The first action.
        location: Location,
    },
    /// There are more documents than [`DOCUMENTS_MAX`].
    #[error("more than {DOCUMENTS_MAX} documents in one file; split the file")]
    TooMany {
        /// The first document that was not read.
        location: Location,
    },
}

impl ReadError {
    /// Where it went wrong.
    pub fn location(&self) -> Location {
        match self {
            ReadError::Syntax { location, .. } | ReadError::Template { location } | ReadError::TooMany { location } => {
                *location
            }
        }
    }
}

/// A syntax fault before it is known whether the document is a template.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) place: Place,
    pub(crate) message: String,
}

/// A place in a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) byte: u32,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// A run of whole documents of a file, for one worker.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'t> {
    text: &'t str,
    base: Base,
}

impl<'t> Segment<'t> {
    /// A whole text as one segment.
    pub fn whole(text: &'t str) -> Self {
        Segment { text, base: Base::default() }
    }
}

/// Splits a text between documents into segments of at least `bytes_min` bytes, so that several
/// workers can share one large file.
pub fn segments(text: &str, bytes_min: usize) -> Vec<Segment<'_>> {
    let mut segments = Vec::new();
    let mut rest = text;
    let mut base = Base::default();
    while !rest.is_empty() {
        let (text, after) = rest.split_at(split::boundary_after(rest, bytes_min));
        segments.push(Segment { text, base });
        base = advance(base, text);
        rest = after;
    }
    segments
}

/// Reads all documents of a text and hands them over one by one. Empty documents are passed over.
pub fn documents<'t>(text: &'t str, file: FileId, each: impl FnMut(Document<'t>)) {
    segment_documents(Segment::whole(text), file, each);
}

/// Reads a text that must be one JSON value and nothing else, as the API server sends and takes them.
pub fn json_document(text: &str, file: FileId) -> Result<Tree<'_>, ReadError> {
    let error =
        |fault: Fault| ReadError::Syntax { location: place_location(fault.place, file), message: fault.message };
    let mut values = json::Values::new(text, Base::default(), file);
    let Some(tree) = values.next() else {
        let place = Place { byte: 0, line: 1, column: 1 };
        return Err(error(Fault { place, message: String::from("no JSON value; the text is empty") }));
    };
    let tree = tree.map_err(error)?;
    match values.rest() {
        None => Ok(tree),
        Some(place) => Err(error(Fault { place, message: String::from("data after the JSON value; remove it") })),
    }
}

/// Reads all documents of a segment and hands them over one by one.
pub fn segment_documents<'t>(segment: Segment<'t>, file: FileId, mut each: impl FnMut(Document<'t>)) {
    let mut count = 0;
    let mut each = |document: Document<'t>| {
        count += 1;
        each(document);
        count < DOCUMENTS_MAX
    };
    let mut rest = segment.text;
    let mut base = segment.base;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_length(rest));
        let (separator, content) = chunk.split_at(split::odd_separator(chunk));
        let more = read_chunk(content, advance(base, separator), file, &mut each);
        base = advance(base, chunk);
        rest = after;
        if !more && !rest.is_empty() {
            let location = place_location(Place { byte: base.byte, line: base.line + 1, column: 1 }, file);
            each(Err(ReadError::TooMany { location }));
            return;
        }
    }
}

fn advance(base: Base, text: &str) -> Base {
    Base { byte: base.byte + text.len() as u32, line: base.line + newlines(text) }
}

/// Reads one chunk; false when the limit of documents is met.
fn read_chunk<'t>(chunk: &'t str, base: Base, file: FileId, each: &mut dyn FnMut(Document<'t>) -> bool) -> bool {
    if !has_content(chunk) {
        return true;
    }
    let body = chunk.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{feff}');
    if !body.starts_with(['{', '[']) || body.starts_with("{{") {
        return read_yaml(chunk, base, file, None, each);
    }
    match read_json(chunk, base, file, each) {
        Ok(more) => more,
        // Flow-style YAML starts like JSON.
        Err(fault) => read_yaml(chunk, base, file, Some(fault), each),
    }
}

/// Reads a chunk as YAML. `fault` is what another reader found wrong in it.
fn read_yaml<'t>(
    chunk: &'t str,
    base: Base,
    file: FileId,
    fault: Option<Fault>,
    each: &mut dyn FnMut(Document<'t>) -> bool,
) -> bool {
    if let Some(rewritten) = breaks::rewrite(chunk) {
        return read_rewritten(chunk, &rewritten, base, file, each);
    }
    let mut more = true;
    let mut read = false;
    let result = match split::forbidden(chunk) {
        Some(forbidden) => Err(forbidden_fault(chunk, forbidden, base)),
        None => yaml::read(chunk, base, file, |tree| {
            read = true;
            more &= each(Ok(tree));
        }),
    };
    let Err(yaml_fault) = result else { return more };
    let error = match template_action(chunk, base) {
        Some(place) => ReadError::Template { location: place_location(place, file) },
        None => {
            // The reader that came further knows better what the text was meant to be.
            let further = fault.filter(|fault| !read && fault.place.byte >= yaml_fault.place.byte);
            let Fault { place, message } = further.unwrap_or(yaml_fault);
            ReadError::Syntax { location: place_location(place, file), message }
        }
    };
    each(Err(error)) && more
}

/// Reads a chunk whose line breaks were rewritten, chunk by chunk, and restores the places.
fn read_rewritten<'t>(
    chunk: &str,
    rewritten: &breaks::Rewritten,
    base: Base,
    file: FileId,
    each: &mut dyn FnMut(Document<'t>) -> bool,
) -> bool {
    let mut more = true;
    let mut from = 0;
    while from < rewritten.text.len() && more {
        let part = &rewritten.text[from..];
        let part = &part[..chunk_length(part)];
        if has_content(part) {
            let start = Base { byte: from as u32, line: 0 };
            more = read_yaml(part, start, file, None, &mut |document| match document {
                Ok(tree) => each(Ok(rewritten.restore(tree, chunk, base))),
                Err(error) => each(Err(rewritten.restore_error(error, chunk, base))),
            });
        }
        from += part.len();
    }
    more
}

fn forbidden_fault(chunk: &str, at: usize, base: Base) -> Fault {
    let found = chunk[at..].chars().next().unwrap_or_default();
    let before = &chunk[..at];
    let line_start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let place = Place {
        byte: base.byte + at as u32,
        line: base.line + newlines(before) + 1,
        column: before[line_start..].chars().count() as u32 + 1,
    };
    let message = if found == DAMAGED {
        String::from("bytes that are no UTF-8; save the file as UTF-8")
    } else {
        format!("the control character U+{:04X}, which YAML forbids; remove it or escape it", u32::from(found))
    };
    Fault { place, message }
}

/// Reads a run of JSON values. A fault in the first one is returned, a later one handed over.
fn read_json<'t>(
    chunk: &'t str,
    base: Base,
    file: FileId,
    each: &mut dyn FnMut(Document<'t>) -> bool,
) -> Result<bool, Fault> {
    let mut more = true;
    for (index, value) in json::Values::new(chunk, base, file).enumerate() {
        more &= match value {
            Ok(tree) => each(Ok(tree)),
            Err(fault) if index == 0 => return Err(fault),
            Err(fault) => {
                let message = format!("data after the JSON value: {}", fault.message);
                each(Err(ReadError::Syntax { location: place_location(fault.place, file), message }))
            }
        };
        if !more {
            break;
        }
    }
    Ok(more)
}

/// The first `{{` outside a comment line.
fn template_action(chunk: &str, base: Base) -> Option<Place> {
    let mut byte = 0;
    for (index, line) in chunk.split_inclusive('\n').enumerate() {
        if let Some(column) = line.find("{{")
            && !line.trim_start().starts_with('#')
        {
            return Some(Place {
                byte: base.byte + byte + column as u32,
                line: base.line + index as u32 + 1,
                column: line[..column].chars().count() as u32 + 1,
            });
        }
        byte += line.len() as u32;
    }
    None
}

pub(crate) fn place_location(place: Place, file: FileId) -> Location {
    Location { file, line: place.line, column: place.column, start: place.byte, end: place.byte }
}
