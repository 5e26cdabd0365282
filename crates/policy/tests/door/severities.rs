//! One door for many cases: what a code says of a text, and how badly.

use model::{FileId, Finding, Severity};
use policy::{Config, Engine};

pub(crate) fn findings(yaml: &str) -> Vec<Finding> {
    let config = Config::default();
    let engine = Engine::new(&config);
    let mut worker = engine.worker();
    worker.file(FileId(0), yaml.len() as u64, yaml);
    let outcome = engine.finish(vec![worker]);
    assert!(outcome.files[0].gaps.is_empty(), "{:?}\n{yaml}", outcome.files[0].gaps);
    outcome.findings
}

pub(crate) fn severities(yaml: &str, code: &str) -> Vec<Severity> {
    findings(yaml).iter().filter(|finding| finding.rule.code == code).map(|finding| finding.severity).collect()
}

#[track_caller]
pub(crate) fn reports(yaml: &str, code: &str, severity: Severity) {
    assert_eq!(severities(yaml, code), [severity], "{code}\n{yaml}");
}

#[track_caller]
pub(crate) fn accepts(yaml: &str, code: &str) {
    assert_eq!(severities(yaml, code), [], "{code}\n{yaml}");
}
