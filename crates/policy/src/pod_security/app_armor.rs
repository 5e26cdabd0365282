//! `appArmorProfile`, as fields and as the annotations of before.

use manifest::Value;
use model::{Rule, Scope, Serves, Severity};

use super::facts::{Pod, SecurityContext};
use super::plan::{Check, Look, Variant};
use super::report::{Place, Report, shown};
use super::standard::Level;

/// A pod or container leaves AppArmor confinement.
pub static APP_ARMOR_PROFILE: Rule = Rule {
    code: "pod-security-app-armor-profile",
    title: "AppArmor is switched off",
    severity: Severity::High,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("RC-08"), Serves::part("DV-12")],
    why: "The runtime's AppArmor profile keeps a container from mounting file systems and from writing to the \
          kernel's own files. Without it, one mistake elsewhere is enough to leave the container.",
    fix: "Set `appArmorProfile.type` to RuntimeDefault, or to Localhost with a profile that is loaded on every node.",
    example: "securityContext:\n  appArmorProfile:\n    type: RuntimeDefault\n",
};

pub(super) static CHECK: Check = Check {
    id: "appArmorProfile",
    rule: &APP_ARMOR_PROFILE,
    level: Level::Baseline,
    replaces: None,
    variants: &[Variant { since: 0, looks_at: &[Look::Pod(annotations), Look::Security(fields)] }],
};

const ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

fn fields(_: &Pod<'_>, place: Place<'_, '_>, context: &SecurityContext<'_>, report: &mut Report<'_, '_>) {
    let Some(profile) = context.app_armor_profile else { return };
    let kind = profile.get("type");
    if !matches!(kind.and_then(Value::as_str), Some("RuntimeDefault" | "Localhost")) {
        let field = "securityContext.appArmorProfile.type";
        let what = match kind {
            Some(kind) => format!("sets `{field}` to {}", shown(kind)),
            None => format!("leaves `{field}` out of the profile"),
        };
        report.place(place, kind.unwrap_or(profile), field, what, None);
    }
}

fn annotations(pod: &Pod<'_>, report: &mut Report<'_, '_>) {
    for (key, value) in pod.annotations.into_iter().flat_map(Value::entries) {
        let Some(container) = key.as_str().and_then(|key| key.strip_prefix(ANNOTATION)) else { continue };
        let allowed = match value.as_str() {
            Some(profile) => matches!(profile, "" | "runtime/default") || profile.starts_with("localhost/"),
            None => value.is_null(),
        };
        if !allowed {
            report.annotation(key.as_str().unwrap_or(ANNOTATION), value, Some(container));
        }
    }
}
