//! CRAN and Hackage: numbers between separators; of two that agree so far, the longer is newer.

use std::cmp::Ordering;

use super::digits;

pub(super) fn accepts(version: &str, separators: &[u8]) -> bool {
    version
        .as_bytes()
        .split(|b| separators.contains(b))
        .all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit))
}

pub(super) fn compare(a: &str, b: &str, separators: &[u8]) -> Ordering {
    let (mut a, mut b) =
        (a.as_bytes().split(|b| separators.contains(b)), b.as_bytes().split(|b| separators.contains(b)));
    loop {
        let order = match (a.next(), b.next()) {
            (Some(x), Some(y)) => digits(x, y),
            (x, y) => return x.is_some().cmp(&y.is_some()),
        };
        if order.is_ne() {
            return order;
        }
    }
}
