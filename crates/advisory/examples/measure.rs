//! Figures of importing, building, asking and matching: `measure COUNT`, or `measure FOLDER` for the files of a folder.
#![allow(clippy::print_stdout, clippy::expect_used)]

use std::path::Path;
use std::time::Instant;

use advisory::database::{Answers, Builder, Content, Database};
use advisory::import::{self, Item};
use advisory::matching::{Matcher, Options};
use advisory::record::Source;
use model::Package;
use model::package::Kind;

fn main() {
    let argument = std::env::args().nth(1).unwrap_or_else(|| "100000".into());
    let mut builder = Builder::new();
    let source = builder.source(Source { covers: vec!["npm".into()], ..Source::default() });
    let (start, mut read, mut bad) = (Instant::now(), 0, 0);
    let mut take = |name: &str, bytes: &[u8]| {
        let Some(format) = import::detect(bytes) else { return println!("{name}: no known format") };
        match import::read(format, None, bytes, &mut |item| {
            if let Item::Advisory(advisory) = item {
                builder.add(source, &advisory).expect("fits");
            }
        }) {
            Ok(stats) => {
                (read, bad) = (read + stats.read, bad + stats.bad);
                stats.faults.iter().for_each(|fault| println!("{name}: {fault:?}"));
            }
            Err(error) => println!("{name}: {error}"),
        }
    };
    match argument.parse::<usize>() {
        Ok(count) => (0..count).for_each(|number| take("synthetic", synthetic(number).as_bytes())),
        Err(_) => folder(Path::new(&argument), &mut take),
    }
    println!("{read} records, {bad} bad, imported in {:?}", start.elapsed());
    let start = Instant::now();
    let bytes = builder.finish(0).expect("fits");
    println!("{} bytes, finished in {:?}", bytes.len(), start.elapsed());
    let content = Content::new(&bytes);
    let start = Instant::now();
    let database = Database::open(&content).expect("opens");
    println!("opened in {:?}", start.elapsed());
    let start = Instant::now();
    let names: Vec<_> = database.packages().map(|names| names.expect("sound")).step_by(7).take(3000).collect();
    println!("{} names in {:?}", names.len(), start.elapsed());
    let start = Instant::now();
    let hits: usize =
        names.iter().map(|(ecosystem, name)| database.affected(ecosystem, name).expect("sound").count()).sum();
    println!("{hits} hits in {:?}", start.elapsed());
    // Of the first version nearly all advisories tell, of the second nearly none.
    matching(&bytes, &names, "2.5.0");
    matching(&bytes, &names, "1.5.3");
    let start = Instant::now();
    database.verify().expect("sound");
    println!("verified in {:?}", start.elapsed());
}

/// Judges a package of each name, five times or as often as the second argument says: the first finds nothing warm. Each
/// opens the database anew and compares its checksums, as a program does that is started for it.
fn matching(bytes: &[u8], names: &[(&str, &str)], version: &str) {
    let packages: Vec<Package> = names.iter().map(|(_, name)| Package::new(Kind::Npm, *name, version)).collect();
    let rounds = std::env::args().nth(2).and_then(|count| count.parse().ok()).unwrap_or(5);
    for round in 1..=rounds {
        let start = Instant::now();
        let content = Content::new(bytes);
        let answers = Answers::new(Database::open(&content).expect("opens")).expect("sound");
        let options = Options { now_unix: Some(0), ..Options::default() };
        let matches = Matcher::new(&answers, options).match_packages(&packages, None);
        println!(
            "round {round}: {} packages judged in {:?}, {} vulnerabilities, {} unknown",
            packages.len(),
            start.elapsed(),
            matches.vulnerabilities.len(),
            matches.unknown.len()
        );
    }
}

fn folder(path: &Path, take: &mut impl FnMut(&str, &[u8])) {
    let mut entries: Vec<_> = std::fs::read_dir(path).expect("a folder").flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            folder(&entry, take);
        } else {
            take(&entry.to_string_lossy(), &std::fs::read(&entry).expect("a file"));
        }
    }
}

/// One of the 2,592 base vectors, all alike often: advisories of the world share far fewer.
fn vector(mut number: usize) -> String {
    let metrics = [
        ("AV", "NALP"),
        ("AC", "LH"),
        ("PR", "NLH"),
        ("UI", "NR"),
        ("S", "UC"),
        ("C", "HLN"),
        ("I", "HLN"),
        ("A", "HLN"),
    ];
    let pick = |(name, values): (&str, &str)| {
        let value = values.as_bytes()[number % values.len()];
        number /= values.len();
        format!("{name}:{}", char::from(value))
    };
    metrics.map(pick).join("/")
}

fn synthetic(number: usize) -> String {
    let (package, minor) = (number * 7919 % 100_003, number % 40);
    format!(
        r#"{{"schema_version":"1.7.0","id":"GHSA-{number:04x}-{package:04x}-{minor:04x}","modified":"2024-05-01T00:00:00Z","published":"2024-04-01T00:00:00Z","aliases":["CVE-{}-{number:05}"],"summary":"Improper neutralization of input number {number} in package-{package} leads to trouble","details":"{}","severity":[{{"type":"CVSS_V3","score":"CVSS:3.1/{}"}}],"affected":[{{"package":{{"ecosystem":"npm","name":"package-{package}"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"1.{minor}.0"}},{{"fixed":"1.{minor}.9"}},{{"introduced":"2.0.0"}},{{"fixed":"2.{minor}.1"}}]}}]}}],"references":[{{"type":"WEB","url":"https://registry.example/package-{package}/commit/{number:040x}"}},{{"type":"ADVISORY","url":"https://registry.example/vuln/CVE-2024-{number:05}"}},{{"type":"PACKAGE","url":"https://registry.example/package-{package}"}}],"database_specific":{{"severity":"HIGH","cwe_ids":["CWE-79"]}}}}"#,
        2000 + number % 25,
        "A text that tells the story of it at some length. ".repeat(12),
        vector(number)
    )
}
