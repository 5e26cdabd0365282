//! Rust: `Cargo.lock` of all versions, and `Cargo.toml`.

use model::package::{Kind, Need};
use serde_json::Value;

use super::document::{check_version, elements, entries, locks, member, named, needs_one_of, texts, toml};
use super::locks::declares;
use super::{Cataloguer, Input, Settings, Sink, Wants};
use crate::facts::Manifest;

/// The readers of Cargo's files.
pub static CATALOGUERS: &[Cataloguer] = &[
    Cataloguer {
        name: "cargo-lock",
        wants: Wants { names: &["Cargo.lock"], ..Wants::NOTHING },
        settings: Settings::Sources,
        bytes_max: BYTES_MAX,
        read: cargo_lock,
    },
    Cataloguer {
        name: "cargo-manifest",
        wants: Wants { names: &["Cargo.toml"], ..Wants::NOTHING },
        settings: Settings::Sources,
        bytes_max: BYTES_MAX,
        read: cargo_manifest,
    },
];

fn cargo_lock(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Cargo, sink);
    let Some(root) = toml(input, sink) else { return };
    // The first two versions did not write their number.
    if root.get("version").is_some() {
        check_version(root.get("version"), &["1", "2", "3", "4"], sink);
    }
    needs_one_of(&root, &["package", "root"], sink);
    let lone = root.get("root").filter(|root| root.is_object());
    for entry in elements(&root, "package", sink).chain(lone) {
        let Some(mut package) = named(sink, Kind::Cargo, member(entry, "name"), member(entry, "version")) else {
            continue;
        };
        let first = |text: &str| text.split(' ').next().unwrap_or_default().into();
        package.depends_on = texts(entry, "dependencies").map(first).collect();
        match member(entry, "source") {
            // Members of the workspace and path dependencies have no source.
            "" => package.need = Need::Direct,
            source => package.properties.push(("source".into(), source.into())),
        }
        if !member(entry, "checksum").is_empty() {
            package.properties.push(("checksum".into(), member(entry, "checksum").into()));
        }
        sink.package(package);
    }
}

fn cargo_manifest(input: &Input<'_>, sink: &mut Sink) {
    let Some(root) = toml(input, sink) else { return };
    let (mut needs, mut open) = (Vec::new(), Vec::new());
    let mut targets = vec![&root];
    targets.extend(entries(&root, "target", sink).map(|(_, target)| target));
    for holder in targets {
        for (section, needed) in SECTIONS {
            for (name, entry) in entries(holder, section, sink) {
                let real: Box<str> = entry.get("package").and_then(Value::as_str).unwrap_or(name).into();
                if needed {
                    needs.push(real.clone());
                }
                if entry.get("path").is_none() {
                    open.push(real);
                }
            }
        }
    }
    // Members name what the workspace fixes by the name that it has there, which may be another than the crate's.
    let shared = root.get("workspace").unwrap_or(&Value::Null);
    let renamed = entries(shared, "dependencies", sink).filter_map(|(_, entry)| entry.get("package")?.as_str());
    needs.extend(renamed.map(Into::into));
    let name = root.get("package").map(|package| member(package, "name")).unwrap_or_default().into();
    declares(Manifest { kind: Kind::Cargo, name, needs, open, lockable: true }, sink);
}

/// Sections of a manifest, and whether what they name runs in the end; tools of the build do while it is built.
const SECTIONS: [(&str, bool); 5] = [
    ("dependencies", true),
    ("build-dependencies", true),
    ("build_dependencies", true),
    ("dev-dependencies", false),
    ("dev_dependencies", false),
];

/// The largest lock files known are below 1 MB.
const BYTES_MAX: u64 = 32 << 20;

#[cfg(test)]
mod tests {
    use super::cargo_lock;
    use crate::catalog::listed;

    #[test]
    fn locked_crates_are_read() {
        let text = b"version = 4\n[[package]]\nname = \"a\"\nversion = \"0.1.0\"\ndependencies = [\"b 1.0.0\"]\n\
            [[package]]\nname = \"b\"\nversion = \"1.0.0\"\nsource = \"registry+https://registry.example\"\n";
        assert_eq!(listed(cargo_lock, "Cargo.lock", text), ["a 0.1.0", "b 1.0.0"]);
    }
}
