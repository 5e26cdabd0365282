//! Configuration files with few settings to judge: kube-proxy, egress, tracing; and kinds that no
//! component reads.

use manifest::Object;
use model::{Rule, Scope, Serves, Severity};

use super::component::{is_loopback, is_wildcard, shown};
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// No component reads a configuration of this kind.
pub static UNKNOWN_KIND: Rule = Rule {
    code: "cluster-config-kind-unknown",
    title: "No component reads a configuration of this kind",
    severity: Severity::Medium,
    scope: Scope::Object,
    serves: &[Serves::part("DE-12")],
    why: "The component refuses to start or keeps its old settings, so nothing in the file holds; nothing in \
          it was judged either.",
    fix: "Correct kind and apiVersion.",
    example: "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n",
};
/// A configuration uses a version that was removed.
pub static OLD_VERSION: Rule = Rule {
    code: "cluster-config-version-removed",
    title: "A configuration uses a version that was removed",
    severity: Severity::Medium,
    scope: Scope::Object,
    serves: &[Serves::part("DE-12")],
    why: "Current releases refuse the file, so the settings in it do not hold.",
    fix: "Convert the file to a version that the release serves.",
    example: "apiVersion: audit.k8s.io/v1\nkind: Policy\n",
};
/// kube-proxy serves metrics to the network.
pub static PROXY_METRICS: Rule = Rule {
    code: "kube-proxy-metrics-address",
    title: "kube-proxy serves metrics to the network",
    severity: Severity::Low,
    scope: Scope::Object,
    serves: &[Serves::part("NW-08"), Serves::part("NW-11")],
    why: "The port has no authentication and shows services and node state to everybody who reaches the node.",
    fix: "Set metricsBindAddress to 127.0.0.1:10249, or limit it by a host firewall.",
    example: "metricsBindAddress: 127.0.0.1:10249\n",
};
/// Node ports answer on every address of the nodes.
pub static PROXY_NODE_PORTS: Rule = Rule {
    code: "kube-proxy-node-port-addresses",
    title: "Node ports answer on every address of the nodes",
    severity: Severity::Info,
    scope: Scope::Object,
    serves: &[Serves::part("NW-08"), Serves::part("NW-10")],
    why: "A NodePort Service is then reachable from every network that a node is in, public ones too.",
    fix: "Set nodePortAddresses to the ranges that should reach node ports, or to primary.",
    example: "nodePortAddresses: [primary]\n",
};
/// kube-proxy serves profiling data.
pub static PROXY_PROFILING: Rule = Rule {
    code: "kube-proxy-profiling",
    title: "kube-proxy serves profiling data",
    severity: Severity::Low,
    scope: Scope::Object,
    serves: &[Serves::part("DE-12")],
    why: "Profiles show internals of the process and can be requested often enough to slow it down.",
    fix: "Set enableProfiling to false.",
    example: "enableProfiling: false\n",
};
/// kube-apiserver reaches an egress proxy without TLS.
pub static EGRESS_PLAIN: Rule = Rule {
    code: "egress-connection-plain",
    title: "kube-apiserver reaches an egress proxy without TLS",
    severity: Severity::Medium,
    scope: Scope::Object,
    serves: &[Serves::part("RA-09"), Serves::part("RA-10")],
    why: "Traffic to nodes and webhooks passes a proxy that nobody verified.",
    fix: "Give the connection a transport with tlsConfig, or a local socket.",
    example: "egressSelections:\n  - name: cluster\n    connection:\n      proxyProtocol: GRPC\n      transport:\n        uds:\n          udsName: /run/konnectivity/socket\n",
};
/// Traces leave the host unencrypted.
pub static TRACING_REMOTE: Rule = Rule {
    code: "tracing-endpoint-remote",
    title: "Traces leave the host unencrypted",
    severity: Severity::Low,
    scope: Scope::Object,
    serves: &[Serves::part("RA-09"), Serves::part("OB-01")],
    why: "Traces show who calls which API and are sent without TLS.",
    fix: "Send traces to a collector on the same host, which forwards them over TLS.",
    example: "endpoint: localhost:4317\n",
};

/// Checks on small configuration files.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[ObjectCheck {
    scope: Scope::Object,
    rules: &[
        &UNKNOWN_KIND,
        &OLD_VERSION,
        &PROXY_METRICS,
        &PROXY_NODE_PORTS,
        &PROXY_PROFILING,
        &EGRESS_PLAIN,
        &TRACING_REMOTE,
    ],
    run: check,
}];

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let Some((_, kinds, versions)) = KINDS.iter().find(|(group, ..)| *group == object.group) else { return };
    if !kinds.contains(&object.kind) {
        let message = format!("`{}` is no kind of `{}`", shown(object.kind), object.group);
        sink.report(&UNKNOWN_KIND, object.location(), message).field("kind");
        return;
    }
    if !versions.contains(&object.version) {
        let at = object.value.get("apiVersion").map_or(object.location(), |value| value.location());
        let message = format!("`{}/{}` is served by no current release", object.group, shown(object.version));
        sink.report(&OLD_VERSION, at, message).field("apiVersion");
    }
    match object.kind {
        "KubeProxyConfiguration" => proxy(object, sink),
        "EgressSelectorConfiguration" => egress(object, sink),
        "TracingConfiguration" => tracing(object, sink),
        _ => {}
    }
}

fn proxy(object: &Object<'_>, sink: &mut Sink<'_>) {
    let root = object.value;
    if let Some(value) = root.get("metricsBindAddress")
        && let Some(address) = value.as_str().filter(|address| !address.is_empty() && !is_loopback(address))
    {
        let place = if is_wildcard(address) { ", every interface" } else { "" };
        sink.report(&PROXY_METRICS, value, format!("`metricsBindAddress` is `{}`{place}", shown(address)))
            .field("metricsBindAddress");
    }
    if root.get("nodePortAddresses").is_none_or(|list| list.is_empty()) {
        sink.report(&PROXY_NODE_PORTS, object.location(), "`nodePortAddresses` is not set, so all addresses serve")
            .field("nodePortAddresses");
    }
    if let Some(value) = root.get("enableProfiling").filter(|value| value.as_bool() == Some(true)) {
        sink.report(&PROXY_PROFILING, value, "`enableProfiling` is true").field("enableProfiling");
    }
}

fn egress(object: &Object<'_>, sink: &mut Sink<'_>) {
    for (index, selection) in object.value.list("egressSelections").enumerate() {
        let Some(transport) = selection.path(&["connection", "transport"]) else { continue };
        let Some(tcp) = transport.get("tcp") else { continue };
        let field = format!("egressSelections[{index}].connection.transport.tcp");
        let url = tcp.str_at("url").unwrap_or("");
        if !url.starts_with("https://") || tcp.get("tlsConfig").is_none() {
            let message = format!("`{field}` reaches `{}` without a verified TLS connection", shown(url));
            sink.report(&EGRESS_PLAIN, tcp, message).field(field);
        }
    }
}

fn tracing(object: &Object<'_>, sink: &mut Sink<'_>) {
    if let Some(endpoint) = object.value.get("endpoint")
        && let Some(text) = endpoint.as_str().filter(|text| !is_loopback(text) && !text.starts_with("unix:"))
    {
        sink.report(&TRACING_REMOTE, endpoint, format!("`endpoint` is `{}`", shown(text))).field("endpoint");
    }
}

type Group = (&'static str, &'static [&'static str], &'static [&'static str]);

/// Groups of configuration files with the kinds and versions that components read.
const KINDS: &[Group] = &[
    (
        "apiserver.config.k8s.io",
        &[
            "AdmissionConfiguration",
            "AuthenticationConfiguration",
            "AuthorizationConfiguration",
            "EgressSelectorConfiguration",
            "EncryptionConfiguration",
            "TracingConfiguration",
            "WebhookAdmissionConfiguration",
            "WebhookAdmission",
        ],
        &["v1", "v1beta1", "v1alpha1"],
    ),
    ("apiserver.k8s.io", &["EgressSelectorConfiguration"], &["v1beta1", "v1alpha1"]),
    ("audit.k8s.io", &["Policy", "PolicyList", "Event", "EventList"], &["v1"]),
    (
        "kubelet.config.k8s.io",
        &[
            "KubeletConfiguration",
            "CredentialProviderConfig",
            "SerializedNodeConfigSource",
            "ImagePullIntent",
            "ImagePulledRecord",
        ],
        &["v1", "v1beta1", "v1alpha1"],
    ),
    (
        "kubescheduler.config.k8s.io",
        &[
            "DefaultPreemptionArgs",
            "InterPodAffinityArgs",
            "KubeSchedulerConfiguration",
            "NodeAffinityArgs",
            "NodeResourcesBalancedAllocationArgs",
            "NodeResourcesFitArgs",
            "PodTopologySpreadArgs",
            "VolumeBindingArgs",
            "DynamicResourcesArgs",
        ],
        &["v1"],
    ),
    ("kubeproxy.config.k8s.io", &["KubeProxyConfiguration"], &["v1alpha1"]),
    ("kubecontrollermanager.config.k8s.io", &["KubeControllerManagerConfiguration"], &["v1alpha1"]),
    (
        "kubeadm.k8s.io",
        &[
            "ClusterConfiguration",
            "ClusterStatus",
            "InitConfiguration",
            "JoinConfiguration",
            "ResetConfiguration",
            "UpgradeConfiguration",
        ],
        &["v1beta3", "v1beta4"],
    ),
    ("pod-security.admission.config.k8s.io", &["PodSecurityConfiguration"], &["v1"]),
];
