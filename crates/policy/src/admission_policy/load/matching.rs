//! `matchConstraints` and `matchResources`.

use manifest::Value;

use super::names;
use super::report::{At, Report};
use crate::admission::matching::MatchResources;

/// Which operations rules may name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operations {
    /// All of them.
    Any,
    /// Those that carry an object to change.
    Mutating,
}

/// Reads a `MatchResources` and reports what is wrong with it.
pub(super) fn read(at: &At<'_>, operations: Operations, report: &mut Report) -> MatchResources {
    let before = report.issues.len();
    check(at, operations, report);
    match at.value.map(MatchResources::read) {
        Some(Ok(read)) => read,
        Some(Err(error)) if report.issues.len() == before => {
            report.error(&At { location: error.location, ..at.clone() }, error.message);
            MatchResources::default()
        }
        _ => MatchResources::default(),
    }
}

fn check(at: &At<'_>, operations: Operations, report: &mut Report) {
    let policy = at.child("matchPolicy");
    if policy.is_set() && !matches!(policy.str(), "Exact" | "Equivalent") {
        report.unsupported(&policy, policy.str(), &["Equivalent", "Exact"]);
    }
    selector(&at.child("namespaceSelector"), report);
    selector(&at.child("objectSelector"), report);
    for key in ["resourceRules", "excludeResourceRules"] {
        for rule in at.child(key).items() {
            check_rule(&rule, report);
        }
    }
    if operations == Operations::Mutating {
        let path = format!("{}.resourceRules.operations", at.path);
        for operation in
            at.child("resourceRules").items().flat_map(|rule| rule.child("operations").items().collect::<Vec<_>>())
        {
            if !matches!(operation.str(), "*" | "CONNECT" | "CREATE" | "UPDATE") {
                let here = At { path: path.clone(), ..operation.clone() };
                report.unsupported(&here, operation.str(), &["*", "CONNECT", "CREATE", "UPDATE"]);
            }
        }
    }
}

/// Checks a label selector.
pub(super) fn selector(at: &At<'_>, report: &mut Report) {
    let labels = at.child("matchLabels");
    for (key, value) in labels.value.into_iter().flat_map(Value::entries) {
        let (name, text) = (key.as_str().unwrap_or(""), value.as_str().unwrap_or(""));
        for wrong in names::qualified(name) {
            report.invalid(&labels, name, &wrong);
        }
        for wrong in names::label_value(text) {
            report.invalid(&labels, text, &wrong);
        }
    }
    for requirement in at.child("matchExpressions").items() {
        let (key, operator, values) =
            (requirement.child("key"), requirement.child("operator"), requirement.child("values"));
        let count = values.value.map_or(0, Value::len);
        match operator.str() {
            "In" | "NotIn" if count == 0 => {
                report.required(&values, "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if count > 0 => {
                report.forbidden(&values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => report.invalid(&operator, other, "not a valid selector operator"),
        }
        for wrong in names::qualified(key.str()) {
            report.invalid(&key, key.str(), &wrong);
        }
        for value in values.items() {
            for wrong in names::label_value(value.str()) {
                report.invalid(&value, value.str(), &wrong);
            }
        }
    }
}

fn check_rule(at: &At<'_>, report: &mut Report) {
    let names_at = at.child("resourceNames");
    let mut seen = Vec::new();
    for name in names_at.items() {
        for wrong in names::path_segment(name.str()) {
            report.invalid(&name, name.str(), &wrong);
        }
        if seen.contains(&name.str()) {
            report.duplicate(&name, name.str());
        }
        seen.push(name.str());
    }
    let operations = at.child("operations");
    let list = operations.strings();
    if list.is_empty() {
        report.required(&operations, "");
    }
    if list.len() > 1 && list.contains(&"*") {
        report.invalid_list(&operations, &list, "if '*' is present, must not specify other operations");
    }
    for operation in operations.items() {
        if !OPERATIONS.contains(&operation.str()) {
            report.unsupported(&operation, operation.str(), &OPERATIONS);
        }
    }
    groups_and_versions(at, report);
    resources(&at.child("resources"), report);
    let scope = at.child("scope");
    if scope.is_set() && !matches!(scope.str(), "*" | "Cluster" | "Namespaced") {
        report.unsupported(&scope, scope.str(), &["*", "Cluster", "Namespaced"]);
    }
}

fn groups_and_versions(at: &At<'_>, report: &mut Report) {
    let (groups, versions) = (at.child("apiGroups"), at.child("apiVersions"));
    let list = groups.strings();
    if list.is_empty() {
        report.required(&groups, "");
    }
    if list.len() > 1 && list.contains(&"*") {
        report.invalid_list(&groups, &list, "if '*' is present, must not specify other API groups");
    }
    let list = versions.strings();
    if list.is_empty() {
        report.required(&versions, "");
    }
    if list.len() > 1 && list.contains(&"*") {
        report.invalid_list(&versions, &list, "if '*' is present, must not specify other API versions");
    }
    for version in versions.items().filter(|version| version.str().is_empty()) {
        report.required(&version, "");
    }
}

fn resources(at: &At<'_>, report: &mut Report) {
    let list = at.strings();
    if list.is_empty() {
        report.required(at, "");
    }
    let (mut whole_resources, mut whole_subs) = (Vec::new(), Vec::new());
    let mut without_sub = false;
    for item in at.items() {
        let text = item.str();
        if text.is_empty() {
            report.required(&item, "");
            continue;
        }
        let Some((resource, sub)) = text.split_once('/') else {
            // As the API server does: the last entry without a subresource decides.
            without_sub = text != "*";
            continue;
        };
        if whole_resources.contains(&resource) {
            report.invalid(&item, text, &format!("if '{resource}/*' is present, must not specify {text}"));
        }
        if whole_subs.contains(&sub) {
            report.invalid(&item, text, &format!("if '*/{sub}' is present, must not specify {text}"));
        }
        if sub == "*" {
            whole_resources.push(resource);
        }
        if resource == "*" {
            whole_subs.push(sub);
        }
    }
    if list.len() > 1 && list.contains(&"*/*") {
        report.invalid_list(at, &list, "if '*/*' is present, must not specify other resources");
    }
    if list.contains(&"*") && without_sub {
        let message = "if '*' is present, must not specify other resources without subresources";
        report.invalid_list(at, &list, message);
    }
}

const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
