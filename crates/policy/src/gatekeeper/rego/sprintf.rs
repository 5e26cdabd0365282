//! `sprintf` as OPA has it, which is Go's with Rego's values: wrong verbs and missing arguments show in the text
//! instead of failing, so that a violation with a wrong message is still a violation.

use std::fmt::Write as _;

use regorus::Value;

/// Formats, or says that the text would have more bytes than the limit.
pub(super) fn format(pattern: &str, arguments: &[Value], bytes_max: usize) -> Result<String, ()> {
    let mut out = Out { text: String::with_capacity(pattern.len() + 32), bytes_max };
    let mut used = 0;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.text.push(c);
            continue;
        }
        let flags = Flags::read(&mut chars);
        let Some(verb) = chars.next() else {
            out.push("%!(NOVERB)")?;
            break;
        };
        if verb == '%' {
            out.text.push('%');
            continue;
        }
        match arguments.get(used) {
            None => out.push(&format!("%!{verb}(MISSING)"))?,
            Some(value) => argument(&mut out, verb, &flags, value)?,
        }
        used += 1;
    }
    if used < arguments.len() {
        out.push("%!(EXTRA ")?;
        for (index, value) in arguments.iter().enumerate().skip(used) {
            if index > used {
                out.push(", ")?;
            }
            out.push(kind(value))?;
            out.push("=")?;
            argument(&mut out, 'v', &Flags::default(), value)?;
        }
        out.push(")")?;
    }
    Ok(out.text)
}

struct Out {
    text: String,
    bytes_max: usize,
}

impl Out {
    fn push(&mut self, text: &str) -> Result<(), ()> {
        if self.text.len() + text.len() > self.bytes_max {
            return Err(());
        }
        self.text.push_str(text);
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Flags {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

impl Flags {
    fn read(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Flags {
        let mut flags = Flags::default();
        while let Some(c) = chars.peek() {
            match c {
                '-' => flags.minus = true,
                '+' => flags.plus = true,
                '#' => flags.sharp = true,
                ' ' => flags.space = true,
                '0' => flags.zero = true,
                _ => break,
            }
            chars.next();
        }
        flags.width = number(chars).unwrap_or(0);
        if chars.peek() == Some(&'.') {
            chars.next();
            flags.precision = Some(number(chars).unwrap_or(0));
        }
        flags
    }

    fn pad(&self, text: &str, zeros: bool) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        if missing == 0 {
            return text.to_owned();
        }
        if self.minus {
            format!("{text}{}", " ".repeat(missing))
        } else if zeros && self.zero {
            let (sign, digits) =
                text.strip_prefix(['-', '+']).map_or(("", text), |rest| text.split_at(text.len() - rest.len()));
            format!("{sign}{}{digits}", "0".repeat(missing))
        } else {
            format!("{}{text}", " ".repeat(missing))
        }
    }

    fn signed(&self, digits: String) -> String {
        match (digits.starts_with('-'), self.plus, self.space) {
            (false, true, _) => format!("+{digits}"),
            (false, false, true) => format!(" {digits}"),
            _ => digits,
        }
    }
}

fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<usize> {
    let mut value = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        // Go reads widths up to a million.
        value = Some((value.unwrap_or(0_usize) * 10 + digit as usize).min(WIDTH_MAX));
    }
    value
}

fn argument(out: &mut Out, verb: char, flags: &Flags, value: &Value) -> Result<(), ()> {
    let text = match value {
        Value::Number(number) => match integer(value) {
            Some(digits) => integer_verb(verb, flags, digits),
            None => float_verb(verb, flags, number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => text_verb(verb, flags, text),
        other => {
            let mut text = String::new();
            write(other, &mut text, out.bytes_max.saturating_sub(out.text.len()), 0)?;
            text_verb(verb, flags, &text)
        }
    };
    match text {
        Some(text) => out.push(&text),
        None => {
            out.push(&format!("%!{verb}({}=", kind(value)))?;
            argument(out, 'v', &Flags::default(), value)?;
            out.push(")")
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Number(_) if integer(value).is_some() => "int",
        Value::Number(_) => "float64",
        _ => "string",
    }
}

fn integer(value: &Value) -> Option<String> {
    let number = value.as_number().ok()?;
    number.is_integer().then(|| number.format_decimal())
}

fn integer_verb(verb: char, flags: &Flags, digits: String) -> Option<String> {
    let small = digits.parse::<i64>().ok();
    Some(match verb {
        'v' | 'd' => flags.pad(&flags.signed(digits), true),
        // Numbers beyond 64 bits are Go's big ones, which write themselves as text too.
        's' if small.is_none() => flags.pad(&flags.signed(digits), true),
        'b' | 'o' | 'x' | 'X' => {
            let value = small?;
            let (sign, value) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
            let digits = match verb {
                'b' => format!("{sign}{value:b}"),
                'o' => format!("{sign}{value:o}"),
                'x' if flags.sharp => format!("{sign}0x{value:x}"),
                'x' => format!("{sign}{value:x}"),
                _ => format!("{sign}{value:X}"),
            };
            flags.pad(&flags.signed(digits), true)
        }
        'c' => {
            let c = small.and_then(|value| u32::try_from(value).ok()).and_then(char::from_u32).unwrap_or('\u{fffd}');
            flags.pad(&c.to_string(), false)
        }
        'q' => {
            let c = small.and_then(|value| u32::try_from(value).ok()).and_then(char::from_u32).unwrap_or('\u{fffd}');
            let inner = match c {
                '\'' => "\\'".to_owned(),
                '\u{0}'..='\u{1f}' | '\u{7f}' if !"\n\t\r\u{7}\u{8}\u{b}\u{c}".contains(c) => {
                    format!("\\x{:02x}", c as u32)
                }
                c => escape(c),
            };
            flags.pad(&format!("'{inner}'"), false)
        }
        'U' => flags.pad(&format!("U+{:04X}", small?), false),
        _ => return None,
    })
}

fn float_verb(verb: char, flags: &Flags, value: f64) -> Option<String> {
    let digits = match verb {
        'v' | 'g' | 'G' => shortest(value),
        'f' | 'F' => format!("{value:.*}", flags.precision.unwrap_or(6).min(WIDTH_MAX)),
        'e' | 'E' => {
            let text = format!("{value:.*e}", flags.precision.unwrap_or(6).min(WIDTH_MAX));
            exponent(&text)
        }
        _ => return None,
    };
    Some(flags.pad(&flags.signed(digits), true))
}

/// `%v` of a float: Go writes an exponent from seven digits before the point on.
fn shortest(value: f64) -> String {
    let text = format!("{value:e}");
    let power: i32 = text.rsplit_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    if (-4..6).contains(&power) { format!("{value}") } else { exponent(&text) }
}

/// `1e6` as Go writes it, `1e+06`.
fn exponent(text: &str) -> String {
    let Some((digits, power)) = text.rsplit_once('e') else { return text.to_owned() };
    let (sign, power) = power.strip_prefix('-').map_or(('+', power), |rest| ('-', rest));
    format!("{digits}e{sign}{power:0>2}")
}

fn text_verb(verb: char, flags: &Flags, text: &str) -> Option<String> {
    let cut: String = match flags.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text.to_owned(),
    };
    Some(match verb {
        'v' | 's' => flags.pad(&cut, false),
        'q' => {
            let mut quoted = String::with_capacity(cut.len() + 2);
            quote(&cut, &mut quoted);
            flags.pad(&quoted, false)
        }
        'x' | 'X' => {
            let mut hex = String::with_capacity(cut.len() * 2);
            for byte in cut.bytes() {
                let _ = if verb == 'x' { write!(hex, "{byte:02x}") } else { write!(hex, "{byte:02X}") };
            }
            flags.pad(&hex, false)
        }
        _ => return None,
    })
}

/// A value as Rego writes it.
fn write(value: &Value, out: &mut String, bytes_max: usize, depth: usize) -> Result<(), ()> {
    if out.len() > bytes_max || depth > DEPTH_MAX {
        return Err(());
    }
    let mut list = |open: &str, close: &str, items: &mut dyn Iterator<Item = &Value>| {
        out.push_str(open);
        for (index, item) in items.enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            write(item, out, bytes_max, depth + 1)?;
        }
        out.push_str(close);
        Ok(())
    };
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.format_decimal()),
        Value::String(text) => quote(text, out),
        Value::Array(items) => return list("[", "]", &mut items.iter()),
        Value::Set(items) if items.iter().next().is_none() => out.push_str("set()"),
        Value::Set(items) => return list("{", "}", &mut items.iter()),
        Value::Object(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter_sorted().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write(key, out, bytes_max, depth + 1)?;
                out.push_str(": ");
                write(value, out, bytes_max, depth + 1)?;
            }
            out.push('}');
        }
        Value::Undefined => out.push_str("<undefined>"),
    }
    Ok(())
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            c => out.push_str(&escape(c)),
        }
    }
    out.push('"');
}

fn escape(c: char) -> String {
    match c {
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\u{7}' => "\\a".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\u{0}'..='\u{1f}' | '\u{7f}' => format!("\\x{:02x}", c as u32),
        c => c.to_string(),
    }
}

/// Go's limit for widths and precisions is a million; a message has no use for more than this.
const WIDTH_MAX: usize = 10_000;

/// Nesting of a value in a text. Documents are at most 200 deep.
const DEPTH_MAX: usize = 250;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, arguments: &str, expect: &str) {
        let value = Value::from_json_str(arguments).unwrap();
        assert_eq!(format(pattern, &value.as_array().unwrap().to_vec(), 1 << 20).as_deref(), Ok(expect), "{pattern}");
    }

    #[test]
    fn texts_are_those_of_opa() {
        check("%v %v", r#"["a"]"#, "a %!v(MISSING)");
        check("%v", r#"["a", "b"]"#, "a%!(EXTRA string=b)");
        check("%v %v %v %v", r#"[{"a": [1, "x"]}, 1.5, true, null]"#, r#"{"a": [1, "x"]} 1.5 true null"#);
        check("%d %s %q", r#"[3, 3, "x"]"#, r#"3 %!s(int=3) "x""#);
        check("%s", "[[1, 2]]", "[1, 2]");
        check("%d", r#"["a"]"#, "%!d(string=a)");
        check("%5d|%-5d|%05d|%.2f|%x", "[1, 2, 3, 1.239, 255]", "    1|2    |00003|1.24|ff");
        check("%v", "[100000000000000000000]", "100000000000000000000");
        check("%s", "[100000000000000000000]", "100000000000000000000");
        check("%v", "[1000000.5]", "1.0000005e+06");
        check("%", "[1]", "%!(NOVERB)%!(EXTRA int=1)");
        check("%z", "[1]", "%!z(int=1)");
        check("%t", "[true]", "%!t(string=true)");
        check("%d %f %v %q", "[1.5, 1, 1.0, 1]", "%!d(float64=1.5) %!f(int=1) 1 '\\x01'");
    }

    #[test]
    fn long_texts_are_refused() {
        let value = Value::from(vec![Value::from("x".repeat(100))]);
        assert_eq!(format("%v", &value.as_array().unwrap().to_vec(), 50), Err(()));
    }
}
