//! Values that are only looked at: compared, tested, walked through. What is in the document or in the program
//! stays where it is, no value is made of it.

use manifest::{Data, Value as DocumentNode};

use super::{Evaluation, Local, Outcome, constant};
use crate::fault::Fault;
use crate::plan::{Attribute, Kind, Node, Root};
use crate::value::Value;

/// What a step came out as.
pub(super) enum Glimpse<'v> {
    /// In the document.
    Node(DocumentNode<'v>),
    /// In the program.
    Const(&'v Value<'static>),
    /// Made by the evaluation.
    Value(Value<'v>),
}

/// The content of what most comparisons are about.
pub(super) enum Plain<'a> {
    Bool(bool),
    Int(i64),
    Str(&'a str),
    Other,
}

/// What an attribute is, without an optional being made of it.
pub(super) enum Reached<'v> {
    /// A node of the document, and whether it is inside an optional.
    Node(DocumentNode<'v>, bool),
    /// `optional.none()`
    Absent,
    /// The answer of `has`.
    Tested(bool),
    /// A value, and whether it is inside an optional.
    Value(Value<'v>, bool),
}

// === impl Evaluation ===

impl<'v> Evaluation<'v, '_, '_> {
    /// Runs a step of which the value is only looked at.
    pub(super) fn glimpse(&mut self, node: &'v Node) -> Result<Glimpse<'v>, Fault> {
        if self.context.trace.is_some() {
            return self.eval(node).map(Glimpse::Value);
        }
        let mut outcome = match &node.kind {
            Kind::Const(value) => return Ok(Glimpse::Const(value)),
            Kind::Attribute(attribute) => self.glimpse_attribute(attribute),
            Kind::OptionalOrValue(args) => match self.or_value(args) {
                Ok(Some(value)) => Ok(value),
                Ok(None) => return self.glimpse(&args[1]),
                Err(fault) => Err(fault),
            },
            _ => return self.eval(node).map(Glimpse::Value),
        };
        if let Err(fault) = &mut outcome {
            super::at(fault, node);
        }
        outcome
    }

    fn glimpse_attribute(&mut self, attribute: &'v Attribute) -> Result<Glimpse<'v>, Fault> {
        if attribute.qualifiers.is_empty() {
            self.context.spend(attribute.cost)?;
            if let Root::Local(slot) = &attribute.root
                && let Some(Local::Node(node)) = self.locals.get(*slot)
            {
                return Ok(Glimpse::Node(*node));
            }
            return self.root(&attribute.root).map(Glimpse::Value);
        }
        Ok(match self.reach(attribute)? {
            Reached::Node(node, false) => Glimpse::Node(node),
            Reached::Value(value, false) => Glimpse::Value(value),
            other => Glimpse::Value(other.into_value()),
        })
    }

    /// What is inside an optional, without making one where it comes of a selection.
    #[inline]
    pub(super) fn or_value(&mut self, args: &'v [Node; 2]) -> Result<Option<Glimpse<'v>>, Fault> {
        if let Kind::Attribute(attribute) = &args[0].kind
            && !attribute.qualifiers.is_empty()
            && !attribute.presence
            && self.context.trace.is_none()
        {
            return match self.reach(attribute)? {
                Reached::Node(node, _) => Ok(Some(Glimpse::Node(node))),
                Reached::Absent => Ok(None),
                Reached::Value(value, true) => Ok(Some(Glimpse::Value(value))),
                other => inside(other.into_value()),
            };
        }
        self.eval(&args[0]).and_then(inside)
    }

    /// The boolean that an attribute is.
    #[inline]
    pub(super) fn attribute_truth(&mut self, attribute: &'v Attribute) -> Result<bool, Fault> {
        if attribute.qualifiers.is_empty() {
            return self.glimpse_attribute(attribute)?.truth();
        }
        match self.reach(attribute)? {
            Reached::Tested(value) => Ok(value),
            Reached::Absent if attribute.presence => Ok(false),
            Reached::Node(node, false) => Glimpse::Node(node).truth(),
            Reached::Value(value, false) => Glimpse::Value(value).truth(),
            _ => Err(Fault::no_such_overload()),
        }
    }

    /// `optional.orValue(value)`
    pub(super) fn or_value_owned(&mut self, args: &'v [Node; 2]) -> Outcome<'v> {
        match self.or_value(args)? {
            Some(value) => Ok(value.into_value()),
            None => self.eval(&args[1]),
        }
    }
}

// === impl Glimpse ===

impl<'v> Glimpse<'v> {
    /// The value itself.
    #[inline]
    pub(super) fn into_value(self) -> Value<'v> {
        match self {
            Glimpse::Node(node) => Value::node(node),
            Glimpse::Const(value) => constant(value),
            Glimpse::Value(value) => value,
        }
    }

    /// The content, if it is of the usual kind.
    #[inline]
    pub(super) fn plain(&self) -> Plain<'_> {
        let value: &Value<'_> = match self {
            Glimpse::Node(node) => {
                return match node.data() {
                    Data::Bool(value) => Plain::Bool(*value),
                    Data::Int(value) => Plain::Int(*value),
                    Data::Str(text) => Plain::Str(text),
                    _ => Plain::Other,
                };
            }
            Glimpse::Const(value) => value,
            Glimpse::Value(value) => value,
        };
        match value {
            Value::Bool(value) => Plain::Bool(*value),
            Value::Int(value) => Plain::Int(*value),
            Value::Str(text) => Plain::Str(text.as_str()),
            _ => Plain::Other,
        }
    }

    /// The boolean that it must be.
    #[inline]
    pub(super) fn truth(&self) -> Result<bool, Fault> {
        if let Plain::Bool(value) = self.plain() { Ok(value) } else { Err(Fault::no_such_overload()) }
    }
}

// === impl Reached ===

impl<'v> Reached<'v> {
    /// The value, an optional if it is one.
    pub(super) fn into_value(self) -> Value<'v> {
        match self {
            Reached::Node(node, false) => Value::node(node),
            Reached::Node(node, true) => Value::some(Value::node(node)),
            Reached::Absent => Value::none(),
            Reached::Tested(value) => Value::Bool(value),
            Reached::Value(value, false) => value,
            Reached::Value(value, true) => Value::some(value),
        }
    }
}

/// What is inside an optional; a value that is none stands for itself.
fn inside(value: Value<'_>) -> Result<Option<Glimpse<'_>>, Fault> {
    match value {
        Value::Optional(inner) => Ok(inner.map(|value| value.taken_out()).transpose()?.map(Glimpse::Value)),
        value => Ok(Some(Glimpse::Value(value))),
    }
}
