//! Checks on PersistentVolumes, and on network storage that pods mount without one.

use manifest::{Object, Value};
use model::{Location, Rule, Scope, Serves, Severity};

use crate::check::Context;
use crate::sink::Sink;

/// The volume is a directory of the node.
pub static HOST_PATH: Rule = Rule {
    code: "volume-host-path",
    title: "A PersistentVolume is a directory of the node",
    severity: Severity::High,
    scope: Scope::Volume,
    serves: &[Serves::full("RS-09"), Serves::part("RA-21")],
    why: "Pods that claim the volume read and write the node's file system, although the pod itself shows only a \
          claim and passes the restricted pod security level.",
    fix: "Use a CSI driver, or a volume of type local on a disk set aside for it.",
    example: "spec:\n  csi:\n    driver: ebs.csi.aws.com\n    volumeHandle: vol-0123456789abcdef0\n",
};

/// The volume is a disk of one node.
pub static LOCAL: Rule = Rule {
    code: "volume-local",
    title: "A PersistentVolume is a disk of one node",
    severity: Severity::Info,
    scope: Scope::Volume,
    serves: &[Serves::part("RS-09"), Serves::part("RS-10")],
    why: "The data is as safe as that one node: whoever holds the node holds the data, and it is lost with the disk.",
    fix: "Encrypt the disk on the node and replicate the data in the application.",
    example: "",
};

/// NFS trusts any client.
pub static NFS: Rule = Rule {
    code: "volume-nfs-unauthenticated",
    title: "An NFS volume is mounted without authentication",
    severity: Severity::Medium,
    scope: Scope::Volume,
    serves: &[Serves::part("RS-05")],
    why: "With sec=sys the server believes the user id that the client sends. Any machine that reaches the server \
          reads and writes all files.",
    fix: "Mount through a PersistentVolume with the option sec=krb5p, or with xprtsec=mtls.",
    example: "spec:\n  mountOptions: [nfsvers=4.2, sec=krb5p]\n  nfs:\n    server: files.example.com\n    path: /exports/ledger\n",
};

/// iSCSI trusts any initiator.
pub static ISCSI: Rule = Rule {
    code: "volume-iscsi-unauthenticated",
    title: "An iSCSI volume is used without CHAP",
    severity: Severity::Medium,
    scope: Scope::Volume,
    serves: &[Serves::part("RS-05")],
    why: "Without CHAP the target accepts any initiator that knows a name, so any machine that reaches the target can \
          read and write the disk.",
    fix: "Set chapAuthSession and chapAuthDiscovery to true and name the Secret with the credentials in secretRef.",
    example: "spec:\n  iscsi:\n    targetPortal: 192.0.2.7:3260\n    iqn: iqn.2026-01.com.example:ledger\n    lun: 0\n    chapAuthDiscovery: true\n    chapAuthSession: true\n    secretRef:\n      name: ledger-chap\n",
};

/// Other network storage without credentials.
pub static NETWORK: Rule = Rule {
    code: "volume-network-unauthenticated",
    title: "Network storage is used without credentials",
    severity: Severity::Medium,
    scope: Scope::Volume,
    serves: &[Serves::part("RS-05")],
    why: "Storage that asks for no credentials serves every machine that reaches it.",
    fix: "Name a Secret with the credentials of a user for this volume, or use a CSI driver that authenticates.",
    example: "",
};

/// The data is scrubbed with a shell command and reused.
pub static RECYCLE: Rule = Rule {
    code: "volume-reclaim-recycle",
    title: "A PersistentVolume is recycled for the next claim",
    severity: Severity::Low,
    scope: Scope::Volume,
    serves: &[Serves::part("RS-09")],
    why: "Recycle deletes visible files and hands the same disk to whoever claims it next; what is left on the disk \
          can be read. The policy is deprecated.",
    fix: "Set persistentVolumeReclaimPolicy to Delete, or Retain for data that must survive the claim.",
    example: "spec:\n  persistentVolumeReclaimPolicy: Delete\n",
};

/// Rules of [`check`].
pub(super) const RULES: &[&Rule] = &[&HOST_PATH, &LOCAL, &NFS, &ISCSI, &NETWORK, &RECYCLE];

/// Rules of [`inline`].
pub(super) const NETWORK_RULES: &[&Rule] = &[&NFS, &ISCSI, &NETWORK];

/// Judges one PersistentVolume.
pub(super) fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    if object.kind != "PersistentVolume" {
        return;
    }
    let Some(spec) = object.spec() else { return };
    if let Some(value) = spec.get("hostPath") {
        let path = value.str_at("path").unwrap_or("");
        sink.report(&HOST_PATH, value, format!("`spec.hostPath.path` is `{path}`")).field("spec.hostPath");
    }
    if let Some(value) = spec.get("local") {
        let path = value.str_at("path").unwrap_or("");
        sink.report(&LOCAL, value, format!("`spec.local.path` is `{path}`")).field("spec.local");
    }
    if let Some(policy) = spec.get("persistentVolumeReclaimPolicy")
        && policy.as_str() == Some("Recycle")
    {
        sink.report(&RECYCLE, policy, "`spec.persistentVolumeReclaimPolicy` is `Recycle`")
            .field("spec.persistentVolumeReclaimPolicy");
    }
    network(spec, Some(spec), "spec", sink);
    if let Some(csi) = spec.get("csi") {
        csi_network(csi, spec, sink);
    }
}

/// Judges the volumes in the pod templates of a workload.
pub(super) fn inline(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    for pod in &object.pods {
        for (index, volume) in pod.spec.list("volumes").enumerate() {
            if volume.entries().any(|(key, _)| key.as_str().is_some_and(|key| NETWORK_TYPES.contains(&key))) {
                network(volume, None, &pod.field(&format!("volumes[{index}]")), sink);
            }
        }
    }
}

/// Judges what one volume mounts. A pod's own volume has no mount options.
fn network(volume: Value<'_>, options: Option<Value<'_>>, path: &str, sink: &mut Sink<'_>) {
    if let Some(nfs) = volume.get("nfs") {
        let server = nfs.str_at("server").unwrap_or("");
        nfs_mount(options, nfs.location(), server, &format!("{path}.nfs"), sink);
    }
    if let Some(iscsi) = volume.get("iscsi") {
        let on = |key| iscsi.bool_at(key) == Some(true);
        let missing = if !on("chapAuthSession") {
            "chapAuthSession is not true"
        } else if iscsi.get("secretRef").is_none() {
            "secretRef is not set"
        } else {
            ""
        };
        if !missing.is_empty() {
            let message = format!("`{path}.iscsi` is used without CHAP: {missing}");
            sink.report(&ISCSI, iscsi, message).field(format!("{path}.iscsi"));
        }
    }
    // A Ceph user's key lies in a Secret, or in a file on every node that all pods of the node share.
    for (kind, credential) in [("cephfs", "secretRef"), ("rbd", "secretRef"), ("scaleIO", "secretRef")] {
        if let Some(value) = volume.get(kind).filter(|value| value.get(credential).is_none()) {
            let message = format!("`{path}.{kind}.{credential}` is not set");
            sink.report(&NETWORK, value, message).field(format!("{path}.{kind}"));
        }
    }
    if let Some(value) = volume.get("glusterfs") {
        sink.report(&NETWORK, value, format!("`{path}.glusterfs` mounts without credentials"))
            .field(format!("{path}.glusterfs"));
    }
}

fn csi_network(csi: Value<'_>, spec: Value<'_>, sink: &mut Sink<'_>) {
    let driver = csi.get("driver");
    match driver.and_then(Value::as_str) {
        Some("nfs.csi.k8s.io") => {
            let server = csi.path(&["volumeAttributes", "server"]).and_then(Value::as_str).unwrap_or("");
            nfs_mount(Some(spec), csi.location(), server, "spec.csi", sink);
        }
        Some("smb.csi.k8s.io") if csi.get("nodeStageSecretRef").is_none() => {
            sink.report(&NETWORK, csi, "`spec.csi.nodeStageSecretRef` of an SMB share is not set").field("spec.csi");
        }
        _ => {}
    }
}

/// Reports an NFS mount whose options do not authenticate. `holder` has `mountOptions`.
pub(super) fn nfs_mount(holder: Option<Value<'_>>, at: Location, server: &str, field: &str, sink: &mut Sink<'_>) {
    let mut options = holder
        .into_iter()
        .flat_map(|holder| holder.list("mountOptions"))
        .filter_map(Value::as_str)
        .flat_map(|o| o.split(','));
    // Several flavours may stand in one option; the first one that the server takes is used.
    let proves = |option: &str| {
        option.trim() == "xprtsec=mtls"
            || option
                .trim()
                .strip_prefix("sec=")
                .is_some_and(|flavours| flavours.split(':').all(|f| f.starts_with("krb5")))
    };
    if !options.any(proves) {
        let message = format!("`{field}` mounts from `{server}` without `sec=krb5*` or `xprtsec=mtls`");
        sink.report(&NFS, at, message).field(field);
    }
}

const NETWORK_TYPES: &[&str] = &["nfs", "iscsi", "cephfs", "rbd", "glusterfs", "scaleIO"];
