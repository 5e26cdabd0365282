//! The nineteen checks, each through one door: what a level at a version says of a pod.

#![allow(clippy::unwrap_used)]

use model::{FileId, Finding, Severity};
use policy::{Config, Engine};

fn findings(standard: &str, text: &str) -> Vec<Finding> {
    let config = Config {
        pod_security: standard.parse().unwrap(),
        checks: vec!["pod-security-*".into(), "pod-not-judged".into()],
        ..Config::default()
    };
    let engine = Engine::new(&config);
    let mut worker = engine.worker();
    worker.file(FileId(0), text.len() as u64, text);
    let outcome = engine.finish(vec![worker]);
    let understood = |file: &model::FileCoverage| {
        file.objects > 0 && file.gaps.iter().all(|gap| gap.kind == model::coverage::GapKind::NotUnderstood)
    };
    assert!(outcome.files.iter().all(understood), "{:#?}", outcome.files);
    outcome.findings
}

/// Ids of the checks that say something, in order and without repetition.
fn checks(standard: &str, text: &str) -> Vec<String> {
    let mut ids: Vec<String> = findings(standard, text)
        .iter()
        .map(|finding| finding.property("check").unwrap_or(finding.rule.code).to_owned())
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

fn accepts(standard: &str, text: &str) {
    let said = checks(standard, text);
    assert!(said.is_empty(), "{standard} says {said:?} of\n{text}");
}

fn reports(standard: &str, text: &str, check: &str) {
    let said = checks(standard, text);
    assert_eq!(said, [check], "{standard} of\n{text}");
}

/// A pod of which the flow mapping `spec` overrides what would meet baseline.
fn pod(spec: &str) -> String {
    format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: c, image: i}}], {spec}}}\n")
}

/// A pod whose only container has these fields.
fn container(fields: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: c, image: i, {fields}}}]}}\n"
    )
}

/// A pod that meets restricted, but for these fields of pod and container contexts.
fn hardened(pod: &str, context: &str) -> String {
    let lists = ["initContainers", "containers", "ephemeralContainers"].map(|list| {
        format!(
            "{list}: [{{name: {list}, image: i, securityContext: {{allowPrivilegeEscalation: false, \
             capabilities: {{drop: [ALL]}}, {context}}}}}]"
        )
    });
    let list = lists.join(", ");
    format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{{list}, {pod}}}\n")
}

const PROFILE: &str = "seccompProfile: {type: RuntimeDefault}";

#[test]
fn host_namespaces_are_refused_one_by_one() {
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        reports("baseline:v1.0", &pod(&format!("{field}: true")), "hostNamespaces");
        reports("baseline", &pod(&format!("{field}: on")), "hostNamespaces");
        reports("baseline", &pod(&format!("{field}: 'yes'")), "hostNamespaces");
        accepts("baseline", &pod(&format!("{field}: false")));
        accepts("baseline", &pod(&format!("{field}: null")));
    }
    assert_eq!(findings("baseline", &pod("hostNetwork: true, hostPID: yes, hostIPC: Y")).len(), 3);
}

#[test]
fn fields_of_containers_are_judged_in_every_list_of_containers() {
    for (standard, fields, check) in [
        ("baseline:v1.0", "securityContext: {privileged: true}", "privileged"),
        ("baseline", "securityContext: {capabilities: {add: [NET_RAW]}}", "capabilities_baseline"),
        ("baseline", "securityContext: {capabilities: {add: [CHOWN, chown]}}", "capabilities_baseline"),
        ("baseline", "securityContext: {capabilities: {add: [null]}}", "capabilities_baseline"),
        ("baseline", "ports: [{containerPort: 1, hostPort: 0}, {containerPort: 2, hostPort: 2}]", "hostPorts"),
        ("baseline", "livenessProbe: {httpGet: {port: 1, host: a}}", "hostProbesAndHostLifecycle"),
        ("baseline", "startupProbe: {tcpSocket: {port: 1, host: a}}", "hostProbesAndHostLifecycle"),
        ("baseline", "lifecycle: {preStop: {tcpSocket: {port: 1, host: a}}}", "hostProbesAndHostLifecycle"),
        ("baseline", "lifecycle: {postStart: {httpGet: {port: 1, host: a}}}", "hostProbesAndHostLifecycle"),
        ("baseline", "securityContext: {appArmorProfile: {type: Unconfined}}", "appArmorProfile"),
        ("baseline", "securityContext: {appArmorProfile: {}}", "appArmorProfile"),
        ("baseline", "securityContext: {seLinuxOptions: {type: spc_t}}", "seLinuxOptions"),
        ("baseline", "securityContext: {seLinuxOptions: {user: u}}", "seLinuxOptions"),
        ("baseline", "securityContext: {seLinuxOptions: {role: r}}", "seLinuxOptions"),
        ("baseline", "securityContext: {procMount: Unmasked}", "procMount"),
        ("baseline", "securityContext: {procMount: ''}", "procMount"),
        ("baseline", "securityContext: {seccompProfile: {type: Unconfined}}", "seccompProfile_baseline"),
        ("baseline", "securityContext: {seccompProfile: {}}", "seccompProfile_baseline"),
        ("baseline", "securityContext: {windowsOptions: {hostProcess: true}}", "windowsHostProcess"),
    ] {
        reports(standard, &container(fields), check);
        for list in ["initContainers", "ephemeralContainers"] {
            reports(standard, &pod(&format!("{list}: [{{name: d, image: i, {fields}}}]")), check);
        }
    }
}

#[test]
fn what_baseline_allows_is_not_reported() {
    for fields in [
        "securityContext: null",
        "securityContext: {privileged: null}",
        "securityContext: {privileged: n}",
        "securityContext: {capabilities: {add: null}}",
        "securityContext: {capabilities: {add: [CHOWN, SYS_CHROOT], drop: [ALL]}}",
        "ports: [{containerPort: 1, hostPort: 0x0}, {containerPort: 2, hostPort: null}]",
        "livenessProbe: {httpGet: {port: 1, host: ''}}, lifecycle: {preStop: {exec: {command: [a]}}}",
        "securityContext: {appArmorProfile: {type: Localhost}, seccompProfile: {type: Localhost}}",
        "securityContext: {seLinuxOptions: {type: container_engine_t, level: s0, user: '', role: null}}",
        "securityContext: {procMount: Default, windowsOptions: {hostProcess: false}}",
        "securityContext: {allowPrivilegeEscalation: true, runAsUser: 0, runAsNonRoot: false}",
    ] {
        accepts("baseline", &container(fields));
    }
}

#[test]
fn contexts_of_the_pod_are_judged_too() {
    for (context, check) in [
        ("appArmorProfile: {type: Unconfined}", "appArmorProfile"),
        ("seLinuxOptions: {type: spc_t}", "seLinuxOptions"),
        ("seccompProfile: {type: Unconfined}", "seccompProfile_baseline"),
        ("windowsOptions: {hostProcess: true}", "windowsHostProcess"),
        ("sysctls: [{name: kernel.msgmax, value: '1'}]", "sysctls"),
        ("sysctls: [{value: '1'}]", "sysctls"),
    ] {
        reports("baseline", &pod(&format!("securityContext: {{{context}}}")), check);
    }
}

#[test]
fn a_version_decides_which_values_are_allowed() {
    let sysctl = |name: &str| pod(&format!("securityContext: {{sysctls: [{{name: {name}, value: '1'}}]}}"));
    let engine_t = container("securityContext: {seLinuxOptions: {type: container_engine_t}}");
    let probe = container("livenessProbe: {httpGet: {port: 1, host: a}}");
    let unmasked =
        pod("hostUsers: false, initContainers: [{name: d, image: i, securityContext: {procMount: Unmasked}}]");
    let seccomp = container("securityContext: {seccompProfile: {type: Unconfined}}");
    for (since, text, check, allowed_since) in [
        (27, sysctl("net.ipv4.ip_local_reserved_ports"), "sysctls", true),
        (29, sysctl("net.ipv4.tcp_keepalive_time"), "sysctls", true),
        (32, sysctl("net.ipv4.tcp_wmem"), "sysctls", true),
        (37, sysctl("net.ipv4.tcp_notsent_lowat"), "sysctls", true),
        (31, engine_t, "seLinuxOptions", true),
        (35, unmasked, "procMount", true),
        (34, probe, "hostProbesAndHostLifecycle", false),
        (19, seccomp, "seccompProfile_baseline", false),
    ] {
        let (before, from) = (format!("baseline:v1.{}", since - 1), format!("baseline:v1.{since}"));
        let (allows, refuses) = if allowed_since { (from, before) } else { (before, from) };
        accepts(&allows, &text);
        reports(&refuses, &text, check);
    }
}

#[test]
fn annotations_of_the_pod_template_are_judged() {
    let annotated = |key: &str, value: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d, annotations: {{'{key}': fine}}}}\nspec:\n  \
             template:\n    metadata: {{annotations: {{'{key}': {value}}}}}\n    spec: {{containers: [{{name: c, image: i}}]}}\n"
        )
    };
    let armor = "container.apparmor.security.beta.kubernetes.io/c";
    reports("baseline", &annotated(armor, "unconfined"), "appArmorProfile");
    for value in ["runtime/default", "localhost/x", "''", "null"] {
        accepts("baseline", &annotated(armor, value));
    }
    let of_pod = "seccomp.security.alpha.kubernetes.io/pod";
    let of_container = "container.seccomp.security.alpha.kubernetes.io/c";
    for key in [of_pod, of_container] {
        for value in ["unconfined", "''", "null"] {
            reports("baseline:v1.18", &annotated(key, value), "seccompProfile_baseline");
            accepts("baseline:v1.19", &annotated(key, value));
        }
        for value in ["runtime/default", "docker/default", "localhost/x"] {
            accepts("baseline:v1.0", &annotated(key, value));
        }
    }
    accepts("baseline:v1.0", &annotated("container.seccomp.security.alpha.kubernetes.io/other", "unconfined"));
    let finding = &findings("baseline", &annotated(armor, "unconfined"))[0];
    assert_eq!(finding.property("field"), Some(format!("spec.template.metadata.annotations[{armor}]").as_str()));
    assert_eq!(finding.property("container"), Some("c"));
}

#[test]
fn volumes_are_judged_by_their_type() {
    let volume = |source: &str| {
        hardened(&format!("securityContext: {{runAsNonRoot: true, {PROFILE}}}, volumes: [{{name: v, {source}}}]"), "")
    };
    for source in ["hostPath: {path: /}", "hostPath: {}", "emptyDir: {}, hostPath: {path: /}"] {
        reports("baseline", &volume(source), "hostPathVolumes");
        reports("restricted", &volume(source), "restrictedVolumes");
        assert_eq!(findings("restricted", &volume(source))[0].severity, Severity::High);
    }
    for source in ["nfs: {server: a, path: /}", "gitRepo: {repository: a}", "unheardOf: {}", "iscsi: {lun: 0}"] {
        accepts("baseline", &volume(source));
        reports("restricted", &volume(source), "restrictedVolumes");
    }
    // The API server makes an emptyDir of a volume without a source.
    for source in ["emptyDir: {}", "emptyDir: null", "hostPath: null", "csi: {driver: d}", "image: {reference: r}"] {
        accepts("restricted", &volume(source));
    }
}

#[test]
fn restricted_wants_no_privilege_escalation_and_no_capabilities() {
    let with = |context: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{securityContext: {{runAsNonRoot: true, {PROFILE}}}, \
             containers: [{{name: c, image: i, securityContext: {{{context}}}}}]}}\n"
        )
    };
    let drop = "capabilities: {drop: [ALL]}";
    for value in ["true", "null", "'no'", "1"] {
        let text = with(&format!("{drop}, allowPrivilegeEscalation: {value}"));
        reports("restricted", &text, "allowPrivilegeEscalation");
        accepts("restricted:v1.7", &text);
        reports("restricted:v1.8", &text, "allowPrivilegeEscalation");
    }
    for capabilities in ["null", "{}", "{drop: null}", "{drop: []}", "{drop: [all]}", "{drop: ALL}", "{drop: [CHOWN]}"]
    {
        let text = with(&format!("allowPrivilegeEscalation: false, capabilities: {capabilities}"));
        reports("restricted", &text, "capabilities_restricted");
        accepts("restricted:v1.21", &text);
    }
    let text = with("allowPrivilegeEscalation: no, capabilities: {drop: [CHOWN, ALL], add: [CHOWN]}");
    reports("restricted", &text, "capabilities_restricted");
    let text = with("allowPrivilegeEscalation: no, capabilities: {drop: [CHOWN, ALL], add: [NET_BIND_SERVICE]}");
    accepts("restricted", &text);
}

#[test]
fn a_capability_that_is_all_of_root_is_critical() {
    for (add, severity) in [("SYS_ADMIN, KILL", Severity::Critical), ("NET_RAW", Severity::High)] {
        let text = container(&format!("securityContext: {{capabilities: {{add: [{add}]}}}}"));
        let findings = findings("baseline", &text);
        assert_eq!((findings.len(), findings[0].severity), (1, severity), "{add}");
    }
}

/// Pod level by container level by kind of container, for the two fields that are inherited.
#[test]
fn what_a_container_inherits_counts_and_what_it_overrides_counts_more() {
    let profile =
        |kind: &str| if kind.is_empty() { String::new() } else { format!("seccompProfile: {{type: {kind}}}") };
    let kinds = ["", "RuntimeDefault", "Localhost", "Unconfined", "''", "runtime/default"];
    for of_pod in kinds {
        for of_container in kinds {
            let text = hardened(
                &format!("securityContext: {{runAsNonRoot: true, {}}}", profile(of_pod)),
                &profile(of_container),
            );
            let good = |kind: &str| matches!(kind, "RuntimeDefault" | "Localhost");
            let bad = |kind: &str| !kind.is_empty() && !good(kind);
            if bad(of_pod) || bad(of_container) || of_pod.is_empty() && of_container.is_empty() {
                reports("restricted", &text, "seccompProfile_restricted");
            } else {
                accepts("restricted", &text);
            }
            let baseline = checks("baseline", &text);
            assert_eq!(baseline.is_empty(), !bad(of_pod) && !bad(of_container), "{text}");
        }
    }
    for of_pod in ["", "true", "false", "yes", "off"] {
        for of_container in ["", "true", "false", "on", "N"] {
            let field = |value: &str| if value.is_empty() { String::new() } else { format!("runAsNonRoot: {value}") };
            let text = hardened(&format!("securityContext: {{{PROFILE}, {}}}", field(of_pod)), &field(of_container));
            let bad = |value: &str| matches!(value, "false" | "off" | "N");
            if bad(of_pod) || bad(of_container) || of_pod.is_empty() && of_container.is_empty() {
                reports("restricted", &text, "runAsNonRoot");
            } else {
                accepts("restricted", &text);
            }
        }
    }
}

#[test]
fn a_missing_profile_is_reported_once_per_container_and_a_bad_one_once_where_it_stands() {
    let missing = findings("restricted", &hardened("securityContext: {runAsNonRoot: true}", ""));
    let containers: Vec<_> = missing.iter().map(|finding| finding.property("container")).collect();
    assert_eq!(containers, [Some("initContainers"), Some("containers"), Some("ephemeralContainers")]);
    let bad = hardened("securityContext: {runAsNonRoot: true, seccompProfile: {type: Unconfined}}", "");
    let bad = findings("restricted", &bad);
    assert_eq!(bad.len(), 1, "{bad:#?}");
    assert_eq!(bad[0].property("field"), Some("spec.securityContext.seccompProfile.type"));
    assert_eq!(&*bad[0].message, "the pod sets `securityContext.seccompProfile.type` to `Unconfined`");
}

#[test]
fn root_is_allowed_in_a_user_namespace_from_v1_35_on() {
    let root = format!("securityContext: {{runAsUser: 0, {PROFILE}}}");
    let inside = hardened(&format!("hostUsers: false, {root}"), "");
    accepts("restricted:v1.35", &inside);
    assert_eq!(checks("restricted:v1.34", &inside), ["runAsNonRoot", "runAsUser"]);
    for users in ["true", "null"] {
        let text = hardened(&format!("hostUsers: {users}, {root}"), "");
        assert_eq!(checks("restricted", &text), ["runAsNonRoot", "runAsUser"]);
    }
    let unmasked = hardened(&format!("hostUsers: false, {root}"), "procMount: Unmasked");
    reports("restricted:v1.35", &unmasked, "procMount_restricted");
    accepts("baseline:v1.35", &unmasked);
}

#[test]
fn zero_is_root_however_it_is_spelt() {
    for user in ["0", "00", "0_0", "0x0", "0.0", "0e0", "-0", "'0'"] {
        let text = hardened(&format!("securityContext: {{runAsNonRoot: true, runAsUser: {user}, {PROFILE}}}"), "");
        reports("restricted:v1.23", &text, "runAsUser");
        accepts("restricted:v1.22", &text);
    }
    accepts(
        "restricted",
        &hardened(&format!("securityContext: {{runAsNonRoot: true, runAsUser: 1_000, {PROFILE}}}"), ""),
    );
}

#[test]
fn windows_pods_need_no_linux_fields_from_v1_25_on() {
    let text = pod("os: {name: windows}, securityContext: {runAsNonRoot: true}");
    accepts("restricted:v1.25", &text);
    let linux_only = ["allowPrivilegeEscalation", "capabilities_restricted", "seccompProfile_restricted"];
    assert_eq!(checks("restricted:v1.24", &text), linux_only);
    let linux = pod("os: {name: linux}, securityContext: {runAsNonRoot: true}");
    assert_eq!(checks("restricted:v1.25", &linux), linux_only);
}

#[test]
fn privileged_forbids_nothing_and_proves_nothing() {
    let text = pod("hostNetwork: true");
    accepts("privileged", &text);
    let config = Config { pod_security: "privileged".parse().unwrap(), ..Config::default() };
    let ran = Engine::new(&config).rules();
    assert!(ran.iter().all(|rule| !rule.code.starts_with("pod-security-")));
}

#[test]
fn a_finding_tells_check_level_version_container_and_field() {
    let text = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: j}\nspec:\n  jobTemplate:\n    spec:\n      template:\n        \
                spec:\n          initContainers:\n          - name: setup\n            image: i\n            \
                securityContext:\n              privileged: yes\n          containers: [{name: c, image: i}]\n";
    let findings = findings("baseline:v1.30", text);
    let finding = &findings[0];
    let property = |name: &str| finding.property(name).unwrap_or("").to_owned();
    assert_eq!(finding.rule.code, "pod-security-privileged");
    assert_eq!(property("check"), "privileged");
    assert_eq!(property("level"), "baseline");
    assert_eq!(property("version"), "v1.30");
    assert_eq!(property("container"), "setup");
    assert_eq!(property("field"), "spec.jobTemplate.spec.template.spec.initContainers[0].securityContext.privileged");
    assert_eq!((finding.location.line, finding.location.column), (13, 27));
    assert_eq!(&*finding.message, "init container `setup` sets `securityContext.privileged` to true");
}

#[test]
fn a_repeated_key_cannot_hide_anything() {
    for text in [
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\",\
         \"image\":\"i\",\"securityContext\":{\"privileged\":true}}],\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: i\n    \
         securityContext: {privileged: true, privileged: false}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: i\n    \
         securityContext: {privileged: false, privileged: true}\n",
    ] {
        reports("baseline", text, "privileged");
    }
}

#[test]
fn what_cannot_be_judged_is_said() {
    for text in [
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: []\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: []}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: {name: c}}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [c]}\n",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: p}\nspec: {replicas: 3}\n",
        "apiVersion: v1\nkind: Deployment\nmetadata: {name: p}\nspec: {template: {spec: {containers: [{name: c, image: i}]}}}\n",
        &pod("volumes: {}"),
        &pod("securityContext: [privileged]"),
        &pod("securityContext: {seLinuxOptions: spc_t}"),
        &pod("securityContext: {sysctls: {kernel.msgmax: 1}}"),
        &pod("volumes: [hostPath]"),
        &container("securityContext: [privileged]"),
        &container("securityContext: {capabilities: [SYS_ADMIN]}"),
        &container("securityContext: {windowsOptions: [hostProcess]}"),
        &container("ports: {hostPort: 80}"),
        &container("livenessProbe: [httpGet]"),
        &pod("x: 1").replace("{name: p}", "{name: p, annotations: [a]}"),
    ] {
        reports("baseline", text, "pod-not-judged");
    }
}

#[test]
fn a_patch_that_deletes_a_controller_has_nothing_to_judge() {
    accepts("restricted", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: p}\n$patch: delete\n");
}
