//! Variables of a rule: which it declares and which it names.

use std::collections::BTreeSet;

use serde_json::Value;

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
