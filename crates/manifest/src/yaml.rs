//! Builds trees from YAML events.

mod complaint;
mod merge;

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use model::FileId;

use crate::limits::{ALIAS_BYTES_MAX, ALIAS_NODES_MAX, DEPTH_MAX, NODES_MAX};
use crate::scalar::{data_key, resolve_key, resolve_plain, resolve_tagged};
use crate::stream::{Fault, Place};
use crate::tree::{Data, Node, Tree, any_equal, spare_nodes};

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
        bom_inside_document_as_content: true,
    };
    let mut builder = Builder::new(text.len(), base, file);
    for event in Parser::<StrInput<'t>>::new_from_str_with_options(text, options) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                // The server stops reading where the first document ends, so what follows it on
                // the same line does not make that document invalid.
                if builder.open.is_empty() && !builder.nodes.is_empty() {
                    each(builder.finish());
                }
                return Err(builder.scan_fault(&error));
            }
        };
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
    /// Where this mapping's keys start among [`Builder::keys`], and its merge keys in
    /// [`Builder::merges`].
    keys_from: usize,
    merges_from: usize,
    /// Where the anchors that it holds start among [`Builder::anchored`].
    anchored_from: usize,
}

/// What an anchor names.
enum Anchored<'t> {
    /// Nodes of the tree: the first and their number.
    Here(u32, u32),
    /// Nodes that a merge has moved.
    Kept(Vec<Node<'t>>),
}

struct Builder<'t> {
    base: Base,
    file: FileId,
    /// Bytes of the chunk, to guess the number of nodes.
    bytes: usize,
    nodes: Vec<Node<'t>>,
    open: Vec<Open>,
    /// Indices of the keys of all open mappings, and of their merge keys.
    keys: Vec<u32>,
    merges: Vec<u32>,
    anchors: HashMap<usize, Anchored<'t>>,
    /// Anchors in the order in which their nodes ended.
    anchored: Vec<usize>,
    alias_nodes: usize,
    alias_bytes: usize,
    duplicates: bool,
}

impl<'t> Builder<'t> {
    fn new(bytes: usize, base: Base, file: FileId) -> Self {
        Builder {
            base,
            file,
            bytes,
            nodes: Vec::new(),
            open: Vec::with_capacity(16),
            keys: Vec::with_capacity(64),
            merges: Vec::new(),
            anchors: HashMap::new(),
            anchored: Vec::new(),
            alias_nodes: 0,
            alias_bytes: 0,
            duplicates: false,
        }
    }

    fn finish(&mut self) -> Tree<'t> {
        self.open.clear();
        self.keys.clear();
        self.merges.clear();
        self.anchors.clear();
        self.anchored.clear();
        self.alias_nodes = 0;
        self.alias_bytes = 0;
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
                if self.expects_key() {
                    let merge = &*text == "<<" && is_merge_key(style, tag.as_deref());
                    let data = self.key(text, style, tag.as_deref(), span)?;
                    if merge {
                        self.merges.push(self.nodes.len() as u32);
                    }
                    self.keys.push(self.nodes.len() as u32);
                    self.push(data, span, anchor)?;
                } else {
                    let data = self.scalar(text, style, tag.as_deref(), span)?;
                    self.push(data, span, anchor)?;
                }
            }
            Event::MappingStart(_, anchor, _) => self.start(Data::Map(0), span, anchor)?,
            Event::SequenceStart(_, anchor, _) => self.start(Data::Seq(0), span, anchor)?,
            Event::MappingEnd | Event::SequenceEnd => self.end(span)?,
            Event::Alias(anchor) => self.alias(anchor, span)?,
            Event::DocumentStart(..) => {
                if self.nodes.capacity() == 0 {
                    self.nodes = spare_nodes();
                }
                self.nodes.reserve((self.bytes / BYTES_PER_NODE).clamp(8, 4096));
            }
            Event::DocumentEnd => return Ok(true),
            _ => {}
        }
        Ok(false)
    }

    fn scalar(&self, text: Cow<'t, str>, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Result<Data<'t>, Fault> {
        let data = match tag {
            None if style == ScalarStyle::Plain => resolve_plain(text),
            None => return Ok(Data::Str(text)),
            Some(tag) => {
                let suffix = tag.suffix_in_namespace(YAML_NAMESPACE).unwrap_or_default();
                resolve_tagged(&suffix, text).ok_or_else(|| {
                    self.fault(span, format!("the value does not fit its tag !!{suffix}; remove the tag"))
                })?
            }
        };
        match data {
            Data::Float(value) if !value.is_finite() => {
                Err(self.fault(span, String::from("an infinite number or NaN, which JSON cannot hold; quote it")))
            }
            data => Ok(data),
        }
    }

    /// Keys become the JSON strings that kube-apiserver makes of them.
    fn key(&self, text: Cow<'t, str>, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Result<Data<'t>, Fault> {
        let key = match tag {
            None if style != ScalarStyle::Plain => Some(text),
            None => resolve_key(None, unmarked(text)),
            Some(tag) => {
                let suffix = tag.suffix_in_namespace(YAML_NAMESPACE).unwrap_or_default();
                resolve_key(Some(&suffix), text)
            }
        };
        key.map(Data::Str)
            .ok_or_else(|| self.fault(span, String::from("a key that JSON cannot hold, such as null; quote it")))
    }

    fn expects_key(&self) -> bool {
        self.open.last().is_some_and(|open| open.map && open.children.is_multiple_of(2))
    }

    fn push(&mut self, data: Data<'t>, span: Span, anchor: usize) -> Result<(), Fault> {
        if self.nodes.len() >= NODES_MAX {
            return Err(self.fault(span, format!("more than {NODES_MAX} nodes in one document; split the document")));
        }
        if anchor != 0 {
            self.name(anchor, self.nodes.len(), 1);
        }
        let node = self.node(data, span, 1);
        self.nodes.push(node);
        if let Some(open) = self.open.last_mut() {
            open.children += 1;
        }
        Ok(())
    }

    fn start(&mut self, data: Data<'t>, span: Span, anchor: usize) -> Result<(), Fault> {
        if self.expects_key() {
            return Err(self.collection_key(span));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(self.fault(span, format!("nested deeper than {DEPTH_MAX} levels; flatten it")));
        }
        let map = matches!(data, Data::Map(_));
        let at = self.nodes.len();
        let (keys_from, merges_from, anchored_from) = (self.keys.len(), self.merges.len(), self.anchored.len());
        self.push(data, span, 0)?;
        self.open.push(Open { at, anchor, map, children: 0, keys_from, merges_from, anchored_from });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Fault> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let end = span.end.byte_offset().unwrap_or(0) as u32 + self.base.byte;
        if !open.map {
            self.nodes[open.at].data = Data::Seq(open.children);
        } else if self.merges.len() > open.merges_from {
            self.merge(&open)?;
        } else {
            self.nodes[open.at].data = Data::Map(open.children / 2);
            let nodes = &self.nodes;
            self.duplicates |= any_equal(&self.keys[open.keys_from..], |key| key_text(nodes, *key));
        }
        self.keys.truncate(open.keys_from);
        self.merges.truncate(open.merges_from);
        let size = (self.nodes.len() - open.at) as u32;
        let node = &mut self.nodes[open.at];
        node.size = size;
        node.end = end.max(node.start);
        if open.anchor != 0 {
            self.name(open.anchor, open.at, size);
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Fault> {
        let nodes = match self.anchors.get(&anchor) {
            Some(Anchored::Here(at, size)) => &self.nodes[*at as usize..(*at + *size) as usize],
            Some(Anchored::Kept(nodes)) => nodes,
            None => {
                let message = "an alias that refers to the node it stands in; write the value out";
                return Err(self.fault(span, String::from(message)));
            }
        };
        self.alias_nodes += nodes.len();
        self.alias_bytes += nodes.iter().map(owned_bytes).sum::<usize>();
        if self.alias_nodes > ALIAS_NODES_MAX
            || self.alias_bytes > ALIAS_BYTES_MAX
            || self.nodes.len() + nodes.len() > NODES_MAX
        {
            return Err(
                self.fault(span, format!("aliases expand to more than {ALIAS_NODES_MAX} nodes; write the values out"))
            );
        }
        let mut copy = nodes.to_vec();
        if self.expects_key() {
            let [node] = copy.as_mut_slice() else { return Err(self.collection_key(span)) };
            let Some(key) = data_key(&node.data) else { return Err(self.collection_key(span)) };
            node.data = Data::Str(Cow::Owned(key));
            self.keys.push(self.nodes.len() as u32);
        } else if self.merges.last().is_some_and(|at| *at as usize + 1 == self.nodes.len())
            && matches!(copy.first(), Some(Node { data: Data::Seq(_), .. }))
        {
            return Err(self.unmergeable(self.place(span.start)));
        }
        self.nodes.append(&mut copy);
        if let Some(open) = self.open.last_mut() {
            open.children += 1;
        }
        Ok(())
    }

    /// Replaces the merge keys of the mapping that just ended by what they bring in.
    fn merge(&mut self, open: &Open) -> Result<(), Fault> {
        let from = open.at + 1;
        self.keep_anchored(open)?;
        let body = self.nodes.split_off(from);
        let merges = &self.merges[open.merges_from..];
        let is_merge = |index: usize| merges.binary_search(&((from + index) as u32)).is_ok();
        let places: Vec<(u32, u32, u32)> = merges
            .iter()
            .filter_map(|at| body.get(*at as usize - from))
            .map(|node| (node.start, node.line, node.column))
            .collect();
        match merge::merge(body, is_merge, &mut self.nodes) {
            Ok(count) => self.nodes[open.at].data = Data::Map(count),
            Err(nth) => {
                let (byte, line, column) = places.get(nth).copied().unwrap_or_default();
                return Err(self.unmergeable(Place { byte, line, column }));
            }
        }
        let mut keys = Vec::new();
        let mut at = from;
        while at < self.nodes.len() {
            keys.push(at as u32);
            at += 1 + self.nodes[at + 1].size as usize;
        }
        let nodes = &self.nodes;
        self.duplicates |= any_equal(&keys, |key| key_text(nodes, *key));
        Ok(())
    }

    fn name(&mut self, anchor: usize, at: usize, size: u32) {
        self.anchors.insert(anchor, Anchored::Here(at as u32, size));
        self.anchored.push(anchor);
    }

    /// Copies what the anchors inside a mapping name, because a merge is about to move it.
    fn keep_anchored(&mut self, open: &Open) -> Result<(), Fault> {
        for anchor in self.anchored.drain(open.anchored_from..) {
            let Some(Anchored::Here(at, size)) = self.anchors.get(&anchor) else { continue };
            let nodes = &self.nodes[*at as usize..(*at + *size) as usize];
            self.alias_nodes += nodes.len();
            self.alias_bytes += nodes.iter().map(owned_bytes).sum::<usize>();
            if self.alias_nodes > ALIAS_NODES_MAX || self.alias_bytes > ALIAS_BYTES_MAX {
                let node = &self.nodes[open.at];
                let place = Place { byte: node.start, line: node.line, column: node.column };
                let message = "anchors in a mapping with merge keys name too much; write the values out";
                return Err(Fault { place, message: String::from(message) });
            }
            self.anchors.insert(anchor, Anchored::Kept(nodes.to_vec()));
        }
        Ok(())
    }

    fn unmergeable(&self, place: Place) -> Fault {
        Fault { place, message: String::from("a merge key `<<` needs a mapping or a sequence of mappings") }
    }

    fn collection_key(&self, span: Span) -> Fault {
        let message =
            "a mapping or sequence as a key, which JSON cannot hold; use a string, or quote a template action";
        self.fault(span, String::from(message))
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
        Fault { place: self.place(*error.marker()), message: complaint::text(error.kind()) }
    }

    fn place(&self, marker: granit_parser::Marker) -> Place {
        Place {
            byte: marker.byte_offset().unwrap_or(0) as u32 + self.base.byte,
            line: marker.line().max(1) as u32 + self.base.line,
            column: marker.col() as u32 + 1,
        }
    }
}

/// Whether a key scalar spelled `<<` merges: plain and untagged, or tagged so.
fn is_merge_key(style: ScalarStyle, tag: Option<&Tag>) -> bool {
    match tag {
        None => style == ScalarStyle::Plain,
        Some(tag) => tag.suffix_in_namespace(YAML_NAMESPACE).as_deref() == Some("merge"),
    }
}

/// A plain key without the byte-order mark that `kubectl` drops from the start of a document.
fn unmarked(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.starts_with('\u{feff}') {
        return text;
    }
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_start_matches('\u{feff}')),
        Cow::Owned(text) => Cow::Owned(text.trim_start_matches('\u{feff}').to_owned()),
    }
}

fn key_text<'n>(nodes: &'n [Node<'_>], at: u32) -> &'n str {
    if let Data::Str(text) = &nodes[at as usize].data { text } else { "" }
}

/// Bytes that a copy of a node allocates.
fn owned_bytes(node: &Node<'_>) -> usize {
    if let Data::Str(Cow::Owned(text)) = &node.data { text.len() } else { 0 }
}

/// Tags written `!!name`.
const YAML_NAMESPACE: &str = "tag:yaml.org,2002:";

/// Bytes of text per node, roughly: a key or a value with indentation.
pub(crate) const BYTES_PER_NODE: usize = 12;
