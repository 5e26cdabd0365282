//! Order of versions as each ecosystem defines it. Every comparison is linear in the length of both.

mod alpm;
mod apk;
mod cpan;
mod dpkg;
mod generic;
mod maven;
mod nuget;
mod numbers;
mod packagist;
mod pep440;
mod rpm;
mod rubygems;
mod semver;

use std::cmp::Ordering;

/// A way to order versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Debian, Ubuntu and their derivatives; opkg.
    Dpkg,
    /// Everything that builds on rpm.
    Rpm,
    /// Alpine, Wolfi, Chainguard.
    Apk,
    /// Arch Linux.
    Alpm,
    /// Semantic versions with any count of numbers: npm, crates.io, Hex, Go, Conan, Swift, Julia.
    Semver,
    /// Pub: semantic versions of which builds have an order too.
    Pub,
    /// PyPI.
    Pep440,
    /// Maven.
    Maven,
    /// RubyGems.
    RubyGems,
    /// NuGet.
    NuGet,
    /// Packagist.
    Packagist,
    /// CRAN.
    Cran,
    /// Hackage.
    Hackage,
    /// CPAN.
    Cpan,
    /// Programs without an ecosystem, as records of the NVD name them.
    Generic,
}

/// A version that its ecosystem does not know how to order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{version}' is not a version of {scheme:?}")]
pub struct VersionError {
    /// The scheme.
    pub scheme: Scheme,
    /// The version, cut to eighty characters.
    pub version: Box<str>,
}

impl Scheme {
    /// The scheme of an ecosystem by OSV's name, with or without a release (`Debian:12`). `None` when it is not known.
    pub fn of_ecosystem(ecosystem: &str) -> Option<Scheme> {
        Some(match ecosystem.split(':').next().unwrap_or_default() {
            "Debian" | "Ubuntu" | "Echo" | "opkg" => Scheme::Dpkg,
            "Alpine" | "Wolfi" | "Chainguard" | "MinimOS" | "Alpaquita" | "BellSoft Hardened Containers" => Scheme::Apk,
            "Red Hat" | "Rocky Linux" | "AlmaLinux" | "SUSE" | "openSUSE" | "Amazon Linux" | "Oracle Linux"
            | "Photon OS" | "Azure Linux" | "Fedora" | "Mageia" | "openEuler" => Scheme::Rpm,
            "Arch Linux" => Scheme::Alpm,
            "npm" | "crates.io" | "Hex" | "Go" | "ConanCenter" | "SwiftURL" | "Julia" | "Bitnami"
            | "GitHub Actions" | "Kubernetes" | "VSCode" => Scheme::Semver,
            "Pub" => Scheme::Pub,
            "PyPI" => Scheme::Pep440,
            "Maven" => Scheme::Maven,
            // CocoaPods compares as RubyGems does.
            "RubyGems" | "CocoaPods" => Scheme::RubyGems,
            "NuGet" => Scheme::NuGet,
            "Packagist" => Scheme::Packagist,
            "CRAN" => Scheme::Cran,
            "Hackage" | "GHC" => Scheme::Hackage,
            "CPAN" => Scheme::Cpan,
            "CPE" | "vcpkg" | "opam" => Scheme::Generic,
            _ => return None,
        })
    }

    /// Whether the ecosystem itself takes the version. Some values that it does not take have an order nevertheless.
    pub fn accepts(self, version: &str) -> bool {
        let version = version.trim();
        match self {
            Scheme::Dpkg => dpkg::accepts(version),
            Scheme::Apk => apk::accepts(version),
            Scheme::Pep440 => pep440::accepts(version),
            Scheme::Cran => numbers::accepts(version, b".-"),
            Scheme::Hackage => numbers::accepts(version, b"."),
            Scheme::Semver | Scheme::Pub | Scheme::NuGet => semver::accepts(version),
            Scheme::RubyGems => rubygems::accepts(version),
            _ => !version.is_empty(),
        }
    }
}

/// Which of two versions is older. An error names a version that has no place in the order at all.
pub fn compare(scheme: Scheme, a: &str, b: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (a.trim(), b.trim());
    for version in [a, b] {
        let orderable = match scheme {
            Scheme::Dpkg => dpkg::orderable(version),
            Scheme::Cran => numbers::accepts(version, b".-"),
            Scheme::Hackage => numbers::accepts(version, b"."),
            _ => true,
        };
        if version.is_empty() || !orderable {
            return Err(VersionError { scheme, version: version.chars().take(80).collect::<String>().into() });
        }
    }
    Ok(match scheme {
        Scheme::Dpkg => dpkg::compare(a, b),
        Scheme::Rpm => rpm::compare(a, b),
        Scheme::Apk => apk::compare(a, b),
        Scheme::Alpm => alpm::compare(a, b),
        Scheme::Semver => semver::compare(a, b),
        Scheme::Pub => semver::compare_with_build(a, b),
        Scheme::Pep440 => pep440::compare(a, b),
        Scheme::Maven => maven::compare(a, b),
        Scheme::RubyGems => rubygems::compare(a, b),
        Scheme::NuGet => nuget::compare(a, b),
        Scheme::Packagist => packagist::compare(a, b),
        Scheme::Cran => numbers::compare(a, b, b".-"),
        Scheme::Hackage => numbers::compare(a, b, b"."),
        Scheme::Cpan => cpan::compare(a, b),
        Scheme::Generic => generic::compare(a, b),
    })
}

/// Order of two runs of digits of any length; an empty one is zero.
fn digits(a: &[u8], b: &[u8]) -> Ordering {
    let trim = |run: &[u8]| run.iter().position(|byte| *byte != b'0').unwrap_or(run.len());
    let (a, b) = (a.get(trim(a)..).unwrap_or_default(), b.get(trim(b)..).unwrap_or_default());
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// The longest beginning whose bytes satisfy the test, and the rest.
fn run(text: &[u8], test: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|byte| !test(*byte)).unwrap_or(text.len()))
}

/// Order without regard to the case of ASCII letters.
fn caseless(a: &[u8], b: &[u8]) -> Ordering {
    a.iter().map(u8::to_ascii_lowercase).cmp(b.iter().map(u8::to_ascii_lowercase))
}

#[cfg(test)]
mod tests;
