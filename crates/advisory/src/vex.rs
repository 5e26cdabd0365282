//! Statements whether a vulnerability matters in a product: OpenVEX, CSAF and CycloneDX read and applied, drafts written.

mod csaf;
mod cyclonedx;
mod draft;
mod openvex;

use std::collections::{HashMap, HashSet};

use model::purl::Purl;
use serde_json::Value;

use crate::matching::Vulnerability;

pub use draft::{cyclonedx as draft_cyclonedx, open_vex as draft};

/// A document that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VexError {
    /// Longer than the limit.
    #[error("a VEX document of {0} bytes is over the limit of {DOCUMENT_BYTES_MAX}")]
    Long(usize),
    /// Not JSON.
    #[error("the VEX document is not JSON")]
    Json(#[source] serde_json::Error),
    /// None of the formats.
    #[error("the document is neither OpenVEX nor CSAF nor CycloneDX with vulnerabilities")]
    Format,
    /// A statement lacks what it must have.
    #[error("statement {index} of the VEX document: {what}")]
    Statement {
        /// Its number from 0.
        index: usize,
        /// What is wrong.
        what: &'static str,
    },
}

/// What a statement says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Not affected.
    NotAffected,
    /// Affected.
    Affected,
    /// Fixed.
    Fixed,
    /// Nobody knows yet.
    UnderInvestigation,
}

/// Package URLs, or other names, of products with their subcomponents.
pub type Products = Vec<(Box<str>, Vec<Box<str>>)>;

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Names of the vulnerability.
    pub vulnerability: Vec<Box<str>>,
    /// What it is about; a product without subcomponents stands for itself.
    pub products: Products,
    /// What it says.
    pub status: Status,
    /// Why it is not affected: the justification, else the impact statement.
    pub justification: Box<str>,
    /// When, RFC 3339 as written.
    pub timestamp: Box<str>,
    /// Who.
    pub author: Box<str>,
}

/// Reads a document in OpenVEX, CSAF 2 or CycloneDX, told apart by the content. A statement about products that have no
/// package URL keeps their names; it counts only for a whole of that name.
///
/// # Errors
/// The document is none of them, or a statement in it lacks what its format demands: nothing of it counts then.
pub fn read(document: &[u8]) -> Result<Vec<Statement>, VexError> {
    if document.len() > DOCUMENT_BYTES_MAX {
        return Err(VexError::Long(document.len()));
    }
    let document: Value = serde_json::from_slice(document).map_err(VexError::Json)?;
    openvex::read(&document)
        .or_else(|| csaf::read(&document))
        .or_else(|| cyclonedx::read(&document))
        .unwrap_or(Err(VexError::Format))
}

/// The statement that counts for each vulnerability: of those that name it and its product, the latest. `purl` gives the
/// package URL of a package by its index, `product` is the name of the whole, such as the package URL of the image.
pub fn applied<'s>(
    vulnerabilities: &[Vulnerability],
    statements: &'s [Statement],
    product: Option<&str>,
    purl: impl Fn(usize) -> String,
) -> Vec<Option<&'s Statement>> {
    let mut by_name: HashMap<&str, Vec<(&Statement, Vec<Product<'_>>)>> = HashMap::new();
    let wanted: HashSet<&str> = vulnerabilities
        .iter()
        .flat_map(|one| std::iter::once(&one.id).chain(&one.aliases))
        .map(|name| &**name)
        .collect();
    for statement in statements {
        let names: HashSet<&str> = statement.vulnerability.iter().map(|name| &**name).collect();
        for name in names.intersection(&wanted) {
            by_name.entry(name).or_default().push((statement, products(statement)));
        }
    }
    let product = product.map(Name::new);
    let judge = |vulnerability: &Vulnerability| {
        let purl = purl(vulnerability.package);
        let purl = Name::new(&purl);
        let names = std::iter::once(&vulnerability.id).chain(&vulnerability.aliases);
        names
            .filter_map(|name| by_name.get(&**name))
            .flatten()
            .filter(|(_, products)| speaks_of(products, product.as_ref(), &purl))
            .map(|(statement, _)| *statement)
            // Instants are compared, not their spellings; of two at one time the one that does not play down counts.
            .max_by_key(|statement| {
                let alarming = !matches!(statement.status, Status::NotAffected | Status::Fixed);
                (instant(&statement.timestamp), alarming)
            })
    };
    vulnerabilities.iter().map(judge).collect()
}

/// A name of a product, read once.
struct Name<'a> {
    text: &'a str,
    purl: Option<Purl>,
}

/// A product with its subcomponents.
type Product<'a> = (Name<'a>, Vec<Name<'a>>);

fn products(statement: &Statement) -> Vec<Product<'_>> {
    statement
        .products
        .iter()
        .map(|(product, parts)| (Name::new(product), parts.iter().map(|part| Name::new(part)).collect()))
        .collect()
}

impl<'a> Name<'a> {
    fn new(text: &'a str) -> Self {
        Name { text, purl: Purl::parse_lenient(text).ok() }
    }

    /// Whether it covers another: what a package URL leaves out (version, qualifiers, path) may be anything, what it has
    /// must be the same. Other names must be the same as a whole.
    fn covers(&self, other: &Name<'_>) -> bool {
        let (Some(wanted), Some(given)) = (&self.purl, &other.purl) else { return self.text == other.text };
        (&wanted.kind, &wanted.namespace, &wanted.name) == (&given.kind, &given.namespace, &given.name)
            && (wanted.version.is_empty() || wanted.version == given.version)
            && (wanted.subpath.is_empty() || wanted.subpath == given.subpath)
            && wanted.qualifiers.iter().all(|(key, value)| given.qualifiers.get(key) == Some(value))
    }
}

fn speaks_of(products: &[Product<'_>], whole: Option<&Name<'_>>, package: &Name<'_>) -> bool {
    products.iter().any(|(product, parts)| {
        let of_whole = whole.is_some_and(|whole| product.covers(whole));
        if parts.is_empty() {
            return of_whole || product.covers(package);
        }
        of_whole && parts.iter().any(|part| part.covers(package))
    })
}

/// A time to the nanosecond. A text that is no time comes before every other.
fn instant(text: &str) -> Option<(i64, u32)> {
    let seconds = model::exception::parse_date(text)?;
    let fraction = text.get(19..).and_then(|rest| rest.strip_prefix('.')).unwrap_or_default();
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).chain(std::iter::repeat(b'0')).take(9);
    Some((seconds, digits.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The largest published documents hold some ten thousand statements of about a kilobyte.
const DOCUMENT_BYTES_MAX: usize = 64 << 20;

#[cfg(test)]
mod tests;
