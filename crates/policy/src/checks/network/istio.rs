//! Istio's authentication and authorization policies.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// Mutual TLS is optional or off.
pub static MTLS_OPTIONAL: Rule = Rule {
    code: "mesh-mtls-optional",
    title: "The mesh accepts clear-text traffic",
    severity: Severity::Medium,
    scope: Scope::Mesh,
    serves: &[Serves::part("NW-06"), Serves::part("DV-01"), Serves::part("RA-29")],
    why: "In mode PERMISSIVE or DISABLE a pod accepts callers without an identity: traffic can be read on the way, and \
          authorization by identity says nothing about such callers.",
    fix: "Set the mode to STRICT; use PERMISSIVE only while workloads move into the mesh.",
    example: "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata:\n  name: default\n  namespace: istio-system\nspec:\n  mtls:\n    mode: STRICT\n",
};

/// An authorization policy admits everybody.
pub static ALLOW_ALL: Rule = Rule {
    code: "mesh-authorization-allow-all",
    title: "A mesh authorization policy admits every caller",
    severity: Severity::Medium,
    scope: Scope::Mesh,
    serves: &[Serves::part("NW-06"), Serves::part("DV-01"), Serves::part("RA-29")],
    why: "A rule without conditions matches each request, so the workload is open to every caller that can reach it.",
    fix: "Name the callers in from[].source.principals or namespaces, and what they may do in to[].operation.",
    example: "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata:\n  name: shop\nspec:\n  action: ALLOW\n  rules:\n    - from:\n        - source:\n            principals: [cluster.local/ns/front/sa/front]\n      to:\n        - operation:\n            methods: [GET]\n",
};

/// The check on one mesh object.
pub(super) const CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::Mesh, rules: &[&MTLS_OPTIONAL, &ALLOW_ALL], run: check };

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let Some(spec) = object.spec().filter(|_| object.group == "security.istio.io") else { return };
    match object.kind {
        "PeerAuthentication" => {
            check_mode(spec.path(&["mtls", "mode"]), "spec.mtls.mode", sink);
            for (port, entry) in spec.get("portLevelMtls").into_iter().flat_map(Value::entries) {
                let path = format!("spec.portLevelMtls.{}.mode", port.as_str().unwrap_or(""));
                check_mode(entry.get("mode"), &path, sink);
            }
        }
        "AuthorizationPolicy" if matches!(spec.str_at("action"), None | Some("ALLOW")) => {
            for (index, rule) in spec.list("rules").enumerate() {
                check_rule(rule, index, sink);
            }
        }
        _ => {}
    }
}

fn check_mode(mode: Option<Value<'_>>, path: &str, sink: &mut Sink<'_>) {
    let Some(mode) = mode else { return };
    let severity = match mode.as_str() {
        Some("DISABLE") => Severity::High,
        Some("PERMISSIVE") => Severity::Medium,
        _ => return,
    };
    sink.report(&MTLS_OPTIONAL, mode, format!("`{path}` is {}", mode.as_str().unwrap_or("")))
        .field(path)
        .severity(severity);
}

fn check_rule(rule: Value<'_>, index: usize, sink: &mut Sink<'_>) {
    let given = |key: &str| rule.get(key).is_some_and(|value| !value.is_empty());
    if !given("from") && !given("to") && !given("when") {
        sink.report(&ALLOW_ALL, rule, format!("`spec.rules[{index}]` has no conditions and matches every request"))
            .field(format!("spec.rules[{index}]"));
        return;
    }
    let conditions = given("when");
    for source in rule.list("from").filter_map(|from| from.get("source")).filter(|_| !conditions) {
        // Everything in one source must hold, so a star beside a real condition limits nothing.
        let only = source.len() == 1;
        for key in ["principals", "namespaces"].into_iter().filter(|_| only) {
            if let Some(star) = source.list(key).find(|word| word.as_str() == Some("*")) {
                let path = format!("spec.rules[{index}].from.source.{key}");
                sink.report(&ALLOW_ALL, star, format!("`{path}` is `*`, which is every workload of the mesh"))
                    .field(path)
                    .severity(Severity::Low);
            }
        }
    }
}
