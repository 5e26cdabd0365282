//! Powers over stored data: Secrets and volumes.

use model::{Rule, Serves, Severity};

use super::grant::{group, verb};
use super::power::{Power, any_name};

/// Secrets can be read.
pub static READ_SECRETS: Rule = Rule {
    code: "rbac-read-secrets",
    title: "A role may read Secrets by any name",
    severity: Severity::High,
    scope: model::Scope::Role,
    serves: &[Serves::full("RA-07"), Serves::part("RA-28")],
    why: "`list` and `watch` return the contents of every Secret, not only the names, and `get` without \
          `resourceNames` returns any Secret whose name can be guessed. Among them are the tokens of other identities.",
    fix: "Grant `get` on the Secrets that are needed by `resourceNames`, in a Role, or mount them instead.",
    example: "rules:\n- apiGroups: [\"\"]\n  resources: [secrets]\n  resourceNames: [ledger-database]\n  verbs: [get]\n",
};

/// Secrets can be written.
pub static WRITE_SECRETS: Rule = Rule {
    code: "rbac-write-secrets",
    title: "A role may write Secrets by any name",
    severity: Severity::Medium,
    scope: model::Scope::Role,
    serves: &[Serves::full("RA-07"), Serves::part("RA-28")],
    why: "Whoever writes Secrets replaces the credentials and certificates that others trust, and can have a \
          long-lived token issued for a service account by creating a Secret of the token type.",
    fix: "Limit `update`, `patch` and `delete` by `resourceNames`, and grant `create` in the one namespace that needs it.",
    example: "rules:\n- apiGroups: [\"\"]\n  resources: [secrets]\n  resourceNames: [webhook-certificate]\n  verbs: [get, update]\n",
};

/// PersistentVolumes can be created.
pub static CREATE_VOLUMES: Rule = Rule {
    code: "rbac-create-persistent-volumes",
    title: "A role may create PersistentVolumes",
    severity: Severity::High,
    scope: model::Scope::Role,
    serves: &[Serves::full("RA-07"), Serves::full("RS-09")],
    why: "A PersistentVolume of type hostPath is a directory of the node. Who may create one can read and write the \
          node's files through a claim, past the pod security level of the namespace.",
    fix: "Leave PersistentVolumes to the volume provisioner and to administrators; let workloads use claims.",
    example: "rules:\n- apiGroups: [\"\"]\n  resources: [persistentvolumeclaims]\n  verbs: [create]\n",
};

/// Powers of this file.
pub(super) const POWERS: &[Power] = &[
    Power {
        rule: &READ_SECRETS,
        phrase: "read Secrets",
        family: "secrets",
        groups: group::CORE,
        resources: &["secrets"],
        verbs: verb::READ,
        in_role: Some(Severity::Medium),
        named: None,
        risky: any_name,
    },
    Power {
        rule: &WRITE_SECRETS,
        phrase: "write Secrets",
        family: "secrets",
        groups: group::CORE,
        resources: &["secrets"],
        verbs: verb::WRITE,
        in_role: Some(Severity::Low),
        named: None,
        risky: any_name,
    },
    Power {
        rule: &CREATE_VOLUMES,
        phrase: "create PersistentVolumes",
        family: "volumes",
        groups: group::CORE,
        resources: &["persistentvolumes"],
        verbs: verb::CREATE,
        in_role: None,
        named: None,
        risky: any_name,
    },
];
