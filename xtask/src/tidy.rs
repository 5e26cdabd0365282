//! The fences between crates and the house rules, as a test.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use model::catalogue::controls;

use crate::{codegen, coverage, files_below, functions};

/// Longest file, in lines.
const FILE_LINES_MAX: usize = 800;

/// Longest function, in lines.
const FUNCTION_LINES_MAX: usize = 70;

/// Crates that each crate may depend on. All else is forbidden; ARCHITECTURE.md says why.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("manifest", &["model"]),
    ("cel", &["manifest"]),
    ("policy", &["model", "manifest", "cel"]),
    ("image", &["model"]),
    ("advisory", &["model"]),
    ("distribute", &["model", "image", "advisory"]),
    ("cli", &["model", "manifest", "cel", "policy", "image", "advisory", "distribute"]),
    ("xtask", &["model", "manifest", "cel", "policy", "image", "advisory", "distribute"]),
];

/// The one crate that states its lints itself. `distribute` maps the database of advisories into memory, which is unsafe; the
/// workspace forbids unsafe code in a way that no module can lift, so this crate denies it and one file lifts that.
const OWN_LINTS: &str = "distribute";

/// The only file that may hold unsafe code.
const UNSAFE_FILE: &str = "crates/distribute/src/advisories.rs";

/// Crates that may perform no I/O and ask for no time.
const PURE: &[&str] = &["model", "manifest", "cel", "policy", "image", "advisory"];

/// Everything that breaks a rule, one sentence each, naming file and line.
pub fn faults(root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    arrows(root, &mut faults);
    sources(root, &mut faults);
    rules(&mut faults);
    coverage(&mut faults);
    specification(root, &mut faults);
    faults.extend(codegen::drift(root));
    faults
}

fn arrows(root: &Path, faults: &mut Vec<String>) {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut folders: Vec<_> = std::fs::read_dir(root.join("crates"))
        .map(|entries| entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect())
        .unwrap_or_default();
    folders.push(root.join("xtask"));
    for folder in folders {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or("").to_owned();
        let Ok(text) = std::fs::read_to_string(folder.join("Cargo.toml")) else {
            faults.push(format!("{}: a folder without Cargo.toml", folder.display()));
            continue;
        };
        let Some(may) = allowed.get(name.as_str()) else {
            faults.push(format!("{name}: not in the table of arrows; add it with a reason in docs/design/"));
            continue;
        };
        for dependency in dependencies(&text) {
            if allowed.contains_key(dependency.as_str()) && !may.contains(&dependency.as_str()) {
                faults.push(format!("{name} must not depend on {dependency}"));
            }
        }
        let denies = name == OWN_LINTS && text.contains("[lints.rust]\nunsafe_code = \"deny\"\n");
        if !text.contains("[lints]") && name != "xtask" && !denies {
            faults.push(format!("{name}: Cargo.toml does not take the workspace's lints"));
        }
    }
}

/// Names below `[dependencies]`; dev-dependencies are free.
fn dependencies(manifest: &str) -> Vec<String> {
    manifest
        .lines()
        .skip_while(|line| line.trim() != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['=', '.', ' ']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

fn sources(root: &Path, faults: &mut Vec<String>) {
    for path in
        files_below(&root.join("crates"), &[".rs"]).into_iter().chain(files_below(&root.join("xtask"), &[".rs"]))
    {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            faults.push(format!("{shown}: {lines} lines, at most {FILE_LINES_MAX}"));
        }
        if name == "mod.rs" {
            faults.push(format!("{shown}: use foo.rs beside foo/"));
        }
        if ["utils.rs", "util.rs", "common.rs", "helpers.rs", "helper.rs", "misc.rs"].contains(&name) {
            faults.push(format!("{shown}: name the idea, not the drawer"));
        }
        if let Some((_, below)) = shown.split_once("/src/")
            && below.matches('/').count() > 3
        {
            faults.push(format!("{shown}: more than three levels under src/"));
        }
        if name == "lib.rs" && !(text.starts_with("//!") && text.contains("Out of scope")) {
            faults.push(format!("{shown}: does not open with what is in and out of scope"));
        }
        for (function, line, length) in functions::functions(&text) {
            if length > FUNCTION_LINES_MAX {
                faults.push(format!("{shown}:{line}: fn {function} has {length} lines, at most {FUNCTION_LINES_MAX}"));
            }
        }
        if shown.starts_with("crates/") && shown != UNSAFE_FILE && text.contains("allow(unsafe_code)") {
            faults.push(format!("{shown}: unsafe code stands in {UNSAFE_FILE} only"));
        }
        purity(&shown, &text, faults);
    }
}

fn purity(shown: &str, text: &str, faults: &mut Vec<String>) {
    let pure = PURE.iter().any(|krate| shown.starts_with(&format!("crates/{krate}/src/")));
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    if pure {
        for word in
            ["std::fs", "TcpStream", "UdpSocket", "ToSocketAddrs", "std::time", "std::env", "std::process", "println!"]
        {
            if code.contains(word) {
                faults.push(format!("{shown}: a pure crate names {word}"));
            }
        }
    }
    if shown.starts_with("crates/cli/src/") && !shown.ends_with("/env.rs") && code.contains("std::env::var") {
        faults.push(format!("{shown}: environment variables are read in env.rs only"));
    }
}

fn rules(faults: &mut Vec<String>) {
    let ids: BTreeSet<&str> = controls().iter().map(|control| control.id).collect();
    if ids.len() != 182 {
        faults.push(format!("the catalogue has {} controls, not 182", ids.len()));
    }
    let all: Vec<&model::Rule> = policy::check::object_checks()
        .flat_map(|check| check.rules)
        .chain(policy::check::inventory_checks().flat_map(|check| check.rules))
        .copied()
        .collect();
    let mut by_code: BTreeMap<&str, &model::Rule> = BTreeMap::new();
    for rule in all {
        if let Some(other) = by_code.insert(rule.code, rule)
            && !std::ptr::eq(other, rule)
        {
            faults.push(format!("{}: two rules have this code", rule.code));
        }
    }
    for (code, rule) in by_code {
        let kebab = code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !kebab || code.starts_with('-') || code.ends_with('-') {
            faults.push(format!("{code}: not kebab-case"));
        }
        if rule.serves.is_empty() {
            faults.push(format!("{code}: serves no control"));
        }
        for serves in rule.serves {
            if !ids.contains(serves.control) {
                faults.push(format!("{code}: no control {}", serves.control));
            }
        }
        for (name, text) in [("title", rule.title), ("why", rule.why), ("fix", rule.fix)] {
            if text.trim().is_empty() {
                faults.push(format!("{code}: empty {name}"));
            }
        }
        if !rule.why.ends_with('.') || !rule.fix.ends_with('.') {
            faults.push(format!("{code}: `why` or `fix` does not end with a period"));
        }
        if rule.title.split_whitespace().count() > 11 {
            faults.push(format!("{code}: the title has more than eleven words"));
        }
        if rule.title.ends_with('.') {
            faults.push(format!("{code}: the title ends with a period"));
        }
    }
}

/// Every control that manifests or configuration files can judge has a rule, or a note that says why not.
fn coverage(faults: &mut Vec<String>) {
    for control in controls() {
        if coverage::is_judged_here(control)
            && coverage::serving(control).is_empty()
            && coverage::note(control.id).is_none()
        {
            faults.push(format!("{}: no rule serves it and no note in xtask/src/coverage.rs says why", control.id));
        }
    }
    for (name, items) in [("SC", model::catalogue::security_checklist()), ("ASC", model::catalogue::app_checklist())] {
        for item in items {
            if coverage::item_controls(name, item.number).is_empty() {
                faults.push(format!("{name} {}: no control is mapped to this checklist item", item.number));
            }
        }
    }
}

/// Every promise of SPECIFICATION.md names a file that exists.
fn specification(root: &Path, faults: &mut Vec<String>) {
    let Ok(text) = std::fs::read_to_string(root.join("SPECIFICATION.md")) else {
        faults.push("SPECIFICATION.md is missing".to_owned());
        return;
    };
    for (index, line) in text.lines().enumerate() {
        for word in line.split('`').skip(1).step_by(2) {
            let path = word.split("::").next().unwrap_or(word);
            let is_path = path.contains('/') && path.ends_with(".rs") && !path.contains(' ');
            if is_path && !root.join(path).is_file() {
                faults.push(format!("SPECIFICATION.md:{}: no file {path}", index + 1));
            }
        }
    }
}
