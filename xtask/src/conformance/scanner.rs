//! Vulnerabilities of file trees and bills of materials, as another scanner reports them from its own small database.
//!
//! Reports `*.json.golden` name what was scanned; only what stands below `fixtures` beside them is. Several reports about
//! one artefact differ by what was switched off, so the one with the most vulnerabilities counts.

pub(super) mod packages;
mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use advisory::matching::{Matcher, Options, Vulnerability};
use model::{Distro, Package, Severity};
use serde_json::Value;

use super::{Score, Tally};
use crate::files_below;
use records::Memory;

/// (Vulnerability, package in small letters, installed version) → what is said of it.
type Found = BTreeMap<(String, String, String), Said>;

struct Report {
    found: Found,
    /// Whether the files that it names are all there.
    whole: bool,
}

struct Said {
    /// Versions that are fixed, several where there are several branches.
    fixed: Vec<String>,
    /// Only where the records themselves say so.
    severity: Option<Severity>,
}

/// One case per vulnerability that either side reports, and one per artefact with packages and without any. The classes are
/// what is to be found and what is not.
pub(super) fn score(folder: &Path) -> Option<Score> {
    let memory = Memory::read(&folder.join("fixtures/db"))?;
    let mut tally = Tally::default();
    let (mut artefacts, mut without) = (0, 0);
    for (artefact, report) in reports(folder) {
        let Some((packages, distro)) = packages(&folder.join(&artefact)) else {
            tally.case(true, false, || format!("{artefact}: cannot be read"));
            continue;
        };
        let expected = &report.found;
        let matches = Matcher::new(&memory, Options::default()).match_packages(&packages, distro.as_ref());
        let actual = actual(&matches.vulnerabilities, &packages);
        if packages.is_empty() && expected.is_empty() {
            without += 1;
            continue;
        }
        artefacts += 1;
        let keys: BTreeSet<_> = expected.keys().chain(actual.keys()).collect();
        if keys.is_empty() {
            tally.case(false, false, String::new);
        }
        for key in keys {
            let why = complaint(expected.get(key), actual.get(key));
            let wanted = expected.contains_key(key);
            tally.case(wanted, wanted == why.is_none(), || {
                let (id, name, version) = key;
                format!("{artefact}: {id} in {name} {version}: {}", why.unwrap_or_default())
            });
        }
    }
    let note = format!(
        "{artefacts} artefacts, {without} without packages passed over; {} records could not be taken over",
        memory.left_out
    );
    (tally.all != [0, 0]).then(|| tally.score("scanner-vulnerabilities", note))
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

/// What was scanned, relative to the folder, and what is expected of it. What the suite does not hold whole is left out.
fn reports(folder: &Path) -> BTreeMap<String, Report> {
    let mut best: BTreeMap<String, Report> = BTreeMap::new();
    for path in files_below(folder, &[".json.golden"]) {
        let Some(report) = std::fs::read(path).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok()) else {
            continue;
        };
        let artefact = text(&report, "ArtifactName").trim_start_matches("testdata/").to_owned();
        let place = folder.join(&artefact);
        if !artefact.starts_with("fixtures/") || !place.exists() {
            continue;
        }
        let mut read = Report { found: Found::new(), whole: true };
        for result in list(&report, "Results") {
            // Lock files are named by their path; what is summed up over many files has a name of words.
            let file = text(result, "Target");
            let named =
                place.is_dir() && text(result, "Class") == "lang-pkgs" && file.contains('.') && !file.contains(' ');
            read.whole &= !named || place.join(file).exists();
            for one in list(result, "Vulnerabilities") {
                let key = (text(one, "VulnerabilityID"), text(one, "PkgName"), text(one, "InstalledVersion"));
                let fixed = text(one, "FixedVersion").split(", ").filter(|fix| !fix.is_empty());
                let said = Said {
                    fixed: fixed.map(String::from).collect(),
                    severity: advisory::cvss::of_word(text(one, "Severity")),
                };
                read.found.insert((key.0.into(), key.1.to_lowercase(), key.2.into()), said);
            }
        }
        match best.get(&artefact) {
            Some(kept) if kept.found.len() > read.found.len() => {}
            _ => drop(best.insert(artefact, read)),
        }
    }
    best.retain(|_, report| report.whole);
    best
}

/// The packages of a folder or a bill of materials.
fn packages(path: &Path) -> Option<(Vec<Package>, Option<Distro>)> {
    if path.is_dir() {
        let settings = distribute::scan::Settings::default();
        let inventory = distribute::scan::folder(path, false, &settings).ok()?.inventory;
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
