//! Optionals: values that may be absent.

use crate::context::Context;
use crate::decl::Library;
use crate::fault::Fault;
use crate::types::Type;
use crate::value::Value;

use super::special;

type Outcome<'v> = Result<Value<'v>, Fault>;

/// Optionals as kube-apiserver has them on.
pub fn library() -> Library {
    let v = || Type::param("V");
    let k = || Type::param("K");
    let optional = || Type::optional(v());
    let list = || Type::list(v());
    let map = || Type::map(k(), v());
    let library = Library::default()
        .constant("optional_type", Type::of(Type::opaque("optional_type")), Value::Type(optional().into()))
        .function("optional.of", "optional_of", &[v()], optional(), of)
        .function("optional.ofNonZeroValue", "optional_ofNonZeroValue", &[v()], optional(), of_non_zero_value)
        .function("optional.none", "optional_none", &[], optional(), none)
        .method("value", "optional_value", &[optional()], v(), value)
        .method("hasValue", "optional_hasValue", &[optional()], Type::Bool, has_value)
        .method("or", "optional_or_optional", &[optional(), optional()], optional(), special)
        .method("orValue", "optional_orValue_value", &[optional(), v()], v(), special);
    library
        .function("_?._", "select_optional_field", &[Type::Dyn, Type::String], optional(), special)
        .function("_[?_]", "list_optindex_optional_int", &[list(), Type::Int], optional(), special)
        .function(
            "_[?_]",
            "optional_list_optindex_optional_int",
            &[Type::optional(list()), Type::Int],
            optional(),
            special,
        )
        .function("_[?_]", "map_optindex_optional_value", &[map(), k()], optional(), special)
        .function("_[?_]", "optional_map_optindex_optional_value", &[Type::optional(map()), k()], optional(), special)
        .function("_[_]", "optional_list_index_int", &[Type::optional(list()), Type::Int], optional(), special)
        .function("_[_]", "optional_map_index_value", &[Type::optional(map()), k()], optional(), special)
}

/// `first`, `last`, `optional.unwrap` and `unwrapOpt`, which came with the second version.
pub fn extra() -> Library {
    let v = || Type::param("V");
    let optional = || Type::optional(v());
    let list = || Type::list(v());
    Library::default()
        .method("first", "list_first", &[list()], optional(), first)
        .method("last", "list_last", &[list()], optional(), last)
        .function("optional.unwrap", "optional_unwrap", &[Type::list(optional())], list(), unwrap)
        .method("unwrapOpt", "optional_unwrapOpt", &[Type::list(optional())], list(), unwrap)
}

fn of<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    args.first().cloned().map(Value::some).ok_or_else(Fault::no_such_overload)
}

fn of_non_zero_value<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    let value = args.first().ok_or_else(Fault::no_such_overload)?;
    Ok(if value.is_zero() { Value::none() } else { Value::some(value.clone()) })
}

fn none<'v>(_: &mut Context<'_>, _: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::none())
}

fn value<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    match args {
        [Value::Optional(Some(value))] => value.taken_out(),
        [Value::Optional(None)] => Err(Fault::error("optional.none() dereference")),
        _ => Err(Fault::no_such_overload()),
    }
}

fn has_value<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    match args {
        [Value::Optional(value)] => Ok(Value::Bool(value.is_some())),
        _ => Err(Fault::no_such_overload()),
    }
}

fn first<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    let [Value::List(list)] = args else { return Err(Fault::no_such_overload()) };
    Ok(list.get(0).map_or_else(Value::none, Value::some))
}

fn last<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    let [Value::List(list)] = args else { return Err(Fault::no_such_overload()) };
    let last = list.len().checked_sub(1).and_then(|index| list.get(index));
    Ok(last.map_or_else(Value::none, Value::some))
}

fn unwrap<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    let [Value::List(list)] = args else { return Err(Fault::no_such_overload()) };
    context.allocate(list.len().saturating_mul(crate::eval::ITEM_BYTES))?;
    let mut items = Vec::with_capacity(list.len());
    for item in list.iter() {
        match item {
            Value::Optional(Some(value)) => items.push((*value).clone()),
            Value::Optional(None) => {}
            other => return Err(Fault::error(format!("value {other} is not optional"))),
        }
    }
    Ok(Value::list(items))
}
