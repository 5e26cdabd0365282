//! The inputs that felled other engines, and the policy packs, each with its table of tests.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use manifest::schema::{self, Expect, Leaf, Shape, TypeRef};

#[path = "door/binary.rs"]
mod binary;

use binary::folder;

/// Exit code and output of a run in a folder where nothing is changed.
fn run(words: &[&str]) -> (i32, String) {
    let output = binary::kobuk(&root(), words);
    let talk = String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned() + &talk)
}

/// As [`run`], in a process that cannot have more memory than this, whatever it does.
fn run_within(mebibytes: usize, words: &[&str]) -> (i32, String) {
    if !cfg!(target_os = "linux") {
        return run(words);
    }
    let script = format!("ulimit -v {} && exec \"$0\" \"$@\"", mebibytes << 10);
    let command = std::process::Command::new("sh")
        .current_dir(root())
        .args(["-c", &script, env!("CARGO_BIN_EXE_kobuk")])
        .args(words)
        .output();
    let output = command.unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned() + &talk)
}

/// Address space of a process, its program and the stacks of its threads among it, that judges an object as large as
/// the API server takes. The object itself has 3 MiB.
const MEBIBYTES_MAX: usize = 256;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn peers(folder: &str) -> PathBuf {
    root().join("tests/fall-of-peers").join(folder)
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn what_felled_the_peers_does_not_fell_us() {
    let (code, said) = run(&["policy", "test", "tests/fall-of-peers"]);
    assert!(code == 0 && said.contains(", 0 failed"), "{said}");
}

#[test]
fn every_pack_passes_its_tests() {
    let (code, said) = run(&["policy", "test", "policies"]);
    assert_eq!(code, 0, "{said}");
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
    let folder = folder("secret-paths");
    for (index, path) in paths.iter().enumerate() {
        let mut spec = String::from("\"forbidden\"");
        for (name, list) in path.iter().rev() {
            spec = if *list { format!("{{\"{name}\": [{spec}]}}") } else { format!("{{\"{name}\": {spec}}}") };
        }
        if path.first().is_none_or(|(name, _)| *name != "containers") {
            spec = spec.replacen('{', "{\"containers\": [{\"name\": \"c\", \"image\": \"i\"}], ", 1);
        }
        let pod = format!(
            "{{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {{\"name\": \"p\", \"namespace\": \"shop\"}}, \
             \"spec\": {spec}}}"
        );
        std::fs::write(folder.join(format!("{index}.json")), pod).unwrap();
    }
    let (code, said) = run(&["policy", "eval", &text(&folder), "-p", "tests/fall-of-peers/CVE-2024-3177/policy.yaml"]);
    assert_eq!(code, 1, "{said}");
    let seen = said.matches("Secrets of others: forbidden").count();
    assert_eq!(seen, paths.len(), "{paths:?}\n{said}");
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
    let folder = folder("large-and-deep");
    let judge = |name: &str, content: &str| {
        let file = folder.join(name);
        std::fs::write(&file, content).unwrap();
        let words = ["policy", "eval", &text(&file), "-p", "tests/fall-of-peers/CVE-2019-11253/policy.yaml"];
        run_within(MEBIBYTES_MAX, &words)
    };
    let pod = |annotations: &str, containers: &str| {
        format!(
            "{{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {{\"name\": \"p\", \"namespace\": \"s\", \
             \"annotations\": {{{annotations}}}}}, \"spec\": {{\"containers\": [{containers}]}}}}"
        )
    };
    let one = "{\"name\": \"c\", \"image\": \"aaab\"}";
    let (code, said) = judge("annotation.json", &pod(&format!("\"a\": \"{}needle\"", "x".repeat(1 << 20)), one));
    assert_eq!(code, 1, "{said}");
    let mut many = String::new();
    for index in 0..10_000 {
        let _ = write!(many, "{{\"name\": \"c{index}\", \"image\": \"{}b\"}},", "a".repeat(50));
    }
    let (code, said) = judge("containers.json", &pod("", many.trim_end_matches(',')));
    assert!(code == 0 || code == 1 && said.contains("cost limit"), "{code} {said}");
    let (code, said) = judge("large.json", &pod(&format!("\"a\": \"{}\"", "x".repeat(3 << 20)), one));
    assert!(code == 0 || code == 1 && said.contains("cost limit"), "{code} {said}");
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
    let base = peers("GHSA-gg4x-fgg2-h9w9");
    let file = |name: &str| text(&base.join(name));
    let scan = |exceptions: &str| {
        let (input, policy) = (file("input.yaml"), file("policy.yaml"));
        let words = ["scan", "manifests", &input, "--policy", &policy, "--check", "policy/*", "--format", "json"];
        let output = binary::kobuk(&root(), &[&words[..], &["--exceptions", exceptions, "--fail-on", "low"]].concat());
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let count = |list: &str| report[list].as_array().map_or(0, Vec::len);
        (output.status.code(), count("findings"), count("excepted"))
    };
    assert_eq!(scan(&file("exceptions.yaml")), (Some(1), 2, 0));
    let both = std::fs::read_to_string(file("exceptions.yaml"))
        .unwrap()
        .replace("names: [other], namespaces: [shop]", "names: [c], namespaces: [shop]");
    let own = folder("exceptions-add-up").join("both.yaml");
    std::fs::write(&own, both).unwrap();
    assert_eq!(scan(&text(&own)), (Some(0), 0, 2));
}

/// CVE-2026-44310: whatever could not be judged, the process does not end with 0.
#[test]
fn no_failure_ends_with_0() {
    let folder = folder("failure-codes");
    let pod =
        "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop}, spec: {containers: [{name: c, image: i}]}}";
    let base = "tests/fall-of-peers/CVE-2026-44310";
    for (name, content) in [
        ("pod.yaml", pod),
        ("empty.yaml", ""),
        ("cut.json", "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\""),
        ("none.json", "{\"apiVersion\": \"admission.k8s.io/v1\", \"kind\": \"AdmissionReview\", \"request\": null}"),
        ("list.json", "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [[]]}"),
        ("nul.yaml", "a: \u{0}"),
    ] {
        let file = folder.join(name);
        std::fs::write(&file, content).unwrap();
        for policy in ["policy.yaml", "ignored.yaml", "rego.yaml"] {
            let (code, said) = run(&["policy", "eval", &text(&file), "-p", &format!("{base}/{policy}")]);
            assert!((1..=3).contains(&code), "{name} {policy}: {code} {said}");
        }
        let (code, said) = run(&["policy", "eval", &text(&file), "-p", &text(&folder.join("empty.yaml"))]);
        assert_eq!(code, 3, "{name}: {said}");
    }
    let (code, said) = run(&["policy", "eval", &text(&folder.join("nowhere")), "-p", &format!("{base}/policy.yaml")]);
    assert_eq!(code, 2, "{said}");
}
