//! Durations as Go writes them: `1h30m`, `-1.5s`, `10us`.

/// Nanoseconds of a duration.
pub fn parse(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (nanos, after) = part(rest)?;
        total = total.checked_add(nanos).filter(|total| *total <= 1 << 63)?;
        rest = after;
    }
    // The smallest duration has no positive counterpart.
    if negative { 0_i64.checked_sub_unsigned(total) } else { i64::try_from(total).ok() }
}

/// Nanoseconds of the first number with its unit, and what follows.
fn part(text: &str) -> Option<(u64, &str)> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let end = rest.find(|char: char| char == '.' || char.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    let unit: u64 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut nanos = whole.checked_mul(unit)?;
    // Digits beyond the precision of a double change nothing; Go stops there too.
    let (mut value, mut scale) = (0_u64, 1.0_f64);
    for digit in fraction.bytes() {
        let Some(next) = value.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit - b'0'))) else {
            break;
        };
        if next > 1 << 63 {
            break;
        }
        value = next;
        scale *= 10.0;
    }
    if value > 0 {
        nanos = nanos.checked_add((value as f64 * (unit as f64 / scale)) as u64)?;
    }
    Some((nanos, rest))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, nanos) in [
            ("1h", Some(3_600_000_000_000)),
            ("+1.5h", Some(5_400_000_000_000)),
            ("-.5s", Some(-500_000_000)),
            ("1h30m", Some(5_400_000_000_000)),
            ("1µs", Some(1000)),
            ("0", Some(0)),
            ("1.0000000001s", Some(1_000_000_000)),
            ("9223372036854775807ns", Some(i64::MAX)),
            ("-9223372036854775808ns", Some(i64::MIN)),
            ("9223372036854775808ns", None),
            ("3000000h", None),
            ("1", None),
            ("", None),
            (".s", None),
            ("1d", None),
            ("1h-1m", None),
        ] {
            assert_eq!(super::parse(text), nanos, "{text}");
        }
    }
}
