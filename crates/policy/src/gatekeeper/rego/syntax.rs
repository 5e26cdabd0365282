//! Syntax trees as the parser writes them: names, references and places.

use serde_json::Value;

/// The items of a list below a key.
pub(super) fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// What a rule or a default says.
pub(super) fn rule_part(rule: &Value) -> &Value {
    rule.get("Spec").or_else(|| rule.get("Default")).unwrap_or(rule)
}

/// The first part of the name of a rule.
pub(super) fn rule_name(rule: &Value) -> Option<String> {
    let head = match rule.get("Spec") {
        Some(spec) => {
            let head = spec.get("head")?;
            head.get("Set").or_else(|| head.get("Func")).or_else(|| head.get("Compr"))?.get("refr")?
        }
        None => rule.get("Default")?.get("refr")?,
    };
    prefix(head).0.into_iter().next()
}

/// The parts of a reference that has no variable part.
pub(super) fn path(node: &Value) -> Option<Vec<String>> {
    let (parts, open) = prefix(node);
    (!open && !parts.is_empty()).then_some(parts)
}

/// The fixed parts at the start of a reference, and whether something else follows them.
pub(super) fn prefix(node: &Value) -> (Vec<String>, bool) {
    // From the end to the start: `a.b[c]` is `[c]` on `.b` on `a`.
    let mut links: Vec<Option<String>> = Vec::new();
    let mut at = node;
    loop {
        if let Some(dot) = at.get("RefDot") {
            let field = dot.get("field").and_then(|field| field.get(1)).and_then(Value::as_str);
            links.push(field.map(str::to_owned));
            at = dot.get("refr").unwrap_or(&Value::Null);
        } else if let Some(brack) = at.get("RefBrack") {
            let index = brack.get("index");
            let text = index.and_then(|index| index.get("String")).and_then(|text| text.get("value")?.as_str());
            links.push(text.map(str::to_owned));
            at = brack.get("refr").unwrap_or(&Value::Null);
        } else {
            break;
        }
    }
    let first = at.get("Var").and_then(|var| var.get("value")).and_then(Value::as_str);
    let Some(first) = first else { return (Vec::new(), true) };
    let mut parts = vec![first.to_owned()];
    for link in links.into_iter().rev() {
        match link {
            Some(text) => parts.push(text),
            None => return (parts, true),
        }
    }
    (parts, false)
}

/// A literal as text.
pub(super) fn constant(value: Option<&Value>) -> Option<String> {
    let value = value?;
    ["String", "RawString", "Number", "Bool", "Null"]
        .iter()
        .find_map(|kind| value.get(*kind)?.get("value").map(|value| format!("{kind} {value}")))
}

/// The line of a node.
pub(super) fn line(node: &Value) -> u64 {
    node.get("span").and_then(|span| span.get("line")?.as_u64()).unwrap_or(1)
}

/// The bytes of a node.
pub(super) fn span(node: &Value) -> Option<(usize, usize)> {
    let span = node.get("span")?;
    let at = |key| span.get(key).and_then(Value::as_u64).map(|at| at as usize);
    Some((at("start")?, at("end")?))
}

/// Kind and fields of an expression.
pub(super) fn kind(expr: &Value) -> Option<(&str, &Value)> {
    expr.as_object()?.iter().next().map(|(kind, node)| (kind.as_str(), node))
}
