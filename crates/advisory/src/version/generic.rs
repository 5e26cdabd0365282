//! Programs without an ecosystem: runs of digits and letters; words that announce a release come before it.

use std::cmp::Ordering;

use super::{caseless, digits, run};

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let strip = |text| str::strip_prefix(text, ['v', 'V']).unwrap_or(text).as_bytes();
    let (mut a, mut b) = (strip(a), strip(b));
    loop {
        let (x, y);
        (x, a) = word(a);
        (y, b) = word(b);
        if x.is_empty() && y.is_empty() {
            return Ordering::Equal;
        }
        let order = class(x).cmp(&class(y)).then_with(|| match class(x) {
            2 => digits(x, y),
            _ => caseless(x, y),
        });
        if order.is_ne() {
            return order;
        }
    }
}

fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = run(text, |b| !b.is_ascii_alphanumeric()).1;
    let digit = text.first().is_some_and(u8::is_ascii_digit);
    run(text, |b| if digit { b.is_ascii_digit() } else { b.is_ascii_alphabetic() })
}

/// Pre-releases, then the end together with zeros, then numbers, then words such as `p` and letters.
fn class(word: &[u8]) -> u8 {
    const EARLY: &[&str] = &["alpha", "beta", "dev", "pre", "preview", "rc", "snapshot", "milestone"];
    match word.first() {
        None => 2,
        Some(byte) if byte.is_ascii_digit() => 2,
        Some(_) if EARLY.iter().any(|early| early.as_bytes().eq_ignore_ascii_case(word)) => 0,
        Some(_) => 3,
    }
}
