//! The canonical form of a quantity: as few digits as possible, with the largest suffix that needs no fraction.

/// The canonical text of a quantity. `None` when it is no quantity.
pub(in crate::admission) fn canonical(text: &str) -> Option<String> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let digits_end = rest.bytes().position(|byte| !byte.is_ascii_digit() && byte != b'.').unwrap_or(rest.len());
    let (digits, suffix) = rest.split_at(digits_end);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.len() + fraction.len() == 0 || fraction.contains('.') || digits.len() > DIGITS_MAX {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let mut value = format!("0{whole}{fraction}").parse::<i128>().ok()?;
    let mut exponent = -(fraction.len() as i32);
    let format = format_of(suffix)?;
    match format {
        Format::Decimal(power) | Format::Exponent(power) => exponent += power,
        Format::Binary(power) => value = value.checked_mul(1_i128.checked_shl(power)?)?,
    }
    if value == 0 {
        return Some(String::from("0"));
    }
    // Nothing finer than a billionth is kept; what is finer is rounded away from zero.
    while exponent < FINEST {
        value = value / 10 + i128::from(value % 10 != 0);
        exponent += 1;
    }
    let sign = if negative { "-" } else { "" };
    let text = match format {
        Format::Binary(_) => binary(value, exponent).unwrap_or_else(|| decimal(value, exponent, false)),
        Format::Exponent(_) => decimal(value, exponent, true),
        Format::Decimal(_) => decimal(value, exponent, false),
    };
    Some(format!("{sign}{text}"))
}

#[derive(Clone, Copy)]
enum Format {
    /// A power of ten behind one letter or none.
    Decimal(i32),
    /// A power of ten behind `e` or `E`.
    Exponent(i32),
    /// A power of two.
    Binary(u32),
}

fn format_of(suffix: &str) -> Option<Format> {
    if let Some(at) = BINARY.iter().position(|known| *known == suffix) {
        return Some(Format::Binary(10 * (at as u32 + 1)));
    }
    if let Some((_, power)) = DECIMAL.iter().find(|(known, _)| *known == suffix) {
        return Some(Format::Decimal(*power));
    }
    let power = suffix.strip_prefix(['e', 'E'])?;
    let power: i32 = power.parse().ok()?;
    (power.abs() <= EXPONENT_MAX).then_some(Format::Exponent(power))
}

fn decimal(mut value: i128, mut exponent: i32, scientific: bool) -> String {
    while value % 10 == 0 && value != 0 {
        value /= 10;
        exponent += 1;
    }
    while exponent.rem_euclid(3) != 0 {
        value = value.saturating_mul(10);
        exponent -= 1;
    }
    let suffix = DECIMAL.iter().find(|(_, power)| *power == exponent).map(|(name, _)| *name);
    match suffix {
        Some(suffix) if !scientific => format!("{value}{suffix}"),
        _ if exponent == 0 => value.to_string(),
        _ => format!("{value}e{exponent}"),
    }
}

/// A whole number with the largest binary suffix. `None` for what is less than 1024 or has a fraction.
fn binary(mut value: i128, exponent: i32) -> Option<String> {
    for _ in exponent..0 {
        if value % 10 != 0 {
            return None;
        }
        value /= 10;
    }
    let mut suffix = "";
    for name in BINARY {
        if value % 1024 != 0 {
            break;
        }
        value /= 1024;
        suffix = name;
    }
    Some(format!("{value}{suffix}"))
}

const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

/// The finest scale that the API server keeps.
const FINEST: i32 = -9;

/// Digits that surely fit 128 bits, the largest binary suffix included.
const DIGITS_MAX: usize = 20;

/// Beyond it no number of that many digits fits the range of a quantity.
const EXPONENT_MAX: i32 = 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_written_with_the_largest_suffix() {
        for (text, expected) in [
            ("1000m", "1"),
            ("0.5", "500m"),
            ("100m", "100m"),
            ("1024Mi", "1Gi"),
            ("1000Mi", "1000Mi"),
            ("1.5Gi", "1536Mi"),
            ("1000000", "1M"),
            ("1500", "1500"),
            ("0", "0"),
            ("-2000m", "-2"),
            ("1e3", "1e3"),
            ("12e3", "12e3"),
            ("1E3", "1e3"),
            ("1E", "1E"),
            ("1.", "1"),
            (".5", "500m"),
            ("1n", "1n"),
            ("0.1n", "1n"),
        ] {
            assert_eq!(canonical(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "a", "1 Gi", "1.2.3", "1e", "1kk", "1e99", "--1", "99999999999999999999999"] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }
}
