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
    /// What vulnerabilities were judged by. Empty for runs that judge none, and where there was no database.
    pub advisories: Vec<AdvisorySource>,
    /// Upgrades that clear vulnerabilities, ordered by file and package.
    pub upgrades: Vec<Upgrade>,
}

/// A source of advisories, and how old what it said is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvisorySource {
    /// Its name.
    pub name: Box<str>,
    /// Terms under which it may be used, as an SPDX expression or in words.
    pub license: Box<str>,
    /// When it was made, or fetched where it does not say, in seconds since 1970.
    pub since_unix: i64,
    /// Seconds since then; `None` where that lies in the future.
    pub age_s: Option<i64>,
    /// Whether it is too old for its silence to mean anything.
    pub stale: bool,
}

/// An upgrade of one package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The image or folder that has the package.
    pub file: crate::FileId,
    /// Name of the package.
    pub package: Box<str>,
    /// Its version now.
    pub installed: Box<str>,
    /// The smallest version that is known to clear.
    pub to: Box<str>,
    /// Names of the vulnerabilities that it clears, in order.
    pub clears: Vec<Box<str>>,
    /// Names of those that stay because no fix is known, in order.
    pub stays: Vec<Box<str>>,
    /// Where the upgrade is made.
    pub by: UpgradeBy,
}

/// Where an upgrade is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpgradeBy {
    /// In the package itself.
    Package,
    /// In the package that needs it: the project does not name it.
    Dependent,
    /// By a newer base image.
    Base,
}

impl UpgradeBy {
    /// In words, as the end of "made in".
    pub fn words(self) -> &'static str {
        match self {
            UpgradeBy::Package => "the package",
            UpgradeBy::Dependent => "what needs it",
            UpgradeBy::Base => "a newer base image",
        }
    }

    /// As programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            UpgradeBy::Package => "package",
            UpgradeBy::Dependent => "dependent",
            UpgradeBy::Base => "base-image",
        }
    }
}

impl Report {
    /// The shown path of a file.
    pub fn path(&self, file: crate::FileId) -> &str {
        self.files.get(file.0 as usize).map_or("", |path| path)
    }
}
