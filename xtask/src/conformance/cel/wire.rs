//! Values and types in the JSON form of CEL's protobuf messages.

use std::sync::Arc;

use cel::value::{Entries, Str};
use cel::{Context, Env, Fault, Overload, Type, Value};
use serde_json::Value as Json;

/// Whether a value is the expected one, with its type.
pub(super) fn matches(value: &Value<'_>, expect: &Json) -> bool {
    let Some((kind, json)) = only_field(expect) else { return false };
    match (kind, value) {
        ("nullValue", Value::Null) => true,
        ("boolValue", Value::Bool(value)) => json.as_bool() == Some(*value),
        ("int64Value", Value::Int(value)) => int(json) == Some(*value),
        ("uint64Value", Value::Uint(value)) => uint(json) == Some(*value),
        ("doubleValue", Value::Double(value)) => {
            double(json).is_some_and(|expect| expect == *value || expect.is_nan() && value.is_nan())
        }
        ("stringValue", Value::Str(value)) => json.as_str() == Some(value.as_str()),
        ("bytesValue", Value::Bytes(value)) => bytes(json).is_some_and(|expect| expect == **value),
        ("typeValue", Value::Type(of)) => json.as_str() == Some(of.name()),
        ("listValue", Value::List(list)) => {
            let expect = items(json, "values");
            expect.len() == list.len() && list.iter().zip(expect).all(|(value, expect)| matches(&value, expect))
        }
        ("mapValue", Value::Map(map)) => {
            let expect = items(json, "entries");
            expect.len() == map.len()
                && map.iter().all(|(key, value)| {
                    expect.iter().any(|entry| matches(&key, &entry["key"]) && matches(&value, &entry["value"]))
                })
        }
        ("objectValue", Value::Duration(_) | Value::Timestamp(_)) => {
            parse_value(expect).is_some_and(|expect| expect.equals(value))
        }
        _ => false,
    }
}

/// Reads a value.
pub(super) fn parse_value(json: &Json) -> Option<Value<'static>> {
    let (kind, json) = only_field(json)?;
    Some(match kind {
        "nullValue" => Value::Null,
        "boolValue" => Value::Bool(json.as_bool()?),
        "int64Value" => Value::Int(int(json)?),
        "uint64Value" => Value::Uint(uint(json)?),
        "doubleValue" => Value::Double(double(json)?),
        "stringValue" => Value::Str(Str::Shared(json.as_str()?.into())),
        "bytesValue" => Value::Bytes(bytes(json)?.into()),
        "typeValue" => Value::Type(Arc::new(Type::standard(json.as_str()?)?)),
        "listValue" => Value::list(items(json, "values").iter().map(parse_value).collect::<Option<Vec<_>>>()?),
        "mapValue" => {
            let mut entries = Entries::default();
            for entry in items(json, "entries") {
                entries.insert(parse_value(&entry["key"])?, parse_value(&entry["value"])?).ok()?;
            }
            Value::map(entries)
        }
        // Durations and timestamps are read by CEL's own conversions.
        "objectValue" => convert(json["@type"].as_str()?, json["value"].as_str()?)?,
        _ => return None,
    })
}

fn convert(of: &str, text: &str) -> Option<Value<'static>> {
    let (name, id) = match of.rsplit('/').next()? {
        "google.protobuf.Duration" => ("duration", "string_to_duration"),
        "google.protobuf.Timestamp" => ("timestamp", "string_to_timestamp"),
        _ => return None,
    };
    let env = cel::library::conformance();
    let overload = env.functions.get(name)?.overloads.iter().find(|overload| overload.id == id)?;
    let text: Value<'static> = Value::string(text);
    (overload.run)(&mut Context::new(cel::context::BUDGET_DEFAULT), &[text]).ok()
}

/// Reads a type.
pub(super) fn parse_type(json: &Json) -> Option<Type> {
    let (kind, json) = only_field(json)?;
    Some(match kind {
        "dyn" => Type::Dyn,
        "null" => Type::Null,
        "primitive" => primitive(json.as_str()?)?,
        "wrapper" => Type::Wrapper(Arc::new(primitive(json.as_str()?)?)),
        "wellKnown" => match json.as_str()? {
            "DURATION" => Type::Duration,
            "TIMESTAMP" => Type::Timestamp,
            _ => Type::Dyn,
        },
        "listType" => Type::list(element(json, "elemType")?),
        "mapType" => Type::map(element(json, "keyType")?, element(json, "valueType")?),
        "typeParam" => Type::param(json.as_str()?),
        "messageType" => Type::well_known(json.as_str()?).unwrap_or_else(|| Type::object(json.as_str().unwrap_or(""))),
        "type" => Type::of(parse_type(json).unwrap_or(Type::Dyn)),
        "abstractType" => match json["name"].as_str()? {
            "optional_type" => Type::optional(items(json, "parameterTypes").first().and_then(parse_type)?),
            name => Type::opaque(name),
        },
        _ => return None,
    })
}

/// Declares a function that no test calls at run time.
pub(super) fn declare_function(env: &mut Env, name: &str, function: &Json) -> Option<()> {
    for overload in items(function, "overloads") {
        let args = items(overload, "params").iter().map(parse_type).collect::<Option<Vec<_>>>()?;
        let overload = Overload {
            // A handful of names that live as long as the program.
            id: overload["overloadId"].as_str()?.to_owned().leak(),
            member: overload["isInstanceFunction"].as_bool().unwrap_or_default(),
            args,
            result: parse_type(&overload["resultType"])?,
            run: |_, _| Err(Fault::error("the function is only declared")),
        };
        env.functions.entry(name.into()).or_default().overloads.push(overload);
    }
    Some(())
}

fn primitive(name: &str) -> Option<Type> {
    Some(match name {
        "BOOL" => Type::Bool,
        "INT64" => Type::Int,
        "UINT64" => Type::Uint,
        "DOUBLE" => Type::Double,
        "STRING" => Type::String,
        "BYTES" => Type::Bytes,
        _ => return None,
    })
}

/// The type in a field; one that is not written is dynamic.
fn element(json: &Json, key: &str) -> Option<Type> {
    json.get(key).map_or(Some(Type::Dyn), parse_type)
}

fn items<'j>(json: &'j Json, key: &str) -> &'j [Json] {
    json.get(key).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A message with one alternative set has one field.
fn only_field(json: &Json) -> Option<(&str, &Json)> {
    json.as_object()?.iter().next().map(|(key, value)| (key.as_str(), value))
}

/// Whole numbers are text, because JSON's numbers are doubles.
fn int(json: &Json) -> Option<i64> {
    json.as_i64().or_else(|| json.as_str()?.parse().ok())
}

fn uint(json: &Json) -> Option<u64> {
    json.as_u64().or_else(|| json.as_str()?.parse().ok())
}

fn double(json: &Json) -> Option<f64> {
    json.as_f64().or_else(|| match json.as_str()? {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        number => number.parse().ok(),
    })
}

fn bytes(json: &Json) -> Option<Vec<u8>> {
    manifest::base64::decode(json.as_str()?)
}
