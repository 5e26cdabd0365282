//! What every component can get wrong: TLS versions and suites, profiling, feature gates.

use manifest::Object;
use model::{Rule, Scope, Serves, Severity};

use super::component::{Component, Demand, components, is_false, shown};
use super::features;
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// A component accepts outdated TLS versions.
pub static TLS_VERSION: Rule = Rule {
    code: "component-tls-version",
    title: "A component accepts outdated TLS versions",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-09")],
    why: "TLS 1.0 and 1.1 let somebody on the path weaken or read connections that carry credentials of the \
          cluster.",
    fix: "Set the minimum TLS version to 1.2 or 1.3, or leave the flag out.",
    example: "command:\n  - kube-apiserver\n  - --tls-min-version=VersionTLS12\n",
};
/// A component accepts weak cipher suites.
pub static TLS_CIPHERS: Rule = Rule {
    code: "component-tls-ciphers",
    title: "A component accepts weak cipher suites",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-09")],
    why: "Suites with RC4, 3DES, CBC with SHA-256 or plain RSA key exchange can be broken, or let recorded \
          traffic be read once the key leaks.",
    fix: "List only ECDHE suites with AES-GCM or ChaCha20, or leave the flag out.",
    example: "command:\n  - kube-apiserver\n  - --tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384\n",
};
/// A component serves profiling data.
pub static PROFILING: Rule = Rule {
    code: "component-profiling",
    title: "A component serves profiling data",
    severity: Severity::Low,
    scope: Scope::ApiServer,
    serves: &[Serves::part("DE-12")],
    why: "Profiles show internals of the process and can be requested often enough to slow it down.",
    fix: "Turn profiling off and enable it only while somebody looks for a fault.",
    example: "command:\n  - kube-apiserver\n  - --profiling=false\n",
};
/// An alpha or beta feature is switched on.
pub static ALPHA: Rule = Rule {
    code: "component-alpha-features",
    title: "An alpha or beta feature is switched on",
    severity: Severity::Low,
    scope: Scope::ApiServer,
    serves: &[Serves::full("RA-27")],
    why: "Alpha features may have unknown faults, get no fixes for old releases and can change what the \
          cluster stores or allows. Switching on all of them takes in features nobody here chose.",
    fix: "Remove AllAlpha, AllBeta and single gates that nobody needs.",
    example: "command:\n  - kube-apiserver\n  - --feature-gates=PodCertificateRequest=false\n",
};
/// A feature that protects the cluster is switched off.
pub static SECURITY_OFF: Rule = Rule {
    code: "component-security-feature-off",
    title: "A feature that protects the cluster is switched off",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-27"), Serves::part("DE-12")],
    why: "The gate guards a check that newer releases rely on; without it the component falls back to weaker \
          behaviour.",
    fix: "Remove the feature gate so that the default applies.",
    example: "",
};
/// Renewal of kubelet serving certificates is switched off.
pub static SERVING_ROTATION: Rule = Rule {
    code: "component-serving-rotation-off",
    title: "Renewal of kubelet serving certificates is switched off",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-04")],
    why: "Without renewal the serving certificates of kubelets expire or are made to last long, and clients \
          learn to skip the check.",
    fix: "Remove RotateKubeletServerCertificate=false from the feature gates.",
    example: "",
};

/// kube-scheduler accepts outdated TLS versions.
pub static SCHEDULER_TLS_VERSION: Rule = Rule {
    code: "scheduler-tls-version",
    title: "kube-scheduler accepts outdated TLS versions",
    severity: Severity::Medium,
    scope: Scope::Scheduler,
    serves: &[Serves::full("RA-22"), Serves::part("RA-09")],
    why: "TLS 1.0 and 1.1 let somebody on the path weaken or read the connections of monitoring and probes.",
    fix: "Set --tls-min-version to VersionTLS12 or VersionTLS13, or leave the flag out.",
    example: "command:\n  - kube-scheduler\n  - --tls-min-version=VersionTLS12\n",
};

/// kube-scheduler accepts weak cipher suites.
pub static SCHEDULER_TLS_CIPHERS: Rule = Rule {
    code: "scheduler-tls-ciphers",
    title: "kube-scheduler accepts weak cipher suites",
    severity: Severity::Medium,
    scope: Scope::Scheduler,
    serves: &[Serves::full("RA-22"), Serves::part("RA-09")],
    why: "Weak suites can be broken, or let recorded traffic be read once the key leaks.",
    fix: "List only ECDHE suites with AES-GCM or ChaCha20.",
    example: "command:\n  - kube-scheduler\n  - --tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384\n",
};

/// kube-scheduler serves profiling data.
pub static SCHEDULER_PROFILING: Rule = Rule {
    code: "scheduler-profiling",
    title: "kube-scheduler serves profiling data",
    severity: Severity::Low,
    scope: Scope::Scheduler,
    serves: &[Serves::part("RA-22"), Serves::part("DE-12")],
    why: "Profiles show internals of the process and can be requested often enough to slow it down.",
    fix: "Set --profiling=false, or enableProfiling to false in its configuration.",
    example: "enableProfiling: false\n",
};

/// Checks on all components.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[
    ObjectCheck { scope: Scope::ApiServer, rules: RULES, run: api_server },
    ObjectCheck { scope: Scope::ControllerManager, rules: RULES, run: controller_manager },
    ObjectCheck { scope: Scope::Scheduler, rules: SCHEDULER_RULES, run: scheduler },
    ObjectCheck { scope: Scope::Object, rules: SCHEDULER_RULES, run: scheduler_file },
    ObjectCheck { scope: Scope::Kubelet, rules: RULES, run: kubelet },
    ObjectCheck { scope: Scope::Etcd, rules: RULES, run: etcd },
];

const SCHEDULER_RULES: &[&Rule] =
    &[&SCHEDULER_TLS_VERSION, &SCHEDULER_TLS_CIPHERS, &SCHEDULER_PROFILING, &ALPHA, &SECURITY_OFF, &SERVING_ROTATION];

const RULES: &[&Rule] = &[&TLS_VERSION, &TLS_CIPHERS, &PROFILING, &ALPHA, &SECURITY_OFF, &SERVING_ROTATION];

fn api_server(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    components(object, Scope::ApiServer, |component| common(component, COMMON, sink));
}

fn controller_manager(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    components(object, Scope::ControllerManager, |component| common(component, COMMON, sink));
}

fn scheduler(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    components(object, Scope::Scheduler, |component| {
        // A configuration file takes over profiling from the flag.
        let demands = if component.has("config") { TLS } else { SCHEDULER };
        common(component, demands, sink);
    });
}

/// A configuration file alone does not show the command line, so it does not count as a scheduler seen.
fn scheduler_file(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    if object.is("kubescheduler.config.k8s.io", "KubeSchedulerConfiguration") {
        components(object, Scope::Scheduler, |component| common(component, SCHEDULER, sink));
    }
}

fn kubelet(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    components(object, Scope::Kubelet, |component| common(component, KUBELET, sink));
}

fn etcd(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    components(object, Scope::Etcd, |component| common(component, ETCD, sink));
}

fn common(component: &Component<'_>, demands: &[Demand], sink: &mut Sink<'_>) {
    component.demand(sink, demands);
    ciphers(component, sink);
    features::gates(component, sink);
}

/// Names the weak suites only: lists are long.
fn ciphers(component: &Component<'_>, sink: &mut Sink<'_>) {
    let demand = match component.program {
        "etcd" => &ETCD_CIPHERS,
        "kube-scheduler" => &SCHEDULER_CIPHERS,
        _ => &CIPHERS,
    };
    let Some(setting) = component.setting(demand) else { return };
    let weak: Vec<&str> = setting.text.split(',').map(str::trim).filter(|suite| !strong(suite)).collect();
    if !weak.is_empty() {
        let dashes = if setting.flag { "--" } else { "" };
        let list = shown(&weak.join(", "));
        let message = format!("`{dashes}{}` of {} names {list}", setting.label, component.program);
        component.report(sink, demand.rule, &setting, message);
    }
}

const MIN_VERSION: Demand = Demand::flag(&TLS_VERSION, "tls-min-version", "", modern).or_field("tlsMinVersion", "");
const CIPHERS: Demand = Demand::flag(&TLS_CIPHERS, "tls-cipher-suites", "", strong).or_field("tlsCipherSuites", "");
const ETCD_CIPHERS: Demand = Demand::flag(&TLS_CIPHERS, "cipher-suites", "", strong);
const PROFILES: Demand = Demand::flag(&PROFILING, "profiling", "true", is_false);

const TLS: &[Demand] = &[SCHEDULER_VERSION];
const SCHEDULER_VERSION: Demand = Demand::flag(&SCHEDULER_TLS_VERSION, "tls-min-version", "", modern);
const SCHEDULER_CIPHERS: Demand = Demand::flag(&SCHEDULER_TLS_CIPHERS, "tls-cipher-suites", "", strong);
const COMMON: &[Demand] = &[MIN_VERSION, PROFILES];
const SCHEDULER: &[Demand] = &[
    SCHEDULER_VERSION,
    Demand::flag(&SCHEDULER_PROFILING, "profiling", "true", is_false).or_field("enableProfiling", "true"),
];
const KUBELET: &[Demand] =
    &[MIN_VERSION, CIPHERS, Demand::flag(&PROFILING, "", "", is_false).or_field("enableProfilingHandler", "true")];
const ETCD: &[Demand] = &[MIN_VERSION, Demand::flag(&PROFILING, "enable-pprof", "false", is_false)];

/// Whether a minimum version is 1.2 or newer; an empty one stands for Go's own, which is.
fn modern(version: &str) -> bool {
    !matches!(version, "VersionTLS10" | "VersionTLS11" | "TLS1.0" | "TLS1.1")
}

/// Whether a suite is none that Go itself calls insecure. The old CBC suites with SHA-1 pass: Go guards them.
fn strong(suite: &str) -> bool {
    !(suite.starts_with("TLS_RSA_WITH_")
        || suite.contains("_RC4_")
        || suite.contains("_3DES_")
        || suite.ends_with("_CBC_SHA256")
        || suite.contains("_NULL_")
        || suite.contains("_EXPORT_"))
}
