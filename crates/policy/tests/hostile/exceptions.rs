//! Two exceptions accept what one of them accepts, and nothing more.

use std::collections::BTreeSet;

use model::Exception;
use policy::{Config, Engine};

use crate::random::Random;

fn exception(random: &mut Random, number: usize) -> String {
    let mut scope = String::new();
    for (key, values) in
        [("names", &["web", "db"][..]), ("namespaces", &["shop", "bank"]), ("kinds", &["Pod", "Deployment"])]
    {
        if random.below(2) == 0 {
            scope.push_str(&format!("    {key}: [{}]\n", random.one(values)));
        }
    }
    let finding = random.one(&["pod-security-privileged", "pod-security-host-namespaces", "pod-security-*"]);
    let expires = random.one(&["2099-01-01", "2020-01-01"]);
    let scope = if scope.is_empty() { "    names: ['*']\n".to_owned() } else { scope };
    format!(
        "---\napiVersion: kobuk.dev/v1alpha1\nkind: Exception\nmetadata: {{name: e{number}}}\nspec:\n  owner: us\n  \
         reason: known\n  expires: {expires}\n  findings: ['{finding}']\n  scope:\n{scope}"
    )
}

const WORKLOADS: &str = "apiVersion: v1\nkind: List\nitems:\n\
    - {apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: &bad {hostNetwork: true, containers: \
    [{name: c, image: i, securityContext: {privileged: true}}]}}\n\
    - {apiVersion: v1, kind: Pod, metadata: {name: db, namespace: shop}, spec: *bad}\n\
    - {apiVersion: v1, kind: Pod, metadata: {name: web, namespace: bank}, spec: *bad}\n\
    - {apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {template: {spec: *bad}}}\n";

/// Positions and codes of the findings that are accepted.
fn excepted(engine: &Engine<'_>, exceptions: &str) -> BTreeSet<(u32, &'static str)> {
    let text = format!("{WORKLOADS}{exceptions}");
    let mut worker = engine.worker();
    worker.file(model::FileId(0), text.len() as u64, &text);
    let outcome = engine.finish(vec![worker]);
    assert!(outcome.findings.len() >= 8, "{:#?}", outcome.findings);
    let exceptions: Vec<Exception> = outcome.exceptions;
    let (_, excepted, _) = model::exception::apply(outcome.findings, exceptions, NOW_UNIX, |_| "a.yaml");
    excepted.iter().map(|(finding, _)| (finding.location.start, finding.rule.code)).collect()
}

/// 2026-11-23.
const NOW_UNIX: i64 = 1_795_392_000;

#[test]
fn together_they_accept_what_one_of_them_accepts() {
    let checks = vec!["pod-security-privileged".into(), "pod-security-host-namespaces".into()];
    let config = Config { checks, pod_security: "baseline".parse().unwrap(), ..Config::default() };
    let engine = Engine::new(&config);
    let mut random = Random(0xabcd_ef01_2345_6789);
    let mut some = 0;
    for _ in 0..300 {
        let (first, second) = (exception(&mut random, 1), exception(&mut random, 2));
        let (one, two) = (excepted(&engine, &first), excepted(&engine, &second));
        let both = excepted(&engine, &format!("{first}{second}"));
        assert_eq!(both, &one | &two, "{first}{second}");
        some += usize::from(!both.is_empty());
    }
    assert!(some > 50, "{some}");
}
