//! What the checks on traffic report, and what they accept.

#[path = "door/severities.rs"]
mod door;

use model::{Coverage, FileId, Severity, State};
use policy::{Config, Engine};

use crate::door::{accepts, reports, severities};

fn state(yaml: &str, control: &str) -> State {
    let config = Config::default();
    let engine = Engine::new(&config);
    let mut worker = engine.worker();
    worker.file(FileId(0), yaml.len() as u64, yaml);
    let outcome = engine.finish(vec![worker]);
    let coverage = Coverage { files: outcome.files, scopes: outcome.scopes };
    let postures = model::posture::fold(&engine.rules(), &[], outcome.findings.iter(), std::iter::empty(), &coverage);
    postures.iter().find(|posture| posture.control.id == control).map_or(State::NotApplicable, |found| found.state)
}

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, labels: {app: web}}\nspec: {containers: [{name: a, image: b}]}\n";

fn policy(spec: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p, namespace: shop}}\nspec: {spec}\n"
    )
}

fn with_pod(rest: &str) -> String {
    format!("{POD}---\n{rest}")
}

fn object(api_version: &str, kind: &str, rest: &str) -> String {
    format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: x, namespace: shop}}\n{rest}\n")
}

#[test]
fn a_workload_without_policies_is_reported_for_both_directions_and_its_namespace_once() {
    let two = with_pod(&POD.replace("name: web,", "name: other,"));
    for code in ["network-policy-ingress-missing", "network-policy-egress-missing"] {
        assert_eq!(severities(&two, code), [Severity::Medium; 2]);
    }
    for code in ["network-policy-default-deny-ingress", "network-policy-default-deny-egress"] {
        reports(&two, code, Severity::Medium);
    }
}

#[test]
fn a_default_deny_policy_covers_everything_in_its_namespace_only() {
    let deny = "{podSelector: {}, policyTypes: [Ingress, Egress]}";
    let codes = [
        "network-policy-ingress-missing",
        "network-policy-egress-missing",
        "network-policy-default-deny-ingress",
        "network-policy-default-deny-egress",
    ];
    for code in codes {
        accepts(&with_pod(&policy(deny)), code);
        reports(&with_pod(&policy(deny).replace("namespace: shop", "namespace: other")), code, Severity::Medium);
    }
}

#[test]
fn a_policy_covers_the_directions_that_it_governs() {
    let yaml = with_pod(&policy("{podSelector: {matchLabels: {app: web}}, ingress: []}"));
    accepts(&yaml, "network-policy-ingress-missing");
    reports(&yaml, "network-policy-egress-missing", Severity::Medium);
    let yaml = with_pod(&policy("{podSelector: {matchLabels: {app: web}}, egress: [{to: [{podSelector: {}}]}]}"));
    accepts(&yaml, "network-policy-egress-missing");
}

#[test]
fn what_cannot_be_told_is_never_satisfied() {
    let deny = policy("{podSelector: {}, policyTypes: [Ingress, Egress]}");
    assert_eq!(state(POD, "NW-02"), State::Violated);
    assert_eq!(state(&deny, "NW-02"), State::Unknown);
    assert_eq!(state(&with_pod(&deny), "NW-02"), State::Satisfied);
    let host = with_pod(&deny).replace("spec: {containers", "spec: {hostNetwork: true, containers");
    assert_eq!(state(&host, "NW-02"), State::Unknown);
    let cilium = object("cilium.io/v2", "CiliumNetworkPolicy", "spec: {}");
    let elsewhere = deny.replace("namespace: shop", "namespace: other");
    assert_eq!(state(&with_pod(&format!("{cilium}---\n{elsewhere}")), "NW-02"), State::Unknown);
    let from = |labels: &str| {
        let rule = format!("{{from: [{{namespaceSelector: {labels}}}], ports: [{{port: 80}}]}}");
        state(&policy(&format!("{{podSelector: {{}}, ingress: [{rule}]}}")), "NW-04")
    };
    assert_eq!(from("{}"), State::Violated);
    assert_eq!(from("{matchLabels: {team: a}}"), State::Unknown);
    assert_eq!(from("{matchLabels: {kubernetes.io/metadata.name: a}}"), State::Satisfied);
}

#[test]
fn every_kind_of_selector_is_found_through_the_index() {
    for selector in [
        "{}",
        "{matchLabels: {app: web}}",
        "{matchExpressions: [{key: app, operator: In, values: [db, web]}]}",
        "{matchExpressions: [{key: app, operator: Exists}]}",
        "{matchExpressions: [{key: app, operator: NotIn, values: [db]}]}",
        "{matchExpressions: [{key: tier, operator: DoesNotExist}]}",
    ] {
        accepts(&with_pod(&policy(&format!("{{podSelector: {selector}}}"))), "network-policy-ingress-missing");
    }
    for selector in [
        "{matchLabels: {app: db}}",
        "{matchLabels: {app: web, tier: front}}",
        "{matchExpressions: [{key: app, operator: In, values: [db]}]}",
        "{matchExpressions: [{key: app, operator: In, values: [web]}, {key: tier, operator: Exists}]}",
        "{matchExpressions: [{key: app, operator: Sometimes}]}",
    ] {
        let yaml = with_pod(&policy(&format!("{{podSelector: {selector}}}")));
        reports(&yaml, "network-policy-ingress-missing", Severity::Medium);
        reports(&yaml, "network-policy-selects-nothing", Severity::Info);
    }
    accepts(&policy("{podSelector: {matchLabels: {app: db}}}"), "network-policy-selects-nothing");
}

#[test]
fn policies_of_other_engines_leave_coverage_unknown() {
    let cilium = object("cilium.io/v2", "CiliumNetworkPolicy", "spec: {}");
    let calico = object("projectcalico.org/v3", "GlobalNetworkPolicy", "spec: {}").replace(", namespace: shop", "");
    for other in [cilium, calico] {
        for code in ["network-policy-ingress-missing", "network-policy-default-deny-egress"] {
            reports(&with_pod(&other), code, Severity::Info);
        }
    }
}

#[test]
fn cluster_wide_denials_leave_coverage_unknown_where_they_may_apply() {
    let deny = |subject: &str| {
        let spec = format!(
            "spec: {{tier: Baseline, priority: 1, subject: {{namespaces: {subject}}}, ingress: [{{action: Deny, from: [{{namespaces: {{}}}}]}}]}}"
        );
        with_pod(&object("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", &spec))
    };
    reports(&deny("{}"), "network-policy-ingress-missing", Severity::Info);
    reports(&deny("{}"), "network-policy-egress-missing", Severity::Medium);
    reports(&deny("{matchLabels: {team: a}}"), "network-policy-ingress-missing", Severity::Info);
    reports(
        &deny("{matchLabels: {kubernetes.io/metadata.name: other}}"),
        "network-policy-ingress-missing",
        Severity::Medium,
    );
}

#[test]
fn host_network_pods_are_told_apart_from_uncovered_ones() {
    let host = POD.replace("spec: {", "spec: {hostNetwork: true, ");
    accepts(&host, "network-policy-ingress-missing");
    reports(&host, "network-policy-host-network", Severity::Info);
    let selected = format!("{host}---\n{}", policy("{podSelector: {matchLabels: {app: web}}}"));
    reports(&selected, "network-policy-host-network", Severity::Medium);
    accepts(POD, "network-policy-host-network");
}

#[test]
fn open_peers_are_reported() {
    let ingress = |rule: &str| policy(&format!("{{podSelector: {{}}, ingress: [{rule}]}}"));
    let egress = |rule: &str| policy(&format!("{{podSelector: {{}}, policyTypes: [Egress], egress: [{rule}]}}"));
    let from = "network-policy-ingress-from-anywhere";
    reports(&ingress("{}"), from, Severity::Medium);
    reports(&ingress("{ports: [{port: 80}]}"), from, Severity::Low);
    reports(&ingress("{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}"), from, Severity::Medium);
    accepts(&ingress("{from: [{podSelector: {}}]}"), from);
    let to = "network-policy-egress-to-anywhere";
    reports(&egress("{}"), to, Severity::Medium);
    reports(&egress("{to: [{ipBlock: {cidr: '::/0'}}]}"), to, Severity::Medium);
    accepts(&egress("{ports: [{port: 53, protocol: UDP}]}"), to);
    let metadata = "network-policy-egress-metadata";
    reports(&egress("{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}"), metadata, Severity::Medium);
    accepts(&egress("{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.0.0/16]}}]}"), metadata);
    accepts(&egress("{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}], ports: [{port: 443}]}"), metadata);
    accepts(&egress("{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}"), metadata);
    let all = "network-policy-all-namespaces";
    reports(&ingress("{from: [{namespaceSelector: {}}]}"), all, Severity::Medium);
    reports(&ingress("{from: [{namespaceSelector: {}, podSelector: {matchLabels: {a: b}}}]}"), all, Severity::Low);
    accepts(&ingress("{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: a}}}]}"), all);
    let label = "network-policy-namespace-label";
    reports(&ingress("{from: [{namespaceSelector: {matchLabels: {team: a}}}]}"), label, Severity::Info);
    accepts(&ingress("{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: a}}}]}"), label);
}

#[test]
fn ports_and_blocks_are_checked() {
    let ingress = |rule: &str| policy(&format!("{{podSelector: {{}}, ingress: [{rule}]}}"));
    let peer = "from: [{podSelector: {}}]";
    reports(&ingress(&format!("{{{peer}}}")), "network-policy-all-ports", Severity::Low);
    accepts(&ingress(&format!("{{{peer}, ports: [{{port: 80}}]}}")), "network-policy-all-ports");
    reports(&ingress(&format!("{{{peer}, ports: [{{port: http}}]}}")), "network-policy-named-port", Severity::Info);
    accepts(&ingress(&format!("{{{peer}, ports: [{{port: 80}}]}}")), "network-policy-named-port");
    let invalid = "network-policy-invalid-rule";
    for ports in ["{port: 80, endPort: 79}", "{endPort: 80}", "{port: http, endPort: 80}", "{port: 70000}"] {
        reports(&ingress(&format!("{{{peer}, ports: [{ports}]}}")), invalid, Severity::Medium);
    }
    accepts(&ingress(&format!("{{{peer}, ports: [{{port: 80, endPort: 90}}]}}")), invalid);
    for peers in [
        "{}",
        "{ipBlock: {cidr: 10.0.0.0}}",
        "{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}",
        "{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}",
        "{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}",
    ] {
        reports(&ingress(&format!("{{from: [{peers}]}}")), invalid, Severity::Medium);
    }
    accepts(&ingress("{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}"), invalid);
}

#[test]
fn rules_of_a_direction_outside_policy_types_are_reported() {
    let code = "network-policy-rules-ignored";
    reports(
        &policy("{podSelector: {}, policyTypes: [Ingress], egress: [{to: [{podSelector: {}}]}]}"),
        code,
        Severity::Medium,
    );
    accepts(&policy("{podSelector: {}, egress: [{to: [{podSelector: {}}]}]}"), code);
    accepts(&policy("{podSelector: {}, policyTypes: [Ingress], egress: []}"), code);
}

#[test]
fn cluster_wide_policies_that_allow_all_are_reported() {
    let code = "network-cluster-policy-allows-all";
    let make = |tier: &str, peer: &str| {
        let spec = format!("spec: {{tier: {tier}, ingress: [{{action: Accept, from: [{peer}]}}]}}");
        object("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", &spec)
    };
    reports(&make("Admin", "{namespaces: {}}"), code, Severity::Medium);
    accepts(&make("Baseline", "{namespaces: {}}"), code);
    accepts(&make("Admin", "{namespaces: {matchLabels: {a: b}}}"), code);
}

#[test]
fn services_that_let_the_outside_in_are_reported() {
    let service = |spec: &str| object("v1", "Service", &format!("spec: {{selector: {{app: web}}, {spec}}}"));
    reports(&service("externalIPs: [203.0.113.7]"), "service-external-ips", Severity::High);
    accepts(&service("externalIPs: []"), "service-external-ips");
    let open = "service-load-balancer-open";
    reports(&service("type: LoadBalancer, ports: [{port: 8080}]"), open, Severity::Medium);
    reports(&service("type: LoadBalancer, ports: [{port: 443}]"), open, Severity::Low);
    reports(&service("type: LoadBalancer, loadBalancerSourceRanges: [0.0.0.0/0]"), open, Severity::Low);
    accepts(&service("type: LoadBalancer, loadBalancerSourceRanges: [10.0.0.0/8]"), open);
    let internal = service("type: LoadBalancer")
        .replace("namespace: shop", "annotations: {networking.gke.io/load-balancer-type: Internal}");
    accepts(&internal, open);
    reports(&service("type: NodePort"), "service-node-port", Severity::Low);
    accepts(&service("type: ClusterIP"), "service-node-port");
    let admin = "service-admin-port-exposed";
    reports(&service("type: LoadBalancer, ports: [{port: 443, targetPort: 22}]"), admin, Severity::High);
    reports(&service("type: NodePort, ports: [{port: 5432}]"), admin, Severity::Medium);
    accepts(&service("ports: [{port: 5432}]"), admin);
}

#[test]
fn services_that_lead_elsewhere_are_reported() {
    let alias = |name: &str| object("v1", "Service", &format!("spec: {{type: ExternalName, externalName: {name}}}"));
    reports(&alias("db.example.com"), "service-external-name", Severity::Info);
    reports(&alias("api.shop.svc.cluster.local"), "service-external-name", Severity::Low);
    reports(&alias("metadata.google.internal"), "service-external-name", Severity::Medium);
    let plain = object("v1", "Service", "spec: {ports: [{port: 80}]}");
    accepts(&plain, "service-external-name");
    reports(&plain, "service-without-selector", Severity::Info);
    accepts(&alias("db.example.com"), "service-without-selector");
    let early = |more: &str| {
        object("v1", "Service", &format!("spec: {{selector: {{app: web}}, publishNotReadyAddresses: true{more}}}"))
    };
    reports(&early(""), "service-publishes-not-ready", Severity::Info);
    accepts(&early(", clusterIP: None"), "service-publishes-not-ready");
    let selecting = |app: &str| with_pod(&object("v1", "Service", &format!("spec: {{selector: {{app: {app}}}}}")));
    reports(&selecting("db"), "service-selects-nothing", Severity::Info);
    accepts(&selecting("web"), "service-selects-nothing");
}

fn ingress(annotations: &str, spec: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: i, annotations: {{{annotations}}}}}\nspec: {{{spec}}}\n"
    )
}

#[test]
fn ingress_tls_is_checked_host_by_host() {
    let rules = "rules: [{host: a.example.com}]";
    reports(&ingress("", rules), "ingress-without-tls", Severity::Medium);
    accepts(&ingress("alb.ingress.kubernetes.io/certificate-arn: x", rules), "ingress-without-tls");
    let tls = |hosts: &str| ingress("", &format!("tls: [{{hosts: {hosts}, secretName: s}}], {rules}"));
    accepts(&tls("[a.example.com]"), "ingress-without-tls");
    let host = "ingress-host-without-tls";
    reports(&tls("[b.example.com]"), host, Severity::Medium);
    for good in ["[a.example.com]", "['*.example.com']", "[]"] {
        accepts(&tls(good), host);
    }
    let redirect = |value: &str| {
        ingress(
            &format!("nginx.ingress.kubernetes.io/ssl-redirect: '{value}'"),
            &format!("tls: [{{secretName: s}}], {rules}"),
        )
    };
    reports(&redirect("false"), "ingress-redirect-off", Severity::Medium);
    accepts(&redirect("true"), "ingress-redirect-off");
}

#[test]
fn ingress_annotations_are_checked() {
    let spec = "rules: [{host: a.example.com}]";
    let nginx = |name: &str, value: &str| ingress(&format!("nginx.ingress.kubernetes.io/{name}: \"{value}\""), spec);
    reports(&nginx("configuration-snippet", "return 200;"), "ingress-snippet", Severity::High);
    accepts(&nginx("rewrite-target", "/$2"), "ingress-snippet");
    reports(&nginx("auth-url", "http://a/;}load_module"), "ingress-annotation-injection", Severity::High);
    accepts(&nginx("auth-url", "https://login.example.com/auth?rd=$request_uri"), "ingress-annotation-injection");
    reports(&nginx("whitelist-source-range", "10.0.0.0/8, 0.0.0.0/0"), "ingress-open-allow-list", Severity::Low);
    accepts(&nginx("whitelist-source-range", "10.0.0.0/8"), "ingress-open-allow-list");
    reports(&ingress("kubernetes.io/ingress.class: nginx", spec), "ingress-class-annotation", Severity::Info);
    accepts(&ingress("", &format!("ingressClassName: nginx, {spec}")), "ingress-class-annotation");
    for open in ["rules: [{host: '*.example.com'}]", "rules: [{http: {}}]", "defaultBackend: {}"] {
        reports(&ingress("", open), "ingress-catch-all", Severity::Info);
    }
    accepts(&ingress("", spec), "ingress-catch-all");
}

#[test]
fn gateway_listeners_are_judged_by_their_routes() {
    let code = "gateway-listener-plain-http";
    let gateway = object(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        "spec: {listeners: [{name: http, port: 80, protocol: HTTP}]}",
    );
    let route = |rule: &str| {
        let spec = format!("spec: {{parentRefs: [{{name: x, sectionName: http}}], rules: [{rule}]}}");
        format!("{gateway}---\n{}", object("gateway.networking.k8s.io/v1", "HTTPRoute", &spec))
    };
    reports(&gateway, code, Severity::Info);
    reports(&route("{backendRefs: [{name: web, port: 80}]}"), code, Severity::Medium);
    accepts(&route("{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}"), code);
    accepts(&gateway.replace("protocol: HTTP}", "protocol: HTTPS}"), code);
    let from = |word: &str| {
        let spec = format!(
            "spec: {{listeners: [{{name: a, protocol: HTTPS, allowedRoutes: {{namespaces: {{from: {word}}}}}}}]}}"
        );
        object("gateway.networking.k8s.io/v1", "Gateway", &spec)
    };
    reports(&from("All"), "gateway-routes-from-all", Severity::Low);
    accepts(&from("Same"), "gateway-routes-from-all");
}

#[test]
fn grants_and_backend_tls_are_checked() {
    let grant =
        |to: &str| object("gateway.networking.k8s.io/v1beta1", "ReferenceGrant", &format!("spec: {{to: [{to}]}}"));
    reports(&grant("{group: '', kind: Secret}"), "reference-grant-broad", Severity::Medium);
    reports(&grant("{group: '', kind: Service}"), "reference-grant-broad", Severity::Low);
    accepts(&grant("{group: '', kind: Secret, name: tls}"), "reference-grant-broad");
    let backend = |spec: &str| object("gateway.networking.k8s.io/v1", "BackendTLSPolicy", &format!("spec: {{{spec}}}"));
    reports(&backend(""), "backend-tls-not-verified", Severity::Medium);
    reports(&backend("validation: {hostname: a}"), "backend-tls-not-verified", Severity::Medium);
    accepts(&backend("validation: {hostname: a, wellKnownCACertificates: System}"), "backend-tls-not-verified");
}

#[test]
fn istio_policies_are_checked() {
    let peer = |spec: &str| object("security.istio.io/v1", "PeerAuthentication", &format!("spec: {{{spec}}}"));
    let code = "mesh-mtls-optional";
    reports(&peer("mtls: {mode: PERMISSIVE}"), code, Severity::Medium);
    reports(&peer("mtls: {mode: STRICT}, portLevelMtls: {8080: {mode: DISABLE}}"), code, Severity::High);
    accepts(&peer("mtls: {mode: STRICT}"), code);
    let allow = |spec: &str| object("security.istio.io/v1", "AuthorizationPolicy", &format!("spec: {{{spec}}}"));
    let code = "mesh-authorization-allow-all";
    reports(&allow("rules: [{}]"), code, Severity::Medium);
    reports(&allow("rules: [{from: [{source: {principals: ['*']}}]}]"), code, Severity::Low);
    accepts(&allow(""), code);
    accepts(&allow("action: DENY, rules: [{}]"), code);
    accepts(&allow("rules: [{from: [{source: {namespaces: [front]}}]}]"), code);
    let token = object("security.istio.io/v1", "RequestAuthentication", "spec: {}");
    reports(&token, "mesh-request-authentication-alone", Severity::Medium);
    let asked = allow("rules: [{from: [{source: {requestPrincipals: ['*']}}]}]");
    accepts(&format!("{token}---\n{asked}"), "mesh-request-authentication-alone");
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio-injection: enabled}}\n";
    reports(namespace, "mesh-mtls-not-required", Severity::Medium);
    accepts(&format!("{namespace}---\n{}", peer("mtls: {mode: STRICT}")), "mesh-mtls-not-required");
    let plain = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
    let meshed = namespace.replace("name: shop", "name: front");
    reports(&format!("{POD}---\n{plain}---\n{meshed}"), "mesh-namespace-outside", Severity::Info);
    accepts(&format!("{POD}---\n{plain}"), "mesh-namespace-outside");
    accepts(&format!("{POD}---\n{namespace}---\n{meshed}"), "mesh-namespace-outside");
}

#[test]
fn istio_routing_is_checked() {
    let make = |kind: &str, spec: &str| object("networking.istio.io/v1", kind, &format!("spec: {{{spec}}}"));
    let rule = |host: &str, mode: &str| {
        make("DestinationRule", &format!("host: {host}, trafficPolicy: {{tls: {{mode: {mode}}}}}"))
    };
    let code = "mesh-destination-without-identity";
    reports(&rule("web.shop.svc.cluster.local", "DISABLE"), code, Severity::Medium);
    reports(&rule("web", "SIMPLE"), code, Severity::Low);
    accepts(&rule("api.example.com", "SIMPLE"), code);
    accepts(&rule("web", "ISTIO_MUTUAL"), code);
    let skip = "host: a.example.com, trafficPolicy: {tls: {mode: SIMPLE, insecureSkipVerify: true}}";
    reports(&make("DestinationRule", skip), "mesh-tls-not-verified", Severity::Medium);
    accepts(&rule("api.example.com", "SIMPLE"), "mesh-tls-not-verified");
    let server =
        |tls: &str| make("Gateway", &format!("servers: [{{port: {{number: 80, protocol: HTTP}}, tls: {{{tls}}}}}]"));
    reports(&server(""), "mesh-gateway-plain-http", Severity::Medium);
    accepts(&server("httpsRedirect: true"), "mesh-gateway-plain-http");
    reports(&server("minProtocolVersion: TLSV1_0"), "mesh-gateway-old-tls", Severity::Medium);
    accepts(&server("minProtocolVersion: TLSV1_2"), "mesh-gateway-old-tls");
    reports(&make("ServiceEntry", "hosts: ['*']"), "mesh-service-entry-wildcard", Severity::Low);
    accepts(&make("ServiceEntry", "hosts: [a.example.com]"), "mesh-service-entry-wildcard");
    reports(&make("EnvoyFilter", ""), "mesh-envoy-filter", Severity::Info);
    accepts(&make("VirtualService", ""), "mesh-envoy-filter");
    let code = "mesh-outbound-any";
    reports(&make("Sidecar", "outboundTrafficPolicy: {mode: ALLOW_ANY}"), code, Severity::Low);
    accepts(&make("Sidecar", "outboundTrafficPolicy: {mode: REGISTRY_ONLY}"), code);
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n  mesh: |\n    outboundTrafficPolicy:\n      mode: ALLOW_ANY\n";
    reports(config, code, Severity::Low);
    accepts(&config.replace("ALLOW_ANY", "REGISTRY_ONLY"), code);
}

#[test]
fn opting_out_of_the_mesh_is_reported() {
    let pod = |annotations: &str| POD.replace("labels:", &format!("annotations: {{{annotations}}}, labels:"));
    reports(&pod("sidecar.istio.io/inject: 'false'"), "mesh-sidecar-off", Severity::Low);
    accepts(&pod("sidecar.istio.io/inject: 'true'"), "mesh-sidecar-off");
    accepts(
        &pod("linkerd.io/inject: disabled").replace("namespace: shop", "namespace: kube-system"),
        "mesh-sidecar-off",
    );
    let code = "mesh-traffic-bypass";
    reports(&pod("traffic.sidecar.istio.io/excludeInboundPorts: '8080'"), code, Severity::Medium);
    reports(&pod("config.linkerd.io/skip-outbound-ports: '25'"), code, Severity::Low);
    accepts(&pod("traffic.sidecar.istio.io/excludeInboundPorts: ''"), code);
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio-injection: disabled}}\n";
    reports(namespace, "mesh-sidecar-off", Severity::Low);
}

#[test]
fn linkerd_policies_that_admit_anybody_are_reported() {
    let code = "mesh-unauthenticated-access";
    let make = |kind: &str, spec: &str| object("policy.linkerd.io/v1beta1", kind, &format!("spec: {{{spec}}}"));
    reports(&make("ServerAuthorization", "client: {unauthenticated: true}"), code, Severity::Medium);
    reports(&make("Server", "accessPolicy: all-unauthenticated"), code, Severity::Medium);
    reports(&make("NetworkAuthentication", "networks: [{cidr: 0.0.0.0/0}]"), code, Severity::Medium);
    reports(&make("AuthorizationPolicy", "requiredAuthenticationRefs: []"), code, Severity::Medium);
    accepts(&make("ServerAuthorization", "client: {meshTLS: {serviceAccounts: [{name: a}]}}"), code);
    let annotation = "annotations: {config.linkerd.io/default-inbound-policy: all-unauthenticated}, labels:";
    reports(&POD.replace("labels:", annotation), code, Severity::Medium);
    accepts(&POD.replace("labels:", &annotation.replace("all-un", "all-")), code);
}

#[test]
fn telemetry_is_checked() {
    let monitor = |endpoint: &str| {
        object("monitoring.coreos.com/v1", "ServiceMonitor", &format!("spec: {{endpoints: [{{{endpoint}}}]}}"))
    };
    reports(
        &monitor("scheme: https, tlsConfig: {insecureSkipVerify: true}"),
        "telemetry-scrape-not-verified",
        Severity::Low,
    );
    accepts(&monitor("scheme: https, tlsConfig: {serverName: a}"), "telemetry-scrape-not-verified");
    let code = "telemetry-scrape-plain-text";
    reports(&monitor("port: web, basicAuth: {username: {name: a, key: b}}"), code, Severity::Medium);
    reports(&monitor("port: web"), code, Severity::Info);
    accepts(&monitor("port: web, scheme: https"), code);
    let service = |name: &str, kind: &str| {
        object("v1", "Service", &format!("spec: {{selector: {{a: b}}, type: {kind}}}"))
            .replace("name: x", &format!("name: {name}"))
    };
    let code = "telemetry-console-exposed";
    reports(&service("prometheus-k8s", "NodePort"), code, Severity::Low);
    reports(&service("kubernetes-dashboard", "LoadBalancer"), code, Severity::High);
    accepts(&service("prometheus-k8s", "ClusterIP"), code);
    accepts(&service("web", "LoadBalancer"), code);
    let backend = |name: &str| {
        ingress("", &format!("rules: [{{host: a, http: {{paths: [{{backend: {{service: {{name: {name}}}}}}}]}}}}]"))
    };
    reports(&backend("jaeger-query"), code, Severity::Low);
    accepts(&backend("web"), code);
}

#[test]
fn the_order_in_which_workers_take_files_changes_nothing() {
    let config = Config::default();
    let engine = Engine::new(&config);
    let run = |first: u32| {
        let mut workers = [engine.worker(), engine.worker()];
        for file in [first, 1 - first] {
            let text = POD.replace("name: web", &format!("name: web-{file}"));
            workers[(file ^ first) as usize].file(FileId(file), text.len() as u64, &text);
        }
        let outcome = engine.finish(workers.into_iter().collect());
        outcome.findings.iter().map(|f| (f.rule.code, f.location, f.message.clone())).collect::<Vec<_>>()
    };
    assert_eq!(run(0), run(1));
}
