//! Powers over what protects the cluster: admission, namespaces, extensions of the API, traces.

use model::{Rule, Scope, Serves, Severity};

use super::grant::{group, verb};
use super::power::{Power, any_name};

/// Webhooks can be written.
pub static WRITE_WEBHOOKS: Rule = Rule {
    code: "rbac-write-webhooks",
    title: "A role may write admission webhooks",
    severity: Severity::High,
    scope: Scope::Role,
    serves: &[Serves::full("RA-07"), Serves::part("DE-08"), Serves::part("DV-25"), Serves::part("RA-36")],
    why: "A webhook sees every object that is admitted, Secrets included, and a mutating one can change it. Deleting \
          a webhook switches off the policy behind it.",
    fix: "Name the component's own configurations in `resourceNames` and leave the rest to administrators.",
    example: "rules:\n- apiGroups: [admissionregistration.k8s.io]\n  resources: [validatingwebhookconfigurations]\n  resourceNames: [ledger]\n  verbs: [get, patch]\n",
};

/// Policies can be written.
pub static WRITE_POLICIES: Rule = Rule {
    code: "rbac-write-policies",
    title: "A role may write or delete security policies",
    severity: Severity::High,
    scope: Scope::Role,
    serves: &[Serves::part("DE-08"), Serves::part("DV-25"), Serves::part("RA-36"), Serves::part("RA-07")],
    why: "Admission policies, their bindings, and the exceptions from them are what holds everyone else to the \
          rules. Who can change them can let anything pass unseen.",
    fix: "Keep admission policies and exceptions with the team that owns them.",
    example: "",
};

/// Namespaces can be changed.
pub static PATCH_NAMESPACES: Rule = Rule {
    code: "rbac-patch-namespaces",
    title: "A role may change Namespaces",
    severity: Severity::High,
    scope: Scope::Role,
    serves: &[Serves::full("RA-07"), Serves::part("RA-24"), Serves::part("DV-25")],
    why: "Labels of a namespace choose its pod security level and which policies apply to it. Changing one label is \
          enough to run privileged pods.",
    fix: "Remove `patch` and `update` on namespaces, or name them in `resourceNames`.",
    example: "rules:\n- apiGroups: [\"\"]\n  resources: [namespaces]\n  verbs: [get, list, watch]\n",
};

/// Parts of the API can be taken over.
pub static WRITE_APISERVICES: Rule = Rule {
    code: "rbac-write-apiservices",
    title: "A role may register API services",
    severity: Severity::High,
    scope: Scope::Role,
    serves: &[Serves::part("RA-07"), Serves::part("RA-36")],
    why: "An APIService sends all requests for an API group to a server of the holder's choice, who then answers in \
          the name of the API server and sees what callers send.",
    fix: "Name the component's own APIServices in `resourceNames`.",
    example: "",
};

/// Resource definitions can be written.
pub static WRITE_CRDS: Rule = Rule {
    code: "rbac-write-crds",
    title: "A role may write CustomResourceDefinitions",
    severity: Severity::Medium,
    scope: Scope::Role,
    serves: &[Serves::part("RA-07"), Serves::part("RA-36")],
    why: "A conversion webhook in a definition receives every stored object of the kind, and deleting a definition \
          deletes all its objects in all namespaces.",
    fix: "Install definitions with the delivery pipeline, or name them in `resourceNames`.",
    example: "",
};

/// Cluster-wide classes can be written.
pub static WRITE_CLASSES: Rule = Rule {
    code: "rbac-write-classes",
    title: "A role may write runtime, priority or storage classes",
    severity: Severity::Low,
    scope: Scope::Role,
    serves: &[Serves::part("RC-06"), Serves::part("RS-09"), Serves::part("RA-33")],
    why: "These classes decide which sandbox a pod gets, whose pods are evicted first and how volumes are encrypted, \
          for all tenants at once.",
    fix: "Leave RuntimeClasses, PriorityClasses, StorageClasses, IngressClasses and CSIDrivers to administrators.",
    example: "",
};

/// Network policies can be written.
pub static WRITE_NETWORK_POLICIES: Rule = Rule {
    code: "rbac-write-network-policies",
    title: "A role may change NetworkPolicies in all namespaces",
    severity: Severity::Medium,
    scope: Scope::Role,
    serves: &[Serves::part("DV-25"), Serves::part("RA-36")],
    why: "Who changes or deletes NetworkPolicies opens the network between workloads that were kept apart.",
    fix: "Grant it per namespace, to those who own the isolation of that namespace.",
    example: "",
};

/// Backends of services can be written.
pub static WRITE_ENDPOINTS: Rule = Rule {
    code: "rbac-write-endpoints",
    title: "A role may write Endpoints or EndpointSlices",
    severity: Severity::Medium,
    scope: Scope::Role,
    serves: &[Serves::part("RA-07"), Serves::part("RA-06")],
    why: "Endpoints written by hand send the traffic of a Service to any address, including pods of other namespaces \
          that a load balancer may reach but the writer may not.",
    fix: "Leave Endpoints and EndpointSlices to the controllers of the control plane.",
    example: "",
};

/// Device claims can be written for other nodes.
pub static WRITE_DEVICES: Rule = Rule {
    code: "rbac-write-device-claims",
    title: "A role may allocate devices or report for any driver",
    severity: Severity::Medium,
    scope: Scope::Role,
    serves: &[Serves::part("RA-23")],
    why: "resourceclaims/binding decides who gets a device, and resourceclaims/driver speaks for a driver on a node. \
          Without a driver name, or with an `arbitrary-node:` verb, one node speaks for all.",
    fix: "Leave resourceclaims/binding to the scheduler; grant resourceclaims/driver with `associated-node:` verbs and \
          the driver's name in `resourceNames`.",
    example: "rules:\n- apiGroups: [resource.k8s.io]\n  resources: [resourceclaims/driver]\n  resourceNames: [gpu.example.com]\n  verbs: [\"associated-node:update\"]\n",
};

/// Events can be deleted.
pub static ERASE_EVENTS: Rule = Rule {
    code: "rbac-delete-events",
    title: "A role may delete Events",
    severity: Severity::Low,
    scope: Scope::Role,
    serves: &[Serves::part("DV-25")],
    why: "Events tell what happened to pods; deleting them removes the first trace that an operator would see.",
    fix: "Grant `create` and `patch` on events only.",
    example: "rules:\n- apiGroups: [\"\"]\n  resources: [events]\n  verbs: [create, patch]\n",
};

/// Backups can be deleted.
pub static DELETE_BACKUPS: Rule = Rule {
    code: "rbac-delete-backups",
    title: "A role may delete snapshots or backups",
    severity: Severity::Medium,
    scope: Scope::Role,
    serves: &[Serves::part("RS-04"), Serves::part("RS-12")],
    why: "Extortion starts with the backups. Deleting the object commonly deletes the stored copy behind it.",
    fix: "Let applications create and read backups; leave deleting to the backup controller's own retention.",
    example: "rules:\n- apiGroups: [snapshot.storage.k8s.io]\n  resources: [volumesnapshots]\n  verbs: [get, list, create]\n",
};

/// Limits of a namespace can be lifted.
pub static WRITE_QUOTAS: Rule = Rule {
    code: "rbac-write-quotas",
    title: "A role may change ResourceQuotas or LimitRanges",
    severity: Severity::Low,
    scope: Scope::Role,
    serves: &[Serves::part("RC-03"), Serves::part("RA-33"), Serves::part("DV-25")],
    why: "Who may change the quota of a namespace is not limited by it.",
    fix: "Leave quotas and limit ranges to those who own the cluster's capacity.",
    example: "rules:\n- apiGroups: [\"\"]\n  resources: [resourcequotas]\n  verbs: [get, list, watch]\n",
};

/// Powers of this file.
pub(super) const POWERS: &[Power] = &[
    cluster(&WRITE_WEBHOOKS, "write admission webhooks", group::ADMISSION, WEBHOOKS, verb::WRITE),
    cluster(&WRITE_POLICIES, "write admission policies", group::ADMISSION, POLICIES, verb::WRITE),
    Power {
        in_role: Some(Severity::Medium),
        ..cluster(&WRITE_POLICIES, "write security policies", group::POLICY, ENGINE_POLICIES, verb::WRITE)
    },
    Power {
        in_role: Some(Severity::Medium),
        ..cluster(&PATCH_NAMESPACES, "change labels of Namespaces", group::CORE, NAMESPACES, verb::UPDATE | verb::PATCH)
    },
    cluster(
        &WRITE_APISERVICES,
        "take over parts of the API",
        group::API_REGISTRATION,
        &["apiservices"],
        verb::CHANGE | verb::DELETE,
    ),
    cluster(
        &WRITE_CRDS,
        "write CustomResourceDefinitions",
        group::API_EXTENSIONS,
        &["customresourcedefinitions"],
        verb::WRITE,
    ),
    cluster(
        &WRITE_CLASSES,
        "write cluster-wide classes",
        group::STORAGE | group::NODE | group::SCHEDULING | group::NETWORKING,
        CLASSES,
        verb::WRITE,
    ),
    cluster(
        &WRITE_NETWORK_POLICIES,
        "change NetworkPolicies",
        group::NETWORKING,
        &["networkpolicies"],
        verb::CHANGE | verb::DELETE | verb::DELETE_COLLECTION,
    ),
    Power {
        in_role: Some(Severity::Low),
        ..cluster(&WRITE_ENDPOINTS, "redirect Services", group::CORE | group::DISCOVERY, ENDPOINTS, verb::CHANGE)
    },
    Power {
        in_role: Some(Severity::Low),
        ..cluster(
            &WRITE_DEVICES,
            "allocate devices",
            group::RESOURCE,
            &["resourceclaims/binding"],
            verb::UPDATE | verb::PATCH,
        )
    },
    Power {
        named: Some(Severity::Low),
        ..cluster(
            &WRITE_DEVICES,
            "report devices for any node",
            group::RESOURCE,
            &["resourceclaims/driver"],
            verb::ARBITRARY_NODE,
        )
    },
    cluster(
        &WRITE_DEVICES,
        "report for any device driver",
        group::RESOURCE,
        &["resourceclaims/driver"],
        verb::OTHER | verb::UPDATE | verb::PATCH,
    ),
    Power {
        in_role: Some(Severity::Low),
        ..cluster(
            &DELETE_BACKUPS,
            "delete snapshots and backups",
            group::BACKUPS,
            BACKUPS,
            verb::DELETE | verb::DELETE_COLLECTION,
        )
    },
    Power {
        in_role: Some(Severity::Low),
        ..cluster(
            &WRITE_QUOTAS,
            "lift quotas",
            group::CORE,
            &["resourcequotas", "limitranges"],
            verb::UPDATE | verb::PATCH | verb::DELETE | verb::DELETE_COLLECTION,
        )
    },
    cluster(
        &ERASE_EVENTS,
        "delete Events",
        group::CORE | group::EVENTS,
        &["events"],
        verb::DELETE | verb::DELETE_COLLECTION,
    ),
];

/// A power that only a ClusterRole gives and that names take away.
const fn cluster(
    rule: &'static Rule,
    phrase: &'static str,
    groups: u32,
    resources: &'static [&'static str],
    verbs: u32,
) -> Power {
    Power { rule, phrase, family: rule.code, groups, resources, verbs, in_role: None, named: None, risky: any_name }
}

const NAMESPACES: &[&str] = &["namespaces"];
const WEBHOOKS: &[&str] = &["validatingwebhookconfigurations", "mutatingwebhookconfigurations"];
const POLICIES: &[&str] = &[
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
];
const ENGINE_POLICIES: &[&str] = &[
    "exceptions",
    "clusterpolicies",
    "policies",
    "policyexceptions",
    "validatingpolicies",
    "mutatingpolicies",
    "imagevalidatingpolicies",
    "constrainttemplates",
    "clusterimagepolicies",
    "clusteradmissionpolicies",
    "admissionpolicies",
];
const CLASSES: &[&str] = &["runtimeclasses", "priorityclasses", "storageclasses", "ingressclasses", "csidrivers"];
const BACKUPS: &[&str] = &["volumesnapshots", "volumesnapshotcontents", "backups", "deletebackuprequests"];
const ENDPOINTS: &[&str] = &["endpoints", "endpointslices"];
