//! Reading policies and bindings from documents.

mod binding;
mod matching;
mod names;
mod order;
mod policy;
mod report;
mod shape;

use std::collections::HashSet;
use std::sync::Arc;

use manifest::{Value, schema};

use super::issue::{Level, LoadIssue};
use super::spec::{BindingSpec, Flavour, PolicySpec};
use report::{At, Report};

pub(crate) use order::sort as sort_issues;
pub(crate) use report::quote;

/// What documents hold.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// Policies that the API server would take, but for their expressions.
    pub policies: Vec<PolicySpec>,
    /// Bindings that it would take.
    pub bindings: Vec<BindingSpec>,
    /// Policies that it would not take.
    pub broken: Vec<PolicySpec>,
    /// Names of policies that were refused.
    pub refused: HashSet<(Flavour, Arc<str>)>,
    /// What is wrong.
    pub issues: Vec<LoadIssue>,
}

impl Loaded {
    /// Reads one object; lists are unfolded, objects of other kinds are passed over.
    pub(crate) fn read(&mut self, value: Value<'_>, depth: usize) {
        let kind = value.str_at("kind").unwrap_or("");
        let (group, version) = value.str_at("apiVersion").unwrap_or("").split_once('/').unwrap_or(("", ""));
        if kind == "List" || (group == GROUP && kind.ends_with("List")) {
            if depth < LIST_DEPTH_MAX {
                value.list("items").for_each(|item| self.read(item, depth + 1));
            }
            return;
        }
        if group != GROUP {
            return;
        }
        for flavour in [Flavour::Validating, Flavour::Mutating] {
            if kind == flavour.policy_kind() || kind == flavour.binding_kind() {
                self.object(value, kind, version, flavour);
            }
        }
    }

    fn object(&mut self, value: Value<'_>, kind: &str, version: &str, flavour: Flavour) {
        let root = At::root(value);
        let name = value.path(&["metadata", "name"]).and_then(Value::as_str).unwrap_or("");
        let mut report = Report { object: format!("{kind} {name}").into(), issues: Vec::new() };
        if !VERSIONS.contains(&version) {
            report.unsupported(&root.child("apiVersion"), value.str_at("apiVersion").unwrap_or(""), &SUPPORTED);
        }
        // Older versions have the same fields.
        if let Some(own) = schema::kind(GROUP, "v1", kind) {
            shape::check(&root, own, &mut report);
        }
        if kind == flavour.policy_kind() {
            let spec = policy::read(&root, flavour, &mut report);
            if report.has_refusal() {
                self.refused.insert((flavour, spec.name.clone()));
                // Its expressions are looked at all the same, so that whoever mends it sees everything at once.
                self.broken.push(spec);
            } else if self.policies.iter().any(|own| own.flavour == flavour && own.name == spec.name) {
                report.error_with(&root.child("metadata").child("name"), duplicate(name), HINT_TWICE);
            } else {
                self.policies.push(spec);
            }
        } else {
            let spec = binding::read(&root, flavour, &mut report);
            if !report.has_refusal() {
                if self.bindings.iter().any(|own| own.flavour == flavour && own.name == spec.name) {
                    report.error_with(&root.child("metadata").child("name"), duplicate(name), HINT_TWICE);
                } else {
                    self.bindings.push(spec);
                }
            }
        }
        self.issues.append(&mut report.issues);
    }

    /// Adds an issue about a policy or binding that was read.
    pub(crate) fn issue(
        &mut self,
        level: Level,
        object: String,
        at: (&str, model::Location),
        message: String,
        hint: Option<&'static str>,
    ) {
        let (field, location) = (at.0.to_owned(), at.1);
        self.issues.push(LoadIssue { level, object: object.into(), field, message, hint, location });
    }
}

fn duplicate(name: &str) -> String {
    format!("{} is defined twice; the first definition counts", quote(name))
}

const GROUP: &str = "admissionregistration.k8s.io";

/// Versions in which the API server has had these kinds.
const VERSIONS: [&str; 3] = ["v1", "v1beta1", "v1alpha1"];

const SUPPORTED: [&str; 3] = [
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
];

const HINT_TWICE: &str = "Rename or delete one of the two.";

/// Deepest nesting of lists in lists that is unfolded.
const LIST_DEPTH_MAX: usize = 16;
