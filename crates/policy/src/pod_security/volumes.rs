//! `hostPathVolumes` and `restrictedVolumes`.

use manifest::Value;
use model::{Rule, Scope, Serves, Severity};

use super::facts::Pod;
use super::plan::{Check, Look, Variant};
use super::report::{Place, Report, shown};
use super::standard::Level;

/// A pod mounts a directory of its node.
pub static HOST_PATH_VOLUMES: Rule = Rule {
    code: "pod-security-host-path-volumes",
    title: "A pod mounts a path of its node",
    severity: Severity::High,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("RA-21"), Serves::part("RS-09"), Serves::part("DV-12")],
    why: "A path of the node gives the pod files that no container should see: credentials of the kubelet, data of \
          other pods, the socket of the container runtime. A writable one is a way to take the node over.",
    fix: "Use a PersistentVolumeClaim, emptyDir, projected or CSI volume; keep node agents that need a path in a \
          namespace of their own, with the path mounted read-only.",
    example: "volumes:\n  - name: data\n    persistentVolumeClaim:\n      claimName: data\n",
};

/// A pod uses a volume type outside the list of `restricted`.
pub static RESTRICTED_VOLUMES: Rule = Rule {
    code: "pod-security-restricted-volumes",
    title: "A pod uses a volume type that is not allowed",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("RA-21"), Serves::part("RS-09"), Serves::part("DV-12")],
    why: "Volume types other than the core ones reach into the node or name a storage backend directly, past the \
          checks on who may use which PersistentVolume, often with credentials in the pod.",
    fix: "Use configMap, csi, downwardAPI, emptyDir, ephemeral, image, persistentVolumeClaim, projected or secret.",
    example: "volumes:\n  - name: data\n    persistentVolumeClaim:\n      claimName: data\n",
};

pub(super) static HOST_PATH: Check = Check {
    id: "hostPathVolumes",
    rule: &HOST_PATH_VOLUMES,
    level: Level::Baseline,
    replaces: None,
    variants: &[Variant { since: 0, looks_at: &[Look::Pod(host_path)] }],
};

pub(super) static RESTRICTED: Check = Check {
    id: "restrictedVolumes",
    rule: &RESTRICTED_VOLUMES,
    level: Level::Restricted,
    replaces: Some("hostPathVolumes"),
    variants: &[Variant { since: 0, looks_at: &[Look::Pod(restricted)] }],
};

fn host_path(pod: &Pod<'_>, report: &mut Report<'_, '_>) {
    for (index, volume) in volumes(pod) {
        for (key, value) in sources(volume).filter(|(key, _)| key.as_str() == Some("hostPath")) {
            found(index, volume, (key, value), report);
        }
    }
}

/// A volume without any source becomes an emptyDir when the API server takes it in. One with several
/// is refused there, so each of them must be allowed.
fn restricted(pod: &Pod<'_>, report: &mut Report<'_, '_>) {
    for (index, volume) in volumes(pod) {
        for source in sources(volume).filter(|(key, _)| !SOURCES.contains(&key.as_str().unwrap_or(""))) {
            found(index, volume, source, report);
        }
    }
}

fn found(index: usize, volume: Value<'_>, (key, value): (Value<'_>, Value<'_>), report: &mut Report<'_, '_>) {
    let source = key.as_str().unwrap_or("");
    let name = volume.get("name").map_or("without a name".into(), shown);
    let (what, severity) = match value.get("path").filter(|_| source == "hostPath") {
        Some(path) => (format!("mounts {} of the node as volume {name}", shown(path)), Some(Severity::High)),
        None if source == "hostPath" => (format!("mounts the node as volume {name}"), Some(Severity::High)),
        None => (format!("uses the volume type {} for volume {name}", shown(key)), None),
    };
    report.place(Place::Pod, key, &format!("volumes[{index}].{source}"), what, severity);
}

fn volumes<'d>(pod: &Pod<'d>) -> impl Iterator<Item = (usize, Value<'d>)> + use<'d> {
    pod.volumes.into_iter().flat_map(Value::items).enumerate()
}

fn sources<'d>(volume: Value<'d>) -> impl Iterator<Item = (Value<'d>, Value<'d>)> + use<'d> {
    volume.entries().filter(|(key, value)| !value.is_null() && key.as_str() != Some("name"))
}

/// Volume types that `restricted` allows.
const SOURCES: &[&str] = &[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];
