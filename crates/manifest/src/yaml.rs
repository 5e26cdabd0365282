//! Builds trees from YAML events.

use std::borrow::Cow;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use model::FileId;

use crate::limits::{ALIAS_NODES_MAX, DEPTH_MAX, NODES_MAX};
use crate::scalar::{resolve_plain, resolve_tagged};
use crate::stream::{Fault, Place};
use crate::tree::{Data, Node, Tree};

/// Where a chunk of text starts within its file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Base {
    pub(crate) byte: u32,
    pub(crate) line: u32,
}

/// Reads every YAML document of one chunk. Stops at the first fault.
pub(crate) fn read<'t>(text: &'t str, base: Base, file: FileId, mut each: impl FnMut(Tree<'t>)) -> Result<(), Fault> {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
        block_scalar_eof_without_line_feed: true,
    };
    let mut builder = Builder::new(base, file);
    for event in Parser::<StrInput<'t>>::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| builder.scan_fault(&error))?;
        if builder.event(event, span)? {
            let tree = builder.finish();
            if !tree.is_empty() {
                each(tree);
            }
        }
    }
    Ok(())
}

/// An open collection.
struct Open {
    at: usize,
    anchor: usize,
    map: bool,
    children: u32,
    merges: bool,
}

struct Builder<'t> {
    base: Base,
    file: FileId,
    nodes: Vec<Node<'t>>,
    open: Vec<Open>,
    /// Node ranges of anchors, by anchor id.
    anchors: Vec<(usize, u32, u32)>,
    alias_nodes: usize,
    duplicates: bool,
}

impl<'t> Builder<'t> {
    fn new(base: Base, file: FileId) -> Self {
        Builder {
            base,
            file,
            nodes: Vec::with_capacity(64),
            open: Vec::with_capacity(16),
            anchors: Vec::new(),
            alias_nodes: 0,
            duplicates: false,
        }
    }

    fn finish(&mut self) -> Tree<'t> {
        self.open.clear();
        self.anchors.clear();
        self.alias_nodes = 0;
        Tree {
            nodes: std::mem::take(&mut self.nodes),
            file: self.file,
            duplicates: std::mem::take(&mut self.duplicates),
        }
    }

    /// Takes one event; true when a document ended.
    fn event(&mut self, event: Event<'t>, span: Span) -> Result<bool, Fault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let data = self.scalar(text, style, tag.as_deref(), span)?;
                self.push(data, span, anchor)?;
            }
            Event::MappingStart(_, anchor, _) => self.start(Data::Map(0), span, anchor)?,
            Event::SequenceStart(_, anchor, _) => self.start(Data::Seq(0), span, anchor)?,
            Event::MappingEnd | Event::SequenceEnd => self.end(span)?,
            Event::Alias(anchor) => self.alias(anchor, span)?,
            Event::DocumentEnd => return Ok(true),
            _ => {}
        }
        Ok(false)
    }

    fn scalar(&self, text: Cow<'t, str>, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Result<Data<'t>, Fault> {
        if self.expects_key() {
            return self.key(text, style, tag, span);
        }
        match tag {
            None if style == ScalarStyle::Plain => Ok(resolve_plain(text)),
            None => Ok(Data::Str(text)),
            Some(tag) => match tag.core_suffix() {
                Some(suffix) => resolve_tagged(suffix, text).ok_or_else(|| {
                    self.fault(span, format!("the value does not fit its tag !!{suffix}; remove the tag"))
                }),
                None if style == ScalarStyle::Plain && tag.is_custom() => Ok(resolve_plain(text)),
                None => Ok(Data::Str(text)),
            },
        }
    }

    /// Keys become the JSON strings that kube-apiserver makes of them.
    fn key(&self, text: Cow<'t, str>, style: ScalarStyle, tag: Option<&Tag>, _span: Span) -> Result<Data<'t>, Fault> {
        if style != ScalarStyle::Plain || tag.is_some() {
            return Ok(Data::Str(text));
        }
        // A plain key resolves like a value; only numbers and booleans change their spelling.
        Ok(Data::Str(match resolve_plain(Cow::Borrowed(&*text)) {
            Data::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
            Data::Int(value) => Cow::Owned(value.to_string()),
            Data::Float(value) => Cow::Owned(value.to_string()),
            Data::Null => Cow::Borrowed("null"),
            _ => text,
        }))
    }

    fn expects_key(&self) -> bool {
        self.open.last().is_some_and(|open| open.map && open.children.is_multiple_of(2))
    }

    fn push(&mut self, data: Data<'t>, span: Span, anchor: usize) -> Result<(), Fault> {
        if self.nodes.len() >= NODES_MAX {
            return Err(self.fault(span, format!("more than {NODES_MAX} nodes in one document; split the document")));
        }
        let at = self.nodes.len();
        let merge_key = matches!(&data, Data::Str(text) if text == "<<") && self.expects_key();
        let node = self.node(data, span, 1);
        self.nodes.push(node);
        if let Some(open) = self.open.last_mut() {
            open.children += 1;
            open.merges |= merge_key;
        }
        if anchor != 0 {
            self.anchors.push((anchor, at as u32, 1));
        }
        Ok(())
    }

    fn start(&mut self, data: Data<'t>, span: Span, anchor: usize) -> Result<(), Fault> {
        if self.expects_key() {
            return Err(
                self.fault(span, String::from("a mapping or sequence as a key, which JSON cannot hold; use a string"))
            );
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(self.fault(span, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        let map = matches!(data, Data::Map(_));
        self.push(data, span, 0)?;
        self.open.push(Open { at: self.nodes.len() - 1, anchor, map, children: 0, merges: false });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Fault> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let end = span.end.byte_offset().unwrap_or(0) as u32 + self.base.byte;
        if open.map {
            self.nodes[open.at].data = Data::Map(open.children / 2);
            if open.merges {
                self.nodes[open.at].size = (self.nodes.len() - open.at) as u32;
                self.merge(open.at, span)?;
            }
            self.duplicates |= has_duplicates(&self.nodes[open.at + 1..]);
        } else {
            self.nodes[open.at].data = Data::Seq(open.children);
        }
        let size = (self.nodes.len() - open.at) as u32;
        let node = &mut self.nodes[open.at];
        node.size = size;
        node.end = end.max(node.start);
        if open.anchor != 0 {
            self.anchors.push((open.anchor, open.at as u32, size));
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Fault> {
        let Some(&(_, at, size)) = self.anchors.iter().rev().find(|(id, ..)| *id == anchor) else {
            return Err(
                self.fault(span, String::from("an alias that refers to the node it stands in; write the value out"))
            );
        };
        self.alias_nodes += size as usize;
        if self.alias_nodes > ALIAS_NODES_MAX || self.nodes.len() + size as usize > NODES_MAX {
            return Err(
                self.fault(span, format!("aliases expand to more than {ALIAS_NODES_MAX} nodes; write the values out"))
            );
        }
        let key = self.expects_key();
        let copy: Vec<Node<'t>> = self.nodes[at as usize..(at + size) as usize].to_vec();
        if key && size > 1 {
            return Err(
                self.fault(span, String::from("a mapping or sequence as a key, which JSON cannot hold; use a string"))
            );
        }
        self.nodes.extend(copy);
        if let Some(open) = self.open.last_mut() {
            open.children += 1;
        }
        Ok(())
    }

    /// Replaces `<<` entries of the mapping at `at` by the entries they bring in.
    ///
    /// kube-apiserver's YAML library sets keys in document order, so a merge that stands after a key
    /// replaces it; of several merged mappings the first one wins.
    fn merge(&mut self, at: usize, span: Span) -> Result<(), Fault> {
        let body: Vec<Node<'t>> = self.nodes.drain(at + 1..).collect();
        let mut entries: Vec<(Node<'t>, Vec<Node<'t>>, bool)> = Vec::new();
        let mut index = 0;
        while index < body.len() {
            let size = body[index + 1].size as usize;
            let value = &body[index + 1..index + 1 + size];
            if matches!(&body[index].data, Data::Str(text) if text == "<<") {
                for (key, value) in merged_entries(value).ok_or_else(|| {
                    self.fault(span, String::from("a merge key needs a mapping or a sequence of mappings"))
                })? {
                    if let Some(slot) = entries.iter_mut().find(|entry| entry.0.data == key.data) {
                        *slot = (key, value, true);
                    } else {
                        entries.push((key, value, true));
                    }
                }
            } else {
                let key = &body[index];
                // An explicit key replaces a merged one; two explicit ones stay, as duplicates.
                if let Some(slot) = entries.iter_mut().find(|entry| entry.2 && entry.0.data == key.data) {
                    *slot = (key.clone(), value.to_vec(), false);
                } else {
                    entries.push((key.clone(), value.to_vec(), false));
                }
            }
            index += 1 + size;
        }
        self.nodes[at].data = Data::Map(entries.len() as u32);
        for (key, value, _) in entries {
            self.nodes.push(key);
            self.nodes.extend(value);
        }
        Ok(())
    }

    fn node(&self, data: Data<'t>, span: Span, size: u32) -> Node<'t> {
        let start = span.start.byte_offset().unwrap_or(0) as u32 + self.base.byte;
        let end = span.end.byte_offset().unwrap_or(0) as u32 + self.base.byte;
        Node {
            data,
            start,
            end: end.max(start),
            line: span.start.line() as u32 + self.base.line,
            column: span.start.col() as u32 + 1,
            size,
        }
    }

    fn fault(&self, span: Span, message: String) -> Fault {
        Fault { place: self.place(span.start), message }
    }

    fn scan_fault(&self, error: &ScanError) -> Fault {
        Fault { place: self.place(*error.marker()), message: error.kind().to_string() }
    }

    fn place(&self, marker: granit_parser::Marker) -> Place {
        Place {
            byte: marker.byte_offset().unwrap_or(0) as u32 + self.base.byte,
            line: marker.line().max(1) as u32 + self.base.line,
            column: marker.col() as u32 + 1,
        }
    }
}

/// The entries that the value of a merge key brings in, the first mapping that has a key winning.
fn merged_entries<'t>(value: &[Node<'t>]) -> Option<Vec<(Node<'t>, Vec<Node<'t>>)>> {
    let mut entries: Vec<(Node<'t>, Vec<Node<'t>>)> = Vec::new();
    let mut take = |nodes: &[Node<'t>]| {
        let mut index = 1;
        while index < nodes.len() {
            let size = nodes[index + 1].size as usize;
            if !entries.iter().any(|(key, _)| key.data == nodes[index].data) {
                entries.push((nodes[index].clone(), nodes[index + 1..index + 1 + size].to_vec()));
            }
            index += 1 + size;
        }
    };
    match value.first()?.data {
        Data::Map(_) => take(value),
        Data::Seq(_) => {
            let mut index = 1;
            while index < value.len() {
                let size = value[index].size as usize;
                if !matches!(value[index].data, Data::Map(_)) {
                    return None;
                }
                take(&value[index..index + size]);
                index += size;
            }
        }
        _ => return None,
    }
    Some(entries)
}

/// Whether the entries of one mapping repeat a key.
pub(crate) fn has_duplicates(body: &[Node<'_>]) -> bool {
    let mut keys: Vec<&str> = Vec::new();
    let mut index = 0;
    while index + 1 < body.len() {
        if let Data::Str(text) = &body[index].data {
            if keys.len() < 24 && keys.contains(&&**text) {
                return true;
            }
            keys.push(text);
        }
        index += 1 + body[index + 1].size as usize;
    }
    if keys.len() <= 24 {
        return false;
    }
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    keys.len() != count
}
