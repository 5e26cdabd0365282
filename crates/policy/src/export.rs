//! Built-in checks as ValidatingAdmissionPolicies, so that a cluster can enforce them without Kobuk.
//!
//! Not every check can be said in CEL: those that weigh several objects, look a value up in a table or
//! know the settings of a run stay here. What is exported says the same as the built-in check for every
//! object; tests hold both against each other.

use std::fmt::Write;

use model::Rule;

mod access;
mod objects;
mod pod_security;
mod traffic;
mod workloads;

/// A check as one CEL expression.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// The rule it stands for.
    pub rule: &'static Rule,
    /// True when the object is fine.
    pub expression: &'static str,
}

/// Checks on the same objects, which share their variables.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Name of the policy.
    pub name: &'static str,
    /// What the policy does, in one sentence.
    pub about: &'static str,
    /// API group and resources it matches.
    pub resources: &'static [(&'static str, &'static [&'static str])],
    /// Variables in order; each may use those before it.
    pub variables: &'static [(&'static str, &'static str)],
    /// Its checks.
    pub forms: &'static [Form],
}

/// How policies are written.
#[derive(Clone, Copy, Debug)]
pub struct Style<'s> {
    /// `validationActions` of the bindings.
    pub actions: &'s [&'s str],
    /// Put before the names of policies and bindings.
    pub prefix: &'s str,
}

/// All groups.
pub fn groups() -> impl Iterator<Item = &'static Group> {
    GROUPS.iter().copied()
}

/// Writes the policies and bindings of all checks that are wanted, as a YAML stream. Says how many checks
/// it holds.
pub fn write(style: Style<'_>, mut wanted: impl FnMut(&'static Rule) -> bool) -> (String, usize) {
    let mut yaml = String::new();
    let mut count = 0;
    for group in groups() {
        let forms: Vec<&Form> = group.forms.iter().filter(|form| wanted(form.rule)).collect();
        if !forms.is_empty() {
            count += forms.len();
            policy(&mut yaml, group, &forms, style);
            binding(&mut yaml, group, style);
        }
    }
    (yaml, count)
}

fn policy(yaml: &mut String, group: &Group, forms: &[&Form], style: Style<'_>) {
    let Group { name, about, .. } = group;
    let prefix = style.prefix;
    let mut controls: Vec<&str> = forms.iter().flat_map(|form| form.rule.serves).map(|serves| serves.control).collect();
    controls.sort_unstable();
    controls.dedup();
    let worst = forms.iter().map(|form| form.rule.severity).max().map_or_else(String::new, |worst| worst.to_string());
    // Writing to a string cannot fail.
    let _ = write!(
        yaml,
        "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata:\n  \
         name: {prefix}{name}\n  annotations:\n    kobuk.dev/title: {}\n    kobuk.dev/severity: {worst}\n    \
         kobuk.dev/controls: {}\nspec:\n  failurePolicy: Fail\n  matchConstraints:\n    resourceRules:\n",
        quoted(about),
        quoted(&controls.join(", ")),
    );
    for (api_group, resources) in group.resources {
        let _ = write!(
            yaml,
            "    - apiGroups: [{}]\n      apiVersions: ['*']\n      operations: [CREATE, UPDATE]\n      \
             resources: [{}]\n",
            quoted(api_group),
            resources.join(", "),
        );
    }
    let used = used_variables(group, forms);
    if !used.is_empty() {
        yaml.push_str("  variables:\n");
        for (name, expression) in used {
            let _ = write!(yaml, "  - name: {name}\n    expression: {}\n", block(expression));
        }
    }
    yaml.push_str("  validations:\n");
    for form in forms {
        let rule = form.rule;
        let _ = write!(
            yaml,
            "  - expression: {}\n    message: {}\n    reason: Forbidden\n",
            block(form.expression),
            quoted(&format!("{}: {}. {}", rule.code, rule.title, rule.fix)),
        );
    }
}

fn binding(yaml: &mut String, group: &Group, style: Style<'_>) {
    let name = format!("{}{}", style.prefix, group.name);
    let _ = write!(
        yaml,
        "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata:\n  \
         name: {name}\nspec:\n  policyName: {name}\n  validationActions: [{}]\n",
        style.actions.join(", "),
    );
}

/// The variables that the expressions use, directly or through others, in the group's order.
fn used_variables(group: &Group, forms: &[&Form]) -> Vec<(&'static str, &'static str)> {
    let names = |text: &str, name: &str| {
        let call = format!("variables.{name}");
        text.match_indices(&call).any(|(at, _)| {
            !text.get(at + call.len()..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
        })
    };
    let mut used = vec![false; group.variables.len()];
    for (index, (name, _)) in group.variables.iter().enumerate().rev() {
        let later = group.variables.iter().enumerate().skip(index + 1);
        let by_variable = later.into_iter().any(|(at, (_, text))| used.get(at) == Some(&true) && names(text, name));
        let by_form = forms.iter().any(|form| names(form.expression, name));
        if let Some(used) = used.get_mut(index) {
            *used = by_variable || by_form;
        }
    }
    group.variables.iter().zip(used).filter(|(_, used)| *used).map(|(variable, _)| *variable).collect()
}

const GROUPS: &[&Group] = &[
    &pod_security::BASELINE,
    &pod_security::RESTRICTED,
    &workloads::HARDENING,
    &workloads::OPERATION,
    &access::ROLES,
    &access::BINDINGS,
    &access::ACCOUNTS,
    &traffic::SERVICES,
    &traffic::INGRESSES,
    &traffic::NETWORK_POLICIES,
    &traffic::GATEWAYS,
    &traffic::CLUSTER_POLICIES,
    &objects::NAMESPACES,
    &objects::SECRETS,
    &objects::VOLUMES,
    &objects::DRIVERS,
    &objects::PRIORITIES,
];

/// A YAML string in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An expression as a YAML block of lines.
fn block(expression: &str) -> String {
    let mut text = String::from(">-");
    for line in expression.lines() {
        let _ = write!(text, "\n      {}", line.trim());
    }
    text
}
