//! Text to tokens: the lexical half of CEL's grammar.

use crate::ast::Span;
use crate::issues::Issues;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Kind {
    EqEq,
    NotEq,
    In,
    Less,
    LessEq,
    GreaterEq,
    Greater,
    And,
    Or,
    LBracket,
    RBracket,
    LBrace,
    RBrace,
    LParen,
    RParen,
    Dot,
    Comma,
    Minus,
    Exclam,
    Question,
    Colon,
    Plus,
    Star,
    Slash,
    Percent,
    True,
    False,
    Null,
    Float,
    Int,
    Uint,
    Str,
    Bytes,
    Ident,
    /// `` `name` ``
    Quoted,
    End,
}

/// A token and its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub kind: Kind,
    pub span: Span,
}

/// All tokens; the last is [`Kind::End`]. What is no token is reported and skipped.
pub(crate) fn tokens(source: &str, issues: &mut Issues) -> Vec<Token> {
    let mut lexer = Lexer { source, bytes: source.as_bytes(), at: 0 };
    // Tokens have four characters on average, space included.
    let mut list = Vec::with_capacity(source.len() / 4 + 2);
    loop {
        lexer.skip_space();
        let start = lexer.at;
        let span = |end: usize| Span { start: start as u32, end: end as u32 };
        if start >= lexer.bytes.len() {
            list.push(Token { kind: Kind::End, span: span(start) });
            return list;
        }
        match lexer.token() {
            Ok((kind, end)) => {
                list.push(Token { kind, span: span(end) });
                lexer.at = end;
            }
            Err(bad) => {
                // The character that fits nowhere is part of the text that is shown and of what is skipped.
                let end = bad + lexer.width(bad);
                let text = source.get(start..end).unwrap_or_default();
                issues.report(span(end), format!("Syntax error: token recognition error at: '{text}'"));
                lexer.at = end;
            }
        }
    }
}

struct Lexer<'s> {
    source: &'s str,
    bytes: &'s [u8],
    at: usize,
}

impl Lexer<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// Length of the character at a place; 0 at the end.
    fn width(&self, at: usize) -> usize {
        self.source.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
    }

    fn skip_space(&mut self) {
        loop {
            match self.byte(self.at) {
                b' ' | b'\t' | b'\r' | b'\n' | 0x0c => self.at += 1,
                b'/' if self.byte(self.at + 1) == b'/' => {
                    let rest = self.bytes.get(self.at..).unwrap_or_default();
                    self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    /// The token that starts here and its end, or the place of the character that fits no token.
    fn token(&self) -> Result<(Kind, usize), usize> {
        let (at, next) = (self.at, self.byte(self.at + 1));
        let pair = |second: u8, both: Kind, one: Option<Kind>| match one {
            _ if next == second => Ok((both, at + 2)),
            Some(kind) => Ok((kind, at + 1)),
            None => Err(at + 1),
        };
        let kind = match self.byte(at) {
            b'=' => return pair(b'=', Kind::EqEq, None),
            b'!' => return pair(b'=', Kind::NotEq, Some(Kind::Exclam)),
            b'<' => return pair(b'=', Kind::LessEq, Some(Kind::Less)),
            b'>' => return pair(b'=', Kind::GreaterEq, Some(Kind::Greater)),
            b'&' => return pair(b'&', Kind::And, None),
            b'|' => return pair(b'|', Kind::Or, None),
            b'.' if next.is_ascii_digit() => return Ok(self.number()),
            b'0'..=b'9' => return Ok(self.number()),
            b'"' | b'\'' => return self.quoted(at, false).map(|end| (Kind::Str, end)),
            b'`' => return self.quoted_name().map(|end| (Kind::Quoted, end)),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => return Ok(self.word()),
            b'[' => Kind::LBracket,
            b']' => Kind::RBracket,
            b'{' => Kind::LBrace,
            b'}' => Kind::RBrace,
            b'(' => Kind::LParen,
            b')' => Kind::RParen,
            b'.' => Kind::Dot,
            b',' => Kind::Comma,
            b'-' => Kind::Minus,
            b'?' => Kind::Question,
            b':' => Kind::Colon,
            b'+' => Kind::Plus,
            b'*' => Kind::Star,
            b'/' => Kind::Slash,
            b'%' => Kind::Percent,
            _ => return Err(at),
        };
        Ok((kind, at + 1))
    }

    fn digits(&self, mut at: usize) -> usize {
        while self.byte(at).is_ascii_digit() {
            at += 1;
        }
        at
    }

    fn number(&self) -> (Kind, usize) {
        let start = self.at;
        if self.byte(start) == b'0' && self.byte(start + 1) == b'x' && self.byte(start + 2).is_ascii_hexdigit() {
            let mut end = start + 2;
            while self.byte(end).is_ascii_hexdigit() {
                end += 1;
            }
            return self.int(end);
        }
        let mut end = self.digits(start);
        let mut float = false;
        if self.byte(end) == b'.' && self.byte(end + 1).is_ascii_digit() {
            end = self.digits(end + 1);
            float = true;
        }
        if matches!(self.byte(end), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(end + 1), b'+' | b'-'));
            if self.byte(end + 1 + sign).is_ascii_digit() {
                end = self.digits(end + 1 + sign);
                float = true;
            }
        }
        if float { (Kind::Float, end) } else { self.int(end) }
    }

    fn int(&self, end: usize) -> (Kind, usize) {
        if matches!(self.byte(end), b'u' | b'U') { (Kind::Uint, end + 1) } else { (Kind::Int, end) }
    }

    /// A name, a keyword, or a literal with a prefix. Without a closing quote the prefix is a name.
    fn word(&self) -> (Kind, usize) {
        let bytes_prefix = matches!(self.byte(self.at), b'b' | b'B');
        let after = self.at + usize::from(bytes_prefix);
        let raw = matches!(self.byte(after), b'r' | b'R');
        let quote = after + usize::from(raw);
        if (bytes_prefix || raw)
            && matches!(self.byte(quote), b'"' | b'\'')
            && let Ok(end) = self.quoted(quote, raw)
        {
            return (if bytes_prefix { Kind::Bytes } else { Kind::Str }, end);
        }
        let mut end = self.at + 1;
        while self.byte(end).is_ascii_alphanumeric() || self.byte(end) == b'_' {
            end += 1;
        }
        let kind = match self.bytes.get(self.at..end) {
            Some(b"in") => Kind::In,
            Some(b"true") => Kind::True,
            Some(b"false") => Kind::False,
            Some(b"null") => Kind::Null,
            _ => Kind::Ident,
        };
        (kind, end)
    }

    /// End of the literal whose opening quote is at `start`.
    fn quoted(&self, start: usize, raw: bool) -> Result<usize, usize> {
        let quote = self.byte(start);
        let twice = self.byte(start + 1) == quote;
        if twice && self.byte(start + 2) == quote {
            // Three quotes that nobody closes are an empty literal before something else.
            return Ok(self.quoted_by_three(start, quote, raw).unwrap_or(start + 2));
        }
        let mut at = start + 1;
        loop {
            match self.byte(at) {
                byte if byte == quote => return Ok(at + 1),
                b'\\' if !raw => at = self.escape(at)?,
                b'\n' | b'\r' => return Err(at),
                0 if at >= self.bytes.len() => return Err(at),
                _ => at += 1,
            }
        }
    }

    fn quoted_by_three(&self, start: usize, quote: u8, raw: bool) -> Option<usize> {
        let mut at = start + 3;
        loop {
            match self.byte(at) {
                byte if byte == quote && self.byte(at + 1) == quote && self.byte(at + 2) == quote => {
                    return Some(at + 3);
                }
                b'\\' if !raw => at = self.escape(at).ok()?,
                0 if at >= self.bytes.len() => return None,
                _ => at += 1,
            }
        }
    }

    /// End of the escape sequence at `at`, or the place where it goes wrong.
    fn escape(&self, at: usize) -> Result<usize, usize> {
        let digits = match self.byte(at + 1) {
            b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'"' | b'\'' | b'\\' | b'?' | b'`' => 0,
            b'x' | b'X' => 2,
            b'u' => 4,
            b'U' => 8,
            b'0'..=b'3' => {
                let bad = (at + 2..at + 4).find(|at| !(b'0'..=b'7').contains(&self.byte(*at)));
                return bad.map_or(Ok(at + 4), Err);
            }
            _ => return Err(at + 1),
        };
        let bad = (at + 2..at + 2 + digits).find(|at| !self.byte(*at).is_ascii_hexdigit());
        bad.map_or(Ok(at + 2 + digits), Err)
    }

    fn quoted_name(&self) -> Result<usize, usize> {
        let mut at = self.at + 1;
        while self.byte(at).is_ascii_alphanumeric() || matches!(self.byte(at), b'_' | b'.' | b'-' | b'/' | b' ') {
            at += 1;
        }
        if self.byte(at) == b'`' && at > self.at + 1 { Ok(at + 1) } else { Err(at) }
    }
}
