//! `cargo xtask compare DIR`: the whole program against its floor and against a peer, in one run.
//!
//! CPU time of child processes as the kernel counts it, runs interleaved, so that a busy machine slows
//! all alike. The floor only parses the same bytes with the same YAML parser.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::files_below;

/// How often each program runs.
const ROUNDS: u32 = 5;

/// Runs of the fast programs per round; the kernel counts CPU time in hundredths of a second.
const REPEATS: u32 = 20;

/// Parses every file below a folder and throws the events away.
pub fn floor(folder: &Path) -> usize {
    let mut events = 0;
    for path in files_below(folder, &[".yaml", ".yml", ".json"]) {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let options = granit_parser::options! { emit_comments: false };
        for event in granit_parser::Parser::new_from_str_with_options(&text, options) {
            if event.is_err() {
                break;
            }
            events += 1;
        }
    }
    events
}

/// Prints CPU seconds per run and the ratios.
pub fn compare(root: &Path, folder: &str) -> Result<String, String> {
    let kobuk = root.join("target/release/kobuk").display().to_string();
    let floor = std::env::current_exe().map_err(|error| error.to_string())?.display().to_string();
    let kobuk_words = ["scan", "manifests", folder, "--format", "json", "--quiet", "--no-render", "--fail-on", "never"];
    let floor_words = ["floor", folder];
    let peer_words = ["-d", folder, "--framework", "kubernetes", "--compact", "--quiet", "-o", "json"];
    let peer = Command::new("checkov").arg("--version").output().is_ok();
    let (mut ours, mut least, mut theirs) = (0.0, 0.0, 0.0);
    for _ in 0..ROUNDS {
        ours += cpu_seconds(&kobuk, &kobuk_words, REPEATS)?;
        least += cpu_seconds(&floor, &floor_words, REPEATS)?;
        if peer {
            theirs += cpu_seconds("checkov", &peer_words, 1)?;
        }
    }
    let runs = f64::from(ROUNDS * REPEATS);
    let (ours, least, theirs) = (ours / runs, least / runs, theirs / f64::from(ROUNDS));
    let mut text =
        format!("kobuk   {ours:.4} CPU s\nparsing {least:.4} CPU s   kobuk / parsing = {:.2}\n", ours / least);
    if peer {
        text.push_str(&format!("checkov {theirs:.2} CPU s   checkov / kobuk = {:.0}\n", theirs / ours));
    } else {
        text.push_str("checkov is not installed: not compared\n");
    }
    Ok(text)
}

fn cpu_seconds(program: &str, words: &[&str], times: u32) -> Result<f64, String> {
    let before = children_seconds()?;
    for _ in 0..times {
        let mut command = Command::new(program);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().map_err(|error| format!("{program}: {error}"))?;
    }
    Ok(children_seconds()? - before)
}

/// User and system time of all children that were waited for, from `/proc/self/stat` (proc(5), fields
/// 16 and 17, in clock ticks of which Linux reports 100 per second).
fn children_seconds() -> Result<f64, String> {
    let stat = std::fs::read_to_string("/proc/self/stat").map_err(|error| error.to_string())?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    // The command name, which may hold blanks, and the pid before it are cut off: field 3 comes first.
    let ticks = |field: usize| fields.get(field - 3).and_then(|text| text.parse::<f64>().ok());
    Ok((ticks(16).unwrap_or(0.0) + ticks(17).unwrap_or(0.0)) / 100.0)
}
