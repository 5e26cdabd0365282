//! What is wrong with a policy document.

use std::fmt;
use std::sync::Arc;

use model::Location;

/// Something wrong with a policy or a binding. The words of `message` are those of the API server where it
/// has any: `Invalid value: "…": compilation failed: …`.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadIssue {
    /// How bad it is, and whether the object was left out because of it.
    pub level: Level,
    /// Kind and name of the object, for example `ValidatingAdmissionPolicy demo`.
    pub object: Arc<str>,
    /// Path of the field, for example `spec.validations[0].expression`.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it, where the message does not say so.
    pub hint: Option<&'static str>,
    /// Where the field stands, or the place where it is missing.
    pub location: Location,
}

/// How bad an issue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth a look. The object is used.
    Warning,
    /// The API server takes the object, but part of it has no effect, so it cannot be meant. The object is used.
    Error,
    /// The API server would refuse the object. It is not used.
    Refused,
}

/// As `kubectl` prints an invalid object, without its place.
impl fmt::Display for LoadIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.object)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}
