//! The type checker: names are looked up, calls get their candidate overloads, every node gets a type.

mod aggregates;
mod bindings;
mod calls;
mod format;
mod literals;
mod names;

use bindings::{Bindings, is_too_large};
use names::{Resolved, Scope, dotted};

use crate::ast::{Ast, Comprehension, Expr, ExprId, ExprKind, Literal, Span};
use crate::decl::Env;
use crate::issues::Issues;
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

/// Checks an expression: every name must be declared, every call must have an overload for the types of its
/// arguments, and literals of durations, timestamps, patterns and format strings must be valid where the
/// environment says so.
///
/// All errors are collected, in the words of cel-go.
pub fn check(env: &Env, mut ast: Ast) -> Result<Checked, Issues> {
    let mut checker = Checker {
        env,
        scope: Scope::new(env),
        issues: Issues::new(&ast.source),
        spans: &ast.spans,
        types: vec![None; ast.spans.len()],
        references: vec![None; ast.spans.len()],
        bindings: Bindings::default(),
        depth: 0,
    };
    checker.check(&mut ast.root);
    if checker.bindings.exhausted {
        // What was found since a limit was met means nothing.
        let mut issues = Issues::new(&ast.source);
        issues.report_whole(TOO_COMPLEX);
        return Err(issues);
    }
    let Checker { mut issues, types, references, mut bindings, .. } = checker;
    let types = types.into_iter().map(|of| of.map_or(Type::Dyn, |of| bindings.substitute(&of, true))).collect();
    if bindings.exhausted {
        issues.report_whole(TOO_COMPLEX);
    }
    let checked = issues.or(Checked { ast, types, references })?;
    let mut issues = Issues::new(&checked.ast.source);
    literals::validate(env, &checked, &mut issues);
    issues.or(checked)
}

struct Checker<'e, 'a> {
    env: &'e Env,
    scope: Scope<'e>,
    issues: Issues,
    spans: &'a [Span],
    types: Vec<Option<Type>>,
    references: Vec<Option<Reference>>,
    bindings: Bindings,
    depth: u32,
}

impl Checker<'_, '_> {
    fn check(&mut self, expr: &mut Expr) {
        if self.bindings.exhausted {
            return;
        }
        if self.depth >= DEPTH_MAX {
            self.report(expr.id, TOO_DEEP);
            return self.set_type(expr.id, Type::Error);
        }
        self.depth += 1;
        match &mut expr.kind {
            ExprKind::Literal(literal) => {
                let of = type_of_literal(literal);
                self.set_type(expr.id, of);
            }
            ExprKind::Ident(_) => self.check_ident(expr),
            ExprKind::Select(_) => self.check_select(expr),
            ExprKind::Call(_) => self.check_call(expr),
            ExprKind::List(list) => self.check_list(expr.id, list),
            ExprKind::Map(entries) => self.check_map(expr.id, entries),
            ExprKind::Struct(literal) => self.check_struct(expr.id, literal),
            ExprKind::Comprehension(comprehension) => self.check_comprehension(expr.id, comprehension),
        }
        self.depth -= 1;
    }

    fn check_ident(&mut self, expr: &mut Expr) {
        let ExprKind::Ident(name) = &expr.kind else { return };
        match self.scope.simple(name) {
            Some(found) => self.name(expr, found),
            None => {
                let message = self.undeclared(name);
                self.report(expr.id, message);
                self.set_type(expr.id, Type::Error);
            }
        }
    }

    fn check_select(&mut self, expr: &mut Expr) {
        if let ExprKind::Select(select) = &expr.kind
            && !select.test_only
            && let Some((path, ends)) = dotted(expr)
        {
            let found = self.scope.qualified(&path, &ends);
            return self.check_path(expr, ends.len(), found);
        }
        let ExprKind::Select(select) = &mut expr.kind else { return };
        let mut of = self.select(expr.id, &mut select.operand, &select.field, false);
        if select.test_only {
            of = Type::Bool;
        }
        self.set_type(expr.id, of);
    }

    /// Checks a name with this many segments, of which some are one declared name.
    fn check_path(&mut self, expr: &mut Expr, segments: usize, found: Option<(usize, Resolved)>) {
        match found {
            Some((named, found)) if named == segments => self.name(expr, found),
            found => {
                let ExprKind::Select(select) = &mut expr.kind else { return self.check_ident(expr) };
                self.check_path(&mut select.operand, segments - 1, found);
                let operand = self.type_of(select.operand.id);
                let of = self.field_of(expr.id, operand, &select.field, false);
                self.set_type(expr.id, of);
            }
        }
    }

    /// Makes a node the name that it was found to be.
    fn name(&mut self, expr: &mut Expr, found: Resolved) {
        self.set_type(expr.id, found.of);
        self.set_reference(expr.id, found.reference);
        expr.kind = ExprKind::Ident(found.name);
    }

    fn select(&mut self, id: ExprId, operand: &mut Expr, field: &str, optional: bool) -> Type {
        self.check(operand);
        let operand = self.type_of(operand.id);
        self.field_of(id, operand, field, optional)
    }

    /// Type of `operand.field` or, if optional, `operand.?field`.
    fn field_of(&mut self, id: ExprId, operand: Type, field: &str, optional: bool) -> Type {
        let operand = self.bindings.substitute(&operand, false);
        let (target, was_optional) = unwrap_optional(&operand);
        let result = match target {
            Type::Map(_, value) => (**value).clone(),
            Type::Struct(name) => self.field_type(id, name, field),
            // kube-apiserver declares its own types as messages of which nobody knows the fields.
            Type::Opaque(name) if name.starts_with("kubernetes.") => self.field_type(id, name, field),
            Type::Var(_) => {
                self.bindings.assignable(&Type::Dyn, target);
                Type::Dyn
            }
            Type::Dyn | Type::Param(_) | Type::Error => Type::Dyn,
            other => {
                self.report(id, format!("type '{other}' does not support field selection"));
                Type::Dyn
            }
        };
        let result = self.bindings.substitute(&result, false);
        if was_optional || optional { Type::optional(result) } else { result }
    }

    fn field_type(&mut self, id: ExprId, name: &str, field: &str) -> Type {
        let Some(types) = self.env.types.as_ref().filter(|types| types.has(name)) else {
            self.report(id, format!("unexpected failed resolution of '{name}'"));
            return Type::Error;
        };
        types.field(name, field).unwrap_or_else(|| {
            self.report(id, format!("undefined field '{field}'"));
            Type::Error
        })
    }

    fn check_comprehension(&mut self, id: ExprId, comprehension: &mut Comprehension) {
        let Comprehension { var, var2, range, accu, init, condition, step, result } = comprehension;
        self.check(range);
        self.check(init);
        let range_type = self.type_of(range.id);
        let range_type = self.bindings.substitute(&range_type, false);
        let accu_type = self.type_of(init.id);
        let outer = self.scope.depth();
        self.scope.push(accu, accu_type.clone());
        let inner = self.scope.depth();
        let (first, second) = self.element_types(range.id, &range_type, var2.is_some());
        // A name given twice keeps its first meaning.
        if let Some(var2) = var2.as_ref().filter(|var2| *var2 != var) {
            self.scope.push(var2, second);
        }
        self.scope.push(var, first);
        self.check(condition);
        self.expect(condition.id, &Type::Bool);
        self.check(step);
        self.expect(step.id, &accu_type);
        self.scope.leave(inner);
        self.check(result);
        self.scope.leave(outer);
        let of = self.type_of(result.id);
        let of = self.bindings.substitute(&of, false);
        self.set_type(id, of);
    }

    /// Types of the first and the second variable of a walk through something.
    fn element_types(&mut self, id: ExprId, range: &Type, two: bool) -> (Type, Type) {
        match range {
            Type::List(element) if two => (Type::Int, (**element).clone()),
            Type::List(element) => ((**element).clone(), Type::Error),
            Type::Map(key, value) => ((**key).clone(), (**value).clone()),
            Type::Dyn | Type::Param(_) | Type::Error | Type::Var(_) => {
                self.bindings.assignable(&Type::Dyn, range);
                (Type::Dyn, Type::Dyn)
            }
            other => {
                let message = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.report(id, message);
                (Type::Error, Type::Error)
            }
        }
    }

    fn expect(&mut self, id: ExprId, wanted: &Type) {
        let found = self.type_of(id);
        if !self.bindings.assignable(wanted, &found) {
            self.report(id, format!("expected type '{wanted}' but found '{found}'"));
        }
    }

    fn undeclared(&self, name: &str) -> String {
        format!("undeclared reference to '{name}' (in container '{}')", self.env.container)
    }

    fn report(&mut self, id: ExprId, message: impl Into<String>) {
        let span = self.spans.get(id as usize).copied().unwrap_or_default();
        self.issues.report(span, message);
    }

    fn type_of(&self, id: ExprId) -> Type {
        self.types.get(id as usize).and_then(Clone::clone).unwrap_or(Type::Error)
    }

    fn set_type(&mut self, id: ExprId, of: Type) {
        let of = if is_too_large(&of) {
            self.bindings.exhausted = true;
            Type::Error
        } else {
            of
        };
        if let Some(slot) = self.types.get_mut(id as usize) {
            *slot = Some(of);
        }
    }

    fn set_reference(&mut self, id: ExprId, reference: Reference) {
        if let Some(slot) = self.references.get_mut(id as usize) {
            *slot = Some(reference);
        }
    }
}

fn unwrap_optional(of: &Type) -> (&Type, bool) {
    if let Type::Optional(inner) = of { (inner, true) } else { (of, false) }
}

fn type_of_literal(literal: &Literal) -> Type {
    match literal {
        Literal::Null => Type::Null,
        Literal::Bool(_) => Type::Bool,
        Literal::Int(_) => Type::Int,
        Literal::Uint(_) => Type::Uint,
        Literal::Double(_) => Type::Double,
        Literal::Str(_) => Type::String,
        Literal::Bytes(_) => Type::Bytes,
    }
}

/// Levels of a tree. The deepest tree that the parser's limits allow has some 1,250: 250 nested macros of
/// five levels each.
const DEPTH_MAX: u32 = 1_500;

const TOO_DEEP: &str = "expression is nested too deeply to be checked";
const TOO_COMPLEX: &str = "the types of the expression are too complex to be checked";

#[cfg(test)]
pub(crate) mod tests;
