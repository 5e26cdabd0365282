//! Judging pods as the API server would in their namespaces.

#![allow(clippy::unwrap_used)]

use manifest::object::{Found, objects};
use model::{FileId, Finding, Severity};
use policy::pod_security::{Admission, Standard};
use policy::{Config, Engine};

fn admission(text: &str) -> Admission {
    let mut admission = Admission::default();
    manifest::documents(text, FileId(0), |document| {
        objects(&document.unwrap(), |found| {
            if let Found::Object(object) = found {
                admission.collect(&object);
            }
        });
    });
    admission
}

fn findings(text: &str) -> Vec<Finding> {
    let mut config = Config { checks: vec!["pod-security-*".into(), "pod-admission-*".into()], ..Config::default() };
    config.pod_security = "labels".parse().unwrap();
    *config.pod_security.admission_mut().unwrap() = admission(text);
    let engine = Engine::new(&config);
    let mut worker = engine.worker();
    worker.file(FileId(0), text.len() as u64, text);
    engine.finish(vec![worker]).findings
}

/// Code and mode of every finding.
fn said(text: &str) -> Vec<(String, String)> {
    let of = |finding: &Finding| {
        let code = finding.rule.code.trim_start_matches("pod-security-").to_owned();
        (code, finding.property("mode").unwrap_or("").to_owned())
    };
    findings(text).iter().map(of).collect()
}

fn expect(text: &str, pairs: &[(&str, &str)]) {
    let mut said = said(text);
    said.sort();
    let mut pairs: Vec<_> = pairs.iter().map(|(code, mode)| ((*code).to_owned(), (*mode).to_owned())).collect();
    pairs.sort();
    assert_eq!(said, pairs, "{text}");
}

/// A namespace `shop` with these pod-security labels.
fn namespace(labels: &[(&str, &str)]) -> String {
    let labels: String =
        labels.iter().map(|(key, value)| format!("    pod-security.kubernetes.io/{key}: '{value}'\n")).collect();
    format!("---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    a: b\n{labels}")
}

/// API server defaults and exemptions.
fn configuration(text: &str) -> String {
    format!("---\napiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\n{text}\n")
}

const SPEC: &str = "hostNetwork: true, securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}, \
                    containers: [{name: c, image: i, securityContext: {capabilities: {drop: [ALL]}}}]";

/// A pod that breaks one check of baseline and one of restricted.
fn pod() -> String {
    format!("---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: shop}}\nspec: {{{SPEC}}}\n")
}

/// The same in a controller.
fn deployment() -> String {
    let metadata = "metadata: {name: d, namespace: shop}";
    format!("---\napiVersion: apps/v1\nkind: Deployment\n{metadata}\nspec: {{template: {{spec: {{{SPEC}}}}}}}\n")
}

const BASELINE: &str = "host-namespaces";
const RESTRICTED: &str = "allow-privilege-escalation";
const UNKNOWN: &str = "pod-admission-level-unknown";

#[test]
fn the_strictest_mode_that_refuses_is_told_once() {
    let labels = [("enforce", "baseline"), ("warn", "restricted"), ("audit", "restricted")];
    let text = namespace(&labels) + &pod();
    expect(&text, &[(BASELINE, "enforce"), (RESTRICTED, "warn")]);
    let findings = findings(&text);
    assert_eq!(findings[0].severity, Severity::High);
    let labels = [("enforce", "privileged"), ("audit", "restricted")];
    let text = namespace(&labels) + &pod();
    expect(&text, &[(BASELINE, "audit"), (RESTRICTED, "audit")]);
}

#[test]
fn a_controller_is_warned_of_and_logged_but_never_refused() {
    let labels = [("enforce", "restricted"), ("warn", "baseline"), ("audit", "restricted")];
    let text = namespace(&labels) + &deployment();
    expect(&text, &[(BASELINE, "warn"), (RESTRICTED, "audit")]);
    // Without a label of its own, warn follows enforce.
    let text = namespace(&[("enforce", "restricted")]) + &deployment();
    expect(&text, &[(BASELINE, "warn"), (RESTRICTED, "warn")]);
    let text = namespace(&[("enforce", "restricted"), ("warn", "privileged")]) + &deployment();
    expect(&text, &[]);
}

#[test]
fn versions_of_labels_count() {
    let text = namespace(&[("enforce", "restricted"), ("enforce-version", "v1.7")]) + &pod();
    expect(&text, &[(BASELINE, "enforce")]);
    assert_eq!(findings(&text)[0].property("version"), Some("v1.7"));
    let labels = [("enforce", "restricted"), ("enforce-version", "v1.7"), ("warn-version", "latest")];
    expect(&(namespace(&labels) + &pod()), &[(BASELINE, "enforce"), (RESTRICTED, "warn")]);
}

#[test]
fn a_namespace_that_is_not_shown_is_unknown_and_never_a_pass() {
    expect(&pod(), &[(UNKNOWN, "")]);
    expect(&deployment(), &[(UNKNOWN, "")]);
    expect(&(namespace(&[]) + &pod()), &[(UNKNOWN, "")]);
    expect(&(namespace(&[("warn", "baseline")]) + &pod()), &[(UNKNOWN, ""), (BASELINE, "warn")]);
    expect(&(namespace(&[("enforce", "privileged")]) + &pod()), &[]);
    assert_eq!(findings(&pod())[0].severity, Severity::Info);
}

#[test]
fn defaults_of_the_api_server_apply_where_labels_say_nothing() {
    let defaults = configuration("defaults: {enforce: baseline, audit: restricted, audit-version: v1.7}");
    expect(&(defaults.clone() + &pod()), &[(BASELINE, "enforce")]);
    expect(&(defaults.clone() + &namespace(&[]) + &pod()), &[(BASELINE, "enforce")]);
    expect(&(defaults + &namespace(&[("enforce", "privileged")]) + &pod()), &[(BASELINE, "audit")]);
    let inline = "---\napiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n\
                  - name: PodSecurity\n  configuration:\n    apiVersion: pod-security.admission.config.k8s.io/v1\n    \
                  kind: PodSecurityConfiguration\n    defaults: {enforce: restricted}\n";
    expect(&(inline.to_owned() + &pod()), &[(BASELINE, "enforce"), (RESTRICTED, "enforce")]);
}

#[test]
fn exemptions_apply_to_namespaces_and_runtime_classes_only_when_all_agree() {
    let exempt = configuration("defaults: {enforce: baseline}\nexemptions: {namespaces: [shop], usernames: [me]}");
    expect(&(exempt.clone() + &pod()), &[]);
    let other = configuration("defaults: {enforce: baseline}");
    expect(&(exempt + &other + &pod()), &[(BASELINE, "enforce")]);
    let class = configuration("defaults: {enforce: baseline}\nexemptions: {runtimeClasses: [vm]}");
    expect(&(class.clone() + &pod()), &[(BASELINE, "enforce")]);
    let in_class = pod().replace("hostNetwork", "runtimeClassName: vm, hostNetwork");
    expect(&(class + &in_class), &[]);
}

#[test]
fn two_descriptions_of_a_namespace_are_read_by_the_stricter() {
    let text = namespace(&[("enforce", "privileged")]) + &namespace(&[("enforce", "baseline")]) + &pod();
    expect(&text, &[(BASELINE, "enforce")]);
}

#[test]
fn unreadable_labels_are_reported_and_read_as_admission_reads_them() {
    let invalid = "pod-admission-label-invalid";
    let text = namespace(&[("enforce", "Restricted"), ("warn", "none"), ("audit-version", "1.20")]) + &pod();
    let all = [(invalid, ""), (invalid, ""), (invalid, ""), (BASELINE, "enforce"), (RESTRICTED, "enforce")];
    expect(&text, &all);
    // A misspelt key has no effect at all.
    expect(&(namespace(&[("enforced", "restricted")]) + &pod()), &[(invalid, ""), (UNKNOWN, "")]);
    expect(&namespace(&[("enforce", "baseline"), ("enforce-version", "v1.24")]), &[]);
}

#[test]
fn unreadable_defaults_are_reported() {
    let invalid = "pod-admission-configuration-invalid";
    for defaults in ["{enforce: strict}", "{warn-version: v1}", "{enforced: baseline}", "{audit: [baseline]}"] {
        expect(&configuration(&format!("defaults: {defaults}")), &[(invalid, "")]);
    }
    expect(&configuration("defaults: {enforce: baseline, enforce-version: v1.36, warn: '', audit: null}"), &[]);
}

#[test]
fn parts_of_an_input_can_be_collected_apart() {
    let mut whole = admission(&namespace(&[("enforce", "baseline")]));
    whole.merge(admission(&configuration("defaults: {warn: restricted}")));
    let applied = whole.applied("shop");
    assert_eq!(applied.levels.enforce.to_string(), "baseline:latest");
    assert_eq!(applied.levels.warn.to_string(), "restricted:latest");
    assert!(applied.enforce_known && !whole.exempts("shop", None));
    assert!(matches!("labels".parse(), Ok(Standard::Labels(_))));
}
