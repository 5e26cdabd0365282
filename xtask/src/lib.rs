//! The project's own chores, the only script language here.
//!
//! In scope: scoring against public test suites ([`conformance`]), the fences of ARCHITECTURE.md and the
//! house rules ([`tidy`]), and files that are made from code ([`codegen`]).
//!
//! Out of scope: anything a user runs (`cli`).

pub mod checkup;
pub mod codegen;
pub mod compare;
pub mod conformance;
pub mod coverage;
pub mod example_image;
pub mod functions;
pub mod schema;
pub mod tidy;

use std::path::{Path, PathBuf};

/// All rules of the product, in the order of their codes.
pub fn rules() -> Vec<&'static model::Rule> {
    let mut rules: Vec<&'static model::Rule> = policy::check::rules().to_vec();
    rules.extend(image::rules());
    rules.extend(advisory::rules());
    rules.sort_unstable_by_key(|rule| rule.code);
    rules
}

// The reader's own table and its comparison, so that the score and the test cannot disagree.
#[allow(dead_code)]
#[path = "../../crates/manifest/tests/reading/table.rs"]
mod table;
#[allow(dead_code)]
#[path = "../../crates/manifest/tests/reading/typed.rs"]
mod typed;
#[allow(dead_code)]
#[path = "../../crates/manifest/tests/reading/verdict.rs"]
mod verdict;

/// The root of the repository, told by where this crate stands in it.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// All files below a folder whose name ends with one of the endings, in a stable order.
pub fn files_below(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if path.is_dir() {
                if name != "target" && name != ".git" {
                    waiting.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
