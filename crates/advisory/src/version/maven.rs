//! Maven: tokens split at dots, hyphens and where digits meet letters. Hyphens open a nested list that lasts to the end,
//! so lists of lists can be compared as one flat row of tokens that remember what stood before them.

use std::cmp::Ordering;

use super::digits;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let (a, b) = (tokens(&a), tokens(&b));
    for at in 0..a.len().max(b.len()) {
        let order = match (a.get(at), b.get(at)) {
            (Some(x), Some(y)) => token(x, y),
            (Some(x), None) => against_nothing(x),
            (None, Some(y)) => against_nothing(y).reverse(),
            (None, None) => Ordering::Equal,
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

#[derive(Clone, Copy)]
struct Token<'a> {
    hyphen: bool,
    text: &'a str,
}

impl Token<'_> {
    fn numeric(&self) -> bool {
        self.text.bytes().next().is_some_and(|b| b.is_ascii_digit())
    }

    fn null(&self) -> bool {
        if self.numeric() {
            self.text.bytes().all(|b| b == b'0')
        } else {
            matches!(self.text, "" | "final" | "ga" | "release")
        }
    }
}

fn tokens(version: &str) -> Vec<Token<'_>> {
    let bytes = version.as_bytes();
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let (mut start, mut hyphen) = (0, false);
    for at in 0..=bytes.len() {
        let here = bytes.get(at).copied();
        let separator = matches!(here, None | Some(b'.' | b'-' | b'_'));
        let meets = !separator
            && at > start
            && here
                .zip(bytes.get(at.wrapping_sub(1)).copied())
                .is_some_and(|(x, y)| x.is_ascii_digit() != y.is_ascii_digit());
        if !separator && !meets {
            continue;
        }
        let text = version.get(start..at).unwrap_or_default();
        let text = match text {
            "" => "0",
            "a" if meets => "alpha",
            "b" if meets => "beta",
            "m" if meets => "milestone",
            text => text,
        };
        push(&mut tokens, Token { hyphen, text });
        hyphen = meets || here != Some(b'.');
        start = if meets { at } else { at + 1 };
    }
    trim(&mut tokens);
    tokens
}

fn push<'a>(tokens: &mut Vec<Token<'a>>, token: Token<'a>) {
    if token.hyphen {
        trim(tokens);
    }
    tokens.push(token);
}

/// Takes away what means nothing at the end of a list; the very first token stays.
fn trim(tokens: &mut Vec<Token<'_>>) {
    while tokens.len() > 1 && tokens.last().is_some_and(Token::null) {
        tokens.pop();
    }
}

/// Words before numbers; among words, those after a dot first; among numbers, those after a hyphen first.
fn token(a: &Token<'_>, b: &Token<'_>) -> Ordering {
    let class = |token: &Token<'_>| match (token.numeric(), token.hyphen) {
        (false, false) => 0,
        (false, true) => 1,
        (true, true) => 2,
        (true, false) => 3,
    };
    class(a).cmp(&class(b)).then_with(|| {
        if a.numeric() {
            digits(a.text.as_bytes(), b.text.as_bytes())
        } else {
            qualifier(a.text).cmp(&qualifier(b.text))
        }
    })
}

fn against_nothing(token: &Token<'_>) -> Ordering {
    if token.numeric() {
        if token.null() { Ordering::Equal } else { Ordering::Greater }
    } else {
        qualifier(token.text).cmp(&qualifier(""))
    }
}

fn qualifier(word: &str) -> (u8, &str) {
    let rank = match word {
        "alpha" => 0,
        "beta" => 1,
        "milestone" => 2,
        "rc" | "cr" => 3,
        "snapshot" => 4,
        "" | "final" | "ga" | "release" => 5,
        "sp" => 6,
        _ => return (7, word),
    };
    (rank, "")
}
