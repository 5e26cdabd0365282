//! Which tests need messages of protobuf. Told from what a test contains, never from its name.

use cel::ast::{Expr, ExprKind};
use cel::decl::Syntax;
use serde_json::Value as Json;

/// Whether a test's expression makes a message, or its types, values or container name message types.
/// Durations and timestamps have values of their own in CEL and need no messages.
pub(super) fn needed(test: &Json, syntax: &Syntax) -> bool {
    let parts = ["typeEnv", "bindings", "value", "typedResult"];
    parts.iter().filter_map(|part| test.get(*part)).any(names_message)
        || package(super::text(test, "container"))
        || in_expression(super::text(test, "expr"), syntax)
}

fn names_message(json: &Json) -> bool {
    match json {
        Json::Array(items) => items.iter().any(names_message),
        Json::Object(fields) => fields.iter().any(|(key, value)| match (key.as_str(), value) {
            ("@type", Json::String(name)) => !has_value(name.rsplit('/').next().unwrap_or_default()),
            ("messageType", Json::String(name)) => !has_value(name),
            ("enumValue", _) => true,
            _ => names_message(value),
        }),
        _ => false,
    }
}

/// Message types that are values of their own in CEL.
fn has_value(name: &str) -> bool {
    matches!(name, "google.protobuf.Duration" | "google.protobuf.Timestamp")
}

/// Whether a name is in a package of messages.
fn package(name: &str) -> bool {
    name.starts_with("cel.expr.conformance") || name.starts_with("google.protobuf") && !has_value(name)
}

fn in_expression(source: &str, syntax: &Syntax) -> bool {
    cel::parse(source, syntax).is_ok_and(|ast| makes_message(&ast.root))
}

fn makes_message(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Struct(_) => true,
        ExprKind::Literal(_) => false,
        ExprKind::Ident(_) => false,
        ExprKind::Select(select) => dotted(expr).is_some_and(|name| package(&name)) || makes_message(&select.operand),
        ExprKind::Call(call) => call.target.iter().chain(&call.args).any(makes_message),
        ExprKind::List(list) => list.elements.iter().any(makes_message),
        ExprKind::Map(entries) => entries.iter().any(|entry| makes_message(&entry.key) || makes_message(&entry.value)),
        ExprKind::Comprehension(fold) => {
            [&fold.range, &fold.init, &fold.condition, &fold.step, &fold.result].into_iter().any(makes_message)
        }
    }
}

/// `a.b.c` as text.
fn dotted(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Ident(name) => Some(name.trim_start_matches('.').to_owned()),
        ExprKind::Select(select) => Some(format!("{}.{}", dotted(&select.operand)?, select.field)),
        _ => None,
    }
}
