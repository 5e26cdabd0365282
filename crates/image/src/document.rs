//! JSON documents of registries, read so that no two readers can understand them differently.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The document is not one that every reader understands alike.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// More bytes than allowed.
    #[error("{bytes} bytes; at most {max} are read")]
    Large {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// No JSON, a key that stands twice in one object, or nesting deeper than 128.
    #[error("not JSON that every reader understands alike")]
    Json(#[source] serde_json::Error),
    /// Something other than an object.
    #[error("not a JSON object")]
    NotAnObject,
    /// A key that differs from a known one by case only. Readers written in Go take it for the known one.
    #[error("the key `{0}` differs from a known one in upper and lower case only")]
    Case(Box<str>),
}

/// One JSON object of at most `max` bytes. Keys that stand twice are refused at every depth, for readers differ in which
/// of the two they believe; at the top, so are keys that equal one of `known` but for case.
///
/// # Errors
/// Where the bytes are something else.
pub fn object(bytes: &[u8], max: usize, known: &[&str]) -> Result<Map<String, Value>, DocumentError> {
    if bytes.len() > max {
        return Err(DocumentError::Large { bytes: bytes.len(), max });
    }
    let Distinct(value) = serde_json::from_slice(bytes).map_err(DocumentError::Json)?;
    let Value::Object(map) = value else { return Err(DocumentError::NotAnObject) };
    let odd =
        map.keys().find(|key| known.iter().any(|known| *known != key.as_str() && known.eq_ignore_ascii_case(key)));
    match odd {
        Some(key) => Err(DocumentError::Case(key.as_str().into())),
        None => Ok(map),
    }
}

/// A value whose objects have distinct keys.
struct Distinct(Value);

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DistinctVisitor).map(Distinct)
    }
}

struct DistinctVisitor;

impl<'de> Visitor<'de> for DistinctVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Distinct(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let Distinct(value) = entries.next_value()?;
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} stands twice in one object")));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_that_readers_understand_differently_are_refused() {
        let read = |text: &str| object(text.as_bytes(), 1000, &["layers", "config"]);
        assert!(read(r#"{"layers": [{"a": 1}], "b": [1.5, -2, null, true, "x"]}"#).is_ok());
        for bad in [
            r#"{"layers": 1, "layers": 2}"#,
            r#"{"a": [{"b": {"c": 1, "c": 1}}]}"#,
            r#"{"layers": 1, "l\u0061yers": 2}"#,
            r#"{"Layers": 1}"#,
            r#"{"layers": 1} {}"#,
            "[]",
            "",
            &format!("{{\"a\": {}{}}}", "[".repeat(400), "]".repeat(400)),
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(matches!(object(&[b' '; 11], 10, &[]), Err(DocumentError::Large { bytes: 11, max: 10 })));
    }
}
