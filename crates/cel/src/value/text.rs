//! Values as text: for error messages, for traces and for `string()`.

use std::fmt::{self, Write};

use super::{Duration, List, Map, Timestamp, Value};

/// As Go prints values in error messages (`%v`): text without quotes.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("NULL_VALUE"),
            Value::Str(text) => f.write_str(text.as_str()),
            Value::Uint(value) => write!(f, "{value}"),
            Value::Double(value) => f.write_str(&go_double(*value)),
            Value::Duration(value) => f.write_str(&value.to_string()),
            Value::Timestamp(value) => f.write_str(&value.to_string()),
            Value::List(list) => {
                f.write_char('[')?;
                for (index, item) in list.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                f.write_char(']')
            }
            Value::Map(map) => {
                f.write_char('{')?;
                for (index, (key, value)) in map.iter().enumerate() {
                    write!(f, "{}{key}: {value}", if index == 0 { "" } else { ", " })?;
                }
                f.write_char('}')
            }
            Value::Optional(Some(value)) => write!(f, "optional({value})"),
            Value::Opaque(value) => f.write_str(&value.describe()),
            other => f.write_str(&other.literal()),
        }
    }
}

impl Value<'_> {
    /// As an expression would write it: for traces. Long values are cut.
    pub fn literal(&self) -> String {
        let mut out = String::new();
        write_literal(self, &mut out);
        out
    }
}

impl Value<'_> {
    /// In a few words, for people who follow an evaluation: of maps the keys, of lists of collections their length.
    /// What stands in an object beside what an expression looks at may be a secret.
    pub fn outline(&self) -> String {
        match self {
            Value::Map(map) => {
                let mut keys: Vec<String> =
                    map.iter().take(OUTLINE_KEYS_MAX + 1).map(|(key, _)| key.to_string()).collect();
                keys.sort_unstable();
                let more = map.len() > OUTLINE_KEYS_MAX;
                keys.truncate(OUTLINE_KEYS_MAX);
                format!("{{{}{}}}", keys.join(", "), if more { ", …" } else { "" })
            }
            Value::List(list) if list.iter().any(|item| matches!(item, Value::Map(_) | Value::List(_))) => {
                let count = list.len();
                if count == 1 { String::from("[1 item]") } else { format!("[{count} items]") }
            }
            Value::Optional(Some(inner)) => format!("optional.of({})", inner.outline()),
            other => other.literal(),
        }
    }
}

/// Most keys of a map that an outline names.
const OUTLINE_KEYS_MAX: usize = 8;

fn write_literal(value: &Value<'_>, out: &mut String) {
    if out.len() > LITERAL_MAX {
        if !out.ends_with('…') {
            out.push('…');
        }
        return;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => _ = write!(out, "{value}"),
        Value::Uint(value) => _ = write!(out, "{value}u"),
        Value::Double(value) => write_double(*value, out),
        Value::Str(text) => quote(text.as_str(), out),
        Value::Bytes(bytes) => {
            out.push_str("b\"");
            for byte in bytes.iter().take(LITERAL_MAX) {
                _ = write!(out, "\\{byte:03o}");
            }
            out.push('"');
        }
        Value::List(list) => write_list(list, out),
        Value::Map(map) => write_map(map, out),
        Value::Duration(value) => _ = write!(out, "duration(\"{value}\")"),
        Value::Timestamp(value) => _ = write!(out, "timestamp(\"{value}\")"),
        Value::Type(of) => out.push_str(of.name()),
        Value::Optional(None) => out.push_str("optional.none()"),
        Value::Optional(Some(value)) => {
            out.push_str("optional.of(");
            write_literal(value, out);
            out.push(')');
        }
        Value::Struct(value) => {
            out.push_str(&value.name);
            out.push('{');
            for (index, (name, value)) in value.fields.iter().enumerate() {
                _ = write!(out, "{}{name}: ", if index == 0 { "" } else { ", " });
                write_literal(value, out);
            }
            out.push('}');
        }
        Value::Opaque(value) => out.push_str(&value.describe()),
    }
}

fn write_list(list: &List<'_>, out: &mut String) {
    out.push('[');
    for (index, item) in list.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_literal(&item, out);
        if out.len() > LITERAL_MAX {
            break;
        }
    }
    out.push(']');
}

/// Entries come in order of their keys, so that the same map has the same text.
fn write_map(map: &Map<'_>, out: &mut String) {
    let mut entries: Vec<(String, Value<'_>)> = map.iter().map(|(key, value)| (key.literal(), value)).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    out.push('{');
    for (index, (key, value)) in entries.iter().enumerate() {
        _ = write!(out, "{}{key}: ", if index == 0 { "" } else { ", " });
        write_literal(value, out);
        if out.len() > LITERAL_MAX {
            break;
        }
    }
    out.push('}');
}

fn write_double(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("double(\"NaN\")");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "double(\"Infinity\")" } else { "double(\"-Infinity\")" });
    } else {
        let start = out.len();
        _ = write!(out, "{value}");
        if !out[start..].contains('.') {
            out.push_str(".0");
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            char if char.is_control() => _ = write!(out, "\\u{:04x}", char as u32),
            char => out.push(char),
        }
        if out.len() > LITERAL_MAX {
            out.push('…');
            break;
        }
    }
    out.push('"');
}

/// A trace is read by people; a value longer than this says no more to them.
const LITERAL_MAX: usize = 4096;

/// A double as Go's `%g` prints it: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
pub fn go_double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..GO_EXPONENT_MIN).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// From this exponent on, Go's shortest `%g` writes one.
const GO_EXPONENT_MIN: i32 = 6;

// === impl Duration ===

/// Seconds with a fraction, as `string()` gives them: `5400s`, `0.5s`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Through a double, as Go does, with the rounding that brings.
        let seconds = (self.nanos / 1_000_000_000) as f64 + (self.nanos % 1_000_000_000) as f64 / 1e9;
        write!(f, "{seconds}s")
    }
}

// === impl Timestamp ===

/// RFC 3339 in the zone it was written in, with as many digits of the fraction as there are.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.seconds + i64::from(self.offset);
        let (year, month, day) = civil(local.div_euclid(86_400));
        let second = local.rem_euclid(86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.nanos > 0 {
            let fraction = format!("{:09}", self.nanos);
            write!(f, ".{}", fraction.trim_end_matches('0'))?;
        }
        let (sign, minutes) = (if self.offset < 0 { '-' } else { '+' }, self.offset.unsigned_abs() / 60);
        match self.offset {
            0 => f.write_char('Z'),
            _ => write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60),
        }
    }
}

/// Year, month and day of a number of days since 1970, by the Gregorian calendar.
pub(crate) fn civil(days: i64) -> (i64, u32, u32) {
    // Eras of 400 years that begin on the first of March, so that leap days come last.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Days since 1970 of a date.
pub(crate) fn days_of(year: i64, month: u32, day: u32) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let shifted = i64::from(if month > 2 { month - 3 } else { month + 9 });
    let day_of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_look_as_go_prints_them() {
        for (value, text) in [
            (1.0, "1"),
            (-1.5, "-1.5"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.234567e+06"),
            (1e21, "1e+21"),
            (1e-4, "0.0001"),
            (1.25e-5, "1.25e-05"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(go_double(value), text);
        }
    }

    #[test]
    fn dates_go_both_ways() {
        for days in [-719_162, -1, 0, 59, 11_016, 20_000, 2_932_896] {
            let (year, month, day) = civil(days);
            assert_eq!(days_of(year, month, day), days);
        }
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
    }

    #[test]
    fn literals_are_as_expressions_write_them() {
        let list = Value::list([Value::str("a\"b"), Value::Uint(1), Value::Double(2.0), Value::some(Value::Null)]);
        assert_eq!(list.literal(), r#"["a\"b", 1u, 2.0, optional.of(null)]"#);
        assert_eq!(Value::Duration(Duration { nanos: 1_500_000_000 }).literal(), "duration(\"1.5s\")");
        let moment = Timestamp { seconds: -1, nanos: 120_000_000, offset: 0 };
        assert_eq!(moment.to_string(), "1969-12-31T23:59:59.12Z");
        let west = Timestamp { offset: -(9 * 3600 + 30 * 60), ..moment };
        assert_eq!(west.to_string(), "1969-12-31T14:29:59.12-09:30");
        assert_eq!(west, moment);
    }
}
