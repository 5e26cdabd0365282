//! Which parameters of a constraint the CEL of a template reads.

use std::collections::BTreeSet;

use cel::ast::Literal;
use cel::{Expr, ExprKind};

use super::OWN_VARIABLES;
use crate::admission_policy::Source;
use crate::admission_policy::compile::{Compiled, Expression, visit};

/// Names of parameters that are read; `None` when they are also read as a whole.
pub(super) fn read(policy: &Compiled) -> Option<BTreeSet<String>> {
    let mut names = Some(BTreeSet::new());
    let variables = policy.variables.iter().skip(OWN_VARIABLES.len());
    for expression in variables.chain(judging(policy)) {
        let (mut all, mut named) = (0, 0);
        visit(&expression.checked.ast.root, &mut |expr| {
            all += usize::from(is_parameters(expr) || is_raw(expr));
            if let (Some(name), Some(names)) = (parameter(expr), &mut names) {
                named += 1;
                names.insert(name.to_owned());
            }
        });
        if all > named {
            names = None;
        }
    }
    names
}

/// Expressions that read the constraint itself, `params`. Gatekeeper gives it to variables only.
pub(super) fn raw(policy: &Compiled) -> Vec<&Source> {
    let reads = |expression: &&Expression| {
        let mut found = false;
        visit(&expression.checked.ast.root, &mut |expr| found |= is_raw(expr));
        found
    };
    judging(policy).filter(reads).map(|expression| &expression.source).collect()
}

fn judging(policy: &Compiled) -> impl Iterator<Item = &Expression> {
    policy.match_conditions.iter().chain(&policy.validations).chain(policy.messages.iter().flatten())
}

/// `variables.params`
fn is_parameters(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Ident(name) => &**name == "variables.params",
        ExprKind::Select(select) => {
            &*select.field == "params"
                && matches!(&select.operand.kind, ExprKind::Ident(name) if &**name == "variables")
        }
        _ => false,
    }
}

fn is_raw(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Ident(name) if &**name == "params")
}

/// The name in `variables.params.name` and `variables.params["name"]`, also with `?`.
fn parameter(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Select(select) if is_parameters(&select.operand) => Some(&select.field),
        ExprKind::Call(call) if ["_[_]", "_[?_]", "_?._"].contains(&&*call.function) => match call.args.as_slice() {
            [of, Expr { kind: ExprKind::Literal(Literal::Str(name)), .. }] if is_parameters(of) => Some(name),
            _ => None,
        },
        _ => None,
    }
}
