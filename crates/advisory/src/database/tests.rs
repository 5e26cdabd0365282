use super::*;
use crate::record::{Advisory, End, Range, Score, Severity, Status};

fn advisory(id: &str, package: &str) -> Advisory {
    Advisory {
        id: id.into(),
        aliases: vec!["CVE-2024-0001".into()],
        upstream: vec!["CVE-2024-0002".into()],
        summary: "a summary".into(),
        published_unix: Some(-5),
        modified_unix: Some(1_700_000_000),
        severities: vec![Severity { by: "nvd".into(), score: Score::Word("high".into()) }],
        references: vec!["https://registry.example/a/b".into(), "bare".into()],
        affected: vec![Affected {
            ecosystem: "Debian:12".into(),
            package: package.into(),
            of_source: true,
            ranges: vec![
                Range { end: End::Fixed("1.2".into()), ..Range::default() },
                Range { introduced: Some("2".into()), exclusive: true, end: End::Open },
            ],
            versions: vec!["1.1".into()],
            status: Status::WontFix,
            symbols: vec!["f".into()],
            ..Affected::default()
        }],
        ..Advisory::default()
    }
}

fn built() -> Vec<u8> {
    let mut builder = Builder::new();
    let source = builder.source(Source {
        name: "debian".into(),
        license: "MIT".into(),
        fetched_unix: 7,
        covers: vec!["Debian".into()],
        ..Source::default()
    });
    for (id, package) in [("DSA-1", "openssl"), ("DSA-2", "openssl"), ("DSA-3", "curl")] {
        builder.add(source, &advisory(id, package)).unwrap();
    }
    builder.exploited(Exploited {
        id: "CVE-2024-0001".into(),
        added: "2024-01-01".into(),
        due: "2024-02-01".into(),
        ransomware: true,
    });
    assert!(builder.epss(&Epss { id: "CVE-2024-0001".into(), probability: 0.5, percentile: 0.9 }));
    assert!(!builder.epss(&Epss { id: "GHSA-1".into(), probability: 0.5, percentile: 0.9 }));
    builder.finish(42).unwrap()
}

#[test]
fn what_goes_in_comes_out() {
    let bytes = built();
    assert_eq!(bytes, built(), "the same input gives the same bytes");
    let content = Content::new(&bytes);
    let database = Database::open(&content).unwrap();
    database.verify().unwrap();
    assert_eq!((database.len(), database.made_unix()), (3, 42));
    let hits: Vec<_> = database.affected("Debian:12", "openssl").unwrap().map(Result::unwrap).collect();
    assert_eq!(hits.iter().map(|hit| hit.record.id().unwrap()).collect::<Vec<_>>(), ["DSA-1", "DSA-2"]);
    assert_eq!(hits[0].record.read().unwrap(), advisory("DSA-1", "openssl"));
    assert_eq!(hits[0].affected.read().unwrap(), advisory("DSA-1", "openssl").affected[0]);
    assert_eq!(database.affected("Debian:11", "openssl").unwrap().count(), 0);
    assert_eq!(database.advisory("DSA-3").unwrap().len(), 1);
    assert_eq!(database.mentioning("CVE-2024-0002").unwrap().len(), 3);
    assert_eq!(
        database.aliases("CVE-2024-0001").unwrap(),
        ["DSA-1".into(), "DSA-2".into(), "DSA-3".into()] as [Box<str>; 3]
    );
    assert_eq!(database.epss("CVE-2024-0001").unwrap().unwrap().probability, 0.5);
    assert_eq!(database.epss("CVE-2024-0002"), Ok(None));
    assert_eq!(database.ecosystems().unwrap(), ["Debian:12"]);
    assert!(database.exploited("CVE-2024-0001").unwrap().unwrap().ransomware);
    assert_eq!(database.exploited("CVE-2024-9").unwrap(), None);
    assert_eq!(&*database.sources().unwrap()[0].name, "debian");
    assert_eq!(
        database.packages().map(Result::unwrap).collect::<Vec<_>>(),
        [("Debian:12", "curl"), ("Debian:12", "openssl")]
    );
}

#[test]
fn of_two_records_of_a_name_the_newer_counts() {
    let mut builder = Builder::new();
    let source = builder.source(Source::default());
    let newer = advisory("A", "new");
    let older = Advisory { modified_unix: Some(1), ..advisory("A", "old") };
    builder.add(source, &older).unwrap();
    builder.add(source, &newer).unwrap();
    builder.add(source, &older).unwrap();
    let bytes = builder.finish(0).unwrap();
    let content = Content::new(&bytes);
    let database = Database::open(&content).unwrap();
    assert_eq!(database.affected_by("A").unwrap(), newer.affected);
    assert_eq!(database.len(), 1);
}

/// Asks everything; the answers do not matter.
fn use_all(bytes: &[u8]) {
    let content = Content::new(bytes);
    let Ok(database) = Database::open(&content) else { return };
    let _ = database.verify();
    for record in database.records() {
        let _ = record.and_then(|record| record.read());
    }
    if let Ok(hits) = database.affected("Debian:12", "openssl") {
        hits.for_each(|hit| drop(hit.map(|hit| hit.affected.read())));
    }
    let _ = (
        database.aliases("CVE-2024-0001"),
        database.exploited("CVE-2024-0001"),
        database.epss("CVE-2024-0001"),
        database.sources(),
    );
    let _ = (database.packages().count(), database.all_epss().map(Iterator::count), database.all_exploited());
}

#[test]
fn every_truncation_is_refused_and_every_flipped_byte_is_found() {
    let bytes = built();
    for length in 0..bytes.len() {
        assert!(Database::open(&Content::new(&bytes[..length])).is_err(), "{length}");
    }
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x41;
        use_all(&damaged);
        let content = Content::new(damaged);
        assert!(Database::open(&content).and_then(|database| database.verify()).is_err(), "{place}");
    }
}

/// What a scan sees of a database: `None` when it is told that something is wrong.
fn seen(bytes: &[u8]) -> Option<crate::matching::Matches> {
    use model::package::Kind;
    use model::{Distro, Package};
    let content = Content::new(bytes);
    let answers = Answers::new(Database::open(&content).ok()?).ok()?;
    let packages = ["openssl", "curl", "zlib"].map(|name| {
        let mut package = Package::new(Kind::Deb, name, "1.1");
        package.source = Some(model::package::Source { name: name.into(), version: "1.1".into() });
        package
    });
    let distro = Distro { id: "debian".into(), version: "12".into(), ..Distro::default() };
    let options = crate::matching::Options { now_unix: Some(7), ..Default::default() };
    let matches = crate::matching::Matcher::new(&answers, options).match_packages(&packages, Some(&distro));
    answers.fault().is_none().then_some(matches)
}

#[test]
fn a_flipped_byte_never_changes_what_a_scan_sees_without_being_told() {
    let bytes = built();
    let whole = seen(&bytes).unwrap();
    assert_eq!((whole.vulnerabilities.len(), whole.unknown.len()), (2, 0), "{:?}", whole.unknown);
    let mut told = 0;
    for place in 0..bytes.len() {
        for flip in [0x01, 0x41, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[place] ^= flip;
            match seen(&damaged) {
                None => told += 1,
                Some(matches) => assert_eq!(matches, whole, "{place}"),
            }
        }
    }
    assert_eq!(told, bytes.len() * 4, "a database of a few blocks is read as a whole");
}

#[test]
fn many_packages_over_many_blocks_are_found_and_every_flip_is_told_or_changes_nothing() {
    let mut builder = Builder::new();
    let source = builder.source(Source { covers: vec!["Debian".into()], fetched_unix: 7, ..Source::default() });
    let names = ["openssl", "curl", "zlib"];
    for number in 0..200 {
        let name = names.get(number).map_or_else(|| format!("p{number}"), |name| (*name).to_string());
        let mut one = advisory(&format!("DSA-{number}"), &name);
        one.aliases = vec![format!("CVE-2024-{number:04}").into()];
        builder.add(source, &one).unwrap();
        builder.epss(&Epss { id: format!("CVE-2024-{number:04}").into(), probability: 0.5, percentile: 0.9 });
    }
    let bytes = builder.finish(42).unwrap();
    let whole = seen(&bytes).unwrap();
    assert_eq!(whole.vulnerabilities.len(), 3);
    let mut equal = 0;
    for place in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1 << (place % 8);
        match seen(&damaged) {
            None => {}
            Some(matches) => {
                assert_eq!(matches, whole, "{place}");
                equal += 1;
            }
        }
    }
    assert!(equal > 0, "what a scan does not touch it does not read");
}

#[test]
fn a_missing_source_is_refused() {
    assert!(matches!(Builder::new().add(0, &advisory("A", "b")), Err(BuildError::NoSource { .. })));
}
