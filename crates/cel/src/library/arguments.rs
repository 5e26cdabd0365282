//! Reading the arguments of a call and charging for what it makes.

use std::ops::Range;
use std::sync::Arc;

use crate::context::Context;
use crate::fault::Fault;
use crate::value::{self, List, Str, Value};

/// The text of an argument.
pub(super) fn text<'a>(args: &'a [Value<'_>], at: usize) -> Result<&'a str, Fault> {
    args.get(at).and_then(Value::as_str).ok_or_else(Fault::no_such_overload)
}

/// The text of an argument, with its owner.
pub(super) fn owned_text<'a, 'v>(args: &'a [Value<'v>], at: usize) -> Result<&'a Str<'v>, Fault> {
    if let Some(Value::Str(text)) = args.get(at) { Ok(text) } else { Err(Fault::no_such_overload()) }
}

/// An integer.
pub(super) fn int(args: &[Value<'_>], at: usize) -> Result<i64, Fault> {
    if let Some(Value::Int(value)) = args.get(at) { Ok(*value) } else { Err(Fault::no_such_overload()) }
}

/// An unsigned integer.
pub(super) fn uint(args: &[Value<'_>], at: usize) -> Result<u64, Fault> {
    if let Some(Value::Uint(value)) = args.get(at) { Ok(*value) } else { Err(Fault::no_such_overload()) }
}

/// A double.
pub(super) fn double(args: &[Value<'_>], at: usize) -> Result<f64, Fault> {
    if let Some(Value::Double(value)) = args.get(at) { Ok(*value) } else { Err(Fault::no_such_overload()) }
}

/// A boolean.
pub(super) fn boolean(args: &[Value<'_>], at: usize) -> Result<bool, Fault> {
    if let Some(Value::Bool(value)) = args.get(at) { Ok(*value) } else { Err(Fault::no_such_overload()) }
}

/// A list.
pub(super) fn list<'a, 'v>(args: &'a [Value<'v>], at: usize) -> Result<&'a List<'v>, Fault> {
    if let Some(Value::List(list)) = args.get(at) { Ok(list) } else { Err(Fault::no_such_overload()) }
}

/// A value of a library's own type.
pub(super) fn opaque<'a, T: 'static>(args: &'a [Value<'_>], at: usize) -> Result<&'a T, Fault> {
    args.get(at).and_then(value::downcast).ok_or_else(Fault::no_such_overload)
}

/// An argument, whatever it is.
pub(super) fn any<'a, 'v>(args: &'a [Value<'v>], at: usize) -> Result<&'a Value<'v>, Fault> {
    args.get(at).ok_or_else(Fault::no_such_overload)
}

/// New text. Where its length is known beforehand, charge with [`Context::allocate`] first and use
/// [`Value::string`].
pub(super) fn made_text<'v>(
    context: &mut Context<'_>,
    text: impl Into<Arc<str>> + AsRef<str>,
) -> Result<Value<'v>, Fault> {
    context.allocate(text.as_ref().len())?;
    Ok(Value::string(text))
}

/// A part of a text by bytes: of the document itself if the text lies there.
pub(super) fn part<'v>(context: &mut Context<'_>, whole: &Str<'v>, range: Range<usize>) -> Result<Value<'v>, Fault> {
    match whole {
        Str::Borrowed(whole) => Ok(Value::str(whole.get(range).unwrap_or_default())),
        Str::Shared(whole) if range == (0..whole.len()) => Ok(Value::Str(Str::Shared(whole.clone()))),
        Str::Shared(whole) => made_text(context, whole.get(range).unwrap_or_default()),
    }
}

/// Charges for a list of so many items that is about to be made.
pub(super) fn charge_list(context: &mut Context<'_>, items: usize) -> Result<(), Fault> {
    context.allocate(items.saturating_mul(size_of::<Value<'_>>()))
}

/// An error once `steps` units more would spend the budget. For calls whose price is known before the work
/// is done: the price itself is added after the call, as everywhere.
pub(super) fn affordable(context: &Context<'_>, steps: u64) -> Result<(), Fault> {
    if context.cost.saturating_add(steps) > context.budget.cost { Err(Fault::CostExceeded) } else { Ok(()) }
}

/// Text as Go's `%q` quotes it.
pub(super) fn go_quote(text: &str) -> String {
    use std::fmt::Write;

    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            ' ' => out.push(' '),
            char if (char as u32) < 0x20 || char == '\x7f' => _ = write!(out, "\\x{:02x}", char as u32),
            char if is_printed(char) => out.push(char),
            char if (char as u32) < 0x10000 => _ = write!(out, "\\u{:04x}", char as u32),
            char => _ = write!(out, "\\U{:08x}", char as u32),
        }
    }
    out.push('"');
    out
}

/// Whether Go prints a character as it is: letters, marks, numbers, punctuation and symbols. Unassigned
/// code points, which take a table, are taken as printed; private ones and the other separators are not.
fn is_printed(char: char) -> bool {
    let code = char as u32;
    !(char.is_control()
        || char.is_whitespace()
        || matches!(code, 0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfeff)
        || matches!(code, 0xe000..=0xf8ff | 0xf_0000..=0x10_ffff | 0xe_0000..=0xe_0fff)
        || matches!(code, 0xfff9..=0xfffb | 0xfffe | 0xffff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_is_that_of_go() {
        for (text, quoted) in [
            ("a\"b\\", r#""a\"b\\""#),
            ("\x07\x08\x0c\n\r\t\x0b\x01\x7f", r#""\a\b\f\n\r\t\v\x01\x7f""#),
            ("é ü\u{200b}\u{feff}", "\"é ü\\u200b\\ufeff\""),
            ("\u{f0000}", r#""\U000f0000""#),
        ] {
            assert_eq!(go_quote(text), quoted);
        }
    }
}
