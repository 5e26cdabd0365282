//! Linkerd's policies.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// Callers without an identity are let in.
pub static UNAUTHENTICATED: Rule = Rule {
    code: "mesh-unauthenticated-access",
    title: "A mesh policy admits callers without identity",
    severity: Severity::Medium,
    scope: Scope::Mesh,
    serves: &[Serves::part("NW-06"), Serves::part("DV-01"), Serves::part("RA-29")],
    why: "The proxy forwards calls that carry no mutual TLS identity, so anything that reaches the pod's address is \
          served and nobody can tell who called.",
    fix: "Use all-authenticated, cluster-authenticated or deny, and list the identities of the callers.",
    example: "metadata:\n  annotations:\n    config.linkerd.io/default-inbound-policy: all-authenticated\n",
};

/// The check on Linkerd's objects.
pub(super) const CHECK: ObjectCheck = ObjectCheck { scope: Scope::Mesh, rules: &[&UNAUTHENTICATED], run: check };

/// The check on the annotation of namespaces; the one on pods is found with them.
pub(super) const NAMESPACE_CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::Namespace, rules: &[&UNAUTHENTICATED], run: check_namespace };

/// The check on the annotation of pods.
pub(super) const POD_CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::Workload, rules: &[&UNAUTHENTICATED], run: check_pods };

const ANNOTATION: &str = "config.linkerd.io/default-inbound-policy";

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let Some(spec) = object.spec().filter(|_| object.group == "policy.linkerd.io") else { return };
    match object.kind {
        "ServerAuthorization" => {
            let flag = spec.path(&["client", "unauthenticated"]);
            if let Some(flag) = flag.filter(|flag| flag.as_bool() == Some(true)) {
                sink.report(&UNAUTHENTICATED, flag, "`spec.client.unauthenticated` is true")
                    .field("spec.client.unauthenticated");
            }
        }
        "Server" => report_policy(spec.get("accessPolicy"), "spec.accessPolicy", sink),
        "NetworkAuthentication" => {
            let all = |network: &Value<'_>| matches!(network.str_at("cidr"), Some("0.0.0.0/0" | "::/0"));
            if let Some(network) = spec.list("networks").find(all) {
                sink.report(&UNAUTHENTICATED, network, "`spec.networks` holds every address").field("spec.networks");
            }
        }
        "AuthorizationPolicy" if spec.get("requiredAuthenticationRefs").is_none_or(Value::is_empty) => {
            sink.report(&UNAUTHENTICATED, object.location(), "`spec.requiredAuthenticationRefs` asks for nothing")
                .field("spec.requiredAuthenticationRefs");
        }
        _ => {}
    }
}

fn check_namespace(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let value = object.metadata.and_then(|metadata| metadata.path(&["annotations", ANNOTATION]));
    report_policy(value, ANNOTATION, sink);
}

fn check_pods(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    for metadata in object.pods.iter().filter_map(|pod| pod.metadata) {
        report_policy(metadata.path(&["annotations", ANNOTATION]), ANNOTATION, sink);
    }
}

fn report_policy(value: Option<Value<'_>>, name: &'static str, sink: &mut Sink<'_>) {
    let Some(value) = value else { return };
    if let Some(text @ ("all-unauthenticated" | "cluster-unauthenticated")) = value.as_str() {
        sink.report(&UNAUTHENTICATED, value, format!("`{name}` is {text}")).field(name);
    }
}
