//! Whether and how kube-apiserver keeps an audit log.

use manifest::Object;
use model::{Rule, Scope, Serves, Severity};

use super::component::{Component, Setting, components};
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// kube-apiserver keeps no audit log.
pub static OFF: Rule = Rule {
    code: "api-server-audit-off",
    title: "kube-apiserver keeps no audit log",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("OB-06")],
    why: "Nobody can tell afterwards who read a Secret, opened a shell or changed a right.",
    fix: "Set --audit-policy-file, and --audit-log-path or --audit-webhook-config-file.",
    example: "command:\n  - kube-apiserver\n  - --audit-policy-file=/etc/kubernetes/audit-policy.yaml\n  - --audit-log-path=/var/log/kubernetes/audit.log\n",
};
/// Audit log files are kept too briefly.
pub static RETENTION: Rule = Rule {
    code: "api-server-audit-retention",
    title: "Audit log files are kept too briefly",
    severity: Severity::Low,
    scope: Scope::ApiServer,
    serves: &[Serves::part("OB-06")],
    why: "An intrusion is often noticed after weeks; by then the files that show how it began are gone.",
    fix: "Keep at least 30 days and 10 files of 100 MB, or send the log elsewhere at once.",
    example: "command:\n  - kube-apiserver\n  - --audit-log-maxage=30\n  - --audit-log-maxbackup=10\n  - --audit-log-maxsize=100\n",
};
/// Audit events can be lost under load.
pub static LOSS: Rule = Rule {
    code: "api-server-audit-loss",
    title: "Audit events can be lost under load",
    severity: Severity::Low,
    scope: Scope::ApiServer,
    serves: &[Serves::part("OB-08")],
    why: "In batch mode events wait in memory: a crash or a flood of requests drops them, which also hides the \
          flood.",
    fix: "Write the log in blocking mode, and leave the webhook's buffer at its default or larger.",
    example: "command:\n  - kube-apiserver\n  - --audit-log-mode=blocking\n",
};
/// Large audit events lose their content.
pub static TRUNCATED: Rule = Rule {
    code: "api-server-audit-truncated",
    title: "Large audit events lose their content",
    severity: Severity::Info,
    scope: Scope::ApiServer,
    serves: &[Serves::part("OB-08")],
    why: "An event above the limit is stored without request and response, and dropped when it is still too \
          large.",
    fix: "Raise the event size limit, or record large objects at Metadata level.",
    example: "",
};
/// The audit log is written in the legacy format.
pub static FORMAT: Rule = Rule {
    code: "api-server-audit-format",
    title: "The audit log is written in the legacy format",
    severity: Severity::Low,
    scope: Scope::ApiServer,
    serves: &[Serves::part("OB-06")],
    why: "The legacy format leaves out most of what a policy asks to record, and tools cannot parse it.",
    fix: "Remove --audit-log-format=legacy.",
    example: "command:\n  - kube-apiserver\n  - --audit-log-format=json\n",
};
/// The audit log stays on the control plane.
pub static LOCAL_ONLY: Rule = Rule {
    code: "api-server-audit-local",
    title: "The audit log stays on the control plane",
    severity: Severity::Info,
    scope: Scope::ApiServer,
    serves: &[Serves::part("OB-07")],
    why: "Whoever takes over the control plane can rewrite the files there.",
    fix: "Forward events at once with --audit-webhook-config-file, or with a log agent that the cluster's \
          credentials cannot reach.",
    example: "",
};

/// Checks on the audit log.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[ObjectCheck {
    scope: Scope::ApiServer,
    rules: &[&OFF, &RETENTION, &LOSS, &TRUNCATED, &FORMAT, &LOCAL_ONLY],
    run: check,
}];

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    components(object, Scope::ApiServer, |component| {
        let (file, webhook) = (component.has("audit-log-path"), component.has("audit-webhook-config-file"));
        off(component, file || webhook, sink);
        if !component.has("audit-policy-file") {
            return;
        }
        if file {
            retention(component, sink);
            if !webhook && let Some(path) = component.flag("audit-log-path", "").filter(|path| path.text != "-") {
                let message = format!("{} and `--audit-webhook-config-file` is not set", path.says("kube-apiserver"));
                component.report(sink, &LOCAL_ONLY, &path, message);
            }
        }
        if let Some(format) = component.flag("audit-log-format", "json").filter(|format| format.text == "legacy") {
            component.report(sink, &FORMAT, &format, format.says(component.program));
        }
        loss(component, webhook, sink);
    });
}

fn off(component: &Component<'_>, backend: bool, sink: &mut Sink<'_>) {
    if let Some(policy) = component.flag("audit-policy-file", "").filter(|policy| policy.text.is_empty()) {
        component.report(sink, &OFF, &policy, policy.says(component.program));
    } else if !backend && let Some(path) = component.flag("audit-log-path", "").filter(|path| path.text.is_empty()) {
        let message = "neither `--audit-log-path` nor `--audit-webhook-config-file` of kube-apiserver is set";
        component.report(sink, &OFF, &path, message);
    }
}

/// Zero means without limit for age and number, and no rotation at all for size.
fn retention(component: &Component<'_>, sink: &mut Sink<'_>) {
    for (name, default, least, zero_is_good) in [
        ("audit-log-maxage", "366", 30, true),
        ("audit-log-maxbackup", "100", 10, true),
        ("audit-log-maxsize", "100", 100, false),
    ] {
        let Some(setting) = component.flag(name, default) else { continue };
        let Ok(number) = setting.text.parse::<i64>() else { continue };
        if number < least && !(number == 0 && zero_is_good) {
            component.report(sink, &RETENTION, &setting, setting.says(component.program));
        }
    }
}

fn loss(component: &Component<'_>, webhook: bool, sink: &mut Sink<'_>) {
    let mut report = |setting: &Setting<'_>, rule| {
        component.report(sink, rule, setting, setting.says(component.program));
    };
    if let Some(mode) = component.flag("audit-log-mode", "blocking").filter(|mode| mode.text == "batch") {
        report(&mode, &LOSS);
    }
    if webhook
        && let Some(buffer) = component.flag("audit-webhook-batch-buffer-size", "10000")
        && buffer.text.parse::<i64>().is_ok_and(|events| events < 10_000)
    {
        report(&buffer, &LOSS);
    }
    for name in ["audit-log-truncate-enabled", "audit-webhook-truncate-enabled"] {
        if let Some(setting) = component.flag(name, "false").filter(Setting::is_true) {
            report(&setting, &TRUNCATED);
        }
    }
}
