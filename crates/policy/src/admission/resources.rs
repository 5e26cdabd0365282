//! Resources of the API: the plural of every built-in kind, whether it lives in namespaces, and which versions
//! are the same objects.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::spelling::nearest;

/// A built-in resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// Group, empty for the core group.
    pub group: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Plural in lower case.
    pub plural: &'static str,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

/// The resource of a kind.
pub fn of_kind(group: &str, kind: &str) -> Option<BuiltIn> {
    BY_KIND.get(kind)?.iter().find(|entry| entry.group == group).copied()
}

/// The built-in kind, as `group/Kind`, that somebody meant who wrote another: misspelt, in another group, as a plural.
pub fn nearest_kind(group: &str, kind: &str) -> Option<String> {
    let of_group = || ALL.iter().filter(|entry| entry.group == group).map(|entry| entry.kind);
    let plural = || ALL.iter().find(|entry| entry.plural.eq_ignore_ascii_case(kind));
    let found = match BY_KIND.get(kind).and_then(|entries| entries.first()).or_else(plural) {
        Some(entry) => (entry.group, entry.kind),
        None => (group, nearest(kind, of_group())?),
    };
    Some(if found.0.is_empty() { found.1.to_owned() } else { format!("{}/{}", found.0, found.1) })
}

/// The kind of a resource.
pub fn of_plural(group: &str, plural: &str) -> Option<BuiltIn> {
    BY_PLURAL.get(plural)?.iter().find(|entry| entry.group == group).copied()
}

/// The kinds of a resource in all groups.
pub fn of_plurals(plural: &str) -> &'static [BuiltIn] {
    BY_PLURAL.get(plural).map_or(&[], |entries| entries)
}

/// The resource that people mean by a plural without a group.
pub fn named(plural: &str) -> Option<BuiltIn> {
    BY_PLURAL.get(plural)?.iter().min_by_key(|entry| (entry.group == "extensions", entry.group)).copied()
}

/// The groups and versions in which a kube-apiserver of today serves the objects of a resource by default, in the
/// order in which it tries them. Empty for a resource that it does not know, or serves in no stable version.
pub fn served(group: &str, plural: &str) -> &'static [(&'static str, &'static str)] {
    let Some(entry) = of_plural(group, plural) else { return &[] };
    SERVED.get(&(entry.group, entry.plural)).map_or(&[], |served| served)
}

/// Whether a version is stable: without a gate or a flag no other one of a built-in kind is served.
pub fn is_stable(version: &str) -> bool {
    version.bytes().skip(1).all(|byte| byte.is_ascii_digit())
}

/// A group and a version of it.
type GroupVersion = (&'static str, &'static str);

static SERVED: LazyLock<HashMap<(&str, &str), Vec<GroupVersion>>> =
    LazyLock::new(|| ALL.iter().map(|entry| ((entry.group, entry.plural), served_in(*entry))).collect());

fn served_in(entry: BuiltIn) -> Vec<(&'static str, &'static str)> {
    let group = match (entry.group, entry.plural) {
        ("", "events") | ("events.k8s.io", "events") => return vec![("", "v1"), ("events.k8s.io", "v1")],
        // `extensions` is served no more; its kinds moved.
        ("extensions", "deployments" | "daemonsets" | "replicasets") => "apps",
        ("extensions", "ingresses" | "networkpolicies") => "networking.k8s.io",
        (group, _) => group,
    };
    let stable = manifest::schema::versions(group, entry.kind).filter(|version| is_stable(version));
    // The newest first.
    let mut served: Vec<_> = stable.map(|version| (group, version)).collect();
    served.reverse();
    served
}

/// Group, kind, plural, and `n` for namespaced or `c` for objects of the cluster.
const TABLE: &str = include_str!("../../data/resources.txt");

static ALL: LazyLock<Vec<BuiltIn>> = LazyLock::new(|| TABLE.lines().filter_map(built_in).collect());

static BY_KIND: LazyLock<HashMap<&str, Vec<BuiltIn>>> = LazyLock::new(|| by(|entry| entry.kind));

static BY_PLURAL: LazyLock<HashMap<&str, Vec<BuiltIn>>> = LazyLock::new(|| by(|entry| entry.plural));

fn built_in(line: &'static str) -> Option<BuiltIn> {
    let mut words = line.split(' ');
    let (api, kind, plural, scope) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let group = if api == "core" { "" } else { api };
    (!line.starts_with('#')).then_some(BuiltIn { group, kind, plural, namespaced: scope == "n" })
}

fn by(key: fn(&BuiltIn) -> &'static str) -> HashMap<&'static str, Vec<BuiltIn>> {
    let mut map: HashMap<&'static str, Vec<BuiltIn>> = HashMap::new();
    for entry in ALL.iter() {
        map.entry(key(entry)).or_default().push(*entry);
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_plurals_lead_to_each_other() {
        for entry in ALL.iter() {
            assert_eq!(of_kind(entry.group, entry.kind), Some(*entry));
            assert_eq!(of_plural(entry.group, entry.plural), Some(*entry));
        }
        assert_eq!(of_kind("", "Endpoints").unwrap().plural, "endpoints");
        assert_eq!(of_kind("example.com", "Pod"), None);
        assert!(!of_kind("rbac.authorization.k8s.io", "ClusterRole").unwrap().namespaced);
    }

    #[test]
    fn misspelt_kinds_lead_to_the_right_one() {
        assert_eq!(nearest_kind("", "ConfigMapp").as_deref(), Some("ConfigMap"));
        assert_eq!(nearest_kind("", "Namespaces").as_deref(), Some("Namespace"));
        assert_eq!(nearest_kind("", "Deployment").as_deref(), Some("apps/Deployment"));
        assert_eq!(nearest_kind("example.com", "Widget"), None);
    }

    #[test]
    fn old_groups_lead_to_what_is_served() {
        assert_eq!(served("extensions", "deployments"), [("apps", "v1")]);
        assert_eq!(served("autoscaling", "horizontalpodautoscalers"), [("autoscaling", "v2"), ("autoscaling", "v1")]);
        assert!(served("example.com", "widgets").is_empty());
    }
}
