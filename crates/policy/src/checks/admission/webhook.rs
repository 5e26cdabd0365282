//! How an admission webhook is called: behaviour, time, failure, transport.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// The webhook changes things beside the object.
pub static SIDE_EFFECTS: Rule = Rule {
    code: "webhook-side-effects",
    title: "An admission webhook has side effects",
    severity: Severity::Medium,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06")],
    why: "Dry-run requests are refused for such a webhook, and a request that a later step rejects has already changed \
          something outside that nobody takes back.",
    fix: "Let the webhook only answer, do the rest in a controller, and set sideEffects to None or NoneOnDryRun.",
    example: "webhooks:\n  - name: pods.example.com\n    sideEffects: None\n",
};

/// The API server waits long for the webhook.
pub static TIMEOUT: Rule = Rule {
    code: "webhook-timeout",
    title: "An admission webhook may hold requests too long",
    severity: Severity::Low,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06")],
    why: "Every matching request waits for the webhook. While it hangs, long waits pile up in the API server and use \
          up the time of the whole request.",
    fix: "Set timeoutSeconds to a few seconds, at most 10.",
    example: "webhooks:\n  - name: pods.example.com\n    timeoutSeconds: 3\n",
};

/// What happens while the webhook is down does not fit its kind.
pub static FAILURE_POLICY: Rule = Rule {
    code: "webhook-failure-policy",
    title: "The failure policy does not fit the webhook",
    severity: Severity::Medium,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06"), Serves::part("DE-01")],
    why: "A validating webhook that is ignored while it is down is a check that an attacker can switch off by \
          overloading it. A mutating one that must answer stops the cluster instead; a validating check of the result \
          is the better guard.",
    fix: "Use Fail for validating webhooks that guard security. Use Ignore for mutating ones, and validate the final \
          state.",
    example: "webhooks:\n  - name: validate.pods.example.com\n    failurePolicy: Fail\n",
};

/// The webhook is called over its address instead of its Service.
pub static OUTSIDE: Rule = Rule {
    code: "webhook-called-by-url",
    title: "An admission webhook is called by URL",
    severity: Severity::Low,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06"), Serves::part("DE-08")],
    why: "A URL leads to one place, often outside the cluster: there is no balancing over replicas, and whoever controls \
          the name or the host sees and decides every matching request.",
    fix: "Run the webhook in the cluster behind a ClusterIP Service with several replicas and set clientConfig.service.",
    example: "clientConfig:\n  service:\n    name: webhook\n    namespace: policy-system\n",
};

/// The connection is not, or cannot be, verified.
pub static TRANSPORT: Rule = Rule {
    code: "webhook-transport",
    title: "The connection to an admission webhook is not verified",
    severity: Severity::High,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06"), Serves::part("DE-08")],
    why: "Objects on their way to the webhook include Secrets, and its answers decide what runs. Without HTTPS and a \
          valid authority in caBundle the call fails, or ends at somebody else.",
    fix: "Use an https URL without user and query, and a base64 PEM bundle in caBundle.",
    example: "",
};

/// No authority is pinned.
pub static NO_CA: Rule = Rule {
    code: "webhook-ca-bundle-missing",
    title: "An admission webhook pins no certificate authority",
    severity: Severity::Info,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06")],
    why: "Without caBundle the API server trusts the authorities of its host. A Service name is in none of their \
          certificates, so calls fail until something fills the field in.",
    fix: "Set caBundle, or let a controller such as cert-manager inject it.",
    example: "metadata:\n  annotations:\n    cert-manager.io/inject-ca-from: policy-system/webhook\n",
};

/// The API server cannot speak the webhook's versions.
pub static REVIEW_VERSIONS: Rule = Rule {
    code: "webhook-review-versions",
    title: "An admission webhook does not accept AdmissionReview v1",
    severity: Severity::Medium,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06")],
    why: "Without a version that both sides know, every call fails, and failurePolicy decides instead of the webhook.",
    fix: "Add v1 to admissionReviewVersions.",
    example: "webhooks:\n  - name: pods.example.com\n    admissionReviewVersions: [v1]\n",
};

/// The webhook's Service shares a namespace with everybody.
pub static DEFAULT_NAMESPACE: Rule = Rule {
    code: "webhook-service-in-default-namespace",
    title: "An admission webhook runs in the default namespace",
    severity: Severity::Medium,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06"), Serves::part("DE-08")],
    why: "Whoever may write Services, pods or Secrets in the webhook's namespace can answer in its place. The default \
          namespace is the one most people may write.",
    fix: "Move the webhook to a namespace of its own that only its operators can write.",
    example: "clientConfig:\n  service:\n    name: webhook\n    namespace: policy-system\n",
};

/// The mutation is not run again after others.
pub static REINVOCATION: Rule = Rule {
    code: "webhook-reinvocation-never",
    title: "A mutating webhook is not called again after others",
    severity: Severity::Info,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06")],
    why: "The order of webhooks is not fixed. A container that a later webhook adds stays without this one's changes.",
    fix: "Make the mutation idempotent and set reinvocationPolicy to IfNeeded.",
    example: "webhooks:\n  - name: pods.example.com\n    reinvocationPolicy: IfNeeded\n",
};

/// One configuration calls many webhooks.
pub static MANY: Rule = Rule {
    code: "webhook-many",
    title: "One configuration calls many admission webhooks",
    severity: Severity::Info,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06")],
    why: "Each webhook adds its wait and its outages to the requests it matches, and order effects grow with their number.",
    fix: "Merge webhooks that look at the same resources.",
    example: "",
};

/// The check on one configuration.
pub(super) const CHECK: ObjectCheck = ObjectCheck {
    scope: Scope::Webhook,
    rules: &[
        &SIDE_EFFECTS,
        &TIMEOUT,
        &FAILURE_POLICY,
        &OUTSIDE,
        &TRANSPORT,
        &NO_CA,
        &REVIEW_VERSIONS,
        &DEFAULT_NAMESPACE,
        &REINVOCATION,
        &MANY,
    ],
    run: check,
};

/// Longest wait that is not reported. It is the default of v1, and a third of the API server's own limit.
const TIMEOUT_SECONDS_MAX: i64 = 10;

/// Webhooks in one configuration that are not reported yet.
const WEBHOOKS_MAX: usize = 20;

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let Some(webhooks) = object.value.get("webhooks") else { return };
    if webhooks.len() > WEBHOOKS_MAX {
        sink.report(&MANY, webhooks, format!("`webhooks` has {} entries", webhooks.len()))
            .field("webhooks")
            .property("rule", "AW-19");
    }
    for (index, webhook) in webhooks.items().enumerate() {
        let path = format!("webhooks[{index}]");
        check_behaviour(object, webhook, &path, sink);
        check_client(object, webhook, &path, sink);
    }
}

fn check_behaviour(object: &Object<'_>, webhook: Value<'_>, path: &str, sink: &mut Sink<'_>) {
    let effects = webhook.get("sideEffects");
    if !matches!(effects.and_then(Value::as_str), Some("None" | "NoneOnDryRun")) {
        let word = effects.and_then(Value::as_str).map_or("missing", |word| word);
        sink.report(&SIDE_EFFECTS, effects.unwrap_or(webhook), format!("`{path}.sideEffects` is {word}"))
            .field(format!("{path}.sideEffects"))
            .property("rule", "AW-01");
    }
    let default = if object.version == "v1" { 10 } else { 30 };
    let seconds = webhook.i64_at("timeoutSeconds");
    let wait = seconds.unwrap_or(default);
    if !(1..=TIMEOUT_SECONDS_MAX).contains(&wait) {
        let severity = if (1..=30).contains(&wait) { Severity::Low } else { Severity::Medium };
        let at = webhook.get("timeoutSeconds").unwrap_or(webhook);
        sink.report(&TIMEOUT, at, format!("`{path}.timeoutSeconds` is {wait}"))
            .field(format!("{path}.timeoutSeconds"))
            .severity(severity)
            .property("rule", "AW-02");
    } else if seconds.is_none() {
        sink.report(&TIMEOUT, webhook, format!("`{path}.timeoutSeconds` is missing, which means {default}"))
            .field(format!("{path}.timeoutSeconds"))
            .severity(Severity::Info)
            .property("rule", "AW-02");
    }
    check_failure(object, webhook, path, sink);
    let versions = webhook.get("admissionReviewVersions");
    if let Some(versions) = versions.filter(|versions| !versions.items().any(|word| word.as_str() == Some("v1"))) {
        sink.report(&REVIEW_VERSIONS, versions, format!("`{path}.admissionReviewVersions` leaves out v1"))
            .field(format!("{path}.admissionReviewVersions"));
    }
    if object.kind.starts_with("Mutating") && webhook.str_at("reinvocationPolicy") != Some("IfNeeded") {
        let at = webhook.get("reinvocationPolicy").unwrap_or(webhook);
        sink.report(&REINVOCATION, at, format!("`{path}.reinvocationPolicy` is not IfNeeded"))
            .field(format!("{path}.reinvocationPolicy"))
            .property("rule", "AW-12");
    }
}

fn check_failure(object: &Object<'_>, webhook: Value<'_>, path: &str, sink: &mut Sink<'_>) {
    let mutating = object.kind.starts_with("Mutating");
    let policy = webhook.get("failurePolicy");
    let word = policy.and_then(Value::as_str).unwrap_or(if object.version == "v1" { "Fail" } else { "Ignore" });
    let (message, severity) = match (mutating, word) {
        (false, "Ignore") => ("admits everything while the webhook is down", Severity::Medium),
        (true, "Fail") => ("refuses everything it matches while the webhook is down", Severity::Info),
        _ => return,
    };
    let given = if policy.is_some() { "is" } else { "defaults to" };
    sink.report(
        &FAILURE_POLICY,
        policy.unwrap_or(webhook),
        format!("`{path}.failurePolicy` {given} {word}, which {message}"),
    )
    .field(format!("{path}.failurePolicy"))
    .severity(severity)
    .property("rule", "AW-03");
}

fn check_client(object: &Object<'_>, webhook: Value<'_>, path: &str, sink: &mut Sink<'_>) {
    let Some(client) = webhook.get("clientConfig") else { return };
    let service = client.get("service");
    if let Some(url) = client.get("url") {
        let text = url.as_str().unwrap_or("");
        let field = format!("{path}.clientConfig.url");
        let problem = match text.strip_prefix("https://") {
            None => Some("is not https"),
            Some(rest) if rest.split('/').next().is_some_and(|host| host.contains('@')) => Some("holds a user name"),
            Some(rest) if rest.contains(['?', '#']) => Some("holds a query or fragment"),
            Some(_) => None,
        };
        if let Some(problem) = problem {
            sink.report(&TRANSPORT, url, format!("`{field}` {problem}")).field(field);
        } else {
            sink.report(&OUTSIDE, url, format!("`{field}` is set instead of a Service"))
                .field(field)
                .property("rule", "AW-18");
        }
    }
    if let Some(namespace) =
        service.and_then(|service| service.get("namespace")).filter(|n| n.as_str() == Some("default"))
    {
        let field = format!("{path}.clientConfig.service.namespace");
        sink.report(&DEFAULT_NAMESPACE, namespace, format!("`{field}` is default")).field(field);
    }
    let field = format!("{path}.clientConfig.caBundle");
    match client.get("caBundle").filter(|bundle| bundle.as_str() != Some("")) {
        Some(bundle) if !looks_like_pem(bundle.as_str().unwrap_or("")) => {
            sink.report(&TRANSPORT, bundle, format!("`{field}` is no base64 PEM bundle"))
                .field(field)
                .severity(Severity::Medium);
        }
        None if service.is_some() && !ca_is_injected(object) => {
            sink.report(&NO_CA, client, format!("`{field}` is missing")).field(field);
        }
        _ => {}
    }
}

/// Whether the text is base64 of `-----BEGIN` or of blanks before it, or a well-known placeholder.
fn looks_like_pem(text: &str) -> bool {
    let text = text.trim();
    // "-----BEGIN" and, with one line break in front, "\n-----BEGI".
    let pem = text.starts_with("LS0tLS1CRUdJTi") || text.starts_with("Ci0tLS0tQkVHSU");
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\n' | b'\r' | b' ');
    // Installers write `Cg==` (one line break) and fill in the rest later.
    pem && text.bytes().all(base64) || matches!(text, "Cg==" | "Cg" | "e30=")
}

fn ca_is_injected(object: &Object<'_>) -> bool {
    let annotations = object.metadata.and_then(|metadata| metadata.get("annotations"));
    annotations
        .into_iter()
        .flat_map(Value::entries)
        .filter_map(|(key, _)| key.as_str())
        .any(|key| key.starts_with("cert-manager.io/inject-") || key == "service.beta.openshift.io/inject-cabundle")
}
