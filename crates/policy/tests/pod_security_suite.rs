//! Scores the public test pods of the Pod Security Standards: folders `{level}/{version}/{pass,fail}`
//! below `pod-security/testdata` of the folder that KOBUK_SUITES names.
//!
//! Every pod is judged as it stands and, renamed, as the template of every kind of controller.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use model::FileId;
use policy::{Config, Engine};

#[test]
fn all_pods_of_the_public_suite_are_judged_as_it_says() {
    let Some(suites) = std::env::var_os("KOBUK_SUITES") else {
        eprintln!("not run: KOBUK_SUITES names no folder of suites");
        return;
    };
    let root = PathBuf::from(suites).join("pod-security/testdata");
    let (mut judged, mut wrapped, mut wrong) = (0, 0, Vec::new());
    for level in entries(&root).into_iter().filter(|path| path.is_dir()) {
        for version in entries(&level) {
            let standard = format!("{}:{}", name(&level), name(&version)).parse().unwrap();
            let config = Config { pod_security: standard, checks: vec!["pod-security-*".into()], ..Config::default() };
            let engine = Engine::new(&config);
            for (class, admitted) in [("pass", true), ("fail", false)] {
                for path in entries(&version.join(class)) {
                    let text = std::fs::read_to_string(&path).unwrap();
                    judged += 1;
                    if admits(&engine, &text) != Some(admitted) {
                        wrong.push(path.display().to_string());
                    }
                    for (kind, text) in wraps(&text) {
                        wrapped += 1;
                        if admits(&engine, &text) != Some(admitted) {
                            wrong.push(format!("{} as {kind}", path.display()));
                        }
                    }
                }
            }
        }
    }
    eprintln!("{judged} pods and {wrapped} wrapped ones judged, {} wrong", wrong.len());
    assert!(judged > 0, "no pods below {}", root.display());
    assert!(wrong.is_empty(), "{:#?}", wrong.iter().take(40).collect::<Vec<_>>());
}

/// Whether nothing was found; `None` when no object, or not all of the file, was judged.
fn admits(engine: &Engine<'_>, text: &str) -> Option<bool> {
    let mut worker = engine.worker();
    worker.file(FileId(0), text.len() as u64, text);
    let outcome = engine.finish(vec![worker]);
    let whole = outcome.files.iter().all(|file| file.gaps.is_empty() && file.objects > 0);
    whole.then_some(outcome.findings.is_empty())
}

/// The pod, renamed, as everything that can hold a pod.
fn wraps(pod: &str) -> Vec<(&'static str, String)> {
    let renamed = renamed(pod);
    let indented = |by: usize| renamed.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect::<String>();
    let controller = |api_version: &str, kind: &str| {
        let head = format!("apiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: x\nspec:\n  template:\n");
        head + &indented(4)
    };
    let cron = "apiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: x\nspec:\n  jobTemplate:\n    spec:\n";
    let other = "---\n# nothing\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n---\n";
    let alone = format!("apiVersion: v1\nkind: Pod\n{renamed}");
    vec![
        ("Deployment", controller("apps/v1", "Deployment")),
        ("ReplicaSet", controller("apps/v1", "ReplicaSet")),
        ("StatefulSet", controller("apps/v1", "StatefulSet")),
        ("DaemonSet", controller("apps/v1", "DaemonSet")),
        ("ReplicationController", controller("v1", "ReplicationController")),
        ("Job", controller("batch/v1", "Job")),
        ("Rollout", controller("argoproj.io/v1alpha1", "Rollout")),
        ("Service of Knative", controller("serving.knative.dev/v1", "Service")),
        ("PodTemplate", format!("apiVersion: v1\nkind: PodTemplate\nmetadata:\n  name: x\ntemplate:\n{}", indented(2))),
        ("CronJob", format!("{cron}      template:\n{}", indented(8))),
        ("List", format!("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n{}", indented(2))),
        ("PodList", format!("apiVersion: v1\nkind: PodList\nitems:\n-\n{}", indented(2))),
        ("second document", format!("{other}{alone}")),
        ("Pod", alone),
    ]
}

/// The pod without `apiVersion` and `kind`, under another name.
fn renamed(pod: &str) -> String {
    let mut renamed = String::new();
    let mut in_metadata = false;
    for line in pod.lines().filter(|line| !line.starts_with("apiVersion:") && !line.starts_with("kind:")) {
        if !line.starts_with(' ') {
            in_metadata = line.starts_with("metadata:");
        }
        let named = in_metadata && line.starts_with("  name:");
        renamed.push_str(if named { "  name: other" } else { line });
        renamed.push('\n');
    }
    renamed
}

fn entries(path: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(path).map(|entries| entries.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default();
    entries.sort();
    entries
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap()
}
