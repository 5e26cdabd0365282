//! How kube-apiserver talks to clients, kubelets, etcd and its peers.

use manifest::Object;
use model::{Rule, Scope, Serves, Severity};

use super::component::{Component, Demand, components, is_loopback, is_set, is_true, is_unset, shown};
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// kube-apiserver serves a self-signed certificate.
pub static SERVING: Rule = Rule {
    code: "api-server-serving-certificate",
    title: "kube-apiserver serves a self-signed certificate",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-09")],
    why: "Clients cannot verify a certificate that is made at start-up, so they skip the check, and somebody \
          on the path can stand in for the API server.",
    fix: "Set --tls-cert-file and --tls-private-key-file.",
    example: "command:\n  - kube-apiserver\n  - --tls-cert-file=/etc/kubernetes/pki/apiserver.crt\n  - --tls-private-key-file=/etc/kubernetes/pki/apiserver.key\n",
};
/// kube-apiserver does not verify kubelets.
pub static KUBELET_CA: Rule = Rule {
    code: "api-server-kubelet-ca",
    title: "kube-apiserver does not verify kubelets",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-10"), Serves::part("RA-18")],
    why: "Somebody on the path to a node can pose as its kubelet and read exec sessions, logs and port \
          forwards.",
    fix: "Set --kubelet-certificate-authority and let kubelets get serving certificates from the cluster.",
    example: "command:\n  - kube-apiserver\n  - --kubelet-certificate-authority=/etc/kubernetes/pki/kubelet-ca.crt\n",
};
/// kube-apiserver shows kubelets no certificate.
pub static KUBELET_IDENTITY: Rule = Rule {
    code: "api-server-kubelet-identity",
    title: "kube-apiserver shows kubelets no certificate",
    severity: Severity::High,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-10"), Serves::part("RA-18")],
    why: "It only works when kubelets accept anonymous requests, which then everybody on the node network can \
          send.",
    fix: "Set --kubelet-client-certificate and --kubelet-client-key.",
    example: "command:\n  - kube-apiserver\n  - --kubelet-client-certificate=/etc/kubernetes/pki/apiserver-kubelet-client.crt\n  - --kubelet-client-key=/etc/kubernetes/pki/apiserver-kubelet-client.key\n",
};
/// kube-apiserver talks plain HTTP to kubelets.
pub static KUBELET_PLAIN: Rule = Rule {
    code: "api-server-kubelet-http",
    title: "kube-apiserver talks plain HTTP to kubelets",
    severity: Severity::High,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-09"), Serves::part("RA-18")],
    why: "Exec sessions, logs and port forwards cross the network in clear text.",
    fix: "Remove --kubelet-https=false.",
    example: "",
};
/// kube-apiserver talks plain HTTP to etcd.
pub static ETCD_PLAIN: Rule = Rule {
    code: "api-server-etcd-http",
    title: "kube-apiserver talks plain HTTP to etcd",
    severity: Severity::High,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-09"), Serves::part("RA-19")],
    why: "Every Secret of the cluster crosses the connection in clear text, and etcd cannot tell who asks.",
    fix: "Use https in --etcd-servers.",
    example: "command:\n  - kube-apiserver\n  - --etcd-servers=https://127.0.0.1:2379\n",
};
/// kube-apiserver and etcd do not authenticate each other.
pub static ETCD_IDENTITY: Rule = Rule {
    code: "api-server-etcd-tls",
    title: "kube-apiserver and etcd do not authenticate each other",
    severity: Severity::High,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-10"), Serves::part("RA-19")],
    why: "Without a CA the API server writes to whoever answers; without a client certificate etcd has to \
          serve everybody, and etcd is the whole cluster.",
    fix: "Set --etcd-cafile, --etcd-certfile and --etcd-keyfile.",
    example: "command:\n  - kube-apiserver\n  - --etcd-cafile=/etc/kubernetes/pki/etcd/ca.crt\n  - --etcd-certfile=/etc/kubernetes/pki/apiserver-etcd-client.crt\n  - --etcd-keyfile=/etc/kubernetes/pki/apiserver-etcd-client.key\n",
};
/// etcd and the cluster share one certificate authority.
pub static ETCD_CA_SHARED: Rule = Rule {
    code: "api-server-etcd-ca-shared",
    title: "etcd and the cluster share one certificate authority",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-10"), Serves::part("RA-19")],
    why: "Every client certificate of the cluster, a kubelet's too, then opens etcd and with it all data and \
          rights.",
    fix: "Give etcd a CA of its own.",
    example: "command:\n  - kube-apiserver\n  - --client-ca-file=/etc/kubernetes/pki/ca.crt\n  - --etcd-cafile=/etc/kubernetes/pki/etcd/ca.crt\n",
};
/// kube-apiserver shows aggregated APIs no certificate.
pub static PROXY_CLIENT: Rule = Rule {
    code: "api-server-proxy-client",
    title: "kube-apiserver shows aggregated APIs no certificate",
    severity: Severity::Low,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-10")],
    why: "Extension API servers cannot tell the API server from anybody else who sends user names in headers.",
    fix: "Set --proxy-client-cert-file and --proxy-client-key-file.",
    example: "command:\n  - kube-apiserver\n  - --proxy-client-cert-file=/etc/kubernetes/pki/front-proxy-client.crt\n",
};
/// Peer API servers are not verified.
pub static PEER_CA: Rule = Rule {
    code: "api-server-peer-ca",
    title: "Peer API servers are not verified",
    severity: Severity::Low,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-10")],
    why: "Requests that are passed on to a peer of another version go to whoever answers at its address.",
    fix: "Set --peer-ca-file.",
    example: "",
};
/// Redirects of aggregated APIs are passed on.
pub static REDIRECT: Rule = Rule {
    code: "api-server-aggregator-redirect",
    title: "Redirects of aggregated APIs are passed on",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-10"), Serves::part("RA-11")],
    why: "An extension API server can send clients of the API server elsewhere, with their credentials.",
    fix: "Remove --aggregator-reject-forwarding-redirect=false.",
    example: "",
};
/// Any website may call the API from a browser.
pub static CORS: Rule = Rule {
    code: "api-server-cors",
    title: "Any website may call the API from a browser",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-35"), Serves::part("RA-11")],
    why: "A page that an operator visits can send requests to the API server in the operator's place.",
    fix: "Remove --cors-allowed-origins or anchor it to the hosts that need it.",
    example: "command:\n  - kube-apiserver\n  - --cors-allowed-origins=//console\\\\.example\\\\.com$\n",
};

/// Checks on connections.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[ObjectCheck {
    scope: Scope::ApiServer,
    rules: &[
        &SERVING,
        &KUBELET_CA,
        &KUBELET_IDENTITY,
        &KUBELET_PLAIN,
        &ETCD_PLAIN,
        &ETCD_IDENTITY,
        &ETCD_CA_SHARED,
        &PROXY_CLIENT,
        &PEER_CA,
        &REDIRECT,
        &CORS,
    ],
    run: check,
}];

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    components(object, Scope::ApiServer, |component| {
        component.demand(sink, DEMANDS);
        missing(component, &SERVING, &["tls-cert-file", "tls-private-key-file"], sink);
        missing(component, &KUBELET_IDENTITY, &["kubelet-client-certificate", "kubelet-client-key"], sink);
        etcd(component, sink);
        if component.has("requestheader-client-ca-file") {
            missing(component, &PROXY_CLIENT, &["proxy-client-cert-file", "proxy-client-key-file"], sink);
        }
        if component.has("peer-advertise-ip") {
            missing(component, &PEER_CA, &["peer-ca-file"], sink);
        }
        cors(component, sink);
    });
}

const DEMANDS: &[Demand] = &[
    Demand::flag(&KUBELET_CA, "kubelet-certificate-authority", "", is_set),
    Demand::flag(&KUBELET_PLAIN, "kubelet-https", "true", is_true),
    Demand::flag(&REDIRECT, "aggregator-reject-forwarding-redirect", "true", is_true),
];

/// Reports once, with all flags of a group that have no value.
fn missing(component: &Component<'_>, rule: &'static Rule, flags: &[&'static str], sink: &mut Sink<'_>) {
    let mut lacking = flags.iter().filter_map(|flag| component.flag(flag, "")).filter(|flag| is_unset(&flag.text));
    let Some(first) = lacking.next() else { return };
    let mut names = format!("`--{}`", first.label);
    let mut verb = "is";
    for setting in lacking {
        names.push_str(&format!(" and `--{}`", setting.label));
        verb = "are";
    }
    component.report(sink, rule, &first, format!("{names} of {} {verb} not set", component.program));
}

fn etcd(component: &Component<'_>, sink: &mut Sink<'_>) {
    if let Some(servers) = component.flag("etcd-servers", "")
        && let Some(urls) = component.items("etcd-servers", "")
    {
        if let Some(url) = urls.iter().find(|url| url.starts_with("http://")) {
            let local = url.strip_prefix("http://").is_some_and(is_loopback);
            let message = format!("`--etcd-servers` of {} names `{}`", component.program, shown(url));
            let severity = if local { Severity::Medium } else { Severity::High };
            component.report(sink, &ETCD_PLAIN, &servers, message).severity(severity);
            return;
        }
        if urls.iter().all(|url| url.starts_with("unix:")) && !urls.is_empty() {
            return;
        }
    }
    missing(component, &ETCD_IDENTITY, &["etcd-cafile", "etcd-certfile", "etcd-keyfile"], sink);
    if let (Some(etcd), Some(client)) = (component.flag("etcd-cafile", ""), component.flag("client-ca-file", ""))
        && !etcd.text.is_empty()
        && etcd.text == client.text
    {
        let message = format!("`--etcd-cafile` and `--client-ca-file` are both `{}`", shown(&etcd.text));
        component.report(sink, &ETCD_CA_SHARED, &etcd, message);
    }
}

fn cors(component: &Component<'_>, sink: &mut Sink<'_>) {
    let name = "cors-allowed-origins";
    let (Some(setting), Some(origins)) = (component.flag(name, ""), component.items(name, "")) else { return };
    if let Some(origin) = origins.iter().find(|origin| matches!(**origin, "*" | ".*" | "^.*$" | ".+" | "https?://.*")) {
        component.report(sink, &CORS, &setting, format!("`--{name}` of kube-apiserver is `{origin}`"));
    }
}
