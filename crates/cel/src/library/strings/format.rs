//! `format`: verbs and arguments.
//!
//! There are two of them. Up to version 3 of the extension, which is what Kubernetes has, numbers with a
//! fraction are written for readers of English (`1,234.50`, `1.200000×10⁰³`); from version 4 on as the
//! specification of the extension says.

use std::fmt::Write;

use super::super::arguments::{go_quote, list, text};
use crate::context::Context;
use crate::fault::Fault;
use crate::value::{List, Map, Value, go_double};

/// Versions 1 to 3.
pub(super) fn localized<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    run(context, args, Style::Localized)
}

/// Version 4.
pub(super) fn plain<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    run(context, args, Style::Plain { precision_max: None })
}

/// Version 5: a precision above 100 is an error.
pub(super) fn plain_bounded<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    run(context, args, Style::Plain { precision_max: Some(100) })
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Localized,
    Plain { precision_max: Option<usize> },
}

/// The text so far; what is added is charged.
struct Output<'a, 'c> {
    context: &'a mut Context<'c>,
    style: Style,
    text: String,
}

fn run<'v>(context: &mut Context<'_>, args: &[Value<'v>], style: Style) -> Result<Value<'v>, Fault> {
    let (pattern, values) = (text(args, 0)?, list(args, 1)?);
    let mut output = Output { context, style, text: String::new() };
    let mut values = values.iter();
    let mut rest = pattern;
    let mut index = 0;
    while let Some(at) = rest.find('%') {
        output.push(&rest[..at])?;
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            output.push("%")?;
            rest = after;
            continue;
        }
        let value = values.next().ok_or_else(|| Fault::error(format!("index {index} out of range")))?;
        if rest.is_empty() {
            return Err(Fault::error("unexpected end of string"));
        }
        let (verb, precision, after) = clause(rest, style)
            .map_err(|reason| Fault::error(format!("could not parse formatting clause: {reason}")))?;
        output.argument(verb, precision, &value)?;
        rest = after;
        index += 1;
    }
    output.push(rest)?;
    Ok(Value::string(output.text))
}

/// The verb and the precision of a clause, and the text after it.
fn clause(source: &str, style: Style) -> Result<(u8, Option<usize>, &str), String> {
    let (precision, rest) =
        precision(source, style).map_err(|reason| format!("error while parsing precision: {reason}"))?;
    match rest.as_bytes().first() {
        Some(verb @ (b's' | b'd' | b'f' | b'e' | b'b' | b'x' | b'X' | b'o')) => Ok((*verb, precision, &rest[1..])),
        Some(other) => Err(format!("unrecognized formatting clause \"{}\"", char::from(*other))),
        None => Err("error while parsing precision: could not find end of precision specifier".to_owned()),
    }
}

fn precision(source: &str, style: Style) -> Result<(Option<usize>, &str), String> {
    let Some(digits) = source.strip_prefix('.') else { return Ok((None, source)) };
    let rest = digits.trim_start_matches(|char: char| char.is_ascii_digit());
    if rest.is_empty() {
        return Err("could not find end of precision specifier".to_owned());
    }
    let digits = &digits[..digits.len() - rest.len()];
    let failed =
        |why| format!("error while converting precision to integer: strconv.Atoi: parsing \"{digits}\": {why}");
    if digits.is_empty() {
        return Err(failed("invalid syntax"));
    }
    let precision: i64 = digits.parse().map_err(|_| failed("value out of range"))?;
    let precision = usize::try_from(precision).unwrap_or(usize::MAX);
    if let Style::Plain { precision_max: Some(max) } = style
        && precision > max
    {
        return Err(format!("precision {precision} exceeds maximum allowed precision {max}"));
    }
    Ok((Some(precision), rest))
}

impl Output<'_, '_> {
    fn push(&mut self, text: &str) -> Result<(), Fault> {
        self.context.allocate(text.len())?;
        self.text.push_str(text);
        Ok(())
    }

    fn argument(&mut self, verb: u8, precision: Option<usize>, value: &Value<'_>) -> Result<(), Fault> {
        if precision.is_some_and(|precision| precision > PRECISION_MAX) {
            return Err(Fault::LimitExceeded(&"the precision of a format clause is limited to 255"));
        }
        let localized = self.style == Style::Localized;
        let text = match verb {
            b's' => return self.string(value, 0),
            b'd' => decimal(value, localized)?,
            b'f' => fixed(value, precision.unwrap_or(PRECISION_DEFAULT), localized)?,
            b'e' => scientific(value, precision.unwrap_or(PRECISION_DEFAULT), localized)?,
            b'b' => binary(value, localized)?,
            b'o' => octal(value, localized)?,
            _ => hex(value, verb == b'X', localized)?,
        };
        self.push(&text)
    }

    fn string(&mut self, value: &Value<'_>, depth: usize) -> Result<(), Fault> {
        match value {
            Value::List(items) => self.list(items, depth),
            Value::Map(entries) => self.map(entries, depth),
            Value::Str(text) => self.push(text.as_str()),
            Value::Bytes(bytes) if self.style == Style::Localized => {
                let text = std::str::from_utf8(bytes).map_err(|_| {
                    failed("could not convert argument \"invalid UTF-8 in bytes, cannot convert to string\" to string")
                })?;
                self.push(text)
            }
            // Text of ours is always UTF-8; what is not becomes the replacement character.
            Value::Bytes(bytes) => self.push(&String::from_utf8_lossy(bytes)),
            Value::Double(double) => {
                let text = if self.style == Style::Localized { go_double(*double) } else { plain_double(*double) };
                self.push(&text)
            }
            Value::Null => self.push("null"),
            Value::Type(of) => self.push(of.name()),
            Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Duration(_) | Value::Timestamp(_) => {
                self.push(&value.to_string())
            }
            Value::Optional(_) | Value::Struct(_) | Value::Opaque(_) => {
                let of = value.type_of();
                let name = of.name();
                if depth > 0 && self.style == Style::Localized {
                    return Err(failed(format!("no formatting function for {name}")));
                }
                Err(failed(format!(
                    "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, \
                     and timestamps, was given {name}"
                )))
            }
        }
    }

    /// An item of a list or map: up to version 3 as a literal of CEL.
    fn item(&mut self, value: &Value<'_>, depth: usize) -> Result<(), Fault> {
        if depth > DEPTH_MAX {
            return Err(Fault::LimitExceeded(&"lists and maps in a format clause are limited to 256 levels"));
        }
        if self.style != Style::Localized {
            return self.string(value, depth);
        }
        match value {
            Value::Str(text) => self.push(&go_quote(text.as_str())),
            Value::Bytes(_) => {
                let mut inner = Output { context: &mut *self.context, style: self.style, text: String::new() };
                inner.string(value, depth)?;
                let quoted = go_quote(&inner.text);
                self.push("b")?;
                self.push(&quoted)
            }
            Value::Double(double) if double.is_nan() => self.push("\"NaN\""),
            Value::Double(double) if double.is_infinite() => {
                self.push(if *double > 0.0 { "\"+Inf\"" } else { "\"-Inf\"" })
            }
            Value::Double(double) => self.push(&format!("{double:.PRECISION_DEFAULT$}")),
            Value::Duration(value) => self.push(&format!("duration(\"{value}\")")),
            Value::Timestamp(value) => self.push(&format!("timestamp(\"{value}\")")),
            value => self.string(value, depth),
        }
    }

    fn list(&mut self, items: &List<'_>, depth: usize) -> Result<(), Fault> {
        self.push("[")?;
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.push(", ")?;
            }
            self.item(&item, depth + 1)?;
        }
        self.push("]")
    }

    /// Entries come in order of the text of their keys.
    fn map(&mut self, entries: &Map<'_>, depth: usize) -> Result<(), Fault> {
        let mut written: Vec<(String, String)> = Vec::new();
        for (key, value) in entries.iter() {
            if self.style == Style::Localized
                && !matches!(key, Value::Str(_) | Value::Bool(_) | Value::Int(_) | Value::Uint(_))
            {
                let of = key.type_of();
                return Err(failed(format!("no formatting function for map key of type {}", of.name())));
            }
            written.push((self.apart(&key, depth + 1)?, self.apart(&value, depth + 1)?));
        }
        written.sort_by(|a, b| a.0.cmp(&b.0));
        let colon = if self.style == Style::Localized { ":" } else { ": " };
        self.push("{")?;
        for (index, (key, value)) in written.iter().enumerate() {
            for text in [if index == 0 { "" } else { ", " }, key, colon, value] {
                self.push(text)?;
            }
        }
        self.push("}")
    }

    fn apart(&mut self, value: &Value<'_>, depth: usize) -> Result<String, Fault> {
        let mut inner = Output { context: &mut *self.context, style: self.style, text: String::new() };
        inner.item(value, depth)?;
        Ok(inner.text)
    }
}

fn decimal(value: &Value<'_>, localized: bool) -> Result<String, Fault> {
    match value {
        Value::Int(_) | Value::Uint(_) => Ok(value.to_string()),
        Value::Double(double) if !localized => Ok(plain_double(*double)),
        other => Err(unfit(
            other,
            if localized {
                "decimal clause can only be used on integers"
            } else {
                "decimal clause can only be used on ints, uints, and doubles"
            },
        )),
    }
}

/// The number of `%f` and `%e`: up to version 3 the names of the special values are numbers too, later
/// integers are.
fn number(value: &Value<'_>, localized: bool) -> Option<f64> {
    match value {
        Value::Double(double) => Some(*double),
        Value::Str(text) if localized => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        Value::Int(int) if !localized => Some(*int as f64),
        Value::Uint(uint) if !localized => Some(*uint as f64),
        _ => None,
    }
}

fn fixed(value: &Value<'_>, precision: usize, localized: bool) -> Result<String, Fault> {
    let number = number(value, localized).ok_or_else(|| {
        unfit(
            value,
            if localized {
                "fixed-point clause can only be used on doubles"
            } else {
                "fixed-point clause can only be used on ints, uints, and doubles"
            },
        )
    })?;
    if let Some(text) = special(number, localized) {
        return Ok(text.to_owned());
    }
    if !localized {
        return Ok(format!("{number:.precision$}"));
    }
    let digits = format!("{:.precision$}", number.abs());
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let mut grouped = String::new();
    if number < 0.0 {
        grouped.push('-');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if !fraction.is_empty() {
        grouped.push('.');
        grouped.push_str(fraction);
    }
    Ok(grouped)
}

/// Up to version 3, the number after the point is the width, and there are always six digits.
fn scientific(value: &Value<'_>, precision: usize, localized: bool) -> Result<String, Fault> {
    let number = number(value, localized).ok_or_else(|| {
        unfit(
            value,
            if localized {
                "scientific clause can only be used on doubles"
            } else {
                "scientific clause can only be used on ints, uints, and doubles"
            },
        )
    })?;
    if !localized {
        if let Some(text) = special(number, false) {
            return Ok(text.to_owned());
        }
        let (digits, exponent) = split_exponent(number, precision);
        let sign = if exponent < 0 { '-' } else { '+' };
        return Ok(format!("{digits}e{sign}{:02}", exponent.unsigned_abs()));
    }
    let text = match special(number, true) {
        Some(text) => text.to_owned(),
        None => {
            // Negative zero has no sign here.
            let (digits, exponent) = split_exponent(if number == 0.0 { 0.0 } else { number }, PRECISION_DEFAULT);
            let mut text = format!("{digits}×10{}", if exponent < 0 { "⁻" } else { "" });
            text.extend(format!("{:02}", exponent.unsigned_abs()).chars().map(superscript));
            text
        }
    };
    Ok(format!("{text:>precision$}"))
}

fn split_exponent(number: f64, precision: usize) -> (String, i32) {
    let text = format!("{number:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (digits.to_owned(), exponent.parse().unwrap_or(0))
}

fn superscript(digit: char) -> char {
    match digit {
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0' => '⁰',
        other => char::from_u32('⁰' as u32 + other.to_digit(10).unwrap_or(0)).unwrap_or(other),
    }
}

fn special(number: f64, localized: bool) -> Option<&'static str> {
    if number.is_nan() {
        Some("NaN")
    } else if number.is_infinite() {
        Some(match (number > 0.0, localized) {
            (true, true) => "∞",
            (false, true) => "-∞",
            (true, false) => "Infinity",
            (false, false) => "-Infinity",
        })
    } else {
        None
    }
}

fn plain_double(number: f64) -> String {
    special(number, false).map_or_else(|| number.to_string(), str::to_owned)
}

fn binary(value: &Value<'_>, localized: bool) -> Result<String, Fault> {
    match value {
        Value::Int(int) if *int < 0 => Ok(format!("-{:b}", int.unsigned_abs())),
        Value::Int(int) => Ok(format!("{int:b}")),
        Value::Uint(uint) => Ok(format!("{uint:b}")),
        Value::Bool(bool) => Ok(u8::from(*bool).to_string()),
        other => Err(unfit(
            other,
            if localized {
                "only integers and bools can be formatted as binary"
            } else {
                "only ints, uints, and bools can be formatted as binary"
            },
        )),
    }
}

fn octal(value: &Value<'_>, localized: bool) -> Result<String, Fault> {
    match value {
        Value::Int(int) if *int < 0 => Ok(format!("-{:o}", int.unsigned_abs())),
        Value::Int(int) => Ok(format!("{int:o}")),
        Value::Uint(uint) => Ok(format!("{uint:o}")),
        other => Err(unfit(
            other,
            if localized {
                "octal clause can only be used on integers"
            } else {
                "octal clause can only be used on ints and uints"
            },
        )),
    }
}

fn hex(value: &Value<'_>, upper: bool, localized: bool) -> Result<String, Fault> {
    let text = match value {
        Value::Int(int) if *int < 0 => format!("-{:x}", int.unsigned_abs()),
        Value::Int(int) => format!("{int:x}"),
        Value::Uint(uint) => format!("{uint:x}"),
        Value::Str(text) => hex_of(text.as_str().as_bytes()),
        Value::Bytes(bytes) => hex_of(bytes),
        other => {
            return Err(unfit(
                other,
                if localized {
                    "only integers, byte buffers, and strings can be formatted as hex"
                } else {
                    "only ints, uints, bytes, and strings can be formatted as hex"
                },
            ));
        }
    };
    Ok(if upper { text.to_ascii_uppercase() } else { text })
}

fn hex_of(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        _ = write!(text, "{byte:02x}");
    }
    text
}

fn unfit(value: &Value<'_>, rule: &str) -> Fault {
    failed(format!("{rule}, was given {}", value.type_of().name()))
}

fn failed(reason: impl std::fmt::Display) -> Fault {
    Fault::error(format!("error during formatting: {reason}"))
}

const PRECISION_DEFAULT: usize = 6;

/// Beyond this, what the API server's library does has little to do with the number asked for: it counts
/// digits in a byte. A double has no more than 17 digits that mean something.
const PRECISION_MAX: usize = 255;

/// Deeper than any object of Kubernetes, shallow enough for the stack.
const DEPTH_MAX: usize = 256;
