//! Lock files of pipenv, poetry, uv, pdm, and the common one; manifests.

use std::collections::HashMap;

use model::Package;
use model::package::{Kind, Need};
use serde_json::Value;

use super::requirements::{self, pinned};
use crate::catalog::document::{
    check_version, elements, entries, json, locks, member, named, needs_one_of, texts, toml,
};
use crate::catalog::javascript::reached;
use crate::catalog::locks::declares;
use crate::catalog::{Input, Sink};
use crate::facts::Manifest;

pub(super) fn pipfile(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::PyPi, sink);
    let Some(root) = json(input, sink) else { return };
    needs_one_of(&root, &["default", "develop"], sink);
    if let Some(meta) = root.get("_meta") {
        check_version(meta.get("pipfile-spec"), &["6"], sink);
    }
    for (section, need) in [("default", Need::Unstated), ("develop", Need::Development)] {
        for (name, entry) in entries(&root, section, sink) {
            // What comes from a folder or a repository has no version of its own.
            if ["path", "file", "git", "editable"].iter().any(|key| entry.get(*key).is_some())
                && entry.get("version").is_none()
            {
                sink.damage(format!("{name} comes from a folder or repository and has no version"));
                continue;
            }
            let version = member(entry, "version").trim_start_matches('=');
            let Some(mut package) = named(sink, Kind::PyPi, name, version) else { continue };
            package.need = need;
            sink.package(package);
        }
    }
}

/// `Pipfile`, which names and seldom fixes.
pub(super) fn pipfile_manifest(input: &Input<'_>, sink: &mut Sink) {
    let Some(root) = toml(input, sink) else { return };
    let names = |section: &str, sink: &mut Sink| {
        entries(&root, section, sink).map(|(name, _)| name.as_str().into()).collect::<Vec<Box<str>>>()
    };
    let needs = names("packages", sink);
    let mut open = needs.clone();
    open.extend(names("dev-packages", sink));
    declares(Manifest { kind: Kind::PyPi, name: "".into(), needs, open, lockable: true }, sink);
}

pub(super) fn toml_lock(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::PyPi, sink);
    let Some(root) = toml(input, sink) else { return };
    let file = input.path.rsplit('/').next().unwrap_or_default();
    let metadata = root.get("metadata");
    match file {
        "uv.lock" => check_version(root.get("version"), &["1"], sink),
        "pdm.lock" => check_version(metadata.and_then(|meta| meta.get("lock_version")), &["2", "3", "4"], sink),
        "poetry.lock" => match metadata.map(|meta| meta.get("lock-version").or(meta.get("content-hash"))) {
            // The first versions wrote the sum of the manifest only.
            Some(Some(version)) if metadata.is_some_and(|meta| meta.get("lock-version").is_some()) => {
                check_version(Some(version), &["1", "2"], sink);
            }
            Some(Some(_)) => {}
            _ => sink.damage("the table `metadata` at the end is missing: it is cut off"),
        },
        _ if file.starts_with("pylock.") => check_version(root.get("lock-version"), &["1"], sink),
        _ => {}
    }
    let mut found = Vec::new();
    let mut own: Vec<usize> = Vec::new();
    for key in ["package", "packages"] {
        for entry in elements(&root, key, sink) {
            let is_own = is_own(entry);
            if is_own && member(entry, "version").is_empty() {
                // A project without a version, or one that computes it.
                continue;
            }
            let Some(package) = package(entry, sink) else { continue };
            if is_own {
                own.push(found.len());
            }
            found.push(package);
        }
    }
    if file == "uv.lock" {
        mark_development(&mut found, &root);
    }
    for (at, mut package) in found.into_iter().enumerate() {
        if own.contains(&at) {
            package.need = Need::Direct;
        }
        sink.package(package);
    }
}

/// The project itself, or a member of its workspace.
fn is_own(entry: &Value) -> bool {
    let source = entry.get("source");
    ["virtual", "editable"].iter().any(|key| source.and_then(|source| source.get(*key)).is_some())
}

fn package(entry: &Value, sink: &mut Sink) -> Option<Package> {
    // Of a folder, an archive or a repository, the common form may write no version; its file name may tell it.
    let version = match member(entry, "version") {
        "" => name_of_wheel(entry).and_then(requirements::version_of_wheel).unwrap_or_default(),
        version => version,
    };
    let mut package = named(sink, Kind::PyPi, member(entry, "name"), version)?;
    let outside = |key: &str, main: &str| {
        let groups: Vec<&str> = texts(entry, key).collect();
        !groups.is_empty() && !groups.contains(&main)
    };
    if member(entry, "category") == "dev" || outside("groups", "main") && outside("groups", "default") {
        package.need = Need::Development;
    }
    package.depends_on = match entry.get("dependencies") {
        Some(Value::Object(table)) => table.keys().map(|key| key.as_str().into()).collect(),
        Some(Value::Array(list)) => list.iter().filter_map(dependency).collect(),
        _ => Vec::new(),
    };
    Some(package)
}

fn name_of_wheel(entry: &Value) -> Option<&str> {
    let archive = entry.get("archive").into_iter();
    let wheels = entry.get("wheels").and_then(Value::as_array).into_iter().flatten().chain(archive);
    let mut names = wheels.filter_map(|one| ["name", "path", "url"].iter().find_map(|key| one.get(*key)?.as_str()));
    names.next().and_then(|name| name.rsplit('/').next())
}

/// uv writes what the projects need to run, and apart from it what they need for development.
fn mark_development(found: &mut [Package], root: &Value) {
    let list = || root.get("package").and_then(Value::as_array).into_iter().flatten();
    let mut edges: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut roots: Vec<&str> = Vec::new();
    for entry in list() {
        let name = member(entry, "name");
        if is_own(entry) {
            roots.push(name);
        }
        let optional = entry.get("optional-dependencies").and_then(Value::as_object);
        let lists = entry.get("dependencies").into_iter().chain(optional.into_iter().flat_map(|all| all.values()));
        let names = lists.filter_map(Value::as_array).flatten().map(|needed| member(needed, "name"));
        edges.entry(name).or_default().extend(names);
    }
    if roots.is_empty() {
        return;
    }
    let needed = reached(roots.into_iter(), &edges);
    for package in found.iter_mut().filter(|package| !needed.contains(&*package.name)) {
        package.need = Need::Development;
    }
}

pub(super) fn pyproject(input: &Input<'_>, sink: &mut Sink) {
    let Some(root) = toml(input, sink) else { return };
    let none = Value::Null;
    let at = |path: &[&str]| path.iter().try_fold(&root, |value, key| value.get(*key)).unwrap_or(&none);
    let (mut needs, mut open) = (Vec::new(), Vec::new());
    let project = at(&["project"]);
    let mut requirement = |text: &str, needed: bool, sink: &mut Sink| {
        let name: Box<str> = requirements::name(text).into();
        if needed {
            needs.push(name.clone());
        }
        match pinned(text) {
            Some(package) => sink.package(package),
            None => open.push(name),
        }
    };
    for text in elements(project, "dependencies", sink).filter_map(Value::as_str).collect::<Vec<_>>() {
        requirement(text, true, sink);
    }
    for (holder, key, needed) in [(project, "optional-dependencies", true), (&root, "dependency-groups", false)] {
        for (_, list) in entries(holder, key, sink) {
            for text in list.as_array().into_iter().flatten().filter_map(Value::as_str) {
                requirement(text, needed, sink);
            }
        }
    }
    let poetry = at(&["tool", "poetry"]);
    let groups = poetry.get("group").and_then(Value::as_object).into_iter().flatten();
    let sections = [(poetry, "dependencies", true), (poetry, "dev-dependencies", false)];
    let groups = groups.map(|(name, group)| (group, "dependencies", name == "main"));
    for (holder, key, needed) in sections.into_iter().chain(groups) {
        for (name, _) in
            entries(holder, key, sink).filter(|(name, entry)| *name != "python" && entry.get("path").is_none())
        {
            open.push(name.as_str().into());
            if needed {
                needs.push(name.as_str().into());
            }
        }
    }
    let name = [project, poetry].into_iter().map(|holder| member(holder, "name")).find(|name| !name.is_empty());
    let name = name.unwrap_or_default().into();
    declares(Manifest { kind: Kind::PyPi, name, needs, open, lockable: true }, sink);
}

fn dependency(value: &Value) -> Option<Box<str>> {
    let text = value.as_str().map(requirements::name);
    text.or_else(|| value.get("name")?.as_str()).map(Into::into)
}
