//! What calls cost.

use crate::cost::{Actual, TRAVERSAL, actual};
use crate::fault::Fault;
use crate::value::Value;

/// The price of a call. A fault among arguments and result is given to it as null, whose size is 1.
#[derive(Clone, Copy)]
pub(crate) struct Price {
    charge: Actual,
    /// kube-apiserver takes the first argument for a list when it counts, also where it is an error.
    of_list: bool,
}

// === impl Price ===

impl Price {
    /// The price of a call of a function; of one signature if the checker left exactly one.
    pub(crate) fn of(function: &str, overload: Option<&str>) -> Price {
        let sorts = |id: &str| id.starts_with("list_") && id.ends_with("_sort");
        Price {
            charge: actual(function, overload),
            of_list: overload.is_some_and(|id| id == "list_distinct" || sorts(id)),
        }
    }

    /// What a call cost.
    #[inline]
    pub(crate) fn charge(&self, args: &[Value<'_>], result: &Value<'_>) -> u64 {
        (self.charge)(args, result)
    }

    /// In kube-apiserver the counting itself breaks down over some errors of an argument, and hides them.
    pub(crate) fn breakdown(&self, fault: &Fault) -> Option<Fault> {
        (self.of_list && matches!(fault, Fault::Error(_))).then(|| Fault::error(NOT_A_LIST))
    }
}

impl std::fmt::Debug for Price {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("price")
    }
}

const NOT_A_LIST: &str = "internal error: interface conversion: *types.Err is not traits.Lister: missing method Add";

/// Price of walking over that many parts.
#[inline]
pub(crate) fn traversal(size: u64) -> u64 {
    match SMALL.get(size as usize) {
        Some(price) => u64::from(*price),
        None => product(size),
    }
}

/// Prices of what is small, which is nearly everything: rounding up is slow on processors of the base line.
static SMALL: [u8; 256] = {
    let mut prices = [0; 256];
    let mut size = 0;
    while size < prices.len() {
        prices[size] = product(size as u64) as u8;
        size += 1;
    }
    prices
};

/// The product as a double, because its rounding is part of the price: 30 parts cost 4.
const fn product(size: u64) -> u64 {
    (size as f64 * TRAVERSAL).ceil() as u64
}
