//! The syntax tree, after macros are expanded.

use std::sync::Arc;

/// Bytes `start..end` of the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// Byte after the last one.
    pub end: u32,
}

/// Number of a node, from 1, unique in its tree. Positions, types and overloads are kept beside the tree
/// under this number.
pub type ExprId = u32;

/// A parsed expression.
#[derive(Clone, Debug)]
pub struct Ast {
    /// The text it was read from.
    pub source: Arc<str>,
    /// The outermost expression.
    pub root: Expr,
    /// Where messages about the node of each number point: at the operator, the dot, the opening
    /// parenthesis, the name. Index 0 is unused. Nodes that a macro made point at its opening parenthesis.
    pub spans: Vec<Span>,
    /// All of what was written for the node of each number, operands included. Nodes that a macro made have
    /// the whole call of the macro.
    pub extents: Vec<Span>,
    /// Macro calls as they were written, under the number of the node that replaced each.
    pub macro_calls: Vec<(ExprId, Span)>,
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Its number.
    pub id: ExprId,
    /// What it is.
    pub kind: ExprKind,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A literal.
    Literal(Literal),
    /// A name. A leading dot, which turns off the container, is kept.
    Ident(Arc<str>),
    /// `operand.field`, or `has(operand.field)`.
    Select(Box<Select>),
    /// A function, an operator (`_+_`, `_[_]`, `_?._`, `_?_:_`, `!_`, `-_`, `@in`, …) or a method.
    Call(Box<Call>),
    /// `[a, ?b]`.
    List(Box<ListLiteral>),
    /// `{k: v, ?k: v}`.
    Map(Vec<Entry>),
    /// `Name{field: value}`.
    Struct(Box<StructLiteral>),
    /// What `all`, `exists`, `map`, `filter`, `bind` and the others become.
    Comprehension(Box<Comprehension>),
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true`
    Bool(bool),
    /// `1`
    Int(i64),
    /// `1u`
    Uint(u64),
    /// `1.0`
    Double(f64),
    /// `"s"`
    Str(Arc<str>),
    /// `b"s"`
    Bytes(Arc<[u8]>),
}

/// `operand.field`.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// Left of the dot.
    pub operand: Expr,
    /// Right of the dot.
    pub field: Arc<str>,
    /// `has(operand.field)`: whether the field is there.
    pub test_only: bool,
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Name of the function; operators have the names of cel-spec's standard definitions.
    pub function: Arc<str>,
    /// Receiver of a method.
    pub target: Option<Expr>,
    /// Arguments.
    pub args: Vec<Expr>,
}

/// A list literal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListLiteral {
    /// Its elements.
    pub elements: Vec<Expr>,
    /// Indices of the elements written with `?`.
    pub optional: Vec<u32>,
}

/// An entry of a map literal.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Number of the entry.
    pub id: ExprId,
    /// Its key.
    pub key: Expr,
    /// Its value.
    pub value: Expr,
    /// Written with `?`.
    pub optional: bool,
}

/// A message literal.
#[derive(Clone, Debug, PartialEq)]
pub struct StructLiteral {
    /// Name of the type as written.
    pub name: Arc<str>,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A field of a message literal.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Number of the field.
    pub id: ExprId,
    /// Its name.
    pub name: Arc<str>,
    /// Its value.
    pub value: Expr,
    /// Written with `?`.
    pub optional: bool,
}

/// A fold over a list or a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Comprehension {
    /// Name of the element; of the index or key if there is a second name.
    pub var: Arc<str>,
    /// Name of the element or value in two-variable macros.
    pub var2: Option<Arc<str>>,
    /// What is walked through.
    pub range: Expr,
    /// Name of the accumulator, `@result` for the standard macros.
    pub accu: Arc<str>,
    /// Its first value.
    pub init: Expr,
    /// Goes on while true.
    pub condition: Expr,
    /// Next value of the accumulator.
    pub step: Expr,
    /// The value of the whole; only the accumulator is visible.
    pub result: Expr,
}

impl Ast {
    /// The place that messages about a node point at.
    pub fn span(&self, id: ExprId) -> Span {
        self.spans.get(id as usize).copied().unwrap_or_default()
    }

    /// What was written for a node.
    pub fn text(&self, id: ExprId) -> &str {
        let extent = self.extents.get(id as usize).copied().unwrap_or_default();
        self.source.get(extent.start as usize..extent.end as usize).unwrap_or_default()
    }
}
