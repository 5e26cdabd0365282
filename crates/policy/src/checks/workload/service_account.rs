//! The identity of pods: which ServiceAccount, and whether its token is in the container.

use std::collections::{HashMap, HashSet};

use manifest::{Inventory, Object, PodTemplate, Value};
use model::{Rule, Scope, Serves, Severity};

use crate::check::{Context, InventoryCheck, ObjectCheck};
use crate::sink::Sink;

/// The pod runs as the `default` ServiceAccount.
pub static DEFAULT: Rule = Rule {
    code: "service-account-default",
    title: "A pod uses the default ServiceAccount",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::full("RA-14")],
    why: "All pods of a namespace that name no account share `default`. A right given to one of them is given to \
          all, and the audit log cannot tell them apart.",
    fix: "Make a ServiceAccount for the workload and name it in serviceAccountName.",
    example: "spec:\n  serviceAccountName: web\n  automountServiceAccountToken: false\n",
};

/// The pod has an API token that nothing shows a need for.
pub static TOKEN_MOUNTED: Rule = Rule {
    code: "service-account-token-mounted",
    title: "A pod gets an API token without need",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::full("RA-14"), Serves::part("RC-25")],
    why: "Whoever breaks into a container finds the token at a well-known path and talks to the API server as the \
          workload. A pod that never calls the API needs none.",
    fix: "Set automountServiceAccountToken to false on the pod or on its ServiceAccount. A pod that does call the API needs an account with a binding of its own.",
    example: "spec:\n  serviceAccountName: web\n  automountServiceAccountToken: false\n",
};

/// A projected token lives longer than a day.
pub static TOKEN_LIFETIME: Rule = Rule {
    code: "service-account-token-lifetime",
    title: "A projected token is valid for more than a day",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::full("RA-15")],
    why: "A stolen token works until it expires or its pod is gone. The kubelet renews projected tokens by itself, \
          so a long life buys nothing.",
    fix: "Set expirationSeconds to 3600, or leave it out.",
    example: "projected:\n  sources:\n  - serviceAccountToken:\n      audience: vault\n      expirationSeconds: 3600\n      path: token\n",
};

/// A projected token is for everyone.
pub static TOKEN_AUDIENCE: Rule = Rule {
    code: "service-account-token-audience",
    title: "A projected token names no audience",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("RA-15")],
    why: "Without an audience the token is meant for the API server. A service that it is shown to can then act \
          as the workload towards the cluster.",
    fix: "Name the service that the token is for in audience; leave it out only for calls to the API server.",
    example: "projected:\n  sources:\n  - serviceAccountToken:\n      audience: vault\n      path: token\n",
};

/// The old name of the field.
pub static DEPRECATED_FIELD: Rule = Rule {
    code: "service-account-deprecated-field",
    title: "A pod names its account in the deprecated field",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("RA-14")],
    why: "`serviceAccount` is kept for old manifests. Tools that read only `serviceAccountName` take the pod for \
          one of the default account.",
    fix: "Rename the field to serviceAccountName.",
    example: "spec:\n  serviceAccountName: web\n",
};

/// The check on workloads.
pub(crate) const CHECK: ObjectCheck = ObjectCheck {
    scope: Scope::Workload,
    rules: &[&DEFAULT, &TOKEN_LIFETIME, &TOKEN_AUDIENCE, &DEPRECATED_FIELD],
    run: check,
};

/// The check on tokens, which needs the ServiceAccounts and bindings too.
pub(crate) const TOKEN_CHECK: InventoryCheck = InventoryCheck { rules: &[&TOKEN_MOUNTED], run: check_tokens };

/// One day in seconds.
const LIFETIME_SECONDS_MAX: i64 = 86_400;

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    for pod in &object.pods {
        if !super::is_component(pod) && pod.service_account() == "default" {
            let at = pod.spec.get("serviceAccountName").unwrap_or(pod.spec);
            let entry = sink
                .report(&DEFAULT, at, "the pod runs as the ServiceAccount `default`")
                .field(pod.field("serviceAccountName"));
            // Without its token the shared account gives no rights away.
            if pod.spec.bool_at("automountServiceAccountToken") == Some(false) {
                entry.severity(Severity::Info);
            }
        }
        if let Some(old) = pod.spec.get("serviceAccount").filter(|_| pod.spec.get("serviceAccountName").is_none()) {
            sink.report(&DEPRECATED_FIELD, old, "the account is named in `serviceAccount`")
                .field(pod.field("serviceAccount"));
        }
        for (index, volume) in pod.spec.list("volumes").enumerate() {
            let Some(projected) = volume.get("projected") else { continue };
            for (place, source) in projected.list("sources").enumerate() {
                if let Some(token) = source.get("serviceAccountToken") {
                    judge_token(pod, &format!("volumes[{index}].projected.sources[{place}]"), token, sink);
                }
            }
        }
    }
}

fn judge_token(pod: &PodTemplate<'_>, place: &str, token: Value<'_>, sink: &mut Sink<'_>) {
    if let Some(life) = token.get("expirationSeconds")
        && let Some(seconds) = life.as_i64().filter(|seconds| *seconds > LIFETIME_SECONDS_MAX)
    {
        sink.report(&TOKEN_LIFETIME, life, format!("a projected token is valid for {seconds} seconds"))
            .field(pod.field(&format!("{place}.serviceAccountToken.expirationSeconds")));
    }
    if token.str_at("audience").unwrap_or("").is_empty() {
        sink.report(&TOKEN_AUDIENCE, token, "a projected token names no `audience`")
            .field(pod.field(&format!("{place}.serviceAccountToken.audience")));
    }
}

fn check_tokens(inventory: &Inventory, _: Context<'_>, sink: &mut Sink<'_>) {
    let accounts: HashMap<(&str, &str), Option<bool>> = inventory
        .service_accounts
        .iter()
        .map(|account| ((account.origin.namespace(), account.origin.name()), account.automount))
        .collect();
    let bound: HashSet<(&str, &str)> = inventory
        .bindings
        .iter()
        .flat_map(|binding| binding.subjects.iter().map(move |subject| (binding, subject)))
        .filter(|(_, subject)| &*subject.kind == "ServiceAccount")
        .map(|(binding, subject)| {
            let namespace = if subject.namespace.is_empty() { binding.origin.namespace() } else { &subject.namespace };
            (namespace, &*subject.name)
        })
        .collect();
    for workload in &inventory.workloads {
        let key = (workload.origin.namespace(), &*workload.service_account);
        let automount = workload.automount.or(accounts.get(&key).copied().flatten());
        if automount == Some(false) {
            continue;
        }
        let shared = &*workload.service_account == "default";
        // A binding made for the account shows that the workload calls the API.
        if !shared && bound.contains(&key) {
            continue;
        }
        let account = &workload.service_account;
        let message = format!("the pod gets the API token of the ServiceAccount `{account}`");
        let field = match &*workload.path {
            "" => String::from("automountServiceAccountToken"),
            path => format!("{path}.automountServiceAccountToken"),
        };
        let entry = sink.report_on(&workload.origin.subject, &TOKEN_MOUNTED, workload.pod, message).field(field);
        if !shared {
            entry.severity(Severity::Low);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::door::{accepts, pod, reports};
    use super::*;

    #[test]
    fn the_default_account_is_reported_and_a_named_one_is_not() {
        for spec in ["containers: []", "serviceAccountName: default", "serviceAccountName: ''"] {
            assert_eq!(reports(&pod(spec), "service-account-default").severity, Severity::Low);
        }
        let harmless = pod("automountServiceAccountToken: false");
        assert_eq!(reports(&harmless, "service-account-default").severity, Severity::Info);
        accepts(&pod("serviceAccountName: web"), "service-account-default");
        accepts(&pod("serviceAccount: web"), "service-account-default");
    }

    #[test]
    fn the_old_field_is_reported_alone() {
        reports(&pod("serviceAccount: web"), "service-account-deprecated-field");
        accepts(&pod("serviceAccount: web\nserviceAccountName: web"), "service-account-deprecated-field");
    }

    #[test]
    fn a_token_is_refused_by_the_pod_or_by_the_account() {
        let code = "service-account-token-mounted";
        assert_eq!(reports(&pod("containers: []"), code).severity, Severity::Medium);
        let named = pod("serviceAccountName: web");
        assert_eq!(reports(&named, code).severity, Severity::Low);
        accepts(&pod("automountServiceAccountToken: false"), code);
        let account = |automount: &str| {
            format!(
                "{named}---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: web, namespace: default}}\nautomountServiceAccountToken: {automount}\n"
            )
        };
        accepts(&account("false"), code);
        reports(&account("true"), code);
        let overruled = account("false").replace("spec:\n", "spec:\n  automountServiceAccountToken: true\n");
        reports(&overruled, code);
    }

    #[test]
    fn a_binding_shows_that_the_token_is_needed() {
        let bound = |namespace: &str| {
            format!(
                "{}---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: web, namespace: {namespace}}}\nroleRef: {{kind: Role, name: web}}\nsubjects:\n- {{kind: ServiceAccount, name: web}}\n",
                pod("serviceAccountName: web")
            )
        };
        accepts(&bound("default"), "service-account-token-mounted");
        reports(&bound("other"), "service-account-token-mounted");
    }

    #[test]
    fn projected_tokens_are_short_and_addressed() {
        let token = |fields: &str| {
            pod(&format!("volumes:\n- name: t\n  projected:\n    sources:\n    - serviceAccountToken: {{{fields}}}"))
        };
        let finding = reports(&token("expirationSeconds: 90000, path: t"), "service-account-token-lifetime");
        assert!(finding.property("field").unwrap().starts_with("spec.volumes[0].projected.sources[0]"));
        accepts(&token("expirationSeconds: 3600, path: t"), "service-account-token-lifetime");
        reports(&token("path: t"), "service-account-token-audience");
        accepts(&token("path: t, audience: vault"), "service-account-token-audience");
    }
}
