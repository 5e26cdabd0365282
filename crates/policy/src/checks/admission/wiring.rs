//! What holds between admission objects: policies and bindings, webhooks and the pods behind them.

use std::collections::{HashMap, HashSet};

use manifest::Inventory;
use manifest::inventory::{Service, Workload};
use model::{Rule, Scope, Serves, Severity};

use crate::check::{Context, InventoryCheck};
use crate::checks::network::service::selects;
use crate::sink::Sink;

/// Nothing puts the policy to work.
pub static UNBOUND: Rule = Rule {
    code: "admission-policy-unbound",
    title: "An admission policy has no binding",
    severity: Severity::Medium,
    scope: Scope::AdmissionPolicy,
    serves: &[Serves::part("DE-06"), Serves::part("DE-01")],
    why: "A policy without a binding is never evaluated; it only looks like protection.",
    fix: "Add a binding with the policy's name in spec.policyName.",
    example: "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata:\n  name: no-host-path\nspec:\n  policyName: no-host-path\n  validationActions: [Deny]\n",
};

/// The binding's policy is not here.
pub static ORPHAN: Rule = Rule {
    code: "admission-binding-orphan",
    title: "A policy binding names a policy that is not here",
    severity: Severity::Info,
    scope: Scope::AdmissionPolicy,
    serves: &[Serves::part("DE-06")],
    why: "A binding of a missing policy does nothing, and nobody is told.",
    fix: "Correct spec.policyName. Ignore this when the policy stands in other files.",
    example: "",
};

/// Policy and binding disagree on parameters.
pub static PARAMETERS: Rule = Rule {
    code: "admission-binding-parameters",
    title: "A policy and its binding disagree on parameters",
    severity: Severity::Medium,
    scope: Scope::AdmissionPolicy,
    serves: &[Serves::part("DE-06"), Serves::part("DE-01")],
    why: "A policy that expects parameters and gets none sees null in their place: its expressions fail, or compare \
          with nothing and pass.",
    fix: "Set spec.paramRef in each binding of a policy with spec.paramKind, and only there.",
    example: "spec:\n  paramRef:\n    name: limits\n    parameterNotFoundAction: Deny\n",
};

/// One pod decides whether the cluster can change.
pub static SINGLE_REPLICA: Rule = Rule {
    code: "webhook-single-replica",
    title: "An admission webhook has a single replica",
    severity: Severity::Medium,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06")],
    why: "When the one pod restarts, matching requests are refused or, with failurePolicy Ignore, admitted unjudged.",
    fix: "Run at least two replicas with a PodDisruptionBudget, spread over nodes.",
    example: "spec:\n  replicas: 3\n",
};

/// The check across admission objects.
pub(super) const CHECK: InventoryCheck =
    InventoryCheck { rules: &[&UNBOUND, &ORPHAN, &PARAMETERS, &SINGLE_REPLICA], run: check };

fn check(inventory: &Inventory, _: Context<'_>, sink: &mut Sink<'_>) {
    check_bindings(inventory, sink);
    if !inventory.webhook_services.is_empty() {
        check_replicas(inventory, sink);
    }
}

fn check_bindings(inventory: &Inventory, sink: &mut Sink<'_>) {
    let bound: HashSet<(bool, &str)> =
        inventory.admission_bindings.iter().map(|binding| (binding.mutating, &*binding.policy)).collect();
    let mut policies: HashMap<(bool, &str), bool> = HashMap::new();
    for policy in &inventory.admission_policies {
        policies.insert((policy.mutating, policy.origin.name()), policy.parameters);
        if !bound.contains(&(policy.mutating, policy.origin.name())) {
            let message = format!("no binding here has the `spec.policyName` `{}`", policy.origin.name());
            sink.report_on(&policy.origin.subject, &UNBOUND, policy.origin.location, message);
        }
    }
    for binding in &inventory.admission_bindings {
        let origin = &binding.origin;
        match policies.get(&(binding.mutating, &*binding.policy)) {
            None => {
                let message = format!("`spec.policyName` is `{}`, which is not among these manifests", binding.policy);
                sink.report_on(&origin.subject, &ORPHAN, origin.location, message).field("spec.policyName");
            }
            Some(expects) if *expects != binding.parameters => {
                let message = match expects {
                    true => "`spec.paramRef` is missing although the policy has a `spec.paramKind`",
                    false => "`spec.paramRef` is set although the policy has no `spec.paramKind`",
                };
                sink.report_on(&origin.subject, &PARAMETERS, origin.location, message).field("spec.paramRef");
            }
            Some(_) => {}
        }
    }
}

fn check_replicas(inventory: &Inventory, sink: &mut Sink<'_>) {
    let wanted: HashSet<(&str, &str)> =
        inventory.webhook_services.iter().map(|service| (&*service.namespace, &*service.name)).collect();
    let mut services: HashMap<&str, Vec<&Service>> = HashMap::new();
    for service in &inventory.services {
        if wanted.contains(&(service.origin.namespace(), service.origin.name())) {
            services.entry(service.origin.namespace()).or_default().push(service);
        }
    }
    let mut backends: HashMap<(&str, &str), Option<&Workload>> = HashMap::new();
    for workload in inventory.workloads.iter().filter(|workload| replicated(workload)) {
        let namespace = workload.origin.namespace();
        let near = services.get(namespace).into_iter().flatten();
        for service in near.filter(|service| selects(service, &workload.pod_labels)) {
            // A second workload behind the Service is a second replica.
            backends
                .entry((namespace, service.origin.name()))
                .and_modify(|only| *only = None)
                .or_insert(Some(workload));
        }
    }
    for webhook in &inventory.webhook_services {
        let Some(Some(workload)) = backends.get(&(&*webhook.namespace, &*webhook.name)) else { continue };
        let severity = match (workload.replicas, webhook.fails_closed) {
            (Some(replicas), _) if replicas != 1 => continue,
            (Some(_), true) => Severity::Medium,
            _ => Severity::Low,
        };
        let message = format!(
            "the webhook `{}` is served by {}, which has one replica",
            webhook.webhook,
            workload.origin.subject.display()
        );
        sink.report_on(&webhook.origin.subject, &SINGLE_REPLICA, webhook.origin.location, message)
            .severity(severity)
            .property("rule", "AW-18");
    }
}

/// Kinds whose number of pods is `spec.replicas`.
fn replicated(workload: &Workload) -> bool {
    matches!(&*workload.origin.subject.kind, "Deployment" | "StatefulSet" | "ReplicaSet")
}
