//! Merging an apply configuration into an object, as server-side apply merges, and what it refuses.

use super::super::load::quote;
use super::json::Json;
use super::kinds::{Kind, MapKind, Relation, Scalar};

/// Merges a patch into an object; else says why not, in the API server's words.
pub(crate) fn apply(object: &Json, patch: &Json, kind: Kind<'_>) -> Result<Json, String> {
    check(patch, kind, false).map_err(|errors| format!("failed to convert patch object to typed object: {errors}"))?;
    let mut atomic = Vec::new();
    find_atomic(patch, kind, &mut String::new(), &mut atomic);
    if !atomic.is_empty() {
        let paths = atomic.join(", ");
        return Err(format!("invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: {paths}"));
    }
    check(object, kind, true)
        .map_err(|errors| format!("failed to convert original object to typed object: {errors}"))?;
    merge(Some(object), Some(patch), kind)
        .map(|merged| merged.unwrap_or(Json::Null))
        .map_err(|errors| format!("failed to merge patch: {}", shown(&errors)))
}

/// What does not fit the type, each with its path.
fn check(value: &Json, kind: Kind<'_>, allow_duplicates: bool) -> Result<(), String> {
    let mut errors = Vec::new();
    validate(value, kind, allow_duplicates, &mut String::new(), &mut errors);
    if errors.is_empty() { Ok(()) } else { Err(shown(&errors)) }
}

fn shown(errors: &[String]) -> String {
    match errors {
        [only] => only.clone(),
        _ => errors.iter().fold("errors:".to_owned(), |text, error| format!("{text}\n  {error}")),
    }
}

fn validate(value: &Json, kind: Kind<'_>, allow_duplicates: bool, path: &mut String, errors: &mut Vec<String>) {
    let (map, scalar, list) = (kind.map(), kind.scalar(), kind.list());
    match value {
        Json::Null => {}
        Json::Map(entries) if map.is_some() => {
            for (name, child) in entries {
                let length = path.len();
                path.push('.');
                path.push_str(name);
                match map.and_then(|map| map.field(name)) {
                    Some(kind) => validate(child, kind, allow_duplicates, path, errors),
                    None => {
                        errors.push(format!("{path}: field not declared in schema"));
                        path.truncate(length);
                        // The API server stops at the first unknown field of a mapping.
                        return;
                    }
                }
                path.truncate(length);
            }
        }
        Json::Seq(items) if list.is_some() => {
            let Some((relation, item_kind)) = list else { return };
            let mut seen: Vec<Key> = Vec::new();
            for (index, item) in items.iter().enumerate() {
                let key = match key_of(item, &relation, index) {
                    Ok(key) => key,
                    Err(message) => {
                        report(errors, path, format!("element {index}: {message}"));
                        return;
                    }
                };
                let text = key.text();
                if seen.contains(&key) && !allow_duplicates {
                    report(errors, path, format!("duplicate entries for key {text}"));
                }
                seen.push(key);
                let length = path.len();
                path.push_str(&text);
                validate(item, item_kind, allow_duplicates, path, errors);
                path.truncate(length);
            }
        }
        Json::Bool(_) | Json::Int(_) | Json::Float(_) | Json::Str(_) if scalar.is_some() => {
            if let Some(message) = scalar.and_then(|scalar| misfit(value, scalar)) {
                report(errors, path, message);
            }
        }
        // What the type would have taken, in the order in which the API server asks.
        _ if map.is_some() => report(errors, path, format!("expected map, got &{{{}}}", go(value, false))),
        _ => match scalar {
            Some(scalar) => {
                if let Some(message) = misfit(value, scalar) {
                    report(errors, path, message);
                }
            }
            None => report(errors, path, format!("expected list, got &{{{}}}", go(value, false))),
        },
    }
}

fn report(errors: &mut Vec<String>, path: &str, message: String) {
    errors.push(if path.is_empty() { message } else { format!("{path}: {message}") });
}

fn misfit(value: &Json, scalar: Scalar) -> Option<String> {
    match (scalar, value) {
        (_, Json::Null)
        | (Scalar::Numeric, Json::Int(_) | Json::Float(_))
        | (Scalar::String, Json::Str(_))
        | (Scalar::Boolean, Json::Bool(_))
        | (Scalar::Any, Json::Int(_) | Json::Float(_) | Json::Str(_) | Json::Bool(_)) => None,
        (Scalar::Numeric, _) => Some(format!("expected numeric (int or float), got {}", go_type(value))),
        (Scalar::String, _) => {
            Some(format!("expected string, got &value.valueUnstructured{{Value:{}}}", go(value, true)))
        }
        (Scalar::Boolean, _) => Some(format!("expected boolean, got &{{{}}}", go(value, false))),
        (Scalar::Any, _) => Some(format!("expected any scalar, got &{{{}}}", go(value, false))),
    }
}

/// Paths of everything in a patch that would be replaced as a whole.
fn find_atomic(value: &Json, kind: Kind<'_>, path: &mut String, found: &mut Vec<String>) {
    match value {
        Json::Map(entries) => {
            let Some(map) = kind.map() else { return };
            if map.atomic {
                found.push(path.clone());
            }
            // A map without declared fields is not looked into, as in the API server.
            if !map.has_fields() {
                return;
            }
            for (name, child) in entries {
                if let Some(kind) = map.field(name) {
                    let length = path.len();
                    path.push('.');
                    path.push_str(name);
                    find_atomic(child, kind, path, found);
                    path.truncate(length);
                }
            }
        }
        Json::Seq(items) => {
            let Some((relation, item_kind)) = kind.list() else { return };
            if relation == Relation::Atomic {
                found.push(path.clone());
            }
            for (index, item) in items.iter().enumerate() {
                let length = path.len();
                path.push_str(&format!("[{index}]"));
                find_atomic(item, item_kind, path, found);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

/// `None` where nothing is left, as for two mappings of nothing but absent values.
fn merge(object: Option<&Json>, patch: Option<&Json>, kind: Kind<'_>) -> Result<Option<Json>, Vec<String>> {
    let keep = || Ok(patch.or(object).cloned());
    let Some(shape) = patch.or(object) else { return Ok(None) };
    // A null patch takes the form of what it meets.
    let shape = if matches!(shape, Json::Null) { object.unwrap_or(shape) } else { shape };
    match shape {
        Json::Map(_) => {
            let Some(map) = kind.map() else { return keep() };
            let (mine, theirs) = (entries(object), entries(patch));
            if map.atomic || (mine.is_empty() && theirs.is_empty()) {
                return keep();
            }
            merge_maps(mine, theirs, map).map(Some)
        }
        Json::Seq(_) => {
            let Some((relation, item_kind)) = kind.list() else { return keep() };
            let (mine, theirs) = (items(object), items(patch));
            if relation == Relation::Atomic || (mine.is_empty() && theirs.is_empty()) {
                return keep();
            }
            merge_lists(mine, theirs, &relation, item_kind).map(Some)
        }
        _ => keep(),
    }
}

fn merge_maps(mine: &[(Box<str>, Json)], theirs: &[(Box<str>, Json)], map: MapKind<'_>) -> Result<Json, Vec<String>> {
    let mut out = Vec::with_capacity(mine.len() + theirs.len());
    let find = |list: &'_ [(Box<str>, Json)], name: &str| list.iter().position(|(own, _)| **own == *name);
    for (name, value) in mine {
        let other = find(theirs, name).and_then(|at| theirs.get(at)).map(|(_, value)| value);
        let kind = map.field(name).unwrap_or(Kind::Unknown);
        if let Some(merged) = merge(Some(value), other, kind)? {
            out.push((name.clone(), merged));
        }
    }
    for (name, value) in theirs {
        if find(mine, name).is_none() {
            let kind = map.field(name).unwrap_or(Kind::Unknown);
            if let Some(merged) = merge(None, Some(value), kind)? {
                out.push((name.clone(), merged));
            }
        }
    }
    Ok(Json::Map(out))
}

/// Items in the order of the patch, and between them those of the object where they stood.
fn merge_lists(mine: &[Json], theirs: &[Json], relation: &Relation, kind: Kind<'_>) -> Result<Json, Vec<String>> {
    let keys = |list: &[Json]| -> Result<Vec<Key>, Vec<String>> {
        let key =
            |(index, item)| key_of(item, relation, index).map_err(|error| vec![format!("element {index}: {error}")]);
        list.iter().enumerate().map(key).collect()
    };
    let (my_keys, their_keys) = (keys(mine)?, keys(theirs)?);
    let mut shared: std::collections::VecDeque<&Key> = their_keys.iter().filter(|key| my_keys.contains(key)).collect();
    let mut next = shared.pop_front();
    // An item that the object has twice is replaced, not merged.
    let own = |key: &Key| {
        let mut found = my_keys.iter().zip(mine).filter(|(own, _)| *own == key).map(|(_, item)| item);
        let first = found.next();
        if found.next().is_some() { None } else { first }
    };
    let mut merged: Vec<&Key> = Vec::new();
    let mut out = Vec::with_capacity(mine.len() + theirs.len());
    let (mut left, mut right) = (0, 0);
    while left < mine.len() || right < theirs.len() {
        if let (Some(key), Some(other)) = (my_keys.get(left), their_keys.get(right)) {
            if key == other {
                merged.push(other);
                out.extend(merge(own(key), theirs.get(right), kind)?);
                (left, right) = (left + 1, right + 1);
                next = shared.pop_front();
                continue;
            }
            if their_keys.contains(key) && next.is_some_and(|next| next != key) {
                left += 1;
                continue;
            }
        }
        if let Some(key) = my_keys.get(left) {
            if !their_keys.contains(key) {
                out.extend(merge(mine.get(left), None, kind)?);
                left += 1;
                continue;
            }
            if merged.contains(&key) {
                left += 1;
            }
        }
        if let Some(key) = their_keys.get(right) {
            merged.push(key);
            out.extend(merge(own(key), theirs.get(right), kind)?);
            right += 1;
            if next.is_some_and(|next| next == key) {
                next = shared.pop_front();
            }
        }
    }
    Ok(Json::Seq(out))
}

fn entries(value: Option<&Json>) -> &[(Box<str>, Json)] {
    if let Some(Json::Map(entries)) = value { entries } else { &[] }
}

fn items(value: Option<&Json>) -> &[Json] {
    if let Some(Json::Seq(items)) = value { items } else { &[] }
}

/// What tells an item of a list from others.
#[derive(Clone, Debug, PartialEq)]
enum Key {
    Index(usize),
    Value(Json),
    Fields(Vec<(String, Json)>),
}

impl Key {
    /// As in paths of error messages.
    fn text(&self) -> String {
        match self {
            Key::Index(index) => format!("[{index}]"),
            Key::Value(value) => format!("[={}]", scalar_text(value)),
            Key::Fields(fields) => {
                let parts: Vec<String> =
                    fields.iter().map(|(name, value)| format!("{name}={}", scalar_text(value))).collect();
                format!("[{}]", parts.join(","))
            }
        }
    }
}

fn key_of(item: &Json, relation: &Relation, index: usize) -> Result<Key, String> {
    match relation {
        Relation::Atomic => Ok(Key::Index(index)),
        Relation::Set => match item {
            Json::Map(_) => Err("associative list without keys has an element that's a map type".to_owned()),
            Json::Seq(_) => Err("not supported: associative list with lists as elements".to_owned()),
            Json::Null => Err("associative list without keys has an element that's an explicit null".to_owned()),
            value => Ok(Key::Value(value.clone())),
        },
        Relation::Keyed(keys) => {
            match item {
                Json::Map(_) => {}
                Json::Null => return Err("associative list with keys may not have a null element".to_owned()),
                _ => return Err("associative list with keys may not have non-map elements".to_owned()),
            }
            let mut fields = Vec::with_capacity(keys.len());
            for (name, default) in keys {
                if let Some(value) = item.get(name).or(default.as_ref()) {
                    fields.push((name.clone(), value.clone()));
                }
            }
            if fields.is_empty() {
                let names: Vec<String> = keys.iter().map(|(name, _)| quote(name)).collect();
                return Err(format!(
                    "associative list with keys has an element that omits all key fields [{}] (and doesn't have \
                     default values for any key fields)",
                    names.join(" ")
                ));
            }
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Ok(Key::Fields(fields))
        }
    }
}

fn scalar_text(value: &Json) -> String {
    match value {
        Json::Str(text) => quote(text),
        other => go(other, false),
    }
}

/// A value as Go prints it, `%v` or `%#v`.
fn go(value: &Json, syntax: bool) -> String {
    match value {
        Json::Null => "<nil>".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Int(value) => value.to_string(),
        Json::Float(value) => cel::value::go_double(*value),
        Json::Str(text) if syntax => quote(text),
        Json::Str(text) => text.to_string(),
        Json::Seq(items) => {
            let parts: Vec<String> = items.iter().map(|item| go(item, syntax)).collect();
            if syntax { format!("[]interface {{}}{{{}}}", parts.join(", ")) } else { format!("[{}]", parts.join(" ")) }
        }
        Json::Map(entries) => {
            let mut sorted: Vec<&(Box<str>, Json)> = entries.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            let part = |(key, value): &(Box<str>, Json)| {
                if syntax {
                    format!("{}:{}", quote(key), go(value, true))
                } else {
                    format!("{key}:{}", go(value, false))
                }
            };
            let parts: Vec<String> = sorted.into_iter().map(part).collect();
            if syntax {
                format!("map[string]interface {{}}{{{}}}", parts.join(", "))
            } else {
                format!("map[{}]", parts.join(" "))
            }
        }
    }
}

fn go_type(value: &Json) -> &'static str {
    match value {
        Json::Null => "<nil>",
        Json::Bool(_) => "bool",
        Json::Int(_) => "int64",
        Json::Float(_) => "float64",
        Json::Str(_) => "string",
        Json::Seq(_) => "[]interface {}",
        Json::Map(_) => "map[string]interface {}",
    }
}
