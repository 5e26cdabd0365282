//! What is computed before anything runs: literals, lists and maps of constants, sets for `in`.

use std::sync::Arc;

use super::{EntryNode, Kind, ListNode, Node};
use crate::ast::Literal;
use crate::value::{Entries, List, Value};

/// The items of a constant list, for `x in list`.
#[derive(Debug, Default)]
pub(crate) struct Set {
    /// Texts by length, then by bytes.
    texts: Box<[Arc<str>]>,
    /// Numbers and booleans.
    others: Box<[Value<'static>]>,
}

// === impl Set ===

impl Set {
    /// The set of a list, if all items are texts, numbers and booleans.
    pub(super) fn of(list: &List<'static>) -> Option<Set> {
        let (mut texts, mut others) = (Vec::<Arc<str>>::new(), Vec::new());
        for item in list.iter() {
            match &item {
                Value::Str(text) => texts.push(text.as_str().into()),
                Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_) => others.push(item),
                _ => return None,
            }
        }
        texts.sort_unstable_by(|a, b| (a.len(), a.as_bytes()).cmp(&(b.len(), b.as_bytes())));
        Some(Set { texts: texts.into(), others: others.into() })
    }

    /// Whether it holds a value.
    #[inline]
    pub(crate) fn contains(&self, value: &Value<'_>) -> bool {
        match value {
            Value::Str(text) => self.contains_str(text.as_str()),
            value => self.others.iter().any(|item| item.equals(value)),
        }
    }

    /// Whether it holds a text.
    #[inline]
    pub(crate) fn contains_str(&self, text: &str) -> bool {
        if self.texts.len() <= SCAN_MAX {
            return self.texts.iter().any(|item| **item == *text);
        }
        self.texts.binary_search_by(|item| (item.len(), item.as_bytes()).cmp(&(text.len(), text.as_bytes()))).is_ok()
    }
}

/// Up to so many texts are compared one after the other.
const SCAN_MAX: usize = 8;

/// The value of a literal.
pub(super) fn literal(literal: &Literal) -> Value<'static> {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(value) => Value::Bool(*value),
        Literal::Int(value) => Value::Int(*value),
        Literal::Uint(value) => Value::Uint(*value),
        Literal::Double(value) => Value::Double(*value),
        Literal::Str(text) => Value::string(text.clone()),
        Literal::Bytes(bytes) => Value::Bytes(bytes.clone()),
    }
}

/// The value of a list of constants. Lists with optional items are made when they are run.
pub(super) fn list(list: &ListNode) -> Option<Value<'static>> {
    if !list.optional.is_empty() {
        return None;
    }
    let items: Option<Vec<_>> = list.items.iter().map(constant).collect();
    items.map(Value::list)
}

/// The value of a map of constants. A map that is an error is made when it is run.
pub(super) fn map(entries: &[EntryNode], strict: bool) -> Option<Value<'static>> {
    let mut map = Entries::with_capacity(entries.len());
    for entry in entries {
        if entry.optional {
            return None;
        }
        let (key, value) = (constant(&entry.key)?, constant(&entry.value)?);
        if strict { map.insert_new(key, value).ok()? } else { _ = map.insert(key, value).ok()? }
    }
    Some(Value::map(map))
}

/// The value of a constant step.
pub(super) fn constant(node: &Node) -> Option<Value<'static>> {
    if let Kind::Const(value) = &node.kind { Some(value.clone()) } else { None }
}
