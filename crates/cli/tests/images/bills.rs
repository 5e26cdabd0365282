//! `kobuk sbom`, and bills of materials as what is scanned.

use serde_json::Value;

use super::{VULNERABLE, alone, vulnerabilities, with_database};
use crate::image::{complaint, expect, put, report};

const FORMATS: [&str; 5] = ["cyclonedx", "cyclonedx-1.7", "spdx", "spdx-tag", "spdx-3"];

/// What the image holds, in the words of package URLs.
const PURLS: [&str; 6] = [
    "pkg:deb/debian/libc6@2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12&upstream=glibc",
    "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl",
    "pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1?arch=amd64&distro=debian-12&upstream=zlib",
    "pkg:npm/lodash@4.17.20",
    "pkg:npm/semver@7.5.1",
    "pkg:pypi/jinja2@3.1.2",
];

#[test]
fn every_form_of_a_bill_is_valid_the_same_twice_and_names_every_package() {
    let folder = alone("bills-forms");
    for format in FORMATS {
        let bill = expect(&folder, &["sbom", "example.tar", "--format", format], 0);
        assert_eq!(bill, expect(&folder, &["sbom", "example.tar", "--format", format, "--no-cache"], 0), "{format}");
        let file = format!("{format}.bill");
        expect(&folder, &["sbom", "example.tar", "--format", format, "--output", &file], 0);
        assert_eq!(std::fs::read_to_string(folder.join(&file)).unwrap(), bill, "{format}");
        let valid = expect(&folder, &["sbom", "validate", &file], 0);
        assert_eq!(valid, format!("{file}: valid\n"));
        for name in ["libc6", "libssl3", "zlib1g", "lodash", "semver", "jinja2"] {
            assert!(bill.to_lowercase().contains(name), "{format} lacks {name}");
        }
        assert!(!bill.contains("old-tool"), "{format} tells of what was removed");
    }
    let text = expect(&folder, &["sbom", "example.tar", "--format", "text"], 0);
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines.len(), PURLS.len(), "{text}");
    for (line, wanted) in lines.iter().zip(PURLS) {
        assert_eq!(line.split('?').next(), wanted.split('?').next());
    }
}

#[test]
fn a_bill_in_the_place_of_its_image_has_the_same_vulnerabilities() {
    let folder = with_database("bills-scanned");
    for format in FORMATS {
        expect(&folder, &["sbom", "example.tar", "--format", format, "--output", "bill"], 0);
        let words = ["scan", "image", "sbom:bill", "--look-for", "vulnerabilities"];
        let report = report(&folder, &words, 1);
        // Package URLs write the names of Python's packages in lower case.
        let found: Vec<_> =
            vulnerabilities(&report).into_iter().map(|row| row.map(|word| word.to_lowercase())).collect();
        assert_eq!(found, VULNERABLE.map(|row| row.map(|word| word.to_lowercase())), "{format}");
    }
}

#[test]
fn two_bills_are_told_apart() {
    let folder = alone("bills-diff");
    for (name, versions) in
        [("old", [("one", "1.0.0"), ("two", "2.0.0")]), ("new", [("two", "2.1.0"), ("three", "3.0.0")])]
    {
        for (package, version) in versions {
            let text = format!("{{\"name\": \"{package}\", \"version\": \"{version}\"}}");
            put(&folder.join(name).join(format!("usr/lib/node_modules/{package}/package.json")), text.as_bytes());
        }
        put(&folder.join(name).join("etc/os-release"), b"ID=debian\nVERSION_ID=12\n");
        expect(&folder, &["sbom", name, "--output", &format!("{name}.json")], 0);
        expect(&folder, &["sbom", name, "--format", "spdx", "--output", &format!("{name}.spdx")], 0);
    }
    let text = expect(&folder, &["sbom", "diff", "old.json", "new.json"], 1);
    for line in ["- pkg:npm/one@1.0.0", "+ pkg:npm/three@3.0.0", "2.0.0 -> 2.1.0", "1 added, 1 removed, 1 changed"] {
        assert!(text.contains(line), "{text}");
    }
    let json: Value =
        serde_json::from_str(&expect(&folder, &["sbom", "diff", "old.spdx", "new.json", "-f", "json"], 1)).unwrap();
    assert_eq!(json["added"], serde_json::json!(["pkg:npm/three@3.0.0"]));
    assert_eq!(json["removed"], serde_json::json!(["pkg:npm/one@1.0.0"]));
    assert_eq!(json["changed"][0]["after"], serde_json::json!(["2.1.0"]));
    expect(&folder, &["sbom", "diff", "old.json", "old.spdx"], 0);
    complaint(&folder, &["sbom", "diff", "old.json", "missing.json"], 2);
}

#[test]
fn what_is_no_bill_is_refused_with_the_place_of_the_fault() {
    let folder = alone("bills-refused");
    let bill = expect(&folder, &["sbom", "example.tar"], 0);
    put(
        &folder.join("bad.json"),
        bill.replacen("\"type\": \"library\"", "\"type\": \"liberty\"", 1)
            .replacen("\"type\":\"library\"", "\"type\":\"liberty\"", 1)
            .as_bytes(),
    );
    let told = expect(&folder, &["sbom", "validate", "bad.json"], 1);
    assert!(told.starts_with("bad.json:") && told.contains("liberty") || told.contains("type"), "{told}");
    put(&folder.join("cut.json"), &bill.as_bytes()[..bill.len() / 2]);
    expect(&folder, &["sbom", "validate", "cut.json"], 1);
    complaint(&folder, &["sbom", "validate", "missing.json"], 2);
    report(&folder, &["scan", "image", "sbom:cut.json"], 2);
    complaint(&folder, &["sbom", "missing.tar"], 2);
    complaint(&folder, &["sbom"], 3);
}
