//! What calls cost.

use crate::cost::{Actual, TRAVERSAL, actual};
use crate::value::Value;

/// The price of a call. A fault among arguments and result is given to it as null, whose size is 1.
#[derive(Clone, Copy)]
pub(crate) struct Price(Actual);

// === impl Price ===

impl Price {
    /// The price of a call of a function; of one signature if the checker left exactly one.
    pub(crate) fn of(function: &str, overload: Option<&str>) -> Price {
        Price(actual(function, overload))
    }

    /// What a call cost.
    #[inline]
    pub(crate) fn charge(&self, args: &[Value<'_>], result: &Value<'_>) -> u64 {
        (self.0)(args, result)
    }
}

impl std::fmt::Debug for Price {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("price")
    }
}

/// Price of walking over that many parts.
#[inline]
pub(crate) fn traversal(size: u64) -> u64 {
    // The product as a double, because its rounding is part of the price: 30 parts cost 4.
    (size as f64 * TRAVERSAL).ceil() as u64
}
