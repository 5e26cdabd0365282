//! Structured documents as cataloguers read them: what is not well-formed is damage.

use model::Package;
use model::package::{Kind, Need};
use serde_json::{Map, Value};

use super::{Input, Sink};

/// Largest lock file that is read. The largest known in public repositories are below 20 MiB.
pub(super) const LOCK_BYTES_MAX: u64 = 32 << 20;

/// The file as text; bytes that are not UTF-8 become U+FFFD and are reported.
pub(super) fn text<'a>(input: &Input<'a>, sink: &mut Sink) -> std::borrow::Cow<'a, str> {
    let bytes = input.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input.bytes);
    let text = String::from_utf8_lossy(bytes);
    if matches!(text, std::borrow::Cow::Owned(_)) {
        sink.damage("the text is not UTF-8; what is not was replaced");
    }
    text
}

/// The file as JSON. Depth is bounded by the reader.
pub(super) fn json(input: &Input<'_>, sink: &mut Sink) -> Option<Value> {
    let bytes = input.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input.bytes);
    serde_json::from_slice(bytes).map_err(|error| sink.damage(format!("not readable as JSON: {error}"))).ok()
}

/// The file as TOML.
pub(super) fn toml(input: &Input<'_>, sink: &mut Sink) -> Option<Value> {
    let text = text(input, sink);
    toml::from_str(&text).map_err(|error| sink.damage(format!("not readable as TOML: {}", error.message()))).ok()
}

/// The file as YAML, within the budget of the reader.
pub(super) fn yaml(input: &Input<'_>, sink: &mut Sink) -> Option<Value> {
    let text = text(input, sink);
    serde_saphyr::from_str(&text).map_err(|_| sink.damage("not readable as YAML")).ok()
}

/// A member that is text; empty when it is missing or something else.
pub(super) fn member<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The entries of a member that is an object.
pub(super) fn entries<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

/// The elements of a member that is an array.
pub(super) fn elements<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// A package with its need; without a name there is none, which is damage.
pub(super) fn found(sink: &mut Sink, kind: Kind, name: &str, version: &str, need: Need) {
    if name.is_empty() {
        sink.damage("an entry has no name and was left out");
        return;
    }
    let mut package = Package::new(kind, name, version);
    package.need = need;
    sink.package(package);
}
