//! Checks on Exception objects of Kobuk itself.

use manifest::{Object, Value};
use model::exception::{glob, parse_date};
use model::{Rule, Scope, Serves, Severity};

use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// An Exception that cannot be honoured.
pub static INVALID: Rule = Rule {
    code: "exception-invalid",
    title: "An Exception cannot be honoured",
    severity: Severity::Medium,
    scope: Scope::Exception,
    serves: &[Serves::full("DV-09")],
    why: "An exception without owner, reason, expiry or a named finding is a hole that nobody answers for. \
          It is ignored as a whole, so the findings it was meant for still count.",
    fix: "Give every Exception spec.owner, spec.reason, spec.expires and spec.findings or spec.controls.",
    example: "apiVersion: kobuk.dev/v1alpha1\nkind: Exception\nmetadata:\n  name: legacy-root\nspec:\n  owner: team-payments@example.com\n  reason: vendor image needs root until release 7\n  expires: 2027-03-31\n  findings: [pod-security-run-as-non-root]\n  scope:\n    kinds: [Deployment]\n    namespaces: [payments]\n    names: [ledger]\n",
};

/// An Exception whose date has passed.
pub static EXPIRED: Rule = Rule {
    code: "exception-expired",
    title: "An Exception has expired",
    severity: Severity::Medium,
    scope: Scope::Exception,
    serves: &[Serves::full("DV-09")],
    why: "The date up to which somebody accepted the risk has passed. The Exception does nothing any more and the \
          findings it covered count again.",
    fix: "Mend what it covered, or have its owner decide again and set a new date.",
    example: "",
};

/// An Exception that covers nothing.
pub static UNUSED: Rule = Rule {
    code: "exception-unused",
    title: "An Exception covers nothing",
    severity: Severity::Low,
    scope: Scope::Exception,
    serves: &[Serves::part("DV-09")],
    why: "What it accepted is mended, renamed or out of its scope. Left in place it may silence a later finding that \
          nobody looked at.",
    fix: "Delete the Exception, or correct its scope.",
    example: "",
};

/// Checks on single objects.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] =
    &[ObjectCheck { scope: Scope::Exception, rules: &[&INVALID, &EXPIRED, &UNUSED], run: check }];

const SPEC_FIELDS: &[&str] = &["owner", "reason", "expires", "findings", "controls", "scope"];
const SCOPE_FIELDS: &[&str] = &["kinds", "namespaces", "names", "containers", "files"];

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    for (at, message) in lists(object) {
        sink.report(&INVALID, at, message);
    }
    let Some(spec) = object.spec() else {
        sink.report(&INVALID, object.location(), "the Exception has no `spec`");
        return;
    };
    if object.version != "v1alpha1" {
        sink.report(&INVALID, object.location(), "the only version of Exception is kobuk.dev/v1alpha1")
            .field("apiVersion");
    }
    for key in ["owner", "reason", "expires"] {
        if spec.str_at(key).is_none_or(|text| text.trim().is_empty()) {
            sink.report(&INVALID, object.location(), format!("`spec.{key}` is missing or no string"))
                .field(format!("spec.{key}"));
        }
    }
    if let Some(expires) =
        spec.get("expires").filter(|value| value.as_str().is_some_and(|text| parse_date(text).is_none()))
    {
        sink.report(&INVALID, expires, "`spec.expires` is neither YYYY-MM-DD nor an RFC 3339 time")
            .field("spec.expires");
    }
    let named = |key: &str| spec.list(key).any(|word| word.as_str().is_some());
    if !named("findings") && !named("controls") {
        sink.report(&INVALID, object.location(), "neither `spec.findings` nor `spec.controls` names anything");
    }
    for (path, key) in unknown_fields(object) {
        sink.report(&INVALID, key, format!("`{path}` is no field of an Exception")).field(path);
    }
}

/// Faults in the lists of an Exception: empty ones, items that are no strings, codes and controls that do
/// not exist. A list that is given and names nothing must not mean everything.
pub fn lists<'d>(object: &Object<'d>) -> Vec<(Value<'d>, String)> {
    let mut faults = Vec::new();
    let Some(spec) = object.spec() else { return faults };
    let scope = spec.entry("scope").map(|(_, scope)| scope);
    if let Some(scope) = scope.filter(|scope| !scope.is_map() || scope.is_empty()) {
        faults.push((scope, "`spec.scope` is no mapping with at least one list".to_owned()));
    }
    let fields = ["findings", "controls"].map(|key| (spec, "spec", key)).into_iter();
    let scopes = scope.into_iter().flat_map(|scope| SCOPE_FIELDS.iter().map(move |key| (scope, "spec.scope", *key)));
    for (parent, path, key) in fields.chain(scopes) {
        let Some((_, list)) = parent.entry(key) else { continue };
        let empty = |item: Value<'_>| item.as_str().is_none_or(|text| text.trim().is_empty());
        if !list.is_seq() || list.is_empty() || list.items().any(empty) {
            faults.push((list, format!("`{path}.{key}` is given and is no list of at least one string")));
        }
    }
    // Which policies a run has, and which codes other scans give, is not known here; that an exception covers nothing is
    // told at its end.
    let known = |code: &str| {
        code.starts_with(crate::user_rules::CODE_PREFIX)
            || OTHER_SCANS.iter().any(|prefix| code.starts_with(prefix))
            || crate::check::rules().iter().any(|rule| glob(code, rule.code))
    };
    for item in spec.list("findings").filter(|item| item.as_str().is_some_and(|code| !known(code))) {
        faults.push((item, format!("`{}` matches no finding code", item.as_str().unwrap_or(""))));
    }
    let control = |id: &str| model::catalogue::control(id).is_some();
    for item in spec.list("controls").filter(|item| item.as_str().is_some_and(|id| !control(id))) {
        faults.push((item, format!("`{}` is no control", item.as_str().unwrap_or(""))));
    }
    faults
}

/// Beginnings of the codes that scans of images and source trees give, and of the names of vulnerabilities.
const OTHER_SCANS: &[&str] = &[
    "image-",
    "containerfile-",
    "source-",
    "vulnerable-",
    "exploited-",
    "malicious-",
    "unmaintained-",
    "CVE-",
    "GHSA-",
    "GO-",
    "RUSTSEC-",
    "PYSEC-",
    "MAL-",
    "DSA-",
    "DLA-",
    "RHSA-",
    "USN-",
    "ALAS",
    "SUSE-",
    "ELSA-",
];

/// Fields that an Exception does not have, so that a misspelt scope can never widen it.
pub fn unknown_fields<'d>(object: &Object<'d>) -> impl Iterator<Item = (String, Value<'d>)> + use<'d> {
    let spec = object.spec();
    let unknown = |value: Option<Value<'d>>, path: &'static str, known: &'static [&'static str]| {
        value.into_iter().flat_map(Value::entries).filter_map(move |(key, _)| {
            let name = key.as_str().unwrap_or("");
            (!known.contains(&name)).then(|| (format!("{path}.{name}"), key))
        })
    };
    unknown(spec, "spec", SPEC_FIELDS).chain(unknown(
        spec.and_then(|spec| spec.get("scope")),
        "spec.scope",
        SCOPE_FIELDS,
    ))
}
