//! Debian's security tracker: package → vulnerability → release.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::text::summary;
use super::{ImportError, Stats, field};
use crate::record::{Advisory, Affected, End, Range, Score, Severity, Status};

/// Reads the whole tracker, one package at a time; one record per vulnerability is given at the end.
pub(super) fn read(bytes: &[u8], sink: &mut impl FnMut(Advisory)) -> Result<Stats, ImportError> {
    let mut tracker = Tracker::default();
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let end = reader.deserialize_map(&mut tracker).and_then(|()| reader.end());
    end.map_err(|error| ImportError::Malformed {
        format: "Debian's security tracker",
        problem: error.to_string().into(),
    })?;
    let mut stats = tracker.stats;
    for (_, advisory) in tracker.advisories {
        stats.read += 1;
        sink(advisory);
    }
    Ok(stats)
}

#[derive(Default)]
struct Tracker {
    advisories: BTreeMap<Box<str>, Advisory>,
    stats: Stats,
}

impl<'de> Visitor<'de> for &mut Tracker {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("packages")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(package) = map.next_key::<String>()? {
            if package.is_empty() {
                map.next_value::<IgnoredAny>()?;
                self.stats.bad("a package", "name", "is empty");
                continue;
            }
            match map.next_value::<Value>()? {
                Value::Object(vulnerabilities) => {
                    for (id, vulnerability) in &vulnerabilities {
                        self.add(&package, id, vulnerability);
                    }
                }
                _ => self.stats.bad(&package, "package", "is not an object"),
            }
        }
        Ok(())
    }
}

impl Tracker {
    fn add(&mut self, package: &str, id: &str, vulnerability: &Value) {
        let releases = vulnerability.get("releases");
        // An empty list stands for no releases.
        if releases.and_then(Value::as_array).is_some_and(Vec::is_empty) {
            return;
        }
        let Some(releases) = releases.and_then(Value::as_object) else {
            return self.stats.bad(id, "releases", "is missing");
        };
        let advisory = self.advisories.entry(id.into()).or_insert_with(|| Advisory {
            id: id.into(),
            references: vec![["https://security-tracker.debian.org/tracker/", id].concat().into()],
            ..Advisory::default()
        });
        if advisory.summary.is_empty() {
            advisory.summary = summary(field(vulnerability, "description"));
        }
        for (release, said) in releases {
            match affected(package, release, said) {
                Some(affected) => advisory.affected.push(affected),
                None => self.stats.bad(
                    id,
                    "releases.status",
                    &format!("\"{}\" of {package} in {release}", field(said, "status")),
                ),
            }
        }
    }
}

fn affected(package: &str, release: &str, said: &Value) -> Option<Affected> {
    let (fixed, urgency) = (field(said, "fixed_version"), field(said, "urgency").trim_end_matches('*'));
    let mut status = match (field(said, "nodsa_reason"), urgency) {
        (_, "end-of-life") => Status::EndOfLife,
        ("ignored", _) => Status::WontFix,
        ("postponed", _) => Status::FixDeferred,
        _ => Status::Affected,
    };
    let end = match field(said, "status") {
        "resolved" if fixed == "0" => {
            status = Status::NotAffected;
            End::Open
        }
        "resolved" if !fixed.is_empty() => {
            status = Status::Affected;
            End::Fixed(fixed.into())
        }
        "open" => End::Open,
        "undetermined" => {
            status = Status::UnderInvestigation;
            End::Open
        }
        _ => return None,
    };
    let word = (!urgency.is_empty() && urgency != "not yet assigned" && urgency != "end-of-life")
        .then(|| Severity { by: "debian".into(), score: Score::Word(urgency.into()) });
    Some(Affected {
        ecosystem: ecosystem(release),
        package: package.into(),
        of_source: true,
        ranges: vec![Range { end, ..Range::default() }],
        status,
        severities: word.into_iter().collect(),
        ..Affected::default()
    })
}

/// `bookworm` is Debian 12. A name that is not in the table, `sid` among them, stays as it is.
fn ecosystem(release: &str) -> Box<str> {
    let name = release.split('-').next().unwrap_or(release);
    let number = RELEASES.iter().find(|(known, _)| *known == name).map_or(name, |(_, number)| number);
    ["Debian:", number].concat().into()
}

/// Code names of releases and their numbers.
const RELEASES: [(&str, &str); 9] = [
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
];
