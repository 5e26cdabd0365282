//! JSON as far as it goes: what stands before a fault is kept, so that a file that is cut off still tells its beginning.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// What a document gave.
pub(super) struct Partial {
    /// The value, up to the fault where there is one.
    pub(super) value: Value,
    /// What ended the reading early.
    pub(super) fault: Option<serde_json::Error>,
    /// How many keys stood twice in one object, and the first of them.
    pub(super) twice: (usize, Option<String>),
    /// Those of the outermost object, at most a few.
    pub(super) twice_outermost: Vec<String>,
}

/// Reads the bytes. Of a key that stands twice the last one counts, as it does for the tools that own such files.
pub(super) fn read(bytes: &[u8]) -> Partial {
    let seen = Twice::default();
    let mut value = Value::Null;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let into = Into { slot: &mut value, seen: &seen, depth: 0 };
    let fault = into.deserialize(&mut reader).and_then(|()| reader.end()).err();
    let twice = (seen.count.get(), seen.first.into_inner());
    Partial { value, fault, twice, twice_outermost: seen.outermost.into_inner() }
}

/// Keys that stood twice.
#[derive(Default)]
struct Twice {
    count: Cell<usize>,
    first: RefCell<Option<String>>,
    outermost: RefCell<Vec<String>>,
}

impl Twice {
    fn add(&self, key: &str, depth: usize) {
        self.count.set(self.count.get() + 1);
        self.first.borrow_mut().get_or_insert_with(|| key.to_owned());
        let mut outermost = self.outermost.borrow_mut();
        if depth == 0 && outermost.len() < OUTERMOST_MAX {
            outermost.push(key.to_owned());
        }
    }
}

/// Writes what it reads into the slot while it reads, not at the end.
struct Into<'a> {
    slot: &'a mut Value,
    seen: &'a Twice,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Into<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Into<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        *self.slot = Value::Bool(value);
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        *self.slot = value.into();
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        *self.slot = value.into();
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        *self.slot = Number::from_f64(value).map_or(Value::Null, Value::Number);
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        *self.slot = Value::String(value.to_owned());
        Ok(())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<(), E> {
        *self.slot = Value::String(value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Into { slot, seen, depth } = self;
        let mut list = Vec::new();
        let ended = loop {
            let mut item = Value::Null;
            match items.next_element_seed(Into { slot: &mut item, seen, depth: depth + 1 }) {
                Ok(Some(())) => list.push(item),
                Ok(None) => break Ok(()),
                Err(error) => {
                    if !item.is_null() {
                        list.push(item);
                    }
                    break Err(error);
                }
            }
        };
        *slot = Value::Array(list);
        ended
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Into { slot, seen, depth } = self;
        let mut map = Map::new();
        let ended = loop {
            let key = match entries.next_key::<String>() {
                Ok(Some(key)) => key,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            let mut value = Value::Null;
            let read = entries.next_value_seed(Into { slot: &mut value, seen, depth: depth + 1 });
            if map.contains_key(&key) {
                seen.add(&key, depth);
            }
            if read.is_ok() || !value.is_null() {
                map.insert(key, value);
            }
            if let Err(error) = read {
                break Err(error);
            }
        };
        *slot = Value::Object(map);
        ended
    }
}

/// Objects that matter have a handful of keys of interest.
const OUTERMOST_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn what_stands_before_a_fault_is_kept() {
        for (text, expected, whole) in [
            (r#"{"a":[1,{"b":"c"}],"d":null}"#, r#"{"a":[1,{"b":"c"}],"d":null}"#, true),
            (r#"{"a":[1,{"b":"c","#, r#"{"a":[1,{"b":"c"}]}"#, false),
            (r#"{"a":1,"b":"cut"#, r#"{"a":1}"#, false),
            (r#"{"a":1} x"#, r#"{"a":1}"#, false),
            ("", "null", false),
        ] {
            let partial = read(text.as_bytes());
            assert_eq!((partial.value.to_string().as_str(), partial.fault.is_none()), (expected, whole), "{text}");
        }
        let partial = read(br#"{"a":{"x":1,"x":2},"b":1,"b":2}"#);
        assert_eq!(partial.value.to_string(), r#"{"a":{"x":2},"b":2}"#);
        assert_eq!(partial.twice, (2, Some("x".to_owned())));
    }
}
