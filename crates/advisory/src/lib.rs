//! Knowledge about vulnerabilities: advisories in all formats that publish them, one compact database, and the judgement
//! which package is affected.
//!
//! In scope: the record that all formats are read into, importers, comparison of versions as each ecosystem does it, CVSS,
//! the database file as bytes, matching, VEX in and out, plans of upgrades.
//!
//! Out of scope: fetching and storing (`distribute`), finding packages (`image`). Nothing in this crate opens a file or
//! asks for the time; where an age matters, the caller says what time it is.

pub mod cvss;
pub mod database;
pub mod ecosystem;
pub mod import;
pub mod matching;
pub mod record;
pub mod rules;
pub mod version;

pub use rules::rules;
