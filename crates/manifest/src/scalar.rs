//! What a YAML scalar means to kube-apiserver.
//!
//! The API server turns YAML into JSON with a YAML 1.1 library and decodes that JSON. The rules here
//! follow what a real server answers: sixteen spellings of a boolean, integers in four bases with
//! underscores, leading zeros as octal, floats without a fraction as integers.

use std::borrow::Cow;

use crate::tree::Data;

/// Reads a plain (unquoted, untagged) scalar.
pub(crate) fn resolve_plain(text: Cow<'_, str>) -> Data<'_> {
    let Some(&first) = text.as_bytes().first() else { return Data::Null };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text),
        b'0'..=b'9' | b'+' | b'-' => number(&text).unwrap_or(Data::Str(text)),
        b'.' => dotted(&text).unwrap_or(Data::Str(text)),
        _ => Data::Str(text),
    }
}

/// Reads a scalar with an explicit core tag such as `!!bool`. `None` when the text does not fit it.
pub(crate) fn resolve_tagged<'t>(suffix: &str, text: Cow<'t, str>) -> Option<Data<'t>> {
    match suffix {
        "str" | "binary" => Some(Data::Str(text)),
        "null" => matches!(&*text, "" | "~" | "null" | "Null" | "NULL").then_some(Data::Null),
        "bool" => Some(resolve_plain(text)).filter(|data| matches!(data, Data::Bool(_))),
        "int" => Some(resolve_plain(text)).filter(|data| matches!(data, Data::Int(_))),
        "float" => Some(resolve_plain(text)).filter(|data| matches!(data, Data::Int(_) | Data::Float(_))),
        "timestamp" => Some(Data::Str(text)),
        _ => Some(resolve_plain(text)),
    }
}

fn word(text: Cow<'_, str>) -> Data<'_> {
    match &*text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Data::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Data::Bool(false),
        "~" | "null" | "Null" | "NULL" => Data::Null,
        _ => Data::Str(text),
    }
}

fn dotted(text: &str) -> Option<Data<'static>> {
    match text {
        ".inf" | ".Inf" | ".INF" => Some(Data::Float(f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" => Some(Data::Float(f64::NAN)),
        _ if is_float(text) => text.parse().ok().map(float),
        _ => None,
    }
}

fn number(text: &str) -> Option<Data<'static>> {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Some(Data::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => return Some(Data::Float(f64::NEG_INFINITY)),
        _ => {}
    }
    // Most scalars that start with a digit are short and made of digits only.
    let plain: Cow<'_, str> = if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) };
    if let Some(value) = integer(&plain) {
        return Some(value);
    }
    is_float(&plain).then(|| plain.parse().ok().map(float))?
}

/// An integer in base 10, or with prefix `0x`, `0o`, `0b` or a leading zero (octal).
fn integer(text: &str) -> Option<Data<'static>> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // `from_str_radix` would accept a second sign.
    if !digits.bytes().next()?.is_ascii_alphanumeric() {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    Some(match (negative, i64::try_from(magnitude)) {
        (false, Ok(value)) => Data::Int(value),
        (true, Ok(value)) => Data::Int(-value),
        (true, Err(_)) if magnitude == 1 << 63 => Data::Int(i64::MIN),
        (false, Err(_)) => Data::Float(magnitude as f64),
        (true, Err(_)) => return None,
    })
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let digits = |at: &mut usize| {
        let from = *at;
        while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
            *at += 1;
        }
        *at - from
    };
    let whole = digits(&mut at);
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        if digits(&mut at) == 0 && whole == 0 {
            return false;
        }
    } else if whole == 0 {
        return false;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        if digits(&mut at) == 0 {
            return false;
        }
    }
    at == bytes.len()
}

/// A float without a fraction becomes an integer on its way through JSON.
fn float(value: f64) -> Data<'static> {
    if value.fract() == 0.0 && value.abs() < 1e15 { Data::Int(value as i64) } else { Data::Float(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_have_the_yaml_1_1_spellings() {
        for text in ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"] {
            assert_eq!(resolve_plain(text.into()), Data::Bool(true), "{text}");
        }
        for text in ["yES", "oN", "tRUE", "yess", "nope"] {
            assert_eq!(resolve_plain(text.into()), Data::Str(text.into()), "{text}");
        }
    }

    #[test]
    fn numbers_read_as_the_server_reads_them() {
        for (text, value) in [
            ("0", 0),
            ("00", 0),
            ("0_0", 0),
            ("0.0", 0),
            ("0e0", 0),
            ("-0", 0),
            ("0777", 511),
            ("0x1F", 31),
            ("0o17", 15),
            ("0b11", 3),
            ("1_000", 1000),
            ("1e3", 1000),
            ("+5", 5),
            ("08", 8),
        ] {
            assert_eq!(resolve_plain(text.into()), Data::Int(value), "{text}");
        }
        assert_eq!(resolve_plain("1.5".into()), Data::Float(1.5));
        for text in ["1.2.3", "0x", "--1", "1:00", "10m", "0xg", "-", "+", ".", "1e", "2001-01-01"] {
            assert_eq!(resolve_plain(text.into()), Data::Str(text.into()), "{text}");
        }
    }
}
