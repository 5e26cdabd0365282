//! apk-tools 3: numbers, a letter, suffixes, a commit hash, a revision.

use std::cmp::Ordering;

use super::{digits, run};

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (Tokens::new(a), Tokens::new(b));
    loop {
        if a.token != b.token {
            return if a.token == Token::Suffix && a.suffix < 0 {
                Ordering::Less
            } else if b.token == Token::Suffix && b.suffix < 0 {
                Ordering::Greater
            } else {
                b.token.cmp(&a.token)
            };
        }
        let order = match a.token {
            // A number with a leading zero is a fraction.
            Token::Digit if a.value.first() == Some(&b'0') || b.value.first() == Some(&b'0') => a.value.cmp(b.value),
            Token::First | Token::Digit | Token::SuffixNumber | Token::Revision => digits(a.value, b.value),
            Token::Letter | Token::Hash => a.value.cmp(b.value),
            Token::Suffix => a.suffix.cmp(&b.suffix),
            // What is no version any more still needs a place that does not depend on who asks.
            Token::Invalid => return a.rest.cmp(b.rest),
            Token::End => return Ordering::Equal,
        };
        if order.is_ne() {
            return order;
        }
        a.next();
        b.next();
    }
}

pub(super) fn accepts(version: &str) -> bool {
    let mut tokens = Tokens::new(version);
    while tokens.token < Token::End {
        tokens.next();
    }
    tokens.token == Token::End
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Token {
    First,
    Digit,
    Letter,
    Suffix,
    SuffixNumber,
    Hash,
    Revision,
    End,
    Invalid,
}

struct Tokens<'a> {
    rest: &'a [u8],
    token: Token,
    value: &'a [u8],
    suffix: i32,
}

impl<'a> Tokens<'a> {
    fn new(version: &'a str) -> Self {
        let mut tokens = Tokens { rest: version.as_bytes(), token: Token::First, value: b"", suffix: 0 };
        tokens.number(Token::First);
        tokens
    }

    fn next(&mut self) {
        let before = self.token;
        let after = self.rest.get(1..).unwrap_or_default();
        match self.rest.first() {
            None => self.token = Token::End,
            Some(byte) if byte.is_ascii_lowercase() && before <= Token::Digit => {
                (self.value, self.rest) = self.rest.split_at(1);
                self.token = Token::Letter;
            }
            Some(b'.') if before <= Token::Digit => {
                self.rest = after;
                self.number(Token::Digit);
            }
            Some(byte) if byte.is_ascii_digit() && before == Token::Suffix => self.number(Token::SuffixNumber),
            Some(b'_') if before <= Token::SuffixNumber => {
                let (word, rest) = run(after, |b| b.is_ascii_lowercase());
                match SUFFIXES.iter().find(|(name, _)| name.as_bytes() == word) {
                    Some((_, weight)) => {
                        (self.token, self.suffix, self.rest) = (Token::Suffix, *weight, rest);
                    }
                    None => self.token = Token::Invalid,
                }
            }
            Some(b'~') if before < Token::Hash => {
                (self.value, self.rest) = run(after, |b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase());
                self.token = if self.value.is_empty() { Token::Invalid } else { Token::Hash };
            }
            Some(b'-') if before < Token::Revision && after.first() == Some(&b'r') => {
                self.rest = after.get(1..).unwrap_or_default();
                self.number(Token::Revision);
            }
            Some(_) => self.token = Token::Invalid,
        }
    }

    fn number(&mut self, token: Token) {
        (self.value, self.rest) = run(self.rest, |b| b.is_ascii_digit());
        self.token = if self.value.is_empty() { Token::Invalid } else { token };
    }
}

/// Suffixes of what comes before a release are negative.
const SUFFIXES: &[(&str, i32)] =
    &[("alpha", -4), ("beta", -3), ("pre", -2), ("rc", -1), ("cvs", 1), ("svn", 2), ("git", 3), ("hg", 4), ("p", 5)];
