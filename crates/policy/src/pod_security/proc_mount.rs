//! `procMount` and `procMount_restricted`: the masks over `/proc`.

use model::{Rule, Scope, Serves, Severity};

use super::facts::{Container, Pod};
use super::plan::{Check, Look, Variant};
use super::report::{Report, shown};
use super::standard::Level;

/// A container sees all of `/proc`.
pub static PROC_MOUNT: Rule = Rule {
    code: "pod-security-proc-mount",
    title: "A container unmasks /proc outside a user namespace",
    severity: Severity::High,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("RC-25"), Serves::part("DV-12")],
    why: "The masks over `/proc` hide the kernel's memory map, keys and triggers. Without them a process that is \
          root in its container reads and changes the node's kernel.",
    fix: "Remove `procMount`, or set it to Default; from v1.35 on it may be Unmasked in a pod with `hostUsers: false`.",
    example: "securityContext:\n  procMount: Default\n",
};

/// A container sees all of `/proc`, be it in a user namespace.
pub static PROC_MOUNT_RESTRICTED: Rule = Rule {
    code: "pod-security-proc-mount-restricted",
    title: "A container unmasks /proc",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("RC-25"), Serves::part("DV-12")],
    why: "The masks over `/proc` hide the kernel's memory map, keys and triggers. Even in a user namespace an \
          unmasked `/proc` shows far more of the kernel than an application needs.",
    fix: "Remove `procMount`, or set it to Default.",
    example: "securityContext:\n  procMount: Default\n",
};

pub(super) static BASELINE: Check = Check {
    id: "procMount",
    rule: &PROC_MOUNT,
    level: Level::Baseline,
    replaces: None,
    variants: &[
        Variant { since: 0, looks_at: &[Look::Container(always)] },
        Variant { since: 35, looks_at: &[Look::Container(outside_user_namespaces)] },
    ],
};

pub(super) static RESTRICTED: Check = Check {
    id: "procMount_restricted",
    rule: &PROC_MOUNT_RESTRICTED,
    level: Level::Restricted,
    replaces: Some("procMount"),
    variants: &[Variant { since: 35, looks_at: &[Look::Container(always)] }],
};

fn always(pod: &Pod<'_>, container: &Container<'_>, report: &mut Report<'_, '_>) {
    if let Some(value) = container.security.proc_mount.filter(|value| value.as_str() != Some("Default")) {
        let field = "securityContext.procMount";
        let what = format!("sets `{field}` to {}", shown(value));
        let severity = if pod.user_namespace { Severity::Medium } else { Severity::High };
        report.place(super::report::Place::Container(container), value, field, what, Some(severity));
    }
}

fn outside_user_namespaces(pod: &Pod<'_>, container: &Container<'_>, report: &mut Report<'_, '_>) {
    if !pod.user_namespace {
        always(pod, container, report);
    }
}
