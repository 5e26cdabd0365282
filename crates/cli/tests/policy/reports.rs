//! Policies beside the built-in checks: findings in every format, exceptions, baselines, controls, what is undecided.

use serde_json::Value;

use crate::{HOST_NETWORK, POD, run, shop, write};

const SCAN: [&str; 7] = ["scan", "manifests", "pod.yaml", "--policy", "host.yaml", "--check", "policy/*"];

fn scan<'w>(more: &[&'w str]) -> Vec<&'w str> {
    [&SCAN[..], more].concat()
}

#[test]
fn every_format_tells_the_finding() {
    let folder = shop("policy-formats");
    for format in ["text", "json", "sarif", "junit", "markdown", "github", "html", "openreports", "oscal"] {
        let ran = run(&folder, &scan(&["--format", format])).says(1, &["no host network", "no-host-network"]);
        let control = !matches!(format, "junit" | "github" | "markdown");
        assert!(!control || ran.out.contains("NW-12"), "{format} names no control:\n{}", ran.out);
    }
}

#[test]
fn severity_title_and_controls_come_from_the_policy() {
    let folder = shop("policy-annotations");
    let report = run(&folder, &scan(&["--format", "json"])).json();
    let finding = &report["findings"][0];
    assert_eq!((&finding["code"], &finding["severity"]), (&"policy/no-host-network".into(), &"critical".into()));
    run(&folder, &["assess", "pod.yaml", "-p", "host.yaml", "--check", "policy/*"])
        .says(1, &["NW-12", "DE-01", "critical"]);
    write(&folder, "host.yaml", &HOST_NETWORK.replace("kobuk.dev/severity: critical, ", ""));
    assert_eq!(run(&folder, &scan(&["--format", "json"])).json()["findings"][0]["severity"], "medium");
    let bound = "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\n\
                 metadata: {name: b}\nspec: {policyName: no-host-network, validationActions: [ACTION]}\n";
    for (action, severity) in [("Warn", "low"), ("Audit", "info"), ("Deny", "critical")] {
        write(&folder, "host.yaml", &format!("{HOST_NETWORK}{}", bound.replace("ACTION", action)));
        let finding = run(&folder, &scan(&["--format", "json"])).json()["findings"][0].clone();
        assert_eq!(finding["severity"], severity, "{finding}");
    }
}

#[test]
fn checks_are_chosen_by_code() {
    let folder = shop("policy-choice");
    let codes = |words: &[&str]| -> Vec<String> {
        let report = run(&folder, &[words, &["--format", "json"]].concat()).json();
        let findings = report["findings"].as_array().unwrap().clone();
        findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes(&scan(&[])), ["policy/no-host-network"]);
    let both = codes(&["scan", "manifests", "pod.yaml", "-p", "host.yaml"]);
    assert!(
        both.iter().any(|code| code == "policy/no-host-network") && both.iter().any(|code| code.starts_with("pod-"))
    );
    let skipped = codes(&["scan", "manifests", "pod.yaml", "-p", "host.yaml", "--skip", "policy/*"]);
    assert_eq!(skipped.len() + 1, both.len());
    let by_control = codes(&["scan", "manifests", "pod.yaml", "-p", "host.yaml", "--controls", "NW-12"]);
    assert!(by_control.iter().any(|code| code == "policy/no-host-network"), "{by_control:?}");
}

#[test]
fn exceptions_and_baselines_cover_policies() {
    let folder = shop("policy-exceptions");
    let exception = "apiVersion: kobuk.dev/v1alpha1\nkind: Exception\nmetadata: {name: e}\nspec:\n  owner: us\n  reason: old\n  \
                     expires: 2027-01-01\n  findings: [policy/no-host-network]\n  scope: {names: [web]}\n";
    write(&folder, "e.yaml", exception);
    let report = run(&folder, &scan(&["--exceptions", "e.yaml", "--format", "json"])).says(0, &[]).json();
    assert_eq!((report["findings"].as_array().unwrap().len(), report["excepted"].as_array().unwrap().len()), (0, 1));
    write(&folder, "e.yaml", &exception.replace("[web]", "[db]"));
    run(&folder, &scan(&["--exceptions", "e.yaml"])).says(1, &["no host network"]);
    let known = run(&folder, &scan(&["--format", "json"])).out;
    write(&folder, "known.json", &known);
    run(&folder, &scan(&["--baseline", "known.json"])).says(0, &[]);
}

#[test]
fn what_is_undecided_is_no_pass() {
    let folder = shop("policy-undecided");
    let words = ["scan", "manifests", "pod.yaml", "-p", "pack:allowed-registries", "--check", "policy/*"];
    run(&folder, &words).says(2, &["undecided", "kube-system/allowed-registries", "--facts"]);
    run(&folder, &[&words[..], &["--allow-unknown"]].concat()).says(0, &["undecided"]);
    let report = run(&folder, &[&words[..], &["--format", "json"]].concat()).json();
    assert_eq!(report["coverage"]["files"][0]["gaps"][0]["kind"], "undecided");
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schemas/report-v1.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    assert!(schema.to_string().contains("\"undecided\""), "the schema of reports does not know the gap");
    let parameter = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: allowed-registries, namespace: kube-system}\n\
                     data: {registries: docker.io/library}\n";
    write(&folder, "facts.yaml", parameter);
    run(&folder, &[&words[..], &["--facts", "facts.yaml"]].concat()).says(0, &[]);
}

#[test]
fn a_wrong_policy_stops_a_scan_before_it_reports() {
    let folder = shop("policy-scan-broken");
    write(&folder, "host.yaml", &HOST_NETWORK.replace("message:", "mesage:"));
    let ran = run(&folder, &scan(&[]));
    assert!(ran.out.is_empty());
    ran.says(3, &["host.yaml:11:5", "mesage"]);
}

/// What a policy says is text of others: a terminal, a browser and a parser must not obey it.
#[test]
fn hostile_messages_are_escaped() {
    let folder = shop("policy-hostile-text");
    let text = "<script>x</script> ]]> ::error:: \\u001b[31m";
    write(&folder, "host.yaml", &HOST_NETWORK.replace("message: no host network", &format!("message: \"{text}\"")));
    for format in ["text", "json", "sarif", "junit", "markdown", "github", "html", "openreports", "oscal"] {
        let ran = run(&folder, &scan(&["--format", format]));
        assert_eq!(ran.code, 1, "{format}: {}", ran.talk);
        assert!(!ran.out.contains('\u{1b}'), "{format}");
        let raw = matches!(format, "html" | "junit" | "markdown") && ran.out.contains("<script>x");
        assert!(!raw, "{format}:\n{}", ran.out);
    }
    let ran = run(&folder, &["policy", "eval", "pod.yaml", "-p", "host.yaml"]);
    assert!(!ran.out.contains('\u{1b}') && ran.code == 1, "{}", ran.out);
}

#[test]
fn many_objects_and_the_same_report_with_any_number_of_threads() {
    let folder = shop("policy-threads");
    for number in 0..40 {
        write(&folder, &format!("many/{number}.yaml"), &POD.replace("web", &format!("web-{number}")));
    }
    let report = |jobs: &str| {
        let words =
            ["scan", "manifests", "many", "-p", "host.yaml", "--check", "policy/*", "--format", "json", "--jobs", jobs];
        run(&folder, &words).says(1, &[]).out
    };
    assert_eq!(report("1"), report("4"));
}
