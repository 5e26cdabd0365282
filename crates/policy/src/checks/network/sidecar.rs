//! Labels and annotations by which pods and namespaces stay out of the mesh.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// The pods get no proxy.
pub static SIDECAR_OFF: Rule = Rule {
    code: "mesh-sidecar-off",
    title: "A workload or namespace opts out of the mesh",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::part("NW-06"), Serves::part("RA-29")],
    why: "Without the proxy the pods have no identity, send clear text, and no authorization policy of the mesh applies \
          to calls that reach them.",
    fix: "Remove the opt-out, or govern the workload by NetworkPolicy and TLS of its own.",
    example: "",
};

/// Some traffic goes around the proxy.
pub static BYPASS: Rule = Rule {
    code: "mesh-traffic-bypass",
    title: "Some traffic of a pod goes around its proxy",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::part("NW-06"), Serves::part("RA-29")],
    why: "Ports and addresses left out of the redirection are reached in clear text, and the mesh's authorization does \
          not see them.",
    fix: "Remove the annotation, or limit it to the one port whose protocol the proxy cannot carry.",
    example: "",
};

/// The check on workloads.
pub(super) const CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::Workload, rules: &[&SIDECAR_OFF, &BYPASS], run: check };

/// The check on namespaces.
pub(super) const NAMESPACE_CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::Namespace, rules: &[&SIDECAR_OFF], run: check_namespace };

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    // The mesh's own control plane cannot depend on its proxies.
    if SYSTEM_NAMESPACES.contains(&object.namespace()) {
        return;
    }
    for metadata in object.pods.iter().filter_map(|pod| pod.metadata) {
        for map in ["labels", "annotations"] {
            for (key, value) in metadata.get(map).into_iter().flat_map(Value::entries) {
                let (Some(name), Some(text)) = (key.as_str(), value.text()) else { continue };
                if opts_out(name, &text) {
                    sink.report(&SIDECAR_OFF, value, format!("`{name}` is `{text}`, so the pods get no mesh proxy"))
                        .field(format!("metadata.{map}[{name}]"));
                } else if let Some(inbound) = bypass(name).filter(|_| !text.is_empty()) {
                    let severity = if inbound { Severity::Medium } else { Severity::Low };
                    sink.report(&BYPASS, value, format!("`{name}` leaves `{text}` out of the mesh proxy"))
                        .field(format!("metadata.{map}[{name}]"))
                        .severity(severity);
                }
            }
        }
    }
}

fn check_namespace(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    for map in ["labels", "annotations"] {
        let entries = object.metadata.and_then(|metadata| metadata.get(map));
        for (key, value) in entries.into_iter().flat_map(Value::entries) {
            let (Some(name), Some(text)) = (key.as_str(), value.text()) else { continue };
            let istio = name == "istio-injection" && text == "disabled";
            if (istio || opts_out(name, &text)) && !SYSTEM_NAMESPACES.contains(&object.name()) {
                sink.report(
                    &SIDECAR_OFF,
                    value,
                    format!("`{name}` is `{text}`, so pods of the namespace get no mesh proxy"),
                )
                .field(format!("metadata.{map}[{name}]"));
            }
        }
    }
}

fn opts_out(name: &str, text: &str) -> bool {
    match name {
        "sidecar.istio.io/inject" => text == "false",
        "linkerd.io/inject" => text == "disabled",
        "istio.io/dataplane-mode" => text == "none",
        _ => false,
    }
}

/// Whether the annotation takes traffic away from the proxy, and whether that is inbound traffic.
fn bypass(name: &str) -> Option<bool> {
    match name {
        "traffic.sidecar.istio.io/excludeInboundPorts" | "config.linkerd.io/skip-inbound-ports" => Some(true),
        "traffic.sidecar.istio.io/excludeOutboundPorts"
        | "traffic.sidecar.istio.io/excludeOutboundIPRanges"
        | "config.linkerd.io/skip-outbound-ports"
        | "config.linkerd.io/skip-subnets" => Some(false),
        _ => None,
    }
}

const SYSTEM_NAMESPACES: &[&str] =
    &["kube-system", "kube-public", "kube-node-lease", "istio-system", "linkerd", "linkerd-viz"];
