//! What small package managers leave behind: R, vcpkg, Haskell, Perl, rebar, GitHub Actions, conda environments.

use model::Package;
use model::package::{Kind, Need};
use serde_json::Value;

use super::document::{LOCK_BYTES_MAX, elements, found, text, yaml};
use super::{Cataloguer, Input, Settings, Sink, Wants};

/// All of these.
pub static CATALOGUERS: &[Cataloguer] = &[
    one("r-description", Wants { names: &["DESCRIPTION"], ..Wants::NOTHING }, Settings::Installed, r_description),
    one("vcpkg-status", Wants { path_ends: &["vcpkg/status"], ..Wants::NOTHING }, Settings::Both, vcpkg),
    one("cabal-freeze", Wants { names: &["cabal.project.freeze"], ..Wants::NOTHING }, Settings::Sources, cabal),
    one("cpanfile-snapshot", Wants { names: &["cpanfile.snapshot"], ..Wants::NOTHING }, Settings::Sources, cpan),
    one("rebar-lock", Wants { names: &["rebar.lock"], ..Wants::NOTHING }, Settings::Sources, rebar),
    one(
        "actions",
        Wants { folders: &[".github/workflows"], filter: is_yaml, ..Wants::NOTHING },
        Settings::Sources,
        actions,
    ),
    one(
        "conda-environment",
        Wants { names: &["environment.yaml", "environment.yml"], ..Wants::NOTHING },
        Settings::Sources,
        conda_environment,
    ),
];

const fn one(name: &'static str, wants: Wants, settings: Settings, read: fn(&Input<'_>, &mut Sink)) -> Cataloguer {
    Cataloguer { name, wants, settings, bytes_max: LOCK_BYTES_MAX, read }
}

fn is_yaml(path: &str) -> bool {
    path.ends_with(".yml") || path.ends_with(".yaml")
}

fn field<'a>(text: &'a str, key: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).unwrap_or_default().trim()
}

fn r_description(input: &Input<'_>, sink: &mut Sink) {
    let text = text(input, sink);
    let (name, version) = (field(&text, "Package"), field(&text, "Version"));
    if name.is_empty() {
        return; // Other things have files of this name as well.
    }
    let mut package = Package::new(Kind::Cran, name, version);
    package.licenses.extend(Some(field(&text, "License")).filter(|text| !text.is_empty()).map(Into::into));
    sink.package(package);
}

fn vcpkg(input: &Input<'_>, sink: &mut Sink) {
    for stanza in text(input, sink).replace("\r\n", "\n").split("\n\n") {
        if field(stanza, "Status") == "install ok installed" && field(stanza, "Feature").is_empty() {
            found(sink, Kind::Vcpkg, field(stanza, "Package"), field(stanza, "Version"), Need::Unstated);
        }
    }
}

/// `any.name ==1.0,`.
fn cabal(input: &Input<'_>, sink: &mut Sink) {
    for line in text(input, sink).lines() {
        let line = line.trim().trim_start_matches("constraints:").trim().trim_end_matches(',');
        if let Some((name, version)) = line.strip_prefix("any.").and_then(|line| line.split_once("==")) {
            found(sink, Kind::Hackage, name.trim(), version.trim(), Need::Unstated);
        }
    }
}

/// Distributions stand at two spaces: `Name-Of-Dist-1.02`.
fn cpan(input: &Input<'_>, sink: &mut Sink) {
    for line in text(input, sink).lines() {
        let Some(line) = line.strip_prefix("  ").filter(|line| !line.starts_with(' ')) else { continue };
        match line.trim().rsplit_once('-') {
            Some((name, version)) => found(sink, Kind::Cpan, name, version, Need::Unstated),
            None => sink.damage("a distribution has no version and was left out"),
        }
    }
}

/// `{<<"name">>,{pkg,<<"name">>,<<"1.0">>},0}`; the last number is the depth.
fn rebar(input: &Input<'_>, sink: &mut Sink) {
    for part in text(input, sink).split("{pkg,").skip(1) {
        let mut words = part.split("<<\"").skip(1).filter_map(|word| word.split_once("\">>").map(|(word, _)| word));
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            let depth = part.split_once("},").and_then(|(_, rest)| rest.split('}').next()).map(str::trim);
            let need = if depth == Some("0") { Need::Direct } else { Need::Indirect };
            found(sink, Kind::Hex, name, version, need);
        } else {
            sink.damage("a package has no version and was left out");
        }
    }
}

fn actions(input: &Input<'_>, sink: &mut Sink) {
    for line in text(input, sink).lines() {
        let line = line.trim().trim_start_matches("- ").trim_start();
        let Some(value) = line.strip_prefix("uses:").and_then(|rest| rest.split_whitespace().next()) else { continue };
        let value = value.trim_matches(['"', '\'']);
        if value.starts_with("./") || value.starts_with("docker:") {
            continue;
        }
        match value.split_once('@') {
            Some((name, version)) => found(sink, Kind::GitHub, name, version, Need::Direct),
            None => sink.damage(format!("action {value} has no version and was left out")),
        }
    }
}

/// Only what is pinned to one version has one; `name=1.0=build`.
fn conda_environment(input: &Input<'_>, sink: &mut Sink) {
    let Some(document) = yaml(input, sink) else { return };
    for line in elements(&document, "dependencies").filter_map(Value::as_str) {
        let line = line.rsplit("::").next().unwrap_or(line);
        let end = line.find(['=', '<', '>', '!', '~', ' ', '[']).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        let version = rest.trim_start().strip_prefix('=').map(|rest| rest.trim_start_matches('='));
        let version = version.and_then(|text| text.split('=').next()).unwrap_or_default().trim();
        let exact = !version.contains(['*', '<', '>', ',', '|']);
        found(sink, Kind::Conda, name, if exact { version } else { "" }, Need::Direct);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fact;

    #[test]
    fn every_format_tells_names_and_versions() {
        for (name, bytes, expected) in [
            ("r-description", "Package: a\nVersion: 1\nLicense: MIT\n", ("a", "1")),
            ("vcpkg-status", "Package: a\nVersion: 1\nStatus: install ok installed\n", ("a", "1")),
            ("cabal-freeze", "constraints: any.a ==1,\n", ("a", "1")),
            ("cpanfile-snapshot", "DISTRIBUTIONS\n  A-B-1\n    provides:\n", ("A-B", "1")),
            ("rebar-lock", "{\"1.2.0\",[{<<\"a\">>,{pkg,<<\"a\">>,<<\"1\">>},0}]}.", ("a", "1")),
            ("actions", "  - uses: a/b@v1 # x\n", ("a/b", "v1")),
            ("conda-environment", "dependencies:\n  - a=1=b\n", ("a", "1")),
        ] {
            let cataloguer = CATALOGUERS.iter().find(|cataloguer| cataloguer.name == name).unwrap();
            let mut sink = Sink::default();
            (cataloguer.read)(&Input { path: "x", bytes: bytes.as_bytes() }, &mut sink);
            let [Fact::Package(package)] = &sink.facts[..] else { panic!("{name}") };
            assert_eq!((&*package.name, &*package.version), expected, "{name}");
        }
    }
}
