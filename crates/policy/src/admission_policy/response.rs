//! What a client and the audit log would see of the verdicts on one request.

use std::sync::Arc;

use super::mutate::json::write_text;
use super::set::PolicySet;
use super::spec::{Action, Flavour};
use crate::admission::request::Request;
use crate::admission::verdict::{Ruling, Verdict, Violation};

/// The API server's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// Whether the request is let through; `None` when that depends on facts that nobody gave.
    pub allowed: Option<bool>,
    /// `status.message` of a refusal, as `kubectl` prints it after `Error from server (…): `.
    pub message: Option<String>,
    /// `status.reason` of a refusal.
    pub reason: Option<Arc<str>>,
    /// `status.code` of a refusal.
    pub code: Option<u16>,
    /// Warnings for the client.
    pub warnings: Vec<String>,
    /// Annotations of the audit event, each key once.
    pub audit_annotations: Vec<(String, String)>,
}

impl PolicySet {
    /// Folds the verdicts of validating policies on one request, in the order in which they were given.
    pub fn response(&self, request: &Request<'_>, verdicts: &[Verdict]) -> Response {
        let actions = |verdict: &Verdict| {
            let mut own = self.bindings(Flavour::Validating, &verdict.policy);
            let binding = own.find(|binding| Some(&binding.name) == verdict.binding.as_ref());
            binding.map(|binding| binding.actions.clone()).unwrap_or_default()
        };
        response(request, verdicts, &actions)
    }
}

fn response(request: &Request<'_>, verdicts: &[Verdict], actions: &dyn Fn(&Verdict) -> Vec<Action>) -> Response {
    let mut out = Response {
        allowed: Some(true),
        message: None,
        reason: None,
        code: None,
        warnings: Vec::new(),
        audit_annotations: Vec::new(),
    };
    for verdict in verdicts {
        fold(request, verdict, actions, &mut out);
    }
    annotate(verdicts, &mut out);
    out
}

fn fold(request: &Request<'_>, verdict: &Verdict, actions: &dyn Fn(&Verdict) -> Vec<Action>, out: &mut Response) {
    match (verdict.refuses(), out.allowed) {
        (Some(true), _) => out.allowed = Some(false),
        (None, Some(true)) => out.allowed = None,
        _ => {}
    }
    for (index, message, reason) in denials(verdict) {
        if verdict.actions.deny && out.message.is_none() {
            out.message = Some(forbidden(request, &refusal(Flavour::Validating, verdict, message)));
            out.reason = Some(reason.clone());
            out.code = Some(code(reason));
        }
        if verdict.actions.audit {
            let value = failure_annotation(verdict, &actions(verdict), index, message);
            let key = "validation.policy.admission.k8s.io/validation_failure";
            if !out.audit_annotations.iter().any(|(own, _)| own == key) {
                out.audit_annotations.push((key.to_owned(), value));
            }
        }
        if verdict.actions.warn {
            out.warnings.push(warning(verdict, message));
        }
    }
}

/// Messages that refuse, with the index of their validation and their reason.
fn denials(verdict: &Verdict) -> Vec<(usize, &str, Arc<str>)> {
    match &verdict.ruling {
        Ruling::Violated(violations) => violations
            .iter()
            .map(|Violation { message, reason, index, .. }| (*index, &**message, reason.clone()))
            .collect(),
        Ruling::Failed { messages, ignored: false } => {
            messages.iter().map(|message| (0, &**message, "Invalid".into())).collect()
        }
        _ => Vec::new(),
    }
}

/// The text with which a policy refuses, for example `ValidatingAdmissionPolicy 'p' with binding 'b' denied
/// request: …`.
pub fn refusal(flavour: Flavour, verdict: &Verdict, message: &str) -> String {
    let policy = &verdict.policy;
    if flavour == Flavour::Mutating && message.starts_with("Internal error occurred: ") {
        return message.to_owned();
    }
    match (flavour, &verdict.binding) {
        (Flavour::Validating, Some(binding)) => {
            format!("ValidatingAdmissionPolicy '{policy}' with binding '{binding}' denied request: {message}")
        }
        (Flavour::Validating, None) => format!("ValidatingAdmissionPolicy '{policy}' denied request: {message}"),
        (Flavour::Mutating, Some(binding)) => {
            format!("policy '{policy}' with binding '{binding}' denied request: {message}")
        }
        (Flavour::Mutating, None) => format!("policy \"{policy}\" denied request: {message}"),
    }
}

/// The text of a warning to the client.
pub fn warning(verdict: &Verdict, message: &str) -> String {
    let (policy, binding) = (&verdict.policy, verdict.binding.as_deref().unwrap_or(""));
    format!("Validation failed for ValidatingAdmissionPolicy '{policy}' with binding '{binding}': {message}")
}

/// The whole message of a refusal: `deployments.apps "web" is forbidden: …`.
pub fn forbidden(request: &Request<'_>, message: &str) -> String {
    let Some(resource) = request.request_resource.as_ref().or(request.resource.as_ref()) else {
        return format!("forbidden: {message}");
    };
    let dot = if resource.group.is_empty() { "" } else { "." };
    let metadata = request.object.and_then(|object| object.get("metadata"));
    let of_object = |key| metadata.and_then(|metadata| metadata.str_at(key)).filter(|name| !name.is_empty());
    let name = match &*request.name {
        "" => of_object("name").or_else(|| of_object("generateName")).unwrap_or("Unknown"),
        name => name,
    };
    format!("{}{dot}{} \"{name}\" is forbidden: {message}", resource.resource, resource.group)
}

fn code(reason: Arc<str>) -> u16 {
    match &*reason {
        "Forbidden" => 403,
        "Unauthorized" => 401,
        "RequestEntityTooLarge" => 413,
        _ => 422,
    }
}

/// The annotation that a binding with the action `Audit` leaves for a failure.
fn failure_annotation(verdict: &Verdict, actions: &[Action], index: usize, message: &str) -> String {
    let mut out = String::from("[{\"message\":");
    write_text(message, &mut out);
    out.push_str(",\"policy\":");
    write_text(&verdict.policy, &mut out);
    out.push_str(",\"binding\":");
    write_text(verdict.binding.as_deref().unwrap_or(""), &mut out);
    out.push_str(&format!(",\"expressionIndex\":{index},\"validationActions\":["));
    let names: Vec<String> = actions.iter().map(|action| format!("\"{}\"", action.as_str())).collect();
    out.push_str(&names.join(","));
    out.push_str("]}]");
    out
}

/// Values that several bindings give to one key are joined, equal ones once.
fn annotate(verdicts: &[Verdict], out: &mut Response) {
    let mut values: Vec<(&str, Vec<&str>)> = Vec::new();
    for (key, value) in verdicts.iter().flat_map(|verdict| &verdict.audit_annotations) {
        match values.iter_mut().find(|(own, _)| *own == &**key) {
            Some((_, list)) if list.contains(&&**value) => {}
            Some((_, list)) => list.push(value),
            None => values.push((key, vec![value])),
        }
    }
    out.audit_annotations.extend(values.into_iter().map(|(key, list)| (key.to_owned(), list.join(", "))));
}
