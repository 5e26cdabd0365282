//! SPDX 2.2 and 2.3 in, from the shape of their JSON.

use std::collections::HashMap;

use model::package::{Kind, Source};
use model::{Distro, Package, Purl};
use serde_json::Value;

use super::places;
use crate::sbom::bill::{Bill, Entry, Format, Origin, Subject, SubjectKind};

/// The bill that a document tells of.
pub(in crate::sbom) fn read(document: &Value) -> Bill {
    let creation = &document["creationInfo"];
    let creators = list(&creation["creators"]).filter_map(Value::as_str);
    let mut bill = Bill {
        origin: Origin {
            format: Format::SpdxJson,
            version: text(document, "spdxVersion").trim_start_matches("SPDX-").into(),
            tools: creators.filter_map(|creator| creator.strip_prefix("Tool: ")).map(Into::into).collect(),
            created: text(creation, "created").into(),
            id: text(document, "documentNamespace").into(),
        },
        ..Bill::default()
    };
    let root = described(document);
    let words = extracted(document);
    let mut ids: HashMap<&str, usize> = HashMap::new();
    for package in list(&document["packages"]) {
        let id = text(package, "SPDXID");
        if Some(id) == root {
            bill.subject = subject(package);
        } else if matches!(text(package, "primaryPackagePurpose"), "OPERATING_SYSTEM" | "OPERATING-SYSTEM")
            || id.starts_with("SPDXRef-OperatingSystem-")
        {
            bill.distro = Some(distro(package));
        } else if holds_packages(package) {
            // A lock file, which other tools list as what holds the packages in it.
        } else if text(package, "name").is_empty() {
            bill.damage.push("a package has no name".into());
        } else {
            ids.entry(id).or_insert(bill.entries.len());
            let entry = entry(package, &words, &mut bill.damage);
            bill.entries.push(entry);
        }
    }
    if bill.distro.is_none() {
        bill.distro = bill.entries.iter().find_map(|entry| model::purl::distro(&entry.purl));
    }
    for relationship in list(&document["relationships"]) {
        let (from, to) = (text(relationship, "spdxElementId"), text(relationship, "relatedSpdxElement"));
        let (from, to) = match text(relationship, "relationshipType") {
            "DEPENDS_ON" => (from, to),
            "DEPENDENCY_OF" => (to, from),
            _ => continue,
        };
        if let (Some(from), Some(to)) = (ids.get(from), ids.get(to))
            && let Some(entry) = bill.entries.get_mut(*from)
        {
            entry.needs.push(*to);
        }
    }
    crate::sbom::settle(&mut bill);
    bill
}

fn holds_packages(package: &Value) -> bool {
    text(package, "primaryPackagePurpose") == "APPLICATION"
        && text(package, "versionInfo").is_empty()
        && list(&package["externalRefs"]).next().is_none()
}

/// What the document says that it describes: by a relationship, or by the older list.
fn described(document: &Value) -> Option<&str> {
    let id = text(document, "SPDXID");
    let relations = list(&document["relationships"]).find_map(|relation| {
        match (
            text(relation, "spdxElementId"),
            text(relation, "relationshipType"),
            text(relation, "relatedSpdxElement"),
        ) {
            (from, "DESCRIBES", to) if from == id => Some(to),
            (from, "DESCRIBED_BY", to) if to == id => Some(from),
            _ => None,
        }
    });
    relations.or_else(|| list(&document["documentDescribes"]).find_map(Value::as_str))
}

fn extracted(document: &Value) -> HashMap<&str, &str> {
    let infos = list(&document["hasExtractedLicensingInfos"]);
    infos.map(|info| (text(info, "licenseId"), text(info, "name"))).filter(|(id, _)| !id.is_empty()).collect()
}

fn entry(element: &Value, words: &HashMap<&str, &str>, damage: &mut Vec<Box<str>>) -> Entry {
    let mut purl = None;
    let mut cpes = Vec::new();
    for reference in list(&element["externalRefs"]) {
        let locator = text(reference, "referenceLocator");
        match text(reference, "referenceType").rsplit('/').next().unwrap_or_default() {
            "purl" if purl.is_none() => match Purl::parse_lenient(locator) {
                Ok(parsed) => purl = Some(parsed),
                Err(error) => {
                    let name = crate::sbom::shown(text(element, "name"));
                    damage.push(format!("package {name}: {error}").into());
                }
            },
            "cpe23Type" | "cpe22Type" => cpes.push(locator.into()),
            _ => {}
        }
    }
    let named = || Package::new(Kind::Generic, text(element, "name"), text(element, "versionInfo"));
    let mut package = purl.as_ref().and_then(model::purl::package).unwrap_or_else(named);
    if package.version.is_empty() {
        package.version = text(element, "versionInfo").into();
    }
    package.licenses = licenses(text(element, "licenseDeclared"), words);
    if package.licenses.is_empty() {
        package.licenses = licenses(text(element, "licenseConcluded"), words);
    }
    package.supplier = agent(text(element, "supplier")).into();
    let told = text(element, "sourceInfo");
    package.places = places(told);
    if let (None, Some(words)) = (&package.source, told.strip_prefix("built package from: ")) {
        let (name, version) = words.split_once(' ').unwrap_or((words, ""));
        package.source = Some(Source { name: name.into(), version: version.trim().into() });
    }
    let sums = list(&element["checksums"]);
    Entry {
        id: text(element, "SPDXID").into(),
        purl: purl.unwrap_or_else(|| model::purl::purl(&package, None)),
        package,
        cpes,
        hashes: sums
            .map(|sum| (algorithm(text(sum, "algorithm")), text(sum, "checksumValue").to_ascii_lowercase().into()))
            .collect(),
        needs: Vec::new(),
    }
}

/// `SHA256` as CycloneDX writes it.
pub(super) fn algorithm(name: &str) -> Box<str> {
    let name = name.to_ascii_uppercase();
    match name.strip_prefix("SHA") {
        Some(length) if !length.starts_with(['-', '3']) || length == "384" => format!("SHA-{length}").into(),
        _ => name.into(),
    }
}

/// The parts of an expression that are joined by `AND`, where all are; references become the words that they stand for.
pub(super) fn licenses(expression: &str, words: &HashMap<&str, &str>) -> Vec<Box<str>> {
    if matches!(expression, "" | "NOASSERTION" | "NONE") {
        return Vec::new();
    }
    let mut parts = vec![String::new()];
    let mut depth = 0_usize;
    for token in expression.replace('(', " ( ").replace(')', " ) ").split_whitespace() {
        match token {
            "AND" if depth == 0 => parts.push(String::new()),
            _ => {
                depth = match token {
                    "(" => depth + 1,
                    ")" => depth.saturating_sub(1),
                    _ => depth,
                };
                if let Some(last) = parts.last_mut() {
                    if !last.is_empty() && !last.ends_with('(') && token != ")" {
                        last.push(' ');
                    }
                    last.push_str(token);
                }
            }
        }
    }
    // `A OR B AND C` binds the other way: such an expression stays whole.
    if parts.len() > 1 && parts.iter().any(|part| part.contains(" OR ") && !part.starts_with('(')) {
        return vec![expression.into()];
    }
    let bare = |part: &str| {
        part.strip_prefix('(')
            .and_then(|part| part.strip_suffix(')'))
            .filter(|part| !part.contains('('))
            .unwrap_or(part)
            .to_owned()
    };
    parts
        .iter()
        .map(|part| bare(part))
        .map(|part| words.get(&*part).filter(|words| !words.is_empty()).map_or(part.into(), |words| (*words).into()))
        .collect()
}

fn distro(element: &Value) -> Distro {
    let cpe = list(&element["externalRefs"])
        .map(|reference| text(reference, "referenceLocator"))
        .find(|cpe| cpe.starts_with("cpe:"));
    Distro {
        id: text(element, "name").to_lowercase().into(),
        version: text(element, "versionInfo").into(),
        pretty_name: text(element, "description").into(),
        cpe: cpe.unwrap_or_default().into(),
        ..Distro::default()
    }
}

fn subject(element: &Value) -> Subject {
    let purl = list(&element["externalRefs"])
        .find_map(|reference| Purl::parse_lenient(text(reference, "referenceLocator")).ok());
    let kind = match text(element, "primaryPackagePurpose") {
        "CONTAINER" => SubjectKind::Image,
        "SOURCE" | "FILE" => SubjectKind::Folder,
        _ => SubjectKind::Other,
    };
    super::subject(kind, text(element, "name"), text(element, "versionInfo"), purl.as_ref())
}

/// The name of `Organization: name (mail)`.
fn agent(text: &str) -> &str {
    let name = text.strip_prefix("Organization: ").or_else(|| text.strip_prefix("Person: ")).unwrap_or("");
    name.trim_end_matches("()").trim()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
