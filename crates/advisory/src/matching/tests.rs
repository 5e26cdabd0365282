use super::*;
use crate::record::{End, Range, Status};

#[derive(Default)]
struct Memory {
    advisories: Vec<Advisory>,
    sources: Vec<Source>,
}

impl Knowledge for Memory {
    fn affected(&self, ecosystem: &str, package: &str) -> Vec<Entry<'_>> {
        let all = self.advisories.iter().enumerate();
        all.flat_map(|(number, advisory)| advisory.affected.iter().map(move |affected| (number as u32, affected)))
            .filter(|(_, affected)| *affected.ecosystem == *ecosystem && *affected.package == *package)
            .map(|(advisory, affected)| Entry { advisory, affected: Cow::Borrowed(affected) })
            .collect()
    }

    fn advisory(&self, number: u32) -> Option<Cow<'_, Advisory>> {
        self.advisories.get(number as usize).map(Cow::Borrowed)
    }

    fn epss(&self, _: &str) -> Option<Epss> {
        None
    }

    fn exploited(&self, _: &str) -> Option<Exploited> {
        None
    }

    fn sources(&self) -> &[Source] {
        &self.sources
    }
}

fn memory(covers: &[&str], advisories: Vec<Advisory>) -> Memory {
    let source = Source { covers: covers.iter().map(|name| (*name).into()).collect(), ..Source::default() };
    Memory { advisories, sources: vec![source] }
}

fn advisory(id: &str, aliases: &[&str], ecosystem: &str, package: &str, fixed: &str) -> Advisory {
    let end = if fixed.is_empty() { End::Open } else { End::Fixed(fixed.into()) };
    let affected = Affected {
        ecosystem: ecosystem.into(),
        package: package.into(),
        of_source: ecosystem.starts_with("Debian"),
        ranges: vec![Range { introduced: None, end }],
        ..Affected::default()
    };
    let aliases = aliases.iter().map(|name| (*name).into()).collect();
    Advisory { id: id.into(), aliases, affected: vec![affected], ..Advisory::default() }
}

fn debian() -> Distro {
    Distro { id: "debian".into(), version: "12".into(), ..Distro::default() }
}

/// Names and fixed versions found.
fn found(memory: &Memory, package: Package, distro: Option<&Distro>) -> Vec<(String, String)> {
    let matches = Matcher::new(memory, Options::default()).match_packages(&[package], distro);
    let line = |one: &Vulnerability| (one.id.to_string(), one.fixed.as_deref().unwrap_or_default().to_string());
    matches.vulnerabilities.iter().map(line).collect()
}

#[test]
fn records_with_common_names_become_one_finding_that_the_highest_fix_clears() {
    let advisories = vec![
        advisory("GHSA-1", &["CVE-2024-1"], "PyPI", "my-lib", "1.2"),
        advisory("PYSEC-1", &["GHSA-1"], "PyPI", "my-lib", "1.10"),
        advisory("GHSA-2", &[], "PyPI", "my-lib", "0.5"),
    ];
    let memory = memory(&["PyPI"], advisories);
    let package = Package::new(Kind::PyPi, "My_.Lib", "1.0");
    assert_eq!(found(&memory, package, None), [("CVE-2024-1".into(), "1.10".into())]);
}

#[test]
fn distributions_judge_the_source_package_and_what_it_owns() {
    let advisories =
        vec![advisory("CVE-2024-2", &[], "Debian:12", "openssl", "3.0.2-1"), advisory("GHSA-3", &[], "npm", "tar", "")];
    let memory = memory(&["Debian", "npm"], advisories);
    let mut package = Package::new(Kind::Deb, "libssl3", "3.0.1-1+b1");
    package.source = Some(model::package::Source { name: "openssl".into(), version: "3.0.1-1".into() });
    assert_eq!(found(&memory, package, Some(&debian())), [("CVE-2024-2".into(), "3.0.2-1".into())]);
    let mut owned = Package::new(Kind::Npm, "tar", "1.0.0");
    assert_eq!(found(&memory, owned.clone(), Some(&debian())).len(), 1);
    owned.properties.push(("owner".into(), "node-tar".into()));
    assert!(found(&memory, owned, Some(&debian())).is_empty());
}

#[test]
fn withdrawn_records_and_packages_that_are_cleared_do_not_match() {
    let mut withdrawn = advisory("CVE-2024-4", &[], "npm", "a", "");
    withdrawn.withdrawn_unix = Some(1);
    let mut cleared = advisory("CVE-2024-5", &[], "npm", "a", "");
    cleared.affected[0].status = Status::NotAffected;
    let memory = memory(&["npm"], vec![withdrawn, cleared, advisory("CVE-2024-5", &[], "npm", "a", "")]);
    assert!(found(&memory, Package::new(Kind::Npm, "a", "1.0.0"), None).is_empty());
}

#[test]
fn what_cannot_be_judged_is_said() {
    let memory = memory(&["npm", "Debian:12"], vec![advisory("CVE-2024-6", &[], "Debian:12", "a", "1")]);
    let alpine = Distro { id: "alpine".into(), version: "3.99".into(), ..Distro::default() };
    for (package, distro, expected) in [
        (Package::new(Kind::Apk, "a", "1"), Some(&alpine), "no advisory source covers Alpine v3.99"),
        (Package::new(Kind::Deb, "a", "1"), None, "no advisory source covers the operating system that is not known"),
        (Package::new(Kind::Deb, "a", "x:1"), Some(&debian()), "deb a: 'x:1' is not a version of Debian:12"),
        (Package::new(Kind::Gem, "a", "1"), None, "no advisory source covers RubyGems"),
    ] {
        let matches = Matcher::new(&memory, Options::default()).match_packages(&[package], distro);
        assert_eq!(matches.unknown, [expected.into()] as [Box<str>; 1]);
    }
    let options = Options { now_unix: Some(100 * 86_400), ..Options::default() };
    let stale = Matcher::new(&memory, options).match_packages(&[Package::new(Kind::Npm, "a", "1.0.0")], None);
    assert_eq!(stale.unknown, ["the advisories of npm are older than 5 days".into()] as [Box<str>; 1]);
}

#[test]
fn the_fix_that_is_told_clears_every_record_of_the_vulnerability() {
    let (open, early, late) = (
        advisory("PYSEC-1", &["CVE-2024-1"], "PyPI", "x", ""),
        advisory("GHSA-1", &["CVE-2024-1"], "PyPI", "x", "1.2"),
        advisory("GHSA-2", &["CVE-2024-1"], "PyPI", "x", "1.4"),
    );
    let package = || Package::new(Kind::PyPi, "x", "1.0");
    let fix = |advisories: Vec<Advisory>| found(&memory(&["PyPI"], advisories), package(), None)[0].1.clone();
    assert_eq!(fix(vec![early.clone(), late.clone()]), "1.4");
    assert_eq!(fix(vec![open, early.clone()]), "");
    // A record that lists versions does not name a fix, and does not speak against one either.
    let mut listed = advisory("PYSEC-2", &["CVE-2024-1"], "PyPI", "x", "");
    listed.affected[0].ranges.clear();
    listed.affected[0].versions = vec!["1.0".into()];
    assert_eq!(fix(vec![listed, early]), "1.2");
}
