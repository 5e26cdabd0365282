//! SPDX 3.0 in.

use std::collections::HashMap;

use model::package::Kind;
use model::{Distro, Package, Purl};
use serde_json::Value;

use super::{places, read_two};
use crate::sbom::bill::{Bill, Entry, Format, Origin, Subject, SubjectKind};

/// The bill that a graph tells of.
pub(in crate::sbom) fn read(document: &Value) -> Bill {
    let elements: Vec<&Value> = list(&document["@graph"]).collect();
    let by_id: HashMap<&str, &Value> =
        elements.iter().map(|element| (id(element), *element)).filter(|(id, _)| !id.is_empty()).collect();
    let of_type =
        |kind: &str| elements.iter().copied().filter(move |element| text(element, "type") == kind).collect::<Vec<_>>();
    let mut bill = Bill { origin: origin(&elements, &by_id), ..Bill::default() };
    let roots = of_type("software_Sbom").into_iter().chain(of_type("SpdxDocument"));
    let root = roots
        .flat_map(|element| list(&element["rootElement"]))
        .filter_map(Value::as_str)
        .find(|root| by_id.get(*root).is_some_and(|element| text(element, "type") == "software_Package"));
    let mut ids: HashMap<&str, usize> = HashMap::new();
    for element in of_type("software_Package") {
        let purpose = text(element, "software_primaryPurpose");
        if Some(id(element)) == root {
            bill.subject = subject(element);
        } else if purpose == "operatingSystem" {
            bill.distro = Some(distro(element));
        } else if text(element, "name").is_empty() {
            bill.damage.push("a package has no name".into());
        } else {
            ids.entry(id(element)).or_insert(bill.entries.len());
            let entry = entry(element, &by_id, &mut bill.damage);
            bill.entries.push(entry);
        }
    }
    if bill.distro.is_none() {
        bill.distro = bill.entries.iter().find_map(|entry| model::purl::distro(&entry.purl));
    }
    for kind in ["Relationship", "LifecycleScopedRelationship"] {
        for relation in of_type(kind) {
            relate(relation, &by_id, &ids, &mut bill);
        }
    }
    crate::sbom::settle(&mut bill);
    bill
}

fn origin(elements: &[&Value], by_id: &HashMap<&str, &Value>) -> Origin {
    let info = elements.iter().find(|element| text(element, "type") == "CreationInfo");
    let document = elements.iter().find(|element| text(element, "type") == "SpdxDocument");
    let makers = info.into_iter().flat_map(|info| list(&info["createdUsing"]).chain(list(&info["createdBy"])));
    let tools = makers
        .filter_map(Value::as_str)
        .filter_map(|id| by_id.get(id))
        .filter(|element| matches!(text(element, "type"), "Tool" | "SoftwareAgent"));
    Origin {
        format: Format::SpdxJsonLd,
        version: info.map_or("", |info| text(info, "specVersion")).into(),
        tools: tools.map(|tool| text(tool, "name").into()).collect(),
        created: info.map_or("", |info| text(info, "created")).into(),
        id: document.map_or("", |document| id(document)).into(),
    }
}

fn relate(relation: &Value, by_id: &HashMap<&str, &Value>, ids: &HashMap<&str, usize>, bill: &mut Bill) {
    let Some(entry) = ids.get(text(relation, "from")).and_then(|index| bill.entries.get_mut(*index)) else { return };
    let targets = list(&relation["to"]).filter_map(Value::as_str);
    match text(relation, "relationshipType") {
        "dependsOn" => entry.needs.extend(targets.filter_map(|target| ids.get(target))),
        "hasDeclaredLicense" => {
            for license in targets.filter_map(|target| by_id.get(target)) {
                let words: HashMap<&str, &str> = list(&license["simplelicensing_customIdToUri"])
                    .filter_map(|custom| {
                        let words = by_id.get(text(custom, "value"))?;
                        Some((text(custom, "key"), text(words, "simplelicensing_licenseText")))
                    })
                    .collect();
                entry
                    .package
                    .licenses
                    .extend(read_two::licenses(text(license, "simplelicensing_licenseExpression"), &words));
            }
        }
        _ => {}
    }
}

fn entry(element: &Value, by_id: &HashMap<&str, &Value>, damage: &mut Vec<Box<str>>) -> Entry {
    let names = || list(&element["externalIdentifier"]);
    let of_kind = |kind: &'static str| {
        names().filter(move |name| text(name, "externalIdentifierType") == kind).map(|name| text(name, "identifier"))
    };
    let declared = Some(text(element, "software_packageUrl"))
        .filter(|purl| !purl.is_empty())
        .or_else(|| of_kind("packageUrl").next());
    let purl = declared.and_then(|declared| match Purl::parse_lenient(declared) {
        Ok(purl) => Some(purl),
        Err(error) => {
            damage.push(format!("package {}: {error}", crate::sbom::shown(text(element, "name"))).into());
            None
        }
    });
    let version = text(element, "software_packageVersion");
    let named = || Package::new(Kind::Generic, text(element, "name"), version);
    let mut package = purl.as_ref().and_then(model::purl::package).unwrap_or_else(named);
    if package.version.is_empty() {
        package.version = version.into();
    }
    package.supplier = by_id.get(text(element, "suppliedBy")).map_or("", |agent| text(agent, "name")).into();
    package.places = places(text(element, "software_sourceInfo"));
    let sums = list(&element["verifiedUsing"]).filter(|sum| text(sum, "type") == "Hash");
    Entry {
        id: id(element).into(),
        purl: purl.unwrap_or_else(|| model::purl::purl(&package, None)),
        package,
        cpes: of_kind("cpe23").chain(of_kind("cpe22")).map(Into::into).collect(),
        hashes: sums.map(|sum| (read_two::algorithm(text(sum, "algorithm")), text(sum, "hashValue").into())).collect(),
        needs: Vec::new(),
    }
}

fn distro(element: &Value) -> Distro {
    Distro {
        id: text(element, "name").to_lowercase().into(),
        version: text(element, "software_packageVersion").into(),
        pretty_name: text(element, "description").into(),
        ..Distro::default()
    }
}

fn subject(element: &Value) -> Subject {
    let purl = Purl::parse_lenient(text(element, "software_packageUrl")).ok();
    let kind = match text(element, "software_primaryPurpose") {
        "container" => SubjectKind::Image,
        "source" | "file" => SubjectKind::Folder,
        _ => SubjectKind::Other,
    };
    super::subject(kind, text(element, "name"), text(element, "software_packageVersion"), purl.as_ref())
}

fn id(element: &Value) -> &str {
    element["spdxId"].as_str().or_else(|| element["@id"].as_str()).unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
