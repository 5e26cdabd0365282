//! Kubernetes' official feed of CVEs: a JSON feed whose texts name components and versions.

use super::text::{summary, unix};
use super::{ImportError, Stats, field, list, parse};
use crate::record::{Advisory, Affected, End, Range, Score, Severity};

/// Reads the feed. An entry whose text names no versions in the usual form is given without them and counted as bad.
pub(super) fn read(bytes: &[u8], sink: &mut impl FnMut(Advisory)) -> Result<Stats, ImportError> {
    let whole = parse("Kubernetes' feed of CVEs", bytes)?;
    let mut stats = Stats::default();
    for (place, item) in list(&whole, "items").iter().enumerate() {
        let id = field(item, "id");
        if id.is_empty() {
            stats.bad(&format!("item {}", place + 1), "id", "is missing");
            continue;
        }
        let text = field(item, "content_text");
        let affected = affected(text);
        if affected.is_empty() {
            stats.bad(id, "content_text", "names no affected versions in a form that is understood");
        }
        let vector = text.find("CVSS:").and_then(|start| text.get(start..)).map(|rest| {
            rest.split(|letter: char| !(letter.is_ascii_alphanumeric() || ":/.".contains(letter)))
                .next()
                .unwrap_or_default()
        });
        let date = unix(field(item, "date_published"));
        stats.read += 1;
        sink(Advisory {
            id: id.into(),
            summary: summary(field(item, "summary")),
            published_unix: date,
            modified_unix: date,
            severities: vector
                .into_iter()
                .map(|vector| Severity { by: "".into(), score: Score::Cvss(vector.into()) })
                .collect(),
            references: ["external_url", "url"]
                .iter()
                .map(|name| field(item, name))
                .filter(|url| !url.is_empty())
                .map(Box::from)
                .collect(),
            affected,
            ..Advisory::default()
        });
    }
    Ok(stats)
}

/// Lines such as `- kubelet v1.28.0 - v1.28.3`, `kube-apiserver: <= v1.27.7`, under a heading "Affected Versions".
fn affected(text: &str) -> Vec<Affected> {
    let (mut out, mut inside): (Vec<Affected>, bool) = (Vec::new(), false);
    for line in text.lines() {
        let plain = line.trim().trim_start_matches(['-', '*', '#', ' ']).trim_end_matches(['*', ' ', '\\']);
        let lower = plain.to_ascii_lowercase();
        if lower.starts_with("affected version") {
            inside = true;
            continue;
        }
        if lower.starts_with("fixed version")
            || lower.starts_with("how do i")
            || line.starts_with('#') && !plain.is_empty()
        {
            inside = false;
        }
        let component = COMPONENTS.iter().find(|component| lower.starts_with(**component));
        if let (true, Some(component)) = (inside, component) {
            let rest = plain.get(component.len()..).unwrap_or_default().trim_start_matches([':', ' ', '`']);
            for part in rest.split([',', ';']) {
                if let Some(range) = range(part.trim()) {
                    match out.iter_mut().find(|known| *known.package == **component) {
                        Some(known) => known.ranges.push(range),
                        None => out.push(Affected {
                            ecosystem: "Kubernetes".into(),
                            package: (*component).into(),
                            ranges: vec![range],
                            ..Affected::default()
                        }),
                    }
                }
            }
        }
    }
    out
}

fn range(text: &str) -> Option<Range> {
    let version = |text: &str| -> Option<Box<str>> {
        let text = text.trim().trim_matches('`').trim_start_matches('v');
        let end =
            text.find(|letter: char| !(letter.is_ascii_alphanumeric() || ".-+".contains(letter))).unwrap_or(text.len());
        text.get(..end).filter(|text| text.starts_with(|letter: char| letter.is_ascii_digit())).map(Box::from)
    };
    if let Some(rest) = text.strip_prefix("<=").or(text.strip_prefix('≤')) {
        return Some(Range { introduced: None, end: End::LastAffected(version(rest)?) });
    }
    if let Some(rest) = text.strip_prefix('<').or(text.strip_prefix("prior to ")) {
        return Some(Range { introduced: None, end: End::Before(version(rest)?) });
    }
    if let Some((from, to)) = text.split_once(" - ").or(text.split_once(" to ")) {
        return Some(Range { introduced: Some(version(from)?), end: End::LastAffected(version(to)?) });
    }
    let one = version(text)?;
    Some(Range { introduced: Some(one.clone()), end: End::LastAffected(one) })
}

const COMPONENTS: [&str; 11] = [
    "kubelet",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubectl",
    "ingress-nginx",
    "secrets-store-csi-driver",
    "image-builder",
    "csi-proxy",
    "kubernetes",
];
