//! The package databases of pacman, opkg and Portage.

use model::Package;
use model::package::Kind;

use super::stanza::{OddLines, stanzas};
use super::{Cataloguer, Input, PACKAGES_MAX, Settings, Sink, Wants};
use crate::facts::Fact;

/// What pacman, opkg and Portage leave behind.
pub static CATALOGUERS: &[Cataloguer] = &[
    Cataloguer {
        name: "pacman-desc",
        wants: Wants { names: &["desc"], filter: |path| path.contains("lib/pacman/local/"), ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: 4 << 20,
        read: pacman,
    },
    Cataloguer {
        name: "pacman-files",
        wants: Wants { names: &["files"], filter: |path| path.contains("lib/pacman/local/"), ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: 64 << 20,
        read: pacman_files,
    },
    Cataloguer {
        name: "opkg-status",
        wants: Wants { path_ends: &["usr/lib/opkg/status", "var/lib/opkg/status"], ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: 64 << 20,
        read: opkg,
    },
    Cataloguer {
        name: "portage-contents",
        wants: Wants { names: &["CONTENTS"], filter: |path| path.starts_with("var/db/pkg/"), ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: 64 << 20,
        read: portage,
    },
];

/// `%NAME%` and its lines, up to an empty one.
fn pacman(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    let section = |name: &str| -> Vec<&str> {
        let heading = format!("%{name}%");
        let lines = text.lines().map(str::trim).skip_while(|line| *line != heading).skip(1);
        lines.take_while(|line| !line.is_empty()).collect()
    };
    let (name, version) = (section("NAME"), section("VERSION"));
    let (Some(name), Some(version)) = (name.first(), version.first()) else {
        return sink.damage("it names no package or no version");
    };
    let mut package = Package::new(Kind::Alpm, *name, *version);
    package.arch = section("ARCH").first().copied().unwrap_or("").into();
    package.supplier = section("PACKAGER").first().copied().unwrap_or("").into();
    package.licenses = section("LICENSE").into_iter().flat_map(crate::license::normalise).collect();
    let bare = |need: &str| need.split(['<', '>', '=', ':']).next().unwrap_or("").trim().to_owned();
    package.depends_on = section("DEPENDS").into_iter().map(|need| bare(need).into()).collect();
    sink.package(package);
}

/// `var/lib/pacman/local/NAME-VERSION-RELEASE/files`: files that cataloguers of languages read.
fn pacman_files(input: &Input<'_>, sink: &mut Sink) {
    let folder = input.path.rsplit('/').nth(1).unwrap_or("");
    let mut parts = folder.rsplitn(3, '-');
    let (_, _, Some(name)) = (parts.next(), parts.next(), parts.next()) else { return };
    let text = String::from_utf8_lossy(input.bytes);
    let paths: Vec<Box<str>> = text.lines().filter(|line| super::is_of_language(line)).map(Into::into).collect();
    if !paths.is_empty() {
        sink.facts.push(Fact::Owns { kind: Kind::Alpm, package: name.into(), paths });
    }
}

fn opkg(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    let (mut odd, mut count) = (OddLines::default(), 0usize);
    stanzas(
        &text,
        |stanza, line| {
            let state = stanza.field("Status").and_then(|status| status.split_whitespace().nth(2));
            let installed = !matches!(state, Some("not-installed" | "config-files"));
            match (stanza.field("Package"), stanza.field("Version")) {
                (Some(name), Some(version)) if installed => {
                    let mut package = Package::new(Kind::Opkg, name, version);
                    package.arch = stanza.field("Architecture").unwrap_or("").into();
                    count += 1;
                    if count <= PACKAGES_MAX {
                        sink.package(package);
                    }
                }
                (Some(_), _) if !installed => {}
                (Some(_), Some(_)) => {}
                _ => sink.damage(format!("the package at line {line} has no name or no version")),
            }
        },
        |line| odd.add(line),
    );
    if count > PACKAGES_MAX {
        sink.damage(format!("it lists {count} packages, of which {PACKAGES_MAX} were read"));
    }
    odd.tell(sink);
}

/// `var/db/pkg/CATEGORY/NAME-VERSION/CONTENTS`.
fn portage(input: &Input<'_>, sink: &mut Sink) {
    let mut parts = input.path.rsplit('/').skip(1);
    let (Some(package), Some(category)) = (parts.next(), parts.next()) else { return };
    // The version begins at the last dash before a digit; `-r1` is its revision.
    let cut =
        package.match_indices('-').rev().find(|(at, _)| package[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    match cut {
        Some((at, _)) => {
            sink.package(Package::new(Kind::Portage, format!("{category}/{}", &package[..at]), &package[at + 1..]));
        }
        None => sink.damage("the name of its folder has no version"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::packages_of;

    #[test]
    fn each_database_gives_its_packages() {
        let desc = b"%NAME%\nbash\n\n%VERSION%\n5.2-1\n\n%ARCH%\nx86_64\n\n%LICENSE%\nGPL\n\n%DEPENDS%\nglibc>=2\nreadline\n\n";
        let (packages, _) = packages_of(&CATALOGUERS[0], "var/lib/pacman/local/bash-5.2-1/desc", desc);
        assert_eq!((&*packages[0].name, &*packages[0].version), ("bash", "5.2-1"));
        assert_eq!(packages[0].depends_on, ["glibc".into(), "readline".into()]);
        let status = b"Package: a\nVersion: 1\nStatus: install ok installed\n\nPackage: b\nVersion: 1\nStatus: deinstall ok not-installed\n\nPackage: c\n\n";
        let (packages, damage) = packages_of(&CATALOGUERS[2], "usr/lib/opkg/status", status);
        assert_eq!((packages.len(), damage.len()), (1, 1));
        let (packages, _) = packages_of(&CATALOGUERS[3], "var/db/pkg/app-shells/bash-5.2_p26-r1/CONTENTS", b"");
        assert_eq!((&*packages[0].name, &*packages[0].version), ("app-shells/bash", "5.2_p26-r1"));
        let mut sink = Sink::default();
        let input = Input {
            path: "var/lib/pacman/local/python-yaml-6.0-1/files",
            bytes: b"%FILES%\nusr/\nusr/x.dist-info/METADATA\n",
        };
        pacman_files(&input, &mut sink);
        assert_eq!(
            sink.facts,
            [Fact::Owns {
                kind: Kind::Alpm,
                package: "python-yaml".into(),
                paths: vec!["usr/x.dist-info/METADATA".into()]
            }]
        );
        assert_eq!(packages_of(&CATALOGUERS[0], "x/desc", b"%NAME%\n\n").1.len(), 1);
    }
}
