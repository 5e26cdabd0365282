//! How Services let traffic in.

use manifest::inventory::Service;
use manifest::{Inventory, Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::cidr::Cidr;
use super::selection::{Entry, Selection};
use crate::check::{Context, InventoryCheck, ObjectCheck};
use crate::sink::Sink;

/// The Service claims addresses outside the cluster.
pub static EXTERNAL_IPS: Rule = Rule {
    code: "service-external-ips",
    title: "A Service claims external IP addresses",
    severity: Severity::High,
    scope: Scope::Service,
    serves: &[Serves::part("NW-10")],
    why: "Every node sends traffic for an address in externalIPs to this Service, whoever owns the address. Whoever \
          may write Services can thus intercept what other pods send to any host (CVE-2020-8554).",
    fix: "Remove externalIPs and use a LoadBalancer, an Ingress or a Gateway; switch on the DenyServiceExternalIPs \
          admission plugin.",
    example: "spec:\n  type: ClusterIP\n",
};

/// Anybody on the internet may connect.
pub static LOAD_BALANCER_OPEN: Rule = Rule {
    code: "service-load-balancer-open",
    title: "A LoadBalancer Service accepts every source address",
    severity: Severity::Medium,
    scope: Scope::Service,
    serves: &[Serves::part("NW-10")],
    why: "Without source ranges most clouds open the load balancer to the internet, past the TLS and the rules of the \
          ingress layer.",
    fix: "Set loadBalancerSourceRanges, or mark the load balancer as internal, or put the Service behind an Ingress or \
          a Gateway.",
    example: "spec:\n  type: LoadBalancer\n  loadBalancerSourceRanges: [203.0.113.0/24]\n",
};

/// Every node opens a port.
pub static NODE_PORT: Rule = Rule {
    code: "service-node-port",
    title: "A Service opens a port on every node",
    severity: Severity::Low,
    scope: Scope::Service,
    serves: &[Serves::part("NW-10")],
    why: "A node port listens on all addresses of all nodes, also public ones, and hides the client's address from \
          NetworkPolicy.",
    fix: "Use ClusterIP behind an Ingress or a Gateway, or limit nodePortAddresses of kube-proxy to private ranges.",
    example: "spec:\n  type: ClusterIP\n",
};

/// A port for administrators is open to the outside.
pub static ADMIN_PORT: Rule = Rule {
    code: "service-admin-port-exposed",
    title: "An administration or database port leaves the cluster",
    severity: Severity::High,
    scope: Scope::Service,
    serves: &[Serves::part("NW-10"), Serves::part("NW-08")],
    why: "Scanners find such ports within minutes, and one weak password or missing patch behind them gives away the \
          data or the node.",
    fix: "Keep the Service ClusterIP and reach it through a bastion, a VPN or kubectl port-forward.",
    example: "spec:\n  type: ClusterIP\n  ports:\n    - port: 5432\n",
};

/// The Service is an alias of another name.
pub static EXTERNAL_NAME: Rule = Rule {
    code: "service-external-name",
    title: "A Service is an alias of another host name",
    severity: Severity::Medium,
    scope: Scope::Service,
    serves: &[Serves::part("NW-10"), Serves::part("NW-11")],
    why: "NetworkPolicy and most proxies see only the address behind the alias. A name that leads to the node itself, \
          to cloud metadata or into another namespace lends the proxy's access to whoever wrote the Service.",
    fix: "Point externalName at a host outside the cluster that you own, and allow it by name in the egress gateway.",
    example: "spec:\n  type: ExternalName\n  externalName: db.example.com\n",
};

/// The Service has endpoints set by hand.
pub static NO_SELECTOR: Rule = Rule {
    code: "service-without-selector",
    title: "A Service has no selector",
    severity: Severity::Info,
    scope: Scope::Service,
    serves: &[Serves::part("NW-11")],
    why: "Its endpoints are whatever somebody writes into Endpoints or EndpointSlice objects, also addresses that the \
          author could not reach directly.",
    fix: "Review who may write the endpoints of this Service.",
    example: "",
};

/// Pods are called before they are ready.
pub static NOT_READY: Rule = Rule {
    code: "service-publishes-not-ready",
    title: "A Service sends traffic to pods that are not ready",
    severity: Severity::Info,
    scope: Scope::Service,
    serves: &[Serves::part("NW-11")],
    why: "Pods get traffic before their checks pass, so a pod whose policies or sidecar are not in place yet may \
          answer already.",
    fix: "Keep publishNotReadyAddresses for headless Services whose members must find each other while starting.",
    example: "",
};

/// The Service selects no workload.
pub static SELECTS_NOTHING: Rule = Rule {
    code: "service-selects-nothing",
    title: "A Service selects no workload of its namespace",
    severity: Severity::Info,
    scope: Scope::Service,
    serves: &[Serves::part("NW-11")],
    why: "A Service without pods waits for the first pod that carries its labels: whoever may start one receives the \
          traffic that callers send to a trusted name.",
    fix: "Correct the selector or remove the Service. Ignore this when the pods are made by an operator or stand in \
          other files.",
    example: "",
};

/// The check on one Service.
pub(super) const CHECK: ObjectCheck = ObjectCheck {
    scope: Scope::Service,
    rules: &[&EXTERNAL_IPS, &LOAD_BALANCER_OPEN, &NODE_PORT, &ADMIN_PORT, &EXTERNAL_NAME, &NO_SELECTOR, &NOT_READY],
    run: check,
};

/// The check of Services against workloads.
pub(super) const TARGET_CHECK: InventoryCheck = InventoryCheck { rules: &[&SELECTS_NOTHING], run: check_targets };

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let Some(spec) = object.spec() else { return };
    let kind = spec.str_at("type").unwrap_or("ClusterIP");
    let external_ips = spec.get("externalIPs").filter(|list| !list.is_empty());
    if let Some(list) = external_ips {
        let first = list.items().find_map(Value::as_str).unwrap_or("");
        sink.report(&EXTERNAL_IPS, list, format!("`spec.externalIPs` claims `{first}`{}", and_more(list.len())))
            .field("spec.externalIPs");
    }
    match kind {
        "LoadBalancer" => check_load_balancer(object, spec, sink),
        "NodePort" => {
            let at = spec.get("type").unwrap_or(spec);
            sink.report(&NODE_PORT, at, "`spec.type` is NodePort, which opens a port on every node").field("spec.type");
        }
        "ExternalName" => check_external_name(spec, sink),
        _ => {}
    }
    if matches!(kind, "LoadBalancer" | "NodePort") || external_ips.is_some() {
        check_ports(spec, kind, kind == "LoadBalancer" && is_internal(object), sink);
    }
    if kind != "ExternalName" && spec.get("selector").is_none_or(Value::is_empty) {
        sink.report(&NO_SELECTOR, object.location(), "`spec.selector` is missing, so the endpoints are set by hand")
            .field("spec.selector");
    }
    let headless = spec.str_at("clusterIP") == Some("None");
    if let Some(flag) = spec.get("publishNotReadyAddresses").filter(|flag| flag.as_bool() == Some(true) && !headless) {
        sink.report(&NOT_READY, flag, "`spec.publishNotReadyAddresses` is true on a Service with a cluster address")
            .field("spec.publishNotReadyAddresses");
    }
}

fn check_load_balancer(object: &Object<'_>, spec: Value<'_>, sink: &mut Sink<'_>) {
    if is_internal(object) {
        return;
    }
    let ranges = spec.get("loadBalancerSourceRanges").filter(|ranges| !ranges.is_empty());
    let everyone = |text: &str| Cidr::parse(text.trim()).is_some_and(Cidr::is_everything);
    let written = object.annotation(SOURCE_RANGES_ANNOTATION);
    let (at, message) = match (ranges, written) {
        (Some(ranges), _) => {
            let Some(open) = ranges.items().find(|range| range.as_str().is_some_and(everyone)) else { return };
            (open.location(), "`spec.loadBalancerSourceRanges` holds every address")
        }
        (None, Some(list)) if !list.split(',').any(everyone) => return,
        (None, Some(_)) => (object.location(), "the source ranges in the annotations hold every address"),
        (None, None) => (
            spec.get("type").map_or_else(|| object.location(), Value::location),
            "`spec.type` is LoadBalancer, and `spec.loadBalancerSourceRanges` is missing",
        ),
    };
    // Public web ports are what load balancers are for; anything else deserves a closer look.
    let web = spec.list("ports").all(|port| matches!(port.i64_at("port"), Some(80 | 443)));
    let severity = if web { Severity::Low } else { Severity::Medium };
    sink.report(&LOAD_BALANCER_OPEN, at, message).field("spec.loadBalancerSourceRanges").severity(severity);
}

fn check_ports(spec: Value<'_>, kind: &str, internal: bool, sink: &mut Sink<'_>) {
    for (index, port) in spec.list("ports").enumerate() {
        let Some((at, (number, name))) = ["targetPort", "port"].into_iter().find_map(|key| {
            let value = port.get(key)?;
            let number = value.as_i64()?;
            Some((value, ADMIN_PORTS.iter().find(|(admin, _)| *admin == number)?))
        }) else {
            continue;
        };
        let way = match kind {
            "LoadBalancer" if internal => "an internal load balancer",
            "LoadBalancer" => "a load balancer",
            "NodePort" => "a port on every node",
            _ => "external addresses",
        };
        let severity = if internal || kind == "NodePort" { Severity::Medium } else { Severity::High };
        sink.report(&ADMIN_PORT, at, format!("`spec.ports[{index}]` opens {number} ({name}) through {way}"))
            .field(format!("spec.ports[{index}]"))
            .severity(severity);
    }
}

fn check_external_name(spec: Value<'_>, sink: &mut Sink<'_>) {
    let Some(value) = spec.get("externalName") else { return };
    let name = value.as_str().unwrap_or("").trim_end_matches('.');
    let is = |suffix: &str| name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let local = is("localhost") || name.starts_with("127.") || name.starts_with("169.254.") || name == "::1";
    let metadata = is("metadata.google.internal") || is("instance-data") || is("metadata.azure.com");
    let (severity, what) = if local || metadata {
        (Severity::Medium, "the caller's own host or cloud metadata")
    } else if is("svc.cluster.local") || is("svc") {
        (Severity::Low, "a Service of this cluster, past the rules for its namespace")
    } else {
        (Severity::Info, "a host outside the cluster")
    };
    sink.report(&EXTERNAL_NAME, value, format!("`spec.externalName` is `{name}`: {what}"))
        .field("spec.externalName")
        .severity(severity);
}

/// Whether an annotation of a known cloud keeps the load balancer off the internet.
fn is_internal(object: &Object<'_>) -> bool {
    INTERNAL_ANNOTATIONS.iter().any(|(key, values)| {
        object.annotation(key).is_some_and(|text| {
            if values.is_empty() { !text.is_empty() } else { values.iter().any(|v| v.eq_ignore_ascii_case(text)) }
        })
    })
}

fn and_more(count: usize) -> String {
    if count > 1 { format!(" and {} more", count - 1) } else { String::new() }
}

fn check_targets(inventory: &Inventory, _: Context<'_>, sink: &mut Sink<'_>) {
    if inventory.workloads.is_empty() || inventory.services.is_empty() {
        return;
    }
    let selection = Selection::new(inventory.services.iter().map(|service| Entry {
        namespace: service.origin.namespace(),
        labels: &service.selector,
        requirements: &[],
    }));
    let mut used = vec![false; inventory.services.len()];
    let mut inhabited = std::collections::HashSet::new();
    for workload in &inventory.workloads {
        let namespace = workload.origin.namespace();
        if !selection.knows(namespace) {
            continue;
        }
        inhabited.insert(namespace);
        for index in selection.candidates(namespace, &workload.pod_labels) {
            // One workload is enough: with many replicas of one label all others would be compared in vain.
            let Some(used) = used.get_mut(index).filter(|used| !**used) else { continue };
            *used = inventory.services.get(index).is_some_and(|service| selects(service, &workload.pod_labels));
        }
    }
    for (service, used) in inventory.services.iter().zip(used) {
        let namespace = service.origin.namespace();
        if !used && !service.selector.is_empty() && &*service.kind != "ExternalName" && inhabited.contains(namespace) {
            let message = format!("`spec.selector` matches the labels of no workload in namespace `{namespace}`");
            sink.report_on(&service.origin.subject, &SELECTS_NOTHING, service.origin.location, message)
                .field("spec.selector");
        }
    }
}

/// Whether the Service sends traffic to pods with these labels.
pub(crate) fn selects(service: &Service, labels: &manifest::inventory::Labels) -> bool {
    !service.selector.is_empty()
        && service.selector.0.iter().all(|(key, value)| labels.get(key).is_some_and(|found| *found == **value))
}

const SOURCE_RANGES_ANNOTATION: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";

/// Annotations that make a load balancer internal; no values means any value.
const INTERNAL_ANNOTATIONS: &[(&str, &[&str])] = &[
    ("service.beta.kubernetes.io/aws-load-balancer-internal", &["true", "0.0.0.0/0"]),
    ("service.beta.kubernetes.io/aws-load-balancer-scheme", &["internal"]),
    ("networking.gke.io/load-balancer-type", &["internal"]),
    ("cloud.google.com/load-balancer-type", &["internal"]),
    ("service.beta.kubernetes.io/azure-load-balancer-internal", &["true"]),
    ("service.beta.kubernetes.io/oci-load-balancer-internal", &["true"]),
    ("service.beta.kubernetes.io/openstack-internal-load-balancer", &["true"]),
    ("service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type", &["intranet"]),
    ("service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type", &["private"]),
    ("service.kubernetes.io/qcloud-loadbalancer-internal-subnetid", &[]),
];

/// Ports that only administrators or applications should reach.
const ADMIN_PORTS: &[(i64, &str)] = &[
    (22, "SSH"),
    (23, "Telnet"),
    (1433, "SQL Server"),
    (1521, "Oracle"),
    (2375, "Docker"),
    (2376, "Docker"),
    (2379, "etcd"),
    (2380, "etcd"),
    (3306, "MySQL"),
    (3389, "RDP"),
    (5432, "PostgreSQL"),
    (5900, "VNC"),
    (5984, "CouchDB"),
    (6379, "Redis"),
    (6443, "Kubernetes API"),
    (8001, "kubectl proxy"),
    (8500, "Consul"),
    (9042, "Cassandra"),
    (9200, "Elasticsearch"),
    (9300, "Elasticsearch"),
    (10250, "kubelet"),
    (10255, "kubelet"),
    (11211, "memcached"),
    (27017, "MongoDB"),
    (44134, "Tiller"),
];
