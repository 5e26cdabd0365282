//! Which operating system an image is.

use model::Distro;

use super::{Cataloguer, Input, Settings, Sink, Wants};
use crate::facts::Fact;

/// Files that tell of the operating system.
pub static CATALOGUERS: &[Cataloguer] = &[
    Cataloguer {
        name: "os-release",
        wants: Wants { path_ends: &["etc/os-release", "usr/lib/os-release"], filter: is_of_root, ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: FILE_BYTES_MAX,
        read: os_release,
    },
    Cataloguer {
        name: "release-file",
        wants: Wants {
            path_ends: &[
                "etc/alpine-release",
                "etc/debian_version",
                "etc/redhat-release",
                "etc/centos-release",
                "etc/rocky-release",
                "etc/almalinux-release",
                "etc/oracle-release",
                "etc/fedora-release",
                "etc/system-release",
                "etc/photon-release",
                "etc/mariner-release",
                "etc/azurelinux-release",
                "etc/lsb-release",
                "etc/SuSE-release",
            ],
            filter: is_of_root,
            ..Wants::NOTHING
        },
        settings: Settings::Installed,
        bytes_max: FILE_BYTES_MAX,
        read: release_file,
    },
];

/// A copy in a chroot or a snapshot below tells of something else.
fn is_of_root(path: &str) -> bool {
    path.starts_with("etc/") || path.starts_with("usr/lib/")
}

fn os_release(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    let mut distro = Distro::default();
    for line in text.lines() {
        let line = line.trim();
        let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else { continue };
        let value = unquoted(value.trim());
        match name.trim() {
            "ID" => distro.id = value.to_ascii_lowercase().into(),
            "ID_LIKE" => distro.id_like = value.split_whitespace().map(|id| id.to_ascii_lowercase().into()).collect(),
            "VERSION_ID" => distro.version = value.into(),
            "VERSION_CODENAME" => distro.codename = value.into(),
            "PRETTY_NAME" => distro.pretty_name = value.into(),
            "CPE_NAME" => distro.cpe = value.into(),
            "VARIANT_ID" => distro.variant = value.into(),
            _ => {}
        }
    }
    match distro.id.is_empty() {
        true => sink.damage("it names no ID, so the operating system is not known from it"),
        false => sink.facts.push(Fact::Distro(distro)),
    }
}

/// A value as a shell reads it, without running anything.
fn unquoted(value: &str) -> String {
    let (mut text, mut quote) = (String::new(), None);
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            // In quotes, a backslash stands for itself before everything that means nothing there.
            ('\\', Some('"')) => match chars.next() {
                Some(escaped @ ('$' | '`' | '"' | '\\')) => text.push(escaped),
                other => text.extend(std::iter::once('\\').chain(other)),
            },
            ('\\', None) => text.extend(chars.next()),
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            (c, None) if c.is_whitespace() => break,
            (c, _) => text.push(c),
        }
    }
    text
}

/// `CentOS Linux release 7.9.2009 (Core)`, `3.20.1`, `12.5`.
fn release_file(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    let named = match input.path.rsplit('/').next() {
        Some("lsb-release") => Some(lsb(&text)),
        Some("SuSE-release") => Some(suse(&text)),
        _ => None,
    };
    if let Some(distro) = named {
        // Files of the first name may hold other things too.
        return sink.facts.extend(distro.map(Fact::Distro));
    }
    let line = text.lines().next().unwrap_or("").trim();
    let name = input.path.rsplit('/').next().unwrap_or("");
    let version = line
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or("")
        .trim_matches(['(', ')']);
    let lower = line.to_ascii_lowercase();
    let id = match name {
        "alpine-release" => "alpine",
        "debian_version" if version.is_empty() => return,
        "debian_version" => "debian",
        _ => match NAMES.iter().find(|(words, _)| lower.contains(words)) {
            Some((_, id)) => id,
            None => {
                return sink.damage(format!(
                    "`{}` is no operating system that is known",
                    line.chars().take(80).collect::<String>().escape_debug()
                ));
            }
        },
    };
    let version = if id == "debian" { version.split('.').next().unwrap_or(version) } else { version };
    let distro = Distro { id: id.into(), version: version.into(), pretty_name: line.into(), ..Distro::default() };
    sink.facts.push(Fact::Distro(distro));
}

/// `DISTRIB_ID=Ubuntu`, `DISTRIB_RELEASE=22.04`.
fn lsb(text: &str) -> Option<Distro> {
    let value = |key: &str| {
        let mut pairs = text.lines().filter_map(|line| line.trim().split_once('='));
        pairs.find(|(name, _)| *name == key).map(|(_, value)| unquoted(value.trim())).unwrap_or_default()
    };
    let id = value("DISTRIB_ID").to_ascii_lowercase();
    (!id.is_empty()).then(|| Distro {
        id: id.into(),
        version: value("DISTRIB_RELEASE").into(),
        codename: value("DISTRIB_CODENAME").into(),
        pretty_name: value("DISTRIB_DESCRIPTION").into(),
        ..Distro::default()
    })
}

/// `SUSE Linux Enterprise Server 11 (x86_64)`, `VERSION = 11`, `PATCHLEVEL = 4`.
fn suse(text: &str) -> Option<Distro> {
    let line = text.lines().next()?.trim();
    let value = |key: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned())
    };
    let lower = line.to_ascii_lowercase();
    let id = match () {
        () if lower.contains("enterprise desktop") => "sled",
        () if lower.contains("enterprise") => "sles",
        () => "opensuse",
    };
    let level = value("PATCHLEVEL").filter(|level| level != "0" && id != "opensuse");
    let level = level.map_or(String::new(), |level| format!(".{level}"));
    let version = format!("{}{level}", value("VERSION")?);
    Some(Distro { id: id.into(), version: version.into(), pretty_name: line.into(), ..Distro::default() })
}

/// Words of a release line, the more exact first, and the ID that stands for them.
const NAMES: &[(&str, &str)] = &[
    ("centos", "centos"),
    ("rocky", "rocky"),
    ("almalinux", "almalinux"),
    ("oracle", "ol"),
    ("fedora", "fedora"),
    ("amazon", "amzn"),
    ("photon", "photon"),
    ("mariner", "mariner"),
    ("azure linux", "azurelinux"),
    ("red hat", "rhel"),
];

/// Release files have some hundred bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn distro(index: usize, path: &str, text: &str) -> Option<(String, String)> {
        let mut sink = Sink::default();
        (CATALOGUERS[index].read)(&Input { path, bytes: text.as_bytes() }, &mut sink);
        sink.facts.into_iter().find_map(|fact| match fact {
            Fact::Distro(distro) => Some((distro.id.into(), distro.version.into())),
            _ => None,
        })
    }

    #[test]
    fn release_files_tell_id_and_version() {
        let told = |id: &str, version: &str| Some((id.to_owned(), version.to_owned()));
        assert_eq!(
            distro(0, "etc/os-release", "ID=\"rhel\"\nVERSION_ID='9.4' # x\nNAME=\"a \\\"b\\\"\"\n"),
            told("rhel", "9.4")
        );
        assert_eq!(distro(0, "etc/os-release", "# ID=x\nNAME=y\n"), None);
        assert_eq!(
            distro(1, "etc/centos-release", "CentOS Linux release 7.9.2009 (Core)\n"),
            told("centos", "7.9.2009")
        );
        assert_eq!(distro(1, "etc/alpine-release", "3.20.1\n"), told("alpine", "3.20.1"));
        assert_eq!(distro(1, "etc/debian_version", "12.5\n"), told("debian", "12"));
        let suse = "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n";
        assert_eq!(distro(1, "etc/SuSE-release", suse), told("sles", "11.4"));
        let lsb = "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\nDISTRIB_DESCRIPTION=\"Ubuntu 22.04\"\n";
        assert_eq!(distro(1, "etc/lsb-release", lsb), told("ubuntu", "22.04"));
        assert_eq!(distro(1, "etc/lsb-release", "LSB_VERSION=1.4\n"), None);
        assert_eq!(unquoted(r#""a\b\$c\"d""#), r#"a\b$c"d"#);
        assert_eq!(unquoted(r"a\b"), "ab");
        assert_eq!(distro(1, "etc/debian_version", "trixie/sid\n"), None);
    }
}
