//! Locations: `spec.containers[name: "x"].image`.

use manifest::Value;

/// A path to a field, step by step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Location {
    /// Its steps.
    pub(super) steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// A field of an object.
    Field(Box<str>),
    /// Items of a list whose key field has a value; all of them for `*`.
    Items {
        /// Name of the key field.
        key: Box<str>,
        /// Its value.
        value: Key,
    },
}

/// Which items of a list.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Key {
    /// `*`
    Any,
    /// The one with this text.
    Text(Box<str>),
    /// The one with this number.
    Int(i64),
}

/// What is wrong with a location.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LocationError {
    /// Something else was expected.
    #[error("at byte {at}: expected {expected}")]
    Expected {
        /// Where.
        at: usize,
        /// What.
        expected: &'static str,
    },
    /// A quote is not closed.
    #[error("at byte {0}: unterminated string")]
    Unterminated(usize),
    /// A number does not fit.
    #[error("at byte {0}: the number is too large")]
    Overflow(usize),
    /// The path ends in a dot.
    #[error("the location ends in a dot")]
    TrailingDot,
    /// There are too many steps.
    #[error("more than {STEPS_MAX} steps")]
    Long,
    /// There is no step.
    #[error("the location is empty")]
    Empty,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Int(i64),
    Symbol(u8),
    End,
}

impl Location {
    /// Reads a location.
    pub(super) fn read(text: &str) -> Result<Location, LocationError> {
        let mut reader = Reader { text, at: 0 };
        let mut steps = Vec::new();
        let mut token = reader.next()?;
        if token == Token::End {
            return Err(LocationError::Empty);
        }
        loop {
            let Token::Word(name) = token else {
                return Err(reader.expected("a field name"));
            };
            steps.push(Step::Field(name.into()));
            token = reader.next()?;
            if token == Token::Symbol(b'[') {
                steps.push(reader.items()?);
                token = reader.next()?;
            }
            if steps.len() > STEPS_MAX {
                return Err(LocationError::Long);
            }
            match token {
                Token::End => return Ok(Location { steps }),
                Token::Symbol(b'.') => {
                    token = reader.next()?;
                    if token == Token::End {
                        return Err(LocationError::TrailingDot);
                    }
                }
                _ => return Err(reader.expected("`.` or the end")),
            }
        }
    }

    /// Whether this is the start of another location, or all of it.
    pub(super) fn is_prefix_of(&self, other: &Location) -> bool {
        other.steps.starts_with(&self.steps)
    }
}

impl Key {
    /// Whether a value is the one that is meant.
    pub(super) fn is(&self, value: Value<'_>) -> bool {
        match self {
            Key::Any => true,
            Key::Text(text) => value.as_str() == Some(text),
            Key::Int(number) => matches!(value.data(), manifest::Data::Int(value) if value == number),
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn expected(&self, expected: &'static str) -> LocationError {
        LocationError::Expected { at: self.at, expected }
    }

    fn items(&mut self) -> Result<Step, LocationError> {
        let Token::Word(key) = self.next()? else { return Err(self.expected("a key field")) };
        if self.next()? != Token::Symbol(b':') {
            return Err(self.expected("`:`"));
        }
        let value = match self.next()? {
            Token::Symbol(b'*') => Key::Any,
            Token::Word(text) => Key::Text(text.into()),
            Token::Int(number) => Key::Int(number),
            _ => return Err(self.expected("a key value or `*`")),
        };
        if self.next()? != Token::Symbol(b']') {
            return Err(self.expected("`]`"));
        }
        Ok(Step::Items { key: key.into(), value })
    }

    fn next(&mut self) -> Result<Token, LocationError> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|byte| b" \t\r\n".contains(byte)) {
            self.at += 1;
        }
        let start = self.at;
        let Some(first) = bytes.get(start) else { return Ok(Token::End) };
        match first {
            b'0'..=b'9' => {
                let mut number = 0_i64;
                while let Some(digit) = bytes.get(self.at).filter(|byte| byte.is_ascii_digit()) {
                    number = number
                        .checked_mul(10)
                        .and_then(|number| number.checked_add(i64::from(digit - b'0')))
                        .ok_or(LocationError::Overflow(start))?;
                    self.at += 1;
                }
                Ok(Token::Int(number))
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'-' => {
                while bytes.get(self.at).is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte)) {
                    self.at += 1;
                }
                Ok(Token::Word(self.text.get(start..self.at).unwrap_or("").to_owned()))
            }
            b'"' | b'\'' => self.quoted(char::from(*first)),
            b'.' | b'[' | b']' | b'*' | b':' => {
                self.at += 1;
                Ok(Token::Symbol(*first))
            }
            _ => Err(self.expected("a field name, a string, or one of `.[]*:`")),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Token, LocationError> {
        let start = self.at;
        let mut out = String::new();
        let mut chars = self.text.get(start + 1..).unwrap_or("").char_indices();
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.at = start + 1 + at + 1;
                return Ok(Token::Word(out));
            }
            match c {
                '\\' => out.extend(chars.next().map(|(_, c)| c)),
                c => out.push(c),
            }
        }
        Err(LocationError::Unterminated(start))
    }
}

/// Steps of a location. Documents are at most 200 deep, and no built-in kind is deeper than about 40.
const STEPS_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let shown = match Location::read(text) {
            Err(error) => error.to_string(),
            Ok(location) => location
                .steps
                .iter()
                .map(|step| match step {
                    Step::Field(name) => format!("/{name}"),
                    Step::Items { key, value } => format!("[{key} {value:?}]"),
                })
                .collect(),
        };
        assert_eq!(shown, expect, "{text}");
    }

    #[test]
    fn locations_are_read() {
        check("spec.containers[name: \"x\"].image", "/spec/containers[name Text(\"x\")]/image");
        check("  spec . a[ 'k y' : * ] ", "/spec/a[k y Any]");
        check("ports[containerPort: 8080]", "/ports[containerPort Int(8080)]");
        check(r#"metadata.annotations."a.b/c\"d""#, "/metadata/annotations/a.b/c\"d");
    }

    #[test]
    fn mistakes_are_told() {
        check("", "the location is empty");
        check("spec.", "the location ends in a dot");
        check("spec..a", "at byte 6: expected a field name");
        check("spec a", "at byte 6: expected `.` or the end");
        check("a[b]", "at byte 4: expected `:`");
        check("a[b: 99999999999999999999]", "at byte 5: the number is too large");
        check("a.\"b", "at byte 2: unterminated string");
        check("a[b: c][d: e]", "at byte 8: expected `.` or the end");
        check(&"a.".repeat(200), "more than 100 steps");
    }
}
