//! `seccompProfile_baseline` and `seccompProfile_restricted`, as annotations before v1.19 and as fields since.

use manifest::Value;
use model::{Location, Rule, Scope, Serves, Severity};

use super::facts::{Container, Pod, SecurityContext};
use super::plan::{Check, Look, Variant};
use super::privileged::parent;
use super::report::{Place, Report, shown};
use super::standard::Level;

/// A pod or container switches the system call filter off.
pub static SECCOMP_PROFILE_BASELINE: Rule = Rule {
    code: "pod-security-seccomp-profile-baseline",
    title: "The system call filter is switched off",
    severity: Severity::High,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("RC-07"), Serves::part("DV-12")],
    why: "Without seccomp a container may issue every system call, among them the rare ones in which most kernel \
          holes of the last years were found.",
    fix: "Set `seccompProfile.type` to RuntimeDefault, or to Localhost with a profile of your own.",
    example: "securityContext:\n  seccompProfile:\n    type: RuntimeDefault\n",
};

/// A container has no system call filter.
pub static SECCOMP_PROFILE_RESTRICTED: Rule = Rule {
    code: "pod-security-seccomp-profile-restricted",
    title: "A container asks for no system call filter",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("RC-07"), Serves::part("DV-12")],
    why: "Unless the kubelet is told otherwise, a container that asks for no seccomp profile runs without one and \
          may issue every system call, among them the rare ones in which most kernel holes were found.",
    fix: "Set `securityContext.seccompProfile.type: RuntimeDefault` on the pod; no container may override it with \
          Unconfined.",
    example: "spec:\n  securityContext:\n    seccompProfile:\n      type: RuntimeDefault\n",
};

pub(super) static BASELINE: Check = Check {
    id: "seccompProfile_baseline",
    rule: &SECCOMP_PROFILE_BASELINE,
    level: Level::Baseline,
    replaces: None,
    variants: &[
        Variant { since: 0, looks_at: &[Look::Pod(pod_annotation), Look::Container(container_annotation)] },
        Variant { since: 19, looks_at: &[Look::Security(baseline)] },
    ],
};

pub(super) static RESTRICTED: Check = Check {
    id: "seccompProfile_restricted",
    rule: &SECCOMP_PROFILE_RESTRICTED,
    level: Level::Restricted,
    replaces: Some("seccompProfile_baseline"),
    variants: &[
        Variant { since: 19, looks_at: &[Look::Security(restricted)] },
        Variant { since: 25, looks_at: &[Look::Security(restricted_on_linux)] },
    ],
};

const POD_ANNOTATION: &str = "seccomp.security.alpha.kubernetes.io/pod";
const CONTAINER_ANNOTATION: &str = "container.seccomp.security.alpha.kubernetes.io/";
const FIELD: &str = "securityContext.seccompProfile.type";

fn pod_annotation(pod: &Pod<'_>, report: &mut Report<'_, '_>) {
    if let Some((_, value)) = pod.annotations.and_then(|annotations| annotations.entry(POD_ANNOTATION))
        && !allowed_annotation(value)
    {
        report.annotation(POD_ANNOTATION, value, None);
    }
}

/// Only annotations for containers that exist count.
fn container_annotation(pod: &Pod<'_>, container: &Container<'_>, report: &mut Report<'_, '_>) {
    let name = container.listed.name();
    for (key, value) in pod.annotations.into_iter().flat_map(Value::entries) {
        let key = key.as_str().unwrap_or("");
        if key.strip_prefix(CONTAINER_ANNOTATION) == Some(name) && !allowed_annotation(value) {
            report.annotation(key, value, Some(name));
        }
    }
}

fn allowed_annotation(value: Value<'_>) -> bool {
    value
        .as_str()
        .is_some_and(|text| matches!(text, "runtime/default" | "docker/default") || text.starts_with("localhost/"))
}

fn baseline(_: &Pod<'_>, place: Place<'_, '_>, context: &SecurityContext<'_>, report: &mut Report<'_, '_>) {
    if let Some(profile) = context.seccomp_profile {
        judge(place, profile, report);
    }
}

fn restricted(pod: &Pod<'_>, place: Place<'_, '_>, context: &SecurityContext<'_>, report: &mut Report<'_, '_>) {
    match (context.seccomp_profile, place) {
        (Some(profile), _) => judge(place, profile, report),
        // A bad profile of the pod is reported there, not again for every container that inherits it.
        (None, Place::Container(container)) if pod.security.seccomp_profile.is_none() => {
            let at: Location = parent(container);
            report.container(container, at, FIELD, format!("has no `{FIELD}`, nor has the pod"));
        }
        (None, _) => {}
    }
}

fn restricted_on_linux(
    pod: &Pod<'_>,
    place: Place<'_, '_>,
    context: &SecurityContext<'_>,
    report: &mut Report<'_, '_>,
) {
    if !pod.windows {
        restricted(pod, place, context, report);
    }
}

fn judge(place: Place<'_, '_>, profile: Value<'_>, report: &mut Report<'_, '_>) {
    let kind = profile.get("type");
    if matches!(kind.and_then(Value::as_str), Some("RuntimeDefault" | "Localhost")) {
        return;
    }
    let what = match kind {
        Some(kind) => format!("sets `{FIELD}` to {}", shown(kind)),
        None => format!("leaves `{FIELD}` out of the profile"),
    };
    report.place(place, kind.unwrap_or(profile), FIELD, what, Some(Severity::High));
}
