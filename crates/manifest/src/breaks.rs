//! Line breaks that only YAML 1.1 knows.
//!
//! To kube-apiserver's library NEL, LS and PS end a line, and so a comment; to YAML 1.2 they are
//! ordinary characters. Text that holds them is rewritten with line feeds and read again.

use std::borrow::Cow;

use model::Location;

use crate::stream::ReadError;
use crate::tree::{Data, Node, Tree};
use crate::yaml::Base;

/// A text with line feeds in the place of other breaks.
pub(crate) struct Rewritten {
    pub(crate) text: String,
    /// For each break, where the text after it starts: in the rewritten text, and in the original.
    starts: Vec<(usize, usize)>,
}

/// Rewrites a text that holds NEL, LS or PS.
pub(crate) fn rewrite(text: &str) -> Option<Rewritten> {
    if text.is_ascii() || !text.contains(BREAKS) {
        return None;
    }
    let mut rewritten = Rewritten { text: String::with_capacity(text.len()), starts: Vec::new() };
    let mut from = 0;
    for (at, found) in text.match_indices(BREAKS) {
        rewritten.text.push_str(&text[from..at]);
        rewritten.text.push('\n');
        from = at + found.len();
        rewritten.starts.push((rewritten.text.len(), from));
    }
    rewritten.text.push_str(&text[from..]);
    Some(rewritten)
}

impl Rewritten {
    /// A tree of the rewritten text as a tree of the original, which starts at `base`.
    pub(crate) fn restore(&self, tree: Tree<'_>, original: &str, base: Base) -> Tree<'static> {
        let lines = line_starts(original);
        let nodes = tree.nodes.into_iter().map(|node| {
            let (start, end) = (self.original(node.start), self.original(node.end));
            let (line, column) = place(original, &lines, start);
            Node {
                data: owned(node.data),
                start: start as u32 + base.byte,
                end: end as u32 + base.byte,
                line: line + base.line,
                column,
                size: node.size,
            }
        });
        Tree { nodes: nodes.collect(), file: tree.file, duplicates: tree.duplicates }
    }

    /// An error with its place in the original.
    pub(crate) fn restore_error(&self, mut error: ReadError, original: &str, base: Base) -> ReadError {
        let (ReadError::Syntax { location, .. } | ReadError::Template { location } | ReadError::TooMany { location }) =
            &mut error;
        let start = self.original(location.start);
        let (line, column) = place(original, &line_starts(original), start);
        let byte = start as u32 + base.byte;
        *location = Location { file: location.file, line: line + base.line, column, start: byte, end: byte };
        error
    }

    fn original(&self, at: u32) -> usize {
        let at = at as usize;
        let index = self.starts.partition_point(|(rewritten, _)| *rewritten <= at);
        let (rewritten, original) = index.checked_sub(1).map_or((0, 0), |index| self.starts[index]);
        original + (at - rewritten)
    }
}

/// NEL, LS, PS.
const BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let ends = memchr::memchr2_iter(b'\n', b'\r', bytes)
        .filter(|at| bytes[*at] == b'\n' || bytes.get(at + 1) != Some(&b'\n'))
        .map(|at| at + 1);
    std::iter::once(0).chain(ends).collect()
}

/// Line and column of a byte, both counted from 1.
fn place(text: &str, lines: &[usize], at: usize) -> (u32, u32) {
    let line = lines.partition_point(|start| *start <= at).max(1);
    let before = text.get(lines[line - 1]..at).unwrap_or("");
    (line as u32, before.chars().count() as u32 + 1)
}

fn owned(data: Data<'_>) -> Data<'static> {
    match data {
        Data::Null => Data::Null,
        Data::Bool(value) => Data::Bool(value),
        Data::Int(value) => Data::Int(value),
        Data::Float(value) => Data::Float(value),
        Data::Str(text) => Data::Str(Cow::Owned(text.into_owned())),
        Data::Seq(count) => Data::Seq(count),
        Data::Map(count) => Data::Map(count),
    }
}
