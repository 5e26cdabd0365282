//! Debian's package database, whole or one file per package as distroless images have it.

use std::borrow::Cow;

use model::Package;
use model::package::{Kind, Source};

use super::stanza::{OddLines, Stanza, stanzas};
use super::{Cataloguer, Input, NEEDS_MAX, PACKAGES_MAX, Settings, Sink, Wants};
use crate::facts::Fact;

/// What dpkg leaves behind.
pub static CATALOGUERS: &[Cataloguer] = &[
    Cataloguer {
        name: "dpkg-status",
        wants: Wants {
            path_ends: &["var/lib/dpkg/status"],
            folders: &["var/lib/dpkg/status.d"],
            filter: |path| !path.ends_with(".md5sums") && !path.ends_with(".list"),
            ..Wants::NOTHING
        },
        settings: Settings::Installed,
        bytes_max: DATABASE_BYTES_MAX,
        read: status,
    },
    Cataloguer {
        name: "dpkg-files",
        wants: Wants { folders: &["var/lib/dpkg/info"], filter: |path| path.ends_with(".list"), ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: 64 << 20,
        read: list,
    },
    Cataloguer {
        name: "debian-copyright",
        wants: Wants {
            names: &["copyright"],
            filter: |path| {
                path.strip_prefix("usr/share/doc/")
                    .and_then(|rest| rest.strip_suffix("/copyright"))
                    .is_some_and(|name| !name.contains('/'))
            },
            ..Wants::NOTHING
        },
        settings: Settings::Installed,
        bytes_max: 4 << 20,
        read: copyright,
    },
];

fn status(input: &Input<'_>, sink: &mut Sink) {
    let text = text(input.bytes, sink);
    // One file per package has no Status field: that it is there means that it is installed.
    let single = !input.path.ends_with("/status");
    let (mut odd, mut unstated, mut count) = (OddLines::default(), 0u64, 0usize);
    stanzas(
        &text,
        |stanza, line| match package(&stanza) {
            Ok(Some(_)) if count >= PACKAGES_MAX => count += 1,
            Ok(Some(package)) => {
                count += 1;
                unstated += u64::from(!single && stanza.field("Status").is_none());
                if [&package.name, &package.version].iter().any(|text| text.contains(char::REPLACEMENT_CHARACTER)) {
                    sink.damage(format!("the name or version of the package at line {line} is not all UTF-8"));
                }
                sink.package(package);
            }
            Ok(None) => {}
            Err(field) => sink.damage(format!("the package at line {line} has no {field}")),
        },
        |line| odd.add(line),
    );
    if count > PACKAGES_MAX {
        sink.damage(format!("it lists {count} packages, of which {PACKAGES_MAX} were read"));
    }
    if unstated > 0 {
        sink.remark(format!("{unstated} packages have no Status; they are taken for installed"));
    }
    odd.tell(sink);
}

fn package(stanza: &Stanza<'_>) -> Result<Option<Package>, &'static str> {
    let name = stanza.field("Package").filter(|name| !name.is_empty());
    // Only the third word says what is there: `deinstall ok config-files` left its settings alone. Whatever else it says,
    // or fails to say, files may be there.
    let state = stanza.field("Status").and_then(|status| status.split_whitespace().nth(2));
    if matches!(state, Some("not-installed" | "config-files")) {
        return Ok(None);
    }
    let name = name.ok_or("Package field")?;
    let version = stanza.field("Version").filter(|version| !version.is_empty()).ok_or("Version field")?;
    let mut package = Package::new(Kind::Deb, name, version);
    package.arch = stanza.field("Architecture").unwrap_or("").into();
    package.supplier = stanza.field("Maintainer").unwrap_or("").into();
    package.source = stanza.field("Source").map(|source| match source.split_once(" (") {
        Some((name, own)) => Source { name: name.trim().into(), version: own.trim_end_matches(')').trim().into() },
        None => Source { name: source.into(), version: "".into() },
    });
    for field in ["Pre-Depends", "Depends"] {
        let alternatives = stanza.field(field).unwrap_or("").split(',');
        let first = alternatives.filter_map(|one| one.split('|').next()?.trim().split([' ', ':', '(']).next());
        let room = NEEDS_MAX.saturating_sub(package.depends_on.len());
        package.depends_on.extend(first.filter(|name| !name.is_empty()).take(room).map(Into::into));
    }
    package.depends_on.shrink_to_fit();
    Ok(Some(package))
}

/// Files that cataloguers of languages read, so that the distribution is known to own them.
fn list(input: &Input<'_>, sink: &mut Sink) {
    let text = text(input.bytes, sink);
    let name = input.path.rsplit('/').next().unwrap_or("").trim_end_matches(".list");
    let package = name.split(':').next().unwrap_or(name);
    let paths: Vec<Box<str>> = text
        .lines()
        .filter(|line| super::is_of_language(line))
        .map(|line| line.trim_start_matches('/').into())
        .collect();
    if !paths.is_empty() {
        sink.facts.push(Fact::Owns { kind: Kind::Deb, package: package.into(), paths });
    }
}

/// The licences that a copyright file names in the form that machines read, or else those that its words tell.
fn copyright(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    let package = input.path.rsplit('/').nth(1).unwrap_or("");
    let mut licenses: Vec<Box<str>> = Vec::new();
    let machine_readable = text.trim_start().to_ascii_lowercase().starts_with("format:");
    for line in text.lines().filter(|_| machine_readable) {
        let Some(license) = line.strip_prefix("License:") else { continue };
        for name in crate::license::normalise(license.trim()) {
            if !licenses.contains(&name) && licenses.len() < LICENSES_MAX {
                licenses.push(name);
            }
        }
    }
    if licenses.is_empty() {
        licenses = crate::license::detect(input.bytes);
        let family = |name: &str| {
            name.split(|c: char| c.is_ascii_digit()).next().unwrap_or(name).trim_end_matches('-').to_owned()
        };
        let families: Vec<String> = licenses.iter().map(|name| family(name)).collect();
        for (at, folder) in text.match_indices("/usr/share/common-licenses/").take(LICENSES_MAX) {
            let rest = text.get(at + folder.len()..).unwrap_or_default();
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))).unwrap_or(rest.len());
            let name = rest.get(..end).unwrap_or_default().trim_end_matches('.');
            for name in crate::license::normalise(name) {
                // The terms say more of a version than the file that has its text.
                if !licenses.contains(&name) && !families.contains(&family(&name)) {
                    licenses.push(name);
                }
            }
        }
    }
    if !licenses.is_empty() {
        sink.facts.push(Fact::Licenses { kind: Kind::Deb, package: package.into(), licenses });
    }
}

fn text<'a>(bytes: &'a [u8], sink: &mut Sink) -> Cow<'a, str> {
    let text = String::from_utf8_lossy(bytes);
    if matches!(text, Cow::Owned(_)) {
        sink.remark("it is not all UTF-8; other bytes were replaced");
    }
    text
}

/// The status file of a system with every package of Debian has some 90 MB.
const DATABASE_BYTES_MAX: u64 = 256 << 20;

/// Licences told of one package; copyright files of kernels and browsers have hundreds.
const LICENSES_MAX: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::packages_of as packages;

    #[test]
    fn only_what_is_installed_is_a_package() {
        let status = "Package: a\nStatus: install ok installed\nVersion: 1:2-3\nSource: src (9)\nArchitecture: amd64\nDepends: b (>= 1) | c, d:any\nMaintainer: M\n\n\
                      Package: b\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: c\r\nStatus: install ok half-configured\r\nVersion: 2\r\nDescription: x\r\n more\r\n";
        let found = packages(status_cataloguer(), "var/lib/dpkg/status", status.as_bytes());
        let names: Vec<(&str, &str)> = found.0.iter().map(|package| (&*package.name, &*package.version)).collect();
        assert_eq!(names, [("a", "1:2-3"), ("c", "2")]);
        assert_eq!(found.0[0].source, Some(Source { name: "src".into(), version: "9".into() }));
        assert_eq!(found.0[0].depends_on, ["b".into(), "d".into()]);
        assert_eq!(found.1, Vec::<Box<str>>::new());
    }

    #[test]
    fn damage_is_told_and_the_rest_is_found() {
        let status = "Package: a\nStatus: install ok installed\n\nnonsense\nPackage: b\nVersion: 1\nStatus: install ok installed\n\nVersion: \u{fffd}\nStatus: install ok installed\n";
        let found = packages(status_cataloguer(), "var/lib/dpkg/status", status.as_bytes());
        assert_eq!(found.0.len(), 1);
        assert_eq!(found.1.len(), 3, "{:?}", found.1);
    }

    #[test]
    fn a_version_may_stand_on_the_next_line_and_a_status_may_be_missing() {
        let status = "Package: a\nStatus: install ok installed\nVersion:\n 1.2-3\n\nPackage: b\nVersion: 2\n\n\
                      Version: 3\n\nPackage: c\nStatus: install ok bogus\nVersion: 1\n\nPackage: d\nVersion: 1\nStatus: purge ok not-installed\n";
        let (found, damage) = packages(status_cataloguer(), "var/lib/dpkg/status", status.as_bytes());
        let names: Vec<String> = found.iter().map(|package| format!("{} {}", package.name, package.version)).collect();
        assert_eq!(names, ["a 1.2-3", "b 2", "c 1"]);
        assert_eq!(damage.len(), 2, "{damage:?}");
        assert!(
            damage[0].contains("no Package field") && damage[1].contains("1 packages have no Status"),
            "{damage:?}"
        );
    }

    #[test]
    fn a_million_faults_and_packages_are_told_in_a_few_lines() {
        let faults = "Package: a\n\n".repeat(100_000);
        let (_, damage) = packages(status_cataloguer(), "var/lib/dpkg/status", faults.as_bytes());
        assert_eq!((damage.len(), &*damage[20]), (21, "and 99980 more faults like these"));
        let many = "Package: a\nVersion: 1\nStatus: install ok installed\n\n".repeat(PACKAGES_MAX + 5);
        let (found, damage) = packages(status_cataloguer(), "var/lib/dpkg/status", many.as_bytes());
        assert_eq!((found.len(), damage.len()), (PACKAGES_MAX, 1), "{damage:?}");
    }

    #[test]
    fn copyright_files_tell_licences_in_words_too() {
        let of = |text: &str| {
            let mut sink = Sink::default();
            copyright(&Input { path: "usr/share/doc/a/copyright", bytes: text.as_bytes() }, &mut sink);
            match sink.facts.pop() {
                Some(Fact::Licenses { licenses, .. }) => licenses.into_iter().map(String::from).collect(),
                _ => Vec::new(),
            }
        };
        assert_eq!(of("Format: x\nLicense: GPL-2+\n text\n"), ["GPL-2.0-or-later"]);
        let grant = "the GNU General Public License as published by the Free Software Foundation; either version 2 of the License, or (at your option) any later version.";
        assert_eq!(of(&format!("{grant} See /usr/share/common-licenses/GPL-2.\n")), ["GPL-2.0-or-later"]);
        assert_eq!(
            of(&format!("{grant} Also /usr/share/common-licenses/Apache-2.0.")),
            ["GPL-2.0-or-later", "Apache-2.0"]
        );
        assert_eq!(of("see /usr/share/common-licenses/GPL."), ["GPL"]);
    }

    #[test]
    fn single_files_of_distroless_images_need_no_status() {
        let found = packages(status_cataloguer(), "var/lib/dpkg/status.d/base", b"Package: base-files\nVersion: 12\n");
        assert_eq!(found.0.len(), 1);
    }

    fn status_cataloguer() -> &'static Cataloguer {
        &CATALOGUERS[0]
    }
}
