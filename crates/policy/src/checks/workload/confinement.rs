//! What confines a pod beyond the Pod Security Standards: file system, users, groups, namespaces.

use manifest::{Container, ContainerKind, Object, PodTemplate, Value};
use model::{Rule, Scope, Serves, Severity};

use super::on_container;
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// The root file system can be written to.
pub static ROOT_FILESYSTEM: Rule = Rule {
    code: "container-root-filesystem-writable",
    title: "A container may write to its root file system",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-10"), Serves::part("DV-12")],
    why: "An attacker in the container can replace the program, install tools and hide them, and the disk of the \
          node fills up with what nobody expects.",
    fix: "Set readOnlyRootFilesystem to true and mount an emptyDir where the program has to write.",
    example: "containers:\n- name: web\n  securityContext:\n    readOnlyRootFilesystem: true\n",
};

/// Group 0 in some field.
pub static ROOT_GROUP: Rule = Rule {
    code: "pod-root-group",
    title: "A pod runs with the root group",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-10")],
    why: "Files of group 0 in images and on volumes of the node are often writable for the group, so a process that \
          is not root gets at them all the same.",
    fix: "Set runAsGroup, fsGroup and supplementalGroups to groups of the workload's own.",
    example: "securityContext:\n  runAsUser: 10001\n  runAsGroup: 10001\n  fsGroup: 10001\n",
};

/// No user in the manifest.
pub static USER_UNSET: Rule = Rule {
    code: "pod-user-unset",
    title: "A container does not say which user it runs as",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-10")],
    why: "The image decides then, and a new version of it can decide for root.",
    fix: "Set runAsUser and runAsGroup on the pod.",
    example: "securityContext:\n  runAsUser: 10001\n  runAsGroup: 10001\n",
};

/// A user that the node has too.
pub static USER_OF_SYSTEM: Rule = Rule {
    code: "pod-user-of-system",
    title: "A container runs as a user number of the node's system",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-10")],
    why: "Numbers below 1000 belong to services of the node. After a break-out the process owns their files.",
    fix: "Choose a number above 10000 for runAsUser.",
    example: "securityContext:\n  runAsUser: 10001\n",
};

/// User numbers of the container are those of the node.
pub static HOST_USERS: Rule = Rule {
    code: "pod-host-users",
    title: "A pod shares the user namespace of the node",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-10"), Serves::part("RC-25")],
    why: "Root in the container is root on the node for everything that is not namespaced, so one hole in the \
          kernel or the runtime is enough. In a user namespace of its own, root in the container is nobody outside.",
    fix: "Set hostUsers to false where the nodes support it, first of all for pods that need root.",
    example: "spec:\n  hostUsers: false\n",
};

/// Neither AppArmor nor SELinux is asked for.
pub static MAC_UNSET: Rule = Rule {
    code: "pod-mandatory-access-control-unset",
    title: "A pod names neither an AppArmor profile nor SELinux options",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-08"), Serves::part("RC-09")],
    why: "What confines the container is then up to each node's runtime, and on a node without either it is nothing. \
          A profile named in the manifest keeps the pod from starting where it is not there.",
    fix: "Set appArmorProfile to RuntimeDefault or Localhost, or seLinuxOptions, as the nodes support.",
    example: "securityContext:\n  appArmorProfile:\n    type: RuntimeDefault\n",
};

/// A seccomp profile of the user's own.
pub static SECCOMP_LOCALHOST: Rule = Rule {
    code: "pod-seccomp-localhost",
    title: "A pod uses a seccomp profile from the node",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-07")],
    why: "The profile is a file on every node: it must be there, be reviewed, and keep up with the program. The \
          manifest does not show what it allows.",
    fix: "Keep the profile under review with the workload, or use RuntimeDefault.",
    example: "securityContext:\n  seccompProfile:\n    type: RuntimeDefault\n",
};

/// Containers see each other's processes.
pub static SHARED_PROCESSES: Rule = Rule {
    code: "pod-share-process-namespace",
    title: "Containers of a pod see each other's processes",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-25")],
    why: "Through /proc one container reads the environment, files and memory of another with the same user, \
          secrets included.",
    fix: "Remove shareProcessNamespace; debug with an ephemeral container that targets one container.",
    example: "",
};

/// Names resolved by the manifest.
pub static HOST_ALIASES: Rule = Rule {
    code: "pod-host-aliases",
    title: "A pod overrides the resolution of names",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("DV-12")],
    why: "Entries of hostAliases win over DNS, so traffic for a known name can be led elsewhere by whoever edits \
          the manifest, and policies by name do not see it.",
    fix: "Use DNS; keep hostAliases for tests.",
    example: "",
};

/// A terminal in the manifest.
pub static INTERACTIVE: Rule = Rule {
    code: "container-interactive",
    title: "A container asks for a terminal or standard input",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-25")],
    why: "Services need neither. `stdin` and `tty` are left over from debugging and make `kubectl attach` a shell.",
    fix: "Remove stdin and tty.",
    example: "",
};

/// A debugging container that stayed.
pub static EPHEMERAL_LEFT: Rule = Rule {
    code: "container-ephemeral-left",
    title: "A manifest holds an ephemeral container",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-25"), Serves::part("DV-12")],
    why: "Ephemeral containers are added to running pods for debugging. In a manifest they are the trace of a \
          session, with tools and rights that the workload was not reviewed with; the API server refuses them in new pods.",
    fix: "Delete ephemeralContainers from the manifest.",
    example: "",
};

/// The check on workloads.
pub(crate) const CHECK: ObjectCheck = ObjectCheck {
    scope: Scope::Workload,
    rules: &[
        &ROOT_FILESYSTEM,
        &ROOT_GROUP,
        &USER_UNSET,
        &USER_OF_SYSTEM,
        &HOST_USERS,
        &MAC_UNSET,
        &SECCOMP_LOCALHOST,
        &SHARED_PROCESSES,
        &HOST_ALIASES,
        &INTERACTIVE,
        &EPHEMERAL_LEFT,
    ],
    run: check,
};

/// First number that distributions give to people and not to services.
const USER_OF_PEOPLE_MIN: i64 = 1000;

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    for pod in &object.pods {
        let windows = pod.is_windows();
        for container in pod.containers() {
            judge_container(pod, &container, windows, sink);
        }
        judge_pod(pod, sink);
        if !windows {
            judge_groups(pod, sink);
            judge_users_and_labels(pod, sink);
        }
    }
}

fn judge_container(pod: &PodTemplate<'_>, container: &Container<'_>, windows: bool, sink: &mut Sink<'_>) {
    let context = container.security_context();
    if !windows && context.and_then(|context| context.bool_at("readOnlyRootFilesystem")) != Some(true) {
        let at = context.map(|context| context.get("readOnlyRootFilesystem").unwrap_or(context));
        let below = "securityContext.readOnlyRootFilesystem";
        on_container(sink, &ROOT_FILESYSTEM, at.unwrap_or(container.value), (pod, container), below, |noun| {
            format!("{noun} does not set `{below}` to true")
        });
    }
    if !windows {
        judge_user(pod, container, context, sink);
    }
    for key in ["stdin", "tty"] {
        if let Some(value) = container.value.get(key).filter(|value| value.as_bool() == Some(true))
            && container.kind == ContainerKind::Regular
        {
            on_container(sink, &INTERACTIVE, value, (pod, container), key, |noun| {
                format!("{noun} sets `{key}` to true")
            });
        }
    }
    if container.kind == ContainerKind::Ephemeral {
        on_container(sink, &EPHEMERAL_LEFT, container.value, (pod, container), "", |noun| {
            format!("{noun} is part of the manifest")
        });
    }
}

fn judge_user(pod: &PodTemplate<'_>, container: &Container<'_>, context: Option<Value<'_>>, sink: &mut Sink<'_>) {
    let user = [context, pod.security_context()].into_iter().flatten().find_map(|context| context.get("runAsUser"));
    let below = "securityContext.runAsUser";
    match user.map(|user| (user, user.as_i64())) {
        None => {
            on_container(sink, &USER_UNSET, context.unwrap_or(container.value), (pod, container), below, |noun| {
                format!("{noun} has no `runAsUser`, nor does its pod")
            });
        }
        // Zero is for the Pod Security Standards to report.
        Some((at, Some(number))) if (1..USER_OF_PEOPLE_MIN).contains(&number) => {
            on_container(sink, &USER_OF_SYSTEM, at, (pod, container), below, |noun| {
                format!("{noun} runs as user {number}")
            });
        }
        Some(_) => {}
    }
}

fn judge_pod(pod: &PodTemplate<'_>, sink: &mut Sink<'_>) {
    if let Some(value) = pod.spec.get("shareProcessNamespace").filter(|value| value.as_bool() == Some(true)) {
        sink.report(&SHARED_PROCESSES, value, "the pod sets `shareProcessNamespace` to true")
            .field(pod.field("shareProcessNamespace"));
    }
    if let Some(aliases) = pod.spec.get("hostAliases").filter(|aliases| !aliases.is_empty()) {
        sink.report(&HOST_ALIASES, aliases, format!("the pod has {} entries in `hostAliases`", aliases.len()))
            .field(pod.field("hostAliases"));
    }
}

fn judge_groups(pod: &PodTemplate<'_>, sink: &mut Sink<'_>) {
    let is_root = |value: &Value<'_>| value.as_i64() == Some(0);
    if let Some(context) = pod.security_context() {
        for key in ["runAsGroup", "fsGroup"] {
            if let Some(value) = context.get(key).filter(is_root) {
                sink.report(&ROOT_GROUP, value, format!("the pod sets `{key}` to 0"))
                    .field(pod.field(&format!("securityContext.{key}")));
            }
        }
        if let Some(value) = context.list("supplementalGroups").find(is_root) {
            sink.report(&ROOT_GROUP, value, "the pod has the group 0 among `supplementalGroups`")
                .field(pod.field("securityContext.supplementalGroups"));
        }
    }
    for container in pod.containers() {
        if let Some(value) = container.security_context().and_then(|c| c.get("runAsGroup")).filter(is_root) {
            on_container(sink, &ROOT_GROUP, value, (pod, &container), "securityContext.runAsGroup", |noun| {
                format!("{noun} sets `runAsGroup` to 0")
            });
        }
    }
}

fn judge_users_and_labels(pod: &PodTemplate<'_>, sink: &mut Sink<'_>) {
    let contexts = || {
        let containers = pod.containers().filter_map(|container| container.security_context());
        pod.security_context().into_iter().chain(containers)
    };
    if pod.spec.bool_at("hostUsers") != Some(false) {
        let root = contexts().any(|context| context.i64_at("runAsUser") == Some(0));
        let at = pod.spec.get("hostUsers").unwrap_or(pod.spec);
        let entry =
            sink.report(&HOST_USERS, at, "the pod does not set `hostUsers` to false").field(pod.field("hostUsers"));
        if root {
            entry.severity(Severity::Low);
        }
    }
    let annotated = || {
        let annotations = pod.metadata.and_then(|metadata| metadata.get("annotations"));
        let prefix = "container.apparmor.security.beta.kubernetes.io/";
        let mut keys = annotations.into_iter().flat_map(Value::entries).filter_map(|(key, _)| key.as_str());
        keys.any(|key| key.starts_with(prefix))
    };
    let set = |context: Value<'_>| context.get("appArmorProfile").is_some() || context.get("seLinuxOptions").is_some();
    if !contexts().any(set) && !annotated() {
        sink.report(
            &MAC_UNSET,
            pod.security_context().unwrap_or(pod.spec),
            "the pod sets neither `appArmorProfile` nor `seLinuxOptions`",
        )
        .field(pod.field("securityContext"));
    }
    for profile in contexts().filter_map(|context| context.get("seccompProfile")) {
        if profile.str_at("type") == Some("Localhost") {
            let name = profile.str_at("localhostProfile").unwrap_or("");
            sink.report(&SECCOMP_LOCALHOST, profile, format!("the seccomp profile `{name}` comes from the node"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::door::{accepts, container, pod, reports};
    use super::*;

    #[test]
    fn the_root_file_system_is_read_only_in_every_container() {
        let code = "container-root-filesystem-writable";
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            reports(&pod(&format!("{list}: [{{name: a}}]")), code);
            reports(&pod(&format!("{list}: [{{name: a, securityContext: {{readOnlyRootFilesystem: false}}}}]")), code);
            accepts(&pod(&format!("{list}: [{{name: a, securityContext: {{readOnlyRootFilesystem: true}}}}]")), code);
        }
        accepts(&pod("os: {name: windows}\ncontainers: [{name: a}]"), code);
    }

    #[test]
    fn the_root_group_is_found_in_every_field() {
        for fields in ["runAsGroup: 0", "fsGroup: 0", "supplementalGroups: [5, 0]", "fsGroup: '0'", "fsGroup: 0.0"] {
            reports(&pod(&format!("securityContext: {{{fields}}}")), "pod-root-group");
        }
        reports(&container("securityContext: {runAsGroup: 0}"), "pod-root-group");
        accepts(&pod("securityContext: {runAsGroup: 5, fsGroup: 6, supplementalGroups: [7]}"), "pod-root-group");
    }

    #[test]
    fn users_are_named_and_not_those_of_the_system() {
        reports(&container("image: a"), "pod-user-unset");
        accepts(&container("securityContext: {runAsUser: 10001}"), "pod-user-unset");
        reports(&container("securityContext: {runAsUser: 999}"), "pod-user-of-system");
        accepts(&container("securityContext: {runAsUser: 0}"), "pod-user-of-system");
        accepts(&container("securityContext: {runAsUser: 1000}"), "pod-user-of-system");
        accepts(&pod("securityContext: {runAsUser: 10001}\ncontainers: [{name: a}]"), "pod-user-unset");
    }

    #[test]
    fn user_namespaces_matter_more_for_root() {
        assert_eq!(reports(&pod("containers: []"), "pod-host-users").severity, Severity::Info);
        let root = container("securityContext: {runAsUser: 0}");
        assert_eq!(reports(&root, "pod-host-users").severity, Severity::Low);
        accepts(&pod("hostUsers: false"), "pod-host-users");
    }

    #[test]
    fn one_of_apparmor_and_selinux_is_enough() {
        let code = "pod-mandatory-access-control-unset";
        reports(&container("image: a"), code);
        accepts(&container("securityContext: {appArmorProfile: {type: RuntimeDefault}}"), code);
        accepts(&pod("securityContext: {seLinuxOptions: {level: s0}}"), code);
        let old = "container.apparmor.security.beta.kubernetes.io/web: runtime/default";
        accepts(
            &pod("containers: []").replace("  name: web\n", &format!("  name: web\n  annotations: {{{old}}}\n")),
            code,
        );
    }

    #[test]
    fn leftovers_and_shared_things_are_reported() {
        for (yaml, code) in [
            (pod("shareProcessNamespace: true"), "pod-share-process-namespace"),
            (pod("hostAliases: [{ip: 1.2.3.4, hostnames: [a]}]"), "pod-host-aliases"),
            (container("stdin: true"), "container-interactive"),
            (container("tty: true"), "container-interactive"),
            (pod("ephemeralContainers: [{name: d}]"), "container-ephemeral-left"),
            (
                pod("securityContext: {seccompProfile: {type: Localhost, localhostProfile: a.json}}"),
                "pod-seccomp-localhost",
            ),
        ] {
            reports(&yaml, code);
            accepts(
                &container("image: a\nstdin: false\nsecurityContext: {seccompProfile: {type: RuntimeDefault}}"),
                code,
            );
        }
    }
}
