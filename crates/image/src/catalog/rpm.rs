//! The package database of rpm, in the three forms that it has had: Berkeley DB, ndb and SQLite.
//!
//! All of them hold one header per package, as a blob. The readers take what is there, count every page once and tell what
//! is broken; one broken header costs that package alone.

use model::Package;
use model::package::{Kind, Source};

use super::{Cataloguer, Input, Settings, Sink, Wants};
use crate::facts::Fact;

mod bdb;
mod header;
mod ndb;
mod sqlite;

use header::Header;

/// What rpm leaves behind.
pub static CATALOGUERS: &[Cataloguer] = &[
    Cataloguer {
        name: "rpm-database",
        wants: Wants {
            path_ends: &[
                "var/lib/rpm/Packages",
                "var/lib/rpm/Packages.db",
                "var/lib/rpm/rpmdb.sqlite",
                "usr/lib/sysimage/rpm/Packages",
                "usr/lib/sysimage/rpm/Packages.db",
                "usr/lib/sysimage/rpm/rpmdb.sqlite",
                "usr/share/rpm/Packages",
                "usr/share/rpm/Packages.db",
                "usr/share/rpm/rpmdb.sqlite",
            ],
            ..Wants::NOTHING
        },
        settings: Settings::Installed,
        bytes_max: DATABASE_BYTES_MAX,
        read,
    },
    Cataloguer {
        name: "rpm-write-ahead-log",
        wants: Wants { path_ends: &["rpm/rpmdb.sqlite-wal"], ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: DATABASE_BYTES_MAX,
        read: |input, sink| {
            if !input.bytes.is_empty() {
                sink.damage("changes that were not merged into the package database stand in its write-ahead log and were not read");
            }
        },
    },
    Cataloguer {
        name: "rpm-manifest",
        wants: Wants { path_ends: &["var/lib/rpmmanifest/container-manifest-2"], ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: 16 << 20,
        read: manifest,
    },
];

/// Why a database cannot be read to its end.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DatabaseError {
    /// None of the three.
    #[error("it is none of the three forms of rpm's database")]
    Unknown,
    /// Something is not where it should be.
    #[error("{0} lies outside of the file or is malformed")]
    Malformed(&'static str),
    /// A page that was read already.
    #[error("its pages lead in a circle")]
    Circle,
    /// The table is missing.
    #[error("it has no table of packages")]
    NoTable,
}

fn read(input: &Input<'_>, sink: &mut Sink) {
    let bytes = input.bytes;
    let mut broken = 0usize;
    let mut packages = 0usize;
    let mut blob = |bytes: &[u8]| match Header::parse(bytes) {
        Some(header) => {
            packages += 1;
            take(&header, sink);
        }
        None => broken += 1,
    };
    let ended = match bytes {
        _ if bytes.starts_with(b"SQLite format 3\0") => sqlite::packages(bytes, &mut blob),
        _ if ndb::is(bytes) => ndb::packages(bytes, &mut blob),
        _ if bdb::is(bytes) => bdb::packages(bytes, &mut blob),
        _ => Err(DatabaseError::Unknown),
    };
    if broken > 0 {
        sink.damage(format!("{broken} package headers cannot be read"));
    }
    match ended {
        Err(error) => sink.damage(format!("{error}; packages behind that are not known")),
        Ok(()) if packages == 0 => sink.damage("it lists no package"),
        Ok(()) => {}
    }
}

fn take(header: &Header<'_>, sink: &mut Sink) {
    let text = |tag| header.text(tag).unwrap_or_default();
    let name = text(header::NAME);
    // Keys of signatures stand among the packages.
    if name == "gpg-pubkey" {
        return;
    }
    let (version, release) = (text(header::VERSION), text(header::RELEASE));
    if name.is_empty() || version.is_empty() {
        return sink.damage("a package header without name or version");
    }
    let epoch = header.number(header::EPOCH).filter(|epoch| *epoch > 0);
    let epoch = epoch.map_or(String::new(), |epoch| format!("{epoch}:"));
    let release = if release.is_empty() { String::new() } else { format!("-{release}") };
    let whole = format!("{epoch}{version}{release}");
    let mut package = Package::new(Kind::Rpm, name.as_str(), whole.as_str());
    package.arch = text(header::ARCH).into();
    package.supplier = text(header::VENDOR).into();
    package.licenses = crate::license::normalise(&text(header::LICENSE));
    package.source = source(&text(header::SOURCE_RPM), &epoch);
    let needs = header.texts(header::REQUIRE_NAME);
    let plain = |need: &String| !need.starts_with("rpmlib(") && !need.contains(['(', '/']);
    package.depends_on = needs.into_iter().filter(plain).map(Into::into).collect();
    package.depends_on.sort();
    package.depends_on.dedup();
    let label = text(header::MODULARITY_LABEL);
    if !label.is_empty() {
        package.properties.push(("modularitylabel".into(), label.into()));
    }
    sink.package(package);
    let paths = owned(header);
    if !paths.is_empty() {
        sink.facts.push(Fact::Owns { kind: Kind::Rpm, package: name.into(), paths });
    }
}

/// `bash-5.1.8-6.el9.src.rpm`: name, version and release; the epoch is that of the package.
fn source(file: &str, epoch: &str) -> Option<Source> {
    let stem = file.strip_suffix(".rpm")?;
    let stem = stem.strip_suffix(".src").or_else(|| stem.strip_suffix(".nosrc")).unwrap_or(stem);
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some(Source { name: name.into(), version: format!("{epoch}{version}-{release}").into() })
}

/// Files that cataloguers of languages read.
fn owned(header: &Header<'_>) -> Vec<Box<str>> {
    let (folders, names) = (header.texts(header::DIR_NAMES), header.texts(header::BASE_NAMES));
    let indexes = header.numbers(header::DIR_INDEXES);
    names
        .iter()
        .zip(indexes)
        .filter_map(|(name, index)| Some(format!("{}{name}", folders.get(index as usize)?)))
        .filter(|path| super::is_of_language(path))
        .map(|path| path.trim_start_matches('/').into())
        .collect()
}

/// Azure Linux's distroless images: one package a line, fields set off by tabs: name, version-release, install time, build
/// time, vendor, epoch, size, arch, epochnum, sourcerpm.
fn manifest(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    for (line, number) in text.lines().zip(1u32..).filter(|(line, _)| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, version, ..] = fields[..] else {
            sink.damage(format!("line {number} is no package"));
            continue;
        };
        let epoch = fields
            .get(8)
            .filter(|epoch| epoch.bytes().all(|byte| byte.is_ascii_digit()) && **epoch != "0" && !epoch.is_empty());
        let epoch = epoch.map_or(String::new(), |epoch| format!("{epoch}:"));
        let mut package = Package::new(Kind::Rpm, name, format!("{epoch}{version}"));
        package.supplier = fields.get(4).copied().unwrap_or("").into();
        package.arch = fields.get(7).copied().unwrap_or("").into();
        package.source = fields.get(9).and_then(|file| source(file, &epoch));
        sink.package(package);
    }
}

/// Bytes at a place as a big-endian number.
pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Bytes at a place as a little-endian number.
pub(super) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Databases of systems with ten thousand packages have some 300 MB.
const DATABASE_BYTES_MAX: u64 = 512 << 20;

/// Largest header of one package: kernels with all their files have about 8 MB.
pub(super) const HEADER_BYTES_MAX: usize = 64 << 20;

#[cfg(test)]
mod tests;
