//! Regular expressions as Go's `regexp` reads them, for the `regex` crate.
//!
//! Both match in linear time; they differ in syntax. To Go `\d`, `\w`, `\s` and `\b` are ASCII, `\Q…\E` quotes,
//! `{` may be literal, classes have no set operations, and there are no other flags than `imsU`. So a pattern
//! is read by Go's rules, with Go's errors, and written again.

use std::cell::RefCell;
use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

mod classes;

/// Compiles a pattern. Errors are those of Go.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    let cached =
        CACHE.with_borrow(|cache| cache.iter().find(|(text, _)| text == pattern).map(|(_, regex)| regex.clone()));
    if let Some(regex) = cached {
        return Ok(regex);
    }
    let translated = translate(pattern).map_err(|error| format!("error parsing regexp: {error}"))?;
    let regex = RegexBuilder::new(&translated)
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => format!("error parsing regexp: expression too large: `{pattern}`"),
            _ => format!("error parsing regexp: invalid expression: `{pattern}`"),
        })?;
    CACHE.with_borrow_mut(|cache| {
        if cache.len() >= CACHE_MAX {
            cache.pop_front();
        }
        cache.push_back((pattern.to_owned(), regex.clone()));
    });
    Ok(regex)
}

thread_local! {
    /// Patterns that are no constants come again and again, once per element of a loop.
    static CACHE: RefCell<std::collections::VecDeque<(String, Regex)>> = const { RefCell::new(std::collections::VecDeque::new()) };
}

/// Searched one by one; a loop rarely has more patterns than this.
const CACHE_MAX: usize = 16;

/// A pattern of a few hundred characters takes some kilobytes. Repetitions multiply; this many bytes are
/// compiled in a few milliseconds.
const COMPILED_BYTES_MAX: usize = 4 << 20;

/// The pattern in the syntax of the `regex` crate.
fn translate(pattern: &str) -> Result<String, String> {
    let mut reader = Reader { chars: pattern.chars().peekable(), pattern, out: String::new(), open: 0, depth_max: 0 };
    reader.expression()?;
    Ok(reader.out)
}

/// Groups nested deeper than this are refused, as in Go.
const DEPTH_MAX: usize = 1000;

/// The largest count of a repetition, as in Go.
const REPEAT_MAX: u32 = 1000;

struct Reader<'p> {
    chars: Peekable<Chars<'p>>,
    pattern: &'p str,
    out: String,
    open: usize,
    depth_max: usize,
}

/// What stands before a repetition operator.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    Atom,
    Repetition,
}

// === impl Reader ===

impl Reader<'_> {
    fn expression(&mut self) -> Result<(), String> {
        let mut before = Before::Nothing;
        let mut operator = String::new();
        while let Some(char) = self.chars.next() {
            let next = match char {
                '(' => self.group()?,
                ')' => {
                    self.open = self.open.checked_sub(1).ok_or_else(|| self.error("unexpected )"))?;
                    self.out.push(')');
                    Before::Atom
                }
                '|' => {
                    self.out.push('|');
                    Before::Nothing
                }
                '*' | '+' | '?' => {
                    self.repeat(before, &mut operator, &char.to_string())?;
                    Before::Repetition
                }
                '{' => match self.count()? {
                    Some(count) => {
                        self.repeat(before, &mut operator, &count)?;
                        Before::Repetition
                    }
                    None => self.literal('{'),
                },
                '[' => self.class()?,
                '.' | '^' | '$' => {
                    self.out.push(char);
                    Before::Atom
                }
                '\\' => self.escape()?,
                char => self.literal(char),
            };
            before = next;
        }
        if self.open > 0 { Err(self.error("missing closing )")) } else { Ok(()) }
    }

    fn error(&self, what: &str) -> String {
        format!("{what}: `{}`", self.pattern)
    }

    fn literal(&mut self, char: char) -> Before {
        push_literal(char, &mut self.out);
        Before::Atom
    }

    fn repeat(&mut self, before: Before, operator: &mut String, next: &str) -> Result<(), String> {
        let lazy = self.chars.next_if_eq(&'?').is_some();
        let written = format!("{next}{}", if lazy { "?" } else { "" });
        match before {
            Before::Nothing => return Err(format!("missing argument to repetition operator: `{written}`")),
            Before::Repetition => return Err(format!("invalid nested repetition operator: `{operator}{written}`")),
            Before::Atom => {}
        }
        self.out.push_str(&written);
        *operator = written;
        Ok(())
    }

    /// `{2}`, `{2,}` or `{2,3}` after the brace; nothing is read if it is none of these.
    fn count(&mut self) -> Result<Option<String>, String> {
        let mut ahead = self.chars.clone();
        let mut text = String::from("{");
        loop {
            match ahead.next() {
                Some(char @ ('0'..='9' | ',')) => text.push(char),
                Some('}') => break,
                _ => return Ok(None),
            }
        }
        text.push('}');
        let inner = &text[1..text.len() - 1];
        let (min, max) = match inner.split_once(',') {
            None => (inner, inner),
            Some((min, max)) => (min, max),
        };
        let leading_zero = |digits: &str| digits.len() > 1 && digits.starts_with('0');
        if min.is_empty() || max.contains(',') || leading_zero(min) || leading_zero(max) {
            return Ok(None);
        }
        let number = |digits: &str| digits.parse::<u32>().ok().filter(|count| *count <= REPEAT_MAX);
        let valid = match (number(min), max) {
            (Some(_), "") => true,
            (Some(min), max) => number(max).is_some_and(|max| min <= max),
            _ => false,
        };
        if !valid {
            return Err(format!("invalid repeat count: `{text}`"));
        }
        self.chars = ahead;
        Ok(Some(text))
    }

    fn group(&mut self) -> Result<Before, String> {
        self.open += 1;
        self.depth_max = self.depth_max.max(self.open);
        if self.depth_max > DEPTH_MAX {
            return Err(self.error("expression nests too deeply"));
        }
        self.out.push('(');
        if self.chars.next_if_eq(&'?').is_none() {
            return Ok(Before::Nothing);
        }
        self.out.push('?');
        let mut ahead = self.chars.clone();
        let named = match (ahead.next(), ahead.next()) {
            (Some('P'), Some('<')) => 2,
            (Some('<'), _) => 1,
            _ => 0,
        };
        if named > 0 {
            for _ in 0..named {
                self.chars.next();
            }
            return self.name();
        }
        self.flags()
    }

    fn name(&mut self) -> Result<Before, String> {
        let mut name = String::new();
        loop {
            match self.chars.next() {
                Some('>') => break,
                Some(char) => name.push(char),
                None => return Err(format!("invalid named capture: `(?P<{name}`")),
            }
        }
        if name.is_empty() || !name.chars().all(|char| char == '_' || char.is_ascii_alphanumeric()) {
            return Err(format!("invalid named capture: `(?P<{name}>`"));
        }
        // Names are for extraction by name, which CEL has not; numbers stay the same.
        self.out.truncate(self.out.len() - 1);
        Ok(Before::Nothing)
    }

    fn flags(&mut self) -> Result<Before, String> {
        let mut flags = String::new();
        let invalid = |flags: &str| format!("invalid or unsupported Perl syntax: `(?{flags}`");
        loop {
            let Some(char) = self.chars.next() else {
                return Err(self.error("missing argument to repetition operator"));
            };
            match char {
                'i' | 'm' | 's' | 'U' => flags.push(char),
                '-' if !flags.contains('-') => flags.push(char),
                ':' if !flags.ends_with('-') => {
                    self.out.push_str(&flags);
                    self.out.push(':');
                    return Ok(Before::Nothing);
                }
                ')' if !flags.ends_with('-') => {
                    self.open -= 1;
                    if flags.is_empty() {
                        // `(?)` sets nothing.
                        self.out.truncate(self.out.len() - 2);
                        return Ok(Before::Nothing);
                    }
                    self.out.push_str(&flags);
                    self.out.push(')');
                    return Ok(Before::Nothing);
                }
                char => {
                    flags.push(char);
                    return Err(invalid(&flags));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<Before, String> {
        match self.chars.peek().copied() {
            Some('Q') => {
                self.chars.next();
                return Ok(self.quoted());
            }
            Some(char @ ('A' | 'z')) => {
                self.chars.next();
                self.out.push('\\');
                self.out.push(char);
            }
            Some(char @ ('b' | 'B')) => {
                self.chars.next();
                self.out.push_str(if char == 'b' { "(?-u:\\b)" } else { "(?-u:\\B)" });
            }
            _ => {
                if let Some(class) = classes::escaped(&mut self.chars)? {
                    self.out.push_str(&class);
                } else {
                    let char = classes::escaped_char(&mut self.chars)?;
                    push_literal(char, &mut self.out);
                }
            }
        }
        Ok(Before::Atom)
    }

    fn quoted(&mut self) -> Before {
        let mut before = Before::Nothing;
        while let Some(char) = self.chars.next() {
            if char == '\\' && self.chars.next_if_eq(&'E').is_some() {
                break;
            }
            before = self.literal(char);
        }
        before
    }

    fn class(&mut self) -> Result<Before, String> {
        let class = classes::class(&mut self.chars)?;
        self.out.push_str(&class);
        Ok(Before::Atom)
    }
}

/// A character that stands for itself, in or out of a class.
fn push_literal(char: char, out: &mut String) {
    if char.is_ascii() && !char.is_ascii_alphanumeric() && char != ' ' && char != '_' {
        out.push_str(&format!("\\x{{{:X}}}", char as u32));
    } else {
        out.push(char);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_match(pattern: &str, text: &str) -> bool {
        compile(pattern).is_ok_and(|regex| regex.is_match(text))
    }

    #[test]
    fn classes_are_ascii() {
        assert!(is_match(r"^\d+$", "12") && !is_match(r"^\d$", "٣"));
        assert!(!is_match(r"^\w$", "é") && is_match(r"^\W$", "é"));
        assert!(!is_match(r"^\s$", "\u{b}"));
        assert!(is_match(r"^[\D]$", "x") && !is_match(r"^[^\D]$", "x"));
        assert!(is_match(r"é\b", "aé b") == is_match(r"\bx\b", "ax"));
        assert!(is_match(r"a\Bb", "ab"));
        assert!(is_match(r"^\pL\p{^L}$", "é1"));
    }

    #[test]
    fn what_is_special_elsewhere_is_literal() {
        assert!(is_match(r"^[a&&b]$", "&"));
        assert!(is_match(r"^[a--b]$", "a") == false || is_match(r"^[+--]$", ","));
        assert!(is_match("^a{,2}$", "a{,2}") && is_match("^{$", "{"));
        assert!(is_match(r"^\Qa.b*\E+$", "a.b**"));
        assert!(is_match(r"^\<\-\_\077$", "<-_?"));
        assert!(is_match(r"^[]a]+$", "]a") && is_match(r"^[[:alpha:]-]+$", "a-"));
        assert!(is_match(r"^(?P<name>a)(?i:B)$", "ab"));
    }

    #[test]
    fn errors_are_those_of_go() {
        for (pattern, error) in [
            ("(", "missing closing ): `(`"),
            (")", "unexpected ): `)`"),
            ("*", "missing argument to repetition operator: `*`"),
            ("a**", "invalid nested repetition operator: `**`"),
            ("a{1001}", "invalid repeat count: `{1001}`"),
            ("[a", "missing closing ]: `[a`"),
            ("[b-a]", "invalid character class range: `b-a`"),
            ("(?x)a", "invalid or unsupported Perl syntax: `(?x`"),
            ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
            (r"\1", r"invalid escape sequence: `\1`"),
            (r"a\", "trailing backslash at end of expression: ``"),
            (r"\p{Nope}", r"invalid character class range: `\p{Nope}`"),
        ] {
            let found = compile(pattern).err().unwrap_or_default();
            assert_eq!(found, format!("error parsing regexp: {error}"), "{pattern}");
        }
    }
}
