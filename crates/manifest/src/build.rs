//! Trees made in memory: results of mutations, defaults and patches.
//!
//! A [`TreeBuilder`] writes nodes in document order; a [`Draft`] is a document that may be changed anywhere and
//! written at the end. Copied nodes keep their places; made ones get the place of what they stand in, so that a
//! report can still point somewhere.

mod draft;
mod writer;

use std::borrow::Cow;

use model::{FileId, Location};

use crate::limits::{DEPTH_MAX, NODES_MAX};
use crate::tree::{Data, Node, Tree, Value};

pub use draft::{Draft, Step};

/// Why a document could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Collections are nested too deep.
    #[error("nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// There are too many nodes.
    #[error("more than {NODES_MAX} nodes in one document")]
    TooManyNodes,
    /// A step leads to nothing.
    #[error("{0}: there is no such field or item")]
    Missing(String),
    /// A step leads into a scalar, or a key into a list.
    #[error("{0}: not the kind of value that has such a part")]
    Mismatch(String),
    /// The builder was not given exactly one value, or a mapping has a key without a value.
    #[error("the document is incomplete")]
    Incomplete,
}

/// Writes a tree, node by node.
#[derive(Debug)]
pub struct TreeBuilder<'t> {
    nodes: Vec<Node<'t>>,
    open: Vec<Open>,
    file: FileId,
    place: (u32, u32, u32, u32),
    duplicates: bool,
    fault: Option<BuildError>,
}

#[derive(Debug)]
struct Open {
    at: usize,
    map: bool,
    /// Direct children; a key and its value are two.
    children: u32,
}

// === impl TreeBuilder ===

impl<'t> TreeBuilder<'t> {
    /// An empty document of a file.
    pub fn new(file: FileId) -> Self {
        let place = (0, 0, 1, 1);
        TreeBuilder { nodes: Vec::new(), open: Vec::new(), file, place, duplicates: false, fault: None }
    }

    /// Nodes that follow are reported at this place.
    pub fn place(&mut self, location: Location) {
        self.place = (location.start, location.end, location.line, location.column);
    }

    /// A scalar. Collections are opened by [`TreeBuilder::map`] and [`TreeBuilder::seq`] instead.
    pub fn scalar(&mut self, data: Data<'t>) {
        if !matches!(data, Data::Seq(_) | Data::Map(_)) {
            self.push(data);
        }
    }

    /// Text, also for the key of a mapping.
    pub fn text(&mut self, text: impl Into<Cow<'t, str>>) {
        self.push(Data::Str(text.into()));
    }

    /// Opens a mapping. Keys and values follow in turn.
    pub fn map(&mut self) {
        self.begin(true);
    }

    /// Opens a sequence.
    pub fn seq(&mut self) {
        self.begin(false);
    }

    /// Closes the innermost collection.
    pub fn end(&mut self) {
        let Some(open) = self.open.pop() else { return self.fail(BuildError::Incomplete) };
        if open.map && open.children % 2 != 0 {
            self.fail(BuildError::Incomplete);
        }
        let size = (self.nodes.len() - open.at) as u32;
        if let Some(node) = self.nodes.get_mut(open.at) {
            node.size = size;
            node.data = if open.map { Data::Map(open.children / 2) } else { Data::Seq(open.children) };
        }
    }

    /// Copies a subtree, text by reference, places included.
    pub fn copy(&mut self, value: Value<'t>) {
        self.duplicates |= value.has_repeated_keys();
        self.count_child();
        let nodes = value.subtree();
        if self.nodes.len() + nodes.len() > NODES_MAX {
            return self.fail(BuildError::TooManyNodes);
        }
        self.nodes.extend(nodes.iter().map(borrowed));
    }

    /// The finished document.
    pub fn finish(self) -> Result<Tree<'t>, BuildError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let whole = self.nodes.first().is_some_and(|node| node.size as usize == self.nodes.len());
        if !whole || !self.open.is_empty() {
            return Err(BuildError::Incomplete);
        }
        let tree = Tree { nodes: self.nodes, file: self.file, duplicates: self.duplicates };
        if depth(&tree.nodes) > DEPTH_MAX { Err(BuildError::TooDeep) } else { Ok(tree) }
    }

    fn begin(&mut self, map: bool) {
        let at = self.nodes.len();
        self.push(if map { Data::Map(0) } else { Data::Seq(0) });
        self.open.push(Open { at, map, children: 0 });
    }

    fn push(&mut self, data: Data<'t>) {
        self.count_child();
        if self.nodes.len() >= NODES_MAX {
            return self.fail(BuildError::TooManyNodes);
        }
        let (start, end, line, column) = self.place;
        self.nodes.push(Node { data, start, end, line, column, size: 1 });
    }

    fn count_child(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.children += 1;
        }
    }

    fn fail(&mut self, fault: BuildError) {
        self.fault.get_or_insert(fault);
    }
}

impl Tree<'_> {
    /// The same document with texts of its own, so that it may outlive what it was read from.
    pub fn into_owned(self) -> Tree<'static> {
        let Tree { nodes, file, duplicates } = self;
        let nodes = nodes
            .into_iter()
            .map(|node| {
                let Node { data, start, end, line, column, size } = node;
                Node { data: owned(data), start, end, line, column, size }
            })
            .collect();
        Tree { nodes, file, duplicates }
    }
}

impl Value<'_> {
    /// A document of its own out of this subtree.
    pub fn to_tree(self) -> Tree<'static> {
        let nodes = self
            .subtree()
            .iter()
            .map(|node| {
                let Node { start, end, line, column, size, .. } = *node;
                Node { data: owned(node.data.clone()), start, end, line, column, size }
            })
            .collect();
        Tree { nodes, file: self.location().file, duplicates: self.has_repeated_keys() }
    }
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

/// A copy of a node that borrows its text.
fn borrowed<'t>(node: &'t Node<'_>) -> Node<'t> {
    let data = if let Data::Str(text) = &node.data { Data::Str(Cow::Borrowed(&**text)) } else { node.data.clone() };
    Node { data, start: node.start, end: node.end, line: node.line, column: node.column, size: node.size }
}

/// Deepest nesting of collections.
fn depth(nodes: &[Node<'_>]) -> usize {
    let mut ends: Vec<usize> = Vec::new();
    let mut deepest = 0;
    for (at, node) in nodes.iter().enumerate() {
        while ends.last().is_some_and(|end| *end <= at) {
            ends.pop();
        }
        if matches!(node.data, Data::Map(_) | Data::Seq(_)) {
            ends.push(at + node.size as usize);
            deepest = deepest.max(ends.len());
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_written_node_by_node() {
        let source = crate::stream::json_document(r#"{"a": [1, {"b": null}]}"#, FileId(3)).unwrap();
        let mut builder = TreeBuilder::new(FileId(3));
        builder.map();
        builder.text("kept");
        builder.copy(source.root().get("a").unwrap());
        builder.text("made");
        builder.seq();
        builder.scalar(Data::Bool(true));
        builder.end();
        builder.end();
        let tree = builder.finish().unwrap();
        assert_eq!(tree.root().to_json(), r#"{"kept":[1,{"b":null}],"made":[true]}"#);
        assert_eq!(tree.root().get("kept").unwrap().location().column, 7);
        let owned = tree.into_owned();
        assert_eq!(owned.root().get("kept").unwrap().to_tree().root().to_json(), r#"[1,{"b":null}]"#);
    }

    #[test]
    fn incomplete_and_boundless_documents_are_refused() {
        let mut builder = TreeBuilder::new(FileId(0));
        builder.map();
        builder.text("a");
        builder.end();
        assert_eq!(builder.finish().unwrap_err(), BuildError::Incomplete);
        assert_eq!(TreeBuilder::new(FileId(0)).finish().unwrap_err(), BuildError::Incomplete);
        let mut builder = TreeBuilder::new(FileId(0));
        (0..=DEPTH_MAX).for_each(|_| builder.seq());
        (0..=DEPTH_MAX).for_each(|_| builder.end());
        assert_eq!(builder.finish().unwrap_err(), BuildError::TooDeep);
    }
}
