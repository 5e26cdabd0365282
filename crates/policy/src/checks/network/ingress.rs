//! How Ingresses let traffic in.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::cidr::Cidr;
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// The Ingress has no TLS at all.
pub static NO_TLS: Rule = Rule {
    code: "ingress-without-tls",
    title: "An Ingress serves without TLS",
    severity: Severity::Medium,
    scope: Scope::Ingress,
    serves: &[Serves::part("NW-11"), Serves::part("DV-01")],
    why: "Cookies, passwords and tokens of the users cross the network in clear text, and anyone on the way can change \
          the answers.",
    fix: "Add spec.tls with a Secret that holds the certificate.",
    example: TLS_EXAMPLE,
};

/// A host of the Ingress is left out of its TLS.
pub static HOST_WITHOUT_TLS: Rule = Rule {
    code: "ingress-host-without-tls",
    title: "A host of an Ingress has no TLS entry",
    severity: Severity::Medium,
    scope: Scope::Ingress,
    serves: &[Serves::part("NW-11"), Serves::part("DV-01")],
    why: "The host is served in clear text, or with a certificate for another name that users learn to click away.",
    fix: "Add the host to spec.tls[].hosts.",
    example: TLS_EXAMPLE,
};

/// Clear-text requests are not sent on to HTTPS.
pub static REDIRECT_OFF: Rule = Rule {
    code: "ingress-redirect-off",
    title: "An Ingress answers clear-text requests instead of redirecting",
    severity: Severity::Medium,
    scope: Scope::Ingress,
    serves: &[Serves::part("NW-11")],
    why: "TLS is offered but not demanded: whoever follows an old link, or is pushed to one, stays in clear text.",
    fix: "Remove the annotation, or set it to \"true\".",
    example: "metadata:\n  annotations:\n    nginx.ingress.kubernetes.io/ssl-redirect: \"true\"\n",
};

/// Annotations put raw configuration into the shared proxy.
pub static SNIPPET: Rule = Rule {
    code: "ingress-snippet",
    title: "An Ingress injects raw proxy configuration",
    severity: Severity::High,
    scope: Scope::Ingress,
    serves: &[Serves::part("NW-11"), Serves::part("DE-01")],
    why: "Snippets run inside the ingress controller, which can read the Secrets of all namespaces. Whoever may write \
          one Ingress gets them all (CVE-2021-25742).",
    fix: "Replace the snippet by annotations made for the purpose, and keep allow-snippet-annotations off in the \
          controller.",
    example: "",
};

/// An annotation holds text that can break out of its place in the configuration.
pub static INJECTION: Rule = Rule {
    code: "ingress-annotation-injection",
    title: "An Ingress annotation can break out of the configuration",
    severity: Severity::High,
    scope: Scope::Ingress,
    serves: &[Serves::part("NW-11"), Serves::part("DE-01")],
    why: "The controller writes the value into its configuration. Line breaks, quotes, braces and semicolons end the \
          setting and start one of the author's choice, which has led to code execution (CVE-2025-1974 and others).",
    fix: "Keep the value a plain URL or name, and run a controller version with these holes closed.",
    example: "",
};

/// The list of allowed sources allows all.
pub static OPEN_ALLOW_LIST: Rule = Rule {
    code: "ingress-open-allow-list",
    title: "The source allow list of an Ingress admits everyone",
    severity: Severity::Low,
    scope: Scope::Ingress,
    serves: &[Serves::part("NW-11")],
    why: "A list with 0.0.0.0/0 looks like a restriction and is none.",
    fix: "List the ranges that are meant, or remove the annotation.",
    example: "",
};

/// The class is set by the old annotation.
pub static CLASS_ANNOTATION: Rule = Rule {
    code: "ingress-class-annotation",
    title: "An Ingress sets its class by the old annotation",
    severity: Severity::Info,
    scope: Scope::Ingress,
    serves: &[Serves::part("NW-11")],
    why: "Controllers disagree on the annotation, so an Ingress meant for the internal controller can be served by the \
          public one as well.",
    fix: "Set spec.ingressClassName.",
    example: "spec:\n  ingressClassName: internal\n",
};

/// The Ingress takes requests for hosts that nobody named.
pub static CATCH_ALL: Rule = Rule {
    code: "ingress-catch-all",
    title: "An Ingress takes requests for any host",
    severity: Severity::Info,
    scope: Scope::Ingress,
    serves: &[Serves::part("NW-11")],
    why: "A rule without a host, or for a wildcard, also catches names that belong to other teams or that nobody has \
          claimed yet.",
    fix: "Name the hosts.",
    example: "",
};

/// The check on one Ingress.
pub(super) const CHECK: ObjectCheck = ObjectCheck {
    scope: Scope::Ingress,
    rules: &[
        &NO_TLS,
        &HOST_WITHOUT_TLS,
        &REDIRECT_OFF,
        &SNIPPET,
        &INJECTION,
        &OPEN_ALLOW_LIST,
        &CLASS_ANNOTATION,
        &CATCH_ALL,
    ],
    run: check,
};

const TLS_EXAMPLE: &str = "spec:\n  tls:\n    - hosts: [shop.example.com]\n      secretName: shop-tls\n  rules:\n    - host: shop.example.com\n";

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    if object.kind != "Ingress" {
        return;
    }
    let Some(spec) = object.spec() else { return };
    // Some clouds take the certificate from an annotation instead of spec.tls.
    let certificate = CERTIFICATE_ANNOTATIONS.iter().any(|key| object.annotation(key).is_some());
    let tls = spec.get("tls").filter(|tls| !tls.is_empty());
    match tls {
        Some(tls) => check_hosts(spec, tls, sink),
        None if !certificate => {
            sink.report(&NO_TLS, spec, "`spec.tls` is missing").field("spec.tls");
        }
        None => {}
    }
    check_annotations(object, tls.is_some() || certificate, sink);
    let open = |rule: Value<'_>| rule.str_at("host").is_none_or(|host| host.is_empty() || host.starts_with('*'));
    if let Some(backend) = spec.get("defaultBackend").or_else(|| spec.get("backend")) {
        sink.report(&CATCH_ALL, backend, "`spec.defaultBackend` takes every request that no rule matches")
            .field("spec.defaultBackend");
    } else if let Some((index, rule)) = spec.list("rules").enumerate().find(|(_, rule)| open(*rule)) {
        let message = match rule.str_at("host").filter(|host| !host.is_empty()) {
            Some(host) => format!("`spec.rules[{index}].host` is the wildcard `{host}`"),
            None => format!("`spec.rules[{index}].host` is missing, which means every host"),
        };
        sink.report(&CATCH_ALL, rule, message).field(format!("spec.rules[{index}].host"));
    }
}

fn check_hosts(spec: Value<'_>, tls: Value<'_>, sink: &mut Sink<'_>) {
    // An entry without hosts stands for every host that the certificate names.
    if tls.items().any(|entry| entry.get("hosts").is_none_or(Value::is_empty)) {
        return;
    }
    let covers = |name: &str, host: &str| {
        let wild = name.strip_prefix("*.").zip(host.split_once('.')).is_some_and(|(parent, (_, rest))| parent == rest);
        name == host || wild
    };
    for (index, rule) in spec.list("rules").enumerate() {
        let Some(host) = rule.get("host") else { continue };
        let name = host.as_str().unwrap_or("");
        let mut names = tls.items().flat_map(|entry| entry.list("hosts")).filter_map(Value::as_str);
        if !name.is_empty() && !names.any(|candidate| covers(candidate, name)) {
            sink.report(&HOST_WITHOUT_TLS, host, format!("`spec.tls` has no entry for the host `{name}`"))
                .field(format!("spec.rules[{index}].host"));
        }
    }
}

fn check_annotations(object: &Object<'_>, tls: bool, sink: &mut Sink<'_>) {
    let annotations = object.metadata.and_then(|metadata| metadata.get("annotations"));
    for (key, value) in annotations.into_iter().flat_map(Value::entries) {
        let (Some(key), Some(text)) = (key.as_str(), value.text()) else { continue };
        let field = || format!("metadata.annotations[{key}]");
        if key == "kubernetes.io/ingress.class" {
            sink.report(&CLASS_ANNOTATION, value, format!("`{key}` is set; `spec.ingressClassName` replaces it"))
                .field(field());
            continue;
        }
        let Some((prefix, name)) = key.split_once('/') else { continue };
        if !PREFIXES.contains(&prefix) || text.is_empty() {
            continue;
        }
        if name.ends_with("-snippet") || name.ends_with("-snippets") {
            sink.report(&SNIPPET, value, format!("the annotation `{key}` injects configuration")).field(field());
        } else if matches!(name, "ssl-redirect" | "force-ssl-redirect") && text.eq_ignore_ascii_case("false") {
            // `force-ssl-redirect: false` is the default; only `ssl-redirect` takes something away.
            if tls && name == "ssl-redirect" {
                sink.report(&REDIRECT_OFF, value, format!("the annotation `{key}` is false")).field(field());
            }
        } else if matches!(name, "whitelist-source-range" | "allowlist-source-range") {
            if text.split(',').filter_map(|range| Cidr::parse(range.trim())).any(Cidr::is_everything) {
                sink.report(&OPEN_ALLOW_LIST, value, format!("the annotation `{key}` holds every address"))
                    .field(field());
            }
        } else if INJECTABLE.contains(&name) && text.trim().contains(['\n', '\r', ';', '{', '}', '"', '\'', '`']) {
            // Braces of nginx variables are written without them, so plain values have none of these.
            sink.report(&INJECTION, value, format!("the annotation `{key}` holds characters that end a setting"))
                .field(field());
        }
    }
}

/// Annotation prefixes of the nginx controllers.
const PREFIXES: &[&str] = &["nginx.ingress.kubernetes.io", "nginx.org", "haproxy.org", "haproxy-ingress.github.io"];

/// Annotations whose values have been used to inject configuration.
const INJECTABLE: &[&str] = &[
    "auth-url",
    "auth-signin",
    "auth-tls-match-cn",
    "mirror-target",
    "mirror-host",
    "auth-proxy-set-headers",
    "canary-by-header",
    "permanent-redirect",
    "temporal-redirect",
    "rewrite-target",
    "server-alias",
    "upstream-vhost",
];

/// Annotations by which clouds take the certificate from somewhere else.
const CERTIFICATE_ANNOTATIONS: &[&str] = &[
    "alb.ingress.kubernetes.io/certificate-arn",
    "networking.gke.io/managed-certificates",
    "networking.gke.io/pre-shared-certs",
    "ingress.gcp.kubernetes.io/pre-shared-cert",
    "appgw.ingress.kubernetes.io/appgw-ssl-certificate",
];
