//! AlmaLinux's `errata.json`.

use serde_json::Value;

use super::text::{evr, summary, unix};
use super::{ImportError, Stats, field, list, parse};
use crate::record::{Advisory, Affected, End, Range, Score, Severity};

/// Reads a list of errata of one release.
pub(super) fn read(bytes: &[u8], ecosystem: &str, sink: &mut impl FnMut(Advisory)) -> Result<Stats, ImportError> {
    let whole = parse("errata.json", bytes)?;
    let entries = whole.as_array().or_else(|| whole.get("data").and_then(Value::as_array));
    let entries =
        entries.ok_or_else(|| ImportError::Malformed { format: "errata.json", problem: "it is not a list".into() })?;
    let mut stats = Stats::default();
    for (place, entry) in entries.iter().enumerate() {
        let id = ["updateinfo_id", "id"].map(|name| field(entry, name)).into_iter().find(|id| !id.is_empty());
        let Some(id) = id else {
            stats.bad(&format!("entry {}", place + 1), "updateinfo_id", "is missing");
            continue;
        };
        if !matches!(field(entry, "type"), "security" | "") {
            (stats.read, stats.outside) = (stats.read + 1, stats.outside + 1);
            continue;
        }
        let references = list(entry, "references");
        let pkglist = entry.get("pkglist").unwrap_or(&Value::Null);
        let mut advisory = Advisory {
            id: id.into(),
            upstream: references
                .iter()
                .map(|one| field(one, "id"))
                .filter(|id| id.starts_with("CVE-"))
                .map(Box::from)
                .collect(),
            summary: summary(field(entry, "title")),
            published_unix: date(entry.get("issued_date")),
            modified_unix: date(entry.get("updated_date")).or(date(entry.get("issued_date"))),
            severities: word(field(entry, "severity")),
            references: references.iter().map(|one| field(one, "href").into()).take(12).collect(),
            ..Advisory::default()
        };
        for package in list(pkglist, "packages").iter().chain(list(entry, "packages")) {
            let module =
                [package.get("module"), pkglist.get("module")].into_iter().flatten().find(|module| module.is_object());
            let module =
                module.map(|module| [field(module, "name"), ":", field(module, "stream")].concat()).unwrap_or_default();
            let (name, version) = (field(package, "name"), field(package, "version"));
            if name.is_empty() || version.is_empty() {
                stats.bad(id, "pkglist.packages", "a package has no name or no version");
                continue;
            }
            let affected = Affected {
                ecosystem: ecosystem.into(),
                package: name.into(),
                ranges: vec![Range {
                    end: End::Fixed(evr(field(package, "epoch"), version, field(package, "release"))),
                    ..Range::default()
                }],
                module: module.trim_end_matches(':').into(),
                ..Affected::default()
            };
            if advisory.affected.last() != Some(&affected) {
                advisory.affected.push(affected);
            }
        }
        stats.read += 1;
        sink(advisory);
    }
    Ok(stats)
}

/// Milliseconds in `{"$date": …}`, or a text.
fn date(value: Option<&Value>) -> Option<i64> {
    let value = value.map(|value| value.get("$date").unwrap_or(value))?;
    value.as_i64().map(|milliseconds| milliseconds / 1000).or_else(|| value.as_str().and_then(unix))
}

pub(super) fn word(word: &str) -> Vec<Severity> {
    if word.is_empty() || word == "None" {
        Vec::new()
    } else {
        vec![Severity { by: "".into(), score: Score::Word(word.to_ascii_lowercase().into()) }]
    }
}
