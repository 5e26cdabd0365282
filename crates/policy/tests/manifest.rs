//! Checks on the manifest itself, through the engine.

use model::{FileId, Finding, Severity};
use policy::{Config, Engine};

fn findings(yaml: &str, minor: u32) -> Vec<Finding> {
    let config = Config { checks: vec!["manifest-*".into()], kubernetes_minor: minor, ..Config::default() };
    let engine = Engine::new(&config);
    let mut worker = engine.worker();
    worker.file(FileId(0), yaml.len() as u64, yaml);
    engine.finish(vec![worker]).findings
}

fn accepts(yaml: &str) {
    let found = findings(yaml, 36);
    assert!(found.is_empty(), "{}: {}\n{yaml}", found[0].rule.code, found[0].message);
}

/// The one finding on the text; its field is checked where `field` is not empty.
fn reports(yaml: &str, code: &str, field: &str) -> Finding {
    reports_on(36, yaml, code, field)
}

fn reports_on(minor: u32, yaml: &str, code: &str, field: &str) -> Finding {
    let mut found = findings(yaml, minor);
    let codes: Vec<&str> = found.iter().map(|finding| finding.rule.code).collect();
    assert_eq!(codes, [code], "{yaml}");
    let finding = found.remove(0);
    if !field.is_empty() {
        assert_eq!(finding.property("field"), Some(field), "{yaml}");
    }
    finding
}

/// A pod with lines of its spec and of its container.
fn pod(spec: &str, container: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  {spec}\n  containers:\n  - name: c\n    image: i\n    {container}\n"
    )
}

#[test]
fn a_complete_object_is_accepted() {
    accepts(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
  annotations: {note: 'true'}
  creationTimestamp: null
spec:
  replicas: 2
  strategy: {rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
      nodeSelector: {kubernetes.io/arch: amd64}
      containers:
      - name: web
        image: registry.example.com/web@sha256:0
        env: [{name: PORT, value: '80'}, {name: EMPTY, value: null}]
        ports: [{containerPort: 80}]
        resources: {limits: {memory: 1Gi, cpu: 0.5}, requests: {cpu: 1, memory: 134217728}}
        livenessProbe: {httpGet: {path: /, port: http}}
        readinessProbe: {httpGet: {path: /, port: 8080}}
        securityContext: {privileged: no, readOnlyRootFilesystem: yes, capabilities: {drop: [ALL]}}
      volumes: [{name: v, emptyDir: {}}, {name: c, configMap: {name: c, defaultMode: 0440}}]
status:
  whatever: {the: server, wrote: 1}
",
    );
}

#[test]
fn schemas_and_free_maps_are_accepted() {
    accepts(
        "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        x-kubernetes-preserve-unknown-fields: true
        properties:
          Anything: {type: string, default: 1, enum: [a, 1, null]}
          list: {type: array, items: {type: object, additionalProperties: {type: string}}}
          free: {type: object, additionalProperties: true}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {Any-Key: text}
---
apiVersion: v1
kind: List
items: [{apiVersion: v1, kind: ServiceAccount, metadata: {name: s}, automountServiceAccountToken: false}]
---
apiVersion: v1
kind: Config
clusters: []
",
    );
}

#[test]
fn an_unknown_field_is_named_with_its_neighbour() {
    let finding = reports(
        &pod("{}", "imagePulPolicy: Always").replace("  {}\n", ""),
        "manifest-field-unknown",
        "spec.containers[0].imagePulPolicy",
    );
    assert!(finding.message.contains("did you mean `imagePullPolicy`"), "{}", finding.message);
    assert_eq!((finding.location.line, finding.severity), (8, Severity::Low));
    let finding = reports(&pod("colour: red", ""), "manifest-field-unknown", "spec.colour");
    assert!(!finding.message.contains("did you mean"), "{}", finding.message);
}

#[test]
fn an_unknown_field_of_a_narrowing_object_counts_more() {
    let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: np}\nspec: {podSelector: {}, policyType: [Egress]}\n";
    assert_eq!(reports(policy, "manifest-field-unknown", "spec.policyType").severity, Severity::Medium);
    let service =
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {selector: {matchLabel: {a: b}}}\n";
    assert_eq!(reports(service, "manifest-field-unknown", "spec.selector.matchLabel").severity, Severity::Medium);
}

#[test]
fn a_security_setting_in_the_wrong_place_is_told_where_it_belongs() {
    let finding =
        reports(&pod("", "runAsNonRoot: true"), "manifest-field-misplaced", "spec.containers[0].runAsNonRoot");
    assert!(finding.message.contains("securityContext"), "{}", finding.message);
    reports(
        &pod("securityContext: {capabilities: {drop: [ALL]}}", ""),
        "manifest-field-misplaced",
        "spec.securityContext.capabilities",
    );
    reports(&pod("", "automountServiceAccountToken: false"), "manifest-field-misplaced", "");
    accepts(&pod("automountServiceAccountToken: false", "securityContext: {runAsNonRoot: true}"));
}

#[test]
fn another_spelling_of_a_field_is_told() {
    for key in ["HostNetwork", "hostnetwork", "HOSTNETWORK", "host_network", "host-network", "hostNetworK"] {
        reports(&pod(&format!("{key}: true"), ""), "manifest-field-case", &format!("spec.{key}"));
    }
    reports(
        &pod("", "securityContext: {runasnonroot: true}"),
        "manifest-field-case",
        "spec.containers[0].securityContext.runasnonroot",
    );
    // The raw API may take it for either kind, so both are judged and each tells of the stray key.
    let found = findings("apiVersion: v1\nkind: Pod\nKind: Secret\nmetadata: {name: p}\n", 36);
    let told: Vec<_> = found.iter().map(|finding| (finding.rule.code, &*finding.subject.kind)).collect();
    assert_eq!(told, [("manifest-field-case", "Pod"), ("manifest-field-case", "Secret")]);
    // A free map has no fields to compare with.
    accepts("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, labels: {Name: a, name: b}}\ndata: {Data: a}\n");
}

#[test]
fn a_look_alike_of_a_field_is_told_and_printed_safely() {
    for key in [
        "h\u{43e}stNetwork",
        "host\u{200b}Network",
        "'hostNetwork '",
        "\u{ff48}ostNetwork",
        "\"host\\u00adNetwork\"",
        "\"hostNetwork\\0\"",
        "ho\u{17f}tNetwork",
    ] {
        let finding = reports(&pod(&format!("{key}: true"), ""), "manifest-field-look-alike", "");
        assert!(finding.message.is_ascii(), "{}", finding.message);
        assert!(finding.property("field").unwrap().is_ascii());
    }
    reports(&pod("größe: 1", ""), "manifest-field-unknown", "");
}

#[test]
fn a_value_of_the_wrong_type_is_told() {
    for (container, field) in [
        ("securityContext: {privileged: \"true\"}", "securityContext.privileged"),
        ("securityContext: {runAsUser: \"0\"}", "securityContext.runAsUser"),
        ("env: [{name: A, value: 1}]", "env[0].value"),
        ("env: [{name: A, value: yes}]", "env[0].value"),
        ("env: {A: b}", "env"),
        ("args: [1]", "args[0]"),
        ("command: sh", "command"),
        ("ports: [{containerPort: 4294967376}]", "ports[0].containerPort"),
        ("ports: [{containerPort: 80.5}]", "ports[0].containerPort"),
        ("livenessProbe: {httpGet: {port: true}}", "livenessProbe.httpGet.port"),
        ("resources: {limits: {memory: true}}", "resources.limits.memory"),
        ("resources: []", "resources"),
    ] {
        reports(&pod("", container), "manifest-field-type", &format!("spec.containers[0].{field}"));
    }
    let annotated = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, annotations: {a: on}}\n";
    reports(annotated, "manifest-field-type", "metadata.annotations.a");
    accepts(&pod("", "securityContext: {privileged: off, runAsUser: 1_000}"));
    // Filled in before the object is applied.
    accepts("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: '${REPLICAS}'}\n");
}

#[test]
fn a_type_finding_never_prints_the_value() {
    let finding = reports(&pod("", "env: [{name: PIN, value: 73519}]"), "manifest-field-type", "");
    assert!(!finding.message.contains("73519"));
}

#[test]
fn custom_resources_are_compared_by_spelling_only() {
    let rollout = |extra: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {{name: r, own: 1}}\nspec:\n  Steps: 1\n  template:\n    spec:\n      vendorField: 1\n      {extra}: true\n      containers: [{{name: c, image: i, env: {{}}}}]\n"
        )
    };
    accepts(&rollout("hostNetwork"));
    reports(&rollout("HostNetwork"), "manifest-field-case", "spec.template.spec.HostNetwork");
    reports(&rollout("h\u{43e}stNetwork"), "manifest-field-look-alike", "");
}

#[test]
fn disguised_keys_of_custom_resources_are_told_anywhere() {
    let custom = |key: &str| format!("apiVersion: example.com/v1\nkind: Widget\nspec: {{list: [{{{key}: 1}}]}}\n");
    reports(&custom("all\u{43e}w"), "manifest-field-look-alike", "spec.list[0].all\\u{43e}w");
    reports(&custom("deny\u{200b}"), "manifest-field-look-alike", "spec.list[0].deny\\u{200b}");
    accepts(&custom("\u{43a}\u{43e}\u{434}"));
    accepts(&custom("two words"));
}

#[test]
fn bytes_are_base64() {
    let secret = |value: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\ndata: {{k: {value}}}\n");
    for value in ["hunter2!", "a", "YQ", "'YQ='", "Y=Q="] {
        let finding = reports(&secret(value), "manifest-field-type", "data.k");
        assert!(!finding.message.contains("hunter2"), "{}", finding.message);
    }
    for value in ["YQ==", "''", "\"YWJj\\n\"", "'{{ .Values.k }}'", "'ENC[AES256_GCM,data:x]'", "'<path:kv/data/k#k>'"]
    {
        accepts(&secret(value));
    }
    accepts("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nsops: {mac: x}\n");
}

#[test]
fn merge_patch_directives_are_no_fields() {
    accepts(&pod("$patch: replace", "$retainKeys: [name]"));
}

#[test]
fn removed_versions_depend_on_the_release() {
    let budget = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: p}\n";
    let finding = reports_on(36, budget, "manifest-api-removed", "apiVersion");
    assert!(finding.message.contains("1.25") && finding.message.contains("policy/v1"), "{}", finding.message);
    reports_on(24, budget, "manifest-api-deprecated", "apiVersion");
    assert!(findings(budget, 20).is_empty());
    for (api_version, kind) in [
        ("extensions/v1beta1", "Deployment"),
        ("extensions/v1beta1", "Ingress"),
        ("apps/v1beta2", "StatefulSet"),
        ("batch/v1beta1", "CronJob"),
        ("rbac.authorization.k8s.io/v1beta1", "ClusterRole"),
        ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition"),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler"),
        ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema"),
        ("kubeadm.k8s.io/v1beta2", "ClusterConfiguration"),
        ("audit.k8s.io/v1beta1", "Policy"),
        ("kubescheduler.config.k8s.io/v1beta3", "KubeSchedulerConfiguration"),
    ] {
        reports(&format!("apiVersion: {api_version}\nkind: {kind}\n"), "manifest-api-removed", "apiVersion");
    }
    accepts(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nspec: {podSelector: {}}\nstatus: {conditions: 1}\n",
    );
    for (api_version, kind) in [
        ("kubeadm.k8s.io/v1beta4", "ClusterConfiguration"),
        ("audit.k8s.io/v1", "Policy"),
        ("kubelet.config.k8s.io/v1beta1", "KubeletConfiguration"),
        ("policy/v1", "PodDisruptionBudget"),
        ("discovery.k8s.io/v1", "EndpointSlice"),
        ("argoproj.io/v1alpha1", "Application"),
        ("gateway.networking.k8s.io/v1beta1", "Gateway"),
    ] {
        accepts(&format!("apiVersion: {api_version}\nkind: {kind}\n"));
    }
}

#[test]
fn deprecated_and_preview_versions_are_told() {
    let endpoints = reports("apiVersion: v1\nkind: Endpoints\n", "manifest-api-deprecated", "");
    assert_eq!(endpoints.severity, Severity::Info);
    reports("apiVersion: resource.k8s.io/v1beta1\nkind: DeviceClass\n", "manifest-api-deprecated", "");
    reports("apiVersion: certificates.k8s.io/v1beta1\nkind: ClusterTrustBundle\n", "manifest-api-preview", "");
    reports("apiVersion: scheduling.k8s.io/v1alpha2\nkind: Workload\n", "manifest-api-preview", "");
}

#[test]
fn unknown_kinds_of_known_groups_are_told() {
    let finding = reports("apiVersion: apps/v2\nkind: Deployment\n", "manifest-api-unknown", "");
    assert!(finding.message.contains("apps/v1"), "{}", finding.message);
    reports("apiVersion: v1\nkind: pod\n", "manifest-api-unknown", "");
    accepts("apiVersion: example.com/v9\nkind: Deployment\n");
}

#[test]
fn leftover_annotations_are_told_by_what_they_still_do() {
    let with = |annotation: &str| {
        format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p, annotations: {{{annotation}: x}}}}\n")
    };
    let seccomp = with("seccomp.security.alpha.kubernetes.io/pod");
    assert_eq!(reports(&seccomp, "manifest-annotation-dead", "").severity, Severity::Medium);
    reports_on(26, &seccomp, "manifest-metadata-deprecated", "");
    let critical = reports(&with("scheduler.alpha.kubernetes.io/critical-pod"), "manifest-annotation-dead", "");
    assert_eq!(critical.severity, Severity::Low);
    reports(&with("container.apparmor.security.beta.kubernetes.io/web"), "manifest-metadata-deprecated", "");
    reports(&with("kubernetes.io/ingress.class"), "manifest-metadata-deprecated", "");
    accepts(&with("scheduler.alpha.kubernetes.io/node-selector"));
    accepts(&with("nginx.ingress.kubernetes.io/rewrite-target"));
    reports(
        &pod("nodeSelector: {beta.kubernetes.io/os: linux}", ""),
        "manifest-metadata-deprecated",
        "spec.nodeSelector.beta.kubernetes.io/os",
    );
    let template = "apiVersion: v1\nkind: PodTemplate\nmetadata: {name: t}\ntemplate: {metadata: {annotations: {seccomp.security.alpha.kubernetes.io/pod: x}}, spec: {containers: [{name: c}]}}\n";
    reports(
        template,
        "manifest-annotation-dead",
        "template.metadata.annotations.seccomp.security.alpha.kubernetes.io/pod",
    );
}

#[test]
fn old_volume_plugins_are_told() {
    let volume = |source: &str| pod(&format!("volumes: [{{name: v, {source}}}]"), "");
    let git = reports(
        &volume("gitRepo: {repository: 'https://example.com/r'}"),
        "manifest-volume-git-repo",
        "spec.volumes[0].gitRepo",
    );
    assert_eq!(git.severity, Severity::High);
    reports(&volume("cephfs: {monitors: [a]}"), "manifest-volume-plugin", "spec.volumes[0].cephfs");
    assert_eq!(reports(&volume("azureDisk: {diskName: a}"), "manifest-volume-plugin", "").severity, Severity::Info);
    accepts(&volume("csi: {driver: d}"));
    let persistent =
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\nspec: {glusterfs: {endpoints: e, path: p}}\n";
    reports(persistent, "manifest-volume-plugin", "spec.glusterfs");
}

#[test]
fn marks_for_other_tools_are_counted() {
    let marked = |list: &str, mark: &str| {
        format!("apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: s, {list}: {{{mark}: x}}}}\n")
    };
    for mark in [
        "checkov.io/skip1",
        "ignore-check.kube-linter.io/privileged",
        "polaris.fairwinds.com/exempt",
        "kube-score/ignore",
    ] {
        assert_eq!(reports(&marked("annotations", mark), "manifest-suppression", "").severity, Severity::Info);
    }
    accepts(&marked("annotations", "example.com/skip"));
    reports("apiVersion: kyverno.io/v2\nkind: PolicyException\nmetadata: {name: e}\n", "manifest-suppression", "");
}

#[test]
fn labels_that_switch_admission_off_are_told() {
    let namespace = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{admission.gatekeeper.sh/ignore: 'true'}}}}\n"
        )
    };
    reports(&namespace("shop"), "manifest-admission-opt-out", "metadata.labels.admission.gatekeeper.sh/ignore");
    accepts(&namespace("gatekeeper-system"));
}

#[test]
fn repeated_keys_are_named_with_their_path() {
    reports(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: a\n  - name: b\n    tty: true\n    tty: false\n",
        "manifest-duplicate-key",
        "spec.containers[1].tty",
    );
}

#[test]
fn hostile_keys_stay_cheap() {
    let mut text = String::from("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n");
    for index in 0..20_000 {
        text.push_str(&format!("  hostNetwor{index}: 1\n"));
    }
    let started = std::time::Instant::now();
    assert_eq!(findings(&text, 36).len(), 250);
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

#[test]
#[ignore = "a measurement: cargo test --release --test manifest -- --ignored --nocapture"]
fn the_walk_costs_little_next_to_reading() {
    let Some(folder) = std::env::var_os("KOBUK_BENCH_FILES") else { return };
    let texts: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok())
        .collect();
    let bytes: usize = texts.iter().map(String::len).sum();
    let run = |check: &str| {
        let config = Config { checks: vec![check.into()], ..Config::default() };
        let engine = Engine::new(&config);
        let best = (0..7).map(|_| {
            let started = std::time::Instant::now();
            let mut worker = engine.worker();
            for text in &texts {
                worker.file(FileId(0), text.len() as u64, text);
            }
            std::hint::black_box(engine.finish(vec![worker]));
            started.elapsed()
        });
        best.min().unwrap()
    };
    let none = run("no-such-check");
    println!("{bytes} bytes; reading and inventory {none:?}");
    for check in [
        "manifest-field-*",
        "manifest-api-*",
        "manifest-annotation-*",
        "manifest-volume-*",
        "manifest-suppression",
        "manifest-*",
    ] {
        let time = run(check);
        println!("{check}: {time:?}, {:+.1} %", (time.as_secs_f64() / none.as_secs_f64() - 1.0) * 100.0);
    }
}

#[test]
fn nothing_that_the_described_release_serves_counts_as_removed() {
    let (_, kinds) = include_str!("../../manifest/data/schema.txt").split_once("\n\n").unwrap();
    for line in kinds.lines() {
        let mut words = line.split(' ');
        let (api_version, kind) = (words.next().unwrap(), words.next().unwrap());
        for finding in findings(&format!("apiVersion: {api_version}\nkind: {kind}\n"), policy::config::KUBERNETES_MINOR)
        {
            assert!(
                matches!(finding.rule.code, "manifest-api-deprecated" | "manifest-api-preview"),
                "{line}: {}",
                finding.message
            );
        }
    }
}
