//! What is meant is done or refused: no flag without effect, no name that two policies share, no verdict without its reason.

use crate::{HOST_NETWORK, POD, run, shop, write};

/// A template in Rego and one of its constraints, and the same in CEL.
const TEMPLATES: &str = r#"apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: inrego, annotations: {kobuk.dev/severity: low}}
spec:
  crd: {spec: {names: {kind: InRego}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package inrego
      violation[{"msg": msg}] {
        c := images[_]
        msg := sprintf("%v is not ours", [c])
      }
      images[i] { i := input.review.object.spec.containers[_].image }
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: InRego
metadata: {name: ours}
spec: {match: {kinds: [{apiGroups: [''], kinds: [Pod]}]}}
---
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: incel}
spec:
  crd: {spec: {names: {kind: InCel}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    code:
    - engine: K8sNativeValidation
      source:
        validations: [{expression: "variables.anyObject.spec.containers.all(c, c.image != 'nginx')", message: no nginx}]
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: InCel
metadata: {name: other}
spec: {match: {kinds: [{apiGroups: [''], kinds: [Pod]}], namespaces: [shop]}}
"#;

#[test]
fn a_kind_that_does_not_exist_cannot_be_complete() {
    let folder = shop("policy-complete");
    let with = |kind| run(&folder, &["policy", "eval", "pod.yaml", "-p", "host.yaml", "--complete", kind]);
    with("ConfigMapp").says(3, &["--complete `ConfigMapp`", "did you mean `ConfigMap`"]);
    with("v1/Namespaces").says(3, &["did you mean `Namespace`"]);
    with("Deployment").says(3, &["did you mean `apps/Deployment`"]);
    with("example.com/Widget").says(3, &["--complete `example.com/Widget`", "add its definition"]);
    for known in ["ConfigMap", "v1/ConfigMap", "apps/Deployment", "apps/v1/Deployment", "rbac"] {
        with(known).says(1, &[]);
    }
    let params = HOST_NETWORK
        .replace("spec:\n", "spec:\n  paramKind: {apiVersion: example.com/v1, kind: Widget}\n")
        .replace("'!object.spec", "'params == null && !object.spec");
    write(&folder, "host.yaml", &params);
    run(&folder, &["policy", "eval", "pod.yaml", "-p", "host.yaml", "--complete", "example.com/Widget", "--all"])
        .says(2, &["params of kind Widget"]);
}

#[test]
fn policies_of_several_kinds_with_one_name_have_codes_and_severities_of_their_own() {
    let folder = shop("policy-names");
    write(&folder, "host.yaml", &HOST_NETWORK.replace("name: no-host-network", "name: inrego"));
    write(&folder, "t.yaml", TEMPLATES);
    let words = ["scan", "manifests", "pod.yaml", "-p", "host.yaml", "-p", "t.yaml", "--check", "policy/*"];
    let report = run(&folder, &[&words[..], &["--format", "json"]].concat()).json();
    let mut found: Vec<(&str, &str)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["code"].as_str().unwrap(), one["severity"].as_str().unwrap()))
        .collect();
    found.sort_unstable();
    let expect = [("policy/incel", "medium"), ("policy/inrego", "critical"), ("policy/template:inrego", "low")];
    assert_eq!(found, expect);
    run(&folder, &[&words[..8], &["policy/template:inrego"]].concat()).says(1, &["nginx is not ours", "low: "]);
}

#[test]
fn all_lists_what_does_not_match_and_why() {
    let folder = shop("policy-all");
    write(&folder, "t.yaml", TEMPLATES);
    write(&folder, "pod.yaml", &POD.replace("namespace: shop", "namespace: other").replace("true", "false"));
    write(&folder, "host.yaml", &HOST_NETWORK.replace("[pods]", "[services]"));
    let words = ["policy", "eval", "pod.yaml", "-p", "host.yaml", "-p", "t.yaml", "-p", "pack:safe-defaults"];
    let all = run(&folder, &[&words[..], &["--all"]].concat());
    all.says(1, &["no match  no-host-network", "no match  incel with other", "deny      inrego with ours"]);
    let few = run(&folder, &words);
    assert!(!few.out.contains("no match"), "{}", few.out);
    let words = ["policy", "explain", "pod.yaml", "-p", "host.yaml", "-p", "t.yaml", "--all"];
    run(&folder, &words).says(0, &["no-host-network: no match", "incel with other: no match"]);
}

#[test]
fn constraints_have_a_trace() {
    let folder = shop("policy-trace");
    write(&folder, "t.yaml", TEMPLATES);
    run(&folder, &["policy", "explain", "pod.yaml", "-p", "t.yaml"]).says(
        0,
        &[
            "inrego with ours: deny",
            r#"violation = [{"msg":"nginx is not ours"}]"#,
            r#"images = ["nginx"]"#,
            "incel with other: deny",
            "validations[0].expression = false",
            "c.image != 'nginx' = false",
        ],
    );
}

#[test]
fn explain_takes_no_flag_that_has_no_effect_there() {
    let folder = shop("policy-explain-flags");
    for flag in [&["--mutated", "out.yaml"][..], &["--allow-unknown"]] {
        let words = [&["policy", "explain", "pod.yaml", "-p", "host.yaml"], flag].concat();
        run(&folder, &words).says(3, &["unexpected argument", flag[0]]);
    }
}

#[test]
fn an_old_object_with_a_repeated_key_is_refused() {
    let folder = shop("policy-old-twice");
    write(&folder, "old-pod.yaml", &POD.replace("hostNetwork: true", "hostNetwork: true\n  hostNetwork: false"));
    let words = ["policy", "eval", "pod.yaml", "-p", "host.yaml", "--old", "old-pod.yaml"];
    run(&folder, &words).says(3, &["--old", "the key `hostNetwork` stands here for the second time"]);
}

#[test]
fn a_version_of_kubernetes_that_nobody_knows_is_refused() {
    let folder = shop("policy-version");
    for version in ["v1.99", "1.37", "v1.37.2"] {
        let words = ["policy", "eval", "pod.yaml", "-p", "host.yaml", "--kubernetes-version", version];
        run(&folder, &words).says(3, &[&format!("--kubernetes-version `{version}` is not known"), "v1.36"]);
        let words = ["scan", "manifests", "pod.yaml", "--kubernetes-version", version];
        run(&folder, &words).says(3, &["is not known"]);
    }
    for version in ["vv1.36", "v1.36x", "v1", "v2.1", "v1.36.1.1"] {
        let words = ["policy", "eval", "pod.yaml", "-p", "host.yaml", "--kubernetes-version", version];
        run(&folder, &words).says(3, &["is not of the form v1.36"]);
    }
    run(&folder, &["policy", "eval", "pod.yaml", "-p", "host.yaml", "--kubernetes-version", "v1.36.4"]).says(1, &[]);
}

#[test]
fn a_failed_test_tells_several_lines_as_lines() {
    let folder = shop("policy-test-lines");
    let broken = HOST_NETWORK.replace("'!object.spec.?hostNetwork.orValue(false)'", "'!object.spec.('");
    write(&folder, "broken.yaml", &broken);
    write(
        &folder,
        "test.yaml",
        "apiVersion: kobuk.dev/v1alpha1\nkind: PolicyTest\nmetadata: {name: t}\npolicies: [broken.yaml]\ncases:\n\
         - {name: c, object: pod.yaml, expect: allow}\n",
    );
    let ran = run(&folder, &["policy", "test", "test.yaml"]).says(1, &["FAILED", "compilation failed"]);
    assert!(!ran.out.contains("\\n"), "{}", ran.out);
}
