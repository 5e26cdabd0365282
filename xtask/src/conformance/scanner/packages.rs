//! Packages of lock files, as another scanner lists them. Only reports that list packages count, and only files that lie
//! beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use model::Package;
use model::package::Need;
use serde_json::Value;

use super::{list, text};
use crate::conformance::{Score, Tally};
use crate::files_below;

/// Package in small letters and its version.
type Listed = BTreeSet<(String, String)>;

/// One case per package that either side lists in a file, and one per package of the other files, which must not be there.
pub(crate) fn score(folder: &Path) -> Option<Score> {
    let expected = reports(folder);
    let everything: Listed = expected.values().flatten().cloned().collect();
    let mut tally = Tally::default();
    for ((artefact, file), wanted) in &expected {
        let settings = distribute::scan::Settings::default();
        let Ok(scanned) = distribute::scan::folder(&folder.join(artefact), false, &settings) else {
            tally.case(true, false, || format!("{artefact}: cannot be read"));
            continue;
        };
        let found = of_file(&scanned.inventory.packages, file);
        for key in wanted.union(&found).chain(everything.difference(wanted).filter(|key| !found.contains(*key))) {
            let (want, have) = (wanted.contains(key), found.contains(key));
            tally.case(want, have, || {
                let what = if want { "not found" } else { "found besides" };
                format!("{artefact}/{file}: {} {} {what}", key.0, key.1)
            });
        }
    }
    let note = format!("{} lock files", expected.len());
    (tally.all != [0, 0]).then(|| tally.score("scanner-packages", note))
}

/// By artefact and file what is listed. Of several reports about one artefact the one without what is for development
/// counts, which most leave out.
fn reports(folder: &Path) -> BTreeMap<(String, String), Listed> {
    let mut best: BTreeMap<(String, String), Listed> = BTreeMap::new();
    for path in files_below(folder, &[".json.golden"]) {
        let Some(report) = std::fs::read(path).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok()) else {
            continue;
        };
        let artefact = text(&report, "ArtifactName").trim_start_matches("testdata/").to_owned();
        for result in list(&report, "Results") {
            let file = text(result, "Target");
            let packages: Listed = list(result, "Packages").iter().map(key).collect();
            let here = artefact.starts_with("fixtures/") && folder.join(&artefact).join(file).is_file();
            if !here || packages.is_empty() {
                continue;
            }
            let known = best.entry((artefact.clone(), file.to_owned())).or_insert_with(|| packages.clone());
            if known.len() > packages.len() {
                *known = packages;
            }
        }
    }
    best
}

fn key(package: &Value) -> (String, String) {
    (text(package, "Name").to_lowercase(), text(package, "Version").to_owned())
}

/// What the lock file and the manifest beside it, which names the project itself, tell.
fn of_file(packages: &[Package], file: &str) -> Listed {
    let folder = |path: &str| path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
    let here = |package: &&Package| package.places.iter().any(|place| folder(&place.path) == folder(file));
    let needed = packages.iter().filter(here).filter(|package| package.need != Need::Development);
    needed.map(|package| (package.name.to_lowercase(), package.version.to_string())).collect()
}
