//! A finding: a rule broken by one subject at one place.

use std::sync::Arc;

use crate::{Rule, Severity};

/// Index of a file in [`crate::Report::files`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileId(pub u32);

/// A place in a source file. Lines and columns count from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Location {
    /// The file.
    pub file: FileId,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// First byte of the marked span in the decoded text.
    pub start: u32,
    /// First byte after the marked span.
    pub end: u32,
}

/// The object that a finding is about. Empty strings where the object has no such field.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Subject {
    /// `apiVersion` as written.
    pub api_version: Box<str>,
    /// `kind` as written.
    pub kind: Box<str>,
    /// `metadata.namespace`, empty when not given.
    pub namespace: Box<str>,
    /// `metadata.name`, or `metadata.generateName` followed by `*`.
    pub name: Box<str>,
}

impl Subject {
    /// `kind/name` with the namespace in front where there is one.
    pub fn display(&self) -> String {
        let name: &str = if self.name.is_empty() { "(no name)" } else { &self.name };
        match (self.kind.is_empty(), self.namespace.is_empty()) {
            (true, _) => String::from("(file)"),
            (false, true) => format!("{}/{}", self.kind, name),
            (false, false) => format!("{}/{} in {}", self.kind, name, self.namespace),
        }
    }
}

/// Names and values of the machine-readable details of a finding. Boxed behind one pointer, because most
/// of a report's memory is findings.
pub type Properties = Vec<(&'static str, Box<str>)>;

/// A rule broken by one subject at one place.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that is broken.
    pub rule: &'static Rule,
    /// Severity of this case.
    pub severity: Severity,
    /// One sentence naming the field and the value, without a trailing period. Never a secret.
    pub message: Box<str>,
    /// The object.
    pub subject: Arc<Subject>,
    /// Where the offending field stands.
    pub location: Location,
    /// Machine-readable details: `field` (a path), `check`, `container`, and so on.
    pub properties: Option<Box<Properties>>,
}

impl Finding {
    /// The value of one property.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.as_ref()?.iter().find(|(key, _)| *key == name).map(|(_, value)| &**value)
    }

    /// Whether the finding serves the given control.
    pub fn serves(&self, control: &str) -> bool {
        self.rule.serves.iter().any(|serves| serves.control == control)
    }

    /// A stable identity that survives moved lines: code, subject, field and message.
    pub fn fingerprint(&self) -> String {
        let mut hash = Words::new();
        for part in [
            self.rule.code,
            &self.subject.kind,
            &self.subject.namespace,
            &self.subject.name,
            self.property("field").unwrap_or(""),
            &self.message,
        ] {
            hash.write(part);
        }
        let digits = hash.0.to_be_bytes().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.map(|digit| char::from(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 })).collect()
    }
}

/// A 128-bit hash of words in the manner of FNV-1a: an identity, not a defence against collisions made
/// on purpose.
struct Words(u128);

impl Words {
    fn new() -> Self {
        Words(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    /// Takes in one part; its length keeps it apart from the next.
    fn write(&mut self, part: &str) {
        let (words, rest) = part.as_bytes().as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let rest = rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        self.mix(rest ^ (part.len() as u64) << 56);
    }

    fn mix(&mut self, word: u64) {
        self.0 = (self.0 ^ u128::from(word)).wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645);
        // A multiplication carries upwards only.
        self.0 ^= self.0 >> 64;
    }
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn hashes_differ_for_parts_that_look_alike() {
        let texts = ["", "\0", "\0\0", "a", "ab", "abcdefg", "abcdefgh", "abcdefgh\0", "abcdefghi", "abcdefgi"];
        let mut hashes = std::collections::HashSet::new();
        for first in texts {
            for second in texts {
                let mut hash = Words::new();
                hash.write(first);
                hash.write(second);
                assert!(hashes.insert(hash.0), "{first:?} {second:?}");
            }
        }
    }
}
