//! Values of objects while they are changed: owned, in the order of their fields.

use std::fmt::Write as _;
use std::sync::Arc;

use cel::value::{Struct, Value};
use manifest::build::{BuildError, TreeBuilder};
use manifest::{Data, Tree, Value as Node};
use model::Location;

/// A value of JSON.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Box<str>),
    Seq(Vec<Json>),
    /// Keys are distinct.
    Map(Vec<(Box<str>, Json)>),
}

/// How values of CEL become JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// As fields of an apply configuration: kept as they are.
    Apply,
    /// As the value of a JSON patch: through protobuf's idea of JSON, in which large integers are text.
    Patch,
}

impl Json {
    /// A copy of a node of a document.
    pub(crate) fn of(node: Node<'_>) -> Json {
        match node.data() {
            Data::Null => Json::Null,
            Data::Bool(value) => Json::Bool(*value),
            Data::Int(value) => Json::Int(*value),
            Data::Float(value) => Json::Float(*value),
            Data::Str(text) => Json::Str((&**text).into()),
            Data::Seq(_) => Json::Seq(node.items().map(Json::of).collect()),
            Data::Map(_) => {
                let mut entries: Vec<(Box<str>, Json)> = Vec::with_capacity(node.len());
                for (key, value) in node.entries() {
                    entries.push((key.as_str().unwrap_or("").into(), Json::of(value)));
                }
                Json::Map(entries)
            }
        }
    }

    /// A value of an expression; else why it has no form in JSON.
    pub(crate) fn from_cel(value: &Value<'_>, rules: Rules) -> Result<Json, String> {
        Ok(match value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(value) => integer(*value, rules),
            Value::Uint(value) => match i64::try_from(*value) {
                Ok(value) => integer(value, rules),
                Err(_) if rules == Rules::Patch => Json::Str(value.to_string().into()),
                Err(_) => Json::Float(*value as f64),
            },
            Value::Double(value) => Json::Float(*value),
            Value::Str(text) => Json::Str(text.as_str().into()),
            Value::List(list) => {
                let items: Result<Vec<Json>, String> = list.iter().map(|item| Json::from_cel(&item, rules)).collect();
                Json::Seq(items?)
            }
            Value::Map(map) => {
                let mut entries: Vec<(Box<str>, Json)> = Vec::with_capacity(map.len());
                for (key, value) in map.iter() {
                    let key: Box<str> = match (&key, rules) {
                        (Value::Str(text), _) => text.as_str().into(),
                        (Value::Bool(_) | Value::Int(_) | Value::Uint(_), Rules::Patch) => {
                            key.literal().trim_end_matches('u').into()
                        }
                        _ => return Err(format!("map key {} is not string", key.literal())),
                    };
                    entries.push((key, Json::from_cel(&value, rules)?));
                }
                Json::Map(entries)
            }
            Value::Struct(made) => Json::of_struct(made, rules)?,
            Value::Bytes(bytes) if rules == Rules::Patch => Json::Str(base64(bytes).into()),
            Value::Duration(_) | Value::Timestamp(_) if rules == Rules::Patch => Json::Str(value.to_string().into()),
            other => return Err(format!("unsupported type conversion to JSON: {}", other.type_of().name())),
        })
    }

    fn of_struct(made: &Arc<Struct<'_>>, rules: Rules) -> Result<Json, String> {
        let mut entries: Vec<(Box<str>, Json)> = Vec::with_capacity(made.fields.len());
        for (name, value) in &made.fields {
            let value =
                Json::from_cel(value, rules).map_err(|error| format!("fail to convert field \"{name}\": {error}"))?;
            entries.push((Box::from(&**name), value));
        }
        Ok(Json::Map(entries))
    }

    /// The value as a document; made values get the place of the object that was changed.
    pub(crate) fn to_tree(&self, place: Location) -> Result<Tree<'static>, BuildError> {
        let mut builder = TreeBuilder::new(place.file);
        builder.place(place);
        self.build(&mut builder);
        builder.finish()
    }

    fn build(&self, builder: &mut TreeBuilder<'static>) {
        match self {
            Json::Null => builder.scalar(Data::Null),
            Json::Bool(value) => builder.scalar(Data::Bool(*value)),
            Json::Int(value) => builder.scalar(Data::Int(*value)),
            Json::Float(value) => builder.scalar(Data::Float(*value)),
            Json::Str(text) => builder.text(text.to_string()),
            Json::Seq(items) => {
                builder.seq();
                items.iter().for_each(|item| item.build(builder));
                builder.end();
            }
            Json::Map(entries) => {
                builder.map();
                for (key, value) in entries {
                    builder.text(key.to_string());
                    value.build(builder);
                }
                builder.end();
            }
        }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Json> {
        let Json::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| **name == *key).map(|(_, value)| value)
    }

    /// Text, if it is text.
    pub(crate) fn as_str(&self) -> Option<&str> {
        if let Json::Str(text) = self { Some(text) } else { None }
    }

    /// Sets the value of a key.
    pub(crate) fn set(&mut self, key: &str, value: Json) {
        let Json::Map(entries) = self else { return };
        match entries.iter_mut().find(|(name, _)| **name == *key) {
            Some((_, place)) => *place = value,
            None => entries.push((key.into(), value)),
        }
    }

    /// The value as JSON text.
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Json::Int(value) => {
                let _ = write!(out, "{value}");
            }
            Json::Float(value) if value.is_finite() => {
                let _ = write!(out, "{value:?}");
            }
            Json::Float(_) => out.push_str("null"),
            Json::Str(text) => write_text(text, out),
            Json::Seq(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Json::Map(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_text(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// Whether two values are the same JSON: numbers by value, mappings in any order.
    pub(crate) fn same(&self, other: &Json) -> bool {
        match (self, other) {
            (Json::Map(mine), Json::Map(theirs)) => {
                mine.len() == theirs.len()
                    && mine.iter().all(|(key, value)| other.get(key).is_some_and(|other| value.same(other)))
            }
            (Json::Seq(mine), Json::Seq(theirs)) => {
                mine.len() == theirs.len() && mine.iter().zip(theirs).all(|(mine, theirs)| mine.same(theirs))
            }
            (Json::Int(int), Json::Float(float)) | (Json::Float(float), Json::Int(int)) => *int as f64 == *float,
            _ => self == other,
        }
    }
}

fn integer(value: i64, rules: Rules) -> Json {
    if rules == Rules::Patch && !(-JSON_SAFE..=JSON_SAFE).contains(&value) {
        return Json::Str(value.to_string().into());
    }
    Json::Int(value)
}

/// A text in quotes.
pub(crate) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // As Go's encoder, which keeps text harmless inside HTML.
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", char as u32);
            }
            char if (char as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", char as u32);
            }
            char => out.push(char),
        }
    }
    out.push('"');
}

/// Bytes in base64, padded.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit) & 63) as usize;
            let digit_used = digit <= chunk.len();
            out.push(if digit_used { char::from(DIGITS.get(index).copied().unwrap_or(b'=')) } else { '=' });
        }
    }
    out
}

/// Integers beyond are not exact in JavaScript, so protobuf writes them as text.
const JSON_SAFE: i64 = (1 << 53) - 1;
