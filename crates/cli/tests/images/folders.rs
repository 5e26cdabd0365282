//! `kobuk scan fs` and `kobuk scan repo`.

use std::path::Path;

use serde_json::Value;

use super::{VULNERABLE, codes, example, secrets, vulnerabilities, with_database};
use crate::image::{expect, gaps, properties, put, report};

fn copy(from: &Path, to: &Path) {
    for name in crate::image::listing(from) {
        put(&to.join(&name), &std::fs::read(from.join(&name)).unwrap());
    }
}

fn placed<'a>(report: &'a Value, code: &str) -> Vec<(&'a str, u64)> {
    let findings = report["findings"].as_array().unwrap();
    let of = findings.iter().filter(|finding| finding["code"] == code);
    of.map(|finding| {
        let location = &finding["location"];
        (location["file"].as_str().unwrap(), location["line"].as_u64().unwrap())
    })
    .collect()
}

#[test]
fn a_root_file_system_has_the_vulnerabilities_of_the_image_it_came_from() {
    let folder = with_database("folders-root");
    for layer in ["layers/0-base", "layers/1-app"] {
        copy(&example().join(layer), &folder.join("root"));
    }
    let report = report(&folder, &["scan", "fs", "root"], 1);
    assert_eq!(vulnerabilities(&report), VULNERABLE.map(|row| row.map(str::to_owned)));
    assert!(gaps(&report).is_empty(), "{:?}", gaps(&report));
    assert_eq!(placed(&report, "image-secret"), [("root/app/settings.env", 2)]);
}

#[test]
fn a_source_tree_is_told_with_secrets_by_line_containerfiles_and_lock_files() {
    let folder = with_database("folders-source");
    let token = ["ghp_", "x7Kq2mVb9TzR4wLc6NsY1dHf8GjP3aUe5QoI"].concat();
    put(&folder.join("src/deploy.sh"), format!("#!/bin/sh\nset -e\nexport GITHUB_TOKEN={token}\n").as_bytes());
    put(&folder.join("src/Containerfile"), b"FROM debian\nRUN curl http://example.org/x | sh\nUSER root\n");
    put(&folder.join("src/deep/er/Dockerfile"), b"FROM debian:12\nADD https://example.org/a.tar /a\nUSER 1000\n");
    let lock = r#"{"name":"app","version":"1.0.0","lockfileVersion":3,"packages":{
        "":{"name":"app","version":"1.0.0","dependencies":{"lodash":"^4.17.0"}},
        "node_modules/lodash":{"version":"4.17.20","resolved":"https://registry.example/lodash.tgz"}}}"#;
    put(&folder.join("src/package-lock.json"), lock.as_bytes());
    put(&folder.join("src/requirements.txt"), b"Jinja2==3.1.2\n");
    let report = report(&folder, &["scan", "repo", "src"], 1);
    assert_eq!(properties(&report, "vulnerability"), ["CVE-2021-23337", "CVE-2024-22195"]);
    assert_eq!(placed(&report, "source-secret"), [("src/deploy.sh", 3)]);
    let found = codes(&report);
    let of = |file: &str| {
        let findings = report["findings"].as_array().unwrap();
        let here = findings.iter().filter(|finding| finding["location"]["file"] == file);
        here.map(|finding| (finding["code"].as_str().unwrap(), finding["location"]["line"].as_u64().unwrap()))
            .collect::<Vec<_>>()
    };
    assert!(of("src/Containerfile").iter().any(|(_, line)| *line == 1), "{found:?}");
    assert!(of("src/Containerfile").iter().any(|(_, line)| *line == 3), "{found:?}");
    assert!(of("src/deep/er/Dockerfile").iter().any(|(_, line)| *line == 2), "{found:?}");
    for format in super::FORMATS {
        let text = expect(&folder, &["scan", "repo", "src", "--format", format], 1);
        assert!(!text.contains(&token), "{format} gives the token away");
    }
}

#[test]
fn the_source_of_the_example_image_gives_the_secret_of_its_containerfile() {
    let folder = with_database("folders-example");
    copy(&example(), &folder.join("src"));
    let report = report(&folder, &["scan", "repo", "src", "--look-for", "secrets,hardening"], 1);
    let found = codes(&report);
    assert!(found.iter().any(|code| code.contains("secret")), "{found:?}");
    let text = report.to_string();
    for secret in secrets() {
        assert!(!text.contains(&secret));
    }
}

#[test]
fn a_clean_tree_ends_with_0_and_a_missing_one_with_2() {
    let folder = with_database("folders-clean");
    put(&folder.join("src/main.c"), b"int main(void) { return 0; }\n");
    // Nothing found is not the same as nothing there.
    let report = report(&folder, &["scan", "repo", "src"], 2);
    assert!(gaps(&report).join("\n").contains("no lock file"), "{:?}", gaps(&report));
    expect(&folder, &["scan", "fs", "src"], 2);
    expect(&folder, &["scan", "repo", "src", "--look-for", "secrets,hardening"], 0);
    put(&folder.join("src/package-lock.json"), PACKAGE_LOCK);
    expect(&folder, &["scan", "repo", "src"], 0);
    expect(&folder, &["scan", "repo", "missing"], 2);
    expect(&folder, &["scan", "fs", "missing"], 2);
}

#[cfg(unix)]
#[test]
fn links_and_pipes_of_a_tree_are_never_followed_or_waited_for() {
    let folder = with_database("folders-links");
    put(&folder.join("outside/settings.env"), format!("DB_PASSWORD={}\n", secrets()[0]).as_bytes());
    put(&folder.join("src/main.c"), b"int main(void) { return 0; }\n");
    std::os::unix::fs::symlink("../outside", folder.join("src/link")).unwrap();
    std::os::unix::fs::symlink("../outside/settings.env", folder.join("src/file.env")).unwrap();
    std::os::unix::fs::symlink(".", folder.join("src/loop")).unwrap();
    let scanned = |exit| report(&folder, &["scan", "repo", "src", "--look-for", "secrets,hardening"], exit);
    assert!(codes(&scanned(0)).is_empty(), "{:?}", codes(&scanned(0)));
    let made = std::process::Command::new("mkfifo").arg(folder.join("src/Containerfile")).status();
    if made.is_ok_and(|status| status.success()) {
        let report = scanned(2);
        assert!(codes(&report).is_empty(), "{:?}", codes(&report));
        assert!(gaps(&report).join("\n").contains("Containerfile"), "{:?}", gaps(&report));
    }
}

const PACKAGE_LOCK: &[u8] = br#"{
  "name": "app", "version": "1.0.0", "lockfileVersion": 3,
  "packages": {"": {"name": "app", "version": "1.0.0"}, "node_modules/left": {"version": "3.0.0"}}
}"#;
