//! Splits text into documents and reads each.
//!
//! Documents are separated as `kubectl` separates them: by lines that start with `---`. Each one is
//! read by itself, so a broken document never hides its neighbours and only one tree is in memory
//! at a time.

use model::{FileId, Location};

use crate::limits::DOCUMENTS_MAX;
use crate::tree::Tree;
use crate::yaml::Base;
use crate::{json, yaml};

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

/// Splits a text between documents into segments of at least `bytes_min` bytes, so that several
/// workers can share one large file.
pub fn segments(text: &str, bytes_min: usize) -> Vec<Segment<'_>> {
    let mut segments = Vec::new();
    let mut rest = text;
    let mut base = Base::default();
    while !rest.is_empty() {
        let mut length = 0;
        while length < rest.len() && length < bytes_min.max(1) {
            length += chunk_length(&rest[length..]);
        }
        let (text, after) = rest.split_at(length);
        segments.push(Segment { text, base });
        base.byte += length as u32;
        base.line += newlines(text);
        rest = after;
    }
    segments
}

/// Reads all documents of a text and hands them over one by one. Empty documents are passed over.
pub fn documents<'t>(text: &'t str, file: FileId, each: impl FnMut(Document<'t>)) {
    segment_documents(Segment { text, base: Base::default() }, file, each);
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
        let length = chunk_length(rest);
        let (chunk, after) = rest.split_at(length);
        let more = read_chunk(chunk, base, file, &mut each);
        base.byte += length as u32;
        base.line += newlines(chunk);
        rest = after;
        if !more && !rest.is_empty() {
            let location = place_location(Place { byte: base.byte, line: base.line + 1, column: 1 }, file);
            each(Err(ReadError::TooMany { location }));
            return;
        }
    }
}

/// Reads one chunk; false when the limit of documents is met.
fn read_chunk<'t>(chunk: &'t str, base: Base, file: FileId, each: &mut impl FnMut(Document<'t>) -> bool) -> bool {
    if !has_content(chunk) {
        return true;
    }
    let body = chunk.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{feff}');
    let mut more = true;
    let fault = if body.starts_with(['{', '[']) && !body.starts_with("{{") {
        match read_json(chunk, base, file, each) {
            Ok(go_on) => return go_on,
            // Flow-style YAML starts like JSON. When it is neither, JSON's complaint is the clearer one.
            Err(json_fault) => {
                let mut trees = Vec::new();
                match yaml::read(chunk, base, file, |tree| trees.push(tree)) {
                    Ok(()) => {
                        for tree in trees {
                            more &= each(Ok(tree));
                        }
                        return more;
                    }
                    Err(_) => json_fault,
                }
            }
        }
    } else {
        match yaml::read(chunk, base, file, |tree| more &= each(Ok(tree))) {
            Ok(()) => return more,
            Err(fault) => fault,
        }
    };
    let error = match template_action(chunk, base) {
        Some(place) => ReadError::Template { location: place_location(place, file) },
        None => ReadError::Syntax { location: place_location(fault.place, file), message: fault.message },
    };
    each(Err(error)) && more
}

/// Reads a run of JSON values. A fault in the first one is returned, a later one handed over.
fn read_json<'t>(
    chunk: &'t str,
    base: Base,
    file: FileId,
    each: &mut impl FnMut(Document<'t>) -> bool,
) -> Result<bool, Fault> {
    let mut at = 0;
    let mut base = base;
    let mut first = true;
    let mut more = true;
    while has_content(&chunk[at..]) && more {
        match json::read(&chunk[at..], base, file) {
            Ok((tree, used)) => {
                more &= each(Ok(tree));
                base.byte += used as u32;
                base.line += newlines(&chunk[at..at + used]);
                at += used;
            }
            Err(fault) if first => return Err(fault),
            Err(fault) => {
                let message = format!("data after the JSON value: {}", fault.message);
                more &= each(Err(ReadError::Syntax { location: place_location(fault.place, file), message }));
                return Ok(more);
            }
        }
        first = false;
    }
    Ok(more)
}

/// Length of the first chunk: up to the next separator line that has content before it.
fn chunk_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut from = 0;
    // The separator that opens this chunk belongs to it.
    if is_separator(bytes, 0) {
        from = 3;
    }
    while let Some(found) = find(&bytes[from..], b"\n---") {
        let at = from + found + 1;
        // Directives (`%YAML`) stand before the separator of the document that they are for.
        if is_separator(bytes, at) && !only_directives(&text[..at]) {
            return at;
        }
        from = at + 3;
    }
    text.len()
}

fn is_separator(bytes: &[u8], at: usize) -> bool {
    bytes[at..].starts_with(b"---") && matches!(bytes.get(at + 3), None | Some(b' ' | b'\t' | b'\r' | b'\n'))
}

fn only_directives(text: &str) -> bool {
    let mut directive = false;
    for line in text.lines() {
        match line.trim_start_matches('\u{feff}').as_bytes().first() {
            Some(b'%') => directive = true,
            None | Some(b'#') => {}
            Some(_) => return false,
        }
    }
    directive
}

/// Whether there is anything but white space, comments and separators.
fn has_content(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{feff}');
        !(line.is_empty() || line.starts_with('#') || line == "---" || line == "..." || line.starts_with("--- #"))
    })
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

fn place_location(place: Place, file: FileId) -> Location {
    Location { file, line: place.line, column: place.column, start: place.byte, end: place.byte }
}

fn newlines(text: &str) -> u32 {
    text.bytes().filter(|byte| *byte == b'\n').count() as u32
}

/// First occurrence of a needle that starts with a newline.
fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = haystack[from..].iter().position(|byte| *byte == b'\n') {
        if haystack[from + at..].starts_with(needle) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}
