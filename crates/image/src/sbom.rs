//! Bills of materials: CycloneDX and SPDX, out and in.

mod base64;
mod bill;
mod json;

pub mod cyclonedx;

pub use bill::{Bill, Entry, Format, Origin, Subject, SubjectKind};

/// Reads JSON and refuses what two readers could read differently: a key that stands twice in an object, nesting deeper
/// than 128.
///
/// # Errors
/// What is wrong, with line and column.
pub fn parse_json(bytes: &[u8]) -> Result<serde_json::Value, serde_json::Error> {
    json::parse(bytes)
}
