//! Checks on CSIDrivers and VolumeSnapshotClasses.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use crate::check::Context;
use crate::sink::Sink;

/// The driver gets tokens for the API server.
pub static TOKEN_AUDIENCE: Rule = Rule {
    code: "csi-driver-token-audience",
    title: "A CSIDriver receives pod tokens for the API server",
    severity: Severity::Medium,
    scope: Scope::StorageClass,
    serves: &[Serves::part("RS-09"), Serves::part("RA-15")],
    why: "An empty audience is that of the API server, so the driver can act as every service account whose pods \
          mount its volumes.",
    fix: "Set spec.tokenRequests[].audience to the service that the driver presents the token to.",
    example: "spec:\n  tokenRequests:\n  - audience: vault.example.com\n    expirationSeconds: 3600\n  requiresRepublish: true\n",
};

/// Tokens are not renewed.
pub static TOKEN_STALE: Rule = Rule {
    code: "csi-driver-token-not-renewed",
    title: "A CSIDriver receives pod tokens only once",
    severity: Severity::Info,
    scope: Scope::StorageClass,
    serves: &[Serves::part("RA-15"), Serves::part("RA-32")],
    why: "Without republishing the driver keeps the first token until it expires, which tempts its users to ask for \
          tokens that live long.",
    fix: "Set spec.requiresRepublish to true.",
    example: "spec:\n  tokenRequests:\n  - audience: vault.example.com\n  requiresRepublish: true\n",
};

/// Ownership of shared volumes is rewritten.
pub static FS_GROUP: Rule = Rule {
    code: "csi-driver-fs-group-file",
    title: "A CSIDriver lets every pod change ownership of its volume",
    severity: Severity::Info,
    scope: Scope::StorageClass,
    serves: &[Serves::part("RS-09")],
    why: "With fsGroupPolicy File the kubelet gives all files of a volume, also of a shared one, to the fsGroup of \
          whichever pod mounts it last.",
    fix: "Use ReadWriteOnceWithFSType, or None where the storage keeps its own permissions.",
    example: "spec:\n  fsGroupPolicy: ReadWriteOnceWithFSType\n",
};

/// Snapshots go with their object.
pub static SNAPSHOT_DELETE: Rule = Rule {
    code: "snapshot-class-deletes",
    title: "Deleting a VolumeSnapshot deletes the backup behind it",
    severity: Severity::Info,
    scope: Scope::StorageClass,
    serves: &[Serves::part("RS-04"), Serves::part("RS-12")],
    why: "Whoever may delete VolumeSnapshots in a namespace, or the namespace, deletes the stored snapshots too.",
    fix: "Set deletionPolicy to Retain for snapshots that serve as backups, and copy them out of the cluster.",
    example: "apiVersion: snapshot.storage.k8s.io/v1\nkind: VolumeSnapshotClass\nmetadata:\n  name: backup\ndriver: ebs.csi.aws.com\ndeletionPolicy: Retain\n",
};

/// Rules of [`check`].
pub(super) const RULES: &[&Rule] = &[&TOKEN_AUDIENCE, &TOKEN_STALE, &FS_GROUP, &SNAPSHOT_DELETE];

/// Judges one CSIDriver or VolumeSnapshotClass.
pub(super) fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    match object.kind {
        "CSIDriver" => {
            if let Some(spec) = object.spec() {
                driver(object, spec, sink);
            }
        }
        "VolumeSnapshotClass" => {
            if let Some(policy) = object.value.get("deletionPolicy").filter(|policy| policy.as_str() == Some("Delete"))
            {
                sink.report(&SNAPSHOT_DELETE, policy, "`deletionPolicy` is `Delete`").field("deletionPolicy");
            }
        }
        _ => {}
    }
}

fn driver(object: &Object<'_>, spec: Value<'_>, sink: &mut Sink<'_>) {
    for (index, request) in spec.list("tokenRequests").enumerate() {
        if request.str_at("audience").is_none_or(str::is_empty) {
            let field = format!("spec.tokenRequests[{index}].audience");
            sink.report(&TOKEN_AUDIENCE, request, format!("`{field}` is empty")).field(field);
        }
    }
    if let Some(requests) = spec.get("tokenRequests").filter(|requests| !requests.is_empty())
        && spec.bool_at("requiresRepublish") != Some(true)
    {
        let name = object.name();
        sink.report(&TOKEN_STALE, requests, format!("`spec.requiresRepublish` of `{name}` is not true"))
            .field("spec.requiresRepublish");
    }
    if let Some(policy) = spec.get("fsGroupPolicy").filter(|policy| policy.as_str() == Some("File")) {
        sink.report(&FS_GROUP, policy, "`spec.fsGroupPolicy` is `File`").field("spec.fsGroupPolicy");
    }
}
