//! Variables of a rule: which it declares, which have one value, and which make it iterate.

use std::collections::BTreeSet;

use serde_json::Value;

use super::syntax::path;

/// Variables that a rule declares: arguments, `:=`, `some` and `every`.
pub(super) fn collect_locals(node: &Value, out: &mut BTreeSet<String>) {
    match node {
        Value::Array(list) => list.iter().for_each(|item| collect_locals(item, out)),
        Value::Object(map) => {
            for (key, value) in map {
                match key.as_str() {
                    "args" => collect_names(value, out),
                    "AssignExpr" if value.get("op").and_then(Value::as_str) == Some("ColEq") => {
                        value.get("lhs").into_iter().for_each(|names| collect_names(names, out));
                    }
                    "SomeIn" => {
                        for part in ["key", "value"] {
                            value.get(part).into_iter().for_each(|names| collect_names(names, out));
                        }
                    }
                    _ => {}
                }
                collect_locals(value, out);
            }
        }
        _ => {}
    }
}

/// Variables of a rule that have one value at a time: arguments and what `:=` sets.
pub(super) fn collect_bound(node: &Value, out: &mut BTreeSet<String>) {
    match node {
        Value::Array(list) => list.iter().for_each(|item| collect_bound(item, out)),
        Value::Object(map) => {
            for (key, value) in map {
                if key == "args" {
                    collect_names(value, out);
                } else if key == "AssignExpr" && value.get("op").and_then(Value::as_str) == Some("ColEq") {
                    value.get("lhs").into_iter().for_each(|names| collect_names(names, out));
                }
                collect_bound(value, out);
            }
        }
        _ => {}
    }
}

/// Whether a rule may be true in several ways, so that its value could differ from one to the next.
pub(super) fn iterates(node: &Value, bound: &BTreeSet<String>) -> bool {
    match node {
        Value::Array(list) => list.iter().any(|item| iterates(item, bound)),
        Value::Object(map) => map.iter().any(|(key, value)| match key.as_str() {
            "ArrayCompr" | "SetCompr" | "ObjectCompr" | "NotExpr" | "Every" => false,
            "SomeIn" | "SomeVars" => true,
            "RefBrack" => {
                let index = value.get("index").unwrap_or(&Value::Null);
                let inner = value.get("refr").unwrap_or(&Value::Null);
                is_open(value, bound) || iterates(index, bound) || iterates(inner, bound)
            }
            "Call" => {
                let walks = value.get("fcn").and_then(path).is_some_and(|name| name == ["walk"]);
                walks || iterates(value, bound)
            }
            _ => iterates(value, bound),
        }),
        _ => false,
    }
}

/// Whether the brackets of a reference stand for each of its keys.
pub(super) fn is_open(brackets: &Value, bound: &BTreeSet<String>) -> bool {
    let index = brackets.get("index").unwrap_or(&Value::Null);
    match index.get("Var").and_then(|var| var.get("value")?.as_str()) {
        Some(name) => !bound.contains(name),
        None => ["Array", "Object", "Set"].iter().any(|kind| index.get(kind).is_some()),
    }
}

/// All variables of an expression.
pub(super) fn collect_names(node: &Value, out: &mut BTreeSet<String>) {
    match node {
        Value::Array(list) => list.iter().for_each(|item| collect_names(item, out)),
        Value::Object(map) => {
            if let Some(name) = map.get("Var").and_then(|var| var.get("value")?.as_str()) {
                out.insert(name.to_owned());
            }
            map.values().for_each(|value| collect_names(value, out));
        }
        _ => {}
    }
}
