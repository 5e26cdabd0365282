//! Reads `kobuk.dev/v1alpha1` Exception objects.

use manifest::{Object, Value};
use model::Exception;
use model::exception::{ExceptionScope, parse_date};

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
    let unknown = crate::checks::exceptions::unknown_fields(object).next().is_some();
    let named = !exception.findings.is_empty() || !exception.controls.is_empty();
    (object.version == "v1alpha1" && named && !unknown).then_some(exception)
}

fn words(value: Value<'_>, key: &str) -> Vec<Box<str>> {
    value.list(key).filter_map(|word| Some(word.as_str()?.into())).collect()
}
