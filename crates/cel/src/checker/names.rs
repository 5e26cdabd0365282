//! What names mean: variables of comprehensions, then what the environment declares, from the container
//! outwards.

use std::borrow::Cow;
use std::sync::Arc;

use crate::ast::{Expr, ExprKind};
use crate::checker::Reference;
use crate::decl::Env;
use crate::types::Type;
use crate::value::Value;

/// A name that was found.
pub(super) struct Resolved {
    /// Its full name. With a leading dot if a variable of a comprehension hides it.
    pub(super) name: Arc<str>,
    /// Its type.
    pub(super) of: Type,
    /// What it is.
    pub(super) reference: Reference,
}

impl Resolved {
    fn local(name: &Arc<str>, of: &Type) -> Resolved {
        Resolved { name: name.clone(), of: of.clone(), reference: Reference::Local }
    }
}

/// Names that may be used at some place of an expression.
pub(super) struct Scope<'e> {
    env: &'e Env,
    /// Variables of the comprehensions around, innermost last.
    locals: Vec<(Arc<str>, Type)>,
}

impl<'e> Scope<'e> {
    pub(super) fn new(env: &'e Env) -> Self {
        Scope { env, locals: Vec::new() }
    }

    /// Adds a variable of a comprehension.
    pub(super) fn push(&mut self, name: &Arc<str>, of: Type) {
        self.locals.push((name.clone(), of));
    }

    /// Leaves a scope that began when [`depth`](Self::depth) was `depth`.
    pub(super) fn leave(&mut self, depth: usize) {
        self.locals.truncate(depth);
    }

    /// How many variables of comprehensions there are.
    pub(super) fn depth(&self) -> usize {
        self.locals.len()
    }

    /// What a name without dots means.
    pub(super) fn simple(&self, name: &str) -> Option<Resolved> {
        if !self.env.syntax.strict_scopes {
            return candidates(&self.env.container, name).find_map(|candidate| {
                let local = self.local(&candidate).map(|(name, of)| Resolved::local(name, of));
                local.or_else(|| self.declared(candidate.as_ref()))
            });
        }
        let local = self.local(name);
        match local {
            Some((local, of)) if !name.starts_with('.') => Some(Resolved::local(local, of)),
            _ => self.global(name, local.is_some()),
        }
    }

    /// What the longest part of a dotted name means, of two segments or more; `ends` are where its parts end,
    /// the shortest first. Answers the number of segments.
    pub(super) fn qualified(&self, path: &str, ends: &[usize]) -> Option<(usize, Resolved)> {
        let first = path.get(..*ends.first()?)?;
        let hidden = self.env.syntax.strict_scopes && self.local(first).is_some();
        if hidden && !first.starts_with('.') {
            return None;
        }
        let parts = ends.iter().enumerate().skip(1).rev();
        for (index, end) in parts {
            if let Some(found) = path.get(..*end).and_then(|part| self.global(part, hidden)) {
                return Some((index + 1, found));
            }
        }
        None
    }

    /// The full name of a function.
    pub(super) fn function(&self, name: &str) -> Option<&'e Arc<str>> {
        candidates(&self.env.container, name)
            .find_map(|candidate| self.env.functions.get_key_value(&*candidate).map(|(name, _)| name))
    }

    /// The full name of a type and the type.
    pub(super) fn type_named(&self, name: &str) -> Option<(Arc<str>, Type)> {
        candidates(&self.env.container, name)
            .find_map(|candidate| self.type_exactly(&candidate).map(|of| (candidate.as_ref().into(), of)))
    }

    fn local(&self, name: &str) -> Option<&(Arc<str>, Type)> {
        let name = name.strip_prefix('.').unwrap_or(name);
        self.locals.iter().rev().find(|(local, _)| **local == *name)
    }

    /// What the environment declares under a name; with a leading dot in its full name if it is hidden.
    fn global(&self, name: &str, hidden: bool) -> Option<Resolved> {
        let mut found = candidates(&self.env.container, name).find_map(|candidate| self.declared(&candidate))?;
        if hidden {
            found.name = format!(".{}", found.name).into();
        }
        Some(found)
    }

    fn declared(&self, name: &str) -> Option<Resolved> {
        let found = |of: &Type, reference| Some(Resolved { name: name.into(), of: of.clone(), reference });
        if let Some((slot, of)) = self.env.variable(name) {
            return found(of, Reference::Variable(slot));
        }
        if let Some(of) = Type::standard(name) {
            // As a value, `type` is the type of all types; messages call its own type `type(type)`.
            let inner = if matches!(of, Type::Type(_)) { Type::opaque("type") } else { of.clone() };
            return found(&Type::of(inner), Reference::Constant(Value::Type(Arc::new(of))));
        }
        if let Some((of, value)) = self.env.constants.get(name) {
            return found(of, Reference::Constant(value.clone()));
        }
        let of = self.type_exactly(name)?;
        found(&Type::of(of.clone()), Reference::Constant(Value::Type(Arc::new(of))))
    }

    fn type_exactly(&self, name: &str) -> Option<Type> {
        if let Some(of) = Type::standard(name) {
            return Some(of);
        }
        if let Some((Type::Type(of), _)) = self.env.constants.get(name) {
            return Some((**of).clone());
        }
        let known = self.env.types.as_ref().is_some_and(|types| types.has(name));
        known.then(|| Type::well_known(name).unwrap_or_else(|| Type::object(name)))
    }
}

/// `a.b.c` as text, and where `a`, `a.b` and `a.b.c` end; nothing if it is not made of names alone.
pub(super) fn dotted(expr: &Expr) -> Option<(String, Vec<usize>)> {
    let mut fields = Vec::new();
    let mut at = expr;
    let mut path = loop {
        match &at.kind {
            ExprKind::Ident(name) => break name.to_string(),
            ExprKind::Select(select) if !select.test_only => {
                fields.push(&*select.field);
                at = &select.operand;
            }
            _ => return None,
        }
    };
    let mut ends = vec![path.len()];
    for field in fields.into_iter().rev() {
        path.push('.');
        path.push_str(field);
        ends.push(path.len());
    }
    Some((path, ends))
}

/// The full names that a name may have inside a container, in the order in which C++ looks for them.
fn candidates<'n>(container: &'n str, name: &'n str) -> impl Iterator<Item = Cow<'n, str>> {
    let (container, name) = match name.strip_prefix('.') {
        Some(absolute) => ("", absolute),
        None => (container, name),
    };
    let first = (!container.is_empty()).then_some(container);
    std::iter::successors(first, |prefix| prefix.rfind('.').and_then(|dot| prefix.get(..dot)))
        .map(move |prefix| Cow::Owned(format!("{prefix}.{name}")))
        .chain(std::iter::once(Cow::Borrowed(name)))
}
