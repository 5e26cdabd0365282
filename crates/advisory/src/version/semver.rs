//! Semantic versions, with any count of numbers and an optional `v` or `go` in front.

use std::cmp::Ordering;

use super::{digits, run};

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (Parts::new(a), Parts::new(b));
    numbers(a.numbers, b.numbers).then_with(|| pre_release(a.pre, b.pre, <[u8]>::cmp))
}

/// The order of Pub, in which a build comes after none.
pub(super) fn compare_with_build(a: &str, b: &str) -> Ordering {
    compare(a, b).then_with(|| {
        let (a, b) = (Parts::new(a).build, Parts::new(b).build);
        match (a.is_empty(), b.is_empty()) {
            (false, false) => identifiers(a, b, <[u8]>::cmp),
            (a, b) => b.cmp(&a),
        }
    })
}

pub(super) fn accepts(version: &str) -> bool {
    Parts::new(version).numbers.first().is_some_and(u8::is_ascii_digit)
}

/// A version taken apart.
pub(super) struct Parts<'a> {
    pub(super) numbers: &'a [u8],
    pub(super) pre: &'a [u8],
    pub(super) build: &'a [u8],
}

impl<'a> Parts<'a> {
    pub(super) fn new(version: &'a str) -> Self {
        let text = version.as_bytes();
        let text = text.strip_prefix(b"go").or_else(|| text.strip_prefix(b"v")).or_else(|| text.strip_prefix(b"V"));
        let text = text.unwrap_or(version.as_bytes());
        let text = text.strip_prefix(b"=").unwrap_or(text);
        let (core, build) = text.split_at(text.iter().position(|b| *b == b'+').unwrap_or(text.len()));
        let (numbers, pre) = run(core, |b| b.is_ascii_digit() || b == b'.');
        Parts { numbers, pre: pre.strip_prefix(b"-").unwrap_or(pre), build: build.get(1..).unwrap_or_default() }
    }
}

/// Numbers between dots; what is not there is zero.
pub(super) fn numbers(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (a.split(|b| *b == b'.'), b.split(|b| *b == b'.'));
    loop {
        let (x, y) = (a.next(), b.next());
        if x.is_none() && y.is_none() {
            return Ordering::Equal;
        }
        let order = digits(x.unwrap_or_default(), y.unwrap_or_default());
        if order.is_ne() {
            return order;
        }
    }
}

/// Identifiers of a pre-release; none comes after all.
pub(super) fn pre_release(a: &[u8], b: &[u8], text: fn(&[u8], &[u8]) -> Ordering) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (false, false) => identifiers(a, b, text),
        (a, b) => a.cmp(&b),
    }
}

fn identifiers(a: &[u8], b: &[u8], text: fn(&[u8], &[u8]) -> Ordering) -> Ordering {
    let (mut a, mut b) = (a.split(|b| *b == b'.'), b.split(|b| *b == b'.'));
    loop {
        let (x, y) = match (a.next(), b.next()) {
            (Some(x), Some(y)) => (x, y),
            (x, y) => return x.is_some().cmp(&y.is_some()),
        };
        let numeric = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_digit);
        let order = match (numeric(x), numeric(y)) {
            (true, true) => digits(x, y),
            (false, false) => text(x, y),
            (a, b) => b.cmp(&a),
        };
        if order.is_ne() {
            return order;
        }
    }
}
