//! Writes negated expressions the way OPA's compiler does: references among the arguments of a call are evaluated
//! before the negation. So `not f(input.missing)` is undefined in OPA, not true, and `not f(input.list[_])` asks
//! whether it fails for some item. Policies depend on it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::syntax::{self, items, span};

/// The module with negated calls written out; `None` if there is nothing to do. `tree` is its syntax tree as the
/// parser writes it, `names` the rules and imports of the module.
pub(super) fn rewrite(tree: &Value, text: &str, names: &BTreeSet<String>, counter: &mut usize) -> Option<String> {
    let mut edits = Vec::new();
    let mut job = Job { text, names, counter, edits: &mut edits };
    job.visit(tree);
    // Edits inside of one another: the outer first, the inner when the result is looked at again.
    edits.sort_by_key(|edit: &Edit| (edit.start, std::cmp::Reverse(edit.end)));
    let mut out = String::with_capacity(text.len() + 64);
    let mut at = 0;
    let mut done = false;
    for edit in edits {
        if edit.start < at {
            continue;
        }
        let Some(kept) = text.get(at..edit.start) else { continue };
        out.push_str(kept);
        out.push_str(&edit.with);
        at = edit.end;
        done = true;
    }
    out.push_str(text.get(at..)?);
    done.then_some(out)
}

struct Edit {
    start: usize,
    end: usize,
    with: String,
}

struct Job<'t> {
    text: &'t str,
    names: &'t BTreeSet<String>,
    counter: &'t mut usize,
    edits: &'t mut Vec<Edit>,
}

impl Job<'_> {
    fn visit(&mut self, node: &Value) {
        match node {
            Value::Array(list) => list.iter().for_each(|item| self.visit(item)),
            Value::Object(map) => {
                if let Some(negated) = map.get("literal").and_then(|literal| literal.get("NotExpr")) {
                    self.statement(node, negated);
                }
                map.values().for_each(|value| self.visit(value));
            }
            _ => {}
        }
    }

    /// Rewrites one negated statement as a whole, so that its parts stay together.
    fn statement(&mut self, statement: &Value, negated: &Value) {
        let (Some(whole), Some(expr)) = (span(statement), negated.get("expr")) else { return };
        let mut parts = Vec::new();
        self.operands(expr, &mut parts);
        parts.retain(|(start, end)| self.text.get(*start..*end).is_some_and(balanced));
        parts.sort_unstable();
        parts.dedup();
        if parts.is_empty() {
            return;
        }
        let modifiers = match (statement.get("with_mods"), span(negated)) {
            (Some(_), Some((_, end))) => self.text.get(end..whole.1).unwrap_or("").trim().to_owned(),
            _ => String::new(),
        };
        let (mut before, mut after) = (String::new(), String::new());
        let mut at = whole.0;
        for (start, end) in parts {
            if start < at {
                continue;
            }
            let name = format!("__negated_{}", self.counter);
            *self.counter += 1;
            let part = self.text.get(start..end).unwrap_or("");
            before.push_str(&format!("{name} = {part} {modifiers}; "));
            after.push_str(self.text.get(at..start).unwrap_or(""));
            after.push_str(&name);
            at = end;
        }
        after.push_str(self.text.get(at..whole.1).unwrap_or(""));
        self.edits.push(Edit { start: whole.0, end: whole.1, with: format!("{before}{after}") });
    }

    /// What is evaluated before the negation of an expression.
    fn operands(&self, expr: &Value, out: &mut Vec<(usize, usize)>) {
        let Some((kind, node)) = expr.as_object().and_then(|map| map.iter().next()) else { return };
        let sides = ["lhs", "rhs"].into_iter().filter_map(|side| node.get(side));
        match kind.as_str() {
            "Call" => items(node, "params").for_each(|argument| self.argument(argument, out)),
            "AssignExpr" => sides.for_each(|side| self.side(side, out)),
            "BoolExpr" if node.get("op").and_then(Value::as_str) == Some("Eq") => {
                sides.for_each(|side| self.side(side, out));
            }
            "BoolExpr" | "ArithExpr" | "BinExpr" => sides.for_each(|side| self.argument(side, out)),
            "Membership" => {
                for part in ["key", "value", "collection"] {
                    node.get(part).into_iter().for_each(|part| self.argument(part, out));
                }
            }
            "RefDot" | "RefBrack" => self.brackets(expr, out),
            _ => {}
        }
    }

    /// A side of an equation: a reference stays, what stands in its brackets does not.
    fn side(&self, expr: &Value, out: &mut Vec<(usize, usize)>) {
        match kind(expr) {
            "RefDot" | "RefBrack" => self.brackets(expr, out),
            "Var" => {}
            _ => self.argument(expr, out),
        }
    }

    fn argument(&self, expr: &Value, out: &mut Vec<(usize, usize)>) {
        let Some(node) = expr.as_object().and_then(|map| map.values().next()) else { return };
        match kind(expr) {
            "RefDot" | "RefBrack" | "Call" | "ArithExpr" | "BinExpr" | "BoolExpr" | "Membership" => {
                out.extend(span(node));
            }
            "Var" if node.get("value").and_then(Value::as_str).is_some_and(|name| self.names.contains(name)) => {
                out.extend(span(node));
            }
            "Array" | "Set" => items(node, "items").for_each(|item| self.argument(item, out)),
            "Object" => {
                for field in items(node, "fields") {
                    for part in field.as_array().into_iter().flatten().skip(1) {
                        self.argument(part, out);
                    }
                }
            }
            _ => {}
        }
    }

    fn brackets(&self, expr: &Value, out: &mut Vec<(usize, usize)>) {
        if let Some(node) = expr.get("RefBrack") {
            node.get("index").into_iter().for_each(|index| self.argument(index, out));
            node.get("refr").into_iter().for_each(|inner| self.brackets(inner, out));
        } else if let Some(node) = expr.get("RefDot") {
            node.get("refr").into_iter().for_each(|inner| self.brackets(inner, out));
        } else if matches!(kind(expr), "Call") {
            self.argument(expr, out);
        }
    }
}

fn kind(expr: &Value) -> &str {
    syntax::kind(expr).map_or("", |(kind, _)| kind)
}

/// Parentheses are no part of the places of expressions; a place that cuts through a pair cannot be moved.
fn balanced(text: &str) -> bool {
    let mut depth = 0_i32;
    for c in text.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0 && !text.contains('#')
}
