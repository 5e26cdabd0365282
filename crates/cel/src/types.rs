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
}

/// As error messages of the field print types: `list(string)`, `map(string, dyn)`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Dyn => f.write_str("dyn"),
            Type::Error => f.write_str("*error*"),
            Type::Null => f.write_str("null"),
            Type::Bool => f.write_str("bool"),
            Type::Int => f.write_str("int"),
            Type::Uint => f.write_str("uint"),
            Type::Double => f.write_str("double"),
            Type::String => f.write_str("string"),
            Type::Bytes => f.write_str("bytes"),
            Type::Duration => f.write_str("google.protobuf.Duration"),
            Type::Timestamp => f.write_str("google.protobuf.Timestamp"),
            Type::List(element) => write!(f, "list({element})"),
            Type::Map(key, value) => write!(f, "map({key}, {value})"),
            Type::Optional(inner) => write!(f, "optional_type({inner})"),
            Type::Type(of) => write!(f, "type({of})"),
            Type::Wrapper(of) => write!(f, "wrapper({of})"),
            Type::Opaque(name) | Type::Struct(name) | Type::Param(name) => f.write_str(name),
        }
    }
}
