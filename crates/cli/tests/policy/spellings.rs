//! Values that only some readers of YAML take for what the API server takes them.

use crate::{run, shop, write};

const POLICY: &str = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: root}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations:
  - expression: object.spec.containers.all(c, !c.?securityContext.privileged.orValue(false))
    message: privileged
  - expression: object.spec.containers.all(c, !(c.?securityContext.runAsUser.orValue(1) in [0, 511]))
    message: root
";

#[test]
fn every_spelling_means_what_it_means_in_a_cluster() {
    let folder = shop("policy-spellings");
    write(&folder, "p.yaml", POLICY);
    let pod = |fields: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: s}}\nspec:\n  containers:\n  - name: c\n    image: i\n    \
             securityContext:\n      {fields}\n"
        )
    };
    let yes = ["true", "True", "TRUE", "yes", "Yes", "YES", "y", "Y", "on", "On", "ON", "!!bool yes", "!!bool true"];
    let root = ["0", "00", "0_0", "0.0", "0e0", "0777", "0o777", "0x0"];
    let bad = yes
        .iter()
        .map(|word| format!("privileged: {word}"))
        .chain(root.iter().map(|word| format!("runAsUser: {word}")));
    let mut count = 0;
    for (index, fields) in bad.enumerate() {
        write(&folder, &format!("bad/{index}.yaml"), &pod(&fields));
        count += 1;
    }
    let ran = run(&folder, &["policy", "eval", "bad", "-p", "p.yaml", "--format", "json"]);
    let report = ran.json();
    let allowed: Vec<&str> = report["requests"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|request| request["allowed"] != false)
        .map(|request| request["place"].as_str().unwrap())
        .collect();
    assert!(allowed.is_empty(), "{allowed:?}");
    let judged = report["requests"].as_array().unwrap().len() + report["notJudged"].as_array().unwrap().len();
    assert_eq!(judged, count);
    for fields in ["privileged: false", "privileged: no", "privileged: Off", "privileged: N", "runAsUser: 1000"] {
        write(&folder, "fine.yaml", &pod(fields));
        run(&folder, &["policy", "eval", "fine.yaml", "-p", "p.yaml"]).says(0, &[]);
    }
}

#[test]
fn a_field_under_another_case_is_no_field() {
    let folder = shop("policy-case");
    write(&folder, "p.yaml", POLICY);
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: s}\n\
               spec: {containers: [{name: c, image: i, securityContext: {Privileged: true}}]}\n";
    write(&folder, "pod.yaml", pod);
    run(&folder, &["policy", "eval", "pod.yaml", "-p", "p.yaml"]).says(0, &[]);
    // The built-in checks tell of the field.
    run(&folder, &["scan", "manifests", "pod.yaml"]).says(1, &["Privileged"]);
}
