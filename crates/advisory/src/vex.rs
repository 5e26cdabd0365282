//! Statements whether a vulnerability matters in a product: OpenVEX read, applied and drafted.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::matching::Vulnerability;

/// A document that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VexError {
    /// Longer than the limit.
    #[error("a VEX document of {0} bytes is over the limit of {DOCUMENT_BYTES_MAX}")]
    Long(usize),
    /// Not JSON.
    #[error("the VEX document is not JSON")]
    Json(#[source] serde_json::Error),
    /// Not OpenVEX.
    #[error("the document is not OpenVEX: it has no '@context' of it or no 'statements'")]
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

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Names of the vulnerability.
    pub vulnerability: Vec<Box<str>>,
    /// Package URLs, or other names, of the products with their subcomponents; a product without any stands for itself.
    pub products: Vec<(Box<str>, Vec<Box<str>>)>,
    /// What it says.
    pub status: Status,
    /// Why it is not affected: the justification, else the impact statement.
    pub justification: Box<str>,
    /// When, RFC 3339 as written.
    pub timestamp: Box<str>,
    /// Who.
    pub author: Box<str>,
}

/// Reads an OpenVEX document.
pub fn open_vex(document: &[u8]) -> Result<Vec<Statement>, VexError> {
    if document.len() > DOCUMENT_BYTES_MAX {
        return Err(VexError::Long(document.len()));
    }
    let document: Value = serde_json::from_slice(document).map_err(VexError::Json)?;
    let context = text(&document, "@context");
    let statements = document.get("statements").and_then(Value::as_array);
    let Some(statements) = statements.filter(|_| context.starts_with("https://openvex.dev/ns")) else {
        return Err(VexError::Format);
    };
    statements.iter().enumerate().map(|(index, one)| statement(index, one, &document)).collect()
}

/// The statement that counts for each vulnerability: of those that name it and its product, the latest. `purl` gives the
/// package URL of a package by its index, `product` is the name of the whole, such as the package URL of the image.
pub fn applied<'s>(
    vulnerabilities: &[Vulnerability],
    statements: &'s [Statement],
    product: Option<&str>,
    purl: impl Fn(usize) -> String,
) -> Vec<Option<&'s Statement>> {
    let mut by_name: HashMap<&str, Vec<&Statement>> = HashMap::new();
    for statement in statements {
        for name in &statement.vulnerability {
            by_name.entry(name).or_default().push(statement);
        }
    }
    let judge = |vulnerability: &Vulnerability| {
        let purl = purl(vulnerability.package);
        let names = std::iter::once(&vulnerability.id).chain(&vulnerability.aliases);
        names
            .filter_map(|name| by_name.get(&**name))
            .flatten()
            .filter(|statement| speaks_of(statement, product, &purl))
            .copied()
            // Instants are compared, not their spellings; of two at one time the one that does not play down counts.
            .max_by_key(|statement| {
                let alarming = !matches!(statement.status, Status::NotAffected | Status::Fixed);
                (model::exception::parse_date(&statement.timestamp), alarming)
            })
    };
    vulnerabilities.iter().map(judge).collect()
}

/// A draft in OpenVEX in which every vulnerability is under investigation, the same for the same input.
pub fn draft(
    vulnerabilities: &[Vulnerability],
    author: &str,
    timestamp: &str,
    purl: impl Fn(usize) -> String,
) -> String {
    let statements: Vec<Value> = vulnerabilities
        .iter()
        .map(|one| {
            json!({
                "vulnerability": { "name": one.id, "aliases": one.aliases },
                "products": [{ "@id": purl(one.package) }],
                "status": "under_investigation",
            })
        })
        .collect();
    let document = json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": format!("urn:kobuk:vex:{timestamp}"),
        "author": author,
        "timestamp": timestamp,
        "version": 1,
        "statements": statements,
    });
    format!("{document:#}")
}

fn statement(index: usize, one: &Value, document: &Value) -> Result<Statement, VexError> {
    let wrong = |what| VexError::Statement { index, what };
    let vulnerability = one.get("vulnerability").ok_or(wrong("it names no vulnerability"))?;
    let mut names: Vec<Box<str>> = vulnerability.as_str().map(Into::into).into_iter().collect();
    names.extend(Some(text(vulnerability, "name")).filter(|name| !name.is_empty()).map(Into::into));
    let aliases = vulnerability.get("aliases").and_then(Value::as_array).into_iter().flatten();
    names.extend(aliases.filter_map(Value::as_str).map(Into::into));
    if names.is_empty() {
        return Err(wrong("it names no vulnerability"));
    }
    let status = match text(one, "status") {
        "not_affected" => Status::NotAffected,
        "affected" => Status::Affected,
        "fixed" => Status::Fixed,
        "under_investigation" => Status::UnderInvestigation,
        _ => return Err(wrong("its status is none of the four")),
    };
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let products = list(one, "products");
    let products = products
        .iter()
        .filter_map(|product| {
            let parts = list(product, "subcomponents");
            Some((name(product)?, parts.iter().filter_map(name).collect()))
        })
        .collect();
    let justification = match (text(one, "justification"), text(one, "impact_statement")) {
        ("", "") if status == Status::NotAffected => return Err(wrong("it does not say why it is not affected")),
        ("", impact) => impact,
        (justification, _) => justification,
    };
    let timestamp = [text(one, "last_updated"), text(one, "timestamp"), text(document, "timestamp")];
    Ok(Statement {
        vulnerability: names,
        products,
        status,
        justification: justification.into(),
        timestamp: timestamp.into_iter().find(|time| !time.is_empty()).unwrap_or_default().into(),
        author: text(document, "author").into(),
    })
}

/// The package URL of a product, else its name.
fn name(product: &Value) -> Option<Box<str>> {
    let purl = product.get("identifiers").map(|names| text(names, "purl")).filter(|purl| !purl.is_empty());
    let name = purl.or_else(|| product.as_str()).unwrap_or_else(|| text(product, "@id"));
    (!name.is_empty()).then(|| name.into())
}

fn speaks_of(statement: &Statement, whole: Option<&str>, purl: &str) -> bool {
    statement.products.iter().any(|(product, parts)| {
        let same = |name: &str| covers(name, purl);
        if parts.is_empty() {
            return same(product) || whole.is_some_and(|whole| covers(product, whole));
        }
        whole.is_some_and(|whole| covers(product, whole)) && parts.iter().any(|part| same(part))
    })
}

/// Whether a name in a statement covers a package URL: what it leaves out (version, qualifiers) may be anything.
fn covers(name: &str, purl: &str) -> bool {
    let split = |text| -> (String, String) {
        let (base, qualifiers) = str::split_once(text, '?').unwrap_or((text, ""));
        (base.to_owned(), qualifiers.to_owned())
    };
    let ((base, wanted), (actual, given)) = (split(name), split(purl));
    // A version follows the last `@` behind the last slash; a scope of npm is written `%40`.
    let unversioned = actual.rsplit_once('@').map_or(&*actual, |(base, _)| base);
    let given: Vec<_> = given.split('&').collect();
    (base == actual || base == unversioned) && wanted.split('&').all(|one| one.is_empty() || given.contains(&one))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The largest published documents hold some ten thousand statements of about a kilobyte.
const DOCUMENT_BYTES_MAX: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cover_what_they_leave_out() {
        for (name, purl, expected) in [
            ("pkg:deb/debian/a", "pkg:deb/debian/a@1?arch=amd64", true),
            ("pkg:deb/debian/a@1", "pkg:deb/debian/a@1?arch=amd64", true),
            ("pkg:deb/debian/a@2", "pkg:deb/debian/a@1", false),
            ("pkg:deb/debian/a?arch=arm64", "pkg:deb/debian/a@1?arch=amd64", false),
            ("pkg:deb/debian/ab", "pkg:deb/debian/a@1", false),
        ] {
            assert_eq!(covers(name, purl), expected, "{name} {purl}");
        }
    }

    #[test]
    fn documents_without_what_they_must_have_are_refused() {
        let head = r#"{"@context":"https://openvex.dev/ns/v0.2.0","statements":"#;
        for text in [
            "",
            "{}",
            "[]",
            &format!("{head}[{{}}]}}"),
            &format!(r#"{head}[{{"vulnerability":{{"name":"CVE-1"}},"status":"good"}}]}}"#),
            &format!(r#"{head}[{{"vulnerability":{{"name":"CVE-1"}},"status":"not_affected"}}]}}"#),
            &"[".repeat(100_000),
        ] {
            assert!(open_vex(text.as_bytes()).is_err(), "{}", &text[..text.len().min(80)]);
        }
        let sound = format!(
            r#"{head}[{{"vulnerability":{{"name":"CVE-1"}},"status":"fixed","products":[{{"@id":"pkg:a/b"}}]}}]}}"#
        );
        assert_eq!(open_vex(sound.as_bytes()).map(|found| found.len()).ok(), Some(1));
    }
}
