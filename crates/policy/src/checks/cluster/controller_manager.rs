//! kube-controller-manager.

use manifest::Object;
use model::{Rule, Scope, Serves, Severity};

use super::component::{Component, Demand, components, is_loopback, is_set, is_true};
use super::{component, duration};
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// All controllers share one powerful identity.
pub static SHARED_ACCOUNT: Rule = Rule {
    code: "controller-manager-shared-account",
    title: "All controllers share one powerful identity",
    severity: Severity::Medium,
    scope: Scope::ControllerManager,
    serves: &[Serves::full("RA-02")],
    why: "A fault in any controller can then be used with the rights of all of them, and the audit log cannot \
          tell them apart.",
    fix: "Set --use-service-account-credentials=true.",
    example: "command:\n  - kube-controller-manager\n  - --use-service-account-credentials=true\n",
};
/// Pods get no CA to verify the API server.
pub static ROOT_CA: Rule = Rule {
    code: "controller-manager-root-ca",
    title: "Pods get no CA to verify the API server",
    severity: Severity::Low,
    scope: Scope::ControllerManager,
    serves: &[Serves::part("RA-10")],
    why: "Clients in pods cannot check who answers and are written to skip the check.",
    fix: "Set --root-ca-file to the CA of the API server's certificate.",
    example: "command:\n  - kube-controller-manager\n  - --root-ca-file=/etc/kubernetes/pki/ca.crt\n",
};
/// Service account tokens have no signing key.
pub static TOKEN_KEY: Rule = Rule {
    code: "controller-manager-token-key",
    title: "Service account tokens have no signing key",
    severity: Severity::Low,
    scope: Scope::ControllerManager,
    serves: &[Serves::part("RA-15")],
    why: "Tokens of service accounts are not signed by a key of their own, so it cannot be rotated alone.",
    fix: "Set --service-account-private-key-file.",
    example: "command:\n  - kube-controller-manager\n  - --service-account-private-key-file=/etc/kubernetes/pki/sa.key\n",
};
/// kube-controller-manager listens beyond the local host.
pub static LISTEN: Rule = Rule {
    code: "controller-manager-listen-address",
    title: "kube-controller-manager listens beyond the local host",
    severity: Severity::Low,
    scope: Scope::ControllerManager,
    serves: &[Serves::part("RA-35"), Serves::part("NW-08")],
    why: "Only probes on the same host need the port; each reachable port is one more way in.",
    fix: "Set --bind-address=127.0.0.1.",
    example: "command:\n  - kube-controller-manager\n  - --bind-address=127.0.0.1\n",
};
/// kube-controller-manager serves plain HTTP.
pub static INSECURE: Rule = Rule {
    code: "controller-manager-insecure-port",
    title: "kube-controller-manager serves plain HTTP",
    severity: Severity::Medium,
    scope: Scope::ControllerManager,
    serves: &[Serves::part("RA-09")],
    why: "The port answers without encryption or authentication.",
    fix: "Remove --port and --address.",
    example: "",
};
/// Signed certificates live longer than a year.
pub static LIFETIME: Rule = Rule {
    code: "controller-manager-certificate-lifetime",
    title: "Signed certificates live longer than a year",
    severity: Severity::Medium,
    scope: Scope::ControllerManager,
    serves: &[Serves::part("RA-04")],
    why: "A client certificate cannot be revoked: whoever copies one keeps its rights until it expires.",
    fix: "Set --cluster-signing-duration to a year or less and rotate automatically.",
    example: "command:\n  - kube-controller-manager\n  - --cluster-signing-duration=2160h\n",
};
/// The root CA key signs everyday certificates.
pub static ROOT_KEY: Rule = Rule {
    code: "controller-manager-root-key",
    title: "The root CA key signs everyday certificates",
    severity: Severity::Low,
    scope: Scope::ControllerManager,
    serves: &[Serves::part("RA-03")],
    why: "The key of the cluster's root lies on every control-plane node; whoever copies it can be anybody \
          until the whole cluster gets a new CA.",
    fix: "Sign with an intermediate CA, or with an external signer, and keep the root key offline.",
    example: "command:\n  - kube-controller-manager\n  - --root-ca-file=/etc/kubernetes/pki/ca.crt\n  - --cluster-signing-cert-file=/etc/kubernetes/pki/issuing-ca.crt\n",
};
/// Finished pods are never collected.
pub static POD_GC: Rule = Rule {
    code: "controller-manager-pod-gc",
    title: "Finished pods are never collected",
    severity: Severity::Low,
    scope: Scope::ControllerManager,
    serves: &[Serves::part("RC-24")],
    why: "Finished pods pile up until listing pods and the store itself become slow.",
    fix: "Leave --terminated-pod-gc-threshold at its default or set a positive number.",
    example: "command:\n  - kube-controller-manager\n  - --terminated-pod-gc-threshold=500\n",
};
/// kube-controller-manager answers more than health checks to anybody.
pub static OPEN_PATHS: Rule = Rule {
    code: "controller-manager-open-paths",
    title: "kube-controller-manager answers more than health checks to anybody",
    severity: Severity::Low,
    scope: Scope::ControllerManager,
    serves: &[Serves::part("RA-10")],
    why: "Paths such as /metrics or /debug tell strangers about the cluster's inner life.",
    fix: "Keep --authorization-always-allow-paths to /healthz, /livez and /readyz.",
    example: "command:\n  - kube-controller-manager\n  - --authorization-always-allow-paths=/healthz,/livez,/readyz\n",
};
/// Expired tokens are not cleaned up.
pub static CLEANERS: Rule = Rule {
    code: "controller-manager-token-cleaner",
    title: "Expired tokens are not cleaned up",
    severity: Severity::Low,
    scope: Scope::ControllerManager,
    serves: &[Serves::part("RA-11"), Serves::part("RA-15")],
    why: "Bootstrap tokens and old service account tokens that nobody deletes stay around to be found.",
    fix: "Keep tokencleaner beside bootstrapsigner, and leave the legacy token cleaner on.",
    example: "command:\n  - kube-controller-manager\n  - --controllers=*,bootstrapsigner,tokencleaner\n",
};

/// Checks on the controller manager.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[ObjectCheck {
    scope: Scope::ControllerManager,
    rules: &[
        &SHARED_ACCOUNT,
        &ROOT_CA,
        &TOKEN_KEY,
        &LISTEN,
        &INSECURE,
        &LIFETIME,
        &ROOT_KEY,
        &POD_GC,
        &OPEN_PATHS,
        &CLEANERS,
    ],
    run: check,
}];

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    components(object, Scope::ControllerManager, |component| {
        component.demand(sink, DEMANDS);
        lifetime(component, sink);
        root_key(component, sink);
        cleaners(component, sink);
    });
}

const DEMANDS: &[Demand] = &[
    Demand::flag(&SHARED_ACCOUNT, "use-service-account-credentials", "false", is_true),
    Demand::flag(&ROOT_CA, "root-ca-file", "", is_set),
    Demand::flag(&TOKEN_KEY, "service-account-private-key-file", "", is_set),
    Demand::flag(&LISTEN, "bind-address", "0.0.0.0", is_loopback),
    Demand::flag(&INSECURE, "port", "0", |port| port == "0"),
    Demand::flag(&INSECURE, "address", "", component::is_unset),
    Demand::flag(&POD_GC, "terminated-pod-gc-threshold", "12500", |number| {
        number.parse::<i64>().is_ok_and(|number| number > 0)
    }),
    Demand::flag(&OPEN_PATHS, "authorization-always-allow-paths", "/healthz,/readyz,/livez", health_only),
];

/// Whether a list of paths holds health checks only.
pub(super) fn health_only(paths: &str) -> bool {
    paths.split(',').all(|path| {
        let path = path.trim().trim_start_matches('/').trim_end_matches("/*");
        path.is_empty() || ["healthz", "livez", "readyz"].contains(&path.split('/').next().unwrap_or(""))
    })
}

fn lifetime(component: &Component<'_>, sink: &mut Sink<'_>) {
    for name in ["cluster-signing-duration", "experimental-cluster-signing-duration"] {
        let Some(setting) = component.flag(name, "8760h0m0s") else { continue };
        let seconds = duration::seconds(&setting.text).unwrap_or(0.0);
        if seconds > YEAR_SECONDS {
            let severity = if seconds > 3.0 * YEAR_SECONDS { Severity::High } else { Severity::Medium };
            component.report(sink, &LIFETIME, &setting, setting.says(component.program)).severity(severity);
        }
    }
}

/// kubeadm's own layout signs with the root too; it is reported where somebody wrote it down.
fn root_key(component: &Component<'_>, sink: &mut Sink<'_>) {
    let Some(signer) = component.flag("cluster-signing-cert-file", "").filter(|signer| signer.written) else { return };
    let root = component.flag("root-ca-file", "").is_some_and(|root| root.text == signer.text);
    let well_known = matches!(&*signer.text, "/etc/kubernetes/pki/ca.crt" | "/etc/kubernetes/ssl/ca.crt");
    if root || well_known {
        let message = format!("{}, which is the cluster's root", signer.says(component.program));
        component.report(sink, &ROOT_KEY, &signer, message);
    }
}

fn cleaners(component: &Component<'_>, sink: &mut Sink<'_>) {
    let (Some(setting), Some(names)) = (component.flag("controllers", "*"), component.items("controllers", "*")) else {
        return;
    };
    let on = |name: &str| names.contains(&name);
    let signer = on("bootstrapsigner") || on("bootstrap-signer-controller");
    let cleaner = on("tokencleaner") || on("token-cleaner-controller");
    if signer && !cleaner {
        let message = "`--controllers` of kube-controller-manager has bootstrapsigner without tokencleaner";
        component.report(sink, &CLEANERS, &setting, message);
    }
    if on("-legacy-serviceaccount-token-cleaner-controller") || on("-legacy-service-account-token-cleaner-controller") {
        let message =
            "`--controllers` of kube-controller-manager switches off the cleaner of old service account tokens";
        component.report(sink, &CLEANERS, &setting, message);
    }
}

/// A year; one day is added for leap years.
const YEAR_SECONDS: f64 = 366.0 * 86_400.0;
