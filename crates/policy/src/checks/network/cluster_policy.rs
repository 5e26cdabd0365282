//! Policies over many namespaces from policy.networking.k8s.io.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::cidr::Cidr;
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// A cluster-wide rule allows what no namespace can forbid again.
pub static ALLOWS_ALL: Rule = Rule {
    code: "network-cluster-policy-allows-all",
    title: "A cluster-wide policy allows every peer",
    severity: Severity::Medium,
    scope: Scope::NetworkPolicy,
    serves: &[Serves::part("NW-11"), Serves::part("NW-04")],
    why: "Accept rules of the admin tier are applied before any NetworkPolicy, so no namespace can close again what \
          they open to everyone.",
    fix: "Name the peers, or use the action Pass so that the policies of each namespace decide.",
    example: "ingress:\n  - name: from-monitoring\n    action: Accept\n    from:\n      - namespaces:\n          matchLabels:\n            kubernetes.io/metadata.name: monitoring\n",
};

/// The check on one policy.
pub(super) const CHECK: ObjectCheck = ObjectCheck { scope: Scope::NetworkPolicy, rules: &[&ALLOWS_ALL], run: check };

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let Some(spec) = object.spec().filter(|_| object.group == "policy.networking.k8s.io") else { return };
    // The baseline tier comes after NetworkPolicy, so namespaces can still narrow what it allows.
    if object.kind == "BaselineAdminNetworkPolicy" || spec.str_at("tier") == Some("Baseline") {
        return;
    }
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for (index, rule) in spec.list(direction).enumerate() {
            let limits_ports = ["ports", "protocols"].iter().any(|key| rule.get(key).is_some_and(|v| !v.is_empty()));
            if limits_ports || !matches!(rule.str_at("action"), Some("Allow" | "Accept")) {
                continue;
            }
            if let Some(peer) = rule.list(peers).find(|peer| is_everyone(*peer)) {
                let path = format!("spec.{direction}[{index}].{peers}");
                sink.report(
                    &ALLOWS_ALL,
                    peer,
                    format!("`{path}` allows every peer on all ports ahead of any NetworkPolicy"),
                )
                .field(path);
            }
        }
    }
}

fn is_everyone(peer: Value<'_>) -> bool {
    // Early versions wrapped the selector once more, so any other key means that it asks for something.
    let every = |selector: Value<'_>| {
        selector
            .entries()
            .all(|(key, terms)| matches!(key.as_str(), Some("matchLabels" | "matchExpressions")) && terms.is_empty())
    };
    let pods =
        |pods: Value<'_>| pods.get("namespaceSelector").is_none_or(every) && pods.get("podSelector").is_none_or(every);
    peer.get("namespaces").is_some_and(every)
        || peer.get("pods").is_some_and(pods)
        || peer.list("networks").filter_map(Value::as_str).filter_map(Cidr::parse).any(Cidr::is_everything)
}
