//! Images, root file systems and source trees as a user scans them: the example image and what must be found in it.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "images/advice.rs"]
mod advice;
#[path = "images/bills.rs"]
mod bills;
#[path = "door/binary.rs"]
#[allow(dead_code)]
mod binary;
#[path = "../../../xtask/src/example_image.rs"]
#[allow(unreachable_pub)]
mod example_image;
#[path = "images/folders.rs"]
mod folders;
#[path = "door/image.rs"]
#[allow(dead_code)]
mod image;
#[path = "images/kept.rs"]
mod kept;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::image::{codes, complaint, expect, gaps, kobuk, properties, put, report};

const FORMATS: [&str; 9] = ["text", "json", "sarif", "junit", "markdown", "github", "html", "openreports", "oscal"];

/// What the example image holds: name, package, installed, fixed.
const VULNERABLE: [[&str; 4]; 5] = [
    ["CVE-2021-23337", "lodash", "4.17.20", "4.17.21"],
    ["CVE-2022-25883", "semver", "7.5.1", "7.5.2"],
    ["CVE-2023-45853", "zlib1g", "1:1.2.13.dfsg-1", ""],
    ["CVE-2024-22195", "Jinja2", "3.1.2", "3.1.3"],
    ["CVE-2024-5535", "libssl3", "3.0.11-1~deb12u2", "3.0.15-1~deb12u1"],
];

/// Debian 12 has only longer support at the time of the tests.
const HARDENING: [&str; 6] = [
    "image-no-healthcheck",
    "image-os-end-of-life",
    "image-setuid-file",
    "image-shell",
    "image-ssh-port",
    "image-user-root",
];

/// The values that the image gives away. Put together at run time, so that no scanner takes this file for a leak.
fn secrets() -> [String; 2] {
    [["hT7-pelican", "orbit-42"].join("-"), ["q8fj2-kd9sk", "2kx7v"].join("-")]
}

fn example() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/image"))
}

/// A folder with the example image as `example.tar`, and no database.
fn alone(name: &str) -> PathBuf {
    let folder = binary::folder(name);
    example_image::write(&example(), &folder.join("example.tar")).unwrap();
    folder
}

/// The same with a database of the example's advisories.
fn with_database(name: &str) -> PathBuf {
    let folder = alone(name);
    feed(&folder);
    expect(&folder, &["advisories", "build", "feed", "--covers", "feed=Debian:12,npm,PyPI"], 0);
    folder
}

/// The example's advisories as files of this day.
fn feed(folder: &Path) {
    for entry in std::fs::read_dir(example().join("advisories")).unwrap() {
        let path = entry.unwrap().path();
        put(&folder.join("feed").join(path.file_name().unwrap()), &std::fs::read(&path).unwrap());
    }
}

fn scan(folder: &Path, more: &[&str], code: i32) -> Value {
    report(folder, &[&["scan", "image", "example.tar"], more].concat(), code)
}

fn vulnerabilities(report: &Value) -> Vec<[String; 4]> {
    let findings = report["findings"].as_array().unwrap();
    let mut all: Vec<[String; 4]> = findings
        .iter()
        .map(|finding| &finding["properties"])
        .filter(|properties| properties["vulnerability"].is_string())
        .map(|properties| {
            ["vulnerability", "package", "installed", "fixed"]
                .map(|name| properties[name].as_str().unwrap_or("").to_owned())
        })
        .collect();
    all.sort();
    all
}

fn exception(folder: &Path, findings: &str, expires: &str) {
    let text = format!(
        "apiVersion: kobuk.dev/v1alpha1\nkind: Exception\nmetadata: {{name: accepted}}\nspec:\n  owner: us\n  \
         reason: the code is not reached\n  expires: {expires}\n  findings: [{findings}]\n"
    );
    put(&folder.join("exceptions/accepted.yaml"), text.as_bytes());
}

#[test]
fn the_example_image_is_told_with_all_that_is_in_it_and_nothing_else() {
    let folder = with_database("images-example");
    let report = scan(&folder, &[], 1);
    assert_eq!(vulnerabilities(&report), VULNERABLE.map(|row| row.map(str::to_owned)));
    let mut rest: Vec<String> = codes(&report).into_iter().filter(|code| code != "vulnerable-package").collect();
    rest.sort();
    let mut wanted = [&HARDENING[..], &["image-secret", "image-config-secret"]].concat();
    wanted.sort_unstable();
    assert_eq!(rest, wanted);
    let secret =
        report["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "image-secret").unwrap();
    assert_eq!(secret["properties"]["path"], "app/settings.env");
    assert_eq!(secret["properties"]["line"], "2");
    assert_eq!(secret["properties"]["layer"], "1");
    assert!(gaps(&report).is_empty());
}

#[test]
fn without_a_database_the_verdict_is_unknown_and_the_way_out_is_told() {
    let folder = alone("images-no-database");
    let report = scan(&folder, &[], 2);
    assert!(vulnerabilities(&report).is_empty());
    let gaps = gaps(&report).join("\n");
    for hint in ["unknown", "kobuk advisories update", "kobuk advisories build", "--look-for"] {
        assert!(gaps.contains(hint), "{gaps}");
    }
    // What needs no database is told all the same, and the user may say that it suffices.
    assert!(codes(&report).contains(&"image-secret".to_owned()));
    assert_eq!(scan(&folder, &["--allow-unknown"], 1)["findings"], report["findings"]);
    scan(&folder, &["--allow-unknown", "--fail-on", "never"], 0);
    scan(&folder, &["--look-for", "secrets", "--fail-on", "never"], 0);
    scan(&folder, &["--look-for", "secrets"], 1);
}

#[test]
fn exit_codes_say_how_a_scan_ended() {
    let folder = with_database("images-exit-codes");
    scan(&folder, &[], 1);
    scan(&folder, &["--fail-on", "critical"], 1);
    scan(&folder, &["--fail-on", "never"], 0);
    scan(&folder, &["--look-for", "hardening", "--fail-on", "high"], 0);
    // A second target that is not there leaves the first one judged and the whole in doubt.
    let report = report(&folder, &["scan", "image", "example.tar", "missing.tar"], 2);
    assert_eq!(vulnerabilities(&report).len(), VULNERABLE.len());
    for (words, hint) in [
        (&["scan", "image"][..], "IMAGE"),
        (&["scan", "image", "example.tar", "--look-for", "ghosts"][..], "vulnerabilities"),
        (&["scan", "image", "example.tar", "--platform", "moon"][..], "--platform"),
        (&["scan", "image", "example.tar", "--timeout", "5"][..], "10m"),
        (&["scan", "image", "example.tar", "--timeout", "0s"][..], "--timeout"),
        (&["scan", "image", "example.tar", "--ca-file", "missing.pem"][..], "missing.pem"),
        (&["scan", "image", "example.tar", "--advisories", "missing.db"][..], "missing.db"),
        (&["scan", "image", "example.tar", "--advisories", "example.tar"][..], "example.tar"),
        (&["scan", "image", "example.tar", "--malware", "missing.txt"][..], "missing.txt"),
        (&["scan", "image", "example.tar", "--baseline", "missing.json"][..], "missing.json"),
        (&["scan", "image", "example.tar", "--exceptions", "missing"][..], "missing"),
    ] {
        let talk = complaint(&folder, words, 3);
        assert!(talk.contains(hint), "{words:?} says: {talk}");
    }
}

#[test]
fn options_narrow_what_is_told() {
    let folder = with_database("images-options");
    let names = |more: &[&str]| properties(&scan(&folder, more, 1), "vulnerability");
    let unfixed = names(&["--ignore-unfixed"]);
    assert_eq!(unfixed, ["CVE-2021-23337", "CVE-2022-25883", "CVE-2024-22195", "CVE-2024-5535"]);
    assert_eq!(names(&["--severity", "critical"]), ["CVE-2023-45853", "CVE-2024-5535"]);
    let high = scan(&folder, &["--severity", "high"], 1);
    let findings = high["findings"].as_array().unwrap();
    assert!(findings.iter().all(|finding| finding["severity"] == "high" || finding["severity"] == "critical"));
    assert_eq!(codes(&scan(&folder, &["--look-for", "vulnerabilities"], 1)), ["vulnerable-package"; 5]);
    let secrets = codes(&scan(&folder, &["--look-for", "secrets"], 1));
    assert_eq!(secrets, ["image-config-secret", "image-secret"]);
    let mut hardening = codes(&scan(&folder, &["--look-for", "hardening"], 1));
    hardening.sort();
    assert_eq!(hardening, HARDENING);
    let skipped = codes(&scan(&folder, &["--skip", "image-*"], 1));
    assert_eq!(skipped, ["vulnerable-package"; 5]);
    assert_eq!(codes(&scan(&folder, &["--check", "image-user-*"], 1)), ["image-user-root"]);
    scan(&folder, &["--skip", "*"], 0);
}

#[test]
fn an_exception_accepts_a_vulnerability_by_its_name_and_a_check_by_its_code() {
    let folder = with_database("images-exceptions");
    let with = ["--exceptions", "exceptions"];
    exception(&folder, "CVE-2024-5535", "2027-01-01");
    let report = scan(&folder, &with, 1);
    assert_eq!(vulnerabilities(&report).len(), 4);
    assert!(!properties(&report, "vulnerability").contains(&"CVE-2024-5535".to_owned()));
    assert_eq!(report["excepted"].as_array().unwrap().len(), 1);
    exception(&folder, "vulnerable-package", "2027-01-01");
    assert!(vulnerabilities(&scan(&folder, &with, 1)).is_empty());
    exception(&folder, "image-shell", "2027-01-01");
    let report = scan(&folder, &with, 1);
    assert_eq!(vulnerabilities(&report).len(), 5);
    assert!(!codes(&report).contains(&"image-shell".to_owned()));
    exception(&folder, "CVE-2024-5535", "2026-01-01");
    let report = scan(&folder, &with, 1);
    assert_eq!(vulnerabilities(&report).len(), 5);
    assert!(codes(&report).contains(&"exception-expired".to_owned()));
    for format in FORMATS {
        expect(&folder, &["scan", "image", "example.tar", "--exceptions", "exceptions", "-f", format], 1);
    }
    // Exceptions of other scans may lie in the same folder and change nothing; one for images that accepts nothing is told,
    // where everything was looked for.
    exception(&folder, "pod-security-privileged", "2027-01-01");
    assert_eq!(scan(&folder, &with, 1)["findings"], scan(&folder, &[], 1)["findings"]);
    exception(&folder, "CVE-1999-0001", "2027-01-01");
    assert!(codes(&scan(&folder, &with, 1)).contains(&"exception-unused".to_owned()));
    let part = scan(&folder, &[with[0], with[1], "--look-for", "secrets"], 1);
    assert!(!codes(&part).contains(&"exception-unused".to_owned()));
}

#[test]
fn a_vex_statement_makes_a_vulnerability_informative_and_leaves_it_listed() {
    let folder = with_database("images-vex");
    std::fs::copy(example().join("vex/zlib.openvex.json"), folder.join("zlib.json")).unwrap();
    let severity = |report: &Value| -> Vec<String> {
        let findings = report["findings"].as_array().unwrap();
        let zlib = findings.iter().filter(|finding| finding["properties"]["package"] == "zlib1g");
        zlib.map(|finding| format!("{} {}", finding["severity"], finding["properties"]["vex"])).collect()
    };
    assert_eq!(severity(&scan(&folder, &[], 1)), ["\"critical\" null"]);
    let with = severity(&scan(&folder, &["--vex", "zlib.json"], 1));
    assert_eq!(with.len(), 1);
    assert!(with[0].starts_with("\"info\"") && with[0].contains("Example Team"), "{with:?}");
    std::fs::write(folder.join("broken.json"), "{}").unwrap();
    assert!(complaint(&folder, &["scan", "image", "example.tar", "--vex", "broken.json"], 3).contains("broken.json"));
}

#[test]
fn a_fleet_is_asked_from_its_index_without_a_scan() {
    let folder = with_database("images-fleet");
    let watch = |words: &[&str], code: i32| {
        let words: Vec<&str> = ["advisories", "watch"].iter().chain(words).copied().collect();
        expect(&folder, &words, code)
    };
    expect(&folder, &["sbom", "example.tar", "-q", "--output", "bill.json"], 0);
    watch(&["add", "bill.json", "--workload", "shop/Deployment/cart", "--index", "fleet"], 0);
    std::fs::remove_file(folder.join("example.tar")).unwrap();
    let events = watch(&["affected", "CVE-2021-23337", "--index", "fleet"], 1);
    let event: Value = serde_json::from_str(events.trim()).unwrap();
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["data"]["workloads"][0], "shop/Deployment/cart");
    assert_eq!(watch(&["affected", "--index", "fleet"], 1).lines().count(), 5);
    assert_eq!(watch(&["affected", "CVE-1999-0001", "--index", "fleet"], 0), "");
    let digest = watch(&["list", "--index", "fleet"], 0).split(' ').next().unwrap().to_owned();
    watch(&["remove", &digest, "--index", "fleet"], 0);
    assert_eq!(watch(&["affected", "--index", "fleet"], 0), "");
}

/// Answers each request with the next status and closes; counts the requests.
fn receiver(answers: &'static [&'static str]) -> (String, std::thread::JoinHandle<usize>) {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
            // The request is whole when its event is.
            while !seen.ends_with(b"}") {
                let count = stream.read(&mut piece).unwrap();
                seen.extend_from_slice(&piece[..count]);
            }
            assert!(String::from_utf8_lossy(&seen).to_ascii_lowercase().contains("kobuk-signature: sha256="));
            let head = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
        }
        answers.len()
    });
    (url, thread)
}

#[test]
fn what_a_receiver_did_not_take_is_sent_in_the_next_round_and_nothing_twice() {
    let folder = with_database("images-notify");
    expect(&folder, &["sbom", "example.tar", "-q", "--output", "bill.json"], 0);
    expect(&folder, &["advisories", "watch", "add", "bill.json", "--index", "fleet"], 0);
    std::fs::write(folder.join("secret"), "key\n").unwrap();
    let (url, thread) = receiver(&["200 OK", "403 No", "503 Away", "200 OK", "200 OK", "200 OK", "200 OK"]);
    let words = [
        "advisories",
        "watch",
        "notify",
        "--url",
        &url,
        "--index",
        "fleet",
        "--secret-file",
        "secret",
        "--attempts",
        "1",
    ];
    // Of five events one is taken, one refused, and then the receiver is away.
    expect(&folder, &words, 2);
    expect(&folder, &words, 1);
    assert_eq!(thread.join().unwrap(), 7);
    expect(&folder, &words, 0);
}

#[test]
fn a_bundle_takes_the_database_to_another_machine_and_a_damaged_one_does_not() {
    let folder = with_database("images-bundle");
    let database = ["advisories", "show", "CVE-2021-23337"];
    let known = expect(&folder, &database, 0);
    expect(&folder, &["advisories", "export", "--bundle", "all.bundle"], 0);
    let away = ["--database", "away.kobukdb"];
    expect(&folder, &["advisories", "update", "--from", "all.bundle", away[0], away[1]], 0);
    assert_eq!(expect(&folder, &[database[0], database[1], database[2], away[0], away[1]], 0), known);
    let mut bytes = std::fs::read(folder.join("all.bundle")).unwrap();
    let last = bytes.len() - 9;
    bytes[last] ^= 1;
    std::fs::write(folder.join("all.bundle"), bytes).unwrap();
    let refused = ["advisories", "update", "--from", "all.bundle", away[0], "other.kobukdb"];
    assert!(complaint(&folder, &refused, 2).contains("damaged"));
    assert!(!folder.join("other.kobukdb").exists());
}

#[test]
fn a_baseline_leaves_what_is_new() {
    let folder = with_database("images-baseline");
    std::fs::write(folder.join("all.json"), scan(&folder, &[], 1).to_string()).unwrap();
    let report = scan(&folder, &["--baseline", "all.json"], 0);
    assert!(codes(&report).is_empty());
    let some = scan(&folder, &["--ignore-unfixed"], 1).to_string();
    std::fs::write(folder.join("some.json"), some).unwrap();
    assert_eq!(properties(&scan(&folder, &["--baseline", "some.json"], 1), "vulnerability"), ["CVE-2023-45853"]);
}

#[test]
fn every_format_can_be_read_and_keeps_the_secrets() {
    let folder = with_database("images-formats");
    for format in FORMATS {
        let words = ["scan", "image", "example.tar", "--format", format];
        let text = expect(&folder, &words, 1);
        assert_eq!(text, expect(&folder, &words, 1), "{format} differs from run to run");
        for secret in secrets() {
            assert!(!text.contains(&secret), "{format} gives a secret away");
        }
        for [name, package, ..] in VULNERABLE {
            assert!(text.contains(name) && text.contains(package), "{format} lacks {name} in {package}");
        }
        readable(format, &text);
    }
    let sarif: Value =
        serde_json::from_str(&expect(&folder, &["scan", "image", "example.tar", "-f", "sarif"], 1)).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 13);
    expect(&folder, &["scan", "image", "example.tar", "-f", "json", "-o", "out.json"], 1);
    let written: Value = serde_json::from_slice(&std::fs::read(folder.join("out.json")).unwrap()).unwrap();
    assert_eq!(written["findings"], scan(&folder, &[], 1)["findings"]);
}

/// Panics unless what the format is for can read it.
fn readable(format: &str, text: &str) {
    match format {
        "json" | "sarif" | "oscal" => {
            serde_json::from_str::<Value>(text).unwrap();
        }
        "openreports" => {
            for document in text.split("\n---\n").filter(|document| !document.trim().is_empty()) {
                assert!(document.contains("openreports.io"), "{document}");
            }
        }
        "junit" => {
            let mut reader = quick_xml::Reader::from_str(text);
            reader.config_mut().check_end_names = true;
            let mut cases = 0;
            loop {
                match reader.read_event().unwrap() {
                    quick_xml::events::Event::Eof => break,
                    quick_xml::events::Event::Start(tag) if tag.name().as_ref() == "testcase" => cases += 1,
                    _ => (),
                }
            }
            assert!(cases >= 12, "{cases}");
        }
        "github" => assert!(text.lines().all(|line| line.starts_with("::")), "{text}"),
        "html" => assert!(text.starts_with("<!") && text.trim_end().ends_with("</html>")),
        "markdown" => assert!(text.contains("| ")),
        _ => assert!(!text.contains('\u{1b}'), "{format} has escape sequences"),
    }
}

#[test]
fn the_database_is_built_told_shown_and_exported() {
    let folder = with_database("images-advisories");
    let status = expect(&folder, &["advisories", "status", "--verify"], 0);
    assert!(status.contains("5 advisories, built 2026-11-23"), "{status}");
    assert!(status.contains("feed: 0 days old"), "{status}");
    let status: Value = serde_json::from_str(&expect(&folder, &["advisories", "status", "-f", "json"], 0)).unwrap();
    assert_eq!(status["advisories"], 5);
    assert_eq!(status["sources"][0]["covers"], serde_json::json!(["Debian:12", "npm", "PyPI"]));
    for what in ["CVE-2021-23337", "GHSA-35jh-r3h4-6jhm", "npm/lodash"] {
        let shown = expect(&folder, &["advisories", "show", what], 0);
        assert!(shown.contains("GHSA-35jh-r3h4-6jhm") && shown.contains("4.17.21"), "{what}: {shown}");
    }
    let talk = complaint(&folder, &["advisories", "show", "npm/left-pad"], 2);
    assert!(talk.contains("npm/left-pad"), "{talk}");
    let lines = expect(&folder, &["advisories", "export"], 0);
    let mut ids: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    assert_eq!(
        ids,
        [
            "DEBIAN-CVE-2023-45853",
            "DEBIAN-CVE-2024-5535",
            "GHSA-35jh-r3h4-6jhm",
            "GHSA-c2qf-rxjj-qqgw",
            "GHSA-h5c8-rqwp-cp95"
        ]
    );
    let built = std::fs::read(folder.join("data/advisories.kobukdb")).unwrap();
    expect(&folder, &["advisories", "build", "feed", "--covers", "feed=Debian:12,npm,PyPI"], 0);
    assert_eq!(built, std::fs::read(folder.join("data/advisories.kobukdb")).unwrap(), "two builds differ");
}

#[test]
fn what_was_exported_builds_a_database_that_finds_the_same() {
    let folder = with_database("images-export");
    let lines = expect(&folder, &["advisories", "export"], 0);
    for (index, line) in lines.lines().enumerate() {
        put(&folder.join(format!("again/{index}.json")), line.as_bytes());
    }
    let words = ["advisories", "build", "again", "--covers", "again=Debian:12,npm,PyPI", "--database", "again.db"];
    expect(&folder, &words, 0);
    let report = scan(&folder, &["--advisories", "again.db"], 1);
    assert_eq!(vulnerabilities(&report), VULNERABLE.map(|row| row.map(str::to_owned)));
}

#[test]
fn knowledge_that_is_old_partial_or_broken_is_never_clean() {
    let folder = with_database("images-stale");
    let later = |words: &[&str]| {
        let mut command = image::command(&folder, words);
        command.env("SOURCE_DATE_EPOCH", (image::NOW + 30 * 86_400).to_string()).output().unwrap()
    };
    let output = later(&["advisories", "status"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stdout).contains("30 days old, stale"));
    let output = later(&["scan", "image", "example.tar", "-f", "json", "--fail-on", "never"]);
    assert_eq!(output.status.code(), Some(2));
    let stale: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(vulnerabilities(&stale).len(), 5, "what is known is told although it is old");
    assert!(gaps(&stale).join("\n").contains("older than 7 days"), "{:?}", gaps(&stale));
    assert!(String::from_utf8_lossy(&output.stderr).contains("30 days old"));
    let output = later(&["scan", "image", "example.tar", "--stale-after", "60", "--fail-on", "never"]);
    assert_eq!(output.status.code(), Some(0));

    expect(&folder, &["advisories", "build", "feed", "--covers", "feed=npm", "--database", "npm.db"], 0);
    let partial = scan(&folder, &["--advisories", "npm.db", "--fail-on", "never"], 2);
    assert!(gaps(&partial).join("\n").contains("Debian"), "{:?}", gaps(&partial));

    let path = folder.join("data/advisories.kobukdb");
    let good = std::fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(good.len() / 19) {
        let mut bad = good.clone();
        bad[at] ^= 0x55;
        std::fs::write(&path, &bad).unwrap();
        let code = kobuk(&folder, &["scan", "image", "example.tar", "--fail-on", "never"]).status.code();
        let verified = kobuk(&folder, &["advisories", "status", "--verify"]).status.code();
        assert!(matches!(code, Some(0 | 2 | 3)) && verified == Some(2), "byte {at}: {code:?} {verified:?}");
        std::fs::write(&path, &good[..at]).unwrap();
        let code = kobuk(&folder, &["scan", "image", "example.tar", "--fail-on", "never"]).status.code();
        assert!(matches!(code, Some(2 | 3)), "cut at {at}: {code:?}");
    }
}

#[test]
fn a_build_that_cannot_read_a_file_keeps_the_database_as_it_was() {
    let folder = with_database("images-build-problems");
    let path = folder.join("data/advisories.kobukdb");
    let before = std::fs::read(&path).unwrap();
    put(&folder.join("feed/broken.json"), b"{\"id\": \"GHSA-1\", \"affected\": 7");
    let talk = complaint(&folder, &["advisories", "build", "feed"], 2);
    assert!(talk.contains("broken.json") && talk.contains("--allow-problems"), "{talk}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    expect(&folder, &["advisories", "build", "feed", "--allow-problems"], 0);
    complaint(&folder, &["advisories", "build", "feed", "--covers", "other=npm"], 3);
    complaint(&folder, &["advisories", "build", "nothing"], 3);
    let talk = complaint(&alone("images-no-status"), &["advisories", "status"], 2);
    assert!(talk.contains("kobuk advisories build"), "{talk}");
}
