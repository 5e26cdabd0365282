//! Templates in CEL and their constraints as ValidatingAdmissionPolicies and bindings.
//!
//! The constraint stays what it is and becomes the parameter object of the policy, so the definition of its kind and
//! the constraint itself must be in the cluster.

use std::fmt::Write;

use manifest::Value;

use super::constraint::{Constraint, Point};
use super::library::Library;
use super::template::{Code, Template};
use crate::admission::verdict::Actions;
use crate::admission_policy::{Named, PolicySpec, Validation};

/// Policies that stand for templates and constraints.
#[derive(Debug, Default)]
pub struct Conversion {
    /// ValidatingAdmissionPolicies and their bindings, as a YAML stream.
    pub yaml: String,
    /// How many policies.
    pub policies: usize,
    /// How many bindings.
    pub bindings: usize,
    /// What has no such form.
    pub left: Vec<Left>,
}

/// A template or a constraint that was not converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Kind and name.
    pub object: String,
    /// Why.
    pub reason: String,
}

impl Library {
    /// Writes every template that has CEL as a ValidatingAdmissionPolicy, and every constraint of one as a binding.
    /// `actions` are those of the bindings; where there are none, each constraint's own count.
    pub fn convert(&self, prefix: &str, actions: &[&str]) -> Conversion {
        let mut conversion = Conversion::default();
        for (index, template) in self.templates.iter().enumerate() {
            let object = format!("ConstraintTemplate {}", template.name);
            let constraints = self.constraints.iter().filter(|constraint| constraint.template == index);
            let Code::Native(native) = &template.code else {
                let reason = match constraints.count() {
                    0 => String::from(ONLY_REGO),
                    count => format!("{ONLY_REGO}; neither have its {count} constraints"),
                };
                conversion.left.push(Left { object, reason });
                continue;
            };
            if native.spec().validations.is_empty() {
                let reason = String::from("it has no validations, and the API server takes no such policy");
                conversion.left.push(Left { object, reason });
                continue;
            }
            let name = format!("{prefix}{}", template.name);
            if name.len() > NAME_BYTES_MAX {
                let reason = format!("the name of the policy would be longer than {NAME_BYTES_MAX} characters");
                conversion.left.push(Left { object, reason });
                continue;
            }
            policy(&mut conversion.yaml, &name, template, native.spec());
            conversion.policies += 1;
            for constraint in constraints {
                match binding(&name, prefix, constraint, actions) {
                    Ok(yaml) => {
                        conversion.yaml.push_str(&yaml);
                        conversion.bindings += 1;
                    }
                    Err(reason) => {
                        let object = format!("{} {}", constraint.kind, constraint.name);
                        conversion.left.push(Left { object, reason });
                    }
                }
            }
        }
        conversion
    }
}

fn policy(yaml: &mut String, name: &str, template: &Template, spec: &PolicySpec) {
    // Writing to a string cannot fail.
    let _ = write!(
        yaml,
        "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata:\n  name: {name}\n"
    );
    if !template.annotations.is_empty() {
        yaml.push_str("  annotations:\n");
        for (key, value) in &template.annotations {
            let _ = writeln!(yaml, "    {}: {}", quoted(key), quoted(value));
        }
    }
    let failure = if spec.ignores_failure { "Ignore" } else { "Fail" };
    let _ = write!(
        yaml,
        "spec:\n  failurePolicy: {failure}\n  paramKind:\n    apiVersion: constraints.gatekeeper.sh/v1beta1\n    \
         kind: {}\n  matchConstraints:\n    resourceRules:\n    - apiGroups: ['*']\n      apiVersions: ['*']\n      \
         operations: [{}]\n      resources: ['*']\n  matchConditions:\n",
        template.kind,
        operations(template).join(", "),
    );
    for condition in &spec.match_conditions {
        named(yaml, condition);
    }
    for (name, expression) in CONDITIONS {
        let _ = write!(yaml, "  - name: {name}\n    expression: {}\n", text(expression));
    }
    yaml.push_str("  variables:\n");
    spec.variables.iter().for_each(|variable| named(yaml, variable));
    yaml.push_str("  validations:\n");
    spec.validations.iter().for_each(|item| validation(yaml, item));
}

fn named(yaml: &mut String, item: &Named) {
    let _ = write!(yaml, "  - name: {}\n    expression: {}\n", quoted(&item.name), text(&item.source.text));
}

fn validation(yaml: &mut String, item: &Validation) {
    let _ = writeln!(yaml, "  - expression: {}", text(&item.source.text));
    if let Some(message) = &item.message {
        let _ = writeln!(yaml, "    message: {}", quoted(message));
    }
    if let Some(source) = &item.message_source {
        let _ = writeln!(yaml, "    messageExpression: {}", text(&source.text));
    }
    // As Gatekeeper's webhook refuses.
    yaml.push_str("    reason: Forbidden\n");
}

/// Those that the template asks for; Gatekeeper's webhook is called for the first two unless told otherwise.
fn operations(template: &Template) -> Vec<&str> {
    if template.operations.is_empty() {
        return vec!["CREATE", "UPDATE"];
    }
    if template.operations.iter().any(|operation| **operation == *"*") {
        return vec!["'*'"];
    }
    template.operations.iter().map(|operation| &**operation).collect()
}

/// The binding of a constraint, or why there is none.
fn binding(policy: &str, prefix: &str, constraint: &Constraint, actions: &[&str]) -> Result<String, String> {
    let root = constraint.tree.root();
    let matches = root.path(&["spec", "match"]);
    if matches.and_then(|matches| matches.str_at("source")) == Some("Generated") {
        return Err(String::from("it looks only at objects that Gatekeeper's expansion makes"));
    }
    let own = constraint.actions(Point::AdmissionPolicy).or_else(|| constraint.actions(Point::Webhook));
    let actions = if actions.is_empty() { own.map(words).unwrap_or_default() } else { actions.to_vec() };
    if actions.is_empty() {
        return Err(String::from("its scopedEnforcementActions name neither vap.k8s.io nor validation.gatekeeper.sh"));
    }
    let name = format!("{prefix}{}-{}", constraint.kind.to_lowercase(), constraint.name);
    if name.len() > NAME_BYTES_MAX {
        return Err(format!("the name of the binding would be longer than {NAME_BYTES_MAX} characters"));
    }
    let mut yaml = format!(
        "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata:\n  \
         name: {name}\nspec:\n  policyName: {policy}\n  paramRef:\n    name: {}\n    parameterNotFoundAction: Allow\n",
        quoted(&constraint.name),
    );
    let selectors = [("objectSelector", "labelSelector"), ("namespaceSelector", "namespaceSelector")];
    let given: Vec<(&str, Value<'_>)> = selectors
        .into_iter()
        .filter_map(|(key, own)| Some((key, matches?.get(own).filter(|selector| selector.is_map())?)))
        .collect();
    if !given.is_empty() {
        yaml.push_str("  matchResources:\n");
        for (key, selector) in given {
            let _ = writeln!(yaml, "    {key}: {}", selector.to_json());
        }
    }
    let _ = writeln!(yaml, "  validationActions: [{}]", actions.join(", "));
    Ok(yaml)
}

/// A warning besides a refusal says the same twice; the API server takes no such binding.
fn words(actions: Actions) -> Vec<&'static str> {
    let all = [(actions.deny, "Deny"), (actions.warn && !actions.deny, "Warn"), (actions.audit, "Audit")];
    all.into_iter().filter(|(on, _)| *on).map(|(_, word)| word).collect()
}

/// An expression: as a block where it stands as written in one, else in quotes.
fn text(expression: &str) -> String {
    let expression = expression.trim();
    let plain = |c: char| c == '\n' || !c.is_control() && c != '\u{feff}' && c != '\u{2028}' && c != '\u{2029}';
    if expression.is_empty() || !expression.chars().all(plain) {
        return quoted(expression);
    }
    let mut block = String::from("|-");
    for line in expression.lines() {
        let _ = write!(block, "\n      {line}");
    }
    block
}

/// A text in double quotes. What JSON takes, YAML takes.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

const ONLY_REGO: &str = "it has Rego only, which has no form as a ValidatingAdmissionPolicy";

/// Names of policies and bindings are DNS subdomains.
const NAME_BYTES_MAX: usize = 253;

/// `spec.match` of a constraint, read by the policy itself, so that a constraint can be edited without converting it
/// again. Selectors are not here: bindings have them. A template cannot have conditions of these names.
const CONDITIONS: [(&str, &str); 5] = [
    (
        "gatekeeper_internal_match_kinds",
        r#"params.?spec.match.kinds.orValue([]).size() == 0 ||
params.spec.match.kinds.exists(rule,
  (rule.?kinds.orValue([]).size() == 0 || '*' in rule.kinds || request.kind.kind in rule.kinds) &&
  (rule.?apiGroups.orValue([]).size() == 0 || '*' in rule.apiGroups || request.kind.group in rule.apiGroups))"#,
    ),
    (
        "gatekeeper_internal_match_scope",
        r#"params.?spec.match.scope.orValue('') == 'Cluster' ?
  request.?namespace.orValue('') == '' || request.kind.group == '' && request.kind.kind == 'Namespace' :
params.?spec.match.scope.orValue('') == 'Namespaced' ?
  request.?namespace.orValue('') != '' && !(request.kind.group == '' && request.kind.kind == 'Namespace') :
true"#,
    ),
    (
        "gatekeeper_internal_match_namespaces",
        r#"params.?spec.match.namespaces.orValue([]).size() == 0 ||
(request.kind.group == '' && request.kind.kind == 'Namespace' ?
  [(object != null ? object : oldObject).?metadata.name.orValue('')] :
  [request.?namespace.orValue('')].filter(name, name != '')
).all(name, params.spec.match.namespaces.exists(pattern,
  string(name).matches('^' + string(pattern).replace('*', '.*') + '$')))"#,
    ),
    (
        "gatekeeper_internal_match_excluded_namespaces",
        r#"params.?spec.match.excludedNamespaces.orValue([]).size() == 0 ||
(request.kind.group == '' && request.kind.kind == 'Namespace' ?
  [(object != null ? object : oldObject).?metadata.name.orValue('')] :
  [request.?namespace.orValue('')].filter(name, name != '')
).all(name, !params.spec.match.excludedNamespaces.exists(pattern,
  string(name).matches('^' + string(pattern).replace('*', '.*') + '$')))"#,
    ),
    (
        "gatekeeper_internal_match_name",
        r#"params.?spec.match.name.orValue('') == '' ||
[object, oldObject].exists(item, item != null && (
  string(item.?metadata.name.orValue('')).matches(
    '^' + string(params.spec.match.name).replace('*', '.*') + '$') ||
  string(params.spec.match.name).endsWith('*') &&
  string(item.?metadata.generateName.orValue('')).matches(
    '^' + string(params.spec.match.name).replace('*', '.*') + '$')))"#,
    ),
];

#[cfg(test)]
mod tests;
