use std::cmp::Ordering;

use super::{Scheme, compare};

/// `<`, `=` or `>` between two versions, and the mirror of it.
fn check(scheme: Scheme, line: &str) {
    let words: Vec<_> = line.split(' ').collect();
    let [a, sign, b] = words[..] else { panic!("{line}") };
    let expected = match sign {
        "<" => Ordering::Less,
        "=" => Ordering::Equal,
        _ => Ordering::Greater,
    };
    assert_eq!(compare(scheme, a, b), Ok(expected), "{scheme:?} {line}");
    assert_eq!(compare(scheme, b, a), Ok(expected.reverse()), "{scheme:?} {line} swapped");
}

#[test]
fn versions_have_the_order_of_their_ecosystem() {
    for (scheme, lines) in CASES {
        lines.iter().for_each(|line| check(*scheme, line));
    }
}

#[test]
fn orders_are_total_on_odd_versions() {
    let odd = [
        "0", "1", "1.0", "1.0.0", "1.0-1", "1.0a", "1.0rc1", "1.0-rc.1", "1~", "1^", "v1", "1.01", "1.1", "-", ".",
        "a", "é", "1.0_p1", "1.0-r1", "1+b",
    ];
    for scheme in SCHEMES {
        for a in odd {
            assert_eq!(compare(*scheme, a, a).unwrap_or(Ordering::Equal), Ordering::Equal, "{scheme:?} {a}");
            for b in odd {
                let Ok(ab) = compare(*scheme, a, b) else { continue };
                assert_eq!(compare(*scheme, b, a), Ok(ab.reverse()), "{scheme:?} {a} {b}");
            }
        }
    }
}

#[test]
fn versions_of_ten_thousand_characters_take_linear_time() {
    for pattern in ["1", "1.", "a1", "0.", "-", "~", "^", "_p1", "1-", "a.", "é"] {
        let long: String = pattern.repeat(10_000);
        for scheme in SCHEMES {
            let _ = compare(*scheme, &format!("1{long}"), &format!("1{long}2"));
        }
    }
}

#[test]
fn what_an_ecosystem_cannot_order_is_an_error() {
    assert!(compare(Scheme::Dpkg, "a:1", "1").is_err());
    assert!(compare(Scheme::Cran, "1.x", "1").is_err());
    assert!(compare(Scheme::Semver, "", "1").is_err());
}

const SCHEMES: &[Scheme] = &[
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

const CASES: &[(Scheme, &[&str])] = &[
    (
        Scheme::Dpkg,
        &["1.0~rc1 < 1.0", "1.0 < 1.0-0+b1", "1:0.1 > 9", "1.0a < 1.0+", "1.01 = 1.1", "2.4-1 < 2.4-1+deb12u1"],
    ),
    (
        Scheme::Rpm,
        &["1.0~rc1 < 1.0", "1.0 < 1.0^git1", "1.0^git1 < 1.0.1", "1:1 > 2", "1.a < 1.1", "5.1-2.el9 < 5.1-10.el9"],
    ),
    (Scheme::Apk, &["1.2.3_rc1 < 1.2.3", "1.2.3 < 1.2.3_p1", "1.2.3-r1 < 1.2.3-r10", "1.2 < 1.2a", "1.01 < 1.1"]),
    (Scheme::Alpm, &["1.0a < 1.0", "1.0 < 1.0.a", "1.0 = 1.0-3", "1.0-2 < 1.0-3", "1:0.1 > 2-1"]),
    (
        Scheme::Semver,
        &[
            "1.0.0-alpha < 1.0.0-alpha.1",
            "1.0.0-1 < 1.0.0-a",
            "1.0.0 = v1.0.0+build",
            "go1.21rc2 < go1.21.0",
            "0.0.0-20200101000000-aaaaaaaaaaaa < 0.0.0-20210101000000-aaaaaaaaaaaa",
        ],
    ),
    (
        Scheme::Pep440,
        &[
            "1.0.dev1 < 1.0a1",
            "1.0a1.dev1 < 1.0a1",
            "1.0rc1 < 1.0",
            "1.0 < 1.0.post1",
            "1!0.1 > 9",
            "1.0 = 1.0.0",
            "1.0+a < 1.0+1",
            "1.0-1 = 1.0.post1",
        ],
    ),
    (
        Scheme::Maven,
        &[
            "1-alpha < 1",
            "1-SNAPSHOT < 1",
            "1 < 1-sp",
            "1.0.0 = 1-ga",
            "1.foo < 1-foo",
            "1-1 < 1.1",
            "1-a1 = 1-alpha-1",
        ],
    ),
    (Scheme::RubyGems, &["1.0.a < 1.0", "1.0 = 1", "1.0.a.2 < 1.0.b1", "1.0-1 < 1.0"]),
    (Scheme::NuGet, &["1.0.0-BETA = 1.0.0-beta", "1.0 = 1.0.0.0", "1.0.0.1 > 1.0"]),
    (Scheme::Packagist, &["1.0-dev < 1.0a1", "1.0rc1 = 1.0RC1", "1.0pl1 > 1.0"]),
    (Scheme::Cran, &["0.1-1 < 0.1-4", "0.1.0 < 0.1.0.0"]),
    (Scheme::Cpan, &["1.10 < 1.2", "1.2.3 = v1.2.3", "1.002003 = 1.2.3"]),
    (Scheme::Generic, &["1.0rc1 < 1.0", "1.0.1f < 1.0.1g", "1.0 = 1.0.0"]),
];
