//! Checks on single bindings: who is bound to what, as far as names tell.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::roles::is_bootstrap;
use crate::check::Context;
use crate::sink::Sink;

/// Someone is cluster-admin.
pub static CLUSTER_ADMIN: Rule = Rule {
    code: "rbac-cluster-admin-bound",
    title: "Someone is bound to cluster-admin",
    severity: Severity::High,
    scope: Scope::RoleBinding,
    serves: &[Serves::full("RA-06"), Serves::part("RA-01")],
    why: "cluster-admin may do everything, in a RoleBinding everything in the namespace. One stolen token of a holder \
          is the cluster; a service account's token lies in every pod that runs as it.",
    fix: "Write a role with the rights that are used, and let administrators impersonate for the rare case.",
    example: "roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: view\n",
};

/// The group that no authorizer limits is named in a binding.
pub static MASTERS: Rule = Rule {
    code: "rbac-masters-bound",
    title: "A binding names the group system:masters",
    severity: Severity::Medium,
    scope: Scope::RoleBinding,
    serves: &[Serves::part("RA-01")],
    why: "Members of system:masters pass every authorization check, whatever is bound, and cannot be taken out \
          without new certificates. A binding to the group shows that someone works with it.",
    fix: "Bind a group of your identity provider, and keep system:masters for emergencies.",
    example: "subjects:\n- apiGroup: rbac.authorization.k8s.io\n  kind: Group\n  name: platform-admins\n",
};

/// Everyone, without authentication, holds a role.
pub static ANONYMOUS: Rule = Rule {
    code: "rbac-anonymous-bound",
    title: "Unauthenticated callers hold a role",
    severity: Severity::High,
    scope: Scope::RoleBinding,
    serves: &[Serves::full("RA-06"), Serves::part("RA-30")],
    why: "Anyone who reaches the API server has the rights of this role, without any credential.",
    fix: "Remove system:anonymous and system:unauthenticated from the subjects.",
    example: "subjects:\n- kind: ServiceAccount\n  name: metrics\n  namespace: monitoring\n",
};

/// Everyone with any credential holds a role.
pub static EVERYONE: Rule = Rule {
    code: "rbac-everyone-bound",
    title: "A group of all users or service accounts holds a role",
    severity: Severity::High,
    scope: Scope::RoleBinding,
    serves: &[Serves::full("RA-06")],
    why: "Every pod of the cluster or namespace, and every user, gets these rights, also those that are created \
          later. One compromised workload is enough to use them.",
    fix: "Bind the service accounts and groups that need the role.",
    example: "subjects:\n- kind: ServiceAccount\n  name: metrics\n  namespace: monitoring\n",
};

/// A default service account holds a role.
pub static DEFAULT_ACCOUNT: Rule = Rule {
    code: "rbac-default-account-bound",
    title: "The default service account holds a role",
    severity: Severity::Medium,
    scope: Scope::RoleBinding,
    serves: &[Serves::part("RA-14"), Serves::full("RA-06")],
    why: "Every pod that names no service account runs as `default`, so all of them get these rights.",
    fix: "Create a service account for the workload that needs the role and bind that one.",
    example: "subjects:\n- kind: ServiceAccount\n  name: ledger\n  namespace: shop\n",
};

/// The kubelets' group or a kubelet holds a role.
pub static NODES: Rule = Rule {
    code: "rbac-nodes-bound",
    title: "Kubelets hold a role besides the Node authorizer",
    severity: Severity::High,
    scope: Scope::RoleBinding,
    serves: &[Serves::part("RA-13")],
    why: "The Node authorizer limits a kubelet to objects of its own pods. A role bound to system:nodes applies to \
          all objects, so one compromised node reads the Secrets of all others.",
    fix: "Remove the group system:nodes and users system:node:* from the subjects.",
    example: "",
};

/// A user name that belongs to the system is a subject.
pub static SYSTEM_USER: Rule = Rule {
    code: "rbac-system-user-bound",
    title: "A binding names a user with the reserved prefix system:",
    severity: Severity::Low,
    scope: Scope::RoleBinding,
    serves: &[Serves::part("RA-06")],
    why: "Names that begin with system: belong to Kubernetes. A role given to one of them is held by a component \
          that was not meant to, or hides a service account from reviews.",
    fix: "Write service accounts as kind ServiceAccount, and give people and tools names without the prefix.",
    example: "",
};

/// A subject that can never match.
pub static SUBJECT_INVALID: Rule = Rule {
    code: "rbac-subject-invalid",
    title: "A subject of a binding is not valid",
    severity: Severity::Low,
    scope: Scope::RoleBinding,
    serves: &[Serves::part("RA-06")],
    why: "The API server refuses the binding, or it grants nothing, or it waits for someone who takes the name.",
    fix: "Use kind User, Group or ServiceAccount, a name, and for a ServiceAccount its namespace.",
    example: "subjects:\n- kind: ServiceAccount\n  name: ledger\n  namespace: shop\n",
};

/// Built-in write roles are bound in all namespaces.
pub static CLUSTER_WIDE_EDIT: Rule = Rule {
    code: "rbac-cluster-wide-edit",
    title: "The roles admin or edit are bound in all namespaces",
    severity: Severity::High,
    scope: Scope::RoleBinding,
    serves: &[Serves::full("RA-06"), Serves::part("RA-33")],
    why: "admin and edit are made for one namespace. Bound by a ClusterRoleBinding they read all Secrets and start \
          pods in kube-system, which is one step from cluster-admin.",
    fix: "Use a RoleBinding in each namespace that the subject works in.",
    example: "kind: RoleBinding\nmetadata:\n  name: shop-editors\n  namespace: shop\nroleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: edit\n",
};

/// Rules of [`check`].
pub(super) const RULES: &[&Rule] = &[
    &CLUSTER_ADMIN,
    &MASTERS,
    &ANONYMOUS,
    &EVERYONE,
    &DEFAULT_ACCOUNT,
    &NODES,
    &SYSTEM_USER,
    &SUBJECT_INVALID,
    &CLUSTER_WIDE_EDIT,
];

/// Judges role and subjects of one binding.
pub(super) fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let role = object.value.get("roleRef");
    let role_name = role.and_then(|role| role.str_at("name")).unwrap_or("");
    let is_cluster_role = role.and_then(|role| role.str_at("kind")) == Some("ClusterRole");
    let cluster = object.kind == "ClusterRoleBinding";
    if is_own(object, cluster, role_name) {
        return;
    }
    if object.value.get("subjects").is_none_or(Value::is_empty) {
        sink.report(&SUBJECT_INVALID, object.location(), "the binding has no `subjects`")
            .severity(Severity::Info)
            .field("subjects");
    }
    for (index, subject) in object.value.list("subjects").enumerate() {
        let seen = Seen { subject, index, role: role_name, cluster };
        let name = subject.str_at("name").unwrap_or("");
        validity(object, &seen, name, sink);
        // An identity that is dangerous to bind at all says more than the role.
        if identity(&seen, name, sink) {
            continue;
        }
        if is_cluster_role && role_name == "cluster-admin" {
            cluster_admin(&seen, name, sink);
        } else if is_cluster_role && cluster && matches!(role_name, "admin" | "edit") {
            let message = format!("{} `{name}` holds `{role_name}` in every namespace", seen.kind());
            sink.report(&CLUSTER_WIDE_EDIT, subject, message).field(seen.field());
        }
    }
}

/// One subject and what it is bound to.
struct Seen<'d> {
    subject: Value<'d>,
    index: usize,
    role: &'d str,
    cluster: bool,
}

impl<'d> Seen<'d> {
    fn kind(&self) -> &'d str {
        self.subject.str_at("kind").unwrap_or("subject")
    }

    fn field(&self) -> String {
        format!("subjects[{}]", self.index)
    }
}

/// Whether the binding is one that the API server or kubeadm creates.
fn is_own(object: &Object<'_>, cluster: bool, role: &str) -> bool {
    let name = object.name();
    let bootstrap = is_bootstrap(object) && (role == name || role.starts_with("system:"));
    let kubeadm = match name {
        "kubeadm:cluster-admins" => cluster && role == "cluster-admin",
        "kubeadm:bootstrap-signer-clusterinfo" => !cluster && role == name && object.namespace() == "kube-public",
        "kubeadm:get-nodes" | "kubeadm:kubelet-config" | "kubeadm:nodes-kubeadm-config" => role == name,
        _ => false,
    };
    bootstrap || kubeadm
}

/// Reports subjects that should hardly ever be bound; true when it did.
fn identity(seen: &Seen<'_>, name: &str, sink: &mut Sink<'_>) -> bool {
    let full = matches!(seen.role, "cluster-admin" | "admin" | "edit");
    let role = seen.role;
    match (seen.kind(), name) {
        ("User", "system:anonymous") | ("Group", "system:unauthenticated") => {
            let severity = match (PUBLIC_ROLES.contains(&role), full) {
                (true, _) => Severity::Low,
                (false, true) => Severity::Critical,
                (false, false) => Severity::High,
            };
            sink.report(&ANONYMOUS, seen.subject, format!("`{name}` holds the role `{role}`"))
                .severity(severity)
                .field(seen.field());
        }
        ("Group", "system:authenticated" | "system:serviceaccounts") if PUBLIC_ROLES.contains(&role) => {}
        ("Group", "system:authenticated" | "system:serviceaccounts") => {
            let severity = if full { Severity::Critical } else { Severity::High };
            sink.report(&EVERYONE, seen.subject, format!("the group `{name}` holds the role `{role}`"))
                .severity(severity)
                .field(seen.field());
        }
        ("Group", _) if name.starts_with("system:serviceaccounts:") => {
            let severity = match (seen.cluster, full) {
                (true, true) => Severity::Critical,
                (false, false) => Severity::Medium,
                _ => Severity::High,
            };
            sink.report(&EVERYONE, seen.subject, format!("the group `{name}` holds the role `{role}`"))
                .severity(severity)
                .field(seen.field());
        }
        ("Group", "system:masters") => {
            sink.report(&MASTERS, seen.subject, format!("`system:masters` is bound to `{role}`")).field(seen.field());
        }
        ("Group", "system:nodes") if !NODE_ROLES.contains(&role) => {
            let message = format!("the group `system:nodes` holds the role `{role}`");
            sink.report(&NODES, seen.subject, message).field(seen.field());
        }
        ("User", _) if name.starts_with("system:node:") => {
            sink.report(&NODES, seen.subject, format!("the kubelet `{name}` holds the role `{role}`"))
                .severity(Severity::Medium)
                .field(seen.field());
        }
        ("User", _) if name.starts_with("system:") && !role.starts_with("system:") => {
            if !CONTROL_PLANE_USERS.contains(&name) {
                sink.report(&SYSTEM_USER, seen.subject, format!("the user `{name}` holds the role `{role}`"))
                    .field(seen.field());
            }
            return false;
        }
        ("ServiceAccount", "default") => {
            let severity = match (seen.cluster, full) {
                (true, true) => Severity::Critical,
                (true, false) | (false, true) => Severity::High,
                (false, false) => Severity::Medium,
            };
            sink.report(&DEFAULT_ACCOUNT, seen.subject, format!("the service account `default` holds `{role}`"))
                .severity(severity)
                .field(seen.field());
        }
        _ => return false,
    }
    true
}

fn cluster_admin(seen: &Seen<'_>, name: &str, sink: &mut Sink<'_>) {
    let kind = seen.kind();
    let (severity, reach) = match (seen.cluster, kind) {
        (true, "ServiceAccount") => (Severity::Critical, "in the whole cluster"),
        (true, _) => (Severity::High, "in the whole cluster"),
        (false, _) => (Severity::Medium, "in its namespace"),
    };
    sink.report(&CLUSTER_ADMIN, seen.subject, format!("{kind} `{name}` holds `cluster-admin` {reach}"))
        .severity(severity)
        .field(seen.field());
}

fn validity(object: &Object<'_>, seen: &Seen<'_>, name: &str, sink: &mut Sink<'_>) {
    let subject = seen.subject;
    let field = seen.field();
    match subject.str_at("kind") {
        Some("User" | "Group") => {
            if subject.str_at("namespace").is_some() {
                let message =
                    format!("`{field}` of kind {} has a namespace, which only ServiceAccounts have", seen.kind());
                sink.report(&SUBJECT_INVALID, subject, message).field(field);
            }
        }
        Some("ServiceAccount") => {
            // In a RoleBinding, tools such as kustomize fill in the namespace later.
            if subject.str_at("namespace").is_none() && (seen.cluster || !object.namespace().is_empty()) {
                sink.report(&SUBJECT_INVALID, subject, format!("`{field}` of kind ServiceAccount has no namespace"))
                    .severity(Severity::Info)
                    .field(field);
            }
        }
        Some(kind) => {
            let message = format!("`{field}.kind` is `{kind}`, not User, Group or ServiceAccount");
            sink.report(&SUBJECT_INVALID, subject, message).field(field);
        }
        None => {
            sink.report(&SUBJECT_INVALID, subject, format!("`{field}` (`{name}`) has no kind")).field(field);
        }
    }
}

/// Roles that Kubernetes itself gives to everyone, as they tell only what the API offers.
const PUBLIC_ROLES: &[&str] = &[
    "system:public-info-viewer",
    "system:discovery",
    "system:basic-user",
    "system:service-account-issuer-discovery",
    "system:volume-attributes-class-viewer",
];

/// Roles that kubelets need to renew their certificates.
const NODE_ROLES: &[&str] = &["system:certificates.k8s.io:certificatesigningrequests:selfnodeclient"];

/// Users that the control plane authenticates as.
const CONTROL_PLANE_USERS: &[&str] = &["system:kube-scheduler", "system:kube-controller-manager", "system:kube-proxy"];
