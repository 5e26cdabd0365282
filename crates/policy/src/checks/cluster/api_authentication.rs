//! Who kube-apiserver lets in.

use manifest::Object;
use model::{Rule, Scope, Serves, Severity};

use super::component::{Component, Demand, components, is_false, is_set, is_true, is_unset};
use super::duration;
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// kube-apiserver answers anonymous requests.
pub static ANONYMOUS: Rule = Rule {
    code: "api-server-anonymous-auth",
    title: "kube-apiserver answers anonymous requests",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-11")],
    why: "A request without credentials becomes system:anonymous, so one careless binding opens the API to \
          everybody who can reach it.",
    fix: "Set --anonymous-auth=false, or allow only the health paths with anonymous.conditions in an \
          AuthenticationConfiguration.",
    example: "anonymous:\n  enabled: true\n  conditions:\n    - path: /livez\n    - path: /readyz\n",
};
/// kube-apiserver reads static tokens from a file.
pub static TOKEN_FILE: Rule = Rule {
    code: "api-server-token-file",
    title: "kube-apiserver reads static tokens from a file",
    severity: Severity::High,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-11")],
    why: "The tokens never expire, lie in plain text on the host and can be changed only by a restart.",
    fix: "Remove --token-auth-file and use OIDC or short-lived certificates.",
    example: "",
};
/// kube-apiserver reads passwords from a file.
pub static BASIC_AUTH: Rule = Rule {
    code: "api-server-basic-auth",
    title: "kube-apiserver reads passwords from a file",
    severity: Severity::High,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-11")],
    why: "Passwords in plain text on the host are sent with every request; no release since 1.19 has this \
          flag.",
    fix: "Remove --basic-auth-file and use OIDC.",
    example: "",
};
/// kube-apiserver does not verify client certificates.
pub static CLIENT_CA: Rule = Rule {
    code: "api-server-client-ca",
    title: "kube-apiserver does not verify client certificates",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-10")],
    why: "Without a client CA components cannot prove who they are by certificate and fall back to bearer \
          tokens, which whoever sees one can replay.",
    fix: "Set --client-ca-file to the CA that issues the components' certificates.",
    example: "command:\n  - kube-apiserver\n  - --client-ca-file=/etc/kubernetes/pki/ca.crt\n",
};
/// kube-apiserver accepts bootstrap tokens.
pub static BOOTSTRAP_TOKENS: Rule = Rule {
    code: "api-server-bootstrap-tokens",
    title: "kube-apiserver accepts bootstrap tokens",
    severity: Severity::Info,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-11")],
    why: "Bootstrap tokens are meant for joining nodes; each one that is left over lets its finder add a node.",
    fix: "Switch --enable-bootstrap-token-auth off when no nodes are joining, or keep tokens short-lived.",
    example: "",
};
/// The OIDC issuer is not reached over HTTPS.
pub static OIDC_ISSUER: Rule = Rule {
    code: "api-server-oidc-issuer",
    title: "The OIDC issuer is not reached over HTTPS",
    severity: Severity::High,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-11"), Serves::part("RA-09")],
    why: "Somebody on the path to the issuer can hand out signing keys and so become any user.",
    fix: "Use an https URL in --oidc-issuer-url.",
    example: "command:\n  - kube-apiserver\n  - --oidc-issuer-url=https://login.example.com\n",
};
/// OIDC names can collide with names of the system.
pub static OIDC_PREFIX: Rule = Rule {
    code: "api-server-oidc-prefix",
    title: "OIDC names can collide with names of the system",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-11"), Serves::part("RA-01")],
    why: "Without a prefix a token from the identity provider may carry a user or group such as \
          system:masters, and the API server believes it.",
    fix: "Set --oidc-username-prefix and --oidc-groups-prefix, for example to `oidc:`.",
    example: "command:\n  - kube-apiserver\n  - --oidc-groups-prefix=oidc:\n",
};
/// Any front-proxy certificate may name any user.
pub static FRONT_PROXY: Rule = Rule {
    code: "api-server-front-proxy-names",
    title: "Any front-proxy certificate may name any user",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-10"), Serves::part("RA-11")],
    why: "Whoever holds a certificate of the request-header CA can send user names in headers; when that CA \
          also issues ordinary client certificates, everybody can be anybody.",
    fix: "Set --requestheader-allowed-names to the common name of the aggregator and give the front proxy its \
          own CA.",
    example: "command:\n  - kube-apiserver\n  - --requestheader-client-ca-file=/etc/kubernetes/pki/front-proxy-ca.crt\n  - --requestheader-allowed-names=front-proxy-client\n",
};
/// Deleted service account tokens stay valid.
pub static TOKEN_LOOKUP: Rule = Rule {
    code: "api-server-token-lookup",
    title: "Deleted service account tokens stay valid",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-15"), Serves::part("RA-11")],
    why: "Without the look-up a token still works after its Secret, pod or service account is gone, so a \
          stolen token cannot be withdrawn.",
    fix: "Remove --service-account-lookup=false.",
    example: "",
};
/// The service account issuer is no HTTPS URL.
pub static TOKEN_ISSUER: Rule = Rule {
    code: "api-server-token-issuer",
    title: "The service account issuer is no HTTPS URL",
    severity: Severity::Low,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-15")],
    why: "Other systems cannot fetch the keys over an authenticated channel, so they accept tokens unchecked \
          or not at all.",
    fix: "Set --service-account-issuer to an https URL.",
    example: "command:\n  - kube-apiserver\n  - --service-account-issuer=https://kubernetes.default.svc\n",
};
/// Service account tokens have no key of their own.
pub static TOKEN_KEY: Rule = Rule {
    code: "api-server-token-key",
    title: "Service account tokens have no key of their own",
    severity: Severity::Low,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-15"), Serves::part("RA-17")],
    why: "The API server then verifies tokens with its TLS key, so one leaked file breaks both and neither can \
          be rotated alone.",
    fix: "Set --service-account-key-file, and keep the signing key for nothing else.",
    example: "command:\n  - kube-apiserver\n  - --service-account-key-file=/etc/kubernetes/pki/sa.pub\n",
};
/// Tokens of pods are extended to a year.
pub static TOKEN_EXTENSION: Rule = Rule {
    code: "api-server-token-extension",
    title: "Tokens of pods are extended to a year",
    severity: Severity::Low,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-15")],
    why: "The extension was a bridge for old clients: a token stolen from a pod works for up to a year instead \
          of an hour.",
    fix: "Set --service-account-extend-token-expiration=false once all clients read their token again.",
    example: "command:\n  - kube-apiserver\n  - --service-account-extend-token-expiration=false\n",
};
/// Requested tokens may live as long as anybody likes.
pub static TOKEN_LIFETIME: Rule = Rule {
    code: "api-server-token-lifetime",
    title: "Requested tokens may live as long as anybody likes",
    severity: Severity::Low,
    scope: Scope::ApiServer,
    serves: &[Serves::part("RA-15")],
    why: "Whoever may create tokens can ask for one that lasts for years and survives the rights that allowed \
          it.",
    fix: "Set --service-account-max-token-expiration to a day or two.",
    example: "command:\n  - kube-apiserver\n  - --service-account-max-token-expiration=24h\n",
};

/// Checks on authentication.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[ObjectCheck {
    scope: Scope::ApiServer,
    rules: &[
        &ANONYMOUS,
        &TOKEN_FILE,
        &BASIC_AUTH,
        &CLIENT_CA,
        &BOOTSTRAP_TOKENS,
        &OIDC_ISSUER,
        &OIDC_PREFIX,
        &FRONT_PROXY,
        &TOKEN_LOOKUP,
        &TOKEN_ISSUER,
        &TOKEN_KEY,
        &TOKEN_EXTENSION,
        &TOKEN_LIFETIME,
    ],
    run: check,
}];

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    components(object, Scope::ApiServer, |component| {
        component.demand(sink, DEMANDS);
        anonymous(component, sink);
        oidc(component, sink);
        front_proxy(component, sink);
        tokens(component, sink);
    });
}

const DEMANDS: &[Demand] = &[
    Demand::flag(&TOKEN_FILE, "token-auth-file", "", is_unset),
    Demand::flag(&BASIC_AUTH, "basic-auth-file", "", is_unset),
    Demand::flag(&CLIENT_CA, "client-ca-file", "", is_set),
    Demand::flag(&OIDC_ISSUER, "oidc-issuer-url", "https://", |url| url.starts_with("https://")),
    Demand::flag(&TOKEN_LOOKUP, "service-account-lookup", "true", is_true),
    Demand::flag(&TOKEN_EXTENSION, "service-account-extend-token-expiration", "true", is_false),
];

/// An AuthenticationConfiguration may restrict anonymous requests, so its presence leaves the default open.
fn anonymous(component: &Component<'_>, sink: &mut Sink<'_>) {
    if let Some(setting) = component.flag("anonymous-auth", "true").filter(|setting| !is_false(&setting.text))
        && (setting.written || !component.has("authentication-config"))
    {
        component.report(sink, &ANONYMOUS, &setting, setting.says(component.program));
    }
    if let Some(setting) = component.flag("enable-bootstrap-token-auth", "false")
        && setting.written
        && setting.is_true()
    {
        component.report(sink, &BOOTSTRAP_TOKENS, &setting, setting.says(component.program));
    }
}

fn oidc(component: &Component<'_>, sink: &mut Sink<'_>) {
    if !component.has("oidc-issuer-url") {
        return;
    }
    if let Some(setting) = component.flag("oidc-username-prefix", "").filter(|setting| setting.text == "-") {
        component.report(sink, &OIDC_PREFIX, &setting, setting.says(component.program));
    }
    if component.has("oidc-groups-claim")
        && let Some(setting) = component.flag("oidc-groups-prefix", "").filter(|setting| setting.text.is_empty())
    {
        component.report(sink, &OIDC_PREFIX, &setting, setting.says(component.program));
    }
}

fn front_proxy(component: &Component<'_>, sink: &mut Sink<'_>) {
    let Some(authority) = component.flag("requestheader-client-ca-file", "").filter(|ca| !ca.text.is_empty()) else {
        return;
    };
    let Some(names) = component.flag("requestheader-allowed-names", "") else { return };
    if !names.text.is_empty() {
        return;
    }
    let shared = component.flag("client-ca-file", "").is_some_and(|ca| ca.text == authority.text);
    let (severity, rest) = match shared {
        true => (Severity::Critical, "any client certificate may name any user"),
        false => (Severity::Medium, "any certificate of the front-proxy CA may name any user"),
    };
    let message = format!("{}: {rest}", names.says(component.program));
    component.report(sink, &FRONT_PROXY, &names, message).severity(severity);
}

fn tokens(component: &Component<'_>, sink: &mut Sink<'_>) {
    if let Some(setting) = component.flag("service-account-issuer", "")
        && !component.line.all("service-account-issuer").any(|flag| flag.value.starts_with("https://"))
        && !setting.text.starts_with("https://")
    {
        component.report(sink, &TOKEN_ISSUER, &setting, setting.says(component.program));
    }
    if let Some(setting) = component.flag("service-account-key-file", "").filter(|setting| setting.text.is_empty())
        && !component.has("service-account-signing-endpoint")
    {
        component.report(sink, &TOKEN_KEY, &setting, setting.says(component.program));
    }
    if let Some(setting) = component.flag("service-account-max-token-expiration", "") {
        let seconds = duration::seconds(&setting.text).unwrap_or(0.0);
        if seconds <= 0.0 || seconds > TOKEN_SECONDS_MAX {
            component.report(sink, &TOKEN_LIFETIME, &setting, setting.says(component.program));
        }
    }
}

/// Two days: long enough for a batch job that runs over night and is retried.
const TOKEN_SECONDS_MAX: f64 = 48.0 * 3600.0;
