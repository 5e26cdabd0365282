//! Images made to fool or to fell a scanner: each is refused or told, the rest is still found, and nothing is written
//! outside the cache.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "door/binary.rs"]
#[allow(dead_code)]
mod binary;
#[path = "hostile_images/content.rs"]
mod content;
#[path = "door/image.rs"]
#[allow(dead_code)]
mod image;
#[path = "hostile_images/manifests.rs"]
mod manifests;
#[path = "hostile_images/names.rs"]
mod names;
#[path = "hostile_images/packed.rs"]
mod packed;
#[path = "hostile_images/words.rs"]
mod words;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::image::{Image, Layer, Tar, advisories, kobuk, listing, properties};

const OPENSSL: &str = r#"{"schema_version":"1.6.0","id":"DEBIAN-CVE-2024-5535","upstream":["CVE-2024-5535"],"summary":"reads past a buffer",
  "modified":"2024-11-01T00:00:00Z","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:H"}],
  "affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},
  "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"3.0.15-1~deb12u1"}]}]}]}"#;

const LODASH: &str = r#"{"schema_version":"1.6.0","id":"GHSA-35jh-r3h4-6jhm","aliases":["CVE-2021-23337"],"summary":"runs commands",
  "modified":"2024-04-17T00:00:00Z","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H"}],
  "affected":[{"package":{"ecosystem":"npm","name":"lodash"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"4.17.21"}]}]}]}"#;

const OS_RELEASE: &str = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";

const STATUS: &str = "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl\nVersion: 3.0.11-1~deb12u2\nDescription: x\n\n";

const LODASH_JSON: &str = r#"{"name": "lodash", "version": "4.17.20"}"#;

const LODASH_PATH: &str = "app/node_modules/lodash/package.json";

/// A folder with a database of two advisories.
fn folder(name: &str) -> PathBuf {
    let folder = binary::folder(name);
    advisories(&folder, &[("a.json", OPENSSL), ("b.json", LODASH)], "Debian:12,npm");
    folder
}

/// A Debian with one vulnerable package.
fn base() -> Tar {
    Tar::default().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", STATUS)
}

/// A layer with one vulnerable package of npm.
fn lodash() -> Tar {
    Tar::default().file(LODASH_PATH, LODASH_JSON)
}

/// What a scan of hostile input came to.
struct Outcome {
    code: i32,
    report: Value,
    talk: String,
}

impl Outcome {
    /// Names of vulnerabilities.
    fn names(&self) -> Vec<String> {
        properties(&self.report, "vulnerability")
    }

    /// Everything that it says.
    fn says(&self) -> String {
        format!("{}\n{}", self.report, self.talk)
    }
}

/// Scans an image and makes sure that nothing was written outside the cache and that no panic came.
fn scan(folder: &Path, image: &Image) -> Outcome {
    let _ = std::fs::remove_dir_all(folder.join("layout"));
    image.write(&folder.join("layout"));
    let before = outside(folder);
    let output = kobuk(folder, &["scan", "image", "oci:layout", "--format", "json"]);
    assert_eq!(outside(folder), before, "something was written outside the cache");
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!talk.contains("panicked"), "{talk}");
    let code = output.status.code().unwrap_or_else(|| panic!("ended by a signal: {talk}"));
    let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    assert!(matches!(code, 0..=3), "{code}: {talk}");
    Outcome { code, report, talk }
}

/// All files but those of the cache, here and beside the folder.
fn outside(folder: &Path) -> Vec<String> {
    let mut all = listing(folder);
    all.retain(|path| !path.starts_with("cache/"));
    for name in ["evil", "evil.txt", "escaped"] {
        let beside =
            [folder.parent().unwrap().join(name), PathBuf::from("/tmp").join(name), PathBuf::from("/").join(name)];
        all.extend(beside.iter().filter(|path| path.symlink_metadata().is_ok()).map(|path| path.display().to_string()));
    }
    all
}

/// Scans a base with one layer on it.
fn above_base(folder: &Path, layer: Layer) -> Outcome {
    scan(folder, &Image::of(vec![base().layer(), layer]))
}

#[test]
fn the_honest_image_of_these_tests_has_two_vulnerabilities() {
    let folder = folder("hostile-honest");
    let outcome = above_base(&folder, lodash().layer());
    assert_eq!(outcome.code, 1, "{}", outcome.says());
    assert_eq!(outcome.names(), ["CVE-2021-23337", "CVE-2024-5535"]);
    assert!(image::gaps(&outcome.report).is_empty());
}
