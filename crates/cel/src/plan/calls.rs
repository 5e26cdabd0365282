//! Calls: operators that have a step of their own, and all others.

use std::cmp::Ordering;
use std::sync::Arc;

use super::build::{Builder, candidates, dotted, uncharged};
use super::{Call, In, InSet, Kind, Let, Matches, Node, Order, Price, Set, Target, constants};
use crate::ast::{self, Expr, ExprKind};
use crate::context::{BUDGET_DEFAULT, Context};
use crate::decl::Overload;
use crate::fault::Fault;
use crate::library::pattern::Pattern;
use crate::standard;
use crate::value::Value;

// === impl Builder ===

impl Builder<'_> {
    /// A call.
    pub(super) fn call(&mut self, expr: &Expr, call: &ast::Call) -> Result<Kind, Fault> {
        match (&*call.function, &*call.args) {
            ("_[_]", args) => return self.index(expr, args, false),
            ("_?._" | "_[?_]", args) => return self.index(expr, args, true),
            ("cel.@block", [slots, body]) => return self.block(slots, body),
            _ => {}
        }
        let (name, target) = self.function(expr, call);
        let mut args = Vec::with_capacity(call.args.len() + 1);
        for arg in target.into_iter().chain(&call.args) {
            args.push(self.node(arg)?);
        }
        let args = match <[Node; 3]>::try_from(args) {
            Ok([mut condition, mut then, mut otherwise]) if &*name == "_?_:_" => {
                uncharged(&mut then);
                uncharged(&mut otherwise);
                _ = &mut condition;
                return Ok(Kind::Conditional(Box::new([condition, then, otherwise])));
            }
            Ok(args) => args.into(),
            Err(args) => args,
        };
        let overloads = self.overloads(expr, &name);
        let single = if let [overload] = &*overloads { Some(overload.id) } else { None };
        let args = match <[Node; 2]>::try_from(args) {
            Ok(args) => match binary(&name, single, args, self.env.rules.unoptimised)? {
                Ok(kind) => return Ok(kind),
                Err(args) => args.into(),
            },
            Err(args) => args,
        };
        let args = match <[Node; 1]>::try_from(args) {
            Ok([arg]) => match &*name {
                "!_" => return Ok(Kind::Not(Box::new(arg))),
                "@not_strictly_false" | "__not_strictly_false__" => {
                    return Ok(Kind::NotStrictlyFalse(Box::new(arg)));
                }
                _ => vec![arg],
            },
            Err(args) => args,
        };
        self.ordinary(name, args, overloads, single)
    }

    fn ordinary(
        &mut self,
        name: Arc<str>,
        args: Vec<Node>,
        overloads: Vec<Overload>,
        single: Option<&'static str>,
    ) -> Result<Kind, Fault> {
        let searches = searches_constant(&name, &args)?;
        let singleton = standard::singleton(&name);
        // As in cel-go's plan: what is dispatched by types, formats or has a constant pattern.
        let in_sequence = singleton.is_none() && single.is_none_or(|id| id == "string_format") || searches;
        let target = match (singleton, &*overloads) {
            (Some(run), _) => Target::Any(run),
            (None, [overload]) if searches => Target::Any(overload.run),
            (None, [_]) => Target::Overloads(overloads.into()),
            (None, _) => {
                // A function that nobody knows is an error when it is called, which `||` may absorb.
                let all = self.env.functions.get(&name).map(|function| function.overloads.clone()).unwrap_or_default();
                Target::Overloads(all.into())
            }
        };
        let folds = !self.env.rules.unoptimised && standard::is_conversion(&name) && args.len() == 1;
        let call = Call { args: args.into(), target, in_sequence, price: Price::of(&name, single), name };
        if folds && let [Node { kind: Kind::Const(value), .. }] = &*call.args {
            let mut context = Context::new(BUDGET_DEFAULT);
            return Ok(Kind::Const(call.target.run(&call.name, &mut context, std::slice::from_ref(value))?));
        }
        Ok(Kind::Call(Box::new(call)))
    }

    /// Name of the function, and its receiver unless that is part of the name.
    fn function<'e>(&self, expr: &Expr, call: &'e ast::Call) -> (Arc<str>, Option<&'e Expr>) {
        let known = |name: &String| self.env.functions.contains_key(name.as_str());
        if self.checked.is_some_and(|checked| checked.reference(expr.id).is_some()) {
            return (call.function.clone(), call.target.as_ref());
        }
        let container = &self.env.container;
        match &call.target {
            None => {
                let found = candidates(container, &call.function).into_iter().find(known);
                let name = found.map_or_else(|| call.function.trim_start_matches('.').into(), Arc::from);
                (name, None)
            }
            Some(target) => {
                if let Some(prefix) = dotted(target) {
                    let name = format!("{prefix}.{}", call.function);
                    if let Some(name) = candidates(container, &name).into_iter().find(known) {
                        return (name.into(), None);
                    }
                }
                (call.function.clone(), Some(target))
            }
        }
    }

    /// Candidates that the checker has found.
    fn overloads(&self, expr: &Expr, name: &str) -> Vec<Overload> {
        let Some(checked) = self.checked else { return Vec::new() };
        let Some(function) = self.env.functions.get(name) else { return Vec::new() };
        checked.overloads(expr.id).iter().filter_map(|index| function.overloads.get(*index as usize).cloned()).collect()
    }

    /// `cel.block([a, b], body)`, in which `@index0` is `a`.
    fn block(&mut self, slots: &Expr, body: &Expr) -> Result<Kind, Fault> {
        let ExprKind::List(list) = &slots.kind else {
            return Err(Fault::error("cel.@block expects a list constructor as the first argument"));
        };
        let first = self.scope.slots();
        for _ in &list.elements {
            self.scope.slot();
        }
        let slots = first..self.scope.slots();
        for (index, (item, slot)) in list.elements.iter().zip(slots.clone()).enumerate() {
            let node = Arc::new(self.node(item)?);
            self.scope.enter(&format!("@index{index}").into(), slot, Some(node));
        }
        let body = self.node(body);
        self.scope.leave(list.elements.len());
        Ok(Kind::Let(Box::new(Let { slots, body: body?, cost: 0 })))
    }
}

/// An operator of two operands that has a step of its own, or the operands back.
fn binary(
    name: &str,
    single: Option<&'static str>,
    args: [Node; 2],
    unoptimised: bool,
) -> Result<Result<Kind, [Node; 2]>, Fault> {
    let price = Price::of(name, single);
    let order = |args, name, accepts| Kind::Order(Box::new(Order { args, name, accepts, price }));
    let kind = match name {
        "_&&_" => Kind::And(Box::new(args)),
        "_||_" => Kind::Or(Box::new(args)),
        "_==_" => Kind::Equal(Box::new(args)),
        "_!=_" => Kind::NotEqual(Box::new(args)),
        "_<_" => order(args, "_<_", Ordering::is_lt),
        "_<=_" => order(args, "_<=_", Ordering::is_le),
        "_>_" => order(args, "_>_", Ordering::is_gt),
        "_>=_" => order(args, "_>=_", Ordering::is_ge),
        "@in" | "_in_" | "in" if unoptimised => Kind::In(Box::new(In { args, price })),
        "@in" | "_in_" | "in" => membership(args, single, price),
        "or" if single.is_none_or(|id| id == "optional_or_optional") => Kind::OptionalOr(Box::new(args)),
        "orValue" if single.is_none_or(|id| id == "optional_orValue_value") => Kind::OptionalOrValue(Box::new(args)),
        "matches" => match &args[1].kind {
            Kind::Const(Value::Str(pattern)) if !unoptimised => {
                let regex = Pattern::new(pattern.as_str()).map_err(|refusal| refusal.fault(""))?;
                Kind::Matches(Box::new(Matches { args, regex, price }))
            }
            _ => return Ok(Err(args)),
        },
        _ => return Ok(Err(args)),
    };
    Ok(Ok(kind))
}

/// Whether it is a search for a constant pattern. One with a mistake is an error before anything runs.
fn searches_constant(name: &str, args: &[Node]) -> Result<bool, Fault> {
    let ("find" | "findAll", Some(Kind::Const(Value::Str(pattern)))) = (name, args.get(1).map(|arg| &arg.kind)) else {
        return Ok(false);
    };
    Pattern::cached(pattern.as_str()).map_err(|refusal| refusal.fault(""))?;
    Ok(true)
}

/// `x in y`. A list of constants is made a set, and then costs nothing, as in cel-go's plan.
fn membership(args: [Node; 2], single: Option<&'static str>, price: Price) -> Kind {
    if single == Some("in_list")
        && let Some(Value::List(list)) = constants::constant(&args[1])
    {
        if list.is_empty() {
            return Kind::Const(Value::Bool(false));
        }
        if let Some(set) = Set::of(&list) {
            let [item, _] = args;
            return Kind::InSet(Box::new(InSet { item, set }));
        }
    }
    Kind::In(Box::new(In { args, price }))
}

// === impl Target ===

impl Target {
    /// Calls it.
    #[inline]
    pub(crate) fn run<'v>(
        &self,
        name: &str,
        context: &mut Context<'_>,
        args: &[Value<'v>],
    ) -> Result<Value<'v>, Fault> {
        match self {
            Target::Any(run) => run(context, args),
            Target::Overloads(overloads) => match overloads.iter().find(|overload| overload.accepts(args)) {
                Some(overload) => (overload.run)(context, args),
                None => Err(standard::no_such_overload(name, args)),
            },
        }
    }
}
