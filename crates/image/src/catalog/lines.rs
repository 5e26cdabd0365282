//! Lock files of one line per package: Elixir and Erlang, Terraform, Gradle, Haskell, Perl, Conan's text.

use model::package::{Kind, Need};

use super::document::{LOCK_BYTES_MAX, found, lock_text, locks, shown};
use super::locks::{declares, lock};
use super::{Cataloguer, Input, Settings, Sink, Wants};
use crate::facts::Manifest;

/// All of these.
pub static CATALOGUERS: &[Cataloguer] = &[
    lock("mix-lock", &["mix.lock"], Settings::Sources, mix),
    lock("rebar-lock", &["rebar.lock"], Settings::Sources, rebar),
    lock("terraform-lock", &[".terraform.lock.hcl"], Settings::Sources, terraform),
    Cataloguer {
        name: "gradle-lock",
        wants: Wants { extensions: &[".lockfile"], filter: is_gradle, ..Wants::NOTHING },
        settings: Settings::Sources,
        bytes_max: LOCK_BYTES_MAX,
        read: gradle,
    },
    lock("conan-text", &["conanfile.txt"], Settings::Sources, conan_text),
    lock("cabal-freeze", &["cabal.project.freeze"], Settings::Sources, cabal),
    lock("cpanfile-snapshot", &["cpanfile.snapshot"], Settings::Sources, cpan),
];

/// `"name": {:hex, :name, "1.0.0", …}`; what comes from a repository has none.
fn mix(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Hex, sink);
    let text = lock_text(input, sink);
    let trimmed = text.trim();
    let whole = trimmed.starts_with("%{") && trimmed.ends_with('}');
    if !whole && !trimmed.is_empty() {
        sink.damage("it is no map of Elixir, or it is cut off");
    }
    let mut seen = std::collections::HashSet::new();
    for line in trimmed.lines() {
        let Some((name, rest)) = line.trim().strip_prefix('"').and_then(|line| line.split_once("\":")) else {
            continue;
        };
        if !seen.insert(name) {
            sink.damage(format!("the entry {} stands twice", shown(name)));
        }
        let rest = rest.trim_start();
        match rest.strip_prefix("{:hex,") {
            Some(rest) => found(sink, Kind::Hex, name, rest.split('"').nth(1).unwrap_or_default(), Need::Unstated),
            None => sink.damage(format!("{} comes from a repository; its version is not known", shown(name))),
        }
    }
}

/// `{<<"name">>,{pkg,<<"name">>,<<"1.0">>},0}`; the last number is the depth.
fn rebar(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Hex, sink);
    let text = lock_text(input, sink);
    if !text.trim().is_empty() && !text.trim().ends_with('.') {
        sink.damage("the full stop at the end is missing: it is cut off");
    }
    let version = text.trim_start().strip_prefix("{\"").and_then(|rest| rest.split('"').next());
    if version.is_some_and(|version| !version.starts_with("1.")) || !text.trim_start().starts_with(['{', '[']) {
        sink.damage("its format is not known; packages may be missing");
    }
    for part in text.split("{pkg,").skip(1) {
        let mut words = part.split("<<\"").skip(1).filter_map(|word| word.split_once("\">>").map(|(word, _)| word));
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            let depth = part.split_once("},").and_then(|(_, rest)| rest.split('}').next()).map(str::trim);
            let need = if depth == Some("0") { Need::Direct } else { Need::Indirect };
            found(sink, Kind::Hex, name, version, need);
        } else {
            sink.damage("a package has no version and was left out");
        }
    }
    for part in text.split("{git,").skip(1) {
        let address = part.split('"').nth(1).unwrap_or_default();
        sink.damage(format!("what comes from {} has no version that is known", shown(address)));
    }
}

fn terraform(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Terraform, sink);
    let text = lock_text(input, sink);
    let (mut provider, mut version): (Option<&str>, Option<&str>) = (None, None);
    let mut seen = std::collections::HashSet::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some(rest) = line.strip_prefix("provider ") {
            if let Some(open) = provider {
                sink.damage(format!("the block of {} does not end", shown(open)));
            }
            (provider, version) = (rest.split('"').nth(1), None);
            if provider.is_some_and(|provider| !seen.insert(provider)) {
                sink.damage(format!("the provider {} stands twice", shown(provider.unwrap_or_default())));
            }
        } else if let Some(("version", value)) = line.split_once('=').map(|(key, value)| (key.trim(), value)) {
            version = Some(value.trim().trim_matches('"'));
        } else if line == "}" {
            if let Some(provider) = provider.take() {
                found(sink, Kind::Terraform, provider, version.take().unwrap_or_default(), Need::Unstated);
            }
        } else if provider.is_none() && !line.is_empty() {
            sink.damage(format!("a line is no part of the format: {}", shown(line)));
        }
    }
    if let Some(provider) = provider {
        found(sink, Kind::Terraform, provider, version.unwrap_or_default(), Need::Unstated);
        sink.damage(format!("the block of {} does not end: the file is cut off", shown(provider)));
    }
}

/// One file for all configurations, or one for each in a folder of its own.
fn is_gradle(path: &str) -> bool {
    path.ends_with("gradle.lockfile") || path.contains("dependency-locks/")
}

/// `group:artifact:version=configuration,…`; the last line names the configurations without dependencies.
fn gradle(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Maven, sink);
    let text = lock_text(input, sink);
    let mut seen = std::collections::HashSet::new();
    let mut ended = input.path.contains("dependency-locks/") || text.trim().is_empty();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with("empty=") {
            ended = true;
            continue;
        }
        let (place, used_by) = line.split_once('=').unwrap_or((line, ""));
        let Some((name, version)) = place.rsplit_once(':').filter(|(name, _)| name.contains(':')) else {
            sink.damage(format!("a line is not group:artifact:version and was left out: {}", shown(line)));
            continue;
        };
        if !seen.insert(place) {
            sink.damage(format!("{} stands twice", shown(place)));
        }
        let testing = !used_by.is_empty() && used_by.split(',').all(|name| name.trim().starts_with("test"));
        found(sink, Kind::Maven, name, version, if testing { Need::Development } else { Need::Unstated });
    }
    if !ended {
        sink.damage("the line `empty=` at the end is missing: it is cut off");
    }
}

/// References below `[requires]` and its kin; a range, `zlib/[>=1.2]`, fixes no version.
fn conan_text(input: &Input<'_>, sink: &mut Sink) {
    let text = lock_text(input, sink);
    let (mut section, mut sections) = (None, 0u32);
    let (mut needs, mut open): (Vec<Box<str>>, Vec<Box<str>>) = Default::default();
    for line in text.lines() {
        // A revision follows its version without a blank.
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections += 1;
            section = match name {
                "requires" => Some(Need::Direct),
                "build_requires" | "tool_requires" | "test_requires" => Some(Need::Development),
                "generators" | "options" | "imports" | "layout" => None,
                _ => {
                    sink.damage(format!("the section {} is not known and was not read", shown(name)));
                    None
                }
            };
            continue;
        }
        let Some(need) = section else { continue };
        match line.split_once("/[") {
            Some((name, _)) => open.push(name.into()),
            None => super::locks::conan_reference(line, need, sink),
        }
        if need == Need::Direct {
            needs.push(line.split('/').next().unwrap_or_default().into());
        }
    }
    if sections == 0 && !text.trim().is_empty() {
        sink.damage("it has no section: it is another format than its name says");
    }
    declares(Manifest { kind: Kind::Conan, name: "".into(), needs, open, lockable: true }, sink);
}

/// `any.name ==1.0,`.
fn cabal(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Hackage, sink);
    let text = lock_text(input, sink);
    let mut seen = std::collections::HashSet::new();
    for line in text.lines() {
        let line = line.trim().trim_start_matches("constraints:").trim().trim_end_matches(',');
        let Some(constraint) = line.strip_prefix("any.") else { continue };
        let (name, version) = constraint.split_once("==").unwrap_or((constraint, ""));
        if !seen.insert(name.trim()) {
            sink.damage(format!("{} stands twice", shown(name.trim())));
        }
        found(sink, Kind::Hackage, name, version, Need::Unstated);
    }
    if text.trim_end().ends_with(',') {
        sink.damage("the last line ends with a comma: it is cut off");
    }
    if seen.is_empty() && !text.contains("constraints:") && !text.trim().is_empty() {
        sink.damage("it has no `constraints:`: it is another format than its name says");
    }
}

/// Distributions stand at two spaces: `Name-Of-Dist-1.02`.
fn cpan(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Cpan, sink);
    let text = lock_text(input, sink);
    if !text.trim().is_empty() && !text.contains("DISTRIBUTIONS") {
        sink.damage("it has no `DISTRIBUTIONS`: it is cut off, or another format than its name says");
    }
    if let Some(version) = text.lines().next().and_then(|line| line.split_once("format: version ")).map(|(_, it)| it) {
        super::document::check_version(Some(&version.trim().into()), &["1"], sink);
    }
    let mut seen = std::collections::HashSet::new();
    for line in text.lines() {
        let Some(line) = line.strip_prefix("  ").filter(|line| !line.starts_with(' ')) else { continue };
        if !seen.insert(line) {
            sink.damage(format!("{} stands twice", shown(line)));
        }
        match line.trim().rsplit_once('-') {
            Some((name, version)) => found(sink, Kind::Cpan, name, version, Need::Unstated),
            None => sink.damage(format!("the distribution {} has no version and was left out", shown(line))),
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        sink.damage("the last line does not end: the file may be cut off");
    }
}
