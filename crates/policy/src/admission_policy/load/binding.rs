//! ValidatingAdmissionPolicyBinding and MutatingAdmissionPolicyBinding.

use super::super::spec::{Action, BindingSpec, Flavour, ParamRef};
use super::matching::{self, Operations};
use super::report::{At, Report};
use super::{names, policy};
use crate::admission::selector::Selector;

/// Reads a binding and reports what the API server would refuse.
pub(super) fn read(root: &At<'_>, flavour: Flavour, report: &mut Report) -> BindingSpec {
    let spec = root.child("spec");
    let name = policy::name(root, report);
    let policy_name = spec.child("policyName");
    if policy_name.str().is_empty() {
        report.required(&policy_name, "");
    } else {
        for wrong in names::subdomain(policy_name.str()) {
            report.invalid(&policy_name, policy_name.str(), &wrong);
        }
    }
    let param_ref = param_ref(&spec.child("paramRef"), report);
    let matched = spec.child("matchResources");
    let operations = if flavour == Flavour::Mutating { Operations::Mutating } else { Operations::Any };
    let actions = match flavour {
        Flavour::Validating => actions(&spec.child("validationActions"), report),
        Flavour::Mutating => Vec::new(),
    };
    let policy = policy_name.str().into();
    let constraints = matched.is_set().then(|| matching::read(&matched, operations, report));
    BindingSpec { flavour, name, location: root.location, policy, constraints, param_ref, actions }
}

fn param_ref(at: &At<'_>, report: &mut Report) -> Option<ParamRef> {
    at.value?;
    let (name, selector, action) = (at.child("name"), at.child("selector"), at.child("parameterNotFoundAction"));
    for wrong in names::path_segment(name.str()) {
        report.invalid(&name, name.str(), &wrong);
    }
    if selector.is_set() {
        matching::selector(&selector, report);
    }
    match (name.str().is_empty(), selector.is_set()) {
        (false, true) => {
            report.forbidden(&name, "name and selector are mutually exclusive");
            report.forbidden(&selector, "name and selector are mutually exclusive");
        }
        (true, false) => report.required(at, "one of name or selector must be specified"),
        _ => {}
    }
    match action.str() {
        "" => report.required(&action, ""),
        "Allow" | "Deny" => {}
        word => report.unsupported(&action, word, &["Deny", "Allow"]),
    }
    Some(ParamRef {
        name: name.str().into(),
        namespace: at.child("namespace").str().into(),
        selector: selector.value.map(|value| Selector::read(value).unwrap_or_default()),
        deny_if_missing: action.str() == "Deny",
    })
}

fn actions(at: &At<'_>, report: &mut Report) -> Vec<Action> {
    let mut list = Vec::new();
    for item in at.items() {
        let action = match item.str() {
            "Deny" => Action::Deny,
            "Warn" => Action::Warn,
            "Audit" => Action::Audit,
            word => {
                report.unsupported(&item, word, &["Audit", "Deny", "Warn"]);
                continue;
            }
        };
        if list.contains(&action) {
            report.duplicate(&item, action.as_str());
        } else {
            list.push(action);
        }
    }
    if list.contains(&Action::Deny) && list.contains(&Action::Warn) {
        let detail = "must not contain both Deny and Warn (repeating the same validation failure information in the \
                      API response and headers serves no purpose)";
        report.invalid_list(at, &at.strings(), detail);
    }
    if list.is_empty() {
        report.required(at, "at least one validation action is required");
    }
    list
}
