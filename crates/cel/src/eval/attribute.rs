//! Variables and what is selected from them.

use manifest::{Key, Value as DocumentNode};

use super::glimpse::Reached;
use super::{Evaluation, Local, Outcome, constant};
use crate::fault::Fault;
use crate::plan::{Attribute, Node, Qualifier, QualifierKey, Root};
use crate::value::{List, Map, Value};

// === impl Evaluation ===

impl<'v> Evaluation<'v, '_, '_> {
    /// The value of an attribute.
    pub(super) fn attribute(&mut self, attribute: &'v Attribute) -> Outcome<'v> {
        if attribute.qualifiers.is_empty() {
            self.context.spend(attribute.cost)?;
            return self.root(&attribute.root);
        }
        Ok(match self.reach(attribute)? {
            Reached::Node(node, false) => Value::node(node),
            Reached::Absent if attribute.presence => Value::Bool(false),
            reached => reached.into_value(),
        })
    }

    /// The value of an attribute without making an optional of it.
    pub(super) fn reach(&mut self, attribute: &'v Attribute) -> Result<Reached<'v>, Fault> {
        self.context.spend(attribute.cost)?;
        if let Root::Local(slot) = &attribute.root
            && let Some(Local::Node(node)) = self.locals.get(*slot)
        {
            let node = *node;
            return self.descend(node, attribute);
        }
        let value = self.root(&attribute.root)?;
        match &value {
            Value::Map(Map::Node(node)) => self.descend(*node, attribute),
            Value::Optional(None) => Ok(Reached::Absent),
            Value::Optional(Some(inner)) => match &**inner {
                Value::Map(Map::Node(node)) => self.descend_from(*node, attribute, true),
                inner => self.select(inner.clone(), &attribute.qualifiers, true, attribute),
            },
            _ => self.select(value, &attribute.qualifiers, false, attribute),
        }
    }

    #[inline]
    fn descend(&mut self, node: DocumentNode<'v>, attribute: &'v Attribute) -> Result<Reached<'v>, Fault> {
        self.descend_from(node, attribute, false)
    }

    /// Selections within a document, as far as they find nodes.
    fn descend_from(
        &mut self,
        mut node: DocumentNode<'v>,
        attribute: &'v Attribute,
        mut optional: bool,
    ) -> Result<Reached<'v>, Fault> {
        let mut rest = &*attribute.qualifiers;
        // The last one is only tested if that is all that is asked.
        let kept = usize::from(attribute.presence);
        while let [qualifier, after @ ..] = rest
            && rest.len() > kept
            && let QualifierKey::Field(name) = &qualifier.key
        {
            let Some(next) = node.field_of(name) else {
                let has_members = node.is_map() || !attribute.strict;
                if (optional || qualifier.optional) && !node.is_seq() && has_members {
                    return Ok(Reached::Absent);
                }
                break;
            };
            self.context.spend(1)?;
            optional |= qualifier.optional;
            node = next;
            rest = after;
            if self.context.trace.is_some() {
                self.record_value(qualifier.id, &Ok(Value::node(node)));
            }
        }
        if rest.is_empty() {
            return Ok(Reached::Node(node, optional));
        }
        if let [Qualifier { key: QualifierKey::Field(name), optional: false, .. }] = rest
            && attribute.presence
            && !optional
            && node.is_map()
        {
            self.context.spend(1)?;
            return Ok(Reached::Tested(node.field_of(name).is_some()));
        }
        self.select(Value::node(node), rest, optional, attribute)
    }

    /// Selections from any value.
    #[inline(never)]
    fn select(
        &mut self,
        mut value: Value<'v>,
        qualifiers: &'v [Qualifier],
        mut optional: bool,
        attribute: &'v Attribute,
    ) -> Result<Reached<'v>, Fault> {
        let kept = usize::from(attribute.presence);
        let (selected, tested) = qualifiers.split_at(qualifiers.len().saturating_sub(kept));
        for qualifier in selected {
            optional |= qualifier.optional;
            let Some(next) = self.qualify(&value, qualifier, absent(optional, attribute))? else {
                return Ok(Reached::Absent);
            };
            value = next;
        }
        if let [qualifier] = tested {
            optional |= qualifier.optional;
            return Ok(Reached::Tested(self.present(&value, qualifier, optional, attribute.strict)?));
        }
        Ok(Reached::Value(value, optional))
    }

    #[inline]
    pub(super) fn root(&mut self, root: &'v Root) -> Outcome<'v> {
        match root {
            Root::Local(slot) => match self.locals.get(*slot) {
                Some(Local::Node(node)) => Ok(Value::node(*node)),
                Some(Local::Value(value)) => Ok(value.clone()),
                Some(Local::Fault(fault)) => Err(fault.clone()),
                _ => Err(Fault::error("no such attribute(s)")),
            },
            Root::Variable(slot) => self.activation.variable(*slot, self.context),
            Root::Lazy(slot, init) => self.lazy(*slot, init),
            Root::Expr(node) => self.eval(node),
            Root::Missing(name) => Err(Fault::error(format!("no such attribute(s): {name}"))),
        }
    }

    fn lazy(&mut self, slot: usize, init: &'v Node) -> Outcome<'v> {
        match self.locals.get(slot) {
            Some(Local::Node(node)) => return Ok(Value::node(*node)),
            Some(Local::Value(value)) => return Ok(value.clone()),
            Some(Local::Fault(fault)) => return Err(fault.clone()),
            Some(Local::Busy) | None => return Err(Fault::error("no such attribute(s)")),
            Some(Local::Unset) => {}
        }
        self.set(slot, Local::Busy);
        let outcome = self.eval(init);
        self.set(
            slot,
            match &outcome {
                Ok(value) => Local::Value(value.clone()),
                Err(fault) => Local::Fault(fault.clone()),
            },
        );
        outcome
    }

    /// One selection; `None` where an optional one finds nothing.
    fn qualify(
        &mut self,
        value: &Value<'v>,
        qualifier: &'v Qualifier,
        absent: Absent,
    ) -> Result<Option<Value<'v>>, Fault> {
        let optional = absent != Absent::Error;
        // Selections are charged when they fail as well, optional ones only when they find something.
        if !optional {
            self.context.spend(1)?;
        }
        let found = match (&qualifier.key, value) {
            (QualifierKey::Field(name), Value::Map(map)) => match field(map, name) {
                None if !optional => return Err(no_such_key(name.as_str())),
                found => found,
            },
            (QualifierKey::Field(name), value) => member(value, &Value::str(name.as_str()), absent)?,
            (QualifierKey::Const(key), value) => member(value, &constant(key), absent)?,
            (QualifierKey::Expr(node), value) => {
                let key = self.eval(node)?;
                if !is_key(&key) {
                    return Err(Fault::error(format!("invalid qualifier type: {}", go_type(&key))));
                }
                member(value, &key, absent)?
            }
        };
        if optional && found.is_some() {
            self.context.spend(1)?;
        }
        if self.context.trace.is_some()
            && let Some(found) = &found
        {
            self.record_value(qualifier.id, &Ok(found.clone()));
        }
        Ok(found)
    }

    fn present(
        &mut self,
        value: &Value<'v>,
        qualifier: &'v Qualifier,
        optional: bool,
        strict: bool,
    ) -> Result<bool, Fault> {
        if !optional {
            self.context.spend(1)?;
        }
        let QualifierKey::Field(name) = &qualifier.key else { return Err(Fault::no_such_overload()) };
        let present = match value {
            Value::Map(map) => field(map, name).is_some(),
            value => {
                let absent = if strict { Absent::Member } else { Absent::None };
                member(value, &Value::str(name.as_str()), absent)?.is_some()
            }
        };
        if optional && present {
            self.context.spend(1)?;
        }
        Ok(present)
    }
}

/// What becomes of a selection that finds nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Absent {
    Error,
    /// Nothing, if the value is one that could have members; else an error.
    Member,
    None,
}

fn absent(optional: bool, attribute: &Attribute) -> Absent {
    match (optional, attribute.strict) {
        (false, _) => Absent::Error,
        (true, true) => Absent::Member,
        (true, false) => Absent::None,
    }
}

/// The member of a value under a key or index.
fn member<'v>(value: &Value<'v>, key: &Value<'_>, absent: Absent) -> Result<Option<Value<'v>>, Fault> {
    let optional = absent != Absent::Error;
    let found = match value {
        Value::Map(map) => map_member(map, key),
        Value::List(list) => return list_member(list, key, optional),
        Value::Struct(value) => {
            let name = key.as_str().unwrap_or_default();
            let field = value.fields.iter().find(|(field, _)| **field == *name).map(|(_, value)| value.clone());
            if field.is_none() && !optional {
                return Err(Fault::error(format!("no such field '{name}'")));
            }
            field
        }
        Value::Optional(_) => None,
        _ if absent == Absent::Member => return Err(no_such_key(key)),
        _ => None,
    };
    match found {
        None if !optional => Err(no_such_key(key)),
        found => Ok(found),
    }
}

#[inline]
fn field<'v>(map: &Map<'v>, key: &Key) -> Option<Value<'v>> {
    match map {
        Map::Node(node) => node.field_of(key).map(Value::node),
        Map::Entries(entries) => entries.get_str(key.as_str()).cloned(),
    }
}

#[inline]
fn map_member<'v>(map: &Map<'v>, key: &Value<'_>) -> Option<Value<'v>> {
    map.get(key)
}

fn list_member<'v>(list: &List<'v>, key: &Value<'_>, optional: bool) -> Result<Option<Value<'v>>, Fault> {
    let index = match key {
        Value::Int(index) => *index,
        Value::Uint(index) if i64::try_from(*index).is_ok() => *index as i64,
        Value::Double(index) if index.fract() == 0.0 && index.abs() < EXACT_DOUBLE => *index as i64,
        Value::Uint(_) | Value::Double(_) => {
            return Err(Fault::error(format!("unsupported index value {key} in list")));
        }
        _ => return Err(Fault::error(format!("unsupported index type '{}' in list", key.type_of().name()))),
    };
    match usize::try_from(index).ok().and_then(|index| list.get(index)) {
        None if !optional => Err(Fault::error(format!("index out of bounds: {index}"))),
        found => Ok(found),
    }
}

/// Doubles below 2^63 have an integer of the same value.
const EXACT_DOUBLE: f64 = 9_223_372_036_854_775_808.0;

fn is_key(value: &Value<'_>) -> bool {
    matches!(value, Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::Str(_))
}

#[cold]
fn no_such_key(key: impl std::fmt::Display) -> Fault {
    Fault::error(format!("no such key: {key}"))
}

/// The name that Go has for the type of a value, which some of cel-go's messages contain.
pub(super) fn go_type(value: &Value<'_>) -> &'static str {
    match value {
        Value::Null => "types.Null",
        Value::Bool(_) => "types.Bool",
        Value::Int(_) => "types.Int",
        Value::Uint(_) => "types.Uint",
        Value::Double(_) => "types.Double",
        Value::Str(_) => "types.String",
        Value::Bytes(_) => "types.Bytes",
        Value::List(_) => "*types.baseList",
        Value::Map(_) => "*types.baseMap",
        Value::Duration(_) => "types.Duration",
        Value::Timestamp(_) => "types.Timestamp",
        Value::Type(_) => "*types.Type",
        Value::Optional(_) => "*types.Optional",
        Value::Struct(_) => "*types.protoObj",
        Value::Opaque(value) => value.type_name(),
    }
}
