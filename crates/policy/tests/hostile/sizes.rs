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

/// What all policies spend on a pod of so many containers with so many annotations of so many bytes, in units of CEL's
/// cost model, by policy.
fn spent(containers: usize, annotations: usize, bytes: usize) -> Vec<(String, u64)> {
    let list = (0..containers).map(|number| json!({"name": format!("c{number:05}"), "image": "a"})).collect();
    let notes: serde_json::Map<_, _> =
        (0..annotations).map(|number| (format!("a{number:05}"), "x".repeat(bytes).into())).collect();
    let object = pod(list, notes.into());
    let judged = judge(&builtin(), &trees(&object.to_string())[0], create(), &Facts::new());
    judged.verdicts.iter().map(|verdict| (verdict.policy.to_string(), verdict.cost)).collect()
}

/// Work grows with the object and not faster, until the API server's budget ends it.
#[test]
fn work_grows_no_faster_than_the_object() {
    let base = spent(1, 1, 1);
    for (small, large, times) in [
        (spent(100, 1, 1), spent(1_000, 1, 1), 10),
        (spent(1_000, 1, 1), spent(10_000, 1, 1), 10),
        (spent(1, 100, 1), spent(1, 10_000, 1), 100),
        (spent(1, 1, 1 << 14), spent(1, 1, 1 << 20), 64),
    ] {
        for (((policy, base), (_, small)), (_, large)) in base.iter().zip(&small).zip(&large) {
            // One expression that spends too much is called off and costs what it spent until then.
            let most = base + (small - base.min(small)) * (times + 1) + 1_000;
            assert!(*large <= most.min(POLICY_COST_MAX), "{policy}: {base}, {small}, {large}");
        }
    }
}

/// Validations, and audit annotations as much again, and match conditions.
const POLICY_COST_MAX: u64 = 22_500_000;
