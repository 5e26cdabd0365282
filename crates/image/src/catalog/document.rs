//! Structured documents as cataloguers read them: what is not well-formed, or has another shape than its format, is
//! damage, and what can be read of the rest still counts.

mod partial;

use model::Package;
use model::package::{Kind, Need};
use serde_json::{Map, Value};

use super::{Input, Sink};
use crate::facts::{Fact, Project};

/// Largest lock file that is read. The largest known in public repositories are below 20 MiB.
pub(super) const LOCK_BYTES_MAX: u64 = 32 << 20;

/// The file as text. A file without content is damage: no tool writes such a lock file.
pub(super) fn lock_text<'a>(input: &Input<'a>, sink: &mut Sink) -> std::borrow::Cow<'a, str> {
    if is_blank(without_mark(input.bytes)) {
        sink.damage("the file is empty");
    }
    text(input, sink)
}

/// The file as text; bytes that are not UTF-8 become U+FFFD and are reported.
pub(super) fn text<'a>(input: &Input<'a>, sink: &mut Sink) -> std::borrow::Cow<'a, str> {
    let bytes = without_mark(input.bytes);
    let text = String::from_utf8_lossy(bytes);
    if matches!(text, std::borrow::Cow::Owned(_)) {
        sink.damage("the text is not UTF-8; what is not was replaced");
    }
    text
}

/// The file as JSON, as far as it can be read. Depth is bounded by the reader.
pub(super) fn json(input: &Input<'_>, sink: &mut Sink) -> Option<Value> {
    json_of(input.bytes, sink)
}

/// The same of bytes.
pub(super) fn json_of(bytes: &[u8], sink: &mut Sink) -> Option<Value> {
    let bytes = without_mark(bytes);
    if is_blank(bytes) {
        sink.damage("the file is empty");
        return None;
    }
    let read = partial::read(bytes);
    structure(read, sink)
}

/// The same for documents whose keys matter only at the outermost level, and there only those named: scripts and settings
/// of packages stand twice in real ones.
pub(super) fn json_with_keys(bytes: &[u8], matter: &[&str], sink: &mut Sink) -> Option<Value> {
    let mut read = partial::read(without_mark(bytes));
    read.twice_outermost.retain(|key| matter.contains(&key.as_str()));
    read.twice = (read.twice_outermost.len(), read.twice_outermost.first().cloned());
    structure(read, sink)
}

fn structure(read: partial::Partial, sink: &mut Sink) -> Option<Value> {
    if let Some(fault) = &read.fault {
        sink.damage(format!("not readable as JSON: {fault}; what follows was not read"));
    }
    if let (count @ 1.., Some(first)) = &read.twice {
        sink.damage(format!(
            "{count} keys stand twice in one object, first `{}`; the last one counts here, other readers take the first",
            shown(first)
        ));
    }
    if !matches!(read.value, Value::Object(_) | Value::Array(_)) {
        if read.fault.is_none() {
            sink.damage("it is neither a JSON object nor an array");
        }
        return None;
    }
    Some(read.value)
}

/// The file as TOML; where the whole cannot be read, those of its tables that can.
pub(super) fn toml(input: &Input<'_>, sink: &mut Sink) -> Option<Value> {
    let text = lock_text(input, sink);
    if text.trim().is_empty() {
        return None;
    }
    match toml::from_str(&text) {
        Ok(value) => Some(value),
        Err(error) => {
            sink.damage(format!("not readable as TOML: {}; only tables that are whole were read", error.message()));
            Some(Value::Object(tables(&text)))
        }
    }
}

/// Tables of a text, each parsed alone: a fault in one leaves the others.
fn tables(text: &str) -> Map<String, Value> {
    let mut starts: Vec<usize> = Vec::new();
    let (mut at, mut header) = (0, "");
    for line in text.split_inclusive('\n') {
        let name = line.trim().strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]"));
        let belongs = |name: &str| name.strip_prefix(header).is_some_and(|rest| rest.starts_with('.'));
        if let Some(name) = name.filter(|name| header.is_empty() || !belongs(name)) {
            starts.push(at);
            header = name;
        }
        at += line.len();
    }
    let mut whole = Map::new();
    let mut from = 0;
    for to in starts.into_iter().chain([text.len()]) {
        let table = text.get(from..to).unwrap_or_default();
        if let Ok(Value::Object(table)) = toml::from_str(table) {
            merge(&mut whole, table);
        }
        from = to;
    }
    whole
}

fn merge(whole: &mut Map<String, Value>, part: Map<String, Value>) {
    for (key, value) in part {
        match (whole.get_mut(&key), value) {
            (Some(Value::Object(known)), Value::Object(more)) => merge(known, more),
            (Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
            (Some(_), _) => {}
            (None, value) => drop(whole.insert(key, value)),
        }
    }
}

/// The file as YAML, within the budget of the reader; where the whole cannot be read, what stands before the fault.
pub(super) fn yaml(input: &Input<'_>, sink: &mut Sink) -> Option<Value> {
    let text = lock_text(input, sink);
    if text.trim().is_empty() {
        return None;
    }
    let fault = match yaml_of(&text, serde_saphyr::DuplicateKeyPolicy::Error) {
        Ok(value) => return structured(value, sink),
        Err(error) => error,
    };
    if let Ok(value) = yaml_of(&text, serde_saphyr::DuplicateKeyPolicy::LastWins) {
        sink.damage(format!("keys stand twice in one mapping; the last one counts here: {}", one_line(&fault)));
        return structured(value, sink);
    }
    sink.damage(format!("not readable as YAML: {}; what follows was not read", one_line(&fault)));
    let line = fault.location().map_or(0, |location| location.line());
    let mut kept: Vec<&str> = text.lines().take(usize::try_from(line).unwrap_or(0).saturating_sub(1)).collect();
    // The entry that the fault stands in goes with it.
    for _ in 0..SALVAGE_TRIES {
        while kept.pop().is_some_and(|line| line.starts_with("    ")) {}
        if let Ok(value @ Value::Object(_)) = yaml_of(&kept.join("\n"), serde_saphyr::DuplicateKeyPolicy::LastWins) {
            return Some(value);
        }
    }
    None
}

fn yaml_of(text: &str, duplicate_keys: serde_saphyr::DuplicateKeyPolicy) -> Result<Value, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        duplicate_keys: duplicate_keys,
        budget: serde_saphyr::budget! { max_events: YAML_EVENTS_MAX, max_nodes: YAML_EVENTS_MAX },
    };
    serde_saphyr::from_str_with_options(text, options)
}

fn one_line(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    shown(text.lines().next().unwrap_or_default())
}

fn structured(value: Value, sink: &mut Sink) -> Option<Value> {
    if matches!(value, Value::Object(_) | Value::Array(_)) {
        return Some(value);
    }
    sink.damage("it is neither a mapping nor a list");
    None
}

/// A member that is text; empty when it is missing or something else.
pub(super) fn member<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The entries of a member that is an object, where it is there; anything else in its place is damage.
pub(super) fn entries<'a>(
    value: &'a Value,
    key: &str,
    sink: &mut Sink,
) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    let member = value.get(key).filter(|member| !member.is_null());
    if member.is_some_and(|member| !member.is_object()) {
        sink.damage(format!("`{key}` is not an object and was not read"));
    }
    member.and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

/// The elements of a member that is an array, where it is there; anything else in its place is damage.
pub(super) fn elements<'a>(value: &'a Value, key: &str, sink: &mut Sink) -> impl Iterator<Item = &'a Value> + use<'a> {
    let member = value.get(key).filter(|member| !member.is_null());
    if member.is_some_and(|member| !member.is_array()) {
        sink.damage(format!("`{key}` is not a list and was not read"));
    }
    member.and_then(Value::as_array).into_iter().flatten()
}

/// The texts of an array that is a detail.
pub(super) fn texts<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    value.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The keys of an object that is a detail.
pub(super) fn keys<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    value.get(key).and_then(Value::as_object).into_iter().flat_map(Map::keys).map(String::as_str)
}

/// Where none of the members is there, the file is cut off or something else than its name says.
pub(super) fn needs_one_of(value: &Value, keys: &[&str], sink: &mut Sink) {
    if !keys.iter().any(|key| value.get(key).is_some()) {
        let names = keys.join("`, `");
        sink.damage(format!("it has none of `{names}`: it is cut off, or another format than its name says"));
    }
}

/// Tells of a format whose version is none of those that are known: `known` holds whole versions, or their beginnings
/// up to a dot. What is known of the shape is read all the same.
pub(super) fn check_version(written: Option<&Value>, known: &[&str], sink: &mut Sink) {
    let version = match written {
        None | Some(Value::Null) => return sink.damage("it tells no version of its format"),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let fits = |known: &str| version.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    if !known.iter().any(|known| fits(known)) {
        sink.damage(format!("version {} of the format is not known; packages may be missing", shown(&version)));
    }
}

/// Tells that the versions of what a project asks for stand here.
pub(super) fn locks(kind: Kind, sink: &mut Sink) {
    sink.facts.push(Fact::Project(Project::Locks(kind)));
}

/// A package with its need; without a name or a version there is none, which is damage.
pub(super) fn found(sink: &mut Sink, kind: Kind, name: &str, version: &str, need: Need) {
    if let Some(mut package) = named(sink, kind, name, version) {
        package.need = need;
        sink.package(package);
    }
}

/// The same for who has more to say of the package.
pub(super) fn named(sink: &mut Sink, kind: Kind, name: &str, version: &str) -> Option<Package> {
    let (name, version) = (name.trim(), version.trim());
    if name.is_empty() {
        sink.damage("an entry has no name and was left out");
        return None;
    }
    if version.is_empty() {
        sink.damage(format!("{} has no version and was left out", shown(name)));
        return None;
    }
    Some(Package::new(kind, name, version))
}

/// A text of others, short and on one line.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(SHOWN_CHARS).collect();
    short.escape_debug().to_string()
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_whitespace)
}

/// Events of one YAML document. The largest lock files of pnpm have 30,000 packages of some 40 events.
const YAML_EVENTS_MAX: usize = 4_000_000;

/// How many entries are taken away before what is left must be readable.
const SALVAGE_TRIES: usize = 4;

/// Names of packages are shorter.
const SHOWN_CHARS: usize = 120;
