//! AuthorizationConfiguration: the chain of authorizers.

use std::collections::HashSet;

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::component::shown;
use super::duration;
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// kube-apiserver refuses an authorization configuration.
pub static INVALID: Rule = Rule {
    code: "authorization-config-invalid",
    title: "kube-apiserver refuses an authorization configuration",
    severity: Severity::Medium,
    scope: Scope::Authorization,
    serves: &[Serves::part("RA-13")],
    why: "The API server does not start with it, or keeps the old chain at a reload, so nothing in the file \
          holds.",
    fix: "Correct the named field.",
    example: "authorizers:\n  - type: Node\n    name: node\n  - type: RBAC\n    name: rbac\n",
};
/// The chain of authorizers allows every request.
pub static ALWAYS_ALLOW: Rule = Rule {
    code: "authorization-always-allow",
    title: "The chain of authorizers allows every request",
    severity: Severity::Critical,
    scope: Scope::Authorization,
    serves: &[Serves::part("RA-13")],
    why: "Every caller owns the cluster.",
    fix: "Remove AlwaysAllow from the authorizers.",
    example: "authorizers:\n  - type: Node\n    name: node\n  - type: RBAC\n    name: rbac\n",
};
/// The chain lacks Node or RBAC.
pub static MODES: Rule = Rule {
    code: "authorization-modes",
    title: "The chain lacks Node or RBAC",
    severity: Severity::Medium,
    scope: Scope::Authorization,
    serves: &[Serves::part("RA-13")],
    why: "Without RBAC nobody can see or review who may do what; without Node a kubelet needs rights on \
          Secrets of other nodes.",
    fix: "List Node and RBAC among the authorizers.",
    example: "authorizers:\n  - type: Node\n    name: node\n  - type: RBAC\n    name: rbac\n",
};
/// The chain reads rights from an ABAC file.
pub static ABAC: Rule = Rule {
    code: "authorization-abac",
    title: "The chain reads rights from an ABAC file",
    severity: Severity::Medium,
    scope: Scope::Authorization,
    serves: &[Serves::part("RA-13")],
    why: "Rights in a file on the host are seen by no review of RBAC and change only with a restart.",
    fix: "Move the rights to RBAC and remove ABAC.",
    example: "",
};
/// A webhook that should refuse fails open.
pub static FAILS_OPEN: Rule = Rule {
    code: "authorization-webhook-fails-open",
    title: "A webhook that should refuse fails open",
    severity: Severity::Medium,
    scope: Scope::Authorization,
    serves: &[Serves::part("RA-13")],
    why: "When the webhook does not answer, requests that it would have refused go on to RBAC: taking it down \
          takes its limits away.",
    fix: "Set failurePolicy to Deny, with matchConditions that keep the system's own requests away from it.",
    example: "webhook:\n  failurePolicy: Deny\n",
};
/// A webhook is asked before Node and RBAC.
pub static FIRST: Rule = Rule {
    code: "authorization-webhook-first",
    title: "A webhook is asked before Node and RBAC",
    severity: Severity::Info,
    scope: Scope::Authorization,
    serves: &[Serves::part("RA-13")],
    why: "Every request of the control plane waits for it, unless matchConditions keep those away.",
    fix: "Add matchConditions, or put Node first.",
    example: "",
};
/// A webhook's permission is remembered for long.
pub static CACHE: Rule = Rule {
    code: "authorization-webhook-cache",
    title: "A webhook's permission is remembered for long",
    severity: Severity::Low,
    scope: Scope::Authorization,
    serves: &[Serves::part("RA-13")],
    why: "Rights taken away at the webhook stay in force until the cache forgets them.",
    fix: "Keep authorizedTTL at five minutes or less.",
    example: "webhook:\n  authorizedTTL: 1m\n",
};

/// Checks on AuthorizationConfiguration.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[ObjectCheck {
    scope: Scope::Authorization,
    rules: &[&INVALID, &ALWAYS_ALLOW, &MODES, &ABAC, &FAILS_OPEN, &FIRST, &CACHE],
    run: check,
}];

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let authorizers: Vec<Value<'_>> = object.value.list("authorizers").collect();
    let types: Vec<&str> = authorizers.iter().map(|value| value.str_at("type").unwrap_or("")).collect();
    if authorizers.is_empty() {
        sink.report(&INVALID, object.location(), "`authorizers` is empty").field("authorizers");
        return;
    }
    let mut names = HashSet::new();
    for (index, value) in authorizers.iter().enumerate() {
        let path = format!("authorizers[{index}]");
        let kind = types.get(index).copied().unwrap_or("");
        identity(*value, &path, kind, types.get(..index).unwrap_or(&[]), &mut names, sink);
        match kind {
            "AlwaysAllow" => {
                sink.report(&ALWAYS_ALLOW, *value, format!("`{path}` is AlwaysAllow")).field(path);
            }
            "ABAC" => {
                sink.report(&ABAC, *value, format!("`{path}` is ABAC")).field(path);
            }
            "Webhook" => webhook(*value, &path, types.get(index + 1..).unwrap_or(&[]), index == 0, sink),
            _ => {}
        }
    }
    let missing: Vec<&str> = ["Node", "RBAC"].into_iter().filter(|kind| !types.contains(kind)).collect();
    if !missing.is_empty() && !types.contains(&"AlwaysAllow") {
        sink.report(&MODES, object.location(), format!("`authorizers` lacks {}", missing.join(" and ")))
            .field("authorizers");
    }
}

fn identity<'d>(
    value: Value<'d>,
    path: &str,
    kind: &str,
    before: &[&str],
    names: &mut HashSet<&'d str>,
    sink: &mut Sink<'_>,
) {
    let known = ["Node", "RBAC", "ABAC", "Webhook", "AlwaysAllow", "AlwaysDeny"].contains(&kind);
    let why = if !known {
        format!("`{path}.type` is `{}`, which is none that there is", shown(kind))
    } else if kind != "Webhook" && before.contains(&kind) {
        format!("`{path}.type` is `{kind}` for the second time")
    } else if kind == "Webhook" && value.get("webhook").is_none() {
        format!("`{path}.webhook` is missing")
    } else if kind != "Webhook" && value.get("webhook").is_some() {
        format!("`{path}.webhook` is set for the type `{kind}`")
    } else if value.str_at("name").is_none_or(str::is_empty) {
        format!("`{path}.name` is missing")
    } else if value.str_at("name").is_some_and(|name| !names.insert(name)) {
        format!("`{path}.name` is the name of another authorizer")
    } else {
        return;
    };
    sink.report(&INVALID, value, why).field(path);
}

fn webhook(value: Value<'_>, path: &str, after: &[&str], first: bool, sink: &mut Sink<'_>) {
    let Some(webhook) = value.get("webhook") else { return };
    let path = format!("{path}.webhook");
    settings(webhook, &path, sink);
    if let Some(policy) = webhook.get("failurePolicy").filter(|policy| policy.as_str() == Some("NoOpinion"))
        && !after.is_empty()
    {
        let message = format!("`{path}.failurePolicy` is NoOpinion, and {} follows", after.join(", "));
        sink.report(&FAILS_OPEN, policy, message).field(format!("{path}.failurePolicy"));
    }
    if first && !after.is_empty() && webhook.list("matchConditions").next().is_none() {
        let message = format!("`{path}` comes first and has no `matchConditions`");
        sink.report(&FIRST, webhook, message).field(format!("{path}.matchConditions"));
    }
    if let Some(ttl) = webhook.get("authorizedTTL")
        && let Some(seconds) = ttl.as_str().and_then(duration::seconds).filter(|seconds| *seconds > 300.0)
    {
        sink.report(&CACHE, ttl, format!("`{path}.authorizedTTL` is {seconds} seconds"))
            .field(format!("{path}.authorizedTTL"));
    }
}

/// Fields that the API server insists on.
fn settings(webhook: Value<'_>, path: &str, sink: &mut Sink<'_>) {
    let mut invalid = |key: &str, why: &str| {
        let at = webhook.get(key).unwrap_or(webhook);
        sink.report(&INVALID, at, format!("`{path}.{key}` {why}")).field(format!("{path}.{key}"));
    };
    match webhook.get("timeout").and_then(Value::text).as_deref().map(duration::seconds) {
        None => invalid("timeout", "is missing"),
        Some(Some(seconds)) if seconds > 0.0 && seconds <= 30.0 => {}
        Some(_) => invalid("timeout", "is no duration above zero and up to 30 seconds"),
    }
    let words: [(&str, &[&str]); 3] = [
        ("failurePolicy", &["Deny", "NoOpinion"]),
        ("subjectAccessReviewVersion", &["v1", "v1beta1"]),
        ("matchConditionSubjectAccessReviewVersion", &["v1"]),
    ];
    for (key, allowed) in words {
        let optional = key.starts_with("match") && webhook.list("matchConditions").next().is_none();
        match webhook.str_at(key) {
            None if !optional => invalid(key, "is missing"),
            Some(word) if !allowed.contains(&word) => invalid(key, "is none that there is"),
            _ => {}
        }
    }
    let connection = webhook.get("connectionInfo");
    let kind = connection.and_then(|connection| connection.str_at("type")).unwrap_or("");
    let file = connection.and_then(|connection| connection.str_at("kubeConfigFile")).unwrap_or("");
    match (kind, file.is_empty()) {
        ("KubeConfigFile", true) => invalid("connectionInfo", "names no kubeConfigFile"),
        ("KubeConfigFile", false) if !file.starts_with('/') => invalid("connectionInfo", "names no absolute path"),
        ("KubeConfigFile", false) | ("InClusterConfig", true) => {}
        ("InClusterConfig", false) => invalid("connectionInfo", "names a kubeConfigFile for InClusterConfig"),
        _ => invalid("connectionInfo", "has no type that there is"),
    }
}
