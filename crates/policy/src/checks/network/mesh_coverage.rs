//! Whether mesh policies reach the namespaces and workloads that they are meant for.

use std::collections::HashSet;

use manifest::Inventory;
use manifest::inventory::Namespace;
use model::{Rule, Scope, Serves, Severity};

use crate::check::{Context, InventoryCheck};
use crate::sink::Sink;

/// A namespace is in the mesh, but clear text is accepted.
pub static MTLS_NOT_REQUIRED: Rule = Rule {
    code: "mesh-mtls-not-required",
    title: "A mesh namespace does not require mutual TLS",
    severity: Severity::Medium,
    scope: Scope::Namespace,
    serves: &[Serves::part("NW-06"), Serves::part("DV-01"), Serves::part("RA-29")],
    why: "Without a STRICT PeerAuthentication the sidecars accept clear text from callers without identity, next to the \
          encrypted traffic that everybody believes in.",
    fix: "Add a PeerAuthentication with mode STRICT to the mesh's root namespace, or to this one.",
    example: "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata:\n  name: default\n  namespace: istio-system\nspec:\n  mtls:\n    mode: STRICT\n",
};

/// Tokens are checked but not demanded.
pub static TOKEN_NOT_REQUIRED: Rule = Rule {
    code: "mesh-request-authentication-alone",
    title: "Request tokens are checked but not required",
    severity: Severity::Medium,
    scope: Scope::Mesh,
    serves: &[Serves::part("NW-06"), Serves::part("RA-29")],
    why: "A RequestAuthentication refuses bad tokens only. A request without any token passes, so the login is \
          optional.",
    fix: "Add an AuthorizationPolicy for the same workloads that asks for requestPrincipals.",
    example: "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata:\n  name: require-token\nspec:\n  action: ALLOW\n  rules:\n    - from:\n        - source:\n            requestPrincipals: [\"https://login.example.com/*\"]\n",
};

/// The check across mesh objects.
pub(super) const CHECK: InventoryCheck =
    InventoryCheck { rules: &[&MTLS_NOT_REQUIRED, &TOKEN_NOT_REQUIRED], run: check };

/// Root namespace of an Istio that was installed with defaults.
const ROOT_NAMESPACE: &str = "istio-system";

fn check(inventory: &Inventory, _: Context<'_>, sink: &mut Sink<'_>) {
    // A mode that is given and weaker is reported where it stands.
    let governed: HashSet<&str> = inventory
        .mesh_policies
        .iter()
        .filter(|policy| !policy.selects_pods && !policy.mode.is_empty() && &*policy.mode != "UNSET")
        .map(|policy| policy.origin.namespace())
        .collect();
    if !governed.contains(ROOT_NAMESPACE) {
        for namespace in &inventory.namespaces {
            let name = namespace.origin.name();
            if let Some(label) = mesh_label(namespace).filter(|_| !governed.contains(name)) {
                let message = format!(
                    "the label `{label}` puts the namespace into the mesh, but no PeerAuthentication requires mutual TLS"
                );
                sink.report_on(&namespace.origin.subject, &MTLS_NOT_REQUIRED, namespace.origin.location, message);
            }
        }
    }
    let asking: HashSet<&str> = inventory
        .mesh_authorizations
        .iter()
        .filter(|policy| policy.asks_for_token)
        .map(|policy| policy.origin.namespace())
        .collect();
    for authentication in &inventory.request_authentications {
        let namespace = authentication.origin.namespace();
        if !asking.contains(namespace) && !asking.contains(ROOT_NAMESPACE) {
            let message = format!("no AuthorizationPolicy in namespace `{namespace}` asks for a request principal");
            let origin = &authentication.origin;
            sink.report_on(&origin.subject, &TOKEN_NOT_REQUIRED, origin.location, message);
        }
    }
}

fn mesh_label(namespace: &Namespace) -> Option<&'static str> {
    let labels = &namespace.labels;
    [
        ("istio-injection", labels.get("istio-injection") == Some("enabled")),
        ("istio.io/rev", labels.get("istio.io/rev").is_some_and(|revision| !revision.is_empty())),
        ("istio.io/dataplane-mode", labels.get("istio.io/dataplane-mode") == Some("ambient")),
    ]
    .into_iter()
    .find(|(_, set)| *set)
    .map(|(label, _)| label)
}
