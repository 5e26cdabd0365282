//! Types of CEL.

use std::fmt;
use std::sync::Arc;

/// A type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Known at run time only.
    Dyn,
    /// What an expression in error has; agrees with everything.
    Error,
    /// `null_type`
    Null,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `uint`
    Uint,
    /// `double`
    Double,
    /// `string`
    String,
    /// `bytes`
    Bytes,
    /// `google.protobuf.Duration`
    Duration,
    /// `google.protobuf.Timestamp`
    Timestamp,
    /// `list(T)`
    List(Arc<Type>),
    /// `map(K, V)`
    Map(Arc<Type>, Arc<Type>),
    /// `optional_type(T)`
    Optional(Arc<Type>),
    /// `type(T)`; of an unknown type is `type(dyn)`
    Type(Arc<Type>),
    /// A primitive or null (`wrapper(T)`).
    Wrapper(Arc<Type>),
    /// A type with a name and nothing inside that CEL may see, for example `kubernetes.Quantity`.
    Opaque(Arc<str>),
    /// A type with fields, known to the environment's [`TypeProvider`](crate::decl::TypeProvider).
    Struct(Arc<str>),
    /// A type parameter of a declaration.
    Param(Arc<str>),
    /// A type that the checker has yet to find out. Never in what it hands out, except as text in messages.
    Var(u32),
}

impl Type {
    /// `list(element)`
    pub fn list(element: Type) -> Type {
        Type::List(Arc::new(element))
    }

    /// `map(key, value)`
    pub fn map(key: Type, value: Type) -> Type {
        Type::Map(Arc::new(key), Arc::new(value))
    }

    /// `optional_type(inner)`
    pub fn optional(inner: Type) -> Type {
        Type::Optional(Arc::new(inner))
    }

    /// `type(of)`
    pub fn of(of: Type) -> Type {
        Type::Type(Arc::new(of))
    }

    /// A type without visible parts.
    pub fn opaque(name: &str) -> Type {
        Type::Opaque(name.into())
    }

    /// A type with fields.
    pub fn object(name: &str) -> Type {
        Type::Struct(name.into())
    }

    /// A type parameter.
    pub fn param(name: &str) -> Type {
        Type::Param(name.into())
    }

    /// The type of this name that every environment has, for example `int` or `google.protobuf.Timestamp`.
    pub fn standard(name: &str) -> Option<Type> {
        Some(match name {
            "bool" => Type::Bool,
            "bytes" => Type::Bytes,
            "double" => Type::Double,
            "google.protobuf.Duration" => Type::Duration,
            "google.protobuf.Timestamp" => Type::Timestamp,
            "int" => Type::Int,
            "list" => Type::list(Type::param("A")),
            "map" => Type::map(Type::param("A"), Type::param("B")),
            "null_type" => Type::Null,
            "string" => Type::String,
            "type" => Type::of(Type::Dyn),
            "uint" => Type::Uint,
            _ => return None,
        })
    }

    /// What a message type of protobuf with a meaning of its own is in CEL.
    pub fn well_known(name: &str) -> Option<Type> {
        let wrapper = |of| Some(Type::Wrapper(Arc::new(of)));
        match name.strip_prefix("google.protobuf.")? {
            "BoolValue" => wrapper(Type::Bool),
            "BytesValue" => wrapper(Type::Bytes),
            "DoubleValue" | "FloatValue" => wrapper(Type::Double),
            "Int64Value" | "Int32Value" => wrapper(Type::Int),
            "UInt64Value" | "UInt32Value" => wrapper(Type::Uint),
            "StringValue" => wrapper(Type::String),
            "Any" | "Value" => Some(Type::Dyn),
            "Duration" => Some(Type::Duration),
            "Timestamp" => Some(Type::Timestamp),
            "ListValue" => Some(Type::list(Type::Dyn)),
            "NullValue" => Some(Type::Null),
            "Struct" => Some(Type::map(Type::String, Type::Dyn)),
            _ => None,
        }
    }

    /// The name without parameters, as `string(type(x))` gives it: `google.protobuf.Duration`, `list`,
    /// `null_type`.
    pub fn name(&self) -> &str {
        match self {
            Type::Dyn | Type::Var(_) => "dyn",
            Type::Error => "error",
            Type::Null => "null_type",
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Uint => "uint",
            Type::Double => "double",
            Type::String => "string",
            Type::Bytes => "bytes",
            Type::Duration => "google.protobuf.Duration",
            Type::Timestamp => "google.protobuf.Timestamp",
            Type::List(_) => "list",
            Type::Map(..) => "map",
            Type::Optional(_) => "optional_type",
            Type::Type(_) => "type",
            Type::Wrapper(of) => of.name(),
            Type::Opaque(name) | Type::Struct(name) | Type::Param(name) => name,
        }
    }
}

/// As messages of the type checker print types: `list(string)`, `map(string, dyn)`, `timestamp`. For the
/// name that expressions see, use [`Type::name`].
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Dyn => f.write_str("dyn"),
            Type::Error => f.write_str("!error!"),
            Type::Null => f.write_str("null"),
            Type::Bool => f.write_str("bool"),
            Type::Int => f.write_str("int"),
            Type::Uint => f.write_str("uint"),
            Type::Double => f.write_str("double"),
            Type::String => f.write_str("string"),
            Type::Bytes => f.write_str("bytes"),
            Type::Duration => f.write_str("duration"),
            Type::Timestamp => f.write_str("timestamp"),
            Type::List(element) => write!(f, "list({element})"),
            Type::Map(key, value) => write!(f, "map({key}, {value})"),
            Type::Optional(inner) => write!(f, "optional_type({inner})"),
            Type::Type(of) => write!(f, "type({of})"),
            Type::Wrapper(of) => write!(f, "wrapper({of})"),
            Type::Opaque(name) | Type::Struct(name) | Type::Param(name) => f.write_str(name),
            Type::Var(number) => write!(f, "_var{number}"),
        }
    }
}
