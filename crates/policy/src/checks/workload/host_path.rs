//! Directories and sockets of the node inside pods: which ones, and how they are mounted.
//!
//! That a pod has a hostPath volume at all is for the Pod Security Standards to say; this is about what
//! the path gives away.

use std::collections::HashMap;

use manifest::{Object, PodTemplate, Value};
use model::{Rule, Scope, Serves, Severity};

use super::{listed, on_container};
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// A container runtime's socket, or a directory that holds it.
pub static RUNTIME_SOCKET: Rule = Rule {
    code: "host-path-runtime-socket",
    title: "A pod can reach the container runtime's socket",
    severity: Severity::Critical,
    scope: Scope::Workload,
    serves: &[Serves::full("RA-21"), Serves::part("DV-12"), Serves::part("RC-25")],
    why: "Whoever can write to the socket of the container runtime starts any container with any mount, past every \
          admission rule: root on the node. A read-only mount does not help, since a socket is not a file.",
    fix: "Do not mount the socket or a directory above it; build images with a rootless builder and read metrics from the kubelet.",
    example: "",
};

/// A directory that controls the node.
pub static SENSITIVE: Rule = Rule {
    code: "host-path-sensitive",
    title: "A pod mounts a sensitive directory of the node",
    severity: Severity::High,
    scope: Scope::Workload,
    serves: &[Serves::part("RA-21"), Serves::part("DV-12"), Serves::part("RC-25")],
    why: "These directories hold the node's keys, other pods' secrets or the programs that root runs. Reading them \
          steals identities; writing them takes over the node.",
    fix: "Mount only the file that is needed, read-only, or get the data from an API.",
    example: "",
};

/// A directory of the node that the pod may write to.
pub static WRITABLE: Rule = Rule {
    code: "host-path-writable",
    title: "A pod may write to a directory of the node",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::full("RA-21"), Serves::part("RC-25")],
    why: "What the pod writes outlives it and is seen by the node and by other pods, which is how an attacker stays \
          or moves on.",
    fix: "Set readOnly on every mount of the volume, or use a volume that is not the node's file system.",
    example: "volumeMounts:\n- name: machine-id\n  mountPath: /etc/machine-id\n  readOnly: true\n",
};

/// Mounts made in the container appear on the node.
pub static PROPAGATION: Rule = Rule {
    code: "mount-propagation-bidirectional",
    title: "Mounts of a container propagate to the node",
    severity: Severity::High,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-25"), Serves::part("RA-21")],
    why: "With Bidirectional propagation a container can mount file systems over directories of the node and of \
          every other pod that shares the mount. Only storage drivers need it.",
    fix: "Remove mountPropagation, or set it to HostToContainer or None.",
    example: "volumeMounts:\n- name: data\n  mountPath: /data\n  mountPropagation: HostToContainer\n",
};

/// `subPath` below a hostPath volume.
pub static SUB_PATH: Rule = Rule {
    code: "host-path-sub-path",
    title: "A mount picks a sub-path of a node directory",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::part("RA-21")],
    why: "The kubelet resolves a subPath on the node. Races with symbolic links in it have let containers out to \
          the node's file system more than once.",
    fix: "Give the full path in the volume and mount it without subPath.",
    example: "",
};

/// The check on workloads.
pub(crate) const CHECK: ObjectCheck = ObjectCheck {
    scope: Scope::Workload,
    rules: &[&RUNTIME_SOCKET, &SENSITIVE, &WRITABLE, &PROPAGATION, &SUB_PATH],
    run: check,
};

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    for pod in &object.pods {
        let host_paths = || pod.spec.list("volumes").filter(|volume| volume.get("hostPath").is_some());
        let mut mounts: Mounts<'_> = host_paths().map(|volume| (volume.str_at("name").unwrap_or(""), None)).collect();
        judge_mounts(pod, &mut mounts, sink);
        for (place, volume) in listed(pod.spec, "volumes").filter(|(_, volume)| volume.get("hostPath").is_some()) {
            judge_volume(pod, &place, volume, &mounts, sink);
        }
    }
}

/// The hostPath volumes of a pod by name, each with its first mount that is not read-only and the
/// container that has it.
type Mounts<'d> = HashMap<&'d str, Option<(Value<'d>, &'d str)>>;

fn judge_volume(pod: &PodTemplate<'_>, place: &str, volume: Value<'_>, mounts: &Mounts<'_>, sink: &mut Sink<'_>) {
    let Some(path) = volume.get("hostPath").and_then(|host| host.get("path")) else { return };
    let Some(normal) = path.as_str().map(normalise) else { return };
    let name = volume.str_at("name").unwrap_or("");
    let writable = mounts.get(name).copied().flatten();
    let field = pod.field(&format!("{place}.hostPath.path"));
    match Reach::of(&normal) {
        Reach::RuntimeSocket => {
            let message = format!("volume `{name}` mounts `{normal}` of the node, which gives the runtime's socket");
            sink.report(&RUNTIME_SOCKET, path, message).field(field);
        }
        Reach::Sensitive => {
            let (how, severity) = match (&*normal, writable.is_some()) {
                ("/", true) => ("with write access", Severity::Critical),
                (_, true) => ("with write access", Severity::High),
                (_, false) => ("for reading", Severity::Medium),
            };
            let message = format!("volume `{name}` mounts `{normal}` of the node {how}");
            sink.report(&SENSITIVE, path, message).field(field).severity(severity);
        }
        Reach::Ordinary => {
            if let Some((mount, container)) = writable {
                let message = format!("container `{container}` may write to `{normal}` of the node");
                sink.report(&WRITABLE, mount, message).field(field).container(container);
            }
        }
        Reach::Harmless => {}
    }
}

fn judge_mounts<'d>(pod: &PodTemplate<'d>, mounts: &mut Mounts<'d>, sink: &mut Sink<'_>) {
    for container in pod.containers() {
        for (place, mount) in container.value.list("volumeMounts").enumerate() {
            if let Some(mode) = mount.get("mountPropagation").filter(|mode| mode.as_str() == Some("Bidirectional")) {
                let below = format!("volumeMounts[{place}].mountPropagation");
                on_container(sink, &PROPAGATION, mode, (pod, &container), &below, |noun| {
                    format!("{noun} sets `mountPropagation` to Bidirectional")
                });
            }
            let name = mount.str_at("name").unwrap_or("");
            let Some(writable) = mounts.get_mut(name) else { continue };
            if writable.is_none() && mount.bool_at("readOnly") != Some(true) {
                *writable = Some((mount, container.name()));
            }
            let set = |key| Some((key, mount.get(key).filter(|value| value.as_str() != Some(""))?));
            if let Some((key, value)) = ["subPath", "subPathExpr"].into_iter().find_map(set) {
                let below = format!("volumeMounts[{place}].{key}");
                on_container(sink, &SUB_PATH, value, (pod, &container), &below, |noun| {
                    format!("{noun} mounts a `{key}` of the hostPath volume `{name}`")
                });
            }
        }
    }
}

/// What a path of the node gives to who mounts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    RuntimeSocket,
    Sensitive,
    Ordinary,
    Harmless,
}

impl Reach {
    fn of(path: &str) -> Reach {
        // On the node /var/run is a link to /run.
        let path =
            path.strip_prefix("/var").filter(|rest| *rest == "/run" || rest.starts_with("/run/")).unwrap_or(path);
        let below = |dir: &&str| path == *dir || path.strip_prefix(*dir).is_some_and(|rest| rest.starts_with('/'));
        if RUNTIME_EXACT.contains(&path) || path.rsplit('/').next().is_some_and(|last| SOCKETS.contains(&last)) {
            return Reach::RuntimeSocket;
        }
        if HARMLESS.contains(&path) {
            return Reach::Harmless;
        }
        if SENSITIVE_EXACT.contains(&path) || SENSITIVE_BELOW.iter().any(below) {
            return Reach::Sensitive;
        }
        Reach::Ordinary
    }
}

/// The path without doubled slashes, `.` and `..`, and without a slash at the end.
fn normalise(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Sockets of container runtimes, by file name.
const SOCKETS: &[&str] = &[
    "docker.sock",
    "dockershim.sock",
    "containerd.sock",
    "containerd.sock.ttrpc",
    "crio.sock",
    "cri-dockerd.sock",
    "frakti.sock",
    "podman.sock",
    "buildkitd.sock",
];

/// Directories whose content includes such a socket.
const RUNTIME_EXACT: &[&str] = &[
    "/run",
    "/run/docker",
    "/run/containerd",
    "/run/crio",
    "/run/podman",
    "/run/dockershim",
    "/run/k3s",
    "/run/k3s/containerd",
    "/run/k0s",
    "/run/k0s/containerd",
];

/// Files that say where or when the node is, and device nodes that every container has anyway.
const HARMLESS: &[&str] =
    &["/etc/localtime", "/etc/machine-id", "/etc/os-release", "/etc/timezone", "/dev/null", "/dev/urandom"];

/// Directories that are sensitive as a whole, though not each directory below them.
const SENSITIVE_EXACT: &[&str] = &[
    "/",
    "/bin",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/opt",
    "/proc",
    "/sbin",
    "/sys",
    "/sys/fs",
    "/sys/kernel",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/sbin",
    "/var",
    "/var/lib",
    "/var/lib/kubelet",
    "/var/log",
    "/dev/kmsg",
    "/dev/kmem",
    "/dev/mem",
    "/dev/port",
    "/dev/sda",
    "/dev/vda",
    "/dev/nvme0n1",
];

/// Directories that are sensitive with everything below.
const SENSITIVE_BELOW: &[&str] = &[
    "/boot",
    "/etc/cni",
    "/etc/cron.d",
    "/etc/crontab",
    "/etc/group",
    "/etc/kubernetes",
    "/etc/ld.so.preload",
    "/etc/pam.d",
    "/etc/passwd",
    "/etc/shadow",
    "/etc/ssh",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/systemd",
    "/opt/cni/bin",
    "/proc/1",
    "/proc/sys",
    "/proc/sysrq-trigger",
    "/root",
    "/run/systemd",
    "/sys/fs/cgroup",
    "/sys/kernel/security",
    "/usr/libexec/kubernetes",
    "/var/lib/cloud",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/etcd",
    "/var/lib/kubelet/pki",
    "/var/lib/kubelet/pods",
    "/var/lib/rancher",
    "/var/spool/cron",
];

#[cfg(test)]
mod tests {
    use super::super::door::{accepts, pod, reports};
    use super::*;

    fn mount(path: &str, read_only: bool, more: &str) -> String {
        pod(&format!(
            "containers:\n- name: web\n  volumeMounts:\n  - name: host\n    mountPath: /x\n    readOnly: {read_only}\n{more}volumes:\n- name: host\n  hostPath:\n    path: {path}\n"
        ))
    }

    #[test]
    fn paths_are_compared_after_they_are_made_plain() {
        for (path, plain) in [
            ("/", "/"),
            ("", "/"),
            ("//", "/"),
            ("/etc/", "/etc"),
            ("/./etc//kubernetes/.", "/etc/kubernetes"),
            ("/var/lib/../run", "/var/run"),
            ("/../../root", "/root"),
            ("/a/b/../..", "/"),
        ] {
            assert_eq!(normalise(path), plain, "{path}");
        }
    }

    #[test]
    fn every_way_to_the_runtime_socket_is_critical_even_read_only() {
        for path in [
            "/var/run/docker.sock",
            "/run/containerd/containerd.sock",
            "/var/run",
            "/run/",
            "/var/run/crio",
            "/run/k3s/containerd/containerd.sock",
            "/var//lib/../run/./docker.sock",
        ] {
            let finding = reports(&mount(path, true, ""), "host-path-runtime-socket");
            assert_eq!(finding.severity, Severity::Critical, "{path}");
        }
        accepts(&mount("/run/xtables.lock", true, ""), "host-path-runtime-socket");
    }

    #[test]
    fn sensitive_directories_weigh_more_when_writable() {
        assert_eq!(reports(&mount("/", false, ""), "host-path-sensitive").severity, Severity::Critical);
        assert_eq!(reports(&mount("/etc/kubernetes/pki", false, ""), "host-path-sensitive").severity, Severity::High);
        assert_eq!(reports(&mount("/var/log", true, ""), "host-path-sensitive").severity, Severity::Medium);
        for path in ["/etc/kubernetesx", "/etc/ssl/certs", "/var/lib/kubelet/plugins", "/rootfs"] {
            accepts(&mount(path, true, ""), "host-path-sensitive");
        }
    }

    #[test]
    fn ordinary_directories_may_be_read() {
        accepts(&mount("/srv/data", true, ""), "host-path-writable");
        let finding = reports(&mount("/srv/data", false, ""), "host-path-writable");
        assert_eq!(finding.property("field"), Some("spec.volumes[0].hostPath.path"));
        accepts(&mount("/etc", false, ""), "host-path-writable");
        let init =
            mount("/srv/data", true, "initContainers:\n- name: i\n  volumeMounts: [{name: host, mountPath: /x}]\n");
        reports(&init, "host-path-writable");
    }

    #[test]
    fn propagation_and_sub_paths_are_reported() {
        let both = |line: &str| mount("/srv", true, &format!("    {line}\n"));
        reports(&both("mountPropagation: Bidirectional"), "mount-propagation-bidirectional");
        accepts(&both("mountPropagation: HostToContainer"), "mount-propagation-bidirectional");
        reports(&both("subPath: a"), "host-path-sub-path");
        reports(&both("subPathExpr: $(POD)"), "host-path-sub-path");
        accepts(&both("recursiveReadOnly: Disabled"), "host-path-sub-path");
    }
}
