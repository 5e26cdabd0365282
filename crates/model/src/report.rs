//! The report: everything one run found, with enough to print it in any format.

use crate::{Coverage, ExceptionUse, Finding, Posture};

/// The outcome of one run.
#[derive(Debug, Default)]
pub struct Report {
    /// Paths as shown to the user, indexed by [`crate::FileId`]. Standard input is `<stdin>`.
    pub files: Vec<Box<str>>,
    /// Findings that count, ordered by file and place.
    pub findings: Vec<Finding>,
    /// Findings that a valid exception accepts, each with the index of that exception.
    pub excepted: Vec<(Finding, usize)>,
    /// All exceptions read, with what each of them did.
    pub exceptions: Vec<ExceptionUse>,
    /// What was looked at.
    pub coverage: Coverage,
    /// State of every control, in catalogue order. Empty for runs that do not assess.
    pub posture: Vec<Posture>,
    /// Findings left out because the baseline already has them.
    pub baselined: usize,
}

impl Report {
    /// The shown path of a file.
    pub fn path(&self, file: crate::FileId) -> &str {
        self.files.get(file.0 as usize).map_or("", |path| path)
    }
}
