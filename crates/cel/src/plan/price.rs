//! What calls cost, as cel-go and kube-apiserver charge when they run.

use crate::value::Value;

/// The price of a call.
#[derive(Clone, Copy)]
pub(crate) enum Price {
    /// Always the same.
    Flat(u64),
    /// Depends on arguments and result. A fault among them is given as null, whose size is 1.
    Computed(for<'a, 'v> fn(&'a [Value<'v>], &'a Value<'v>) -> u64),
}

// === impl Price ===

impl Price {
    /// The price of a call whose signature is known to be this one; cel-go charges 1 where several fit.
    pub(crate) fn of(overload: Option<&str>) -> Price {
        match overload.and_then(computed) {
            Some(price) => Price::Computed(price),
            None => Price::Flat(1),
        }
    }

    #[inline]
    pub(crate) fn charge(&self, args: &[Value<'_>], result: &Value<'_>) -> u64 {
        match self {
            Price::Flat(cost) => *cost,
            Price::Computed(price) => price(args, result),
        }
    }
}

impl std::fmt::Debug for Price {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Price::Flat(cost) => write!(f, "{cost}"),
            Price::Computed(_) => f.write_str("computed"),
        }
    }
}

fn computed(overload: &str) -> Option<for<'a, 'v> fn(&'a [Value<'v>], &'a Value<'v>) -> u64> {
    match overload {
        "in_list" => Some(|args, _| size(args, 1)),
        "starts_with_string" | "ends_with_string" | "string_to_bytes" | "bytes_to_string" => {
            Some(|args, _| traversal(size(args, 0)))
        }
        "add_string" | "add_bytes" => Some(|args, _| traversal(size(args, 0) + size(args, 1))),
        "contains_string" => Some(|args, _| traversal(size(args, 0)) * traversal(size(args, 1))),
        "matches" | "matches_string" => Some(|args, _| {
            traversal(size(args, 0) + 1) * (size(args, 1) as f64 * REGEX_FACTOR).ceil() as u64
        }),
        "less_string" | "less_equals_string" | "greater_string" | "greater_equals_string" | "less_bytes"
        | "less_equals_bytes" | "greater_bytes" | "greater_equals_bytes" => {
            Some(|args, _| traversal(size(args, 0).min(size(args, 1))))
        }
        _ => None,
    }
}

fn size(args: &[Value<'_>], index: usize) -> u64 {
    args.get(index).map_or(1, Value::cost_size)
}

/// Price of walking over that many parts.
#[inline]
pub(crate) fn traversal(size: u64) -> u64 {
    // The product as a double, because its rounding is part of the price: 30 parts cost 4.
    (size as f64 * TRAVERSAL_FACTOR).ceil() as u64
}

/// Units per code point or item that is walked over.
const TRAVERSAL_FACTOR: f64 = 0.1;

/// Units per code point of a pattern.
const REGEX_FACTOR: f64 = 0.25;
