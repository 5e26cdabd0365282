//! Alpine's package database.

use std::collections::HashMap;

use model::Package;
use model::package::{Kind, Source};

use super::{Cataloguer, Input, NEEDS_MAX, OWNED_BYTES_MAX, PACKAGES_MAX, Settings, Sink, Wants};
use crate::facts::Fact;
use crate::limits::PATH_BYTES_MAX;

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
struct Record<'a> {
    name: &'a str,
    version: &'a str,
    arch: &'a str,
    origin: &'a str,
    license: &'a str,
    maintainer: &'a str,
    depends: &'a str,
    provides: &'a str,
    checksum: &'a str,
    folder: &'a str,
    owned: Vec<Box<str>>,
    any: bool,
}

fn installed(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    let mut providers: HashMap<&str, &str> = HashMap::new();
    records(&text, false, |record| {
        for provided in record.provides.split(' ').filter_map(bare) {
            if providers.len() < PROVIDED_MAX {
                providers.insert(provided, record.name);
            }
        }
    });
    let (mut count, mut nameless) = (0usize, 0u64);
    let odd = records(&text, true, |mut record| {
        if record.name.is_empty() || record.version.is_empty() {
            nameless += 1;
            return;
        }
        count += 1;
        if count > PACKAGES_MAX {
            return;
        }
        let paths = std::mem::take(&mut record.owned);
        if !paths.is_empty() {
            sink.facts.push(Fact::Owns { kind: Kind::Apk, package: record.name.into(), paths });
        }
        sink.package(package(&record, &providers));
    });
    if nameless > 0 {
        sink.damage(format!("{nameless} packages have no name or no version"));
    }
    if count > PACKAGES_MAX {
        sink.damage(format!("it lists {count} packages, of which {PACKAGES_MAX} were read"));
    }
    if odd > 0 {
        sink.damage(format!("{odd} lines are no fields"));
    }
}

/// Gives every record, and how many lines are no fields. Files are gathered where they are asked for.
fn records<'a>(text: &'a str, files: bool, mut each: impl FnMut(Record<'a>)) -> u64 {
    let (mut record, mut odd, mut owned) = (Record::default(), 0, 0usize);
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else {
            if !line.trim().is_empty() {
                odd += 1;
            } else if record.any {
                each(std::mem::take(&mut record));
            }
            continue;
        };
        record.any = true;
        let value = value.trim_end();
        match key {
            "P" => record.name = value,
            "V" => record.version = value,
            "A" => record.arch = value,
            "o" => record.origin = value,
            "L" => record.license = value,
            "m" => record.maintainer = value,
            "C" => record.checksum = value,
            "D" => record.depends = value,
            "p" => record.provides = value,
            "F" => record.folder = value,
            // A name alone does not tell a folder's file, and most files are of no language: what ends like one is joined.
            "R" if files && record.folder.len() + value.len() < PATH_BYTES_MAX => {
                let path = format!("{}/{value}", record.folder);
                if super::is_of_language(&path) && owned < OWNED_BYTES_MAX {
                    owned += path.len();
                    record.owned.push(path.into());
                }
            }
            _ => {}
        }
    }
    if record.any {
        each(record);
    }
    odd
}

fn package(record: &Record<'_>, providers: &HashMap<&str, &str>) -> Package {
    let mut package = Package::new(Kind::Apk, record.name, record.version);
    package.arch = record.arch.into();
    package.supplier = record.maintainer.into();
    package.licenses = crate::license::normalise(record.license);
    if !record.origin.is_empty() {
        package.source = Some(Source { name: record.origin.into(), version: record.version.into() });
    }
    let needs = record.depends.split(' ').filter_map(bare).map(|name| providers.get(name).copied().unwrap_or(name));
    package.depends_on = needs.filter(|name| *name != record.name).take(NEEDS_MAX).map(Into::into).collect();
    package.depends_on.sort();
    package.depends_on.dedup();
    if !record.checksum.is_empty() {
        package.properties = vec![("checksum".into(), record.checksum.into())];
    }
    package
}

/// A name without its version condition; conflicts have none.
fn bare(word: &str) -> Option<&str> {
    let name = word.split(['=', '<', '>', '~']).next().unwrap_or("");
    (!name.is_empty() && !name.starts_with('!')).then_some(name)
}

/// Names that packages provide. All packages of a release together provide some 100,000.
const PROVIDED_MAX: usize = 1_000_000;

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

    #[test]
    fn nameless_records_are_counted_wherever_they_stand() {
        let text = format!("{}P:a\nV:1\n\nV:2\n", "V:1\n\n".repeat(1000));
        let (packages, damage) = packages_of(&CATALOGUERS[0], "lib/apk/db/installed", text.as_bytes());
        assert_eq!((packages.len(), damage), (1, vec!["1001 packages have no name or no version".into()]));
    }
}
