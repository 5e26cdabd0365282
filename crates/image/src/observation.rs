//! What the checks of this crate tell: a rule broken at a place in an image or a folder.

use model::{Rule, Severity};

/// A rule broken at one place.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The rule.
    pub rule: &'static Rule,
    /// How bad this case is.
    pub severity: Severity,
    /// One sentence naming what and where, without a trailing period. Never a secret.
    pub message: Box<str>,
    /// Path of the file, empty when it concerns the whole image.
    pub path: Box<str>,
    /// Line from 1, 0 when it has no meaning.
    pub line: u32,
    /// Column in characters from 1, 0 when it has no meaning.
    pub column: u32,
    /// Machine-readable details.
    pub properties: Vec<(&'static str, Box<str>)>,
}

impl Observation {
    /// A case as bad as its rule usually is, of the whole image.
    pub fn new(rule: &'static Rule, message: impl Into<Box<str>>) -> Self {
        let (path, severity) = ("".into(), rule.severity);
        Observation { rule, severity, message: message.into(), path, line: 0, column: 0, properties: Vec::new() }
    }

    /// The same at a line.
    #[must_use]
    pub fn at(mut self, path: &str, line: u32, column: u32) -> Self {
        (self.path, self.line, self.column) = (path.into(), line, column);
        self
    }

    /// The same with one more detail.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Box<str>>) -> Self {
        self.properties.push((name, value.into()));
        self
    }
}
