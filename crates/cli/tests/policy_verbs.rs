//! `kobuk policy check` and `kobuk policy convert`, and the Kubernetes version of policies.

#![allow(clippy::unwrap_used)]

#[path = "door/binary.rs"]
mod binary;

use binary::{folder, kobuk};

/// Exit code, output, complaints.
fn run(name: &str, files: &[(&str, &str)], words: &[&str]) -> (i32, String, String) {
    let folder = folder(name);
    for (path, text) in files {
        std::fs::write(folder.join(path), text).unwrap();
    }
    let output = kobuk(&folder, words);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

fn policy(expression: &str) -> String {
    format!(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {{name: demo}}\nspec:\n  \
         matchConstraints:\n    resourceRules:\n    - {{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], \
         resources: [deployments]}}\n  validations:\n  - expression: {expression}\n"
    )
}

#[test]
fn mistakes_are_told_with_their_place() {
    let typo = policy("object.spec.replica < 5");
    let (code, out, _) = run("check-types", &[("p.yaml", &typo)], &["policy", "check", "p.yaml"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("type     p.yaml:9:17: demo spec.validations[0].expression"), "{out}");
    assert!(out.contains("apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'replica'"), "{out}");

    let broken = policy("object.spec.replicas <");
    let (code, out, _) = run("check-broken", &[("p.yaml", &broken)], &["policy", "check", "p.yaml"]);
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("refused  p.yaml:9:17: ValidatingAdmissionPolicy demo: spec.validations[0].expression"),
        "{out}"
    );

    let (code, out, _) = run("check-none", &[("p.yaml", "kind: List\n")], &["policy", "check", "p.yaml"]);
    assert_eq!(code, 2, "{out}");
}

#[test]
fn costs_are_listed() {
    let words = ["policy", "check", "p.yaml", "--format", "json"];
    let (code, out, _) = run("check-costs", &[("p.yaml", &policy("object.spec.replicas < 5"))], &words);
    assert_eq!(code, 0, "{out}");
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(found.pointer("/costs/0/least"), Some(&serde_json::json!(2)), "{out}");
    assert_eq!(found.pointer("/costs/0/line"), Some(&serde_json::json!(9)), "{out}");
}

#[test]
fn a_version_has_the_functions_of_its_time() {
    let files = [("p.yaml", &*policy("isSemver(object.metadata.name)"))];
    let check = |version| run("check-version", &files, &["policy", "check", "p.yaml", "--kubernetes-version", version]);
    assert_eq!(check("v1.36").0, 0);
    let (code, out, _) = check("v1.30");
    assert!(code == 1 && out.contains("undeclared reference to 'isSemver'"), "{out}");
    let (code, _, said) = check("36");
    assert!(code == 3 && said.contains("--kubernetes-version `36` is not of the form v1.36"), "{said}");
}

#[test]
fn templates_in_cel_are_converted_and_rego_is_told() {
    let template = |engine: &str| {
        format!(
            "apiVersion: templates.gatekeeper.sh/v1\nkind: ConstraintTemplate\nmetadata: {{name: named}}\nspec:\n  crd: \
             {{spec: {{names: {{kind: Named}}}}}}\n  targets:\n  - target: admission.k8s.gatekeeper.sh\n    code:\n    {engine}"
        )
    };
    let cel = template(
        "- {engine: K8sNativeValidation, source: {validations: [{expression: 'variables.anyObject.metadata.name != \"x\"'}]}}\n",
    );
    let (code, out, said) = run("convert-cel", &[("t.yaml", &cel)], &["policy", "convert", "t.yaml"]);
    assert_eq!(code, 0, "{said}");
    assert!(out.contains("name: gatekeeper-named\n"), "{out}");
    let (code, found, _) = run("convert-again", &[("p.yaml", &out)], &["policy", "check", "p.yaml"]);
    assert_eq!(code, 0, "{found}");

    let rego =
        template("- {engine: Rego, source: {rego: 'package named\n\n      violation[{\"msg\": \"x\"}] { true }'}}\n");
    let (code, out, said) = run("convert-rego", &[("t.yaml", &rego)], &["policy", "convert", "t.yaml"]);
    assert_eq!((code, &*out), (2, ""), "{said}");
    assert!(said.contains("ConstraintTemplate named is not converted: it has Rego only"), "{said}");
}

/// A policy that refuses every Pod.
const NO_PODS: &str = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: no-pods}\nspec:\n  \
     matchConstraints:\n    resourceRules:\n    - {apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: \
     [pods]}\n  validations:\n  - expression: 'false'\n";

const REVIEW: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"operation":"CREATE","object":
    {"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"shop"},"spec":{"containers":[{"name":"c","image":"i"}]}}}}"#;

#[test]
fn reviews_in_lists_are_judged_as_reviews() {
    let list = format!(r#"{{"apiVersion":"v1","kind":"List","items":[{REVIEW}]}}"#);
    let files = [("p.yaml", NO_PODS), ("array.json", &format!("[{REVIEW}]")), ("list.json", &list)];
    for file in ["array.json", "list.json"] {
        let words = ["policy", "eval", "-p", "p.yaml", file];
        let (code, out, _) = run(&format!("reviews-{file}"), &files, &words);
        assert_eq!(code, 1, "{out}");
        assert!(out.contains("1 request judged: 1 refused"), "{out}");
    }
}

#[test]
fn a_scan_does_not_pass_a_review() {
    let files = [("p.yaml", NO_PODS), ("review.json", REVIEW)];
    let words = ["scan", "manifests", "--policy", "p.yaml", "review.json"];
    let (_, out, _) = run("scan-review", &files, &words);
    assert!(out.contains("an AdmissionReview; judge it with `kobuk policy eval`"), "{out}");
}

#[test]
fn documents_without_a_type_are_no_policies() {
    let words = ["policy", "eval", "-p", "p.yaml", "-p", "other.yaml", "pod.json"];
    let files = [("p.yaml", NO_PODS), ("other.yaml", "spec: {validations: []}\n"), ("pod.json", REVIEW)];
    let (code, _, err) = run("untyped", &files, &words);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("other.yaml:1:1: no Kubernetes object"), "{err}");
}

#[test]
fn secrets_as_parameters_are_not_shown() {
    let policy = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: p}\nspec:\n  \
         paramKind: {apiVersion: v1, kind: Secret}\n  matchConstraints:\n    resourceRules:\n    - {apiGroups: [''], \
         apiVersions: [v1], operations: [CREATE], resources: [pods]}\n  validations:\n  - expression: \
         size(params.stringData.word) == 7 && params.stringData.word == object.metadata.name\n---\n\
         apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: b}\nspec: \
         {policyName: p, validationActions: [Deny], paramRef: {name: s, namespace: shop, parameterNotFoundAction: Deny}}\n";
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\nstringData: {word: hunter2}\n";
    let files = [("p.yaml", policy), ("secret.yaml", secret), ("pod.json", REVIEW)];
    let words = ["policy", "explain", "-p", "p.yaml", "--facts", "secret.yaml", "pod.json"];
    let (_, out, err) = run("secret-params", &files, &words);
    assert!(out.contains("(of a Secret, not shown)"), "{out}{err}");
    assert!(!out.contains("hunter2") && !out.contains("= 7\n"), "{out}");
}
