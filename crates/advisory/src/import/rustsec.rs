//! RustSec: Markdown with TOML in front.

use super::text::{cut, summary, unix};
use super::{ImportError, Stats};
use crate::record::{Advisory, Affected, End, Range, Score, Severity};

/// Reads one advisory.
pub(super) fn read(bytes: &[u8], sink: &mut impl FnMut(Advisory)) -> Result<Stats, ImportError> {
    let malformed =
        |problem: &str| ImportError::Malformed { format: "a RustSec advisory", problem: cut(problem, 240).into() };
    let text = std::str::from_utf8(bytes).map_err(|error| malformed(&error.to_string()))?;
    let front = text.trim_start().strip_prefix("```toml").ok_or_else(|| malformed("it does not begin with TOML"))?;
    let (front, body) = front.split_once("\n```").ok_or_else(|| malformed("its TOML does not end"))?;
    let table: toml::Table = front.parse().map_err(|error: toml::de::Error| malformed(error.message()))?;
    let head =
        table.get("advisory").and_then(toml::Value::as_table).ok_or_else(|| malformed("there is no [advisory]"))?;
    let word = |name: &str| match head.get(name) {
        Some(toml::Value::String(text)) => text.clone(),
        Some(toml::Value::Datetime(time)) => time.to_string(),
        _ => String::new(),
    };
    let mut stats = Stats::default();
    let (id, package) = (word("id"), word("package"));
    if id.is_empty() || package.is_empty() {
        return Err(malformed("id or package is missing"));
    }
    let versions = table.get("versions").and_then(toml::Value::as_table);
    let requirements = |name: &str| strings(versions.and_then(|versions| versions.get(name)));
    let ranges = match ranges(&requirements("patched"), &requirements("unaffected")) {
        Ok(ranges) => ranges,
        Err(requirement) => {
            stats.bad(
                &id,
                "versions",
                &format!("\"{requirement}\" is not a requirement that is understood; all versions count as affected"),
            );
            vec![Range::default()]
        }
    };
    let symbols = table.get("affected").and_then(|affected| affected.get("functions")).and_then(toml::Value::as_table);
    let affected = Affected {
        ecosystem: "crates.io".into(),
        package: package.into(),
        ranges,
        symbols: symbols.into_iter().flatten().map(|(name, _)| name.as_str().into()).collect(),
        ..Affected::default()
    };
    let title = body.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or_default();
    let severity = Some(word("cvss")).filter(|vector| !vector.is_empty());
    let date = unix(&word("date"));
    sink(Advisory {
        aliases: strings(head.get("aliases")),
        upstream: Vec::new(),
        summary: summary(title),
        informational: word("informational").into(),
        published_unix: date,
        modified_unix: date,
        withdrawn_unix: unix(&word("withdrawn")),
        severities: severity
            .into_iter()
            .map(|vector| Severity { by: "".into(), score: Score::Cvss(vector.into()) })
            .collect(),
        references: Some(word("url"))
            .filter(|url| !url.is_empty())
            .into_iter()
            .map(Into::into)
            .chain(strings(head.get("references")))
            .collect(),
        affected: if ranges_are_empty(&affected) { Vec::new() } else { vec![affected] },
        id: id.into(),
        ..Advisory::default()
    });
    stats.read = 1;
    Ok(stats)
}

fn ranges_are_empty(affected: &Affected) -> bool {
    affected.ranges.is_empty()
}

fn strings(value: Option<&toml::Value>) -> Vec<Box<str>> {
    value.and_then(toml::Value::as_array).into_iter().flatten().filter_map(toml::Value::as_str).map(Box::from).collect()
}

/// A version as numbers, whether it is a release, and what stands behind the numbers: `1.2.3-rc` comes before 1.2.3.
type Key = (u64, u64, u64, bool, String);

/// What remains when the good versions are taken away: requirements become intervals, in order, and the gaps are affected.
fn ranges(patched: &[Box<str>], unaffected: &[Box<str>]) -> Result<Vec<Range>, Box<str>> {
    let mut good = Vec::new();
    for requirement in patched.iter().chain(unaffected) {
        good.push(interval(requirement).ok_or_else(|| requirement.clone())?);
    }
    good.sort_by(|a, b| a.0.cmp(&b.0));
    // `position` is where the bad versions begin: `None` before all of them, and what was good ended there.
    let (mut out, mut position): (Vec<Range>, Option<Option<String>>) = (Vec::new(), Some(None));
    let mut highest: Option<Key> = None;
    for (start, start_text, end, end_text) in good {
        let Some(from) = position.clone() else { break };
        let covered = highest.as_ref().is_some_and(|highest| start <= *highest) || start == lowest();
        if !covered {
            let end = match start_text.strip_prefix('>') {
                Some(last) => End::LastAffected(last.into()),
                None => End::Fixed(start_text.into()),
            };
            out.push(Range { introduced: from.map(Into::into), end, ..Range::default() });
        }
        match end {
            None => position = None,
            Some(end) if highest.as_ref().is_none_or(|highest| end > *highest) => {
                highest = Some(end);
                position = Some(Some(end_text));
            }
            Some(_) => {}
        }
    }
    if let Some(from) = position {
        out.push(Range { introduced: from.map(Into::into), end: End::Open, ..Range::default() });
    }
    Ok(out)
}

fn lowest() -> Key {
    (0, 0, 0, false, String::new())
}

/// From (inclusive) and to (exclusive) of a requirement with up to two bounds.
fn interval(requirement: &str) -> Option<(Key, String, Option<Key>, String)> {
    let (mut start, mut end) = ((lowest(), String::new()), None);
    for bound in requirement.split(',') {
        let bound = bound.trim();
        let version_at = bound.find(|letter: char| letter.is_ascii_digit() || letter == '*')?;
        let (operator, version) = bound.split_at(version_at);
        let (key, text, parts) = key(version)?;
        let next = |place: usize| match place {
            0 => ((key.0 + 1, 0, 0, false, String::new()), format!("{}.0.0-0", key.0 + 1)),
            1 => ((key.0, key.1 + 1, 0, false, String::new()), format!("{}.{}.0-0", key.0, key.1 + 1)),
            _ => ((key.0, key.1, key.2 + 1, false, String::new()), format!("{}.{}.{}-0", key.0, key.1, key.2 + 1)),
        };
        match operator.trim() {
            ">=" => start = (key, text),
            // Behind a version: that one is the last of the affected, and the mark says so.
            ">" if key.3 => start = (after(&key), format!(">{text}")),
            // Of a version before a release the release is the next one that has a name.
            ">" => start = ((key.0, key.1, key.2, true, String::new()), text.split('-').next()?.to_owned()),
            "<" => end = Some((key, text)),
            "<=" => end = Some((after(&key), format!("{}.{}.{}-0", key.0, key.1, key.2 + 1))),
            "=" => {
                (start, end) =
                    ((key.clone(), text), Some((after(&key), format!("{}.{}.{}-0", key.0, key.1, key.2 + 1))))
            }
            "^" | "" => {
                let place = if key.0 > 0 || parts == 1 {
                    0
                } else if key.1 > 0 || parts == 2 {
                    1
                } else {
                    2
                };
                (start, end) = ((key.clone(), text), Some(next(place)));
            }
            "~" => (start, end) = ((key.clone(), text), Some(next(if parts == 1 { 0 } else { 1 }))),
            _ => return None,
        }
    }
    let (end, end_text) = end.map_or((None, String::new()), |(key, text)| (Some(key), text));
    Some((start.0, start.1, end, end_text))
}

fn after(key: &Key) -> Key {
    (key.0, key.1, key.2.saturating_add(1), false, String::new())
}

fn key(version: &str) -> Option<(Key, String, usize)> {
    let (numbers, before) =
        version.split('+').next()?.split_once('-').map_or((version, None), |(numbers, before)| (numbers, Some(before)));
    let parts: Vec<u64> =
        numbers.split('.').map(|part| part.parse().ok().filter(|number| *number < u64::MAX)).collect::<Option<_>>()?;
    let [major, minor, patch] = [0, 1, 2].map(|place| parts.get(place).copied().unwrap_or(0));
    let text = format!("{major}.{minor}.{patch}{}", before.map(|before| format!("-{before}")).unwrap_or_default());
    (parts.len() <= 3)
        .then(|| ((major, minor, patch, before.is_none(), before.unwrap_or_default().to_owned()), text, parts.len()))
}
