//! May this user do that? Answered from RBAC objects, as the API server answers it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use cel::Fault;
use cel::library::authorizer::{Attributes, Authorizer, Decision, Target, User};
use manifest::Value;

use super::facts::Facts;
use super::selector::{LabelSet, Selector, Selects};

/// Roles and bindings, taken apart once. What they allow is allowed; whether anything else is, is known only if
/// all of them were given.
#[derive(Debug, Default)]
pub struct RbacAuthorizer {
    /// By subject: `u:name`, `g:name`; a service account is the user that it acts as.
    grants: HashMap<Box<str>, Vec<Grant>>,
    roles: Vec<Vec<Rule>>,
    /// Kinds of which some object may be missing.
    cluster_open: bool,
    namespaces_open: bool,
}

/// A role given to a subject.
#[derive(Debug)]
struct Grant {
    /// `None` for the whole cluster.
    namespace: Option<Box<str>>,
    /// `None` when the role is not there.
    role: Option<usize>,
    /// Whether the role, or a part of it, may be among what nobody gave.
    open: bool,
    /// In the API server's words.
    source: Arc<str>,
    /// What the server says when the role is missing.
    missing: Arc<str>,
}

#[derive(Debug)]
struct Rule {
    verbs: Vec<Box<str>>,
    groups: Vec<Box<str>>,
    resources: Vec<Box<str>>,
    names: Vec<Box<str>>,
    urls: Vec<Box<str>>,
}

impl RbacAuthorizer {
    /// Takes the RBAC objects out of facts.
    pub fn new(facts: &Facts) -> RbacAuthorizer {
        let open = |kind: &str| !facts.complete(GROUP, kind);
        let mut made = RbacAuthorizer {
            cluster_open: open("ClusterRoleBinding"),
            namespaces_open: open("RoleBinding"),
            ..RbacAuthorizer::default()
        };
        let mut index: HashMap<(&str, &str), (usize, bool)> = HashMap::new();
        for role in facts.of_kind(GROUP, "ClusterRole") {
            let aggregates = role.path(&["aggregationRule", "clusterRoleSelectors"]).is_some();
            let rules = cluster_rules(role, facts);
            index.insert(("", name(role)), (made.roles.len(), aggregates && open("ClusterRole")));
            made.roles.push(rules);
        }
        for role in facts.of_kind(GROUP, "Role") {
            index.insert((namespace(role), name(role)), (made.roles.len(), false));
            made.roles.push(role.list("rules").map(Rule::read).collect());
        }
        for binding in facts.of_kind(GROUP, "ClusterRoleBinding") {
            made.bind(binding, None, &index, &open);
        }
        for binding in facts.of_kind(GROUP, "RoleBinding") {
            made.bind(binding, Some(namespace(binding)), &index, &open);
        }
        made
    }

    fn bind(
        &mut self,
        binding: Value<'_>,
        namespace: Option<&str>,
        index: &HashMap<(&str, &str), (usize, bool)>,
        open: &dyn Fn(&str) -> bool,
    ) {
        let reference = |key: &str| binding.get("roleRef").and_then(|role| role.str_at(key)).unwrap_or("");
        let (kind, role_name) = (reference("kind"), reference("name"));
        let home = if kind == "Role" { namespace.unwrap_or("") } else { "" };
        let found = index.get(&(home, role_name)).copied();
        for subject in binding.list("subjects") {
            let subject_name = subject.str_at("name").unwrap_or("");
            let subject_home = subject.str_at("namespace").or(namespace).unwrap_or("");
            let (key, described) = match subject.str_at("kind") {
                Some("User") => (format!("u:{subject_name}"), format!("User {subject_name:?}")),
                Some("Group") => (format!("g:{subject_name}"), format!("Group {subject_name:?}")),
                Some("ServiceAccount") => (
                    format!("u:system:serviceaccount:{subject_home}:{subject_name}"),
                    format!("ServiceAccount {:?}", format!("{subject_name}/{subject_home}")),
                ),
                _ => continue,
            };
            let bound = match namespace {
                None => format!("ClusterRoleBinding {:?}", name(binding)),
                Some(namespace) => format!("RoleBinding {:?}", format!("{}/{namespace}", name(binding))),
            };
            let lower = kind.to_ascii_lowercase();
            self.grants.entry(key.into()).or_default().push(Grant {
                namespace: namespace.map(Box::from),
                role: found.map(|(role, _)| role),
                open: found.map_or_else(|| open(kind), |(_, open)| open),
                source: format!("RBAC: allowed by {bound} of {kind} {role_name:?} to {described}").into(),
                missing: format!("{lower}.{GROUP} {role_name:?} not found").into(),
            });
        }
    }

    /// Grants of a user and the user's groups, those for the whole cluster first, as the server looks at them.
    fn grants_of<'a>(&'a self, user: &'a User, namespace: &'a str) -> impl Iterator<Item = &'a Grant> {
        let of = |key: String| self.grants.get(&*key).map_or(&[][..], |grants| grants);
        let subjects = std::iter::once(format!("u:{}", user.name));
        let subjects = subjects.chain(user.groups.iter().map(|group| format!("g:{group}")));
        let all: Vec<&Grant> = subjects.flat_map(of).collect();
        let here = move |grant: &Grant| grant.namespace.as_deref().is_some_and(|home| home == namespace);
        let wide: Vec<&Grant> = all.iter().copied().filter(|grant| grant.namespace.is_none()).collect();
        let local = all.into_iter().filter(move |grant| !namespace.is_empty() && here(grant));
        wide.into_iter().chain(local)
    }
}

impl Authorizer for RbacAuthorizer {
    fn decide(&self, attributes: &Attributes) -> Result<Decision, Fault> {
        let allowed = |reason: Arc<str>| Ok(Decision { allowed: true, reason, ..Decision::default() });
        if attributes.user.groups.iter().any(|group| &**group == "system:masters") {
            return allowed(Arc::from(""));
        }
        let namespace = match &attributes.target {
            Target::Resource(resource) => &*resource.namespace,
            Target::Path(_) => "",
        };
        let mut open = self.cluster_open || self.namespaces_open && !namespace.is_empty();
        let mut missing: Vec<&str> = Vec::new();
        for grant in self.grants_of(&attributes.user, namespace) {
            let rules = grant.role.and_then(|role| self.roles.get(role));
            if rules.is_some_and(|rules| rules.iter().any(|rule| rule.allows(attributes))) {
                return allowed(Arc::clone(&grant.source));
            }
            open |= grant.open;
            if rules.is_none() {
                missing.push(&grant.missing);
            }
        }
        if open {
            return Err(Fault::unknown("RBAC objects"));
        }
        let reason = match missing.as_slice() {
            [] => String::new(),
            [one] => format!("RBAC: {one}"),
            many => format!("RBAC: [{}]", many.join(", ")),
        };
        Ok(Decision { reason: reason.into(), ..Decision::default() })
    }
}

/// The rules of a ClusterRole: its own, and those of the roles that it aggregates, which a controller copies in.
fn cluster_rules(role: Value<'_>, facts: &Facts) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut seen = HashSet::new();
    let mut waiting = vec![role];
    while let Some(role) = waiting.pop() {
        if !seen.insert(name(role)) {
            continue;
        }
        rules.extend(role.list("rules").map(Rule::read));
        let selectors = role.get("aggregationRule").into_iter().flat_map(|rule| rule.list("clusterRoleSelectors"));
        for selector in selectors.filter_map(|selector| Selector::read(selector).ok()) {
            let others = facts.of_kind(GROUP, "ClusterRole");
            waiting.extend(others.filter(|other| selector.selects(&LabelSet::of_object(*other)) == Selects::Yes));
        }
    }
    rules
}

impl Rule {
    fn read(value: Value<'_>) -> Rule {
        let words = |key: &str| value.list(key).filter_map(Value::as_str).map(Box::from).collect();
        Rule {
            verbs: words("verbs"),
            groups: words("apiGroups"),
            resources: words("resources"),
            names: words("resourceNames"),
            urls: words("nonResourceURLs"),
        }
    }

    fn allows(&self, attributes: &Attributes) -> bool {
        let has = |words: &[Box<str>], wanted: &str| words.iter().any(|word| &**word == "*" || &**word == wanted);
        if !has(&self.verbs, &attributes.verb) {
            return false;
        }
        match &attributes.target {
            Target::Path(path) => self.urls.iter().any(|url| {
                let prefix = url.ends_with('*').then(|| url.trim_end_matches('*'));
                &**url == "*" || **url == **path || prefix.is_some_and(|prefix| path.starts_with(prefix))
            }),
            Target::Resource(asked) => {
                let named = self.names.is_empty() || self.names.iter().any(|name| **name == *asked.name);
                named
                    && has(&self.groups, &asked.group)
                    && self.resources.iter().any(|word| covers(word, &asked.resource, &asked.subresource))
            }
        }
    }
}

/// `*` covers everything, `*/scale` one subresource of all resources.
fn covers(word: &str, resource: &str, sub_resource: &str) -> bool {
    if word == "*" {
        return true;
    }
    match word.split_once('/') {
        None => sub_resource.is_empty() && word == resource,
        Some((name, sub)) => !sub_resource.is_empty() && sub == sub_resource && (name == "*" || name == resource),
    }
}

fn name(object: Value<'_>) -> &str {
    object.path(&["metadata", "name"]).and_then(Value::as_str).unwrap_or("")
}

fn namespace(object: Value<'_>) -> &str {
    object.path(&["metadata", "namespace"]).and_then(Value::as_str).unwrap_or(super::facts::DEFAULT_NAMESPACE)
}

const GROUP: &str = "rbac.authorization.k8s.io";

#[cfg(test)]
mod tests {
    use cel::library::authorizer::Resource;
    use model::FileId;

    use super::*;

    const OBJECTS: &str = r#"
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: reader, labels: {to: viewer}},
 rules: [{verbs: [get, list], apiGroups: [""], resources: [pods, pods/log]}, {verbs: [get], nonResourceURLs: [/healthz, /logs/*]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: viewer},
 aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: viewer}}]}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: editor, namespace: shop},
 rules: [{verbs: ["*"], apiGroups: [apps], resources: ["*/scale", deployments], resourceNames: [web]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: all},
 roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: viewer}, subjects: [{kind: Group, name: devs}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: edit, namespace: shop},
 roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: editor},
 subjects: [{kind: User, name: alice}, {kind: ServiceAccount, name: robot}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: lost, namespace: shop},
 roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: gone}, subjects: [{kind: User, name: bob}]}
"#;

    /// The answer to `verb group/resource/subresource namespace name` for a user and a group.
    fn answer(complete: bool, user: &str, group: &str, question: &str) -> String {
        let mut facts = Facts::new();
        manifest::documents(OBJECTS, FileId(0), |document| facts.add(document.unwrap().root()).unwrap());
        if complete {
            facts.set_all_complete();
        }
        let words: Vec<&str> = question.split(' ').collect();
        let target = if words[1].starts_with("path:") {
            Target::Path(words[1].trim_start_matches("path:").into())
        } else {
            let mut parts = words[1].split('/');
            let mut part = || parts.next().unwrap_or("").into();
            Target::Resource(Resource {
                group: part(),
                resource: part(),
                subresource: part(),
                namespace: (*words.get(2).unwrap_or(&"")).into(),
                name: (*words.get(3).unwrap_or(&"")).into(),
                ..Resource::default()
            })
        };
        let user = User { name: user.into(), groups: vec![group.into()], ..User::default() };
        match RbacAuthorizer::new(&facts).decide(&Attributes { user, verb: words[0].into(), target }) {
            Ok(decision) if decision.allowed => format!("yes {}", decision.reason),
            Ok(decision) => format!("no {}", decision.reason),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn roles_allow_what_their_rules_say() {
        let yes = |user, group, question| answer(true, user, group, question).starts_with("yes");
        assert!(yes("x", "devs", "get /pods shop a"));
        assert!(yes("x", "devs", "get /pods/log"));
        assert!(!yes("x", "devs", "get /pods/exec shop a"));
        assert!(!yes("x", "devs", "create /pods shop a"));
        assert!(!yes("x", "others", "get /pods shop a"));
        assert!(yes("x", "devs", "get path:/logs/a"));
        assert!(!yes("x", "devs", "get path:/metrics"));
        assert!(yes("alice", "", "delete apps/deployments shop web"));
        assert!(yes("alice", "", "patch apps/statefulsets/scale shop web"));
        assert!(!yes("alice", "", "delete apps/deployments shop other"));
        assert!(!yes("alice", "", "delete apps/deployments other web"));
        assert!(!yes("alice", "", "delete apps/deployments  web"));
        assert!(yes("system:serviceaccount:shop:robot", "", "delete apps/deployments shop web"));
        assert!(yes("x", "system:masters", "delete whatever/it"));
    }

    #[test]
    fn reasons_are_those_of_the_api_server() {
        assert_eq!(
            answer(true, "x", "devs", "get /pods"),
            r#"yes RBAC: allowed by ClusterRoleBinding "all" of ClusterRole "viewer" to Group "devs""#
        );
        assert_eq!(
            answer(true, "alice", "", "get apps/deployments shop web"),
            r#"yes RBAC: allowed by RoleBinding "edit/shop" of Role "editor" to User "alice""#
        );
        assert_eq!(
            answer(true, "bob", "", "get apps/deployments shop web"),
            r#"no RBAC: role.rbac.authorization.k8s.io "gone" not found"#
        );
    }

    #[test]
    fn without_all_objects_only_a_yes_is_certain() {
        assert!(answer(false, "x", "devs", "get /pods shop a").starts_with("yes"));
        assert_eq!(answer(false, "x", "devs", "create /pods shop a"), "unknown: RBAC objects");
        assert!(answer(false, "x", "system:masters", "create /pods").starts_with("yes"));
    }
}
