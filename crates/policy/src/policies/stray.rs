//! Objects that were meant as policies and would be passed over: misspelt kinds and groups, kinds that are not judged.

use std::collections::HashSet;

use manifest::Value;

use crate::admission_policy::{Level, LoadIssue};

/// Finds what no loader takes though it was meant as a policy, and templates that no constraint uses.
pub(super) fn issues(documents: &[Value<'_>], issues: &mut Vec<LoadIssue>) {
    let constrained: HashSet<&str> = documents
        .iter()
        .filter(|value| group_of(**value).eq_ignore_ascii_case(CONSTRAINTS))
        .filter_map(|value| value.str_at("kind"))
        .collect();
    for value in documents {
        let issue = passed_over(*value).or_else(|| unused_template(*value, &constrained, issues));
        issues.extend(issue);
    }
}

fn passed_over(value: Value<'_>) -> Option<LoadIssue> {
    let (Some(api_version), Some(kind)) = (value.str_at("apiVersion"), value.str_at("kind")) else {
        // A list gave it the type that it lacks, or a key is written in other letters.
        let key = if value.str_at("kind").is_none() { "kind" } else { "apiVersion" };
        return Some(issue(
            value,
            Level::Refused,
            key,
            format!("an object without `{key}`; write it, in these letters"),
        ));
    };
    let group = group_of(value);
    let Some((known, kinds)) = KNOWN.iter().find(|(known, _)| group.eq_ignore_ascii_case(known)) else {
        return foreign(value, group, kind);
    };
    if kind.ends_with("List") {
        return None;
    }
    if group != *known || !api_version.contains('/') {
        let message =
            format!("`{api_version}` is no version that is known; write `{known}/v1` or another of its versions");
        return Some(issue(value, Level::Refused, "apiVersion", message));
    }
    let is_known = kinds.is_empty() || kinds.contains(&kind) || WEBHOOKS.contains(&kind);
    (!is_known).then(|| {
        let message = format!("`{kind}` is no kind of {known} that is known; there are {}", kinds.join(", "));
        issue(value, Level::Refused, "kind", message)
    })
}

/// An object of a group whose kinds are not judged, or a known kind in a group that does not have it.
fn foreign(value: Value<'_>, group: &str, kind: &str) -> Option<LoadIssue> {
    let lower = group.to_ascii_lowercase();
    let of = |domain: &str| lower.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if of("kyverno.io") || (of("gatekeeper.sh") && lower != TESTS) {
        let message = format!(
            "a {kind} of {group} is not judged; only admission policies, ConstraintTemplates, constraints and mutators are"
        );
        return Some(issue(value, Level::Warning, "", message));
    }
    let (home, _) = KNOWN.iter().find(|(home, kinds)| {
        // Names such as `Assign` are nobody's own.
        *home != MUTATIONS && kinds.iter().any(|known| known.eq_ignore_ascii_case(kind))
    })?;
    Some(issue(value, Level::Refused, "apiVersion", format!("a {kind} is of the group {home}; correct it")))
}

/// A template that judges nothing. One that is refused is told of already.
fn unused_template(value: Value<'_>, constrained: &HashSet<&str>, told: &[LoadIssue]) -> Option<LoadIssue> {
    if group_of(value) != TEMPLATES || value.str_at("kind") != Some("ConstraintTemplate") {
        return None;
    }
    let kind = value.path(&["spec", "crd", "spec", "names", "kind"]).and_then(Value::as_str)?;
    let object = title(value);
    let refused = told.iter().any(|issue| issue.level == Level::Refused && *issue.object == *object);
    (!constrained.contains(kind) && !refused).then(|| {
        let message = format!("no constraint of the kind {kind} is given, so the template judges nothing");
        issue(value, Level::Warning, "", message)
    })
}

fn issue(value: Value<'_>, level: Level, field: &str, message: String) -> LoadIssue {
    let location = value.get(field).unwrap_or(value).location();
    LoadIssue { level, object: title(value).into(), field: field.to_owned(), message, hint: None, location }
}

fn title(value: Value<'_>) -> String {
    let name = value.path(&["metadata", "name"]).and_then(Value::as_str).unwrap_or("");
    format!("{} {name}", value.str_at("kind").unwrap_or("object")).trim_end().to_owned()
}

/// The group, also of an `apiVersion` that is nothing but one.
fn group_of(value: Value<'_>) -> &str {
    let version = value.str_at("apiVersion").unwrap_or("").trim();
    version.split_once('/').map_or(version, |(group, _)| group).trim()
}

const CONSTRAINTS: &str = "constraints.gatekeeper.sh";

const TEMPLATES: &str = "templates.gatekeeper.sh";

const MUTATIONS: &str = "mutations.gatekeeper.sh";

/// Suites stand beside the policies that they are about.
const TESTS: &str = "test.gatekeeper.sh";

/// Kinds of the same group that are no policies.
const WEBHOOKS: [&str; 2] = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"];

/// Groups of policies with their kinds; none where templates make them.
const KNOWN: [(&str, &[&str]); 4] = [
    (
        "admissionregistration.k8s.io",
        &[
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
        ],
    ),
    (TEMPLATES, &["ConstraintTemplate"]),
    (CONSTRAINTS, &[]),
    (MUTATIONS, &["Assign", "AssignImage", "AssignMetadata", "ModifySet"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<(Level, String)> {
        let mut found = Vec::new();
        manifest::documents(text, model::FileId(0), |tree| {
            if let Ok(tree) = tree {
                issues(&[tree.root()], &mut found);
            }
        });
        found.into_iter().map(|issue| (issue.level, issue.to_string())).collect()
    }

    #[test]
    fn misspelt_policies_are_refused() {
        for text in [
            "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicies\n",
            "apiVersion: AdmissionRegistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\n",
            "apiVersion: admissionregistration.k8s.io\nkind: ValidatingAdmissionPolicy\n",
            "apiVersion: admissionregistration/v1\nkind: ValidatingAdmissionPolicy\n",
            "apiVersion: templates.gatekeeper.sh/v1\nkind: ConstraintTemplates\n",
            "apiVersion: Constraints.gatekeeper.sh/v1beta1\nkind: K8sLabels\n",
            "apiVersion: mutations.gatekeeper.sh/v1\nkind: AssignLabel\n",
            "Kind: ValidatingAdmissionPolicy\napiVersion: admissionregistration.k8s.io/v1\n",
        ] {
            let found = said(text);
            assert!(matches!(found.as_slice(), [(Level::Refused, _)]), "{text}: {found:?}");
        }
    }

    #[test]
    fn what_is_not_judged_is_told_of() {
        for text in [
            "apiVersion: config.gatekeeper.sh/v1alpha1\nkind: Config\n",
            "apiVersion: expansion.gatekeeper.sh/v1beta1\nkind: ExpansionTemplate\n",
            "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\n",
            "apiVersion: policies.kyverno.io/v1\nkind: ValidatingPolicy\n",
            "apiVersion: templates.gatekeeper.sh/v1\nkind: ConstraintTemplate\nspec: {crd: {spec: {names: {kind: K}}}}\n",
        ] {
            let found = said(text);
            assert!(matches!(found.as_slice(), [(Level::Warning, _)]), "{text}: {found:?}");
        }
    }

    #[test]
    fn other_objects_may_stand_beside_policies() {
        for text in [
            "apiVersion: v1\nkind: ConfigMap\n",
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n",
            "apiVersion: test.gatekeeper.sh/v1alpha1\nkind: Suite\n",
            "apiVersion: kobuk.dev/v1\nkind: PolicyTest\n",
            "apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\n",
            "apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: K8sLabels\n",
        ] {
            assert_eq!(said(text), [], "{text}");
        }
    }
}
