//! Facts about traffic.

use super::{Labels, Origin, Selector};
use crate::object::Object;
use crate::tree::Value;

/// A networking.k8s.io NetworkPolicy.
#[derive(Clone, Debug)]
pub struct NetworkPolicy {
    /// The object.
    pub origin: Origin,
    /// `spec.podSelector`.
    pub pods: Selector,
    /// The ingress half, when the policy governs ingress.
    pub ingress: Option<PolicyDirection>,
    /// The egress half, when the policy governs egress.
    pub egress: Option<PolicyDirection>,
}

/// One half of a policy.
#[derive(Clone, Debug, Default)]
pub struct PolicyDirection {
    /// One entry per rule. None at all denies everything.
    pub rules: Vec<PeerSummary>,
}

/// What one rule allows.
#[derive(Clone, Debug)]
pub struct PeerSummary {
    /// Where the rule stands.
    pub location: model::Location,
    /// No peers: everyone is allowed.
    pub any_peer: bool,
    /// Some peer has an empty `namespaceSelector` without a pod selector: every pod of the cluster.
    pub all_namespaces: bool,
    /// CIDR blocks with their exceptions.
    pub blocks: Vec<(Box<str>, Box<[Box<str>]>)>,
    /// No ports: every port is allowed.
    pub any_port: bool,
}

/// A Service.
#[derive(Clone, Debug)]
pub struct Service {
    /// The object.
    pub origin: Origin,
    /// `spec.selector`; empty when the service selects nothing.
    pub selector: Labels,
    /// `spec.type`, `ClusterIP` when not given.
    pub kind: Box<str>,
}

impl NetworkPolicy {
    pub(super) fn of(object: &Object<'_>) -> Self {
        let spec = object.spec();
        let types: Vec<&str> =
            spec.into_iter().flat_map(|spec| spec.list("policyTypes")).filter_map(Value::as_str).collect();
        let has = |key| spec.and_then(|spec| spec.get(key)).is_some_and(|rules| !rules.is_empty());
        // Without policyTypes, ingress is always governed and egress when there are egress rules.
        let governs_ingress = types.is_empty() || types.contains(&"Ingress");
        let governs_egress = types.contains(&"Egress") || types.is_empty() && has("egress");
        let half = |key: &str, peers: &str| PolicyDirection {
            rules: spec.into_iter().flat_map(|spec| spec.list(key)).map(|rule| PeerSummary::of(rule, peers)).collect(),
        };
        NetworkPolicy {
            origin: Origin::of(object),
            pods: Selector::of(spec.and_then(|spec| spec.get("podSelector"))),
            ingress: governs_ingress.then(|| half("ingress", "from")),
            egress: governs_egress.then(|| half("egress", "to")),
        }
    }
}

impl PeerSummary {
    fn of(rule: Value<'_>, peers: &str) -> Self {
        let list: Vec<Value<'_>> = rule.list(peers).collect();
        PeerSummary {
            location: rule.location(),
            any_peer: list.is_empty(),
            all_namespaces: list.iter().any(|peer| {
                peer.get("namespaceSelector").is_some_and(|selector| Selector::of(Some(selector)).is_empty())
                    && peer.get("podSelector").is_none_or(|selector| Selector::of(Some(selector)).is_empty())
            }),
            blocks: list
                .iter()
                .filter_map(|peer| peer.get("ipBlock"))
                .map(|block| {
                    let except = block.list("except").filter_map(|cidr| Some(cidr.as_str()?.into())).collect();
                    (block.str_at("cidr").unwrap_or("").into(), except)
                })
                .collect(),
            any_port: rule.get("ports").is_none_or(Value::is_empty),
        }
    }
}

impl Service {
    pub(super) fn of(object: &Object<'_>) -> Self {
        let spec = object.spec();
        Service {
            origin: Origin::of(object),
            selector: Labels::of(spec.and_then(|spec| spec.get("selector"))),
            kind: spec.and_then(|spec| spec.str_at("type")).unwrap_or("ClusterIP").into(),
        }
    }
}
