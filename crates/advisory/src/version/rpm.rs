//! rpm: `[epoch:]version[-release]`, segments of digits and letters, tilde before and caret after the end.

use std::cmp::Ordering;

use super::{digits, run};

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let ((a_epoch, a_version, a_release), (b_epoch, b_version, b_release)) = (parts(a), parts(b));
    digits(a_epoch.as_bytes(), b_epoch.as_bytes())
        .then_with(|| part(a_version.as_bytes(), b_version.as_bytes()))
        .then_with(|| part(a_release.as_bytes(), b_release.as_bytes()))
}

fn parts(version: &str) -> (&str, &str, &str) {
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|b| b.is_ascii_digit()) => (epoch, rest),
        _ => ("", version),
    };
    let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch, version, release)
}

fn part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        let separator = |b: u8| !b.is_ascii_alphanumeric() && b != b'~' && b != b'^';
        (a, b) = (run(a, separator).1, run(b, separator).1);
        match (a.first(), b.first()) {
            (Some(b'~'), Some(b'~')) | (Some(b'^'), Some(b'^')) => {
                (a, b) = (a.get(1..).unwrap_or_default(), b.get(1..).unwrap_or_default());
                continue;
            }
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            (Some(b'^'), None) => return Ordering::Greater,
            (None, Some(b'^')) => return Ordering::Less,
            (Some(b'^'), _) => return Ordering::Less,
            (_, Some(b'^')) => return Ordering::Greater,
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => {
                let order = match (x.is_ascii_digit(), y.is_ascii_digit()) {
                    (true, false) => return Ordering::Greater,
                    (false, true) => return Ordering::Less,
                    (true, true) => {
                        let ((x, rest_a), (y, rest_b)) =
                            (run(a, |b| b.is_ascii_digit()), run(b, |b| b.is_ascii_digit()));
                        (a, b) = (rest_a, rest_b);
                        digits(x, y)
                    }
                    (false, false) => {
                        let ((x, rest_a), (y, rest_b)) =
                            (run(a, |b| b.is_ascii_alphabetic()), run(b, |b| b.is_ascii_alphabetic()));
                        (a, b) = (rest_a, rest_b);
                        x.cmp(y)
                    }
                };
                if order.is_ne() {
                    return order;
                }
            }
        }
    }
}
