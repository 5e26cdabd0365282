//! Kubernetes' official feed of CVEs: a JSON feed whose texts name components and versions, written by hand.

use super::text::{summary, unix};
use super::{ImportError, Stats, field, list, parse};
use crate::record::{Advisory, Affected, End, Range, Score, Severity};

/// Reads the feed. An entry whose text names no versions in the usual form is given without them and counted as bad.
pub(super) fn read(bytes: &[u8], sink: &mut impl FnMut(Advisory)) -> Result<Stats, ImportError> {
    let whole = parse("Kubernetes' feed of CVEs", bytes)?;
    let made = whole.get("_kubernetes_io").map(|feed| field(feed, "updated_at"));
    let mut stats = Stats { made_unix: made.and_then(unix), ..Stats::default() };
    for (place, item) in list(&whole, "items").iter().enumerate() {
        // One entry may stand for several vulnerabilities: `CVE-2023-2727, CVE-2023-2728`.
        let mut names = field(item, "id").split([',', ' ']).filter(|name| !name.is_empty());
        let Some(id) = names.next() else {
            stats.bad(&format!("item {}", place + 1), "id", "is missing");
            continue;
        };
        let (title, text) = (field(item, "summary"), field(item, "content_text"));
        let affected = affected(title, text);
        if affected.is_empty() {
            stats.bad(id, "content_text", "names no affected versions in a form that is understood");
        }
        let vector = text.find("CVSS:").and_then(|start| text.get(start..)).map(|rest| {
            rest.split(|letter: char| !(letter.is_ascii_alphanumeric() || ":/.".contains(letter)))
                .next()
                .unwrap_or_default()
        });
        let date = unix(field(item, "date_published"));
        let advisory = Advisory {
            id: id.into(),
            summary: summary(title),
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
        };
        stats.read += 1;
        for other in names {
            stats.read += 1;
            sink(Advisory { id: other.into(), ..advisory.clone() });
        }
        sink(advisory);
    }
    Ok(stats)
}

/// What the text of an entry says of components and versions. Entries are written by hand; lines such as these stand under a
/// heading such as "Affected Versions": `- kubelet v1.28.0 - v1.28.3`, `kube-apiserver: <= v1.27.7`, `* Kubernetes
/// v1.0.x-1.12.x`, `all kubelet versions prior to v1.16.0`, `v1.21.0-v1.21.4, resolved in v1.21.5`.
fn affected(title: &str, text: &str) -> Vec<Affected> {
    let usual = named(title);
    let usual = if usual.is_empty() { vec!["kubernetes"] } else { usual };
    let (mut found, mut fixes): (Vec<(&str, Bounds)>, Vec<Version>) = (Vec::new(), Vec::new());
    let mut section = Section::Other;
    for line in text.lines() {
        let plain = line.trim().trim_start_matches(['-', '*', '#', ' ', '_']).trim_end_matches(['*', ' ', '\\', '_']);
        let lower = plain.to_ascii_lowercase();
        let heading = line.trim_start().starts_with('#') || line.trim_start().starts_with("**");
        match Section::begun_by(&lower) {
            Some(begun) => section = begun,
            None if heading && !plain.is_empty() => section = Section::Other,
            None => {}
        }
        let (claim, rest) = claim(&lower);
        fixes.extend(rest.into_iter().flat_map(versions));
        match section {
            Section::Affected => {
                let before = claim.get(..first_version(claim)).unwrap_or_default();
                let components = named(before);
                for part in claim.split([',', ';']) {
                    let Some(bounds) = Bounds::read(part) else { continue };
                    let components = if components.is_empty() { &usual } else { &components };
                    found.extend(components.iter().map(|component| (*component, bounds.clone())));
                }
            }
            Section::Fixed => fixes.extend(versions(&lower)),
            Section::Other => {}
        }
    }
    let mut out: Vec<Affected> = Vec::new();
    for (component, ranges) in branches(found) {
        let ranges = ranges.iter().map(|bounds| bounds.range(&fixes)).collect();
        let package = component.into();
        out.push(Affected { ecosystem: "Kubernetes".into(), package, ranges, ..Affected::default() });
    }
    out
}

/// Where in a text one is.
#[derive(Clone, Copy, PartialEq)]
enum Section {
    Affected,
    Fixed,
    Other,
}

impl Section {
    fn begun_by(line: &str) -> Option<Self> {
        let starts = |words: &[&str]| words.iter().any(|word| line.starts_with(word));
        if starts(&[
            "affected version",
            "vulnerable version",
            "what versions are affected",
            "in the following versions",
        ]) || line.ends_with("using the following versions:")
        {
            return Some(Self::Affected);
        }
        if starts(&["fixed version", "fixed in"]) {
            return Some(Self::Fixed);
        }
        let other =
            ["how do", "how to", "mitigat", "upgrad", "detect", "affected config", "to upgrade", "am i", "what is"];
        starts(&other).then_some(Self::Other)
    }
}

/// A line without what it says in parentheses and behind "resolved in", and that, which names versions that are fixed.
fn claim(line: &str) -> (&str, Option<&str>) {
    let cut = [" (", ", resolved", ", fixed", " resolved in", " fixed in", " by http"];
    match cut.iter().filter_map(|word| line.find(word)).min() {
        None => (line, None),
        Some(place) => {
            let (claim, rest) = line.split_at(place);
            (claim, (rest.contains("fixed in") || rest.contains("resolved in")).then_some(rest))
        }
    }
}

/// The components that a text names, whole words only: `kubernetes-cni` is none.
fn named(text: &str) -> Vec<&'static str> {
    let lower = text.to_ascii_lowercase();
    let joins = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let mut found: Vec<&'static str> = COMPONENTS
        .iter()
        .filter(|component| {
            lower.match_indices(**component).any(|(place, word)| {
                !lower.get(..place).is_some_and(|before| before.ends_with(joins))
                    && !lower.get(place + word.len()..).is_some_and(|after| after.starts_with(joins))
            })
        })
        .copied()
        .collect();
    // "Kubernetes kube-apiserver" means the component.
    if found.len() > 1 {
        found.retain(|component| *component != "kubernetes");
    }
    found
}

/// Major, minor, and patch where it is named: of `1.12.x` and `1.12` it is not.
type Version = (u32, u32, Option<u32>, String);

/// Where the first version of a line begins.
fn first_version(line: &str) -> usize {
    let bytes = line.as_bytes();
    let at = |place: usize| bytes.get(place).copied().unwrap_or_default();
    let starts = |place: usize| {
        let free = place == 0 || !(at(place - 1).is_ascii_alphanumeric() || at(place - 1) == b'.');
        at(place).is_ascii_digit()
            && (free || at(place - 1) == b'v' && (place < 2 || !at(place - 2).is_ascii_alphanumeric()))
    };
    (0..bytes.len()).find(|place| starts(*place)).unwrap_or(bytes.len())
}

/// The version at the front, and what follows it.
fn version(text: &str) -> Option<(Version, &str)> {
    let end = text.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '.')).unwrap_or(text.len());
    let (word, mut rest) = text.split_at(end);
    let mut parts = word.trim_end_matches('.').split('.');
    let (major, minor) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let patch = match parts.next() {
        None | Some("x") => None,
        Some(patch) => Some(patch.parse().ok()?),
    };
    let mut before = "";
    // `-rc.1` belongs to the version, `-1.18.5` and `-v1.18.5` are its end of a range.
    let mark = ["-alpha", "-beta", "-rc"].iter().any(|mark| rest.starts_with(mark));
    if mark {
        let end = rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || ".-".contains(letter)));
        (before, rest) = rest.split_at(end.unwrap_or(rest.len()));
    }
    parts.next().is_none().then(|| ((major, minor, patch, before.to_owned()), rest))
}

fn versions(line: &str) -> Vec<Version> {
    let (mut found, mut rest) = (Vec::new(), line);
    while !rest.is_empty() {
        rest = rest.get(first_version(rest)..).unwrap_or_default();
        match version(rest) {
            Some((one, after)) => {
                found.push(one);
                rest = after;
            }
            None => rest = rest.get(1..).unwrap_or_default(),
        }
    }
    found
}

/// From and to, each with whether it is itself affected.
#[derive(Clone, Debug, PartialEq)]
struct Bounds {
    from: Option<Version>,
    to: Option<(Version, bool)>,
}

impl Bounds {
    fn read(text: &str) -> Option<Self> {
        let start = first_version(text);
        let (before, rest) = (text.get(..start)?.trim_end_matches('v').trim_end(), text.get(start..)?);
        let (one, rest) = version(rest)?;
        let rest = rest.trim();
        let ends = |words: &[&str]| words.iter().any(|word| before.ends_with(word));
        let begins = |words: &[&str]| words.iter().any(|word| rest.starts_with(word));
        if ends(&["<=", "≤", "up to", "through"]) || begins(&["and below", "and earlier", "or earlier", "and prior"])
        {
            return Some(Self { from: None, to: Some((one, true)) });
        }
        if ends(&["<", "prior to", "before", "earlier than"]) {
            return Some(Self { from: None, to: Some((one, false)) });
        }
        if ends(&[">=", "≥"]) || begins(&["+", "and later", "and above", "or later"]) {
            let to = rest.find('<').and_then(|place| {
                let end = rest.get(place + 1..)?;
                let (to, _) = version(end.get(first_version(end)..)?)?;
                Some((to, end.starts_with('=')))
            });
            return Some(Self { from: Some(one), to });
        }
        let dash = ["-", "–", "—", "to ", "through "].iter().find_map(|word| rest.strip_prefix(word));
        let end = dash.and_then(|end| version(end.trim_start().trim_start_matches('v')));
        let to = end.map_or_else(|| one.clone(), |(end, _)| end);
        Some(Self { from: Some(one), to: Some((to, true)) })
    }

    /// With the version that is fixed, where the text names the one that follows the last affected.
    fn range(&self, fixes: &[Version]) -> Range {
        let written = |version: &Version| -> Box<str> {
            format!("{}.{}.{}{}", version.0, version.1, version.2.unwrap_or(0), version.3).into()
        };
        let end = match &self.to {
            None => End::Open,
            Some((to, true)) => match to.2 {
                // All of a minor release: it ends before the next.
                None => End::Before(format!("{}.{}.0", to.0, to.1 + 1).into()),
                Some(patch) => {
                    let next = (to.0, to.1, Some(patch.saturating_add(1)), String::new());
                    if fixes.contains(&next) { End::Fixed(written(&next)) } else { End::LastAffected(written(to)) }
                }
            },
            Some((to, false)) if fixes.contains(to) => End::Fixed(written(to)),
            Some((to, false)) => End::Before(written(to)),
        };
        Range { introduced: self.from.as_ref().map(written), end, ..Range::default() }
    }
}

/// Components with their ranges. Where several begin at the beginning, one for each minor release ("<= v1.25.3", "<=
/// v1.24.7"), each begins behind the minor release of the one before: 1.24.8 is fixed although it is less than 1.25.3.
fn branches(found: Vec<(&str, Bounds)>) -> Vec<(&str, Vec<Bounds>)> {
    let mut out: Vec<(&str, Vec<Bounds>)> = Vec::new();
    for (component, bounds) in found {
        match out.iter_mut().find(|(known, _)| *known == component) {
            Some((_, all)) if all.contains(&bounds) => {}
            Some((_, all)) => all.push(bounds),
            None => out.push((component, vec![bounds])),
        }
    }
    for (_, all) in &mut out {
        let minor = |bounds: &Bounds| bounds.to.as_ref().map(|(to, _)| (to.0, to.1));
        let mut minors: Vec<_> = all.iter().filter(|one| one.from.is_none()).filter_map(minor).collect();
        minors.sort_unstable();
        for bounds in all.iter_mut().filter(|one| one.from.is_none()) {
            let own = minor(bounds);
            let lower = minors.iter().rev().find(|other| own.is_some_and(|own| **other < own));
            bounds.from = lower.map(|(major, minor)| (*major, minor + 1, Some(0), String::new()));
        }
    }
    out
}

const COMPONENTS: [&str; 12] = [
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
    "client-go",
    "kubernetes",
];
