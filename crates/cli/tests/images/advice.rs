//! What to upgrade, drafts of statements, how old the knowledge is, and that nothing found is never clean.

use serde_json::Value;

use super::{FORMATS, scan, vulnerabilities, with_database};
use crate::image::{Image, Layer, Tar, advisories, complaint, expect, gaps, report};

/// Package, version to go to, and where.
fn upgrades(report: &Value) -> Vec<[String; 3]> {
    let all = report["upgrades"].as_array().unwrap();
    all.iter().map(|one| ["package", "to", "by"].map(|name| one[name].as_str().unwrap().to_owned())).collect()
}

#[test]
fn every_fixed_vulnerability_has_its_upgrade_and_the_base_image_has_its_own() {
    let folder = with_database("advice-upgrades");
    let wanted = [
        ["libssl3", "3.0.15-1~deb12u1", "base-image"],
        ["lodash", "4.17.21", "package"],
        ["semver", "7.5.2", "package"],
        ["Jinja2", "3.1.3", "package"],
    ];
    let mut wanted = wanted.map(|row| row.map(str::to_owned)).to_vec();
    wanted.sort();
    let found = |more: &[&str]| {
        let mut found = upgrades(&scan(&folder, more, 1));
        found.sort();
        found
    };
    assert_eq!(found(&[]), wanted);
    // The whole image as its own base: nothing is left to do in it.
    assert!(found(&["--base", "example.tar"]).iter().all(|row| row[2] == "base-image"));
    Image::of(vec![Tar::default().file("a", "b").layer()]).write(&folder.join("other"));
    Image::of(vec![Tar::default().file("a", "b").layer(), Tar::default().file("c", "d").layer()])
        .write(&folder.join("two"));
    let words = ["scan", "image", "oci:other", "--base", "oci:two", "--look-for", "hardening", "--fail-on", "never"];
    assert!(gaps(&report(&folder, &words, 0)).join("\n").contains("of the 2 layers"));
    let other = scan(&folder, &["--base", "oci:other"], 1);
    assert!(gaps(&other).join("\n").contains("no layer in common"), "{:?}", gaps(&other));
    assert!(complaint(&folder, &["scan", "image", "example.tar", "--base", "missing.tar"], 3).contains("--base"));
    // What a statement calls fixed needs no upgrade, and all forms tell what does.
    let text = expect(&folder, &["scan", "image", "example.tar"], 1);
    assert!(
        text.contains("libssl3 3.0.11-1~deb12u2 → 3.0.15-1~deb12u1: clears 1 finding; by a newer base image"),
        "{text}"
    );
    for format in ["html", "markdown"] {
        let text = expect(&folder, &["scan", "image", "example.tar", "--format", format], 1);
        assert!(text.contains("a newer base image") && text.contains("4.17.21"), "{format}");
    }
}

#[test]
fn drafts_of_statements_are_taken_back_and_leave_out_what_was_answered() {
    let folder = with_database("advice-drafts");
    for file in ["draft.json", "draft.cdx.json"] {
        scan(&folder, &["--vex-draft", file], 1);
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        for name in ["CVE-2021-23337", "CVE-2023-45853", "CVE-2024-5535"] {
            assert!(text.contains(name), "{file} lacks {name}");
        }
        // Taken back as it is, it says that all are under investigation and changes no severity.
        let with = scan(&folder, &["--vex", file], 1);
        assert_eq!(vulnerabilities(&with), vulnerabilities(&scan(&folder, &[], 1)));
        let says = crate::image::properties(&with, "vex");
        assert_eq!(says.len(), 5, "{says:?}");
        assert!(says.iter().all(|says| says.starts_with("under investigation")), "{says:?}");
        // With an answer in it, the finding counts no more.
        let answered = match file {
            "draft.json" => text.replace("under_investigation", "fixed"),
            _ => text.replace("in_triage", "resolved"),
        };
        std::fs::write(folder.join(file), answered).unwrap();
        let report = scan(&folder, &["--vex", file, "--look-for", "vulnerabilities", "--vex-draft", "rest.json"], 0);
        assert!(upgrades(&report).is_empty());
        let rest: Value = serde_json::from_slice(&std::fs::read(folder.join("rest.json")).unwrap()).unwrap();
        assert_eq!(rest["statements"].as_array().unwrap().len(), 0);
    }
    let words = ["scan", "image", "example.tar", "example.tar", "--vex-draft", "draft.json"];
    assert!(complaint(&folder, &words, 3).contains("one image"));
    let words = ["scan", "image", "example.tar", "--vex-draft", "missing/draft.json"];
    assert!(complaint(&folder, &words, 3).contains("missing/draft.json"));
}

#[test]
fn every_form_for_people_tells_how_old_the_advisories_are() {
    let folder = with_database("advice-age");
    let report = scan(&folder, &[], 1);
    assert_eq!(report["advisories"][0]["source"], "feed");
    assert_eq!((&report["advisories"][0]["ageSeconds"], &report["advisories"][0]["stale"]), (&0.into(), &false.into()));
    for format in FORMATS.into_iter().filter(|format| ["text", "html", "markdown"].contains(format)) {
        let text = expect(&folder, &["scan", "image", "example.tar", "--format", format], 1);
        assert!(text.contains("0 days"), "{format}");
    }
    let stale = scan(&folder, &["--look-for", "secrets"], 1);
    assert!(stale["advisories"].as_array().unwrap().is_empty());
}

#[test]
fn a_check_that_matches_nothing_is_an_error_and_not_a_clean_scan() {
    let folder = with_database("advice-checks");
    for (flag, pattern, hint) in [
        ("--check", "zzz*", "kobuk explain"),
        ("--check", "vulnerable-packages", "kobuk explain"),
        ("--skip", "zzz*", "kobuk explain"),
        ("--check", "pod-security-privileged", "manifests"),
    ] {
        let talk = complaint(&folder, &["scan", "image", "example.tar", flag, pattern], 3);
        assert!(talk.contains(hint) && talk.contains(pattern), "{talk}");
    }
}

fn image(folder: &std::path::Path, layer: Tar) -> Value {
    let _ = std::fs::remove_dir_all(folder.join("made"));
    Image::of(vec![layer.layer()] as Vec<Layer>).write(&folder.join("made"));
    report(folder, &["scan", "image", "oci:made", "--fail-on", "never", "--allow-unknown"], 0)
}

#[test]
fn nothing_found_is_unknown_and_an_application_alone_is_not() {
    let folder = with_database("advice-nothing");
    advisories(&folder, &[], "Debian:12,npm,PyPI");
    let app = || Tar::default().file("app/node_modules/left/package.json", r#"{"name": "left", "version": "3.0.0"}"#);
    let executable = |tar: Tar, name: &str| {
        let mut header = [0u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000755");
        header[108..115].copy_from_slice(b"0000000");
        header[116..123].copy_from_slice(b"0000000");
        header[124..135].copy_from_slice(b"00000000001");
        header[136..147].copy_from_slice(b"00000000000");
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        tar.sealed(header, b"x")
    };
    let debian = "ID=debian\nVERSION_ID=\"12\"\n";
    let told = |tar: Tar| gaps(&image(&folder, tar)).join("\n");
    assert!(told(Tar::default().file("data", "x")).contains("no packages were found"));
    assert_eq!(told(app()), "");
    assert!(told(executable(app(), "bin/sh")).contains("`bin/sh` belongs to an operating system"));
    assert!(told(executable(app(), "lib/ld-musl-x86_64.so.1")).contains("belongs to an operating system"));
    assert!(told(app().file("etc/os-release", debian)).contains("no package database"));
    // The same of folders and bills.
    crate::image::put(&folder.join("root/etc/os-release"), debian.as_bytes());
    let root = report(&folder, &["scan", "fs", "root"], 2);
    assert!(gaps(&root).join("\n").contains("no package database"), "{:?}", gaps(&root));
    std::fs::create_dir_all(folder.join("empty")).unwrap();
    report(&folder, &["scan", "fs", "empty"], 2);
    let bill = r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": []}"#;
    crate::image::put(&folder.join("empty.cdx.json"), bill.as_bytes());
    let bill = report(&folder, &["scan", "image", "sbom:empty.cdx.json"], 2);
    assert!(gaps(&bill).join("\n").contains("no packages"), "{:?}", gaps(&bill));
}

#[test]
fn an_upgrade_goes_to_a_version_that_is_not_affected_in_its_own_branch() {
    let folder = with_database("advice-branches");
    let record = |id: &str, events: &str| {
        format!(
            r#"{{"id": "{id}", "modified": "2026-11-23T00:00:00Z", "affected": [{{"package": {{"ecosystem": "npm", "name": "p"}},
            "ranges": [{{"type": "SEMVER", "events": [{events}]}}]}}]}}"#
        )
    };
    let one =
        record("CVE-2026-1", r#"{"introduced": "0"}, {"fixed": "1.2.5"}, {"introduced": "1.3.0"}, {"fixed": "1.3.4"}"#);
    let two = record("CVE-2026-2", r#"{"introduced": "0"}, {"fixed": "1.3.1"}"#);
    let three = record("CVE-2026-3", r#"{"introduced": "1.3.1"}, {"fixed": "1.3.6"}"#);
    let four = record("CVE-2026-4", r#"{"introduced": "0"}"#);
    let files = [("1.json", &*one), ("2.json", &*two), ("3.json", &*three), ("4.json", &*four)];
    advisories(&folder, &files, "Debian:12,npm,PyPI");
    let lock = r#"{"lockfileVersion": 3, "packages": {"": {}, "node_modules/p": {"version": "1.2.0"}}}"#;
    crate::image::put(&folder.join("src/package-lock.json"), lock.as_bytes());
    let found = report(&folder, &["scan", "repo", "src"], 1);
    let upgrade = &found["upgrades"][0];
    assert_eq!(upgrade["to"], "1.3.6", "{upgrade}");
    assert_eq!(upgrade["clears"], serde_json::json!(["CVE-2026-1", "CVE-2026-2"]));
    assert_eq!(upgrade["stays"], serde_json::json!(["CVE-2026-4"]));
}

#[test]
fn what_is_excepted_or_left_out_needs_no_upgrade_and_exceptions_may_name_aliases() {
    let folder = with_database("advice-excepted");
    assert_eq!(upgrades(&scan(&folder, &["--skip", "vulnerable-package"], 1)).len(), 0);
    super::exception(&folder, "GHSA-35jh-r3h4-6jhm", "2027-01-01");
    let report = scan(&folder, &["--exceptions", "exceptions"], 1);
    assert_eq!(report["excepted"].as_array().unwrap().len(), 1);
    assert!(upgrades(&report).iter().all(|row| row[0] != "lodash"), "{:?}", upgrades(&report));
    assert_eq!(upgrades(&report).len(), 3);
}

#[test]
fn a_bill_that_may_lack_packages_says_so_and_is_not_clean() {
    let folder = with_database("advice-incomplete");
    let status = "Package: a\nStatus: install ok installed\nVersion: 1\n";
    let broken = Tar::default()
        .file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n")
        .file("var/lib/dpkg/status", status)
        .file("app/node_modules/left/package.json", "{broken");
    Image::of(vec![broken.layer()]).write(&folder.join("made"));
    expect(&folder, &["sbom", "oci:made", "-q", "-o", "bill.cdx.json"], 2);
    let bill: Value = serde_json::from_slice(&std::fs::read(folder.join("bill.cdx.json")).unwrap()).unwrap();
    assert_eq!(bill["compositions"][0]["aggregate"], "incomplete");
    assert_eq!(expect(&folder, &["sbom", "validate", "bill.cdx.json"], 0), "bill.cdx.json: valid\n");
    let report = report(&folder, &["scan", "image", "sbom:bill.cdx.json"], 2);
    assert!(gaps(&report).join("\n").contains("incomplete"), "{:?}", gaps(&report));
}

#[test]
fn a_stranger_s_bill_without_source_packages_is_unknown() {
    let folder = with_database("advice-sourceless");
    let bill = |tool: &str| {
        format!(
            r#"{{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "metadata": {{"tools": {{"components": [
            {{"type": "application", "name": "{tool}", "version": "1"}}]}}}}, "components": [
            {{"type": "operating-system", "name": "debian", "version": "12"}},
            {{"type": "library", "name": "tzdata", "version": "1", "purl": "pkg:deb/debian/tzdata@1?distro=debian-12"}}]}}"#
        )
    };
    for (tool, code) in [("someone", 2), ("syft", 0)] {
        crate::image::put(&folder.join("bill.json"), bill(tool).as_bytes());
        let report = report(&folder, &["scan", "image", "sbom:bill.json", "--look-for", "vulnerabilities"], code);
        assert_eq!(gaps(&report).join("\n").contains("no source packages"), code == 2, "{:?}", gaps(&report));
    }
}
