//! JSON patches (RFC 6902) as the API server applies them, in its words when they do not fit.
//!
//! Two habits of its library are kept: replacing a key that is not there adds it, and indices below zero count
//! from the end.

use super::json::Json;

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Operation {
    pub op: String,
    pub path: String,
    pub from: String,
    pub value: Option<Json>,
}

/// Why a patch was not applied.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refused {
    /// A `test` did not hold, which leaves the object as it is.
    TestFailed,
    /// The patch does not fit the object.
    Failed(String),
}

/// Applies operations one after the other; none if one fails.
pub(crate) fn apply(object: &Json, operations: &[Operation]) -> Result<Json, Refused> {
    let mut doc = object.clone();
    let mut copied = 0usize;
    for operation in operations {
        let path = operation.path.as_str();
        match operation.op.as_str() {
            "add" => {
                let (container, key) = find(&mut doc, path).ok_or_else(|| {
                    Refused::Failed(format!("add operation does not apply: doc is missing path: \"{path}\": {MISSING}"))
                })?;
                let value = operation.value.clone().unwrap_or(Json::Null);
                add(container, &key, value)
                    .map_err(|error| Refused::Failed(format!("error in add for path: '{path}': {error}")))?;
            }
            "remove" => {
                let (container, key) = find(&mut doc, path).ok_or_else(|| {
                    Refused::Failed(format!(
                        "remove operation does not apply: doc is missing path: \"{path}\": {MISSING}"
                    ))
                })?;
                remove(container, &key)
                    .map_err(|error| Refused::Failed(format!("error in remove for path: '{path}': {error}")))?;
            }
            "replace" => replace(&mut doc, operation)?,
            "move" => relocate(&mut doc, operation)?,
            "copy" => copy(&mut doc, operation, &mut copied)?,
            "test" => test(&mut doc, operation)?,
            other => return Err(Refused::Failed(format!("Unexpected kind: {other}"))),
        }
    }
    Ok(doc)
}

fn replace(doc: &mut Json, operation: &Operation) -> Result<(), Refused> {
    let path = operation.path.as_str();
    let value = operation.value.clone().unwrap_or(Json::Null);
    if path.is_empty() {
        if !matches!(value, Json::Map(_) | Json::Seq(_)) {
            return Err(Refused::Failed("replace operation value must be object or array: %!w(<nil>)".to_owned()));
        }
        *doc = value;
        return Ok(());
    }
    let (container, key) = find(doc, path).ok_or_else(|| {
        Refused::Failed(format!("replace operation does not apply: doc is missing path: {path}: {MISSING}"))
    })?;
    match container {
        Json::Seq(items) => {
            let place = existing(items.len(), &key).ok().and_then(|index| items.get_mut(index));
            let place = place.ok_or_else(|| {
                Refused::Failed(format!("replace operation does not apply: doc is missing key: {path}: {MISSING}"))
            })?;
            *place = value;
        }
        container => container.set(&key, value),
    }
    Ok(())
}

fn relocate(doc: &mut Json, operation: &Operation) -> Result<(), Refused> {
    let (from, path) = (operation.from.as_str(), operation.path.as_str());
    let (container, key) = find(doc, from).ok_or_else(|| {
        Refused::Failed(format!("move operation does not apply: doc is missing from path: {from}: {MISSING}"))
    })?;
    let failed = |key: &str, error: String| Refused::Failed(format!("error in move for path: '{key}': {error}"));
    let value = get(container, &key).map_err(|error| failed(&key, error))?.cloned();
    remove(container, &key).map_err(|error| failed(&key, error))?;
    let (container, key) = find(doc, path).ok_or_else(|| {
        Refused::Failed(format!("move operation does not apply: doc is missing destination path: {path}: {MISSING}"))
    })?;
    add(container, &key, value.unwrap_or(Json::Null)).map_err(|error| failed(path, error))
}

fn copy(doc: &mut Json, operation: &Operation, copied: &mut usize) -> Result<(), Refused> {
    let (from, path) = (operation.from.as_str(), operation.path.as_str());
    let (container, key) = find(doc, from).ok_or_else(|| {
        Refused::Failed(format!("copy operation does not apply: doc is missing from path: {from}: {MISSING}"))
    })?;
    let value = get(container, &key)
        .map_err(|error| Refused::Failed(format!("error in copy for from: '{from}': {error}")))?
        .cloned()
        .unwrap_or(Json::Null);
    *copied = copied.saturating_add(nodes(&value));
    if *copied > COPIED_NODES_MAX {
        return Err(Refused::Failed("copies of a JSON patch make more values than the limit allows".to_owned()));
    }
    let (container, key) = find(doc, path).ok_or_else(|| {
        Refused::Failed(format!("copy operation does not apply: doc is missing destination path: {path}: {MISSING}"))
    })?;
    add(container, &key, value)
        .map_err(|error| Refused::Failed(format!("error while adding value during copy: {error}")))
}

fn test(doc: &mut Json, operation: &Operation) -> Result<(), Refused> {
    let path = operation.path.as_str();
    let wanted = operation.value.as_ref().unwrap_or(&Json::Null);
    if path.is_empty() {
        return if doc.same(wanted) { Ok(()) } else { Err(Refused::TestFailed) };
    }
    let (container, key) = find(doc, path)
        .ok_or_else(|| Refused::Failed(format!("test operation does not apply: is missing path: {path}: {MISSING}")))?;
    let found = get(container, &key)
        .map_err(|error| Refused::Failed(format!("error in test for path: '{path}': {error}")))?
        .unwrap_or(&Json::Null);
    if found.same(wanted) { Ok(()) } else { Err(Refused::TestFailed) }
}

/// The container that holds the last part of a path, and that part.
fn find<'j>(doc: &'j mut Json, path: &str) -> Option<(&'j mut Json, String)> {
    let mut parts: Vec<&str> = path.split('/').collect();
    let key = parts.pop().filter(|_| !parts.is_empty())?;
    let mut at = doc;
    for part in parts.into_iter().skip(1) {
        let part = decode(part);
        at = match at {
            Json::Map(entries) => entries.iter_mut().find(|(name, _)| **name == *part).map(|(_, value)| value)?,
            Json::Seq(items) => {
                let index = existing(items.len(), &part).ok()?;
                items.get_mut(index)?
            }
            _ => return None,
        };
    }
    matches!(at, Json::Map(_) | Json::Seq(_)).then(|| (at, decode(key)))
}

fn get<'j>(container: &'j Json, key: &str) -> Result<Option<&'j Json>, String> {
    match container {
        Json::Seq(items) => Ok(items.get(existing(items.len(), key)?)),
        container => Ok(container.get(key)),
    }
}

fn add(container: &mut Json, key: &str, value: Json) -> Result<(), String> {
    let Json::Seq(items) = container else {
        container.set(key, value);
        return Ok(());
    };
    if key == "-" {
        items.push(value);
        return Ok(());
    }
    let number = atoi(key).map_err(|error| format!("value was not a proper array index: '{key}': {error}"))?;
    let length = items.len() as i64 + 1;
    let index = if number < 0 { number + length } else { number };
    if !(0..length).contains(&index) {
        return Err(format!("Unable to access invalid index: {number}: {INVALID_INDEX}"));
    }
    items.insert(index as usize, value);
    Ok(())
}

fn remove(container: &mut Json, key: &str) -> Result<(), String> {
    match container {
        Json::Seq(items) => {
            items.remove(existing(items.len(), key)?);
            Ok(())
        }
        Json::Map(entries) => match entries.iter().position(|(name, _)| **name == *key) {
            Some(index) => {
                entries.remove(index);
                Ok(())
            }
            None => Err(format!("Unable to remove nonexistent key: {key}: {MISSING}")),
        },
        _ => Err(format!("Unable to remove nonexistent key: {key}: {MISSING}")),
    }
}

/// The index of an item that is there.
fn existing(length: usize, key: &str) -> Result<usize, String> {
    let number = atoi(key)?;
    let index = if number < 0 { number + length as i64 } else { number };
    match usize::try_from(index) {
        Ok(index) if index < length => Ok(index),
        _ => Err(format!("Unable to access invalid index: {number}: {INVALID_INDEX}")),
    }
}

fn atoi(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("strconv.Atoi: parsing {}: invalid syntax", super::super::load::quote(text)));
    }
    let range = || format!("strconv.Atoi: parsing {}: value out of range", super::super::load::quote(text));
    text.parse().map_err(|_| range())
}

/// A part of a path without its escapes.
fn decode(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    let mut rest = part;
    while let Some(at) = rest.find('~') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let (char, skip) = match after.as_bytes().get(1) {
            Some(b'1') => ('/', 2),
            Some(b'0') => ('~', 2),
            _ => ('~', 1),
        };
        out.push(char);
        rest = after.get(skip..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

fn nodes(value: &Json) -> usize {
    match value {
        Json::Seq(items) => 1 + items.iter().map(nodes).sum::<usize>(),
        Json::Map(entries) => 1 + entries.iter().map(|(_, value)| nodes(value)).sum::<usize>(),
        _ => 1,
    }
}

/// Values that copies of one patch may make: more than an object within the API server's three megabytes has,
/// far fewer than copies of copies would reach.
const COPIED_NODES_MAX: usize = 1 << 20;

const MISSING: &str = "missing value";
const INVALID_INDEX: &str = "invalid index referenced";

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> Json {
        let list = Json::Seq(vec![Json::Int(1), Json::Int(2)]);
        Json::Map(vec![("a/b".into(), Json::Int(1)), ("list".into(), list)])
    }

    fn run(op: &str, path: &str, from: &str, value: Option<Json>) -> Result<String, Refused> {
        let operation = Operation { op: op.into(), path: path.into(), from: from.into(), value };
        apply(&object(), &[operation]).map(|json| {
            let mut out = String::new();
            json.write(&mut out);
            out
        })
    }

    #[test]
    fn operations_change_the_object() {
        let one = || Some(Json::Int(9));
        assert_eq!(run("add", "/list/-", "", one()).unwrap(), r#"{"a/b":1,"list":[1,2,9]}"#);
        assert_eq!(run("add", "/list/0", "", one()).unwrap(), r#"{"a/b":1,"list":[9,1,2]}"#);
        assert_eq!(run("add", "/list/-1", "", one()).unwrap(), r#"{"a/b":1,"list":[1,2,9]}"#);
        assert_eq!(run("replace", "/a~1b", "", one()).unwrap(), r#"{"a/b":9,"list":[1,2]}"#);
        assert_eq!(run("replace", "/new", "", one()).unwrap(), r#"{"a/b":1,"list":[1,2],"new":9}"#);
        assert_eq!(run("remove", "/list/0", "", None).unwrap(), r#"{"a/b":1,"list":[2]}"#);
        assert_eq!(run("move", "/c", "/a~1b", None).unwrap(), r#"{"list":[1,2],"c":1}"#);
        assert_eq!(run("copy", "/c", "/list", None).unwrap(), r#"{"a/b":1,"list":[1,2],"c":[1,2]}"#);
        assert_eq!(run("test", "/list/1", "", Some(Json::Float(2.0))).unwrap(), r#"{"a/b":1,"list":[1,2]}"#);
        assert_eq!(run("test", "/none", "", None).unwrap(), r#"{"a/b":1,"list":[1,2]}"#);
    }

    #[test]
    fn what_does_not_fit_is_told_in_the_servers_words() {
        let failed = |op, path, from| match run(op, path, from, Some(Json::Null)) {
            Err(Refused::Failed(message)) => message,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            failed("remove", "/x", ""),
            "error in remove for path: '/x': Unable to remove nonexistent key: x: missing value"
        );
        assert_eq!(
            failed("add", "/x/y", ""),
            "add operation does not apply: doc is missing path: \"/x/y\": missing value"
        );
        assert_eq!(
            failed("replace", "/list/7", ""),
            "replace operation does not apply: doc is missing key: /list/7: missing value"
        );
        assert_eq!(
            failed("add", "/list/7", ""),
            "error in add for path: '/list/7': Unable to access invalid index: 7: invalid index referenced"
        );
        assert_eq!(
            failed("move", "/c", "/x"),
            "error in move for path: 'x': Unable to remove nonexistent key: x: missing value"
        );
        assert_eq!(failed("frob", "/c", "/x"), "Unexpected kind: frob");
        assert_eq!(run("test", "/list/1", "", Some(Json::Int(3))), Err(Refused::TestFailed));
    }
}
