//! Whether a document is as its version of CycloneDX demands.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use serde_json::{Number, Value};

use super::structure::{self, Node, Structure, Type};

/// Something that the schema of the version forbids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: `components[3].licenses[0].license.id`; empty for the document itself.
    pub path: Box<str>,
    /// What is wrong there, without a trailing period.
    pub message: Box<str>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

/// What is wrong with a document, at most [`FAULTS_MAX`] of it; nothing where it is valid.
///
/// The strict schemas of 1.2 and 1.3 are meant, as in the tests of the specification itself: unknown fields are faults in
/// every version.
pub fn validate(document: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    let version = document.get("specVersion").and_then(Value::as_str);
    let Some(version) = version else {
        return vec![Fault { path: "specVersion".into(), message: "is missing or no string".into() }];
    };
    let minor = version.strip_prefix("1.").and_then(|minor| minor.parse::<u8>().ok()).unwrap_or(0);
    let structure = structure::of(minor);
    let Some(root) = structure.forms.first().filter(|_| version.len() == 3) else {
        let message = format!("version {} has no JSON schema; 1.2 to 1.7 have", quoted(version));
        return vec![Fault { path: "specVersion".into(), message: message.into() }];
    };
    let mut checker = Checker { structure, path: Vec::new(), faults: &mut faults, hasher: RandomState::new() };
    checker.explain(root, document);
    faults
}

enum Step<'a> {
    Field(&'a str),
    Item(usize),
}

struct Checker<'a, 'f> {
    structure: &'static Structure,
    path: Vec<Step<'a>>,
    faults: &'f mut Vec<Fault>,
    hasher: RandomState,
}

impl<'a> Checker<'a, '_> {
    fn fault(&mut self, message: String) {
        if self.faults.len() >= FAULTS_MAX {
            return;
        }
        let mut path = String::new();
        for step in &self.path {
            let _ = match step {
                Step::Field(name) if path.is_empty() => write!(path, "{}", plain(name)),
                Step::Field(name) => write!(path, ".{}", plain(name)),
                Step::Item(index) => write!(path, "[{index}]"),
            };
        }
        self.faults.push(Fault { path: path.into(), message: message.into() });
    }

    fn at(&mut self, step: Step<'a>, node: &Node, value: &'a Value) {
        if self.faults.len() < FAULTS_MAX {
            self.path.push(step);
            self.explain(node, value);
            self.path.pop();
        }
    }

    /// Checks, and tells all that is wrong.
    fn explain(&mut self, node: &Node, value: &'a Value) {
        if let Some(message) = scalar(node, value) {
            self.fault(message);
        }
        if let Value::Object(map) = value {
            for name in node.needs.iter().filter(|name| !map.contains_key(**name)) {
                self.fault(format!("field `{name}` is missing"));
            }
            for (name, value) in map {
                match node.fields.get(name.as_str()) {
                    Some(node) => self.at(Step::Field(name), node, value),
                    None if node.closed => self.fault(format!("field {} is not known", quoted(name))),
                    None => {}
                }
            }
        }
        if let Value::Array(items) = value {
            for (index, item) in items.iter().enumerate() {
                if let Some(node) = &node.items {
                    self.at(Step::Item(index), node, item);
                }
            }
            if let Some((first, second)) = self.twin(node, items) {
                self.fault(format!("items {first} and {second} are equal"));
            }
        }
        if let Some(form) = node.form.and_then(|index| self.structure.forms.get(index)) {
            self.explain(form, value);
        }
        for node in &node.all {
            self.explain(node, value);
        }
        if !node.any.is_empty() && !node.any.iter().any(|node| self.holds(node, value)) {
            self.closest(&node.any, value);
        }
        if !node.one.is_empty() {
            match node.one.iter().filter(|node| self.holds(node, value)).count() {
                0 => self.closest(&node.one, value),
                1 => {}
                count => self.fault(format!("fits {count} forms of which it must be exactly one")),
            }
        }
        if let Some(inner) = &node.not
            && self.holds(inner, value)
        {
            let what = inner.needs.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
            self.fault(format!("must not have {what} here"));
        }
        if let Some((condition, consequence)) = node.condition.as_deref()
            && self.holds(condition, value)
        {
            self.explain(consequence, value);
        }
    }

    /// None of several forms fits. Tells what is wrong with the one that is meant most likely: the one with the fewest
    /// faults.
    fn closest(&mut self, nodes: &[Node], value: &'a Value) {
        let mut best: Option<Vec<Fault>> = None;
        for node in nodes {
            let mut faults = Vec::new();
            std::mem::swap(self.faults, &mut faults);
            self.explain(node, value);
            std::mem::swap(self.faults, &mut faults);
            if best.as_ref().is_none_or(|best| faults.len() < best.len()) {
                best = Some(faults);
            }
        }
        let room = FAULTS_MAX.saturating_sub(self.faults.len());
        self.faults.extend(best.unwrap_or_default().into_iter().take(room));
    }

    /// Checks without telling.
    fn holds(&self, node: &Node, value: &Value) -> bool {
        if scalar(node, value).is_some() {
            return false;
        }
        let inside = match value {
            Value::Object(map) => {
                node.needs.iter().all(|name| map.contains_key(*name))
                    && map.iter().all(|(name, value)| match node.fields.get(name.as_str()) {
                        Some(node) => self.holds(node, value),
                        None => !node.closed,
                    })
            }
            Value::Array(items) => {
                node.items.as_ref().is_none_or(|node| items.iter().all(|item| self.holds(node, item)))
                    && self.twin(node, items).is_none()
            }
            _ => true,
        };
        inside
            && node.form.and_then(|index| self.structure.forms.get(index)).is_none_or(|form| self.holds(form, value))
            && node.all.iter().all(|node| self.holds(node, value))
            && (node.any.is_empty() || node.any.iter().any(|node| self.holds(node, value)))
            && (node.one.is_empty() || node.one.iter().filter(|node| self.holds(node, value)).count() == 1)
            && node.not.as_ref().is_none_or(|inner| !self.holds(inner, value))
            && node
                .condition
                .as_deref()
                .is_none_or(|(condition, consequence)| !self.holds(condition, value) || self.holds(consequence, value))
    }

    /// Two equal items of a list that must not have any. Hashes first: lists of 100,000 components are ordinary.
    fn twin(&self, node: &Node, items: &[Value]) -> Option<(usize, usize)> {
        // Most lists of nested components have one item: hashing their insides at every level would be for nothing.
        if !node.unique || items.len() < 2 {
            return None;
        }
        let mut seen: HashMap<u64, Vec<usize>> = HashMap::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let bucket = seen.entry(self.hasher.hash_one(Canonical(item))).or_default();
            let equal = |other: &&usize| items.get(**other).is_some_and(|other| same(other, item));
            if let Some(other) = bucket.iter().find(equal) {
                return Some((*other, index));
            }
            bucket.push(index);
        }
        None
    }
}

/// What is wrong with a value apart from what lies in it.
fn scalar(node: &Node, value: &Value) -> Option<String> {
    if !node.types.is_empty() && !node.types.iter().any(|kind| is(value, *kind)) {
        let names: Vec<&str> = node.types.iter().map(|kind| kind.name()).collect();
        return Some(format!("is {} and must be {}", name_of(value), names.join(" or ")));
    }
    if !node.one_of_values.is_empty() && !node.one_of_values.iter().any(|allowed| same(allowed, value)) {
        return Some(not_among(&node.one_of_values, value));
    }
    match value {
        Value::String(text) => string(node, text),
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or_default();
            let low = node.least.filter(|least| number < *least).map(|least| format!("is less than {least}"));
            low.or_else(|| node.most.filter(|most| number > *most).map(|most| format!("is more than {most}")))
        }
        Value::Array(items) => {
            let few = (items.len() < node.count.0).then(|| format!("has fewer than {} items", node.count.0));
            let many = node.count.1.filter(|most| items.len() > *most);
            few.or_else(|| many.map(|most| format!("has more than {most} items")))
        }
        _ => None,
    }
}

fn string(node: &Node, text: &str) -> Option<String> {
    if let Some(pattern) = node.pattern.filter(|pattern| !pattern.matches(text)) {
        return Some(format!("{} is not {}", quoted(text), pattern.wants()));
    }
    if let Some(format) = node.format.filter(|format| !format.matches(text)) {
        return Some(format!("{} is not {}", quoted(text), format.wants()));
    }
    if node.spdx && !super::license_id(text) {
        return Some(format!("{} is no identifier of the SPDX license list", quoted(text)));
    }
    let (least, most) = node.length;
    if least > 0 || most.is_some() {
        let length = text.chars().count();
        if length < least {
            return Some(format!("has fewer than {least} characters"));
        }
        if let Some(most) = most.filter(|most| length > *most) {
            return Some(format!("has more than {most} characters"));
        }
    }
    None
}

fn not_among(allowed: &[Value], value: &Value) -> String {
    let shown = match value {
        Value::String(text) => quoted(text),
        other => quoted(&other.to_string()),
    };
    if allowed.len() > LISTED_MAX {
        return format!("{shown} is not one of the {} allowed values", allowed.len());
    }
    let words: Vec<String> =
        allowed.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), Into::into)).collect();
    format!("{shown} is not one of {}", words.join(", "))
}

fn is(value: &Value, kind: Type) -> bool {
    match (kind, value) {
        (Type::String, Value::String(_))
        | (Type::Number, Value::Number(_))
        | (Type::Boolean, Value::Bool(_))
        | (Type::Object, Value::Object(_))
        | (Type::Array, Value::Array(_)) => true,
        (Type::Integer, Value::Number(number)) => whole(number),
        _ => false,
    }
}

fn whole(number: &Number) -> bool {
    !number.is_f64() || number.as_f64().is_some_and(|number| number.fract() == 0.0)
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Equal as JSON: 1 is 1.0, and the order of fields has no meaning.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// Hashes values that are [`same`] alike.
struct Canonical<'a>(&'a Value);

impl Hash for Canonical<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self.0).hash(state);
        match self.0 {
            Value::Null => {}
            Value::Bool(value) => value.hash(state),
            Value::Number(number) => (number.as_f64().unwrap_or_default() + 0.0).to_bits().hash(state),
            Value::String(text) => text.hash(state),
            Value::Array(items) => items.iter().for_each(|item| Canonical(item).hash(state)),
            Value::Object(map) => {
                let mut fields: Vec<(&String, &Value)> = map.iter().collect();
                fields.sort_by_key(|(key, _)| *key);
                for (key, value) in fields {
                    key.hash(state);
                    Canonical(value).hash(state);
                }
            }
        }
    }
}

/// Text of a stranger, short and without control characters, in backticks.
fn quoted(text: &str) -> String {
    format!("`{}`", plain(text))
}

fn plain(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_MAX).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// Nobody reads more faults of one document.
pub const FAULTS_MAX: usize = 50;
/// Most allowed values that a message lists: about two lines.
const LISTED_MAX: usize = 20;
/// Characters of a document that a message shows: about a line.
const SHOWN_MAX: usize = 100;
