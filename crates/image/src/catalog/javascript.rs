//! JavaScript: installed packages, manifests, and the lock files of npm, yarn, pnpm, bun and deno.

mod bun;
mod npm;
mod pnpm;
mod yarn;

use std::collections::{HashMap, HashSet};

use model::Package;
use model::package::{Kind, Need};
use serde_json::{Map, Value};

use super::document::{entries, json, json_with_keys, locks, needs_one_of, shown};
use super::locks::declares;
use super::{Cataloguer, Input, Settings, Sink, Wants};
use crate::facts::Manifest;

/// The readers of JavaScript's files.
pub static CATALOGUERS: &[Cataloguer] = &[
    Cataloguer {
        name: "npm-installed",
        wants: Wants { names: &["package.json"], ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: BYTES_MAX,
        read: installed,
    },
    Cataloguer {
        name: "npm-manifest",
        wants: Wants { names: &["package.json"], filter: |path| !is_installed(path), ..Wants::NOTHING },
        settings: Settings::Sources,
        bytes_max: BYTES_MAX,
        read: manifest,
    },
    lock("npm-lock", &["package-lock.json", "npm-shrinkwrap.json", ".package-lock.json"], npm::read),
    lock("yarn-lock", &["yarn.lock"], yarn::read),
    lock("pnpm-lock", &["pnpm-lock.yaml"], pnpm::read),
    lock("bun-lock", &["bun.lock"], bun::read),
    lock("bun-lock-binary", &["bun.lockb"], bun::binary),
    lock("deno-lock", &["deno.lock"], deno_lock),
];

const fn lock(name: &'static str, names: &'static [&'static str], read: fn(&Input<'_>, &mut Sink)) -> Cataloguer {
    let wants = Wants { names, ..Wants::NOTHING };
    Cataloguer { name, wants, settings: Settings::Sources, bytes_max: LOCK_BYTES_MAX, read }
}

fn is_installed(path: &str) -> bool {
    path.starts_with("node_modules/") || path.contains("/node_modules/")
}

/// The name that the folder gives a package: `node_modules/@scope/name/package.json`, and nothing deeper.
fn folder_name(path: &str) -> Option<&str> {
    let (_, below) = path.rsplit_once("node_modules/")?;
    let name = below.strip_suffix("/package.json")?;
    let parts = name.split('/').count();
    (!name.starts_with('.') && parts == if name.starts_with('@') { 2 } else { 1 }).then_some(name)
}

fn installed(input: &Input<'_>, sink: &mut Sink) {
    let folder = folder_name(input.path);
    let mut own = Sink::default();
    let root = json_with_keys(input.bytes, &["name", "version"], &mut own);
    // Folders of a package hold further files of this name, for tests broken ones too. What is wrong with those hides
    // nothing that is installed.
    match folder {
        Some(_) => sink.damage.append(&mut own.damage),
        None => own.damage.into_iter().for_each(|fault| sink.remark(fault.message)),
    }
    let Some(root) = root else { return };
    let written = text(&root, "name").unwrap_or_default();
    let name = if written.is_empty() { folder.unwrap_or_default() } else { written };
    let version = text(&root, "version").unwrap_or_default().trim();
    if name.is_empty() || version.is_empty() {
        let wrong = match root.get("version") {
            None => "no version",
            Some(Value::String(_)) => "an empty version",
            Some(_) => "a version that is no text",
        };
        if folder.is_some() {
            sink.damage(format!("the package {} has {wrong} and was left out", shown(name)));
        }
        return;
    }
    let mut package = Package::new(Kind::Npm, name, version);
    package.licenses = licenses(&root);
    package.supplier = match root.get("author") {
        Some(Value::String(author)) => author.as_str().into(),
        Some(author) => text(author, "name").unwrap_or_default().into(),
        None => "".into(),
    };
    package.depends_on = keys(root.get("dependencies"));
    sink.package(package);
}

/// The project itself, and what it asks for.
fn manifest(input: &Input<'_>, sink: &mut Sink) {
    let Some(root) = json_with_keys(input.bytes, &MANIFEST_KEYS, sink) else { return };
    let (name, version) = (text(&root, "name").unwrap_or_default(), text(&root, "version").unwrap_or_default());
    let needs = keys_of(&root, &["dependencies", "optionalDependencies", "peerDependencies"]);
    let mut open = Vec::new();
    for section in ["dependencies", "devDependencies", "optionalDependencies"] {
        for (name, wanted) in entries(&root, section, sink) {
            let wanted = wanted.as_str().unwrap_or_default();
            let is_local = ["workspace:", "file:", "link:", "portal:"].iter().any(|start| wanted.starts_with(start));
            if !is_local {
                open.push(name.as_str().into());
            }
        }
    }
    if !name.is_empty() && !version.is_empty() {
        let mut package = Package::new(Kind::Npm, name, version);
        package.need = Need::Direct;
        package.depends_on.clone_from(&needs);
        package.licenses = licenses(&root);
        sink.package(package);
    }
    declares(Manifest { kind: Kind::Npm, name: name.into(), needs, open, lockable: true }, sink);
}

fn deno_lock(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Npm, sink);
    let Some(root) = json(input, sink) else { return };
    // Version 1 has neither a number nor packages of npm, only addresses with their sums.
    let first = root.as_object().is_some_and(|all| !all.is_empty() && all.values().all(Value::is_string));
    if !first {
        super::document::check_version(root.get("version"), &["1", "2", "3", "4", "5"], sink);
        needs_one_of(&root, &["npm", "packages", "remote", "jsr", "specifiers", "redirects"], sink);
    }
    let old = root.get("packages").filter(|packages| packages.get("npm").is_some());
    let (holder, key) = match (root.get("npm"), old) {
        (Some(npm), _) if npm.get("packages").is_some() => (npm, "packages"),
        (Some(_), _) => (&root, "npm"),
        (None, Some(packages)) => (packages, "npm"),
        (None, None) => return,
    };
    for (key, entry) in entries(holder, key, sink) {
        // Peers follow behind an underscore, which no version holds.
        let Some((name, version)) = split_at_version(key) else {
            sink.damage(format!("the entry {} names no version and was left out", shown(key)));
            continue;
        };
        let version = version.split('_').next().unwrap_or(version);
        let Some(mut package) = super::document::named(sink, Kind::Npm, name, version) else { continue };
        checksum(&mut package, text(entry, "integrity"));
        sink.package(package);
    }
}

/// Names that can be reached from the roots. By names alone: where one name has several versions, all of them count, so
/// that nothing that is needed to run is taken for a tool of development.
pub(crate) fn reached<'a>(
    roots: impl Iterator<Item = &'a str>,
    edges: &HashMap<&'a str, Vec<&'a str>>,
) -> HashSet<&'a str> {
    let mut open: Vec<&str> = roots.collect();
    let mut seen = HashSet::new();
    while let Some(name) = open.pop() {
        if seen.insert(name) {
            open.extend(edges.get(name).into_iter().flatten());
        }
    }
    seen
}

/// `@scope/name@version`.
fn split_at_version(text: &str) -> Option<(&str, &str)> {
    let at = text.get(1..)?.find('@')? + 1;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// `license` and `licenses` in all forms that were ever written.
fn licenses(entry: &Value) -> Vec<Box<str>> {
    fn one(value: &Value) -> Option<Box<str>> {
        let text = value.as_str().or_else(|| text(value, "type")).or_else(|| text(value, "name"))?;
        (!text.is_empty() && text != "UNLICENSED").then(|| text.into())
    }
    let values = [entry.get("license"), entry.get("licenses")];
    let all = values.into_iter().flatten().flat_map(|value| match value {
        Value::Array(values) => values.iter().filter_map(one).collect::<Vec<_>>(),
        value => one(value).into_iter().collect(),
    });
    all.collect()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool) == Some(true)
}

fn keys(value: Option<&Value>) -> Vec<Box<str>> {
    value.and_then(Value::as_object).into_iter().flat_map(Map::keys).map(|key| key.as_str().into()).collect()
}

fn keys_of(value: &Value, sections: &[&str]) -> Vec<Box<str>> {
    sections.iter().flat_map(|section| keys(value.get(*section))).collect()
}

fn checksum(package: &mut Package, sum: Option<&str>) {
    package.properties.extend(sum.map(|sum| ("checksum".into(), sum.into())));
}

fn development(yes: bool) -> Need {
    if yes { Need::Development } else { Need::Unstated }
}

/// Keys of a manifest that decide about packages.
const MANIFEST_KEYS: [&str; 6] =
    ["name", "version", "dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];

/// `package.json` of published packages stays below 1 MB.
const BYTES_MAX: u64 = 8 << 20;

/// Lock files of the largest repositories reach 10 MB.
const LOCK_BYTES_MAX: u64 = 64 << 20;

#[cfg(test)]
mod tests;
