//! Bills of materials: CycloneDX and SPDX, out and in.

mod base64;
mod bill;
mod diff;
mod identity;
mod json;
mod license;
mod read;

pub mod cyclonedx;
pub mod spdx;

pub use bill::{Bill, Entry, Format, Origin, Subject, SubjectKind};
pub use diff::{Change, Difference, compare, diff};
pub use read::{Error, read};

/// What a writer is told besides the bill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options<'a> {
    /// Version of this tool; empty to leave it out.
    pub tool_version: &'a str,
    /// When, in whole seconds of UTC as SPDX demands: `2024-02-29T12:00:00Z`. Not given it is left out where the format
    /// allows, and the year 1970 where it does not.
    pub timestamp: Option<&'a str>,
    /// UUID of the document; one that follows from its content otherwise.
    pub serial: Option<&'a str>,
}

/// Reads JSON and refuses what two readers could read differently: a key that stands twice in an object, nesting deeper
/// than 128.
///
/// # Errors
/// What is wrong, with line and column.
pub fn parse_json(bytes: &[u8]) -> Result<serde_json::Value, serde_json::Error> {
    json::parse(bytes)
}

/// JSON with two blanks per level, ending with a line feed.
fn pretty(value: &impl serde::Serialize) -> String {
    // The room of a bill of thousands of packages, which would otherwise be copied each time that it grows.
    let mut bytes = Vec::with_capacity(PRETTY_BYTES);
    // Neither maps with keys that are no text nor failing writers are ever given here.
    let _ = serde_json::to_writer_pretty(&mut bytes, value);
    bytes.push(b'\n');
    String::from_utf8(bytes).unwrap_or_default()
}

/// Untouched pages cost nothing.
const PRETTY_BYTES: usize = 8 << 20;

/// Brings the needs of all entries into order.
fn settle(bill: &mut Bill) {
    for entry in &mut bill.entries {
        entry.needs.sort_unstable();
        entry.needs.dedup();
    }
}

/// Text of a stranger for a message: short, in backticks, no control characters.
fn shown(text: &str) -> String {
    let plain: String = text.chars().take(SHOWN_MAX).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    format!("`{plain}`")
}

/// About a line.
const SHOWN_MAX: usize = 100;
