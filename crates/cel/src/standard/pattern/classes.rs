//! Character classes and escapes.

use std::iter::Peekable;
use std::str::Chars;

use regex_syntax_names::is_known;

use super::push_literal;

/// A class of one letter (`\d`, `\pL`) after the backslash, in the other syntax; `None`, and nothing read, if
/// it is none.
pub(super) fn escaped(chars: &mut Peekable<Chars<'_>>) -> Result<Option<String>, String> {
    let class = match chars.peek() {
        Some('d') => "[0-9]",
        Some('D') => "[^0-9]",
        Some('s') => "[\\t\\n\\x0C\\r ]",
        Some('S') => "[^\\t\\n\\x0C\\r ]",
        Some('w') => "[0-9A-Za-z_]",
        Some('W') => "[^0-9A-Za-z_]",
        Some('p' | 'P') => return unicode(chars).map(Some),
        _ => return Ok(None),
    };
    chars.next();
    Ok(Some(class.to_owned()))
}

fn unicode(chars: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let letter = chars.next().unwrap_or('p');
    let mut written = format!("\\{letter}");
    let mut negative = letter == 'P';
    let mut name = String::new();
    match chars.next() {
        Some('{') => {
            written.push('{');
            loop {
                let Some(char) = chars.next() else {
                    return Err(format!("invalid character class range: `{written}`"));
                };
                written.push(char);
                if char == '}' {
                    break;
                }
                name.push(char);
            }
        }
        Some(char) => {
            written.push(char);
            name.push(char);
        }
        None => return Err(format!("invalid character class range: `{written}`")),
    }
    if let Some(positive) = name.strip_prefix('^') {
        negative = !negative;
        name = positive.to_owned();
    }
    if name == "Any" {
        return Ok(if negative { "[^\\x{0}-\\x{10FFFF}]" } else { "[\\x{0}-\\x{10FFFF}]" }.to_owned());
    }
    if !is_known(&name) {
        return Err(format!("invalid character class range: `{written}`"));
    }
    Ok(format!("\\{}{{{name}}}", if negative { 'P' } else { 'p' }))
}

/// A character after a backslash.
pub(super) fn escaped_char(chars: &mut Peekable<Chars<'_>>) -> Result<char, String> {
    let Some(char) = chars.next() else { return Err("trailing backslash at end of expression: ``".to_owned()) };
    let invalid = |written: &str| Err(format!("invalid escape sequence: `\\{written}`"));
    match char {
        '0'..='7' => {
            // One digit other than zero would be a reference to a group.
            if char != '0' && !chars.peek().is_some_and(|next| ('0'..='7').contains(next)) {
                return invalid(&char.to_string());
            }
            let mut value = char.to_digit(8).unwrap_or(0);
            for _ in 0..2 {
                let Some(digit) = chars.next_if(|next| ('0'..='7').contains(next)) else { break };
                value = value * 8 + digit.to_digit(8).unwrap_or(0);
            }
            char::from_u32(value).map_or_else(|| invalid(&char.to_string()), Ok)
        }
        'x' => hexadecimal(chars),
        'a' => Ok('\u{7}'),
        'f' => Ok('\u{c}'),
        'n' => Ok('\n'),
        'r' => Ok('\r'),
        't' => Ok('\t'),
        'v' => Ok('\u{b}'),
        char if char.is_ascii() && !char.is_ascii_alphanumeric() => Ok(char),
        char => invalid(&char.to_string()),
    }
}

fn hexadecimal(chars: &mut Peekable<Chars<'_>>) -> Result<char, String> {
    let mut written = String::from("\\x");
    let mut digits = String::new();
    if chars.next_if_eq(&'{').is_some() {
        written.push('{');
        loop {
            match chars.next() {
                Some('}') => break,
                Some(char) => {
                    written.push(char);
                    digits.push(char);
                }
                None => return Err(format!("invalid escape sequence: `{written}`")),
            }
        }
        written.push('}');
    } else {
        for _ in 0..2 {
            let Some(char) = chars.next() else { return Err(format!("invalid escape sequence: `{written}`")) };
            written.push(char);
            digits.push(char);
        }
    }
    let hexadecimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let value = u32::from_str_radix(&digits, 16).ok().filter(|_| hexadecimal);
    value.and_then(char::from_u32).ok_or_else(|| format!("invalid escape sequence: `{written}`"))
}

/// A class after the opening bracket.
pub(super) fn class(chars: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let whole: String = std::iter::once('[').chain(chars.clone()).collect();
    let mut out = String::from("[");
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut first = true;
    loop {
        let Some(char) = chars.peek().copied() else { return Err(format!("missing closing ]: `{whole}`")) };
        if char == ']' && !first {
            chars.next();
            break;
        }
        first = false;
        if char == '['
            && let Some(class) = posix(chars)?
        {
            out.push_str(&class);
            continue;
        }
        if char == '\\' {
            let mut ahead = chars.clone();
            ahead.next();
            if let Some(class) = escaped(&mut ahead)? {
                *chars = ahead;
                out.push_str(&class);
                continue;
            }
        }
        range(chars, &whole, &mut out)?;
    }
    out.push(']');
    Ok(out)
}

fn range(chars: &mut Peekable<Chars<'_>>, whole: &str, out: &mut String) -> Result<(), String> {
    let low = single(chars, whole)?;
    let mut ahead = chars.clone();
    let dash = ahead.next() == Some('-') && ahead.peek().is_some_and(|next| *next != ']');
    if !dash {
        push_literal(low, out);
        return Ok(());
    }
    *chars = ahead;
    let high = single(chars, whole)?;
    if high < low {
        return Err(format!("invalid character class range: `{low}-{high}`"));
    }
    push_literal(low, out);
    out.push('-');
    push_literal(high, out);
    Ok(())
}

fn single(chars: &mut Peekable<Chars<'_>>, whole: &str) -> Result<char, String> {
    match chars.next() {
        Some('\\') => escaped_char(chars),
        Some(char) => Ok(char),
        None => Err(format!("missing closing ]: `{whole}`")),
    }
}

/// `[:alpha:]`; `None`, and nothing read, if it is none.
fn posix(chars: &mut Peekable<Chars<'_>>) -> Result<Option<String>, String> {
    let rest: String = chars.clone().collect();
    let Some(after) = rest.strip_prefix("[:") else { return Ok(None) };
    let Some((name, _)) = after.split_once(":]") else { return Ok(None) };
    let plain = name.strip_prefix('^').unwrap_or(name);
    let known = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
        "word", "xdigit",
    ];
    if !known.contains(&plain) {
        return Err(format!("invalid character class range: `[:{name}:]`"));
    }
    for _ in 0..name.chars().count() + 4 {
        chars.next();
    }
    Ok(Some(format!("[:{name}:]")))
}

/// Names of Unicode classes.
mod regex_syntax_names {
    /// Whether Go may know a class of this name: general categories and scripts are written with a capital.
    pub(super) fn is_known(name: &str) -> bool {
        name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.chars().all(|char| char.is_ascii_alphabetic() || char == '_')
            && regex::Regex::new(&format!("\\p{{{name}}}")).is_ok()
    }
}
