//! The binary as a user meets it: exit codes, selection, exceptions, baselines, hostile files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "door/binary.rs"]
mod binary;

use std::path::Path;
use std::process::{Command, Output};

use crate::binary::{folder, kobuk};

const CLEAN: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  namespace: shop\ndata:\n  color: green\n";
const PRIVILEGED: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: tool\n  namespace: shop\nspec:\n  containers:\n    - name: tool\n      image: registry.example.com/tool:1\n      securityContext:\n        privileged: true\n";

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}\n{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    })
}

fn codes(report: &serde_json::Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

fn scan(folder: &Path, more: &[&str]) -> (Option<i32>, serde_json::Value) {
    let words = [&["scan", "manifests", ".", "--format", "json"], more].concat();
    let output = kobuk(folder, &words);
    (output.status.code(), json(&output))
}

#[test]
fn a_clean_input_ends_with_0_and_findings_with_1() {
    let folder = folder("exit-codes");
    std::fs::write(folder.join("a.yaml"), CLEAN).unwrap();
    assert_eq!(scan(&folder, &["--fail-on", "low"]).0, Some(0));
    std::fs::write(folder.join("b.yaml"), PRIVILEGED).unwrap();
    assert_eq!(scan(&folder, &[]).0, Some(1));
    assert_eq!(scan(&folder, &["--fail-on", "never"]).0, Some(0));
}

#[test]
fn a_broken_file_ends_with_2_and_the_others_are_still_judged() {
    let folder = folder("broken");
    std::fs::write(folder.join("a.yaml"), "apiVersion: v1\nkind: Pod\n  spec: [\n").unwrap();
    std::fs::write(folder.join("b.yaml"), PRIVILEGED).unwrap();
    let (code, report) = scan(&folder, &["--check", "pod-security-privileged"]);
    assert_eq!(code, Some(2));
    assert_eq!(codes(&report), ["pod-security-privileged"]);
    let files = report["coverage"]["files"].as_array().unwrap();
    let broken = files.iter().find(|file| file["path"] == "a.yaml").unwrap();
    assert_eq!(broken["gaps"][0]["kind"], "error");
    assert!(broken["gaps"][0]["location"]["line"].as_u64().unwrap() >= 2);
}

#[test]
fn a_wrong_command_line_ends_with_3_and_says_what_to_do() {
    let folder = folder("usage");
    for (words, hint) in [
        (&["scan", "manifests", ".", "--check", "no-such-*"][..], "kobuk explain"),
        (&["scan", "manifests", ".", "--pod-security", "strict"][..], "restricted"),
        (&["scan", "manifests", ".", "--pod-security", "baseline:1.x"][..], "v1."),
        (&["scan", "manifests", ".", "--severity", "bad"][..], "critical"),
        (&["scan", "manifests", ".", "--config", "missing.yaml"][..], "missing.yaml"),
        (&["scan", "manifests", ".", "--baseline", "missing.json"][..], "missing.json"),
        (&["scan", "manifests", ".", "--exclude", "a{"][..], "pattern"),
        (&["scan", "manifests", ".", "--registry", "https://x/"][..], "HOST"),
        (&["scan", "manifests", ".", "--registry", "*"][..], "HOST"),
        (&["explain", "nothing"][..], "kobuk explain"),
        (&["controls", "show", "XX-1"][..], "kobuk controls list"),
        (&["nothing"][..], "nothing"),
    ] {
        let output = kobuk(&folder, words);
        assert_eq!(output.status.code(), Some(3), "{words:?}");
        let talk = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(talk.contains(hint), "{words:?} says: {talk}");
        assert!(output.stdout.is_empty(), "{words:?} wrote data");
    }
}

#[test]
fn a_missing_path_is_named_and_ends_with_2() {
    let folder = folder("missing-path");
    let output = kobuk(&folder, &["scan", "manifests", "nowhere", "--format", "json"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(json(&output)["coverage"]["files"][0]["gaps"][0]["kind"], "unreadable");
}

#[test]
fn an_exception_accepts_its_findings_until_it_expires() {
    let folder = folder("exceptions");
    std::fs::write(folder.join("pod.yaml"), PRIVILEGED).unwrap();
    let exception = |expires: &str, name: &str| {
        format!(
            "apiVersion: kobuk.dev/v1alpha1\nkind: Exception\nmetadata:\n  name: tool\nspec:\n  owner: us\n  reason: legacy\n  expires: {expires}\n  findings: [pod-security-privileged]\n  scope:\n    names: [{name}]\n"
        )
    };
    let check = ["--check", "pod-security-privileged,exception-*"];
    std::fs::write(folder.join("x.yaml"), exception("2027-01-01", "tool")).unwrap();
    let (code, report) = scan(&folder, &check);
    assert_eq!((code, codes(&report)), (Some(0), vec![]));
    assert_eq!(report["excepted"].as_array().unwrap().len(), 1);

    std::fs::write(folder.join("x.yaml"), exception("2026-01-01", "tool")).unwrap();
    let (code, report) = scan(&folder, &check);
    assert_eq!(code, Some(1));
    assert_eq!(codes(&report), ["pod-security-privileged", "exception-expired"]);

    std::fs::write(folder.join("x.yaml"), exception("2027-01-01", "other")).unwrap();
    let (code, report) = scan(&folder, &[]);
    assert_eq!(code, Some(1));
    assert!(codes(&report).contains(&"exception-unused".to_owned()));
    assert!(codes(&report).contains(&"pod-security-privileged".to_owned()));
}

#[test]
fn only_exceptions_from_the_named_path_count() {
    let folder = folder("own-exceptions");
    std::fs::write(folder.join("pod.yaml"), PRIVILEGED).unwrap();
    let text = "apiVersion: kobuk.dev/v1alpha1\nkind: Exception\nmetadata:\n  name: mine\nspec:\n  owner: me\n  reason: because\n  expires: 2027-01-01\n  findings: ['*']\n";
    std::fs::write(folder.join("mine.yaml"), text).unwrap();
    std::fs::create_dir(folder.join("accepted")).unwrap();
    std::fs::write(folder.join("accepted/none.yaml"), CLEAN).unwrap();
    let words = ["scan", "manifests", "pod.yaml", "mine.yaml", "--exceptions", "accepted", "--format", "json"];
    assert!(codes(&json(&kobuk(&folder, &words))).contains(&"pod-security-privileged".to_owned()));
}

#[test]
fn comments_and_annotations_never_silence_a_finding() {
    let folder = folder("suppression");
    let plain = PRIVILEGED.to_owned();
    let dressed = plain
        .replace("  name: tool\n  namespace", "  name: tool\n  annotations:\n    kobuk.dev/ignore: \"true\"\n    checkov.io/skip1: CKV_K8S_16=ok\n  namespace")
        .replace("privileged: true", "privileged: true # kobuk:ignore nosec trivy:ignore");
    for text in [plain, dressed] {
        std::fs::write(folder.join("pod.yaml"), text).unwrap();
        assert!(
            codes(&scan(&folder, &["--check", "pod-security-privileged"]).1)
                .contains(&"pod-security-privileged".to_owned())
        );
    }
}

#[test]
fn a_baseline_leaves_only_what_is_new() {
    let folder = folder("baseline");
    std::fs::write(folder.join("pod.yaml"), PRIVILEGED).unwrap();
    let words = ["scan", "manifests", "pod.yaml", "--format", "json", "--output", "base.json"];
    assert_eq!(kobuk(&folder, &words).status.code(), Some(1));
    let again = ["scan", "manifests", "pod.yaml", "--format", "json", "--baseline", "base.json"];
    let output = kobuk(&folder, &again);
    assert_eq!((output.status.code(), codes(&json(&output))), (Some(0), vec![]));
    // Moved lines are not new; another container is.
    let more = format!(
        "# a remark\n{PRIVILEGED}    - name: other\n      image: registry.example.com/tool:1\n      securityContext:\n        privileged: true\n"
    );
    std::fs::write(folder.join("pod.yaml"), more).unwrap();
    let report = json(&kobuk(&folder, &again));
    assert!(!codes(&report).is_empty());
    assert!(report["findings"].as_array().unwrap().iter().all(|finding| finding["properties"]["container"] != "tool"));
}

#[test]
fn settings_are_read_and_unknown_ones_refused() {
    let folder = folder("settings");
    std::fs::write(folder.join("pod.yaml"), PRIVILEGED).unwrap();
    std::fs::write(folder.join("kobuk.yaml"), "checks: [pod-security-privileged]\nfailOn: never\n").unwrap();
    let output = kobuk(&folder, &["scan", "manifests", "pod.yaml", "--format", "json"]);
    assert_eq!((output.status.code(), codes(&json(&output))), (Some(0), vec!["pod-security-privileged".to_owned()]));
    assert!(String::from_utf8_lossy(&output.stderr).contains("settings from kobuk.yaml"));
    std::fs::write(folder.join("kobuk.yaml"), "checks: [\"*\"]\nfailon: never\n").unwrap();
    let output = kobuk(&folder, &["scan", "manifests", "pod.yaml"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("kobuk.yaml:2:1: no setting `failon`"));
}

#[test]
fn standard_input_lists_and_json_are_read() {
    use std::io::Write as _;
    let folder = folder("stdin");
    let list = r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"name":"a"},"spec":{"hostNetwork":true,"containers":[{"name":"c","image":"i"}]}}]}]}"#;
    let mut child = Command::new(env!("CARGO_BIN_EXE_kobuk"))
        .current_dir(&folder)
        .args(["scan", "manifests", "-", "--format", "json", "--check", "pod-security-host-namespaces"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
    let report = json(&child.wait_with_output().unwrap());
    assert_eq!(codes(&report), ["pod-security-host-namespaces"]);
    assert_eq!(report["findings"][0]["subject"]["kind"], "Pod");
    assert_eq!(report["findings"][0]["location"]["file"], "<stdin>");
}

#[test]
fn ignore_files_include_and_exclude_choose_what_is_read() {
    let folder = folder("choose");
    std::fs::write(folder.join(".gitignore"), "ignored.yaml\n").unwrap();
    for name in ["kept.yaml", "ignored.yaml", "left.yaml"] {
        std::fs::write(folder.join(name), CLEAN).unwrap();
    }
    let paths = |more: &[&str]| -> Vec<String> {
        let (_, report) = scan(&folder, more);
        let files = report["coverage"]["files"].as_array().unwrap();
        let judged = files.iter().filter(|file| file["judgement"] == "judged");
        judged.map(|file| file["path"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(paths(&[]), ["kept.yaml", "left.yaml"]);
    assert_eq!(paths(&["--no-ignore"]), ["ignored.yaml", "kept.yaml", "left.yaml"]);
    assert_eq!(paths(&["--exclude", "left.yaml"]), ["kept.yaml"]);
    assert_eq!(paths(&["--include", "left.*"]), ["left.yaml"]);
}

#[cfg(unix)]
#[test]
fn tricks_with_file_names_are_passed_over_and_told() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = folder("file-tricks");
    std::fs::write(folder.join("ok.yaml"), CLEAN).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.join("out.yaml")).unwrap();
    std::os::unix::fs::symlink(".", folder.join("loop")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.join("zero.yaml")).unwrap();
    let fifo = folder.join("fifo.yaml");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    std::fs::write(folder.join(std::ffi::OsStr::from_bytes(b"bad\xff.yaml")), CLEAN).unwrap();
    std::fs::write(folder.join("evil\u{1b}[31m\n.yaml"), CLEAN).unwrap();
    let (_, report) = scan(&folder, &[]);
    let files = report["coverage"]["files"].as_array().unwrap();
    let judgement = |name: &str| {
        let file = files.iter().find(|file| file["path"].as_str().unwrap().contains(name));
        file.map(|file| file["judgement"].as_str().unwrap().to_owned()).unwrap_or_default()
    };
    for name in ["out.yaml", "zero.yaml", "fifo.yaml"] {
        assert_eq!(judgement(name), "not-judged", "{name}");
    }
    assert_eq!(judgement("ok.yaml"), "judged");
    assert_eq!(judgement("bad"), "judged");
    let text = kobuk(&folder, &["scan", "manifests", ".", "--color", "never"]);
    assert!(!text.stdout.contains(&0x1b), "a control character of a file name reached the terminal");
    // Named by the user, a device or pipe is refused without waiting for it.
    assert_eq!(kobuk(&folder, &["scan", "manifests", "/dev/zero"]).status.code(), Some(2));
    assert_eq!(kobuk(&folder, &["scan", "manifests", "fifo.yaml"]).status.code(), Some(2));
}

#[test]
fn charts_and_kustomizations_without_tools_are_unknown() {
    let folder = folder("not-rendered");
    std::fs::create_dir_all(folder.join("chart/templates")).unwrap();
    std::fs::write(folder.join("chart/Chart.yaml"), "apiVersion: v2\nname: shop\nversion: 1.0.0\n").unwrap();
    std::fs::write(folder.join("chart/values.yaml"), "image: x\n").unwrap();
    std::fs::write(
        folder.join("chart/templates/pod.yaml"),
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}\n",
    )
    .unwrap();
    std::fs::create_dir_all(folder.join("overlay")).unwrap();
    std::fs::write(
        folder.join("overlay/kustomization.yaml"),
        "resources: [pod.yaml]\npatches:\n  - path: patch.yaml\n",
    )
    .unwrap();
    std::fs::write(folder.join("overlay/pod.yaml"), PRIVILEGED).unwrap();
    std::fs::write(
        folder.join("overlay/patch.yaml"),
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: tool\nspec:\n  hostNetwork: true\n",
    )
    .unwrap();
    let (code, report) = scan(&folder, &["--no-render"]);
    assert_eq!(code, Some(2));
    let files = report["coverage"]["files"].as_array().unwrap();
    let gap = |path: &str| files.iter().find(|file| file["path"] == path).unwrap()["gaps"][0]["kind"].clone();
    assert_eq!(gap("chart/Chart.yaml"), "not-rendered");
    assert_eq!(gap("overlay/kustomization.yaml"), "not-rendered");
    assert!(codes(&report).contains(&"pod-security-privileged".to_owned()), "resources are judged as they stand");
    assert!(!codes(&report).contains(&"pod-security-host-namespaces".to_owned()), "patches are not objects");
    assert_eq!(scan(&folder, &["--no-render", "--allow-unrendered"]).0, Some(1));
}

#[test]
fn a_template_is_unknown_and_neither_broken_nor_skipped() {
    let folder = folder("template");
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Values.name }}\nspec:\n{{- if .Values.on }}\n  replicas: 1\n{{- end }}\n";
    std::fs::write(folder.join("t.yaml"), text).unwrap();
    let (code, report) = scan(&folder, &[]);
    assert_eq!(code, Some(2));
    assert_eq!(report["coverage"]["files"][0]["gaps"][0]["kind"], "not-rendered");
}

#[test]
fn assess_says_what_cannot_be_known() {
    let folder = folder("assess");
    std::fs::write(folder.join("a.yaml"), PRIVILEGED).unwrap();
    let report = json(&kobuk(&folder, &["assess", ".", "--format", "json"]));
    let posture = report["posture"].as_array().unwrap();
    assert_eq!(posture.len(), 182);
    let state = |id: &str| posture.iter().find(|p| p["control"] == id).unwrap()["state"].as_str().unwrap().to_owned();
    assert_eq!(state("RC-01"), "violated");
    assert_eq!(state("DV-02"), "unknown");
    assert_eq!(state("RS-01"), "not-applicable");
    assert!(posture.iter().all(|p| !p["reason"].as_str().unwrap().is_empty()));
}

#[test]
fn the_committed_reference_is_what_help_says() {
    let folder = folder("reference");
    let output = kobuk(&folder, &["generate", "reference"]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let made = String::from_utf8(output.stdout).unwrap();
    assert!(committed == made, "run: kobuk generate reference > docs/cli.md");
}

#[test]
fn man_pages_and_completions_are_made() {
    let folder = folder("man");
    assert_eq!(kobuk(&folder, &["generate", "man", "man1"]).status.code(), Some(0));
    assert!(folder.join("man1/kobuk-scan-manifests.1").is_file());
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(!kobuk(&folder, &["completions", shell]).stdout.is_empty(), "{shell}");
    }
}

#[test]
fn an_input_in_which_nothing_was_judged_ends_with_2() {
    let folder = folder("nothing");
    assert_eq!(scan(&folder, &[]).0, Some(2));
    std::fs::write(folder.join("a.yaml"), CLEAN).unwrap();
    for more in [&["--include", "*.zzz"][..], &["--exclude", "**"][..]] {
        assert_eq!(scan(&folder, more).0, Some(2), "{more:?}");
    }
    assert_eq!(scan(&folder, &[]).0, Some(0));
    let report = json(&kobuk(&folder, &["assess", "--include", "*.zzz", "--format", "json"]));
    assert!(report["posture"].as_array().unwrap().iter().all(|posture| posture["state"] == "unknown"));
}

#[cfg(unix)]
#[test]
fn linked_folders_and_templates_of_other_tools_are_told() {
    let folder = folder("told");
    std::fs::write(folder.join("a.yaml"), CLEAN).unwrap();
    std::os::unix::fs::symlink("/tmp", folder.join("elsewhere")).unwrap();
    std::fs::write(folder.join("b.yaml.j2"), PRIVILEGED).unwrap();
    let (code, report) = scan(&folder, &[]);
    assert_eq!(code, Some(2));
    let files = report["coverage"]["files"].as_array().unwrap();
    let gap = |path: &str| files.iter().find(|file| file["path"] == path).unwrap()["gaps"][0]["kind"].clone();
    assert_eq!((gap("elsewhere"), gap("b.yaml.j2")), ("not-understood".into(), "not-rendered".into()));
}

#[test]
fn an_exception_that_can_be_read_in_two_ways_is_not_honoured() {
    let folder = folder("exception-readings");
    std::fs::write(folder.join("pod.yaml"), PRIVILEGED).unwrap();
    let head =
        "apiVersion: kobuk.dev/v1alpha1\nkind: Exception\nmetadata: {name: x}\nspec:\n  owner: us\n  reason: legacy\n";
    for spec in [
        "  expires: 2020-01-01\n  expires: 2027-01-01\n  findings: [pod-security-privileged]\n",
        "  expires: 2027-01-01\n  findings: [pod-security-privileged]\n  scope: {names: [other]}\n  scope: {names: [tool]}\n",
        "  expires: 2027-01-01\n  findings: [pod-security-privileged]\n  scope: {names: []}\n",
        "  expires: 2027-01-01\n  findings: [pod-security-privileged]\n  scope: {names: null}\n",
        "  expires: 2027-01-01\n  findings: [pod-security-privileged, pod-securty-x]\n",
        "  expires: 2027-01-01\n  findings: [pod-security-privileged]\n  controls: [RC-99]\n",
    ] {
        std::fs::write(folder.join("x.yaml"), format!("{head}{spec}")).unwrap();
        let found = codes(&scan(&folder, &["--check", "pod-security-privileged,exception-invalid"]).1);
        assert!(found.contains(&"pod-security-privileged".to_owned()), "{spec}");
        assert!(found.contains(&"exception-invalid".to_owned()), "{spec}");
    }
}

#[test]
fn a_kustomization_that_draws_on_an_address_is_not_rendered() {
    let folder = folder("remote-base");
    std::fs::write(folder.join("pod.yaml"), PRIVILEGED).unwrap();
    for source in ["https://example.invalid/base?ref=main", "example.invalid/team/base"] {
        std::fs::write(folder.join("kustomization.yaml"), format!("resources: [pod.yaml, \"{source}\"]\n")).unwrap();
        let (code, report) = scan(&folder, &[]);
        let files = report["coverage"]["files"].as_array().unwrap();
        let gap = &files.iter().find(|file| file["path"] == "kustomization.yaml").unwrap()["gaps"][0];
        assert_eq!((code, gap["kind"].as_str()), (Some(2), Some("not-rendered")));
        assert!(gap["message"].as_str().unwrap().contains("no local file or folder"), "{gap}");
    }
}

#[test]
fn a_pod_under_a_misspelt_kind_keeps_controls_from_being_satisfied() {
    let folder = folder("misspelt-kind");
    let text = "apiVersion: apps/v1\nkind: Deploymnet\nmetadata: {name: d}\nspec:\n  template:\n    spec:\n      containers: [{name: c, image: i, securityContext: {privileged: true}}]\n";
    std::fs::write(folder.join("d.yaml"), text).unwrap();
    let report = json(&kobuk(&folder, &["assess", ".", "--format", "json"]));
    assert_eq!(report["coverage"]["files"][0]["gaps"][0]["kind"], "not-understood");
    assert!(report["posture"].as_array().unwrap().iter().all(|posture| posture["state"] != "satisfied"));
    // The gap does not depend on which checks are selected.
    let (_, report) = scan(&folder, &["--check", "pod-security-privileged"]);
    assert_eq!(report["coverage"]["files"][0]["gaps"][0]["kind"], "not-understood");
}

#[test]
fn items_of_a_list_that_are_no_objects_are_told() {
    let folder = folder("list-items");
    std::fs::write(folder.join("l.yaml"), "apiVersion: v1\nkind: List\nitems:\n- null\n- text\n").unwrap();
    let (_, report) = scan(&folder, &[]);
    assert_eq!(report["coverage"]["files"][0]["gaps"].as_array().unwrap().len(), 2);
}
