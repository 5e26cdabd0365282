//! Policies out of files: each file is put in force in a namespace of its own.

use std::fs;
use std::path::{Path, PathBuf};

use model::FileId;
use serde_json::{Value, json};

use crate::generated::Plan;
use crate::objects::Sort;
use crate::policies::Bound;

/// A plan for every file with policies below the folders.
pub(crate) fn plans(folders: &[PathBuf], exported: &str) -> Vec<Plan> {
    let mut files = Vec::new();
    for folder in folders {
        find(folder, &mut files);
    }
    files.sort();
    let mut texts: Vec<String> = files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect();
    texts.push(exported.to_owned());
    let mut plans: Vec<Plan> = Vec::new();
    for text in texts.iter().filter(|text| text.contains("AdmissionPolicy")) {
        let plan = plan(&documents(text), plans.len());
        if !plan.policies.is_empty() {
            plans.push(plan);
        }
    }
    plans
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            files.push(path);
        }
    }
}

/// The documents of a YAML stream.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let mut out = Vec::new();
    manifest::documents(text, FileId(0), |document| {
        if let Ok(tree) = document {
            out.extend(serde_json::from_str(&tree.root().to_json()));
        }
    });
    out
}

fn plan(documents: &[Value], batch: usize) -> Plan {
    let is = |document: &Value, suffix: &str| {
        let kind = document["kind"].as_str().unwrap_or_default();
        kind.ends_with(suffix)
            && document["apiVersion"].as_str().is_some_and(|v| v.starts_with("admissionregistration"))
    };
    let policies = documents.iter().filter(|document| is(document, "AdmissionPolicy"));
    let bindings: Vec<&Value> = documents.iter().filter(|document| is(document, "AdmissionPolicyBinding")).collect();
    let policies = policies.map(|policy| bound(policy, &bindings, batch)).collect();
    let of_cluster = |document: &&Value| {
        matches!(document["kind"].as_str(), Some("ConfigMap" | "Namespace" | "ClusterRole" | "ClusterRoleBinding"))
    };
    let mut needs: Vec<Value> = documents.iter().filter(of_cluster).cloned().collect();
    for namespace in documents.iter().filter(of_cluster).filter_map(|need| need["metadata"]["namespace"].as_str()) {
        needs.insert(0, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}));
    }
    Plan { policies, sorts: Sort::ALL.to_vec(), objects_per_sort: 12, needs, scripted: Vec::new() }
}

/// The policy with its bindings, in force in one namespace, and so that all of it shows: warnings and the audit log
/// rather than refusals, of which only the first would.
fn bound(policy: &Value, bindings: &[&Value], batch: usize) -> Bound {
    let mut policy = policy.clone();
    policy["apiVersion"] = "admissionregistration.k8s.io/v1".into();
    let old = policy["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let name = format!("x{batch}-{old}");
    policy["metadata"] = json!({"name": name});
    let kind = format!("{}Binding", policy["kind"].as_str().unwrap());
    let validating = kind.starts_with("Validating");
    let own = bindings.iter().filter(|binding| binding["spec"]["policyName"] == *old && binding["kind"] == *kind);
    let mut list: Vec<Value> = own.map(|binding| (*binding).clone()).collect();
    if list.is_empty() {
        list.push(json!({"kind": kind, "metadata": {"name": "own"}, "spec": {}}));
    }
    for (number, binding) in list.iter_mut().enumerate() {
        binding["apiVersion"] = "admissionregistration.k8s.io/v1".into();
        binding["metadata"] = json!({"name": format!("{name}-{number}")});
        binding["spec"]["policyName"] = name.as_str().into();
        binding["spec"]["matchResources"]["namespaceSelector"] = json!({"matchLabels": {"batch": batch.to_string()}});
        if validating {
            binding["spec"]["validationActions"] = json!(["Warn", "Audit"]);
        }
    }
    Bound { policy, bindings: list }
}
