//! Variables and what is selected from them.

use manifest::{Data, Value as DocumentNode};

use super::{Evaluation, Local, Outcome, constant};
use crate::fault::Fault;
use crate::plan::{Attribute, Node, Qualifier, QualifierKey, Root};
use crate::value::{List, Map, Value};

/// What an attribute is, without an optional being made of it.
pub(super) enum Resolved<'v> {
    /// A value.
    Plain(Found<'v>),
    /// What is inside an optional.
    Present(Found<'v>),
    /// `optional.none()`
    Absent,
}

/// A value, or a node of a document that need not become one.
pub(super) enum Found<'v> {
    Node(DocumentNode<'v>),
    Value(Value<'v>),
}

// === impl Evaluation ===

impl<'v> Evaluation<'v, '_, '_> {
    /// The value of an attribute.
    pub(super) fn attribute(&mut self, attribute: &'v Attribute) -> Outcome<'v> {
        match self.resolve(attribute)? {
            Resolved::Plain(found) => Ok(found.value()),
            Resolved::Present(_) if attribute.presence => Ok(Value::Bool(true)),
            Resolved::Absent if attribute.presence => Ok(Value::Bool(false)),
            Resolved::Present(found) => Ok(Value::some(found.value())),
            Resolved::Absent => Ok(Value::none()),
        }
    }

    /// The value of an attribute without making an optional of it.
    pub(super) fn resolve(&mut self, attribute: &'v Attribute) -> Result<Resolved<'v>, Fault> {
        self.context.spend(attribute.cost)?;
        let mut found = self.root(&attribute.root)?;
        let mut optional = false;
        let [rest @ .., last] = &*attribute.qualifiers else { return Ok(Resolved::Plain(found)) };
        if let Found::Value(Value::Optional(inner)) = found {
            let Some(inner) = inner else { return Ok(Resolved::Absent) };
            optional = true;
            found = Found::of((*inner).clone());
        }
        for qualifier in rest {
            optional |= qualifier.optional;
            let Some(next) = self.qualify(found, qualifier, optional)? else { return Ok(Resolved::Absent) };
            found = next;
        }
        optional |= last.optional;
        if attribute.presence {
            let present = self.present(&found.value(), last, optional)?;
            return Ok(match (optional, present) {
                (false, present) => Resolved::Plain(Found::Value(Value::Bool(present))),
                (true, true) => Resolved::Present(Found::Value(Value::Null)),
                (true, false) => Resolved::Absent,
            });
        }
        match self.qualify(found, last, optional)? {
            Some(found) if optional => Ok(Resolved::Present(found)),
            Some(found) => Ok(Resolved::Plain(found)),
            None => Ok(Resolved::Absent),
        }
    }

    #[inline]
    fn root(&mut self, root: &'v Root) -> Result<Found<'v>, Fault> {
        match root {
            Root::Local(slot) => match self.locals.get(*slot) {
                Some(Local::Value(Value::Map(Map::Node(node)))) => Ok(Found::Node(*node)),
                Some(Local::Value(value)) => Ok(Found::Value(value.clone())),
                Some(Local::Fault(fault)) => Err(fault.clone()),
                _ => Err(Fault::error("no such attribute(s)")),
            },
            Root::Variable(slot) => self.activation.variable(*slot, self.context).map(Found::of),
            Root::Lazy(slot, init) => self.lazy(*slot, init).map(Found::of),
            Root::Expr(node) => self.eval(node).map(Found::of),
            Root::Missing(name) => Err(Fault::error(format!("no such attribute(s): {name}"))),
        }
    }

    fn lazy(&mut self, slot: usize, init: &'v Node) -> Outcome<'v> {
        match self.locals.get(slot) {
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
    #[inline]
    fn qualify(
        &mut self,
        found: Found<'v>,
        qualifier: &'v Qualifier,
        optional: bool,
    ) -> Result<Option<Found<'v>>, Fault> {
        if let (Found::Node(node), QualifierKey::Field(name)) = (&found, &qualifier.key)
            && let Some(next) = node.field(name)
        {
            self.context.spend(1)?;
            if self.context.trace.is_some() {
                self.record_value(qualifier.id, &Ok(Value::node(next)));
            }
            return Ok(Some(Found::Node(next)));
        }
        self.qualify_value(&found.value(), qualifier, optional).map(|found| found.map(Found::of))
    }

    #[inline(never)]
    fn qualify_value(
        &mut self,
        value: &Value<'v>,
        qualifier: &'v Qualifier,
        optional: bool,
    ) -> Result<Option<Value<'v>>, Fault> {
        // Selections are charged when they fail as well, optional ones only when they find something.
        if !optional {
            self.context.spend(1)?;
        }
        let found = match (&qualifier.key, value) {
            (QualifierKey::Field(name), Value::Map(map)) => match map.get_str(name) {
                None if !optional => return Err(no_such_key(name)),
                found => found,
            },
            (QualifierKey::Field(name), value) => member(value, &Value::str(name), optional)?,
            (QualifierKey::Const(key), value) => member(value, &constant(key), optional)?,
            (QualifierKey::Expr(node), value) => {
                let key = self.eval(node)?;
                if !is_key(&key) {
                    return Err(Fault::error(format!("invalid qualifier type: {}", go_type(&key))));
                }
                member(value, &key, optional)?
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

    fn present(&mut self, value: &Value<'v>, qualifier: &'v Qualifier, optional: bool) -> Result<bool, Fault> {
        if !optional {
            self.context.spend(1)?;
        }
        let QualifierKey::Field(name) = &qualifier.key else { return Err(Fault::no_such_overload()) };
        let present = match value {
            Value::Map(map) => map.get_str(name).is_some(),
            value => member(value, &Value::str(name), true)?.is_some(),
        };
        if optional && present {
            self.context.spend(1)?;
        }
        Ok(present)
    }
}

// === impl Found ===

impl<'v> Found<'v> {
    #[inline]
    fn of(value: Value<'v>) -> Found<'v> {
        match value {
            Value::Map(Map::Node(node)) => Found::Node(node),
            value => Found::Value(value),
        }
    }

    /// As a value.
    #[inline]
    pub(super) fn value(self) -> Value<'v> {
        match self {
            Found::Node(node) => Value::node(node),
            Found::Value(value) => value,
        }
    }

    /// The boolean that it is.
    #[inline]
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Found::Node(node) => match node.data() {
                Data::Bool(value) => Some(*value),
                _ => None,
            },
            Found::Value(Value::Bool(value)) => Some(*value),
            Found::Value(_) => None,
        }
    }
}

/// The member of a value under a key or index. `None` only if `optional`.
fn member<'v>(value: &Value<'v>, key: &Value<'_>, optional: bool) -> Result<Option<Value<'v>>, Fault> {
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
        _ => None,
    };
    match found {
        None if !optional => Err(no_such_key(key)),
        found => Ok(found),
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
