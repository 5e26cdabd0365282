//! AdmissionConfiguration and the configurations of single plugins, embedded or in files of their own.

use std::collections::HashSet;

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::api_admission::PLUGINS;
use super::component::shown;
use crate::check::{Context, ObjectCheck};
use crate::config::KUBERNETES_MINOR;
use crate::sink::Sink;

/// kube-apiserver refuses an admission configuration.
pub static INVALID: Rule = Rule {
    code: "admission-config-invalid",
    title: "kube-apiserver refuses an admission configuration",
    severity: Severity::Medium,
    scope: Scope::AdmissionConfig,
    serves: &[Serves::part("DE-05"), Serves::part("DE-06")],
    why: "The API server does not start with it, so none of its plugins is in force.",
    fix: "Correct the named field.",
    example: "plugins:\n  - name: PodSecurity\n    path: pod-security.yaml\n",
};
/// Pod Security lets unlabelled namespaces run anything.
pub static PRIVILEGED_DEFAULT: Rule = Rule {
    code: "admission-pod-security-default",
    title: "Pod Security lets unlabelled namespaces run anything",
    severity: Severity::Medium,
    scope: Scope::AdmissionConfig,
    serves: &[Serves::part("RC-01"), Serves::part("DE-05")],
    why: "A namespace without a label admits privileged pods, so forgetting the label is enough to give away a \
          node.",
    fix: "Set defaults.enforce to baseline or restricted.",
    example: "defaults:\n  enforce: baseline\n  enforce-version: latest\n",
};
/// Pod Security exempts users.
pub static EXEMPT_USERS: Rule = Rule {
    code: "admission-pod-security-exempt-users",
    title: "Pod Security exempts users",
    severity: Severity::Medium,
    scope: Scope::AdmissionConfig,
    serves: &[Serves::part("RC-01"), Serves::part("DE-06")],
    why: "Whatever the user creates goes unchecked, in every namespace. Exempting a controller exempts \
          everybody who can use it.",
    fix: "Remove exemptions.usernames and exempt a namespace instead.",
    example: "exemptions:\n  usernames: []\n",
};
/// Pod Security exempts namespaces beyond the system's own.
pub static EXEMPT_NAMESPACES: Rule = Rule {
    code: "admission-pod-security-exempt-namespaces",
    title: "Pod Security exempts namespaces beyond the system's own",
    severity: Severity::Low,
    scope: Scope::AdmissionConfig,
    serves: &[Serves::part("RC-01"), Serves::part("DE-06")],
    why: "Exempt namespaces are neither checked nor warned about nor audited.",
    fix: "Label the namespace with the level that it needs instead of exempting it.",
    example: "exemptions:\n  namespaces: [kube-system]\n",
};
/// Pod Security exempts runtime classes.
pub static EXEMPT_RUNTIMES: Rule = Rule {
    code: "admission-pod-security-exempt-runtimes",
    title: "Pod Security exempts runtime classes",
    severity: Severity::Low,
    scope: Scope::AdmissionConfig,
    serves: &[Serves::part("RC-01"), Serves::part("DE-06")],
    why: "Whoever names the runtime class in a pod leaves the checks behind.",
    fix: "Remove exemptions.runtimeClasses, unless the runtime isolates pods by a virtual machine.",
    example: "exemptions:\n  runtimeClasses: []\n",
};
/// Images are admitted when their check does not answer.
pub static IMAGE_POLICY_OPEN: Rule = Rule {
    code: "admission-image-policy-open",
    title: "Images are admitted when their check does not answer",
    severity: Severity::High,
    scope: Scope::AdmissionConfig,
    serves: &[Serves::part("DE-06"), Serves::part("DE-02")],
    why: "Taking the image policy service down, or keeping it busy, is enough to run any image.",
    fix: "Set imagePolicy.defaultAllow to false.",
    example: "imagePolicy:\n  defaultAllow: false\n",
};
/// An image's permission is remembered for long.
pub static IMAGE_POLICY_CACHE: Rule = Rule {
    code: "admission-image-policy-cache",
    title: "An image's permission is remembered for long",
    severity: Severity::Low,
    scope: Scope::AdmissionConfig,
    serves: &[Serves::part("DE-06")],
    why: "An image that was withdrawn still starts until the cache forgets it.",
    fix: "Keep allowTTL at ten minutes or less.",
    example: "imagePolicy:\n  allowTTL: 60\n",
};

/// Checks on admission configuration.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[ObjectCheck {
    scope: Scope::AdmissionConfig,
    rules: &[
        &INVALID,
        &PRIVILEGED_DEFAULT,
        &EXEMPT_USERS,
        &EXEMPT_NAMESPACES,
        &EXEMPT_RUNTIMES,
        &IMAGE_POLICY_OPEN,
        &IMAGE_POLICY_CACHE,
    ],
    run: check,
}];

fn check(object: &Object<'_>, context: Context<'_>, sink: &mut Sink<'_>) {
    if object.kind != "AdmissionConfiguration" {
        plugin_file(object.kind, object.value, "", sink);
        return;
    }
    let mut names = HashSet::new();
    for (index, plugin) in object.value.list("plugins").enumerate() {
        let field = format!("plugins[{index}]");
        let name = plugin.str_at("name").unwrap_or("");
        let known = context.config.kubernetes_minor != KUBERNETES_MINOR || PLUGINS.contains(&name);
        let why = if name.is_empty() {
            String::from("has no name")
        } else if !known {
            format!("names `{}`, which kube-apiserver 1.{KUBERNETES_MINOR} does not have", shown(name))
        } else if !names.insert(name) {
            format!("configures `{name}` for the second time")
        } else if plugin.get("configuration").is_some() && plugin.str_at("path").is_some_and(|path| !path.is_empty()) {
            String::from("has `path` and `configuration`, of which only one may be given")
        } else {
            String::new()
        };
        if !why.is_empty() {
            sink.report(&INVALID, plugin, format!("`{field}` {why}")).field(field.as_str());
        }
        if let Some(configuration) = plugin.get("configuration") {
            let kind = configuration.str_at("kind").unwrap_or("");
            plugin_file(kind, configuration, &format!("{field}.configuration."), sink);
        }
    }
}

fn plugin_file(kind: &str, root: Value<'_>, prefix: &str, sink: &mut Sink<'_>) {
    if kind == "PodSecurityConfiguration" {
        pod_security(root, prefix, sink);
    } else if let Some(policy) = root.get("imagePolicy") {
        image_policy(policy, &format!("{prefix}imagePolicy"), sink);
    }
}

fn pod_security(root: Value<'_>, prefix: &str, sink: &mut Sink<'_>) {
    let enforce = root.path(&["defaults", "enforce"]);
    let field = format!("{prefix}defaults.enforce");
    let level = enforce.and_then(Value::as_str).unwrap_or("");
    match level {
        "baseline" | "restricted" => {}
        "" | "privileged" => {
            let says = if level.is_empty() { "is not set and stands for `privileged`" } else { "is `privileged`" };
            sink.report(&PRIVILEGED_DEFAULT, enforce.unwrap_or(root), format!("`{field}` {says}")).field(field);
        }
        other => {
            let message = format!("`{field}` is `{}`, which is no level", shown(other));
            sink.report(&INVALID, enforce.unwrap_or(root), message).field(field);
        }
    }
    let Some(exemptions) = root.get("exemptions") else { return };
    for (key, rule) in
        [("usernames", &EXEMPT_USERS), ("namespaces", &EXEMPT_NAMESPACES), ("runtimeClasses", &EXEMPT_RUNTIMES)]
    {
        for item in exemptions.list(key) {
            let name = item.as_str().unwrap_or("");
            if key == "namespaces" && SYSTEM_NAMESPACES.contains(&name) {
                continue;
            }
            let field = format!("{prefix}exemptions.{key}");
            sink.report(rule, item, format!("`{field}` names `{}`", shown(name))).field(field);
        }
    }
}

fn image_policy(policy: Value<'_>, field: &str, sink: &mut Sink<'_>) {
    if let Some(open) = policy.get("defaultAllow").filter(|value| value.as_bool() == Some(true)) {
        sink.report(&IMAGE_POLICY_OPEN, open, format!("`{field}.defaultAllow` is true"))
            .field(format!("{field}.defaultAllow"));
    }
    if let Some(ttl) = policy.get("allowTTL").filter(|value| value.as_i64().is_some_and(|seconds| seconds > 600)) {
        sink.report(&IMAGE_POLICY_CACHE, ttl, format!("`{field}.allowTTL` is more than ten minutes"))
            .field(format!("{field}.allowTTL"));
    }
}

/// Namespaces that the cluster's own components need.
const SYSTEM_NAMESPACES: &[&str] = &["kube-system"];
