//! Runs the binary in a folder of the test's own, at a fixed time.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// An empty folder of its own for one test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub(crate) fn kobuk(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kobuk"))
        .current_dir(folder)
        .env("SOURCE_DATE_EPOCH", "1795392000") // 2026-11-23
        .env_remove("CLICOLOR_FORCE")
        .args(words)
        .output()
        .unwrap()
}
