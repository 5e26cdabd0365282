//! What an earlier report already had.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use model::Finding;

/// The baseline cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BaselineError {
    #[error("the baseline {} {message}", path.display())]
    Unreadable { path: PathBuf, message: String },
    #[error("the baseline {} is no JSON report of Kobuk: {source}; write one with --format json", path.display())]
    NotReport { path: PathBuf, source: serde_json::Error },
}

/// Findings of an earlier report, counted by fingerprint.
#[derive(Debug, Default)]
pub(crate) struct Baseline(HashMap<String, usize>);

/// The part of a JSON report that a baseline needs.
#[derive(serde::Deserialize)]
struct Report {
    findings: Vec<Known>,
    #[serde(default)]
    excepted: Vec<Known>,
}

#[derive(serde::Deserialize)]
struct Known {
    fingerprint: String,
}

impl Baseline {
    pub(crate) fn read(path: &Path) -> Result<Self, BaselineError> {
        let bytes =
            crate::input::read(path).map_err(|message| BaselineError::Unreadable { path: path.to_owned(), message })?;
        let report: Report = serde_json::from_slice(&bytes)
            .map_err(|source| BaselineError::NotReport { path: path.to_owned(), source })?;
        let mut counts = HashMap::new();
        for known in report.findings.into_iter().chain(report.excepted) {
            *counts.entry(known.fingerprint).or_default() += 1;
        }
        Ok(Baseline(counts))
    }

    /// Drops findings that the baseline has, each as often as it has them. Returns how many.
    pub(crate) fn subtract(mut self, findings: &mut Vec<Finding>) -> usize {
        let before = findings.len();
        findings.retain(|finding| match self.0.get_mut(&finding.fingerprint()) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        });
        before - findings.len()
    }
}
