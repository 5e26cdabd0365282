//! How heavy values can become in a template that does not weigh them: a bound that is a power of what it is given.
//! The virtual machine, which can call nothing of ours, takes a request only when this bound is small.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::functions;
use super::syntax::{constant, items, kind, path, prefix};
use super::variables::{collect_bound, collect_names, is_open};

/// A value weighs at most the weight of the input to the power of `degree`, times two to the power of `bits`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bound {
    degree: usize,
    bits: usize,
    /// How deep it is nested beyond the input.
    depth: usize,
}

impl Bound {
    /// Whether values stay within the limit for an input of this weight.
    fn allows(self, weight: usize) -> bool {
        let bits = (self.degree as f64).mul_add((weight.max(2) as f64).log2(), self.bits as f64);
        bits <= BITS_MAX && self.depth <= DEPTH_MAX
    }

    fn max(self, other: Bound) -> Bound {
        Bound {
            degree: self.degree.max(other.degree),
            bits: self.bits.max(other.bits),
            depth: self.depth.max(other.depth),
        }
    }

    fn plus(self, other: Bound) -> Bound {
        Bound {
            degree: self.degree.saturating_add(other.degree),
            bits: self.bits.saturating_add(other.bits),
            depth: self.depth.saturating_add(other.depth),
        }
    }

    fn bits(bits: usize) -> Bound {
        Bound { bits, ..Bound::default() }
    }
}

/// The bounds of the values of a template, none of which is below another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds(Vec<Bound>);

impl Bounds {
    /// Whether all values stay within the limit for an input of this weight.
    pub(super) fn allow(&self, weight: usize) -> bool {
        self.0.iter().all(|bound| bound.allows(weight))
    }

    fn add(&mut self, bound: Bound) {
        if self.0.iter().any(|known| known.max(bound) == *known) {
            return;
        }
        self.0.retain(|known| known.max(bound) != bound);
        self.0.push(bound);
        // A few different ones are all that a template has; with more of them one bound for all will do.
        if self.0.len() > BOUNDS_MAX {
            let most = self.0.drain(..).fold(Bound::default(), Bound::max);
            self.0.push(most);
        }
    }
}

/// Bounds that are told apart.
const BOUNDS_MAX: usize = 32;

/// The bound of all values of a template. `rules` are their definitions by full name, with their modules; `names`
/// are the rules that names in a module stand for.
pub(super) fn bound(
    rules: &BTreeMap<String, Vec<(usize, &Value)>>,
    names: &BTreeMap<(usize, String), String>,
) -> Bounds {
    let mut walk = Walk { rules, names, known: BTreeMap::new(), items: BTreeMap::new(), peak: Bounds::default() };
    for name in rules.keys() {
        walk.rule(name);
    }
    walk.peak
}

struct Walk<'t> {
    rules: &'t BTreeMap<String, Vec<(usize, &'t Value)>>,
    names: &'t BTreeMap<(usize, String), String>,
    known: BTreeMap<String, Bound>,
    /// Bounds of single items of rules that collect them.
    items: BTreeMap<String, Bound>,
    peak: Bounds,
}

/// Variables of one rule.
struct Scope {
    module: usize,
    variables: BTreeMap<String, Bound>,
    bound: BTreeSet<String>,
}

impl Walk<'_> {
    fn rule(&mut self, name: &str) -> Bound {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        self.known.insert(name.to_owned(), HUGE);
        let mut all = Bound::default();
        for (module, spec) in self.rules.get(name).into_iter().flatten() {
            all = all.max(self.definition(name, *module, spec));
        }
        self.known.insert(name.to_owned(), all);
        all
    }

    fn definition(&mut self, name: &str, module: usize, spec: &Value) -> Bound {
        let mut scope = Scope { module, variables: BTreeMap::new(), bound: BTreeSet::new() };
        collect_bound(spec, &mut scope.bound);
        let mut settled = false;
        for _ in 0..PASSES {
            let before = scope.variables.clone();
            self.assignments(spec, &mut scope);
            settled = before == scope.variables;
            if settled {
                break;
            }
        }
        if !settled {
            return self.note(HUGE);
        }
        let mut value = Bound::default();
        let head = spec.get("head").and_then(kind);
        let collects = head.is_some_and(|(kind, head)| {
            kind == "Set" || (kind == "Compr" && head.get("refr").is_some_and(|refr| refr.get("Var").is_none()))
        });
        if let Some((_, head)) = head {
            let index = head.get("refr").and_then(kind).and_then(|(_, node)| node.get("index"));
            for key in head.get("key").into_iter().chain(index).filter(|_| collects) {
                value = value.max(self.expr(key, &scope));
            }
            value = value.max(self.assigned(head, &scope));
        }
        let mut times = Bound::default();
        for body in items(spec, "bodies") {
            value = value.max(self.assigned(body, &scope));
            let query = body.get("query").unwrap_or(&Value::Null);
            self.all(query, &scope);
            times = times.max(self.times(query, &scope));
        }
        if collects {
            let item = self.items.entry(name.to_owned()).or_default();
            *item = item.max(value);
        }
        let whole = if collects { value.plus(times).plus(LEVEL).plus(Bound::bits(1)) } else { value };
        // The violations are handed out one by one; as a whole they are only looked at by rules that name them.
        self.note(if name.ends_with(".violation") { value } else { whole });
        whole
    }

    fn assigned(&mut self, node: &Value, scope: &Scope) -> Bound {
        let value = node.get("assign").and_then(|assign| assign.get("value"));
        value.map_or(Bound::default(), |value| self.expr(value, scope))
    }

    fn note(&mut self, bound: Bound) -> Bound {
        self.peak.add(bound);
        bound
    }

    /// What `:=`, `=`, `some … in` and `every` give to variables.
    fn assignments(&mut self, node: &Value, scope: &mut Scope) {
        match node {
            Value::Array(list) => list.iter().for_each(|item| self.assignments(item, scope)),
            Value::Object(map) => {
                let side = |key| node.get(key);
                if let (Some(left), Some(right), Some(_)) = (side("lhs"), side("rhs"), side("op")) {
                    self.equation(left, right, node.get("op").and_then(Value::as_str) == Some("ColEq"), scope);
                }
                for from in ["collection", "domain"] {
                    if let Some(from) = side(from) {
                        let value = self.expr(from, scope);
                        ["key", "value"].into_iter().filter_map(side).for_each(|to| set(to, value, scope));
                    }
                }
                // Variables in brackets are parts of what stands before them.
                if let (Some(refr), Some(index)) = (side("refr"), side("index")) {
                    let value = self.index(refr, scope);
                    set(index, value, scope);
                }
                map.values().for_each(|value| self.assignments(value, scope));
            }
            _ => {}
        }
    }

    /// What a variable in the brackets behind a reference can be: a key, or an item of a set.
    fn index(&mut self, refr: &Value, scope: &Scope) -> Bound {
        let whole = self.expr(refr, scope);
        let rule = path(refr).and_then(|parts| self.names.get(&(scope.module, parts.join("."))));
        rule.and_then(|rule| self.items.get(rule.as_str())).copied().unwrap_or(whole)
    }

    fn equation(&mut self, left: &Value, right: &Value, is_assignment: bool, scope: &mut Scope) {
        let value = self.expr(right, scope);
        set(left, value, scope);
        if is_assignment || kind(right).is_none_or(|(kind, _)| !PATTERNS.contains(&kind)) {
            return;
        }
        // Variables that get their values here could be on either side.
        let mut names = BTreeSet::new();
        collect_names(right, &mut names);
        let value = if matches!(kind(right), Some(("Var", _))) {
            self.expr(left, scope)
        } else if names.iter().all(|name| scope.bound.contains(name)) {
            return;
        } else {
            HUGE
        };
        set(right, value, scope);
    }

    /// Notes all expressions below a node.
    fn all(&mut self, node: &Value, scope: &Scope) {
        match node {
            Value::Array(list) => list.iter().for_each(|item| self.all(item, scope)),
            Value::Object(map) => {
                self.expr(node, scope);
                map.values().for_each(|value| self.all(value, scope));
            }
            _ => {}
        }
    }

    /// How many times a query can be true.
    fn times(&mut self, node: &Value, scope: &Scope) -> Bound {
        match node {
            Value::Array(list) => list.iter().fold(Bound::default(), |sum, item| sum.plus(self.times(item, scope))),
            Value::Object(map) => {
                let mut sum = Bound::default();
                for (key, value) in map {
                    let own = match key.as_str() {
                        "ArrayCompr" | "SetCompr" | "ObjectCompr" | "NotExpr" | "Every" => continue,
                        "SomeIn" => value.get("collection").map_or(Bound::default(), |from| self.expr(from, scope)),
                        "RefBrack" if is_open(value, &scope.bound) => {
                            value.get("refr").map_or(Bound::default(), |from| self.expr(from, scope))
                        }
                        _ => Bound::default(),
                    };
                    sum = sum.plus(Bound { depth: 0, ..own }).plus(self.times(value, scope));
                }
                sum
            }
            _ => Bound::default(),
        }
    }

    fn expr(&mut self, expr: &Value, scope: &Scope) -> Bound {
        let Some((kind_of, node)) = kind(expr) else { return Bound::default() };
        let mut parts = |keys: &[&str]| {
            let parts = keys.iter().filter_map(|key| node.get(*key));
            parts.fold(Bound::default(), |most, part| most.max(self.expr(part, scope)))
        };
        let value = match kind_of {
            "Array" | "Set" => self.list(items(node, "items").collect(), scope),
            "Object" => {
                let fields = items(node, "fields").flat_map(|field| field.as_array().into_iter().flatten().skip(1));
                self.list(fields.collect(), scope)
            }
            "ArrayCompr" | "SetCompr" | "ObjectCompr" => {
                let term = parts(&["term", "key", "value"]);
                let times = node.get("query").map_or(Bound::default(), |query| self.times(query, scope));
                term.plus(times).plus(LEVEL).plus(Bound::bits(1))
            }
            "Call" => self.call(node, scope),
            "UnaryExpr" => parts(&["expr"]),
            "BinExpr" | "ArithExpr" | "BoolExpr" => parts(&["lhs", "rhs"]).plus(Bound::bits(1)),
            "Membership" => parts(&["key", "value", "collection"]),
            "Var" | "RefDot" | "RefBrack" => self.reference(expr, scope),
            _ => constant(Some(expr)).map_or(Bound::default(), |text| Bound::bits(log2(1 + text.len() / 16))),
        };
        self.note(value)
    }

    fn list(&mut self, parts: Vec<&Value>, scope: &Scope) -> Bound {
        let count = parts.len();
        let most = parts.into_iter().fold(Bound::default(), |most, part| most.max(self.expr(part, scope)));
        most.plus(LEVEL).plus(Bound::bits(log2(count + 1)))
    }

    fn call(&mut self, call: &Value, scope: &Scope) -> Bound {
        let name = call.get("fcn").and_then(path).unwrap_or_default().join(".");
        let arguments: Vec<Bound> = items(call, "params").map(|argument| self.expr(argument, scope)).collect();
        let most = arguments.iter().fold(Bound::default(), |most, argument| most.max(*argument));
        if let Some(rule) = self.names.get(&(scope.module, name.clone())) {
            return self.rule(rule).plus(most);
        }
        if functions::multiplies(&name) {
            let sum = arguments.iter().fold(Bound::default(), |sum, argument| sum.plus(*argument));
            self.note(sum);
        }
        if functions::is_small(&name) { Bound::default() } else { most.plus(LEVEL).plus(Bound::bits(FUNCTION_BITS)) }
    }

    fn reference(&mut self, expr: &Value, scope: &Scope) -> Bound {
        let (parts, open) = prefix(expr);
        let Some(first) = parts.first() else {
            // It starts from a call or a literal.
            let mut at = expr;
            while let Some(("RefDot" | "RefBrack", node)) = kind(at) {
                at = node.get("refr").unwrap_or(&Value::Null);
            }
            return self.expr(at, scope);
        };
        let local = scope.variables.get(first).copied();
        if let Some(rule) = self.names.get(&(scope.module, parts.join("."))) {
            let whole = self.rule(rule);
            // `rule[x]` is one of the items, or a part of one.
            let item = self.items.get(rule.as_str()).copied().filter(|_| open);
            return item.unwrap_or(whole).max(local.unwrap_or_default());
        }
        match first.as_str() {
            "input" | "data" => INPUT,
            _ => local.unwrap_or_default(),
        }
    }
}

fn set(pattern: &Value, value: Bound, scope: &mut Scope) {
    match kind(pattern) {
        Some(("Var", node)) => {
            let name = node.get("value").and_then(Value::as_str).unwrap_or("").to_owned();
            let known = scope.variables.entry(name).or_default();
            *known = known.max(value);
        }
        Some(("Array" | "Set", node)) => items(node, "items").for_each(|item| set(item, value, scope)),
        Some(("Object", node)) => {
            let fields = items(node, "fields").flat_map(|field| field.as_array().into_iter().flatten().skip(1));
            fields.for_each(|part| set(part, value, scope));
        }
        _ => {}
    }
}

fn log2(count: usize) -> usize {
    count.next_power_of_two().trailing_zeros() as usize
}

/// Expressions in which variables may get their values.
const PATTERNS: [&str; 4] = ["Array", "Object", "Set", "Var"];

/// The input itself.
const INPUT: Bound = Bound { degree: 1, bits: 0, depth: 0 };

/// One level of nesting.
const LEVEL: Bound = Bound { degree: 0, bits: 0, depth: 1 };

/// More than any input can have.
const HUGE: Bound = Bound { degree: 1 << 20, bits: 1 << 20, depth: 1 << 20 };

/// Assignments are looked at until nothing changes; a chain of more is not worth it.
const PASSES: usize = 8;

/// Weight of what a function gives, against its arguments: a text of sixteen bytes, which weighs two, is split into
/// sixteen, which weigh one each, and a byte is written as six in JSON.
const FUNCTION_BITS: usize = 3;

/// Sixteen million: a fifth of a second to walk through, and 256 MiB if it were a single text.
const BITS_MAX: f64 = 24.0;

/// Levels beyond the input.
const DEPTH_MAX: usize = 50;
