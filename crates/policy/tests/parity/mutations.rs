//! Generated mutating policies.

use serde_json::{Value, json};

use crate::generated::Plan;
use crate::objects::Sort;
use crate::policies::Bound;
use crate::random::Random;

/// One policy for each expression of the table; the first refusal would hide those of others.
pub(crate) fn plans(random: &mut Random, objects_per_sort: usize) -> Vec<Plan> {
    let lines = include_str!("mutations.txt").lines().filter(|line| !line.starts_with('#'));
    lines.enumerate().map(|(batch, line)| plan(random, line, batch, objects_per_sort)).collect()
}

fn plan(random: &mut Random, line: &str, batch: usize, objects_per_sort: usize) -> Plan {
    let [sorts, patch, expression]: [&str; 3] = line.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
    let sorts: Vec<Sort> = match sorts {
        "any" => Sort::ALL.to_vec(),
        "pod" => vec![Sort::Pod],
        "deployment" => vec![Sort::Deployment],
        "service" => vec![Sort::Service],
        _ => vec![Sort::ConfigMap],
    };
    let mutation = |expression: &str, patch: &str| match patch {
        "apply" => json!({"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}),
        _ => json!({"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}),
    };
    let mut mutations = vec![mutation(expression, patch)];
    if random.once_in(3) {
        // A second one sees what the first has made.
        let second = "[JSONPatch{op: 'add', path: '/metadata/annotations', value: {'seen': string(object.metadata.?labels.orValue({}).size())}}]";
        mutations.push(mutation(second, "json"));
    }
    let name = format!("m{batch}");
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [{"apiGroups": ["", "apps"], "apiVersions": ["v1"],
                "operations": ["CREATE", "UPDATE"], "resources": ["pods", "deployments", "services", "configmaps"]}]},
            "failurePolicy": if random.once_in(4) { "Ignore" } else { "Fail" },
            "reinvocationPolicy": random.one(&["Never", "IfNeeded"]),
            "variables": [{"name": "who", "expression": "request.userInfo.username"}],
            "mutations": mutations,
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": format!("{name}-0")}, "spec": {"policyName": name,
            "matchResources": {"namespaceSelector": {"matchLabels": {"batch": batch.to_string()}}}},
    });
    let policies: Vec<Bound> = vec![Bound { policy, bindings: vec![binding] }];
    Plan { policies, sorts, objects_per_sort, needs: Vec::<Value>::new(), scripted: Vec::new() }
}
