//! Quantities of resources: `100m`, `1.5Gi`, `12e6`.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt;

use super::super::arguments::{int, opaque, text};
use super::decimal::{DIGITS_MAX, Decimal, Magnitude};
use crate::context::Context;
use crate::decl::Library;
use crate::fault::Fault;
use crate::types::Type;
use crate::value::{Opaque, Value};

/// Functions of `kubernetes.Quantity`.
pub fn quantity() -> Library {
    let of = Type::opaque(TYPE);
    let one = [of.clone()];
    let two = [of.clone(), of.clone()];
    let with_int = [of.clone(), Type::Int];
    Library::default()
        .function("quantity", "string_to_quantity", &[Type::String], of.clone(), |context, args| {
            parsed(context, text(args, 0)?)?.map(Value::opaque).map_err(|refusal| refusal.fault())
        })
        .function("isQuantity", "is_quantity_string", &[Type::String], Type::Bool, |context, args| {
            match parsed(context, text(args, 0)?)? {
                Err(Refusal::Limit) => Err(Refusal::Limit.fault()),
                result => Ok(Value::Bool(result.is_ok())),
            }
        })
        .function("sign", "quantity_sign", &one, Type::Int, |_, args| {
            Ok(Value::Int(opaque::<Quantity>(args, 0)?.signum()))
        })
        .method("isGreaterThan", "quantity_is_greater_than", &two, Type::Bool, |_, args| {
            Ok(Value::Bool(compared(args)? == Ordering::Greater))
        })
        .method("isLessThan", "quantity_is_less_than", &two, Type::Bool, |_, args| {
            Ok(Value::Bool(compared(args)? == Ordering::Less))
        })
        .method("compareTo", "quantity_compare_to", &two, Type::Int, |_, args| Ok(Value::Int(compared(args)? as i64)))
        .method("asApproximateFloat", "quantity_get_float", &one, Type::Double, |_, args| {
            Ok(Value::Double(opaque::<Quantity>(args, 0)?.to_f64()))
        })
        .method("asInteger", "quantity_get_int", &one, Type::Int, |_, args| {
            let value = opaque::<Quantity>(args, 0)?.to_i64();
            value.map(Value::Int).ok_or_else(|| Fault::error("cannot convert value to integer"))
        })
        .method("isInteger", "quantity_is_integer", &one, Type::Bool, |_, args| {
            Ok(Value::Bool(opaque::<Quantity>(args, 0)?.to_i64().is_some()))
        })
        .method("add", "quantity_add", &two, of.clone(), |context, args| {
            sum(context, opaque(args, 0)?, opaque(args, 1)?)
        })
        .method("add", "quantity_add_int", &with_int, of.clone(), |context, args| {
            sum(context, opaque(args, 0)?, &Quantity::of_int(int(args, 1)?))
        })
        .method("sub", "quantity_sub", &two, of.clone(), |context, args| {
            difference(context, opaque(args, 0)?, opaque(args, 1)?)
        })
        .method("sub", "quantity_sub_int", &with_int, of, |context, args| {
            difference(context, opaque(args, 0)?, &Quantity::of_int(int(args, 1)?))
        })
}

const TYPE: &str = "kubernetes.Quantity";

/// A quantity.
#[derive(Clone, Debug)]
pub struct Quantity {
    amount: Amount,
    format: Format,
    /// Came out of an addition or subtraction.
    computed: bool,
}

/// As the API server keeps them: numbers that fit 64 bits and a power of ten apart from longer ones. What
/// counts as an integer depends on it.
#[derive(Clone, Debug)]
enum Amount {
    Short { value: i64, exponent: i32 },
    Long(Decimal),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    DecimalExponent,
    BinarySi,
    DecimalSi,
}

/// Why a text is no quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Refusal {
    /// Not a number and a suffix.
    Format,
    /// The number has no digit.
    Numeric,
    /// No such suffix.
    Suffix,
    /// More digits than we write out.
    Limit,
}

impl Refusal {
    fn fault(self) -> Fault {
        match self {
            Refusal::Format => Fault::error(
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            ),
            Refusal::Numeric => Fault::error("unable to parse numeric part of quantity"),
            Refusal::Suffix => Fault::error("unable to parse quantity's suffix"),
            Refusal::Limit => TOO_LONG,
        }
    }
}

const TOO_LONG: Fault = Fault::LimitExceeded(&"a quantity is limited to 10,000 digits");

fn parsed(context: &mut Context<'_>, source: &str) -> Result<Result<Quantity, Refusal>, Fault> {
    context.allocate(size_of::<Quantity>() + source.len())?;
    Ok(Quantity::parse(source))
}

fn compared(args: &[Value<'_>]) -> Result<Ordering, Fault> {
    Ok(opaque::<Quantity>(args, 0)?.compare(opaque(args, 1)?))
}

fn sum<'v>(context: &mut Context<'_>, a: &Quantity, b: &Quantity) -> Result<Value<'v>, Fault> {
    context.allocate(size_of::<Quantity>())?;
    let mut sum = Quantity { computed: true, ..a.clone() };
    if a.signum() == 0 {
        sum.format = b.format;
    }
    sum.amount = match (&a.amount, &b.amount) {
        (Amount::Short { value: x, exponent: i }, Amount::Short { value: y, exponent: j }) => {
            match short_sum(*x, *i, *y, *j) {
                Some((value, exponent)) => Amount::Short { value, exponent },
                None => long_sum(context, a, &b.amount.decimal())?,
            }
        }
        _ => long_sum(context, a, &b.amount.decimal())?,
    };
    Ok(Value::opaque(sum))
}

fn difference<'v>(context: &mut Context<'_>, a: &Quantity, b: &Quantity) -> Result<Value<'v>, Fault> {
    let amount = match &b.amount {
        // The least integer is its own negative, as there.
        Amount::Short { value, exponent } => Amount::Short { value: value.wrapping_neg(), exponent: *exponent },
        Amount::Long(decimal) => Amount::Long(decimal.clone().negated()),
    };
    sum(context, a, &Quantity { amount, ..b.clone() })
}

fn long_sum(context: &mut Context<'_>, a: &Quantity, b: &Decimal) -> Result<Amount, Fault> {
    let sum = a.amount.decimal().plus(b).ok_or(TOO_LONG)?;
    context.allocate(sum.magnitude.digits())?;
    Ok(Amount::Long(sum))
}

/// The sum at the lower of the two exponents; `None` if it does not fit.
fn short_sum(x: i64, i: i32, y: i64, j: i32) -> Option<(i64, i32)> {
    if y == 0 {
        return Some((x, i));
    }
    if x == 0 {
        return Some((y, j));
    }
    let low = i.min(j);
    Some((raised(x, i.abs_diff(low))?.checked_add(raised(y, j.abs_diff(low))?)?, low))
}

/// Times a power of ten, if it fits.
fn raised(value: i64, places: u32) -> Option<i64> {
    if value == 0 { Some(0) } else { 10i64.checked_pow(places).and_then(|power| value.checked_mul(power)) }
}

impl Amount {
    fn decimal(&self) -> Decimal {
        match self {
            Amount::Short { value, exponent } => Decimal::new(*value, *exponent),
            Amount::Long(decimal) => decimal.clone(),
        }
    }
}

impl Quantity {
    /// An integer, as `add(1)` takes it.
    fn of_int(value: i64) -> Quantity {
        let amount = Amount::Short { value, exponent: 0 };
        Quantity { amount, format: Format::DecimalExponent, computed: false }
    }

    /// Reads a quantity.
    pub fn parse(source: &str) -> Result<Quantity, Refusal> {
        if source.is_empty() {
            return Err(Refusal::Format);
        }
        let parts = Parts::of(source)?;
        let (exponent, format) = suffix(parts.suffix).ok_or(Refusal::Suffix)?;
        if let Some(amount) = parts.short(exponent, format) {
            return Ok(Quantity { amount, format, computed: false });
        }
        let (amount, format) = parts.long(exponent, format)?;
        Ok(Quantity { amount: Amount::Long(amount), format, computed: false })
    }

    fn signum(&self) -> i64 {
        match &self.amount {
            Amount::Short { value, .. } => value.signum(),
            Amount::Long(decimal) => decimal.signum(),
        }
    }

    fn compare(&self, other: &Quantity) -> Ordering {
        if let (Amount::Short { value: x, exponent: i }, Amount::Short { value: y, exponent: j }) =
            (&self.amount, &other.amount)
            && i == j
        {
            return x.cmp(y);
        }
        self.amount.decimal().compare(&other.amount.decimal())
    }

    fn to_i64(&self) -> Option<i64> {
        match self.amount {
            Amount::Short { value, exponent } => raised(value, u32::try_from(exponent).ok()?),
            Amount::Long(_) => None,
        }
    }

    fn to_f64(&self) -> f64 {
        let (base, exponent) = match &self.amount {
            Amount::Short { value, exponent } => (*value as f64, *exponent),
            Amount::Long(decimal) => {
                let magnitude: f64 = decimal.magnitude.to_string().parse().unwrap_or(f64::INFINITY);
                (if decimal.negative { -magnitude } else { magnitude }, decimal.exponent)
            }
        };
        if exponent == 0 { base } else { base * power_of_ten(exponent) }
    }
}

/// As Go computes it, from two tables; the product is not always the nearest double.
fn power_of_ten(exponent: i32) -> f64 {
    let table = |exponent: i32| format!("1e{exponent}").parse().unwrap_or(0.0);
    let (far, near) = (exponent / 32 * 32, exponent % 32);
    match exponent {
        0..=308 => table(far) * table(near),
        -323..0 => table(far) / table(-near),
        309.. => f64::INFINITY,
        _ => 0.0,
    }
}

/// The parts of a quantity's text.
struct Parts<'s> {
    positive: bool,
    /// Sign and digits, as written.
    value: &'s str,
    /// Digits before the point without zeros in front, and after it.
    whole: &'s str,
    fraction: &'s str,
    suffix: &'s str,
}

impl<'s> Parts<'s> {
    fn of(source: &'s str) -> Result<Parts<'s>, Refusal> {
        let is_digit = |char: char| char.is_ascii_digit();
        let positive = !source.starts_with('-');
        let unsigned = source.strip_prefix(['-', '+']).unwrap_or(source);
        let rest = unsigned.trim_start_matches('0');
        if rest.is_empty() {
            return Ok(Parts { positive, value: "0", whole: "0", fraction: "", suffix: "" });
        }
        let after_whole = rest.trim_start_matches(is_digit);
        let whole = &rest[..rest.len() - after_whole.len()];
        let (fraction, suffix) = match after_whole.strip_prefix('.') {
            Some(fraction) => {
                let suffix = fraction.trim_start_matches(is_digit);
                (&fraction[..fraction.len() - suffix.len()], suffix)
            }
            None => ("", after_whole),
        };
        let letters = suffix.trim_start_matches(|char| "eEinumkKMGTP".contains(char));
        let digits = letters.strip_prefix(['-', '+']).unwrap_or(letters);
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Refusal::Format);
        }
        let value = &source[..source.len() - suffix.len()];
        Ok(Parts { positive, value, whole: if whole.is_empty() { "0" } else { whole }, fraction, suffix })
    }

    /// A number that is sure to fit 64 bits with room for a change of its exponent.
    fn short(&self, exponent: i32, format: Format) -> Option<Amount> {
        let digits = (self.whole.len() + self.fraction.len()) as i64;
        let (precision, scale, mantissa) = match format {
            Format::BinarySi if self.fraction.is_empty() => {
                let binary_digits = (exponent as f32 * 3.0 / 10.0) as i64;
                (15 - self.whole.len() as i64 - binary_digits - 1, 0, 1i64.checked_shl(exponent as u32)?)
            }
            Format::BinarySi => return None,
            _ => (18 - digits, exponent, 1),
        };
        let exponent = scale.wrapping_sub(self.fraction.len() as i32);
        if precision < 0 || exponent < NANO {
            return None;
        }
        let value: i64 = format!("{}{}", self.whole, self.fraction).parse().ok()?;
        let value = value.checked_mul(mantissa)?;
        Some(Amount::Short { value: if self.positive { value } else { -value }, exponent })
    }

    fn long(&self, exponent: i32, mut format: Format) -> Result<(Decimal, Format), Refusal> {
        if self.value.len() > DIGITS_MAX as usize {
            return Err(Refusal::Limit);
        }
        if !self.value.bytes().any(|byte| byte.is_ascii_digit()) {
            return Err(Refusal::Numeric);
        }
        let mut amount = Decimal {
            negative: false,
            magnitude: Magnitude::parse(&format!("{}{}", self.whole, self.fraction)),
            exponent: -(self.fraction.len() as i32),
        };
        if format == Format::BinarySi {
            for _ in 0..exponent / 10 {
                amount.magnitude = amount.magnitude.times(1024);
            }
        } else {
            amount.exponent = amount.exponent.wrapping_add(exponent);
        }
        if !amount.is_zero() {
            amount = amount.rounded(NANO).ok_or(Refusal::Limit)?;
        }
        if format == Format::BinarySi {
            let most = Decimal::new(i64::MAX, 0);
            if amount.compare(&most) == Ordering::Greater {
                amount = most;
            }
            if !amount.is_zero() && amount.compare(&Decimal::new(1, 0)) == Ordering::Less {
                format = Format::DecimalSi;
            }
        }
        amount.negative = !self.positive && !amount.is_zero();
        Ok((amount, format))
    }
}

/// Quantities have no smaller part than 10^-9.
const NANO: i32 = -9;

/// Exponent and format of a suffix; the exponent is one of two for binary ones.
fn suffix(suffix: &str) -> Option<(i32, Format)> {
    if let Some((_, exponent)) = DECIMAL_SUFFIXES.iter().find(|(name, _)| *name == suffix) {
        return Some((*exponent, Format::DecimalSi));
    }
    if let Some((_, exponent)) = BINARY_SUFFIXES.iter().find(|(name, _)| *name == suffix) {
        return Some((*exponent, Format::BinarySi));
    }
    let exponent: i64 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    // Cut to 32 bits, as there.
    Some((exponent as i32, Format::DecimalExponent))
}

const DECIMAL_SUFFIXES: &[(&str, i32)] =
    &[("", 0), ("n", -9), ("u", -6), ("m", -3), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY_SUFFIXES: &[(&str, i32)] = &[("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

/// The canonical form: no fraction, the largest suffix that keeps the number whole.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.signum() == 0 {
            return f.write_str("0");
        }
        let decimal = self.amount.decimal();
        let below_1024 = |amount: &Decimal| {
            amount.compare(&Decimal::new(-1024, 0)) == Ordering::Greater
                && amount.compare(&Decimal::new(1024, 0)) == Ordering::Less
        };
        if self.format == Format::BinarySi
            && !below_1024(&decimal)
            && let Some(whole) = decimal.rounded(0).filter(|whole| whole.compare(&decimal) == Ordering::Equal)
        {
            return write_binary(f, &whole);
        }
        let format = if self.format == Format::BinarySi { Format::DecimalSi } else { self.format };
        write_decimal(f, &decimal, format)
    }
}

fn write_binary(f: &mut fmt::Formatter<'_>, whole: &Decimal) -> fmt::Result {
    let (mut magnitude, mut times) = (whole.magnitude.clone(), 0);
    while let (quotient, 0) = magnitude.divided(1024) {
        (magnitude, times) = (quotient, times + 1);
    }
    let suffix = BINARY_SUFFIXES.get(times as usize - usize::from(times > 0)).map_or("", |(name, _)| *name);
    write!(f, "{}{magnitude}{}", if whole.negative { "-" } else { "" }, if times > 0 { suffix } else { "" })
}

fn write_decimal(f: &mut fmt::Formatter<'_>, decimal: &Decimal, format: Format) -> fmt::Result {
    let (mut magnitude, mut exponent) = (decimal.magnitude.clone(), decimal.exponent);
    while let (quotient, 0) = magnitude.divided(10) {
        (magnitude, exponent) = (quotient, exponent.saturating_add(1));
    }
    while exponent % 3 != 0 {
        (magnitude, exponent) = (magnitude.times(10), exponent - 1);
    }
    write!(f, "{}{magnitude}", if decimal.negative { "-" } else { "" })?;
    match format {
        Format::DecimalExponent if exponent == 0 => Ok(()),
        Format::DecimalExponent => write!(f, "e{exponent}"),
        _ => {
            let suffix = DECIMAL_SUFFIXES.iter().find(|(_, of)| *of == exponent).map_or("", |(name, _)| *name);
            f.write_str(suffix)
        }
    }
}

impl Opaque for Quantity {
    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn equals(&self, other: &dyn Opaque) -> bool {
        other.as_any().downcast_ref::<Quantity>().is_some_and(|other| self.compare(other) == Ordering::Equal)
    }

    /// A result of arithmetic can stand on the left only, as in the API server.
    fn comparable(&self, other: &Value<'_>) -> bool {
        crate::value::downcast::<Quantity>(other).is_some_and(|other| !other.computed)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn describe(&self) -> String {
        self.to_string()
    }

    fn lost(&self) -> Option<String> {
        Some(format!("unsupported conversion to ref.Val: (*resource.Quantity){self}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_forms() {
        for (source, canonical) in [
            ("0", "0"),
            ("1000", "1k"),
            ("1500m", "1500m"),
            ("0.5", "500m"),
            ("1024Ki", "1Mi"),
            ("1.5Gi", "1536Mi"),
            ("512", "512"),
            ("12e6", "12e6"),
            ("1e3", "1e3"),
            (".", "0"),
            ("-", "0"),
            ("-1.5", "-1500m"),
            ("0.0000000001", "1n"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("100E", "100E"),
            ("9999Ei", "9223372036854775807"),
            ("0.1Ki", "102400m"),
            ("0.0001Ki", "102400u"),
        ] {
            assert_eq!(
                Quantity::parse(source).map(|quantity| quantity.to_string()).as_deref(),
                Ok(canonical),
                "{source}"
            );
        }
    }

    #[test]
    fn what_is_no_quantity() {
        for (source, refusal) in [
            ("", Refusal::Format),
            ("ten", Refusal::Format),
            ("1 Gi", Refusal::Format),
            ("10Gi0x", Refusal::Format),
            ("10KiMi", Refusal::Suffix),
            ("1e", Refusal::Suffix),
            ("1e99999999999999999999", Refusal::Suffix),
            ("1234567890123456789e1000000000", Refusal::Limit),
        ] {
            assert_eq!(Quantity::parse(source).map(|_| ()), Err(refusal), "{source}");
        }
    }

    #[test]
    fn powers_of_ten_go_from_one_end_of_the_doubles_to_the_other() {
        assert_eq!(power_of_ten(0), 1.0);
        assert_eq!(power_of_ten(-3), 0.001);
        assert_eq!(power_of_ten(18), 1e18);
        assert_eq!(power_of_ten(400), f64::INFINITY);
        assert_eq!(power_of_ten(-400), 0.0);
    }
}
