//! Checks on RBAC and service accounts.

use super::{Form, Group};
use crate::checks::access::accounts::{AUTOMOUNT, DEFAULT_AUTOMOUNT, TOKEN_SECRETS};
use crate::checks::access::bindings::{
    ANONYMOUS, CLUSTER_ADMIN, CLUSTER_WIDE_EDIT, DEFAULT_ACCOUNT, EVERYONE, MASTERS, NODES, SYSTEM_USER,
};
use crate::checks::access::roles::{
    AGGREGATES_ALL, SERVER_LOGS, WILDCARD_ALL, WILDCARD_GROUPS, WILDCARD_RESOURCES, WILDCARD_URLS, WILDCARD_VERBS,
};

const RBAC: &str = "rbac.authorization.k8s.io";

/// Roles and bindings that the API server itself creates and reconciles.
const BOOTSTRAP: (&str, &str) = (
    "bootstrap",
    "object.metadata.?labels[?'kubernetes.io/bootstrapping'].orValue('') == 'rbac-defaults' &&
     (object.metadata.name.startsWith('system:') ||
     object.metadata.name in ['cluster-admin', 'admin', 'edit', 'view'])",
);

/// Whether each rule allows everything, in the order of the rules.
const EVERYTHING: (&str, &str) = (
    "everything",
    "variables.rules.map(r, '*' in r.?verbs.orValue([]) && '*' in r.?apiGroups.orValue([]) &&
     '*' in r.?resources.orValue([]) && size(r.?resourceNames.orValue([])) == 0)",
);

/// The rules that do not allow everything.
const LIMITED: (&str, &str) = (
    "limited",
    "variables.rules.filter(r, !('*' in r.?verbs.orValue([]) && '*' in r.?apiGroups.orValue([]) &&
     '*' in r.?resources.orValue([]) && size(r.?resourceNames.orValue([])) == 0))",
);

pub(super) static ROLES: Group = Group {
    name: "roles",
    about: "Roles name what they allow",
    resources: &[(RBAC, &["roles", "clusterroles"])],
    variables: &[
        BOOTSTRAP,
        ("rules", "variables.bootstrap ? [] : object.?rules.orValue([])"),
        EVERYTHING,
        LIMITED,
        ("selectors", "object.?aggregationRule.clusterRoleSelectors.orValue([])"),
    ],
    forms: &[
        Form { rule: &WILDCARD_ALL, expression: "!(true in variables.everything)" },
        Form { rule: &WILDCARD_RESOURCES, expression: "variables.limited.all(r, !('*' in r.?resources.orValue([])))" },
        Form {
            rule: &WILDCARD_GROUPS,
            expression: "variables.limited.all(r, '*' in r.?resources.orValue([]) ||
                !('*' in r.?apiGroups.orValue([])))",
        },
        Form {
            rule: &WILDCARD_VERBS,
            expression: "variables.limited.all(r, '*' in r.?resources.orValue([]) ||
                !('*' in r.?verbs.orValue([])))",
        },
        Form {
            // Whoever may do everything is told so once, for the rules after it too.
            rule: &WILDCARD_URLS,
            expression: "variables.rules.all(i, r,
                !r.?nonResourceURLs.orValue([]).exists(url, url in ['*', '/*']) ||
                variables.everything.exists(j, found, found && j <= i))",
        },
        Form {
            rule: &SERVER_LOGS,
            expression: "variables.rules.all(r, !r.?nonResourceURLs.orValue([]).exists(url,
                url.matches('^/(logs|debug)($|[/*])')))",
        },
        Form {
            rule: &AGGREGATES_ALL,
            expression: "variables.bootstrap || object.kind != 'ClusterRole' || variables.selectors.all(s,
                size(s.?matchLabels.orValue({})) > 0 || size(s.?matchExpressions.orValue([])) > 0)",
        },
    ],
};

/// Bindings that Kubernetes and kubeadm bring.
const OWN: (&str, &str) = (
    "own",
    "variables.bootstrap && (variables.role == object.metadata.name || variables.role.startsWith('system:')) ||
     object.metadata.name == 'kubeadm:cluster-admins' && variables.everywhere && variables.role == 'cluster-admin' ||
     object.metadata.name == 'kubeadm:bootstrap-signer-clusterinfo' && !variables.everywhere &&
     variables.role == object.metadata.name && object.metadata.?namespace.orValue('') == 'kube-public' ||
     object.metadata.name in ['kubeadm:get-nodes', 'kubeadm:kubelet-config', 'kubeadm:nodes-kubeadm-config'] &&
     variables.role == object.metadata.name",
);

/// Subjects that are no danger by themselves, whatever they are bound to.
const ORDINARY: (&str, &str) = (
    "ordinary",
    "variables.subjects.filter(s,
     !(s.kind == 'User' && (s.name == 'system:anonymous' || s.name.startsWith('system:node:'))) &&
     !(s.kind == 'Group' && (s.name in ['system:unauthenticated', 'system:authenticated', 'system:serviceaccounts',
     'system:masters'] || s.name.startsWith('system:serviceaccounts:') ||
     s.name == 'system:nodes' && !variables.nodeRole)) &&
     !(s.kind == 'ServiceAccount' && s.name == 'default'))",
);

pub(super) static BINDINGS: Group = Group {
    name: "role-bindings",
    about: "Roles are bound to those who need them",
    resources: &[(RBAC, &["rolebindings", "clusterrolebindings"])],
    variables: &[
        BOOTSTRAP,
        ("role", "object.roleRef.name"),
        ("clusterRole", "object.roleRef.kind == 'ClusterRole'"),
        ("everywhere", "object.kind == 'ClusterRoleBinding'"),
        OWN,
        ("subjects", "variables.own ? [] : object.?subjects.orValue([])"),
        ("nodeRole", "variables.role == 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient'"),
        ORDINARY,
    ],
    forms: &[
        Form {
            rule: &ANONYMOUS,
            expression: "variables.subjects.all(s, !(s.kind == 'User' && s.name == 'system:anonymous') &&
                !(s.kind == 'Group' && s.name == 'system:unauthenticated'))",
        },
        Form {
            rule: &EVERYONE,
            expression: "variables.subjects.all(s, s.kind != 'Group' ||
                !s.name.startsWith('system:serviceaccounts:') &&
                (!(s.name in ['system:authenticated', 'system:serviceaccounts']) ||
                variables.role in ['system:public-info-viewer', 'system:discovery', 'system:basic-user',
                'system:service-account-issuer-discovery', 'system:volume-attributes-class-viewer']))",
        },
        Form {
            rule: &MASTERS,
            expression: "variables.subjects.all(s, s.kind != 'Group' || s.name != 'system:masters')",
        },
        Form {
            rule: &NODES,
            expression: "variables.subjects.all(s,
                !(s.kind == 'Group' && s.name == 'system:nodes' && !variables.nodeRole) &&
                !(s.kind == 'User' && s.name.startsWith('system:node:')))",
        },
        Form {
            rule: &SYSTEM_USER,
            expression: "variables.role.startsWith('system:') || variables.ordinary.all(s, s.kind != 'User' ||
                !s.name.startsWith('system:') ||
                s.name in ['system:kube-scheduler', 'system:kube-controller-manager', 'system:kube-proxy'])",
        },
        Form {
            rule: &DEFAULT_ACCOUNT,
            expression: "variables.subjects.all(s, s.kind != 'ServiceAccount' || s.name != 'default')",
        },
        Form {
            rule: &CLUSTER_ADMIN,
            expression: "!variables.clusterRole || variables.role != 'cluster-admin' || size(variables.ordinary) == 0",
        },
        Form {
            rule: &CLUSTER_WIDE_EDIT,
            expression: "!variables.clusterRole || !variables.everywhere || !(variables.role in ['admin', 'edit']) ||
                size(variables.ordinary) == 0",
        },
    ],
};

pub(super) static ACCOUNTS: Group = Group {
    name: "service-accounts",
    about: "Tokens of service accounts go only where they are used",
    resources: &[("", &["serviceaccounts"])],
    variables: &[],
    forms: &[
        Form {
            rule: &DEFAULT_AUTOMOUNT,
            expression: "object.metadata.name != 'default' || !object.?automountServiceAccountToken.orValue(true)",
        },
        Form {
            rule: &AUTOMOUNT,
            expression: "object.metadata.name == 'default' || !object.?automountServiceAccountToken.orValue(false)",
        },
        Form { rule: &TOKEN_SECRETS, expression: "size(object.?secrets.orValue([])) == 0" },
    ],
};
