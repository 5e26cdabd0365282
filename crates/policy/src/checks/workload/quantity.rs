//! Quantities as Kubernetes writes them: `500m`, `128Mi`, `1e3`, `0.5`.

use std::cmp::Ordering;

use manifest::{Data, Value};

/// Most significant digits that are kept; the API server rounds beyond 18 or so.
const DIGITS_MAX: usize = 30;

/// A non-negative amount, exact to nine decimals (`n`, nano), as the API server keeps it.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nano: u128,
    negative: bool,
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Quantity = Quantity { nano: 0, negative: false };

    /// Reads a quantity; `None` when the API server would refuse it.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at_checked(end)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') || whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let scale = Scale::parse(suffix)?;
        let mut digits: u128 = 0;
        let mut decimals: i32 = 0;
        for (index, byte) in whole.bytes().chain(fraction.bytes()).enumerate() {
            if index >= DIGITS_MAX {
                decimals -= i32::from(index < whole.len());
                continue;
            }
            digits = digits.saturating_mul(10).saturating_add(u128::from(byte - b'0'));
            decimals += i32::from(index >= whole.len());
        }
        Some(Quantity { nano: scale.apply(digits, 9 - decimals), negative })
    }

    /// Reads a quantity from a field: a string or a number.
    pub fn of(value: Value<'_>) -> Option<Self> {
        match value.data() {
            Data::Str(text) => Quantity::parse(text),
            Data::Int(number) => Some(Quantity {
                nano: u128::from(number.unsigned_abs()).saturating_mul(1_000_000_000),
                negative: *number < 0,
            }),
            Data::Float(number) => Quantity::parse(&number.to_string()),
            _ => None,
        }
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.negative && self.nano > 0
    }

    /// Order by amount.
    pub fn compare(self, other: Quantity) -> Ordering {
        let signed = |quantity: Quantity| (!quantity.is_negative(), quantity.nano);
        match (self.is_negative(), other.is_negative()) {
            (true, true) => other.nano.cmp(&self.nano),
            _ => signed(self).cmp(&signed(other)),
        }
    }
}

/// What a suffix multiplies by.
enum Scale {
    /// 2 to that power.
    Binary(u32),
    /// 10 to that power.
    Decimal(i32),
}

impl Scale {
    fn parse(suffix: &str) -> Option<Scale> {
        Some(match suffix {
            "" => Scale::Decimal(0),
            "n" => Scale::Decimal(-9),
            "u" => Scale::Decimal(-6),
            "m" => Scale::Decimal(-3),
            "k" => Scale::Decimal(3),
            "M" => Scale::Decimal(6),
            "G" => Scale::Decimal(9),
            "T" => Scale::Decimal(12),
            "P" => Scale::Decimal(15),
            "E" => Scale::Decimal(18),
            "Ki" => Scale::Binary(10),
            "Mi" => Scale::Binary(20),
            "Gi" => Scale::Binary(30),
            "Ti" => Scale::Binary(40),
            "Pi" => Scale::Binary(50),
            "Ei" => Scale::Binary(60),
            _ => {
                let exponent = suffix.strip_prefix(['e', 'E'])?;
                let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                if unsigned.is_empty() || unsigned.len() > 4 || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                Scale::Decimal(exponent.parse().ok()?)
            }
        })
    }

    /// `digits` x 10^`shift` x the scale, rounded up as the API server does, saturating.
    fn apply(self, digits: u128, shift: i32) -> u128 {
        let (digits, shift) = match self {
            Scale::Binary(power) => (digits.saturating_mul(1 << power), shift),
            Scale::Decimal(power) => (digits, shift + power),
        };
        match u32::try_from(shift) {
            Ok(up) => digits.saturating_mul(10_u128.saturating_pow(up)),
            Err(_) => digits.div_ceil(10_u128.saturating_pow(shift.unsigned_abs())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) {
        assert_eq!(Quantity::parse(a).unwrap().compare(Quantity::parse(b).unwrap()), Ordering::Equal, "{a} {b}");
    }

    #[test]
    fn spellings_of_one_amount_are_equal() {
        for (a, b) in [
            ("1", "1000m"),
            ("1Ki", "1024"),
            ("0.5Gi", "512Mi"),
            ("1e3", "1k"),
            ("1E3", "1k"),
            ("1E", "1e18"),
            ("+5", "5"),
            (".5", "500m"),
            ("5.", "5"),
            ("1500000000n", "1.5"),
            ("0", "-0"),
            ("12e-1", "1200m"),
        ] {
            same(a, b);
        }
    }

    #[test]
    fn amounts_are_ordered() {
        let sorted = ["-1", "0", "1n", "100m", "1", "1k", "1Ki", "1M", "1Mi", "1Ei", "1e30"];
        for pair in sorted.windows(2) {
            let (a, b) = (Quantity::parse(pair[0]).unwrap(), Quantity::parse(pair[1]).unwrap());
            assert_eq!(a.compare(b), Ordering::Less, "{pair:?}");
        }
    }

    #[test]
    fn what_the_api_server_refuses_is_no_quantity() {
        for text in ["", "-", "Mi", "1 Gi", "1MB", "1gb", "1K", "1mi", "1..2", "0x10", "1e", "1e1.5", "ten", "1e99999"]
        {
            assert!(Quantity::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn absurd_numbers_saturate() {
        assert!(Quantity::parse(&"9".repeat(1000)).is_some());
        assert!(Quantity::parse("9e9999").is_some());
        assert!(Quantity::parse("1e-9999").is_some());
    }
}
