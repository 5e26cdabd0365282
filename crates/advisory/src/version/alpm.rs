//! pacman's vercmp: `[epoch:]version[-release]`; letters right after a number come before its end.

use std::cmp::Ordering;

use super::{digits, run};

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let ((a_epoch, a_version, a_release), (b_epoch, b_version, b_release)) = (parts(a), parts(b));
    digits(a_epoch.as_bytes(), b_epoch.as_bytes())
        .then_with(|| part(a_version.as_bytes(), b_version.as_bytes()))
        .then_with(|| match (a_release, b_release) {
            (Some(a), Some(b)) => part(a.as_bytes(), b.as_bytes()),
            _ => Ordering::Equal,
        })
}

fn parts(version: &str) -> (&str, &str, Option<&str>) {
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|b| b.is_ascii_digit()) => (epoch, rest),
        _ => ("", version),
    };
    rest.rsplit_once('-').map_or((epoch, rest, None), |(version, release)| (epoch, version, Some(release)))
}

fn part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        let ((a_gap, a_rest), (b_gap, b_rest)) =
            (run(a, |b| !b.is_ascii_alphanumeric()), run(b, |b| !b.is_ascii_alphanumeric()));
        (a, b) = (a_rest, b_rest);
        let (Some(x), Some(y)) = (a.first(), b.first()) else { return tail(a, a_gap, b, b_gap) };
        let order = a_gap.len().cmp(&b_gap.len());
        if order.is_ne() {
            return order;
        }
        let numeric = x.is_ascii_digit();
        if numeric != y.is_ascii_digit() {
            return numeric.cmp(&!numeric);
        }
        let class = |b: u8| if numeric { b.is_ascii_digit() } else { b.is_ascii_alphabetic() };
        let ((x, a_rest), (y, b_rest)) = (run(a, class), run(b, class));
        let order = if numeric { digits(x, y) } else { x.cmp(y) };
        if order.is_ne() {
            return order;
        }
        (a, b) = (a_rest, b_rest);
    }
}

/// One has ended: what is left is newer, unless it is letters that nothing separates.
fn tail(a: &[u8], a_gap: &[u8], b: &[u8], b_gap: &[u8]) -> Ordering {
    let older = |rest: &[u8], gap: &[u8]| gap.is_empty() && rest.first().is_some_and(u8::is_ascii_alphabetic);
    match (a.is_empty(), b.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) if older(b, b_gap) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, _) if older(a, a_gap) => Ordering::Less,
        (false, _) => Ordering::Greater,
    }
}
