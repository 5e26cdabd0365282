//! An object as the API server holds it: decoded into its Go type and encoded again.
//!
//! Fields that the type does not have are gone, and so are empty ones that Go's encoder leaves out; quantities are in
//! canonical form. A value of the wrong type is an error, as it is for the server.

mod quantity;

use std::borrow::Cow;

use manifest::schema::{Expect, Leaf, Presence, Shape, TypeRef};
use manifest::{Data, Draft, Value};

use super::review::{RequestError, error};

/// Decodes a value into a type.
pub(super) fn decode<'d>(value: Value<'d>, kind: TypeRef, field: &str) -> Result<Draft<'d>, RequestError> {
    if !value.is_map() {
        return Err(error(value, field, "expected a mapping"));
    }
    let mut entries: Vec<(Cow<'d, str>, Draft<'d>)> = Vec::with_capacity(value.len());
    for (key, value) in value.entries() {
        let name = key.as_str().unwrap_or("");
        let Some(shape) = kind.field(name).filter(|_| !value.is_null()) else { continue };
        let inner = if field.is_empty() { Cow::Borrowed(name) } else { Cow::Owned(format!("{field}.{name}")) };
        let decoded = decode_shape(value, shape, &inner)?;
        if kind.presence(name) != Presence::Omitted || !is_zero(&decoded) {
            entries.push((Cow::Borrowed(name), decoded));
        }
    }
    Ok(Draft::map(entries).at(value.location()))
}

fn decode_shape<'d>(value: Value<'d>, shape: Shape, field: &str) -> Result<Draft<'d>, RequestError> {
    let wrong = || error(value, field, &format!("expected {}", shape.noun()));
    match shape.expect() {
        Expect::List(inner) if value.is_seq() => {
            let items =
                value.items().enumerate().map(|(at, item)| decode_part(item, inner, || format!("{field}[{at}]")));
            Ok(Draft::seq(items.collect::<Result<_, _>>()?).at(value.location()))
        }
        Expect::Map(inner) if value.is_map() => {
            let entries = value.entries().map(|(key, value)| {
                let name = key.as_str().unwrap_or("");
                Ok((Cow::Borrowed(name), decode_part(value, inner, || format!("{field}.{name}"))?))
            });
            Ok(Draft::map(entries.collect::<Result<_, _>>()?).at(value.location()))
        }
        Expect::List(_) | Expect::Map(_) => Err(wrong()),
        Expect::Maybe(inner) if value.is_map() => decode_shape(value, inner, field),
        Expect::Maybe(_) => Ok(value.into()),
        Expect::Leaf(Leaf::Fields(kind)) => decode(value, kind, field),
        Expect::Leaf(Leaf::Quantity) => {
            let canonical = value.text().and_then(|text| quantity::canonical(&text));
            Ok(Draft::text(canonical.ok_or_else(wrong)?).at(value.location()))
        }
        Expect::Leaf(leaf) => {
            if fits(value, leaf) {
                Ok(value.into())
            } else {
                Err(wrong())
            }
        }
    }
}

/// An item or a value of a free mapping, where null stands for what is empty.
fn decode_part<'d>(value: Value<'d>, shape: Shape, field: impl Fn() -> String) -> Result<Draft<'d>, RequestError> {
    if value.is_null() {
        return Ok(match shape.expect() {
            Expect::Leaf(Leaf::Fields(_)) => Draft::map(Vec::new()),
            Expect::Leaf(Leaf::String | Leaf::Bytes) => Draft::text(""),
            Expect::Leaf(Leaf::Bool) => Draft::bool(false),
            Expect::Leaf(Leaf::Int32 | Leaf::Int64 | Leaf::Number | Leaf::IntOrString) => Draft::int(0),
            Expect::Leaf(Leaf::Quantity) => Draft::text("0"),
            _ => Draft::null(),
        });
    }
    // The name of the field is only needed for an error, so it is made when there is one.
    decode_shape(value, shape, "").map_err(|mut error| {
        let dot = if error.field.is_empty() || error.field.starts_with('[') { "" } else { "." };
        error.field = format!("{}{dot}{}", field(), error.field);
        error
    })
}

/// Fills in what Go's encoder writes for fields that are not set.
pub(super) fn encode(draft: &mut Draft<'_>, kind: TypeRef) {
    for (field, presence) in kind.always() {
        if draft.get_mut(field).is_some() {
            continue;
        }
        let zero = match presence {
            Presence::Omitted | Presence::Pointer => continue,
            Presence::Struct => Draft::map(Vec::new()),
            Presence::Null => Draft::null(),
            Presence::Text => Draft::text(""),
            Presence::Int => Draft::int(0),
            Presence::Bool => Draft::bool(false),
            Presence::Quantity => Draft::text("0"),
        };
        draft.put(*field, zero);
    }
    each_typed(draft, kind, &mut |part, kind| encode(part, kind));
}

/// Hands over every value directly below that has a type of its own, through lists and free mappings.
pub(super) fn each_typed<'d>(draft: &mut Draft<'d>, kind: TypeRef, each: &mut dyn FnMut(&mut Draft<'d>, TypeRef)) {
    for (name, value) in draft.entries_mut().into_iter().flatten() {
        if let Some(shape) = kind.field(name) {
            each_in_shape(value, shape, each);
        }
    }
}

fn each_in_shape<'d>(draft: &mut Draft<'d>, shape: Shape, each: &mut dyn FnMut(&mut Draft<'d>, TypeRef)) {
    match shape.expect() {
        Expect::List(inner) if has_fields(inner) => {
            draft.items_mut().into_iter().flatten().for_each(|item| each_in_shape(item, inner, each));
        }
        Expect::Map(inner) if has_fields(inner) => {
            draft.entries_mut().into_iter().flatten().for_each(|(_, value)| each_in_shape(value, inner, each));
        }
        Expect::Maybe(inner) => each_in_shape(draft, inner, each),
        Expect::Leaf(Leaf::Fields(kind)) if matches!(draft.data(), Data::Map(_)) => each(draft, kind),
        _ => {}
    }
}

fn has_fields(shape: Shape) -> bool {
    match shape.expect() {
        Expect::List(inner) | Expect::Map(inner) | Expect::Maybe(inner) => has_fields(inner),
        Expect::Leaf(leaf) => matches!(leaf, Leaf::Fields(_)),
    }
}

fn fits(value: Value<'_>, leaf: Leaf) -> bool {
    match (leaf, value.data()) {
        (Leaf::Any, _)
        | (Leaf::String | Leaf::Bytes | Leaf::Time | Leaf::IntOrString, Data::Str(_))
        | (Leaf::Bool, Data::Bool(_))
        | (Leaf::Int64 | Leaf::Number, Data::Int(_))
        | (Leaf::Number, Data::Float(_)) => true,
        (Leaf::Int32 | Leaf::IntOrString, Data::Int(value)) => i32::try_from(*value).is_ok(),
        _ => false,
    }
}

/// Whether Go takes the value for empty.
pub(super) fn is_zero(draft: &Draft<'_>) -> bool {
    match draft.data() {
        Data::Null | Data::Bool(false) | Data::Int(0) | Data::Seq(0) | Data::Map(0) => true,
        Data::Str(text) => text.is_empty(),
        Data::Float(value) => value == 0.0,
        _ => false,
    }
}
