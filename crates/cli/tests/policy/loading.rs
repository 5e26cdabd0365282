//! Policies and facts that cannot be used, tests that cannot be run: what is said, and where.

use crate::{HOST_NETWORK, run, shop, write};

fn eval(policy: &str) -> [&str; 5] {
    ["policy", "eval", "pod.yaml", "-p", policy]
}

#[test]
fn a_policy_that_is_refused_is_named_with_place_and_field() {
    let folder = shop("policy-refused");
    for (from, to, said) in [
        ("message:", "mesage:", &["p.yaml:11:5", "spec.validations[0].mesage", "hint: Correct the name"][..]),
        ("apiVersions:", "apiVersion:", &["spec.matchConstraints.resourceRules[0].apiVersion", "Required value"]),
        ("[CREATE, UPDATE]", "[CREAT]", &["Unsupported value: \"CREAT\"", "CONNECT"]),
        ("orValue(false)'", "orValue(false'", &["compilation failed", "p.yaml:10:", "Syntax error"]),
        ("resources: [pods]}]", "resources: []}]", &["resources", "Required value"]),
        ("kobuk.dev/severity: critical", "kobuk.dev/severity: bad", &["use info, low, medium, high or critical"]),
        ("NW-12", "XX-99", &["kobuk controls list"]),
        (
            "  validations:",
            "  failurePolicy: Fail\n  failurePolicy: Ignore\n  validations:",
            &["duplicate field", "p.yaml:10:3"],
        ),
        (
            "  validations:",
            "  variables: [{name: a, expression: variables.b}]\n  validations:",
            &["undefined field 'b'"],
        ),
        ("spec:", "spec: [", &["p.yaml:"]),
    ] {
        let text = HOST_NETWORK.replacen(from, to, 1);
        assert_ne!(text, HOST_NETWORK, "{from}");
        write(&folder, "p.yaml", &text);
        let ran = run(&folder, &eval("p.yaml"));
        assert!(ran.out.is_empty(), "{}", ran.out);
        ran.says(3, said);
    }
}

#[test]
fn no_policy_is_said_with_what_to_do() {
    let folder = shop("policy-none");
    run(&folder, &["policy", "eval", "pod.yaml"]).says(3, &["--policy", "pack:builtin"]);
    run(&folder, &eval("pod.yaml")).says(3, &["no policy in pod.yaml", "pack:builtin"]);
    run(&folder, &eval("nowhere")).says(3, &["nowhere: cannot be opened", "check the path"]);
    run(&folder, &eval("pack:nothing")).says(3, &["no pack `nothing`", "builtin", "image-digests"]);
    run(&folder, &["scan", "manifests", "pod.yaml", "--facts", "pod.yaml"])
        .says(3, &["--facts has no effect without --policy"]);
    run(&folder, &["scan", "manifests", "pod.yaml", "--check", "policy/*"]).says(3, &["policy/NAME", "--policy"]);
    run(&folder, &["scan", "manifests", "pod.yaml", "-p", "host.yaml", "--check", "policy/x"]).says(3, &["policy/x"]);
    run(&folder, &["explain", "policy/x"]).says(3, &["kobuk policy explain"]);
}

#[test]
fn facts_that_cannot_be_used_are_named() {
    let folder = shop("policy-facts");
    let with = |words: &[&'static str]| [&["policy", "eval", "pod.yaml", "-p", "host.yaml"][..], words].concat();
    run(&folder, &with(&["--facts", "nowhere"])).says(3, &["facts cannot be used", "nowhere", "check the path"]);
    run(&folder, &with(&["--complete", "foo"])).says(3, &["--complete `foo` is no kind", "apps/Deployment"]);
    write(&folder, "twice.yaml", "a: 1\nb: {c: 1, c: 2}\n");
    run(&folder, &with(&["--facts", "twice.yaml"]))
        .says(3, &["twice.yaml:2:11", "the key `c` stands here for the second time"]);
    write(&folder, "nameless.yaml", "apiVersion: v1\nkind: ConfigMap\n");
    run(&folder, &with(&["--facts", "nameless.yaml"])).says(3, &["nameless.yaml:1:1", "metadata.name"]);
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
    write(&folder, "two.yaml", &format!("{namespace}---\n{namespace}"));
    run(&folder, &with(&["--facts", "two.yaml"])).says(3, &["two.yaml:5:1", "Namespace shop"]);
    run(&folder, &with(&["--facts", "two.yaml", "--group", "dev"])).says(3, &["--user"]);
    run(&folder, &with(&["--kubernetes-version", "latest"])).says(3, &["v1.36"]);
}

/// A key that stands twice in a policy may hide what it says, in whatever document of the file it stands.
#[test]
fn a_repeated_key_refuses_the_file() {
    let folder = shop("policy-repeated");
    write(&folder, "p.yaml", &format!("{HOST_NETWORK}---\na: 1\na: 2\n"));
    run(&folder, &eval("p.yaml")).says(3, &["the key `a` stands here for the second time"]);
}

#[test]
fn a_large_policy_is_refused_and_a_large_object_is_judged() {
    let folder = shop("policy-large");
    let long = format!("'{}' == ''", "x".repeat(200_000));
    write(
        &folder,
        "p.yaml",
        &HOST_NETWORK.replace("'!object.spec.?hostNetwork.orValue(false)'", &format!("\"{long}\"")),
    );
    let ran = run(&folder, &eval("p.yaml"));
    assert!(ran.code == 1 || ran.code == 3, "{} {}", ran.code, ran.talk.len());
    let deep = "(".repeat(50_000);
    write(
        &folder,
        "p.yaml",
        &HOST_NETWORK.replace("'!object.spec.?hostNetwork.orValue(false)'", &format!("\"{deep}\"")),
    );
    run(&folder, &eval("p.yaml")).says(3, &["compilation failed"]);
    let notes: String = (0..20_000).map(|number| format!("a{number}: {}, ", "x".repeat(100))).collect();
    let large = crate::POD.replace("namespace: shop}", &format!("namespace: shop, annotations: {{{notes}}}}}"));
    write(&folder, "large.yaml", &large);
    run(&folder, &["policy", "eval", "large.yaml", "-p", "host.yaml"]).says(1, &["no host network"]);
}

#[test]
fn tests_say_what_they_expected() {
    let folder = shop("policy-test");
    let table = |expect: &str| {
        format!(
            "apiVersion: kobuk.dev/v1alpha1\nkind: PolicyTest\nmetadata: {{name: t}}\npolicies: [host.yaml]\ncases:\n\
             - name: a pod\n  object: pod.yaml\n  expect: {expect}\n"
        )
    };
    write(&folder, "t.yaml", &table("deny"));
    run(&folder, &["policy", "test", "t.yaml"]).says(0, &["1 passed, 0 failed"]);
    run(&folder, &["policy", "test", "t.yaml", "--verbose"]).says(0, &["ok      t.yaml: t: a pod"]);
    write(&folder, "t.yaml", &table("allow"));
    run(&folder, &["policy", "test", "t.yaml"]).says(1, &["FAILED", "expected allow, found deny: no host network"]);
    let json = run(&folder, &["policy", "test", "t.yaml", "--format", "json"]).json();
    assert_eq!((&json["failed"], &json["cases"][0]["outcome"]), (&1.into(), &"failed".into()));
    write(&folder, "t.yaml", &table("deny\n  message: '('"));
    run(&folder, &["policy", "test", "t.yaml"]).says(2, &["BROKEN", "cases[0].message", "t.yaml:"]);
    write(&folder, "t.yaml", &table("maybe"));
    run(&folder, &["policy", "test", "t.yaml"]).says(2, &["must be allow, deny, warn"]);
    write(&folder, "t.yaml", &table("deny\n  opration: CREATE"));
    run(&folder, &["policy", "test", "t.yaml"]).says(2, &["cases[0].opration", "known are"]);
    write(&folder, "t.yaml", &table("deny").replace("pod.yaml", "nowhere.yaml"));
    run(&folder, &["policy", "test", "t.yaml"]).says(2, &["nowhere.yaml", "check the path"]);
    write(&folder, "t.yaml", &table("deny").replace("host.yaml", "nowhere.yaml"));
    run(&folder, &["policy", "test", "t.yaml"]).says(1, &["the policies do not load", "nowhere.yaml"]);
    run(&folder, &["policy", "test", "pod.yaml"]).says(2, &["no PolicyTest and no Suite"]);
    run(&folder, &["policy", "test", "nowhere"]).says(2, &["nowhere", "check the path"]);
}

#[test]
fn conversions_say_what_they_did() {
    let folder = shop("policy-convert");
    run(&folder, &["policy", "convert"]).says(3, &["--builtin"]);
    run(&folder, &["policy", "convert", "--builtin", "--check", "nothing"]).says(3, &["--check `nothing`"]);
    let ran =
        run(&folder, &["policy", "convert", "--builtin", "--check", "rbac-*,service-*", "--action", "Warn,Audit"]);
    assert!(ran.out.contains("validationActions: [Warn, Audit]") && !ran.out.contains("pod-security"), "{}", ran.out);
    write(&folder, "exported.yaml", &ran.out);
    ran.says(0, &["built-in checks as ValidatingAdmissionPolicies"]);
    run(&folder, &["policy", "eval", "pod.yaml", "-p", "exported.yaml"]).says(0, &["0 refused"]);
    run(&folder, &["policy", "convert", "--builtin", "--action", "Refuse"]).says(3, &["Deny, Warn, Audit"]);
}
