//! Times, names and texts as formats write them.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::record::{Affected, Status};

/// Seconds since 1970 of `2024-01-31`, `2024-01-31 10:20:30`, `2024-01-31T10:20:30.5Z` or with an offset such as
/// `+02:00`. Years before 1970 stand for "unknown" in several databases and give `None`.
pub fn unix(text: &str) -> Option<i64> {
    let bytes = text.trim().as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = bytes.get(from..to)?;
        digits
            .iter()
            .all(u8::is_ascii_digit)
            .then(|| digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) || bytes.get(4) != Some(&b'-') {
        return None;
    }
    // Days by the count of months that begins in March, so that the day of the leap year comes last.
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    let seconds = match bytes.get(10) {
        None => 0,
        Some(_) => number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19).unwrap_or(0),
    };
    let rest = text.trim().get(19..).unwrap_or_default();
    let zone = rest.rfind(['+', '-']).and_then(|place| {
        let (sign, clock) = rest.get(place..)?.split_at_checked(1)?;
        let hours: i64 = clock.get(..2)?.parse().ok()?;
        let minutes: i64 = clock.get(clock.len().checked_sub(2)?..)?.parse().ok()?;
        Some((hours * 3600 + minutes * 60) * if sign == "-" { -1 } else { 1 })
    });
    Some(days * 86_400 + seconds - zone.unwrap_or(0))
}

/// The name of a package in the form in which the database has it: PyPI's by PEP 503; those of NuGet and Packagist in
/// small letters; others as they are.
pub fn package_name<'a>(ecosystem: &str, name: &'a str) -> Cow<'a, str> {
    match ecosystem {
        "PyPI" => {
            let mut out = String::with_capacity(name.len());
            for letter in name.chars() {
                match letter {
                    '-' | '_' | '.' if out.ends_with('-') => {}
                    '-' | '_' | '.' => out.push('-'),
                    other => out.push(other.to_ascii_lowercase()),
                }
            }
            Cow::Owned(out)
        }
        "NuGet" | "Packagist" => Cow::Owned(name.to_ascii_lowercase()),
        _ => Cow::Borrowed(name),
    }
}

/// Whether names of packages in an ecosystem's OSV records are those of source packages. Red Hat and AlmaLinux name each
/// binary package.
pub(super) fn of_source(ecosystem: &str) -> bool {
    let family = ecosystem.split(':').next().unwrap_or_default();
    matches!(
        family,
        "Debian"
            | "Ubuntu"
            | "Echo"
            | "Alpine"
            | "Wolfi"
            | "Chainguard"
            | "MinimOS"
            | "SUSE"
            | "openSUSE"
            | "Rocky Linux"
            | "Azure Linux"
            | "Mageia"
            | "openEuler"
            | "Photon OS"
    )
}

/// The ecosystem whose packages a record is about, as an image can tell: see [`suse`]. Ubuntu's records name, for a package of
/// a release, either the release or `Ubuntu:Pro:` before it, where the fix needs a subscription; the package is the same one.
pub(super) fn shared(ecosystem: &str) -> Cow<'_, str> {
    match ecosystem.strip_prefix("Ubuntu:Pro:").filter(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
    {
        Some(release) => Cow::Owned(["Ubuntu:", release].concat()),
        None => suse(ecosystem),
    }
}

/// Whether an advisory of a rebuild of Red Hat's distribution is about faults or additions (`ALBA-`, `RLEA-`) instead of
/// vulnerabilities.
pub(super) fn is_maintenance(id: &str) -> bool {
    ["ALBA-", "ALEA-", "RLBA-", "RLEA-", "RHBA-", "RHEA-", "ELBA-", "ELEA-"].iter().any(|kind| id.starts_with(kind))
}

/// A text of a package URL without its escapes. What they stand for and is no UTF-8 becomes U+FFFD.
pub(super) fn unescaped(text: &str) -> String {
    let (mut out, mut bytes) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(byte) = bytes.next() {
        let escape = || {
            let mut pair = bytes.clone();
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            Some((u8::try_from(digit(pair.next())? << 4 | digit(pair.next())?).ok()?, pair))
        };
        match (byte == b'%').then(escape).flatten() {
            Some((meant, rest)) => {
                out.push(meant);
                bytes = rest;
            }
            None => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The ecosystem that judges what SUSE names: modules, extensions, editions and longer support of one release share its
/// packages, and an image does not say which of them it was made from. `SUSE:Linux Enterprise Module for Basesystem 15 SP5`
/// and `SUSE:Linux Enterprise Server 15 SP5-LTSS` become `SUSE:Linux Enterprise Server 15 SP5`. Micro, Storage and others
/// have releases of their own and stay.
pub(super) fn suse(ecosystem: &str) -> Cow<'_, str> {
    let own = ["Micro", "Storage", "Manager", "Package Hub"];
    let Some(rest) = ecosystem.strip_prefix("SUSE:Linux Enterprise ") else { return Cow::Borrowed(ecosystem) };
    if own.iter().any(|word| rest.contains(word)) {
        return Cow::Borrowed(ecosystem);
    }
    let mut words = rest.split([' ', '-']).skip_while(|word| !word.starts_with(|letter: char| letter.is_ascii_digit()));
    let Some(release) = words.next() else { return Cow::Borrowed(ecosystem) };
    let pack = words.next().filter(|word| {
        word.strip_prefix("SP").is_some_and(|pack| !pack.is_empty() && pack.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let pack = pack.map_or(String::new(), |pack| format!(" {pack}"));
    Cow::Owned(format!("SUSE:Linux Enterprise Server {release}{pack}"))
}

/// Takes out what says of a package that it is not affected where the same record says elsewhere that it is: products that
/// share an ecosystem may differ, and which of them an image has is not known.
pub(super) fn without_contradictions(parts: &mut Vec<Affected>) {
    let clears = |part: &Affected| part.status == Status::NotAffected && part.versions.is_empty();
    let place = |part: &Affected| (part.ecosystem.clone(), part.package.clone());
    let affected: HashSet<_> = parts.iter().filter(|part| !clears(part)).map(place).collect();
    parts.retain(|part| !(clears(part) && affected.contains(&place(part))));
}

/// One line of a description, at most [`SUMMARY`] bytes.
pub(super) fn summary(text: &str) -> Box<str> {
    cut(text.trim().lines().next().unwrap_or_default(), SUMMARY).into()
}

/// At most so many bytes, cut between characters.
pub(super) fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

/// Epoch, version and release as rpm writes them; an epoch of 0 is left out.
pub(super) fn evr(epoch: &str, version: &str, release: &str) -> Box<str> {
    let epoch = if epoch.is_empty() || epoch == "0" || epoch == "(none)" { String::new() } else { format!("{epoch}:") };
    let release = if release.is_empty() { String::new() } else { format!("-{release}") };
    [epoch.as_str(), version, &release].concat().into()
}

/// Descriptions of CVEs run to thousands of bytes; a report shows one line, and 500,000 records must fit in 200 MB.
const SUMMARY: usize = 160;
