//! RubyGems: runs of digits and letters; zeros at the end of the numbers and of the whole mean nothing.

use std::cmp::Ordering;

use super::{digits, run};

pub(super) fn accepts(version: &str) -> bool {
    version.bytes().next().is_some_and(|b| b.is_ascii_digit())
        && version.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
}

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (segments(a), segments(b));
    for at in 0..a.len().max(b.len()) {
        let (x, y) = (a.get(at).copied().unwrap_or(b"0"), b.get(at).copied().unwrap_or(b"0"));
        let order = match (numeric(x), numeric(y)) {
            (true, true) => digits(x, y),
            (false, false) => x.cmp(y),
            (a, b) => a.cmp(&b),
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn numeric(segment: &[u8]) -> bool {
    segment.first().is_some_and(u8::is_ascii_digit)
}

fn segments(version: &str) -> Vec<&[u8]> {
    let mut rest = version.as_bytes();
    let mut segments: Vec<&[u8]> = Vec::new();
    let mut words = false;
    while let Some(byte) = rest.first() {
        let digit = byte.is_ascii_digit();
        if !byte.is_ascii_alphanumeric() {
            // A hyphen stands for `.pre.`.
            if *byte == b'-' {
                if !words {
                    trim(&mut segments);
                }
                words = true;
                segments.push(b"pre");
            }
            rest = rest.get(1..).unwrap_or_default();
            continue;
        }
        let (segment, after) = run(rest, |b| if digit { b.is_ascii_digit() } else { b.is_ascii_alphabetic() });
        if !digit && !words {
            trim(&mut segments);
            words = true;
        }
        segments.push(segment);
        rest = after;
    }
    trim(&mut segments);
    segments
}

fn trim(segments: &mut Vec<&[u8]>) {
    while segments.last().is_some_and(|segment| segment.iter().all(|b| *b == b'0')) {
        segments.pop();
    }
}
