//! `bun.lock`, JSON with comments and trailing commas; its binary forerunner is not read.

use std::collections::HashMap;

use model::package::Kind;
use serde_json::{Map, Value};

use super::{checksum, development, keys_of, reached, split_at_version};
use crate::catalog::document::{check_version, entries, json_of, locks, named, needs_one_of, shown};
use crate::catalog::{Input, Sink};

pub(super) fn read(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Npm, sink);
    let Some(root) = json_of(&without_comments(input.bytes), sink) else { return };
    check_version(root.get("lockfileVersion"), &["0", "1"], sink);
    needs_one_of(&root, &["packages", "workspaces"], sink);
    let mut found = Vec::new();
    let mut needed_by: Vec<(Box<str>, Vec<Box<str>>)> = Vec::new();
    for (key, entry) in entries(&root, "packages", sink) {
        let Some((name, version)) = entry.get(0).and_then(Value::as_str).and_then(split_at_version) else {
            sink.damage(format!("the entry {} names no version and was left out", shown(key)));
            continue;
        };
        // A registry's entry has its address in second place, other kinds have what they need there.
        let about = entry.as_array().into_iter().flatten().find(|part| part.is_object()).unwrap_or(&Value::Null);
        needed_by.push((name.into(), keys_of(about, &DEPENDENCIES)));
        if ["workspace:", "link:", "file:", "root:"].iter().any(|start| version.starts_with(start)) {
            continue;
        }
        let Some(mut package) = named(sink, Kind::Npm, name, version) else { continue };
        package.depends_on = keys_of(about, &["dependencies"]);
        checksum(&mut package, entry.get(3).and_then(Value::as_str));
        found.push(package);
    }
    let workspaces: Vec<Box<str>> = root
        .get("workspaces")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::values)
        .flat_map(|one| keys_of(one, &DEPENDENCIES))
        .collect();
    let mut edges: HashMap<&str, Vec<&str>> = HashMap::new();
    for (name, needs) in &needed_by {
        edges.entry(name).or_default().extend(needs.iter().map(|need| &**need));
    }
    let reached = reached(workspaces.iter().map(|name| &**name), &edges);
    for mut package in found {
        package.need = development(!workspaces.is_empty() && !reached.contains(&*package.name));
        sink.package(package);
    }
}

/// The binary form has no specification; its presence is told, because nothing of it is known.
pub(super) fn binary(_: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Npm, sink);
    sink.damage("the binary lock file of bun is not readable; `bun install --save-text-lockfile` writes one that is");
}

/// JSON without the comments and trailing commas that bun writes.
fn without_comments(bytes: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    let (mut at, mut quoted) = (0, false);
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1);
        match (quoted, byte) {
            (true, b'\\') => {
                out.push(*byte);
                out.extend(next);
                at += 2;
                continue;
            }
            (_, b'"') => quoted = !quoted,
            (false, b'/') if next == Some(&b'/') => {
                let rest = bytes.get(at..).unwrap_or_default();
                at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                continue;
            }
            (false, b'/') if next == Some(&b'*') => {
                let rest = bytes.get(at..).unwrap_or_default();
                at += memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end + 2);
                continue;
            }
            (false, b'}' | b']') => {
                let end = out.iter().rposition(|byte| !byte.is_ascii_whitespace());
                if let Some(comma) = end.filter(|end| out.get(*end) == Some(&b',')) {
                    out.truncate(comma);
                }
            }
            _ => {}
        }
        out.push(*byte);
        at += 1;
    }
    out
}

/// Bun installs peers too.
const DEPENDENCIES: [&str; 3] = ["dependencies", "optionalDependencies", "peerDependencies"];
