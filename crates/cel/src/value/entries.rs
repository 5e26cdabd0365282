//! Maps: lookup, insertion, order.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Entries, Map, Str, Value};
use crate::fault::Fault;

/// Positions by key.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    texts: HashMap<Arc<str>, u32>,
    others: HashMap<Key, u32>,
}

/// A key that is no text, as a hash wants it: numbers that are equal are one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Null,
    Bool(bool),
    Int(i64),
    /// Above the range of `Int`.
    Uint(u64),
    /// Bits of a double that is no integer.
    Double(u64),
}

// === impl Entries ===

impl<'v> Entries<'v> {
    /// Room for that many entries.
    pub fn with_capacity(capacity: usize) -> Self {
        Entries { list: Vec::with_capacity(capacity), index: None }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Entries in order of insertion.
    pub fn iter(&self) -> impl Iterator<Item = (&Value<'v>, &Value<'v>)> {
        self.list.iter().map(|(key, value)| (key, value))
    }

    /// The value of a key.
    pub fn get(&self, key: &Value<'_>) -> Option<&Value<'v>> {
        self.position(key).and_then(|at| self.list.get(at)).map(|(_, value)| value)
    }

    /// The value of a key that is text.
    pub fn get_str(&self, key: &str) -> Option<&Value<'v>> {
        self.position_str(key).and_then(|at| self.list.get(at)).map(|(_, value)| value)
    }

    /// Adds an entry, or gives an entry that is there a new value; says whether it was new. Lists, maps and
    /// other values that have no order cannot be keys.
    pub fn insert(&mut self, key: Value<'v>, value: Value<'v>) -> Result<bool, Fault> {
        if !matches!(key, Value::Str(_)) && Key::of(&key).is_none() {
            return Err(Fault::error(format!("unsupported key type: {}", key.type_of().name())));
        }
        if let Some(at) = self.position(&key) {
            if let Some(entry) = self.list.get_mut(at) {
                entry.1 = value;
            }
            return Ok(false);
        }
        let at = self.list.len();
        if let Some(index) = &mut self.index {
            index.add(&key, at);
        }
        self.list.push((key, value));
        if self.index.is_none() && self.list.len() > SCAN_MAX {
            let mut index = Box::<Index>::default();
            for (at, (key, _)) in self.list.iter().enumerate() {
                index.add(key, at);
            }
            self.index = Some(index);
        }
        Ok(true)
    }

    /// Adds an entry as the specification has it for map literals: the key must be new, and a boolean, an
    /// integer or a text.
    pub fn insert_new(&mut self, key: Value<'v>, value: Value<'v>) -> Result<(), Fault> {
        if matches!(key, Value::Null | Value::Double(_)) {
            return Err(Fault::error(format!("unsupported key type: {}", key.type_of().name())));
        }
        if self.position(&key).is_some() {
            return Err(Fault::error(format!("Failed with repeated key: {key}")));
        }
        self.insert(key, value).map(|_| ())
    }

    /// Removes an entry if it is there.
    pub fn remove(&mut self, key: &Value<'_>) {
        if let Some(at) = self.position(key) {
            self.list.remove(at);
            if self.index.take().is_some() {
                let mut index = Box::<Index>::default();
                for (at, (key, _)) in self.list.iter().enumerate() {
                    index.add(key, at);
                }
                self.index = Some(index);
            }
        }
    }

    fn position(&self, key: &Value<'_>) -> Option<usize> {
        if let Value::Str(text) = key {
            return self.position_str(text.as_str());
        }
        let wanted = Key::of(key)?;
        match &self.index {
            Some(index) => index.others.get(&wanted).map(|at| *at as usize),
            None => self.list.iter().position(|(key, _)| Key::of(key) == Some(wanted)),
        }
    }

    fn position_str(&self, wanted: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.texts.get(wanted).map(|at| *at as usize),
            None => self.list.iter().position(|(key, _)| matches!(key, Value::Str(text) if text.as_str() == wanted)),
        }
    }
}

/// Maps of up to so many entries are searched one by one: that is faster than a hash.
const SCAN_MAX: usize = 12;

// === impl Index ===

impl Index {
    fn add(&mut self, key: &Value<'_>, at: usize) {
        let at = at as u32;
        if let Value::Str(text) = key {
            let text = match text {
                Str::Shared(text) => text.clone(),
                Str::Borrowed(text) => Arc::from(*text),
            };
            self.texts.insert(text, at);
        } else if let Some(key) = Key::of(key) {
            self.others.insert(key, at);
        }
    }
}

// === impl Key ===

impl Key {
    fn of(value: &Value<'_>) -> Option<Key> {
        match value {
            Value::Null => Some(Key::Null),
            Value::Bool(value) => Some(Key::Bool(*value)),
            Value::Int(value) => Some(Key::Int(*value)),
            Value::Uint(value) => Some(i64::try_from(*value).map_or(Key::Uint(*value), Key::Int)),
            Value::Double(value) => Some(Key::of_double(*value)),
            _ => None,
        }
    }

    fn of_double(value: f64) -> Key {
        // 2^63 and 2^64 are exact as doubles; the largest integers are not.
        if value.fract() == 0.0 && (-TWO_63..TWO_63).contains(&value) {
            return Key::Int(value as i64);
        }
        if value.fract() == 0.0 && (TWO_63..2.0 * TWO_63).contains(&value) {
            return Key::Uint(value as u64);
        }
        Key::Double(value.to_bits())
    }
}

const TWO_63: f64 = 9_223_372_036_854_775_808.0;

// === impl Map ===

impl<'v> Map<'v> {
    /// Number of entries.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Map::Node(node) => node.len(),
            Map::Entries(entries) => entries.len(),
        }
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a key.
    pub fn get(&self, key: &Value<'_>) -> Option<Value<'v>> {
        match self {
            Map::Node(node) => node.field(key.as_str()?).map(Value::node),
            Map::Entries(entries) => entries.get(key).cloned(),
        }
    }

    /// The value of a key that is text.
    #[inline]
    pub fn get_str(&self, key: &str) -> Option<Value<'v>> {
        match self {
            Map::Node(node) => node.field(key).map(Value::node),
            Map::Entries(entries) => entries.get_str(key).cloned(),
        }
    }

    /// Whether there is such a key.
    pub fn contains(&self, key: &Value<'_>) -> bool {
        match self {
            Map::Node(node) => key.as_str().is_some_and(|key| node.field(key).is_some()),
            Map::Entries(entries) => entries.get(key).is_some(),
        }
    }

    /// Keys and values: in order of the document, or of insertion.
    pub fn iter(&self) -> impl Iterator<Item = (Value<'v>, Value<'v>)> + '_ {
        let (nodes, entries) = match self {
            Map::Node(node) => (Some(node.entries()), None),
            Map::Entries(entries) => (None, Some(entries.iter())),
        };
        let nodes = nodes.into_iter().flatten().map(|(key, value)| (Value::node(key), Value::node(value)));
        nodes.chain(entries.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_equal_are_one_key() -> Result<(), Fault> {
        let mut entries = Entries::default();
        for number in 0..40 {
            entries.insert(Value::Int(number), Value::Int(number * 2))?;
        }
        assert!(!entries.insert(Value::Uint(7), Value::Bool(true))?);
        assert!(entries.insert(Value::str("7"), Value::Null)?);
        assert!(matches!(entries.get(&Value::Double(7.0)), Some(Value::Bool(true))));
        assert!(matches!(entries.get(&Value::Double(39.0)), Some(Value::Int(78))));
        assert!(entries.get(&Value::Double(7.5)).is_none());
        assert!(matches!(entries.get_str("7"), Some(Value::Null)));
        entries.remove(&Value::Int(0));
        assert!(matches!(entries.get(&Value::Int(39)), Some(Value::Int(78))));
        assert_eq!(entries.len(), 40);
        Ok(())
    }

    #[test]
    fn a_list_is_no_key() {
        let mut entries = Entries::default();
        assert!(entries.insert(Value::list([]), Value::Null).is_err());
    }
}
