//! Lists of fixes (`secdb`) of Alpine, Wolfi and Chainguard: package → version → vulnerabilities that it fixes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{ImportError, Stats, field, parse};
use crate::record::{Advisory, Affected, End, Range, Status};

/// Reads a list. The ecosystem is the one given, or told by `distroversion` and the address in the list.
pub(super) fn read(
    bytes: &[u8],
    ecosystem: Option<&str>,
    sink: &mut impl FnMut(Advisory),
) -> Result<Stats, ImportError> {
    let whole = parse("a list of fixes", bytes)?;
    let packages = whole.get("packages").and_then(Value::as_array);
    let packages = packages
        .ok_or_else(|| ImportError::Malformed { format: "a list of fixes", problem: "packages is missing".into() })?;
    let ecosystem = match (ecosystem, field(&whole, "distroversion"), field(&whole, "urlprefix")) {
        (Some(given), ..) => given.to_owned(),
        (None, "", address) if address.contains("chainguard") || address.contains("cgr.dev") => "Chainguard".into(),
        (None, "", address) if address.contains("wolfi") => "Wolfi".into(),
        (None, "", address) if address.contains("mini.dev") => "MinimOS".into(),
        (None, "", _) => return Err(ImportError::NoEcosystem { format: "a list of fixes without distroversion" }),
        (None, version, _) => format!("Alpine:{version}"),
    };
    let mut stats = Stats::default();
    let mut advisories: BTreeMap<Box<str>, Advisory> = BTreeMap::new();
    for (place, entry) in packages.iter().enumerate() {
        let package = entry.get("pkg").unwrap_or(&Value::Null);
        let name = field(package, "name");
        let Some(fixes) = package.get("secfixes").and_then(Value::as_object).filter(|_| !name.is_empty()) else {
            stats.bad(&format!("package {} {name}", place + 1), "pkg", "has no name or no secfixes");
            continue;
        };
        for (version, ids) in fixes {
            match ids {
                Value::Array(ids) => {
                    for ids in ids.iter().filter_map(Value::as_str) {
                        fix(&mut advisories, &ecosystem, name, version, ids);
                    }
                }
                Value::String(ids) => fix(&mut advisories, &ecosystem, name, version, ids),
                // Versions that fix nothing stand there as an empty object or without a list.
                Value::Null => {}
                Value::Object(nothing) if nothing.is_empty() => {}
                _ => stats.bad(name, "secfixes", &format!("version {version} has no list")),
            }
        }
    }
    for (_, advisory) in advisories {
        stats.read += 1;
        sink(advisory);
    }
    Ok(stats)
}

/// One entry: `CVE-2024-1`, or several names of the same vulnerability with blanks between.
fn fix(advisories: &mut BTreeMap<Box<str>, Advisory>, ecosystem: &str, package: &str, version: &str, ids: &str) {
    let mut names = ids.split_whitespace().map(|name| name.trim_end_matches([',', ';', '?']));
    let Some(id) = names.next().filter(|id| !id.is_empty()) else { return };
    let advisory = advisories.entry(id.into()).or_insert_with(|| Advisory { id: id.into(), ..Advisory::default() });
    for alias in names.filter(|alias| alias.starts_with("CVE-") || alias.starts_with("GHSA-")) {
        if !advisory.aliases.iter().any(|known| **known == *alias) && advisory.aliases.len() < ALIASES {
            advisory.aliases.push(alias.into());
        }
    }
    // Version 0: no version of the distribution was ever affected.
    let (status, end) =
        if version == "0" { (Status::NotAffected, End::Open) } else { (Status::Affected, End::Fixed(version.into())) };
    advisory.affected.push(Affected {
        ecosystem: ecosystem.into(),
        package: package.into(),
        of_source: true,
        ranges: vec![Range { end, ..Range::default() }],
        status,
        ..Affected::default()
    });
}

/// Names of one vulnerability in one entry; three are the most that is seen.
const ALIASES: usize = 16;
