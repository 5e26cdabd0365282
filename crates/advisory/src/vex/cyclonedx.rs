//! CycloneDX: analyses of vulnerabilities, of components of the same document or of another one.

use std::collections::HashMap;

use model::purl::Purl;
use serde_json::Value;

use super::{Statement, Status, VexError, list, text};

/// Reads the analyses; `None` when it is not CycloneDX with vulnerabilities. What nobody analysed is no statement.
pub(super) fn read(document: &Value) -> Option<Result<Vec<Statement>, VexError>> {
    let vulnerabilities = document.get("vulnerabilities").and_then(Value::as_array)?;
    if text(document, "bomFormat") != "CycloneDX" {
        return None;
    }
    let (components, metadata) = (components(document), document.get("metadata").unwrap_or(&Value::Null));
    let mut out = Vec::new();
    for (index, one) in vulnerabilities.iter().enumerate() {
        let Some(analysis) = one.get("analysis").filter(|analysis| !text(analysis, "state").is_empty()) else {
            continue;
        };
        let status = match text(analysis, "state") {
            "not_affected" | "false_positive" => Status::NotAffected,
            "resolved" | "resolved_with_pedigree" => Status::Fixed,
            "exploitable" => Status::Affected,
            "in_triage" => Status::UnderInvestigation,
            _ => return Some(Err(VexError::Statement { index, what: "its state is none that CycloneDX has" })),
        };
        let others = list(one, "references").iter().map(|other| text(other, "id"));
        let names: Vec<Box<str>> =
            std::iter::once(text(one, "id")).chain(others).filter(|name| !name.is_empty()).map(Box::from).collect();
        if names.is_empty() {
            return Some(Err(VexError::Statement { index, what: "it names no vulnerability" }));
        }
        let reason = [text(analysis, "justification"), text(analysis, "detail"), text(analysis, "state")];
        let times = [
            text(analysis, "lastUpdated"),
            text(analysis, "firstIssued"),
            text(one, "updated"),
            text(metadata, "timestamp"),
        ];
        let first =
            |texts: &[&str]| Box::<str>::from(texts.iter().find(|text| !text.is_empty()).copied().unwrap_or(""));
        let mut say = |status, justification: &str, products: Vec<Box<str>>| {
            if !products.is_empty() {
                out.push(Statement {
                    vulnerability: names.clone(),
                    products: products.into_iter().map(|product| (product, Vec::new())).collect(),
                    status,
                    justification: justification.into(),
                    timestamp: first(&times),
                    author: author(metadata).into(),
                });
            }
        };
        let (mut judged, mut spared) = (Vec::new(), Vec::new());
        for affects in list(one, "affects") {
            products(affects, &components, &mut judged, &mut spared);
        }
        say(status, &first(&reason), judged);
        say(Status::NotAffected, "the version is listed as unaffected", spared);
    }
    Some(Ok(out))
}

/// Package URLs of components, nested ones too, by their references.
fn components(document: &Value) -> HashMap<&str, &str> {
    let mut found = HashMap::new();
    let mut open: Vec<&Value> = list(document, "components").iter().collect();
    open.extend(document.get("metadata").and_then(|metadata| metadata.get("component")));
    while let Some(component) = open.pop() {
        open.extend(list(component, "components"));
        let purl = text(component, "purl");
        if !purl.is_empty() {
            found.insert(text(component, "bom-ref"), purl);
        }
    }
    found
}

/// The products that one entry of `affects` means. With versions, those for which the analysis holds, and those that it
/// calls unaffected; ranges are passed over, because a statement that is not understood suppresses nothing.
fn products(affects: &Value, components: &HashMap<&str, &str>, judged: &mut Vec<Box<str>>, spared: &mut Vec<Box<str>>) {
    let whole = text(affects, "ref");
    // A link into another document ends with the reference of the component there, by custom its package URL.
    let name = match whole.strip_prefix("urn:cdx:").and_then(|link| link.split_once('#')) {
        Some((_, component)) => decoded(component),
        None => whole.into(),
    };
    let name = components.get(&*name).map_or(&*name, |purl| *purl);
    let versions = list(affects, "versions");
    if versions.is_empty() && !name.is_empty() {
        judged.push(name.into());
    }
    for entry in versions {
        let (version, Ok(mut purl)) = (text(entry, "version"), Purl::parse_lenient(name)) else { continue };
        if version.is_empty() || !purl.version.is_empty() && *purl.version != *version {
            continue;
        }
        purl.version = version.into();
        match text(entry, "status") {
            "" | "affected" => judged.push(purl.to_string().into()),
            "unaffected" => spared.push(purl.to_string().into()),
            _ => {}
        }
    }
}

/// Percent-decoded where all of it is; a package URL that stands as it is stays as it is.
fn decoded(text: &str) -> Box<str> {
    if text.starts_with("pkg:") {
        return text.into();
    }
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match hex.filter(|_| *first == b'%').and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into()
}

fn author(metadata: &Value) -> &str {
    let names = ["manufacturer", "supplier", "manufacture"].iter().filter_map(|key| metadata.get(key));
    let authors = list(metadata, "authors").iter().chain(names).map(|one| text(one, "name"));
    authors.into_iter().find(|name| !name.is_empty()).unwrap_or_default()
}
