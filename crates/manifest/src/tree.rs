//! A document as a flat tree: nodes in document order, each with its place in the text.
//!
//! A mapping is followed by its entries, key node then value subtree; a sequence by its items. Every
//! node knows the size of its subtree, so skipping one is an addition. Keys are always strings, as
//! kube-apiserver turns YAML keys into JSON keys.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

use model::{FileId, Location};

/// One document.
#[derive(Clone, Debug)]
pub struct Tree<'t> {
    pub(crate) nodes: Vec<Node<'t>>,
    pub(crate) file: FileId,
    /// Some mapping has the same key twice.
    pub(crate) duplicates: bool,
}

/// One node.
#[derive(Clone, Debug)]
pub(crate) struct Node<'t> {
    pub(crate) data: Data<'t>,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// Nodes in this subtree, this one included.
    pub(crate) size: u32,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Data<'t> {
    /// Null, or a mapping value left empty.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer. YAML floats without a fraction are integers too, as in kube-apiserver.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string.
    Str(Cow<'t, str>),
    /// A sequence with that many items.
    Seq(u32),
    /// A mapping with that many entries.
    Map(u32),
}

/// A key that is looked up again and again. Its ends are kept in place, so that most comparisons follow no pointer.
#[derive(Clone, Debug)]
pub struct Key {
    head: u64,
    tail: u64,
    text: Arc<str>,
}

/// A node of a tree, cheap to copy.
#[derive(Clone, Copy)]
pub struct Value<'d> {
    tree: &'d Tree<'d>,
    at: u32,
}

// === impl Tree ===

impl<'t> Tree<'t> {
    /// The root node.
    pub fn root<'d>(&'d self) -> Value<'d> {
        Value { tree: covariant(self), at: 0 }
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether the document has no node at all.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether some mapping has the same key twice, so that readings differ.
    pub fn has_duplicates(&self) -> bool {
        self.duplicates
    }
}

thread_local! {
    /// Memory of the last tree of this thread, without nodes.
    static SPARE: RefCell<Vec<Node<'static>>> = const { RefCell::new(Vec::new()) };
}

/// Memory above this many nodes is given back.
const SPARE_NODES_MAX: usize = 1 << 16;

impl Tree<'_> {
    /// Ends the tree and keeps its memory for the next one that this thread reads. Dropping a tree is as
    /// good, but slower for many small documents.
    pub fn recycle(mut self) {
        if self.nodes.capacity() > SPARE_NODES_MAX {
            return;
        }
        self.nodes.clear();
        // No node is left to be turned; the standard library keeps the memory of such a vector.
        let spare = self.nodes.into_iter().map(without_text).collect();
        SPARE.set(spare);
    }
}

fn without_text(node: Node<'_>) -> Node<'static> {
    let Node { start, end, line, column, size, data: _ } = node;
    Node { data: Data::Null, start, end, line, column, size }
}

/// An empty vector of nodes, in memory that is left from an earlier tree if there is one.
pub(crate) fn spare_nodes<'t>() -> Vec<Node<'t>> {
    SPARE.take()
}

/// `Tree` is covariant in its text, so a borrow may shorten it.
fn covariant<'d>(tree: &'d Tree<'_>) -> &'d Tree<'d> {
    tree
}

// === impl Value ===

impl<'d> Value<'d> {
    fn node(self) -> &'d Node<'d> {
        &self.tree.nodes[self.at as usize]
    }

    /// What the node holds.
    pub fn data(self) -> &'d Data<'d> {
        &self.node().data
    }

    /// The value of a key of a mapping. A null value counts as absent, as the API server decodes it.
    pub fn get(self, key: &str) -> Option<Value<'d>> {
        self.entries().find(|(name, _)| name.str_data() == key).map(|(_, value)| value).filter(|value| !value.is_null())
    }

    /// The key and value nodes of one key, null values included.
    pub fn entry(self, key: &str) -> Option<(Value<'d>, Value<'d>)> {
        self.entries().find(|(name, _)| name.str_data() == key)
    }

    /// The value of one key, a null value included. The same as [`Value::entry`], for those who ask often.
    #[inline]
    pub fn field(self, key: &str) -> Option<Value<'d>> {
        let nodes = &self.tree.nodes[..];
        let Data::Map(count) = nodes.get(self.at as usize)?.data else { return None };
        let mut at = self.at as usize + 1;
        for _ in 0..count {
            let [name, value, ..] = nodes.get(at..)? else { return None };
            if let Data::Str(name) = &name.data
                && **name == *key
            {
                return Some(Value { tree: self.tree, at: at as u32 + 1 });
            }
            at += 1 + value.size as usize;
        }
        None
    }

    /// The value of one key as [`Value::field`] finds it, for keys that are looked up again and again.
    #[inline]
    pub fn field_of(self, key: &Key) -> Option<Value<'d>> {
        let nodes = &self.tree.nodes[..];
        let Data::Map(count) = nodes.get(self.at as usize)?.data else { return None };
        let mut at = self.at as usize + 1;
        for _ in 0..count {
            let [name, value, ..] = nodes.get(at..)? else { return None };
            if let Data::Str(name) = &name.data
                && key.is(name)
            {
                return Some(Value { tree: self.tree, at: at as u32 + 1 });
            }
            at += 1 + value.size as usize;
        }
        None
    }

    /// Walks down mappings, one key after the other.
    pub fn path(self, keys: &[&str]) -> Option<Value<'d>> {
        keys.iter().try_fold(self, |value, key| value.get(key))
    }

    /// Entries of a mapping; nothing for other nodes. Keys are string nodes.
    pub fn entries(self) -> impl Iterator<Item = (Value<'d>, Value<'d>)> + use<'d> {
        let count = if let Data::Map(count) = self.data() { *count } else { 0 };
        let tree = self.tree;
        let mut at = self.at + 1;
        (0..count).map(move |_| {
            let key = Value { tree, at };
            let value = Value { tree, at: at + 1 };
            at = value.after();
            (key, value)
        })
    }

    /// Items of a sequence; nothing for other nodes.
    pub fn items(self) -> impl Iterator<Item = Value<'d>> + use<'d> {
        let count = if let Data::Seq(count) = self.data() { *count } else { 0 };
        let tree = self.tree;
        let mut at = self.at + 1;
        (0..count).map(move |_| {
            let item = Value { tree, at };
            at = item.after();
            item
        })
    }

    /// Items of the sequence under a key; nothing when the key is missing.
    pub fn list(self, key: &str) -> impl Iterator<Item = Value<'d>> + use<'d> {
        self.get(key).into_iter().flat_map(Value::items)
    }

    /// Number of items or entries.
    pub fn len(self) -> usize {
        match self.data() {
            Data::Seq(count) | Data::Map(count) => *count as usize,
            _ => 0,
        }
    }

    /// Whether the node is an empty collection or a scalar.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether the node is a mapping.
    pub fn is_map(self) -> bool {
        matches!(self.data(), Data::Map(_))
    }

    /// Whether the node is a sequence.
    pub fn is_seq(self) -> bool {
        matches!(self.data(), Data::Seq(_))
    }

    /// Whether the node is null.
    pub fn is_null(self) -> bool {
        matches!(self.data(), Data::Null)
    }

    /// The text of a string node.
    pub fn as_str(self) -> Option<&'d str> {
        if let Data::Str(text) = self.data() { Some(text) } else { None }
    }

    /// The text of the string under a key.
    pub fn str_at(self, key: &str) -> Option<&'d str> {
        self.get(key)?.as_str()
    }

    /// A boolean. A string that spells one counts too: the API server refuses such an object, and
    /// whoever mends the quotes gets the value.
    pub fn as_bool(self) -> Option<bool> {
        match self.data() {
            Data::Bool(value) => Some(*value),
            Data::Str(text) => match &**text {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// The boolean under a key.
    pub fn bool_at(self, key: &str) -> Option<bool> {
        self.get(key)?.as_bool()
    }

    /// An integer; floats without a fraction and strings of digits count too.
    pub fn as_i64(self) -> Option<i64> {
        match self.data() {
            Data::Int(value) => Some(*value),
            Data::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => Some(*value as i64),
            Data::Str(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The integer under a key.
    pub fn i64_at(self, key: &str) -> Option<i64> {
        self.get(key)?.as_i64()
    }

    /// Any scalar as text: what a string field would hold if the value were quoted.
    pub fn text(self) -> Option<Cow<'d, str>> {
        match self.data() {
            Data::Str(text) => Some(Cow::Borrowed(text)),
            Data::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            Data::Int(value) => Some(Cow::Owned(value.to_string())),
            Data::Float(value) => Some(Cow::Owned(value.to_string())),
            Data::Null | Data::Seq(_) | Data::Map(_) => None,
        }
    }

    /// Whether this document has a mapping with the same key twice.
    pub fn has_repeated_keys(self) -> bool {
        self.tree.duplicates
    }

    /// Where the node stands.
    pub fn location(self) -> Location {
        let node = self.node();
        Location { file: self.tree.file, line: node.line, column: node.column, start: node.start, end: node.end }
    }

    /// First byte of the node in the decoded text of its file.
    pub fn start(self) -> u32 {
        self.node().start
    }

    /// Nodes in this subtree.
    pub fn size(self) -> u32 {
        self.node().size
    }

    fn str_data(self) -> &'d str {
        if let Data::Str(text) = self.data() { text } else { "" }
    }

    fn after(self) -> u32 {
        self.at + self.node().size
    }

    pub(crate) fn subtree(self) -> &'d [Node<'d>] {
        &self.tree.nodes[self.at as usize..self.after() as usize]
    }
}

// === impl Key ===

impl Key {
    /// A key to look up.
    pub fn new(text: Arc<str>) -> Key {
        let (head, tail) = ends(text.as_bytes());
        Key { head, tail, text }
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[inline]
    fn is(&self, name: &str) -> bool {
        let name = name.as_bytes();
        name.len() == self.text.len()
            && ends(name) == (self.head, self.tail)
            && (name.len() <= ENDS || *name == *self.text.as_bytes())
    }
}

/// The first and the last bytes of a text, which overlap where it is short. Texts of the same length of up to
/// [`ENDS`] bytes are equal if these are.
#[inline]
fn ends(text: &[u8]) -> (u64, u64) {
    if let (Some(head), Some(tail)) = (text.first_chunk(), text.last_chunk()) {
        return (u64::from_le_bytes(*head), u64::from_le_bytes(*tail));
    }
    if let (Some(head), Some(tail)) = (text.first_chunk(), text.last_chunk()) {
        return (u32::from_le_bytes(*head).into(), u32::from_le_bytes(*tail).into());
    }
    (text.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)), 0)
}

const ENDS: usize = 16;

/// Whether two of the items have the same text.
pub(crate) fn any_equal<'n, T>(items: &'n [T], text: impl Fn(&'n T) -> &'n str) -> bool {
    if items.len() <= SCAN_MAX {
        // A mark per text, from what is at hand: without a mark met twice no two texts can be equal.
        let mut marks = 0_u64;
        return items.iter().enumerate().any(|(index, item)| {
            let item = text(item);
            let mark = 1 << mark(item.as_bytes());
            let seen = marks & mark != 0;
            marks |= mark;
            seen && items[..index].iter().any(|before| text(before) == item)
        });
    }
    let mut seen = HashSet::with_capacity(items.len());
    !items.iter().all(|item| seen.insert(text(item)))
}

/// A number from 0 to 63 that equal texts share.
fn mark(text: &[u8]) -> u32 {
    let byte = |at: Option<&u8>| u32::from(at.copied().unwrap_or(0));
    let middle = byte(text.get(text.len() / 2));
    (byte(text.first()) ^ (byte(text.last()) * 7) ^ (middle * 29) ^ (text.len() as u32 * 11)) & 63
}

/// Up to so many keys are compared one by one.
const SCAN_MAX: usize = 16;

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.data() {
            Data::Map(_) => f.debug_map().entries(self.entries()).finish(),
            Data::Seq(_) => f.debug_list().entries(self.items()).finish(),
            data => data.fmt(f),
        }
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.subtree(), other.subtree());
        mine.len() == theirs.len() && mine.iter().zip(theirs).all(|(a, b)| a.data == b.data)
    }
}

impl From<Value<'_>> for Location {
    fn from(value: Value<'_>) -> Location {
        value.location()
    }
}

impl From<&Value<'_>> for Location {
    fn from(value: &Value<'_>) -> Location {
        value.location()
    }
}
