//! Decimal numbers of any length: an integer and a power of ten.

use std::cmp::Ordering;
use std::fmt;

/// `±magnitude × 10^exponent`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) negative: bool,
    /// Limbs of nine digits, the lowest first, none of them at the top zero.
    pub(super) magnitude: Magnitude,
    pub(super) exponent: i32,
}

/// A whole number without a sign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Magnitude(Vec<u32>);

const BASE: u64 = 1_000_000_000;
const BASE_DIGITS: usize = 9;

// === impl Decimal ===

impl Decimal {
    pub(super) fn new(value: i64, exponent: i32) -> Decimal {
        Decimal { negative: value < 0, magnitude: Magnitude::of(value.unsigned_abs()), exponent }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.magnitude.0.is_empty()
    }

    pub(super) fn signum(&self) -> i64 {
        match (self.is_zero(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// Order by value.
    pub(super) fn compare(&self, other: &Decimal) -> Ordering {
        match self.signum().cmp(&other.signum()) {
            Ordering::Equal if self.is_zero() => Ordering::Equal,
            Ordering::Equal if self.negative => other.compare_magnitude(self),
            Ordering::Equal => self.compare_magnitude(other),
            order => order,
        }
    }

    /// Of two numbers that are not zero. The place of the first digit decides, so that no number has to be
    /// written out unless both have about as many digits.
    fn compare_magnitude(&self, other: &Decimal) -> Ordering {
        let place = |decimal: &Decimal| decimal.magnitude.digits() as i64 + i64::from(decimal.exponent);
        place(self).cmp(&place(other)).then_with(|| {
            let low = self.exponent.min(other.exponent);
            let lift = |decimal: &Decimal| decimal.magnitude.shifted(decimal.exponent.abs_diff(low) as usize);
            lift(self).compare(&lift(other))
        })
    }

    /// The same number with a lower exponent.
    pub(super) fn lowered(&self, exponent: i32) -> Decimal {
        let magnitude = self.magnitude.shifted(self.exponent.abs_diff(exponent) as usize);
        Decimal { negative: self.negative, magnitude, exponent }
    }

    /// The sum; `None` if it has more digits than allowed.
    pub(super) fn plus(&self, other: &Decimal) -> Option<Decimal> {
        if self.exponent.abs_diff(other.exponent) > DIGITS_MAX {
            return None;
        }
        let exponent = self.exponent.min(other.exponent);
        let (a, b) = (self.lowered(exponent), other.lowered(exponent));
        let (negative, magnitude) = if a.negative == b.negative {
            (a.negative, a.magnitude.plus(&b.magnitude))
        } else if a.magnitude.compare(&b.magnitude) == Ordering::Less {
            (b.negative, b.magnitude.minus(&a.magnitude))
        } else {
            (a.negative, a.magnitude.minus(&b.magnitude))
        };
        Some(Decimal { negative: negative && !magnitude.0.is_empty(), magnitude, exponent })
    }

    pub(super) fn negated(mut self) -> Decimal {
        self.negative = !self.negative && !self.is_zero();
        self
    }

    /// With a given exponent, rounded away from zero where digits are lost; `None` if it has more digits
    /// than allowed.
    pub(super) fn rounded(&self, exponent: i32) -> Option<Decimal> {
        if self.exponent >= exponent {
            return (self.exponent.abs_diff(exponent) <= DIGITS_MAX).then(|| self.lowered(exponent));
        }
        let (mut magnitude, inexact) = self.magnitude.cut(self.exponent.abs_diff(exponent) as usize);
        if inexact {
            magnitude = magnitude.plus(&Magnitude::of(1));
        }
        Some(Decimal { negative: self.negative, magnitude, exponent })
    }
}

/// A number of a quantity that anybody means has less than fifty digits.
pub(super) const DIGITS_MAX: u32 = 10_000;

// === impl Magnitude ===

impl Magnitude {
    pub(super) fn of(mut value: u64) -> Magnitude {
        let mut limbs = Vec::new();
        while value > 0 {
            limbs.push((value % BASE) as u32);
            value /= BASE;
        }
        Magnitude(limbs)
    }

    /// Of decimal digits.
    pub(super) fn parse(digits: &str) -> Magnitude {
        let mut limbs = Vec::with_capacity(digits.len() / BASE_DIGITS + 1);
        let mut rest = digits;
        while !rest.is_empty() {
            let (head, limb) = rest.split_at(rest.len().saturating_sub(BASE_DIGITS));
            limbs.push(limb.parse().unwrap_or(0));
            rest = head;
        }
        Magnitude(limbs).trimmed()
    }

    fn trimmed(mut self) -> Magnitude {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        self
    }

    /// How many digits it has; zero has none.
    pub(super) fn digits(&self) -> usize {
        match self.0.last() {
            Some(top) => (self.0.len() - 1) * BASE_DIGITS + top.ilog10() as usize + 1,
            None => 0,
        }
    }

    pub(super) fn compare(&self, other: &Magnitude) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }

    pub(super) fn plus(&self, other: &Magnitude) -> Magnitude {
        let mut limbs = Vec::with_capacity(self.0.len().max(other.0.len()) + 1);
        let mut carry = 0;
        for at in 0..self.0.len().max(other.0.len()) {
            let sum = u64::from(self.limb(at)) + u64::from(other.limb(at)) + carry;
            limbs.push((sum % BASE) as u32);
            carry = sum / BASE;
        }
        limbs.push(carry as u32);
        Magnitude(limbs).trimmed()
    }

    /// Less another one that is not greater.
    fn minus(&self, other: &Magnitude) -> Magnitude {
        let mut limbs = Vec::with_capacity(self.0.len());
        let mut borrow = 0;
        for at in 0..self.0.len() {
            let mut difference = i64::from(self.limb(at)) - i64::from(other.limb(at)) - borrow;
            borrow = i64::from(difference < 0);
            difference += borrow * BASE as i64;
            limbs.push(difference as u32);
        }
        Magnitude(limbs).trimmed()
    }

    fn limb(&self, at: usize) -> u32 {
        self.0.get(at).copied().unwrap_or(0)
    }

    /// Times a number below 2^32.
    pub(super) fn times(&self, factor: u32) -> Magnitude {
        let mut limbs = Vec::with_capacity(self.0.len() + 2);
        let mut carry = 0;
        for limb in &self.0 {
            let product = u64::from(*limb) * u64::from(factor) + carry;
            limbs.push((product % BASE) as u32);
            carry = product / BASE;
        }
        limbs.push((carry % BASE) as u32);
        limbs.push((carry / BASE) as u32);
        Magnitude(limbs).trimmed()
    }

    /// Quotient and remainder by a number below 2^32.
    pub(super) fn divided(&self, by: u32) -> (Magnitude, u32) {
        let mut limbs = vec![0; self.0.len()];
        let mut rest = 0;
        for (at, limb) in self.0.iter().enumerate().rev() {
            let value = rest * BASE + u64::from(*limb);
            limbs[at] = (value / u64::from(by)) as u32;
            rest = value % u64::from(by);
        }
        (Magnitude(limbs).trimmed(), rest as u32)
    }

    /// Times a power of ten.
    fn shifted(&self, places: usize) -> Magnitude {
        if self.0.is_empty() || places == 0 {
            return self.clone();
        }
        let mut limbs = vec![0; places / BASE_DIGITS];
        limbs.extend(self.times(10u32.pow((places % BASE_DIGITS) as u32)).0);
        Magnitude(limbs)
    }

    /// Without the lowest digits, and whether they were not all zero.
    fn cut(&self, places: usize) -> (Magnitude, bool) {
        let whole = places / BASE_DIGITS;
        if whole >= self.0.len() {
            return (Magnitude::default(), !self.0.is_empty());
        }
        let (lost, kept) = self.0.split_at(whole);
        let (kept, rest) = Magnitude(kept.to_vec()).divided(10u32.pow((places % BASE_DIGITS) as u32));
        (kept, rest != 0 || lost.iter().any(|limb| *limb != 0))
    }
}

impl fmt::Display for Magnitude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((top, rest)) = self.0.split_last() else { return f.write_str("0") };
        write!(f, "{top}")?;
        rest.iter().rev().try_for_each(|limb| write!(f, "{limb:09}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(digits: &str, exponent: i32) -> Decimal {
        let (negative, digits) = digits.strip_prefix('-').map_or((false, digits), |digits| (true, digits));
        Decimal { negative, magnitude: Magnitude::parse(digits), exponent }
    }

    #[test]
    fn long_numbers_are_added_exactly() {
        let sum = decimal("999999999999999999999", 0).plus(&decimal("1", 0));
        assert_eq!(sum, Some(decimal("1000000000000000000000", 0)));
        let sum = decimal("1", 3).plus(&decimal("-1", -2));
        assert_eq!(sum, Some(decimal("99999", -2)));
        assert_eq!(decimal("1", i32::MAX).plus(&decimal("1", 0)), None);
    }

    #[test]
    fn order_needs_no_digits_where_the_places_differ() {
        assert_eq!(decimal("1", 1_000_000_000).compare(&decimal("9", 0)), Ordering::Greater);
        assert_eq!(decimal("-1", 1_000_000_000).compare(&decimal("-9", 0)), Ordering::Less);
        assert_eq!(decimal("1000", -3).compare(&decimal("1", 0)), Ordering::Equal);
        assert_eq!(decimal("0", 5).compare(&decimal("0", -5)), Ordering::Equal);
    }

    #[test]
    fn rounding_goes_away_from_zero() {
        assert_eq!(decimal("1000000000001", -12).rounded(-9), Some(decimal("1000000001", -9)));
        assert_eq!(decimal("1", -1_000_000_000).rounded(-9), Some(decimal("1", -9)));
        assert_eq!(decimal("15", -1).rounded(-9), Some(decimal("1500000000", -9)));
        assert_eq!(
            decimal("123456789012345678901234567890", 0).magnitude.to_string(),
            "123456789012345678901234567890"
        );
    }
}
