//! Parameters of constraints against the schema in their template, as the API server checks and completes a
//! custom resource.

use manifest::build::Draft;
use manifest::{Data, Value};

use super::report::{join, shape};

/// Something wrong with a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Breach {
    /// Path of the value.
    pub(super) field: String,
    /// What is wrong.
    pub(super) message: String,
    /// Whether it is a field that the schema does not have, rather than a value that it does not allow.
    pub(super) unknown: bool,
}

/// Checks a value. `lenient` schemas are those of older templates, in which unknown fields are kept.
pub(super) fn validate(schema: Value<'_>, value: Value<'_>, path: &str, lenient: bool, out: &mut Vec<Breach>) {
    if out.len() >= BREACHES_MAX {
        return;
    }
    if value.is_null() && (schema.bool_at("nullable") == Some(true) || lenient) {
        return;
    }
    if let Some(message) = wrong_type(schema, value) {
        out.push(Breach { field: path.to_owned(), message, unknown: false });
        return;
    }
    scalar(schema, value, path, out);
    combined(schema, value, path, out);
    match value.data() {
        Data::Map(_) => object(schema, value, path, lenient, out),
        Data::Seq(_) => array(schema, value, path, lenient, out),
        _ => {}
    }
}

fn wrong_type(schema: Value<'_>, value: Value<'_>) -> Option<String> {
    if schema.bool_at("x-kubernetes-int-or-string") == Some(true) {
        let fits = matches!(value.data(), Data::Int(_) | Data::Str(_));
        return (!fits).then(|| format!("must be of type integer or string, found {}", shape(value)));
    }
    let wanted = schema.str_at("type")?;
    let fits = match value.data() {
        Data::Null => false,
        Data::Bool(_) => wanted == "boolean",
        Data::Int(_) => matches!(wanted, "integer" | "number"),
        Data::Float(number) => wanted == "number" || (wanted == "integer" && number.fract() == 0.0),
        Data::Str(_) => wanted == "string",
        Data::Seq(_) => wanted == "array",
        Data::Map(_) => wanted == "object",
    };
    (!fits).then(|| format!("must be of type {wanted}, found {}", shape(value)))
}

fn scalar(schema: Value<'_>, value: Value<'_>, path: &str, out: &mut Vec<Breach>) {
    let mut fail = |message: String| out.push(Breach { field: path.to_owned(), message, unknown: false });
    if let Some(list) = schema.get("enum")
        && !list.items().any(|allowed| equal(allowed, value))
    {
        fail(format!("must be one of {list:?}"));
    }
    if let Some(text) = value.as_str() {
        let length = text.chars().count() as i64;
        if schema.i64_at("maxLength").is_some_and(|max| length > max) {
            fail("is longer than maxLength".to_owned());
        }
        if schema.i64_at("minLength").is_some_and(|min| length < min) {
            fail("is shorter than minLength".to_owned());
        }
        if let Some(pattern) = schema.str_at("pattern") {
            match regex::RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build() {
                Ok(regex) if regex.is_match(text) => {}
                Ok(_) => fail(format!("must match the pattern {pattern}")),
                Err(_) => fail(format!("cannot be checked: {pattern} is no regular expression")),
            }
        }
    }
    if let Some(number) = number(value) {
        let bound = |key| schema.get(key).and_then(self::number);
        let exclusive = |key| schema.bool_at(key) == Some(true);
        if bound("maximum").is_some_and(|max| number > max || (number == max && exclusive("exclusiveMaximum"))) {
            fail("is above the maximum".to_owned());
        }
        if bound("minimum").is_some_and(|min| number < min || (number == min && exclusive("exclusiveMinimum"))) {
            fail("is below the minimum".to_owned());
        }
        if bound("multipleOf").is_some_and(|step| step != 0.0 && (number / step).fract() != 0.0) {
            fail("is no multiple of multipleOf".to_owned());
        }
    }
}

/// `allOf`, `anyOf`, `oneOf` and `not`. They describe values that the schema beside them already has, so unknown
/// fields do not count.
fn combined(schema: Value<'_>, value: Value<'_>, path: &str, out: &mut Vec<Breach>) {
    let fits = |schema| {
        let mut breaches = Vec::new();
        validate(schema, value, path, true, &mut breaches);
        breaches.iter().all(|breach| breach.unknown)
    };
    let mut fail = |message: &str| {
        out.push(Breach { field: path.to_owned(), message: message.to_owned(), unknown: false });
    };
    if !schema.list("allOf").all(fits) {
        fail("must validate all the schemas (allOf)");
    }
    if schema.get("anyOf").is_some() && !schema.list("anyOf").any(fits) {
        fail("must validate at least one schema (anyOf)");
    }
    if schema.get("oneOf").is_some() && schema.list("oneOf").filter(|schema| fits(*schema)).count() != 1 {
        fail("must validate one and only one schema (oneOf)");
    }
    if schema.get("not").is_some_and(fits) {
        fail("must not validate the schema (not)");
    }
}

fn object(schema: Value<'_>, value: Value<'_>, path: &str, lenient: bool, out: &mut Vec<Breach>) {
    for required in schema.list("required").filter_map(Value::as_str) {
        if value.entry(required).is_none() {
            let message = "is required".to_owned();
            out.push(Breach { field: join(path, required), message, unknown: false });
        }
    }
    let count = value.len() as i64;
    if schema.i64_at("maxProperties").is_some_and(|max| count > max)
        || schema.i64_at("minProperties").is_some_and(|min| count < min)
    {
        let message = "has too many or too few properties".to_owned();
        out.push(Breach { field: path.to_owned(), message, unknown: false });
    }
    let properties = schema.get("properties");
    let others = schema.get("additionalProperties");
    let open = lenient || schema.bool_at("x-kubernetes-preserve-unknown-fields") == Some(true);
    for (key, value) in value.entries() {
        let name = key.as_str().unwrap_or("");
        let field = join(path, name);
        match properties.and_then(|properties| properties.get(name)) {
            Some(schema) => validate(schema, value, &field, lenient, out),
            None => match others {
                Some(others) if others.is_map() => validate(others, value, &field, lenient, out),
                Some(others) if others.as_bool() == Some(true) => {}
                _ if open => {}
                _ => out.push(Breach { field, message: "unknown field".to_owned(), unknown: true }),
            },
        }
    }
}

fn array(schema: Value<'_>, value: Value<'_>, path: &str, lenient: bool, out: &mut Vec<Breach>) {
    let count = value.len() as i64;
    if schema.i64_at("maxItems").is_some_and(|max| count > max)
        || schema.i64_at("minItems").is_some_and(|min| count < min)
    {
        out.push(Breach {
            field: path.to_owned(),
            message: "has too many or too few items".to_owned(),
            unknown: false,
        });
    }
    if schema.bool_at("uniqueItems") == Some(true) || schema.str_at("x-kubernetes-list-type") == Some("set") {
        let items: Vec<_> = value.items().take(UNIQUE_ITEMS_MAX).collect();
        let twice = items.iter().enumerate().any(|(at, item)| items.iter().take(at).any(|other| equal(*other, *item)));
        if twice {
            out.push(Breach { field: path.to_owned(), message: "has an item twice".to_owned(), unknown: false });
        }
    }
    let Some(schema) = schema.get("items").filter(|items| items.is_map()) else { return };
    for (index, item) in value.items().enumerate() {
        validate(schema, item, &format!("{path}[{index}]"), lenient, out);
    }
}

/// Puts defaults where fields are missing, also in lists and in defaults themselves.
pub(super) fn complete<'d>(schema: Value<'d>, draft: &mut Draft<'d>) {
    if let Some(properties) = schema.get("properties") {
        for (key, schema) in properties.entries() {
            let name = key.as_str().unwrap_or("");
            let nullable = schema.bool_at("nullable") == Some(true);
            if draft.entries_mut().is_none() {
                break;
            }
            if !draft.has(name)
                && (!nullable || draft.get_mut(name).is_none())
                && let Some((_, default)) = schema.entry("default")
            {
                draft.put(name, Draft::from(default));
            }
            if let Some(value) = draft.get_mut(name) {
                complete(schema, value);
            }
        }
    }
    if let Some(others) = schema.get("additionalProperties").filter(|others| others.is_map())
        && let Some(entries) = draft.entries_mut()
    {
        let own = schema.get("properties");
        for (key, value) in entries.iter_mut() {
            if own.is_none_or(|own| own.entry(key).is_none()) {
                complete(others, value);
            }
        }
    }
    if let Some(items) = schema.get("items").filter(|items| items.is_map())
        && let Some(list) = draft.items_mut()
    {
        for item in list.iter_mut() {
            complete(items, item);
        }
    }
}

fn number(value: Value<'_>) -> Option<f64> {
    match value.data() {
        Data::Int(value) => Some(*value as f64),
        Data::Float(value) => Some(*value),
        _ => None,
    }
}

/// Equality of JSON values: numbers by value, keys in any order.
fn equal(a: Value<'_>, b: Value<'_>) -> bool {
    match (a.data(), b.data()) {
        (Data::Map(_), Data::Map(_)) => {
            a.len() == b.len()
                && a.entries().all(|(key, value)| {
                    let other = key.as_str().and_then(|key| b.entry(key));
                    other.is_some_and(|(_, other)| equal(value, other))
                })
        }
        (Data::Seq(_), Data::Seq(_)) => a.len() == b.len() && a.items().zip(b.items()).all(|(a, b)| equal(a, b)),
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => a == b,
            _ => a.data() == b.data(),
        },
    }
}

/// More breaches of one object than anyone reads.
const BREACHES_MAX: usize = 50;

/// Memory of a compiled pattern. Patterns in real schemas need a few kilobytes.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Items that are compared with each other; a list of parameters is far shorter, and the cost is quadratic.
const UNIQUE_ITEMS_MAX: usize = 1_000;
