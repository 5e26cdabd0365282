//! Expressions made ready to run: names are slots, calls know their implementations and prices, constants are
//! computed, loops are loops.
//!
//! What a program charges is what cel-go charges for the tree as written. Where a node here stands for
//! several there (a chain of selections, a loop for a macro), it charges for all of them.

use std::sync::Arc;

use manifest::Key;

use crate::ast::{Ast, ExprId};
use crate::checker::Checked;
use crate::context::{Activation, Context};
use crate::decl::{Env, Overload, Run};
use crate::eval;
use crate::fault::Fault;
use crate::value::Value;

mod build;
mod calls;
mod comprehensions;
mod constants;
mod price;
mod scope;

pub(crate) use comprehensions::{LIST_COST, MAP_COST};
pub(crate) use constants::Set;
pub(crate) use price::{Price, traversal};

/// An expression that is ready to run. Made once, shared by threads.
#[derive(Debug)]
pub struct Program {
    root: Node,
    /// How many variables its comprehensions have.
    locals: usize,
}

/// A step of a program.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: ExprId,
    pub(crate) kind: Kind,
}

/// What a step does.
#[derive(Debug)]
pub(crate) enum Kind {
    Const(Value<'static>),
    Attribute(Box<Attribute>),
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    Not(Box<Node>),
    NotStrictlyFalse(Box<Node>),
    Conditional(Box<[Node; 3]>),
    Equal(Box<[Node; 2]>),
    NotEqual(Box<[Node; 2]>),
    Order(Box<Order>),
    In(Box<In>),
    InSet(Box<InSet>),
    Call(Box<Call>),
    Matches(Box<Matches>),
    /// `optional.or(optional)`
    OptionalOr(Box<[Node; 2]>),
    /// `optional.orValue(value)`
    OptionalOrValue(Box<[Node; 2]>),
    List(Box<ListNode>),
    Map(Box<MapNode>),
    Struct(Box<StructNode>),
    Quantifier(Box<Quantifier>),
    Collect(Box<Collect>),
    Fold(Box<Fold>),
    Let(Box<Let>),
}

/// A value and what is selected from it: `a.b[c].?d`.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) root: Root,
    pub(crate) qualifiers: Box<[Qualifier]>,
    /// What reading it costs beside the qualifiers: nothing for a branch of a conditional and for `has`.
    pub(crate) cost: u64,
    /// `has(…)`: the last qualifier is only tested.
    pub(crate) presence: bool,
    /// A test for a member of a value that has none is an error.
    pub(crate) strict: bool,
}

/// Where an attribute starts.
#[derive(Debug)]
pub(crate) enum Root {
    /// A variable of the environment.
    Variable(usize),
    /// A variable of a comprehension.
    Local(usize),
    /// A variable that is computed when it is first read.
    Lazy(usize, Arc<Node>),
    Expr(Node),
    /// A name that nothing has.
    Missing(Arc<str>),
}

/// A selection or an index.
#[derive(Debug)]
pub(crate) struct Qualifier {
    pub(crate) id: ExprId,
    pub(crate) key: QualifierKey,
    pub(crate) optional: bool,
}

/// What is selected.
#[derive(Debug)]
pub(crate) enum QualifierKey {
    Field(Key),
    Const(Value<'static>),
    Expr(Node),
}

/// `<`, `<=`, `>` or `>=`.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) args: [Node; 2],
    pub(crate) name: &'static str,
    pub(crate) accepts: fn(std::cmp::Ordering) -> bool,
    pub(crate) price: Price,
}

/// `x in y`.
#[derive(Debug)]
pub(crate) struct In {
    pub(crate) args: [Node; 2],
    pub(crate) price: Price,
}

/// `x in [constants]`.
#[derive(Debug)]
pub(crate) struct InSet {
    pub(crate) item: Node,
    pub(crate) set: Set,
}

/// `x.matches(constant)`.
#[derive(Debug)]
pub(crate) struct Matches {
    pub(crate) args: [Node; 2],
    pub(crate) regex: crate::library::pattern::Pattern,
    pub(crate) price: Price,
}

/// A call that has no step of its own.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) name: Arc<str>,
    pub(crate) args: Box<[Node]>,
    pub(crate) target: Target,
    /// The first argument in fault ends it, and only a fault of the last one is charged for; otherwise two
    /// arguments are both evaluated.
    pub(crate) in_sequence: bool,
    pub(crate) price: Price,
}

/// What a call calls.
#[derive(Clone)]
pub(crate) enum Target {
    /// One implementation for all types; it says itself when they do not fit.
    Any(Run),
    /// The first of these that accepts the arguments.
    Overloads(Box<[Overload]>),
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Any(_) => f.write_str("any"),
            Target::Overloads(overloads) => overloads.fmt(f),
        }
    }
}

/// `[a, ?b]`.
#[derive(Debug)]
pub(crate) struct ListNode {
    pub(crate) items: Box<[Node]>,
    /// Which items are optional; empty if none is.
    pub(crate) optional: Box<[bool]>,
}

/// `{key: value, ?key: value}`.
#[derive(Debug)]
pub(crate) struct MapNode {
    pub(crate) entries: Box<[EntryNode]>,
    /// Keys must be of the types that the specification allows, and new.
    pub(crate) strict: bool,
}

/// `key: value`.
#[derive(Debug)]
pub(crate) struct EntryNode {
    pub(crate) key: Node,
    pub(crate) value: Node,
    pub(crate) optional: bool,
}

/// `Name{field: value}`.
#[derive(Debug)]
pub(crate) struct StructNode {
    pub(crate) name: Arc<str>,
    pub(crate) fields: Box<[(Arc<str>, Node, bool)]>,
    pub(crate) types: Option<Arc<dyn crate::decl::TypeProvider>>,
}

/// Variables that a loop sets: element or key, and value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoopVars {
    pub(crate) first: usize,
    pub(crate) second: Option<usize>,
}

/// `all`, `exists` and `exists_one`.
#[derive(Debug)]
pub(crate) struct Quantifier {
    pub(crate) range: Node,
    pub(crate) vars: LoopVars,
    pub(crate) predicate: Node,
    pub(crate) which: Which,
}

/// Which quantifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    Exists,
    ExistsOne,
}

/// `map`, `filter`, `transformList`, `transformMap` and `transformMapEntry`.
#[derive(Debug)]
pub(crate) struct Collect {
    pub(crate) range: Node,
    pub(crate) vars: LoopVars,
    pub(crate) filter: Option<Node>,
    pub(crate) into: Into,
    /// What the empty list or map costs that it begins with.
    pub(crate) init_cost: u64,
}

/// What is collected.
#[derive(Debug)]
pub(crate) enum Into {
    /// An item of a list; `cost` is that of the list of one item and of the addition.
    List { item: Node, cost: u64, optional: bool },
    /// An entry.
    Entry { key: Node, value: Node, cost: u64 },
    /// The entries of a map.
    Entries { entries: Node, cost: u64 },
}

/// Any other comprehension.
#[derive(Debug)]
pub(crate) struct Fold {
    pub(crate) range: Node,
    pub(crate) vars: LoopVars,
    pub(crate) accu: usize,
    pub(crate) condition: Node,
    pub(crate) step: Node,
    pub(crate) result: Node,
}

/// `cel.bind` and `cel.block`: variables that are computed when they are first read.
#[derive(Debug)]
pub(crate) struct Let {
    /// Variables to forget when it begins: it may run once per turn of a loop.
    pub(crate) slots: std::ops::Range<usize>,
    pub(crate) body: Node,
    /// What the empty list costs over which the macro's comprehension walks.
    pub(crate) cost: u64,
}

// === impl Program ===

impl Program {
    /// Makes a checked expression ready to run. Constants that cannot be computed, such as a pattern or a
    /// duration with a mistake, are errors here already.
    pub fn new(env: &Env, checked: &Checked) -> Result<Program, Fault> {
        build::program(env, &checked.ast, Some(checked))
    }

    /// Makes an expression ready to run that was not checked: calls are resolved by the types of their
    /// arguments when they run.
    pub fn unchecked(env: &Env, ast: &Ast) -> Result<Program, Fault> {
        build::program(env, ast, None)
    }

    /// Runs it.
    pub fn eval<'v>(&'v self, activation: &dyn Activation<'v>, context: &mut Context<'_>) -> Result<Value<'v>, Fault> {
        eval::run(&self.root, self.locals, activation, context)
    }
}
