//! The documents that the CycloneDX specification tests its schemas with.

use std::path::Path;

use image::sbom::{cyclonedx, parse_json};

use super::{Score, Tally};
use crate::files_below;

/// Scores `valid-*` and `invalid-*` documents. `None` where the suite is not there.
pub(super) fn score(folder: &Path) -> Option<Score> {
    let mut tally = Tally::default();
    for path in files_below(&folder.join("tools/src/test/resources"), &[".json"]) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let valid = match name.split('-').next() {
            Some("valid") => true,
            Some("invalid") => false,
            _ => continue,
        };
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let faults = match parse_json(&bytes) {
            Ok(document) => cyclonedx::validate(&document).iter().map(ToString::to_string).collect(),
            Err(error) => vec![error.to_string()],
        };
        tally.case(valid, faults.is_empty(), || format!("{}: {}", path.display(), faults.join("; ")));
    }
    (tally.all != [0, 0]).then(|| tally.score("cyclonedx", String::new()))
}
