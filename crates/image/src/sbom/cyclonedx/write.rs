//! CycloneDX out.

use serde_json::{Map, Value, json};

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
    let body = json!({
        "version": 1,
        "metadata": metadata(bill, &subject, options),
        "components": components(bill, system.as_deref()),
        "dependencies": dependencies(bill, &subject, system.as_deref()),
    });
    let serial = match options.serial {
        Some(serial) => serial.trim_start_matches("urn:uuid:").to_owned(),
        None => identity::uuid(body.to_string().as_bytes()),
    };
    let mut document = Map::new();
    document.insert("$schema".into(), schema.into());
    document.insert("bomFormat".into(), "CycloneDX".into());
    document.insert("specVersion".into(), version.into());
    document.insert("serialNumber".into(), format!("urn:uuid:{serial}").into());
    if let Value::Object(body) = body {
        document.extend(body);
    }
    crate::sbom::pretty(&Value::Object(document))
}

fn subject_reference(subject: &Subject) -> String {
    match subject.purl() {
        Some(purl) => purl.to_string(),
        None if subject.name.is_empty() => "subject".to_owned(),
        None => format!("subject:{}", subject.name),
    }
}

fn metadata(bill: &Bill, reference: &str, options: &Options<'_>) -> Value {
    let mut metadata = Map::new();
    if let Some(timestamp) = options.timestamp {
        metadata.insert("timestamp".into(), timestamp.into());
    }
    let mut tool = json!({"type": "application", "name": "kobuk"});
    set(&mut tool, "version", options.tool_version);
    metadata.insert("tools".into(), json!({"components": [tool]}));
    let subject = &bill.subject;
    let kind = match subject.kind {
        SubjectKind::Image => "container",
        SubjectKind::Folder => "file",
        SubjectKind::Other => "application",
    };
    let name = if subject.name.is_empty() { "unknown" } else { &subject.name };
    let mut component = json!({"type": kind, "bom-ref": reference, "name": name});
    set(&mut component, "version", subject.digest.as_ref().map_or(&*subject.version, |digest| digest.as_str()));
    if let Some(purl) = subject.purl() {
        set(&mut component, "purl", &purl.to_string());
    }
    let mut properties = Vec::new();
    if subject.digest.is_some() && !subject.version.is_empty() {
        properties.push(json!({"name": "kobuk:image:tag", "value": &*subject.version}));
    }
    if !subject.arch.is_empty() {
        properties.push(json!({"name": "kobuk:image:architecture", "value": &*subject.arch}));
    }
    for layer in &subject.layers {
        properties.push(json!({"name": "kobuk:image:layer", "value": layer.as_str()}));
    }
    set_list(&mut component, "properties", properties);
    metadata.insert("component".into(), component);
    Value::Object(metadata)
}

fn components(bill: &Bill, system: Option<&str>) -> Value {
    let mut all = Vec::with_capacity(bill.entries.len() + 1);
    if let (Some(distro), Some(reference)) = (&bill.distro, system) {
        let name = if distro.id.is_empty() { "unknown" } else { &distro.id };
        let mut component = json!({"type": "operating-system", "bom-ref": reference, "name": name});
        set(&mut component, "version", &distro.version);
        set(&mut component, "description", &distro.pretty_name);
        set(&mut component, "cpe", &distro.cpe);
        let mut properties = Vec::new();
        for (name, value) in [("kobuk:os:codename", &distro.codename), ("kobuk:os:variant", &distro.variant)] {
            if !value.is_empty() {
                properties.push(json!({"name": name, "value": &**value}));
            }
        }
        for id in &distro.id_like {
            properties.push(json!({"name": "kobuk:os:like", "value": &**id}));
        }
        set_list(&mut component, "properties", properties);
        all.push(component);
    }
    all.extend(bill.entries.iter().map(|entry| component(entry, &bill.subject)));
    Value::Array(all)
}

fn component(entry: &Entry, subject: &Subject) -> Value {
    let package = &entry.package;
    let mut component = json!({"type": "library", "bom-ref": &*entry.id});
    if !package.supplier.is_empty() {
        component["supplier"] = json!({"name": &*package.supplier});
    }
    let (group, name) = group(entry);
    set(&mut component, "group", group);
    component["name"] = name.into();
    set(&mut component, "version", &package.version);
    if package.need == model::package::Need::Development {
        set(&mut component, "scope", "excluded");
    }
    let hashes = entry.hashes.iter().map(|(name, digits)| json!({"alg": &**name, "content": &**digits})).collect();
    set_list(&mut component, "hashes", hashes);
    set_list(&mut component, "licenses", licenses(&package.licenses));
    set(&mut component, "cpe", entry.cpes.first().map_or("", |cpe| cpe));
    set(&mut component, "purl", &entry.purl.to_string());
    let occurrences = package.places.iter().filter(|place| !place.path.is_empty()).map(|place| {
        let mut occurrence = json!({"location": &*place.path});
        if place.line > 0 {
            occurrence["line"] = place.line.into();
        }
        if let Some(layer) = place.layer {
            let digest = usize::try_from(layer).ok().and_then(|layer| subject.layers.get(layer));
            let digest = digest.map(|digest| format!(" {digest}")).unwrap_or_default();
            occurrence["additionalContext"] = format!("layer {layer}{digest}").into();
        }
        occurrence
    });
    let occurrences: Vec<Value> = occurrences.collect();
    if !occurrences.is_empty() {
        component["evidence"] = json!({"occurrences": occurrences});
    }
    set_list(&mut component, "properties", properties(entry, subject));
    component
}

fn properties(entry: &Entry, subject: &Subject) -> Vec<Value> {
    let package = &entry.package;
    let mut properties = vec![json!({"name": "kobuk:package:type", "value": package.kind.purl_type()})];
    for cpe in entry.cpes.iter().skip(1) {
        properties.push(json!({"name": "kobuk:package:cpe", "value": &**cpe}));
    }
    if let Some(source) = &package.source {
        properties.push(json!({"name": "kobuk:package:source", "value": &*source.name}));
        if !source.version.is_empty() {
            properties.push(json!({"name": "kobuk:package:source-version", "value": &*source.version}));
        }
    }
    let need = match package.need {
        model::package::Need::Unstated => "",
        model::package::Need::Direct => "direct",
        model::package::Need::Indirect => "indirect",
        model::package::Need::Development => "development",
    };
    if !need.is_empty() {
        properties.push(json!({"name": "kobuk:package:need", "value": need}));
    }
    if let Some(layer) = package.places.iter().filter_map(|place| place.layer).min() {
        properties.push(json!({"name": "kobuk:layer:index", "value": layer.to_string()}));
        if let Some(digest) = usize::try_from(layer).ok().and_then(|layer| subject.layers.get(layer)) {
            properties.push(json!({"name": "kobuk:layer:digest", "value": digest.as_str()}));
        }
    }
    properties
}

/// Group and name apart, as the ecosystem has them.
fn group(entry: &Entry) -> (&str, &str) {
    use model::package::Kind;
    let name = &*entry.package.name;
    match entry.package.kind {
        Kind::Maven => name.split_once(':').unwrap_or(("", name)),
        Kind::Npm if name.starts_with('@') => name.split_once('/').unwrap_or(("", name)),
        Kind::Composer => name.split_once('/').unwrap_or(("", name)),
        _ => ("", name),
    }
}

/// Either identifiers and names, or one expression: up to 1.6 there is no mixture.
fn licenses(declared: &[Box<str>]) -> Vec<Value> {
    let all: Vec<License<'_>> =
        declared.iter().filter(|text| !text.trim().is_empty()).map(|text| license(text)).collect();
    let has_expression = all.iter().any(|license| matches!(license, License::Expression(_)));
    if has_expression && all.len() == 1 {
        return all.iter().map(|license| json!({"expression": text(*license)})).collect();
    }
    if has_expression && !all.iter().any(|license| matches!(license, License::Words(_))) {
        return expression(declared).map(|text| json!({"expression": text})).into_iter().collect();
    }
    all.iter()
        .map(|license| match license {
            License::Id(id) => json!({"license": {"id": id}}),
            License::Expression(words) | License::Words(words) => json!({"license": {"name": words}}),
        })
        .collect()
}

fn text(license: License<'_>) -> &str {
    match license {
        License::Id(text) | License::Expression(text) | License::Words(text) => text,
    }
}

/// The subject needs the system and the packages that nothing else needs; the system needs its packages.
fn dependencies(bill: &Bill, subject: &str, system: Option<&str>) -> Value {
    let mut needed = vec![false; bill.entries.len()];
    for index in bill.entries.iter().flat_map(|entry| &entry.needs) {
        if let Some(needed) = needed.get_mut(*index) {
            *needed = true;
        }
    }
    let (mut of_subject, mut of_distro): (Vec<&str>, Vec<&str>) = (system.into_iter().collect(), Vec::new());
    for (entry, needed) in bill.entries.iter().zip(needed) {
        if system.is_some() && entry.package.kind.is_of_system() {
            of_distro.push(&entry.id);
        } else if !needed || entry.package.need == model::package::Need::Direct {
            of_subject.push(&entry.id);
        }
    }
    let mut all = vec![node(subject, of_subject)];
    all.extend(system.map(|system| node(system, of_distro)));
    for entry in &bill.entries {
        let needs = entry.needs.iter().filter_map(|index| bill.entries.get(*index)).map(|entry| &*entry.id);
        all.push(node(&entry.id, needs.collect()));
    }
    Value::Array(all)
}

fn node(reference: &str, needs: Vec<&str>) -> Value {
    if needs.is_empty() { json!({"ref": reference}) } else { json!({"ref": reference, "dependsOn": needs}) }
}

fn set(target: &mut Value, key: &str, value: &str) {
    if !value.is_empty() {
        target[key] = value.into();
    }
}

fn set_list(target: &mut Value, key: &str, items: Vec<Value>) {
    if !items.is_empty() {
        target[key] = Value::Array(items);
    }
}
