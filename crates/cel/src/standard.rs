//! CEL's standard library: declarations under cel-go's identifiers, and implementations.

use crate::context::Context;
use crate::decl::{Env, Library, Run};
use crate::fault::Fault;
use crate::types::Type;
use crate::value::Value;

mod arithmetic;
mod conversions;
mod duration;
mod optionals;
mod strings;
mod timestamp;
mod zones;

pub use duration::parse as parse_duration;
pub use optionals::extra as optionals_extra;
pub use optionals::library as optionals;
pub use timestamp::parse as parse_timestamp;

/// The library that every environment has. Optionals are a library of their own: [`optionals()`].
pub fn library() -> Library {
    let library = relations(logic(Library::default()));
    let library = strings::declare(arithmetic::declare(library));
    let library = timestamp::declare(conversions::declare(library));
    types(library)
}

/// Replaces what kube-apiserver's version does otherwise than the specification.
pub(crate) fn as_specified(env: &mut Env) {
    env.implement("getMilliseconds", "duration_to_milliseconds", timestamp::milliseconds_of_second);
}

/// The implementation that serves all signatures of a function, where cel-go has one: it says itself when
/// the arguments do not fit.
pub(crate) fn singleton(name: &str) -> Option<Run> {
    Some(match name {
        "_+_" => arithmetic::add,
        "_-_" => arithmetic::subtract,
        "_*_" => arithmetic::multiply,
        "_/_" => arithmetic::divide,
        "_%_" => arithmetic::modulo,
        "-_" => arithmetic::negate,
        "size" => strings::size,
        "matches" => strings::matches,
        "contains" => strings::contains,
        "startsWith" => strings::starts_with,
        "endsWith" => strings::ends_with,
        "dyn" => conversions::identity,
        "type" => conversions::type_of,
        _ => return None,
    })
}

/// Functions that convert: a constant argument is converted when the program is made.
pub(crate) fn is_conversion(name: &str) -> bool {
    matches!(name, "bool" | "bytes" | "double" | "duration" | "dyn" | "int" | "string" | "timestamp" | "type" | "uint")
}

/// Whether values of this type have an order.
pub(crate) fn has_order(value: &Value<'_>) -> bool {
    matches!(
        value,
        Value::Bool(_)
            | Value::Int(_)
            | Value::Uint(_)
            | Value::Double(_)
            | Value::Str(_)
            | Value::Bytes(_)
            | Value::Duration(_)
            | Value::Timestamp(_)
    )
}

/// cel-go's answer when no signature of a function accepts the arguments.
#[cold]
pub(crate) fn no_such_overload(name: &str, args: &[Value<'_>]) -> Fault {
    let types: Vec<String> = args.iter().map(|arg| arg.type_of().name().to_owned()).collect();
    Fault::error(format!("no such overload: {name}({})", types.join(", ")))
}

/// An operator whose program has a step of its own, so that nothing calls this.
fn special<'v>(_: &mut Context<'_>, _: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    Err(Fault::no_such_overload())
}

fn logic(library: Library) -> Library {
    let a = || Type::param("A");
    library
        .function("_?_:_", "conditional", &[Type::Bool, a(), a()], a(), special)
        .function("_&&_", "logical_and", &[Type::Bool, Type::Bool], Type::Bool, special)
        .function("_||_", "logical_or", &[Type::Bool, Type::Bool], Type::Bool, special)
        .function("!_", "logical_not", &[Type::Bool], Type::Bool, special)
        .function("@not_strictly_false", "not_strictly_false", &[Type::Bool], Type::Bool, special)
        .function("_==_", "equals", &[a(), a()], Type::Bool, special)
        .function("_!=_", "not_equals", &[a(), a()], Type::Bool, special)
}

fn relations(mut library: Library) -> Library {
    let tables: [(&'static str, [&'static str; 14]); 4] =
        [("_<_", LESS), ("_<=_", LESS_EQUALS), ("_>_", GREATER), ("_>=_", GREATER_EQUALS)];
    let types = [
        (Type::Bool, Type::Bool),
        (Type::Int, Type::Int),
        (Type::Int, Type::Double),
        (Type::Int, Type::Uint),
        (Type::Uint, Type::Uint),
        (Type::Uint, Type::Double),
        (Type::Uint, Type::Int),
        (Type::Double, Type::Double),
        (Type::Double, Type::Int),
        (Type::Double, Type::Uint),
        (Type::String, Type::String),
        (Type::Bytes, Type::Bytes),
        (Type::Timestamp, Type::Timestamp),
        (Type::Duration, Type::Duration),
    ];
    for (name, ids) in tables {
        for (id, (left, right)) in ids.into_iter().zip(&types) {
            library = library.function(name, id, &[left.clone(), right.clone()], Type::Bool, special);
        }
    }
    let (a, b) = (|| Type::param("A"), || Type::param("B"));
    let (list, map) = (|| Type::list(Type::param("A")), || Type::map(Type::param("A"), Type::param("B")));
    library
        .function("@in", "in_list", &[a(), list()], Type::Bool, special)
        .function("@in", "in_map", &[a(), map()], Type::Bool, special)
        .function("_[_]", "index_list", &[list(), Type::Int], a(), special)
        .function("_[_]", "index_map", &[map(), a()], b(), special)
}

/// Names of types as values.
fn types(library: Library) -> Library {
    let (a, b) = (Type::param("A"), Type::param("B"));
    let types = [
        Type::Bool,
        Type::Bytes,
        Type::Double,
        Type::Duration,
        Type::Int,
        Type::list(a.clone()),
        Type::map(a, b),
        Type::Null,
        Type::String,
        Type::Timestamp,
        Type::of(Type::Dyn),
        Type::Uint,
    ];
    types.into_iter().fold(library, |library, of| {
        let value = Value::Type(of.clone().into());
        match &of {
            Type::Bool => library.constant("bool", Type::of(of), value),
            Type::Bytes => library.constant("bytes", Type::of(of), value),
            Type::Double => library.constant("double", Type::of(of), value),
            Type::Duration => library.constant("google.protobuf.Duration", Type::of(of), value),
            Type::Int => library.constant("int", Type::of(of), value),
            Type::List(_) => library.constant("list", Type::of(of), value),
            Type::Map(..) => library.constant("map", Type::of(of), value),
            Type::Null => library.constant("null_type", Type::of(of), value),
            Type::String => library.constant("string", Type::of(of), value),
            Type::Timestamp => library.constant("google.protobuf.Timestamp", Type::of(of), value),
            Type::Uint => library.constant("uint", Type::of(of), value),
            _ => library.constant("type", Type::of(of), value),
        }
    })
}

const LESS: [&str; 14] = [
    "less_bool",
    "less_int64",
    "less_int64_double",
    "less_int64_uint64",
    "less_uint64",
    "less_uint64_double",
    "less_uint64_int64",
    "less_double",
    "less_double_int64",
    "less_double_uint64",
    "less_string",
    "less_bytes",
    "less_timestamp",
    "less_duration",
];

const LESS_EQUALS: [&str; 14] = [
    "less_equals_bool",
    "less_equals_int64",
    "less_equals_int64_double",
    "less_equals_int64_uint64",
    "less_equals_uint64",
    "less_equals_uint64_double",
    "less_equals_uint64_int64",
    "less_equals_double",
    "less_equals_double_int64",
    "less_equals_double_uint64",
    "less_equals_string",
    "less_equals_bytes",
    "less_equals_timestamp",
    "less_equals_duration",
];

const GREATER: [&str; 14] = [
    "greater_bool",
    "greater_int64",
    "greater_int64_double",
    "greater_int64_uint64",
    "greater_uint64",
    "greater_uint64_double",
    "greater_uint64_int64",
    "greater_double",
    "greater_double_int64",
    "greater_double_uint64",
    "greater_string",
    "greater_bytes",
    "greater_timestamp",
    "greater_duration",
];

const GREATER_EQUALS: [&str; 14] = [
    "greater_equals_bool",
    "greater_equals_int64",
    "greater_equals_int64_double",
    "greater_equals_int64_uint64",
    "greater_equals_uint64",
    "greater_equals_uint64_double",
    "greater_equals_uint64_int64",
    "greater_equals_double",
    "greater_equals_double_int64",
    "greater_equals_double_uint64",
    "greater_equals_string",
    "greater_equals_bytes",
    "greater_equals_timestamp",
    "greater_equals_duration",
];
