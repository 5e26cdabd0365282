//! Values of libraries that kube-apiserver cannot put together again.
//!
//! A branch of a conditional that is an optional is taken apart there: the value inside becomes one of Go and
//! then one of CEL again. What is in an optional comes out of that as itself, with these exceptions. `optMap` and
//! `optFlatMap` expand to conditionals, so policies of the field do run into them.

use std::any::Any;
use std::sync::Arc;

use super::{Opaque, Str, Value};
use crate::fault::Fault;

/// Stands in an optional for a value that was lost; whoever takes it out gets the error.
#[derive(Debug)]
struct Lost(Arc<str>);

impl<'v> Value<'v> {
    /// The value in an optional once it was taken apart and put together.
    pub(crate) fn unpacked(&self) -> Value<'v> {
        match self {
            Value::Optional(Some(inner)) => inner.unpacked(),
            Value::Optional(None) => Value::Null,
            Value::Type(ty) => Value::Str(Str::Shared(ty.to_string().into())),
            Value::Opaque(opaque) => match opaque.lost() {
                Some(message) => Value::Opaque(Arc::new(Lost(message.into()))),
                None => self.clone(),
            },
            other => other.clone(),
        }
    }

    /// What was in an optional, or the error that it became.
    pub(crate) fn taken_out(&self) -> Result<Value<'v>, Fault> {
        match self {
            Value::Opaque(opaque) => match opaque.as_any().downcast_ref::<Lost>() {
                Some(Lost(message)) => Err(Fault::error(message.to_string())),
                None => Ok(self.clone()),
            },
            other => Ok(other.clone()),
        }
    }
}

impl Opaque for Lost {
    fn type_name(&self) -> &'static str {
        "error"
    }

    fn equals(&self, _: &dyn Opaque) -> bool {
        false
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn describe(&self) -> String {
        self.0.to_string()
    }
}
