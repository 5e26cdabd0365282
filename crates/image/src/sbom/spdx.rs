//! SPDX 2.3 in JSON and as tags and values, SPDX 3.0.1 in JSON-LD: writing and reading.

mod graph;
mod read_graph;
mod read_two;
mod tag_value;
mod two;

use model::Purl;
use serde_json::{Value, json};

use super::bill::{Bill, Subject, SubjectKind};
use super::{Options, license};

pub use graph::write as write_json_ld;
pub(super) use read_graph::read as read_graph;
pub(super) use read_two::read as read_two;
pub(super) use tag_value::read as read_tag_value;

/// SPDX 2.3 in JSON, ending with a line feed. The same bill and options give the same bytes.
pub fn write_json(bill: &Bill, options: &Options<'_>) -> String {
    super::pretty(&two::document(bill, options))
}

/// SPDX 2.3 as tags and values.
pub fn write_tag_value(bill: &Bill, options: &Options<'_>) -> String {
    tag_value::write(&two::document(bill, options))
}

/// What a document describes. The version of an image may stand for its digest.
fn subject(kind: SubjectKind, name: &str, version: &str, purl: Option<&Purl>) -> Subject {
    let qualifier = |key| purl.and_then(|purl| purl.qualifier(key)).unwrap_or_default();
    let digest = [version, purl.map_or("", |purl| &purl.version)].into_iter().find_map(|text| text.parse().ok());
    Subject {
        kind,
        name: name.into(),
        version: if digest.is_some() { qualifier("tag").into() } else { version.into() },
        digest,
        arch: qualifier("arch").into(),
        layers: Vec::new(),
    }
}

/// The licenses of a package as one expression, and the words of those that SPDX does not list.
fn declared(licenses: &[Box<str>]) -> (Option<String>, Vec<(String, String)>) {
    let expression = license::expression(licenses);
    let mut others = Vec::new();
    for text in licenses {
        match license::license(text) {
            license::License::Words(words) if !words.is_empty() => {
                others.push((license::reference(words), words.to_owned()));
            }
            license::License::Expression(expression) => {
                let words = expression.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')'));
                let references = words.filter(|word| word.starts_with("LicenseRef-"));
                others.extend(references.map(|word| (word.to_owned(), word.to_owned())));
            }
            _ => {}
        }
    }
    (expression, others)
}

/// Where a package was found, in words that [`places`] reads again.
fn found_in(places: &[model::package::Place]) -> String {
    let words = places.iter().filter(|place| !place.path.is_empty()).map(|place| match place.layer {
        Some(layer) => format!("{} (layer {layer})", place.path),
        None => place.path.to_string(),
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() { String::new() } else { format!("{FOUND_IN}{}", words.join("; ")) }
}

fn places(text: &str) -> Vec<model::package::Place> {
    let Some(list) = text.strip_prefix(FOUND_IN) else { return Vec::new() };
    let place = |word: &str| match word.strip_suffix(')').and_then(|word| word.rsplit_once(" (layer ")) {
        Some((path, layer)) if layer.parse::<u32>().is_ok() => {
            model::package::Place { path: path.into(), layer: layer.parse().ok(), line: 0 }
        }
        _ => model::package::Place::file(word),
    };
    list.split("; ").map(place).collect()
}

/// A reference that SPDX allows: letters, digits, `.` and `-`, told apart by the hash of the whole name.
fn reference(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let words: String = name.trim_start_matches("pkg:").chars().take(REFERENCE_CHARS_MAX).map(plain).collect();
    format!("{}-{}", words.trim_matches('-'), super::identity::short(name))
}

fn set(target: &mut Value, key: &str, value: &str) {
    if !value.is_empty() {
        target[key] = value.into();
    }
}

/// A name for the document: that of its subject.
fn document_name(bill: &Bill) -> String {
    let name = if bill.subject.name.is_empty() { "unknown" } else { &bill.subject.name };
    match &bill.subject.digest {
        Some(digest) => format!("{name}@{digest}"),
        None => name.to_owned(),
    }
}

fn purl_reference(category: &str, kind: &str, locator: &str) -> Value {
    json!({"referenceCategory": category, "referenceType": kind, "referenceLocator": locator})
}

const FOUND_IN: &str = "found in: ";
/// Characters of a name that a reference keeps to be readable.
const REFERENCE_CHARS_MAX: usize = 60;
/// The time of documents that must have one and were told none.
const NO_TIME: &str = "1970-01-01T00:00:00Z";
