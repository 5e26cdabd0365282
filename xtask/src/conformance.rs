//! Scores against public test suites.
//!
//! A folder of suites has one sub-folder per suite; suites that are not there are passed over. Every
//! score is balanced: the mean of the rates of both classes, so that refusing everything and accepting
//! everything both score one half. Names of files and objects are never looked at to decide.

mod cel;
mod cyclonedx;
mod gatekeeper;
mod purl;
mod scanner;
mod versions;

use std::path::Path;

use policy::{Config, Engine};
use serde_json::json;

use crate::files_below;

/// The score of one suite.
#[derive(Debug)]
pub struct Score {
    /// Name of the suite.
    pub suite: &'static str,
    /// Cases judged as expected.
    pub passed: usize,
    /// All cases.
    pub total: usize,
    /// Mean of the two class rates, 0 to 1; the plain rate where there is only one class.
    pub balanced: f64,
    /// Cases judged otherwise, at most fifty of them.
    pub failures: Vec<String>,
    /// What else there is to say.
    pub note: String,
}

/// Most failures listed per suite.
const FAILURES_MAX: usize = 50;

/// Scores every suite that stands in the folder.
pub fn score(suites: &Path) -> Vec<Score> {
    let mut scores = Vec::new();
    scores.extend(pod_security(&suites.join("pod-security/testdata")));
    scores.push(reading_table());
    scores.extend(encryption_configuration(&suites.join("kms/encryption-config")));
    scores.extend(cel::score(&suites.join("cel")));
    scores.extend(gatekeeper::score(&suites.join("gatekeeper-library")));
    scores.extend(versions::score(&suites.join("versions/semantic")));
    scores.extend(cyclonedx::score(&suites.join("cyclonedx")));
    scores.extend(purl::score(&suites.join("purl")));
    scores.extend(scanner::score(&suites.join("scanner/testdata")));
    scores.extend(scanner::packages::score(&suites.join("scanner/testdata")));
    scores.extend(real_manifests(&suites.join("manifests")));
    scores
}

/// The scores for people.
pub fn text(scores: &[Score]) -> String {
    let mut text = String::new();
    for score in scores {
        text.push_str(&format!(
            "{:26} {:>6} of {:>6} passed, balanced {:.2} %{}{}\n",
            score.suite,
            score.passed,
            score.total,
            score.balanced * 100.0,
            if score.note.is_empty() { "" } else { "; " },
            score.note
        ));
        for failure in &score.failures {
            text.push_str(&format!("    {failure}\n"));
        }
    }
    text
}

/// The scores for programs.
pub fn json(scores: &[Score]) -> String {
    let suites: Vec<_> = scores
        .iter()
        .map(|score| {
            json!({
                "suite": score.suite,
                "passed": score.passed,
                "failed": score.total - score.passed,
                "total": score.total,
                "balancedAccuracy": score.balanced,
                "failures": score.failures,
                "note": score.note,
            })
        })
        .collect();
    json!({ "suites": suites }).to_string()
}

/// Counts cases of two classes.
#[derive(Default)]
struct Tally {
    right: [usize; 2],
    all: [usize; 2],
    failures: Vec<String>,
}

impl Tally {
    fn case(&mut self, expected: bool, actual: bool, name: impl FnOnce() -> String) {
        let class = usize::from(expected);
        self.all[class] += 1;
        if expected == actual {
            self.right[class] += 1;
        } else if self.failures.len() < FAILURES_MAX {
            self.failures.push(name());
        }
    }

    fn score(self, suite: &'static str, note: String) -> Score {
        let rates: Vec<f64> = (0..2)
            .filter(|class| self.all[*class] > 0)
            .map(|class| self.right[class] as f64 / self.all[class] as f64)
            .collect();
        Score {
            suite,
            passed: self.right.iter().sum(),
            total: self.all.iter().sum(),
            balanced: rates.iter().sum::<f64>() / rates.len().max(1) as f64,
            failures: self.failures,
            note,
        }
    }
}

/// `{level}/{version}/{pass,fail}/*.yaml`: pods that the level at that version admits or refuses.
fn pod_security(folder: &Path) -> Option<Score> {
    let mut tally = Tally::default();
    let mut unjudged = 0;
    for level in folders(folder) {
        for version in folders(&folder.join(&level)) {
            let Ok(standard) = format!("{level}:{version}").parse() else { continue };
            let config = Config { pod_security: standard, checks: vec!["pod-security-*".into()], ..Config::default() };
            let engine = Engine::new(&config);
            for (class, admitted) in [("pass", true), ("fail", false)] {
                for path in files_below(&folder.join(&level).join(&version).join(class), &[".yaml", ".yml", ".json"]) {
                    let (findings, objects) = judge(&engine, &path);
                    unjudged += usize::from(objects == 0);
                    tally.case(admitted, findings == 0 && objects > 0, || path.display().to_string());
                }
            }
        }
    }
    let note = if unjudged == 0 { String::new() } else { format!("{unjudged} files could not be judged") };
    (tally.all != [0, 0]).then(|| tally.score("pod-security", note))
}

/// What a value spelt in YAML or JSON means to kube-apiserver, from the table that the reader's own
/// tests use. Rows that the server cannot read are one class, all others the other.
fn reading_table() -> Score {
    let mut tally = Tally::default();
    for row in crate::table::rows() {
        let readable = row.reads != "unread";
        let complaint = crate::verdict::complaint(&row);
        let agrees = complaint.is_none();
        tally.case(readable, readable == agrees, || complaint.unwrap_or_default());
    }
    tally.score("parser-table", String::new())
}

/// EncryptionConfigurations that kube-apiserver loads or refuses: `valid-configs` and `invalid-configs`.
fn encryption_configuration(folder: &Path) -> Option<Score> {
    let config = Config::default();
    let engine = Engine::new(&config);
    let mut tally = Tally::default();
    for path in files_below(folder, &[".yaml", ".yml", ".json"]) {
        let shown = path.display().to_string();
        let loads = !shown.contains("/invalid-configs/");
        let accepted = accepts_configuration(&engine, &path);
        tally.case(loads, accepted, || shown);
    }
    (tally.all != [0, 0]).then(|| tally.score("encryption-configuration", String::new()))
}

/// Whether a configuration file is read without a gap and without a finding that it is invalid.
fn accepts_configuration(engine: &Engine<'_>, path: &Path) -> bool {
    let Ok(bytes) = std::fs::read(path) else { return false };
    let Ok(text) = manifest::decode::decode(&bytes) else { return false };
    let mut worker = engine.worker();
    worker.file(model::FileId(0), bytes.len() as u64, &text);
    let outcome = engine.finish(vec![worker]);
    let whole = outcome.files.iter().all(|file| file.objects > 0 && file.gaps.is_empty());
    let invalid = ["encryption-config-invalid", "cluster-config-kind-unknown", "cluster-config-version-removed"];
    whole && !outcome.findings.iter().any(|finding| invalid.contains(&finding.rule.code))
}

/// Real repositories: every file accounted for, no check failing, nothing skipped silently.
fn real_manifests(folder: &Path) -> Option<Score> {
    let files = files_below(folder, &[".yaml", ".yml", ".json"]);
    if files.is_empty() {
        return None;
    }
    let config = Config::default();
    let engine = Engine::new(&config);
    let mut tally = Tally::default();
    let (mut documents, mut objects, mut gaps) = (0, 0, 0);
    for path in &files {
        let Ok(bytes) = std::fs::read(path) else { continue };
        let mut worker = engine.worker();
        if let Ok(text) = manifest::decode::decode(&bytes) {
            worker.file(model::FileId(0), bytes.len() as u64, &text);
        }
        let outcome = engine.finish(vec![worker]);
        let file = outcome.files.first();
        let sound =
            file.is_some_and(|file| file.gaps.iter().all(|gap| gap.kind != model::coverage::GapKind::CheckFailed));
        documents += file.map_or(0, |file| file.documents);
        objects += file.map_or(0, |file| file.objects);
        gaps += file.map_or(0, |file| file.gaps.len());
        tally.case(true, sound, || path.display().to_string());
    }
    let note = format!("{documents} documents, {objects} objects judged, {gaps} gaps told");
    Some(tally.score("real-manifests", note))
}

fn judge(engine: &Engine<'_>, path: &Path) -> (usize, u32) {
    let Ok(bytes) = std::fs::read(path) else { return (0, 0) };
    let Ok(text) = manifest::decode::decode(&bytes) else { return (0, 0) };
    let mut worker = engine.worker();
    worker.file(model::FileId(0), bytes.len() as u64, &text);
    let outcome = engine.finish(vec![worker]);
    (outcome.findings.len(), outcome.files.iter().map(|file| file.objects).sum())
}

fn folders(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .map(|entries| {
            entries
                .flatten()
                .filter(|entry| entry.path().is_dir())
                .filter_map(|entry| entry.file_name().into_string().ok())
                .collect()
        })
        .unwrap_or_default();
    names.sort();
    names
}
