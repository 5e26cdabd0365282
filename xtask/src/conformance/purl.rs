//! The test suite of the package URL standard and its types.

use std::path::Path;

use model::purl::{Parts, Purl};
use serde_json::Value;

use super::{Score, Tally};
use crate::files_below;

/// Scores parsing, building and canonical forms. `None` where the suite is not there.
pub(super) fn score(folder: &Path) -> Option<Score> {
    let mut tally = Tally::default();
    for path in files_below(&folder.join("tests"), &[".json"]) {
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let Ok(document) = serde_json::from_slice::<Value>(&bytes) else { continue };
        for (index, case) in document["tests"].as_array().into_iter().flatten().enumerate() {
            let fails = case["expected_failure"].as_bool().unwrap_or(false);
            let actual = run(case);
            let expected = if fails { None } else { Some(&case["expected_output"]) };
            let right = match (&actual, expected) {
                (Ok(actual), Some(expected)) => same(actual, expected),
                (actual, expected) => actual.is_err() == expected.is_none(),
            };
            tally.case(!fails, right != fails, || {
                format!("{}, test {index}: {} gives {actual:?}", path.display(), case["input"])
            });
        }
    }
    (tally.all != [0, 0]).then(|| tally.score("purl", String::new()))
}

fn run(case: &Value) -> Result<Value, String> {
    // What a test recommends is to put right what others wrote.
    let lenient = case["test_group"] != "required";
    let read = |text: &str| if lenient { Purl::parse_lenient(text) } else { Purl::parse(text) };
    match case["test_type"].as_str() {
        Some("build") => {
            let input = &case["input"];
            let text = |key: &str| input[key].as_str().unwrap_or_default();
            let qualifiers: Vec<(&str, &str)> = input["qualifiers"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, value)| (&**key, value.as_str().unwrap_or_default()))
                .collect();
            let parts = Parts {
                kind: text("type"),
                namespace: text("namespace"),
                name: text("name"),
                version: text("version"),
                qualifiers: &qualifiers,
                subpath: text("subpath"),
            };
            Purl::build(parts).map(|purl| purl.to_string().into()).map_err(|error| error.to_string())
        }
        kind => {
            let purl = read(case["input"].as_str().unwrap_or_default()).map_err(|error| error.to_string())?;
            Ok(if kind == Some("parse") { parts(&purl) } else { purl.to_string().into() })
        }
    }
}

fn parts(purl: &Purl) -> Value {
    serde_json::json!({
        "type": &*purl.kind,
        "namespace": &*purl.namespace,
        "name": &*purl.name,
        "version": &*purl.version,
        "qualifiers": purl.qualifiers.iter().map(|(key, value)| (key.to_string(), Value::from(&**value))).collect::<serde_json::Map<_, _>>(),
        "subpath": &*purl.subpath,
    })
}

/// Equal, where nothing, the empty text and the empty object are the same.
fn same(actual: &Value, expected: &Value) -> bool {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            let none = Value::Null;
            actual.keys().chain(expected.keys()).all(|key| {
                let (a, b) = (actual.get(key).unwrap_or(&none), expected.get(key).unwrap_or(&none));
                (empty(a) && empty(b)) || same(a, b)
            })
        }
        (actual, expected) => actual == expected,
    }
}
