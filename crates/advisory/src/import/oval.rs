//! OVAL of Red Hat, Oracle and SUSE: definitions with criteria about packages.
//!
//! The comments of criteria are as regular as the tests that they stand for: "openssl is earlier than 1:3.0.7-27.el9",
//! "Module nodejs:18 is enabled", "Oracle Linux 9 is installed". SUSE writes "libopenssl3-3.0.8-1.1 is installed" for the
//! version that is fixed.

use super::text::{summary, unix};
use super::{ImportError, Stats, errata::word, xml, xml::Element};
use crate::record::{Advisory, Affected, End, Range, Score, Severity, Status};

/// Reads a file of definitions.
pub(super) fn read(bytes: &[u8], sink: &mut impl FnMut(Advisory)) -> Result<Stats, ImportError> {
    let mut stats = Stats::default();
    xml::each("OVAL", bytes, &["definition"], |definition| {
        let class = definition.attribute("class");
        if !matches!(class, "patch" | "vulnerability") {
            return;
        }
        let Some(metadata) = definition.child("metadata") else {
            return stats.bad(definition.attribute("id"), "metadata", "is missing");
        };
        let advisory = advisory(&definition, metadata);
        if advisory.affected.is_empty() {
            stats.bad(&advisory.id, "criteria", "name no package of a known distribution");
        }
        stats.read += 1;
        sink(advisory);
    })?;
    Ok(stats)
}

fn advisory(definition: &Element, metadata: &Element) -> Advisory {
    let references: Vec<_> = metadata.all("reference").collect();
    let own = references.iter().find(|one| !one.attribute("ref_id").starts_with("CVE-")).or(references.first());
    let title = metadata.text_of("title");
    let id = own.map(|one| one.attribute("ref_id")).filter(|id| !id.is_empty()).unwrap_or(definition.attribute("id"));
    let details = metadata.child("advisory");
    let date =
        |name: &str| details.and_then(|details| details.child(name)).and_then(|date| unix(date.attribute("date")));
    let mut advisory = Advisory {
        id: id.into(),
        summary: summary(title),
        published_unix: date("issued"),
        modified_unix: date("updated").or(date("issued")),
        severities: details.map(|details| word(details.text_of("severity"))).unwrap_or_default(),
        references: references.iter().map(|one| one.attribute("ref_url").into()).take(12).collect(),
        ..Advisory::default()
    };
    for name in
        references.iter().map(|one| one.attribute("ref_id")).filter(|name| name.starts_with("CVE-") && *name != id)
    {
        advisory.upstream.push(name.into());
    }
    for cve in details.into_iter().flat_map(|details| details.all("cve")) {
        let vector = cve.attribute("cvss3").split_once('/').map(|(_, vector)| vector).unwrap_or_default();
        if vector.starts_with("CVSS:") && advisory.severities.len() < 8 {
            advisory.severities.push(Severity { by: "".into(), score: Score::Cvss(vector.into()) });
        }
    }
    let mut platforms = Vec::new();
    for criteria in definition.all("criteria") {
        walk(criteria, &mut platforms, "", &mut advisory.affected);
    }
    platforms.dedup();
    if platforms.is_empty() {
        platforms.extend(
            metadata
                .all("affected")
                .flat_map(|affected| affected.all("platform"))
                .filter_map(|platform| ecosystem(platform.text.trim())),
        );
    }
    let parts = std::mem::take(&mut advisory.affected);
    for platform in platforms.iter().take(PLATFORMS) {
        advisory.affected.extend(parts.iter().map(|part| Affected { ecosystem: platform.clone(), ..part.clone() }));
    }
    advisory
}

/// Depth is bounded by the reader of XML.
fn walk(criteria: &Element, platforms: &mut Vec<Box<str>>, module: &str, out: &mut Vec<Affected>) {
    let comments = || criteria.all("criterion").map(|criterion| criterion.attribute("comment"));
    let own = comments().find_map(|comment| comment.strip_prefix("Module ")?.strip_suffix(" is enabled"));
    let module = own.unwrap_or(module);
    for comment in comments() {
        let part = |package: &str, end: End, status: Status| Affected {
            package: package.into(),
            ranges: vec![Range { introduced: None, end }],
            module: module.into(),
            status,
            ..Affected::default()
        };
        if let Some((package, version)) = comment.split_once(" is earlier than ") {
            let version = version.strip_prefix("0:").unwrap_or(version);
            out.push(part(package, End::Fixed(version.into()), Status::Affected));
        } else if let Some(name) = comment.strip_suffix(" is installed") {
            if let Some(platform) = ecosystem(name) {
                if !platforms.contains(&platform) {
                    platforms.push(platform);
                }
            } else if let Some((package, version)) = name_version(name) {
                out.push(part(package, End::Fixed(version.into()), Status::Affected));
            } else if !name.contains(' ') {
                out.push(part(name, End::Open, Status::Affected));
            }
        } else if let Some(name) = comment.strip_suffix(" is affected") {
            out.push(part(name, End::Open, Status::Affected));
        } else if let Some(name) = comment.strip_suffix(" is not affected") {
            out.push(part(name, End::Open, Status::NotAffected));
        }
    }
    for inner in criteria.all("criteria") {
        walk(inner, platforms, module, out);
    }
}

/// `libopenssl3-3.0.8-1.1` to name and version: the last two parts are version and release.
fn name_version(text: &str) -> Option<(&str, &str)> {
    let release = text.rfind('-')?;
    let version = text.get(..release)?.rfind('-')?;
    let (name, version) = (text.get(..version)?, text.get(version + 1..)?);
    (!text.contains(' ') && !name.is_empty() && version.starts_with(|letter: char| letter.is_ascii_digit()))
        .then_some((name, version))
}

/// OSV's name of a distribution by its own.
pub(super) fn ecosystem(name: &str) -> Option<Box<str>> {
    let name = name.trim();
    let number = |rest: &str| {
        rest.trim()
            .split([' ', '.'])
            .next()
            .map(str::to_owned)
            .filter(|number| number.starts_with(|letter: char| letter.is_ascii_digit()))
    };
    if let Some(rest) = name.strip_prefix("Red Hat Enterprise Linux ") {
        return Some(["Red Hat:enterprise_linux:", &number(rest)?].concat().into());
    }
    if let Some(rest) = name.strip_prefix("Oracle Linux ") {
        return Some(["Oracle Linux:", &number(rest)?].concat().into());
    }
    if let Some(rest) = name.strip_prefix("SUSE ") {
        return rest.starts_with("Linux Enterprise").then(|| ["SUSE:", rest].concat().into());
    }
    let rest = name.strip_prefix("openSUSE ")?;
    (rest.starts_with("Leap") || rest == "Tumbleweed").then(|| ["openSUSE:", rest].concat().into())
}

/// Products that one definition is multiplied by; SUSE names some forty.
const PLATFORMS: usize = 128;
