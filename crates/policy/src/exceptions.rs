//! Reads `kobuk.dev/v1alpha1` Exception objects.

use std::sync::Arc;

use manifest::{Object, Value};
use model::exception::{ExceptionScope, format_date, parse_date};
use model::{Exception, ExceptionUse, Finding, Rule, Subject};

use crate::checks::exceptions::{EXPIRED, UNUSED};

/// What exceptions did, as findings of their own: expired ones, and unused ones when `all_ran`, that is
/// when no check was deselected that an exception may have been meant for.
pub fn findings_about(uses: &[ExceptionUse], all_ran: bool) -> Vec<Finding> {
    let finding = |rule: &'static Rule, used: &ExceptionUse, message: String| Finding {
        rule,
        severity: rule.severity,
        message: message.into(),
        subject: Arc::new(Subject {
            api_version: "kobuk.dev/v1alpha1".into(),
            kind: "Exception".into(),
            namespace: Box::default(),
            name: used.exception.name.clone(),
        }),
        location: used.exception.location,
        properties: None,
    };
    let mut findings = Vec::new();
    for used in uses {
        let exception = &used.exception;
        if used.expired {
            let since = format_date(exception.expires_unix);
            let message = format!("expired since {since}; {} that it covered count again", count(used.matched));
            findings.push(finding(&EXPIRED, used, message));
        } else if used.matched == 0 && all_ran {
            findings.push(finding(
                &UNUSED,
                used,
                format!("accepts nothing in this input; owner is {}", exception.owner),
            ));
        }
    }
    findings
}

fn count(findings: usize) -> String {
    if findings == 1 { "1 finding".to_owned() } else { format!("{findings} findings") }
}

/// The exception that the object describes. `None` when a field that it cannot do without is missing
/// or wrong; the checks on Exception objects say which.
pub fn read(object: &Object<'_>) -> Option<Exception> {
    let spec = object.spec()?;
    let text = |key| spec.str_at(key).filter(|text| !text.trim().is_empty());
    let expires = text("expires")?;
    let scope = spec.get("scope");
    let scope_list = |key| scope.map(|scope| words(scope, key)).unwrap_or_default();
    let exception = Exception {
        name: object.name().into(),
        owner: text("owner")?.into(),
        reason: text("reason")?.into(),
        expires: expires.into(),
        expires_unix: parse_date(expires)?,
        findings: words(spec, "findings"),
        controls: words(spec, "controls"),
        scope: ExceptionScope {
            kinds: scope_list("kinds"),
            namespaces: scope_list("namespaces"),
            names: scope_list("names"),
            containers: scope_list("containers"),
            files: scope_list("files"),
        },
        location: object.location(),
    };
    let unknown = crate::checks::exceptions::unknown_fields(object).next().is_some()
        || !crate::checks::exceptions::lists(object).is_empty();
    let named = !exception.findings.is_empty() || !exception.controls.is_empty();
    (object.version == "v1alpha1" && named && !unknown).then_some(exception)
}

fn words(value: Value<'_>, key: &str) -> Vec<Box<str>> {
    value.list(key).filter_map(|word| Some(word.as_str()?.into())).collect()
}

/// The CustomResourceDefinition of Exception, for clusters.
pub const CRD: &str = include_str!("../data/exception-crd.yaml");
