//! Powers over running code: workloads, containers and nodes.

use model::{Rule, Scope, Serves, Severity};

use super::grant::{group, verb};
use super::power::{Power, any_name};

/// The kubelet API is open.
pub static NODE_PROXY: Rule = Rule {
    code: "rbac-node-proxy",
    title: "A role may reach the kubelet API through nodes/proxy",
    severity: Severity::High,
    scope: Scope::Role,
    serves: &[Serves::full("RA-07"), Serves::part("RA-18")],
    why: "`nodes/proxy` opens the kubelet, which runs commands in any pod of the node. `get` is enough, because \
          commands can be run over a websocket; sent to the kubelet itself, neither admission nor the audit log \
          sees them.",
    fix: "Grant the fine-grained resources that are needed: nodes/metrics, nodes/stats, nodes/healthz, nodes/pods.",
    example: "rules:\n- apiGroups: [\"\"]\n  resources: [nodes/metrics]\n  verbs: [get]\n",
};

/// Commands can be run in pods.
pub static EXEC: Rule = Rule {
    code: "rbac-exec-into-pods",
    title: "A role may run commands in pods",
    severity: Severity::High,
    scope: Scope::Role,
    serves: &[Serves::full("RA-07")],
    why: "`pods/exec` and `pods/attach` give a shell inside other people's containers, with their service account \
          token, their mounted Secrets and their place in the network.",
    fix: "Remove pods/exec and pods/attach, or grant them in one namespace to people who are on call.",
    example: "rules:\n- apiGroups: [\"\"]\n  resources: [pods, pods/log]\n  verbs: [get, list]\n",
};

/// Debug containers can be added to pods.
pub static DEBUG: Rule = Rule {
    code: "rbac-debug-pods",
    title: "A role may add containers to running pods",
    severity: Severity::High,
    scope: Scope::Role,
    serves: &[Serves::full("RA-07")],
    why: "An ephemeral container runs an image of the caller's choice next to the application and shares its network, \
          volumes and, on request, its processes.",
    fix: "Grant pods/ephemeralcontainers only in a Role for people who debug, for the time they do it.",
    example: "",
};

/// Ports of pods can be reached through the API server.
pub static FORWARD: Rule = Rule {
    code: "rbac-forward-to-pods",
    title: "A role may reach pods past the network policy",
    severity: Severity::Medium,
    scope: Scope::Role,
    serves: &[Serves::part("RA-07"), Serves::part("RA-06")],
    why: "Port forwarding and the pod and service proxies reach ports that no Service exposes. The traffic comes from \
          the control plane or the node, where network policies rarely stop it.",
    fix: "Remove pods/portforward, pods/proxy and services/proxy, or name the services that may be reached.",
    example: "rules:\n- apiGroups: [\"\"]\n  resources: [services/proxy]\n  resourceNames: [metrics]\n  verbs: [get]\n",
};

/// Workloads can be created.
pub static CREATE_WORKLOADS: Rule = Rule {
    code: "rbac-create-workloads",
    title: "A role may create or change workloads",
    severity: Severity::Medium,
    scope: Scope::Role,
    serves: &[Serves::full("RA-07"), Serves::part("DE-01"), Serves::part("RA-25")],
    why: "A pod can mount any Secret of its namespace and run as any service account there. Who may create workloads \
          therefore holds all of these rights, in every namespace that the role reaches.",
    fix: "Bind the role per namespace instead of cluster-wide, keep powerful service accounts out of these namespaces, \
          and enforce a pod security level there.",
    example: "kind: Role\nmetadata:\n  name: deployer\n  namespace: shop\nrules:\n- apiGroups: [apps]\n  resources: [deployments]\n  resourceNames: [storefront]\n  verbs: [get, patch]\n",
};

/// Workloads can be created next to the cluster's own.
pub static CREATE_SYSTEM_WORKLOADS: Rule = Rule {
    code: "rbac-create-system-workloads",
    title: "A role may create workloads in a system namespace",
    severity: Severity::High,
    scope: Scope::Role,
    serves: &[Serves::part("RA-25"), Serves::part("RA-26"), Serves::part("RA-07")],
    why: "Namespaces that begin with kube- hold the service accounts of cluster controllers and are usually exempt \
          from pod security. A pod created there can run as any of them.",
    fix: "Install the component in a namespace of its own and grant nothing in kube-system.",
    example: "",
};

/// Nodes can be changed.
pub static WRITE_NODES: Rule = Rule {
    code: "rbac-write-nodes",
    title: "A role may change Nodes",
    severity: Severity::Medium,
    scope: Scope::Role,
    serves: &[Serves::part("RA-07"), Serves::part("RA-13")],
    why: "Labels and taints of Nodes decide where sensitive pods run. Who changes them can pull such pods to a node \
          under control, or delete nodes until nothing runs.",
    fix: "Leave Nodes to the kubelet, the cloud controller and administrators; limit others by `resourceNames`.",
    example: "",
};

/// Powers of this file.
pub(super) const POWERS: &[Power] = &[
    Power {
        rule: &NODE_PROXY,
        phrase: "run commands in every pod by way of nodes/proxy",
        family: "node-proxy",
        groups: group::CORE,
        resources: &["nodes/proxy"],
        verbs: verb::READ | verb::WRITE,
        in_role: None,
        named: Some(Severity::Medium),
        risky: any_name,
    },
    Power {
        rule: &EXEC,
        phrase: "run commands in pods",
        family: "exec",
        groups: group::CORE,
        resources: &["pods/exec", "pods/attach"],
        verbs: verb::CREATE | verb::GET,
        in_role: Some(Severity::Medium),
        named: None,
        risky: any_name,
    },
    Power {
        rule: &DEBUG,
        phrase: "add containers to running pods",
        family: "debug",
        groups: group::CORE,
        resources: &["pods/ephemeralcontainers"],
        verbs: verb::UPDATE | verb::PATCH,
        in_role: Some(Severity::Medium),
        named: None,
        risky: any_name,
    },
    Power {
        rule: &FORWARD,
        phrase: "reach ports of pods past the network policy",
        family: "forward",
        groups: group::CORE,
        resources: &["pods/portforward", "pods/proxy", "services/proxy"],
        verbs: verb::CREATE | verb::GET,
        in_role: Some(Severity::Low),
        named: None,
        risky: any_name,
    },
    Power {
        rule: &CREATE_WORKLOADS,
        phrase: "create or change workloads",
        family: "workloads",
        groups: group::CORE,
        resources: &["pods", "replicationcontrollers"],
        verbs: verb::CREATE,
        in_role: Some(Severity::Low),
        named: None,
        risky: any_name,
    },
    Power {
        rule: &CREATE_WORKLOADS,
        phrase: "create or change workloads",
        family: "workloads",
        groups: group::APPS | group::BATCH,
        resources: &["deployments", "daemonsets", "statefulsets", "replicasets", "jobs", "cronjobs"],
        verbs: verb::CHANGE,
        in_role: Some(Severity::Low),
        named: None,
        risky: any_name,
    },
    Power {
        rule: &CREATE_WORKLOADS,
        phrase: "create or change workloads",
        family: "workloads",
        groups: group::RUNNERS,
        resources: RUNNERS,
        verbs: verb::CHANGE,
        in_role: Some(Severity::Low),
        named: None,
        risky: any_name,
    },
    Power {
        rule: &WRITE_NODES,
        phrase: "change Nodes",
        family: "nodes",
        groups: group::CORE,
        resources: &["nodes"],
        verbs: verb::WRITE,
        in_role: None,
        named: None,
        risky: any_name,
    },
];

/// Resources of well-known custom kinds that run a pod template.
const RUNNERS: &[&str] = &[
    "rollouts",
    "workflows",
    "cronworkflows",
    "taskruns",
    "pipelineruns",
    "services",
    "jobs",
    "notebooks",
    "pytorchjobs",
    "tfjobs",
    "mpijobs",
    "rayclusters",
    "rayjobs",
    "sparkapplications",
];
