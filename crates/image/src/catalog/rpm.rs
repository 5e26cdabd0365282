//! The package database of rpm, in the three forms that it has had: Berkeley DB, ndb and SQLite.
//!
//! All of them hold one header per package, as a blob. The readers take what is there, count every page once and tell what
//! is broken; one broken header costs that package alone.

use std::borrow::Cow;

use model::Package;
use model::package::{Kind, Source};

use super::{Cataloguer, Input, NEEDS_MAX, OWNED_BYTES_MAX, PACKAGES_MAX, Settings, Sink, Wants};
use crate::facts::Fact;
use crate::limits::PATH_BYTES_MAX;

mod bdb;
mod header;
mod ndb;
mod sqlite;

use header::Header;

/// Where the databases lie, in each form.
pub(super) const DATABASES: &[&str] = &[
    "var/lib/rpm/Packages",
    "var/lib/rpm/Packages.db",
    "var/lib/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/Packages",
    "usr/lib/sysimage/rpm/Packages.db",
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "usr/share/rpm/Packages",
    "usr/share/rpm/Packages.db",
    "usr/share/rpm/rpmdb.sqlite",
];

/// What rpm leaves behind.
pub static CATALOGUERS: &[Cataloguer] = &[
    Cataloguer {
        name: "rpm-database",
        wants: Wants { path_ends: DATABASES, ..Wants::NOTHING },
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
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

/// Takes the blob of one package after the other, or why it cannot be had.
type Each<'a> = dyn FnMut(Result<&[u8], DatabaseError>) + 'a;

fn read(input: &Input<'_>, sink: &mut Sink) {
    let bytes = input.bytes;
    let (mut packages, mut broken, mut lost, mut owned) = (0usize, 0u64, 0u64, 0usize);
    let mut why = None;
    let mut each = |blob: Result<&[u8], DatabaseError>| match blob.map(Header::parse) {
        Ok(Some(header)) => {
            packages += 1;
            if packages <= PACKAGES_MAX {
                take(&header, &mut owned, sink);
            }
        }
        Ok(None) => broken += 1,
        Err(error) => {
            lost += 1;
            why = why.or(Some(error));
        }
    };
    let ended = match bytes {
        _ if bytes.starts_with(b"SQLite format 3\0") => sqlite::packages(bytes, &mut each),
        _ if ndb::is(bytes) => ndb::packages(bytes, &mut each),
        _ if bdb::is(bytes) => bdb::packages(bytes, &mut each),
        _ => Err(DatabaseError::Unknown),
    };
    if broken > 0 {
        sink.damage(format!("{broken} package headers cannot be read"));
    }
    if let Some(why) = why {
        sink.damage(format!("{lost} of its records cannot be read: {why}; the packages there are not known"));
    }
    if packages > PACKAGES_MAX {
        sink.damage(format!("it lists {packages} packages, of which {PACKAGES_MAX} were read"));
    }
    match ended {
        Err(error) => sink.damage(format!("{error}; packages behind that are not known")),
        Ok(()) if packages == 0 && why.is_none() => sink.damage("it lists no package"),
        Ok(()) => {}
    }
}

fn take(header: &Header<'_>, owned_bytes: &mut usize, sink: &mut Sink) {
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
    let mut package = Package::new(Kind::Rpm, &*name, whole.as_str());
    package.arch = text(header::ARCH).into();
    package.supplier = text(header::VENDOR).into();
    package.licenses = crate::license::normalise(&text(header::LICENSE));
    package.source = source(&text(header::SOURCE_RPM), &epoch);
    let plain = |need: &Cow<'_, str>| !need.starts_with("rpmlib(") && !need.contains(['(', '/']);
    package.depends_on = header.texts(header::REQUIRE_NAME).filter(plain).take(NEEDS_MAX).map(Into::into).collect();
    package.depends_on.sort();
    package.depends_on.dedup();
    let label = text(header::MODULARITY_LABEL);
    if !label.is_empty() {
        package.properties.push(("modularitylabel".into(), label.into()));
    }
    sink.package(package);
    let paths = owned(header, owned_bytes);
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
fn owned(header: &Header<'_>, bytes: &mut usize) -> Vec<Box<str>> {
    let folders: Vec<Cow<'_, str>> = header.texts(header::DIR_NAMES).take(FOLDERS_MAX).collect();
    let mut paths: Vec<Box<str>> = Vec::new();
    for (name, index) in header.texts(header::BASE_NAMES).zip(header.numbers(header::DIR_INDEXES)) {
        let Some(folder) = folders.get(index as usize) else { continue };
        if folder.len() + name.len() >= PATH_BYTES_MAX || *bytes >= OWNED_BYTES_MAX {
            continue;
        }
        let path = format!("{folder}{name}");
        if super::is_of_language(&path) {
            *bytes += path.len();
            paths.push(path.trim_start_matches('/').into());
        }
    }
    paths
}

/// Azure Linux's distroless images: one package a line, fields set off by tabs: name, version-release, install time, build
/// time, vendor, epoch, size, arch, epochnum, sourcerpm.
fn manifest(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    let mut count = 0usize;
    for (line, number) in text.lines().zip(1u32..).filter(|(line, _)| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split('\t').take(10).collect();
        let [name, version, ..] = fields[..] else {
            sink.damage(format!("line {number} is no package"));
            continue;
        };
        count += 1;
        if count > PACKAGES_MAX {
            continue;
        }
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
    if count > PACKAGES_MAX {
        sink.damage(format!("it lists {count} packages, of which {PACKAGES_MAX} were read"));
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

/// Folders of one package. The largest have some ten thousand.
const FOLDERS_MAX: usize = 1_000_000;

#[cfg(test)]
mod tests;
