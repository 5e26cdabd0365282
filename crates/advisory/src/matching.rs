//! The judgement which package is affected by what. What cannot be judged is said, never passed over.

mod merge;
mod ranges;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};

use model::package::Kind;
use model::{Distro, Package};

use crate::cvss::{Levels, Policy};
use crate::ecosystem;
use crate::record::{Advisory, Affected, End, Epss, Exploited, Source};
use crate::version::Scheme;

pub use ranges::{Verdict, judge};

/// One affected package of one advisory.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Number of the advisory, for [`Knowledge::advisory`].
    pub advisory: u32,
    /// The package and its versions.
    pub affected: Cow<'a, Affected>,
}

/// What is known of vulnerabilities.
pub trait Knowledge {
    /// Records about a package of an ecosystem, both spelt as in the records. PyPI names are normalised by PEP 503.
    fn affected(&self, ecosystem: &str, package: &str) -> Vec<Entry<'_>>;
    /// An advisory by its number; its `affected` may be left empty.
    fn advisory(&self, number: u32) -> Option<Cow<'_, Advisory>>;
    /// Probability of exploitation of a CVE.
    fn epss(&self, id: &str) -> Option<Epss>;
    /// Whether a CVE is known to be exploited.
    fn exploited(&self, id: &str) -> Option<Exploited>;
    /// Where all of it comes from.
    fn sources(&self) -> &[Source];
    /// Whether there is any record of exactly this ecosystem, with its release.
    fn has_records(&self, ecosystem: &str) -> bool;
}

/// What a user may choose.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whose opinion of severity counts.
    pub severity: Policy,
    /// Kinds that are judged by the names of the NVD: those that no other source covers.
    pub cpe_kinds: Vec<Kind>,
    /// The present, seconds since 1970; `None` judges no age.
    pub now_unix: Option<i64>,
    /// Age in seconds beyond which silence of a source means nothing.
    pub stale_seconds: i64,
}

impl Default for Options {
    fn default() -> Self {
        let cpe_kinds = vec![Kind::Generic];
        Options { severity: Policy::VendorFirst, cpe_kinds, now_unix: None, stale_seconds: STALE_SECONDS }
    }
}

/// What becomes of an affected package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Remedy {
    /// A version that is not affected exists.
    Fixed,
    /// None is known.
    NotFixed,
    /// The publisher will not fix it.
    WontFix,
    /// The fix waits.
    Deferred,
    /// The product is no longer maintained.
    EndOfLife,
    /// The publisher does not know yet whether it is affected.
    UnderInvestigation,
}

/// One vulnerability of one package.
#[derive(Clone, Debug, PartialEq)]
pub struct Vulnerability {
    /// Index into the packages that were given.
    pub package: usize,
    /// Its name: the CVE where there is one.
    pub id: Box<str>,
    /// All other names, in order.
    pub aliases: Vec<Box<str>>,
    /// Ecosystem whose records say so.
    pub ecosystem: Box<str>,
    /// One line.
    pub summary: Box<str>,
    /// By the policy; `None` when nobody judged.
    pub severity: Option<model::Severity>,
    /// Smallest version known that is not affected.
    pub fixed: Option<Box<str>>,
    /// What becomes of it.
    pub remedy: Remedy,
    /// Web pages, without doubles.
    pub references: Vec<Box<str>>,
    /// Weaknesses, in order.
    pub cwes: Vec<Box<str>>,
    /// Probability of exploitation.
    pub epss: Option<Epss>,
    /// That it is exploited.
    pub exploited: Option<Exploited>,
}

/// The outcome.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matches {
    /// Vulnerabilities in the order of the packages, then of their names.
    pub vulnerabilities: Vec<Vulnerability>,
    /// What could not be judged and why, one sentence each, in order and without doubles.
    pub unknown: Vec<Box<str>>,
}

/// Judges packages by what is known.
pub struct Matcher<'k> {
    knowledge: &'k dyn Knowledge,
    options: Options,
}

/// One name under which a package is looked up.
struct Lookup<'a> {
    name: Cow<'a, str>,
    version: &'a str,
    source: bool,
    /// Whether records of source packages count too: rpm distributions do not all say which they name.
    either: bool,
}

impl<'k> Matcher<'k> {
    /// A matcher over some knowledge.
    pub fn new(knowledge: &'k dyn Knowledge, options: Options) -> Self {
        Matcher { knowledge, options }
    }

    /// Judges the packages of one system or project.
    pub fn match_packages(&self, packages: &[Package], distro: Option<&Distro>) -> Matches {
        let ecosystems = distro.and_then(ecosystem::ecosystems);
        let mut unknown = BTreeSet::new();
        let mut vulnerabilities = Vec::new();
        let levels = RefCell::default();
        let owners = packages.iter().filter_map(|package| package.property("owner")).collect();
        let patched = self.patched(&owners, packages, ecosystems.as_deref().unwrap_or_default());
        for (index, package) in packages.iter().enumerate() {
            // What the distribution installs, the distribution patches: its package is judged in its own place.
            if package.property("owner").is_some_and(|owner| patched.contains(owner)) {
                continue;
            }
            match self.ecosystem(package, distro, ecosystems.as_deref(), &mut unknown) {
                Ok(ecosystem) => {
                    self.package((index, package), &ecosystem, &levels, &mut vulnerabilities, &mut unknown)
                }
                Err(why) => drop(unknown.insert(why)),
            }
        }
        vulnerabilities.sort_by(|a: &Vulnerability, b| (a.package, &a.id).cmp(&(b.package, &b.id)));
        Matches { vulnerabilities, unknown: unknown.into_iter().collect() }
    }

    /// Which of these packages, by name, are installed and the distribution is known to judge: files that they brought need
    /// no judgement of their own. Files of others, and of packages that are not installed, are nobody's.
    pub fn judges<'p>(
        &self,
        names: &HashSet<&str>,
        packages: &'p [Package],
        distro: Option<&Distro>,
    ) -> HashSet<&'p str> {
        self.patched(names, packages, &distro.and_then(ecosystem::ecosystems).unwrap_or_default())
    }

    fn patched<'p>(
        &self,
        owners: &HashSet<&str>,
        packages: &'p [Package],
        ecosystems: &[Box<str>],
    ) -> HashSet<&'p str> {
        let Some(ecosystem) = ecosystems.iter().find(|name| self.covered(name).is_ok()) else { return HashSet::new() };
        let judged = |package: &&Package| {
            is_of_system(package.kind)
                && owners.contains(&*package.name)
                && lookups(package)
                    .into_iter()
                    .flatten()
                    .any(|lookup| !self.knowledge.affected(ecosystem, &lookup.name).is_empty())
        };
        packages.iter().filter(judged).map(|package| &*package.name).collect()
    }

    /// The ecosystem that judges a package, or why there is none.
    fn ecosystem(
        &self,
        package: &Package,
        distro: Option<&Distro>,
        ecosystems: Option<&[Box<str>]>,
        unknown: &mut BTreeSet<Box<str>>,
    ) -> Result<Box<str>, Box<str>> {
        if is_of_system(package.kind) {
            let Some(ecosystems) = ecosystems else {
                let name = distro.map_or("that is not known".into(), |d| format!("{} {}", d.id, d.version));
                return Err(format!("no advisory source covers the operating system {}", name.trim_end()).into());
            };
            if let Some(root) = package.property("root") {
                return Err(format!(
                    "the package database below `{root}` belongs to another system, which is not judged"
                )
                .into());
            }
            if !ecosystems.iter().any(|name| fits(package.kind, name)) {
                let name = distro.map_or("the operating system", |distro| &*distro.id);
                return Err(format!(
                    "packages of {} are not those of {name}, and no advisory source covers them",
                    package.kind
                )
                .into());
            }
            let missing = || Box::from("no advisory source covers the operating system");
            let covered = ecosystems.iter().find(|name| self.covered(name).is_ok());
            let ecosystem = covered.or(ecosystems.first()).ok_or_else(missing)?;
            // What old or partial knowledge says is still true; what it does not say is unknown.
            unknown.extend(self.covered(ecosystem).err());
            return Ok(ecosystem.clone());
        }
        let name = match package.kind.osv_ecosystem() {
            _ if self.options.cpe_kinds.contains(&package.kind) => "CPE",
            "" => return Err(format!("no advisory source covers packages of {}", package.kind).into()),
            name => name,
        };
        // Programs that no package brought are few, and whoever reads this wants to know which.
        let why = self.covered(name).err().map(|why| match name {
            "CPE" => {
                format!("{} {} was brought by no package that is judged, and {why}", package.name, package.version)
                    .into()
            }
            _ => why,
        });
        unknown.extend(why);
        Ok(name.into())
    }

    /// Whether silence about an ecosystem means something.
    fn covered(&self, ecosystem: &str) -> Result<(), Box<str>> {
        let whole = ecosystem.split(':').next().unwrap_or_default();
        let mut covering = self
            .knowledge
            .sources()
            .iter()
            .filter(|source| source.covers.iter().any(|name| **name == *ecosystem || **name == *whole))
            .peekable();
        let named = || ecosystem.replacen(':', " ", 1);
        if covering.peek().is_none() {
            return Err(format!("no advisory source covers {}", named()).into());
        }
        // A source that has nothing at all of an ecosystem says nothing of it, whatever it is said to cover; and one of a
        // whole distribution says nothing of releases that it does not know yet or any more.
        if !self.knowledge.has_records(ecosystem) {
            return Err(format!("no advisory speaks of {}", named()).into());
        }
        let Some(now) = self.options.now_unix else { return Ok(()) };
        // Each source knows what the others do not, so one that is fresh does not make up for one that is not.
        for source in covering {
            let age = now.saturating_sub(source.made_unix.unwrap_or(source.fetched_unix));
            if age > self.options.stale_seconds {
                let days = self.options.stale_seconds / 86_400;
                return Err(format!("the advisories of {ecosystem} are older than {days} days").into());
            }
            if age < -CLOCKS_SECONDS {
                return Err(format!("the advisories of {ecosystem} are from the future").into());
            }
        }
        Ok(())
    }

    fn package(
        &self,
        (index, package): (usize, &Package),
        ecosystem: &str,
        levels: &RefCell<Levels>,
        found: &mut Vec<Vulnerability>,
        unknown: &mut BTreeSet<Box<str>>,
    ) {
        let Some(scheme) = Scheme::of_ecosystem(ecosystem) else {
            unknown.insert(format!("the order of versions of {ecosystem} is not known").into());
            return;
        };
        let Some(lookups) = lookups(package) else {
            unknown.insert(format!("{} {} has no name in the NVD", package.kind, package.name).into());
            return;
        };
        let mut hits = Vec::new();
        for lookup in lookups {
            let entries = self.knowledge.affected(ecosystem, &lookup.name);
            let wanted = |entry: &Entry<'_>| entry.affected.of_source == lookup.source || lookup.either;
            let mut entries = entries.into_iter().filter(wanted).peekable();
            if entries.peek().is_some() && !scheme.accepts(lookup.version) {
                let version: String = lookup.version.chars().take(80).collect();
                let why = format!("{} {}: '{version}' is not a version of {ecosystem}", package.kind, package.name);
                unknown.insert(why.into());
                continue;
            }
            for entry in entries.filter(|entry| applies(&entry.affected, package)) {
                match judge(scheme, lookup.version, &entry.affected) {
                    Ok(Verdict::Unaffected) => {}
                    Ok(verdict) => hits.push((entry, verdict)),
                    Err(error) => drop(unknown.insert(format!("{}: {error}", package.name).into())),
                }
            }
        }
        if !hits.is_empty() {
            let context =
                merge::Context { knowledge: self.knowledge, options: &self.options, scheme, ecosystem, levels };
            found.extend(merge::vulnerabilities(&context, index, hits, unknown));
        }
    }
}

/// Names under which records may speak of a package; `None` when it has none in the terms of the NVD.
fn lookups(package: &Package) -> Option<Vec<Lookup<'_>>> {
    let own = |name: Cow<'_, str>| {
        vec![Lookup { name: Cow::Owned(name.into_owned()), version: &package.version, source: false, either: false }]
    };
    Some(match package.kind {
        Kind::Deb | Kind::Apk | Kind::Rpm | Kind::Alpm => {
            let (name, version) = match &package.source {
                Some(source) if source.version.is_empty() => (&*source.name, &*package.version),
                Some(source) => (&*source.name, &*source.version),
                None => (&*package.name, &*package.version),
            };
            let mut lookups = own(Cow::Borrowed(&*package.name));
            lookups.iter_mut().for_each(|own| own.either = package.kind == Kind::Rpm && *own.name != *name);
            lookups.push(Lookup { name: Cow::Borrowed(name), version, source: true, either: false });
            lookups
        }
        Kind::PyPi => own(Cow::Owned(pep503(&package.name))),
        Kind::NuGet | Kind::Composer => {
            let mut lookups = own(Cow::Borrowed(&*package.name));
            let lower = package.name.to_lowercase();
            if lower != *package.name {
                lookups.push(Lookup {
                    name: Cow::Owned(lower),
                    version: &package.version,
                    source: false,
                    either: false,
                });
            }
            lookups
        }
        kind if kind.osv_ecosystem().is_empty() => {
            let mut parts = package.property("cpe")?.strip_prefix("cpe:2.3:")?.split(':').skip(1);
            own(Cow::Owned(format!("{}:{}", parts.next()?, parts.next()?)))
        }
        _ => own(Cow::Borrowed(&*package.name)),
    })
}

/// Whether packages of a kind can be those of a distribution.
fn fits(kind: Kind, ecosystem: &str) -> bool {
    match (kind, Scheme::of_ecosystem(ecosystem)) {
        (Kind::Deb, Some(scheme)) => scheme == Scheme::Dpkg,
        (Kind::Apk, Some(scheme)) => scheme == Scheme::Apk,
        (Kind::Rpm, Some(scheme)) => scheme == Scheme::Rpm,
        (Kind::Alpm, Some(scheme)) => scheme == Scheme::Alpm,
        _ => true,
    }
}

/// Whether the packages of a kind are the operating system's, which its distribution judges.
fn is_of_system(kind: Kind) -> bool {
    matches!(kind, Kind::Deb | Kind::Apk | Kind::Rpm | Kind::Alpm)
}

/// Whether a record speaks of the package's architecture and module stream.
fn applies(affected: &Affected, package: &Package) -> bool {
    let independent = package.arch.is_empty() || matches!(&*package.arch, "noarch" | "all" | "any");
    let arch = affected.arches.is_empty() || independent || affected.arches.contains(&package.arch);
    // The label is `name:stream:version:context`.
    let label = package.property("modularitylabel").unwrap_or_default();
    let mut parts = label.splitn(3, ':');
    let stream = match (parts.next(), parts.next()) {
        (Some(name), Some(stream)) => format!("{name}:{stream}"),
        _ => String::new(),
    };
    // Rocky's and Alma's records name no module; that they are about one stands in the version of the fix only, and of which
    // stream in its first number.
    let unnamed = || {
        let fixes = affected.ranges.iter().filter_map(|range| match &range.end {
            End::Fixed(version) | End::Before(version) | End::LastAffected(version) => Some(&**version),
            End::Open => None,
        });
        let of_stream = |version: &str| {
            let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
            let wanted = digits(stream.rsplit(':').next().unwrap_or_default());
            let fixed = digits(version.rsplit(':').next().unwrap_or_default());
            version.contains(".module") && (wanted.is_empty() || wanted == fixed)
        };
        affected.module.is_empty() && !stream.is_empty() && fixes.into_iter().any(of_stream)
    };
    arch && (*affected.module == *stream || unnamed())
}

/// A PyPI name as PEP 503 spells it.
pub fn pep503(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            letter => normal.push(letter.to_ascii_lowercase()),
        }
    }
    normal
}

/// Distributions publish daily; five days leave room for a weekend and a failed fetch.
const STALE_SECONDS: i64 = 5 * 86_400;
/// Clocks of machines differ, and dates without a time of day mean its end somewhere on earth; more is a false date.
const CLOCKS_SECONDS: i64 = 2 * 86_400;

#[cfg(test)]
mod tests;
