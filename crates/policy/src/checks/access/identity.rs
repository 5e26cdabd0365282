//! Powers over identities: roles, bindings, tokens and certificates.

use model::{Rule, Scope, Serves, Severity};

use super::grant::{group, verb};
use super::power::{Power, any_name};

/// Roles can be widened beyond one's own rights.
pub static ESCALATE: Rule = Rule {
    code: "rbac-escalate",
    title: "A role has the escalate verb on roles",
    severity: Severity::Critical,
    scope: Scope::Role,
    serves: &[Serves::full("RA-07")],
    why: "`escalate` switches off the check that nobody writes a role with more rights than they have. The holder can \
          grant itself everything.",
    fix: "Remove `escalate` (and `*`) from rules on roles and clusterroles; give the writer the rights that it hands out.",
    example: "rules:\n- apiGroups: [rbac.authorization.k8s.io]\n  resources: [roles, rolebindings]\n  verbs: [get, list]\n",
};

/// Roles can be bound that one does not have.
pub static BIND: Rule = Rule {
    code: "rbac-bind",
    title: "A role has the bind verb on roles",
    severity: Severity::Critical,
    scope: Scope::Role,
    serves: &[Serves::full("RA-07")],
    why: "`bind` lets the holder create bindings to roles whose rights it does not have, cluster-admin among them \
          unless names are given.",
    fix: "Name the roles that may be bound in `resourceNames`.",
    example: "rules:\n- apiGroups: [rbac.authorization.k8s.io]\n  resources: [clusterroles]\n  resourceNames: [view]\n  verbs: [bind]\n",
};

/// Roles and bindings can be written.
pub static WRITE_RBAC: Rule = Rule {
    code: "rbac-write-roles",
    title: "A role may write roles or bindings",
    severity: Severity::Medium,
    scope: Scope::Role,
    serves: &[Serves::part("RA-06"), Serves::part("RA-36"), Serves::part("RA-07")],
    why: "The holder can hand all its own rights to anyone, and can delete or repoint the bindings of others. \
          Applications rarely need to.",
    fix: "Leave roles and bindings to administrators and to the delivery pipeline.",
    example: "",
};

/// Others can be impersonated.
pub static IMPERSONATE: Rule = Rule {
    code: "rbac-impersonate",
    title: "A role may impersonate other identities",
    severity: Severity::Critical,
    scope: Scope::Role,
    serves: &[Serves::full("RA-07")],
    why: "An impersonator acts with all rights of the user, group or service account that it names in a header; \
          without names that includes every administrator. `*` as a verb includes impersonation.",
    fix: "Name the identities that may be impersonated in `resourceNames`, or remove the verb.",
    example: "rules:\n- apiGroups: [\"\"]\n  resources: [users]\n  resourceNames: [support-readonly]\n  verbs: [impersonate]\n",
};

/// Tokens can be minted.
pub static MINT_TOKENS: Rule = Rule {
    code: "rbac-mint-tokens",
    title: "A role may issue tokens for any service account",
    severity: Severity::High,
    scope: Scope::Role,
    serves: &[Serves::full("RA-07"), Serves::part("RA-15")],
    why: "`create` on serviceaccounts/token returns a valid token for any service account in reach; the holder has \
          the rights of all of them.",
    fix: "Name the service accounts in `resourceNames`.",
    example: "rules:\n- apiGroups: [\"\"]\n  resources: [serviceaccounts/token]\n  resourceNames: [backup]\n  verbs: [create]\n",
};

/// Certificates can be approved.
pub static APPROVE_CERTIFICATES: Rule = Rule {
    code: "rbac-approve-certificates",
    title: "A role may approve certificates of a built-in signer",
    severity: Severity::High,
    scope: Scope::Role,
    serves: &[Serves::full("RA-07"), Serves::part("RA-16")],
    why: "Whoever approves requests of the client signers decides which names and groups the API server will believe. \
          Such a certificate cannot be revoked.",
    fix: "Name one signer of your own in `resourceNames`; leave kubernetes.io signers to the built-in approver.",
    example: "rules:\n- apiGroups: [certificates.k8s.io]\n  resources: [signers]\n  resourceNames: [example.com/serving]\n  verbs: [approve]\n",
};

/// Certificates can be signed.
pub static SIGN_CERTIFICATES: Rule = Rule {
    code: "rbac-sign-certificates",
    title: "A role may sign for a built-in or any signer",
    severity: Severity::High,
    scope: Scope::Role,
    serves: &[Serves::full("RA-07"), Serves::part("RA-16")],
    why: "A signer puts the certificate into the request. With the built-in signers, or with all of them, the holder \
          speaks for an authority that other components trust.",
    fix: "Name one signer of your own in `resourceNames`.",
    example: "rules:\n- apiGroups: [certificates.k8s.io]\n  resources: [signers]\n  resourceNames: [example.com/serving]\n  verbs: [sign]\n",
};

/// Trust anchors can be written.
pub static WRITE_TRUST_BUNDLES: Rule = Rule {
    code: "rbac-write-trust-bundles",
    title: "A role may write ClusterTrustBundles",
    severity: Severity::Medium,
    scope: Scope::Role,
    serves: &[Serves::part("RA-16"), Serves::part("RA-10")],
    why: "Pods trust the certificate authorities in these bundles. Who writes them can add an authority of their own \
          and stand in for any service.",
    fix: "Name the bundles in `resourceNames`, and grant `attest` for one signer only.",
    example: "",
};

/// Powers of this file.
pub(super) const POWERS: &[Power] = &[
    Power {
        rule: &ESCALATE,
        phrase: "give itself every right with `escalate`",
        family: "rbac",
        groups: group::RBAC,
        resources: &["clusterroles", "roles"],
        verbs: verb::ESCALATE,
        in_role: Some(Severity::High),
        named: Some(Severity::High),
        risky: any_name,
    },
    Power {
        rule: &BIND,
        phrase: "bind any role",
        family: "rbac",
        groups: group::RBAC,
        resources: &["clusterroles", "roles"],
        verbs: verb::BIND,
        in_role: Some(Severity::High),
        named: Some(Severity::High),
        risky: is_powerful_role,
    },
    Power {
        rule: &WRITE_RBAC,
        phrase: "write roles and bindings",
        family: "rbac",
        groups: group::RBAC,
        resources: &["clusterroles", "roles", "clusterrolebindings", "rolebindings"],
        verbs: verb::WRITE,
        in_role: Some(Severity::Low),
        named: None,
        risky: any_name,
    },
    Power {
        rule: &IMPERSONATE,
        phrase: "impersonate anyone",
        family: "impersonate",
        groups: group::CORE | group::AUTHENTICATION,
        resources: &["users", "groups", "uids", "userextras/", "serviceaccounts"],
        verbs: verb::IMPERSONATE,
        in_role: Some(Severity::High),
        named: Some(Severity::High),
        risky: is_system_identity,
    },
    Power {
        rule: &MINT_TOKENS,
        phrase: "issue tokens for any service account",
        family: "token",
        groups: group::CORE,
        resources: &["serviceaccounts/token"],
        verbs: verb::CREATE,
        in_role: Some(Severity::Medium),
        named: None,
        risky: any_name,
    },
    Power {
        rule: &APPROVE_CERTIFICATES,
        phrase: "approve client certificates",
        family: "approve",
        groups: group::CERTIFICATES,
        resources: &["signers"],
        verbs: verb::APPROVE,
        in_role: None,
        named: Some(Severity::High),
        risky: is_client_signer,
    },
    Power {
        rule: &SIGN_CERTIFICATES,
        phrase: "sign certificates",
        family: "sign",
        groups: group::CERTIFICATES,
        resources: &["signers"],
        verbs: verb::SIGN,
        in_role: None,
        named: Some(Severity::High),
        risky: is_builtin_signer,
    },
    Power {
        rule: &WRITE_TRUST_BUNDLES,
        phrase: "write ClusterTrustBundles",
        family: "trust",
        groups: group::CERTIFICATES,
        resources: &["clustertrustbundles"],
        verbs: verb::CHANGE,
        in_role: None,
        named: None,
        risky: any_name,
    },
    Power {
        rule: &WRITE_TRUST_BUNDLES,
        phrase: "attest trust bundles of any signer",
        family: "trust",
        groups: group::CERTIFICATES,
        resources: &["signers"],
        verbs: verb::ATTEST,
        in_role: None,
        named: None,
        risky: any_name,
    },
];

fn is_powerful_role(name: &str) -> bool {
    matches!(name, "cluster-admin" | "admin" | "edit") || name.starts_with("system:")
}

fn is_system_identity(name: &str) -> bool {
    name.starts_with("system:")
}

/// Signers whose certificates the API server takes for an identity; a wildcard includes them.
fn is_client_signer(name: &str) -> bool {
    name.strip_prefix("kubernetes.io/").is_some_and(|signer| signer != "kubelet-serving") || name == "*"
}

fn is_builtin_signer(name: &str) -> bool {
    name.starts_with("kubernetes.io/") || name == "*"
}
