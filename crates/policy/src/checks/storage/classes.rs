//! Checks on StorageClasses.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::encryption::{Encryption, encryption, parameter};
use super::volumes;
use crate::check::Context;
use crate::sink::Sink;

/// Volumes are not encrypted.
pub static UNENCRYPTED: Rule = Rule {
    code: "storage-class-unencrypted",
    title: "A StorageClass does not ask for encrypted volumes",
    severity: Severity::Medium,
    scope: Scope::StorageClass,
    serves: &[Serves::part("RS-01")],
    why: "Whoever gets hold of the disk, a snapshot or a discarded device reads the data. The driver encrypts only \
          on request; a default of the account or pool may do so too, but the class does not show it.",
    fix: "Set the driver's parameter for encryption, with a key of your own where the driver takes one.",
    example: "provisioner: ebs.csi.aws.com\nparameters:\n  encrypted: \"true\"\n  kmsKeyId: arn:aws:kms:eu-west-1:111122223333:key/0d3c8f5e-6d4f-4a0e-9a1b-2f3c4d5e6f70\n",
};

/// The provider holds the key.
pub static PROVIDER_KEY: Rule = Rule {
    code: "storage-class-provider-key",
    title: "A StorageClass encrypts with the provider's key",
    severity: Severity::Info,
    scope: Scope::StorageClass,
    serves: &[Serves::part("RS-01"), Serves::part("RA-31")],
    why: "The provider can decrypt the data and nobody else can take the key away from it.",
    fix: "Name a key of your own in the driver's parameter.",
    example: "provisioner: pd.csi.storage.gke.io\nparameters:\n  disk-encryption-kms-key: projects/shop/locations/europe-west1/keyRings/disks/cryptoKeys/ledger\n",
};

/// It cannot be told whether volumes are encrypted.
pub static ENCRYPTION_UNKNOWN: Rule = Rule {
    code: "storage-class-encryption-unknown",
    title: "A StorageClass does not tell whether it encrypts",
    severity: Severity::Info,
    scope: Scope::StorageClass,
    serves: &[Serves::part("RS-01")],
    why: "The provisioner is not one whose parameters are known, or encryption is decided in the storage system.",
    fix: "Check in the storage system that volumes of this class are encrypted at rest.",
    example: "",
};

/// Volumes are directories of nodes.
pub static NODE_DIRECTORY: Rule = Rule {
    code: "storage-class-node-directory",
    title: "A StorageClass hands out directories of nodes",
    severity: Severity::Low,
    scope: Scope::StorageClass,
    serves: &[Serves::full("RS-09"), Serves::part("RS-01")],
    why: "Volumes share the node's file system without a quota or encryption of their own, and vanish with the node.",
    fix: "Use a CSI driver with separate, encrypted volumes; keep this class for test clusters.",
    example: "",
};

/// Data outlives its claim.
pub static RETAINS: Rule = Rule {
    code: "storage-class-retains",
    title: "A StorageClass keeps volumes after their claim is gone",
    severity: Severity::Low,
    scope: Scope::StorageClass,
    serves: &[Serves::full("RS-09")],
    why: "Released volumes stay with their data until someone deletes them by hand, and an administrator may bind \
          them to the claim of another tenant.",
    fix: "Set reclaimPolicy to Delete and keep backups, or give the tenant a class of its own.",
    example: "reclaimPolicy: Delete\n",
};

/// Data crosses the network in the clear.
pub static TRANSIT: Rule = Rule {
    code: "storage-class-plain-transit",
    title: "A StorageClass switches off encryption to the storage",
    severity: Severity::Medium,
    scope: Scope::StorageClass,
    serves: &[Serves::part("RS-05")],
    why: "Everything that is written or read crosses the network in the clear, where it can be copied or changed.",
    fix: "Remove the parameter, or set it so that traffic is encrypted.",
    example: "",
};

/// Rules of [`check`].
pub(super) const RULES: &[&Rule] = &[
    &UNENCRYPTED,
    &PROVIDER_KEY,
    &ENCRYPTION_UNKNOWN,
    &NODE_DIRECTORY,
    &RETAINS,
    &TRANSIT,
    &volumes::NFS,
    &volumes::NETWORK,
];

/// Judges one StorageClass.
pub(super) fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    if object.kind != "StorageClass" {
        return;
    }
    let class = object.value;
    let Some(provisioner) = class.get("provisioner") else { return };
    let name = provisioner.as_str().unwrap_or("");
    at_rest(class, provisioner, name, sink);
    transit(class, provisioner, name, sink);
    // Without a provisioner volumes are made by hand and nothing reclaims them.
    if let Some(policy) = class.get("reclaimPolicy")
        && policy.as_str() == Some("Retain")
        && name != NO_PROVISIONER
    {
        sink.report(&RETAINS, policy, "`reclaimPolicy` is `Retain`").field("reclaimPolicy");
    }
}

fn at_rest(class: Value<'_>, provisioner: Value<'_>, name: &str, sink: &mut Sink<'_>) {
    match encryption(name) {
        Some(Encryption::Parameter(wanted)) => {
            let is_set = |(key, want): &(&str, &str)| {
                parameter(class, key).and_then(Value::text).is_some_and(|value| {
                    if want.is_empty() { !value.is_empty() && value != "off" } else { value.eq_ignore_ascii_case(want) }
                })
            };
            if !wanted.iter().any(is_set) {
                let (key, want) = wanted.first().copied().unwrap_or(("", ""));
                let given = wanted.iter().find_map(|(key, _)| parameter(class, key));
                let at = given.unwrap_or(provisioner);
                let want = if want.is_empty() { "set" } else { want };
                let message = format!("`parameters` for `{name}` do not encrypt: `{key}` is not {want}");
                sink.report(&UNENCRYPTED, at, message).field(format!("parameters.{key}"));
            }
        }
        Some(Encryption::Provider(keys)) => {
            if !keys.iter().any(|key| parameter(class, key).is_some()) {
                let message = match keys.first() {
                    Some(key) => format!("`{name}` encrypts with the provider's key as `{key}` is not set"),
                    None => format!("`{name}` encrypts with a key that the storage account decides on"),
                };
                sink.report(&PROVIDER_KEY, provisioner, message).field("parameters");
            }
        }
        Some(Encryption::Node) => {
            sink.report(&NODE_DIRECTORY, provisioner, format!("`provisioner` is `{name}`")).field("provisioner");
        }
        None => {
            sink.report(
                &ENCRYPTION_UNKNOWN,
                provisioner,
                format!("what `{name}` encrypts cannot be told from the class"),
            )
            .field("provisioner");
        }
    }
}

fn transit(class: Value<'_>, provisioner: Value<'_>, name: &str, sink: &mut Sink<'_>) {
    match name {
        "nfs.csi.k8s.io" => {
            let server = parameter(class, "server").and_then(Value::as_str).unwrap_or("");
            volumes::nfs_mount(Some(class), provisioner.location(), server, "mountOptions", sink);
        }
        "smb.csi.k8s.io" if parameter(class, "csi.storage.k8s.io/node-stage-secret-name").is_none() => {
            let message = "`csi.storage.k8s.io/node-stage-secret-name` of an SMB class is not set";
            sink.report(&volumes::NETWORK, provisioner, message).field("parameters");
        }
        "efs.csi.aws.com" | "file.csi.azure.com" => {
            let off = parameter(class, "encryptInTransit").filter(|value| value.as_bool() == Some(false));
            if let Some(value) = off {
                sink.report(&TRANSIT, value, "`parameters.encryptInTransit` is false")
                    .field("parameters.encryptInTransit");
            }
        }
        _ => {}
    }
}

const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";
