//! Checks on single roles: wildcards, powers, aggregation, rules without effect.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::grant::{Grant, covers, group, verb};
use super::{identity, pods, power, secrets};
use crate::check::Context;
use crate::sink::Sink;

/// Everything is allowed.
pub static WILDCARD_ALL: Rule = Rule {
    code: "rbac-wildcard-all",
    title: "A role allows every action on every resource",
    severity: Severity::Critical,
    scope: Scope::Role,
    serves: &[Serves::full("RA-06"), Serves::part("RA-07")],
    why: "`*` for verbs, groups and resources is cluster-admin under another name, and it grows with every \
          extension that is installed.",
    fix: "List the groups, resources and verbs that are used.",
    example: "rules:\n- apiGroups: [apps]\n  resources: [deployments]\n  verbs: [get, list, watch]\n",
};

/// All resources of a group are covered.
pub static WILDCARD_RESOURCES: Rule = Rule {
    code: "rbac-wildcard-resources",
    title: "A role covers every resource of a group",
    severity: Severity::Medium,
    scope: Scope::Role,
    serves: &[Serves::full("RA-06"), Serves::part("RA-07")],
    why: "`*` covers resources nobody thought of, subresources such as pods/exec, and what later releases add. \
          In the core group it includes Secrets.",
    fix: "List the resources that are used.",
    example: "rules:\n- apiGroups: [\"\"]\n  resources: [pods, services]\n  verbs: [get, list]\n",
};

/// All verbs are allowed.
pub static WILDCARD_VERBS: Rule = Rule {
    code: "rbac-wildcard-verbs",
    title: "A role allows every verb",
    severity: Severity::Medium,
    scope: Scope::Role,
    serves: &[Serves::full("RA-06")],
    why: "`*` includes deleting whole collections and the special verbs escalate, bind, impersonate, approve and sign.",
    fix: "List the verbs that are used.",
    example: "rules:\n- apiGroups: [batch]\n  resources: [jobs]\n  verbs: [get, list, create, delete]\n",
};

/// All groups are covered.
pub static WILDCARD_GROUPS: Rule = Rule {
    code: "rbac-wildcard-groups",
    title: "A role covers a resource in every API group",
    severity: Severity::Low,
    scope: Scope::Role,
    serves: &[Serves::full("RA-06")],
    why: "The same resource name in another group, also one that a custom resource brings later, is a different thing \
          that was never meant.",
    fix: "Name the API group of each resource.",
    example: "rules:\n- apiGroups: [networking.k8s.io]\n  resources: [ingresses]\n  verbs: [get]\n",
};

/// All URLs are allowed.
pub static WILDCARD_URLS: Rule = Rule {
    code: "rbac-wildcard-urls",
    title: "A role allows every non-resource URL",
    severity: Severity::Medium,
    scope: Scope::Role,
    serves: &[Serves::full("RA-06")],
    why: "Outside the resources the API server serves its logs, profiles and flags. They tell an attacker how the \
          control plane is set up, and profiling can slow it down.",
    fix: "List the URLs that are used, such as /metrics or /healthz.",
    example: "rules:\n- nonResourceURLs: [/metrics]\n  verbs: [get]\n",
};

/// Logs or profiles of the API server are open.
pub static SERVER_LOGS: Rule = Rule {
    code: "rbac-server-logs",
    title: "A role may read logs or profiles of the API server",
    severity: Severity::Medium,
    scope: Scope::Role,
    serves: &[Serves::part("OB-07"), Serves::part("RA-06")],
    why: "/logs serves files of the control-plane host, the audit log among them, and /debug serves memory profiles \
          of the API server and lets callers change its log level.",
    fix: "Remove /logs and /debug from nonResourceURLs.",
    example: "",
};

/// A built-in role is widened by aggregation.
pub static AGGREGATION: Rule = Rule {
    code: "rbac-aggregation-widens-role",
    title: "Aggregation adds dangerous rights to a built-in role",
    severity: Severity::High,
    scope: Scope::Role,
    serves: &[Serves::full("RA-06"), Serves::part("RA-07")],
    why: "A label adds these rules to view, edit or admin in the whole cluster. Everyone who holds that role gets \
          them, without any binding that shows it.",
    fix: "Remove the aggregation label, or the rules that go beyond what holders of the built-in role should have.",
    example: "metadata:\n  labels:\n    rbac.authorization.k8s.io/aggregate-to-view: \"true\"\nrules:\n- apiGroups: [example.com]\n  resources: [widgets]\n  verbs: [get, list, watch]\n",
};

/// A role aggregates every role.
pub static AGGREGATES_ALL: Rule = Rule {
    code: "rbac-aggregates-every-role",
    title: "A ClusterRole aggregates every other ClusterRole",
    severity: Severity::High,
    scope: Scope::Role,
    serves: &[Serves::full("RA-06")],
    why: "An empty selector in `aggregationRule` selects all ClusterRoles, cluster-admin among them.",
    fix: "Select by a label that only the wanted roles have.",
    example: "aggregationRule:\n  clusterRoleSelectors:\n  - matchLabels:\n      example.com/aggregate-to-monitoring: \"true\"\n",
};

/// A rule that can never apply.
pub static NO_EFFECT: Rule = Rule {
    code: "rbac-rule-without-effect",
    title: "A rule of a role can never apply",
    severity: Severity::Info,
    scope: Scope::Role,
    serves: &[Serves::part("RA-06")],
    why: "A rule that grants nothing hides a mistake: the resource stands under the wrong group, or the verb cannot be \
          limited in this way. Someone will widen it until it works.",
    fix: "Put the resource under its own group, grant cluster-wide resources in a ClusterRole, and grant `create` \
          without `resourceNames`.",
    example: "",
};

/// Rules of [`check`].
pub(super) const RULES: &[&Rule] = &[
    &WILDCARD_ALL,
    &WILDCARD_RESOURCES,
    &WILDCARD_VERBS,
    &WILDCARD_GROUPS,
    &WILDCARD_URLS,
    &SERVER_LOGS,
    &AGGREGATION,
    &AGGREGATES_ALL,
    &NO_EFFECT,
];

/// Reports wildcards, aggregation and rules without effect.
pub(super) fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    if is_bootstrap(object) {
        return;
    }
    let cluster = object.kind == "ClusterRole";
    let mut everything = false;
    for (index, rule) in object.value.list("rules").enumerate() {
        let grant = Grant::of(rule);
        everything |= grant.is_everything();
        wildcards(rule, index, &grant, cluster, sink);
        urls(rule, index, everything, sink);
        no_effect(rule, index, &grant, cluster, sink);
    }
    if object.value.get("rules").is_none_or(Value::is_empty) && object.value.get("aggregationRule").is_none() {
        sink.report(&NO_EFFECT, object.location(), "the role has no `rules`").field("rules");
    }
    if cluster {
        aggregation(object, sink);
        for selector in
            object.value.get("aggregationRule").into_iter().flat_map(|rule| rule.list("clusterRoleSelectors"))
        {
            if manifest::inventory::Selector::of(Some(selector)).is_empty() {
                sink.report(&AGGREGATES_ALL, selector, "a selector in `aggregationRule.clusterRoleSelectors` is empty")
                    .field("aggregationRule.clusterRoleSelectors");
            }
        }
    }
}

/// Reports powers that a rule names.
pub(super) fn powers(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    if is_bootstrap(object) {
        return;
    }
    let cluster = object.kind == "ClusterRole";
    for (index, rule) in object.value.list("rules").enumerate() {
        let grant = Grant::of(rule);
        // Whoever wrote `*` is told so once, with the powers that are in it.
        if grant.any_kind() {
            continue;
        }
        let mut family = "";
        for power in power::all().filter(|power| grant.verbs & power.verbs != 0) {
            if power.family == family {
                continue;
            }
            let Some(mut severity) = power.granted(&grant, cluster) else { continue };
            family = power.family;
            let resource = rule.list("resources").find(|word| {
                word.as_str().is_some_and(|word| power.resources.iter().any(|resource| covers(word, resource)))
            });
            let mut reported = power.rule;
            if std::ptr::eq(reported, &pods::CREATE_WORKLOADS) && is_system_namespace(object.namespace()) {
                reported = &pods::CREATE_SYSTEM_WORKLOADS;
                severity = Severity::High;
            }
            severity = adjusted(power, rule, &grant, severity);
            let word = resource.and_then(Value::as_str).unwrap_or("");
            let verbs = words(rule, "verbs");
            let message = format!("`rules[{index}]` allows {verbs} on `{word}`: the holder may {}", power.phrase);
            sink.report(reported, resource.unwrap_or(rule), message)
                .severity(severity)
                .field(format!("rules[{index}].resources"));
        }
    }
}

/// Whether the object is a role that the API server itself creates and reconciles.
pub(super) fn is_bootstrap(object: &Object<'_>) -> bool {
    object.label("kubernetes.io/bootstrapping") == Some("rbac-defaults")
        && (object.name().starts_with("system:")
            || matches!(object.name(), "cluster-admin" | "admin" | "edit" | "view"))
}

/// Namespaces of the cluster's own components.
pub(super) fn is_system_namespace(name: &str) -> bool {
    name.starts_with("kube-")
}

/// The severity in cases that the table cannot tell apart.
fn adjusted(power: &power::Power, rule: Value<'_>, grant: &Grant<'_>, severity: Severity) -> Severity {
    let any = |wanted: &[&str]| {
        rule.list("resources")
            .filter_map(Value::as_str)
            .any(|word| wanted.iter().any(|resource| covers(word, resource)))
    };
    // Reading one Secret needs its name; listing gives all.
    if std::ptr::eq(power.rule, &secrets::READ_SECRETS) && grant.verbs & (verb::LIST | verb::WATCH) == 0 {
        return severity.min(Severity::Medium);
    }
    // Groups and users reach system:masters; service accounts only what some of them may.
    if std::ptr::eq(power.rule, &identity::IMPERSONATE) && !any(&["users", "groups"]) {
        return severity.min(Severity::High);
    }
    severity
}

fn wildcards(rule: Value<'_>, index: usize, grant: &Grant<'_>, cluster: bool, sink: &mut Sink<'_>) {
    if grant.is_everything() {
        let severity = if cluster { Severity::Critical } else { Severity::High };
        sink.report(&WILDCARD_ALL, rule, format!("`rules[{index}]` has `*` for verbs, apiGroups and resources"))
            .severity(severity)
            .field(format!("rules[{index}]"));
        return;
    }
    let star = |key: &str| rule.list(key).find(|word| word.as_str() == Some("*"));
    let builtin = grant.groups & !group::FOREIGN != 0;
    if let Some(word) = star("resources") {
        wildcard_resources(rule, word, index, grant, cluster, sink);
    } else if let Some(word) = star("apiGroups") {
        let resources = words(rule, "resources");
        sink.report(&WILDCARD_GROUPS, word, format!("`rules[{index}].apiGroups` is `*` for {resources}"))
            .field(format!("rules[{index}].apiGroups"));
    }
    if let Some(word) = star("verbs").filter(|_| !grant.any_kind()) {
        let severity = if builtin && !grant.is_named() { Severity::Medium } else { Severity::Low };
        let object = if rule.get("nonResourceURLs").is_some() { "nonResourceURLs" } else { "resources" };
        sink.report(&WILDCARD_VERBS, word, format!("`rules[{index}].verbs` is `*` for {}", words(rule, object)))
            .severity(severity)
            .field(format!("rules[{index}].verbs"));
    }
}

fn wildcard_resources(
    rule: Value<'_>,
    word: Value<'_>,
    index: usize,
    grant: &Grant<'_>,
    cluster: bool,
    sink: &mut Sink<'_>,
) {
    let foreign = grant.groups & !group::FOREIGN == 0;
    let quiet = grant.reads_only() || foreign || grant.is_named();
    let mut severity = if quiet { Severity::Low } else { Severity::Medium };
    let mut phrases: Vec<&str> = Vec::new();
    for power in power::all() {
        // Custom groups are guessed to hold such a resource only where the resource is named.
        if foreign && power.groups & group::RUNNERS != 0 {
            continue;
        }
        if let Some(granted) = power.granted(grant, cluster) {
            severity = severity.max(granted.min(Severity::High));
            if granted >= Severity::Medium && !phrases.contains(&power.phrase) {
                phrases.push(power.phrase);
            }
        }
    }
    let mut message = format!(
        "`rules[{index}].resources` is `*` in {} with verbs {}",
        words(rule, "apiGroups"),
        words(rule, "verbs")
    );
    if let Some((first, rest)) = phrases.split_first() {
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        message.push_str(&format!(", which includes the right to {first}{more}"));
    }
    sink.report(&WILDCARD_RESOURCES, word, message)
        .severity(severity)
        .field(format!("rules[{index}].resources"))
        .property("powers", phrases.join("; "));
}

fn urls(rule: Value<'_>, index: usize, everything: bool, sink: &mut Sink<'_>) {
    for url in rule.list("nonResourceURLs") {
        let Some(text) = url.as_str() else { continue };
        let field = || format!("rules[{index}].nonResourceURLs");
        let is_below =
            |root: &str| text.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '*']));
        if matches!(text, "*" | "/*") {
            if !everything {
                sink.report(&WILDCARD_URLS, url, format!("`{}` is `{text}`", field())).field(field());
            }
        } else if is_below("/logs") || is_below("/debug") {
            sink.report(&SERVER_LOGS, url, format!("`{}` holds `{text}`", field())).field(field());
        }
    }
}

fn aggregation(object: &Object<'_>, sink: &mut Sink<'_>) {
    let labelled = |(_, label): &(_, &str)| object.label(label) == Some("true");
    let Some((target, _)) = AGGREGATED.iter().copied().find(labelled) else { return };
    for (index, rule) in object.value.list("rules").enumerate() {
        let grant = Grant::of(rule);
        let worst = power::all()
            .filter(|power| target == "view" || !is_in_edit(power))
            .filter_map(|power| Some((power.granted(&grant, true)?, power)))
            .max_by_key(|(severity, _)| *severity)
            .filter(|(severity, _)| *severity >= Severity::High);
        let field = format!("rules[{index}]");
        if let Some((_, power)) = worst {
            let message = format!("`{field}` lets everyone with the role `{target}` {}", power.phrase);
            sink.report(&AGGREGATION, rule, message).field(field);
        } else if target == "view" && !grant.reads_only() {
            let message = format!("`{field}` adds {} to the read-only role `view`", words(rule, "verbs"));
            sink.report(&AGGREGATION, rule, message).severity(Severity::Medium).field(field);
        }
    }
}

/// Whether the built-in roles edit and admin hold the power anyway.
fn is_in_edit(power: &power::Power) -> bool {
    let own: [*const Rule; 7] = [
        &secrets::READ_SECRETS,
        &secrets::WRITE_SECRETS,
        &pods::EXEC,
        &pods::DEBUG,
        &pods::FORWARD,
        &pods::CREATE_WORKLOADS,
        &identity::MINT_TOKENS,
    ];
    own.iter().any(|rule| std::ptr::eq(*rule, power.rule))
}

fn no_effect(rule: Value<'_>, index: usize, grant: &Grant<'_>, cluster: bool, sink: &mut Sink<'_>) {
    let field = || format!("rules[{index}]");
    if !cluster && let Some(urls) = rule.get("nonResourceURLs") {
        sink.report(&NO_EFFECT, urls, format!("`rules[{index}].nonResourceURLs` has no effect in a Role"))
            .field(field());
    }
    if grant.is_named() && grant.verbs == verb::CREATE && !grant.any_resource(|word| word.contains('/') || word == "*")
    {
        let message = format!("`rules[{index}]` limits `create` by `resourceNames`, but a new object has no name yet");
        sink.report(&NO_EFFECT, rule, message).field(field());
    }
    for resource in rule.list("resources") {
        let Some(word) = resource.as_str() else { continue };
        let plain = word.split('/').next().unwrap_or(word);
        if !cluster && CLUSTER_RESOURCES.contains(&plain) && grant.groups & !group::FOREIGN != 0 {
            sink.report(&NO_EFFECT, resource, format!("`{word}` has no namespace, so a Role cannot grant it"))
                .field(format!("rules[{index}].resources"));
            continue;
        }
        let home = HOMES.iter().find(|(resource, _, _)| *resource == plain);
        if let Some((_, bits, name)) = home
            && grant.groups & bits == 0
            && grant.groups & group::FOREIGN == 0
        {
            let message = format!("`{word}` is no resource of {}; it is one of {name}", words(rule, "apiGroups"));
            sink.report(&NO_EFFECT, resource, message).field(format!("rules[{index}].resources"));
        }
    }
}

/// The words of a list for a message: each in backticks, at most four.
fn words(rule: Value<'_>, key: &str) -> String {
    let mut text = String::new();
    let mut rest = 0;
    for (index, word) in rule.list(key).filter_map(Value::as_str).enumerate() {
        if index >= 4 {
            rest += 1;
            continue;
        }
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(&format!("`{}`", if word.is_empty() { "core" } else { word }));
    }
    if rest > 0 {
        text.push_str(&format!(" and {rest} more"));
    }
    if text.is_empty() { String::from("nothing") } else { text }
}

/// Built-in roles with the labels that add to them, the narrowest first.
const AGGREGATED: &[(&str, &str)] = &[
    ("view", "rbac.authorization.k8s.io/aggregate-to-view"),
    ("edit", "rbac.authorization.k8s.io/aggregate-to-edit"),
    ("admin", "rbac.authorization.k8s.io/aggregate-to-admin"),
];

/// Resources without a namespace that roles often name.
const CLUSTER_RESOURCES: &[&str] = &[
    "nodes",
    "persistentvolumes",
    "clusterroles",
    "clusterrolebindings",
    "storageclasses",
    "customresourcedefinitions",
    "validatingwebhookconfigurations",
    "mutatingwebhookconfigurations",
    "certificatesigningrequests",
    "priorityclasses",
    "runtimeclasses",
    "tokenreviews",
    "subjectaccessreviews",
];

/// Resources with the only groups that have them.
const HOMES: &[(&str, u32, &str)] = &[
    ("secrets", group::CORE, "the core group"),
    ("configmaps", group::CORE, "the core group"),
    ("pods", group::CORE, "the core group"),
    ("serviceaccounts", group::CORE, "the core group"),
    ("persistentvolumes", group::CORE, "the core group"),
    ("persistentvolumeclaims", group::CORE, "the core group"),
    ("deployments", group::APPS, "`apps`"),
    ("daemonsets", group::APPS, "`apps`"),
    ("statefulsets", group::APPS, "`apps`"),
    ("cronjobs", group::BATCH, "`batch`"),
    ("rolebindings", group::RBAC, "`rbac.authorization.k8s.io`"),
    ("clusterroles", group::RBAC, "`rbac.authorization.k8s.io`"),
    ("networkpolicies", group::NETWORKING, "`networking.k8s.io`"),
    ("storageclasses", group::STORAGE, "`storage.k8s.io`"),
];
