//! Which workloads NetworkPolicies govern, and which namespaces deny by default.

use std::collections::HashMap;

use manifest::Inventory;
use manifest::inventory::{Labels, NetworkPolicy, Origin, PolicyDirection, Workload};
use model::{Rule, Scope, Serves, Severity};

use super::selection::{Entry, Selection};
use crate::check::{Context, InventoryCheck};
use crate::sink::Sink;

/// No policy governs what reaches the pods.
pub static INGRESS_MISSING: Rule = Rule {
    code: "network-policy-ingress-missing",
    title: "No NetworkPolicy governs traffic to the workload",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::full("NW-02"), Serves::part("DV-01"), Serves::part("DE-03")],
    why: "A pod that no policy selects for ingress accepts connections from every pod and node of the cluster, \
          so one taken-over pod can try every port of this one.",
    fix: "Add a NetworkPolicy whose podSelector selects these pods, with Ingress among its policyTypes and one rule \
          per caller that is meant to reach them.",
    example: POLICY_EXAMPLE,
};

/// No policy governs what the pods reach.
pub static EGRESS_MISSING: Rule = Rule {
    code: "network-policy-egress-missing",
    title: "No NetworkPolicy governs traffic from the workload",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::full("NW-02"), Serves::part("DV-01"), Serves::part("DE-03"), Serves::part("NW-09")],
    why: "A pod that no policy selects for egress can open connections to anything: other tenants, the cloud metadata \
          service, and a host on the internet that collects what an intruder steals.",
    fix: "Add a NetworkPolicy whose podSelector selects these pods, with Egress among its policyTypes and one rule \
          per destination, DNS included.",
    example: POLICY_EXAMPLE,
};

/// The namespace lets in what no policy speaks about.
pub static DEFAULT_INGRESS: Rule = Rule {
    code: "network-policy-default-deny-ingress",
    title: "The namespace does not deny ingress by default",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::part("NW-03"), Serves::part("DV-01")],
    why: "Without a policy that selects all pods, the next pod that somebody adds is open to the whole cluster until \
          a policy of its own follows.",
    fix: "Add a NetworkPolicy with an empty podSelector, policyTypes [Ingress] and no rules to the namespace.",
    example: DEFAULT_DENY_EXAMPLE,
};

/// The namespace lets out what no policy speaks about.
pub static DEFAULT_EGRESS: Rule = Rule {
    code: "network-policy-default-deny-egress",
    title: "The namespace does not deny egress by default",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::part("NW-03"), Serves::part("NW-09"), Serves::part("DV-01")],
    why: "Without a policy that selects all pods, the next pod that somebody adds can reach the internet, the cloud \
          metadata service and every other namespace until a policy of its own follows.",
    fix: "Add a NetworkPolicy with an empty podSelector, policyTypes [Egress] and no rules, then allow DNS and the \
          destinations that are needed.",
    example: DEFAULT_DENY_EXAMPLE,
};

/// The pods are outside every policy.
pub static HOST_NETWORK: Rule = Rule {
    code: "network-policy-host-network",
    title: "NetworkPolicy does not apply to host-network pods",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::part("NW-12"), Serves::full("NW-02")],
    why: "Traffic of a pod on the host network is the node's traffic: most network plugins apply no NetworkPolicy to \
          it, and policies of other pods see the node as its source. A policy that selects such a pod protects nothing.",
    fix: "Take the pod off the host network, or govern the node itself with a host firewall or host policies of the \
          network plugin.",
    example: "",
};

/// The policy selects no workload.
pub static SELECTS_NOTHING: Rule = Rule {
    code: "network-policy-selects-nothing",
    title: "A NetworkPolicy selects no workload of its namespace",
    severity: Severity::Info,
    scope: Scope::NetworkPolicy,
    serves: &[Serves::part("NW-02")],
    why: "A selector with a typing error selects nothing, silently: the policy looks like protection and is none.",
    fix: "Compare the podSelector with the labels in the pod template that it is meant for. Ignore this when the pods \
          are made by an operator or stand in other files.",
    example: "",
};

/// The check across workloads and policies.
pub(super) const CHECK: InventoryCheck = InventoryCheck {
    rules: &[&INGRESS_MISSING, &EGRESS_MISSING, &DEFAULT_INGRESS, &DEFAULT_EGRESS, &HOST_NETWORK, &SELECTS_NOTHING],
    run: check,
};

const POLICY_EXAMPLE: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: shop\n  namespace: shop\nspec:\n  podSelector:\n    matchLabels:\n      app: shop\n  policyTypes: [Ingress, Egress]\n  ingress:\n    - from:\n        - podSelector:\n            matchLabels:\n              app: front\n      ports:\n        - port: 8080\n  egress:\n    - to:\n        - namespaceSelector:\n            matchLabels:\n              kubernetes.io/metadata.name: kube-system\n          podSelector:\n            matchLabels:\n              k8s-app: kube-dns\n      ports:\n        - port: 53\n          protocol: UDP\n";

const DEFAULT_DENY_EXAMPLE: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: default-deny\n  namespace: shop\nspec:\n  podSelector: {}\n  policyTypes: [Ingress, Egress]\n";

/// What is known about one namespace.
#[derive(Debug, Default)]
struct Facts<'i> {
    /// The first workload in it.
    workload: Option<&'i Origin>,
    ingress: Half<'i>,
    egress: Half<'i>,
}

/// What is known about one direction of one namespace.
#[derive(Debug, Default)]
struct Half<'i> {
    /// Some NetworkPolicy governs the direction for some pods.
    governed: bool,
    /// Some NetworkPolicy selects all pods without allowing everything.
    denied: bool,
    /// A policy of another engine or of the whole cluster that may govern the direction.
    doubt: Option<&'i Origin>,
}

fn check(inventory: &Inventory, _: Context<'_>, sink: &mut Sink<'_>) {
    if inventory.workloads.is_empty() {
        return;
    }
    let mut facts = gather(inventory);
    let policies = Selection::new(inventory.network_policies.iter().map(|policy| Entry {
        namespace: policy.origin.namespace(),
        labels: &policy.pods.labels,
        requirements: &policy.pods.requirements,
    }));
    let mut used = vec![false; inventory.network_policies.len()];
    for workload in &inventory.workloads {
        let namespace = workload.origin.namespace();
        if let Some(facts) = facts.get_mut(namespace) {
            judge(workload, &inventory.network_policies, &policies, &mut used, facts, sink);
        }
    }
    report_defaults(inventory, &facts, sink);
    for (policy, used) in inventory.network_policies.iter().zip(used) {
        if !used && !policy.pods.is_empty() && facts.contains_key(policy.origin.namespace()) {
            let message = format!(
                "`spec.podSelector` matches the labels of no workload in namespace `{}`",
                policy.origin.namespace()
            );
            sink.report_on(&policy.origin.subject, &SELECTS_NOTHING, policy.origin.location, message)
                .field("spec.podSelector");
        }
    }
}

/// Facts about every namespace that has workloads.
fn gather(inventory: &Inventory) -> HashMap<&str, Facts<'_>> {
    let mut facts: HashMap<&str, Facts<'_>> = HashMap::new();
    for workload in inventory.workloads.iter().filter(|workload| runs(workload)) {
        facts.entry(workload.origin.namespace()).or_default().workload.get_or_insert(&workload.origin);
    }
    for policy in &inventory.network_policies {
        let Some(facts) = facts.get_mut(policy.origin.namespace()) else { continue };
        facts.ingress.learn(policy, policy.ingress.as_ref());
        facts.egress.learn(policy, policy.egress.as_ref());
    }
    let labels: HashMap<&str, &Labels> =
        inventory.namespaces.iter().map(|namespace| (namespace.origin.name(), &namespace.labels)).collect();
    for (name, facts) in &mut facts {
        for policy in &inventory.cluster_network_policies {
            if !may_select(&policy.namespaces, name, labels.get(name).copied()) {
                continue;
            }
            if policy.denies_ingress {
                facts.ingress.doubt.get_or_insert(&policy.origin);
            }
            if policy.denies_egress {
                facts.egress.doubt.get_or_insert(&policy.origin);
            }
        }
    }
    doubt_foreign(inventory, &mut facts);
    facts
}

/// Policies of other engines put both directions in doubt.
fn doubt_foreign<'i>(inventory: &'i Inventory, facts: &mut HashMap<&'i str, Facts<'i>>) {
    let doubt = |facts: &mut Facts<'i>, origin: &'i Origin| {
        facts.ingress.doubt.get_or_insert(origin);
        facts.egress.doubt.get_or_insert(origin);
    };
    let everywhere = inventory.foreign_network_policies.iter().find(|policy| policy.cluster);
    for policy in inventory.foreign_network_policies.iter().filter(|policy| !policy.cluster) {
        if let Some(facts) = facts.get_mut(policy.origin.namespace()) {
            doubt(facts, &policy.origin);
        }
    }
    if let Some(policy) = everywhere {
        for facts in facts.values_mut() {
            doubt(facts, &policy.origin);
        }
    }
}

/// Whether a namespace selector can select the namespace, given what is known of its labels.
fn may_select(selector: &manifest::inventory::Selector, name: &str, labels: Option<&Labels>) -> bool {
    let key_known = |key: &str| key == super::NAMESPACE_NAME_LABEL;
    let by_name = |key: &str, value: &str| !key_known(key) || value == name;
    match labels {
        // Labels that are not shown may hold anything, except the one that the API server sets.
        None => selector.labels.0.iter().all(|(key, value)| by_name(key, value)),
        Some(labels) => {
            let mut all = labels.0.to_vec();
            all.push((super::NAMESPACE_NAME_LABEL.into(), name.into()));
            selector.matches(&Labels(all.into()))
        }
    }
}

fn judge<'i>(
    workload: &'i Workload,
    policies: &'i [NetworkPolicy],
    selection: &Selection<'i>,
    used: &mut [bool],
    facts: &Facts<'i>,
    sink: &mut Sink<'_>,
) {
    if !runs(workload) {
        return;
    }
    let (mut ingress, mut egress, mut named) = (false, false, false);
    for index in selection.candidates(workload.origin.namespace(), &workload.pod_labels) {
        let (Some(policy), Some(used)) = (policies.get(index), used.get_mut(index)) else { continue };
        let tells = !*used
            || workload.host_network
            || !ingress && policy.ingress.is_some()
            || !egress && policy.egress.is_some();
        if tells && policy.pods.matches(&workload.pod_labels) {
            *used = true;
            named |= !policy.pods.is_empty();
            ingress |= policy.ingress.is_some();
            egress |= policy.egress.is_some();
        }
    }
    let subject = &workload.origin.subject;
    if workload.host_network {
        let (message, severity) = if named {
            (
                "a NetworkPolicy selects these pods, but `hostNetwork: true` puts them outside every policy",
                Severity::Medium,
            )
        } else {
            ("`hostNetwork: true` puts these pods where no NetworkPolicy reaches them", Severity::Info)
        };
        sink.report_on(subject, &HOST_NETWORK, workload.origin.location, message).severity(severity);
        return;
    }
    for (covered, half, rule, word) in
        [(ingress, &facts.ingress, &INGRESS_MISSING, "ingress"), (egress, &facts.egress, &EGRESS_MISSING, "egress")]
    {
        if covered {
            continue;
        }
        let namespace = workload.origin.namespace();
        let plain = format!("no NetworkPolicy in namespace `{namespace}` selects the pods for {word}");
        let (message, severity) = if let Some(origin) = half.doubt {
            (format!("{plain}; {} may, but its effect is not understood", origin.subject.display()), Severity::Info)
        } else if half.governed && !labels_known(workload) {
            (format!("{plain} by the labels shown here; the controller may add others"), Severity::Info)
        } else {
            (plain, Severity::Medium)
        };
        sink.report_on(subject, rule, workload.origin.location, message).severity(severity);
    }
}

fn report_defaults(inventory: &Inventory, facts: &HashMap<&str, Facts<'_>>, sink: &mut Sink<'_>) {
    let objects: HashMap<&str, &Origin> =
        inventory.namespaces.iter().map(|namespace| (namespace.origin.name(), &namespace.origin)).collect();
    for (name, facts) in facts {
        for (half, rule, word) in
            [(&facts.ingress, &DEFAULT_INGRESS, "ingress"), (&facts.egress, &DEFAULT_EGRESS, "egress")]
        {
            let Some(origin) = objects.get(name).copied().or(facts.workload).filter(|_| !half.denied) else { continue };
            let plain = format!("no NetworkPolicy denies all {word} by default in namespace `{name}`");
            let (message, severity) = match half.doubt {
                Some(doubt) => {
                    let text = format!("{plain}; {} may, but its effect is not understood", doubt.subject.display());
                    (text, Severity::Info)
                }
                None => (plain, Severity::Medium),
            };
            sink.report_on(&origin.subject, rule, origin.location, message)
                .severity(severity)
                .property("namespace", *name);
        }
    }
}

/// A PodTemplate object is a pattern; nothing runs from it by itself.
fn runs(workload: &Workload) -> bool {
    &*workload.origin.subject.kind != "PodTemplate"
}

/// The controllers of custom resources label the pods as they like.
fn labels_known(workload: &Workload) -> bool {
    let version = &*workload.origin.subject.api_version;
    version == "v1" || ["apps/", "batch/", "extensions/"].iter().any(|group| version.starts_with(group))
}

// === impl Half ===

impl Half<'_> {
    fn learn(&mut self, policy: &NetworkPolicy, direction: Option<&PolicyDirection>) {
        let Some(direction) = direction else { return };
        self.governed = true;
        self.denied |= policy.pods.is_empty()
            && !direction.rules.iter().any(|rule| {
                rule.any_port
                    && (rule.any_peer
                        || rule.all_namespaces
                        || rule.blocks.iter().any(|(cidr, _)| cidr.ends_with("/0")))
            });
    }
}
