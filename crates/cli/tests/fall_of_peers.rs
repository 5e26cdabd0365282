//! The inputs that felled other engines, and the policy packs, each with its table of tests.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use manifest::schema::{self, Expect, Leaf, Shape, TypeRef};

#[path = "door/binary.rs"]
mod binary;

use binary::{code, kobuk, stdout};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn peers(folder: &str) -> PathBuf {
    root().join("tests/fall-of-peers").join(folder)
}

/// A fresh file in the folder that tests may write to.
fn written(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn what_felled_the_peers_does_not_fell_us() {
    let output = kobuk(&["policy", "test", peers("").to_str().unwrap()]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    assert!(stdout(&output).contains(", 0 failed"), "{}", stdout(&output));
}

#[test]
fn every_pack_passes_its_tests() {
    let output = kobuk(&["policy", "test", root().join("policies").to_str().unwrap()]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
}

#[test]
fn every_folder_has_a_story_and_is_tested() {
    let tested_here = ["CVE-2019-11253", "CVE-2023-33191", "CVE-2024-3177", "GHSA-gg4x-fgg2-h9w9"];
    for entry in std::fs::read_dir(peers("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(path.join("README.md").is_file(), "{name} has no README.md");
        assert!(path.join("tests.yaml").is_file() || tested_here.contains(&&*name), "{name} has no tests.yaml");
    }
}

/// CVE-2024-3177: every path by which the schema lets a pod reach a Secret is seen by the policy.
#[test]
fn every_path_to_a_secret_is_seen() {
    let mut paths = Vec::new();
    walk(schema::pod_spec().unwrap(), &mut Vec::new(), &mut paths);
    assert!(paths.len() >= 18, "{paths:?}");
    for path in &paths {
        let mut spec = String::from("\"forbidden\"");
        for (name, list) in path.iter().rev() {
            spec = if *list { format!("{{\"{name}\": [{spec}]}}") } else { format!("{{\"{name}\": {spec}}}") };
        }
        let pod = format!(
            "{{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {{\"name\": \"p\", \"namespace\": \"shop\"}}, \
             \"spec\": {spec}}}"
        );
        let file = written("secret-path.json", &pod);
        let policy = peers("CVE-2024-3177/policy.yaml");
        let output = kobuk(&["policy", "eval", file.to_str().unwrap(), "--policy", policy.to_str().unwrap()]);
        assert_eq!(code(&output), 1, "{path:?}: {}", stdout(&output));
        assert!(stdout(&output).contains("Secrets of others: forbidden"), "{path:?}: {}", stdout(&output));
    }
}

type Step = (&'static str, bool);

/// Collects the paths of fields that name a Secret, with whether each step is a list.
fn walk(of: TypeRef, path: &mut Vec<Step>, found: &mut Vec<Vec<Step>>) {
    for name in of.fields() {
        let Some(shape) = of.field(name) else { continue };
        let (leaf, list) = innermost(shape);
        path.push((name, list));
        let about_secrets = path.iter().any(|(name, _)| name.to_lowercase().contains("secret"));
        match leaf {
            Leaf::Fields(inner) if path.len() < 8 => walk(inner, path, found),
            // `items` of a Secret volume, keys and namespaces name no other Secret.
            Leaf::String if about_secrets && matches!(name, "name" | "secretName") => found.push(path.clone()),
            _ => {}
        }
        path.pop();
    }
}

fn innermost(shape: Shape) -> (Leaf, bool) {
    match shape.expect() {
        Expect::List(inner) => (innermost(inner).0, true),
        Expect::Map(inner) | Expect::Maybe(inner) => innermost(inner),
        Expect::Leaf(leaf) => (leaf, false),
    }
}

/// CVE-2019-11253: large and deep objects end with a verdict or an error, never with a crash.
#[test]
fn large_and_deep_objects_are_judged_or_refused() {
    let policy = peers("CVE-2019-11253/policy.yaml");
    let judge = |name: &str, text: &str| {
        let file = written(name, text);
        let output = kobuk(&["policy", "eval", file.to_str().unwrap(), "--policy", policy.to_str().unwrap()]);
        (code(&output), stdout(&output))
    };
    let pod = |annotations: &str, containers: &str| {
        format!(
            "{{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {{\"name\": \"p\", \"namespace\": \"s\", \
             \"annotations\": {{{annotations}}}}}, \"spec\": {{\"containers\": [{containers}]}}}}"
        )
    };
    let one = "{\"name\": \"c\", \"image\": \"aaab\"}";
    let (code, text) = judge("annotation.json", &pod(&format!("\"a\": \"{}needle\"", "x".repeat(1 << 20)), one));
    assert_eq!(code, 1, "{text}");
    let mut many = String::new();
    for index in 0..10_000 {
        let _ = write!(many, "{{\"name\": \"c{index}\", \"image\": \"{}b\"}},", "a".repeat(50));
    }
    let (code, text) = judge("containers.json", &pod("", many.trim_end_matches(',')));
    assert!(code == 0 || code == 1 && text.contains("cost limit"), "{code} {text}");
    let (code, text) = judge("large.json", &pod(&format!("\"a\": \"{}\"", "x".repeat(3 << 20)), one));
    assert!(code == 0 || code == 1 && text.contains("cost limit"), "{code} {text}");
    let deep = format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {{\"name\": \"c\"}}, \"x\": {}1{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    assert_eq!(judge("deep.json", &deep).0, 2);
}

/// GHSA-gg4x-fgg2-h9w9: two exceptions never add up to one.
#[test]
fn exceptions_never_add_up() {
    let folder = peers("GHSA-gg4x-fgg2-h9w9");
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let run = |exceptions: &str| {
        kobuk(&[
            "scan",
            "manifests",
            &file("input.yaml"),
            "--policy",
            &file("policy.yaml"),
            "--check",
            "policy/*",
            "--exceptions",
            exceptions,
            "--format",
            "json",
        ])
    };
    let output = run(&file("exceptions.yaml"));
    assert_eq!(code(&output), 1, "{}", stdout(&output));
    assert_eq!(
        stdout(&output)
            .matches("\"code\":\"policy/two-rules\"")
            .count()
            .max(stdout(&output).matches("\"code\": \"policy/two-rules\"").count()),
        2,
        "{}",
        stdout(&output)
    );
    let both = std::fs::read_to_string(file("exceptions.yaml"))
        .unwrap()
        .replace("[other], namespaces: [shop]", "[c], namespaces: [shop]");
    let output = run(written("both.yaml", &both).to_str().unwrap());
    assert_eq!(code(&output), 0, "{}", stdout(&output));
}
