//! OVAL of Red Hat, Oracle and SUSE: definitions with criteria about packages.
//!
//! The comments of criteria are as regular as the tests that they stand for: "openssl is earlier than 1:3.0.7-27.el9",
//! "Module nodejs:18 is enabled", "Oracle Linux 9 is installed". What an `AND` says of products, architectures and modules holds
//! for what stands in it and for nothing else. SUSE writes "libopenssl3-3.0.8-1.1 is installed" for the
//! version that is fixed.

use std::collections::HashMap;

use super::text::{summary, suse, unix, without_contradictions};
use super::{ImportError, Stats, errata::word, xml, xml::Element};
use crate::record::{Advisory, Affected, End, Range, Score, Severity, Status};

/// Reads a file of definitions. `given` is the ecosystem of packages of which the file does not say where they belong:
/// Azure Linux's does not name the release.
pub(super) fn read(bytes: &[u8], given: Option<&str>, sink: &mut impl FnMut(Advisory)) -> Result<Stats, ImportError> {
    let mut stats = Stats::default();
    xml::each("OVAL", bytes, &["definition", "generator"], |definition| {
        if definition.name == "generator" {
            stats.made_unix = stats.made_unix.or(unix(definition.text_of("timestamp")));
            return;
        }
        let class = definition.attribute("class");
        if !matches!(class, "patch" | "vulnerability") {
            return;
        }
        let Some(metadata) = definition.child("metadata") else {
            return stats.bad(definition.attribute("id"), "metadata", "is missing");
        };
        let mut parts = Parts { given, resolutions: resolutions(metadata), out: Vec::new(), outside: 0 };
        let mut advisory = head(&definition, metadata);
        let usual = platforms(metadata, given);
        for criteria in definition.all("criteria") {
            parts.walk(criteria, &Place { platforms: usual.clone(), ..Place::default() });
        }
        stats.outside += parts.outside;
        advisory.affected = parts.out;
        without_contradictions(&mut advisory.affected);
        if advisory.affected.is_empty() && parts.outside == 0 {
            stats.bad(&advisory.id, "criteria", "name no package of a known distribution");
        }
        stats.read += 1;
        sink(advisory);
    })?;
    Ok(stats)
}

fn head(definition: &Element, metadata: &Element) -> Advisory {
    let references: Vec<_> = metadata.all("reference").collect();
    let own = references.iter().find(|one| !one.attribute("ref_id").starts_with("CVE-")).or(references.first());
    let id = own.map(|one| one.attribute("ref_id")).filter(|id| !id.is_empty()).unwrap_or(definition.attribute("id"));
    let details = metadata.child("advisory");
    let date =
        |name: &str| details.and_then(|details| details.child(name)).and_then(|date| unix(date.attribute("date")));
    let issued = date("issued").or(unix(metadata.text_of("advisory_date")));
    let severity = details.unwrap_or(metadata).text_of("severity");
    let mut advisory = Advisory {
        id: id.into(),
        summary: summary(metadata.text_of("title")),
        published_unix: issued,
        modified_unix: date("updated").or(issued),
        severities: word(severity),
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
    advisory
}

/// The distributions that a definition is about as a whole; `None` where it does not say.
fn platforms(metadata: &Element, given: Option<&str>) -> Option<Vec<Box<str>>> {
    if let Some(given) = given {
        return Some(vec![given.into()]);
    }
    let named = metadata.all("affected").flat_map(|affected| affected.all("platform"));
    let mut known: Vec<Box<str>> = named.filter_map(|platform| ecosystem(platform.text.trim())).collect();
    known.sort_unstable();
    known.dedup();
    known.truncate(PLATFORMS);
    (!known.is_empty()).then_some(known)
}

/// What Red Hat says of components that have no fix: `<resolution state="Will not fix"><component>…`.
fn resolutions(metadata: &Element) -> HashMap<&str, Status> {
    let affected = metadata.all("advisory").flat_map(|advisory| advisory.all("affected"));
    let mut out = HashMap::new();
    for resolution in affected.flat_map(|affected| affected.all("resolution")) {
        let status = match resolution.attribute("state") {
            "Will not fix" => Status::WontFix,
            "Fix deferred" => Status::FixDeferred,
            "Out of support scope" => Status::EndOfLife,
            "Under investigation" => Status::UnderInvestigation,
            _ => continue,
        };
        // A component of a module is written `nodejs:18/nodejs`.
        let name = |component: &'_ str| component.rsplit('/').next().map(str::len).unwrap_or_default();
        for component in resolution.all("component") {
            let text = component.text.trim();
            out.insert(text.get(text.len() - name(text)..).unwrap_or(text), status);
        }
    }
    out
}

/// Under which conditions a criterion stands.
#[derive(Clone, Default)]
struct Place<'e> {
    /// `None` where nothing was said yet; empty where it is no distribution that is known.
    platforms: Option<Vec<Box<str>>>,
    module: &'e str,
    arch: Option<&'e str>,
    /// Whether it is about what only users of live patches or of certified builds install.
    special: bool,
    /// Versions above which a package is affected.
    above: Vec<(&'e str, &'e str)>,
}

struct Parts<'e> {
    given: Option<&'e str>,
    resolutions: HashMap<&'e str, Status>,
    out: Vec<Affected>,
    outside: u64,
}

impl<'e> Parts<'e> {
    /// Depth is bounded by the reader of XML. What stands in an `AND` holds for all that stands in it.
    fn walk(&mut self, criteria: &'e Element, outer: &Place<'e>) {
        let mut place = outer.clone();
        let any = criteria.attribute("operator").eq_ignore_ascii_case("OR");
        let comments = || criteria.all("criterion").map(|criterion| criterion.attribute("comment"));
        if !any {
            let mut own: Vec<Box<str>> = Vec::new();
            let mut said = false;
            let inner = criteria.all("criteria").filter_map(only_platforms).flatten();
            for name in comments().filter_map(platform).chain(inner) {
                said = true;
                own.extend(ecosystem(name));
            }
            if said && self.given.is_none() {
                own.sort_unstable();
                own.dedup();
                place.platforms = Some(own);
            }
            for comment in comments() {
                if let Some(module) = comment.strip_prefix("Module ").and_then(|rest| rest.strip_suffix(" is enabled"))
                {
                    place.module = module;
                } else if let Some((_, arch)) = comment.split_once(" arch is ") {
                    place.arch = Some(arch);
                } else if comment.ends_with(" is ksplice-based") || comment.ends_with(" is fips patched") {
                    place.special = true;
                } else if let Some((package, version)) = named(comment).split_once(" is greater than ") {
                    place.above.push((package, version));
                }
            }
        }
        comments().for_each(|comment| self.criterion(comment, &place));
        for inner in criteria.all("criteria").filter(|inner| any || only_platforms(inner).is_none()) {
            self.walk(inner, &place);
        }
    }

    fn criterion(&mut self, comment: &'e str, place: &Place<'e>) {
        let comment = named(comment);
        let mut status = Status::Affected;
        let (package, end) = if let Some((package, version)) = comment.split_once(" is earlier than ") {
            (package, End::Fixed(version.strip_prefix("0:").unwrap_or(version).into()))
        } else if let Some((package, version)) = comment.split_once(" is installed with version ") {
            let version = version.strip_suffix(" or earlier").unwrap_or(version);
            (package, End::LastAffected(version.strip_prefix("0:").unwrap_or(version).into()))
        } else if let Some(name) = comment.strip_suffix(" is installed").filter(|name| !name.contains(' ')) {
            match name_version(name) {
                Some((package, version)) => (package, End::Fixed(version.into())),
                None => (name, End::Open),
            }
        } else if let Some(name) = comment.strip_suffix(" is affected") {
            (name, End::Open)
        } else if let Some(name) = comment.strip_suffix(" is not affected") {
            status = Status::NotAffected;
            (name, End::Open)
        } else {
            return;
        };
        let special = place.special
            || matches!(&end, End::Fixed(version) if version.contains(".ksplice") || version.contains("_fips"));
        let Some(platforms) = place.platforms.as_ref().filter(|platforms| !special && !platforms.is_empty()) else {
            self.outside += u64::from(special || place.platforms.is_some());
            return;
        };
        if status == Status::Affected && end == End::Open {
            status = self.resolutions.get(package).copied().unwrap_or_default();
        }
        let above = place.above.iter().find(|(other, _)| *other == package).map(|(_, version)| (*version).into());
        for platform in platforms {
            let part = Affected {
                ecosystem: platform.clone(),
                package: package.into(),
                of_source: platform.starts_with("Azure Linux"),
                ranges: vec![Range { exclusive: above.is_some(), introduced: above.clone(), end: end.clone() }],
                module: place.module.into(),
                arches: place.arch.into_iter().map(Box::from).collect(),
                status,
                ..Affected::default()
            };
            if !self.out.iter().rev().take(REPEATED).any(|known| *known == part) {
                self.out.push(part);
            }
        }
    }
}

/// A comment without what Azure Linux puts around it.
fn named(comment: &str) -> &str {
    let comment = comment.strip_prefix("Package ").unwrap_or(comment);
    comment.split_once(", affected by ").map_or(comment, |(comment, _)| comment)
}

/// The name of a product that must be installed, as told from that of a package: it has blanks.
fn platform(comment: &str) -> Option<&str> {
    let name = comment.strip_suffix(" is installed")?;
    (name.contains(' ') && !name.starts_with("Package ")).then_some(name)
}

/// The products of criteria that name products and nothing else.
fn only_platforms(criteria: &Element) -> Option<Vec<&str>> {
    if criteria.all("criteria").next().is_some() {
        return None;
    }
    let names: Option<Vec<_>> =
        criteria.all("criterion").map(|criterion| platform(criterion.attribute("comment"))).collect();
    names.filter(|names| !names.is_empty())
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
        return rest.starts_with("Linux ").then(|| suse(&["SUSE:", rest].concat()).into_owned().into());
    }
    if let Some(rest) = name.strip_prefix("Photon OS ").or(name.strip_prefix("Photon ")) {
        let number = rest.trim();
        let whole = if number.contains('.') { number.to_owned() } else { format!("{number}.0") };
        return number
            .starts_with(|letter: char| letter.is_ascii_digit())
            .then(|| ["Photon OS:", &whole].concat().into());
    }
    let rest = name.strip_prefix("openSUSE ")?;
    (rest.starts_with("Leap") || rest == "Tumbleweed").then(|| ["openSUSE:", rest].concat().into())
}

/// Products that one definition is multiplied by; SUSE names some forty.
const PLATFORMS: usize = 128;
/// Parts that are looked back on for repetition: products that share a release stand next to each other.
const REPEATED: usize = 64;
