//! One file per format: bytes in, records out.
//!
//! *Guarantees*: a record that cannot be read is counted and named with its field in [`Stats`]; the others are still read.
//! Only a file that is not of the format at all is an [`ImportError`].

mod csaf;
mod debian;
mod errata;
mod exploitation;
mod kubernetes;
mod nvd;
mod openvex;
mod osv;
mod oval;
mod rustsec;
mod secdb;
mod text;
mod updateinfo;
mod xml;

use serde_json::Value;

use crate::record::{Advisory, Epss, Exploited};

pub use text::{package_name, unix};

/// A format of files with advisories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// OSV as JSON: one record, a list, or one a line. GHSA, Go, Rocky, Alma, Ubuntu and others publish it.
    OsvJson,
    /// OSV as YAML, as PyPI's database has it.
    OsvYaml,
    /// Markdown with TOML in front.
    RustSec,
    /// Debian's security tracker.
    Debian,
    /// Lists of fixes of Alpine, Wolfi and Chainguard.
    SecDb,
    /// CSAF and its VEX profile: Red Hat, SUSE.
    Csaf,
    /// OpenVEX as Ubuntu publishes it.
    OpenVex,
    /// OVAL: Red Hat, Oracle, SUSE.
    Oval,
    /// `updateinfo.xml` of rpm repositories: Amazon, Rocky, Alma.
    UpdateInfo,
    /// AlmaLinux's `errata.json`.
    Errata,
    /// National Vulnerability Database, version 2.0 of its interface.
    Nvd,
    /// Kubernetes' official feed of CVEs.
    Kubernetes,
    /// CISA's catalogue of known exploited vulnerabilities.
    Kev,
    /// Probabilities of exploitation, as CSV.
    Epss,
}

/// What an importer gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// An advisory.
    Advisory(Box<Advisory>),
    /// That a vulnerability is exploited.
    Exploited(Exploited),
    /// How probable that is.
    Epss(Epss),
}

/// What became of the records of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Records that were read.
    pub read: u64,
    /// Records, or parts of them, that were not.
    pub bad: u64,
    /// What was read and is about nothing that packages are judged by: containers, products, live patches.
    pub outside: u64,
    /// The first of the bad ones, at most [`FAULTS_MAX`].
    pub faults: Vec<Fault>,
    /// When the file says that it was made, as a whole; seconds since 1970. When its newest record changed says nothing of
    /// that: a quiet source is no old one.
    pub made_unix: Option<i64>,
}

/// One record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its name, or its place where it has none.
    pub record: Box<str>,
    /// The field at fault.
    pub field: Box<str>,
    /// What is wrong.
    pub problem: Box<str>,
}

/// Why a file is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Not the format.
    #[error("the file is not {format}: {problem}")]
    Malformed {
        /// What was expected.
        format: &'static str,
        /// What is wrong, with its place.
        problem: Box<str>,
    },
    /// The format does not say for which distribution it is, and nobody else did.
    #[error("{format} needs the name of an ecosystem, such as \"Amazon Linux:2023\"")]
    NoEcosystem {
        /// The format.
        format: &'static str,
    },
}

impl Stats {
    /// Notes a bad record.
    pub fn bad(&mut self, record: &str, field: &str, problem: &str) {
        self.bad += 1;
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault {
                record: text::cut(record, 120).into(),
                field: field.into(),
                problem: text::cut(problem, 240).into(),
            });
        }
    }

    /// Adds what became of another file.
    pub fn add(&mut self, other: Stats) {
        self.read += other.read;
        self.bad += other.bad;
        self.outside += other.outside;
        self.made_unix = self.made_unix.max(other.made_unix);
        let room = FAULTS_MAX.saturating_sub(self.faults.len());
        self.faults.extend(other.faults.into_iter().take(room));
    }
}

/// Reads a file of a known format. `ecosystem` is needed by formats that do not name theirs (`updateinfo.xml`, errata),
/// and for a list of fixes without a version.
pub fn read(
    format: Format,
    ecosystem: Option<&str>,
    bytes: &[u8],
    sink: &mut impl FnMut(Item),
) -> Result<Stats, ImportError> {
    let mut advisory = |advisory| sink(Item::Advisory(Box::new(advisory)));
    match format {
        Format::OsvJson => osv::json(bytes, &mut advisory),
        Format::OsvYaml => osv::yaml(bytes, &mut advisory),
        Format::RustSec => rustsec::read(bytes, &mut advisory),
        Format::Debian => debian::read(bytes, &mut advisory),
        Format::SecDb => secdb::read(bytes, ecosystem, &mut advisory),
        Format::Csaf => csaf::read(bytes, &mut advisory),
        Format::OpenVex => openvex::read(bytes, &mut advisory),
        Format::Oval => oval::read(bytes, ecosystem, &mut advisory),
        Format::UpdateInfo => updateinfo::read(
            bytes,
            ecosystem.ok_or(ImportError::NoEcosystem { format: "updateinfo.xml" })?,
            &mut advisory,
        ),
        Format::Errata => {
            errata::read(bytes, ecosystem.ok_or(ImportError::NoEcosystem { format: "errata.json" })?, &mut advisory)
        }
        Format::Nvd => nvd::read(bytes, &mut advisory),
        Format::Kubernetes => kubernetes::read(bytes, &mut advisory),
        Format::Kev => exploitation::kev(bytes, &mut |entry| sink(Item::Exploited(entry))),
        Format::Epss => exploitation::epss(bytes, &mut |entry| sink(Item::Epss(entry))),
    }
}

/// The format of a file by its first bytes; `None` where none fits.
pub fn detect(bytes: &[u8]) -> Option<Format> {
    let start = String::from_utf8_lossy(bytes.get(..bytes.len().min(DETECTION)).unwrap_or_default());
    let start = start.trim_start_matches('\u{feff}').trim_start();
    let has = |word: &str| start.contains(word);
    if start.starts_with('<') {
        return if has("oval_definitions") {
            Some(Format::Oval)
        } else {
            has("<updates").then_some(Format::UpdateInfo)
        };
    }
    if start.starts_with("```toml") {
        return Some(Format::RustSec);
    }
    if start.starts_with("#model_version") || start.starts_with("cve,epss") {
        return Some(Format::Epss);
    }
    if !start.starts_with(['{', '[']) {
        let yaml = start.lines().any(|line| line.starts_with("id:"))
            && start.lines().any(|line| line.starts_with("modified:") || line.starts_with("affected:"));
        return yaml.then_some(Format::OsvYaml);
    }
    let kinds: [(&[&str], Format); 11] = [
        (&["\"csaf_version\""], Format::Csaf),
        (&["openvex"], Format::OpenVex),
        (&["\"NVD_CVE\""], Format::Nvd),
        (&["\"catalogVersion\""], Format::Kev),
        (&["\"_kubernetes_io\""], Format::Kubernetes),
        (&["jsonfeed.org"], Format::Kubernetes),
        (&["\"secfixes\""], Format::SecDb),
        (&["\"apkurl\"", "\"packages\""], Format::SecDb),
        (&["\"updateinfo_id\""], Format::Errata),
        (&["\"releases\"", "\"repositories\""], Format::Debian),
        (&["\"id\"", "\"modified\""], Format::OsvJson),
    ];
    let kind = kinds.into_iter().find(|(words, _)| words.iter().all(|word| has(word))).map(|(_, format)| format);
    kind.or_else(|| (has("\"id\"") && has("\"affected\"")).then_some(Format::OsvJson))
}

fn parse(format: &'static str, bytes: &[u8]) -> Result<Value, ImportError> {
    serde_json::from_slice(bytes).map_err(|error| ImportError::Malformed { format, problem: error.to_string().into() })
}

fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Bad records that are named; the rest are only counted. A broken source of 500,000 records must not fill the memory.
pub const FAULTS_MAX: usize = 100;
/// Bytes in which the words that tell formats apart must stand. Records of OSV begin with long texts at times.
const DETECTION: usize = 65_536;

#[cfg(test)]
mod tests;
