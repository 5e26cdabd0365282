//! The one door of the tests of these checks.

use model::{FileId, Finding};

use crate::{Config, Engine};

/// Findings on a text, with the default settings.
pub(crate) fn findings(yaml: &str) -> Vec<Finding> {
    findings_with(&Config::default(), yaml)
}

/// Findings on a text.
pub(crate) fn findings_with(config: &Config, yaml: &str) -> Vec<Finding> {
    let engine = Engine::new(config);
    let mut worker = engine.worker();
    worker.file(FileId(0), yaml.len() as u64, yaml);
    engine.finish(vec![worker]).findings
}

/// Asserts that a code is reported, and gives its first finding.
#[track_caller]
pub(crate) fn reports(yaml: &str, code: &str) -> Finding {
    let findings = findings(yaml);
    let codes: Vec<_> = findings.iter().map(|finding| finding.rule.code).collect();
    let found = findings.iter().find(|finding| finding.rule.code == code).cloned();
    found.unwrap_or_else(|| panic!("{code} is not among {codes:?} for\n{yaml}"))
}

/// Asserts that a code is not reported.
#[track_caller]
pub(crate) fn accepts(yaml: &str, code: &str) {
    if let Some(finding) = findings(yaml).iter().find(|finding| finding.rule.code == code) {
        panic!("{code} is reported: {} for\n{yaml}", finding.message);
    }
}

/// A pod whose spec is the given lines.
pub(crate) fn pod(spec: &str) -> String {
    format!("apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n{}", indent(spec, 2))
}

/// A pod with one container that has the given lines.
pub(crate) fn container(fields: &str) -> String {
    pod(&format!("containers:\n- name: web\n{}", indent(fields, 2)))
}

/// A Deployment whose pod spec is the given lines.
pub(crate) fn deployment(spec: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  template:\n    metadata:\n      labels: {{app: web}}\n    spec:\n{}",
        indent(spec, 6)
    )
}

/// Lines moved to the right.
pub(crate) fn indent(lines: &str, by: usize) -> String {
    lines.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect()
}
