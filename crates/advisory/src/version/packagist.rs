//! Composer: the order of PHP's version_compare over normalised versions.

use std::cmp::Ordering;

use super::{digits, run};

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (Words(start(a)), Words(start(b)));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (Some(x), Some(y)) => match (numeric(x), numeric(y)) {
                (true, true) => digits(x, y),
                _ => rank(x).cmp(&rank(y)),
            },
            (Some(x), None) => return ending(x),
            (None, Some(y)) => return ending(y).reverse(),
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn start(version: &str) -> &[u8] {
    version.strip_prefix(['v', 'V']).unwrap_or(version).as_bytes()
}

/// What one has more than the other: a number makes it newer, a word as it ranks against a number.
fn ending(word: &[u8]) -> Ordering {
    if numeric(word) { Ordering::Greater } else { rank(word).cmp(&rank(b"0")) }
}

fn numeric(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_digit)
}

fn rank(word: &[u8]) -> i32 {
    if numeric(word) {
        return 5;
    }
    // Names are known by their beginning, as in PHP.
    let word = word.to_ascii_lowercase();
    let known: &[(&[u8], i32)] =
        &[(b"dev", 0), (b"alpha", 1), (b"a", 1), (b"beta", 2), (b"b", 2), (b"rc", 3), (b"#", 4), (b"pl", 6), (b"p", 6)];
    known.iter().find(|(name, _)| word.starts_with(name)).map_or(-1, |(_, rank)| *rank)
}

/// Runs of digits and of other characters.
struct Words<'a>(&'a [u8]);

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let separator = |b: u8| matches!(b, b'.' | b'-' | b'_' | b'+');
        self.0 = run(self.0, separator).1;
        let digit = self.0.first()?.is_ascii_digit();
        let (word, rest) = run(self.0, |b| b.is_ascii_digit() == digit && !separator(b));
        self.0 = rest;
        Some(word)
    }
}
