//! The formats of secrets that are known, by who gives them out.

use model::Severity;

mod cloud;
mod code;
mod data;
mod keys;
mod services;

/// One format.
#[derive(Debug)]
pub struct Format {
    /// Stable name.
    pub id: &'static str,
    /// What it is.
    pub title: &'static str,
    /// How bad it is that everybody can read it.
    pub severity: Severity,
    /// Words of which one stands in the secret or beside it, compared without regard to case.
    pub(super) words: &'static [&'static str],
    /// How it looks.
    pub(super) shape: Shape,
    /// Least Shannon entropy of the value in bits per byte; 0 where the shape says enough.
    pub(super) entropy: f32,
    /// Whether it goes over several lines.
    pub(super) lines: bool,
    /// What must follow a word so that the pattern can match.
    pub(super) after: fn(&[u8]) -> bool,
    /// What else the value must meet.
    pub(super) check: fn(&[u8]) -> bool,
}

/// Formats of one kind of issuer.
#[derive(Debug)]
pub struct Group {
    /// Heading.
    pub title: &'static str,
    /// The formats.
    pub formats: &'static [Format],
}

impl Group {
    pub(super) fn iter(&self) -> impl Iterator<Item = &'static Format> {
        self.formats.iter()
    }
}

impl Format {
    /// Of two formats that claim one value, the one that knows more of it counts.
    pub(super) fn weight(&self) -> u8 {
        match self.shape {
            _ if self.id.starts_with("generic-")
                || self.id.starts_with("assigned-")
                || self.id.starts_with("environment-") =>
            {
                0
            }
            Shape::Near(_) => 1,
            Shape::Token(_) | Shape::Whole(_) => 2,
        }
    }

    const fn bits(mut self, entropy: f32) -> Self {
        self.entropy = entropy;
        self
    }

    const fn if_so(mut self, check: fn(&[u8]) -> bool) -> Self {
        self.check = check;
        self
    }

    const fn followed(mut self, after: fn(&[u8]) -> bool) -> Self {
        self.after = after;
        self
    }

    const fn lines(mut self) -> Self {
        self.lines = true;
        self
    }
}

/// How a secret looks. Patterns are regular expressions over bytes.
#[derive(Debug)]
pub(super) enum Shape {
    /// The value itself, set off from letters, digits, `_` and `-`.
    Token(&'static str),
    /// A value that is assigned to a name in which one of the words stands.
    Near(&'static str),
    /// The whole text; the first group is the value.
    Whole(&'static str),
}

const fn format(
    id: &'static str,
    title: &'static str,
    severity: Severity,
    words: &'static [&'static str],
    shape: Shape,
) -> Format {
    Format { id, title, severity, words, shape, entropy: 0.0, lines: false, after: |_| true, check: |_| true }
}

/// A value whose own prefix is known; random enough, so that `ghp_…` in a manual is none.
const fn token(id: &'static str, title: &'static str, words: &'static [&'static str], pattern: &'static str) -> Format {
    format(id, title, Severity::High, words, Shape::Token(pattern)).bits(3.0)
}

/// A value that only the name which it is assigned to makes known.
const fn near(id: &'static str, title: &'static str, words: &'static [&'static str], pattern: &'static str) -> Format {
    format(id, title, Severity::High, words, Shape::Near(pattern))
        .bits(3.0)
        .if_so(super::judge::mixed)
        .followed(super::gate::assigned)
}

/// All groups.
pub(super) static ALL: &[Group] = &[
    Group { title: "Clouds and hosting", formats: cloud::FORMATS },
    Group { title: "Code, packages, builds", formats: code::FORMATS },
    Group { title: "Data stores, monitoring, models", formats: data::FORMATS },
    Group { title: "Keys and passwords of any origin", formats: keys::FORMATS },
    Group { title: "Mail, chat, payment and other services", formats: services::FORMATS },
];

/// All groups, for documentation.
pub fn groups() -> &'static [Group] {
    ALL
}
