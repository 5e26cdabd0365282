//! API versions: removed, on the way out, unknown, or not yet stable.

mod table;

use manifest::Object;
use manifest::schema;
use model::{Rule, Scope, Serves, Severity};

use self::table::Fate;
use crate::check::{Context, ObjectCheck};
use crate::config::KUBERNETES_MINOR;
use crate::sink::Sink;

/// An API version that is gone.
pub static API_REMOVED: Rule = Rule {
    code: "manifest-api-removed",
    title: "The API version is no longer served",
    severity: Severity::High,
    scope: Scope::Object,
    serves: &[Serves::part("DV-12"), Serves::part("DV-11")],
    why: "The target release refuses the object or does not start with the file. A policy, quota or role in it is \
          silently missing from every cluster that is built or upgraded with it.",
    fix: "Move to the version that the message names and read its list of changed fields; or set the Kubernetes version that the manifests are for.",
    example: "apiVersion: policy/v1\nkind: PodDisruptionBudget\n",
};

/// An API version on its way out.
pub static API_DEPRECATED: Rule = Rule {
    code: "manifest-api-deprecated",
    title: "The API version is deprecated",
    severity: Severity::Low,
    scope: Scope::Object,
    serves: &[Serves::part("DV-12"), Serves::part("DV-11")],
    why: "It works today and stops working with a later release. Clusters that cannot be upgraded because of old \
          manifests stay without security fixes.",
    fix: "Move to the version that the message names.",
    example: "",
};

/// A built-in group without such a kind.
pub static API_UNKNOWN: Rule = Rule {
    code: "manifest-api-unknown",
    title: "A built-in API group has no such kind",
    severity: Severity::Info,
    scope: Scope::Object,
    serves: &[Serves::part("DV-11")],
    why: "The API server refuses an object of a kind that it does not serve, and the checks for the kind that was \
          meant are not run on it.",
    fix: "Correct apiVersion or kind.",
    example: "",
};

/// An alpha or beta API.
pub static API_PREVIEW: Rule = Rule {
    code: "manifest-api-preview",
    title: "An alpha or beta API is used",
    severity: Severity::Info,
    scope: Scope::Object,
    serves: &[Serves::part("RA-27")],
    why: "The API is off by default. To serve it somebody must switch on code that has seen less testing and that may \
          change or go away with any release.",
    fix: "Use the stable version where there is one; otherwise make sure that the API is meant to be on.",
    example: "",
};

/// The check.
pub(crate) const CHECK: ObjectCheck = ObjectCheck {
    scope: Scope::Object,
    rules: &[&API_REMOVED, &API_DEPRECATED, &API_UNKNOWN, &API_PREVIEW],
    run: check,
};

fn check(object: &Object<'_>, context: Context<'_>, sink: &mut Sink<'_>) {
    let known = schema::kind(object.group, object.version, object.kind).is_some();
    // Stable and not in the table, as nearly every object is.
    let stable = !object.version.contains("alpha") && !object.version.contains("beta");
    if known && stable && !table::has_stable(object.kind) {
        return;
    }
    let minor = context.config.kubernetes_minor;
    let at = object.value.get("apiVersion").map_or_else(|| object.location(), |value| value.location());
    let own = &object.subject.api_version;
    let kind = object.kind;
    if let Some(fate) = table::fate(object.group, object.version, kind) {
        let instead = Instead(fate.instead);
        match fate {
            Fate { removed: Some(removed), .. } if removed <= minor => {
                let message = format!("{own} {kind} is gone since Kubernetes 1.{removed}{instead}");
                sink.report(&API_REMOVED, at, message).field("apiVersion");
                return;
            }
            Fate { deprecated, removed, .. } if deprecated <= minor => {
                let end = removed.map(|minor| format!(" and gone with 1.{minor}")).unwrap_or_default();
                let message = format!("{own} {kind} is deprecated since Kubernetes 1.{deprecated}{end}{instead}");
                let entry = sink.report(&API_DEPRECATED, at, message).field("apiVersion");
                if removed.is_none() {
                    entry.severity(Severity::Info);
                }
                return;
            }
            _ => {}
        }
    } else if !known && schema::has_group(object.group) && !is_client_kind(object.group, kind) {
        let message = match schema::versions(object.group, kind).min_by_key(|version| version.len()) {
            Some(version) => {
                let slash = if object.group.is_empty() { "" } else { "/" };
                format!(
                    "Kubernetes 1.{KUBERNETES_MINOR} has no {own} {kind}; it serves {}{slash}{version}",
                    object.group
                )
            }
            None => format!("Kubernetes 1.{KUBERNETES_MINOR} has no kind {kind} in {own}"),
        };
        sink.report(&API_UNKNOWN, at, message).field("apiVersion");
        return;
    }
    if known && !stable {
        sink.report(&API_PREVIEW, at, format!("{own} {kind} is an API that is off by default")).field("apiVersion");
    }
}

/// `; use …`, or nothing.
struct Instead(&'static str);

impl std::fmt::Display for Instead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "; use {}", self.0) }
    }
}

/// Kinds of the core group that no API server serves as objects: kubeconfig files, lists, answers.
fn is_client_kind(group: &str, kind: &str) -> bool {
    kind.ends_with("List")
        || group.is_empty() && matches!(kind, "Config" | "Status" | "DeleteOptions" | "Preferences" | "WatchEvent")
}
