//! Conversions between types.

use std::sync::Arc;

use crate::context::Context;
use crate::decl::Library;
use crate::fault::Fault;
use crate::types::Type;
use crate::value::{Duration, Timestamp, Value, go_double};

use super::{duration, timestamp};

type Outcome<'v> = Result<Value<'v>, Fault>;

pub(super) fn declare(library: Library) -> Library {
    let a = || Type::param("A");
    let conversions = [
        ("bool", "bool_to_bool", Type::Bool, Type::Bool, to_bool as crate::decl::Run),
        ("bool", "string_to_bool", Type::String, Type::Bool, to_bool),
        ("bytes", "bytes_to_bytes", Type::Bytes, Type::Bytes, to_bytes),
        ("bytes", "string_to_bytes", Type::String, Type::Bytes, to_bytes),
        ("double", "double_to_double", Type::Double, Type::Double, to_double),
        ("double", "int64_to_double", Type::Int, Type::Double, to_double),
        ("double", "string_to_double", Type::String, Type::Double, to_double),
        ("double", "uint64_to_double", Type::Uint, Type::Double, to_double),
        ("duration", "duration_to_duration", Type::Duration, Type::Duration, to_duration),
        ("duration", "int64_to_duration", Type::Int, Type::Duration, to_duration),
        ("duration", "string_to_duration", Type::String, Type::Duration, to_duration),
        ("int", "int64_to_int64", Type::Int, Type::Int, to_int),
        ("int", "double_to_int64", Type::Double, Type::Int, to_int),
        ("int", "duration_to_int64", Type::Duration, Type::Int, to_int),
        ("int", "string_to_int64", Type::String, Type::Int, to_int),
        ("int", "timestamp_to_int64", Type::Timestamp, Type::Int, to_int),
        ("int", "uint64_to_int64", Type::Uint, Type::Int, to_int),
        ("string", "string_to_string", Type::String, Type::String, to_string),
        ("string", "bool_to_string", Type::Bool, Type::String, to_string),
        ("string", "bytes_to_string", Type::Bytes, Type::String, to_string),
        ("string", "double_to_string", Type::Double, Type::String, to_string),
        ("string", "duration_to_string", Type::Duration, Type::String, to_string),
        ("string", "int64_to_string", Type::Int, Type::String, to_string),
        ("string", "timestamp_to_string", Type::Timestamp, Type::String, to_string),
        ("string", "uint64_to_string", Type::Uint, Type::String, to_string),
        ("timestamp", "timestamp_to_timestamp", Type::Timestamp, Type::Timestamp, to_timestamp),
        ("timestamp", "int64_to_timestamp", Type::Int, Type::Timestamp, to_timestamp),
        ("timestamp", "string_to_timestamp", Type::String, Type::Timestamp, to_timestamp),
        ("uint", "uint64_to_uint64", Type::Uint, Type::Uint, to_uint),
        ("uint", "double_to_uint64", Type::Double, Type::Uint, to_uint),
        ("uint", "int64_to_uint64", Type::Int, Type::Uint, to_uint),
        ("uint", "string_to_uint64", Type::String, Type::Uint, to_uint),
    ];
    let library = library.function("type", "type", &[a()], Type::of(a()), type_of).function(
        "dyn",
        "to_dyn",
        &[a()],
        Type::Dyn,
        identity,
    );
    conversions
        .into_iter()
        .fold(library, |library, (name, id, arg, result, run)| library.function(name, id, &[arg], result, run))
}

pub(super) fn identity<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    args.first().cloned().ok_or_else(Fault::no_such_overload)
}

pub(super) fn type_of<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    let of = args.first().ok_or_else(Fault::no_such_overload)?.type_of();
    Ok(Value::Type(Arc::new(of)))
}

fn to_bool<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    match args {
        [Value::Bool(value)] => Ok(Value::Bool(*value)),
        [Value::Str(text)] => match text.as_str() {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(Value::Bool(false)),
            _ => Err(unconvertible(args, "bool")),
        },
        _ => Err(unconvertible(args, "bool")),
    }
}

fn to_bytes<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    match args {
        [Value::Bytes(bytes)] => Ok(Value::Bytes(bytes.clone())),
        [Value::Str(text)] => {
            context.allocate(text.as_str().len())?;
            Ok(Value::Bytes(text.as_str().as_bytes().into()))
        }
        _ => Err(unconvertible(args, "bytes")),
    }
}

fn to_double<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    match args {
        [Value::Double(value)] => Ok(Value::Double(*value)),
        [Value::Int(value)] => Ok(Value::Double(*value as f64)),
        [Value::Uint(value)] => Ok(Value::Double(*value as f64)),
        [Value::Str(text)] => {
            parse_double(text.as_str()).map(Value::Double).ok_or_else(|| unconvertible(args, "double"))
        }
        _ => Err(unconvertible(args, "double")),
    }
}

/// A decimal or hexadecimal number, an infinity or NaN as Go's `strconv.ParseFloat` reads it.
fn parse_double(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let word = unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity");
    if word || text.eq_ignore_ascii_case("nan") {
        return text.parse().ok();
    }
    if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        return parse_hexadecimal(unsigned.get(2..)?).map(|value| if text.starts_with('-') { -value } else { value });
    }
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    // What is too large is an error to Go, not infinity.
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// `1.8p3`: the exponent is required.
fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (digits, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let exponent: i32 = exponent.parse().ok()?;
    let shift = exponent.checked_sub(i32::try_from(fraction.len().checked_mul(4)?).ok()?)?;
    Some(value * 2.0_f64.powi(shift)).filter(|value| value.is_finite())
}

fn to_duration<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    match args {
        [Value::Duration(value)] => Ok(Value::Duration(*value)),
        [Value::Str(text)] => duration::parse(text.as_str())
            .map(|nanos| Value::Duration(Duration { nanos }))
            .ok_or_else(|| unconvertible(args, "google.protobuf.Duration")),
        _ => Err(unconvertible(args, "google.protobuf.Duration")),
    }
}

fn to_int<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    let value = match args {
        [Value::Int(value)] => Some(*value),
        [Value::Uint(value)] => Some(i64::try_from(*value).map_err(|_| Fault::error("integer overflow"))?),
        // -2^63 is refused too, although it fits.
        [Value::Double(value)] if *value > -TWO_63 && *value < TWO_63 => Some(*value as i64),
        [Value::Double(_)] => return Err(Fault::error("integer overflow")),
        [Value::Duration(value)] => Some(value.nanos),
        [Value::Timestamp(value)] => Some(value.seconds),
        [Value::Str(text)] => text.as_str().parse().ok(),
        _ => None,
    };
    value.map(Value::Int).ok_or_else(|| unconvertible(args, "int"))
}

fn to_uint<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    let overflow = || Fault::error("unsigned integer overflow");
    let value = match args {
        [Value::Uint(value)] => Some(*value),
        [Value::Int(value)] => Some(u64::try_from(*value).map_err(|_| overflow())?),
        [Value::Double(value)] if *value >= 0.0 && *value < 2.0 * TWO_63 => Some(*value as u64),
        [Value::Double(_)] => return Err(overflow()),
        [Value::Str(text)] if !text.as_str().starts_with('+') => text.as_str().parse().ok(),
        _ => None,
    };
    value.map(Value::Uint).ok_or_else(|| unconvertible(args, "uint"))
}

const TWO_63: f64 = 9_223_372_036_854_775_808.0;

fn to_timestamp<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    let overflow = || Fault::error("timestamp overflow");
    match args {
        [Value::Timestamp(value)] => Ok(Value::Timestamp(*value)),
        [Value::Int(seconds)] if Timestamp::RANGE.contains(seconds) => {
            Ok(Value::Timestamp(Timestamp { seconds: *seconds, nanos: 0 }))
        }
        [Value::Int(_)] => Err(overflow()),
        [Value::Str(text)] => match timestamp::parse(text.as_str()) {
            Some(moment) if Timestamp::RANGE.contains(&moment.seconds) => Ok(Value::Timestamp(moment)),
            Some(_) => Err(overflow()),
            None => Err(unconvertible(args, "google.protobuf.Timestamp")),
        },
        _ => Err(unconvertible(args, "google.protobuf.Timestamp")),
    }
}

fn to_string<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    let text = match args {
        [Value::Str(text)] => return Ok(Value::Str(text.clone())),
        [Value::Bytes(bytes)] => {
            context.allocate(bytes.len())?;
            let text = std::str::from_utf8(bytes);
            text.map_err(|_| Fault::error("invalid UTF-8 in bytes, cannot convert to string"))?.to_owned()
        }
        [Value::Bool(value)] => value.to_string(),
        [Value::Int(value)] => value.to_string(),
        [Value::Uint(value)] => value.to_string(),
        [Value::Double(value)] => go_double(*value),
        [Value::Duration(value)] => value.to_string(),
        [Value::Timestamp(value)] => value.to_string(),
        _ => return Err(unconvertible(args, "string")),
    };
    Ok(Value::string(text))
}

#[cold]
fn unconvertible(args: &[Value<'_>], to: &str) -> Fault {
    let from = args.first().map_or(Type::Dyn, Value::type_of);
    Fault::error(format!("type conversion error from '{}' to '{to}'", from.name()))
}
