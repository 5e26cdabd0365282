//! What kube-apiserver lets callers do, and over which doors they come.

use manifest::Object;
use model::{Rule, Scope, Serves, Severity};

use super::component::{Component, Demand, components, is_unset};
use super::duration;
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// kube-apiserver allows every request.
pub static ALWAYS_ALLOW: Rule = Rule {
    code: "api-server-always-allow",
    title: "kube-apiserver allows every request",
    severity: Severity::Critical,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-13")],
    why: "Every caller, also an anonymous one where that is on, owns the cluster.",
    fix: "Set --authorization-mode=Node,RBAC or pass an --authorization-config without AlwaysAllow.",
    example: "command:\n  - kube-apiserver\n  - --authorization-mode=Node,RBAC\n",
};
/// kube-apiserver runs without Node or RBAC authorization.
pub static MODES: Rule = Rule {
    code: "api-server-authorization-modes",
    title: "kube-apiserver runs without Node or RBAC authorization",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-13")],
    why: "Without RBAC nobody can see or review who may do what; without Node a kubelet reads Secrets of pods \
          on other nodes.",
    fix: "Set --authorization-mode=Node,RBAC.",
    example: "command:\n  - kube-apiserver\n  - --authorization-mode=Node,RBAC\n",
};
/// kube-apiserver reads rights from an ABAC file.
pub static ABAC: Rule = Rule {
    code: "api-server-abac",
    title: "kube-apiserver reads rights from an ABAC file",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-13")],
    why: "Rights in a file on the host are seen by no review of RBAC and change only with a restart.",
    fix: "Move the rights to RBAC and remove ABAC from --authorization-mode.",
    example: "",
};
/// A webhook's permission is remembered for long.
pub static AUTHORIZATION_CACHE: Rule = Rule {
    code: "api-server-authorization-cache",
    title: "A webhook's permission is remembered for long",
    severity: Severity::Low,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-13")],
    why: "Rights taken away at the webhook stay in force until the cache forgets them.",
    fix: "Keep --authorization-webhook-cache-authorized-ttl at five minutes or less.",
    example: "command:\n  - kube-apiserver\n  - --authorization-webhook-cache-authorized-ttl=1m\n",
};
/// kube-apiserver serves plain HTTP without authentication.
pub static INSECURE_PORT: Rule = Rule {
    code: "api-server-insecure-port",
    title: "kube-apiserver serves plain HTTP without authentication",
    severity: Severity::Critical,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-09"), Serves::part("RA-11")],
    why: "Requests over the insecure port skip authentication and authorization: whoever reaches it is cluster \
          admin.",
    fix: "Remove --insecure-port and --insecure-bind-address.",
    example: "",
};
/// kube-apiserver does not serve HTTPS.
pub static SECURE_PORT_OFF: Rule = Rule {
    code: "api-server-secure-port-off",
    title: "kube-apiserver does not serve HTTPS",
    severity: Severity::High,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-09")],
    why: "With the secure port off, clients are left with unencrypted connections.",
    fix: "Remove --secure-port=0.",
    example: "command:\n  - kube-apiserver\n  - --secure-port=6443\n",
};
/// kube-apiserver opens an unauthenticated debug socket.
pub static DEBUG_SOCKET: Rule = Rule {
    code: "api-server-debug-socket",
    title: "kube-apiserver opens an unauthenticated debug socket",
    severity: Severity::Low,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-11")],
    why: "Every process that can reach the socket reads profiles of the API server's memory without any \
          credential.",
    fix: "Remove --debug-socket-path.",
    example: "",
};

/// Checks on authorization.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[ObjectCheck {
    scope: Scope::ApiServer,
    rules: &[&ALWAYS_ALLOW, &MODES, &ABAC, &AUTHORIZATION_CACHE, &INSECURE_PORT, &SECURE_PORT_OFF, &DEBUG_SOCKET],
    run: check,
}];

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    components(object, Scope::ApiServer, |component| {
        component.demand(sink, DEMANDS);
        modes(component, sink);
    });
}

const DEMANDS: &[Demand] = &[
    Demand::flag(&AUTHORIZATION_CACHE, "authorization-webhook-cache-authorized-ttl", "5m0s", |ttl| {
        duration::seconds(ttl).is_none_or(|seconds| seconds <= 300.0)
    }),
    Demand::flag(&INSECURE_PORT, "insecure-port", "0", |port| port == "0"),
    Demand::flag(&INSECURE_PORT, "insecure-bind-address", "", is_unset),
    Demand::flag(&SECURE_PORT_OFF, "secure-port", "6443", |port| port != "0"),
    Demand::flag(&DEBUG_SOCKET, "debug-socket-path", "", is_unset),
];

fn modes(component: &Component<'_>, sink: &mut Sink<'_>) {
    let configured = component.line.last("authorization-config").is_some();
    if configured && component.line.last("authorization-mode").is_none() {
        return;
    }
    let Some(setting) = component.flag("authorization-mode", "AlwaysAllow") else { return };
    let Some(modes) = component.items("authorization-mode", "AlwaysAllow") else { return };
    let says = || setting.says(component.program);
    if modes.contains(&"AlwaysAllow") {
        component.report(sink, &ALWAYS_ALLOW, &setting, says());
        return;
    }
    if modes.contains(&"ABAC") {
        component.report(sink, &ABAC, &setting, says());
    }
    let missing: Vec<&str> = ["Node", "RBAC"].into_iter().filter(|mode| !modes.contains(mode)).collect();
    if !missing.is_empty() {
        component.report(sink, &MODES, &setting, format!("{}, without {}", says(), missing.join(" and ")));
    }
}
