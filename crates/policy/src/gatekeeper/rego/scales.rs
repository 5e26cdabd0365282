//! Puts values on the scales: writes calls into a module that weigh what its expressions make, so that no value is
//! ever much heavier than [`weight::WEIGHT_MAX`](super::weight::WEIGHT_MAX).
//!
//! A value gets heavier than what it is made of in arrays, sets, objects, comprehensions, rules that collect values,
//! functions that are not known to be small, and products. Each of these is wrapped into a call. Where an array or
//! an object may be a pattern, on either side of `=`, its variables are weighed behind the statement instead.

use std::collections::BTreeSet;

use serde_json::Value;

use super::functions;
use super::syntax::{constant, items, kind, path, prefix, rule_name, span};
use super::variables::collect_names;

/// The function that gives its argument back, or stops the evaluation when it is too heavy.
pub(super) const WEIGHED: &str = "__weighed";

/// The same for arguments of functions that take the product of their sizes in time.
pub(super) const SMALL: &str = "__small";

/// Names that start so are ours.
pub(super) const RESERVED: &str = "__";

/// Rules of a module that collect values: sets and objects with a rule for each entry.
pub(super) fn collecting(tree: &Value) -> BTreeSet<String> {
    let collects = |rule: &&Value| {
        let head = rule.get("Spec").and_then(|spec| spec.get("head"));
        let refr = head.and_then(|head| head.get("Compr")?.get("refr"));
        head.is_some_and(|head| head.get("Set").is_some()) || refr.is_some_and(|refr| refr.get("Var").is_none())
    };
    items(tree, "rules").filter(collects).filter_map(rule_name).collect()
}

/// The module with its weights. `collecting` are names of rules of any module that collect values.
pub(super) fn install(tree: &Value, text: &str, collecting: &BTreeSet<String>) -> Option<String> {
    let mut job = Job { text, collecting, edits: Vec::new(), lost: false };
    for rule in items(tree, "rules") {
        job.rule(rule);
    }
    if job.lost {
        return None;
    }
    let mut edits = job.edits;
    // At one place what ends comes before what begins, and all of one kind are the same.
    edits.sort_by_key(|(at, order, _)| (*at, *order));
    let mut out = String::with_capacity(text.len() + 16 * edits.len());
    let mut at = 0;
    for (place, _, insertion) in edits {
        out.push_str(text.get(at..place)?);
        out.push_str(&insertion);
        at = place;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

struct Job<'t> {
    text: &'t str,
    collecting: &'t BTreeSet<String>,
    edits: Vec<(usize, u8, String)>,
    /// An expression does not stand where the parser says.
    lost: bool,
}

impl Job<'_> {
    fn wrap(&mut self, expr: &Value, function: &str) {
        match self.place(expr) {
            Some((start, end)) => {
                self.edits.push((end, 0, ")".to_owned()));
                self.edits.push((start, 2, format!("{function}(")));
            }
            None => self.lost = true,
        }
    }

    /// Where an expression stands. The parser's places of objects begin anywhere before their end.
    fn place(&self, expr: &Value) -> Option<(usize, usize)> {
        let (kind_of, node) = kind(expr)?;
        let (mut start, end) = span(node)?;
        let first = match kind_of {
            "Object" => items(node, "fields").next().and_then(|field| field.get(1)),
            "ObjectCompr" => node.get("key"),
            _ => None,
        };
        if let Some(first) = first {
            let (inner, _) = self.place(first)?;
            start = self.text.get(..inner)?.rfind('{')?;
        }
        let whole = self.text.get(start..end)?;
        let fits = match kind_of {
            "Array" | "ArrayCompr" => whole.starts_with('[') && whole.ends_with(']'),
            "Object" | "ObjectCompr" | "Set" | "SetCompr" => whole.starts_with('{') && whole.ends_with('}'),
            "Call" => whole.ends_with(')'),
            "RefBrack" => whole.ends_with(']'),
            _ => true,
        };
        fits.then_some((start, end))
    }

    fn rule(&mut self, rule: &Value) {
        let Some(spec) = rule.get("Spec") else { return };
        for head in spec.get("head").and_then(Value::as_object).into_iter().flat_map(|head| head.values()) {
            head.get("key").filter(|key| !key.is_null()).into_iter().for_each(|key| self.expr(key));
            self.assigned(head);
            let mut refr = head.get("refr");
            while let Some((_, node)) = refr.and_then(kind) {
                node.get("index").into_iter().for_each(|index| self.expr(index));
                refr = node.get("refr");
            }
        }
        for body in items(spec, "bodies") {
            self.assigned(body);
            body.get("query").into_iter().for_each(|query| self.query(query));
        }
    }

    fn assigned(&mut self, node: &Value) {
        let value = node.get("assign").and_then(|assign| assign.get("value"));
        value.into_iter().for_each(|value| self.expr(value));
    }

    fn query(&mut self, query: &Value) {
        for statement in items(query, "stmts") {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Value) {
        for modifier in items(statement, "with_mods") {
            modifier.get("as").into_iter().for_each(|value| self.expr(value));
        }
        let Some((kind_of, literal)) = statement.get("literal").and_then(kind) else { return };
        match kind_of {
            "SomeIn" => literal.get("collection").into_iter().for_each(|collection| self.expr(collection)),
            "Every" => {
                literal.get("domain").into_iter().for_each(|domain| self.expr(domain));
                literal.get("query").into_iter().for_each(|query| self.query(query));
            }
            _ => match literal.get("expr").and_then(|expr| expr.get("AssignExpr")) {
                Some(assign) => self.assign(statement, assign),
                None => literal.get("expr").into_iter().for_each(|expr| self.expr(expr)),
            },
        }
    }

    fn assign(&mut self, statement: &Value, assign: &Value) {
        let (Some(left), Some(right)) = (assign.get("lhs"), assign.get("rhs")) else { return };
        self.pattern(left);
        if assign.get("op").and_then(Value::as_str) == Some("ColEq") {
            self.expr(right);
            return;
        }
        self.pattern(right);
        let may_grow =
            |side: &Value| !matches!(kind(side), Some(("Var" | "RefDot", _))) && constant(Some(side)).is_none();
        if !may_grow(left) && !may_grow(right) {
            return;
        }
        let mut names = BTreeSet::new();
        collect_patterns(left, &mut names);
        collect_patterns(right, &mut names);
        names.remove("_");
        names.remove("input");
        names.remove("data");
        if let (Some((_, end)), false) = (span(statement), names.is_empty()) {
            let names: Vec<String> = names.into_iter().collect();
            self.edits.push((end, 1, format!("; {WEIGHED}([{}])", names.join(", "))));
        }
    }

    /// What may have variables in it that get their values here is not wrapped itself.
    fn pattern(&mut self, expr: &Value) {
        let Some((kind_of, node)) = kind(expr) else { return };
        match kind_of {
            "Array" | "Set" => items(node, "items").for_each(|item| self.pattern(item)),
            "Object" => fields(node).for_each(|part| self.pattern(part)),
            "Var" => {}
            "RefDot" | "RefBrack" => self.reference(expr),
            _ => self.expr(expr),
        }
    }

    fn expr(&mut self, expr: &Value) {
        let Some((kind_of, node)) = kind(expr) else { return };
        let both = ["lhs", "rhs"].into_iter().filter_map(|side| node.get(side));
        match kind_of {
            "Array" | "Set" | "Object" => {
                if !is_constant(expr) {
                    self.wrap(expr, WEIGHED);
                }
                self.pattern(expr);
            }
            "ArrayCompr" | "SetCompr" | "ObjectCompr" => {
                self.wrap(expr, WEIGHED);
                for part in ["term", "key", "value"] {
                    node.get(part).into_iter().for_each(|part| self.expr(part));
                }
                node.get("query").into_iter().for_each(|query| self.query(query));
            }
            "Call" => self.call(expr, node),
            "UnaryExpr" => node.get("expr").into_iter().for_each(|expr| self.expr(expr)),
            "ArithExpr" => {
                let product = node.get("op").and_then(Value::as_str) == Some("Mul");
                for side in both {
                    if product && matches!(kind(side), Some(("Var" | "RefDot" | "RefBrack", _))) {
                        self.wrap(side, WEIGHED);
                    }
                    self.expr(side);
                }
            }
            "BinExpr" | "BoolExpr" => both.for_each(|side| self.expr(side)),
            "Membership" => {
                for part in ["key", "value"] {
                    node.get(part).into_iter().for_each(|part| self.expr(part));
                }
                // Looking into a rule that collects does not walk through it.
                match node.get("collection") {
                    Some(part) if matches!(kind(part), Some(("Var" | "RefDot", _))) => {}
                    part => part.into_iter().for_each(|part| self.expr(part)),
                }
            }
            "Var" => {
                let name = node.get("value").and_then(Value::as_str).unwrap_or("");
                if self.collecting.contains(name) {
                    self.wrap(expr, WEIGHED);
                }
            }
            "RefDot" | "RefBrack" => {
                let (parts, open) = prefix(expr);
                let ours = parts.first().is_some_and(|first| first != "input");
                if ours && !open && parts.last().is_some_and(|last| self.collecting.contains(last)) {
                    self.wrap(expr, WEIGHED);
                }
                self.reference(expr);
            }
            _ => {}
        }
    }

    fn call(&mut self, expr: &Value, call: &Value) {
        let name = call.get("fcn").and_then(path).unwrap_or_default().join(".");
        if functions::is_allowed(&name) && !functions::is_small(&name) && name != "walk" {
            self.wrap(expr, WEIGHED);
        }
        // The second argument of this one is a pattern.
        let taken = if name == "walk" { 1 } else { usize::MAX };
        for argument in items(call, "params").take(taken) {
            let exact = !matches!(kind(argument), Some(("BinExpr" | "ArithExpr" | "BoolExpr" | "Membership", _)));
            if functions::multiplies(&name) && constant(Some(argument)).is_none() && exact {
                self.wrap(argument, SMALL);
            }
            self.expr(argument);
        }
    }

    /// What a reference starts from, and what stands in its brackets.
    fn reference(&mut self, expr: &Value) {
        match kind(expr) {
            Some(("RefDot" | "RefBrack", node)) => {
                node.get("index").into_iter().for_each(|index| self.pattern(index));
                node.get("refr").into_iter().for_each(|inner| self.reference(inner));
            }
            Some(("Var", _)) | None => {}
            Some(_) => self.expr(expr),
        }
    }
}

/// Variables of a pattern, but not those in calls and comprehensions.
fn collect_patterns(expr: &Value, out: &mut BTreeSet<String>) {
    match kind(expr) {
        Some(("Array" | "Set", node)) => items(node, "items").for_each(|item| collect_patterns(item, out)),
        Some(("Object", node)) => fields(node).for_each(|part| collect_patterns(part, out)),
        Some(("Var", _)) => collect_names(expr, out),
        _ => {}
    }
}

fn is_constant(expr: &Value) -> bool {
    match kind(expr) {
        Some(("Array" | "Set", node)) => items(node, "items").all(is_constant),
        Some(("Object", node)) => fields(node).all(is_constant),
        _ => constant(Some(expr)).is_some(),
    }
}

/// Keys and values of an object.
fn fields(node: &Value) -> impl Iterator<Item = &Value> {
    items(node, "fields").flat_map(|field| field.as_array().into_iter().flatten().skip(1))
}
