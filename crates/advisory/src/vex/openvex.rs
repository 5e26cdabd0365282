//! OpenVEX.

use serde_json::Value;

use super::{Statement, Status, VexError, list, text};

/// Reads the statements; `None` when it is not OpenVEX.
pub(super) fn read(document: &Value) -> Option<Result<Vec<Statement>, VexError>> {
    let statements = document.get("statements").and_then(Value::as_array)?;
    if !text(document, "@context").starts_with("https://openvex.dev/ns") {
        return None;
    }
    Some(statements.iter().enumerate().map(|(index, one)| statement(index, one, document)).collect())
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
    let products = list(one, "products")
        .iter()
        .filter_map(|product| Some((name(product)?, list(product, "subcomponents").iter().filter_map(name).collect())))
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
