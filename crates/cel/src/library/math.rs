//! The math extension.

use super::arguments::{any, double, int, list, uint};
use crate::context::Context;
use crate::decl::{Library, Run};
use crate::fault::Fault;
use crate::types::Type;
use crate::value::Value;

/// The library of one version of the extension. `math.greatest` and `math.least` are macros that become
/// `math.@max` and `math.@min`.
pub fn math(version: u32) -> Library {
    let mut library = extremes(Library::default(), "math.@min", MIN_IDS, least, least_of_list);
    library = extremes(library, "math.@max", MAX_IDS, greatest, greatest_of_list);
    if version >= 1 {
        library = bits(signs(rounding(library)));
    }
    if version >= 2 {
        library = library
            .function("math.sqrt", "math_sqrt_double", &[DOUBLE], DOUBLE, sqrt)
            .function("math.sqrt", "math_sqrt_int", &[INT], DOUBLE, sqrt)
            .function("math.sqrt", "math_sqrt_uint", &[UINT], DOUBLE, sqrt);
    }
    library
}

const INT: Type = Type::Int;
const UINT: Type = Type::Uint;
const DOUBLE: Type = Type::Double;

/// Identifiers of the overloads, in the order of [`extremes`].
type Ids = [&'static str; 15];

const MIN_IDS: Ids = [
    "math_@min_double",
    "math_@min_int",
    "math_@min_uint",
    "math_@min_double_double",
    "math_@min_int_int",
    "math_@min_uint_uint",
    "math_@min_int_uint",
    "math_@min_int_double",
    "math_@min_double_int",
    "math_@min_double_uint",
    "math_@min_uint_int",
    "math_@min_uint_double",
    "math_@min_list_double",
    "math_@min_list_int",
    "math_@min_list_uint",
];

const MAX_IDS: Ids = [
    "math_@max_double",
    "math_@max_int",
    "math_@max_uint",
    "math_@max_double_double",
    "math_@max_int_int",
    "math_@max_uint_uint",
    "math_@max_int_uint",
    "math_@max_int_double",
    "math_@max_double_int",
    "math_@max_double_uint",
    "math_@max_uint_int",
    "math_@max_uint_double",
    "math_@max_list_double",
    "math_@max_list_int",
    "math_@max_list_uint",
];

fn extremes(mut library: Library, name: &'static str, ids: Ids, pair: Run, of_list: Run) -> Library {
    let mut ids = ids.into_iter();
    let mut add = |args: &[Type], result: Type, run: Run| {
        if let Some(id) = ids.next() {
            library = std::mem::take(&mut library).function(name, id, args, result, run);
        }
    };
    for of in [DOUBLE, INT, UINT] {
        add(std::slice::from_ref(&of), of.clone(), itself);
    }
    for of in [DOUBLE, INT, UINT] {
        add(&[of.clone(), of.clone()], of, pair);
    }
    for (a, b) in [(INT, UINT), (INT, DOUBLE), (DOUBLE, INT), (DOUBLE, UINT), (UINT, INT), (UINT, DOUBLE)] {
        add(&[a, b], Type::Dyn, pair);
    }
    for of in [DOUBLE, INT, UINT] {
        add(&[Type::list(of.clone())], of, of_list);
    }
    library
}

fn rounding(library: Library) -> Library {
    library
        .function("math.ceil", "math_ceil_double", &[DOUBLE], DOUBLE, |_, args| {
            Ok(Value::Double(double(args, 0)?.ceil()))
        })
        .function("math.floor", "math_floor_double", &[DOUBLE], DOUBLE, |_, args| {
            Ok(Value::Double(double(args, 0)?.floor()))
        })
        .function("math.round", "math_round_double", &[DOUBLE], DOUBLE, |_, args| {
            Ok(Value::Double(double(args, 0)?.round()))
        })
        .function("math.trunc", "math_trunc_double", &[DOUBLE], DOUBLE, |_, args| {
            Ok(Value::Double(double(args, 0)?.trunc()))
        })
        .function("math.isInf", "math_isInf_double", &[DOUBLE], Type::Bool, |_, args| {
            Ok(Value::Bool(double(args, 0)?.is_infinite()))
        })
        .function("math.isNaN", "math_isNaN_double", &[DOUBLE], Type::Bool, |_, args| {
            Ok(Value::Bool(double(args, 0)?.is_nan()))
        })
        .function("math.isFinite", "math_isFinite_double", &[DOUBLE], Type::Bool, |_, args| {
            Ok(Value::Bool(double(args, 0)?.is_finite()))
        })
}

fn signs(library: Library) -> Library {
    library
        .function("math.abs", "math_abs_double", &[DOUBLE], DOUBLE, |_, args| Ok(Value::Double(double(args, 0)?.abs())))
        .function("math.abs", "math_abs_int", &[INT], INT, |_, args| {
            int(args, 0)?.checked_abs().map(Value::Int).ok_or_else(|| Fault::error("integer overflow"))
        })
        .function("math.abs", "math_abs_uint", &[UINT], UINT, itself)
        .function("math.sign", "math_sign_double", &[DOUBLE], DOUBLE, |_, args| {
            let value = double(args, 0)?;
            // Of zero it is zero, of NaN it is NaN.
            Ok(Value::Double(if value.is_nan() {
                value
            } else if value == 0.0 {
                0.0
            } else {
                value.signum()
            }))
        })
        .function("math.sign", "math_sign_int", &[INT], INT, |_, args| Ok(Value::Int(int(args, 0)?.signum())))
        .function("math.sign", "math_sign_uint", &[UINT], UINT, |_, args| Ok(Value::Uint(uint(args, 0)?.min(1))))
}

fn bits(library: Library) -> Library {
    library
        .function("math.bitAnd", "math_bitAnd_int_int", &[INT, INT], INT, |_, args| {
            Ok(Value::Int(int(args, 0)? & int(args, 1)?))
        })
        .function("math.bitAnd", "math_bitAnd_uint_uint", &[UINT, UINT], UINT, |_, args| {
            Ok(Value::Uint(uint(args, 0)? & uint(args, 1)?))
        })
        .function("math.bitOr", "math_bitOr_int_int", &[INT, INT], INT, |_, args| {
            Ok(Value::Int(int(args, 0)? | int(args, 1)?))
        })
        .function("math.bitOr", "math_bitOr_uint_uint", &[UINT, UINT], UINT, |_, args| {
            Ok(Value::Uint(uint(args, 0)? | uint(args, 1)?))
        })
        .function("math.bitXor", "math_bitXor_int_int", &[INT, INT], INT, |_, args| {
            Ok(Value::Int(int(args, 0)? ^ int(args, 1)?))
        })
        .function("math.bitXor", "math_bitXor_uint_uint", &[UINT, UINT], UINT, |_, args| {
            Ok(Value::Uint(uint(args, 0)? ^ uint(args, 1)?))
        })
        .function("math.bitNot", "math_bitNot_int_int", &[INT], INT, |_, args| Ok(Value::Int(!int(args, 0)?)))
        .function("math.bitNot", "math_bitNot_uint_uint", &[UINT], UINT, |_, args| Ok(Value::Uint(!uint(args, 0)?)))
        .function("math.bitShiftLeft", "math_bitShiftLeft_int_int", &[INT, INT], INT, |_, args| {
            let (value, by) = (int(args, 0)?, offset("math.bitShiftLeft()", int(args, 1)?)?);
            Ok(Value::Int(value.checked_shl(by).unwrap_or(0)))
        })
        .function("math.bitShiftLeft", "math_bitShiftLeft_uint_int", &[UINT, INT], UINT, |_, args| {
            let (value, by) = (uint(args, 0)?, offset("math.bitShiftLeft()", int(args, 1)?)?);
            Ok(Value::Uint(value.checked_shl(by).unwrap_or(0)))
        })
        // Shifted as an unsigned number: zeros come in from the left.
        .function("math.bitShiftRight", "math_bitShiftRight_int_int", &[INT, INT], INT, |_, args| {
            let (value, by) = (int(args, 0)?, offset("math.bitShiftRight()", int(args, 1)?)?);
            Ok(Value::Int((value as u64).checked_shr(by).unwrap_or(0) as i64))
        })
        .function("math.bitShiftRight", "math_bitShiftRight_uint_int", &[UINT, INT], UINT, |_, args| {
            let (value, by) = (uint(args, 0)?, offset("math.bitShiftRight()", int(args, 1)?)?);
            Ok(Value::Uint(value.checked_shr(by).unwrap_or(0)))
        })
}

fn offset(function: &str, by: i64) -> Result<u32, Fault> {
    if by < 0 {
        return Err(Fault::error(format!("{function} negative offset: {by}")));
    }
    Ok(u32::try_from(by).unwrap_or(u32::MAX))
}

fn itself<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    any(args, 0).cloned()
}

fn sqrt<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let value = match any(args, 0)? {
        Value::Double(value) => *value,
        Value::Int(value) => *value as f64,
        Value::Uint(value) => *value as f64,
        _ => return Err(Fault::no_such_overload()),
    };
    Ok(Value::Double(value.sqrt()))
}

fn least<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    choose(any(args, 0)?.clone(), any(args, 1)?.clone(), std::cmp::Ordering::Greater, "math.@min")
}

fn greatest<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    choose(any(args, 0)?.clone(), any(args, 1)?.clone(), std::cmp::Ordering::Less, "math.@max")
}

fn least_of_list<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    choose_of_list(args, std::cmp::Ordering::Greater, "math.@min")
}

fn greatest_of_list<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    choose_of_list(args, std::cmp::Ordering::Less, "math.@max")
}

fn choose_of_list<'v>(args: &[Value<'v>], second_wins: std::cmp::Ordering, name: &str) -> Result<Value<'v>, Fault> {
    let mut items = list(args, 0)?.iter();
    let mut best = items.next().ok_or_else(|| Fault::error(format!("{name}(list) argument must not be empty")))?;
    for item in items {
        best = choose(best, item, second_wins, name)?;
    }
    match best {
        Value::Int(_) | Value::Uint(_) | Value::Double(_) => Ok(best),
        _ => Err(Fault::error(format!("no such overload: {name}"))),
    }
}

/// The second value if the order says so, else the first.
fn choose<'v>(a: Value<'v>, b: Value<'v>, second_wins: std::cmp::Ordering, name: &str) -> Result<Value<'v>, Fault> {
    match a.compare(&b) {
        Ok(order) => Ok(if order == second_wins { b } else { a }),
        Err(Fault::Error(error)) => Err(Fault::error(format!("{}: {name}", error.message))),
        Err(fault) => Err(fault),
    }
}
