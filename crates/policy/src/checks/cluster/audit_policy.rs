//! Audit policies: what they record, found by asking them about requests that matter.

use manifest::Object;
use model::{Rule, Scope, Serves, Severity};

use super::audit_rules::{Level, Policy, Request};
use super::component::shown;
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// kube-apiserver refuses an audit policy.
pub static INVALID: Rule = Rule {
    code: "audit-policy-invalid",
    title: "kube-apiserver refuses an audit policy",
    severity: Severity::Medium,
    scope: Scope::AuditPolicy,
    serves: &[Serves::part("OB-06")],
    why: "The API server does not start with it, so either nothing or an older policy is in force.",
    fix: "Correct the named field.",
    example: "rules:\n  - level: Metadata\n",
};
/// Access to Secrets is not recorded.
pub static SECRETS: Rule = Rule {
    code: "audit-secret-access-unrecorded",
    title: "Access to Secrets is not recorded",
    severity: Severity::Medium,
    scope: Scope::AuditPolicy,
    serves: &[Serves::part("OB-06")],
    why: "Nobody can tell afterwards which Secrets an intruder read.",
    fix: "Record secrets at Metadata level, before any rule that drops requests.",
    example: "rules:\n  - level: Metadata\n    resources:\n      - group: \"\"\n        resources: [secrets]\n",
};
/// The audit log stores the content of Secrets or tokens.
pub static CONTENT: Rule = Rule {
    code: "audit-secret-content",
    title: "The audit log stores the content of Secrets or tokens",
    severity: Severity::High,
    scope: Scope::AuditPolicy,
    serves: &[Serves::part("OB-06"), Serves::part("OB-07"), Serves::part("RA-28")],
    why: "Whoever reads the log, or the system that it is sent to, gets the cluster's Secrets and tokens in \
          plain text.",
    fix: "Record secrets, configmaps, serviceaccounts/token and tokenreviews at Metadata level, before any \
          rule with a higher level.",
    example: "rules:\n  - level: Metadata\n    resources:\n      - group: \"\"\n        resources: [secrets, configmaps, serviceaccounts/token]\n      - group: authentication.k8s.io\n        resources: [tokenreviews]\n",
};
/// Changes to rights or workloads are not recorded.
pub static CHANGES: Rule = Rule {
    code: "audit-change-unrecorded",
    title: "Changes to rights or workloads are not recorded",
    severity: Severity::Medium,
    scope: Scope::AuditPolicy,
    serves: &[Serves::part("OB-06")],
    why: "Nobody can tell afterwards who granted a right, changed a policy or started a pod.",
    fix: "End the policy with a rule at Metadata level or above that matches everything.",
    example: "rules:\n  - level: RequestResponse\n    verbs: [create, update, patch, delete, deletecollection]\n  - level: Metadata\n",
};
/// Sessions into pods and nodes are not recorded.
pub static SESSIONS: Rule = Rule {
    code: "audit-session-unrecorded",
    title: "Sessions into pods and nodes are not recorded",
    severity: Severity::Medium,
    scope: Scope::AuditPolicy,
    serves: &[Serves::part("OB-06")],
    why: "A shell in a container or a door opened through a node leaves no trace.",
    fix: "Record pods/exec, pods/attach, pods/portforward and the proxy subresources.",
    example: "rules:\n  - level: Metadata\n    resources:\n      - group: \"\"\n        resources: [pods/exec, pods/attach, pods/portforward, nodes/proxy]\n",
};
/// Requests that no rule names are dropped.
pub static NO_CATCH_ALL: Rule = Rule {
    code: "audit-no-catch-all",
    title: "Requests that no rule names are dropped",
    severity: Severity::Low,
    scope: Scope::AuditPolicy,
    serves: &[Serves::part("OB-06")],
    why: "New resources, and custom ones, are not recorded until somebody thinks of them.",
    fix: "End the policy with a rule that has a level and nothing else.",
    example: "rules:\n  - level: Metadata\n",
};
/// Changes to rights are recorded without their content.
pub static DETAIL: Rule = Rule {
    code: "audit-change-detail",
    title: "Changes to rights are recorded without their content",
    severity: Severity::Info,
    scope: Scope::AuditPolicy,
    serves: &[Serves::part("OB-06")],
    why: "The log then shows that a binding was changed, but not to whom it gave what.",
    fix: "Record changes of RBAC objects at RequestResponse level.",
    example: "rules:\n  - level: RequestResponse\n    verbs: [create, update, patch, delete]\n    resources:\n      - group: rbac.authorization.k8s.io\n",
};
/// Finished requests are not recorded.
pub static STAGES: Rule = Rule {
    code: "audit-stage-omitted",
    title: "Finished requests are not recorded",
    severity: Severity::Medium,
    scope: Scope::AuditPolicy,
    serves: &[Serves::part("OB-06")],
    why: "The stage that is left out is the one that tells whether the request was allowed and what came of \
          it.",
    fix: "Omit RequestReceived only.",
    example: "omitStages: [RequestReceived]\n",
};

/// Checks on audit policies.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[ObjectCheck {
    scope: Scope::AuditPolicy,
    rules: &[&INVALID, &SECRETS, &CONTENT, &CHANGES, &SESSIONS, &NO_CATCH_ALL, &DETAIL, &STAGES],
    run: check,
}];

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    validity(object, sink);
    let policy = Policy::of(object.value);
    if policy.is_empty() {
        return;
    }
    stages(object, sink);
    unrecorded(&policy, object, &SECRETS, SECRET_READS, sink);
    unrecorded(&policy, object, &CHANGES, CHANGED, sink);
    unrecorded(&policy, object, &SESSIONS, SESSION, sink);
    unrecorded(&policy, object, &NO_CATCH_ALL, ANYTHING, sink);
    content(&policy, sink);
    detail(&policy, object, sink);
}

fn validity(object: &Object<'_>, sink: &mut Sink<'_>) {
    let root = object.value;
    if root.list("rules").next().is_none() {
        sink.report(&INVALID, object.location(), "`rules` is empty").field("rules");
    }
    let stage_lists = std::iter::once((String::from("omitStages"), root));
    let rules = root.list("rules").enumerate().map(|(index, rule)| (format!("rules[{index}].omitStages"), rule));
    for (field, owner) in stage_lists.chain(rules) {
        for stage in owner.list("omitStages").filter(|stage| !stage.as_str().is_some_and(|s| STAGE_NAMES.contains(&s)))
        {
            sink.report(&INVALID, stage, format!("`{field}` names a stage that there is none of"))
                .field(field.as_str());
        }
    }
    for (index, rule) in root.list("rules").enumerate() {
        let level = rule.str_at("level").unwrap_or("");
        if Level::parse(level).is_none() {
            let at = rule.get("level").unwrap_or(rule);
            let message = format!("`rules[{index}].level` is `{}`, which is none that there is", shown(level));
            sink.report(&INVALID, at, message).field(format!("rules[{index}].level"));
        }
        let objects = rule.list("resources").next().is_some() || rule.list("namespaces").next().is_some();
        if objects && rule.list("nonResourceURLs").next().is_some() {
            let message = format!("`rules[{index}]` matches resources and nonResourceURLs at once");
            sink.report(&INVALID, rule, message).field(format!("rules[{index}]"));
        }
    }
}

fn stages(object: &Object<'_>, sink: &mut Sink<'_>) {
    for stage in object.value.list("omitStages").filter(|stage| stage.as_str() == Some("ResponseComplete")) {
        sink.report(&STAGES, stage, "`omitStages` names ResponseComplete").field("omitStages");
    }
}

/// Reports once for each policy rule that drops requests, naming the first of them.
fn unrecorded(policy: &Policy<'_>, object: &Object<'_>, rule: &'static Rule, probes: &[Request], sink: &mut Sink<'_>) {
    let mut reported: Vec<Option<usize>> = Vec::new();
    for probe in probes {
        for (user, groups) in USERS {
            let verdict = policy.ask(probe, user, groups);
            if verdict.level != Level::None || reported.contains(&verdict.rule) {
                continue;
            }
            reported.push(verdict.rule);
            let who = if user == "alice" { String::new() } else { format!(" by {user}") };
            let (at, why, field) = match verdict.rule {
                Some(index) => (policy.location(index), "is dropped by", format!("rules[{index}]")),
                None => (object.location(), "is matched by no rule of", String::from("rules")),
            };
            sink.report(rule, at, format!("{}{who} {why} `{field}`", probe.describe())).field(field);
        }
    }
}

/// Reports once for each policy rule that stores confidential content.
fn content(policy: &Policy<'_>, sink: &mut Sink<'_>) {
    let mut reported: Vec<(usize, bool)> = Vec::new();
    for (probe, least, severity) in CONFIDENTIAL {
        let (user, groups) = USERS[0];
        let verdict = policy.ask(probe, user, groups);
        let Some(index) = verdict.rule.filter(|_| verdict.level >= *least) else { continue };
        let low = *severity == Severity::Low;
        if reported.iter().any(|(rule, lower)| *rule == index && (!lower || low)) {
            continue;
        }
        reported.push((index, low));
        let message = format!("`rules[{index}]` records {} at {} level", probe.describe(), verdict.level.as_str());
        sink.report(&CONTENT, policy.location(index), message)
            .field(format!("rules[{index}].level"))
            .severity(*severity);
    }
}

fn detail(policy: &Policy<'_>, object: &Object<'_>, sink: &mut Sink<'_>) {
    let probe = Request::new("patch", "rbac.authorization.k8s.io", "clusterrolebindings");
    let (user, groups) = USERS[0];
    let verdict = policy.ask(&probe, user, groups);
    if verdict.level == Level::Metadata {
        let at = verdict.rule.map_or(object.location(), |index| policy.location(index));
        sink.report(&DETAIL, at, format!("{} is recorded at Metadata level", probe.describe())).field("rules");
    }
}

type User = (&'static str, &'static [&'static str]);

/// Callers that every policy must see: a person, a pod, an administrator, a stranger.
const USERS: [User; 4] = [
    ("alice", &["system:authenticated"]),
    (
        "system:serviceaccount:default:default",
        &["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
    ),
    ("kubernetes-admin", &["system:masters", "kubeadm:cluster-admins", "system:authenticated"]),
    ("system:anonymous", &["system:unauthenticated"]),
];

const SECRET_READS: &[Request] =
    &[Request::new("get", "", "secrets"), Request::new("list", "", "secrets"), Request::new("watch", "", "secrets")];

const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

const CHANGED: &[Request] = &[
    Request::new("create", RBAC, "clusterrolebindings"),
    Request::new("patch", RBAC, "clusterrolebindings"),
    Request::new("delete", RBAC, "clusterrolebindings"),
    Request::new("create", RBAC, "rolebindings"),
    Request::new("update", RBAC, "clusterroles"),
    Request::new("patch", RBAC, "roles"),
    Request::new("create", "", "secrets"),
    Request::new("create", "", "serviceaccounts"),
    Request::new("create", "", "serviceaccounts/token"),
    Request::new("create", "", "pods"),
    Request::new("patch", "", "pods/ephemeralcontainers"),
    Request::new("patch", "", "namespaces"),
    Request::new("patch", "apps", "deployments"),
    Request::new("create", "apps", "daemonsets"),
    Request::new("create", "batch", "cronjobs"),
    Request::new("delete", "networking.k8s.io", "networkpolicies"),
    Request::new("create", ADMISSION, "mutatingwebhookconfigurations"),
    Request::new("delete", ADMISSION, "validatingadmissionpolicies"),
    Request::new("update", "certificates.k8s.io", "certificatesigningrequests/approval"),
];

const SESSION: &[Request] = &[
    Request::new("create", "", "pods/exec"),
    Request::new("get", "", "pods/exec"),
    Request::new("create", "", "pods/attach"),
    Request::new("create", "", "pods/portforward"),
    Request::new("get", "", "nodes/proxy"),
    Request::new("create", "", "services/proxy"),
    Request::new("create", "", "pods/proxy"),
];

const ANYTHING: &[Request] = &[Request::new("create", "apps.example.com", "widgets")];

/// Requests with the level from which on their content holds something confidential: bodies of requests
/// are stored from Request on, answers with RequestResponse.
const CONFIDENTIAL: &[(Request, Level, Severity)] = &[
    (Request::new("create", "", "secrets"), Level::Request, Severity::High),
    (Request::new("patch", "", "secrets"), Level::Request, Severity::High),
    (Request::new("get", "", "secrets"), Level::RequestResponse, Severity::High),
    (Request::new("list", "", "secrets"), Level::RequestResponse, Severity::High),
    (Request::new("create", "", "serviceaccounts/token"), Level::RequestResponse, Severity::High),
    (Request::new("create", "authentication.k8s.io", "tokenreviews"), Level::Request, Severity::High),
    (Request::new("update", "", "configmaps"), Level::Request, Severity::Low),
    (Request::new("get", "", "configmaps"), Level::RequestResponse, Severity::Low),
];

const STAGE_NAMES: &[&str] = &["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"];
