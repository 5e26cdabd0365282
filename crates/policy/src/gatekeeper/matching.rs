//! `spec.match` of constraints and mutators.

use std::sync::Arc;

use cel::fault::Fact;
use manifest::Value;

use super::report::{Report, join};
use crate::admission::facts::{Facts, Lookup};
use crate::admission::selector::{LabelSet, Selector, Selects};

/// Which objects a constraint or a mutator looks at. Everything that is not said matches.
#[derive(Clone, Debug, Default)]
pub(super) struct Match {
    kinds: Vec<Kinds>,
    scope: Option<Scope>,
    namespaces: Vec<Box<str>>,
    excluded: Vec<Box<str>>,
    labels: Option<Selector>,
    namespace_labels: Option<Selector>,
    name: Box<str>,
    source: Source,
}

#[derive(Clone, Debug)]
struct Kinds {
    groups: Vec<Box<str>>,
    kinds: Vec<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    Cluster,
    Namespaced,
}

/// Where an object comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// As a selector, both of the others. As an object's own, not known.
    #[default]
    All,
    /// Made by an expansion of another object.
    Generated,
    /// Sent by a client.
    Original,
}

/// An object with what is known about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'d> {
    /// The object.
    pub(super) object: Value<'d>,
    /// The namespace of the request.
    pub(super) namespace: &'d str,
    /// Where the object comes from.
    pub(super) source: Source,
}

/// Whether an object is looked at.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Matched {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// It depends on a fact.
    Unknown(Fact),
    /// Gatekeeper cannot tell, which counts as a violation there; its words.
    Failed(Arc<str>),
}

impl Match {
    /// Reads a match. Fields that nobody reads are reported.
    pub(super) fn read(value: Option<Value<'_>>, path: &str, report: &mut Report) -> Match {
        let Some(value) = value else { return Match::default() };
        report.known(value, path, &FIELDS, true);
        let mut read = Match::default();
        for (index, item) in report.list(value, path, "kinds").into_iter().enumerate() {
            let path = format!("{}[{index}]", join(path, "kinds"));
            report.known(item, &path, &["apiGroups", "kinds"], true);
            let groups = boxed(report.texts(item, &path, "apiGroups"));
            let kinds = boxed(report.texts(item, &path, "kinds"));
            if kinds.is_empty() {
                report.warn(
                    item,
                    &join(&path, "kinds"),
                    "is empty, so every kind matches",
                    "write `[\"*\"]` if that is meant",
                );
            }
            if groups.is_empty() {
                report.warn(
                    item,
                    &join(&path, "apiGroups"),
                    "is empty, so every group matches",
                    "write `[\"*\"]` if that is meant",
                );
            }
            read.kinds.push(Kinds { groups, kinds });
        }
        read.scope = match report.text(value, path, "scope") {
            None | Some("*" | "") => None,
            Some("Cluster") => Some(Scope::Cluster),
            Some("Namespaced") => Some(Scope::Namespaced),
            Some(other) => {
                let message =
                    format!("unknown scope `{other}`, so everything matches; known are `*`, `Cluster`, `Namespaced`");
                report.useless(value, &join(path, "scope"), message);
                None
            }
        };
        read.namespaces = globs(value, path, "namespaces", report);
        read.excluded = globs(value, path, "excludedNamespaces", report);
        read.labels = selector(value, path, "labelSelector", report);
        read.namespace_labels = selector(value, path, "namespaceSelector", report);
        if let Some(name) = report.text(value, path, "name") {
            check_glob(value, &join(path, "name"), name, report);
            read.name = name.into();
        }
        read.source = match report.text(value, path, "source") {
            None | Some("All" | "") => Source::All,
            Some("Generated") => Source::Generated,
            Some("Original") => Source::Original,
            Some(other) => {
                report.refuse(
                    value,
                    &join(path, "source"),
                    format!("unknown source `{other}`; known are `All`, `Generated`, `Original`"),
                );
                Source::All
            }
        };
        empties(value, path, report);
        read
    }

    /// Whether a candidate is looked at. Conditions are tried in Gatekeeper's order; the first that fails decides, and
    /// a fact is asked for only if all before it hold.
    pub(super) fn matches(&self, candidate: Candidate<'_>, facts: &Facts) -> Matched {
        let about = About::of(candidate, facts);
        let plain = self.kinds_match(&about)
            && self.scope_matches(&about)
            && self.namespace_matches(&about)
            && self
                .labels
                .as_ref()
                .is_none_or(|selector| selector.selects(&LabelSet::of_object(candidate.object)) == Selects::Yes);
        if !plain {
            return Matched::No;
        }
        let labels = self.namespace_labels_match(&about, facts);
        if matches!(labels, Matched::No | Matched::Failed(_)) {
            return labels;
        }
        if !self.name.is_empty() && !glob(&self.name, about.name) && !prefix_glob(&self.name, about.generate_name) {
            return Matched::No;
        }
        match (self.source, candidate.source) {
            (Source::All, _) => labels,
            (_, Source::All) => {
                Matched::Failed(format!("source field not specified for resource {}", about.name).into())
            }
            (mine, its) if mine == its => labels,
            _ => Matched::No,
        }
    }

    fn kinds_match(&self, about: &About<'_>) -> bool {
        let any = |list: &[Box<str>], text: &str| {
            list.is_empty() || list.iter().any(|item| **item == *"*" || **item == *text)
        };
        self.kinds.is_empty()
            || self.kinds.iter().any(|item| any(&item.kinds, about.kind) && any(&item.groups, about.group))
    }

    fn scope_matches(&self, about: &About<'_>) -> bool {
        match self.scope {
            None => true,
            Some(Scope::Cluster) => about.is_namespace || about.namespace.is_empty(),
            Some(Scope::Namespaced) => !about.is_namespace && !about.namespace.is_empty(),
        }
    }

    fn namespace_matches(&self, about: &About<'_>) -> bool {
        let namespace = if about.is_namespace { about.name } else { about.namespace };
        if namespace.is_empty() && !about.is_namespace {
            return true;
        }
        let any = |list: &[Box<str>]| list.iter().any(|pattern| glob(pattern, namespace));
        (self.namespaces.is_empty() || any(&self.namespaces)) && !any(&self.excluded)
    }

    fn namespace_labels_match(&self, about: &About<'_>, facts: &Facts) -> Matched {
        let Some(selector) = &self.namespace_labels else { return Matched::Yes };
        let selects = |labels: &LabelSet<'_>| match selector.selects(labels) {
            Selects::Yes => Matched::Yes,
            Selects::No => Matched::No,
            Selects::Unknown => {
                Matched::Unknown(Fact { name: format!("labels of namespace {}", about.namespace).into() })
            }
        };
        if about.is_namespace {
            return selects(&LabelSet::of_object(about.object));
        }
        if about.namespace.is_empty() {
            return Matched::Yes;
        }
        match facts.namespace(about.namespace) {
            Lookup::Found(namespace) => selects(&LabelSet::of_object(namespace)),
            Lookup::Unknown(_) => selects(&LabelSet::of_unknown_namespace(about.namespace)),
            Lookup::Absent => {
                Matched::Failed("namespace selector for namespace-scoped object but missing Namespace".into())
            }
        }
    }
}

/// What matching asks of an object.
struct About<'d> {
    object: Value<'d>,
    group: &'d str,
    kind: &'d str,
    name: &'d str,
    generate_name: &'d str,
    namespace: &'d str,
    is_namespace: bool,
}

impl<'d> About<'d> {
    fn of(candidate: Candidate<'d>, _: &Facts) -> Self {
        let object = candidate.object;
        let group =
            object.str_at("apiVersion").and_then(|version| version.split_once('/')).map_or("", |(group, _)| group);
        let kind = object.str_at("kind").unwrap_or("");
        let metadata = |key| object.path(&["metadata", key]).and_then(Value::as_str).unwrap_or("");
        let is_namespace = group.is_empty() && kind == "Namespace";
        let own = metadata("namespace");
        let namespace = match (is_namespace, candidate.namespace) {
            (true, _) => own,
            (false, "") => own,
            (false, namespace) => namespace,
        };
        let (name, generate_name) = (metadata("name"), metadata("generateName"));
        About { object, group, kind, name, generate_name, namespace, is_namespace }
    }
}

/// A text with `*` at its start, at its end or at both.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(rest), Some(_)) => text.contains(rest.strip_suffix('*').unwrap_or(rest)),
        (Some(end), None) => text.ends_with(end),
        (None, Some(start)) => text.starts_with(start),
        (None, None) => pattern == text,
    }
}

/// Names that the server is to generate match patterns that leave their end open.
fn prefix_glob(pattern: &str, text: &str) -> bool {
    pattern.ends_with('*') && glob(pattern, text)
}

fn boxed(texts: Vec<&str>) -> Vec<Box<str>> {
    texts.into_iter().map(Box::from).collect()
}

fn globs(value: Value<'_>, path: &str, key: &str, report: &mut Report) -> Vec<Box<str>> {
    let texts = report.texts(value, path, key);
    for text in &texts {
        check_glob(value.get(key).unwrap_or(value), &join(path, key), text, report);
    }
    boxed(texts)
}

/// The pattern in Gatekeeper's definitions: `^\*?[-:a-z0-9]*\*?$`.
fn check_glob(at: Value<'_>, field: &str, pattern: &str, report: &mut Report) {
    let inner = pattern.strip_prefix('*').unwrap_or(pattern);
    let inner = inner.strip_suffix('*').unwrap_or(inner);
    let plain = inner.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-:".contains(&byte));
    if !plain {
        let message = format!("`{pattern}` is no name with `*` at its start, its end or both");
        report.refuse(at, field, message);
    }
}

fn selector(value: Value<'_>, path: &str, key: &str, report: &mut Report) -> Option<Selector> {
    let map = report.map(value, path, key)?;
    match Selector::read(map) {
        Ok(selector) => Some(selector),
        Err(error) => {
            report.refuse(map, &join(path, key), error.to_string());
            None
        }
    }
}

/// Reports lists that are there and empty: they match everything, which is rarely meant.
fn empties(value: Value<'_>, path: &str, report: &mut Report) {
    for key in ["kinds", "namespaces", "excludedNamespaces"] {
        if let Some(list) = value.get(key).filter(|list| list.is_seq() && list.is_empty()) {
            report.warn(list, &join(path, key), "is empty, which is as if it were not there", "remove it");
        }
    }
    for key in ["labelSelector", "namespaceSelector"] {
        if let Some(map) = value.get(key).filter(|map| map.is_map() && map.is_empty()) {
            report.warn(map, &join(path, key), "is empty, so it selects everything", "remove it");
        }
    }
}

const FIELDS: [&str; 8] =
    ["kinds", "scope", "namespaces", "excludedNamespaces", "labelSelector", "namespaceSelector", "name", "source"];
