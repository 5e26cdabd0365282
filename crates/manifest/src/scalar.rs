//! What a YAML scalar means to kube-apiserver.
//!
//! The API server turns YAML into JSON with a YAML 1.1 library and decodes that JSON. The rules here
//! follow what a real server answers: sixteen spellings of a boolean, integers in four bases with
//! underscores, leading zeros as octal, floats without a fraction as integers.

use std::borrow::Cow;

use crate::tree::Data;

/// Reads a plain (unquoted, untagged) scalar.
pub(crate) fn resolve_plain(text: Cow<'_, str>) -> Data<'_> {
    match resolve(&text) {
        Some(Plain::Null) => Data::Null,
        Some(Plain::Bool(value)) => Data::Bool(value),
        Some(Plain::Int(value)) => Data::Int(value),
        Some(Plain::Large(value)) => Data::Float(value as f64),
        Some(Plain::Float(value)) => float(value),
        None => Data::Str(text),
    }
}

/// Reads a scalar with a tag of the YAML namespace such as `!!bool`. `None` when the text does not
/// fit it.
pub(crate) fn resolve_tagged<'t>(suffix: &str, text: Cow<'t, str>) -> Option<Data<'t>> {
    let fits = match suffix {
        "null" => matches!(resolve(&text), Some(Plain::Null)),
        "bool" => matches!(resolve(&text), Some(Plain::Bool(_))),
        "int" => matches!(resolve(&text), Some(Plain::Int(_) | Plain::Large(_))),
        "float" => matches!(resolve(&text), Some(Plain::Int(_) | Plain::Float(_))),
        "binary" => return binary(&text).map(|text| Data::Str(Cow::Owned(text))),
        // `!!str`, and every tag that the server's library does not know.
        _ => return Some(Data::Str(text)),
    };
    fits.then(|| resolve_plain(text))
}

/// The JSON key that the server makes of a key scalar; `suffix` is its tag in the YAML namespace,
/// an empty one for tags of other namespaces and quoted keys. `None` where the server makes none.
pub(crate) fn resolve_key<'t>(suffix: Option<&str>, text: Cow<'t, str>) -> Option<Cow<'t, str>> {
    let plain = match suffix {
        None => resolve(&text),
        Some("null" | "bool" | "int") => resolve_tagged(suffix?, Cow::Borrowed(&*text)).and_then(|_| resolve(&text)),
        Some("float") => match resolve(&text)? {
            Plain::Int(value) => Some(Plain::Float(value as f64)),
            plain @ Plain::Float(_) => Some(plain),
            _ => return None,
        },
        Some("binary") => return binary(&text).map(Cow::Owned),
        Some(_) => return Some(text),
    };
    Some(match plain {
        None if matches!(suffix, Some("null" | "bool" | "int")) => return None,
        None => text,
        Some(Plain::Null | Plain::Large(_)) => return None,
        Some(Plain::Bool(value)) => Cow::Borrowed(if value { "true" } else { "false" }),
        Some(Plain::Int(value)) => Cow::Owned(value.to_string()),
        Some(Plain::Float(value)) => Cow::Owned(float_key(value)),
    })
}

/// The JSON key that the server makes of a value that an alias brings into key position.
pub(crate) fn data_key(data: &Data<'_>) -> Option<String> {
    match data {
        Data::Str(text) => Some(text.to_string()),
        Data::Bool(value) => Some(value.to_string()),
        Data::Int(value) => Some(value.to_string()),
        Data::Float(value) => Some(float_key(*value)),
        Data::Null | Data::Seq(_) | Data::Map(_) => None,
    }
}

/// What a plain scalar is when it is no string.
#[derive(Clone, Copy)]
enum Plain {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer that fits 64 bits only without a sign.
    Large(u64),
    Float(f64),
}

fn resolve(text: &str) -> Option<Plain> {
    let Some(&first) = text.as_bytes().first() else { return Some(Plain::Null) };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text),
        b'0'..=b'9' | b'+' | b'-' => number(text),
        b'.' => dotted(text),
        _ => None,
    }
}

fn word(text: &str) -> Option<Plain> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(Plain::Bool(true)),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Some(Plain::Bool(false))
        }
        "~" | "null" | "Null" | "NULL" => Some(Plain::Null),
        _ => None,
    }
}

/// A scalar that starts with a dot. Unlike other numbers it may not hold underscores.
fn dotted(text: &str) -> Option<Plain> {
    match text {
        ".inf" | ".Inf" | ".INF" => Some(Plain::Float(f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" => Some(Plain::Float(f64::NAN)),
        _ => parse_float(text),
    }
}

fn number(text: &str) -> Option<Plain> {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Some(Plain::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => return Some(Plain::Float(f64::NEG_INFINITY)),
        _ => {}
    }
    // Images, dates and versions start with a digit too; no number holds one of these.
    if text.len() > 1 && text.bytes().any(|byte| matches!(byte, b':' | b'/' | b' ')) {
        return None;
    }
    let plain: Cow<'_, str> = if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) };
    integer(&plain).or_else(|| parse_float(&plain))
}

/// An integer in base 10, or with prefix `0x`, `0o`, `0b` or a leading zero (octal).
fn integer(text: &str) -> Option<Plain> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (Some(true), &text[1..]),
        b'+' => (Some(false), &text[1..]),
        _ => (None, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        // The library reads what follows `0b` as a number of its own, sign included.
        [b'0', b'b', b'+' | b'-', ..] if sign.is_none() => {
            return i64::from_str_radix(&digits[2..], 2).ok().map(Plain::Int);
        }
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // `from_str_radix` would accept a second sign.
    if !digits.bytes().next()?.is_ascii_alphanumeric() {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    match (sign, i64::try_from(magnitude)) {
        (Some(true), Ok(value)) => Some(Plain::Int(-value)),
        (_, Ok(value)) => Some(Plain::Int(value)),
        (Some(true), Err(_)) if magnitude == 1 << 63 => Some(Plain::Int(i64::MIN)),
        (None, Err(_)) => Some(Plain::Large(magnitude)),
        (Some(_), Err(_)) => None,
    }
}

/// A decimal float that 64 bits can hold.
fn parse_float(text: &str) -> Option<Plain> {
    if !is_float(text) {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite()).map(Plain::Float)
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

/// A float without a fraction becomes an integer on its way through JSON, digit for digit as it is
/// printed there.
fn float(value: f64) -> Data<'static> {
    if value.fract() != 0.0 || value.abs() >= 1e19 || !value.is_finite() {
        return Data::Float(value);
    }
    if value.abs() < 9e15 {
        return Data::Int(value as i64);
    }
    value.to_string().parse().map_or(Data::Float(value), Data::Int)
}

/// A float as a key: the shortest digits that a 32-bit float needs, with an exponent outside
/// 1e-4..1e6, as the server's library prints it.
fn float_key(value: f64) -> String {
    let value = value as f32;
    if value.is_nan() {
        return String::from(".nan");
    }
    if value.is_infinite() {
        return String::from(if value > 0.0 { ".inf" } else { "-.inf" });
    }
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..FLOAT_KEY_EXPONENT_MIN).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// Float keys from this power of ten on are printed with an exponent.
const FLOAT_KEY_EXPONENT_MIN: i32 = 6;

/// Base64; bytes that are no UTF-8 become U+FFFD, as in JSON.
fn binary(text: &str) -> Option<String> {
    let bytes = crate::base64::decode(text)?;
    Some(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
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

    #[test]
    fn tags_decide_or_do_not_fit() {
        let tagged = |tag: &str, text: &str| resolve_tagged(tag, text.to_owned().into());
        assert_eq!(tagged("bool", "yes"), Some(Data::Bool(true)));
        assert_eq!(tagged("bool", "1"), None);
        assert_eq!(tagged("int", "0.0"), None);
        assert_eq!(tagged("float", "1"), Some(Data::Int(1)));
        assert_eq!(tagged("foo", "true"), Some(Data::Str("true".into())));
        assert_eq!(tagged("binary", "aGVsbG8="), Some(Data::Str("hello".into())));
        assert_eq!(tagged("binary", "aGVsbG8"), None);
        assert_eq!(tagged("binary", "/w=="), Some(Data::Str("\u{fffd}".into())));
    }

    #[test]
    fn keys_are_spelled_as_the_server_spells_them() {
        let key = |text: &'static str| resolve_key(None, text.into()).map(Cow::into_owned);
        for (text, spelled) in [
            ("010", "8"),
            ("1.0", "1"),
            (".5", "0.5"),
            ("on", "true"),
            ("1e6", "1e+06"),
            ("1e-7", "1e-07"),
            ("-0.0", "-0"),
            ("16777217.0", "1.6777216e+07"),
            ("+.inf", ".inf"),
            (".nan", ".nan"),
        ] {
            assert_eq!(key(text).as_deref(), Some(spelled), "{text}");
        }
        assert_eq!(key("~"), None);
        assert_eq!(key("9223372036854775808"), None);
    }
}
