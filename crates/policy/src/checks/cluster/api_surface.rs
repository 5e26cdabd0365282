//! What else kube-apiserver offers, and what it stores unencrypted.

use manifest::Object;
use model::{Rule, Scope, Serves, Severity};

use super::api_flags::FLAGS;
use super::component::{Component, Demand, components, is_false, is_set, is_true};
use super::duration;
use crate::check::{Context, ObjectCheck};
use crate::config::KUBERNETES_MINOR;
use crate::sink::Sink;

/// Objects are stored unencrypted in etcd.
pub static ENCRYPTION: Rule = Rule {
    code: "api-server-encryption-missing",
    title: "Objects are stored unencrypted in etcd",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RS-02"), Serves::part("RA-17")],
    why: "Whoever reads the disk, a snapshot or a backup of etcd reads every Secret of the cluster.",
    fix: "Set --encryption-provider-config to a file whose first provider for Secrets is a key service.",
    example: "command:\n  - kube-apiserver\n  - --encryption-provider-config=/etc/kubernetes/encryption.yaml\n",
};
/// A changed encryption configuration waits for a restart.
pub static ENCRYPTION_RELOAD: Rule = Rule {
    code: "api-server-encryption-reload",
    title: "A changed encryption configuration waits for a restart",
    severity: Severity::Low,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RS-03")],
    why: "Keys get rotated less often when each step needs every API server restarted, and servers with \
          different keys cannot read each other's objects.",
    fix: "Set --encryption-provider-config-automatic-reload=true.",
    example: "command:\n  - kube-apiserver\n  - --encryption-provider-config-automatic-reload=true\n",
};
/// kube-apiserver serves the host's log directory.
pub static LOGS_HANDLER: Rule = Rule {
    code: "api-server-logs-handler",
    title: "kube-apiserver serves the host's log directory",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("OB-07"), Serves::part("OB-01")],
    why: "Whoever may call /logs reads files below /var/log of the control plane, audit logs among them.",
    fix: "Remove --enable-logs-handler.",
    example: "",
};
/// Requests may hold a connection for very long.
pub static TIMEOUT: Rule = Rule {
    code: "api-server-request-timeout",
    title: "Requests may hold a connection for very long",
    severity: Severity::Low,
    scope: Scope::ApiServer,
    serves: &[Serves::part("DE-12"), Serves::part("RC-24")],
    why: "A few slow clients can use up the connections that everybody shares.",
    fix: "Leave --request-timeout at one minute, or at five at most.",
    example: "command:\n  - kube-apiserver\n  - --request-timeout=60s\n",
};
/// kube-apiserver admits privileged containers.
pub static PRIVILEGED: Rule = Rule {
    code: "api-server-allow-privileged",
    title: "kube-apiserver admits privileged containers",
    severity: Severity::Info,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RC-01"), Serves::part("DE-12")],
    why: "Network and storage plugins need it, so the limit must come from Pod Security instead.",
    fix: "Enforce the baseline or restricted Pod Security Standard in every other namespace.",
    example: "",
};
/// Request priority and fairness is switched off.
pub static FAIRNESS: Rule = Rule {
    code: "api-server-fairness-off",
    title: "Request priority and fairness is switched off",
    severity: Severity::Low,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RC-24")],
    why: "One busy client can then keep the control plane's own requests waiting.",
    fix: "Remove --enable-priority-and-fairness=false.",
    example: "",
};
/// kube-apiserver does not know a flag.
pub static UNKNOWN_FLAG: Rule = Rule {
    code: "component-flag-unknown",
    title: "kube-apiserver does not know a flag",
    severity: Severity::Low,
    scope: Scope::ApiServer,
    serves: &[Serves::part("DE-12")],
    why: "The API server refuses to start with an unknown flag, so the setting that it was meant to make does \
          not hold anywhere.",
    fix: "Correct the name, or remove the flag if the release dropped it.",
    example: "",
};

/// Checks on the rest of the command line.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[ObjectCheck {
    scope: Scope::ApiServer,
    rules: &[&ENCRYPTION, &ENCRYPTION_RELOAD, &LOGS_HANDLER, &TIMEOUT, &PRIVILEGED, &FAIRNESS, &UNKNOWN_FLAG],
    run: check,
}];

fn check(object: &Object<'_>, context: Context<'_>, sink: &mut Sink<'_>) {
    components(object, Scope::ApiServer, |component| {
        component.demand(sink, DEMANDS);
        if component.has("encryption-provider-config")
            && let Some(reload) = component.flag("encryption-provider-config-automatic-reload", "false")
            && !reload.is_true()
        {
            component.report(sink, &ENCRYPTION_RELOAD, &reload, reload.says(component.program));
        }
        if let Some(setting) = component.flag("allow-privileged", "false").filter(|s| s.written && s.is_true()) {
            component.report(sink, &PRIVILEGED, &setting, setting.says(component.program));
        }
        if context.config.kubernetes_minor == KUBERNETES_MINOR {
            unknown_flags(component, sink);
        }
    });
}

const DEMANDS: &[Demand] = &[
    Demand::flag(&ENCRYPTION, "encryption-provider-config", "", is_set),
    Demand::flag(&LOGS_HANDLER, "enable-logs-handler", "false", is_false),
    Demand::flag(&FAIRNESS, "enable-priority-and-fairness", "true", is_true),
    Demand::flag(&TIMEOUT, "request-timeout", "1m0s", |timeout| {
        duration::seconds(timeout).is_none_or(|seconds| seconds > 0.0 && seconds <= REQUEST_SECONDS_MAX)
    }),
];

fn unknown_flags(component: &Component<'_>, sink: &mut Sink<'_>) {
    for flag in component.line.flags() {
        if FLAGS.binary_search(&&*flag.name).is_err() && !JUDGED.contains(&&*flag.name) {
            let message = format!("`--{}` is no flag of kube-apiserver 1.{KUBERNETES_MINOR}", flag.name);
            sink.report(&UNKNOWN_FLAG, flag.location, message)
                .field(component.field.as_str())
                .property("flag", &*flag.name)
                .container(component.container);
        }
    }
}

/// Five minutes: longer than any ordinary request; watches have their own limit.
const REQUEST_SECONDS_MAX: f64 = 300.0;

/// Flags of older releases that rules of their own report.
const JUDGED: &[&str] = &["basic-auth-file", "insecure-bind-address", "insecure-port", "kubelet-https"];
