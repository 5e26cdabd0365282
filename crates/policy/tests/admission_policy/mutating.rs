//! What mutating policies make of objects.

use policy::admission::Ruling;
use policy::admission_policy::Outcome;

use crate::door::{Case, policies};

/// A mutating policy for pods with one mutation, and a binding.
fn mutation(patch: &str, expression: &str) -> Case {
    mutations(
        &format!("- patchType: {patch}\n    {}:\n      expression: >\n        {expression}", field(patch)),
        "Never",
    )
}

fn field(patch: &str) -> &str {
    if patch == "JSONPatch" { "jsonPatch" } else { "applyConfiguration" }
}

fn mutations(list: &str, reinvocation: &str) -> Case {
    policies(&format!(
        "apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata:
  name: demo
spec:
  matchConstraints:
    resourceRules:
    - apiGroups: [\"\"]
      apiVersions: [v1]
      operations: [CREATE]
      resources: [pods]
  reinvocationPolicy: {reinvocation}
  mutations:
  {list}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata:
  name: all
spec:
  policyName: demo
"
    ))
}

#[track_caller]
fn becomes(case: &Case, wanted: &[&str]) {
    let mutated = case.mutate();
    let last = mutated.steps.iter().rev().find_map(|step| step.object.clone()).unwrap_or_default();
    let missing: Vec<&&str> = wanted.iter().filter(|part| !last.contains(**part)).collect();
    assert!(missing.is_empty(), "{missing:?} not in {last}");
}

#[track_caller]
fn fails(case: &Case, message: &str) {
    let mutated = case.mutate();
    assert_eq!(mutated.steps[0].outcome, Outcome::Failed(message.to_owned()));
    assert!(matches!(mutated.verdicts[0].ruling, Ruling::Failed { ignored: false, .. }));
}

#[test]
fn an_apply_configuration_merges_lists_by_their_keys() {
    let case = mutation(
        "ApplyConfiguration",
        "Object{spec: Object.spec{containers: [Object.spec.containers{name: 'b', imagePullPolicy: 'Always'}], \
         hostNetwork: true}}",
    );
    becomes(
        &case,
        &[
            r#"{"name":"a","image":"nginx:1","#,
            r#"{"name":"b","image":"redis:2","imagePullPolicy":"Always","#,
            r#""hostNetwork":true"#,
        ],
    );
}

#[test]
fn what_would_be_replaced_as_a_whole_is_refused() {
    fails(
        &mutation("ApplyConfiguration", "Object{spec: Object.spec{nodeSelector: {'a': 'b'}}}"),
        "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.nodeSelector",
    );
    fails(
        &mutation("ApplyConfiguration", "Object{spec: Object.spec{none: 1}}"),
        "error applying patch: failed to convert patch object to typed object: .spec.none: field not declared in schema",
    );
    fails(
        &mutation("ApplyConfiguration", "Object{spec: Object.wrong{}}"),
        "type mismatch: unexpected type name \"Object.wrong\", expected \"Object.spec\", which matches field name path \
         from root Object type",
    );
}

#[test]
fn a_json_patch_is_applied() {
    let case = mutation(
        "JSONPatch",
        "[JSONPatch{op: 'add', path: '/metadata/labels/x~1y', value: 'z'}, JSONPatch{op: 'remove', path: '/spec/containers/0'}]",
    );
    becomes(&case, &[r#""labels":{"app":"web","x/y":"z"}"#, r#""containers":[{"name":"b","image":"redis:2","#]);
    fails(
        &mutation("JSONPatch", "[JSONPatch{op: 'remove', path: '/spec/none'}]"),
        "JSON Patch: error in remove for path: '/spec/none': Unable to remove nonexistent key: none: missing value",
    );
}

#[test]
fn policies_run_again_when_they_say_so() {
    let list = "- patchType: JSONPatch\n    jsonPatch:\n      expression: \"[JSONPatch{op: 'add', path: '/spec/containers/-', value: object.spec.containers[0]}]\"";
    assert_eq!(mutations(list, "Never").mutate().steps.len(), 1);
    let twice = mutations(list, "IfNeeded").mutate();
    assert_eq!(twice.steps.iter().map(|step| step.reinvoked).collect::<Vec<_>>(), [false, true]);
    assert_eq!(twice.object.unwrap().root().path(&["spec", "containers"]).unwrap().len(), 4);
}
