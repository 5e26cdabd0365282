//! One mutator, read and checked.

use std::borrow::Cow;
use std::sync::Arc;

use manifest::build::Draft;
use manifest::{Data, Tree, Value};

use super::super::matching::Match;
use super::super::report::{Report, join};
use super::image::Parts;
use super::location::{Key, Location, Step};
use super::set::{SetError, Setter, Tests, same};
use crate::admission::request::Operation;

/// A mutator.
#[derive(Debug)]
pub(super) struct Mutator {
    /// Kind and name, for people.
    pub(super) id: Arc<str>,
    /// `Assign`, `AssignImage`, `AssignMetadata` or `ModifySet`.
    pub(super) kind: &'static str,
    /// `metadata.name`
    pub(super) name: Box<str>,
    /// `spec.location`
    pub(super) location: Location,
    /// `spec.parameters.pathTests`
    pub(super) tests: Tests,
    /// `spec.match`
    pub(super) matches: Match,
    /// What it does.
    pub(super) action: Action,
    apply_to: Vec<ApplyTo>,
}

#[derive(Debug)]
struct ApplyTo {
    groups: Vec<Box<str>>,
    versions: Vec<Box<str>>,
    kinds: Vec<Box<str>>,
    create: bool,
    update: bool,
}

/// What a mutator does at its location.
#[derive(Debug)]
pub(super) enum Action {
    /// Sets a value.
    Value(Tree<'static>),
    /// Sets the name or the namespace of the object.
    Metadata(Field),
    /// Adds the items that are missing.
    Merge(Tree<'static>),
    /// Takes the items away.
    Prune(Tree<'static>),
    /// Replaces parts of an image reference.
    Image(Parts),
}

/// A field of the object's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Name,
    Namespace,
}

const KINDS: [&str; 4] = ["Assign", "AssignImage", "AssignMetadata", "ModifySet"];

impl Mutator {
    /// Whether a document is a mutator of whatever version.
    pub(super) fn is(root: Value<'_>) -> bool {
        root.str_at("apiVersion").is_some_and(|version| version.starts_with("mutations.gatekeeper.sh/"))
            && root.str_at("kind").is_some_and(|kind| KINDS.contains(&kind))
    }

    /// Reads a mutator. `None`, or a refusal in the report, when it cannot be used.
    pub(super) fn read(root: Value<'_>, report: &mut Report) -> Option<Mutator> {
        let kind = KINDS.into_iter().find(|kind| root.str_at("kind") == Some(kind))?;
        let version = root.str_at("apiVersion").unwrap_or("").rsplit('/').next().unwrap_or("");
        if !["v1", "v1beta1", "v1alpha1"].contains(&version) {
            report.refuse(root, "apiVersion", "expected mutations.gatekeeper.sh/v1, v1beta1 or v1alpha1");
        }
        report.known(root, "", &["apiVersion", "kind", "metadata", "spec", "status"], true);
        let name = root.path(&["metadata", "name"]).and_then(Value::as_str).unwrap_or("");
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            report.refuse(root, "metadata.name", format!("must have 1 to {NAME_BYTES_MAX} characters"));
        }
        let Some(spec) = report.map(root, "", "spec") else {
            report.refuse(root, "spec", "is required");
            return None;
        };
        let metadata = kind == "AssignMetadata";
        let fields: &[&str] = if metadata {
            &["match", "location", "parameters"]
        } else {
            &["applyTo", "match", "location", "parameters"]
        };
        report.known(spec, "spec", fields, true);
        let text = report.text(spec, "spec", "location").unwrap_or("");
        let location = match Location::read(text) {
            Ok(location) => location,
            Err(error) => {
                report.refuse(spec, "spec.location", error.to_string());
                return None;
            }
        };
        check_location(&location, kind, spec, report);
        let parameters = report.map(spec, "spec", "parameters").unwrap_or(spec);
        let action = action(kind, parameters, &location, report)?;
        let tests = if metadata {
            Tests { must_exist: vec![(location.steps.len().saturating_sub(1), false)] }
        } else {
            path_tests(parameters, &location, report)
        };
        let apply_to = if metadata { Vec::new() } else { apply_to(spec, report) };
        let matches = Match::read(report.map(spec, "spec", "match"), "spec.match", report);
        let id = format!("{kind} {name}").into();
        Some(Mutator { id, kind, name: name.into(), location, tests, matches, action, apply_to })
    }

    /// Whether it is for objects of this kind and for this operation.
    pub(super) fn applies_to(&self, object: Value<'_>, operation: Operation) -> bool {
        if self.kind == "AssignMetadata" {
            return true;
        }
        let api_version = object.str_at("apiVersion").unwrap_or("");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = object.str_at("kind").unwrap_or("");
        self.apply_to.iter().any(|item| {
            let operation = if operation == Operation::Update { item.update } else { item.create };
            operation && has(&item.groups, group) && has(&item.versions, version) && has(&item.kinds, kind)
        })
    }

    /// Whether some kind and operation is looked at by both. Labels and annotations imply no schema.
    pub(super) fn shares_kind_with(&self, other: &Mutator) -> bool {
        let both = |a: &[Box<str>], b: &[Box<str>]| a.iter().any(|item| b.contains(item));
        self.apply_to.iter().any(|a| {
            other.apply_to.iter().any(|b| {
                both(&a.groups, &b.groups)
                    && both(&a.versions, &b.versions)
                    && both(&a.kinds, &b.kinds)
                    && ((a.create && b.create) || (a.update && b.update))
            })
        })
    }

    /// What is done to this object.
    pub(super) fn setter<'d>(&'d self, object: Value<'d>) -> Box<dyn Setter + 'd> {
        match &self.action {
            Action::Value(tree) => Box::new(Assign { value: Draft::from(tree.root()) }),
            Action::Metadata(field) => {
                let key = if *field == Field::Name { "name" } else { "namespace" };
                let text = object.path(&["metadata", key]).and_then(Value::as_str).unwrap_or("");
                Box::new(AssignText { text })
            }
            Action::Merge(tree) => Box::new(Modify { values: tree.root(), prune: false }),
            Action::Prune(tree) => Box::new(Modify { values: tree.root(), prune: true }),
            Action::Image(parts) => Box::new(Image { parts }),
        }
    }
}

fn has(list: &[Box<str>], text: &str) -> bool {
    list.iter().any(|item| **item == *text)
}

fn check_location(location: &Location, kind: &str, spec: Value<'_>, report: &mut Report) {
    let mut refuse = |message: &str| report.refuse(spec, "spec.location", message);
    let first = |name: &str| matches!(location.steps.first(), Some(Step::Field(field)) if **field == *name);
    if kind == "AssignMetadata" {
        let fits = match location.steps.as_slice() {
            [Step::Field(first), Step::Field(second), Step::Field(_)] => {
                &**first == "metadata" && matches!(&**second, "labels" | "annotations")
            }
            _ => false,
        };
        if !fits {
            refuse("must be `metadata.labels.…` or `metadata.annotations.…`");
        }
        return;
    }
    if first("metadata") {
        refuse("cannot change metadata; that is what AssignMetadata is for");
    }
    if first("kind") || first("apiVersion") {
        refuse("cannot change what kind of object it is");
    }
    let list_last = matches!(location.steps.last(), Some(Step::Items { .. }));
    if list_last && kind != "Assign" {
        refuse("cannot end in an item of a list");
    }
    for pair in location.steps.windows(2) {
        if let [Step::Items { key, .. }, Step::Field(name)] = pair
            && key == name
            && kind != "ModifySet"
        {
            refuse("cannot change the key of an item of a list");
        }
    }
}

fn action(kind: &str, parameters: Value<'_>, location: &Location, report: &mut Report) -> Option<Action> {
    const PATH: &str = "spec.parameters";
    match kind {
        "ModifySet" => {
            report.known(parameters, PATH, &["pathTests", "operation", "values"], true);
            let values = report.map(parameters, PATH, "values");
            let list = values.and_then(|values| {
                report.known(values, "spec.parameters.values", &["fromList"], true);
                values.get("fromList").filter(|list| list.is_seq())
            });
            let Some(list) = list else {
                report.refuse(parameters, "spec.parameters.values.fromList", "a list is required");
                return None;
            };
            match report.text(parameters, PATH, "operation") {
                None | Some("merge") => Some(Action::Merge(list.to_tree())),
                Some("prune") => Some(Action::Prune(list.to_tree())),
                Some(other) => {
                    let message = format!("`{other}` is neither merge nor prune");
                    report.refuse(parameters, "spec.parameters.operation", message);
                    None
                }
            }
        }
        "AssignImage" => {
            report.known(parameters, PATH, &["pathTests", "assignDomain", "assignPath", "assignTag"], true);
            let mut part = |key| report.text(parameters, PATH, key).unwrap_or("").into();
            let parts = Parts { domain: part("assignDomain"), path: part("assignPath"), tag: part("assignTag") };
            if let Err(message) = parts.check() {
                report.refuse(parameters, PATH, message);
            }
            Some(Action::Image(parts))
        }
        _ => {
            let metadata = kind == "AssignMetadata";
            let known: &[&str] = if metadata { &["assign"] } else { &["pathTests", "assign"] };
            report.known(parameters, PATH, known, true);
            assign(parameters, metadata, location, report)
        }
    }
}

fn assign(parameters: Value<'_>, metadata: bool, location: &Location, report: &mut Report) -> Option<Action> {
    const PATH: &str = "spec.parameters.assign";
    let Some(assign) = report.map(parameters, "spec.parameters", "assign") else {
        report.refuse(parameters, PATH, "is required");
        return None;
    };
    report.known(assign, PATH, &["value", "fromMetadata", "externalData"], true);
    if assign.get("externalData").is_some() {
        report.refuse(assign, "spec.parameters.assign.externalData", "policies cannot call out; there is no provider");
        return None;
    }
    let from = report.map(assign, PATH, "fromMetadata");
    match (assign.get("value"), from) {
        (Some(value), None) => {
            if metadata && value.as_str().is_none() {
                report.refuse(value, "spec.parameters.assign.value", "a label or an annotation is text");
            }
            check_item(value, location, report);
            Some(Action::Value(value.to_tree()))
        }
        (None, Some(from)) => {
            report.known(from, "spec.parameters.assign.fromMetadata", &["field"], true);
            if matches!(location.steps.last(), Some(Step::Items { .. })) {
                report.refuse(from, PATH, "cannot assign a metadata field to a list");
            }
            match report.text(from, "spec.parameters.assign.fromMetadata", "field") {
                Some("name") => Some(Action::Metadata(Field::Name)),
                Some("namespace") => Some(Action::Metadata(Field::Namespace)),
                _ => {
                    report.refuse(from, "spec.parameters.assign.fromMetadata.field", "expected name or namespace");
                    None
                }
            }
        }
        _ => {
            report.refuse(assign, PATH, "expected exactly one of value and fromMetadata");
            None
        }
    }
}

/// An object that becomes an item of a keyed list must have that key.
fn check_item(value: Value<'_>, location: &Location, report: &mut Report) {
    let Some(Step::Items { key, value: wanted }) = location.steps.last() else { return };
    let field = "spec.parameters.assign.value";
    if *wanted == Key::Any {
        report.refuse(value, field, "cannot be put at every item of a list");
    } else if !value.is_map() {
        report.refuse(value, field, "only objects can be put into a list with keys");
    } else if !value.get(key).is_some_and(|found| wanted.is(found)) {
        report.refuse(value, field, format!("its `{key}` is not the one of the location"));
    }
}

fn path_tests(parameters: Value<'_>, location: &Location, report: &mut Report) -> Tests {
    let mut tests = Tests::default();
    for (index, item) in report.list(parameters, "spec.parameters", "pathTests").into_iter().enumerate() {
        let path = format!("spec.parameters.pathTests[{index}]");
        report.known(item, &path, &["subPath", "condition"], true);
        let must = match report.text(item, &path, "condition") {
            Some("MustExist") => true,
            Some("MustNotExist") => false,
            _ => {
                report.refuse(item, &join(&path, "condition"), "expected MustExist or MustNotExist");
                continue;
            }
        };
        match Location::read(report.text(item, &path, "subPath").unwrap_or("")) {
            Err(error) => report.refuse(item, &join(&path, "subPath"), error.to_string()),
            Ok(prefix) if !prefix.is_prefix_of(location) => {
                report.refuse(item, &join(&path, "subPath"), "is not the start of `spec.location`");
            }
            Ok(prefix) => {
                let at = prefix.steps.len() - 1;
                let conflict = tests.must_exist.iter().any(|(known, known_must)| {
                    (*known == at && *known_must != must)
                        || (must && !known_must && at > *known)
                        || (!must && *known_must && *known > at)
                });
                if conflict {
                    report.refuse(item, &path, "contradicts another test");
                }
                tests.must_exist.push((at, must));
            }
        }
    }
    tests
}

fn apply_to(spec: Value<'_>, report: &mut Report) -> Vec<ApplyTo> {
    let mut list = Vec::new();
    for (index, item) in report.list(spec, "spec", "applyTo").into_iter().enumerate() {
        let path = format!("spec.applyTo[{index}]");
        report.known(item, &path, &["groups", "versions", "kinds", "operations"], true);
        let mut texts = |key| -> Vec<Box<str>> {
            let texts = report.texts(item, &path, key);
            if texts.is_empty() {
                report.refuse(item, &join(&path, key), "is empty, so nothing is ever mutated");
            }
            texts.into_iter().map(Box::from).collect()
        };
        let (groups, versions, kinds) = (texts("groups"), texts("versions"), texts("kinds"));
        let operations = report.texts(item, &path, "operations");
        for operation in &operations {
            if !["CREATE", "UPDATE", "*"].contains(operation) {
                report.refuse(item, &join(&path, "operations"), format!("`{operation}` is none of CREATE, UPDATE, *"));
            }
        }
        let on = |name| operations.is_empty() || operations.contains(&"*") || operations.contains(&name);
        list.push(ApplyTo { groups, versions, kinds, create: on("CREATE"), update: on("UPDATE") });
    }
    if list.is_empty() {
        report.refuse(spec, "spec.applyTo", "is required, so that it is known which kinds the location is for");
    }
    list
}

struct Assign<'d> {
    value: Draft<'d>,
}

impl Setter for Assign<'_> {
    fn field<'d>(&'d self, object: &mut Draft<'d>, key: &'d str) -> Result<(), SetError> {
        object.put(key, self.value.clone());
        Ok(())
    }

    fn item<'d>(&'d self) -> Option<Draft<'d>> {
        Some(self.value.clone())
    }
}

struct AssignText<'d> {
    text: &'d str,
}

impl Setter for AssignText<'_> {
    fn field<'d>(&'d self, object: &mut Draft<'d>, key: &'d str) -> Result<(), SetError> {
        object.put(key, Draft::text(self.text));
        Ok(())
    }
}

struct Modify<'d> {
    values: Value<'d>,
    prune: bool,
}

impl Setter for Modify<'_> {
    fn field<'d>(&'d self, object: &mut Draft<'d>, key: &'d str) -> Result<(), SetError> {
        if object.get_mut(key).is_none() {
            if !self.prune {
                object.put(key, Draft::from(self.values));
            }
            return Ok(());
        }
        let Some(items) = object.get_mut(key).and_then(Draft::items_mut) else {
            return Err(SetError::Value("the value is no list, so it cannot be treated as a set"));
        };
        let is = |item: &Draft<'_>, value: Value<'_>| {
            let tree = item.build_owned(value.location().file);
            tree.is_ok_and(|tree| same(tree.root(), value))
        };
        if self.prune {
            items.retain(|item| !self.values.items().any(|value| is(item, value)));
        } else {
            for value in self.values.items() {
                if !items.iter().any(|item| is(item, value)) {
                    items.push(Draft::from(value));
                }
            }
        }
        Ok(())
    }
}

struct Image<'d> {
    parts: &'d Parts,
}

impl Setter for Image<'_> {
    fn field<'d>(&'d self, object: &mut Draft<'d>, key: &'d str) -> Result<(), SetError> {
        let old = match object.get_mut(key) {
            None => "",
            Some(value) if matches!(value.data(), Data::Str(_)) => value.as_str().unwrap_or(""),
            Some(_) => return Err(SetError::Value("the value is no text, so it is no image")),
        };
        let new: Cow<'d, str> = Cow::Owned(self.parts.apply(old));
        object.put(key, Draft::text(new));
        Ok(())
    }
}

/// As Gatekeeper checks it.
const NAME_BYTES_MAX: usize = 63;
