//! Macros: calls that the parser replaces by folds and conditionals, exactly as cel-go does, because the
//! tree decides what an expression costs.

mod expansions;
mod node;

use super::Parser;
use crate::ast::{Call, Expr, ExprId, ExprKind, Literal, Span};
use node::Nodes;

/// Replaces a call. `Ok(None)`: it is no macro after all, for example because its receiver is not `math`;
/// the call is then as it was.
pub(super) type Expand = fn(&mut Nodes<'_, '_>, &mut Call) -> Result<Option<Expr>, Refusal>;

/// What is wrong with a macro's arguments, and which.
pub(super) struct Refusal {
    at: ExprId,
    message: String,
}

impl Parser<'_> {
    /// The macro that a call is, if it is one.
    pub(super) fn find_macro(&self, call: &Call) -> Option<Expand> {
        let on = &self.syntax;
        let member = call.target.is_some();
        let expand: Expand = match (&*call.function, call.args.len(), member) {
            ("has", 1, false) => expansions::has,
            ("all", 2, true) => expansions::all,
            ("exists", 2, true) => expansions::exists,
            ("exists_one", 2, true) => expansions::exists_one,
            ("map", 2 | 3, true) => expansions::map,
            ("filter", 2, true) => expansions::filter,
            ("optMap", 2, true) if on.optionals => expansions::opt_map,
            ("optFlatMap", 2, true) if on.optionals => expansions::opt_flat_map,
            ("sortBy", 2, true) if on.sort_by => expansions::sort_by,
            ("bind", 3, true) if on.bind => expansions::bind,
            ("all", 3, true) if on.two_variables => expansions::all_two,
            ("exists", 3, true) if on.two_variables => expansions::exists_two,
            ("exists_one" | "existsOne", 3, true) if on.two_variables => expansions::exists_one_two,
            ("transformList", 3 | 4, true) if on.two_variables => expansions::transform_list,
            ("transformMap", 3 | 4, true) if on.two_variables => expansions::transform_map,
            ("transformMapEntry", 3 | 4, true) if on.two_variables => expansions::transform_map_entry,
            ("greatest", _, true) if on.math => expansions::greatest,
            ("least", _, true) if on.math => expansions::least,
            ("block", 2, true) if on.block => expansions::block,
            ("index", 1, true) if on.block => expansions::index,
            ("iterVar", 2, true) if on.block => expansions::iter_var,
            ("accuVar", 2, true) if on.block => expansions::accu_var,
            ("getExt", 2, true) if on.extensions => expansions::get_extension,
            ("hasExt", 2, true) if on.extensions => expansions::has_extension,
            _ => return None,
        };
        Some(expand)
    }

    pub(super) fn expand(&mut self, id: ExprId, expand: Expand, call: &mut Call, extent: Span) -> Option<Expr> {
        let start = self.span(id).start;
        let place = Span { start, end: start };
        if self.spans.len() > NODES_MAX {
            self.report_size();
            return Some(self.broken(place));
        }
        let expr = match expand(&mut Nodes { parser: self, place, extent }, call) {
            Ok(None) => return None,
            Ok(Some(expr)) => expr,
            Err(Refusal { at, message }) => {
                let span = self.span(at);
                self.delete_id(id);
                return Some(self.error(span, message));
            }
        };
        self.macro_calls.push((expr.id, extent));
        self.delete_id(id);
        Some(expr)
    }

    /// Says once that the expression is too large.
    fn report_size(&mut self) {
        let message = format!("expression is too large after macros are expanded: more than {NODES_MAX} nodes");
        if !self.issues.list().iter().any(|issue| issue.message == message) {
            self.issues.report_whole(message);
        }
    }
}

/// A variable's name, if that is all.
fn ident(expr: &Expr) -> Option<&std::sync::Arc<str>> {
    if let ExprKind::Ident(name) = &expr.kind { Some(name) } else { None }
}

/// A literal whole number from 0.
fn natural(expr: &Expr) -> Option<i64> {
    if let ExprKind::Literal(Literal::Int(value @ 0..)) = &expr.kind { Some(*value) } else { None }
}

/// How many nodes a tree may have. The longest source has some 100,000 nodes as written and macros add at
/// most one per character; only `optMap` and `optFlatMap` can exceed that, because they copy their receiver
/// and double it with every link of a chain.
pub(super) const NODES_MAX: usize = 500_000;
