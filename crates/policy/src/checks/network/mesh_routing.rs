//! How a mesh lets traffic in and out: Istio's routing objects and mesh-wide settings.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// Clients are told to speak clear text inside the mesh.
pub static PLAIN_DESTINATION: Rule = Rule {
    code: "mesh-destination-without-identity",
    title: "A DestinationRule drops the mesh's mutual TLS",
    severity: Severity::Medium,
    scope: Scope::Mesh,
    serves: &[Serves::part("NW-06"), Serves::part("DV-01"), Serves::part("RA-29")],
    why: "Clients of the host send clear text, or TLS without a client identity, so the server cannot tell who calls.",
    fix: "Set the TLS mode to ISTIO_MUTUAL, or leave it out and let the mesh decide.",
    example: "trafficPolicy:\n  tls:\n    mode: ISTIO_MUTUAL\n",
};

/// Certificates are not checked.
pub static TLS_UNVERIFIED: Rule = Rule {
    code: "mesh-tls-not-verified",
    title: "A DestinationRule skips the check of certificates",
    severity: Severity::Medium,
    scope: Scope::Mesh,
    serves: &[Serves::part("NW-06"), Serves::part("DV-01")],
    why: "Anyone on the way can answer in the server's place; the encryption protects against nobody.",
    fix: "Remove insecureSkipVerify and set caCertificates or credentialName.",
    example: "",
};

/// A gateway serves clear text.
pub static PLAIN_GATEWAY: Rule = Rule {
    code: "mesh-gateway-plain-http",
    title: "A mesh gateway serves clear-text HTTP",
    severity: Severity::Medium,
    scope: Scope::Mesh,
    serves: &[Serves::part("NW-06"), Serves::part("NW-11"), Serves::part("DV-01")],
    why: "Cookies, passwords and tokens of the users cross the network in clear text, and anyone on the way can change \
          the answers.",
    fix: "Serve HTTPS, and set tls.httpsRedirect to true on the HTTP server.",
    example: "servers:\n  - port:\n      number: 80\n      name: http\n      protocol: HTTP\n    hosts: [shop.example.com]\n    tls:\n      httpsRedirect: true\n",
};

/// A gateway accepts old TLS versions.
pub static OLD_TLS: Rule = Rule {
    code: "mesh-gateway-old-tls",
    title: "A mesh gateway accepts TLS below 1.2",
    severity: Severity::Medium,
    scope: Scope::Mesh,
    serves: &[Serves::part("NW-06"), Serves::part("NW-11")],
    why: "TLS 1.0 and 1.1 have known attacks and no modern ciphers.",
    fix: "Set minProtocolVersion to TLSV1_2 or higher.",
    example: "tls:\n  mode: SIMPLE\n  credentialName: shop-tls\n  minProtocolVersion: TLSV1_2\n",
};

/// Traffic out of the mesh is not limited to known hosts.
pub static OUTBOUND_ANY: Rule = Rule {
    code: "mesh-outbound-any",
    title: "The mesh lets workloads call any outside host",
    severity: Severity::Low,
    scope: Scope::Object,
    serves: &[Serves::part("NW-06"), Serves::part("NW-11")],
    why: "With ALLOW_ANY the sidecars pass unknown destinations through, so data can leave for any host without a rule \
          or a record of its name.",
    fix: "Set outboundTrafficPolicy.mode to REGISTRY_ONLY and add a ServiceEntry per outside host.",
    example: "outboundTrafficPolicy:\n  mode: REGISTRY_ONLY\n",
};

/// A registry entry stands for every host.
pub static WILDCARD_ENTRY: Rule = Rule {
    code: "mesh-service-entry-wildcard",
    title: "A ServiceEntry stands for every outside host",
    severity: Severity::Low,
    scope: Scope::Mesh,
    serves: &[Serves::part("NW-06"), Serves::part("NW-11")],
    why: "An entry for all hosts undoes REGISTRY_ONLY: every destination counts as known.",
    fix: "Name the hosts.",
    example: "hosts: [api.example.com]\n",
};

/// Raw proxy configuration.
pub static ENVOY_FILTER: Rule = Rule {
    code: "mesh-envoy-filter",
    title: "An EnvoyFilter changes the proxies directly",
    severity: Severity::Info,
    scope: Scope::Mesh,
    serves: &[Serves::part("NW-06")],
    why: "An EnvoyFilter can switch off authentication and authorization in the proxies, and no check of the mesh's own \
          policies will show it.",
    fix: "Review it like code, and allow few people to write EnvoyFilters.",
    example: "",
};

/// The check on one mesh object.
pub(super) const CHECK: ObjectCheck = ObjectCheck {
    scope: Scope::Mesh,
    rules: &[
        &PLAIN_DESTINATION,
        &TLS_UNVERIFIED,
        &PLAIN_GATEWAY,
        &OLD_TLS,
        &OUTBOUND_ANY,
        &WILDCARD_ENTRY,
        &ENVOY_FILTER,
    ],
    run: check,
};

/// The check on the ConfigMap that holds Istio's mesh-wide settings.
pub(super) const CONFIG_CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::ConfigMap, rules: &[&OUTBOUND_ANY], run: check_config };

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let Some(spec) = object.spec() else { return };
    match (object.group, object.kind) {
        ("networking.istio.io", "DestinationRule") => check_destination(spec, sink),
        ("networking.istio.io", "Gateway") => {
            for (index, server) in spec.list("servers").enumerate() {
                check_server(server, index, sink);
            }
        }
        ("networking.istio.io", "ServiceEntry") => {
            if let Some(host) = spec.list("hosts").find(|host| matches!(host.as_str(), Some("*" | "*.*"))) {
                sink.report(&WILDCARD_ENTRY, host, "`spec.hosts` has `*`").field("spec.hosts");
            }
        }
        ("networking.istio.io", "EnvoyFilter") => {
            sink.report(&ENVOY_FILTER, object.location(), "an EnvoyFilter changes the configuration of the proxies");
        }
        ("networking.istio.io", "Sidecar") => report_outbound(spec, &["outboundTrafficPolicy", "mode"], sink),
        ("install.istio.io", "IstioOperator") => {
            report_outbound(spec, &["meshConfig", "outboundTrafficPolicy", "mode"], sink);
        }
        _ => {}
    }
}

fn report_outbound(spec: Value<'_>, path: &[&str], sink: &mut Sink<'_>) {
    if let Some(mode) = spec.path(path).filter(|mode| mode.as_str() == Some("ALLOW_ANY")) {
        let path = format!("spec.{}", path.join("."));
        sink.report(&OUTBOUND_ANY, mode, format!("`{path}` is ALLOW_ANY")).field(path);
    }
}

fn check_config(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    // `istio`, or `istio-<revision>`; the text under `mesh` is YAML of its own.
    let Some(mesh) = object.value.path(&["data", "mesh"]).filter(|_| object.name().starts_with("istio")) else {
        return;
    };
    let says = |text: &str| {
        text.split("outboundTrafficPolicy:")
            .nth(1)
            .is_some_and(|rest| rest.split_whitespace().take(2).eq(["mode:", "ALLOW_ANY"]))
    };
    if mesh.as_str().is_some_and(says) {
        sink.report(&OUTBOUND_ANY, mesh, "`outboundTrafficPolicy.mode` in `data.mesh` is ALLOW_ANY").field("data.mesh");
    }
}

fn check_destination(spec: Value<'_>, sink: &mut Sink<'_>) {
    let host = spec.str_at("host").unwrap_or("");
    let subsets = spec.list("subsets").filter_map(|subset| subset.get("trafficPolicy"));
    for policy in spec.get("trafficPolicy").into_iter().chain(subsets) {
        check_tls(host, policy.get("tls"), sink);
        for port in policy.list("portLevelSettings") {
            check_tls(host, port.get("tls"), sink);
        }
    }
}

fn check_tls(host: &str, tls: Option<Value<'_>>, sink: &mut Sink<'_>) {
    let Some(tls) = tls else { return };
    let severity = match tls.str_at("mode") {
        Some("DISABLE") => Severity::Medium,
        Some("SIMPLE") => Severity::Low,
        _ => Severity::Info,
    };
    if severity > Severity::Info && in_cluster(host) {
        let mode = tls.get("mode").unwrap_or(tls);
        let message = format!("the TLS mode for `{host}` is {}", mode.as_str().unwrap_or(""));
        sink.report(&PLAIN_DESTINATION, mode, message).field("spec.trafficPolicy.tls.mode").severity(severity);
    }
    if let Some(flag) = tls.get("insecureSkipVerify").filter(|flag| flag.as_bool() == Some(true)) {
        sink.report(&TLS_UNVERIFIED, flag, format!("`insecureSkipVerify` is true for `{host}`"))
            .field("spec.trafficPolicy.tls.insecureSkipVerify");
    }
}

/// Whether a host of a DestinationRule is a Service of the mesh. The API server and Istio's own have no sidecar.
fn in_cluster(host: &str) -> bool {
    let api_server = host == "kubernetes.default" || host.starts_with("kubernetes.default.");
    let istiod = host == "istiod" || host.starts_with("istiod.") || host.starts_with("istiod-");
    !api_server && !istiod && (!host.contains('.') || host.ends_with(".svc") || host.ends_with(".local"))
}

fn check_server(server: Value<'_>, index: usize, sink: &mut Sink<'_>) {
    let protocol = server.path(&["port", "protocol"]);
    let tls = server.get("tls");
    let redirects = tls.and_then(|tls| tls.bool_at("httpsRedirect")) == Some(true);
    let plain =
        |value: &Value<'_>| matches!(value.as_str(), Some("HTTP" | "http" | "HTTP2" | "http2" | "GRPC" | "grpc"));
    if let Some(protocol) = protocol.filter(plain).filter(|_| !redirects) {
        let message = format!(
            "`spec.servers[{index}].port.protocol` is {} without httpsRedirect",
            protocol.as_str().unwrap_or("")
        );
        sink.report(&PLAIN_GATEWAY, protocol, message).field(format!("spec.servers[{index}].tls.httpsRedirect"));
    }
    let version = tls.and_then(|tls| tls.get("minProtocolVersion"));
    if let Some(version) = version.filter(|version| matches!(version.as_str(), Some("TLSV1_0" | "TLSV1_1"))) {
        let message = format!("`spec.servers[{index}].tls.minProtocolVersion` is {}", version.as_str().unwrap_or(""));
        sink.report(&OLD_TLS, version, message).field(format!("spec.servers[{index}].tls.minProtocolVersion"));
    }
}
