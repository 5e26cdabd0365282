//! Alpine's package database.

use std::collections::HashMap;

use model::Package;
use model::package::{Kind, Source};

use super::{Cataloguer, Input, Settings, Sink, Wants};
use crate::facts::Fact;

/// What apk leaves behind.
pub static CATALOGUERS: &[Cataloguer] = &[Cataloguer {
    name: "apk-installed",
    wants: Wants { path_ends: &["lib/apk/db/installed"], ..Wants::NOTHING },
    settings: Settings::Installed,
    bytes_max: 256 << 20,
    read: installed,
}];

/// One package while its lines come.
#[derive(Default)]
struct Record {
    name: String,
    version: String,
    arch: String,
    origin: String,
    license: String,
    maintainer: String,
    depends: Vec<String>,
    provides: Vec<String>,
    folder: String,
    owned: Vec<Box<str>>,
    checksum: String,
}

fn installed(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    let (mut records, mut record, mut odd) = (Vec::new(), Record::default(), 0u32);
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else {
            if !line.trim().is_empty() {
                odd += 1;
            } else if !record.name.is_empty() || !record.version.is_empty() {
                records.push(std::mem::take(&mut record));
            }
            continue;
        };
        let value = value.trim_end();
        match key {
            "P" => record.name = value.into(),
            "V" => record.version = value.into(),
            "A" => record.arch = value.into(),
            "o" => record.origin = value.into(),
            "L" => record.license = value.into(),
            "m" => record.maintainer = value.into(),
            "C" => record.checksum = value.into(),
            "D" => record.depends = value.split(' ').map(bare).filter(|name| !name.is_empty()).collect(),
            "p" => record.provides = value.split(' ').map(bare).filter(|name| !name.is_empty()).collect(),
            "F" => record.folder = value.into(),
            "R" => {
                let path = format!("{}/{value}", record.folder);
                if super::is_of_language(&path) {
                    record.owned.push(path.into());
                }
            }
            _ => {}
        }
    }
    if !record.name.is_empty() {
        records.push(record);
    }
    let providers: HashMap<String, String> = records
        .iter()
        .flat_map(|record| record.provides.iter().map(|provided| (provided.clone(), record.name.clone())))
        .collect();
    for record in records {
        if record.name.is_empty() || record.version.is_empty() {
            sink.damage(format!("a package `{}` without name or version", record.name.escape_debug()));
            continue;
        }
        if !record.owned.is_empty() {
            let paths = record.owned.clone();
            sink.facts.push(Fact::Owns { kind: Kind::Apk, package: record.name.as_str().into(), paths });
        }
        sink.package(package(record, &providers));
    }
    if odd > 0 {
        sink.damage(format!("{odd} lines are no fields"));
    }
}

fn package(record: Record, providers: &HashMap<String, String>) -> Package {
    let mut package = Package::new(Kind::Apk, record.name, record.version.clone());
    package.arch = record.arch.into();
    package.supplier = record.maintainer.into();
    package.licenses = crate::license::normalise(&record.license);
    if !record.origin.is_empty() {
        package.source = Some(Source { name: record.origin.into(), version: record.version.into() });
    }
    for name in record.depends {
        let name: Box<str> = providers.get(&name).cloned().unwrap_or(name).into();
        if *name != *package.name {
            package.depends_on.push(name);
        }
    }
    package.depends_on.sort();
    package.depends_on.dedup();
    if !record.checksum.is_empty() {
        package.properties.push(("checksum".into(), record.checksum.into()));
    }
    package
}

/// A name without its version condition; conflicts have none.
fn bare(word: &str) -> String {
    if word.starts_with('!') {
        return String::new();
    }
    word.split(['=', '<', '>', '~']).next().unwrap_or("").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::packages_of;

    #[test]
    fn records_become_packages_with_their_providers() {
        let text = "C:Q1x=\nP:musl\nV:1.2.4-r1\nA:x86_64\nL:MIT\no:musl\nm:N <n@x>\np:so:libc.musl-x86_64.so.1=1\nF:lib\nR:ld.so\n\n\
                    P:busybox\nV:1.36.1-r2\nL:GPL-2.0-only\nD:so:libc.musl-x86_64.so.1 !nope foo>=2\n\nP:bad\n\n";
        let (packages, damage) = packages_of(&CATALOGUERS[0], "lib/apk/db/installed", text.as_bytes());
        assert_eq!(packages.len(), 2);
        assert_eq!(packages[1].depends_on, ["foo".into(), "musl".into()]);
        assert_eq!(packages[0].source.as_ref().map(|source| &*source.name), Some("musl"));
        assert_eq!(packages[0].licenses, ["MIT".into()]);
        assert_eq!(damage.len(), 1);
    }
}
