//! Lists, maps and messages that an expression makes.

use std::mem::size_of;

use super::{Evaluation, Outcome};
use crate::fault::Fault;
use crate::plan::{LIST_COST, ListNode, MAP_COST, MapNode, StructNode};
use crate::value::{Entries, Struct, Value};

// === impl Evaluation ===

impl<'v> Evaluation<'v, '_, '_> {
    pub(super) fn list(&mut self, list: &'v ListNode) -> Outcome<'v> {
        self.written(list).map(Value::list)
    }

    /// The items of a list that is written in the expression.
    pub(super) fn written(&mut self, list: &'v ListNode) -> Result<Vec<Value<'v>>, Fault> {
        let outcome = self.items(list);
        self.made(LIST_COST, outcome)
    }

    fn items(&mut self, list: &'v ListNode) -> Result<Vec<Value<'v>>, Fault> {
        self.context.allocate(list.items.len().saturating_mul(ITEM_BYTES))?;
        let mut items = Vec::with_capacity(list.items.len());
        for (index, item) in list.items.iter().enumerate() {
            let value = self.eval(item)?;
            if list.optional.get(index).copied().unwrap_or_default() {
                match value {
                    Value::Optional(None) => {}
                    Value::Optional(Some(value)) => items.push((*value).clone()),
                    value => {
                        return Err(Fault::error(format!(
                            "cannot initialize optional list element from non-optional value {value}"
                        )));
                    }
                }
            } else {
                items.push(value);
            }
        }
        Ok(items)
    }

    pub(super) fn map(&mut self, map: &'v MapNode) -> Outcome<'v> {
        let outcome = self.entries(map);
        self.made(MAP_COST, outcome).map(Value::map)
    }

    fn entries(&mut self, node: &'v MapNode) -> Result<Entries<'v>, Fault> {
        let entries = &node.entries;
        self.context.allocate(entries.len().saturating_mul(2 * ITEM_BYTES))?;
        let mut map = Entries::with_capacity(entries.len());
        for entry in entries.iter() {
            let (key, value) = (self.eval(&entry.key)?, self.eval(&entry.value)?);
            if !entry.optional {
                if node.strict {
                    map.insert_new(key, value)?;
                } else {
                    map.insert(key, value)?;
                }
                continue;
            }
            match value {
                Value::Optional(None) if node.strict => {}
                Value::Optional(Some(value)) if node.strict => map.insert_new(key, (*value).clone())?,
                Value::Optional(None) => map.remove(&key),
                Value::Optional(Some(value)) => _ = map.insert(key, (*value).clone())?,
                value => return Err(not_optional(&key, &value)),
            }
        }
        Ok(map)
    }

    pub(super) fn message(&mut self, message: &'v StructNode) -> Outcome<'v> {
        let outcome = self.fields(message);
        self.made(STRUCT_COST, outcome)
    }

    fn fields(&mut self, message: &'v StructNode) -> Outcome<'v> {
        self.context.allocate(message.fields.len().saturating_mul(2 * ITEM_BYTES))?;
        let mut fields = Vec::with_capacity(message.fields.len());
        for (name, node, optional) in &message.fields {
            let value = self.eval(node)?;
            match (optional, value) {
                (false, value) => fields.push((name.clone(), value)),
                (true, Value::Optional(None)) => {}
                (true, Value::Optional(Some(value))) => fields.push((name.clone(), (*value).clone())),
                (true, value) => return Err(not_optional(&Value::str(name), &value)),
            }
        }
        let value = Struct { name: message.name.clone(), fields };
        match &message.types {
            Some(types) => types.make(value),
            None => Ok(Value::Struct(value.into())),
        }
    }

    /// Charges for what was made, and for what failed as well.
    fn made<T>(&mut self, cost: u64, outcome: Result<T, Fault>) -> Result<T, Fault> {
        match &outcome {
            Err(fault) if !fault.is_absorbable() => outcome,
            _ => self.context.spend(cost).and(outcome),
        }
    }
}

fn not_optional(key: &Value<'_>, value: &Value<'_>) -> Fault {
    Fault::error(format!("cannot initialize optional entry '{key}' from non-optional value {value}"))
}

/// Memory of an item of a list.
pub(crate) const ITEM_BYTES: usize = size_of::<Value<'static>>();

/// What making a message costs.
const STRUCT_COST: u64 = 40;
