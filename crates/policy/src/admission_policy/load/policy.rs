//! ValidatingAdmissionPolicy and MutatingAdmissionPolicy.

use std::collections::HashSet;
use std::sync::Arc;

use manifest::Value;

use super::super::spec::{Flavour, Mutation, Named, ParamKind, PatchType, PolicySpec, Source, Validation};
use super::matching::{self, Operations};
use super::names;
use super::report::{At, Report, quote};
use crate::admission::matching::MatchResources;

/// Reads a policy and reports what the API server would refuse, except for the expressions themselves.
pub(super) fn read(root: &At<'_>, flavour: Flavour, report: &mut Report) -> PolicySpec {
    let spec = root.child("spec");
    let name = name(root, report);
    let failure = spec.child("failurePolicy");
    if failure.is_set() && !matches!(failure.str(), "Fail" | "Ignore") {
        report.unsupported(&failure, failure.str(), &["Fail", "Ignore"]);
    }
    let param_kind = param_kind(&spec.child("paramKind"), report);
    let constraints = constraints(&spec.child("matchConstraints"), flavour, report);
    let match_conditions = match_conditions(&spec.child("matchConditions"), report);
    let variables = variables(&spec.child("variables"), report);
    let (mut validations, mut audit_annotations, mut mutations) = (Vec::new(), Vec::new(), Vec::new());
    let mut reinvoked = false;
    match flavour {
        Flavour::Validating => {
            let (rules, notes) = (spec.child("validations"), spec.child("auditAnnotations"));
            if count(&rules) == 0 && count(&notes) == 0 {
                report.required(&rules, "validations or auditAnnotations must contain at least one item");
                report.required(&notes, "validations or auditAnnotations must contain at least one item");
            }
            validations = rules.items().map(|at| validation(&at, report)).collect();
            audit_annotations = annotations(&notes, &name, report);
        }
        Flavour::Mutating => {
            let list = spec.child("mutations");
            if count(&list) == 0 {
                report.required(&list, "mutations must contain at least one item");
            }
            mutations = list.items().filter_map(|at| mutation(&at, report)).collect();
            reinvoked = reinvocation(&spec.child("reinvocationPolicy"), report);
        }
    }
    PolicySpec {
        flavour,
        location: root.location,
        annotations: pairs(&root.child("metadata").child("annotations")),
        ignores_failure: failure.str() == "Ignore",
        name,
        param_kind,
        constraints,
        named_resources: named_resources(&spec.child("matchConstraints").child("resourceRules")),
        match_conditions,
        variables,
        validations,
        audit_annotations,
        mutations,
        reinvoked,
    }
}

/// `metadata.name`
pub(super) fn name(root: &At<'_>, report: &mut Report) -> Arc<str> {
    let at = root.child("metadata").child("name");
    if at.str().is_empty() {
        report.required(&at, "name or generateName is required");
    } else {
        for wrong in names::subdomain(at.str()) {
            report.invalid(&at, at.str(), &wrong);
        }
    }
    at.str().into()
}

fn param_kind(at: &At<'_>, report: &mut Report) -> Option<ParamKind> {
    at.value?;
    let (version, kind) = (at.child("apiVersion"), at.child("kind"));
    match version.str() {
        "" => report.required(&version, ""),
        text if text.matches('/').count() > 1 => {
            report.invalid(&version, text, &format!("unexpected GroupVersion string: {text}"));
        }
        text => {
            let (group, number) = text.split_once('/').unwrap_or(("", text));
            if !group.is_empty() {
                let wrong = names::subdomain(group);
                if !wrong.is_empty() {
                    report.invalid(&version, group, &wrong.join(","));
                }
            }
            let wrong = names::label_1035(number);
            if number.is_empty() {
                report.invalid(&version, text, "version must be specified");
            } else if !wrong.is_empty() {
                report.invalid(&version, number, &wrong.join(","));
            }
        }
    }
    let wrong = names::label_1035(&kind.str().to_lowercase());
    if kind.str().is_empty() {
        report.required(&kind, "");
    } else if !wrong.is_empty() {
        let detail = format!("may have mixed case, but should otherwise match: {}", wrong.join(","));
        report.invalid(&kind, kind.str(), &detail);
    }
    Some(ParamKind { api_version: version.str().into(), kind: kind.str().into() })
}

fn constraints(at: &At<'_>, flavour: Flavour, report: &mut Report) -> MatchResources {
    if !at.is_set() {
        report.required(at, "");
        return MatchResources::default();
    }
    let operations = if flavour == Flavour::Mutating { Operations::Mutating } else { Operations::Any };
    let read = matching::read(at, operations, report);
    let rules = at.child("resourceRules");
    if count(&rules) == 0 {
        report.required(&rules, "");
    }
    read
}

fn match_conditions(at: &At<'_>, report: &mut Report) -> Vec<Named> {
    if count(at) > MATCH_CONDITIONS_MAX {
        let message = format!("Too many: {}: must have at most {MATCH_CONDITIONS_MAX} items", count(at));
        report.error(at, message);
    }
    let mut seen = HashSet::new();
    let mut list = Vec::new();
    for item in at.items() {
        let (name, expression) = (item.child("name"), item.child("expression"));
        if expression.str().trim().is_empty() {
            report.required(&expression, "");
        }
        if name.str().is_empty() {
            report.required(&name, "");
        } else {
            for wrong in names::qualified(name.str()) {
                report.invalid(&name, name.str(), &wrong);
            }
            if !seen.insert(name.str()) {
                report.duplicate(&name, name.str());
            }
        }
        list.push(Named { name: name.str().into(), source: source(&expression, expression.str()) });
    }
    list
}

fn variables(at: &At<'_>, report: &mut Report) -> Vec<Named> {
    let mut seen = HashSet::new();
    let mut list = Vec::new();
    for item in at.items() {
        let (name, expression) = (item.child("name"), item.child("expression"));
        if name.str().trim().is_empty() {
            report.required(&name, "name is not specified");
        } else if !names::is_cel_identifier(name.str()) {
            report.invalid(&name, name.str(), "must be a valid CEL identifier");
        } else if !seen.insert(name.str()) {
            let message = format!("the variable {} is defined twice; the later definition wins", quote(name.str()));
            report.warn(&name, message, "Give each variable a name of its own.");
        }
        if expression.str().trim().is_empty() {
            report.required(&expression, "expression is not specified");
        }
        list.push(Named { name: name.str().into(), source: source(&expression, expression.str()) });
    }
    list
}

fn validation(at: &At<'_>, report: &mut Report) -> Validation {
    let expression = at.child("expression");
    let (message, message_expression, reason) =
        (at.child("message"), at.child("messageExpression"), at.child("reason"));
    if expression.str().trim().is_empty() {
        report.required(&expression, "expression is not specified");
    }
    if !message_expression.str().is_empty() && message_expression.str().trim().is_empty() {
        report.invalid(&message_expression, message_expression.str(), "must be non-empty if specified");
    }
    let trimmed = message.str().trim();
    if !message.str().is_empty() && trimmed.is_empty() {
        report.invalid(&message, message.str(), "must be non-empty if specified");
    } else if trimmed.contains(['\n', '\r']) {
        report.invalid(&message, message.str(), "must not contain line breaks");
    }
    if reason.is_set() && !REASONS.contains(&reason.str()) {
        report.unsupported(&reason, reason.str(), &REASONS);
    }
    let text = |at: &At<'_>| Some(at.str()).filter(|text| !text.is_empty()).map(Arc::from);
    Validation {
        source: source(&expression, expression.str()),
        message: text(&message),
        message_source: Some(message_expression.str())
            .filter(|text| !text.is_empty())
            .map(|text| source(&message_expression, text)),
        reason: text(&reason),
    }
}

fn annotations(at: &At<'_>, policy: &str, report: &mut Report) -> Vec<Named> {
    if count(at) > AUDIT_ANNOTATIONS_MAX {
        let keys: Vec<String> = at.items().map(|item| quote(item.child("key").str())).collect();
        let detail = format!("must not have more than {AUDIT_ANNOTATIONS_MAX} auditAnnotations");
        report.error(at, format!("Invalid value: [{}]: {detail}", keys.join(",")));
    }
    let mut seen = HashSet::new();
    let mut list = Vec::new();
    for item in at.items() {
        let (key, expression) = (item.child("key"), item.child("valueExpression"));
        if policy.is_empty() {
            report.invalid(&key, key.str(), "requires metadata.name be non-empty");
        } else {
            let whole = format!("{policy}/{}", key.str());
            for wrong in names::qualified(&whole) {
                report.invalid(&key, &whole, &wrong);
            }
        }
        let trimmed = expression.str().trim();
        if trimmed.is_empty() {
            report.required(&expression, "valueExpression is not specified");
        } else if trimmed.len() > VALUE_EXPRESSION_BYTES_MAX {
            report.required(&expression, &format!("must not exceed {VALUE_EXPRESSION_BYTES_MAX} bytes in length"));
        }
        if !seen.insert(key.str()) {
            report.duplicate(&key, key.str());
        }
        list.push(Named { name: key.str().into(), source: source(&expression, expression.str()) });
    }
    list
}

fn mutation(at: &At<'_>, report: &mut Report) -> Option<Mutation> {
    let patch_type = at.child("patchType");
    let (apply, json) = (at.child("applyConfiguration"), at.child("jsonPatch"));
    let (patch, own, own_key, other, other_key) = match patch_type.str() {
        "ApplyConfiguration" => (PatchType::ApplyConfiguration, apply, "ApplyConfiguration", json, "jsonPatch"),
        "JSONPatch" => (PatchType::JsonPatch, json, "JSONPatch", apply, "applyConfiguration"),
        "" => {
            report.required(&patch_type, "");
            return None;
        }
        word => {
            report.unsupported(&patch_type, word, &["ApplyConfiguration", "JSONPatch"]);
            return None;
        }
    };
    if other.is_set() {
        let detail = format!("must not be specified when patchType is {own_key}");
        report.invalid(&other, &format!("{{{other_key}}}"), &detail);
    }
    if !own.is_set() {
        report.required(&own, &format!("must be specified when patchType is {own_key}"));
        return None;
    }
    let expression = own.child("expression");
    if expression.str().trim().is_empty() {
        report.required(&expression, "");
    }
    Some(Mutation { patch, source: source(&expression, expression.str()) })
}

fn reinvocation(at: &At<'_>, report: &mut Report) -> bool {
    match at.str() {
        "" => report.required(at, ""),
        "Never" | "IfNeeded" => {}
        word => report.unsupported(at, word, &["IfNeeded", "Never"]),
    }
    at.str() == "IfNeeded"
}

/// Resources of rules without wildcards in group or version, in order.
fn named_resources(rules: &At<'_>) -> Vec<Vec<(String, String, String)>> {
    let mut list = Vec::new();
    for rule in rules.items() {
        let sorted = |key: &str| {
            let mut texts = rule.child(key).strings();
            texts.sort_unstable();
            texts
        };
        let (groups, versions) = (sorted("apiGroups"), sorted("apiVersions"));
        if groups.iter().chain(&versions).any(|text| text.contains('*')) {
            continue;
        }
        let plurals: Vec<&str> = sorted("resources").into_iter().filter(|text| !text.contains(['*', '/'])).collect();
        let mut named = Vec::new();
        for group in &groups {
            for version in &versions {
                for plural in plurals.iter().take(NAMED_MAX) {
                    if named.len() < NAMED_MAX {
                        named.push(((*group).to_owned(), (*version).to_owned(), (*plural).to_owned()));
                    }
                }
            }
        }
        list.push(named);
    }
    list
}

fn source(at: &At<'_>, text: &str) -> Source {
    Source { text: text.into(), field: at.path.clone(), location: at.location }
}

fn count(at: &At<'_>) -> usize {
    at.value.map_or(0, Value::len)
}

fn pairs(at: &At<'_>) -> Vec<(Arc<str>, Arc<str>)> {
    let entries = at.value.into_iter().flat_map(Value::entries);
    entries.filter_map(|(key, value)| Some((key.as_str()?.into(), value.as_str()?.into()))).collect()
}

/// So many resources of one rule are looked up for the type checker, which takes the first ten it finds.
const NAMED_MAX: usize = 256;

/// The API server takes so many match conditions.
const MATCH_CONDITIONS_MAX: usize = 64;

/// The API server takes so many audit annotations.
const AUDIT_ANNOTATIONS_MAX: usize = 20;

/// The API server's bound for the expression of an audit annotation, half of that for its value.
const VALUE_EXPRESSION_BYTES_MAX: usize = 5 * 1024;

/// Reasons that the API server takes.
const REASONS: [&str; 3] = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
