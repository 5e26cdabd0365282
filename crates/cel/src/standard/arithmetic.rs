//! `+ - * / %` and negation, with errors on overflow.

use crate::context::Context;
use crate::decl::Library;
use crate::eval::ITEM_BYTES;
use crate::fault::Fault;
use crate::types::Type;
use crate::value::{Duration, List, Timestamp, Value};

use super::special;

type Outcome<'v> = Result<Value<'v>, Fault>;

pub(super) fn declare(library: Library) -> Library {
    let list = || Type::list(Type::param("A"));
    let binary = [
        ("_+_", "add_bytes", Type::Bytes, Type::Bytes, Type::Bytes),
        ("_+_", "add_double", Type::Double, Type::Double, Type::Double),
        ("_+_", "add_duration_duration", Type::Duration, Type::Duration, Type::Duration),
        ("_+_", "add_duration_timestamp", Type::Duration, Type::Timestamp, Type::Timestamp),
        ("_+_", "add_timestamp_duration", Type::Timestamp, Type::Duration, Type::Timestamp),
        ("_+_", "add_int64", Type::Int, Type::Int, Type::Int),
        ("_+_", "add_list", list(), list(), list()),
        ("_+_", "add_string", Type::String, Type::String, Type::String),
        ("_+_", "add_uint64", Type::Uint, Type::Uint, Type::Uint),
        ("_/_", "divide_double", Type::Double, Type::Double, Type::Double),
        ("_/_", "divide_int64", Type::Int, Type::Int, Type::Int),
        ("_/_", "divide_uint64", Type::Uint, Type::Uint, Type::Uint),
        ("_%_", "modulo_int64", Type::Int, Type::Int, Type::Int),
        ("_%_", "modulo_uint64", Type::Uint, Type::Uint, Type::Uint),
        ("_*_", "multiply_double", Type::Double, Type::Double, Type::Double),
        ("_*_", "multiply_int64", Type::Int, Type::Int, Type::Int),
        ("_*_", "multiply_uint64", Type::Uint, Type::Uint, Type::Uint),
        ("_-_", "subtract_double", Type::Double, Type::Double, Type::Double),
        ("_-_", "subtract_duration_duration", Type::Duration, Type::Duration, Type::Duration),
        ("_-_", "subtract_int64", Type::Int, Type::Int, Type::Int),
        ("_-_", "subtract_timestamp_duration", Type::Timestamp, Type::Duration, Type::Timestamp),
        ("_-_", "subtract_timestamp_timestamp", Type::Timestamp, Type::Timestamp, Type::Duration),
        ("_-_", "subtract_uint64", Type::Uint, Type::Uint, Type::Uint),
    ];
    let library = binary.into_iter().fold(library, |library, (name, id, left, right, result)| {
        let run = super::singleton(name).unwrap_or(special);
        library.function(name, id, &[left, right], result, run)
    });
    library.function("-_", "negate_double", &[Type::Double], Type::Double, negate).function(
        "-_",
        "negate_int64",
        &[Type::Int],
        Type::Int,
        negate,
    )
}

pub(super) fn add<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    let [left, right] = args else { return Err(Fault::no_such_overload()) };
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => left.checked_add(*right).map(Value::Int).ok_or_else(int_overflow),
        (Value::Uint(left), Value::Uint(right)) => left.checked_add(*right).map(Value::Uint).ok_or_else(uint_overflow),
        (Value::Double(left), Value::Double(right)) => Ok(Value::Double(left + right)),
        (Value::Str(left), Value::Str(right)) => {
            let (left, right) = (left.as_str(), right.as_str());
            context.allocate(left.len() + right.len())?;
            let mut text = String::with_capacity(left.len() + right.len());
            text.push_str(left);
            text.push_str(right);
            Ok(Value::string(text))
        }
        (Value::Bytes(left), Value::Bytes(right)) => {
            context.allocate(left.len() + right.len())?;
            Ok(Value::Bytes([&**left, &**right].concat().into()))
        }
        (Value::List(left), Value::List(right)) => concat(context, left, right),
        (Value::Duration(left), Value::Duration(right)) => duration(left.nanos.checked_add(right.nanos)),
        (Value::Duration(duration), Value::Timestamp(moment))
        | (Value::Timestamp(moment), Value::Duration(duration)) => moved(*moment, i128::from(duration.nanos)),
        (left, _) if is_adder(left) => Err(Fault::no_such_overload()),
        _ => Err(Fault::error("no such overload: _+_")),
    }
}

fn concat<'v>(context: &mut Context<'_>, left: &List<'v>, right: &List<'v>) -> Outcome<'v> {
    if left.is_empty() {
        return Ok(Value::List(right.clone()));
    }
    if right.is_empty() {
        return Ok(Value::List(left.clone()));
    }
    let count = left.len() + right.len();
    context.allocate(count.saturating_mul(ITEM_BYTES))?;
    let mut items = Vec::with_capacity(count);
    items.extend(left.iter());
    items.extend(right.iter());
    Ok(Value::list(items))
}

pub(super) fn subtract<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    let [left, right] = args else { return Err(Fault::no_such_overload()) };
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => left.checked_sub(*right).map(Value::Int).ok_or_else(int_overflow),
        (Value::Uint(left), Value::Uint(right)) => left.checked_sub(*right).map(Value::Uint).ok_or_else(uint_overflow),
        (Value::Double(left), Value::Double(right)) => Ok(Value::Double(left - right)),
        (Value::Duration(left), Value::Duration(right)) => duration(left.nanos.checked_sub(right.nanos)),
        (Value::Timestamp(moment), Value::Duration(duration)) => moved(*moment, -i128::from(duration.nanos)),
        (Value::Timestamp(left), Value::Timestamp(right)) => {
            duration(i64::try_from(nanos_of(*left) - nanos_of(*right)).ok())
        }
        (
            Value::Int(_)
            | Value::Uint(_)
            | Value::Double(_)
            | Value::Duration(_)
            | Value::Timestamp(_)
            | Value::Str(_),
            _,
        ) => Err(Fault::no_such_overload()),
        _ => Err(Fault::error("no such overload: _-_")),
    }
}

pub(super) fn multiply<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    let [left, right] = args else { return Err(Fault::no_such_overload()) };
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => left.checked_mul(*right).map(Value::Int).ok_or_else(int_overflow),
        (Value::Uint(left), Value::Uint(right)) => left.checked_mul(*right).map(Value::Uint).ok_or_else(uint_overflow),
        (Value::Double(left), Value::Double(right)) => Ok(Value::Double(left * right)),
        (left, _) => Err(unfit(left, "no such overload: _*_")),
    }
}

pub(super) fn divide<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    let [left, right] = args else { return Err(Fault::no_such_overload()) };
    match (left, right) {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) => Err(Fault::error("division by zero")),
        (Value::Int(left), Value::Int(right)) => left.checked_div(*right).map(Value::Int).ok_or_else(int_overflow),
        (Value::Uint(left), Value::Uint(right)) => Ok(Value::Uint(left / right)),
        (Value::Double(left), Value::Double(right)) => Ok(Value::Double(left / right)),
        (left, _) => Err(unfit(left, "no such overload: _/_")),
    }
}

pub(super) fn modulo<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    let [left, right] = args else { return Err(Fault::no_such_overload()) };
    match (left, right) {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) => Err(Fault::error("modulus by zero")),
        (Value::Int(left), Value::Int(right)) => left.checked_rem(*right).map(Value::Int).ok_or_else(int_overflow),
        (Value::Uint(left), Value::Uint(right)) => Ok(Value::Uint(left % right)),
        (Value::Int(_) | Value::Uint(_) | Value::Str(_) | Value::Duration(_) | Value::Timestamp(_), _) => {
            Err(Fault::no_such_overload())
        }
        _ => Err(Fault::error("no such overload: _%_")),
    }
}

pub(super) fn negate<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    match args {
        [Value::Int(value)] => value.checked_neg().map(Value::Int).ok_or_else(int_overflow),
        [Value::Double(value)] => Ok(Value::Double(-value)),
        [Value::Duration(value)] => duration(value.nanos.checked_neg()),
        [Value::Bool(_) | Value::Str(_) | Value::Timestamp(_)] => Err(Fault::no_such_overload()),
        _ => Err(Fault::error("no such overload: -_")),
    }
}

fn unfit(left: &Value<'_>, message: &'static str) -> Fault {
    match left {
        Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::Str(_)
        | Value::Duration(_)
        | Value::Timestamp(_) => Fault::no_such_overload(),
        _ => Fault::error(message),
    }
}

fn is_adder(value: &Value<'_>) -> bool {
    matches!(
        value,
        Value::Int(_)
            | Value::Uint(_)
            | Value::Double(_)
            | Value::Str(_)
            | Value::Bytes(_)
            | Value::List(_)
            | Value::Duration(_)
            | Value::Timestamp(_)
    )
}

fn int_overflow() -> Fault {
    Fault::error("integer overflow")
}

fn uint_overflow() -> Fault {
    Fault::error("unsigned integer overflow")
}

fn duration<'v>(nanos: Option<i64>) -> Outcome<'v> {
    // Durations are integers to cel-go, and so is their overflow.
    nanos.map(|nanos| Value::Duration(Duration { nanos })).ok_or_else(int_overflow)
}

fn moved<'v>(moment: Timestamp, by: i128) -> Outcome<'v> {
    let nanos = nanos_of(moment) + by;
    let seconds = nanos.div_euclid(1_000_000_000);
    match i64::try_from(seconds) {
        Ok(seconds) if Timestamp::RANGE.contains(&seconds) => {
            Ok(Value::Timestamp(Timestamp { seconds, nanos: nanos.rem_euclid(1_000_000_000) as u32 }))
        }
        _ => Err(Fault::error("timestamp overflow")),
    }
}

fn nanos_of(moment: Timestamp) -> i128 {
    i128::from(moment.seconds) * 1_000_000_000 + i128::from(moment.nanos)
}
