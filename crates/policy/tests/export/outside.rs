//! Objects of kinds that come with definitions of their own.

use serde_json::{Value, json};

use crate::random::Random;

/// Their definitions, which take any fields.
pub(crate) fn definitions() -> String {
    let of = |(group, version, kind, plural, namespaced): &(&str, &str, &str, &str, bool)| {
        let scope = if *namespaced { "Namespaced" } else { "Cluster" };
        format!(
            "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {plural}.{group}}}\n\
             spec:\n  group: {group}\n  scope: {scope}\n  names: {{kind: {kind}, plural: {plural}}}\n  versions:\n  \
             - name: {version}\n    served: true\n    storage: true\n    schema: {{openAPIV3Schema: {{type: object, \
             x-kubernetes-preserve-unknown-fields: true}}}}\n"
        )
    };
    DEFINITIONS.iter().map(of).collect()
}

const DEFINITIONS: &[(&str, &str, &str, &str, bool)] = &[
    ("gateway.networking.k8s.io", "v1", "Gateway", "gateways", true),
    ("gateway.networking.k8s.io", "v1beta1", "ReferenceGrant", "referencegrants", true),
    ("gateway.networking.k8s.io", "v1", "BackendTLSPolicy", "backendtlspolicies", true),
    ("policy.networking.k8s.io", "v1alpha1", "AdminNetworkPolicy", "adminnetworkpolicies", false),
    ("policy.networking.k8s.io", "v1alpha2", "ClusterNetworkPolicy", "clusternetworkpolicies", false),
    ("snapshot.storage.k8s.io", "v1", "VolumeSnapshotClass", "volumesnapshotclasses", false),
];

/// An object without metadata.
pub(crate) fn object(random: &mut Random, kind: &str) -> Value {
    match kind {
        "Gateway" => {
            let from = random.one(&["All", "Same", "Selector"]);
            let routes = some(random, json!({"namespaces": {"from": from}}));
            let listener = some(random, json!({"name": "a", "port": 80, "allowedRoutes": routes}));
            json!({"spec": without_nulls(json!({"gatewayClassName": "c", "listeners": list(listener)}))})
        }
        "ReferenceGrant" => {
            let name = random.one(&["", "a"]);
            let to = if random.once_in(3) {
                json!({"group": "", "kind": "Secret"})
            } else {
                json!({"group": "", "kind": "Secret", "name": name})
            };
            json!({"spec": {"from": [], "to": list(some(random, to))}})
        }
        "BackendTLSPolicy" => backend(random),
        "VolumeSnapshotClass" => {
            json!({"driver": "d", "deletionPolicy": random.one(&["Delete", "Retain"])})
        }
        "AdminNetworkPolicy" | "ClusterNetworkPolicy" => {
            let mut spec = json!({"priority": 1, "subject": {"namespaces": {}}});
            if random.once_in(3) {
                spec["tier"] = random.one(&["Admin", "Baseline"]).into();
            }
            for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
                if random.below(3) > 0 {
                    spec[direction] = json!([rule(random, peers)]);
                }
            }
            json!({"spec": spec})
        }
        other => panic!("{other} has no generator"),
    }
}

fn backend(random: &mut Random) -> Value {
    let mut validation = json!({});
    if random.below(3) > 0 {
        validation["hostname"] = "shop.internal".into();
    }
    match random.below(6) {
        0 => validation["caCertificateRefs"] = json!([{"group": "", "kind": "ConfigMap", "name": "ca"}]),
        1 => validation["caCertRefs"] = json!([{"group": "", "kind": "ConfigMap", "name": "ca"}]),
        2 => validation["wellKnownCACertificates"] = "System".into(),
        3 => validation["wellKnownCACerts"] = "System".into(),
        4 => validation["caCertificateRefs"] = json!([]),
        _ => {}
    }
    match random.below(4) {
        0 => json!({"spec": {"targetRefs": []}}),
        1 => json!({"spec": {"targetRefs": [], "tls": validation}}),
        _ => json!({"spec": {"targetRefs": [], "validation": validation}}),
    }
}

fn rule(random: &mut Random, peers: &str) -> Value {
    let mut rule = json!({"action": random.one(&["Allow", "Accept", "Deny", "Pass"])});
    if random.once_in(4) {
        rule["ports"] = json!([{"portNumber": {"protocol": "TCP", "port": 80}}]);
    }
    if random.once_in(4) {
        rule["protocols"] = json!([{"tcp": {}}]);
    }
    let labels = json!({"matchLabels": {"app": "web"}});
    let peer = match random.below(9) {
        0 => json!({"namespaces": {}}),
        1 => json!({"namespaces": labels}),
        2 => json!({"namespaces": {"matchLabels": {}, "matchExpressions": []}}),
        3 => json!({"namespaces": {"sameLabels": ["a"]}}),
        4 => json!({"pods": {"namespaceSelector": {}, "podSelector": {}}}),
        5 => json!({"pods": {"namespaceSelector": labels, "podSelector": {}}}),
        6 => json!({"pods": {}}),
        7 => json!({"networks": ["0.0.0.0/0"]}),
        _ => json!({"networks": ["10.0.0.0/8"]}),
    };
    rule[peers] = json!([peer]);
    rule
}

/// Now and then nothing.
fn some(random: &mut Random, value: Value) -> Value {
    if random.once_in(4) { Value::Null } else { value }
}

fn list(value: Value) -> Value {
    if value.is_null() { json!([]) } else { json!([without_nulls(value)]) }
}

fn without_nulls(mut value: Value) -> Value {
    if let Some(map) = value.as_object_mut() {
        map.retain(|_, inner| !inner.is_null());
    }
    value
}
