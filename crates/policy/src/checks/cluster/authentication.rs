//! AuthenticationConfiguration: token issuers and anonymous requests.

use std::collections::HashSet;

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::component::shown;
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// kube-apiserver refuses an authentication configuration.
pub static INVALID: Rule = Rule {
    code: "authentication-config-invalid",
    title: "kube-apiserver refuses an authentication configuration",
    severity: Severity::Medium,
    scope: Scope::Authentication,
    serves: &[Serves::part("RA-11")],
    why: "The API server does not start with it, or keeps the old settings at a reload, so nothing in the file \
          holds.",
    fix: "Correct the named field.",
    example: "jwt:\n  - issuer:\n      url: https://login.example.com\n      audiences: [cluster]\n    claimMappings:\n      username:\n        claim: sub\n        prefix: \"oidc:\"\n",
};
/// Tokens can carry names of the system.
pub static SYSTEM_NAMES: Rule = Rule {
    code: "authentication-system-names",
    title: "Tokens can carry names of the system",
    severity: Severity::High,
    scope: Scope::Authentication,
    serves: &[Serves::part("RA-11"), Serves::part("RA-01")],
    why: "Whoever can shape a claim at the identity provider becomes system:masters or any component.",
    fix: "Give user names and groups a prefix, or refuse names that start with `system:` in \
          userValidationRules.",
    example: "userValidationRules:\n  - expression: \"!user.username.startsWith('system:')\"\n  - expression: \"user.groups.all(g, !g.startsWith('system:'))\"\n",
};
/// Tokens are accepted without a look at their claims.
pub static CLAIM_RULES: Rule = Rule {
    code: "authentication-claim-rules",
    title: "Tokens are accepted without a look at their claims",
    severity: Severity::Low,
    scope: Scope::Authentication,
    serves: &[Serves::part("RA-11")],
    why: "Every token of the issuer counts, also one for a guest, an unverified address or a life of months.",
    fix: "Add claimValidationRules, for example on email_verified and on the token's life.",
    example: "claimValidationRules:\n  - expression: claims.email_verified == true\n",
};
/// No claim rule asks for a second factor.
pub static FACTOR: Rule = Rule {
    code: "authentication-second-factor",
    title: "No claim rule asks for a second factor",
    severity: Severity::Info,
    scope: Scope::Authentication,
    serves: &[Serves::part("RA-12")],
    why: "A password alone then opens the cluster, unless the identity provider demands more from everybody.",
    fix: "Add a claimValidationRule on `amr` or `acr`.",
    example: "claimValidationRules:\n  - expression: \"'mfa' in claims.amr\"\n",
};
/// Anonymous requests are allowed on every path.
pub static ANONYMOUS: Rule = Rule {
    code: "authentication-anonymous-unlimited",
    title: "Anonymous requests are allowed on every path",
    severity: Severity::Medium,
    scope: Scope::Authentication,
    serves: &[Serves::part("RA-11")],
    why: "A request without credentials becomes system:anonymous, so one careless binding opens the API to \
          everybody who can reach it.",
    fix: "Set anonymous.enabled to false, or list the health paths in anonymous.conditions.",
    example: "anonymous:\n  enabled: true\n  conditions:\n    - path: /livez\n    - path: /readyz\n",
};
/// Anonymous requests are allowed beyond health checks.
pub static ANONYMOUS_PATHS: Rule = Rule {
    code: "authentication-anonymous-paths",
    title: "Anonymous requests are allowed beyond health checks",
    severity: Severity::Medium,
    scope: Scope::Authentication,
    serves: &[Serves::part("RA-11")],
    why: "Only load balancers and kubelets need answers without credentials, and only about health.",
    fix: "Keep anonymous.conditions to /healthz, /livez and /readyz.",
    example: "anonymous:\n  enabled: true\n  conditions:\n    - path: /livez\n    - path: /readyz\n",
};
/// An issuer is verified with all public authorities.
pub static HOST_ROOTS: Rule = Rule {
    code: "authentication-issuer-ca",
    title: "An issuer is verified with all public authorities",
    severity: Severity::Info,
    scope: Scope::Authentication,
    serves: &[Serves::part("RA-11")],
    why: "Any of them, or whoever tricks one, can then vouch for the issuer's address.",
    fix: "Set certificateAuthority for an issuer of your own.",
    example: "",
};

/// Checks on AuthenticationConfiguration.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[ObjectCheck {
    scope: Scope::Authentication,
    rules: &[&INVALID, &SYSTEM_NAMES, &CLAIM_RULES, &FACTOR, &ANONYMOUS, &ANONYMOUS_PATHS, &HOST_ROOTS],
    run: check,
}];

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let mut urls = HashSet::new();
    for (index, jwt) in object.value.list("jwt").enumerate() {
        let path = format!("jwt[{index}]");
        issuer(jwt, &path, &mut urls, sink);
        rules(jwt, &path, sink);
        mappings(jwt, &path, sink);
    }
    anonymous(object, sink);
}

fn issuer<'d>(jwt: Value<'d>, path: &str, urls: &mut HashSet<&'d str>, sink: &mut Sink<'_>) {
    let Some(issuer) = jwt.get("issuer") else {
        sink.report(&INVALID, jwt, format!("`{path}.issuer` is missing")).field(format!("{path}.issuer"));
        return;
    };
    let url = issuer.str_at("url").unwrap_or("");
    let mut invalid = |key: &str, why: &str| {
        let at = issuer.get(key).unwrap_or(issuer);
        sink.report(&INVALID, at, format!("`{path}.issuer.{key}` {why}")).field(format!("{path}.issuer.{key}"));
    };
    if !url.starts_with("https://") {
        invalid("url", "is no https URL");
    } else if !urls.insert(url) {
        invalid("url", "stands twice");
    }
    if let Some(discovery) = issuer.str_at("discoveryURL") {
        if !discovery.starts_with("https://") {
            invalid("discoveryURL", "is no https URL");
        } else if discovery == url {
            invalid("discoveryURL", "is the same as the issuer's url");
        }
    }
    let policy = issuer.str_at("audienceMatchPolicy").unwrap_or("");
    match issuer.list("audiences").count() {
        0 => invalid("audiences", "is empty"),
        1 => {}
        _ if policy != "MatchAny" => invalid("audienceMatchPolicy", "must be MatchAny for more than one audience"),
        _ => {}
    }
    if !matches!(policy, "" | "MatchAny") {
        invalid("audienceMatchPolicy", "is none that there is");
    }
    if issuer.str_at("certificateAuthority").is_none_or(str::is_empty) {
        let message = format!("`{path}.issuer.certificateAuthority` is not set");
        sink.report(&HOST_ROOTS, issuer, message).field(format!("{path}.issuer.certificateAuthority"));
    }
}

fn rules(jwt: Value<'_>, path: &str, sink: &mut Sink<'_>) {
    let field = format!("{path}.claimValidationRules");
    let mut second_factor = false;
    for (index, rule) in jwt.list("claimValidationRules").enumerate() {
        let expression = rule.str_at("expression").unwrap_or("");
        let claim = rule.str_at("claim").unwrap_or("");
        second_factor |= [expression, claim].iter().any(|text| text.contains("amr") || text.contains("acr"));
        if claim.is_empty() == expression.is_empty() {
            let message = format!("`{field}[{index}]` must have one of `claim` and `expression`");
            sink.report(&INVALID, rule, message).field(format!("{field}[{index}]"));
        }
    }
    if jwt.list("claimValidationRules").next().is_none() {
        sink.report(&CLAIM_RULES, jwt, format!("`{field}` is empty")).field(field.as_str());
    }
    if !second_factor {
        sink.report(&FACTOR, jwt, format!("no rule of `{field}` looks at `amr` or `acr`")).field(field);
    }
}

fn mappings(jwt: Value<'_>, path: &str, sink: &mut Sink<'_>) {
    for (name, word) in [("username", "username"), ("groups", "groups")] {
        let field = format!("{path}.claimMappings.{name}");
        let Some(mapping) = jwt.path(&["claimMappings", name]) else {
            if name == "username" {
                sink.report(&INVALID, jwt, format!("`{field}` is missing")).field(field);
            }
            continue;
        };
        let (claim, expression) = (mapping.str_at("claim").unwrap_or(""), mapping.str_at("expression").unwrap_or(""));
        let prefix = mapping.entry("prefix").map(|(_, value)| value.as_str().unwrap_or(""));
        let why = match (claim.is_empty(), expression.is_empty(), prefix) {
            (true, true, _) if name == "username" => "names neither a claim nor an expression",
            (false, false, _) => "names a claim and an expression",
            (false, true, None) => "has a claim and no prefix",
            (_, false, Some(prefix)) if !prefix.is_empty() => "has an expression and a prefix",
            _ => "",
        };
        if !why.is_empty() {
            sink.report(&INVALID, mapping, format!("`{field}` {why}")).field(field.as_str());
        }
        let free = match (claim.is_empty(), expression.is_empty()) {
            (false, _) => prefix.is_none_or(|prefix| prefix.is_empty() || prefix.starts_with("system:")),
            (true, false) => !adds_prefix(expression),
            (true, true) => false,
        };
        if free && !refuses_system(jwt, word) {
            let message = format!("`{field}` lets a token choose a name that starts with `system:`");
            sink.report(&SYSTEM_NAMES, mapping, message).field(field);
        }
    }
}

/// Whether an expression puts text of its own in front: `'oidc:' + claims.sub`, `….map(g, 'oidc:' + g)`,
/// or is a constant.
fn adds_prefix(expression: &str) -> bool {
    let leads = |text: &str| {
        let text = text.trim_start();
        let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'));
        quote.is_some_and(|quote| {
            let inside = text.get(1..).unwrap_or("");
            inside.find(quote).is_some_and(|end| end > 0 && !inside.starts_with("system:"))
        })
    };
    if leads(expression) || expression.trim_start().strip_prefix('[').is_some_and(leads) {
        return true;
    }
    expression.split_once(".map(").and_then(|(_, rest)| rest.split_once(',')).is_some_and(|(_, mapped)| leads(mapped))
}

/// Whether a rule on the mapped user looks for `system:` in the given field.
fn refuses_system(jwt: Value<'_>, word: &str) -> bool {
    jwt.list("userValidationRules")
        .filter_map(|rule| rule.str_at("expression"))
        .any(|expression| expression.contains("system:") && expression.contains(word))
}

fn anonymous(object: &Object<'_>, sink: &mut Sink<'_>) {
    let Some(anonymous) = object.value.get("anonymous") else {
        let message = "`anonymous` is not set, so `--anonymous-auth` decides, which is on unless switched off";
        sink.report(&ANONYMOUS, object.location(), message).field("anonymous").severity(Severity::Info);
        return;
    };
    let enabled = anonymous.bool_at("enabled").unwrap_or(false);
    let conditions = anonymous.list("conditions").count();
    if !enabled {
        if conditions > 0 {
            sink.report(&INVALID, anonymous, "`anonymous.conditions` is set and `anonymous.enabled` is not true")
                .field("anonymous.conditions");
        }
        return;
    }
    if conditions == 0 {
        let at = anonymous.get("enabled").unwrap_or(anonymous);
        sink.report(&ANONYMOUS, at, "`anonymous.enabled` is true without `anonymous.conditions`")
            .field("anonymous.conditions");
    }
    for condition in anonymous.list("conditions") {
        let path = condition.str_at("path").unwrap_or("");
        if !["/livez", "/readyz", "/healthz"].contains(&path) {
            sink.report(&ANONYMOUS_PATHS, condition, format!("`anonymous.conditions` names `{}`", shown(path)))
                .field("anonymous.conditions");
        }
    }
}
