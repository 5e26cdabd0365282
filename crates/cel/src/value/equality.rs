//! Equality and order of values.

use std::cmp::Ordering;

use super::{List, Map, Str, Struct, Value};
use crate::fault::Fault;

impl Value<'_> {
    /// Whether two values are equal. Numbers are compared by value whatever their types; values of different
    /// types are not equal; NaN equals nothing.
    pub fn equals(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Str(a), Value::Str(b)) => a.as_str() == b.as_str(),
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Int(_) | Value::Uint(_) | Value::Double(_), Value::Int(_) | Value::Uint(_) | Value::Double(_)) => {
                number_order(self, other) == Some(Ordering::Equal)
            }
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::List(a), Value::List(b)) => lists_equal(a, b),
            (Value::Map(a), Value::Map(b)) => maps_equal(a, b),
            (Value::Duration(a), Value::Duration(b)) => a == b,
            (Value::Timestamp(a), Value::Timestamp(b)) => a == b,
            (Value::Type(a), Value::Type(b)) => a.name() == b.name(),
            (Value::Optional(a), Value::Optional(b)) => match (a, b) {
                (Some(a), Some(b)) => a.equals(b),
                (None, None) => true,
                _ => false,
            },
            (Value::Struct(a), Value::Struct(b)) => structs_equal(a, b),
            (Value::Opaque(a), Value::Opaque(b)) => a.equals(&**b),
            _ => false,
        }
    }

    /// Order of two values. `no such overload` where there is none.
    pub fn compare(&self, other: &Value<'_>) -> Result<Ordering, Fault> {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => Ok(a.cmp(b)),
            (Value::Int(a), Value::Int(b)) => Ok(a.cmp(b)),
            (Value::Int(_) | Value::Uint(_) | Value::Double(_), Value::Int(_) | Value::Uint(_) | Value::Double(_)) => {
                number_order(self, other).ok_or_else(|| Fault::error("NaN values cannot be ordered"))
            }
            (Value::Str(a), Value::Str(b)) => Ok(a.as_str().cmp(b.as_str())),
            (Value::Bytes(a), Value::Bytes(b)) => Ok(a.cmp(b)),
            (Value::Duration(a), Value::Duration(b)) => Ok(a.cmp(b)),
            (Value::Timestamp(a), Value::Timestamp(b)) => Ok(a.cmp(b)),
            (Value::Double(a), _) if a.is_nan() => Err(Fault::error("NaN values cannot be ordered")),
            _ => Err(Fault::no_such_overload()),
        }
    }
}

impl PartialEq<str> for Str<'_> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

/// Order of two numbers of any types; `None` if one is NaN.
fn number_order(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Uint(a), Value::Uint(b)) => Some(a.cmp(b)),
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Uint(a), Value::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        // Integers are rounded to doubles, as cel-go does within their range.
        (Value::Double(a), Value::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Value::Int(a), Value::Double(b)) => (*a as f64).partial_cmp(b),
        (Value::Double(a), Value::Uint(b)) => a.partial_cmp(&(*b as f64)),
        (Value::Uint(a), Value::Double(b)) => (*a as f64).partial_cmp(b),
        _ => None,
    }
}

fn lists_equal(a: &List<'_>, b: &List<'_>) -> bool {
    a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.equals(&b))
}

fn maps_equal(a: &Map<'_>, b: &Map<'_>) -> bool {
    a.len() == b.len() && a.iter().all(|(key, value)| b.get(&key).is_some_and(|other| value.equals(&other)))
}

fn structs_equal(a: &Struct<'_>, b: &Struct<'_>) -> bool {
    a.name == b.name
        && a.fields.len() == b.fields.len()
        && a.fields
            .iter()
            .all(|(name, value)| b.fields.iter().any(|(other_name, other)| name == other_name && value.equals(other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_equal_across_types_and_nan_to_nothing() {
        assert!(Value::Int(1).equals(&Value::Double(1.0)));
        assert!(Value::Uint(1).equals(&Value::Int(1)));
        assert!(!Value::Int(-1).equals(&Value::Uint(u64::MAX)));
        assert!(!Value::Double(f64::NAN).equals(&Value::Double(f64::NAN)));
        assert!(!Value::Int(1).equals(&Value::str("1")));
        assert!(Value::list([Value::Int(1)]).equals(&Value::list([Value::Uint(1)])));
        assert!(Value::some(Value::Null).equals(&Value::some(Value::Null)));
        assert!(!Value::some(Value::Null).equals(&Value::none()));
    }

    #[test]
    fn order_knows_numbers_of_different_types() {
        assert_eq!(Value::Int(-1).compare(&Value::Uint(0)), Ok(Ordering::Less));
        assert_eq!(Value::Double(1.5).compare(&Value::Int(1)), Ok(Ordering::Greater));
        assert!(Value::Double(f64::NAN).compare(&Value::Int(1)).is_err());
        assert_eq!(Value::Int(1).compare(&Value::str("a")), Err(Fault::no_such_overload()));
    }
}
