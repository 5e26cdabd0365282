//! dpkg: `[epoch:]upstream[-revision]`, by Debian Policy 5.6.12.

use std::cmp::Ordering;

use super::{digits, run};

pub(super) fn orderable(version: &str) -> bool {
    version.split_once(':').is_none_or(|(epoch, _)| !epoch.is_empty() && epoch.bytes().all(|b| b.is_ascii_digit()))
}

pub(super) fn accepts(version: &str) -> bool {
    orderable(version)
        && !version.is_empty()
        && version.bytes().all(|b| b.is_ascii_alphanumeric() || b".+-:~".contains(&b))
        && parts(version).1.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
}

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let ((a_epoch, a_up, a_rev), (b_epoch, b_up, b_rev)) = (parts(a), parts(b));
    digits(a_epoch.as_bytes(), b_epoch.as_bytes())
        .then_with(|| part(a_up.as_bytes(), b_up.as_bytes()))
        .then_with(|| part(a_rev.as_bytes(), b_rev.as_bytes()))
}

fn parts(version: &str) -> (&str, &str, &str) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("", version));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch, upstream, revision)
}

fn part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let ((a_text, a_rest), (b_text, b_rest)) = (run(a, |b| !b.is_ascii_digit()), run(b, |b| !b.is_ascii_digit()));
        for at in 0..a_text.len().max(b_text.len()) {
            let order = weight(a_text.get(at)).cmp(&weight(b_text.get(at)));
            if order.is_ne() {
                return order;
            }
        }
        let ((a_number, a_rest), (b_number, b_rest)) =
            (run(a_rest, |b| b.is_ascii_digit()), run(b_rest, |b| b.is_ascii_digit()));
        let order = digits(a_number, b_number);
        if order.is_ne() {
            return order;
        }
        (a, b) = (a_rest, b_rest);
    }
    Ordering::Equal
}

/// A tilde sorts before the end, letters before everything else.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        None => 0,
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    }
}
