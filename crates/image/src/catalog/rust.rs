//! Rust: `Cargo.lock` of all versions.

use model::Package;
use model::package::{Kind, Need};
use serde::Deserialize;

use super::{Cataloguer, Input, Settings, Sink, Wants};

/// The reader of `Cargo.lock`.
pub static CATALOGUERS: &[Cataloguer] = &[Cataloguer {
    name: "cargo-lock",
    wants: Wants { names: &["Cargo.lock"], ..Wants::NOTHING },
    settings: Settings::Sources,
    bytes_max: BYTES_MAX,
    read: cargo_lock,
}];

fn cargo_lock(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    let lock: Lock = match toml::from_str(&text) {
        Ok(lock) => lock,
        Err(error) => return sink.damage(format!("the lock file is no TOML of its kind: {}", error.message())),
    };
    for entry in lock.package.into_iter().chain(lock.root) {
        let mut package = Package::new(Kind::Cargo, entry.name, entry.version);
        let first = |text: &String| text.split(' ').next().unwrap_or_default().into();
        package.depends_on = entry.dependencies.iter().map(first).collect();
        match entry.source {
            // Members of the workspace and path dependencies have no source.
            None => package.need = Need::Direct,
            Some(source) => package.properties.push(("source".into(), source.into())),
        }
        if let Some(checksum) = entry.checksum {
            package.properties.push(("checksum".into(), checksum.into()));
        }
        sink.package(package);
    }
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
    root: Option<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

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
