//! What the engine promises whatever the checks say: limits, faults, every container, every reading.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::{Duration, Instant};

use manifest::Object;
use manifest::limits::FINDINGS_PER_OBJECT_MAX;
use model::coverage::{Gap, GapKind};
use model::{FileId, Judgement, Rule, Scope, Severity};
use policy::engine::Outcome;
use policy::{Config, Context, Engine, ObjectCheck, Sink};

fn judged(text: &str) -> Outcome {
    judged_by(&Engine::new(&Config::default()), text)
}

fn judged_by(engine: &Engine<'_>, text: &str) -> Outcome {
    let mut worker = engine.worker();
    worker.file(FileId(0), text.len() as u64, text);
    engine.finish(vec![worker])
}

fn gaps(outcome: &Outcome) -> Vec<&Gap> {
    outcome.files.iter().flat_map(|file| &file.gaps).collect()
}

/// Codes found, each with the object it is about.
fn said(outcome: &Outcome) -> BTreeSet<(String, String)> {
    let of = |f: &model::Finding| (f.subject.name.to_string(), f.rule.code.to_owned());
    outcome.findings.iter().map(of).collect()
}

fn found(outcome: &Outcome, code: &str) -> usize {
    outcome.findings.iter().filter(|finding| finding.rule.code == code).count()
}

const PRIVILEGED: &str = "pod-security-privileged";
const DUPLICATE: &str = "manifest-duplicate-key";

/// A privileged container.
const BAD: &str = "{name: c, image: 'registry.example.com/a:1', securityContext: {privileged: true}}";

/// A pod with one privileged container, in block style but for the container.
fn pod(name: &str) -> String {
    format!("apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\nspec:\n  containers:\n  - {BAD}\n")
}

// === limits and faults ===

#[test]
fn of_an_object_with_too_many_findings_the_limit_is_kept_and_the_rest_counted() {
    let mut text = String::from("apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: n}\nspec:\n  containers:\n");
    for index in 0..10_000 {
        let _ = writeln!(text, "  - {{name: c{index}, image: a, securityContext: {{privileged: true}}}}");
    }
    let text = text + "---\n" + &pod("after");
    // One at a time, so that all findings are those of one object.
    let config = Config { checks: vec![PRIVILEGED.into()], ..Config::default() };
    let begun = Instant::now();
    let outcome = judged_by(&Engine::new(&config), &text);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let of = |name: &str| outcome.findings.iter().filter(|finding| *finding.subject.name == *name).count();
    assert_eq!((of("p"), of("after")), (FINDINGS_PER_OBJECT_MAX, 1));
    let gaps = gaps(&outcome);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0].kind, GapKind::Truncated);
    let dropped = (10_000 - FINDINGS_PER_OBJECT_MAX).to_string();
    assert!(gaps[0].message.starts_with(&dropped), "{}", gaps[0].message);
    assert_eq!(outcome.files[0].judgement, Judgement::Partly);

    let begun = Instant::now();
    let outcome = judged(&text);
    assert!(begun.elapsed() < Duration::from_secs(20), "all checks: {:?}", begun.elapsed());
    assert_eq!(self::gaps(&outcome).iter().filter(|gap| gap.kind == GapKind::Truncated).count(), 1);
}

#[test]
fn many_findings_of_one_rule_never_silence_another() {
    let mut text = String::from("apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: n}\nspec:\n  containers:\n");
    for index in 0..400 {
        let _ = writeln!(text, "  - {{name: c{index}, image: 'registry.example.com/a:1'}}");
    }
    text.push_str("  - {name: last, image: 'a:latest', securityContext: {privileged: true}, env: [{name: DB_PASSWORD, value: hunter22}]}\n");
    let outcome = judged(&text);
    for code in [PRIVILEGED, "image-tag-latest", "image-registry-implicit", "secret-literal", "workload-naked-pod"] {
        assert_eq!(found(&outcome, code), 1, "{code}");
    }
}

static FRAGILE: Rule = Rule {
    code: "test-fragile",
    title: "A rule of a check that fails",
    severity: Severity::Low,
    scope: Scope::Object,
    serves: &[],
    why: "A check may have a fault.",
    fix: "Report it.",
    example: "",
};

static FRAGILE_CHECK: &[ObjectCheck] = &[ObjectCheck { scope: Scope::Object, rules: &[&FRAGILE], run: fragile }];

/// Says something of every object, then fails on one of them.
fn fragile(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    sink.report(&FRAGILE, object.location(), "an object was seen");
    assert!(object.name() != "bad", "a fault in a check");
}

#[test]
fn a_check_that_fails_costs_one_object_and_says_so() {
    let config = Config { checks: vec!["test-*".into(), PRIVILEGED.into()], ..Config::default() };
    let engine = Engine::with_checks(&config, FRAGILE_CHECK);
    assert!(engine.rules().iter().any(|rule| rule.code == FRAGILE.code));
    let text = [pod("one"), pod("bad"), pod("two")].join("---\n");
    let outcome = judged_by(&engine, &text);
    let pair = |name: &str, code: &str| (name.to_owned(), code.to_owned());
    let expected = ["one", "two"].into_iter().flat_map(|name| [pair(name, FRAGILE.code), pair(name, PRIVILEGED)]);
    assert_eq!(said(&outcome), expected.collect());
    let gaps = gaps(&outcome);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!((gaps[0].kind, gaps[0].location.line), (GapKind::CheckFailed, 10));
    assert_eq!(outcome.files[0].judgement, Judgement::Partly);
}

#[test]
fn settings_leave_out_checks_of_an_embedding_program_too() {
    let config = Config { skip: vec!["test-*".into()], ..Config::default() };
    let engine = Engine::with_checks(&config, FRAGILE_CHECK);
    assert!(engine.rules_left_out().iter().any(|rule| rule.code == FRAGILE.code));
    assert!(gaps(&judged_by(&engine, &pod("bad"))).is_empty());
}

// === every container, every field ===

#[test]
fn a_container_is_judged_alike_in_all_three_lists() {
    for (code, fields) in [
        ("image-tag-latest", "image: 'registry.example.com/a:latest'"),
        ("image-digest-missing", "image: 'registry.example.com/a:1'"),
        ("image-registry-implicit", "image: 'a:1'"),
        ("container-root-filesystem-writable", "securityContext: {}"),
        ("pod-root-group", "securityContext: {runAsGroup: 0}"),
        ("pod-user-of-system", "securityContext: {runAsUser: 7}"),
        ("secret-literal", "env: [{name: DB_PASSWORD, value: hunter22}]"),
        ("secret-literal", "args: [--db-password=hunter22]"),
        ("secret-env-var", "env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]"),
        ("secret-env-var", "envFrom: [{secretRef: {name: s}}]"),
        ("pod-security-host-ports", "ports: [{containerPort: 1, hostPort: 1}]"),
        (PRIVILEGED, "securityContext: {privileged: yes}"),
        ("pod-security-allow-privilege-escalation", "securityContext: {}"),
        ("pod-security-capabilities-baseline", "securityContext: {capabilities: {add: [SYS_ADMIN]}}"),
        ("pod-security-run-as-user", "securityContext: {runAsUser: 0}"),
        ("pod-security-run-as-non-root", "securityContext: {runAsNonRoot: no}"),
        ("pod-security-proc-mount-restricted", "securityContext: {procMount: Unmasked}"),
        ("pod-security-seccomp-profile-baseline", "securityContext: {seccompProfile: {type: Unconfined}}"),
        ("pod-security-se-linux-options", "securityContext: {seLinuxOptions: {type: spc_t}}"),
        ("pod-security-app-armor-profile", "securityContext: {appArmorProfile: {type: Unconfined}}"),
        ("pod-security-windows-host-process", "securityContext: {windowsOptions: {hostProcess: true}}"),
        ("pod-security-host-probes-and-host-lifecycle", "livenessProbe: {tcpSocket: {host: 10.0.0.1, port: 1}}"),
        (
            "mount-propagation-bidirectional",
            "volumeMounts: [{name: v, mountPath: /v, mountPropagation: Bidirectional}], securityContext: {privileged: true}",
        ),
    ] {
        let standard = if code.ends_with("-baseline") { "baseline" } else { "restricted" };
        let config = Config { pod_security: standard.parse().unwrap(), ..Config::default() };
        let counts = ["containers", "initContainers", "ephemeralContainers"].map(|list| {
            let text = format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: n}}\nspec: {{volumes: [{{name: v, emptyDir: {{}}}}], \
                 {list}: [{{name: c, {fields}}}]}}\n"
            );
            let outcome = judged_by(&Engine::new(&config), &text);
            // A pod of init or ephemeral containers alone is incomplete, and told so; nothing else may be.
            let expected = usize::from(list != "containers");
            assert_eq!(gaps(&outcome).len(), expected, "{text}");
            found(&outcome, code)
        });
        assert!(counts[0] > 0 && counts == [counts[0]; 3], "{code} with {fields}: {counts:?}");
    }
}

#[test]
fn an_object_on_its_way_out_is_judged_like_any_other() {
    let leaving = pod("p")
        .replace("name: p", "name: p\n  deletionTimestamp: '2026-01-01T00:00:00Z'\n  finalizers: [a.example.com/b]");
    assert_eq!(found(&judged(&leaving), PRIVILEGED), 1);
}

// === every reading of repeated keys ===

#[test]
fn a_key_that_stands_twice_hides_nothing() {
    let object =
        |spec: &str| format!(r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"p","namespace":"n"}},{spec}}}"#);
    let good = r#"{"name":"c","image":"a"}"#;
    let bad = r#"{"name":"c","image":"a","securityContext":{"privileged":true}}"#;
    for (spec, code) in [
        (format!(r#""spec":{{"containers":[{bad}],"containers":[{good}]}}"#), PRIVILEGED),
        (format!(r#""spec":{{"containers":[{good}],"containers":[{bad}]}}"#), PRIVILEGED),
        (
            format!(r#""spec":{{"hostNetwork":true,"containers":[{good}]}},"spec":{{"containers":[{good}]}}"#),
            "pod-security-host-namespaces",
        ),
        (
            format!(r#""spec":{{"containers":[{good}]}},"spec":{{"hostNetwork":true,"containers":[{good}]}}"#),
            "pod-security-host-namespaces",
        ),
        (format!(r#""spec":{{"hostPID":true,"hostPID":false,"containers":[{good}]}}"#), "pod-security-host-namespaces"),
    ] {
        let outcome = judged(&object(&spec));
        assert!(found(&outcome, code) == 1 && found(&outcome, DUPLICATE) > 0, "{spec}: {:?}", said(&outcome));
        assert_eq!(outcome.files[0].objects, 1);
    }
    assert_eq!(found(&judged(&object(&format!(r#""spec":{{"containers":[{bad}]}}"#))), DUPLICATE), 0);
}

// === every object of a file ===

#[test]
fn objects_in_lists_are_all_judged() {
    let item =
        |name: &str, types: &str| format!("{{{types}metadata: {{name: {name}}}, spec: {{containers: [{BAD}]}}}}");
    let typed = "apiVersion: v1, kind: Pod, ";
    let list =
        |kind: &str, items: &[String]| format!("{{apiVersion: v1, kind: {kind}, items: [{}]}}", items.join(", "));
    let nested =
        list("List", &[item("a", typed), list("List", &[item("b", typed), list("PodList", &[item("c", "")])])]);
    for (text, names) in [
        (nested, vec!["a", "b", "c"]),
        (list("PodList", &[item("a", ""), item("b", "")]), vec!["a", "b"]),
        (format!("[{}, {}]", item("a", typed), item("b", typed)), vec!["a", "b"]),
    ] {
        let outcome = judged(&text);
        let expected: BTreeSet<_> = names.iter().map(|name| ((*name).to_owned(), PRIVILEGED.to_owned())).collect();
        let privileged: BTreeSet<_> = said(&outcome).into_iter().filter(|(_, code)| code == PRIVILEGED).collect();
        assert_eq!(privileged, expected, "{text}");
        assert_eq!((outcome.files[0].objects as usize, gaps(&outcome).len()), (names.len(), 0), "{text}");
    }
}

#[test]
fn documents_are_all_judged_whatever_their_line_ends_and_marks() {
    let block = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\n  namespace: n\ndata:\n  text: |\n    a\n    ---\n    b\n";
    let unix = format!("---\n# nothing\n---\n{}---\n{block}--- # next\n{}...\n---\n{}", pod("a"), pod("b"), pod("c"));
    for text in [
        unix.clone(),
        format!("\u{feff}{unix}"),
        unix.replace('\n', "\r\n"),
        format!("\u{feff}{unix}").replace('\n', "\r\n"),
    ] {
        let outcome = judged(&text);
        assert_eq!(found(&outcome, PRIVILEGED), 3, "{text:?}");
        assert_eq!((outcome.files[0].objects, gaps(&outcome).len()), (4, 0), "{text:?}");
    }
}

// === custom resources ===

#[test]
fn pods_inside_custom_resources_are_judged() {
    for (api_version, kind) in [
        ("argoproj.io/v1alpha1", "Rollout"),
        ("serving.knative.dev/v1", "Service"),
        ("apps.kruise.io/v1alpha1", "CloneSet"),
        ("example.com/v1", "Unheard"),
    ] {
        let text = format!(
            "apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: p, namespace: n}}\nspec:\n  template:\n    spec: {{containers: [{BAD}]}}\n"
        );
        let outcome = judged(&text);
        assert_eq!((found(&outcome, PRIVILEGED), gaps(&outcome).len()), (1, 0), "{text}");
        let finding = outcome.findings.iter().find(|finding| finding.rule.code == PRIVILEGED).unwrap();
        assert_eq!(finding.property("field"), Some("spec.template.spec.containers[0].securityContext.privileged"));
    }
}

#[test]
fn an_image_in_a_place_that_is_not_understood_is_a_gap() {
    let text = "apiVersion: example.com/v1\nkind: Database\nmetadata: {name: d, namespace: n}\nspec:\n  server:\n    image: registry.example.com/db:1\n";
    let outcome = judged(text);
    let gaps = gaps(&outcome);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!((gaps[0].kind, gaps[0].location.line), (GapKind::NotUnderstood, 6));
    assert_eq!(outcome.files[0].judgement, Judgement::Partly);
}

#[test]
fn a_workload_without_a_pod_spec_is_told_as_not_judged() {
    for text in [
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: p}\nspec: {replicas: 1}\n",
    ] {
        let outcome = judged(text);
        let gaps = gaps(&outcome);
        assert!(gaps.len() == 1 && gaps[0].kind == GapKind::NotUnderstood, "{text}{gaps:?}");
    }
}

#[test]
fn a_reference_whose_registry_cannot_be_told_is_in_no_allowed_one() {
    let config = Config { registries: vec!["registry.example.com".into()], ..Config::default() };
    let engine = Engine::new(&config);
    for (image, refused) in [
        ("registry.example.com/a:1", 0),
        ("registry.example.com.evil.com/a:1", 1),
        ("registry.example.com.evil.com/a@sha256:01", 1),
        ("'registry.example.com/ a'", 1),
    ] {
        let text = pod("p").replace("'registry.example.com/a:1'", image);
        assert_eq!(found(&judged_by(&engine, &text), "image-registry-not-allowed"), refused, "{image}");
    }
}

// === users' policies ===

/// A clock that has run out.
#[derive(Debug)]
struct Late(std::sync::atomic::AtomicBool);

impl policy::policies::Timekeeper for Late {
    fn bounded(&self, run: &mut dyn FnMut(&mut policy::admission_policy::Budgets<'_>)) {
        run(&mut policy::admission_policy::Budgets { cancel: Some(&self.0), ..Default::default() });
    }
}

/// Policies that are called off have failed: a finding each, and never a pass.
#[test]
fn policies_that_are_called_off_in_a_scan_are_findings() {
    let text = "
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: t}
spec:
  crd: {spec: {names: {kind: T}}}
  targets: [{target: admission.k8s.gatekeeper.sh, rego: 'package t

      violation[{\"msg\": \"x\"}] { input.review.object.spec.nothing }'}]
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: T
metadata: {name: c}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: v}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations: [{expression: '[1, 2, 3].all(a, [1, 2, 3].all(b, a + b > 0))'}]
";
    let mut trees = Vec::new();
    manifest::documents(text, FileId(1), |document| trees.push(document.unwrap()));
    let roots: Vec<_> = trees.iter().map(manifest::Tree::root).collect();
    let options = policy::policies::Options { kubernetes_minor: 36, bind_all: true, prefer_rego: false };
    let (policies, issues) = policy::policies::Policies::load(&roots, &options);
    assert!(issues.is_empty(), "{issues:?}");
    let (config, facts) = (Config::default(), policy::admission::Facts::new());
    let late = Late(true.into());
    let with = |engine: Engine<'_>| {
        let outcome = judged_by(&engine, &pod("p"));
        (found(&outcome, "policy/t"), found(&outcome, "policy/v"))
    };
    let engine = || Engine::new(&config).with_policies(&policies, &facts, None);
    assert_eq!(with(engine()), (0, 0));
    assert_eq!(with(engine().with_timekeeper(&late)), (1, 1));
}
