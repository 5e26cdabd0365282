//! Values of documents as values of Rego, and back.

use std::borrow::Cow;

use manifest::{Data, Value as Node};
use regorus::Value;
use regorus::value::Object;

/// A value of a document. Documents are at most `manifest::limits::DEPTH_MAX` deep, which bounds the recursion.
pub(super) fn from_node(node: Node<'_>) -> Value {
    match node.data() {
        Data::Null => Value::Null,
        Data::Bool(value) => Value::Bool(*value),
        Data::Int(value) => Value::from(*value),
        Data::Float(value) => Value::from(*value),
        Data::Str(text) => Value::from(&**text),
        Data::Seq(_) => Value::from(node.items().map(from_node).collect::<Vec<_>>()),
        Data::Map(_) => object(node.entries().map(|(key, value)| (Cow::Borrowed(key.as_str().unwrap_or("")), value))),
    }
}

fn object<'d>(entries: impl Iterator<Item = (Cow<'d, str>, Node<'d>)>) -> Value {
    entries.map(|(key, value)| (Value::from(&*key), from_node(value))).collect::<Object>().into_value()
}

/// A mapping out of its entries.
pub(super) fn map<'k>(entries: impl IntoIterator<Item = (&'k str, Value)>) -> Value {
    entries.into_iter().map(|(key, value)| (Value::from(key), value)).collect::<Object>().into_value()
}

/// Sets a path of keys, making mappings on the way.
pub(super) fn put(root: &mut Value, path: &[&str], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *root = value;
        return;
    };
    if root.as_object().is_err() {
        *root = Value::new_object();
    }
    let Ok(object) = root.as_object_mut() else { return };
    let key = Value::from(*first);
    match object.get_mut(&key) {
        Some(next) => put(next, rest, value),
        None => {
            let mut next = Value::new_object();
            put(&mut next, rest, value);
            object.insert(key, next);
        }
    }
}

/// The value of a key of an object.
pub(super) fn get<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    value.as_object().ok()?.get(&Value::from(key))
}
