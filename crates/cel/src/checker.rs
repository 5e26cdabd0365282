//! The type checker: names are looked up, calls get their candidate overloads, every node gets a type.

use crate::ast::{Ast, ExprId};
use crate::types::Type;
use crate::value::Value;

/// A checked expression.
///
/// The tree has been rewritten where names were resolved: `variables.total` that names one variable is an
/// `Ident("variables.total")` instead of a selection, functions and message types have their full names, and
/// a namespaced function (`math.greatest(…)`, `optional.of(…)`) has lost its receiver.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The tree.
    pub ast: Ast,
    /// Types by number of the node; [`Type::Dyn`] for numbers that are no expression.
    pub types: Vec<Type>,
    /// What names and calls mean, by number of the node.
    pub references: Vec<Option<Reference>>,
}

/// What a name or a call means.
#[derive(Clone, Debug)]
pub enum Reference {
    /// An identifier: the variable with this slot of the environment.
    Variable(usize),
    /// An identifier: the innermost variable of that name of the comprehensions around. Its name has no dots.
    Local,
    /// An identifier: a constant, or a type as a value.
    Constant(Value<'static>),
    /// A call: indices into `env.functions[call.function].overloads` of the signatures that fit, in order of
    /// declaration. Empty for `_?._`, whose meaning is that of a selection.
    Overloads(Box<[u32]>),
    /// A message literal of the type with the name in the tree.
    Struct,
}

impl Checked {
    /// Type of a node.
    pub fn type_of(&self, id: ExprId) -> &Type {
        self.types.get(id as usize).unwrap_or(&Type::Dyn)
    }

    /// Type of the whole expression.
    pub fn result(&self) -> &Type {
        self.type_of(self.ast.root.id)
    }

    /// What a name or a call means.
    pub fn reference(&self, id: ExprId) -> Option<&Reference> {
        self.references.get(id as usize)?.as_ref()
    }

    /// Candidate overloads of a call.
    pub fn overloads(&self, id: ExprId) -> &[u32] {
        if let Some(Reference::Overloads(overloads)) = self.reference(id) { overloads } else { &[] }
    }
}
