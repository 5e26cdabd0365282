//! Objects of the right types, made from the API server's own schema, rich in what checks look at.

use manifest::schema::{self, Expect, Leaf, Shape, TypeRef};
use serde_json::{Map, Value, json};

use crate::outside;
use crate::random::Random;

/// `apiVersion` and kind of a resource that policies match.
pub(crate) fn kind(group: &str, plural: &str) -> Option<(&'static str, &'static str)> {
    KINDS
        .iter()
        .find(|(own, _, resource)| (own.split_once('/').map_or("", |(g, _)| g), *resource) == (group, plural))
        .map(|(api_version, kind, _)| (*api_version, *kind))
}

/// An object as JSON text.
pub(crate) fn object(random: &mut Random, api_version: &'static str, kind: &'static str, number: usize) -> String {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let mut object = match schema::kind(group, version, kind) {
        Some(of) => Value::Object(fields(random, of, kind, 0)),
        None => outside::object(random, kind),
    };
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    object["metadata"] = metadata(random, kind, number);
    if let Some(spec) = pod_spec(&mut object, kind) {
        complete(random, spec);
    }
    object.to_string()
}

fn metadata(random: &mut Random, kind: &str, number: usize) -> Value {
    let name = match random.below(3) {
        0 => random.one(NAMES).to_owned(),
        _ => format!("made-{number}"),
    };
    let mut metadata = json!({"name": name});
    if !CLUSTER_WIDE.contains(&kind) {
        metadata["namespace"] = random.one(&["shop", "shop", "default", "kube-public"]).into();
    }
    metadata["labels"] = Value::Object(entries(random, LABELS));
    metadata["annotations"] = Value::Object(entries(random, ANNOTATIONS));
    metadata
}

/// Some of the keys of a table with one of their values.
fn entries(random: &mut Random, table: &[(&str, &[&str])]) -> Map<String, Value> {
    let mut map = Map::new();
    let often = 2 + random.below(8);
    for (key, values) in table {
        if random.once_in(often) {
            map.insert((*key).to_owned(), random.one(values).into());
        }
    }
    map
}

/// The fields of a type that checks look at, and now and then another one.
fn fields(random: &mut Random, of: TypeRef, within: &str, depth: usize) -> Map<String, Value> {
    let mut map = Map::new();
    for name in of.fields() {
        let wanted = match (depth, SEEN.contains(&name)) {
            (_, _) if NEVER.contains(&name) => false,
            (0, _) => true,
            (_, true) => !random.once_in(if REQUIRED.contains(&name) { 1_000_000 } else { 2 }),
            (_, false) => random.once_in(60),
        };
        if let Some(shape) = of.field(name).filter(|_| wanted && depth < 9) {
            map.insert(name.to_owned(), value(random, shape, name, within, depth));
        }
    }
    map
}

fn value(random: &mut Random, shape: Shape, name: &str, within: &str, depth: usize) -> Value {
    match shape.expect() {
        Expect::List(inner) => {
            let count = random.below(3);
            Value::Array((0..count).map(|_| value(random, inner, name, within, depth)).collect())
        }
        Expect::Map(inner) => {
            let keys = words(name).iter().filter(|_| random.once_in(3));
            let keys: Vec<&str> = keys.copied().collect();
            keys.into_iter().map(|key| (key.to_owned(), value(random, inner, "", name, depth))).collect()
        }
        Expect::Maybe(inner) => value(random, inner, name, within, depth),
        Expect::Leaf(leaf) => match leaf {
            Leaf::Fields(of) => Value::Object(fields(random, of, name, depth + 1)),
            Leaf::Bool => (random.below(2) == 0).into(),
            Leaf::Int32 | Leaf::Int64 => integer(random, name),
            Leaf::Number => 1.5.into(),
            Leaf::Quantity => random.one(&["1", "64Mi", "128Mi", "0", "0.5Gi", "1e3"]).into(),
            Leaf::IntOrString if random.below(2) == 0 => integer(random, name),
            Leaf::IntOrString => random.one(&["http", "100%", "25%", "web"]).into(),
            Leaf::Time => "2026-01-01T00:00:00Z".into(),
            Leaf::Bytes => "YQ==".into(),
            Leaf::String => text(random, name, within),
            Leaf::Any => json!({}),
        },
    }
}

fn integer(random: &mut Random, name: &str) -> Value {
    let choices: &[i64] = match name {
        "port" | "targetPort" => &[80, 443, 53, 22, 8080, 5432, 6443],
        "endPort" => &[80, 443, 9000],
        "hostPort" => &[0, 0, 8080],
        "value" => &[0, -5, 10, 1_000_000_000, 1_000_000_001, 2_000_000_000],
        "defaultMode" | "mode" => &[0, 0o400, 0o440, 0o644, 0o600, 0o755, 0o777, 0o100, 0o010, 0o2, 0o20],
        "expirationSeconds" => &[600, 3600, 86_400, 86_401, 1_000_000],
        "replicas" => &[0, 1, 2, 3],
        _ => &[0, 1, 999, 1000, 10_001],
    };
    choices[random.below(choices.len())].into()
}

fn text(random: &mut Random, name: &str, within: &str) -> Value {
    let own: &[&str] = match (within, name) {
        ("seccompProfile" | "appArmorProfile", "type") => &["RuntimeDefault", "Unconfined", "Localhost"],
        ("seLinuxOptions", "type") => &["", "container_t", "container_init_t", "spc_t"],
        ("seLinuxOptions", "user" | "role") => &["", "", "system_u"],
        ("Service" | "spec", "type") => &["ClusterIP", "LoadBalancer", "NodePort", "ExternalName", "Exempt", "Limited"],
        ("strategy" | "updateStrategy", "type") => &["Recreate", "RollingUpdate"],
        ("Secret", "type") => &["Opaque", "kubernetes.io/service-account-token", "kubernetes.io/tls"],
        ("os", "name") => &["windows", "linux"],
        ("sysctls", "name") => &["kernel.msgmax", "net.ipv4.tcp_rmem", "kernel.shm_rmid_forced"],
        ("roleRef", "kind") => &["ClusterRole", "Role"],
        ("roleRef", "name") => ROLE_NAMES,
        ("subjects", "kind") => &["User", "Group", "ServiceAccount"],
        ("subjects", "name") => SUBJECT_NAMES,
        ("priorityLevelConfiguration", "name") => &["exempt", "workload-low"],
        ("ipBlock", "cidr") => {
            &["0.0.0.0/0", "::/0", "10.0.0.0/8", "169.254.0.0/16", "169.254.169.254/32", "128.0.0.0/1"]
        }
        ("ipBlock", "except") => &["169.254.169.254/32", "169.254.169.0/24", "10.1.0.0/16"],
        ("volumes" | "volumeMounts", "name") => &["a", "b"],
        _ => words(name),
    };
    random.one(if own.is_empty() { &["a", "b", ""] } else { own }).into()
}

/// Texts for a field or keys of a mapping.
fn words(name: &str) -> &'static [&'static str] {
    match name {
        "verbs" => &["get", "list", "create", "*", "update"],
        "apiGroups" => &["", "apps", "*", "example.com"],
        "resources" => &["pods", "secrets", "*", "deployments"],
        "resourceNames" => &["a"],
        "nonResourceURLs" => &["/healthz", "*", "/*", "/logs", "/logs/x", "/logs*", "/logsx", "/debug", "/debug/pprof"],
        "matchLabels" | "nodeSelector" | "selector" => &["app", "kubernetes.io/metadata.name", "team"],
        "key" => &["app", "kubernetes.io/metadata.name"],
        "operator" => &["Exists", "In"],
        "policyTypes" => &["Ingress", "Egress"],
        "add" | "drop" => &["ALL", "NET_BIND_SERVICE", "NET_RAW", "CHOWN", "SYS_ADMIN"],
        "procMount" => &["Default", "Unmasked"],
        "restartPolicy" => &["Always", "Never", "OnFailure"],
        "mountPropagation" => &["None", "Bidirectional", "HostToContainer"],
        "subPath" | "subPathExpr" => &["", "x"],
        "host" => &["", "a.example.com", "b.example.com", "*.example.com", "a.example.org", "localhost"],
        "hosts" => &["a.example.com", "*.example.com", "localhost"],
        "externalIPs" => &["192.0.2.1"],
        "externalName" => &["db.example.com"],
        "clusterIP" => &["None", "10.0.0.1"],
        "loadBalancerSourceRanges" => &["0.0.0.0/0", "10.0.0.0/8", "::/0", " 0.0.0.0/0 "],
        "accessModes" => &["ReadWriteOnce", "ReadWriteMany"],
        "persistentVolumeReclaimPolicy" => &["Recycle", "Retain", "Delete"],
        "audience" => &["", "vault"],
        "fsGroupPolicy" => &["File", "None", "ReadWriteOnceWithFSType"],
        "nodeName" => &["", "node-1"],
        "limits" | "requests" => &["memory", "cpu", "ephemeral-storage"],
        "image" => &["a", "registry.example.com/a:1"],
        _ => &[],
    }
}

/// The pod spec of a workload.
fn pod_spec<'v>(object: &'v mut Value, kind: &str) -> Option<&'v mut Value> {
    let path: &[&str] = match kind {
        "Pod" => &["spec"],
        "PodTemplate" => &["template", "spec"],
        "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet" | "Job" | "ReplicationController" => {
            &["spec", "template", "spec"]
        }
        _ => return None,
    };
    let mut at = object;
    for key in path {
        at = at.as_object_mut()?.entry((*key).to_owned()).or_insert_with(|| json!({}));
    }
    Some(at)
}

/// A pod has at least one container, and its containers and volumes have names.
fn complete(random: &mut Random, spec: &mut Value) {
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        for (index, container) in spec[list].as_array_mut().into_iter().flatten().enumerate() {
            container["name"] = format!("{list}-{index}").to_lowercase().into();
            container["image"] = "a".into();
        }
    }
    for (index, volume) in spec["volumes"].as_array_mut().into_iter().flatten().enumerate() {
        volume["name"] = ["a", "b"][index % 2].into();
        keep_one_source(random, volume);
    }
    // Reading a field that is not there made it null.
    if let Some(spec) = spec.as_object_mut() {
        spec.retain(|_, value| !value.is_null());
    }
    let empty = spec.get("containers").and_then(Value::as_array).is_none_or(Vec::is_empty);
    if empty {
        spec["containers"] = json!([{"name": "only", "image": "a"}]);
    }
}

fn keep_one_source(random: &mut Random, volume: &mut Value) {
    let sources = ["hostPath", "secret", "projected", "emptyDir", "configMap", "nfs", "csi"];
    let kept = random.one(&sources);
    let Some(fields) = volume.as_object_mut() else { return };
    fields.retain(|key, _| key == "name" || key == kept);
    fields.entry(kept.to_owned()).or_insert_with(|| json!({}));
}

const KINDS: &[(&str, &str, &str)] = &[
    ("v1", "Pod", "pods"),
    ("v1", "PodTemplate", "podtemplates"),
    ("v1", "ReplicationController", "replicationcontrollers"),
    ("apps/v1", "DaemonSet", "daemonsets"),
    ("apps/v1", "Deployment", "deployments"),
    ("apps/v1", "ReplicaSet", "replicasets"),
    ("apps/v1", "StatefulSet", "statefulsets"),
    ("batch/v1", "CronJob", "cronjobs"),
    ("batch/v1", "Job", "jobs"),
    ("rbac.authorization.k8s.io/v1", "Role", "roles"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings"),
    ("v1", "ServiceAccount", "serviceaccounts"),
    ("v1", "Service", "services"),
    ("networking.k8s.io/v1", "Ingress", "ingresses"),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
    ("gateway.networking.k8s.io/v1", "Gateway", "gateways"),
    ("gateway.networking.k8s.io/v1beta1", "ReferenceGrant", "referencegrants"),
    ("gateway.networking.k8s.io/v1", "BackendTLSPolicy", "backendtlspolicies"),
    ("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", "adminnetworkpolicies"),
    ("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", "clusternetworkpolicies"),
    ("v1", "Namespace", "namespaces"),
    ("v1", "Secret", "secrets"),
    ("v1", "PersistentVolume", "persistentvolumes"),
    ("v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("storage.k8s.io/v1", "CSIDriver", "csidrivers"),
    ("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", "volumesnapshotclasses"),
    ("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses"),
    ("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "flowschemas"),
    ("flowcontrol.apiserver.k8s.io/v1", "PriorityLevelConfiguration", "prioritylevelconfigurations"),
];

const CLUSTER_WIDE: &[&str] = &[
    "ClusterRole",
    "ClusterRoleBinding",
    "AdminNetworkPolicy",
    "ClusterNetworkPolicy",
    "Namespace",
    "PersistentVolume",
    "CSIDriver",
    "VolumeSnapshotClass",
    "PriorityClass",
    "FlowSchema",
    "PriorityLevelConfiguration",
];

/// Fields that checks look at, or lead to.
const SEEN: &[&str] = &[
    "spec",
    "template",
    "jobTemplate",
    "containers",
    "initContainers",
    "ephemeralContainers",
    "volumes",
    "securityContext",
    "privileged",
    "allowPrivilegeEscalation",
    "capabilities",
    "add",
    "drop",
    "runAsNonRoot",
    "runAsUser",
    "runAsGroup",
    "fsGroup",
    "supplementalGroups",
    "seccompProfile",
    "appArmorProfile",
    "seLinuxOptions",
    "type",
    "user",
    "role",
    "windowsOptions",
    "hostProcess",
    "procMount",
    "sysctls",
    "name",
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "hostUsers",
    "os",
    "ports",
    "hostPort",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
    "postStart",
    "preStop",
    "httpGet",
    "tcpSocket",
    "exec",
    "host",
    "readOnlyRootFilesystem",
    "stdin",
    "tty",
    "shareProcessNamespace",
    "hostAliases",
    "nodeName",
    "projected",
    "sources",
    "serviceAccountToken",
    "expirationSeconds",
    "audience",
    "secret",
    "defaultMode",
    "env",
    "valueFrom",
    "secretKeyRef",
    "envFrom",
    "secretRef",
    "volumeMounts",
    "mountPropagation",
    "subPath",
    "subPathExpr",
    "resources",
    "limits",
    "requests",
    "emptyDir",
    "sizeLimit",
    "restartPolicy",
    "replicas",
    "strategy",
    "updateStrategy",
    "rollingUpdate",
    "maxUnavailable",
    "topologySpreadConstraints",
    "affinity",
    "podAntiAffinity",
    "hostPath",
    "rules",
    "verbs",
    "apiGroups",
    "resourceNames",
    "nonResourceURLs",
    "aggregationRule",
    "clusterRoleSelectors",
    "matchLabels",
    "matchExpressions",
    "key",
    "operator",
    "roleRef",
    "subjects",
    "kind",
    "port",
    "targetPort",
    "endPort",
    "externalIPs",
    "externalName",
    "selector",
    "publishNotReadyAddresses",
    "clusterIP",
    "loadBalancerSourceRanges",
    "tls",
    "hosts",
    "defaultBackend",
    "ingress",
    "egress",
    "from",
    "to",
    "policyTypes",
    "ipBlock",
    "cidr",
    "except",
    "namespaceSelector",
    "podSelector",
    "accessModes",
    "local",
    "persistentVolumeReclaimPolicy",
    "tokenRequests",
    "requiresRepublish",
    "fsGroupPolicy",
    "priorityLevelConfiguration",
    "immutable",
    "secrets",
    "metadata",
    "annotations",
];

/// Fields without which the API server takes no such object.
const REQUIRED: &[&str] =
    &["spec", "template", "jobTemplate", "containers", "kind", "name", "roleRef", "cidr", "key", "operator", "verbs"];

/// Fields that are set elsewhere, or that no two readers agree on.
const NEVER: &[&str] = &["apiVersion", "status", "managedFields", "ownerReferences", "creationTimestamp"];

const NAMES: &[&str] = &[
    "default",
    "kube-system",
    "system:controller",
    "cluster-admin",
    "view",
    "exempt",
    "probes",
    "system-node",
    "kubeadm:get-nodes",
    "kubeadm:cluster-admins",
];

const ROLE_NAMES: &[&str] = &[
    "cluster-admin",
    "admin",
    "edit",
    "view",
    "system:discovery",
    "system:basic-user",
    "system:node",
    "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
    "kubeadm:get-nodes",
];

const SUBJECT_NAMES: &[&str] = &[
    "system:anonymous",
    "system:unauthenticated",
    "system:authenticated",
    "system:serviceaccounts",
    "system:serviceaccounts:shop",
    "system:masters",
    "system:nodes",
    "system:node:a",
    "system:kube-proxy",
    "system:x",
    "alice",
    "default",
    "ledger",
];

const LABELS: &[(&str, &[&str])] = &[
    ("pod-security.kubernetes.io/enforce", &["privileged", "baseline", "restricted"]),
    ("pod-security.kubernetes.io/enforce-version", &["latest", "v1.30"]),
    ("pod-security.kubernetes.io/warn", &["restricted"]),
    ("pod-security.kubernetes.io/audit", &["restricted"]),
    ("resource.kubernetes.io/admin-access", &["true", "false"]),
    ("kubernetes.io/bootstrapping", &["rbac-defaults", "x"]),
    ("app", &["web"]),
];

const ANNOTATIONS: &[(&str, &[&str])] = &[
    ("container.apparmor.security.beta.kubernetes.io/a", &["", "runtime/default", "localhost/x", "unconfined"]),
    ("service.beta.kubernetes.io/aws-load-balancer-internal", &["TRUE", "false", "0.0.0.0/0"]),
    ("networking.gke.io/load-balancer-type", &["Internal", "External"]),
    ("service.kubernetes.io/qcloud-loadbalancer-internal-subnetid", &["", "x"]),
    ("service.beta.kubernetes.io/load-balancer-source-ranges", &["10.0.0.0/8", "10.0.0.0/8, 0.0.0.0/0", "x", ""]),
    ("alb.ingress.kubernetes.io/certificate-arn", &["arn"]),
    ("kubernetes.io/ingress.class", &["nginx"]),
    ("nginx.ingress.kubernetes.io/server-snippet", &["deny all;", ""]),
    ("nginx.org/location-snippets", &["x"]),
    ("example.com/server-snippet", &["x"]),
    ("nginx.ingress.kubernetes.io/ssl-redirect", &["False", "true"]),
    ("nginx.ingress.kubernetes.io/force-ssl-redirect", &["false"]),
    ("nginx.ingress.kubernetes.io/whitelist-source-range", &["10.0.0.0/8", "10.0.0.0/8, ::/0", "x"]),
    (
        "nginx.ingress.kubernetes.io/auth-url",
        &["https://a/$host", "https://a/;x", "a\nb", " a ", "a\n", "'a'", "`a`", "{"],
    ),
    ("haproxy.org/rewrite-target", &["/x", "/\"x", "a\rb"]),
];
