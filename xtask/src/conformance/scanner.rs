//! Vulnerabilities of file trees and bills of materials, as another scanner reports them from its own small database.
//!
//! Reports `*.json.golden` name what was scanned; only what stands below `fixtures` beside them is. Several reports about
//! one artefact differ by what was switched off, so the one with the most vulnerabilities counts.

mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use advisory::matching::{Matcher, Options, Vulnerability};
use model::{Distro, Package, Severity};
use serde_json::Value;

use super::{FAILURES_MAX, Score};
use crate::files_below;
use records::Memory;

/// (Vulnerability, package in small letters, installed version) → what is said of it.
type Found = BTreeMap<(String, String, String), Said>;

struct Said {
    /// Versions that are fixed, several where there are several branches.
    fixed: Vec<String>,
    /// Only where the records themselves say so.
    severity: Option<Severity>,
}

/// One case per vulnerability that either side reports, and one per artefact without any.
pub(super) fn score(folder: &Path) -> Option<Score> {
    let memory = Memory::read(&folder.join("fixtures/db"))?;
    let (mut passed, mut total, mut artefacts) = (0, 0, 0);
    let mut failures = Vec::new();
    let mut unread = BTreeSet::new();
    for (artefact, expected) in reports(folder) {
        let Some((packages, distro)) = packages(&folder.join(&artefact)) else {
            unread.insert(artefact);
            continue;
        };
        artefacts += 1;
        let matches = Matcher::new(&memory, Options::default()).match_packages(&packages, distro.as_ref());
        let actual = actual(&matches.vulnerabilities, &packages);
        let keys: BTreeSet<_> = expected.keys().chain(actual.keys()).collect();
        if keys.is_empty() {
            (passed, total) = (passed + 1, total + 1);
        }
        for key in keys {
            total += 1;
            match complaint(expected.get(key), actual.get(key)) {
                None => passed += 1,
                Some(why) if failures.len() < FAILURES_MAX => {
                    let (id, name, version) = key;
                    failures.push(format!("{artefact}: {id} in {name} {version}: {why}"));
                }
                Some(_) => {}
            }
        }
    }
    let note = format!(
        "{artefacts} artefacts, {} others could not be read; {} records could not be taken over",
        unread.len(),
        memory.left_out
    );
    failures.extend(unread.into_iter().map(|artefact| format!("not read: {artefact}")).take(FAILURES_MAX));
    (total > 0).then(|| Score {
        suite: "scanner-vulnerabilities",
        passed,
        total,
        balanced: passed as f64 / total as f64,
        failures,
        note,
    })
}

fn complaint(expected: Option<&Said>, actual: Option<&Said>) -> Option<String> {
    let (Some(expected), Some(actual)) = (expected, actual) else {
        return Some(String::from(if expected.is_some() { "not found" } else { "found besides" }));
    };
    let fix = actual.fixed.first();
    if fix.map_or(!expected.fixed.is_empty(), |fix| !expected.fixed.contains(fix)) {
        return Some(format!("fixed in {:?}, expected one of {:?}", actual.fixed, expected.fixed));
    }
    let severity = actual.severity.filter(|_| expected.severity.is_some());
    (severity.is_some() && severity != expected.severity)
        .then(|| format!("severity {:?}, expected {:?}", actual.severity, expected.severity))
}

/// What was scanned, relative to the folder, and what is expected of it.
fn reports(folder: &Path) -> BTreeMap<String, Found> {
    let mut best: BTreeMap<String, Found> = BTreeMap::new();
    for path in files_below(folder, &[".json.golden"]) {
        let Some(report) = std::fs::read(path).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok()) else {
            continue;
        };
        let artefact = text(&report, "ArtifactName").trim_start_matches("testdata/").to_owned();
        if !artefact.starts_with("fixtures/") || !folder.join(&artefact).exists() {
            continue;
        }
        let mut found = Found::new();
        for result in list(&report, "Results") {
            for one in list(result, "Vulnerabilities") {
                let key = (text(one, "VulnerabilityID"), text(one, "PkgName"), text(one, "InstalledVersion"));
                let said = Said {
                    fixed: text(one, "FixedVersion")
                        .split(", ")
                        .filter(|fix| !fix.is_empty())
                        .map(String::from)
                        .collect(),
                    severity: advisory::cvss::of_word(text(one, "Severity")),
                };
                found.insert((key.0.into(), key.1.to_lowercase(), key.2.into()), said);
            }
        }
        let kept = best.entry(artefact).or_default();
        if found.len() >= kept.len() {
            *kept = found;
        }
    }
    best
}

/// The packages of a folder or a bill of materials.
fn packages(path: &Path) -> Option<(Vec<Package>, Option<Distro>)> {
    if path.is_dir() {
        let settings = distribute::scan::Settings::default();
        let inventory = distribute::scan::folder(path, false, &settings).ok()?;
        return Some((inventory.packages, inventory.distro));
    }
    let bill = image::sbom::read(&std::fs::read(path).ok()?).ok()?;
    let packages = bill.packages().cloned().collect();
    Some((packages, bill.distro))
}

fn actual(vulnerabilities: &[Vulnerability], packages: &[Package]) -> Found {
    let said = |one: &Vulnerability| {
        let package = packages.get(one.package)?;
        let key = (one.id.to_string(), package.name.to_lowercase(), package.version.to_string());
        Some((key, Said { fixed: one.fixed.iter().map(|fix| fix.to_string()).collect(), severity: one.severity }))
    };
    vulnerabilities.iter().filter_map(said).collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
