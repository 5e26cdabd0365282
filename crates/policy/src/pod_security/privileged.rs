//! `privileged` and `allowPrivilegeEscalation`.

use manifest::Value;
use model::{Location, Rule, Scope, Serves, Severity};

use super::facts::{Container, Pod};
use super::plan::{Check, Look, Variant};
use super::report::{Report, shown};
use super::standard::Level;

/// A container is privileged.
pub static PRIVILEGED: Rule = Rule {
    code: "pod-security-privileged",
    title: "A container is privileged",
    severity: Severity::Critical,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("RC-10"), Serves::part("RC-25"), Serves::part("DV-12")],
    why: "A privileged container has every capability, every device and no seccomp, AppArmor or SELinux \
          confinement: whoever runs code in it is root on the node.",
    fix: "Remove `privileged`; give the container the single capability, device plugin or CSI driver that it needs.",
    example: "securityContext:\n  privileged: false\n",
};

/// A container does not rule out that its processes gain privileges.
pub static ALLOW_PRIVILEGE_ESCALATION: Rule = Rule {
    code: "pod-security-allow-privilege-escalation",
    title: "A container may gain privileges after its start",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("RC-10"), Serves::part("RC-25"), Serves::part("DV-12")],
    why: "Unless `allowPrivilegeEscalation` is false, a set-user-ID program or file capabilities in the image give \
          a process more rights than it started with, which turns a foothold as an ordinary user into root.",
    fix: "Set `securityContext.allowPrivilegeEscalation: false` on every container; there is no field for the pod.",
    example: "securityContext:\n  allowPrivilegeEscalation: false\n",
};

pub(super) static CHECK: Check = Check {
    id: "privileged",
    rule: &PRIVILEGED,
    level: Level::Baseline,
    replaces: None,
    variants: &[Variant { since: 0, looks_at: &[Look::Container(privileged)] }],
};

pub(super) static ESCALATION: Check = Check {
    id: "allowPrivilegeEscalation",
    rule: &ALLOW_PRIVILEGE_ESCALATION,
    level: Level::Restricted,
    replaces: None,
    variants: &[
        Variant { since: 8, looks_at: &[Look::Container(escalation)] },
        Variant { since: 25, looks_at: &[Look::Container(escalation_on_linux)] },
    ],
};

fn privileged(_: &Pod<'_>, container: &Container<'_>, report: &mut Report<'_, '_>) {
    if let Some(value) = container.security.privileged.filter(|value| value.as_bool() != Some(false)) {
        let what = format!("sets `securityContext.privileged` to {}", shown(value));
        report.container(container, value, "securityContext.privileged", what);
    }
}

fn escalation(_: &Pod<'_>, container: &Container<'_>, report: &mut Report<'_, '_>) {
    let field = "securityContext.allowPrivilegeEscalation";
    match container.security.allow_privilege_escalation {
        Some(value) if value.as_bool() == Some(false) => {}
        Some(value) => report.container(container, value, field, format!("sets `{field}` to {}", shown(value))),
        None => report.container(container, parent(container), field, format!("does not set `{field}` to false")),
    }
}

fn escalation_on_linux(pod: &Pod<'_>, container: &Container<'_>, report: &mut Report<'_, '_>) {
    if !pod.windows {
        escalation(pod, container, report);
    }
}

/// Where to point when a field of the `securityContext` is missing.
pub(super) fn parent(container: &Container<'_>) -> Location {
    container.security.at.filter(|context| !context.is_empty()).map_or_else(|| first(container), |at| at.location())
}

/// The container's name, else its start.
fn first(container: &Container<'_>) -> Location {
    let value: Value<'_> = container.listed.value;
    value.get("name").unwrap_or(value).location()
}
