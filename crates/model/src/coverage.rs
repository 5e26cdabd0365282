//! What was looked at, what was not, and why.

use crate::rule::Scope;
use crate::{FileId, Location};

/// What became of one file.
#[derive(Clone, Debug)]
pub struct FileCoverage {
    /// The file.
    pub file: FileId,
    /// Size in bytes.
    pub bytes: u64,
    /// Number of YAML or JSON documents found.
    pub documents: u32,
    /// Number of Kubernetes objects judged.
    pub objects: u32,
    /// What became of it as a whole.
    pub judgement: Judgement,
    /// Parts that could not be judged, each with its place and reason.
    pub gaps: Vec<Gap>,
}

impl FileCoverage {
    /// Records a part that could not be judged.
    pub fn gap(&mut self, kind: GapKind, location: Location, message: impl Into<Box<str>>) {
        self.gaps.push(Gap { kind, location, message: message.into() });
    }
}

/// What became of a file or of the whole input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Every document was judged.
    Judged,
    /// Some documents were judged and some not; see the gaps.
    Partly,
    /// Nothing could be judged although the file claims to be Kubernetes configuration.
    NotJudged,
    /// Not Kubernetes configuration: no object in it has both `apiVersion` and `kind`.
    NotKubernetes,
    /// Judged through its rendered form (chart template, kustomization).
    Rendered,
    /// Left out on purpose: ignore files, include and exclude patterns.
    Excluded,
}

impl Judgement {
    /// The lower-case word used in every output format.
    pub fn as_str(self) -> &'static str {
        match self {
            Judgement::Judged => "judged",
            Judgement::Partly => "partly-judged",
            Judgement::NotJudged => "not-judged",
            Judgement::NotKubernetes => "not-kubernetes",
            Judgement::Rendered => "rendered",
            Judgement::Excluded => "excluded",
        }
    }
}

/// A part of the input that could not be judged.
#[derive(Clone, Debug)]
pub struct Gap {
    /// Why.
    pub kind: GapKind,
    /// Where; line 0 when it concerns the whole file.
    pub location: Location,
    /// One sentence naming what is wrong and what to do, without a trailing period.
    pub message: Box<str>,
}

/// Why a part could not be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapKind {
    /// The bytes are not valid YAML or JSON, or a limit was met. Exit code 2.
    Error,
    /// The file could not be opened or read. Exit code 2.
    Unreadable,
    /// A template that nothing rendered. Exit code 2 unless unknowns are allowed.
    NotRendered,
    /// An object that may embed a pod in a shape that is not understood.
    NotUnderstood,
    /// A check failed on one object; the others were judged. Exit code 2.
    CheckFailed,
    /// More findings than the limit for one object; the rest is not listed.
    Truncated,
    /// A user's policy depends on facts about the cluster that nobody gave. Exit code 2 unless unknowns are allowed.
    Undecided,
    /// Nothing tells it: no advisory source covers a system, advisories are stale, an image was not scanned. Exit code 2
    /// unless unknowns are allowed.
    Unknown,
}

impl GapKind {
    /// The lower-case word used in every output format.
    pub fn as_str(self) -> &'static str {
        match self {
            GapKind::Error => "error",
            GapKind::Unreadable => "unreadable",
            GapKind::NotRendered => "not-rendered",
            GapKind::NotUnderstood => "not-understood",
            GapKind::CheckFailed => "check-failed",
            GapKind::Truncated => "truncated",
            GapKind::Undecided => "undecided",
            GapKind::Unknown => "unknown",
        }
    }

    /// Whether the gap alone makes the run end with exit code 2.
    pub fn fails_run(self) -> bool {
        !matches!(self, GapKind::NotUnderstood | GapKind::Truncated)
    }
}

/// Everything that was looked at.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// One entry per file, in the order of [`crate::Report::files`].
    pub files: Vec<FileCoverage>,
    /// How many things of each [`Scope`] the checks saw.
    pub scopes: ScopeCounts,
}

impl Coverage {
    /// All gaps of all files.
    pub fn gaps(&self) -> impl Iterator<Item = &Gap> {
        self.files.iter().flat_map(|file| &file.gaps)
    }

    /// Number of objects judged.
    pub fn objects(&self) -> u64 {
        self.files.iter().map(|file| u64::from(file.objects)).sum()
    }

    /// Number of documents read.
    pub fn documents(&self) -> u64 {
        self.files.iter().map(|file| u64::from(file.documents)).sum()
    }

    /// Number of files that ended with the given judgement.
    pub fn files_with(&self, judgement: Judgement) -> usize {
        self.files.iter().filter(|file| file.judgement == judgement).count()
    }
}

/// A counter per [`Scope`].
#[derive(Clone, Debug)]
pub struct ScopeCounts([u64; Scope::COUNT]);

impl Default for ScopeCounts {
    fn default() -> Self {
        ScopeCounts([0; Scope::COUNT])
    }
}

impl ScopeCounts {
    /// How many things of the scope were seen.
    pub fn count(&self, scope: Scope) -> u64 {
        self.0[scope as usize]
    }

    /// Counts one more.
    pub fn see(&mut self, scope: Scope) {
        self.0[scope as usize] += 1;
    }

    /// Adds the counters of another worker.
    pub fn merge(&mut self, other: &ScopeCounts) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}
