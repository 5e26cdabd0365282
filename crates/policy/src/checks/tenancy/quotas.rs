//! Checks on ResourceQuotas and LimitRanges of namespaces.

use std::collections::{HashMap, HashSet};

use manifest::inventory::ResourceQuota;
use manifest::{Inventory, Object};
use model::{Rule, Scope, Serves, Severity};

use super::is_system_namespace;
use crate::check::Context;
use crate::sink::Sink;

/// No quota.
pub static QUOTA_MISSING: Rule = Rule {
    code: "namespace-quota-missing",
    title: "A Namespace has no ResourceQuota",
    severity: Severity::Medium,
    scope: Scope::Namespace,
    serves: &[Serves::full("RC-03"), Serves::part("RA-33"), Serves::part("RC-24"), Serves::part("RA-07")],
    why: "One namespace can use up the CPU, memory, addresses and API objects of the whole cluster, by accident or \
          on purpose.",
    fix: "Create a ResourceQuota with limits on compute, storage and object counts in the namespace.",
    example: "apiVersion: v1\nkind: ResourceQuota\nmetadata:\n  name: shop\n  namespace: shop\nspec:\n  hard:\n    requests.cpu: \"8\"\n    requests.memory: 16Gi\n    limits.memory: 16Gi\n    pods: \"50\"\n    requests.storage: 100Gi\n    persistentvolumeclaims: \"10\"\n    services.loadbalancers: \"1\"\n    services.nodeports: \"0\"\n    count/secrets: \"50\"\n",
};

/// The quota leaves something out.
pub static QUOTA_INCOMPLETE: Rule = Rule {
    code: "namespace-quota-incomplete",
    title: "The quotas of a Namespace leave resources unlimited",
    severity: Severity::Low,
    scope: Scope::Quota,
    serves: &[Serves::full("RC-03")],
    why: "What no quota counts has no limit: pods without memory limits, volumes, load balancers with a public \
          address, or so many objects that the API server's storage fills up.",
    fix: "Add the missing resources to spec.hard of a ResourceQuota in the namespace.",
    example: "",
};

/// No limit range.
pub static LIMITS_MISSING: Rule = Rule {
    code: "namespace-limit-range-missing",
    title: "A Namespace has no LimitRange",
    severity: Severity::Low,
    scope: Scope::Namespace,
    serves: &[Serves::part("RC-04"), Serves::part("RA-33")],
    why: "Containers that name no limits get none, so one of them can starve its node. A quota on limits refuses such \
          containers instead of giving them a value.",
    fix: "Create a LimitRange with default and defaultRequest for containers in the namespace.",
    example: "apiVersion: v1\nkind: LimitRange\nmetadata:\n  name: shop\n  namespace: shop\nspec:\n  limits:\n  - type: Container\n    default: {cpu: 500m, memory: 256Mi}\n    defaultRequest: {cpu: 100m, memory: 256Mi}\n",
};

/// The limit range sets no default memory limit.
pub static LIMIT_RANGE_INCOMPLETE: Rule = Rule {
    code: "limit-range-without-defaults",
    title: "A LimitRange gives containers no default memory limit",
    severity: Severity::Low,
    scope: Scope::Quota,
    serves: &[Serves::part("RC-04")],
    why: "Containers that name no memory limit keep having none, and can take the memory of the whole node.",
    fix: "Set default.memory, or at least max.memory, in an entry of type Container.",
    example: "spec:\n  limits:\n  - type: Container\n    default: {memory: 256Mi}\n    defaultRequest: {memory: 256Mi}\n",
};

/// Rules of [`check`].
pub(super) const RULES: &[&Rule] = &[&QUOTA_MISSING, &QUOTA_INCOMPLETE, &LIMITS_MISSING];

/// Judges the namespaces that the input shows.
pub(super) fn check(inventory: &Inventory, _: Context<'_>, sink: &mut Sink<'_>) {
    let mut quotas: HashMap<&str, Vec<&ResourceQuota>> = HashMap::new();
    for quota in &inventory.quotas {
        quotas.entry(&quota.origin.subject.namespace).or_default().push(quota);
    }
    let limited: HashSet<&str> = inventory.limit_ranges.iter().map(|range| &*range.origin.subject.namespace).collect();
    let shown = || inventory.namespaces.iter().filter(|namespace| !is_system_namespace(namespace.origin.name()));
    // Objects without a namespace are meant for some; they count only where there are enough for all.
    let floating_quotas = quotas.get("").map_or(0, Vec::len);
    let floating_limits =
        inventory.limit_ranges.iter().filter(|range| range.origin.subject.namespace.is_empty()).count();
    let without_quota = shown().filter(|namespace| !quotas.contains_key(namespace.origin.name()));
    let without_limits = shown().filter(|namespace| !limited.contains(namespace.origin.name()));
    if floating_quotas < without_quota.clone().count() {
        for namespace in without_quota {
            let message = format!("no ResourceQuota in namespace `{}` among what was shown", namespace.origin.name());
            sink.report_on(&namespace.origin.subject, &QUOTA_MISSING, namespace.origin.location, message);
        }
    }
    if floating_limits < without_limits.clone().count() {
        for namespace in without_limits {
            let message = format!("no LimitRange in namespace `{}` among what was shown", namespace.origin.name());
            sink.report_on(&namespace.origin.subject, &LIMITS_MISSING, namespace.origin.location, message);
        }
    }
    for quotas in quotas.values() {
        incomplete(quotas, sink);
    }
}

/// Reports what all quotas of one namespace leave out.
fn incomplete(quotas: &[&ResourceQuota], sink: &mut Sink<'_>) {
    let unscoped = || quotas.iter().filter(|quota| !quota.scoped);
    // A namespace with scoped quotas only limits certain pods; what is missing elsewhere cannot be told.
    let Some(first) = unscoped().next() else { return };
    let missing: Vec<&str> = WANTED
        .iter()
        .filter(|(_, keys)| {
            !unscoped().flat_map(|quota| &quota.hard).any(|key| keys.iter().any(|want| fits(key, want)))
        })
        .map(|(noun, _)| *noun)
        .collect();
    if !missing.is_empty() {
        let message = format!("`spec.hard` does not limit {}", missing.join(", "));
        sink.report_on(&first.origin.subject, &QUOTA_INCOMPLETE, first.origin.location, message).field("spec.hard");
    }
}

fn fits(key: &str, want: &str) -> bool {
    want.strip_suffix('*').map_or(key == want, |prefix| key.starts_with(prefix))
}

/// Judges one LimitRange.
pub(super) fn limit_range(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    if object.kind != "LimitRange" {
        return;
    }
    let Some(limits) = object.spec().and_then(|spec| spec.get("limits")) else { return };
    let mut containers = limits.items().filter(|limit| limit.str_at("type") == Some("Container")).peekable();
    // A LimitRange for claims or pods only does not claim to give defaults.
    if containers.peek().is_none() {
        return;
    }
    // A maximum also becomes the default limit.
    let sets = |key: &str, limit: manifest::Value<'_>| limit.path(&[key, "memory"]).is_some();
    if !containers.any(|limit| sets("default", limit) || sets("max", limit)) {
        sink.report(
            &LIMIT_RANGE_INCOMPLETE,
            limits,
            "no entry of type Container sets `default.memory` or `max.memory`",
        )
        .field("spec.limits");
    }
}

/// What quotas should limit, with the keys that do.
const WANTED: &[(&str, &[&str])] = &[
    ("CPU", &["cpu", "requests.cpu", "limits.cpu"]),
    ("memory", &["memory", "requests.memory", "limits.memory"]),
    ("storage", &["requests.storage", "persistentvolumeclaims", "count/persistentvolumeclaims"]),
    ("pods", &["pods", "count/pods"]),
    ("load balancers and node ports", &["services", "count/services", "services.loadbalancers", "services.nodeports"]),
    ("object counts", &["count/*", "secrets", "configmaps"]),
];
