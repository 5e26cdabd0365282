//! The record that every format is read into: the OSV schema, widened by what distributions say beyond it.

/// One advisory of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advisory {
    /// Its own name: `CVE-2024-1234`, `GHSA-…`, `DSA-5555-1`, `RHSA-2024:1234`.
    pub id: Box<str>,
    /// Other names of the same vulnerability.
    pub aliases: Vec<Box<str>>,
    /// Vulnerabilities that it is about without being the same: the CVEs of a distribution's advisory (OSV `upstream`).
    pub upstream: Vec<Box<str>>,
    /// One line.
    pub summary: Box<str>,
    /// What it is about instead of a vulnerability: `unmaintained`, `unsound`, `notice`; empty for vulnerabilities.
    pub informational: Box<str>,
    /// When it was published, as seconds since 1970.
    pub published_unix: Option<i64>,
    /// When it last changed, as seconds since 1970.
    pub modified_unix: Option<i64>,
    /// When it was withdrawn or rejected, as seconds since 1970; such a record matches nothing.
    pub withdrawn_unix: Option<i64>,
    /// How bad it is, by whom.
    pub severities: Vec<Severity>,
    /// Weaknesses: `CWE-79`.
    pub cwes: Vec<Box<str>>,
    /// Web pages about it, the advisory itself first.
    pub references: Vec<Box<str>>,
    /// What is affected.
    pub affected: Vec<Affected>,
}

/// One package, or one product, with its versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affected {
    /// Ecosystem as OSV names it: `npm`, `Debian:12`, `Alpine:v3.20`, `Red Hat:enterprise_linux:9`; for records of the NVD
    /// `CPE`.
    pub ecosystem: Box<str>,
    /// Name of the package in that ecosystem; for the NVD, `vendor:product`.
    pub package: Box<str>,
    /// Whether the name is one of a source package. Debian's and Ubuntu's are.
    pub of_source: bool,
    /// Which versions; empty together with `versions` means all of them.
    pub ranges: Vec<Range>,
    /// Versions named one by one.
    pub versions: Vec<Box<str>>,
    /// What the publisher says of it.
    pub status: Status,
    /// How bad it is in this package, where it differs.
    pub severities: Vec<Severity>,
    /// Architectures; empty means all.
    pub arches: Vec<Box<str>>,
    /// Module stream of rpm, `name:stream`; empty means none.
    pub module: Box<str>,
    /// Functions or paths that are vulnerable, as Go's and Rust's databases name them.
    pub symbols: Vec<Box<str>>,
}

/// Versions from one event to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// First affected version; `None` means from the beginning.
    pub introduced: Option<Box<str>>,
    /// Whether `introduced` itself is not affected, but what comes behind it (NVD `versionStartExcluding`).
    pub exclusive: bool,
    /// Where it ends.
    pub end: End,
}

/// Where affected versions end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// They do not: no fix is known.
    #[default]
    Open,
    /// First version that is not affected any more.
    Fixed(Box<str>),
    /// Last affected version.
    LastAffected(Box<str>),
    /// Version before which affected versions end, without being a fix (OSV `limit`, NVD `versionEndExcluding`).
    Before(Box<str>),
}

/// What the publisher says of a package.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The versions are affected.
    #[default]
    Affected,
    /// Affected, and the publisher will not fix it there.
    WontFix,
    /// Affected, and the fix waits.
    FixDeferred,
    /// Affected, in a product that is no longer maintained.
    EndOfLife,
    /// Nobody knows yet.
    UnderInvestigation,
    /// The publisher says that it is not affected.
    NotAffected,
}

/// One opinion how bad it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Severity {
    /// Who says so: `nvd`, `ghsa`, `debian`, `redhat`; empty for the record's own source.
    pub by: Box<str>,
    /// In what terms.
    pub score: Score,
}

/// Terms of severity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Score {
    /// A CVSS vector of version 2, 3.0, 3.1 or 4.0 as written.
    Cvss(Box<str>),
    /// A word of the publisher: `important`, `unimportant`, `negligible`.
    Word(Box<str>),
}

/// Where records come from, under which licence, and how old they are. A record without one is not used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Short stable name: `debian`, `ghsa`, `alpine`.
    pub name: Box<str>,
    /// Where the file was fetched from.
    pub url: Box<str>,
    /// SPDX expression of the licence of the data.
    pub license: Box<str>,
    /// When the source says that it was made; seconds since 1970.
    pub made_unix: Option<i64>,
    /// When it was fetched; seconds since 1970.
    pub fetched_unix: i64,
    /// Ecosystems that it covers wholly, so that silence about a package means something: `Debian`, `Alpine:v3.20`.
    pub covers: Vec<Box<str>>,
}

/// That a vulnerability is known to be exploited (CISA KEV).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exploited {
    /// The CVE.
    pub id: Box<str>,
    /// Since when it is in the catalogue, `YYYY-MM-DD`.
    pub added: Box<str>,
    /// Until when federal agencies must act, `YYYY-MM-DD`.
    pub due: Box<str>,
    /// Whether ransomware campaigns use it.
    pub ransomware: bool,
}

/// The probability that a vulnerability is exploited in the next thirty days (EPSS).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Epss {
    /// The CVE.
    pub id: Box<str>,
    /// Probability, 0 to 1.
    pub probability: f32,
    /// Share of vulnerabilities with a lower probability, 0 to 1.
    pub percentile: f32,
}
