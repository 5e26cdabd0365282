//! CPAN: dotted versions (`v1.2.3`, `1.2.3`) and decimal ones (`1.23`), whose fraction is read three digits at a time.

use std::cmp::Ordering;

use super::digits;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (numbers(a), numbers(b));
    for at in 0..a.len().max(b.len()) {
        let order = digits(a.get(at).map_or(b"", |x| x.as_bytes()), b.get(at).map_or(b"", |x| x.as_bytes()));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn numbers(version: &str) -> Vec<String> {
    let bare = version.strip_prefix('v').unwrap_or(version);
    if bare.len() < version.len() || bare.bytes().filter(|b| *b == b'.').count() > 1 {
        return bare.split('.').map(only_digits).collect();
    }
    let (whole, fraction) = bare.split_once('.').unwrap_or((bare, ""));
    let mut numbers = vec![only_digits(whole)];
    for group in only_digits(fraction).as_bytes().chunks(3) {
        let mut group = String::from_utf8_lossy(group).into_owned();
        while group.len() < 3 {
            group.push('0');
        }
        numbers.push(group);
    }
    numbers
}

fn only_digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
