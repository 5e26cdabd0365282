//! Who may talk to a kubelet, and with which certificates.

use manifest::Object;
use model::{Rule, Scope, Serves, Severity};

use super::component::{Component, Demand, components, is_false, is_loopback, is_set, is_true, is_unset};
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// A kubelet answers anonymous requests.
pub static ANONYMOUS: Rule = Rule {
    code: "kubelet-anonymous-auth",
    title: "A kubelet answers anonymous requests",
    severity: Severity::High,
    scope: Scope::Kubelet,
    serves: &[Serves::part("RA-18")],
    why: "Whoever reaches port 10250 may try the kubelet's API, which runs commands in every container of the \
          node.",
    fix: "Set authentication.anonymous.enabled to false.",
    example: "authentication:\n  anonymous:\n    enabled: false\n",
};
/// A kubelet does not verify bearer tokens.
pub static WEBHOOK: Rule = Rule {
    code: "kubelet-token-auth",
    title: "A kubelet does not verify bearer tokens",
    severity: Severity::Low,
    scope: Scope::Kubelet,
    serves: &[Serves::part("RA-18")],
    why: "Without the TokenReview look-up only certificates work, so monitoring gets a certificate that cannot \
          be revoked.",
    fix: "Set authentication.webhook.enabled to true.",
    example: "authentication:\n  webhook:\n    enabled: true\n",
};
/// A kubelet does not verify client certificates.
pub static CLIENT_CA: Rule = Rule {
    code: "kubelet-client-ca",
    title: "A kubelet does not verify client certificates",
    severity: Severity::Medium,
    scope: Scope::Kubelet,
    serves: &[Serves::part("RA-18"), Serves::part("RA-10")],
    why: "The API server cannot prove itself to the kubelet, which then has to serve callers without a \
          certificate.",
    fix: "Set authentication.x509.clientCAFile to the cluster's CA.",
    example: "authentication:\n  x509:\n    clientCAFile: /etc/kubernetes/pki/ca.crt\n",
};
/// A kubelet allows every authenticated request.
pub static AUTHORIZATION: Rule = Rule {
    code: "kubelet-authorization",
    title: "A kubelet allows every authenticated request",
    severity: Severity::Critical,
    scope: Scope::Kubelet,
    serves: &[Serves::part("RA-18"), Serves::part("RA-13")],
    why: "Any identity that the kubelet accepts runs commands in every container of the node and reads their \
          Secrets.",
    fix: "Set authorization.mode to Webhook.",
    example: "authorization:\n  mode: Webhook\n",
};
/// A kubelet serves its read-only port.
pub static READ_ONLY_PORT: Rule = Rule {
    code: "kubelet-read-only-port",
    title: "A kubelet serves its read-only port",
    severity: Severity::High,
    scope: Scope::Kubelet,
    serves: &[Serves::part("RA-18"), Serves::part("RA-09"), Serves::part("NW-14")],
    why: "The port tells anybody about all pods of the node, their arguments and environment, without \
          encryption or authentication.",
    fix: "Set readOnlyPort to 0.",
    example: "readOnlyPort: 0\n",
};
/// A kubelet does not renew its client certificate.
pub static ROTATION: Rule = Rule {
    code: "kubelet-certificate-rotation",
    title: "A kubelet does not renew its client certificate",
    severity: Severity::Low,
    scope: Scope::Kubelet,
    serves: &[Serves::part("RA-04"), Serves::part("DI-34")],
    why: "Certificates are then made to last for years, and a stolen one works as long.",
    fix: "Set rotateCertificates to true.",
    example: "rotateCertificates: true\n",
};
/// A kubelet serves a certificate that nobody can verify.
pub static SERVING: Rule = Rule {
    code: "kubelet-serving-certificate",
    title: "A kubelet serves a certificate that nobody can verify",
    severity: Severity::Low,
    scope: Scope::Kubelet,
    serves: &[Serves::part("RA-04"), Serves::part("RA-10"), Serves::part("DI-34")],
    why: "Clients skip the check of a self-signed certificate, so somebody on the path can stand in for the \
          node.",
    fix: "Set serverTLSBootstrap to true and approve the requests, or set tlsCertFile and tlsPrivateKeyFile.",
    example: "serverTLSBootstrap: true\n",
};
/// A kubelet's health port is open to the network.
pub static HEALTH_ADDRESS: Rule = Rule {
    code: "kubelet-health-address",
    title: "A kubelet's health port is open to the network",
    severity: Severity::Low,
    scope: Scope::Kubelet,
    serves: &[Serves::part("RA-18"), Serves::part("NW-14")],
    why: "The port answers without authentication and is one more way to reach the node.",
    fix: "Set healthzBindAddress to 127.0.0.1.",
    example: "healthzBindAddress: 127.0.0.1\n",
};
/// A kubelet runs pods that it fetches from a URL.
pub static STATIC_URL: Rule = Rule {
    code: "kubelet-static-pod-url",
    title: "A kubelet runs pods that it fetches from a URL",
    severity: Severity::High,
    scope: Scope::Kubelet,
    serves: &[Serves::part("RA-20")],
    why: "Whoever answers at the URL runs privileged pods on the node that no admission plugin or policy sees.",
    fix: "Remove staticPodURL and keep static pods in a directory that only root may write.",
    example: "staticPodPath: /etc/kubernetes/manifests\n",
};
/// A kubelet runs pods from a directory.
pub static STATIC_PATH: Rule = Rule {
    code: "kubelet-static-pod-path",
    title: "A kubelet runs pods from a directory",
    severity: Severity::Info,
    scope: Scope::Kubelet,
    serves: &[Serves::part("RA-20")],
    why: "Pods placed there bypass admission and RBAC; control-plane nodes need it, worker nodes seldom do.",
    fix: "Leave staticPodPath empty on worker nodes, and let only root write the directory elsewhere.",
    example: "",
};
/// A kubelet serves the node's log files.
pub static LOG_HANDLER: Rule = Rule {
    code: "kubelet-log-handler",
    title: "A kubelet serves the node's log files",
    severity: Severity::Low,
    scope: Scope::Kubelet,
    serves: &[Serves::part("OB-07"), Serves::part("OB-01")],
    why: "Whoever may use nodes/proxy or nodes/log reads files below /var/log, which can hold audit logs and \
          secrets of other workloads.",
    fix: "Set enableSystemLogHandler to false.",
    example: "enableSystemLogHandler: false\nenableSystemLogQuery: false\n",
};
/// A kubelet lets callers change its log level.
pub static DEBUG_FLAGS: Rule = Rule {
    code: "kubelet-debug-flags",
    title: "A kubelet lets callers change its log level",
    severity: Severity::Low,
    scope: Scope::Kubelet,
    serves: &[Serves::part("RA-18")],
    why: "At the highest level the kubelet logs requests with their content, which then stands in the node's \
          logs.",
    fix: "Set enableDebugFlagsHandler to false.",
    example: "enableDebugFlagsHandler: false\n",
};

/// Checks on access to the kubelet.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[ObjectCheck {
    scope: Scope::Kubelet,
    rules: &[
        &ANONYMOUS,
        &WEBHOOK,
        &CLIENT_CA,
        &AUTHORIZATION,
        &READ_ONLY_PORT,
        &ROTATION,
        &SERVING,
        &HEALTH_ADDRESS,
        &STATIC_URL,
        &STATIC_PATH,
        &LOG_HANDLER,
        &DEBUG_FLAGS,
    ],
    run: check,
}];

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    components(object, Scope::Kubelet, |component| {
        component.demand(sink, DEMANDS);
        serving(component, sink);
        if let Some(url) = component.setting(&STATIC_POD_URL).filter(|url| !url.text.is_empty()) {
            let severity = if url.text.starts_with("https://") { Severity::Medium } else { Severity::High };
            component.report(sink, &STATIC_URL, &url, url.says(component.program)).severity(severity);
        }
    });
}

/// Flags have the oldest defaults, the configuration file has safer ones.
const DEMANDS: &[Demand] = &[
    Demand::flag(&ANONYMOUS, "anonymous-auth", "true", is_false).or_field("authentication.anonymous.enabled", "false"),
    Demand::flag(&WEBHOOK, "authentication-token-webhook", "false", is_true)
        .or_field("authentication.webhook.enabled", "true"),
    Demand::flag(&CLIENT_CA, "client-ca-file", "", is_set).or_field("authentication.x509.clientCAFile", ""),
    Demand::flag(&AUTHORIZATION, "authorization-mode", "AlwaysAllow", |mode| mode != "AlwaysAllow")
        .or_field("authorization.mode", "Webhook"),
    Demand::flag(&READ_ONLY_PORT, "read-only-port", "10255", |port| port == "0").or_field("readOnlyPort", "0"),
    Demand::flag(&ROTATION, "rotate-certificates", "false", is_true).or_field("rotateCertificates", "false"),
    Demand::flag(&HEALTH_ADDRESS, "healthz-bind-address", "127.0.0.1", is_loopback)
        .or_field("healthzBindAddress", "127.0.0.1"),
    Demand::flag(&STATIC_PATH, "pod-manifest-path", "", is_unset).or_field("staticPodPath", ""),
    Demand::flag(&LOG_HANDLER, "", "", is_false).or_field("enableSystemLogHandler", "true"),
    Demand::flag(&LOG_HANDLER, "", "", is_false).or_field("enableSystemLogQuery", "false"),
    Demand::flag(&DEBUG_FLAGS, "", "", is_false).or_field("enableDebugFlagsHandler", "true"),
];

const STATIC_POD_URL: Demand = Demand::flag(&STATIC_URL, "manifest-url", "", is_unset).or_field("staticPodURL", "");
const BOOTSTRAP: Demand =
    Demand::flag(&SERVING, "rotate-server-certificates", "false", is_true).or_field("serverTLSBootstrap", "false");
const CERTIFICATE: Demand = Demand::flag(&SERVING, "tls-cert-file", "", is_set).or_field("tlsCertFile", "");

fn serving(component: &Component<'_>, sink: &mut Sink<'_>) {
    if let (Some(bootstrap), Some(file)) = (component.setting(&BOOTSTRAP), component.setting(&CERTIFICATE))
        && !bootstrap.is_true()
        && file.text.is_empty()
    {
        component.report(sink, &SERVING, &bootstrap, bootstrap.says(component.program));
    }
}
