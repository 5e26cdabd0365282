//! kubeadm configuration: flags of several components in one object, and how nodes join.

use std::borrow::Cow;

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::command_line::CommandLine;
use super::component::Component;
use super::duration;
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// A join secret stands in a kubeadm configuration.
pub static TOKEN_INLINE: Rule = Rule {
    code: "kubeadm-token-inline",
    title: "A join secret stands in a kubeadm configuration",
    severity: Severity::High,
    scope: Scope::Object,
    serves: &[Serves::part("DV-20"), Serves::part("RA-11")],
    why: "Whoever reads the file can join a node to the cluster while the token lives, and a certificate key \
          decrypts the control plane's own keys. Files like this end up in repositories and images.",
    fix: "Leave tokens and certificate keys out of the file; create them with a short life when a node joins.",
    example: "bootstrapTokens: []\n",
};
/// A bootstrap token never expires.
pub static TOKEN_FOREVER: Rule = Rule {
    code: "kubeadm-token-never-expires",
    title: "A bootstrap token never expires",
    severity: Severity::High,
    scope: Scope::Object,
    serves: &[Serves::part("RA-11")],
    why: "A token without expiry lets whoever finds it join nodes for as long as the cluster lives.",
    fix: "Give bootstrap tokens a life of hours and delete them after the join.",
    example: "bootstrapTokens:\n  - ttl: 1h0m0s\n",
};
/// A node joins without verifying the API server.
pub static DISCOVERY_UNVERIFIED: Rule = Rule {
    code: "kubeadm-discovery-unverified",
    title: "A node joins without verifying the API server",
    severity: Severity::High,
    scope: Scope::Object,
    serves: &[Serves::part("RA-10")],
    why: "Without a pinned CA the joining node hands its credentials to whoever answers at that address, who \
          can then give it any configuration.",
    fix: "Set discovery.bootstrapToken.caCertHashes and leave unsafeSkipCAVerification off.",
    example: "discovery:\n  bootstrapToken:\n    unsafeSkipCAVerification: false\n",
};
/// kubeadm issues certificates that live too long.
pub static LONG_CERTIFICATES: Rule = Rule {
    code: "kubeadm-certificate-lifetime",
    title: "kubeadm issues certificates that live too long",
    severity: Severity::Medium,
    scope: Scope::Object,
    serves: &[Serves::part("RA-04")],
    why: "A client certificate cannot be revoked: whoever copies one keeps its rights until it expires.",
    fix: "Keep certificateValidityPeriod at one year or less and renew certificates automatically.",
    example: "certificateValidityPeriod: 8760h0m0s\n",
};

/// Checks on kubeadm's own settings.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[ObjectCheck {
    scope: Scope::Object,
    rules: &[&TOKEN_INLINE, &TOKEN_FOREVER, &DISCOVERY_UNVERIFIED, &LONG_CERTIFICATES],
    run: check,
}];

/// Calls `each` for the component of the given scope that the object configures.
pub(super) fn components<'d>(object: &Object<'d>, scope: Scope, each: &mut impl FnMut(&Component<'d>)) {
    if object.group != "kubeadm.k8s.io" {
        return;
    }
    match object.kind {
        "ClusterConfiguration" => {
            let Some((program, path, passed)) = section(scope) else { return };
            if scope == Scope::Etcd && object.value.path(&["etcd", "external"]).is_some() {
                return;
            }
            let args = object.value.path(path).and_then(|section| section.get("extraArgs"));
            let mut component = Component::new(program, args.map_or(object.location(), Value::location));
            component.field = format!("{}.extraArgs", path.join("."));
            component.passed = passed;
            component.line = extra_args(args);
            if scope == Scope::ApiServer {
                external_etcd(object.value, &mut component.line);
            }
            each(&component);
        }
        "InitConfiguration" | "JoinConfiguration" if scope == Scope::Kubelet => {
            let Some(args) = object.value.path(&["nodeRegistration", "kubeletExtraArgs"]) else { return };
            let mut component = Component::new("kubelet", args.location());
            component.field = String::from("nodeRegistration.kubeletExtraArgs");
            component.partial = true;
            component.line = extra_args(Some(args));
            each(&component);
        }
        _ => {}
    }
}

type Section = (&'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

fn section(scope: Scope) -> Option<Section> {
    match scope {
        Scope::ApiServer => Some(("kube-apiserver", &["apiServer"], API_SERVER)),
        Scope::ControllerManager => Some(("kube-controller-manager", &["controllerManager"], CONTROLLER_MANAGER)),
        Scope::Scheduler => Some(("kube-scheduler", &["scheduler"], SCHEDULER)),
        Scope::Etcd => Some(("etcd", &["etcd", "local"], ETCD)),
        _ => None,
    }
}

/// `extraArgs`: a mapping up to v1beta3, a list of names and values from v1beta4 on.
fn extra_args<'d>(args: Option<Value<'d>>) -> CommandLine<'d> {
    let mut line = CommandLine::default();
    let Some(args) = args else { return line };
    let text = |value: Value<'d>| value.text().unwrap_or(Cow::Borrowed(""));
    for (key, value) in args.entries() {
        line.push(key.as_str().unwrap_or(""), text(value), value.location());
    }
    for item in args.items() {
        let value = item.get("value");
        let place = value.unwrap_or(item).location();
        line.push(item.str_at("name").unwrap_or(""), value.map_or(Cow::Borrowed(""), text), place);
    }
    line
}

/// With an etcd of somebody else's, kubeadm passes the endpoints and files named there.
fn external_etcd<'d>(root: Value<'d>, line: &mut CommandLine<'d>) {
    let Some(external) = root.path(&["etcd", "external"]) else { return };
    for (flag, key) in [("etcd-cafile", "caFile"), ("etcd-certfile", "certFile"), ("etcd-keyfile", "keyFile")] {
        if line.last(flag).is_none() {
            let value = external.get(key);
            let text = value.and_then(Value::text).unwrap_or(Cow::Borrowed(""));
            line.push(flag, text, value.unwrap_or(external).location());
        }
    }
    if line.last("etcd-servers").is_none() {
        for endpoint in external.list("endpoints") {
            line.push("etcd-servers", endpoint.text().unwrap_or(Cow::Borrowed("")), endpoint.location());
        }
    }
}

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    if object.group != "kubeadm.k8s.io" {
        return;
    }
    let root = object.value;
    for (path, value) in [
        ("certificateKey", root.get("certificateKey")),
        ("controlPlane.certificateKey", root.path(&["controlPlane", "certificateKey"])),
        ("discovery.tlsBootstrapToken", root.path(&["discovery", "tlsBootstrapToken"])),
        ("discovery.bootstrapToken.token", root.path(&["discovery", "bootstrapToken", "token"])),
    ] {
        inline_secret(path, value, sink);
    }
    for token in root.list("bootstrapTokens") {
        inline_secret("bootstrapTokens.token", token.get("token"), sink);
        if let Some(ttl) = token.get("ttl").filter(|ttl| ttl.text().is_some_and(|t| duration::seconds(&t) == Some(0.0)))
        {
            sink.report(&TOKEN_FOREVER, ttl, "`bootstrapTokens.ttl` is zero, so the token never expires")
                .field("bootstrapTokens.ttl");
        }
    }
    if let Some(skip) = root.path(&["discovery", "bootstrapToken", "unsafeSkipCAVerification"])
        && skip.as_bool() == Some(true)
    {
        sink.report(&DISCOVERY_UNVERIFIED, skip, "`discovery.bootstrapToken.unsafeSkipCAVerification` is true")
            .field("discovery.bootstrapToken.unsafeSkipCAVerification");
    }
    for (key, hours_max) in
        [("certificateValidityPeriod", YEAR_HOURS), ("caCertificateValidityPeriod", 10.0 * YEAR_HOURS)]
    {
        let Some(value) = root.get(key) else { continue };
        let Some(seconds) = value.text().and_then(|text| duration::seconds(&text)) else { continue };
        if seconds > hours_max * 3600.0 {
            sink.report(&LONG_CERTIFICATES, value, format!("`{key}` is {:.0} days", seconds / 86_400.0)).field(key);
        }
    }
}

fn inline_secret(path: &'static str, value: Option<Value<'_>>, sink: &mut Sink<'_>) {
    if let Some(value) =
        value.filter(|value| value.as_str().is_some_and(|text| !text.is_empty() && !text.contains('$')))
    {
        sink.report(&TOKEN_INLINE, value, format!("`{path}` holds a secret in plain text")).field(path);
    }
}

/// A year; one day is added for leap years.
const YEAR_HOURS: f64 = 366.0 * 24.0;

/// What kubeadm passes to kube-apiserver.
const API_SERVER: &[(&str, &str)] = &[
    ("allow-privileged", "true"),
    ("authorization-mode", "Node,RBAC"),
    ("client-ca-file", "/etc/kubernetes/pki/ca.crt"),
    ("enable-admission-plugins", "NodeRestriction"),
    ("enable-bootstrap-token-auth", "true"),
    ("etcd-cafile", "/etc/kubernetes/pki/etcd/ca.crt"),
    ("etcd-certfile", "/etc/kubernetes/pki/apiserver-etcd-client.crt"),
    ("etcd-keyfile", "/etc/kubernetes/pki/apiserver-etcd-client.key"),
    ("etcd-servers", "https://127.0.0.1:2379"),
    ("kubelet-client-certificate", "/etc/kubernetes/pki/apiserver-kubelet-client.crt"),
    ("kubelet-client-key", "/etc/kubernetes/pki/apiserver-kubelet-client.key"),
    ("proxy-client-cert-file", "/etc/kubernetes/pki/front-proxy-client.crt"),
    ("proxy-client-key-file", "/etc/kubernetes/pki/front-proxy-client.key"),
    ("requestheader-allowed-names", "front-proxy-client"),
    ("requestheader-client-ca-file", "/etc/kubernetes/pki/front-proxy-ca.crt"),
    ("secure-port", "6443"),
    ("service-account-issuer", "https://kubernetes.default.svc.cluster.local"),
    ("service-account-key-file", "/etc/kubernetes/pki/sa.pub"),
    ("service-account-signing-key-file", "/etc/kubernetes/pki/sa.key"),
    ("tls-cert-file", "/etc/kubernetes/pki/apiserver.crt"),
    ("tls-private-key-file", "/etc/kubernetes/pki/apiserver.key"),
];

/// What kubeadm passes to kube-controller-manager.
const CONTROLLER_MANAGER: &[(&str, &str)] = &[
    ("authentication-kubeconfig", "/etc/kubernetes/controller-manager.conf"),
    ("authorization-kubeconfig", "/etc/kubernetes/controller-manager.conf"),
    ("bind-address", "127.0.0.1"),
    ("client-ca-file", "/etc/kubernetes/pki/ca.crt"),
    ("cluster-signing-cert-file", "/etc/kubernetes/pki/ca.crt"),
    ("cluster-signing-key-file", "/etc/kubernetes/pki/ca.key"),
    ("controllers", "*,bootstrapsigner,tokencleaner"),
    ("requestheader-client-ca-file", "/etc/kubernetes/pki/front-proxy-ca.crt"),
    ("root-ca-file", "/etc/kubernetes/pki/ca.crt"),
    ("service-account-private-key-file", "/etc/kubernetes/pki/sa.key"),
    ("use-service-account-credentials", "true"),
];

/// What kubeadm passes to kube-scheduler.
const SCHEDULER: &[(&str, &str)] = &[
    ("authentication-kubeconfig", "/etc/kubernetes/scheduler.conf"),
    ("authorization-kubeconfig", "/etc/kubernetes/scheduler.conf"),
    ("bind-address", "127.0.0.1"),
];

/// What kubeadm passes to etcd.
const ETCD: &[(&str, &str)] = &[
    ("cert-file", "/etc/kubernetes/pki/etcd/server.crt"),
    ("client-cert-auth", "true"),
    ("key-file", "/etc/kubernetes/pki/etcd/server.key"),
    ("listen-client-urls", "https://127.0.0.1:2379"),
    ("listen-metrics-urls", "http://127.0.0.1:2381"),
    ("listen-peer-urls", "https://127.0.0.1:2380"),
    ("peer-cert-file", "/etc/kubernetes/pki/etcd/peer.crt"),
    ("peer-client-cert-auth", "true"),
    ("peer-key-file", "/etc/kubernetes/pki/etcd/peer.key"),
    ("peer-trusted-ca-file", "/etc/kubernetes/pki/etcd/ca.crt"),
    ("trusted-ca-file", "/etc/kubernetes/pki/etcd/ca.crt"),
];
