//! Comprehensions. What the standard macros become is recognised by its shape and runs as a loop.

use std::sync::Arc;

use super::build::Builder;
use super::{Collect, Fold, Into, Kind, Let, LoopVars, Node, Quantifier, Which};
use crate::ast::{Call, Comprehension, Expr, ExprKind, Literal};
use crate::fault::Fault;

// === impl Builder ===

impl Builder<'_> {
    /// A comprehension.
    pub(super) fn comprehension(&mut self, fold: &Comprehension) -> Result<Kind, Fault> {
        if is_bind(fold) {
            return self.bind(fold);
        }
        let range = self.node(&fold.range)?;
        if let Some(kind) = self.quantifier(fold) {
            let (which, predicate) = kind;
            let (vars, count) = self.enter_loop(fold);
            let predicate = self.node(predicate);
            self.scope.leave(count);
            return Ok(Kind::Quantifier(Box::new(Quantifier { range, vars, predicate: predicate?, which })));
        }
        if let Some(shape) = collecting(fold) {
            let (vars, count) = self.enter_loop(fold);
            let filter = shape.filter.map(|filter| self.node(filter)).transpose();
            let into = self.into(&shape);
            self.scope.leave(count);
            let init_cost = match shape.what {
                _ if !self.env.rules.unoptimised => 0,
                What::List(..) => LIST_COST,
                What::Entry(..) | What::Entries(..) => MAP_COST,
            };
            return Ok(Kind::Collect(Box::new(Collect { range, vars, filter: filter?, into: into?, init_cost })));
        }
        self.fold(fold, range)
    }

    fn bind(&mut self, fold: &Comprehension) -> Result<Kind, Fault> {
        let init = Arc::new(self.node(&fold.init)?);
        let slot = self.scope.slot();
        self.scope.enter(&fold.accu, slot, Some(init));
        let body = self.node(&fold.result);
        self.scope.leave(1);
        let cost = if self.env.rules.unoptimised { LIST_COST } else { 0 };
        Ok(Kind::Let(Box::new(Let { slots: slot..slot + 1, body: body?, cost })))
    }

    fn fold(&mut self, fold: &Comprehension, range: Node) -> Result<Kind, Fault> {
        let init = Arc::new(self.node(&fold.init)?);
        let accu = self.scope.slot();
        self.scope.enter(&fold.accu, accu, Some(init));
        let (vars, count) = self.enter_loop(fold);
        let condition = self.node(&fold.condition);
        let step = self.node(&fold.step);
        self.scope.leave(count);
        let result = self.node(&fold.result);
        self.scope.leave(1);
        let fold = Fold { range, vars, accu, condition: condition?, step: step?, result: result? };
        Ok(Kind::Fold(Box::new(fold)))
    }

    fn enter_loop(&mut self, fold: &Comprehension) -> (LoopVars, usize) {
        let first = self.scope.slot();
        self.scope.enter(&fold.var, first, None);
        let Some(name) = &fold.var2 else { return (LoopVars { first, second: None }, 1) };
        let second = self.scope.slot();
        self.scope.enter(name, second, None);
        (LoopVars { first, second: Some(second) }, 2)
    }

    fn quantifier<'e>(&self, fold: &'e Comprehension) -> Option<(Which, &'e Expr)> {
        let accu = &*fold.accu;
        if is_ident(&fold.result, accu) {
            let [condition] = arguments(&fold.condition, "@not_strictly_false")? else { return None };
            if is_true(&fold.init) && is_ident(condition, accu) {
                let [first, predicate] = arguments(&fold.step, "_&&_")? else { return None };
                return is_ident(first, accu).then_some((Which::All, predicate));
            }
            let [inner] = arguments(condition, "!_")? else { return None };
            if is_false(&fold.init) && is_ident(inner, accu) {
                let [first, predicate] = arguments(&fold.step, "_||_")? else { return None };
                return is_ident(first, accu).then_some((Which::Exists, predicate));
            }
            return None;
        }
        let [counted, one] = arguments(&fold.result, "_==_")? else { return None };
        let [predicate, then, otherwise] = arguments(&fold.step, "_?_:_")? else { return None };
        let [sum, added] = arguments(then, "_+_")? else { return None };
        let fits = is_ident(counted, accu)
            && is_int(one, 1)
            && is_int(&fold.init, 0)
            && is_true(&fold.condition)
            && is_ident(sum, accu)
            && is_int(added, 1)
            && is_ident(otherwise, accu);
        fits.then_some((Which::ExistsOne, predicate))
    }

    fn into(&mut self, shape: &Shape<'_>) -> Result<Into, Fault> {
        // 1 for the accumulator, 1 for the call.
        Ok(match &shape.what {
            What::List(list, optional) => {
                let item = self.node(list)?;
                let folds = !self.env.rules.unoptimised && !optional && matches!(item.kind, Kind::Const(_));
                let list_cost = if folds { 0 } else { LIST_COST };
                Into::List { item, cost: 2 + list_cost, optional: *optional }
            }
            What::Entry(key, value) => Into::Entry { key: self.node(key)?, value: self.node(value)?, cost: 1 },
            What::Entries(entries) => Into::Entries { entries: self.node(entries)?, cost: 2 },
        })
    }
}

/// What making a list costs.
pub(crate) const LIST_COST: u64 = 10;

/// What making a map costs.
pub(crate) const MAP_COST: u64 = 30;

/// A comprehension that collects.
struct Shape<'e> {
    filter: Option<&'e Expr>,
    what: What<'e>,
}

/// What is collected.
enum What<'e> {
    /// An item; whether it was written with `?`.
    List(&'e Expr, bool),
    Entry(&'e Expr, &'e Expr),
    Entries(&'e Expr),
}

fn collecting(fold: &Comprehension) -> Option<Shape<'_>> {
    let accu = &*fold.accu;
    if !is_true(&fold.condition) || !is_ident(&fold.result, accu) {
        return None;
    }
    let (filter, step) = match arguments(&fold.step, "_?_:_") {
        Some([filter, then, otherwise]) if is_ident(otherwise, accu) => (Some(filter), then),
        Some(_) => return None,
        None => (None, &fold.step),
    };
    if let Some([sum, added]) = arguments(step, "_+_") {
        let ExprKind::List(list) = &added.kind else { return None };
        let [item] = &*list.elements else { return None };
        let fits = is_ident(sum, accu) && matches!(&fold.init.kind, ExprKind::List(init) if init.elements.is_empty());
        return fits.then_some(Shape { filter, what: What::List(item, !list.optional.is_empty()) });
    }
    if !matches!(&fold.init.kind, ExprKind::Map(init) if init.is_empty()) {
        return None;
    }
    match arguments(step, "cel.@mapInsert")? {
        [map, key, value] if is_ident(map, accu) => Some(Shape { filter, what: What::Entry(key, value) }),
        [map, entries] if is_ident(map, accu) => Some(Shape { filter, what: What::Entries(entries) }),
        _ => None,
    }
}

/// `cel.bind`: nothing is walked through, only the accumulator is used.
fn is_bind(fold: &Comprehension) -> bool {
    matches!(&fold.range.kind, ExprKind::List(list) if list.elements.is_empty()) && is_false(&fold.condition)
}

fn arguments<'e>(expr: &'e Expr, function: &str) -> Option<&'e [Expr]> {
    match &expr.kind {
        ExprKind::Call(call) if is_function(call, function) => Some(&call.args),
        _ => None,
    }
}

fn is_function(call: &Call, function: &str) -> bool {
    *call.function == *function && call.target.is_none()
}

fn is_ident(expr: &Expr, name: &str) -> bool {
    matches!(&expr.kind, ExprKind::Ident(found) if **found == *name)
}

fn is_true(expr: &Expr) -> bool {
    expr.kind == ExprKind::Literal(Literal::Bool(true))
}

fn is_false(expr: &Expr) -> bool {
    expr.kind == ExprKind::Literal(Literal::Bool(false))
}

fn is_int(expr: &Expr, value: i64) -> bool {
    expr.kind == ExprKind::Literal(Literal::Int(value))
}
