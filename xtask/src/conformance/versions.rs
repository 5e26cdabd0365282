//! Order of versions: files `{ecosystem}-versions*.txt` of lines `a < b`, judged in both directions.

use std::cmp::Ordering;
use std::path::Path;

use advisory::version::{Scheme, compare};

use super::{FAILURES_MAX, Score};
use crate::files_below;

/// One score over all ecosystems, balanced over them.
pub(super) fn score(folder: &Path) -> Option<Score> {
    let mut ecosystems: std::collections::BTreeMap<String, (usize, usize)> = Default::default();
    let mut failures = Vec::new();
    for path in files_below(folder, &[".txt"]) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some((ecosystem, _)) = name.split_once("-versions") else { continue };
        let Some(scheme) = scheme(ecosystem) else { continue };
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#') && !line.starts_with("//")) {
            let words: Vec<_> = line.split_whitespace().collect();
            let [a, sign, b] = words[..] else { continue };
            let expected = match sign {
                "<" => Ordering::Less,
                "=" => Ordering::Equal,
                ">" => Ordering::Greater,
                _ => continue,
            };
            let right = compare(scheme, a, b) == Ok(expected) && compare(scheme, b, a) == Ok(expected.reverse());
            let counts = ecosystems.entry(ecosystem.to_owned()).or_default();
            counts.0 += usize::from(right);
            counts.1 += 1;
            if !right && failures.len() < FAILURES_MAX {
                failures.push(format!("{ecosystem}: {line}, judged {:?}", compare(scheme, a, b)));
            }
        }
    }
    let rates: Vec<_> = ecosystems.values().map(|(right, all)| *right as f64 / *all as f64).collect();
    (!rates.is_empty()).then(|| Score {
        suite: "versions",
        passed: ecosystems.values().map(|counts| counts.0).sum(),
        total: ecosystems.values().map(|counts| counts.1).sum(),
        balanced: rates.iter().sum::<f64>() / rates.len() as f64,
        failures,
        note: ecosystems
            .iter()
            .map(|(name, (right, all))| format!("{name} {right}/{all}"))
            .collect::<Vec<_>>()
            .join(", "),
    })
}

fn scheme(ecosystem: &str) -> Option<Scheme> {
    Some(match ecosystem {
        "alpine" => Scheme::Apk,
        "cran" => Scheme::Cran,
        "debian" => Scheme::Dpkg,
        "hackage" => Scheme::Hackage,
        "maven" => Scheme::Maven,
        "nuget" => Scheme::NuGet,
        "packagist" => Scheme::Packagist,
        "pub" => Scheme::Pub,
        "pypi" => Scheme::Pep440,
        "redhat" => Scheme::Rpm,
        "rubygems" => Scheme::RubyGems,
        "semver" => Scheme::Semver,
        _ => return None,
    })
}
