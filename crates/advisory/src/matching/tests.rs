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

    fn has_records(&self, ecosystem: &str) -> bool {
        self.advisories.iter().flat_map(|advisory| &advisory.affected).any(|one| *one.ecosystem == *ecosystem)
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
        ranges: vec![Range { end, ..Range::default() }],
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
    assert_eq!(found(&memory, package.clone(), Some(&debian())), [("CVE-2024-2".into(), "3.0.2-1".into())]);
    let mut owned = Package::new(Kind::Npm, "tar", "1.0.0");
    assert_eq!(found(&memory, owned.clone(), Some(&debian())).len(), 1);
    owned.properties.push(("owner".into(), "libssl3".into()));
    let both = |packages: &[Package]| {
        Matcher::new(&memory, Options::default()).match_packages(packages, Some(&debian())).vulnerabilities.len()
    };
    assert_eq!(both(&[package.clone(), owned.clone()]), 1, "an installed owner that the distribution judges");
    assert_eq!(both(&[owned.clone()]), 1, "an owner that is not installed");
    let unjudged = Package::new(Kind::Deb, "libssl3", "1");
    assert_eq!(both(&[unjudged, owned]), 1, "an owner of which the distribution has no records");
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
    let records =
        vec![advisory("CVE-2024-6", &[], "Debian:12", "a", "1"), advisory("CVE-2024-7", &[], "npm", "b", "1")];
    let memory = memory(&["npm", "PyPI", "Debian:12"], records);
    let mut elsewhere = Package::new(Kind::Deb, "a", "1");
    elsewhere.properties.push(("root".into(), "rootfs/".into()));
    let below = "the package database below `rootfs/` belongs to another system, which is not judged";
    let alpine = Distro { id: "alpine".into(), version: "3.99".into(), ..Distro::default() };
    for (package, distro, expected) in [
        (Package::new(Kind::Apk, "a", "1"), Some(&alpine), "no advisory source covers Alpine v3.99"),
        (Package::new(Kind::Deb, "a", "1"), None, "no advisory source covers the operating system that is not known"),
        (Package::new(Kind::Deb, "a", "x:1"), Some(&debian()), "deb a: 'x:1' is not a version of Debian:12"),
        (Package::new(Kind::Gem, "a", "1"), None, "no advisory source covers RubyGems"),
        (Package::new(Kind::PyPi, "a", "1"), None, "no advisory speaks of PyPI"),
        (
            Package::new(Kind::Apk, "a", "1"),
            Some(&debian()),
            "packages of apk are not those of debian, and no advisory source covers them",
        ),
        (elsewhere, Some(&debian()), below),
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

struct Forgetful(Memory);

impl Knowledge for Forgetful {
    fn affected(&self, ecosystem: &str, package: &str) -> Vec<Entry<'_>> {
        self.0.affected(ecosystem, package)
    }

    fn advisory(&self, _: u32) -> Option<Cow<'_, Advisory>> {
        None
    }

    fn epss(&self, _: &str) -> Option<Epss> {
        None
    }

    fn exploited(&self, _: &str) -> Option<Exploited> {
        None
    }

    fn sources(&self) -> &[Source] {
        self.0.sources()
    }

    fn has_records(&self, ecosystem: &str) -> bool {
        self.0.has_records(ecosystem)
    }
}

#[test]
fn an_advisory_that_cannot_be_read_is_unknown_and_not_passed_over() {
    let knowledge = Forgetful(memory(&["npm"], vec![advisory("GHSA-1", &[], "npm", "a", "2")]));
    let matches =
        Matcher::new(&knowledge, Options::default()).match_packages(&[Package::new(Kind::Npm, "a", "1")], None);
    assert_eq!(matches.unknown, ["an advisory of npm about a cannot be read".into()] as [Box<str>; 1]);
}

#[test]
fn silence_means_something_only_of_releases_with_records_and_of_sources_that_are_fresh() {
    let mut memory = memory(&["Debian"], vec![advisory("CVE-2024-1", &[], "Debian:12", "other", "1")]);
    let why = |memory: &Memory, version: &str, now_unix: Option<i64>| {
        let distro = Distro { version: version.into(), ..debian() };
        let options = Options { now_unix, ..Options::default() };
        let packages = [Package::new(Kind::Deb, "a", "1")];
        Matcher::new(memory, options).match_packages(&packages, Some(&distro)).unknown.join(";")
    };
    assert_eq!(why(&memory, "12", None), "");
    assert_eq!(why(&memory, "99", None), "no advisory speaks of Debian 99");
    let day = 86_400;
    memory.sources[0].fetched_unix = 100 * day;
    assert_eq!(why(&memory, "12", Some(101 * day)), "");
    assert_eq!(why(&memory, "12", Some(90 * day)), "the advisories of Debian:12 are from the future");
    let old = Source { fetched_unix: 50 * day, ..memory.sources[0].clone() };
    memory.sources.push(old);
    assert_eq!(why(&memory, "12", Some(101 * day)), "the advisories of Debian:12 are older than 5 days");
}

#[test]
fn architectures_and_module_streams_narrow_records() {
    let mut of_arch = advisory("CVE-2024-1", &[], "Red Hat:enterprise_linux:9", "a", "2");
    of_arch.affected[0].arches = vec!["x86_64".into()];
    let mut of_module = advisory("CVE-2024-2", &[], "Red Hat:enterprise_linux:9", "a", "2");
    of_module.affected[0].module = "nodejs:18".into();
    let memory = memory(&["Red Hat"], vec![of_arch, of_module]);
    let distro = Distro { id: "rhel".into(), version: "9.4".into(), ..Distro::default() };
    for (arch, label, expected) in [
        ("x86_64", "", "CVE-2024-1"),
        ("noarch", "", "CVE-2024-1"),
        ("aarch64", "", ""),
        ("x86_64", "nodejs:18:9040020240101:rhel9", "CVE-2024-2"),
        ("x86_64", "nodejs:20:9040020240101:rhel9", ""),
    ] {
        let mut package = Package::new(Kind::Rpm, "a", "1-1");
        package.arch = arch.into();
        if !label.is_empty() {
            package.properties.push(("modularitylabel".into(), label.into()));
        }
        let ids: Vec<_> = found(&memory, package, Some(&distro)).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids.join(" "), expected, "{arch} {label}");
    }
}

#[test]
fn records_that_name_no_module_are_about_the_stream_of_their_fix() {
    let records = vec![advisory("CVE-2026-1", &[], "Rocky Linux:9", "nodejs", "1:18.20.0-1.module+el9")];
    let memory = memory(&["Rocky Linux"], records);
    let distro = Distro { id: "rocky".into(), version: "9.4".into(), ..Distro::default() };
    for (version, stream, expected) in [
        ("1:18.0.0-1.module+el9", "nodejs:18:1:x", 1),
        ("1:18.20.0-1.module+el9", "nodejs:18:1:x", 0),
        ("1:16.20.0-1.module+el9", "nodejs:16:1:x", 0),
        ("1:18.0.0-1.module+el9", "nodejs:stable:1:x", 1),
    ] {
        let mut package = Package::new(Kind::Rpm, "nodejs", version);
        package.properties.push(("modularitylabel".into(), stream.into()));
        assert_eq!(found(&memory, package, Some(&distro)).len(), expected, "{version} of {stream}");
    }
}

/// Records in the form in which they are published, through the database, to names and fixed versions.
fn through_database(records: &str, package: Package, distro: Option<&Distro>) -> Vec<(String, String)> {
    use crate::database::{Answers, Builder, Content, Database};
    use crate::import::{Format, Item, read};
    let mut builder = Builder::new();
    let covers = ["Debian", "Ubuntu", "Alpine", "SUSE", "Rocky Linux", "AlmaLinux", "PyPI", "npm", "Go"];
    let covers = covers.iter().map(|name| (*name).into()).collect();
    let source = builder.source(Source { covers, ..Source::default() });
    let mut records_of = |item| {
        if let Item::Advisory(advisory) = item {
            builder.add(source, &advisory).unwrap();
        }
    };
    let stats = read(Format::OsvJson, None, records.as_bytes(), &mut records_of).unwrap();
    assert_eq!(stats.bad, 0, "{:?}", stats.faults);
    builder.exploited(Exploited { id: "CVE-2024-0001".into(), ..Exploited::default() });
    builder.epss(&Epss { id: "CVE-2024-0001".into(), probability: 0.5, percentile: 0.9 });
    let bytes = builder.finish(0).unwrap();
    let content = Content::new(&bytes);
    let answers = Answers::new(Database::open(&content).unwrap()).unwrap();
    let matches = Matcher::new(&answers, Options::default()).match_packages(&[package], distro);
    assert_eq!((answers.fault(), matches.unknown), (None, Vec::new()));
    for one in &matches.vulnerabilities {
        assert_eq!(
            (one.exploited.is_some(), one.epss.is_some()),
            (&*one.id == "CVE-2024-0001", &*one.id == "CVE-2024-0001")
        );
    }
    matches
        .vulnerabilities
        .iter()
        .map(|one| (one.id.to_string(), one.fixed.as_deref().unwrap_or_default().to_string()))
        .collect()
}

fn osv(names: &str, ecosystem: &str, package: &str, fixed: &str) -> String {
    format!(
        r#"{{{names},"modified":"2024-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"{package}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{fixed}"}}]}}]}}]}}"#
    )
}

#[test]
fn published_records_reach_the_packages_that_they_mean() {
    let of = |mut package: Package, name: &str, version: &str| {
        package.source = Some(model::package::Source { name: name.into(), version: version.into() });
        package
    };
    let system = |id: &str, version: &str| Distro { id: id.into(), version: version.into(), ..Distro::default() };
    let upstream = r#""id":"DEBIAN-CVE-2024-0001","upstream":["CVE-2024-0001"]"#;
    let bare = r#""id":"UBUNTU-CVE-2024-0001""#;
    let plain = r#""id":"GHSA-1","aliases":["CVE-2024-0001"]"#;
    let suse = "SUSE:Linux Enterprise Server 15 SP5";
    for (record, package, distro, expected) in [
        (
            osv(upstream, "Debian:12", "openssl", "3.0.2-1"),
            of(Package::new(Kind::Deb, "libssl3", "3.0.1-1+b1"), "openssl", "3.0.1-1"),
            Some(system("debian", "12")),
            "3.0.2-1",
        ),
        (
            osv(bare, "Ubuntu:22.04:LTS", "openssl", "3.0.2-1"),
            of(Package::new(Kind::Deb, "libssl3", "3.0.1-1"), "openssl", ""),
            Some(system("ubuntu", "22.04")),
            "3.0.2-1",
        ),
        (
            osv(plain, "Alpine:v3.20", "openssl", "3.0.2-r1"),
            of(Package::new(Kind::Apk, "libcrypto3", "3.0.1-r1"), "openssl", ""),
            Some(system("alpine", "3.20.1")),
            "3.0.2-r1",
        ),
        (
            osv(plain, suse, "openssl", "3.0.2-1"),
            of(Package::new(Kind::Rpm, "libopenssl3", "3.0.1-1"), "openssl", "3.0.1-1"),
            Some(system("sles", "15.5")),
            "3.0.2-1",
        ),
        (
            osv(plain, "Rocky Linux:9", "openssl-libs", "1:3.0.2-1"),
            of(Package::new(Kind::Rpm, "openssl-libs", "1:3.0.1-1"), "openssl", "3.0.1-1"),
            Some(system("rocky", "9.3")),
            "1:3.0.2-1",
        ),
        (
            osv(plain, "AlmaLinux:9", "openssl-libs", "1:3.0.2-1"),
            of(Package::new(Kind::Rpm, "openssl-libs", "1:3.0.1-1"), "openssl", "3.0.1-1"),
            Some(system("almalinux", "9.3")),
            "1:3.0.2-1",
        ),
        (osv(plain, "PyPI", "My.Lib_x", "1.2"), Package::new(Kind::PyPi, "my--lib-X", "1.0"), None, "1.2"),
        (osv(plain, "npm", "@a/b", "1.2.0"), Package::new(Kind::Npm, "@a/b", "1.2.0-rc.1"), None, "1.2.0"),
        (osv(plain, "Go", "stdlib", "1.21.3"), Package::new(Kind::Golang, "stdlib", "1.21.2"), None, "1.21.3"),
        (osv(plain, "Go", "a.example/b", "1.2.0"), Package::new(Kind::Golang, "a.example/b", "v1.1.0"), None, "1.2.0"),
    ] {
        let name = package.name.clone();
        let found = through_database(&record, package, distro.as_ref());
        assert_eq!(found, [("CVE-2024-0001".to_string(), expected.to_string())], "{name}");
    }
    let withdrawn = osv(r#""id":"GHSA-1","withdrawn":"2024-02-01T00:00:00Z""#, "npm", "a", "2.0.0");
    assert!(through_database(&withdrawn, Package::new(Kind::Npm, "a", "1.0.0"), None).is_empty());
    let several = osv(r#""id":"DSA-1","upstream":["CVE-2024-0002","CVE-2024-0003"]"#, "Debian:12", "a", "2");
    let found = through_database(&several, Package::new(Kind::Deb, "a", "1"), Some(&system("debian", "12")));
    assert_eq!(found.iter().map(|one| &*one.0).collect::<Vec<_>>(), ["CVE-2024-0002", "CVE-2024-0003"]);
}

#[test]
fn records_with_very_many_names_are_still_one_vulnerability() {
    let many: Vec<_> = (0..60).map(|number| format!("\"CVE-2024-{number:04}\"")).collect();
    let first = osv(&format!(r#""id":"GHSA-1","aliases":[{}]"#, many.join(",")), "npm", "a", "2.0.0");
    let second = osv(r#""id":"GHSA-2","aliases":["CVE-2024-0059"]"#, "npm", "a", "3.0.0");
    let found = through_database(&format!("{first}\n{second}"), Package::new(Kind::Npm, "a", "1.0.0"), None);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1, "3.0.0");
}

#[test]
fn a_record_that_names_commits_alone_is_told_for_every_version() {
    let record = r#"{"id": "CVE-2026-9", "modified": "2026-11-23T00:00:00Z", "affected": [{"package": {"ecosystem": "npm", "name": "g"},
        "ranges": [{"type": "GIT", "repo": "https://example.com/g", "events": [{"introduced": "0"}, {"fixed": "abc"}]}]}]}"#;
    let found = through_database(record, Package::new(Kind::Npm, "g", "1.0.0"), None);
    assert_eq!(found, [("CVE-2026-9".to_owned(), String::new())]);
}
