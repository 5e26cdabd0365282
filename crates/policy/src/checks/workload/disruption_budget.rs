//! PodDisruptionBudgets: there where replicas are, and not so strict that nodes cannot be drained.

use std::collections::HashMap;

use manifest::inventory::DisruptionBudget;
use manifest::{Inventory, Object};
use model::{Rule, Scope, Serves, Severity};

use crate::check::{Context, InventoryCheck, ObjectCheck};
use crate::sink::Sink;

/// Nothing holds back an eviction.
pub static MISSING: Rule = Rule {
    code: "disruption-budget-missing",
    title: "Replicas are covered by no PodDisruptionBudget",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-24")],
    why: "When nodes are drained, for an upgrade for example, all replicas may be evicted at the same time.",
    fix: "Add a PodDisruptionBudget that selects the pods.",
    example: "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: web\nspec:\n  maxUnavailable: 1\n  selector:\n    matchLabels: {app: web}\n",
};

/// No eviction is ever allowed.
pub static BLOCKS: Rule = Rule {
    code: "disruption-budget-blocks-drain",
    title: "A PodDisruptionBudget allows no eviction",
    severity: Severity::Low,
    scope: Scope::DisruptionBudget,
    serves: &[Serves::part("RC-24"), Serves::part("RC-21")],
    why: "A node with such a pod cannot be drained, so patches of the node's system wait until someone goes past \
          the budget by force.",
    fix: "Allow at least one pod to be unavailable.",
    example: "spec:\n  maxUnavailable: 1\n",
};

/// The check on budgets.
pub(crate) const CHECK: ObjectCheck = ObjectCheck { scope: Scope::DisruptionBudget, rules: &[&BLOCKS], run: check };

/// The check that workloads have one.
pub(crate) const COVERAGE_CHECK: InventoryCheck = InventoryCheck { rules: &[&MISSING], run: check_coverage };

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let Some(spec) = object.spec() else { return };
    for (key, blocking) in [("maxUnavailable", &["0", "0%"][..]), ("minAvailable", &["100%"][..])] {
        if let Some(value) = spec.get(key)
            && let Some(text) = value.text().filter(|text| blocking.contains(&&**text))
        {
            sink.report(&BLOCKS, value, format!("the budget sets `{key}` to {text}")).field(format!("spec.{key}"));
        }
    }
}

fn check_coverage(inventory: &Inventory, _: Context<'_>, sink: &mut Sink<'_>) {
    let mut budgets: HashMap<&str, Vec<&DisruptionBudget>> = HashMap::new();
    for budget in &inventory.disruption_budgets {
        budgets.entry(budget.origin.namespace()).or_default().push(budget);
    }
    for workload in &inventory.workloads {
        let subject = &workload.origin.subject;
        let Some(replicas) = workload.replicas.filter(|replicas| *replicas > 1) else { continue };
        if !matches!(&*subject.kind, "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" | "Rollout")
        {
            continue;
        }
        let here: &[&DisruptionBudget] = budgets.get(workload.origin.namespace()).map_or(&[], Vec::as_slice);
        if !here.iter().any(|budget| budget.pods.matches(&workload.pod_labels)) {
            let message = format!("no PodDisruptionBudget selects the {replicas} replicas");
            sink.report_on(subject, &MISSING, workload.origin.location, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::door::{accepts, deployment, reports};

    fn budget(namespace: &str, spec: &str) -> String {
        format!(
            "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: b, namespace: {namespace}}}\nspec: {spec}\n"
        )
    }

    #[test]
    fn replicas_are_covered_in_their_own_namespace() {
        let code = "disruption-budget-missing";
        let two = deployment("containers: []").replace("\nspec:\n", "\nspec:\n  replicas: 2\n");
        let matching = "{maxUnavailable: 1, selector: {matchLabels: {app: web}}}";
        reports(&two, code);
        accepts(&format!("{two}{}", budget("shop", matching)), code);
        reports(&format!("{two}{}", budget("other", matching)), code);
        reports(&format!("{two}{}", budget("shop", "{selector: {matchLabels: {app: other}}}")), code);
        accepts(&deployment("containers: []"), code);
    }

    #[test]
    fn budgets_let_nodes_be_drained() {
        for spec in ["{maxUnavailable: 0}", "{maxUnavailable: 0%}", "{minAvailable: 100%}"] {
            reports(&budget("shop", spec), "disruption-budget-blocks-drain");
        }
        for spec in ["{maxUnavailable: 1}", "{minAvailable: 50%}"] {
            accepts(&budget("shop", spec), "disruption-budget-blocks-drain");
        }
    }
}
