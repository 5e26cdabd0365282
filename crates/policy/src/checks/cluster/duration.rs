//! Durations as Go writes them.

/// Seconds of a duration such as `8760h0m0s` or `1.5h`; `None` when it is none. A bare `0` is one.
pub fn seconds(text: &str) -> Option<f64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0.0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let unit = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        total += number
            * match rest.get(..unit)? {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" | "μs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = rest.get(unit..)?;
    }
    Some(sign * total)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn durations_read_as_go_reads_them() {
        assert_eq!(seconds("1h30m"), Some(5400.0));
        assert_eq!(seconds("8760h0m0s"), Some(31_536_000.0));
        assert_eq!(seconds("1.5s"), Some(1.5));
        assert_eq!(seconds("0"), Some(0.0));
        assert_eq!(seconds("-1ms"), Some(-0.001));
        for bad in ["", "10", "1d", "h", "1h2"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
