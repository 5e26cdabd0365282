//! Facts about identities and what they may do.

use super::{Labels, Origin, Selector};
use crate::object::Object;
use crate::tree::Value;

/// A ServiceAccount.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    /// The object.
    pub origin: Origin,
    /// `automountServiceAccountToken`.
    pub automount: Option<bool>,
}

/// A Role or ClusterRole.
#[derive(Clone, Debug)]
pub struct Role {
    /// The object.
    pub origin: Origin,
    /// Whether it is a ClusterRole.
    pub cluster: bool,
    /// `rules`.
    pub rules: Vec<PolicyRule>,
    /// Labels, which aggregation selects by.
    pub labels: Labels,
    /// `aggregationRule.clusterRoleSelectors`.
    pub aggregates: Vec<Selector>,
}

/// One of the `rules` of a role.
#[derive(Clone, Debug)]
pub struct PolicyRule {
    /// Where it stands.
    pub location: model::Location,
    /// `verbs`.
    pub verbs: Box<[Box<str>]>,
    /// `apiGroups`.
    pub groups: Box<[Box<str>]>,
    /// `resources`.
    pub resources: Box<[Box<str>]>,
    /// `resourceNames`; empty means all.
    pub names: Box<[Box<str>]>,
    /// `nonResourceURLs`.
    pub urls: Box<[Box<str>]>,
}

/// A RoleBinding or ClusterRoleBinding.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The object.
    pub origin: Origin,
    /// Whether it is a ClusterRoleBinding.
    pub cluster: bool,
    /// `roleRef.kind`.
    pub role_kind: Box<str>,
    /// `roleRef.name`.
    pub role_name: Box<str>,
    /// `subjects`.
    pub subjects: Vec<BindingSubject>,
}

/// One of the `subjects` of a binding.
#[derive(Clone, Debug)]
pub struct BindingSubject {
    /// Where it stands.
    pub location: model::Location,
    /// `User`, `Group` or `ServiceAccount`.
    pub kind: Box<str>,
    /// Namespace of a service account.
    pub namespace: Box<str>,
    /// Name.
    pub name: Box<str>,
}

impl ServiceAccount {
    pub(super) fn of(object: &Object<'_>) -> Self {
        ServiceAccount { origin: Origin::of(object), automount: object.value.bool_at("automountServiceAccountToken") }
    }
}

impl Role {
    pub(super) fn of(object: &Object<'_>) -> Self {
        Role {
            origin: Origin::of(object),
            cluster: object.kind == "ClusterRole",
            rules: object.value.list("rules").map(PolicyRule::of).collect(),
            labels: Labels::of(object.metadata.and_then(|metadata| metadata.get("labels"))),
            aggregates: object
                .value
                .path(&["aggregationRule"])
                .into_iter()
                .flat_map(|rule| rule.list("clusterRoleSelectors"))
                .map(|selector| Selector::of(Some(selector)))
                .collect(),
        }
    }
}

impl PolicyRule {
    /// Reads one rule.
    pub fn of(value: Value<'_>) -> Self {
        let words =
            |key: &str| -> Box<[Box<str>]> { value.list(key).filter_map(|word| Some(word.text()?.into())).collect() };
        PolicyRule {
            location: value.location(),
            verbs: words("verbs"),
            groups: words("apiGroups"),
            resources: words("resources"),
            names: words("resourceNames"),
            urls: words("nonResourceURLs"),
        }
    }

    /// Whether the rule allows a verb; `*` allows all.
    pub fn allows_verb(&self, verb: &str) -> bool {
        self.verbs.iter().any(|word| &**word == "*" || &**word == verb)
    }

    /// Whether the rule covers a group and resource; `*` covers all, `*/sub` every resource's subresource.
    pub fn covers(&self, group: &str, resource: &str) -> bool {
        let any_group = self.groups.iter().any(|word| &**word == "*" || &**word == group);
        any_group
            && self.resources.iter().any(|word| {
                &**word == "*"
                    || &**word == resource
                    || word
                        .strip_prefix("*/")
                        .is_some_and(|sub| resource.split_once('/').is_some_and(|(_, s)| s == sub))
            })
    }
}

impl Binding {
    pub(super) fn of(object: &Object<'_>) -> Self {
        let role = object.value.get("roleRef");
        let text = |value: Option<Value<'_>>, key: &str| -> Box<str> {
            value.and_then(|value| value.get(key)).and_then(Value::text).unwrap_or_default().into()
        };
        Binding {
            origin: Origin::of(object),
            cluster: object.kind == "ClusterRoleBinding",
            role_kind: text(role, "kind"),
            role_name: text(role, "name"),
            subjects: object
                .value
                .list("subjects")
                .map(|subject| BindingSubject {
                    location: subject.location(),
                    kind: text(Some(subject), "kind"),
                    namespace: text(Some(subject), "namespace"),
                    name: text(Some(subject), "name"),
                })
                .collect(),
        }
    }
}
