//! Lists as Kubernetes extends them: order, sum, least and greatest item, position.

use std::cmp::Ordering;

use super::super::arguments::{any, list};
use crate::context::Context;
use crate::decl::{Library, Run};
use crate::fault::Fault;
use crate::types::Type;
use crate::value::{Duration, Value};

/// `isSorted`, `sum`, `min`, `max`, `indexOf`, `lastIndexOf`.
pub fn lists() -> Library {
    let mut library = Library::default();
    for (of, is_sorted_id, min_id, max_id) in ORDERED {
        let args = [Type::list(of.clone())];
        library = library
            .method("isSorted", is_sorted_id, &args, Type::Bool, is_sorted)
            .method("min", min_id, &args, of.clone(), min)
            .method("max", max_id, &args, of, max);
    }
    let sums: [(Type, &str, Run); 4] = [
        (Type::Int, "list_int_sum_int", |_, args| sum(args, Value::Int(0))),
        (Type::Uint, "list_uint_sum_uint", |_, args| sum(args, Value::Uint(0))),
        (Type::Double, "list_double_sum_double", |_, args| sum(args, Value::Double(0.0))),
        (Type::Duration, "list_duration_sum_duration", |_, args| sum(args, Value::Duration(Duration { nanos: 0 }))),
    ];
    for (of, id, run) in sums {
        library = library.method("sum", id, &[Type::list(of.clone())], of, run);
    }
    let item = Type::param("A");
    let args = [Type::list(item.clone()), item];
    library.method("indexOf", "list_a_index_of_int", &args, Type::Int, index_of).method(
        "lastIndexOf",
        "list_a_last_index_of_int",
        &args,
        Type::Int,
        last_index_of,
    )
}

/// Types with an order, and the identifiers of `isSorted`, `min` and `max`.
const ORDERED: [(Type, &str, &str, &str); 8] = [
    (Type::Int, "list_int_is_sorted_bool", "list_int_min_int", "list_int_max_int"),
    (Type::Uint, "list_uint_is_sorted_bool", "list_uint_min_uint", "list_uint_max_uint"),
    (Type::Double, "list_double_is_sorted_bool", "list_double_min_double", "list_double_max_double"),
    (Type::Bool, "list_bool_is_sorted_bool", "list_bool_min_bool", "list_bool_max_bool"),
    (Type::Duration, "list_duration_is_sorted_bool", "list_duration_min_duration", "list_duration_max_duration"),
    (Type::Timestamp, "list_timestamp_is_sorted_bool", "list_timestamp_min_timestamp", "list_timestamp_max_timestamp"),
    (Type::String, "list_string_is_sorted_bool", "list_string_min_string", "list_string_max_string"),
    (Type::Bytes, "list_bytes_is_sorted_bool", "list_bytes_min_bytes", "list_bytes_max_bytes"),
];

fn is_sorted<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let mut previous: Option<Value<'v>> = None;
    for item in list(args, 0)?.iter() {
        require_order(&item)?;
        // Items that cannot be compared are in order, as there.
        if previous.is_some_and(|previous| previous.compare(&item) == Ok(Ordering::Greater)) {
            return Ok(Value::Bool(false));
        }
        previous = Some(item);
    }
    Ok(Value::Bool(true))
}

fn min<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    extreme(args, "min", Ordering::Greater)
}

fn max<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    extreme(args, "max", Ordering::Less)
}

fn extreme<'v>(args: &[Value<'v>], name: &str, replaced_if: Ordering) -> Result<Value<'v>, Fault> {
    let mut best: Option<Value<'v>> = None;
    for item in list(args, 0)?.iter() {
        require_order(&item)?;
        if best.as_ref().is_none_or(|best| best.compare(&item) == Ok(replaced_if)) {
            best = Some(item);
        }
    }
    best.ok_or_else(|| Fault::error(format!("{name} called on empty list")))
}

fn require_order(item: &Value<'_>) -> Result<(), Fault> {
    match item {
        Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::Str(_)
        | Value::Bytes(_)
        | Value::Duration(_)
        | Value::Timestamp(_) => Ok(()),
        _ => Err(Fault::no_such_overload()),
    }
}

fn sum<'v>(args: &[Value<'v>], zero: Value<'v>) -> Result<Value<'v>, Fault> {
    list(args, 0)?.iter().try_fold(zero, |sum, item| add(&sum, &item))
}

fn add<'v>(a: &Value<'v>, b: &Value<'v>) -> Result<Value<'v>, Fault> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => {
            a.checked_add(*b).map(Value::Int).ok_or_else(|| Fault::error("integer overflow"))
        }
        (Value::Uint(a), Value::Uint(b)) => {
            a.checked_add(*b).map(Value::Uint).ok_or_else(|| Fault::error("unsigned integer overflow"))
        }
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a + b)),
        (Value::Duration(a), Value::Duration(b)) => match a.nanos.checked_add(b.nanos) {
            Some(nanos) => Ok(Value::Duration(Duration { nanos })),
            None => Err(Fault::error("duration overflow")),
        },
        _ => Err(Fault::no_such_overload()),
    }
}

fn index_of<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let (items, wanted) = (list(args, 0)?, any(args, 1)?);
    Ok(position(items.iter().position(|item| item.equals(wanted))))
}

fn last_index_of<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let (items, wanted) = (list(args, 0)?, any(args, 1)?);
    Ok(position(items.iter().enumerate().filter(|(_, item)| item.equals(wanted)).last().map(|(at, _)| at)))
}

fn position<'v>(found: Option<usize>) -> Value<'v> {
    Value::Int(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1))
}
