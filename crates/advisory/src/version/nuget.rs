//! NuGet: up to four numbers, pre-releases without regard to case.

use std::cmp::Ordering;

use super::caseless;
use super::semver::{Parts, numbers, pre_release};

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (Parts::new(a), Parts::new(b));
    numbers(a.numbers, b.numbers).then_with(|| pre_release(a.pre, b.pre, caseless))
}
