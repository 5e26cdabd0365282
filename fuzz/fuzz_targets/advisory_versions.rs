//! Order of versions: the same from both sides, and of three sound ones the order of two pairs decides the third.
#![no_main]

use std::cmp::Ordering;

use advisory::version::{Scheme, compare};
use libfuzzer_sys::fuzz_target;

const SCHEMES: [Scheme; 15] = [
    Scheme::Dpkg,
    Scheme::Rpm,
    Scheme::Apk,
    Scheme::Alpm,
    Scheme::Semver,
    Scheme::Pub,
    Scheme::Pep440,
    Scheme::Maven,
    Scheme::RubyGems,
    Scheme::NuGet,
    Scheme::Packagist,
    Scheme::Cran,
    Scheme::Hackage,
    Scheme::Cpan,
    Scheme::Generic,
];

fuzz_target!(|text: (u8, &str, &str, &str)| {
    let (number, a, b, c) = text;
    let scheme = SCHEMES[usize::from(number) % SCHEMES.len()];
    let _ = scheme.accepts(a);
    let order = compare(scheme, a, b);
    assert_eq!(order.is_ok(), compare(scheme, b, a).is_ok(), "{scheme:?} {a:?} {b:?}");
    let Ok(order) = order else { return };
    assert_eq!(compare(scheme, b, a), Ok(order.reverse()), "{scheme:?} {a:?} {b:?}");
    assert_eq!(compare(scheme, a, a), Ok(Ordering::Equal), "{scheme:?} {a:?}");
    // A line is promised of versions that a scheme takes, by schemes that refuse any. To pacman a version without release
    // equals all its releases, so that even sound versions make no line there.
    let promised = !scheme.accepts("~") && scheme != Scheme::Alpm;
    if !promised || ![a, b, c].iter().all(|version| scheme.accepts(version)) {
        return;
    }
    if let (Ok(next), Ok(whole)) = (compare(scheme, b, c), compare(scheme, a, c)) {
        if order == next || next == Ordering::Equal {
            assert_eq!(whole, order, "{scheme:?} {a:?} {b:?} {c:?}");
        }
    }
});
