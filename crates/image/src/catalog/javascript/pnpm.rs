//! `pnpm-lock.yaml` of versions 5, 6 and 9.

use std::collections::HashSet;

use model::Package;
use model::package::Kind;
use serde_json::{Map, Value};

use super::{checksum, development, flag, keys, split_at_version, text};
use crate::catalog::document::{check_version, entries, locks, shown, yaml};
use crate::catalog::{Input, Sink};

pub(super) fn read(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Npm, sink);
    let Some(root) = yaml(input, sink) else { return };
    check_version(root.get("lockfileVersion").map(number).as_ref(), &["5", "6", "9"], sink);
    // A project without dependencies has neither packages nor importers.
    let snapshots = root.get("snapshots").and_then(Value::as_object);
    let needed = snapshots.map(|snapshots| production(&root, snapshots));
    let listed = root.get("packages").and_then(Value::as_object);
    let missing = |key: &&String| !listed.is_some_and(|listed| listed.contains_key(without_peers(key)));
    let unlisted = snapshots.into_iter().flat_map(Map::keys).filter(missing).count();
    if unlisted > 0 {
        sink.damage(format!("{unlisted} of its snapshots stand under no package; they were left out"));
    }
    if snapshots.is_none() && listed.is_some_and(|listed| !listed.is_empty()) && is_nine(&root) {
        sink.damage("it has packages and no snapshots: it is cut off");
    }
    for (key, entry) in entries(&root, "packages", sink) {
        let (name, version) = split(key).unzip();
        let name = text(entry, "name").or(name).unwrap_or_default();
        let version = text(entry, "version").or(version).unwrap_or_default();
        if [version, key].iter().any(|text| text.starts_with("file:") || text.starts_with("link:")) {
            continue;
        }
        if name.is_empty() || version.is_empty() {
            sink.damage(format!("the entry {} names no version and was left out", shown(key)));
            continue;
        }
        let mut package = Package::new(Kind::Npm, name, version);
        package.need = development(match &needed {
            Some(needed) => !needed.is_empty() && !needed.contains(key.as_str()),
            None => flag(entry, "dev"),
        });
        package.depends_on = keys(entry.get("dependencies"));
        checksum(&mut package, entry.get("resolution").and_then(|resolution| text(resolution, "integrity")));
        sink.package(package);
    }
}

/// Versions were numbers first and texts later, with words behind them now and then: `5.4-inlineSpecifiers`.
fn number(version: &Value) -> Value {
    match version {
        Value::String(text) => text.split('-').next().unwrap_or_default().into(),
        Value::Number(number) => number.to_string().into(),
        other => other.clone(),
    }
}

fn is_nine(root: &Value) -> bool {
    root.get("lockfileVersion").map(number).and_then(|version| Some(version.as_str()?.starts_with('9'))) == Some(true)
}

/// Keys of the packages that the projects need for more than development, peers cut off.
fn production(root: &Value, snapshots: &Map<String, Value>) -> HashSet<String> {
    let mut open: Vec<String> = Vec::new();
    for importer in root.get("importers").and_then(Value::as_object).into_iter().flat_map(Map::values) {
        open.extend(edges(importer));
    }
    let (mut seen, mut needed) = (HashSet::new(), HashSet::new());
    while let Some(key) = open.pop() {
        if let Some(snapshot) = snapshots.get(&key).filter(|_| seen.insert(key.clone())) {
            open.extend(edges(snapshot));
            needed.insert(without_peers(&key).to_owned());
        }
    }
    needed
}

fn edges(from: &Value) -> Vec<String> {
    let maps = ["dependencies", "optionalDependencies"].into_iter().filter_map(|key| from.get(key)?.as_object());
    let edges = maps.flatten().filter_map(|(name, value)| {
        let version = value.as_str().or_else(|| text(value, "version"))?;
        // An alias names the whole key of another package.
        let alias = split_at_version(without_peers(version)).is_some();
        Some(if alias { version.to_owned() } else { format!("{name}@{version}") })
    });
    edges.collect()
}

fn split(key: &str) -> Option<(&str, &str)> {
    let key = without_peers(key.strip_prefix('/').unwrap_or(key));
    let (head, last) = key.rsplit_once('/').unwrap_or(("", key));
    // Version 5 writes /name/1.0.0_peers, the later ones name@1.0.0.
    if !head.is_empty() && last.starts_with(|first: char| first.is_ascii_digit()) {
        return Some((head, last.split('_').next().unwrap_or(last)));
    }
    split_at_version(key)
}

fn without_peers(key: &str) -> &str {
    key.split('(').next().unwrap_or(key)
}
