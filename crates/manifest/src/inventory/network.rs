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

/// A CIDR and the CIDRs inside it that are left out.
pub type IpBlock = (Box<str>, Box<[Box<str>]>);

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
    pub blocks: Vec<IpBlock>,
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

/// A policy over many namespaces: AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy.
#[derive(Clone, Debug)]
pub struct ClusterNetworkPolicy {
    /// The object.
    pub origin: Origin,
    /// Labels of the namespaces that it is about.
    pub namespaces: Selector,
    /// Labels of the pods that it is about.
    pub pods: Selector,
    /// Whether some ingress rule denies.
    pub denies_ingress: bool,
    /// Whether some egress rule denies.
    pub denies_egress: bool,
}

/// A network policy that only a certain network plugin understands.
#[derive(Clone, Debug)]
pub struct ForeignNetworkPolicy {
    /// The object.
    pub origin: Origin,
    /// Whether it is about all namespaces.
    pub cluster: bool,
}

/// A Gateway of the Gateway API.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// The object.
    pub origin: Origin,
    /// Listeners without TLS that carry HTTP.
    pub plain_listeners: Vec<PlainListener>,
}

/// A listener without TLS that carries HTTP.
#[derive(Clone, Debug)]
pub struct PlainListener {
    /// Where it stands.
    pub location: model::Location,
    /// `name`.
    pub name: Box<str>,
    /// Position in the list.
    pub index: usize,
}

/// An HTTPRoute.
#[derive(Clone, Debug)]
pub struct HttpRoute {
    /// The object.
    pub origin: Origin,
    /// `spec.parentRefs`.
    pub parents: Vec<RouteParent>,
    /// Whether every rule only redirects to HTTPS.
    pub redirects: bool,
}

/// One of the `parentRefs` of a route.
#[derive(Clone, Debug)]
pub struct RouteParent {
    /// Namespace of the gateway, empty when it is the route's own.
    pub namespace: Box<str>,
    /// Name of the gateway.
    pub name: Box<str>,
    /// `sectionName`: the one listener that is meant; empty means all.
    pub section: Box<str>,
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

impl ClusterNetworkPolicy {
    pub(super) fn of(object: &Object<'_>) -> Option<Self> {
        if !matches!(object.kind, "AdminNetworkPolicy" | "BaselineAdminNetworkPolicy" | "ClusterNetworkPolicy") {
            return None;
        }
        let spec = object.spec()?;
        let subject = spec.get("subject");
        let pods = subject.and_then(|subject| subject.get("pods"));
        let namespaces = match pods {
            Some(pods) => pods.get("namespaceSelector"),
            None => subject.and_then(|subject| subject.get("namespaces")),
        };
        let denies = |key| spec.list(key).any(|rule| rule.str_at("action") == Some("Deny"));
        Some(ClusterNetworkPolicy {
            origin: Origin::of(object),
            namespaces: Selector::of(namespaces),
            pods: Selector::of(pods.and_then(|pods| pods.get("podSelector"))),
            denies_ingress: denies("ingress"),
            denies_egress: denies("egress"),
        })
    }
}

impl ForeignNetworkPolicy {
    /// Whether the object is one.
    pub fn covers(object: &Object<'_>) -> bool {
        match object.group {
            "cilium.io" => matches!(object.kind, "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy"),
            "projectcalico.org" | "crd.projectcalico.org" => {
                matches!(object.kind, "NetworkPolicy" | "GlobalNetworkPolicy")
            }
            "crd.antrea.io" => matches!(object.kind, "NetworkPolicy" | "ClusterNetworkPolicy"),
            _ => false,
        }
    }

    pub(super) fn of(object: &Object<'_>) -> Self {
        let cluster = object.kind.starts_with("CiliumClusterwide")
            || object.kind.starts_with("Global")
            || object.kind.starts_with("Cluster");
        ForeignNetworkPolicy { origin: Origin::of(object), cluster }
    }
}

impl Gateway {
    pub(super) fn of(object: &Object<'_>) -> Self {
        let listeners = object.spec().into_iter().flat_map(|spec| spec.list("listeners")).enumerate();
        Gateway {
            origin: Origin::of(object),
            plain_listeners: listeners
                .filter(|(_, listener)| listener.str_at("protocol") == Some("HTTP"))
                .map(|(index, listener)| PlainListener {
                    location: listener.get("protocol").unwrap_or(listener).location(),
                    name: listener.str_at("name").unwrap_or("").into(),
                    index,
                })
                .collect(),
        }
    }
}

impl HttpRoute {
    pub(super) fn of(object: &Object<'_>) -> Self {
        let spec = object.spec();
        let text = |value: Value<'_>, key: &str| -> Box<str> { value.str_at(key).unwrap_or("").into() };
        let redirects = |rule: Value<'_>| {
            rule.list("filters").any(|filter| {
                filter.get("requestRedirect").is_some_and(|redirect| redirect.str_at("scheme") == Some("https"))
            })
        };
        HttpRoute {
            origin: Origin::of(object),
            parents: spec
                .into_iter()
                .flat_map(|spec| spec.list("parentRefs"))
                .map(|parent| RouteParent {
                    namespace: text(parent, "namespace"),
                    name: text(parent, "name"),
                    section: text(parent, "sectionName"),
                })
                .collect(),
            redirects: spec
                .and_then(|spec| spec.get("rules"))
                .is_some_and(|rules| !rules.is_empty() && rules.items().all(redirects)),
        }
    }
}
