//! OSV, schema 1.7, as JSON and YAML.

use serde::Deserialize;
use serde_json::Value;

use super::text::{is_maintenance, of_source, package_name, shared, summary, unix};
use super::{ImportError, Stats, field, list};
use crate::record::{Advisory, Affected, End, Range, Score, Severity, Status};

/// Reads one record, a list of them, `{"vulns": […]}`, or one record a line.
pub(super) fn json(bytes: &[u8], sink: &mut impl FnMut(Advisory)) -> Result<Stats, ImportError> {
    let mut stats = Stats::default();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') {
        let records: Vec<Value> = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
        for (place, record) in records.into_iter().enumerate() {
            match Record::deserialize(record) {
                Ok(record) => take(record, &mut stats, sink),
                Err(error) => stats.bad(&format!("record {}", place + 1), "record", &error.to_string()),
            }
        }
        return Ok(stats);
    }
    let (mut place, mut good) = (0, 0);
    let mut records = serde_json::Deserializer::from_slice(bytes).into_iter::<Record>();
    while let Some(record) = records.next() {
        place += 1;
        match record {
            Ok(record) => {
                good = records.byte_offset();
                take(record, &mut stats, sink);
            }
            // Text that is no JSON hides where the next record begins; a record of another shape does not, but the reader
            // stops in the middle of it. Both continue at the next line if there is one.
            Err(error) if place == 1 && !bytes.contains(&b'\n') => return Err(malformed(&error)),
            Err(_) => return lines(bytes.get(good..).unwrap_or_default(), stats, sink),
        }
    }
    if place == 0 {
        Err(ImportError::Malformed { format: FORMAT, problem: "the file is empty".into() })
    } else {
        Ok(stats)
    }
}

/// Reads one record.
pub(super) fn yaml(bytes: &[u8], sink: &mut impl FnMut(Advisory)) -> Result<Stats, ImportError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| ImportError::Malformed { format: FORMAT, problem: error.to_string().into() })?;
    let record: Record = serde_saphyr::from_str(text).map_err(|error| ImportError::Malformed {
        format: FORMAT,
        problem: super::text::cut(&error.to_string(), 240).into(),
    })?;
    let mut stats = Stats::default();
    take(record, &mut stats, sink);
    Ok(stats)
}

/// The door for a file whose first record is broken: line by line, or as one document that is bad as a whole.
fn lines(bytes: &[u8], mut stats: Stats, sink: &mut impl FnMut(Advisory)) -> Result<Stats, ImportError> {
    let whole = serde_json::from_slice::<Record>(bytes);
    for (place, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<Record>(line) {
            Ok(record) => take(record, &mut stats, sink),
            Err(error) => stats.bad(&format!("line {}", place + 1), "record", &error.to_string()),
        }
    }
    match whole {
        Err(error) if stats.read == 0 => Err(malformed(&error)),
        _ => Ok(stats),
    }
}

fn malformed(error: &serde_json::Error) -> ImportError {
    ImportError::Malformed { format: FORMAT, problem: error.to_string().into() }
}

#[derive(Deserialize)]
struct Record {
    id: Box<str>,
    #[serde(default)]
    modified: Option<Box<str>>,
    published: Option<Box<str>>,
    withdrawn: Option<Box<str>>,
    aliases: Option<Vec<Box<str>>>,
    upstream: Option<Vec<Box<str>>>,
    related: Option<Vec<Box<str>>>,
    summary: Option<Box<str>>,
    details: Option<Box<str>>,
    severity: Option<Vec<RawSeverity>>,
    affected: Option<Vec<RawAffected>>,
    references: Option<Vec<Reference>>,
    database_specific: Option<Value>,
}

#[derive(Deserialize)]
struct RawSeverity {
    r#type: Box<str>,
    score: Box<str>,
}

#[derive(Deserialize)]
struct Reference {
    url: Box<str>,
}

#[derive(Deserialize)]
struct RawAffected {
    package: Option<Package>,
    ranges: Option<Vec<RawRange>>,
    versions: Option<Vec<Box<str>>>,
    severity: Option<Vec<RawSeverity>>,
    ecosystem_specific: Option<Value>,
    database_specific: Option<Value>,
}

#[derive(Deserialize)]
struct Package {
    ecosystem: Box<str>,
    name: Box<str>,
}

#[derive(Deserialize)]
struct RawRange {
    r#type: Box<str>,
    repo: Option<Box<str>>,
    events: Vec<Event>,
}

#[derive(Deserialize, Default)]
struct Event {
    introduced: Option<Box<str>>,
    fixed: Option<Box<str>>,
    last_affected: Option<Box<str>>,
    limit: Option<Box<str>>,
}

fn take(raw: Record, stats: &mut Stats, sink: &mut impl FnMut(Advisory)) {
    if raw.id.is_empty() {
        return stats.bad("a record", "id", "is empty");
    }
    let time = |text: &Option<Box<str>>| text.as_deref().and_then(unix);
    if raw.withdrawn.is_some() && time(&raw.withdrawn).is_none() {
        stats.bad(&raw.id, "withdrawn", "is not a time; the record counts as valid");
    }
    let mut upstream = raw.upstream.unwrap_or_default();
    // Before schema 1.7, advisories of distributions named their CVEs as `related`.
    if upstream.is_empty()
        && raw
            .affected
            .iter()
            .flatten()
            .any(|affected| affected.package.as_ref().is_some_and(|package| is_distribution(&package.ecosystem)))
    {
        upstream = raw.related.unwrap_or_default().into_iter().filter(|name| name.starts_with("CVE-")).collect();
    }
    // Lists of what there is have the names and dates of records and nothing else: taken for records they would say that
    // nothing is affected.
    let bare = raw.affected.is_none() && raw.withdrawn.is_none() && raw.summary.is_none() && raw.details.is_none();
    if bare && raw.aliases.is_none() && raw.references.is_none() {
        return stats.bad(
            &raw.id,
            "affected",
            "is missing, and so is all else: this is an entry of a list and no record",
        );
    }
    let vulnerabilities = upstream.iter().chain(raw.aliases.iter().flatten());
    if is_maintenance(&raw.id) && !vulnerabilities.into_iter().any(|name| name.starts_with("CVE-")) {
        (stats.read, stats.outside) = (stats.read + 1, stats.outside + 1);
        return;
    }
    let specific = raw.database_specific.unwrap_or_default();
    let mut severities = scores(raw.severity.as_deref().unwrap_or_default());
    severities.extend(word(&specific, "severity"));
    let mut advisory = Advisory {
        published_unix: time(&raw.published),
        modified_unix: time(&raw.modified),
        withdrawn_unix: time(&raw.withdrawn),
        aliases: raw.aliases.unwrap_or_default(),
        upstream,
        summary: summary(
            raw.summary.as_deref().filter(|text| !text.is_empty()).or(raw.details.as_deref()).unwrap_or_default(),
        ),
        severities,
        cwes: list(&specific, "cwe_ids").iter().filter_map(Value::as_str).map(Box::from).collect(),
        references: raw
            .references
            .unwrap_or_default()
            .into_iter()
            .map(|reference| reference.url)
            .take(REFERENCES)
            .collect(),
        id: raw.id,
        ..Advisory::default()
    };
    for part in raw.affected.unwrap_or_default() {
        affected(part, &mut advisory, stats);
    }
    stats.read += 1;
    sink(advisory);
}

fn affected(raw: RawAffected, advisory: &mut Advisory, stats: &mut Stats) {
    let (database, ecosystem) = (raw.database_specific.unwrap_or_default(), raw.ecosystem_specific.unwrap_or_default());
    let versions = raw.versions.unwrap_or_default();
    let known = field(&database, "last_known_affected_version_range");
    let (mut ranges, mut had_git, mut named_ranges) = (Vec::new(), false, false);
    for range in raw.ranges.unwrap_or_default() {
        if &*range.r#type == "GIT" {
            had_git = true;
            if raw.package.is_none() {
                let repository = range.repo.clone().unwrap_or_default();
                let ranges = pairs(range.events);
                advisory.affected.push(Affected {
                    ecosystem: "GIT".into(),
                    package: repository,
                    ranges,
                    ..Affected::default()
                });
            }
            continue;
        }
        named_ranges = true;
        ranges.extend(pairs(range.events));
    }
    let Some(package) = raw.package else {
        if !had_git {
            stats.bad(&advisory.id, "affected.package", "is missing");
        }
        return;
    };
    for range in &mut ranges {
        if range.end == End::Open
            && let Some(end) = bound(known)
        {
            range.end = end;
        }
    }
    // Neither ranges nor versions would mean all versions, and events that none can be made of say nothing.
    if ranges.is_empty() && versions.is_empty() && named_ranges {
        return stats.bad(&advisory.id, "affected.ranges.events", "introduce nothing");
    }
    // Commits alone do not tell which versions are affected; that some are is told.
    let commits_alone = ranges.is_empty() && versions.is_empty() && had_git;
    let mut severities = scores(raw.severity.as_deref().unwrap_or_default());
    severities.extend(
        word(&ecosystem, "severity")
            .or_else(|| word(&ecosystem, "urgency"))
            .or_else(|| word(&ecosystem, "ubuntu_priority")),
    );
    if let Some(kind) = database.get("informational").and_then(Value::as_str) {
        advisory.informational = kind.into();
    }
    let name = package_name(&package.ecosystem, &package.name).into();
    let part = Affected {
        package: name,
        of_source: of_source(&package.ecosystem),
        ecosystem: shared(&package.ecosystem).into(),
        ranges,
        versions,
        severities,
        symbols: symbols(&ecosystem),
        status: if commits_alone { Status::UnderInvestigation } else { Status::default() },
        ..Affected::default()
    };
    // Products of SUSE that share a release say the same of it, one after the other.
    let repeated = part.ecosystem.starts_with("SUSE:");
    if !(repeated && advisory.affected.iter().rev().take(SYMBOLS).any(|known| *known == part)) {
        advisory.affected.push(part);
    }
}

/// Events to ranges. Events come in order nearly always; where two beginnings follow each other, the first ends with the
/// first end, and so on.
fn pairs(events: Vec<Event>) -> Vec<Range> {
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    let mut limits = Vec::new();
    for event in events {
        if let Some(version) = event.introduced {
            starts.push((&*version != "0").then_some(version));
        }
        if let Some(version) = event.fixed {
            ends.push((starts.len(), End::Fixed(version)));
        }
        if let Some(version) = event.last_affected {
            ends.push((starts.len(), End::LastAffected(version)));
        }
        if let Some(version) = event.limit.filter(|limit| &**limit != "*") {
            limits.push(End::Before(version));
        }
    }
    if ends.is_empty() && starts.len() == 1 {
        ends.extend(limits.into_iter().map(|limit| (1, limit)));
    }
    let in_order = ends.iter().all(|(after, _)| *after > 0)
        && ends.windows(2).all(|pair| matches!(pair, [before, after] if before.0 < after.0));
    let count = starts.len();
    let mut ranges: Vec<Range> =
        starts.into_iter().map(|introduced| Range { introduced, ..Range::default() }).collect();
    for (place, (after, end)) in ends.into_iter().enumerate() {
        let target = if in_order { after - 1 } else { place };
        match ranges.get_mut(target) {
            Some(range) => range.end = end,
            // More ends than beginnings: the last beginning has several fixes, on several branches of a history.
            None if count > 0 => {}
            None => {}
        }
    }
    ranges
}

fn bound(text: &str) -> Option<End> {
    let text = text.trim();
    match text.strip_prefix("<=") {
        Some(version) => Some(End::LastAffected(version.trim().into())),
        None => text.strip_prefix('<').map(|version| End::Before(version.trim().into())),
    }
}

fn scores(raw: &[RawSeverity]) -> Vec<Severity> {
    raw.iter()
        .map(|severity| match &*severity.r#type {
            kind if kind.starts_with("CVSS") => Severity { by: "".into(), score: Score::Cvss(severity.score.clone()) },
            kind => Severity {
                by: kind.to_ascii_lowercase().into(),
                score: Score::Word(severity.score.to_ascii_lowercase().into()),
            },
        })
        .collect()
}

fn word(value: &Value, name: &str) -> Option<Severity> {
    let word = field(value, name);
    (!word.is_empty()).then(|| Severity { by: "".into(), score: Score::Word(word.to_ascii_lowercase().into()) })
}

/// Go: `path#symbol`, or the path alone where all of it is vulnerable. RustSec: paths of functions.
fn symbols(specific: &Value) -> Vec<Box<str>> {
    let mut out = Vec::new();
    for import in list(specific, "imports") {
        let path = field(import, "path");
        let symbols = list(import, "symbols");
        if symbols.is_empty() {
            out.push(path.into());
        }
        out.extend(symbols.iter().filter_map(Value::as_str).map(|symbol| format!("{path}#{symbol}").into()));
    }
    if let Some(affects) = specific.get("affects") {
        out.extend(list(affects, "functions").iter().filter_map(Value::as_str).map(Box::from));
    }
    out.truncate(SYMBOLS);
    out
}

fn is_distribution(ecosystem: &str) -> bool {
    let family = ecosystem.split(':').next().unwrap_or_default();
    matches!(
        family,
        "Debian"
            | "Ubuntu"
            | "Alpine"
            | "Red Hat"
            | "Rocky Linux"
            | "AlmaLinux"
            | "SUSE"
            | "openSUSE"
            | "Mageia"
            | "openEuler"
            | "Azure Linux"
            | "Photon OS"
            | "MinimOS"
            | "Wolfi"
            | "Chainguard"
    )
}

const FORMAT: &str = "OSV";
/// Records of the kernel name hundreds of commits; a report shows the first few.
const REFERENCES: usize = 12;
/// The longest list of symbols in Go's database has some 600 entries.
const SYMBOLS: usize = 4096;
