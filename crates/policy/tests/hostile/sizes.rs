//! Objects of a size that nobody writes by hand: a verdict or an error, and never a pass by exhaustion.

use policy::admission::{Facts, Operation, Ruling, Sending};
use serde_json::{Value, json};

use crate::{builtin, judge, trees};

fn pod(containers: Vec<Value>, annotations: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop", "annotations": annotations},
        "spec": {"containers": containers},
    })
}

fn create<'d>() -> Sending<'d> {
    Sending { operation: Some(Operation::Create), ..Sending::default() }
}

/// Every policy that looks at pods refuses the object, by what is wrong with it or because it cannot be judged.
fn is_refused_by(policy: &str, object: &Value) {
    let judged = judge(&builtin(), &trees(&object.to_string())[0], create(), &Facts::new());
    let verdict = judged.verdicts.iter().find(|verdict| &*verdict.policy == policy).unwrap();
    let refused = match &verdict.ruling {
        Ruling::Violated(_) => true,
        Ruling::Failed { ignored, .. } => !ignored,
        _ => false,
    };
    assert!(refused, "{policy}: {:?}", verdict.ruling);
}

#[test]
fn the_last_of_ten_thousand_containers_counts() {
    let mut containers: Vec<Value> =
        (0..10_000).map(|number| json!({"name": format!("c{number}"), "image": "a"})).collect();
    containers.push(json!({"name": "evil", "image": "a", "securityContext": {"privileged": true}}));
    is_refused_by("pod-security-baseline", &pod(containers, json!({})));
}

#[test]
fn the_last_of_ten_thousand_annotations_counts() {
    let mut notes: Value =
        (0..10_000).map(|number| (format!("a{number}"), "x".into())).collect::<serde_json::Map<_, _>>().into();
    notes["container.apparmor.security.beta.kubernetes.io/c"] = "unconfined".into();
    is_refused_by("pod-security-baseline", &pod(vec![json!({"name": "c", "image": "a"})], notes));
}

#[test]
fn a_long_name_is_read_to_its_end() {
    let long = "x".repeat(1 << 20);
    let evil = json!({"name": "c", "image": "a", "securityContext": {"capabilities": {"add": [format!("NET_BIND_SERVICE{long}")]}}});
    is_refused_by("pod-security-baseline", &pod(vec![evil], json!({})));
}

#[test]
fn a_role_with_ten_thousand_rules_is_judged_or_refused() {
    let mut rules: Vec<Value> = (0..10_000)
        .map(|number| json!({"apiGroups": [format!("g{number}")], "resources": ["a"], "verbs": ["get"]}))
        .collect();
    rules.push(json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}));
    rules.push(json!({"nonResourceURLs": ["*"], "verbs": ["*"]}));
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}, "rules": rules,
    });
    is_refused_by("roles", &role);
}
