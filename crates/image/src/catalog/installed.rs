//! What small package managers leave behind: R, vcpkg, GitHub Actions, conda environments.

use model::package::{Kind, Need};
use serde_json::Value;

use super::document::{LOCK_BYTES_MAX, elements, found, named, text, yaml};
use super::{Cataloguer, Input, Settings, Sink, Wants};

/// All of these.
pub static CATALOGUERS: &[Cataloguer] = &[
    one("r-description", Wants { names: &["DESCRIPTION"], ..Wants::NOTHING }, Settings::Installed, r_description),
    one("vcpkg-status", Wants { path_ends: &["vcpkg/status"], ..Wants::NOTHING }, Settings::Both, vcpkg),
    one(
        "vcpkg-info",
        Wants { folders: &["vcpkg/info"], filter: |path| path.ends_with(".list"), ..Wants::NOTHING },
        Settings::Both,
        vcpkg_info,
    ),
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
    let Some(mut package) = named(sink, Kind::Cran, name, version) else { return };
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

/// `zlib_1.3.1_x64-linux.list`: one file for each installed package, whose name says it all. Names have no underscore;
/// behind the version stands `#` with the revision of the recipe, which `status` keeps apart as well.
fn vcpkg_info(input: &Input<'_>, sink: &mut Sink) {
    let file = input.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".list");
    let parts = file.split_once('_').and_then(|(name, rest)| Some((name, rest.rsplit_once('_')?.0)));
    let Some((name, version)) = parts else {
        return sink.damage("its name is not name, version and triplet of a package");
    };
    let (version, revision) = version.split_once('#').unwrap_or((version, ""));
    let Some(mut package) = named(sink, Kind::Vcpkg, name, version) else { return };
    package
        .properties
        .extend(Some(revision).filter(|text| !text.is_empty()).map(|text| ("port-version".into(), text.into())));
    sink.package(package);
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
    let lines: Vec<&str> = elements(&document, "dependencies", sink).filter_map(Value::as_str).collect();
    for line in lines {
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
            ("vcpkg-info", "x64-linux/\n", ("a", "1")),
            ("actions", "  - uses: a/b@v1 # x\n", ("a/b", "v1")),
            ("conda-environment", "dependencies:\n  - a=1=b\n", ("a", "1")),
        ] {
            let cataloguer = CATALOGUERS.iter().find(|cataloguer| cataloguer.name == name).unwrap();
            let mut sink = Sink::default();
            (cataloguer.read)(&Input { path: "vcpkg/info/a_1#2_x64-linux.list", bytes: bytes.as_bytes() }, &mut sink);
            let [Fact::Package(package)] = &sink.facts[..] else { panic!("{name}") };
            assert_eq!((&*package.name, &*package.version), expected, "{name}");
        }
    }
}
