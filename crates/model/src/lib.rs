//! The vocabulary that every part of Kobuk shares.
//!
//! In scope: the control catalogue, phases and areas, rules, findings with their subjects and
//! locations, digests, packages, coverage, exceptions, and the fold of all of them into a posture.
//!
//! Out of scope: reading manifests (`manifest`), deciding what is wrong (`policy`), files, clocks
//! and output formats (`cli`). Nothing in this crate performs I/O or asks for the time.

pub mod catalogue;
pub mod causes;
pub mod coverage;
pub mod digest;
pub mod exception;
pub mod finding;
pub mod package;
pub mod posture;
pub mod purl;
pub mod report;
pub mod rule;
pub mod severity;

pub use catalogue::{Area, Control, Input, Phase};
pub use coverage::{Coverage, FileCoverage, Judgement};
pub use digest::Digest;
pub use exception::{Exception, ExceptionUse};
pub use finding::{FileId, Finding, Location, Subject};
pub use package::{Distro, Package};
pub use posture::{Posture, State};
pub use purl::Purl;
pub use report::Report;
pub use rule::{Absence, Proof, Rule, Scope, Serves};
pub use severity::Severity;
