//! Typed values at a path of a tree.

use manifest::{Data, Value};

use crate::table::Row;

/// The value at a path such as `spec.containers[0].name`.
pub(crate) fn at<'d>(root: Value<'d>, path: &str) -> Option<Value<'d>> {
    path.split('.').try_fold(root, |value, step| {
        let (key, indices) = step.split_once('[').map_or((step, ""), |(key, rest)| (key, rest));
        let value = value.get(key)?;
        let mut indices = indices.split('[').filter(|index| !index.is_empty());
        indices.try_fold(value, |value, index| value.items().nth(index.trim_end_matches(']').parse().unwrap()))
    })
}

/// Whether a value is what the table expects.
pub(crate) fn agrees(row: &Row, value: Option<Value<'_>>, expected: &str) -> bool {
    let data = value.map_or(&Data::Null, Value::data);
    match (row.kind.as_str(), expected) {
        ("bool" | "json-bool", "refused") => !matches!(data, Data::Bool(_)),
        ("int" | "json-int", "refused") => !matches!(data, Data::Int(_)),
        ("string" | "json-string", "refused") => !matches!(data, Data::Str(_)),
        ("key", key) => {
            value.and_then(|map| map.entries().next()).and_then(|(name, _)| name.as_str()) == text(key).as_deref()
        }
        (_, "absent") => {
            matches!(data, Data::Null | Data::Bool(false))
                || value.is_none_or(|value| value.is_seq() && value.is_empty())
        }
        (_, "true") => *data == Data::Bool(true),
        (_, "false") => *data == Data::Bool(false),
        (_, number) if !number.starts_with('"') => number.parse().is_ok_and(|number: i64| *data == Data::Int(number)),
        (_, "\"\"") if data == &Data::Null => true,
        (_, quoted) => value.and_then(Value::as_str).map(str::to_owned) == text(quoted),
    }
}

/// The text of a JSON string, read by the reader under test.
fn text(quoted: &str) -> Option<String> {
    let mut found = None;
    manifest::documents(&format!("[{quoted}]"), model::FileId(0), |document| {
        found = document.ok().and_then(|tree| Some(tree.root().items().next()?.as_str()?.to_owned()));
    });
    found
}
