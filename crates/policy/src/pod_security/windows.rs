//! `windowsHostProcess`: containers that are processes of a Windows node.

use model::{Rule, Scope, Serves, Severity};

use super::facts::{Pod, SecurityContext};
use super::plan::{Check, Look, Variant};
use super::report::{Place, Report, shown};
use super::standard::Level;

/// A container runs on a Windows node without isolation.
pub static WINDOWS_HOST_PROCESS: Rule = Rule {
    code: "pod-security-windows-host-process",
    title: "A container runs as a process of its Windows node",
    severity: Severity::Critical,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("RC-23"), Serves::part("RC-25"), Serves::part("DV-12")],
    why: "A HostProcess container has no isolation at all: it runs in the node's own session and may take the \
          identity of the system account.",
    fix: "Remove `windowsOptions.hostProcess`; keep node agents that need it in a namespace of their own.",
    example: "securityContext:\n  windowsOptions:\n    hostProcess: false\n",
};

pub(super) static CHECK: Check = Check {
    id: "windowsHostProcess",
    rule: &WINDOWS_HOST_PROCESS,
    level: Level::Baseline,
    replaces: None,
    variants: &[Variant { since: 0, looks_at: &[Look::Security(check)] }],
};

fn check(_: &Pod<'_>, place: Place<'_, '_>, context: &SecurityContext<'_>, report: &mut Report<'_, '_>) {
    let value = context.windows_options.and_then(|options| options.get("hostProcess"));
    if let Some(value) = value.filter(|value| value.as_bool() != Some(false)) {
        let field = "securityContext.windowsOptions.hostProcess";
        report.place(place, value, field, format!("sets `{field}` to {}", shown(value)), None);
    }
}
