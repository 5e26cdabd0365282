//! Checks on PersistentVolumeClaims.

use std::collections::HashSet;

use manifest::{Inventory, Object};
use model::{Rule, Scope, Serves, Severity};

use crate::check::Context;
use crate::sink::Sink;

/// Pods on many nodes write to the volume.
pub static SHARED: Rule = Rule {
    code: "claim-read-write-many",
    title: "A claim asks for a volume that many nodes write to",
    severity: Severity::Info,
    scope: Scope::Volume,
    serves: &[Serves::part("RS-09")],
    why: "ReadWriteMany is served over the network, usually by NFS or SMB, and any pod of the namespace on any node \
          may write. User ids on such a volume protect nothing.",
    fix: "Use ReadWriteOncePod where one pod writes, or check that the storage authenticates its clients.",
    example: "spec:\n  accessModes: [ReadWriteOncePod]\n",
};

/// The class of a claim is not in the input.
pub static CLASS_NOT_FOUND: Rule = Rule {
    code: "claim-class-not-found",
    title: "A claim refers to a storage class that was not shown",
    severity: Severity::Info,
    scope: Scope::Volume,
    serves: &[Serves::part("RS-01")],
    why: "How the data is encrypted and reclaimed cannot be judged.",
    fix: "Judge the StorageClass together with the claim, or correct the name.",
    example: "",
};

/// The claim takes whatever class is the default.
pub static NO_DEFAULT_CLASS: Rule = Rule {
    code: "claim-without-class",
    title: "A claim names no class and none is the default",
    severity: Severity::Info,
    scope: Scope::Volume,
    serves: &[Serves::part("RS-01")],
    why: "The claim waits, or takes any volume without a class, whoever made it and however it is protected.",
    fix: "Set spec.storageClassName.",
    example: "spec:\n  storageClassName: encrypted\n",
};

/// Rules of [`classes`].
pub(super) const RULES: &[&Rule] = &[&CLASS_NOT_FOUND, &NO_DEFAULT_CLASS];

/// Judges one claim by itself.
pub(super) fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    if object.kind != "PersistentVolumeClaim" {
        return;
    }
    let mut modes = object.spec().into_iter().flat_map(|spec| spec.list("accessModes"));
    if let Some(mode) = modes.find(|mode| mode.as_str() == Some("ReadWriteMany")) {
        sink.report(&SHARED, mode, "`spec.accessModes` holds `ReadWriteMany`").field("spec.accessModes");
    }
}

/// Judges the classes that claims ask for, where the input shows classes at all.
pub(super) fn classes(inventory: &Inventory, _: Context<'_>, sink: &mut Sink<'_>) {
    if inventory.storage_classes.is_empty() {
        return;
    }
    let known: HashSet<&str> = inventory.storage_classes.iter().map(|class| class.origin.name()).collect();
    let has_default = inventory.storage_classes.iter().any(|class| class.default);
    for claim in inventory.claims.iter().filter(|claim| !claim.names_volume) {
        let (subject, at) = (&claim.origin.subject, claim.origin.location);
        match claim.class.as_deref() {
            None if !has_default => {
                let message = "`spec.storageClassName` is not set and no class that was shown is the default";
                sink.report_on(subject, &NO_DEFAULT_CLASS, at, message).field("spec.storageClassName");
            }
            Some(class) if !class.is_empty() && !known.contains(class) => {
                let message = format!("`spec.storageClassName` is `{class}`, which was not shown");
                sink.report_on(subject, &CLASS_NOT_FOUND, at, message).field("spec.storageClassName");
            }
            _ => {}
        }
    }
}
