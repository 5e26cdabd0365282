//! OpenVEX as Ubuntu publishes it: statements about package URLs. The version of a package that is "fixed" is the one that
//! the release has now, which may come after the first that was fixed: versions between are taken for affected.

use serde_json::Value;

use super::text::{unescaped, unix};
use super::{ImportError, Stats, field, list, parse};
use crate::record::{Advisory, Affected, End, Range, Status};

/// Reads a document; one record per statement.
pub(super) fn read(bytes: &[u8], sink: &mut impl FnMut(Advisory)) -> Result<Stats, ImportError> {
    let whole = parse("OpenVEX", bytes)?;
    let Some(statements) = whole.get("statements").and_then(Value::as_array) else {
        return Err(ImportError::Malformed { format: "OpenVEX", problem: "statements is missing".into() });
    };
    let made = unix(field(&whole, "last_updated")).or(unix(field(&whole, "timestamp")));
    let mut stats = Stats { made_unix: made, ..Stats::default() };
    for (place, statement) in statements.iter().enumerate() {
        let vulnerability = statement.get("vulnerability").unwrap_or(&Value::Null);
        let id = vulnerability.as_str().unwrap_or(field(vulnerability, "name"));
        if id.is_empty() {
            stats.bad(&format!("statement {}", place + 1), "vulnerability.name", "is missing");
            continue;
        }
        let aliases = list(vulnerability, "aliases").iter().filter_map(Value::as_str).map(Box::from).collect();
        let mut advisory = Advisory { id: id.into(), aliases, ..Advisory::default() };
        for product in list(statement, "products") {
            let name = product.as_str().unwrap_or(field(product, "@id"));
            match affected(name, field(statement, "status")) {
                Ok(affected) => advisory.affected.push(affected),
                Err(field) => stats.bad(id, field, name),
            }
        }
        stats.read += 1;
        sink(advisory);
    }
    Ok(stats)
}

fn affected(purl: &str, status: &str) -> Result<Affected, &'static str> {
    let (name, qualifiers) =
        purl.strip_prefix("pkg:deb/ubuntu/").ok_or("products.@id")?.split_once('?').unwrap_or((purl, ""));
    let name = name.strip_prefix("pkg:deb/ubuntu/").unwrap_or(name);
    let (package, version) = name.split_once('@').unwrap_or((name, ""));
    let qualifier = |key: &str| qualifiers.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
    let distro = qualifier("distro").ok_or("products.@id distro")?;
    let name = distro.rsplit('/').next().unwrap_or(distro).trim_start_matches("ubuntu-");
    let number = RELEASES
        .iter()
        .find(|(known, number)| *known == name || number.trim_end_matches(":LTS") == name)
        .map_or(name, |(_, number)| number);
    let version = unescaped(version);
    let end = if status == "fixed" { End::Fixed(version.as_str().into()) } else { End::Open };
    let status = match status {
        "fixed" if !version.is_empty() => Status::Affected,
        "affected" => Status::Affected,
        "not_affected" => Status::NotAffected,
        "under_investigation" => Status::UnderInvestigation,
        _ => return Err("status"),
    };
    // What is said of a version that is not affected says nothing of others.
    let one = status == Status::NotAffected && !version.is_empty();
    Ok(Affected {
        ecosystem: ["Ubuntu:", number].concat().into(),
        package: unescaped(package).into(),
        of_source: qualifier("arch") == Some("source"),
        ranges: if one { Vec::new() } else { vec![Range { end, ..Range::default() }] },
        versions: if one { vec![version.into()] } else { Vec::new() },
        status,
        ..Affected::default()
    })
}

/// Code names of releases and OSV's names of them.
const RELEASES: [(&str, &str); 12] = [
    ("trusty", "14.04:LTS"),
    ("xenial", "16.04:LTS"),
    ("bionic", "18.04:LTS"),
    ("focal", "20.04:LTS"),
    ("jammy", "22.04:LTS"),
    ("lunar", "23.04"),
    ("mantic", "23.10"),
    ("noble", "24.04:LTS"),
    ("oracular", "24.10"),
    ("plucky", "25.04"),
    ("questing", "25.10"),
    ("resolute", "26.04:LTS"),
];
