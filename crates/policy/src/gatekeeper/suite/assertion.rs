//! What a case expects.

use regex::Regex;

/// What must hold for the violations of a case.
#[derive(Clone, Debug)]
pub struct Assertion {
    /// How many of those that match.
    pub violations: Violations,
    /// Regular expression for messages; without one all match.
    pub message: Option<Regex>,
}

/// How many violations are expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violations {
    /// At least one.
    Yes,
    /// None.
    No,
    /// Exactly so many.
    Exactly(u32),
}

impl Violations {
    /// Whether there must be one.
    pub fn wants_some(self) -> bool {
        !matches!(self, Violations::No | Violations::Exactly(0))
    }
}

impl Assertion {
    /// Checks the messages of all violations; an error says what was expected.
    pub fn check(&self, messages: &[String]) -> Result<(), String> {
        let fits = |message: &&String| self.message.as_ref().is_none_or(|regex| regex.is_match(message));
        let count = messages.iter().filter(fits).count();
        let wanted = match self.violations {
            Violations::Yes if count == 0 => "at least 1".to_owned(),
            Violations::No if count > 0 => "none".to_owned(),
            Violations::Exactly(wanted) if wanted as usize != count => format!("exactly {wanted}"),
            _ => return Ok(()),
        };
        let containing =
            self.message.as_ref().map(|regex| format!(" containing \"{}\"", regex.as_str())).unwrap_or_default();
        Err(format!("got {count} violations{containing} but want {wanted}: got messages {messages:?}"))
    }
}
