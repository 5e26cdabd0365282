//! What a template's Rego may use: an allow-list of functions, references to `input`, `data.inventory` and its own
//! libraries, no recursion. What is not known to be harmless is refused when the template is loaded.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::functions;
use super::names::Names;
use super::scales;
use super::syntax::{items, line, path, prefix, rule_name, rule_part};
use super::variables::collect_locals;
use crate::spelling::nearest;

/// What was found in the modules of a template.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Why the template is refused.
    pub(super) faults: Vec<Fault>,
    /// Parts of `input` that Gatekeeper never gives, so reading them cannot be meant.
    pub(super) strays: Vec<Fault>,
    /// Some rule reads `data.inventory`.
    pub(super) inventory: bool,
    /// Parameters of the constraint that are read by name; `None` when they are also read as a whole.
    pub(super) parameters: Option<BTreeSet<String>>,
}

/// Something that a template must not have.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    /// The module's index: 0 for `rego`, then `libs`.
    pub(super) module: usize,
    /// Line of the module, from 1.
    pub(super) line: u64,
    /// What is wrong.
    pub(super) message: String,
}

/// Looks over the syntax trees of a template's modules, the main one first, as the parser writes them.
pub(super) fn check(trees: &Value) -> Findings {
    let modules: Vec<&Value> = trees.as_array().into_iter().flatten().filter_map(|module| module.get("ast")).collect();
    let mut walk = Walk { names: Names::of(trees), ..Walk::default() };
    walk.findings.parameters = Some(BTreeSet::new());
    for (index, module) in modules.iter().enumerate() {
        walk.declare(index, module);
    }
    if !walk.rules.contains_key(&format!("{}.violation", walk.package(0))) {
        walk.fault(0, 1, "there is no rule `violation`".to_owned());
    }
    for (index, module) in modules.iter().enumerate() {
        walk.module = index;
        walk.imports(module);
        for rule in items(module, "rules") {
            walk.rule(rule);
        }
    }
    walk.chains();
    walk.findings
}

#[derive(Debug, Default)]
struct Walk {
    findings: Findings,
    names: Names,
    /// Rules by full name, with the names that each uses.
    rules: BTreeMap<String, Rule>,
    /// The module that is walked through.
    module: usize,
    /// The rule that is walked through.
    current: String,
    /// Variables that are declared somewhere in it. They hide rules of the same name; functions are not hidden.
    locals: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Rule {
    uses: BTreeSet<String>,
    place: (usize, u64),
}

impl Walk {
    fn package(&self, index: usize) -> &str {
        self.names.packages.get(index).map_or("", String::as_str)
    }

    fn declare(&mut self, index: usize, module: &Value) {
        let package = self.package(index).to_owned();
        if index > 0 && !package.starts_with("data.lib.") {
            self.fault(index, 1, format!("a library's package must be below `lib`, found `{package}`"));
        }
        for rule in items(module, "rules") {
            let Some(name) = rule_name(rule) else { continue };
            let place = (index, line(rule_part(rule)));
            if name.starts_with(scales::RESERVED) {
                self.fault(index, place.1, format!("names that start with `{}` are reserved", scales::RESERVED));
            }
            self.rules.entry(format!("{package}.{name}")).or_insert_with(|| Rule { place, ..Rule::default() });
        }
    }

    fn imports(&mut self, module: &Value) {
        for import in items(module, "imports") {
            let Some(parts) = import.get("refr").and_then(path) else { continue };
            let full = parts.join(".");
            let allowed = full.starts_with("data.lib.")
                || full == "data.lib"
                || full == "rego.v1"
                || FUTURE.contains(&full.as_str());
            if !allowed {
                let message = format!("imports may name `data.lib…`, `future.keywords` and `rego.v1`, found `{full}`");
                self.fault(self.module, line(import), message);
            }
        }
    }

    fn rule(&mut self, rule: &Value) {
        let Some(name) = rule_name(rule) else { return };
        let package = self.package(self.module);
        self.current = format!("{package}.{name}");
        self.locals.clear();
        let part = rule_part(rule);
        collect_locals(part, &mut self.locals);
        for value in part.get("head").and_then(Value::as_object).into_iter().flat_map(|head| head.values()) {
            for (key, value) in value.as_object().into_iter().flatten() {
                if key != "refr" {
                    self.visit(value);
                }
            }
            // The name of a rule is no use of it, but what stands in its brackets is.
            if let Some(name) = value.get("refr") {
                self.indices(name);
            }
        }
        for key in ["bodies", "args", "value"] {
            if let Some(value) = part.get(key) {
                self.visit(value);
            }
        }
    }

    fn visit(&mut self, node: &Value) {
        match node {
            Value::Array(list) => list.iter().for_each(|item| self.visit(item)),
            Value::Object(map) => {
                for (key, value) in map {
                    match key.as_str() {
                        "span" | "value" if value.get("span").is_none() && !value.is_object() => {}
                        "with_mods" => self.with(value),
                        "stmts" => self.statements(value),
                        "Call" => self.call(value),
                        "Var" | "RefDot" | "RefBrack" => self.reference(key, value),
                        _ => self.visit(value),
                    }
                }
            }
            _ => {}
        }
    }

    fn statements(&mut self, list: &Value) {
        if list.as_array().is_some_and(|list| list.len() > STATEMENTS_MAX) {
            let at = list.get(0).map_or(1, line);
            let message = format!("a body has more than {STATEMENTS_MAX} statements");
            return self.fault(self.module, at, message);
        }
        self.visit(list);
    }

    fn with(&mut self, modifiers: &Value) {
        for modifier in modifiers.as_array().into_iter().flatten() {
            let target = modifier.get("refr").and_then(path).unwrap_or_default();
            if target.first().map(String::as_str) != Some("input") {
                let message = format!("`with` may replace parts of `input` only, found `{}`", target.join("."));
                self.fault(self.module, line(modifier), message);
            }
            if let Some(value) = modifier.get("as") {
                self.visit(value);
            }
        }
    }

    fn call(&mut self, call: &Value) {
        let name = call.get("fcn").and_then(path).unwrap_or_default().join(".");
        let resolved = self.resolve(&name);
        if let Some(rule) = resolved {
            self.uses(rule);
        } else if !functions::is_allowed(&name) {
            self.fault(self.module, line(call), format!("the function `{name}` does not exist or is not allowed"));
        } else if items(call, "params").count() > functions::arguments(&name) {
            self.fault(self.module, line(call), format!("the function `{name}` has too many arguments"));
        }
        // As an expression OPA gives one pair after the other, the library gives all of them in a list.
        if name == "walk" && items(call, "params").count() != 2 {
            self.fault(self.module, line(call), "the function `walk` must have a pattern for its pairs".to_owned());
        }
        if let Some(arguments) = call.get("params") {
            self.visit(arguments);
        }
    }

    fn reference(&mut self, kind: &str, node: &Value) {
        let whole = serde_json::json!({ kind: node });
        let (parts, open) = prefix(&whole);
        let dotted = parts.join(".");
        match parts.first().map(String::as_str) {
            Some("data") => self.data(&parts, node, open),
            Some("input") => self.input(&parts, node),
            Some(first) => {
                if !self.locals.contains(first)
                    && let Some(rule) = self.resolve(&dotted)
                {
                    self.uses(rule);
                }
            }
            None => {}
        }
        self.indices(&whole);
    }

    /// Visits what stands in brackets along a reference, and what the reference starts from.
    fn indices(&mut self, node: &Value) {
        if let Some(brack) = node.get("RefBrack") {
            if let Some(index) = brack.get("index") {
                self.visit(index);
            }
            if let Some(inner) = brack.get("refr") {
                self.indices(inner);
            }
        } else if let Some(inner) = node.get("RefDot").and_then(|dot| dot.get("refr")) {
            self.indices(inner);
        } else if node.get("Var").is_none() {
            self.visit(node);
        }
    }

    fn data(&mut self, parts: &[String], node: &Value, open: bool) {
        match parts.get(1).map(String::as_str) {
            Some("inventory") => self.findings.inventory = true,
            Some("lib") if parts.len() > 2 || !open => {
                if let Some(rule) = self.resolve(&parts.join(".")) {
                    self.uses(rule);
                }
            }
            _ => {
                let message =
                    format!("`data` may be read below `inventory` and `lib` only, found `{}`", parts.join("."));
                self.fault(self.module, line(node), message);
            }
        }
    }

    fn input(&mut self, parts: &[String], node: &Value) {
        self.stray(parts, node);
        let names = match (parts.get(1).map(String::as_str), parts.get(2)) {
            (Some("review"), _) => return,
            (Some("parameters"), Some(name)) => Some(name.clone()),
            _ => None,
        };
        match (names, &mut self.findings.parameters) {
            (Some(name), Some(known)) => {
                known.insert(name);
            }
            (None, known) => *known = None,
            _ => {}
        }
    }

    /// Notes a part of `input` or of `input.review` that is never there.
    fn stray(&mut self, parts: &[String], node: &Value) {
        let (known, within, name): (&[&str], _, _) = match parts {
            [_, review, name, ..] if review == "review" => (&REVIEW, "input.review", name),
            [_, name, ..] => (&INPUT, "input", name),
            _ => return,
        };
        if known.contains(&name.as_str()) {
            return;
        }
        let place = (self.module, line(node));
        let message = match nearest(name, known.iter().copied()) {
            Some(meant) => format!("`{within}.{name}` is never there; `{within}.{meant}` is"),
            None => format!("`{within}.{name}` is never there; `{within}` has {}", known.join(", ")),
        };
        self.findings.strays.push(Fault { module: place.0, line: place.1, message });
    }

    /// The rule that a name means in this module.
    fn resolve(&self, name: &str) -> Option<String> {
        self.names.resolve(self.module, name)
    }

    fn uses(&mut self, rule: String) {
        if let Some(current) = self.rules.get_mut(&self.current) {
            current.uses.insert(rule);
        }
    }

    /// Refuses recursion and long chains of rules.
    fn chains(&mut self) {
        let mut depths = BTreeMap::new();
        let names: Vec<String> = self.rules.keys().cloned().collect();
        for name in &names {
            if let Err(fault) = self.depth(name, 0, &mut depths) {
                self.findings.faults.push(fault);
                break;
            }
        }
    }

    fn depth(&self, name: &str, level: usize, known: &mut BTreeMap<String, Option<usize>>) -> Result<usize, Fault> {
        let Some(rule) = self.rules.get(name) else { return Ok(0) };
        let (module, line) = rule.place;
        match known.get(name) {
            Some(Some(depth)) => return Ok(*depth),
            Some(None) => {
                let message = format!("the rule `{}` is recursive", name.rsplit('.').next().unwrap_or(name));
                return Err(Fault { module, line, message });
            }
            None => {}
        }
        if level > CHAIN_MAX {
            let message = format!("rules use each other in a chain of more than {CHAIN_MAX}");
            return Err(Fault { module, line, message });
        }
        known.insert(name.to_owned(), None);
        let mut depth = 0;
        for used in &rule.uses {
            depth = depth.max(1 + self.depth(used, level + 1, known)?);
        }
        known.insert(name.to_owned(), Some(depth));
        Ok(depth)
    }

    fn fault(&mut self, module: usize, line: u64, message: String) {
        self.findings.faults.push(Fault { module, line, message });
    }
}

/// Names under which a module may use rules and imports without a path.
pub(super) fn names(trees: &Value) -> Vec<BTreeSet<String>> {
    let modules = trees.as_array().into_iter().flatten().filter_map(|module| module.get("ast"));
    modules
        .map(|module| {
            let rules = items(module, "rules").filter_map(rule_name);
            let imports = items(module, "imports").filter_map(|import| path(import.get("refr")?)?.pop());
            rules.chain(imports).chain(std::iter::once("input".to_owned())).collect()
        })
        .collect()
}

/// Keywords that the library knows; `not` with a body in braces is none of them.
const FUTURE: [&str; 5] = [
    "future.keywords",
    "future.keywords.contains",
    "future.keywords.every",
    "future.keywords.if",
    "future.keywords.in",
];

/// What Gatekeeper puts into `input`.
const INPUT: [&str; 2] = ["review", "parameters"];

/// Fields of an AdmissionRequest, and those that Gatekeeper adds.
const REVIEW: [&str; 17] = [
    "uid",
    "kind",
    "resource",
    "subResource",
    "requestKind",
    "requestResource",
    "requestSubResource",
    "name",
    "namespace",
    "operation",
    "userInfo",
    "object",
    "oldObject",
    "dryRun",
    "options",
    "namespaceObject",
    "_unstable",
];

/// Statements of one body. The library orders them by what they need of one another, in a time that grows with the
/// square of their number; templates have fewer than thirty.
const STATEMENTS_MAX: usize = 500;

/// Rules in a chain. The evaluation of a rule within a rule takes stack; templates need fewer than ten.
const CHAIN_MAX: usize = 40;
