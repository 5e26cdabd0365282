//! How metrics, logs and traces are collected and shown.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// Metrics are collected without a check of who answers.
pub static SCRAPE_UNVERIFIED: Rule = Rule {
    code: "telemetry-scrape-not-verified",
    title: "Metrics are collected without verifying the target",
    severity: Severity::Low,
    scope: Scope::Object,
    serves: &[Serves::part("OB-01"), Serves::part("OB-02")],
    why: "Another pod can answer in the target's place: dashboards then show what an intruder wants them to, and the \
          collector hands over its token.",
    fix: "Remove insecureSkipVerify and set tlsConfig.ca and tlsConfig.serverName.",
    example: "endpoints:\n  - port: https\n    scheme: https\n    tlsConfig:\n      serverName: shop.shop.svc\n      ca:\n        configMap:\n          name: internal-ca\n          key: ca.crt\n",
};

/// Metrics are collected in clear text.
pub static SCRAPE_PLAIN: Rule = Rule {
    code: "telemetry-scrape-plain-text",
    title: "Metrics are collected in clear text",
    severity: Severity::Medium,
    scope: Scope::Object,
    serves: &[Serves::part("OB-01")],
    why: "A collector that sends its token or password over HTTP gives it to everyone on the way. Without one, the \
          metrics themselves are readable by any pod.",
    fix: "Set scheme to https with a tlsConfig, or let a mesh encrypt the connection.",
    example: "endpoints:\n  - port: https\n    scheme: https\n",
};

/// A console of the observability stack is reachable from outside.
pub static EXPOSED: Rule = Rule {
    code: "telemetry-console-exposed",
    title: "A monitoring or cluster console leaves the cluster",
    severity: Severity::Low,
    scope: Scope::Object,
    serves: &[Serves::part("OB-01"), Serves::part("NW-10")],
    why: "Prometheus, Alertmanager and trace viewers have no login of their own, and show addresses, versions and \
          sometimes data of the whole cluster; a cluster dashboard can also change it.",
    fix: "Keep the console inside the cluster, or put an authenticating proxy in front of it.",
    example: "",
};

/// The check on the objects of the Prometheus operator.
pub(super) const SCRAPE_CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::Object, rules: &[&SCRAPE_UNVERIFIED, &SCRAPE_PLAIN], run: check_scrape };

/// The check on Services.
pub(super) const SERVICE_CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::Service, rules: &[&EXPOSED], run: check_service };

/// The check on Ingresses and routes.
pub(super) const INGRESS_CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::Ingress, rules: &[&EXPOSED], run: check_ingress };

fn check_scrape(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let key = match (object.group, object.kind) {
        ("monitoring.coreos.com", "ServiceMonitor") => "endpoints",
        ("monitoring.coreos.com", "PodMonitor") => "podMetricsEndpoints",
        _ => return,
    };
    for (index, endpoint) in object.spec().into_iter().flat_map(|spec| spec.list(key)).enumerate() {
        let path = format!("spec.{key}[{index}]");
        let skip = endpoint.path(&["tlsConfig", "insecureSkipVerify"]);
        if let Some(skip) = skip.filter(|skip| skip.as_bool() == Some(true)) {
            sink.report(&SCRAPE_UNVERIFIED, skip, format!("`{path}.tlsConfig.insecureSkipVerify` is true"))
                .field(format!("{path}.tlsConfig.insecureSkipVerify"));
        }
        let https = endpoint.str_at("scheme").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        if https {
            continue;
        }
        let credential = CREDENTIALS.iter().find(|key| endpoint.get(key).is_some());
        let (message, severity) = match credential {
            Some(key) => (format!("`{path}` sends its `{key}` over HTTP"), Severity::Medium),
            None => (format!("`{path}.scheme` is HTTP"), Severity::Info),
        };
        sink.report(&SCRAPE_PLAIN, endpoint, message).field(format!("{path}.scheme")).severity(severity);
    }
}

fn check_service(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let Some(kind) = object.spec().and_then(|spec| spec.get("type")) else { return };
    if !matches!(kind.as_str(), Some("LoadBalancer" | "NodePort")) {
        return;
    }
    if let Some((console, severity)) = console(object.name()) {
        let message = format!("`spec.type` {} exposes {console}", kind.as_str().unwrap_or(""));
        sink.report(&EXPOSED, kind, message).field("spec.type").severity(severity);
    }
}

fn check_ingress(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let Some(spec) = object.spec() else { return };
    let rules = || spec.list("rules");
    let ingress = rules()
        .filter_map(|rule| rule.get("http"))
        .flat_map(|http| http.list("paths"))
        .filter_map(|path| path.get("backend"));
    let default = spec.get("defaultBackend").into_iter();
    let services = ingress.chain(default).filter_map(backend_service);
    let routed = rules().flat_map(|rule| rule.list("backendRefs")).filter_map(|backend| backend.get("name"));
    for name in services.chain(routed) {
        if let Some((console, severity)) = name.as_str().and_then(console) {
            sink.report(&EXPOSED, name, format!("the backend `{}` is {console}", name.as_str().unwrap_or("")))
                .severity(severity);
            return;
        }
    }
}

fn backend_service(backend: Value<'_>) -> Option<Value<'_>> {
    backend.path(&["service", "name"]).or_else(|| backend.get("serviceName"))
}

/// The console that a Service of this name usually is.
fn console(name: &str) -> Option<(&'static str, Severity)> {
    CONSOLES
        .iter()
        .find(|(part, ..)| name.split('-').any(|word| word == *part) || name.contains(part) && part.contains('-'))
        .filter(|_| !NOT_CONSOLES.iter().any(|part| name.contains(part)))
        .map(|(_, what, severity)| (*what, *severity))
}

const CREDENTIALS: &[&str] = &["bearerTokenFile", "bearerTokenSecret", "authorization", "basicAuth", "oauth2"];

/// Parts of Service names that tell a console.
const CONSOLES: &[(&str, &str, Severity)] = &[
    ("kubernetes-dashboard", "the Kubernetes dashboard", Severity::High),
    ("prometheus", "Prometheus", Severity::Low),
    ("alertmanager", "Alertmanager", Severity::Low),
    ("grafana", "Grafana", Severity::Low),
    ("jaeger", "Jaeger", Severity::Low),
    ("zipkin", "Zipkin", Severity::Low),
    ("kibana", "Kibana", Severity::Low),
    ("kiali", "Kiali", Severity::Low),
    ("hubble-ui", "Hubble", Severity::Low),
];

/// Parts of names of things that stand beside a console.
const NOT_CONSOLES: &[&str] = &["oauth2-proxy", "auth-proxy", "collector", "adapter", "exporter"];
