//! kube-scheduler: its flags and KubeSchedulerConfiguration.

use manifest::Object;
use model::{Rule, Scope, Serves, Severity};

use super::component::{Component, Demand, components, is_false, is_loopback, is_set, shown};
use super::controller_manager::health_only;
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// kube-scheduler cannot ask who is calling.
pub static AUTHENTICATION: Rule = Rule {
    code: "scheduler-authentication",
    title: "kube-scheduler cannot ask who is calling",
    severity: Severity::Medium,
    scope: Scope::Scheduler,
    serves: &[Serves::full("RA-22")],
    why: "Without a kubeconfig for look-ups the scheduler has its own idea of who callers are, or treats all \
          of them as anonymous.",
    fix: "Set --authentication-kubeconfig.",
    example: "command:\n  - kube-scheduler\n  - --authentication-kubeconfig=/etc/kubernetes/scheduler.conf\n",
};
/// kube-scheduler starts without the cluster's authentication settings.
pub static LOOKUP_FAILURE: Rule = Rule {
    code: "scheduler-lookup-failure",
    title: "kube-scheduler starts without the cluster's authentication settings",
    severity: Severity::Low,
    scope: Scope::Scheduler,
    serves: &[Serves::full("RA-22")],
    why: "When the look-up fails the scheduler treats callers as anonymous instead of stopping, so its answers \
          no longer follow the cluster's rules.",
    fix: "Set --authentication-tolerate-lookup-failure=false.",
    example: "command:\n  - kube-scheduler\n  - --authentication-tolerate-lookup-failure=false\n",
};
/// kube-scheduler does not look up authentication settings.
pub static LOOKUP_SKIPPED: Rule = Rule {
    code: "scheduler-lookup-skipped",
    title: "kube-scheduler does not look up authentication settings",
    severity: Severity::Medium,
    scope: Scope::Scheduler,
    serves: &[Serves::full("RA-22")],
    why: "Its callers are then judged by other rules than those of the API server.",
    fix: "Remove --authentication-skip-lookup.",
    example: "command:\n  - kube-scheduler\n  - --authentication-skip-lookup=false\n",
};
/// kube-scheduler answers more than health checks to anybody.
pub static OPEN_PATHS: Rule = Rule {
    code: "scheduler-open-paths",
    title: "kube-scheduler answers more than health checks to anybody",
    severity: Severity::Low,
    scope: Scope::Scheduler,
    serves: &[Serves::full("RA-22")],
    why: "Paths such as /metrics tell strangers which nodes and workloads exist and how full they are.",
    fix: "Keep --authorization-always-allow-paths to /healthz, /livez and /readyz.",
    example: "command:\n  - kube-scheduler\n  - --authorization-always-allow-paths=/healthz,/livez,/readyz\n",
};
/// kube-scheduler listens beyond the local host.
pub static LISTEN: Rule = Rule {
    code: "scheduler-listen-address",
    title: "kube-scheduler listens beyond the local host",
    severity: Severity::Low,
    scope: Scope::Scheduler,
    serves: &[Serves::full("RA-22"), Serves::part("RA-35")],
    why: "Only probes on the same host need the port; each reachable port is one more way in.",
    fix: "Set --bind-address=127.0.0.1.",
    example: "command:\n  - kube-scheduler\n  - --bind-address=127.0.0.1\n",
};
/// Another process may share the scheduler's port.
pub static SHARING: Rule = Rule {
    code: "scheduler-port-sharing",
    title: "Another process may share the scheduler's port",
    severity: Severity::Low,
    scope: Scope::Scheduler,
    serves: &[Serves::full("RA-22")],
    why: "A second process on the host can bind the same port and receive requests that were meant for the \
          scheduler.",
    fix: "Remove --permit-port-sharing and --permit-address-sharing.",
    example: "command:\n  - kube-scheduler\n  - --permit-port-sharing=false\n",
};
/// kube-scheduler serves plain HTTP.
pub static INSECURE: Rule = Rule {
    code: "scheduler-insecure-port",
    title: "kube-scheduler serves plain HTTP",
    severity: Severity::Medium,
    scope: Scope::Scheduler,
    serves: &[Serves::full("RA-22"), Serves::part("RA-09")],
    why: "The port answers without encryption or authentication.",
    fix: "Remove --port and --address.",
    example: "",
};
/// kube-scheduler names no request-header CA.
pub static REQUEST_HEADER: Rule = Rule {
    code: "scheduler-request-header-ca",
    title: "kube-scheduler names no request-header CA",
    severity: Severity::Info,
    scope: Scope::Scheduler,
    serves: &[Serves::part("RA-22")],
    why: "It takes the CA from the cluster when it starts; naming the file keeps the check in force when that \
          look-up is not possible.",
    fix: "Set --requestheader-client-ca-file.",
    example: "command:\n  - kube-scheduler\n  - --requestheader-client-ca-file=/etc/kubernetes/pki/front-proxy-ca.crt\n",
};
/// kube-scheduler leaves the choice of ciphers to defaults.
pub static CIPHERS_OPEN: Rule = Rule {
    code: "scheduler-tls-ciphers-default",
    title: "kube-scheduler leaves the choice of ciphers to defaults",
    severity: Severity::Info,
    scope: Scope::Scheduler,
    serves: &[Serves::part("RA-22")],
    why: "The defaults are sound today, but they change with the release and not with your policy.",
    fix: "Set --tls-cipher-suites to the suites that you allow.",
    example: "command:\n  - kube-scheduler\n  - --tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384\n",
};
/// A scheduler extender is called without verified TLS.
pub static EXTENDER: Rule = Rule {
    code: "scheduler-extender-plain",
    title: "A scheduler extender is called without verified TLS",
    severity: Severity::Medium,
    scope: Scope::Scheduler,
    serves: &[Serves::full("RA-22"), Serves::part("RA-09")],
    why: "Whoever answers in its place decides on which nodes pods run.",
    fix: "Use an https urlPrefix with a CA in tlsConfig, and leave insecure off.",
    example: "extenders:\n  - urlPrefix: https://extender.kube-system.svc\n    enableHTTPS: true\n",
};
/// A scheduler profile runs custom plugins.
pub static PLUGINS: Rule = Rule {
    code: "scheduler-custom-plugins",
    title: "A scheduler profile runs custom plugins",
    severity: Severity::Info,
    scope: Scope::Scheduler,
    serves: &[Serves::part("RA-22")],
    why: "A queueSort, filter or permit plugin can hold back pods or send them to chosen nodes, so its code \
          deserves the same review as the scheduler's.",
    fix: "Review the plugin, or remove it from the profile.",
    example: "",
};

/// Checks on the scheduler.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[
    ObjectCheck {
        scope: Scope::Scheduler,
        rules: &[
            &AUTHENTICATION,
            &LOOKUP_FAILURE,
            &LOOKUP_SKIPPED,
            &OPEN_PATHS,
            &LISTEN,
            &SHARING,
            &INSECURE,
            &REQUEST_HEADER,
            &CIPHERS_OPEN,
        ],
        run: check,
    },
    ObjectCheck { scope: Scope::Object, rules: &[&EXTENDER, &PLUGINS], run: file },
];

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    components(object, Scope::Scheduler, |component| component.demand(sink, DEMANDS));
}

/// A configuration file alone does not show the command line, so it does not count as a scheduler seen.
fn file(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    if object.is("kubescheduler.config.k8s.io", "KubeSchedulerConfiguration") {
        components(object, Scope::Scheduler, |component| {
            extenders(component, sink);
            plugins(component, sink);
        });
    }
}

const DEMANDS: &[Demand] = &[
    Demand::flag(&AUTHENTICATION, "authentication-kubeconfig", "", is_set),
    Demand::flag(&LOOKUP_FAILURE, "authentication-tolerate-lookup-failure", "true", is_false),
    Demand::flag(&LOOKUP_SKIPPED, "authentication-skip-lookup", "false", is_false),
    Demand::flag(&OPEN_PATHS, "authorization-always-allow-paths", "/healthz,/readyz,/livez", health_only),
    Demand::flag(&LISTEN, "bind-address", "0.0.0.0", is_loopback),
    Demand::flag(&SHARING, "permit-address-sharing", "false", is_false),
    Demand::flag(&SHARING, "permit-port-sharing", "false", is_false),
    Demand::flag(&INSECURE, "port", "0", |port| port == "0"),
    Demand::flag(&REQUEST_HEADER, "requestheader-client-ca-file", "", is_set),
    Demand::flag(&CIPHERS_OPEN, "tls-cipher-suites", "", is_set),
];

fn extenders(component: &Component<'_>, sink: &mut Sink<'_>) {
    for (index, extender) in component.file.into_iter().flat_map(|file| file.list("extenders")).enumerate() {
        let field = format!("extenders[{index}]");
        if let Some(url) =
            extender.get("urlPrefix").filter(|url| url.as_str().is_some_and(|u| u.starts_with("http://")))
        {
            let message = format!("`{field}.urlPrefix` is `{}`", shown(url.as_str().unwrap_or("")));
            sink.report(&EXTENDER, url, message).field(format!("{field}.urlPrefix"));
        }
        if let Some(insecure) = extender.path(&["tlsConfig", "insecure"]).filter(|value| value.as_bool() == Some(true))
        {
            sink.report(&EXTENDER, insecure, format!("`{field}.tlsConfig.insecure` is true"))
                .field(format!("{field}.tlsConfig.insecure"));
        }
    }
}

fn plugins(component: &Component<'_>, sink: &mut Sink<'_>) {
    for (index, profile) in component.file.into_iter().flat_map(|file| file.list("profiles")).enumerate() {
        let Some(points) = profile.get("plugins") else { continue };
        for point in ["queueSort", "preEnqueue", "preFilter", "filter", "permit", "multiPoint"] {
            for plugin in points.get(point).into_iter().flat_map(|point| point.list("enabled")) {
                let Some(name) = plugin.str_at("name").filter(|name| !IN_TREE.contains(name)) else { continue };
                let field = format!("profiles[{index}].plugins.{point}");
                sink.report(&PLUGINS, plugin, format!("`{field}` enables `{}`", shown(name))).field(field);
            }
        }
    }
}

/// Plugins that the scheduler brings along.
const IN_TREE: &[&str] = &[
    "*",
    "DefaultBinder",
    "DefaultPreemption",
    "DynamicResources",
    "GangScheduling",
    "ImageLocality",
    "InterPodAffinity",
    "NodeAffinity",
    "NodeDeclaredFeatures",
    "NodeName",
    "NodePorts",
    "NodeResourcesBalancedAllocation",
    "NodeResourcesFit",
    "NodeUnschedulable",
    "NodeVolumeLimits",
    "PodTopologySpread",
    "PrioritySort",
    "SchedulingGates",
    "TaintToleration",
    "VolumeBinding",
    "VolumeRestrictions",
    "VolumeZone",
];
