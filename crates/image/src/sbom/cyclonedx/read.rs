//! CycloneDX in: 1.2 to 1.7, leniently. What is no valid document still tells what it tells.

use std::collections::HashMap;

use model::package::{Kind, Need, Place, Source};
use model::{Distro, Package, Purl};
use serde_json::Value;

use crate::sbom::bill::{Bill, Entry, Format, Origin, Subject, SubjectKind};

/// The bill that a document tells of.
pub(in crate::sbom) fn read(document: &Value) -> Bill {
    let metadata = &document["metadata"];
    let mut bill = Bill {
        origin: Origin {
            format: Format::CycloneDxJson,
            version: text(document, "specVersion").into(),
            tools: tools(&metadata["tools"]),
            created: text(metadata, "timestamp").into(),
            id: text(document, "serialNumber").into(),
        },
        subject: subject(&metadata["component"]),
        ..Bill::default()
    };
    let mut reader = Reader::default();
    reader.components(&metadata["component"]["components"], &mut bill);
    reader.components(&document["components"], &mut bill);
    if bill.distro.is_none() {
        bill.distro = bill.entries.iter().find_map(|entry| model::purl::distro(&entry.purl));
    }
    reader.dependencies(&document["dependencies"], &mut bill);
    let subject = text(&metadata["component"], "bom-ref");
    let of_subject = |composition: &Value| {
        let assemblies = composition["assemblies"].as_array();
        assemblies.is_some_and(|all| all.iter().any(|one| !subject.is_empty() && one.as_str() == Some(subject)))
    };
    let mut compositions = document["compositions"].as_array().into_iter().flatten();
    if compositions.any(|one| text(one, "aggregate") == "incomplete" && of_subject(one)) {
        bill.damage.push("it says of itself that it is incomplete".into());
    }
    bill
}

#[derive(Default)]
struct Reader {
    ids: HashMap<Box<str>, usize>,
}

impl Reader {
    /// Nesting is bounded by the depth that JSON is read to.
    fn components(&mut self, list: &Value, bill: &mut Bill) {
        for component in list.as_array().into_iter().flatten() {
            match text(component, "type") {
                "operating-system" => {
                    if bill.distro.is_none() {
                        bill.distro = Some(distro(component));
                    }
                }
                "file" | "data" | "cryptographic-asset" if text(component, "purl").is_empty() => {}
                // Lock files, which other tools list as what holds the packages in them.
                "application" if text(component, "purl").is_empty() && text(component, "version").is_empty() => {}
                _ => self.component(component, bill),
            }
            self.components(&component["components"], bill);
        }
    }

    fn component(&mut self, component: &Value, bill: &mut Bill) {
        let declared = text(component, "purl");
        let parsed = (!declared.is_empty()).then(|| Purl::parse_lenient(declared));
        if let Some(Err(error)) = &parsed {
            bill.damage.push(format!("component {}: {error}", crate::sbom::shown(text(component, "name"))).into());
        }
        let parsed = parsed.and_then(Result::ok);
        let mut package = match parsed.as_ref().and_then(model::purl::package) {
            Some(package) => package,
            None if text(component, "name").is_empty() => {
                bill.damage.push("a component has neither a name nor a package URL that can be read".into());
                return;
            }
            None => unnamed(component),
        };
        if package.version.is_empty() {
            package.version = text(component, "version").into();
        }
        fill(&mut package, component);
        let purl = parsed.unwrap_or_else(|| model::purl::purl(&package, None));
        let id: Box<str> = match text(component, "bom-ref") {
            "" => purl.to_string().into(),
            id => id.into(),
        };
        self.ids.entry(id.clone()).or_insert(bill.entries.len());
        let hashes = component["hashes"].as_array().into_iter().flatten();
        let mut cpes: Vec<Box<str>> = vec![text(component, "cpe").into()];
        cpes.extend(
            properties(component)
                .filter(|(name, _)| *name == "kobuk:package:cpe" || *name == "syft:cpe23")
                .map(|(_, value)| value.into()),
        );
        cpes.retain(|cpe| !cpe.is_empty());
        bill.entries.push(Entry {
            id,
            package,
            purl,
            cpes,
            hashes: hashes
                .map(|hash| (text(hash, "alg").into(), text(hash, "content").to_ascii_lowercase().into()))
                .collect(),
            needs: Vec::new(),
        });
    }

    fn dependencies(&self, list: &Value, bill: &mut Bill) {
        for node in list.as_array().into_iter().flatten() {
            let Some(from) = self.ids.get(text(node, "ref")) else { continue };
            let needs = node["dependsOn"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let needs = needs.filter_map(|reference| self.ids.get(reference)).copied();
            if let Some(entry) = bill.entries.get_mut(*from) {
                entry.needs.extend(needs);
            }
        }
        crate::sbom::settle(bill);
    }
}

fn fill(package: &mut Package, component: &Value) {
    package.licenses = licenses(&component["licenses"]);
    package.supplier = [text(&component["supplier"], "name"), text(component, "publisher"), text(component, "author")]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or_default()
        .into();
    if text(component, "scope") == "excluded" {
        package.need = Need::Development;
    }
    for occurrence in component["evidence"]["occurrences"].as_array().into_iter().flatten() {
        let layer = text(occurrence, "additionalContext").strip_prefix("layer ");
        package.places.push(Place {
            path: text(occurrence, "location").trim_start_matches('/').into(),
            layer: layer.and_then(|layer| layer.split(' ').next()?.parse().ok()),
            line: occurrence["line"].as_u64().and_then(|line| line.try_into().ok()).unwrap_or(0),
        });
    }
    let mut parts = [""; 3];
    for (name, value) in properties(component) {
        match name {
            "aquasecurity:trivy:SrcEpoch" => parts[0] = value,
            "aquasecurity:trivy:SrcVersion" => parts[1] = value,
            "aquasecurity:trivy:SrcRelease" => parts[2] = value,
            "kobuk:package:source" | "aquasecurity:trivy:SrcName" => {
                source(package).name = value.into();
            }
            "kobuk:package:source-version" => source(package).version = value.into(),
            "kobuk:package:need" => {
                package.need = match value {
                    "direct" => Need::Direct,
                    "indirect" => Need::Indirect,
                    "development" => Need::Development,
                    _ => package.need,
                }
            }
            "aquasecurity:trivy:FilePath" => package.places.push(Place::file(value.trim_start_matches('/'))),
            name if name.starts_with("syft:location:") && name.ends_with(":path") => {
                package.places.push(Place::file(value.trim_start_matches('/')));
            }
            _ => {}
        }
    }
    let [epoch, version, release] = parts;
    if let Some(source) = package.source.as_mut().filter(|source| source.version.is_empty() && !version.is_empty()) {
        let epoch = if epoch.is_empty() { String::new() } else { format!("{epoch}:") };
        let release = if release.is_empty() { String::new() } else { format!("-{release}") };
        source.version = format!("{epoch}{version}{release}").into();
    }
}

fn source(package: &mut Package) -> &mut Source {
    package.source.get_or_insert_with(|| Source { name: "".into(), version: "".into() })
}

fn unnamed(component: &Value) -> Package {
    let (group, name) = (text(component, "group"), text(component, "name"));
    let name = if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") };
    Package::new(Kind::Generic, name, text(component, "version"))
}

fn licenses(list: &Value) -> Vec<Box<str>> {
    // 1.2 to 1.7 have a list; a single choice in its place is read too.
    let choices = list.as_array().map_or_else(|| std::slice::from_ref(list), Vec::as_slice);
    let told = choices.iter().map(|choice| {
        let license = &choice["license"];
        [text(license, "id"), text(license, "name"), text(choice, "expression")]
            .into_iter()
            .find(|text| !text.is_empty())
    });
    told.flatten().map(Into::into).collect()
}

fn distro(component: &Value) -> Distro {
    let mut distro = Distro {
        id: text(component, "name").to_lowercase().into(),
        version: text(component, "version").into(),
        pretty_name: text(component, "description").into(),
        cpe: text(component, "cpe").into(),
        ..Distro::default()
    };
    for (name, value) in properties(component) {
        match name {
            "kobuk:os:codename" | "syft:distro:versionCodename" => distro.codename = value.into(),
            "kobuk:os:variant" => distro.variant = value.into(),
            "kobuk:os:like" => distro.id_like.push(value.into()),
            "syft:distro:id" => distro.id = value.into(),
            "syft:distro:versionID" => distro.version = value.into(),
            _ => {}
        }
    }
    distro
}

fn subject(component: &Value) -> Subject {
    let mut subject = Subject {
        kind: match text(component, "type") {
            "container" => SubjectKind::Image,
            "file" => SubjectKind::Folder,
            _ => SubjectKind::Other,
        },
        name: text(component, "name").into(),
        version: text(component, "version").into(),
        ..Subject::default()
    };
    let purl = Purl::parse_lenient(text(component, "purl")).ok();
    let digests = [Some(&*subject.version), purl.as_ref().map(|purl| &*purl.version)];
    subject.digest = digests.into_iter().flatten().find_map(|text| text.parse().ok());
    if subject.digest.is_some() {
        subject.version = purl.as_ref().and_then(|purl| purl.qualifier("tag")).unwrap_or_default().into();
    }
    if let Some(arch) = purl.as_ref().and_then(|purl| purl.qualifier("arch")) {
        subject.arch = arch.into();
    }
    for (name, value) in properties(component) {
        match name {
            "kobuk:image:tag" => subject.version = value.into(),
            "kobuk:image:architecture" => subject.arch = value.into(),
            "kobuk:image:layer" | "aquasecurity:trivy:DiffID" => subject.layers.extend(value.parse().ok()),
            _ => {}
        }
    }
    subject
}

fn tools(tools: &Value) -> Vec<Box<str>> {
    // Up to 1.4 a list of tools, from 1.5 on an object of components and services.
    let lists = [tools, &tools["components"], &tools["services"]];
    let all = lists.into_iter().filter_map(Value::as_array).flatten();
    all.map(|tool| [text(tool, "name"), text(tool, "version")].join(" ").trim().into()).collect()
}

fn properties(value: &Value) -> impl Iterator<Item = (&str, &str)> {
    let all = value["properties"].as_array().into_iter().flatten();
    all.map(|property| (text(property, "name"), text(property, "value"))).filter(|(_, value)| !value.is_empty())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
