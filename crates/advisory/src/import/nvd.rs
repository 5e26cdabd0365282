//! The National Vulnerability Database, version 2.0 of its interface.
//!
//! Configurations are read as "any of these": what a product must run on, or together with, is not compared, because nothing
//! tells it of an image. So a vulnerability of a product that needs another one is found without it, never missed.
//!
//! Products stand under the ecosystem `CPE` as `vendor:product`; the software that a product is made for (`node.js`,
//! `wordpress`) stands in the field `module`, which is empty where it is made for any.

use serde_json::Value;

use super::text::{summary, unix};
use super::{ImportError, Stats, field, list, parse};
use crate::record::{Advisory, Affected, End, Range, Score, Severity};

/// Reads a page of vulnerabilities.
pub(super) fn read(bytes: &[u8], sink: &mut impl FnMut(Advisory)) -> Result<Stats, ImportError> {
    let whole = parse("NVD 2.0", bytes)?;
    let entries = whole.get("vulnerabilities").and_then(Value::as_array).map(Vec::as_slice);
    // A page of no results leaves the list out.
    let none = whole.get("totalResults").and_then(Value::as_u64) == Some(0);
    let Some(entries) = entries.or(none.then_some(&[])) else {
        return Err(ImportError::Malformed { format: "NVD 2.0", problem: "vulnerabilities is missing".into() });
    };
    let mut stats = Stats { made_unix: unix(field(&whole, "timestamp")), ..Stats::default() };
    for (place, entry) in entries.iter().enumerate() {
        let cve = entry.get("cve").unwrap_or(&Value::Null);
        if field(cve, "id").is_empty() {
            stats.bad(&format!("entry {}", place + 1), "cve.id", "is missing");
            continue;
        }
        let advisory = advisory(cve, &mut stats);
        stats.read += 1;
        sink(advisory);
    }
    Ok(stats)
}

fn advisory(cve: &Value, stats: &mut Stats) -> Advisory {
    let id = field(cve, "id");
    let modified_unix = unix(field(cve, "lastModified"));
    let rejected = field(cve, "vulnStatus") == "Rejected";
    let description = list(cve, "descriptions").iter().find(|text| field(text, "lang") == "en");
    let mut advisory = Advisory {
        id: id.into(),
        summary: summary(description.map(|text| field(text, "value")).unwrap_or_default()),
        published_unix: unix(field(cve, "published")),
        modified_unix,
        withdrawn_unix: if rejected { modified_unix.or(Some(0)) } else { None },
        severities: severities(cve),
        references: list(cve, "references")
            .iter()
            .map(|reference| field(reference, "url").into())
            .take(REFERENCES)
            .collect(),
        ..Advisory::default()
    };
    for weakness in list(cve, "weaknesses").iter().flat_map(|weakness| list(weakness, "description")) {
        let name = field(weakness, "value");
        if name.starts_with("CWE-")
            && !advisory.cwes.iter().any(|known| **known == *name)
            && advisory.cwes.len() < REFERENCES
        {
            advisory.cwes.push(name.into());
        }
    }
    for configuration in list(cve, "configurations") {
        let negated = |value: &Value| value.get("negate").and_then(Value::as_bool) == Some(true);
        for node in list(configuration, "nodes") {
            if negated(configuration) || negated(node) {
                stats.bad(id, "configurations.negate", "says what is not affected, which is not understood");
                continue;
            }
            let vulnerable = |found: &&Value| found.get("vulnerable").and_then(Value::as_bool) == Some(true);
            for found in list(node, "cpeMatch").iter().filter(vulnerable) {
                match affected(found) {
                    Some(affected) if advisory.affected.contains(&affected) => {}
                    Some(affected) => advisory.affected.push(affected),
                    None => {
                        stats.bad(id, "cpeMatch.criteria", &format!("\"{}\" is not a CPE", field(found, "criteria")));
                    }
                }
            }
        }
    }
    advisory
}

fn severities(cve: &Value) -> Vec<Severity> {
    let metrics = cve.get("metrics").unwrap_or(&Value::Null);
    let mut out = Vec::new();
    for kind in ["cvssMetricV40", "cvssMetricV31", "cvssMetricV30", "cvssMetricV2"] {
        for metric in list(metrics, kind) {
            let vector = metric.get("cvssData").map(|data| field(data, "vectorString")).unwrap_or_default();
            let by = if field(metric, "source") == "nvd@nist.gov" { "nvd" } else { field(metric, "source") };
            if !vector.is_empty() {
                out.push(Severity { by: by.into(), score: Score::Cvss(vector.into()) });
            }
        }
    }
    out
}

fn affected(found: &Value) -> Option<Affected> {
    let parts = cpe(field(found, "criteria"))?;
    let [_, vendor, product, version, update, .., target, _, _] = parts.as_slice() else { return None };
    let bound = |name: &str| Some(field(found, name)).filter(|version| !version.is_empty());
    let (including, excluding) = (bound("versionStartIncluding"), bound("versionStartExcluding"));
    let end = match (bound("versionEndExcluding"), bound("versionEndIncluding")) {
        (Some(version), _) => End::Before(version.into()),
        (None, Some(version)) => End::LastAffected(version.into()),
        (None, None) => End::Open,
    };
    let range = Range {
        introduced: including.or(excluding).map(Box::from),
        exclusive: including.is_none() && excluding.is_some(),
        end,
    };
    let bounded = range.introduced.is_some() || range.end != End::Open;
    let any = |part: &str| part == "*" || part == "-";
    // `-` says that the product has no version, and stands where nobody told which: that is all of them.
    let versions = match version.as_str() {
        _ if bounded || any(version) => Vec::new(),
        version if any(update) => vec![version.into()],
        version => vec![[version, "-", update].concat().into()],
    };
    Some(Affected {
        ecosystem: "CPE".into(),
        package: [vendor, ":", product].concat().into(),
        ranges: if bounded { vec![range] } else { Vec::new() },
        versions,
        module: if any(target) { "".into() } else { target.as_str().into() },
        ..Affected::default()
    })
}

/// The eleven parts of a CPE 2.3 name after its prefix, without the marks that make signs plain.
fn cpe(name: &str) -> Option<Vec<String>> {
    let (mut parts, mut part, mut escaped) = (Vec::new(), String::new(), false);
    for letter in name.strip_prefix("cpe:2.3:")?.chars() {
        match letter {
            _ if escaped => {
                part.push(letter);
                escaped = false;
            }
            '\\' => escaped = true,
            ':' => parts.push(std::mem::take(&mut part)),
            _ => part.push(letter),
        }
    }
    parts.push(part);
    (parts.len() == 11).then_some(parts)
}

/// References and weaknesses that are kept.
const REFERENCES: usize = 12;
