//! Any bill of materials in: tells the format by the content.

use serde_json::Value;

use super::bill::{Bill, Format};
use super::{base64, cyclonedx, json, spdx};

/// A document that is no bill of materials that can be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Larger than any bill has a reason to be.
    #[error("{0} bytes are more than the {BYTES_MAX} that a bill of materials may have")]
    Large(usize),
    /// Neither JSON nor XML nor tags and values.
    #[error("the document is neither JSON nor XML nor lines of tags and values")]
    Unknown,
    /// Broken JSON, or a key twice.
    #[error("the document is no JSON that everyone reads alike")]
    Json(#[from] serde_json::Error),
    /// Broken XML, or XML with a document type.
    #[error("the document is no XML that can be read, byte {at}: {message}")]
    Xml {
        /// Byte from 0.
        at: u64,
        /// What is wrong.
        message: Box<str>,
    },
    /// JSON of another kind.
    #[error("the document is well-formed but neither CycloneDX nor SPDX")]
    Foreign,
    /// An attestation that carries something else.
    #[error("the attestation carries `{0}` and no bill of materials")]
    Predicate(Box<str>),
    /// An envelope whose payload is not base64 of a statement.
    #[error("the payload of the envelope is not base64")]
    Envelope,
    /// Envelopes in statements in envelopes.
    #[error("the bill of materials is wrapped more than {WRAPS_MAX} times")]
    Wrapped,
}

/// Reads CycloneDX and SPDX, bare or in an in-toto statement or a DSSE envelope. Signatures are not checked.
///
/// # Errors
/// The document is no bill of materials. What is wrong inside of one stands in [`Bill::damage`].
pub fn read(bytes: &[u8]) -> Result<Bill, Error> {
    if bytes.len() > BYTES_MAX {
        return Err(Error::Large(bytes.len()));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => document(&json::parse(bytes)?, 0),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) if text.lines().take(HEAD_LINES_MAX).any(|line| line.starts_with("SPDXVersion:")) => {
                Ok(spdx::read_tag_value(text))
            }
            Ok(text) if cyclonedx::is_xml(text) => {
                let mut bill = cyclonedx::read(&cyclonedx::read_xml(text)?);
                bill.origin.format = Format::CycloneDxXml;
                Ok(bill)
            }
            _ => Err(Error::Unknown),
        },
    }
}

fn document(value: &Value, wraps: usize) -> Result<Bill, Error> {
    if wraps > WRAPS_MAX {
        return Err(Error::Wrapped);
    }
    if value["bomFormat"] == "CycloneDX" {
        return Ok(cyclonedx::read(value));
    }
    if value["spdxVersion"].is_string() {
        return Ok(spdx::read_two(value));
    }
    if value["@graph"].is_array() && context(value).contains("spdx.org/rdf/3.") {
        return Ok(spdx::read_graph(value));
    }
    if let Some(payload) = value["payload"].as_str() {
        let payload = base64::decode(payload).ok_or(Error::Envelope)?;
        return document(&json::parse(&payload)?, wraps + 1);
    }
    if let Some(kind) = value["predicateType"].as_str() {
        let known = ["cyclonedx.org", "spdx.dev", "spdx.org"].iter().any(|host| kind.contains(host));
        let predicate = &value["predicate"];
        // Older tools wrap the document once more in `Data`, as an object or as its text.
        let inner = if predicate["Data"].is_null() { predicate } else { &predicate["Data"] };
        let mut bill = match inner.as_str() {
            _ if !known => return Err(Error::Predicate(super::shown(kind).into())),
            Some(text) => document(&json::parse(text.as_bytes())?, wraps + 1)?,
            None => document(inner, wraps + 1)?,
        };
        // The statement says of which digest it speaks; the document inside often does not.
        if bill.subject.digest.is_none()
            && let Some(digits) = value["subject"][0]["digest"]["sha256"].as_str()
        {
            bill.subject.digest = format!("sha256:{digits}").parse().ok();
        }
        return Ok(bill);
    }
    Err(Error::Foreign)
}

/// The context of JSON-LD: one address, or the first of a list.
fn context(value: &Value) -> &str {
    let context = &value["@context"];
    context.as_str().or_else(|| context[0].as_str()).unwrap_or_default()
}

impl Bill {
    /// Whether the bill was read from a document rather than made by a scan.
    pub fn is_declared(&self) -> bool {
        self.origin.format != Format::Scan
    }
}

/// A bill of 100,000 packages with evidence has about 150 MB.
const BYTES_MAX: usize = 256 * 1024 * 1024;
/// Comments may stand before the version of SPDX.
const HEAD_LINES_MAX: usize = 50;
/// Envelope, statement, `Data`; one to spare.
const WRAPS_MAX: usize = 4;
