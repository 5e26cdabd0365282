//! PyPI by PEP 440. Versions that it does not take come before all that it does, in the order of old setuptools.

use std::cmp::Ordering;

use super::{digits, run};

pub(super) fn accepts(version: &str) -> bool {
    Parsed::new(&version.to_ascii_lowercase()).is_some()
}

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    match (Parsed::new(&a), Parsed::new(&b)) {
        (Some(a), Some(b)) => a.compare(&b),
        (None, None) => legacy(&a).cmp(&legacy(&b)),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// A number that may be of any length.
#[derive(Clone, Copy, Default)]
struct Number<'a>(&'a [u8]);

struct Parsed<'a> {
    epoch: Number<'a>,
    release: &'a [u8],
    pre: Option<(u8, Number<'a>)>,
    post: Option<Number<'a>>,
    dev: Option<Number<'a>>,
    local: &'a [u8],
}

impl<'a> Parsed<'a> {
    fn new(text: &'a str) -> Option<Self> {
        let text = text.as_bytes();
        let mut rest = text.strip_prefix(b"v").unwrap_or(text);
        let mut epoch = Number::default();
        if let Some(at) = rest.iter().position(|b| *b == b'!') {
            let (number, after) = rest.split_at(at);
            if number.is_empty() || !number.iter().all(u8::is_ascii_digit) {
                return None;
            }
            (epoch, rest) = (Number(number), after.get(1..)?);
        }
        let (release, after) = release(rest)?;
        rest = after;
        let mut parsed = Parsed { epoch, release, pre: None, post: None, dev: None, local: b"" };
        if let Some((rank, number, after)) = labelled(rest, PRE) {
            (parsed.pre, rest) = (Some((rank, number)), after);
        }
        if let Some((_, number, after)) = labelled(rest, POST) {
            (parsed.post, rest) = (Some(number), after);
        } else if let Some(after) = rest.strip_prefix(b"-") {
            let (number, after) = run(after, |b| b.is_ascii_digit());
            if !number.is_empty() {
                (parsed.post, rest) = (Some(Number(number)), after);
            }
        }
        if let Some((_, number, after)) = labelled(rest, DEV) {
            (parsed.dev, rest) = (Some(number), after);
        }
        if let Some(local) = rest.strip_prefix(b"+") {
            let sound = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_alphanumeric);
            if !local.split(|b| b"._-".contains(b)).all(sound) {
                return None;
            }
            (parsed.local, rest) = (local, b"");
        }
        rest.is_empty().then_some(parsed)
    }

    fn compare(&self, other: &Self) -> Ordering {
        digits(self.epoch.0, other.epoch.0)
            .then_with(|| super::semver::numbers(self.release, other.release))
            .then_with(|| self.phase().cmp(&other.phase()))
            .then_with(|| number(self.pre.map(|pre| pre.1), other.pre.map(|pre| pre.1)))
            .then_with(|| number(self.post, other.post))
            .then_with(|| match (self.dev, other.dev) {
                (Some(a), Some(b)) => digits(a.0, b.0),
                (a, b) => b.is_some().cmp(&a.is_some()),
            })
            .then_with(|| local(self.local, other.local))
    }

    /// A development release of the version itself comes before its pre-releases.
    fn phase(&self) -> u8 {
        match (self.pre, self.post, self.dev) {
            (Some((rank, _)), _, _) => rank,
            (None, None, Some(_)) => 0,
            _ => 9,
        }
    }
}

fn number(a: Option<Number<'_>>, b: Option<Number<'_>>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => digits(a.0, b.0),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// Numbers between dots, without a dot at the end.
fn release(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut at = 0;
    loop {
        let count = run(text.get(at..)?, |b| b.is_ascii_digit()).0.len();
        if count == 0 {
            return None;
        }
        at += count;
        let more = text.get(at) == Some(&b'.') && text.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !more {
            return Some(text.split_at(at));
        }
        at += 1;
    }
}

/// `[-_.]?label[-_.]?number?`
fn labelled<'a>(text: &'a [u8], labels: &[(&str, u8)]) -> Option<(u8, Number<'a>, &'a [u8])> {
    let skip = |text: &'a [u8]| match text.first() {
        Some(b'-' | b'_' | b'.') => text.get(1..).unwrap_or_default(),
        _ => text,
    };
    let (word, rest) = run(skip(text), |b| b.is_ascii_alphabetic());
    // Labels may meet (`1.0a.dev1` is written `1.0adev1` too), so the longest beginning counts.
    let (label, rank) = labels.iter().find(|(label, _)| word.starts_with(label.as_bytes()))?;
    let rest = if label.len() == word.len() { rest } else { skip(text).get(label.len()..)? };
    let (number, after) = run(skip(rest), |b| b.is_ascii_digit());
    if number.is_empty() { Some((*rank, Number(b""), rest)) } else { Some((*rank, Number(number), after)) }
}

fn local(a: &[u8], b: &[u8]) -> Ordering {
    if a.is_empty() || b.is_empty() {
        return b.is_empty().cmp(&a.is_empty());
    }
    let split = |b: &u8| b"._-".contains(b);
    let (mut a, mut b) = (a.split(split), b.split(split));
    loop {
        let (x, y) = match (a.next(), b.next()) {
            (Some(x), Some(y)) => (x, y),
            (x, y) => return x.is_some().cmp(&y.is_some()),
        };
        let numeric = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
        let order = match (numeric(x), numeric(y)) {
            (true, true) => digits(x, y),
            (false, false) => x.cmp(y),
            (a, b) => a.cmp(&b),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// The parts of setuptools before PEP 440: numbers padded, words starred so that they come before numbers.
fn legacy(version: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut rest = version.as_bytes();
    while let Some(first) = rest.first() {
        let class = |b: u8| {
            if b.is_ascii_digit() {
                0
            } else if b.is_ascii_lowercase() {
                1
            } else if b == b'.' {
                2
            } else if b == b'-' {
                3
            } else {
                4
            }
        };
        let kind = class(*first);
        let (part, after) = if kind == 2 || kind == 3 { rest.split_at(1) } else { run(rest, |b| class(b) == kind) };
        rest = after;
        let text = String::from_utf8_lossy(part);
        match &*text {
            "." => {}
            text if kind == 0 => legacy_push(&mut parts, format!("{text:0>8}")),
            "-" => legacy_push(&mut parts, "*final-".into()),
            text => {
                let word = match text {
                    "pre" | "preview" | "rc" => "c",
                    "dev" => "@",
                    word => word,
                };
                legacy_push(&mut parts, format!("*{word}"));
            }
        }
    }
    legacy_push(&mut parts, "*final".into());
    parts
}

fn legacy_push(parts: &mut Vec<String>, part: String) {
    if part.starts_with('*') {
        if *part < *"*final" {
            while parts.last().is_some_and(|last| last == "*final-") {
                parts.pop();
            }
        }
        while parts.last().is_some_and(|last| last == "00000000") {
            parts.pop();
        }
    }
    parts.push(part);
}

const PRE: &[(&str, u8)] =
    &[("alpha", 1), ("a", 1), ("beta", 2), ("b", 2), ("preview", 3), ("pre", 3), ("rc", 3), ("c", 3)];
const POST: &[(&str, u8)] = &[("post", 0), ("rev", 0), ("r", 0)];
const DEV: &[(&str, u8)] = &[("dev", 0)];
