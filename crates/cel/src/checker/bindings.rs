//! What type variables stand for, and whether one type may be used where another is wanted.

use std::sync::Arc;

use crate::types::Type;

/// What the type variables of one expression stand for.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    /// By number of the variable.
    bound: Vec<Option<Type>>,
    /// Earlier values of variables that were bound since the last mark, to take them back.
    trail: Vec<(u32, Option<Type>)>,
    /// Steps so far.
    steps: u32,
    /// Set once a limit was met; answers given since then mean nothing.
    pub(super) exhausted: bool,
}

impl Bindings {
    /// A new variable.
    pub(super) fn fresh(&mut self) -> Type {
        let number = u32::try_from(self.bound.len()).unwrap_or(u32::MAX);
        self.bound.push(None);
        Type::Var(number)
    }

    /// The type with its parameters replaced by variables; `names` remembers which.
    pub(super) fn instantiate(&mut self, of: &Type, names: &mut Vec<(Arc<str>, Type)>) -> Type {
        match of {
            Type::Param(name) => {
                if let Some((_, var)) = names.iter().find(|(known, _)| known == name) {
                    return var.clone();
                }
                let var = self.fresh();
                names.push((name.clone(), var.clone()));
                var
            }
            Type::List(element) => Type::list(self.instantiate(element, names)),
            Type::Map(key, value) => Type::map(self.instantiate(key, names), self.instantiate(value, names)),
            Type::Optional(inner) => Type::optional(self.instantiate(inner, names)),
            Type::Type(inner) => Type::of(self.instantiate(inner, names)),
            _ => of.clone(),
        }
    }

    /// Whether `from` may be used as `to`. Variables are bound if so, and left alone if not.
    pub(super) fn assignable(&mut self, from: &Type, to: &Type) -> bool {
        self.attempt(|bindings| bindings.unify(from, to, 0))
    }

    /// [`assignable`](Self::assignable) for arguments and parameters.
    pub(super) fn all_assignable(&mut self, from: &[Type], to: &[Type]) -> bool {
        from.len() == to.len() && self.attempt(|bindings| from.iter().zip(to).all(|(a, b)| bindings.unify(a, b, 0)))
    }

    /// The type with bound variables replaced. Free ones become `dyn` if `close` says so.
    pub(super) fn substitute(&mut self, of: &Type, close: bool) -> Type {
        if is_closed(of) {
            return of.clone();
        }
        let mut left = TYPE_SIZE_MAX;
        let result = self.replace(of, close, 0, &mut left);
        if left == 0 {
            self.exhausted = true;
        }
        result
    }

    fn attempt(&mut self, unify: impl FnOnce(&mut Self) -> bool) -> bool {
        let mark = self.trail.len();
        let done = unify(self);
        if !done {
            for (number, before) in self.trail.drain(mark..).rev() {
                if let Some(slot) = self.bound.get_mut(number as usize) {
                    *slot = before;
                }
            }
        }
        self.trail.truncate(mark);
        done
    }

    fn replace(&self, of: &Type, close: bool, depth: u32, left: &mut u32) -> Type {
        if depth > TYPE_DEPTH_MAX || *left == 0 {
            *left = 0;
            return Type::Error;
        }
        *left -= 1;
        let mut inner = |part: &Arc<Type>| {
            if is_closed(part) { part.clone() } else { Arc::new(self.replace(part, close, depth + 1, left)) }
        };
        match of {
            Type::Var(number) => match self.binding(*number) {
                Some(bound) => self.replace(bound, close, depth + 1, left),
                None if close => Type::Dyn,
                None => of.clone(),
            },
            Type::Param(_) if close => Type::Dyn,
            Type::List(element) => Type::List(inner(element)),
            Type::Map(key, value) => Type::Map(inner(key), inner(value)),
            Type::Optional(part) => Type::Optional(inner(part)),
            Type::Type(part) => Type::Type(inner(part)),
            _ => of.clone(),
        }
    }

    fn binding(&self, number: u32) -> Option<&Type> {
        self.bound.get(number as usize)?.as_ref()
    }

    fn bind(&mut self, number: u32, to: Type) {
        if let Some(slot) = self.bound.get_mut(number as usize) {
            let before = slot.replace(to);
            self.trail.push((number, before));
        }
    }

    /// Counts a step; false at the end of the budget.
    fn step(&mut self, depth: u32) -> bool {
        self.steps = self.steps.saturating_add(1);
        if depth > TYPE_DEPTH_MAX || self.steps > STEPS_MAX {
            self.exhausted = true;
        }
        !self.exhausted
    }

    fn unify(&mut self, from: &Type, to: &Type, depth: u32) -> bool {
        if !self.step(depth) {
            return false;
        }
        if let Type::Var(number) = to {
            match self.substitutes(from, *number, depth) {
                (true, _) => return true,
                (false, true) => return false,
                (false, false) => {}
            }
        }
        if let Type::Var(number) = from {
            return self.substitutes(to, *number, depth).0;
        }
        if is_dyn(from) || is_dyn(to) || *from == Type::Error || *to == Type::Error {
            return true;
        }
        match (from, to) {
            (Type::Null, other) | (other, Type::Null) => is_nullable(other),
            (Type::Type(_), Type::Type(_)) => true,
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => self.unify(a, b, depth + 1),
            (Type::Map(ka, va), Type::Map(kb, vb)) => self.unify(ka, kb, depth + 1) && self.unify(va, vb, depth + 1),
            _ => unwrapped(from) == unwrapped(to),
        }
    }

    /// Whether `of` may stand for a variable, and whether something stood for it before.
    fn substitutes(&mut self, of: &Type, number: u32, depth: u32) -> (bool, bool) {
        if *of == Type::Var(number) {
            return (true, true);
        }
        let Some(bound) = self.binding(number).cloned() else {
            let free = self.is_free(number, of, depth);
            if free {
                self.bind(number, of.clone());
            }
            return (free, false);
        };
        if is_exactly(of, &bound) {
            return (true, true);
        }
        if !self.unify(of, &bound, depth + 1) {
            return (false, true);
        }
        let general = most_general(of, &bound).clone();
        if self.is_free(number, &general, depth) {
            self.bind(number, general);
        }
        (true, true)
    }

    /// Whether a variable is not part of a type, directly or through what other variables stand for.
    fn is_free(&mut self, number: u32, within: &Type, depth: u32) -> bool {
        if !self.step(depth) {
            return false;
        }
        match within {
            Type::Var(other) => {
                *other != number
                    && match self.binding(*other).cloned() {
                        Some(bound) => self.is_free(number, &bound, depth + 1),
                        None => true,
                    }
            }
            Type::List(part) | Type::Optional(part) | Type::Type(part) => self.is_free(number, part, depth + 1),
            Type::Map(key, value) => self.is_free(number, key, depth + 1) && self.is_free(number, value, depth + 1),
            _ => true,
        }
    }
}

/// Whether a type is known at run time only.
pub(super) fn is_dyn(of: &Type) -> bool {
    matches!(of, Type::Dyn | Type::Param(_))
}

/// Whether two types are the same; a wrapper is the same as what it wraps.
pub(super) fn is_exactly(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) | (Type::Type(a), Type::Type(b)) => {
            is_exactly(a, b)
        }
        (Type::Map(ka, va), Type::Map(kb, vb)) => is_exactly(ka, kb) && is_exactly(va, vb),
        _ => unwrapped(a) == unwrapped(b),
    }
}

/// The more general of two types that agree.
pub(super) fn most_general<'t>(a: &'t Type, b: &'t Type) -> &'t Type {
    if is_less_specific(a, b) { a } else { b }
}

/// Whether a type has more parts than any expression of a person has, or is deeper.
pub(super) fn is_too_large(of: &Type) -> bool {
    fn count(of: &Type, depth: u32, left: &mut u32) -> bool {
        if depth > TYPE_DEPTH_MAX || *left == 0 {
            return false;
        }
        *left -= 1;
        match of {
            Type::List(part) | Type::Optional(part) | Type::Type(part) => count(part, depth + 1, left),
            Type::Map(key, value) => count(key, depth + 1, left) && count(value, depth + 1, left),
            _ => true,
        }
    }
    !count(of, 0, &mut { TYPE_SIZE_MAX })
}

/// Whether `a` is `b` or says less than `b`.
fn is_less_specific(a: &Type, b: &Type) -> bool {
    if is_dyn(a) || matches!(a, Type::Var(_)) {
        return true;
    }
    match (a, b) {
        (_, Type::Dyn | Type::Param(_) | Type::Var(_)) => false,
        (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => is_less_specific(a, b),
        (Type::Map(ka, va), Type::Map(kb, vb)) => is_less_specific(ka, kb) && is_less_specific(va, vb),
        (Type::Type(_), Type::Type(_)) => true,
        _ => unwrapped(a) == unwrapped(b),
    }
}

/// Whether null may be used where a type is wanted.
pub(super) fn is_nullable(of: &Type) -> bool {
    matches!(
        of,
        Type::Null
            | Type::Wrapper(_)
            | Type::Opaque(_)
            | Type::Optional(_)
            | Type::Struct(_)
            | Type::Duration
            | Type::Timestamp
    )
}

fn unwrapped(of: &Type) -> &Type {
    if let Type::Wrapper(inner) = of { inner } else { of }
}

/// Whether there is no variable and no parameter in a type.
fn is_closed(of: &Type) -> bool {
    match of {
        Type::Var(_) | Type::Param(_) => false,
        Type::List(part) | Type::Optional(part) | Type::Type(part) => is_closed(part),
        Type::Map(key, value) => is_closed(key) && is_closed(value),
        _ => true,
    }
}

/// Parts of one type. Types of people's expressions have fewer than twenty; `cel.bind` lets a short
/// expression double the size of a type with every line.
const TYPE_SIZE_MAX: u32 = 1_000;

/// Levels of one type, so that walks over types need little stack. The parser allows 250 brackets.
const TYPE_DEPTH_MAX: u32 = 300;

/// Steps of comparing types for one expression: some hundred times what the longest policies of the field
/// need, and a fraction of a second.
const STEPS_MAX: u32 = 20_000_000;
