//! Generated objects: mostly fine for the API server, odd in what policies look at.

use serde_json::{Map, Value, json};

use crate::random::Random;

/// Kinds of generated objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Pod,
    Deployment,
    Service,
    ConfigMap,
}

impl Sort {
    pub(crate) const ALL: [Sort; 4] = [Sort::Pod, Sort::Deployment, Sort::Service, Sort::ConfigMap];

    /// Group, version and plural.
    pub(crate) fn resource(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Sort::Pod => ("", "v1", "pods"),
            Sort::Deployment => ("apps", "v1", "deployments"),
            Sort::Service => ("", "v1", "services"),
            Sort::ConfigMap => ("", "v1", "configmaps"),
        }
    }

    pub(crate) fn kind(self) -> &'static str {
        match self {
            Sort::Pod => "Pod",
            Sort::Deployment => "Deployment",
            Sort::Service => "Service",
            Sort::ConfigMap => "ConfigMap",
        }
    }

    /// Path of its collection.
    pub(crate) fn path(self, namespace: &str) -> String {
        let (group, version, plural) = self.resource();
        match group {
            "" => format!("/api/{version}/namespaces/{namespace}/{plural}"),
            _ => format!("/apis/{group}/{version}/namespaces/{namespace}/{plural}"),
        }
    }
}

/// Short texts that objects and expressions share, so that they meet.
pub(crate) const TEXTS: [&str; 7] = ["a", "b", "web", "x-1", "prod", "app", "3"];
/// Keys of labels and of data.
pub(crate) const KEYS: [&str; 4] = ["app", "tier", "env", "team"];

/// An object of the sort.
pub(crate) fn object(random: &mut Random, sort: Sort, namespace: &str, number: usize) -> Value {
    let (group, version, _) = sort.resource();
    let api = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let mut object = json!({"apiVersion": api, "kind": sort.kind(), "metadata": metadata(random, namespace, number)});
    match sort {
        Sort::Pod => object["spec"] = pod(random),
        Sort::Deployment => object["spec"] = deployment(random),
        Sort::Service => object["spec"] = service(random),
        Sort::ConfigMap => config(random, &mut object),
    }
    object
}

/// Changes some of what a second request may change.
pub(crate) fn changed(random: &mut Random, object: &Value) -> Value {
    let mut object = object.clone();
    object["metadata"]["labels"] = Value::Object(labels(random));
    if random.once_in(2) {
        object["metadata"]["annotations"] = Value::Object(annotations(random));
    }
    match object["kind"].as_str() {
        Some("Pod") => object["spec"]["containers"][0]["image"] = random.one(IMAGES).into(),
        Some("Deployment") => object["spec"]["replicas"] = random.below(6).into(),
        Some("ConfigMap") => object["data"] = Value::Object(data(random)),
        _ => {}
    }
    object
}

fn metadata(random: &mut Random, namespace: &str, number: usize) -> Value {
    let name = format!("{}-{number}", random.one(&["web", "a", "api-x", "db"]));
    let mut metadata = json!({"name": name, "namespace": namespace});
    if !random.once_in(4) {
        metadata["labels"] = Value::Object(labels(random));
    }
    if !random.once_in(10) {
        metadata["annotations"] = Value::Object(annotations(random));
    }
    if random.once_in(8) {
        metadata["finalizers"] = json!(["example.com/a"]);
    }
    metadata
}

fn labels(random: &mut Random) -> Map<String, Value> {
    let mut labels = Map::new();
    for key in KEYS {
        if random.once_in(2) {
            labels.insert(key.into(), random.one(&TEXTS).into());
        }
    }
    labels
}

fn annotations(random: &mut Random) -> Map<String, Value> {
    let table: [(&str, &[&str]); 8] = [
        (
            "url",
            &["https://example.com/a%20b?x=1&x=2", "http://[::1]:80/", "not a url", "https://a.com:8080/x#y", "/p"],
        ),
        ("amount", &["1", "20Mi", "1.5", "100m", "1e3", "abc", "-5Ki", "3k", "0"]),
        ("address", &["10.1.2.3", "::1", "::ffff:1.2.3.4", "127.0.0.1", "300.1.1.1", "2001:DB8::1", "10.0.0.0/8"]),
        ("net", &["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/8", "2001:db8::/32", "10.0.0.0", "0.0.0.0/0"]),
        ("version", &["1.2.3", "v1.2", "1.0.0-rc.1", "2", "1.2.3+x", "01.2.3"]),
        ("since", &["2020-01-02T03:04:05Z", "2023-12-31T23:59:59+09:00", "yesterday", "2021-06-01T00:00:00.123Z"]),
        ("wait", &["5m", "1h30m", "90s", "10", "-3m", "1.5h"]),
        ("number", &["3", "7", "-1", "3.5", "true", "x", "9223372036854775807", "Abc.Def"]),
    ];
    let mut annotations = Map::new();
    for (key, values) in table {
        if !random.once_in(6) {
            annotations.insert(key.into(), random.one(values).into());
        }
    }
    annotations
}

fn pod(random: &mut Random) -> Value {
    let count = 1 + random.below(3);
    let mut spec = json!({"containers": containers(random, "c", count)});
    if random.once_in(4) {
        spec["initContainers"] = containers(random, "i", 1);
    }
    if random.once_in(2) {
        spec["securityContext"] = match random.below(3) {
            0 => json!({"runAsNonRoot": true, "runAsUser": 1000}),
            1 => json!({"runAsUser": random.below(5)}),
            _ => json!({"seccompProfile": {"type": "RuntimeDefault"}}),
        };
    }
    if random.once_in(2) {
        spec["volumes"] = match random.below(3) {
            0 => json!([{"name": "v", "emptyDir": {}}]),
            1 => json!([{"name": "v", "hostPath": {"path": "/etc"}}]),
            _ => json!([{"name": "v", "configMap": {"name": "c"}}, {"name": "w", "secret": {"secretName": "s"}}]),
        };
    }
    for (field, value) in [
        ("hostPID", json!(true)),
        ("hostNetwork", json!(true)),
        ("nodeSelector", json!({"tier": "web"})),
        ("serviceAccountName", json!("builder")),
        ("automountServiceAccountToken", json!(false)),
        ("terminationGracePeriodSeconds", json!(60)),
        ("tolerations", json!([{"key": "a", "operator": "Exists"}])),
        ("enableServiceLinks", json!(false)),
        ("hostNetwork", json!(false)),
    ] {
        if random.once_in(6) {
            spec[field] = value;
        }
    }
    spec
}

const IMAGES: &[&str] = &[
    "registry.example.com/app:1.0",
    "nginx",
    "nginx:latest",
    "nginx@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "docker.io/library/redis:7",
    "registry.example.com/TOOL:x",
];

fn containers(random: &mut Random, name: &str, count: usize) -> Value {
    let list = (0..count).map(|number| container(random, &format!("{name}{number}"))).collect();
    Value::Array(list)
}

fn container(random: &mut Random, name: &str) -> Value {
    let mut container = json!({"name": name, "image": random.one(IMAGES)});
    if random.once_in(2) {
        container["resources"] = match random.below(4) {
            0 => json!({"limits": {"memory": "512Mi", "cpu": "0.5"}, "requests": {"cpu": "100m"}}),
            1 => json!({"limits": {"memory": "2Gi"}}),
            2 => json!({"limits": {"memory": 1_000_000, "cpu": 1}}),
            _ => json!({}),
        };
    }
    if random.once_in(2) {
        container["securityContext"] = match random.below(4) {
            0 => json!({"privileged": true}),
            1 => json!({"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}),
            2 => json!({"capabilities": {"add": ["SYS_ADMIN"]}, "runAsNonRoot": false}),
            _ => json!({"allowPrivilegeEscalation": false}),
        };
    }
    if random.once_in(2) {
        container["ports"] = match random.below(3) {
            0 => json!([{"containerPort": 80}]),
            1 => json!([{"containerPort": 8080, "name": "http"}, {"containerPort": 53, "protocol": "UDP"}]),
            _ => json!([]),
        };
    }
    if random.once_in(2) {
        container["env"] = json!([{"name": random.one(&["A_B", "lower"]), "value": random.one(&["", "x"])},
            {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]);
    }
    // Init containers must not have probes.
    if name.starts_with('c') && random.once_in(3) {
        let port = if random.once_in(2) { json!(80) } else { json!("http") };
        container["livenessProbe"] = json!({"httpGet": {"path": "/", "port": port}});
    }
    container
}

fn deployment(random: &mut Random) -> Value {
    let mut spec = json!({
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": pod(random)},
    });
    if random.once_in(2) {
        spec["replicas"] = random.below(6).into();
    }
    if random.once_in(3) {
        spec["strategy"] = match random.below(3) {
            0 => json!({"type": "Recreate"}),
            1 => json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}),
            _ => json!({"rollingUpdate": {"maxSurge": "50%", "maxUnavailable": 0}}),
        };
    }
    spec
}

fn service(random: &mut Random) -> Value {
    let target = if random.once_in(2) { json!("http") } else { json!(8080) };
    let mut ports = vec![json!({"name": "http", "port": random.one(&["80", "8080", "443"]).parse::<u16>().unwrap()})];
    if random.once_in(2) {
        ports[0]["targetPort"] = target;
    }
    if random.once_in(2) {
        ports.push(json!({"name": "dns", "port": 53, "protocol": "UDP"}));
    }
    let mut spec = json!({"ports": ports});
    if random.once_in(2) {
        spec["selector"] = json!({"app": random.one(&TEXTS)});
    }
    match random.below(5) {
        0 => spec["clusterIP"] = json!("None"),
        1 => spec["type"] = json!("NodePort"),
        2 => spec["externalIPs"] = json!(["10.1.1.1"]),
        3 => spec["type"] = json!("LoadBalancer"),
        _ => {}
    }
    spec
}

fn config(random: &mut Random, object: &mut Value) {
    if !random.once_in(5) {
        object["data"] = Value::Object(data(random));
    }
    if random.once_in(4) {
        object["immutable"] = json!(random.once_in(2));
    }
    if random.once_in(4) {
        object["binaryData"] = json!({"b": "AAEC"});
    }
}

fn data(random: &mut Random) -> Map<String, Value> {
    let mut data = Map::new();
    for key in KEYS {
        if random.once_in(2) {
            let value = random.one(&["1", "22", "web", "Password: x", "", "a longer text than twenty characters"]);
            data.insert(key.into(), value.into());
        }
    }
    data
}
