//! Lock files that are JSON, YAML or TOML: PHP, .NET, Dart, Conan, Swift, CocoaPods, Julia, R, sbt, Conda.

use std::collections::BTreeSet;

use model::package::{Kind, Need};
use serde_json::Value;

use super::document::{
    LOCK_BYTES_MAX, check_version, elements, entries, found, json, keys, locks, member, named, needs_one_of, shown,
    texts, toml, yaml,
};
use super::{Cataloguer, Input, Settings, Sink, Wants};
use crate::facts::{Fact, Manifest, Project};

/// All of these.
pub static CATALOGUERS: &[Cataloguer] = &[
    lock("composer-lock", &["composer.lock"], Settings::Sources, composer),
    lock("composer-manifest", &["composer.json"], Settings::Sources, composer_manifest),
    Cataloguer {
        wants: Wants { names: &["installed.json"], ..Wants::NOTHING },
        ..lock("composer-installed", &[], Settings::Both, composer)
    },
    Cataloguer {
        wants: Wants { filter: |path| path.ends_with(".deps.json"), extensions: &[".json"], ..Wants::NOTHING },
        ..lock("dotnet-deps", &[], Settings::Both, dotnet_deps)
    },
    lock("nuget-lock", &["packages.lock.json"], Settings::Sources, nuget_lock),
    lock("pubspec-lock", &["pubspec.lock"], Settings::Sources, pubspec),
    lock("pubspec-manifest", &["pubspec.yaml"], Settings::Sources, pubspec_manifest),
    lock("conan-lock", &["conan.lock"], Settings::Sources, conan),
    lock("swift-resolved", &["Package.resolved"], Settings::Sources, swift),
    lock("podfile-lock", &["Podfile.lock"], Settings::Sources, podfile),
    lock("julia-manifest", &["Manifest.toml"], Settings::Both, julia),
    lock("renv-lock", &["renv.lock"], Settings::Sources, renv),
    lock("sbt-lock", &["build.sbt.lock"], Settings::Sources, sbt),
    lock("stack-lock", &["stack.yaml.lock"], Settings::Sources, stack),
    Cataloguer {
        wants: Wants { folders: &["conda-meta"], filter: |path| path.ends_with(".json"), ..Wants::NOTHING },
        ..lock("conda-meta", &[], Settings::Both, conda_meta)
    },
];

pub(super) const fn lock(
    name: &'static str,
    names: &'static [&'static str],
    settings: Settings,
    read: fn(&Input<'_>, &mut Sink),
) -> Cataloguer {
    Cataloguer { name, wants: Wants { names, ..Wants::NOTHING }, settings, bytes_max: LOCK_BYTES_MAX, read }
}

/// `composer.lock`, and `installed.json` as an object (version 2) or an array (version 1).
fn composer(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Composer, sink);
    let Some(document) = json(input, sink) else { return };
    let first = document.as_array().map(Vec::as_slice).unwrap_or_default();
    if !document.is_array() {
        needs_one_of(&document, &["packages"], sink);
    }
    let developing: BTreeSet<&str> = texts(&document, "dev-package-names").collect();
    let needed: Vec<&Value> = first.iter().chain(elements(&document, "packages", sink)).collect();
    let for_development = elements(&document, "packages-dev", sink);
    let all = needed.into_iter().map(|entry| (entry, false)).chain(for_development.map(|entry| (entry, true)));
    for (entry, dev) in all {
        let (name, version) = (member(entry, "name"), member(entry, "version"));
        let Some(mut package) = named(sink, Kind::Composer, name, version.strip_prefix('v').unwrap_or(version)) else {
            continue;
        };
        if dev || developing.contains(name) {
            package.need = Need::Development;
        }
        package.licenses = texts(entry, "license").map(Into::into).collect();
        package.depends_on = keys(entry, "require").filter(|name| name.contains('/')).map(Into::into).collect();
        sink.package(package);
    }
}

/// `composer.json` of a project: what it asks for.
fn composer_manifest(input: &Input<'_>, sink: &mut Sink) {
    let Some(document) = json(input, sink) else { return };
    let of = |key: &str, sink: &mut Sink| -> Vec<Box<str>> {
        let names = entries(&document, key, sink).map(|(name, _)| name.as_str());
        // Without a vendor it is PHP itself, or a part of it.
        names.filter(|name| name.contains('/')).map(Into::into).collect()
    };
    let needs = of("require", sink);
    let mut open = needs.clone();
    open.extend(of("require-dev", sink));
    let name = member(&document, "name").into();
    declares(Manifest { kind: Kind::Composer, name, needs, open, lockable: true }, sink);
}

/// The program itself is a library of the type `project`.
fn dotnet_deps(input: &Input<'_>, sink: &mut Sink) {
    let Some(document) = json(input, sink) else { return };
    needs_one_of(&document, &["libraries"], sink);
    for (key, entry) in entries(&document, "libraries", sink) {
        let need = match member(entry, "type").to_ascii_lowercase().as_str() {
            "project" => Need::Direct,
            _ => Need::Unstated,
        };
        match key.split_once('/') {
            Some((name, version)) => found(sink, Kind::NuGet, name, version, need),
            None => sink.damage(format!("library {} has no version and was left out", shown(key))),
        }
    }
}

fn nuget_lock(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::NuGet, sink);
    let Some(document) = json(input, sink) else { return };
    check_version(document.get("version"), &["1", "2", "3"], sink);
    needs_one_of(&document, &["dependencies"], sink);
    let mut seen = BTreeSet::new();
    for (framework, _) in entries(&document, "dependencies", sink) {
        let holder = document.get("dependencies").unwrap_or(&Value::Null);
        for (name, entry) in entries(holder, framework, sink) {
            let (how, version) = (member(entry, "type"), member(entry, "resolved"));
            if how != "Project" && seen.insert((name, version)) {
                let need = if how == "Direct" { Need::Direct } else { Need::Indirect };
                found(sink, Kind::NuGet, name, version, need);
            }
        }
    }
}

fn pubspec(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Pub, sink);
    let Some(document) = yaml(input, sink) else { return };
    needs_one_of(&document, &["packages"], sink);
    if document.get("sdks").or(document.get("sdk")).is_none() {
        sink.damage("the section `sdks` at the end is missing: it is cut off");
    }
    for (name, entry) in entries(&document, "packages", sink) {
        let need = match member(entry, "dependency") {
            "direct main" | "direct overridden" => Need::Direct,
            "direct dev" => Need::Development,
            "transitive" => Need::Indirect,
            _ => Need::Unstated,
        };
        // The framework itself comes as `sdk` with the version 0.0.0.
        found(sink, Kind::Pub, name, member(entry, "version"), need);
    }
}

fn pubspec_manifest(input: &Input<'_>, sink: &mut Sink) {
    let Some(document) = yaml(input, sink) else { return };
    let of = |key: &str, sink: &mut Sink| -> Vec<Box<str>> {
        let from_tree = |entry: &Value| entry.get("path").is_some() || entry.get("sdk").is_some();
        entries(&document, key, sink)
            .filter(|(_, entry)| !from_tree(entry))
            .map(|(name, _)| name.as_str().into())
            .collect()
    };
    let needs = of("dependencies", sink);
    let mut open = needs.clone();
    open.extend(of("dev_dependencies", sink));
    let name = member(&document, "name").into();
    declares(Manifest { kind: Kind::Pub, name, needs, open, lockable: true }, sink);
}

/// Version 1 has a graph of nodes with `ref`, version 2 lists of references.
fn conan(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Conan, sink);
    let Some(document) = json(input, sink) else { return };
    check_version(document.get("version"), &["0.1", "0.2", "0.3", "0.4", "0.5"], sink);
    needs_one_of(&document, &["graph_lock", "requires"], sink);
    let graph = document.get("graph_lock").unwrap_or(&Value::Null);
    let nodes: Vec<_> = entries(graph, "nodes", sink).collect();
    let direct: BTreeSet<&str> = nodes
        .iter()
        .filter(|(_, node)| !member(node, "path").is_empty())
        .flat_map(|(_, node)| texts(node, "requires"))
        .collect();
    for (id, node) in &nodes {
        // A node with a path is the project itself.
        if member(node, "path").is_empty() && !member(node, "ref").is_empty() {
            let need = if direct.contains(id.as_str()) { Need::Direct } else { Need::Indirect };
            conan_reference(member(node, "ref"), need, sink);
        }
    }
    let lists =
        [("requires", Need::Unstated), ("build_requires", Need::Development), ("python_requires", Need::Development)];
    for (list, need) in lists {
        for entry in elements(&document, list, sink) {
            // A reference, or a list of it and what is known of its package.
            let reference = entry.as_str().or_else(|| entry.get(0)?.as_str()).unwrap_or_default();
            conan_reference(reference, need, sink);
        }
    }
}

/// `name/version@user/channel#revision%time:package`.
pub(super) fn conan_reference(reference: &str, need: Need, sink: &mut Sink) {
    let plain = reference.split(['#', '@', '%', ':']).next().unwrap_or_default();
    match plain.split_once('/') {
        Some((name, version)) => found(sink, Kind::Conan, name, version, need),
        None => sink.damage(format!("reference {} has no version and was left out", shown(reference))),
    }
}

fn swift(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Swift, sink);
    let Some(document) = json(input, sink) else { return };
    check_version(document.get("version"), &["1", "2", "3"], sink);
    let object = document.get("object").unwrap_or(&Value::Null);
    if object.get("pins").is_none() {
        needs_one_of(&document, &["pins"], sink);
    }
    let first: Vec<&Value> = elements(object, "pins", sink).collect();
    for pin in first.into_iter().chain(elements(&document, "pins", sink)) {
        let address = [member(pin, "location"), member(pin, "repositoryURL")].concat();
        let name = address.split_once("://").map_or(address.as_str(), |(_, rest)| rest).trim_end_matches(".git");
        let state = pin.get("state").unwrap_or(&Value::Null);
        let version = [member(state, "version"), member(state, "branch"), member(state, "revision")];
        let version = version.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        found(sink, Kind::Swift, name, version, Need::Unstated);
    }
}

fn podfile(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::CocoaPods, sink);
    let Some(document) = yaml(input, sink) else { return };
    needs_one_of(&document, &["PODS", "PODFILE CHECKSUM"], sink);
    if document.get("COCOAPODS").is_none() {
        sink.damage("the line `COCOAPODS` at the end is missing: it is cut off");
    }
    for entry in elements(&document, "PODS", sink) {
        let line = entry.as_str().or_else(|| entry.as_object()?.keys().next().map(String::as_str)).unwrap_or_default();
        match line.split_once(" (").and_then(|(name, version)| Some((name, version.strip_suffix(')')?))) {
            Some((name, version)) => found(sink, Kind::CocoaPods, name, version, Need::Unstated),
            None => sink.damage(format!("pod {} has no version and was left out", shown(line))),
        }
    }
}

/// Version 1 has the packages at the top, version 2 below `deps`. Parts of the standard library have the version of the
/// language itself.
fn julia(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Julia, sink);
    let Some(document) = toml(input, sink) else { return };
    let format = document.get("manifest_format");
    if format.is_some() {
        check_version(format, &["1", "2"], sink);
    }
    let nested = document.get("deps").is_some_and(Value::is_object) || format.is_some_and(|format| format != "1.0");
    let none = Value::Null;
    let holder = if nested { document.get("deps").unwrap_or(&none) } else { &document };
    let default = member(&document, "julia_version");
    for (name, list) in holder.as_object().into_iter().flatten() {
        if !nested && !list.is_array() {
            continue;
        }
        for entry in elements(holder, name, sink) {
            let version = member(entry, "version");
            let version = if version.is_empty() { default } else { version };
            if version.is_empty() {
                // Version 1 does not tell the version of the language, which is that of its standard library.
                sink.remark(format!("{} is part of the language, whose version is not told", shown(name)));
                continue;
            }
            let Some(mut package) = named(sink, Kind::Julia, name, version) else { continue };
            package.properties.push(("uuid".into(), member(entry, "uuid").into()));
            sink.package(package);
        }
    }
}

fn renv(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Cran, sink);
    let Some(document) = json(input, sink) else { return };
    needs_one_of(&document, &["Packages"], sink);
    for (name, entry) in entries(&document, "Packages", sink) {
        found(sink, Kind::Cran, name, member(entry, "Version"), Need::Unstated);
    }
}

fn sbt(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Maven, sink);
    let Some(document) = json(input, sink) else { return };
    check_version(document.get("lockVersion"), &["1"], sink);
    needs_one_of(&document, &["dependencies"], sink);
    for entry in elements(&document, "dependencies", sink) {
        let (group, artifact) = (member(entry, "org"), member(entry, "name"));
        if group.is_empty() || artifact.is_empty() {
            sink.damage("an entry has no organisation or no name and was left out");
            continue;
        }
        let mut used_by = texts(entry, "configurations").peekable();
        let testing = used_by.peek().is_some() && used_by.all(|name| name.contains("test"));
        let need = if testing { Need::Development } else { Need::Unstated };
        found(sink, Kind::Maven, &format!("{group}:{artifact}"), member(entry, "version"), need);
    }
}

/// Only packages that the snapshot does not have stand here: `hackage: name-1.0@sha256:…`, or name and version of what
/// comes from elsewhere. The versions of all others stand in the snapshot, which is fetched.
fn stack(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Hackage, sink);
    let Some(document) = yaml(input, sink) else { return };
    needs_one_of(&document, &["packages", "snapshots"], sink);
    for entry in elements(&document, "packages", sink) {
        let completed = entry.get("completed").unwrap_or(entry);
        let hackage = member(completed, "hackage").split('@').next().unwrap_or_default();
        match hackage.rsplit_once('-') {
            Some((name, version)) => found(sink, Kind::Hackage, name, version, Need::Unstated),
            None => found(sink, Kind::Hackage, member(completed, "name"), member(completed, "version"), Need::Unstated),
        }
    }
    for entry in elements(&document, "snapshots", sink) {
        let completed = entry.get("completed").unwrap_or(entry);
        let names = [member(entry, "original"), member(completed, "url")];
        let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        sink.damage(format!(
            "the packages that the project takes from the snapshot {} do not stand in it",
            shown(name)
        ));
    }
}

fn conda_meta(input: &Input<'_>, sink: &mut Sink) {
    let Some(document) = json(input, sink) else { return };
    let Some(mut package) = named(sink, Kind::Conda, member(&document, "name"), member(&document, "version")) else {
        return;
    };
    package.licenses.extend(Some(member(&document, "license")).filter(|text| !text.is_empty()).map(Into::into));
    sink.package(package);
}

/// What a manifest asks for, where it asks for something or other manifests may.
pub(super) fn declares(manifest: Manifest, sink: &mut Sink) {
    if !manifest.open.is_empty() || !manifest.needs.is_empty() || !manifest.name.is_empty() {
        sink.facts.push(Fact::Project(Project::Manifest(manifest)));
    }
}

#[cfg(test)]
mod tests;
