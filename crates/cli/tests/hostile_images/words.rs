//! Words of an image that would act in the place where they are shown, and secrets that must not be shown at all.

use serde_json::json;

use super::{OS_RELEASE, folder};
use crate::image::{Image, Tar, advisories, kobuk, put};

const FORMATS: [&str; 9] = ["text", "json", "sarif", "junit", "markdown", "github", "html", "openreports", "oscal"];

const EVIL: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}<script>alert(1)</script>|`\u{202e}\r\n::error::x";

#[test]
fn names_of_packages_and_words_of_the_configuration_act_nowhere() {
    let folder = folder("hostile-words");
    let name = "a<script>alert(1)</script>\u{1b}[31m";
    let advisory = json!({
        "schema_version": "1.6.0", "id": "CVE-2026-0001", "modified": "2026-01-01T00:00:00Z", "summary": EVIL, "details": EVIL,
        "references": [{"type": "WEB", "url": "javascript:alert(1)"}, {"type": "WEB", "url": EVIL}],
        "affected": [{"package": {"ecosystem": "npm", "name": name}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}],
    });
    advisories(&folder, &[("evil.json", &advisory.to_string())], "npm,Debian:12");
    let package = json!({ "name": name, "version": "1.0.0", "license": EVIL, "author": EVIL });
    let tar = Tar::default()
        .file("etc/os-release", format!("{OS_RELEASE}NAME=\"{}\"\n", EVIL.replace('\n', " ")))
        .file(
            "var/lib/dpkg/status",
            format!("Package: {}\nStatus: install ok installed\nVersion: 1\n\n", EVIL.replace(['\r', '\n'], "")),
        )
        .file("app/node_modules/x/package.json", package.to_string())
        .file("bin/\u{1b}[31m<img src=x>/sh", "x");
    let config = json!({
        "User": EVIL, "Env": [EVIL, format!("{EVIL}={EVIL}")], "Labels": {EVIL: EVIL}, "ExposedPorts": {EVIL: {}, "22/tcp": {}},
    });
    Image { config, ..Image::of(vec![tar.layer()]) }.write(&folder.join("layout"));
    for format in FORMATS {
        let output = kobuk(&folder, &["scan", "image", "oci:layout", "--format", format, "--color", "never"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("CVE-2026-0001"), "{format}: {text}");
        for bad in ['\u{1b}', '\u{7}', '\u{202e}'] {
            assert!(!text.contains(bad), "{format} prints {bad:?}");
            assert!(!String::from_utf8_lossy(&output.stderr).contains(bad), "standard error has {bad:?}");
        }
        if matches!(format, "html" | "markdown" | "junit") {
            assert!(!text.contains("<script>alert"), "{format}");
            assert!(!text.contains("<img src=x>"), "{format}");
            assert!(!text.contains("href=\"javascript:"), "{format}");
        }
        if format == "github" {
            assert!(text.lines().all(|line| !line.starts_with("::error::x")), "{text}");
        }
    }
    for words in [&["sbom", "oci:layout", "--format", "text"][..], &["advisories", "show", "CVE-2026-0001"]] {
        let output = kobuk(&folder, words);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{words:?}: {text:?}");
    }
    for format in ["cyclonedx", "spdx", "spdx-tag", "spdx-3"] {
        let output = kobuk(&folder, &["sbom", "oci:layout", "--format", format, "--output", "bill"]);
        assert_eq!(output.status.code(), Some(0), "{format}");
        let valid = kobuk(&folder, &["sbom", "validate", "bill"]);
        assert_eq!(valid.status.code(), Some(0), "{format}: {}", String::from_utf8_lossy(&valid.stdout));
    }
}

#[test]
fn no_secret_of_an_image_or_tree_comes_out_in_any_format() {
    let folder = folder("hostile-canaries");
    let mut canaries: Vec<String> = Vec::new();
    let mut canary = |head: &str, body: &str| {
        let value = [head, body].concat();
        canaries.push(value.clone());
        value
    };
    let env = canary("Env-canary-", "7Qx2pLw9Rt");
    let label = canary("Label4canary", "9Zr3tKd8wQ");
    let history = canary("Hist5canary", "1Hy6uMj9kP");
    let file = canary("File6canary", "4Gf7dVb2nX");
    let token = canary("ghp_", "x7Kq2mVb9TzR4wLc6NsY1dHf8GjP3aUe5QoI");
    let aws = canary("AKIA", "Q7ZX2MWN5RTYKLPC");
    let key = canary("MIIEpAIBAAKCAQEAx7Kq2mVb9TzR", "4wLc6NsY1dHf8GjP3aUe5QoIq2mVb9Tz");
    let dsn = canary("Dsn7canary", "8Ws4eKq2mV");
    let build = canary("Build8canary", "3Tz9RwLc6N");
    let gone = canary("Gone9canary", "5UePaGjHf8");
    let pem = format!("-----BEGIN RSA {}-----\n{key}\n-----END RSA PRIVATE KEY-----\n", "PRIVATE KEY");
    let lower = Tar::default()
        .file("etc/os-release", OS_RELEASE)
        .file("var/lib/dpkg/status", super::STATUS)
        .file("app/.env", format!("DB_PASSWORD={file}\nDATABASE_URL=postgres://app:{dsn}@db.example/app\n"))
        .file("app/deploy.sh", format!("export GITHUB_TOKEN={token}\nexport AWS_ACCESS_KEY_ID={aws}\n"))
        .file("root/.ssh/id_rsa", &pem)
        .file("app/old.env", format!("API_PASSWORD={gone}\n"));
    let upper = Tar::default().file("app/.wh.old.env", "");
    let config = json!({
        "User": "", "Env": [format!("API_TOKEN={env}")], "Labels": {"registry_password": label},
        "Cmd": ["run", format!("--password={history}")],
    });
    Image { config, ..Image::of(vec![lower.layer(), upper.layer()]) }.write(&folder.join("layout"));
    put(
        &folder.join("src/Dockerfile"),
        format!("FROM debian:12\nENV API_TOKEN={env}\nARG NPM_TOKEN={build}\nUSER 10\n").as_bytes(),
    );
    put(
        &folder.join("src/.env"),
        format!("DB_PASSWORD={file}\nDATABASE_URL=postgres://app:{dsn}@db.example/app\n").as_bytes(),
    );
    put(&folder.join("src/id_rsa"), pem.as_bytes());
    put(
        &folder.join("src/deploy.sh"),
        format!("export GITHUB_TOKEN={token}\nexport AWS_ACCESS_KEY_ID={aws}\n").as_bytes(),
    );
    for verb in [&["scan", "image", "oci:layout"][..], &["scan", "repo", "src"], &["scan", "fs", "src"]] {
        for format in FORMATS {
            let output = kobuk(&folder, &[verb, &["--format", format]].concat());
            let text =
                [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
            for canary in &canaries {
                assert!(!text.contains(canary.as_str()), "{verb:?} as {format} gives {canary} away");
            }
        }
        let report = crate::image::report(&folder, &[verb, &["--look-for", "secrets"]].concat(), 1);
        assert!(report["findings"].as_array().unwrap().len() >= 4, "{verb:?}: {report}");
    }
    // What is kept of the layers does not hold them either.
    for entry in crate::image::listing(&folder.join("cache")) {
        let bytes = std::fs::read(folder.join("cache").join(&entry)).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for canary in &canaries {
            assert!(!text.contains(canary.as_str()), "the cache holds {canary}");
        }
    }
}
