//! What of a review a template's Rego may come to, whatever way it takes: aliases, variable keys, functions, `walk`.
//!
//! Every variable, argument and rule has one origin, whatever the order of statements: what ever flows into it.

use std::collections::HashMap;

use serde_json::Value;

use super::names::Names;
use super::syntax::{self, constant, items, path, rule_name, rule_part};
use crate::admission::server_made::{Origin, Reached};

/// What the modules may come to; `trees` are their syntax trees as the parser writes them.
pub(super) fn reached(trees: &Value) -> Reached {
    let names = Names::of(trees);
    let mut walk = Walk::new(&names, trees);
    for _ in 0..PASSES_MAX {
        walk.changed = false;
        walk.modules(trees);
        if !walk.changed {
            return walk.reached;
        }
    }
    Reached::ALL
}

struct Walk<'t> {
    names: &'t Names,
    /// The text of each module.
    sources: Vec<&'t str>,
    /// Rules by full name.
    rules: HashMap<String, Origin>,
    /// Arguments of functions by full name and position.
    arguments: HashMap<(String, usize), Origin>,
    /// Variables by rule and name.
    variables: HashMap<(usize, &'t str), Origin>,
    /// What `with` puts in the place of `input` or a part of it.
    replaced: Origin,
    reached: Reached,
    module: usize,
    /// Number of the rule that is walked through.
    rule: usize,
    changed: bool,
}

/// A step of a reference.
enum Step<'t> {
    Field(&'t str),
    Index(&'t Value),
}

impl<'t> Walk<'t> {
    fn new(names: &'t Names, trees: &'t Value) -> Self {
        let source = |tree: &'t Value| tree.get("source")?.get("contents")?.as_str();
        let modules = trees.as_array().into_iter().flatten().filter(|tree| tree.get("ast").is_some());
        Walk {
            names,
            sources: modules.map(|tree| source(tree).unwrap_or("")).collect(),
            rules: HashMap::new(),
            arguments: HashMap::new(),
            variables: HashMap::new(),
            replaced: Origin::NOTHING,
            reached: Reached::default(),
            module: 0,
            rule: 0,
            changed: false,
        }
    }

    fn modules(&mut self, trees: &'t Value) {
        self.rule = 0;
        let modules = trees.as_array().into_iter().flatten().filter_map(|tree| tree.get("ast"));
        for (index, module) in modules.enumerate() {
            self.module = index;
            for rule in items(module, "rules") {
                self.rule += 1;
                self.rule(rule);
            }
        }
    }

    fn rule(&mut self, rule: &'t Value) {
        let Some(name) = rule_name(rule) else { return };
        let name = format!("{}.{name}", self.names.packages.get(self.module).map_or("", String::as_str));
        let part = rule_part(rule);
        let mut result = self.optional(part.get("value"));
        if let Some((kind, head)) = part.get("head").and_then(syntax::kind) {
            for (index, argument) in items(head, "args").enumerate() {
                let given = self.arguments.get(&(name.clone(), index)).copied().unwrap_or_default();
                self.bind(argument, given);
            }
            for body in items(part, "bodies") {
                self.query(body.get("query"));
                result = result.or(self.optional(body.get("assign").and_then(|assign| assign.get("value"))));
            }
            result = result.or(self.optional(head.get("assign").and_then(|assign| assign.get("value"))));
            let key = self.optional(head.get("key")).or(self.indices(head.get("refr")));
            result = result.or(key);
            // A set of its keys, or a mapping of its values.
            if kind == "Set" || head.get("refr").is_some_and(|refr| refr.get("RefBrack").is_some()) {
                result = result.within();
            }
        }
        let known = self.rules.entry(name).or_default();
        self.changed |= grow(known, result);
    }

    /// What stands in the brackets of the name of a rule.
    fn indices(&mut self, name: Option<&'t Value>) -> Origin {
        let mut found = Origin::NOTHING;
        let mut at = name;
        while let Some((_, node)) = at.and_then(syntax::kind) {
            found = found.or(self.optional(node.get("index")));
            at = node.get("refr");
        }
        found
    }

    fn query(&mut self, query: Option<&'t Value>) {
        for statement in query.into_iter().flat_map(|query| items(query, "stmts")) {
            for modifier in items(statement, "with_mods") {
                let with = self.optional(modifier.get("as"));
                self.changed |= grow(&mut self.replaced, with.or(with.within().element()));
            }
            match statement.get("literal").and_then(syntax::kind) {
                Some(("SomeIn", node)) => self.each(node, "collection"),
                Some(("Every", node)) => {
                    self.each(node, "domain");
                    self.query(node.get("query"));
                }
                Some((_, node)) => {
                    self.optional(node.get("expr"));
                }
                None => {}
            }
        }
    }

    /// `some key, value in collection`
    fn each(&mut self, node: &'t Value, collection: &str) {
        let item = self.optional(node.get(collection)).part(None, &mut self.reached);
        for pattern in ["key", "value"].into_iter().filter_map(|part| node.get(part)) {
            // `every` has bare names, of which the parser keeps the place.
            match pattern.get("start").and_then(Value::as_u64).zip(pattern.get("end").and_then(Value::as_u64)) {
                Some((start, end)) => {
                    let source = self.sources.get(self.module).copied().unwrap_or("");
                    if let Some(name) = source.get(start as usize..end as usize) {
                        self.assign(name, item);
                    }
                }
                None => self.bind(pattern, item),
            }
        }
    }

    fn optional(&mut self, node: Option<&'t Value>) -> Origin {
        node.map_or(Origin::NOTHING, |node| self.value(node))
    }

    fn value(&mut self, expr: &'t Value) -> Origin {
        let Some((kind, node)) = syntax::kind(expr) else { return Origin::NOTHING };
        match kind {
            "Var" | "RefDot" | "RefBrack" => self.reference(expr),
            "Array" | "Set" => self.all(items(node, "items")).within(),
            "Object" => {
                let fields = items(node, "fields").filter_map(Value::as_array).flat_map(|field| field.iter().skip(1));
                self.all(fields).within()
            }
            "ArrayCompr" | "SetCompr" | "ObjectCompr" => {
                self.query(node.get("query"));
                self.all(["term", "key", "value"].into_iter().filter_map(|part| node.get(part))).within()
            }
            "Call" => self.call(node),
            "BoolExpr" => {
                let sides = self.all(["lhs", "rhs"].into_iter().filter_map(|side| node.get(side)));
                if constant(node.get("lhs")).is_none() && constant(node.get("rhs")).is_none() {
                    sides.whole(&mut self.reached);
                }
                Origin::NOTHING
            }
            "AssignExpr" => self.unify(node),
            "Membership" => {
                let collection = self.optional(node.get("collection"));
                collection.part(None, &mut self.reached).or(collection).whole(&mut self.reached);
                self.all(["key", "value"].into_iter().filter_map(|part| node.get(part))).whole(&mut self.reached);
                Origin::NOTHING
            }
            // Sums, differences and unions of sets.
            _ => self.all(["lhs", "rhs", "expr"].into_iter().filter_map(|side| node.get(side))),
        }
    }

    fn all(&mut self, parts: impl IntoIterator<Item = &'t Value>) -> Origin {
        parts.into_iter().map(|part| self.value(part)).fold(Origin::NOTHING, Origin::or)
    }

    /// `a := b` and `a = b`: either side may be the pattern.
    fn unify(&mut self, node: &'t Value) -> Origin {
        let (Some(left), Some(right)) = (node.get("lhs"), node.get("rhs")) else { return Origin::NOTHING };
        let (first, second) = (self.value(left), self.value(right));
        self.bind(left, second);
        self.bind(right, first);
        // Two known values are compared; a mapping is compared key by key, and there must be no other.
        let has_keys = |side: &Value| side.get("Object").is_some();
        if (first != Origin::NOTHING && second != Origin::NOTHING && !is_name(left) && !is_name(right))
            || has_keys(left)
            || has_keys(right)
        {
            first.or(second).whole(&mut self.reached);
        }
        Origin::NOTHING
    }

    fn call(&mut self, call: &'t Value) -> Origin {
        let name = call.get("fcn").and_then(path).unwrap_or_default().join(".");
        let parameters: Vec<&Value> = items(call, "params").collect();
        if let Some(rule) = self.names.resolve(self.module, &name) {
            for (index, parameter) in parameters.iter().enumerate() {
                let given = self.value(parameter);
                let known = self.arguments.entry((rule.clone(), index)).or_default();
                self.changed |= grow(known, given);
            }
            let result = self.rules.get(&rule).copied().unwrap_or_default();
            // One parameter too many is a pattern for the result.
            if let Some(last) = parameters.last() {
                self.bind(last, result);
            }
            return result;
        }
        match (name.as_str(), parameters.as_slice()) {
            ("object.get", [object, key, default]) => {
                let object = self.value(object);
                self.looked_up(object, key).or(self.value(default))
            }
            ("walk", [object, pattern]) => {
                let object = self.value(object);
                object.whole(&mut self.reached);
                self.bind(pattern, object.within());
                Origin::NOTHING
            }
            ("count", [collection]) => {
                self.value(collection).size(&mut self.reached);
                Origin::NOTHING
            }
            ("max" | "min", [collection]) => self.value(collection).element(),
            (name, _) if PASSED_ON.contains(&name) => self.all(parameters),
            (name, _) => {
                let given = self.all(parameters);
                if !UNTOUCHED.contains(&name) {
                    given.whole(&mut self.reached);
                }
                Origin::NOTHING
            }
        }
    }

    /// The value of a key or of a path of keys.
    fn looked_up(&mut self, object: Origin, key: &'t Value) -> Origin {
        self.value(key);
        if let Some(key) = text(key) {
            return object.part(Some(key), &mut self.reached);
        }
        match key.get("Array") {
            Some(path) => items(path, "items").fold(object, |at, key| at.part(text(key), &mut self.reached)),
            None => {
                object.whole(&mut self.reached);
                object.part(None, &mut self.reached)
            }
        }
    }

    fn reference(&mut self, expr: &'t Value) -> Origin {
        let mut steps = Vec::new();
        let mut at = expr;
        while let Some((kind @ ("RefDot" | "RefBrack"), node)) = syntax::kind(at) {
            let field = node.get("field").and_then(|field| field.get(1)?.as_str());
            steps.push(match (kind, field, node.get("index")) {
                ("RefDot", Some(field), _) => Step::Field(field),
                (_, _, Some(index)) => text(index).map_or(Step::Index(index), Step::Field),
                _ => return Origin::NOTHING,
            });
            at = node.get("refr").unwrap_or(&Value::Null);
        }
        steps.reverse();
        let (mut origin, used) = self.start(at, &steps);
        for step in steps.iter().skip(used) {
            origin = match step {
                Step::Field(field) => origin.part(Some(field), &mut self.reached),
                Step::Index(index) => {
                    self.value(index);
                    let number = constant(Some(index)).is_some();
                    // A member of a set is what it is looked up with.
                    self.bind(index, origin.element());
                    if number { origin.element() } else { origin.part(None, &mut self.reached) }
                }
            };
        }
        origin
    }

    /// What a reference starts from, and how many of its steps belong to the name of a rule.
    fn start(&mut self, node: &'t Value, steps: &[Step<'t>]) -> (Origin, usize) {
        let Some(name) = variable(node) else { return (self.value(node), 0) };
        if name == "input" {
            return (Origin::INPUT.or(self.replaced), 0);
        }
        let own = self.variables.get(&(self.rule, name)).copied().unwrap_or_default();
        let mut dotted = name.to_owned();
        for used in 0..=steps.len() {
            if let Some(rule) = self.names.resolve(self.module, &dotted) {
                let result = self.rules.get(&rule).copied().unwrap_or_default();
                return (if used == 0 { own.or(result) } else { result }, used);
            }
            match steps.get(used) {
                Some(Step::Field(field)) => dotted = format!("{dotted}.{field}"),
                _ => break,
            }
        }
        (own, 0)
    }

    /// A value meets a pattern.
    fn bind(&mut self, pattern: &'t Value, origin: Origin) {
        if origin == Origin::NOTHING {
            return;
        }
        match syntax::kind(pattern) {
            Some(("Var", _)) => {
                if let Some(name) = variable(pattern) {
                    self.assign(name, origin);
                }
            }
            Some(("Array" | "Set", node)) => items(node, "items").for_each(|item| self.bind(item, origin.element())),
            Some(("Object", node)) => {
                for field in items(node, "fields") {
                    let (Some(key), Some(value)) = (field.get(1), field.get(2)) else { continue };
                    let part = origin.part(text(key), &mut self.reached);
                    self.bind(value, part);
                }
            }
            _ => {}
        }
    }

    fn assign(&mut self, name: &'t str, origin: Origin) {
        if name != "_" && name != "input" && name != "data" {
            let known = self.variables.entry((self.rule, name)).or_default();
            self.changed |= grow(known, origin);
        }
    }
}

fn grow(known: &mut Origin, more: Origin) -> bool {
    let all = known.or(more);
    std::mem::replace(known, all) != all
}

fn is_name(expr: &Value) -> bool {
    expr.get("Var").is_some()
}

fn variable(expr: &Value) -> Option<&str> {
    expr.get("Var")?.get("value")?.as_str()
}

/// A literal text.
fn text(expr: &Value) -> Option<&str> {
    expr.get("String").or_else(|| expr.get("RawString"))?.get("value")?.as_str()
}

/// Functions that give what they are given, or some of its parts.
const PASSED_ON: [&str; 12] = [
    "array.concat",
    "array.reverse",
    "array.slice",
    "intersection",
    "json.filter",
    "json.remove",
    "object.filter",
    "object.remove",
    "object.union",
    "object.union_n",
    "sort",
    "union",
];

/// Functions to which it is all the same what is in a list or a mapping.
const UNTOUCHED: [&str; 9] =
    ["is_array", "is_boolean", "is_null", "is_number", "is_object", "is_set", "is_string", "print", "type_name"];

/// Passes until nothing changes: each adds a part of the request to the origin of at least one name. Chains of rules
/// are at most `CHAIN_MAX` long, and most passes carry an origin along a whole chain.
const PASSES_MAX: usize = 48;
