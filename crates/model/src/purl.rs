//! Package URLs: one name for a package across all package managers, as ECMA-427 and the registered types define it.

mod package;
mod text;
mod types;

use std::collections::BTreeMap;

pub use package::{distro, package, purl};

/// A package URL in its canonical form; `Display` writes it, percent-encoded.
///
/// All parts are decoded. Whatever made it has put it into the form that its type demands: lower case where case has no
/// meaning, no empty segments, no empty qualifiers.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Purl {
    /// The type, lower case: `deb`, `npm`.
    pub kind: Box<str>,
    /// Segments joined with `/`; empty where there is none.
    pub namespace: Box<str>,
    /// The name.
    pub name: Box<str>,
    /// The version; empty where there is none.
    pub version: Box<str>,
    /// Keys and values, none of them empty.
    pub qualifiers: BTreeMap<Box<str>, Box<str>>,
    /// Path inside the package, segments joined with `/`; empty where there is none.
    pub subpath: Box<str>,
}

/// The parts of a package URL before anything has been checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts<'a> {
    /// The type.
    pub kind: &'a str,
    /// Segments joined with `/`.
    pub namespace: &'a str,
    /// The name.
    pub name: &'a str,
    /// The version.
    pub version: &'a str,
    /// Keys and values in any order.
    pub qualifiers: &'a [(&'a str, &'a str)],
    /// Segments joined with `/`.
    pub subpath: &'a str,
}

/// How much of the standard is demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rigour {
    /// All of it.
    Strict,
    /// Only what the parts cannot be told without; the rest is put right or left as it is.
    Lenient,
}

/// A text that is no package URL, or parts that do not make one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PurlError {
    /// Longer than any package URL has a reason to be.
    #[error("a package URL of {0} bytes is longer than {BYTES_MAX}")]
    Long(usize),
    /// It does not begin with `pkg:`.
    #[error("`{0}` does not begin with `pkg:`")]
    Scheme(Box<str>),
    /// A type with other characters than letters, digits, `.` and `-`, or that does not begin with a letter.
    #[error("`{0}` is no type of package URLs")]
    Type(Box<str>),
    /// No name.
    #[error("the package URL has no name")]
    Name,
    /// `%` without two hexadecimal digits, or bytes that are not UTF-8.
    #[error("`{0}` is not percent-encoded UTF-8")]
    Encoding(Box<str>),
    /// A segment of namespace or subpath with a slash in it.
    #[error("segment `{0}` contains a slash")]
    Segment(Box<str>),
    /// A qualifier without `=`, or whose key has other characters than `a-z`, `0-9`, `.`, `-`, `_`.
    #[error("`{0}` is no key of a qualifier")]
    Key(Box<str>),
    /// The same key twice.
    #[error("qualifier `{0}` is given twice")]
    Twice(Box<str>),
    /// The type demands a part.
    #[error("package URLs of type `{kind}` need a {part}")]
    Missing {
        /// The type.
        kind: Box<str>,
        /// The part: `namespace`, or the key of a qualifier.
        part: &'static str,
    },
    /// The type forbids the namespace.
    #[error("package URLs of type `{0}` have no namespace")]
    Namespace(Box<str>),
    /// The type allows other characters only.
    #[error("`{value}` is no {part} of package URLs of type `{kind}`")]
    Characters {
        /// The type.
        kind: Box<str>,
        /// The part.
        part: &'static str,
        /// What stands there.
        value: Box<str>,
    },
}

impl Purl {
    /// Reads a package URL and demands all that the standard and its type demand.
    pub fn parse(text: &str) -> Result<Self, PurlError> {
        text::parse(text, Rigour::Strict)
    }

    /// Reads a package URL as it stands in documents of others: keys of qualifiers in capitals are put right, parts that
    /// the type demands may be missing, what cannot be decoded stays as it is.
    pub fn parse_lenient(text: &str) -> Result<Self, PurlError> {
        text::parse(text, Rigour::Lenient)
    }

    /// Makes a package URL of its parts and demands all that the standard and its type demand.
    pub fn build(parts: Parts<'_>) -> Result<Self, PurlError> {
        text::build(parts, Rigour::Strict)
    }

    /// The value of a qualifier.
    pub fn qualifier(&self, key: &str) -> Option<&str> {
        self.qualifiers.get(key).map(|value| &**value)
    }

    /// The same without version, qualifiers and subpath: what all versions of one package share.
    pub fn unversioned(&self) -> Purl {
        Purl { kind: self.kind.clone(), namespace: self.namespace.clone(), name: self.name.clone(), ..Purl::default() }
    }
}

/// Paths of Go modules and addresses in qualifiers reach some hundred bytes; eight kibibytes are what servers accept as
/// the address of anything.
const BYTES_MAX: usize = 8 * 1024;
