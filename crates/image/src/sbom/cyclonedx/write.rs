//! CycloneDX out. The document is written from borrowed parts: images have thousands of packages, and a tree of values for
//! all of them would take longer than the scan that found them.

use model::package::{Kind, Need, Place};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use crate::sbom::bill::{Bill, Entry, Subject, SubjectKind};
use crate::sbom::license::{License, expression, license};
use crate::sbom::{Options, identity};

/// A version of CycloneDX that can be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// 1.6.
    #[default]
    V1_6,
    /// 1.7.
    V1_7,
}

/// The document, ending with a line feed. The same bill and options give the same bytes.
pub fn write(bill: &Bill, version: Version, options: &Options<'_>) -> String {
    let (version, schema) = match version {
        Version::V1_6 => ("1.6", "http://cyclonedx.org/schema/bom-1.6.schema.json"),
        Version::V1_7 => ("1.7", "http://cyclonedx.org/schema/bom-1.7.schema.json"),
    };
    let subject = subject_reference(&bill.subject);
    let system = bill.distro.as_ref().map(|distro| format!("os:{}@{}", distro.id, distro.version));
    let serial = options.serial.map_or(UNSET, |serial| serial.trim_start_matches("urn:uuid:"));
    let document = Document {
        schema,
        bom_format: "CycloneDX",
        spec_version: version,
        serial_number: format!("urn:uuid:{serial}"),
        version: 1,
        metadata: metadata(bill, &subject, options),
        components: Components { bill, system: system.as_deref() },
        dependencies: Dependencies { bill, subject: &subject, system: system.as_deref() },
        compositions: match bill.damage.is_empty() {
            true => Vec::new(),
            false => vec![Composition { aggregate: "incomplete", assemblies: [&subject] }],
        },
    };
    let mut text = crate::sbom::pretty(&document);
    if options.serial.is_none() {
        // The serial number stands for what the document says, itself left out.
        let uuid = identity::uuid(text.as_bytes());
        if let Some(at) = text.find(UNSET) {
            text.replace_range(at..at + UNSET.len(), &uuid);
        }
    }
    text
}

/// In the place of a serial number until what it stands for is written.
const UNSET: &str = "00000000-0000-0000-0000-000000000000";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(rename = "$schema")]
    schema: &'a str,
    bom_format: &'a str,
    spec_version: &'a str,
    serial_number: String,
    version: u8,
    metadata: Metadata<'a>,
    components: Components<'a>,
    dependencies: Dependencies<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    compositions: Vec<Composition<'a>>,
}

/// What the document says of its own completeness.
#[derive(Serialize)]
struct Composition<'a> {
    aggregate: &'a str,
    assemblies: [&'a str; 1],
}

#[derive(Serialize)]
struct Metadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<&'a str>,
    tools: Tools<'a>,
    component: Component<'a>,
}

#[derive(Serialize)]
struct Tools<'a> {
    components: [Component<'a>; 1],
}

/// A component; fields that are empty are left out.
#[derive(Default, Serialize)]
struct Component<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(rename = "bom-ref", skip_serializing_if = "str::is_empty")]
    reference: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Supplier<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    group: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<Licensed<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    cpe: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property<'a>>,
}

#[derive(Serialize)]
struct Supplier<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Hash<'a> {
    alg: &'a str,
    content: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Licensed<'a> {
    Expression(std::borrow::Cow<'a, str>),
    License(Named<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Named<'a> {
    Id(&'a str),
    Name(&'a str),
}

#[derive(Serialize)]
struct Property<'a> {
    name: &'a str,
    value: std::borrow::Cow<'a, str>,
}

#[derive(Serialize)]
struct Evidence<'a> {
    occurrences: Vec<Occurrence<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Occurrence<'a> {
    location: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_context: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Node<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<&'a str>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(line: &u32) -> bool {
    *line == 0
}

fn subject_reference(subject: &Subject) -> String {
    match subject.purl() {
        Some(purl) => purl.to_string(),
        None if subject.name.is_empty() => "subject".to_owned(),
        None => format!("subject:{}", subject.name),
    }
}

fn property<'a>(name: &'a str, value: impl Into<std::borrow::Cow<'a, str>>) -> Property<'a> {
    Property { name, value: value.into() }
}

fn metadata<'a>(bill: &'a Bill, reference: &'a str, options: &Options<'a>) -> Metadata<'a> {
    let tool = Component { kind: "application", name: "kobuk", version: options.tool_version, ..Component::default() };
    let subject = &bill.subject;
    let mut properties = Vec::new();
    if subject.digest.is_some() && !subject.version.is_empty() {
        properties.push(property("kobuk:image:tag", &*subject.version));
    }
    if !subject.arch.is_empty() {
        properties.push(property("kobuk:image:architecture", &*subject.arch));
    }
    properties.extend(subject.layers.iter().map(|layer| property("kobuk:image:layer", layer.as_str())));
    let component = Component {
        kind: match subject.kind {
            SubjectKind::Image => "container",
            SubjectKind::Folder => "file",
            SubjectKind::Other => "application",
        },
        reference,
        name: if subject.name.is_empty() { "unknown" } else { &subject.name },
        version: subject.digest.as_ref().map_or(&*subject.version, |digest| digest.as_str()),
        purl: subject.purl().map(|purl| purl.to_string()),
        properties,
        ..Component::default()
    };
    Metadata { timestamp: options.timestamp, tools: Tools { components: [tool] }, component }
}

/// The operating system and the packages.
struct Components<'a> {
    bill: &'a Bill,
    system: Option<&'a str>,
}

impl Serialize for Components<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = &self.bill.entries;
        let system = self.bill.distro.as_ref().zip(self.system);
        let mut all = serializer.serialize_seq(Some(entries.len() + usize::from(system.is_some())))?;
        if let Some((distro, reference)) = system {
            let mut properties = Vec::new();
            for (name, value) in [("kobuk:os:codename", &distro.codename), ("kobuk:os:variant", &distro.variant)] {
                if !value.is_empty() {
                    properties.push(property(name, &**value));
                }
            }
            properties.extend(distro.id_like.iter().map(|id| property("kobuk:os:like", &**id)));
            all.serialize_element(&Component {
                kind: "operating-system",
                reference,
                name: if distro.id.is_empty() { "unknown" } else { &distro.id },
                version: &distro.version,
                description: &distro.pretty_name,
                cpe: &distro.cpe,
                properties,
                ..Component::default()
            })?;
        }
        for entry in entries {
            all.serialize_element(&component(entry, &self.bill.subject))?;
        }
        all.end()
    }
}

fn component<'a>(entry: &'a Entry, subject: &'a Subject) -> Component<'a> {
    let package = &entry.package;
    let (group, name) = group(entry);
    let occurrences: Vec<Occurrence<'a>> = package
        .places
        .iter()
        .filter(|place| !place.path.is_empty())
        .map(|place| Occurrence { location: &place.path, line: place.line, additional_context: layer(place, subject) })
        .collect();
    Component {
        kind: "library",
        reference: &entry.id,
        supplier: (!package.supplier.is_empty()).then_some(Supplier { name: &package.supplier }),
        group,
        name,
        version: &package.version,
        scope: if package.need == Need::Development { "excluded" } else { "" },
        hashes: entry.hashes.iter().map(|(alg, content)| Hash { alg, content }).collect(),
        licenses: licenses(&package.licenses),
        cpe: entry.cpes.first().map_or("", |cpe| cpe),
        purl: Some(entry.purl.to_string()),
        evidence: (!occurrences.is_empty()).then_some(Evidence { occurrences }),
        properties: properties(entry, subject),
        ..Component::default()
    }
}

fn layer(place: &Place, subject: &Subject) -> Option<String> {
    let layer = place.layer?;
    let digest = usize::try_from(layer).ok().and_then(|layer| subject.layers.get(layer));
    Some(match digest {
        Some(digest) => format!("layer {layer} {digest}"),
        None => format!("layer {layer}"),
    })
}

fn properties<'a>(entry: &'a Entry, subject: &'a Subject) -> Vec<Property<'a>> {
    let package = &entry.package;
    let mut properties = vec![property("kobuk:package:type", package.kind.purl_type())];
    properties.extend(entry.cpes.iter().skip(1).map(|cpe| property("kobuk:package:cpe", &**cpe)));
    if let Some(source) = &package.source {
        properties.push(property("kobuk:package:source", &*source.name));
        if !source.version.is_empty() {
            properties.push(property("kobuk:package:source-version", &*source.version));
        }
    }
    let need = match package.need {
        Need::Unstated => "",
        Need::Direct => "direct",
        Need::Indirect => "indirect",
        Need::Development => "development",
    };
    if !need.is_empty() {
        properties.push(property("kobuk:package:need", need));
    }
    if let Some(layer) = package.places.iter().filter_map(|place| place.layer).min() {
        properties.push(property("kobuk:layer:index", layer.to_string()));
        if let Some(digest) = usize::try_from(layer).ok().and_then(|layer| subject.layers.get(layer)) {
            properties.push(property("kobuk:layer:digest", digest.as_str()));
        }
    }
    properties
}

/// Group and name apart, as the ecosystem has them.
fn group(entry: &Entry) -> (&str, &str) {
    let name = &*entry.package.name;
    match entry.package.kind {
        Kind::Maven => name.split_once(':').unwrap_or(("", name)),
        Kind::Npm if name.starts_with('@') => name.split_once('/').unwrap_or(("", name)),
        Kind::Composer => name.split_once('/').unwrap_or(("", name)),
        _ => ("", name),
    }
}

/// Either identifiers and names, or one expression: up to 1.6 there is no mixture.
fn licenses(declared: &[Box<str>]) -> Vec<Licensed<'_>> {
    let all: Vec<License<'_>> =
        declared.iter().filter(|text| !text.trim().is_empty()).map(|text| license(text)).collect();
    let has_expression = all.iter().any(|license| matches!(license, License::Expression(_)));
    if has_expression && all.len() == 1 {
        return all.iter().map(|license| Licensed::Expression(text(*license).into())).collect();
    }
    if has_expression && !all.iter().any(|license| matches!(license, License::Words(_))) {
        return expression(declared).map(|text| Licensed::Expression(text.into())).into_iter().collect();
    }
    all.iter()
        .map(|license| match license {
            License::Id(id) => Licensed::License(Named::Id(id)),
            License::Expression(words) | License::Words(words) => Licensed::License(Named::Name(words)),
        })
        .collect()
}

fn text(license: License<'_>) -> &str {
    match license {
        License::Id(text) | License::Expression(text) | License::Words(text) => text,
    }
}

/// The subject needs the system and the packages that nothing else needs; the system needs its packages.
struct Dependencies<'a> {
    bill: &'a Bill,
    subject: &'a str,
    system: Option<&'a str>,
}

impl Serialize for Dependencies<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = &self.bill.entries;
        let mut needed = vec![false; entries.len()];
        for index in entries.iter().flat_map(|entry| &entry.needs) {
            if let Some(needed) = needed.get_mut(*index) {
                *needed = true;
            }
        }
        let (mut of_subject, mut of_distro): (Vec<&str>, Vec<&str>) = (self.system.into_iter().collect(), Vec::new());
        for (entry, needed) in entries.iter().zip(needed) {
            if self.system.is_some() && entry.package.kind.is_of_system() {
                of_distro.push(&entry.id);
            } else if !needed || entry.package.need == Need::Direct {
                of_subject.push(&entry.id);
            }
        }
        let mut all = serializer.serialize_seq(None)?;
        all.serialize_element(&Node { reference: self.subject, depends_on: of_subject })?;
        if let Some(reference) = self.system {
            all.serialize_element(&Node { reference, depends_on: of_distro })?;
        }
        for entry in entries {
            let needs = entry.needs.iter().filter_map(|index| entries.get(*index)).map(|entry| &*entry.id);
            all.serialize_element(&Node { reference: &entry.id, depends_on: needs.collect() })?;
        }
        all.end()
    }
}
