//! `seLinuxOptions`: SELinux labels that leave the container types.

use model::{Rule, Scope, Serves, Severity};

use super::facts::{Pod, SecurityContext};
use super::plan::{Check, Look, Variant};
use super::report::{Place, Report, shown};
use super::standard::Level;

/// A pod or container asks for another SELinux type, user or role.
pub static SE_LINUX_OPTIONS: Rule = Rule {
    code: "pod-security-se-linux-options",
    title: "SELinux options leave the container types",
    severity: Severity::High,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("RC-09"), Serves::part("DV-12")],
    why: "The SELinux type decides which files and processes of the node a container may touch. A type such as \
          `spc_t`, or another user or role, takes that confinement away.",
    fix: "Leave `user` and `role` out and use container_t, container_init_t, container_kvm_t or, from v1.31 on, \
          container_engine_t; `level` may be set freely.",
    example: "securityContext:\n  seLinuxOptions:\n    type: container_t\n    level: s0:c123,c456\n",
};

pub(super) static CHECK: Check = Check {
    id: "seLinuxOptions",
    rule: &SE_LINUX_OPTIONS,
    level: Level::Baseline,
    replaces: None,
    variants: &[
        Variant { since: 0, looks_at: &[Look::Security(with_three_types)] },
        Variant { since: 31, looks_at: &[Look::Security(with_four_types)] },
    ],
};

fn with_three_types(_: &Pod<'_>, place: Place<'_, '_>, context: &SecurityContext<'_>, report: &mut Report<'_, '_>) {
    check(place, context, &["", "container_t", "container_init_t", "container_kvm_t"], report);
}

fn with_four_types(_: &Pod<'_>, place: Place<'_, '_>, context: &SecurityContext<'_>, report: &mut Report<'_, '_>) {
    check(place, context, &["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"], report);
}

fn check(place: Place<'_, '_>, context: &SecurityContext<'_>, types: &[&str], report: &mut Report<'_, '_>) {
    let Some(options) = context.se_linux_options else { return };
    for (key, allowed) in [("type", types), ("user", &[""]), ("role", &[""])] {
        let Some(value) = options.get(key) else { continue };
        if value.as_str().is_none_or(|text| !allowed.contains(&text)) {
            let field = format!("securityContext.seLinuxOptions.{key}");
            let what = format!("sets `{field}` to {}", shown(value));
            report.place(place, value, &field, what, None);
        }
    }
}
