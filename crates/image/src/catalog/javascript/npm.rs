//! `package-lock.json` of versions 1 to 3, and its kin.

use model::package::Kind;
use serde_json::Value;

use super::{checksum, development, flag, keys, licenses, text};
use crate::catalog::document::{check_version, entries, json, locks, named, needs_one_of, shown};
use crate::catalog::{Input, Sink};

pub(super) fn read(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Npm, sink);
    let Some(root) = json(input, sink) else { return };
    let version = root.get("lockfileVersion");
    match version {
        Some(version) => check_version(Some(version), &["1", "2", "3"], sink),
        // npm before 5 wrote shrinkwrap files without a version.
        None => needs_one_of(&root, &["dependencies", "packages"], sink),
    }
    if version.and_then(Value::as_u64).is_some_and(|version| version >= 2) {
        needs_one_of(&root, &["packages"], sink);
    }
    match root.get("packages").filter(|packages| packages.is_object()) {
        Some(_) => packages(&root, sink),
        None => {
            // Something else in its place is told, and what may stand in the older form is read.
            let _ = entries(&root, "packages", sink);
            tree(&root, sink);
        }
    }
}

fn packages(root: &Value, sink: &mut Sink) {
    for (path, entry) in entries(root, "packages", sink) {
        if !entry.is_object() {
            sink.damage(format!("the entry {} is not an object and was left out", shown(path)));
            continue;
        }
        let Some((_, folder)) = path.rsplit_once("node_modules/") else { continue };
        // A link points to a member of the workspace, which stands under its own folder; what is extraneous is in the
        // folder of modules without being part of the tree, and may be anything.
        if flag(entry, "link") || flag(entry, "extraneous") && text(entry, "version").is_none() {
            continue;
        }
        let (name, version) = (text(entry, "name").unwrap_or(folder), text(entry, "version").unwrap_or_default());
        let Some(mut package) = named(sink, Kind::Npm, name, version) else { continue };
        package.need = development(flag(entry, "dev") || flag(entry, "devOptional") && !flag(entry, "optional"));
        package.licenses = licenses(entry);
        package.depends_on = keys(entry.get("dependencies"));
        checksum(&mut package, text(entry, "integrity"));
        sink.package(package);
    }
}

/// Dependencies of lock files of version 1; the depth is bounded by that of the JSON reader.
fn tree(holder: &Value, sink: &mut Sink) {
    for (name, entry) in entries(holder, "dependencies", sink) {
        tree(entry, sink);
        let version = text(entry, "version").unwrap_or_default();
        if version.starts_with("file:") {
            continue;
        }
        let alias = version.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@'));
        let (name, version) = alias.unwrap_or((name, version));
        let Some(mut package) = named(sink, Kind::Npm, name, version) else { continue };
        package.need = development(flag(entry, "dev"));
        package.depends_on = keys(entry.get("requires"));
        checksum(&mut package, text(entry, "integrity"));
        sink.package(package);
    }
}
