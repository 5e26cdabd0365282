//! `runAsNonRoot` and `runAsUser`.

use model::{Location, Rule, Scope, Serves, Severity};

use super::facts::{Pod, SecurityContext};
use super::plan::{Check, Look, Variant};
use super::privileged::parent;
use super::report::{Place, Report, shown};
use super::standard::Level;

/// Nothing keeps a container from running as root.
pub static RUN_AS_NON_ROOT: Rule = Rule {
    code: "pod-security-run-as-non-root",
    title: "Nothing keeps a container from running as root",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("RC-10"), Serves::part("RC-25"), Serves::part("DV-12")],
    why: "Root in a container is root towards the kernel, so every hole in the isolation is a hole for root. \
          `runAsNonRoot` makes the kubelet refuse an image that would start as root.",
    fix: "Set `securityContext.runAsNonRoot: true` on the pod and give the image a numeric non-root user. A pod that \
          must be root inside can have `hostUsers: false` from v1.35 on.",
    example: "spec:\n  securityContext:\n    runAsNonRoot: true\n    runAsUser: 10001\n",
};

/// A pod or container asks to run as user 0.
pub static RUN_AS_USER: Rule = Rule {
    code: "pod-security-run-as-user",
    title: "A container is told to run as root",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("RC-10"), Serves::part("RC-25"), Serves::part("DV-12")],
    why: "Root in a container is root towards the kernel, so every hole in the isolation is a hole for root.",
    fix: "Set `runAsUser` to a user above 0, or leave it to the image and set `runAsNonRoot: true`.",
    example: "spec:\n  securityContext:\n    runAsUser: 10001\n",
};

pub(super) static NON_ROOT: Check = Check {
    id: "runAsNonRoot",
    rule: &RUN_AS_NON_ROOT,
    level: Level::Restricted,
    replaces: None,
    variants: &[
        Variant { since: 0, looks_at: &[Look::Security(non_root)] },
        Variant { since: 35, looks_at: &[Look::Security(non_root_on_the_node)] },
    ],
};

pub(super) static USER: Check = Check {
    id: "runAsUser",
    rule: &RUN_AS_USER,
    level: Level::Restricted,
    replaces: None,
    variants: &[
        Variant { since: 23, looks_at: &[Look::Security(user)] },
        Variant { since: 35, looks_at: &[Look::Security(user_on_the_node)] },
    ],
};

fn non_root(pod: &Pod<'_>, place: Place<'_, '_>, context: &SecurityContext<'_>, report: &mut Report<'_, '_>) {
    let field = "securityContext.runAsNonRoot";
    match (context.run_as_non_root, place) {
        (Some(value), _) if value.as_bool() == Some(true) => {}
        (Some(value), _) => report.place(place, value, field, format!("sets `{field}` to {}", shown(value)), None),
        // A bad value of the pod is reported there, not again for every container that inherits it.
        (None, Place::Container(container)) if pod.security.run_as_non_root.is_none() => {
            let at: Location = parent(container);
            report.container(container, at, field, format!("has no `{field}`, nor has the pod"));
        }
        (None, _) => {}
    }
}

fn non_root_on_the_node(
    pod: &Pod<'_>,
    place: Place<'_, '_>,
    context: &SecurityContext<'_>,
    report: &mut Report<'_, '_>,
) {
    if !pod.user_namespace {
        non_root(pod, place, context, report);
    }
}

fn user(_: &Pod<'_>, place: Place<'_, '_>, context: &SecurityContext<'_>, report: &mut Report<'_, '_>) {
    if let Some(value) = context.run_as_user.filter(|value| value.as_i64().is_none_or(|user| user == 0)) {
        let field = "securityContext.runAsUser";
        report.place(place, value, field, format!("sets `{field}` to {}", shown(value)), None);
    }
}

fn user_on_the_node(pod: &Pod<'_>, place: Place<'_, '_>, context: &SecurityContext<'_>, report: &mut Report<'_, '_>) {
    if !pod.user_namespace {
        user(pod, place, context, report);
    }
}
