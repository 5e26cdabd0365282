//! Names of the Common Platform Enumeration 2.3: reading, writing, comparing, and guessing them for packages.

mod candidates;

use std::fmt;
use std::str::FromStr;

pub use candidates::candidates;

/// A CPE 2.3 name, well-formed. `Display` writes it with the escapes of the formatted string.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpe {
    /// Application, operating system, hardware: `a`, `o`, `h`; `*` for any.
    pub part: char,
    /// Vendor, product, version, update, edition, language, software edition, target software, target hardware, other.
    pub attributes: [Value; 10],
}

/// The value of an attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// `*`: any.
    #[default]
    Any,
    /// `-`: not applicable.
    NotApplicable,
    /// Text without escapes, lower case. Wildcards are kept as `\u{1}` for `*` and `\u{2}` for `?`.
    Text(Box<str>),
}

/// A text that is no CPE name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CpeError {
    /// Neither `cpe:2.3:` nor `cpe:/` in front.
    #[error("`{0}` begins with neither `cpe:2.3:` nor `cpe:/`")]
    Prefix(Box<str>),
    /// A formatted string with other than eleven attributes, or a URI with more than seven.
    #[error("`{0}` has {1} attributes")]
    Attributes(Box<str>, usize),
    /// A part other than `a`, `o`, `h`.
    #[error("`{0}` is neither an application nor an operating system nor hardware")]
    Part(Box<str>),
    /// Longer than any name has a reason to be.
    #[error("a CPE name of {0} bytes is longer than {BYTES_MAX}")]
    Long(usize),
}

impl Cpe {
    /// A name of an application of which vendor, product and version are given as plain text.
    pub fn application(vendor: &str, product: &str, version: &str) -> Self {
        let mut attributes = <[Value; 10]>::default();
        for (slot, text) in attributes.iter_mut().zip([vendor, product, version]) {
            *slot =
                if text.is_empty() { Value::Any } else { Value::Text(text.to_lowercase().replace(' ', "_").into()) };
        }
        Cpe { part: 'a', attributes }
    }

    /// The vendor; empty where it is any or none.
    pub fn vendor(&self) -> &str {
        self.attributes[0].text()
    }

    /// The product; empty where it is any or none.
    pub fn product(&self) -> &str {
        self.attributes[1].text()
    }

    /// The version; empty where it is any or none.
    pub fn version(&self) -> &str {
        self.attributes[2].text()
    }

    /// The software that the product runs in, such as `node.js`; empty where it is any or none.
    pub fn target_software(&self) -> &str {
        self.attributes[7].text()
    }

    /// Whether everything that the other names is among what this one names, attribute by attribute.
    pub fn covers(&self, other: &Cpe) -> bool {
        (self.part == '*' || self.part == other.part)
            && self.attributes.iter().zip(&other.attributes).all(|(a, b)| a.covers(b))
    }
}

impl Value {
    /// The text; empty where it is any or none.
    pub fn text(&self) -> &str {
        if let Value::Text(text) = self { text } else { "" }
    }

    fn covers(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Any, _) => true,
            (Value::Text(pattern), Value::Text(text)) => matches(pattern, text),
            (a, b) => a == b,
        }
    }

    fn read(text: &str) -> Self {
        match text {
            "*" | "" => Value::Any,
            "-" => Value::NotApplicable,
            text => {
                let mut plain = String::with_capacity(text.len());
                let mut chars = text.chars();
                while let Some(c) = chars.next() {
                    match c {
                        '\\' => plain.extend(chars.next()),
                        '*' => plain.push(MANY),
                        '?' => plain.push(ONE),
                        c => plain.push(c),
                    }
                }
                Value::Text(plain.to_lowercase().into())
            }
        }
    }
}

/// Wildcards stand at the ends alone: `*` for any number of characters, each `?` for at most one.
fn matches(pattern: &str, text: &str) -> bool {
    let inner = pattern.trim_matches([MANY, ONE]);
    if inner.len() == pattern.len() {
        return pattern == text;
    }
    let (head, tail) = pattern.split_once(inner).unwrap_or((pattern, ""));
    let room = |wild: &str| if wild.contains(MANY) { usize::MAX } else { wild.chars().count() };
    text.match_indices(inner).any(|(at, found)| {
        let before = text.get(..at).unwrap_or_default().chars().count();
        let after = text.get(at + found.len()..).unwrap_or_default().chars().count();
        before <= room(head) && after <= room(tail)
    })
}

impl FromStr for Cpe {
    type Err = CpeError;

    fn from_str(text: &str) -> Result<Self, CpeError> {
        if text.len() > BYTES_MAX {
            return Err(CpeError::Long(text.len()));
        }
        let lower = text.get(..8).unwrap_or_default().to_ascii_lowercase();
        let (part, values) = if lower == "cpe:2.3:" {
            let mut values = formatted(text.get(8..).unwrap_or_default());
            if values.len() != 11 {
                return Err(CpeError::Attributes(text.into(), values.len()));
            }
            (values.remove(0).to_owned(), values.into_iter().map(Value::read).collect::<Vec<_>>())
        } else if lower.starts_with("cpe:/") {
            uri(text)?
        } else {
            return Err(CpeError::Prefix(text.into()));
        };
        let part = match part.to_ascii_lowercase().as_str() {
            "a" => 'a',
            "o" => 'o',
            "h" => 'h',
            "*" | "" => '*',
            other => return Err(CpeError::Part(other.into())),
        };
        let mut attributes = <[Value; 10]>::default();
        attributes.iter_mut().zip(values).for_each(|(slot, value)| *slot = value);
        Ok(Cpe { part, attributes })
    }
}

/// Splits at colons that are not escaped.
fn formatted(text: &str) -> Vec<&str> {
    let mut escaped = false;
    text.split(move |c: char| {
        let splits = c == ':' && !escaped;
        escaped = c == '\\' && !escaped;
        splits
    })
    .collect()
}

/// The older form: percent-encoded, `~` packs edition, software edition, target software, target hardware and other.
fn uri(text: &str) -> Result<(String, Vec<Value>), CpeError> {
    let components: Vec<&str> = text.get(5..).unwrap_or_default().split(':').collect();
    if components.len() > 7 {
        return Err(CpeError::Attributes(text.into(), components.len()));
    }
    let at = |index: usize| components.get(index).copied().unwrap_or_default();
    let packed: Vec<&str> = at(5).strip_prefix('~').map(|rest| rest.split('~').collect()).unwrap_or_default();
    let packed_at = |index: usize| packed.get(index).copied().unwrap_or_default();
    let edition = if packed.is_empty() { at(5) } else { packed_at(0) };
    let values = [at(1), at(2), at(3), at(4), edition, at(6), packed_at(1), packed_at(2), packed_at(3), packed_at(4)];
    Ok((at(0).to_owned(), values.into_iter().map(|value| Value::read(&percent(value))).collect()))
}

/// Decodes `%21`, and the wildcards `%01` and `%02`; the rest is escaped as the formatted string has it.
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let code = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(1) => out.push('?'),
            Some(2) => out.push('*'),
            Some(byte) => out.extend(['\\', char::from(byte)]),
            None => out.push_str("\\%"),
        }
        rest = if code.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    out + rest
}

impl fmt::Display for Cpe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cpe:2.3:{}", self.part)?;
        self.attributes.iter().try_for_each(|value| write!(f, ":{value}"))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Value::Text(text) = self else {
            return f.write_str(if *self == Value::Any { "*" } else { "-" });
        };
        if &**text == "-" {
            return f.write_str("\\-");
        }
        for c in text.chars() {
            match c {
                MANY => f.write_str("*")?,
                ONE => f.write_str("?")?,
                c if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-') => write!(f, "{c}")?,
                // Names have printable ASCII alone.
                c if c.is_ascii_graphic() => write!(f, "\\{c}")?,
                _ => f.write_str("_")?,
            }
        }
        Ok(())
    }
}

const MANY: char = '\u{1}';
const ONE: char = '\u{2}';
/// Ten attributes of some hundred characters each.
const BYTES_MAX: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn cpe(text: &str) -> Cpe {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn names_are_read_in_both_forms_and_written_in_one() {
        for (text, expected) in [
            (
                "cpe:2.3:a:Vendor:pro\\:duct:1.0\\+b:*:*:*:*:node.js:*:*",
                "cpe:2.3:a:vendor:pro\\:duct:1.0\\+b:*:*:*:*:node.js:*:*",
            ),
            ("cpe:/o:debian:debian_linux:12", "cpe:2.3:o:debian:debian_linux:12:*:*:*:*:*:*:*"),
            ("cpe:/a:a:b%2b:1:-:~~x~node.js~~", "cpe:2.3:a:a:b\\+:1:-:*:*:x:node.js:*:*"),
        ] {
            assert_eq!(cpe(text).to_string(), expected);
            assert_eq!(cpe(expected), cpe(text));
        }
        for bad in ["", "cpe:2.3:a:b", "cpe:/a:1:2:3:4:5:6:7", "cpe:2.3:x:a:b:c:*:*:*:*:*:*:*", &"c".repeat(9999)] {
            assert!(bad.parse::<Cpe>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_covers_what_it_does_not_tell_apart() {
        let exact = cpe("cpe:2.3:a:v:p:1.2.3:*:*:*:*:*:*:*");
        for (wider, covers) in [
            ("cpe:2.3:a:v:p:*:*:*:*:*:*:*:*", true),
            ("cpe:2.3:a:v:p:1.*:*:*:*:*:*:*:*", true),
            ("cpe:2.3:a:v:p:1.2.?:*:*:*:*:*:*:*", true),
            ("cpe:2.3:a:v:p:1.?:*:*:*:*:*:*:*", false),
            ("cpe:2.3:a:v:q:*:*:*:*:*:*:*:*", false),
            ("cpe:2.3:o:v:p:*:*:*:*:*:*:*:*", false),
            ("cpe:2.3:a:v:p:-:*:*:*:*:*:*:*", false),
        ] {
            assert_eq!(cpe(wider).covers(&exact), covers, "{wider}");
        }
        assert!(!exact.covers(&cpe("cpe:2.3:a:v:p:*:*:*:*:*:*:*:*")));
    }
}
