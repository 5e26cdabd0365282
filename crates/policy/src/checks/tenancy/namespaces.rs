//! Checks on the labels of namespaces: pod security level, access to devices.

use manifest::Object;
use model::{Rule, Scope, Serves, Severity};

use super::is_system_namespace;
use crate::check::Context;
use crate::sink::Sink;

/// No level is enforced.
pub static POD_SECURITY_UNSET: Rule = Rule {
    code: "namespace-pod-security-unset",
    title: "A Namespace enforces no pod security level",
    severity: Severity::Medium,
    scope: Scope::Namespace,
    serves: &[Serves::full("RC-01"), Serves::part("RA-33")],
    why: "Without the label the cluster-wide default applies, which is privileged unless someone changed it. Then any \
          pod in the namespace may take over its node.",
    fix: "Label the namespace with pod-security.kubernetes.io/enforce: restricted, or baseline where restricted breaks.",
    example: "metadata:\n  labels:\n    pod-security.kubernetes.io/enforce: restricted\n    pod-security.kubernetes.io/enforce-version: v1.36\n",
};

/// The level allows everything.
pub static POD_SECURITY_PRIVILEGED: Rule = Rule {
    code: "namespace-pod-security-privileged",
    title: "A Namespace enforces the privileged level",
    severity: Severity::Medium,
    scope: Scope::Namespace,
    serves: &[Serves::full("RC-01"), Serves::part("RA-33")],
    why: "The privileged level forbids nothing; who may create pods in the namespace owns its nodes.",
    fix: "Enforce baseline or restricted, and move what truly needs privileges to a namespace for it alone.",
    example: "metadata:\n  labels:\n    pod-security.kubernetes.io/enforce: baseline\n",
};

/// The level means something else after an upgrade.
pub static POD_SECURITY_UNPINNED: Rule = Rule {
    code: "namespace-pod-security-unpinned",
    title: "A Namespace does not pin the version of its level",
    severity: Severity::Low,
    scope: Scope::Namespace,
    serves: &[Serves::part("RC-01")],
    why: "Without enforce-version the level is that of whatever release the API server runs, so an upgrade can refuse \
          pods that ran the day before.",
    fix: "Set pod-security.kubernetes.io/enforce-version to the minor release that was tested.",
    example: "metadata:\n  labels:\n    pod-security.kubernetes.io/enforce: restricted\n    pod-security.kubernetes.io/enforce-version: v1.36\n",
};

/// Nothing tells what a stricter level would refuse.
pub static POD_SECURITY_SILENT: Rule = Rule {
    code: "namespace-pod-security-silent",
    title: "A Namespace neither warns nor audits above its level",
    severity: Severity::Low,
    scope: Scope::Namespace,
    serves: &[Serves::part("RC-01")],
    why: "Below restricted, only the warn and audit labels show who would break a stricter level, so the level stays \
          where it is.",
    fix: "Set pod-security.kubernetes.io/warn and pod-security.kubernetes.io/audit to restricted.",
    example: "metadata:\n  labels:\n    pod-security.kubernetes.io/enforce: baseline\n    pod-security.kubernetes.io/warn: restricted\n    pod-security.kubernetes.io/audit: restricted\n",
};

/// Pods may use devices of others.
pub static DEVICE_ADMIN: Rule = Rule {
    code: "namespace-device-admin-access",
    title: "A Namespace allows administrative access to devices",
    severity: Severity::Low,
    scope: Scope::Namespace,
    serves: &[Serves::part("RA-23")],
    why: "Claims with admin access in this namespace reach devices that are in use by pods of other namespaces.",
    fix: "Keep the label on a namespace that only the operators of the devices can create claims in.",
    example: "",
};

/// Rules of [`check`].
pub(super) const RULES: &[&Rule] =
    &[&POD_SECURITY_UNSET, &POD_SECURITY_PRIVILEGED, &POD_SECURITY_UNPINNED, &POD_SECURITY_SILENT, &DEVICE_ADMIN];

/// Judges the labels of one Namespace.
pub(super) fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    if is_system_namespace(object.name()) {
        return;
    }
    if object.label(DEVICES) == Some("true") {
        sink.report(&DEVICE_ADMIN, object.location(), format!("the label `{DEVICES}` is true"))
            .field("metadata.labels");
    }
    let labels = object.metadata.and_then(|metadata| metadata.get("labels"));
    let Some(enforce) = labels.and_then(|labels| labels.get(ENFORCE)) else {
        sink.report(&POD_SECURITY_UNSET, object.location(), format!("the label `{ENFORCE}` is not set"))
            .field("metadata.labels");
        return;
    };
    let level = enforce.as_str().unwrap_or("");
    if level == "privileged" {
        sink.report(&POD_SECURITY_PRIVILEGED, enforce, format!("the label `{ENFORCE}` is `privileged`"))
            .field("metadata.labels");
    } else if matches!(object.label(ENFORCE_VERSION), None | Some("latest")) {
        let value = object.label(ENFORCE_VERSION).unwrap_or("not set");
        sink.report(&POD_SECURITY_UNPINNED, enforce, format!("the label `{ENFORCE_VERSION}` is {value}"))
            .field("metadata.labels");
    }
    if matches!(level, "privileged" | "baseline") && object.label(WARN).is_none() && object.label(AUDIT).is_none() {
        let message = format!("the level `{level}` is enforced without `{WARN}` or `{AUDIT}`");
        sink.report(&POD_SECURITY_SILENT, enforce, message).field("metadata.labels");
    }
}

const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
const ENFORCE_VERSION: &str = "pod-security.kubernetes.io/enforce-version";
const WARN: &str = "pod-security.kubernetes.io/warn";
const DEVICES: &str = "resource.kubernetes.io/admin-access";
const AUDIT: &str = "pod-security.kubernetes.io/audit";
