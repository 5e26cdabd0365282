//! How bad a finding is.

use std::fmt;
use std::str::FromStr;

/// Severity of a finding, ordered from harmless to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; never violates a control.
    Info,
    /// Hardening that most teams postpone.
    Low,
    /// A control is missing that an attacker would have to get past.
    Medium,
    /// A direct step towards the node, the cluster or the data.
    High,
    /// Full control of a node or the cluster, or a leaked credential.
    Critical,
}

impl Severity {
    /// All severities, worst first.
    pub const ALL: [Severity; 5] =
        [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];

    /// The lower-case word used on the command line and in every output format.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// Scale from 0.0 to 10.0 as SARIF viewers expect it in `security-severity`.
    pub fn score(self) -> &'static str {
        match self {
            Severity::Info => "0.0",
            Severity::Low => "3.0",
            Severity::Medium => "5.5",
            Severity::High => "8.0",
            Severity::Critical => "9.5",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = UnknownSeverity;

    fn from_str(word: &str) -> Result<Self, UnknownSeverity> {
        Severity::ALL.into_iter().find(|s| s.as_str() == word).ok_or(UnknownSeverity)
    }
}

/// The word is none of `info`, `low`, `medium`, `high`, `critical`.
#[derive(Debug, thiserror::Error)]
#[error("not a severity; one of info, low, medium, high, critical")]
pub struct UnknownSeverity;
