//! `pnpm-lock.yaml` of versions 5, 6 and 9.

use std::collections::HashSet;

use model::Package;
use model::package::Kind;
use serde_json::{Map, Value};

use super::{checksum, development, flag, keys, split_at_version, text};
use crate::catalog::{Input, Sink};

pub(super) fn read(input: &Input<'_>, sink: &mut Sink) {
    let content = String::from_utf8_lossy(input.bytes);
    let root: Value = match serde_saphyr::from_str(&content) {
        Ok(root) => root,
        Err(_) => return sink.damage("the lock file is no YAML, or larger than what is read"),
    };
    let snapshots = root.get("snapshots").and_then(Value::as_object);
    let needed = snapshots.map(|snapshots| production(&root, snapshots));
    for (key, entry) in root.get("packages").and_then(Value::as_object).into_iter().flatten() {
        let Some((name, version)) = split(key) else { continue };
        let name = text(entry, "name").unwrap_or(name);
        let version = text(entry, "version").unwrap_or(version);
        if version.starts_with("file:") || version.starts_with("link:") {
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
