//! Values at run time. Text, lists and maps of a document are borrowed from it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use manifest::{Data, Value as Node};

use crate::types::Type;

mod entries;
mod equality;
mod text;

pub use text::go_double;
pub(crate) use text::{civil, days_of};

/// A value. Cheap to clone.
//
// With a tag of eight bytes whatever follows is aligned, and moving a value is a few whole words. The small tag
// that the compiler would choose, because of the boolean, makes it copy bytes across words, which is slow.
#[derive(Clone, Debug)]
#[repr(u64)]
pub enum Value<'v> {
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A double.
    Double(f64),
    /// Text.
    Str(Str<'v>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list.
    List(List<'v>),
    /// A map.
    Map(Map<'v>),
    /// A duration.
    Duration(Duration),
    /// A point in time.
    Timestamp(Timestamp),
    /// A type as a value.
    Type(Arc<Type>),
    /// An optional value.
    Optional(Option<Arc<Value<'v>>>),
    /// A value of a type with fields, made by a message literal.
    Struct(Arc<Struct<'v>>),
    /// A value of a library's own type: a quantity, an address, an authorizer.
    Opaque(Arc<dyn Opaque>),
}

/// Text.
#[derive(Clone)]
pub enum Str<'v> {
    /// In the document or in the program.
    Borrowed(&'v str),
    /// Made by the evaluation.
    Shared(Arc<str>),
}

/// A list.
#[derive(Clone, Debug)]
pub enum List<'v> {
    /// A sequence of the document.
    Node(Node<'v>),
    /// Made by the evaluation.
    Items(Arc<[Value<'v>]>),
}

/// A map.
#[derive(Clone, Debug)]
pub enum Map<'v> {
    /// A mapping of the document; its keys are strings.
    Node(Node<'v>),
    /// Made by the evaluation, entries in order of insertion.
    Entries(Arc<Entries<'v>>),
}

/// Entries of a map that the evaluation made.
#[derive(Clone, Debug, Default)]
pub struct Entries<'v> {
    list: Vec<(Value<'v>, Value<'v>)>,
    /// Positions by key, made when the list is long.
    index: Option<Box<entries::Index>>,
}

/// A value of a type with fields.
#[derive(Clone, Debug)]
pub struct Struct<'v> {
    /// Name of the type.
    pub name: Arc<str>,
    /// Fields that were set, in order.
    pub fields: Vec<(Arc<str>, Value<'v>)>,
}

/// Seconds and nanoseconds of the same sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    /// Whole nanoseconds, as Go keeps them.
    pub nanos: i64,
}

/// Seconds since 1970 in UTC and nanoseconds, year 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Whole seconds, negative before 1970.
    pub seconds: i64,
    /// 0 to 999,999,999, counted forwards.
    pub nanos: u32,
}

/// A value of a library's own type.
pub trait Opaque: Any + fmt::Debug + Send + Sync {
    /// Name of the type, for example `kubernetes.Quantity`.
    fn type_name(&self) -> &'static str;
    /// Whether two values are equal.
    fn equals(&self, other: &dyn Opaque) -> bool;
    /// Whether `==` with a value that is not null has an answer; else it is an error.
    fn comparable(&self, other: &Value<'_>) -> bool {
        matches!(other, Value::Opaque(other) if other.type_name() == self.type_name())
    }
    /// For [`downcast`].
    fn as_any(&self) -> &dyn Any;
    /// How many bytes or parts it has, for the cost model.
    fn size(&self) -> u64 {
        1
    }
    /// The value as text, for traces.
    fn describe(&self) -> String {
        format!("{self:?}")
    }
}

/// Number of code points.
#[inline]
pub fn code_points(text: &str) -> u64 {
    // Most texts are short, where counting bytes that begin a code point beats the library's setup.
    if text.len() < 32 {
        return text.bytes().filter(|byte| (*byte as i8) >= -0x40).count() as u64;
    }
    text.chars().count() as u64
}

/// The value behind an opaque one.
pub fn downcast<'a, T: 'static>(value: &'a Value<'_>) -> Option<&'a T> {
    if let Value::Opaque(opaque) = value { opaque.as_any().downcast_ref() } else { None }
}

// === impl Value ===

impl<'v> Value<'v> {
    /// The value of a node of a document.
    pub fn node(node: Node<'v>) -> Value<'v> {
        match node.data() {
            Data::Null => Value::Null,
            Data::Bool(value) => Value::Bool(*value),
            Data::Int(value) => Value::Int(*value),
            Data::Float(value) => Value::Double(*value),
            Data::Str(text) => Value::Str(Str::Borrowed(text)),
            Data::Seq(_) => Value::List(List::Node(node)),
            Data::Map(_) => Value::Map(Map::Node(node)),
        }
    }

    /// Borrowed text.
    pub fn str(text: &'v str) -> Value<'v> {
        Value::Str(Str::Borrowed(text))
    }

    /// Owned text.
    pub fn string(text: impl Into<Arc<str>>) -> Value<'v> {
        Value::Str(Str::Shared(text.into()))
    }

    /// A list.
    pub fn list(items: impl Into<Arc<[Value<'v>]>>) -> Value<'v> {
        Value::List(List::Items(items.into()))
    }

    /// A library's own value.
    pub fn opaque(value: impl Opaque) -> Value<'v> {
        Value::Opaque(Arc::new(value))
    }

    /// A map of entries that the evaluation made.
    pub fn map(entries: Entries<'v>) -> Value<'v> {
        Value::Map(Map::Entries(Arc::new(entries)))
    }

    /// `optional.of(value)`
    pub fn some(value: Value<'v>) -> Value<'v> {
        Value::Optional(Some(Arc::new(value)))
    }

    /// `optional.none()`
    pub fn none() -> Value<'v> {
        Value::Optional(None)
    }

    /// Number of code points, bytes, items or entries; `None` for values without a size.
    pub fn size(&self) -> Option<u64> {
        match self {
            Value::Str(text) => Some(code_points(text.as_str())),
            Value::Bytes(bytes) => Some(bytes.len() as u64),
            Value::List(list) => Some(list.len() as u64),
            Value::Map(map) => Some(map.len() as u64),
            _ => None,
        }
    }

    /// Size as the cost model counts it: that of the value inside an optional, 1 for values without a size.
    pub fn cost_size(&self) -> u64 {
        match self {
            Value::Optional(Some(inner)) => inner.cost_size(),
            Value::Opaque(value) => value.size(),
            value => value.size().unwrap_or(1),
        }
    }

    /// Whether it is the zero or empty value of its type, as `optional.ofNonZeroValue` asks.
    pub fn is_zero(&self) -> bool {
        match self {
            Value::Null => true,
            Value::Bool(value) => !value,
            Value::Int(value) => *value == 0,
            Value::Uint(value) => *value == 0,
            Value::Double(value) => *value == 0.0,
            Value::Duration(value) => value.nanos == 0,
            Value::Timestamp(value) => *value == YEAR_ONE,
            Value::Struct(value) => value.fields.is_empty(),
            Value::Str(text) => text.as_str().is_empty(),
            Value::Bytes(bytes) => bytes.is_empty(),
            Value::List(list) => list.is_empty(),
            Value::Map(map) => map.is_empty(),
            Value::Type(_) | Value::Optional(_) | Value::Opaque(_) => false,
        }
    }

    /// Text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::Str(text) = self { Some(text.as_str()) } else { None }
    }

    /// The type that `type(x)` returns, without parameters.
    pub fn type_of(&self) -> Type {
        match self {
            Value::Null => Type::Null,
            Value::Bool(_) => Type::Bool,
            Value::Int(_) => Type::Int,
            Value::Uint(_) => Type::Uint,
            Value::Double(_) => Type::Double,
            Value::Str(_) => Type::String,
            Value::Bytes(_) => Type::Bytes,
            Value::List(_) => Type::list(Type::Dyn),
            Value::Map(_) => Type::map(Type::Dyn, Type::Dyn),
            Value::Duration(_) => Type::Duration,
            Value::Timestamp(_) => Type::Timestamp,
            Value::Type(_) => Type::of(Type::Dyn),
            Value::Optional(_) => Type::optional(Type::Dyn),
            Value::Struct(value) => Type::Struct(value.name.clone()),
            Value::Opaque(value) => Type::opaque(value.type_name()),
        }
    }
}

// === impl Str ===

impl Str<'_> {
    /// The text.
    pub fn as_str(&self) -> &str {
        match self {
            Str::Borrowed(text) => text,
            Str::Shared(text) => text,
        }
    }
}

impl fmt::Debug for Str<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

// === impl List ===

impl<'v> List<'v> {
    /// Number of items.
    pub fn len(&self) -> usize {
        match self {
            List::Node(node) => node.len(),
            List::Items(items) => items.len(),
        }
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at an index from 0. Walks over the items before it in a document.
    pub fn get(&self, index: usize) -> Option<Value<'v>> {
        match self {
            List::Node(node) => node.items().nth(index).map(Value::node),
            List::Items(items) => items.get(index).cloned(),
        }
    }

    /// All items.
    pub fn iter(&self) -> impl Iterator<Item = Value<'v>> + '_ {
        let (nodes, items) = match self {
            List::Node(node) => (Some(node.items()), None),
            List::Items(items) => (None, Some(items.iter().cloned())),
        };
        nodes.into_iter().flatten().map(Value::node).chain(items.into_iter().flatten())
    }
}

// === impl Timestamp ===

impl Timestamp {
    /// Seconds of the years 1 to 9999.
    pub const RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
}

/// What Go calls the zero time.
const YEAR_ONE: Timestamp = Timestamp { seconds: -62_135_596_800, nanos: 0 };

const _: () = assert!(size_of::<Value<'static>>() == 32 && size_of::<Result<Value<'static>, crate::Fault>>() == 32);
