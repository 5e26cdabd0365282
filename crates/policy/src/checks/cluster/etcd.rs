//! etcd.

use manifest::Object;
use model::{Rule, Scope, Serves, Severity};

use super::component::{Component, Demand, components, is_false, is_loopback, is_true, is_wildcard, shown};
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// etcd serves clients without a certificate.
pub static CLIENT_AUTH: Rule = Rule {
    code: "etcd-client-auth",
    title: "etcd serves clients without a certificate",
    severity: Severity::Critical,
    scope: Scope::Etcd,
    serves: &[Serves::part("RA-19"), Serves::part("RA-10"), Serves::part("NW-14")],
    why: "Whoever reaches the client port reads every Secret and writes any object, past every check of the \
          API server.",
    fix: "Set --client-cert-auth=true and --trusted-ca-file.",
    example: "command:\n  - etcd\n  - --client-cert-auth=true\n  - --trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt\n",
};
/// etcd accepts peers without a certificate.
pub static PEER_AUTH: Rule = Rule {
    code: "etcd-peer-auth",
    title: "etcd accepts peers without a certificate",
    severity: Severity::High,
    scope: Scope::Etcd,
    serves: &[Serves::part("RA-19"), Serves::part("RA-10")],
    why: "Whoever reaches the peer port can join as a member and receive a copy of all data.",
    fix: "Set --peer-client-cert-auth=true and --peer-trusted-ca-file.",
    example: "command:\n  - etcd\n  - --peer-client-cert-auth=true\n  - --peer-trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt\n",
};
/// etcd makes its own certificates.
pub static AUTO_TLS: Rule = Rule {
    code: "etcd-auto-tls",
    title: "etcd makes its own certificates",
    severity: Severity::Medium,
    scope: Scope::Etcd,
    serves: &[Serves::part("RA-19"), Serves::part("RA-10")],
    why: "Nobody can verify a certificate that each member signs for itself, so anybody on the path can stand \
          in for it.",
    fix: "Set --auto-tls=false and --peer-auto-tls=false and issue certificates.",
    example: "command:\n  - etcd\n  - --auto-tls=false\n  - --peer-auto-tls=false\n",
};
/// etcd serves plain HTTP.
pub static PLAIN: Rule = Rule {
    code: "etcd-plain-http",
    title: "etcd serves plain HTTP",
    severity: Severity::High,
    scope: Scope::Etcd,
    serves: &[Serves::part("RA-19"), Serves::part("RA-09")],
    why: "All data of the cluster crosses the connection in clear text, and no client can be told apart.",
    fix: "Use https in --listen-client-urls and --listen-peer-urls.",
    example: "command:\n  - etcd\n  - --listen-client-urls=https://127.0.0.1:2379\n",
};
/// etcd has no serving certificate.
pub static CERTIFICATE: Rule = Rule {
    code: "etcd-serving-certificate",
    title: "etcd has no serving certificate",
    severity: Severity::Medium,
    scope: Scope::Etcd,
    serves: &[Serves::part("RA-19"), Serves::part("RA-09")],
    why: "An https address without a certificate does not come up, or comes up with one that nobody can \
          verify.",
    fix: "Set --cert-file and --key-file, and the same for peers.",
    example: "command:\n  - etcd\n  - --cert-file=/etc/kubernetes/pki/etcd/server.crt\n  - --key-file=/etc/kubernetes/pki/etcd/server.key\n",
};
/// etcd listens on every interface.
pub static LISTEN: Rule = Rule {
    code: "etcd-listen-address",
    title: "etcd listens on every interface",
    severity: Severity::Low,
    scope: Scope::Etcd,
    serves: &[Serves::part("RA-19"), Serves::part("NW-14"), Serves::part("NW-08")],
    why: "Only API servers and members need it; on every interface it can also be reached from pods and other \
          networks.",
    fix: "List the addresses of the control-plane network only.",
    example: "command:\n  - etcd\n  - --listen-client-urls=https://127.0.0.1:2379,https://10.0.0.10:2379\n",
};
/// etcd serves metrics to the network.
pub static METRICS: Rule = Rule {
    code: "etcd-metrics-address",
    title: "etcd serves metrics to the network",
    severity: Severity::Low,
    scope: Scope::Etcd,
    serves: &[Serves::part("RA-19"), Serves::part("NW-14")],
    why: "The metrics port has no authentication and tells strangers about keys, members and load.",
    fix: "Bind --listen-metrics-urls to 127.0.0.1.",
    example: "command:\n  - etcd\n  - --listen-metrics-urls=http://127.0.0.1:2381\n",
};
/// etcd trusts the cluster's own CA.
pub static CA_SHARED: Rule = Rule {
    code: "etcd-ca-shared",
    title: "etcd trusts the cluster's own CA",
    severity: Severity::High,
    scope: Scope::Etcd,
    serves: &[Serves::part("RA-19"), Serves::part("RA-10")],
    why: "Every client certificate of the cluster, a kubelet's too, then opens etcd and with it all data and \
          rights.",
    fix: "Give etcd a CA that signs for API servers and members only.",
    example: "command:\n  - etcd\n  - --trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt\n",
};
/// etcd does not compare a peer's certificate with its address.
pub static SAN: Rule = Rule {
    code: "etcd-peer-names",
    title: "etcd does not compare a peer's certificate with its address",
    severity: Severity::Medium,
    scope: Scope::Etcd,
    serves: &[Serves::part("RA-19"), Serves::part("RA-10")],
    why: "Any certificate of the peer CA can then be used from anywhere.",
    fix: "Remove --peer-skip-client-san-verification.",
    example: "",
};
/// etcd does not wait for the disk.
pub static NO_FSYNC: Rule = Rule {
    code: "etcd-no-fsync",
    title: "etcd does not wait for the disk",
    severity: Severity::Medium,
    scope: Scope::Etcd,
    serves: &[Serves::part("RS-04"), Serves::part("DE-12")],
    why: "A crash loses acknowledged writes and can leave the cluster's state damaged.",
    fix: "Remove --unsafe-no-fsync.",
    example: "",
};

/// Checks on etcd.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[ObjectCheck {
    scope: Scope::Etcd,
    rules: &[&CLIENT_AUTH, &PEER_AUTH, &AUTO_TLS, &PLAIN, &CERTIFICATE, &LISTEN, &METRICS, &CA_SHARED, &SAN, &NO_FSYNC],
    run: check,
}];

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    components(object, Scope::Etcd, |component| {
        component.demand(sink, DEMANDS);
        verification(component, sink);
        listeners(component, sink);
        metrics(component, sink);
    });
}

const DEMANDS: &[Demand] = &[
    Demand::flag(&AUTO_TLS, "auto-tls", "false", is_false),
    Demand::flag(&AUTO_TLS, "peer-auto-tls", "false", is_false),
    Demand::flag(&SAN, "peer-skip-client-san-verification", "false", is_false),
    Demand::flag(&SAN, "experimental-peer-skip-client-san-verification", "false", is_false),
    Demand::flag(&NO_FSYNC, "unsafe-no-fsync", "false", is_false),
    Demand::flag(&CA_SHARED, "trusted-ca-file", "", own_ca),
    Demand::flag(&CA_SHARED, "peer-trusted-ca-file", "", own_ca),
];

/// Whether a CA file is not the one that signs for the whole cluster.
fn own_ca(path: &str) -> bool {
    !matches!(
        path,
        "/etc/kubernetes/pki/ca.crt"
            | "/etc/kubernetes/ssl/ca.crt"
            | "/etc/kubernetes/ssl/ca.pem"
            | "/etc/kubernetes/certs/ca.crt"
            | "/etc/kubernetes/ca.crt"
            | "/var/lib/kubernetes/ca.pem"
    )
}

/// Client and peer certificates: asked for, and by a CA that is named. Naming a CA alone switches the
/// check on for clients.
fn verification(component: &Component<'_>, sink: &mut Sink<'_>) {
    for (rule, auth, authority, listen) in [
        (&CLIENT_AUTH, "client-cert-auth", "trusted-ca-file", "listen-client-urls"),
        (&PEER_AUTH, "peer-client-cert-auth", "peer-trusted-ca-file", "listen-peer-urls"),
    ] {
        let (Some(on), Some(ca)) = (component.flag(auth, "false"), component.flag(authority, "")) else { continue };
        let (setting, message) = match (is_true(&on.text), ca.text.is_empty()) {
            (true, false) => continue,
            (false, _) => {
                let says = on.says(component.program);
                (on, says)
            }
            (true, true) => {
                let says = ca.says(component.program);
                (ca, says)
            }
        };
        let local =
            component.items(listen, LISTEN_DEFAULT).is_some_and(|urls| urls.iter().all(|url| is_loopback(host(url))));
        let entry = component.report(sink, rule, &setting, message);
        if local {
            entry.severity(Severity::Medium);
        }
    }
}

fn listeners(component: &Component<'_>, sink: &mut Sink<'_>) {
    for (name, cert, key, auto) in [
        ("listen-client-urls", "cert-file", "key-file", "auto-tls"),
        ("listen-peer-urls", "peer-cert-file", "peer-key-file", "peer-auto-tls"),
    ] {
        let (Some(setting), Some(urls)) = (component.flag(name, LISTEN_DEFAULT), component.items(name, LISTEN_DEFAULT))
        else {
            continue;
        };
        if let Some(url) = worst_plain(&urls) {
            let severity = if is_loopback(host(url)) { Severity::Medium } else { Severity::High };
            let message = format!("`--{name}` of etcd names `{}`", shown(url));
            component.report(sink, &PLAIN, &setting, message).severity(severity);
        }
        if let Some(url) = urls.iter().find(|url| is_wildcard(host(url))) {
            component.report(sink, &LISTEN, &setting, format!("`--{name}` of etcd names `{}`", shown(url)));
        }
        let lacks = |flag: &'static str| component.flag(flag, "").filter(|flag| flag.text.is_empty());
        if urls.iter().any(|url| url.starts_with("https://"))
            && !component.flag(auto, "false").is_some_and(|auto| auto.is_true())
            && let Some(missing) = lacks(cert).or_else(|| lacks(key))
        {
            component.report(sink, &CERTIFICATE, &missing, missing.says(component.program));
        }
    }
}

/// A plain address, one that others can reach first.
fn worst_plain<'u>(urls: &[&'u str]) -> Option<&'u str> {
    let plain = || urls.iter().copied().filter(|url| url.starts_with("http://"));
    plain().find(|url| !is_loopback(host(url))).or_else(|| plain().next())
}

fn metrics(component: &Component<'_>, sink: &mut Sink<'_>) {
    let name = "listen-metrics-urls";
    let (Some(setting), Some(urls)) = (component.flag(name, ""), component.items(name, "")) else { return };
    if let Some(url) = urls.iter().find(|url| !is_loopback(host(url))) {
        component.report(sink, &METRICS, &setting, format!("`--{name}` of etcd names `{}`", shown(url)));
    }
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

/// What etcd listens on when nothing is said; the port differs for peers.
const LISTEN_DEFAULT: &str = "http://localhost:2379";
