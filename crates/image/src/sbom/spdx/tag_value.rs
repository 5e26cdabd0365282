//! SPDX 2 as lines of tags and values, to and from the shape of its JSON.

use serde_json::{Value, json};

use crate::sbom::bill::{Bill, Format};

/// Writes a document that has the shape of the JSON.
pub(super) fn write(document: &Value) -> String {
    let mut out = String::new();
    for (tag, key) in HEAD {
        line(&mut out, tag, text(document, key));
    }
    let creation = &document["creationInfo"];
    for creator in list(&creation["creators"]).filter_map(Value::as_str) {
        line(&mut out, "Creator", creator);
    }
    line(&mut out, "Created", text(creation, "created"));
    for package in list(&document["packages"]) {
        out.push('\n');
        for (tag, key) in PACKAGE {
            match (*tag, &package[*key]) {
                ("FilesAnalyzed", Value::Bool(analyzed)) => {
                    line(&mut out, tag, if *analyzed { "true" } else { "false" })
                }
                // Lines spell `OPERATING-SYSTEM` what JSON spells with an underscore.
                ("PrimaryPackagePurpose", Value::String(purpose)) => line(&mut out, tag, &purpose.replace('_', "-")),
                ("PackageSourceInfo" | "PackageDescription", Value::String(words)) => block(&mut out, tag, words),
                _ => line(&mut out, tag, text(package, key)),
            }
        }
        for sum in list(&package["checksums"]) {
            line(&mut out, "PackageChecksum", &format!("{}: {}", text(sum, "algorithm"), text(sum, "checksumValue")));
        }
        for reference in list(&package["externalRefs"]) {
            let words = ["referenceCategory", "referenceType", "referenceLocator"].map(|key| text(reference, key));
            line(&mut out, "ExternalRef", &words.join(" "));
        }
    }
    for info in list(&document["hasExtractedLicensingInfos"]) {
        out.push('\n');
        line(&mut out, "LicenseID", text(info, "licenseId"));
        block(&mut out, "ExtractedText", text(info, "extractedText"));
        line(&mut out, "LicenseName", text(info, "name"));
    }
    out.push('\n');
    for relation in list(&document["relationships"]) {
        let words = ["spdxElementId", "relationshipType", "relatedSpdxElement"].map(|key| text(relation, key));
        line(&mut out, "Relationship", &words.join(" "));
    }
    out
}

/// Reads tags and values. Files and snippets are passed over.
pub(in crate::sbom) fn read(text: &str) -> Bill {
    let mut reader = Reader { document: json!({"creationInfo": {}}), ..Reader::default() };
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = after;
        let Some((tag, value)) = line.trim_end_matches('\r').split_once(':') else { continue };
        let value = value.trim();
        if tag.starts_with('#') {
            continue;
        }
        match value.strip_prefix("<text>") {
            Some(first) if !first.contains("</text>") => {
                let (more, after) = rest.split_once("</text>").unwrap_or((rest, ""));
                reader.tag(tag.trim(), &format!("{first}\n{more}"));
                rest = after;
            }
            Some(first) => reader.tag(tag.trim(), first.split("</text>").next().unwrap_or_default()),
            None => reader.tag(tag.trim(), value),
        }
    }
    let mut bill = super::read_two(&reader.finish());
    bill.origin.format = Format::SpdxTagValue;
    bill
}

#[derive(Default)]
struct Reader {
    document: Value,
    packages: Vec<Value>,
    infos: Vec<Value>,
    relationships: Vec<Value>,
    creators: Vec<Value>,
    /// Tags of files and snippets follow.
    elsewhere: bool,
}

impl Reader {
    fn tag(&mut self, tag: &str, value: &str) {
        match tag {
            "PackageName" => {
                self.elsewhere = false;
                self.packages.push(json!({"name": value}));
            }
            "FileName" | "SnippetSPDXID" => self.elsewhere = true,
            "LicenseID" => self.infos.push(json!({"licenseId": value})),
            "LicenseName" | "ExtractedText" => {
                if let Some(info) = self.infos.last_mut() {
                    info[if tag == "LicenseName" { "name" } else { "extractedText" }] = value.into();
                }
            }
            "Creator" => self.creators.push(value.into()),
            "Created" => self.document["creationInfo"]["created"] = value.into(),
            "Relationship" => {
                let words: Vec<&str> = value.split_whitespace().collect();
                if let [from, kind, to] = words.as_slice() {
                    self.relationships
                        .push(json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to}));
                }
            }
            _ if self.elsewhere => {}
            _ => self.plain(tag, value),
        }
    }

    fn plain(&mut self, tag: &str, value: &str) {
        let Some(package) = self.packages.last_mut() else {
            if let Some((_, key)) = HEAD.iter().find(|(known, _)| *known == tag) {
                self.document[*key] = value.into();
            }
            return;
        };
        match tag {
            "PackageChecksum" => {
                if let Some((algorithm, digits)) = value.split_once(':') {
                    push(package, "checksums", json!({"algorithm": algorithm, "checksumValue": digits.trim()}));
                }
            }
            "ExternalRef" => {
                let words: Vec<&str> = value.split_whitespace().collect();
                if let [category, kind, locator] = words.as_slice() {
                    push(package, "externalRefs", super::purl_reference(category, kind, locator));
                }
            }
            _ => {
                if let Some((_, key)) = PACKAGE.iter().find(|(known, _)| *known == tag) {
                    package[*key] = value.into();
                }
            }
        }
    }

    fn finish(mut self) -> Value {
        self.document["creationInfo"]["creators"] = self.creators.into();
        self.document["packages"] = self.packages.into();
        self.document["hasExtractedLicensingInfos"] = self.infos.into();
        self.document["relationships"] = self.relationships.into();
        self.document
    }
}

fn push(target: &mut Value, key: &str, item: Value) {
    match &mut target[key] {
        Value::Array(items) => items.push(item),
        other => *other = Value::Array(vec![item]),
    }
}

/// One line. A name with a line feed would otherwise write tags of its own.
fn line(out: &mut String, tag: &str, value: &str) {
    if !value.is_empty() {
        let plain: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        out.extend([tag, ": ", plain.replace("<text", "< text").trim(), "\n"]);
    }
}

fn block(out: &mut String, tag: &str, value: &str) {
    if !value.is_empty() {
        let plain = value.replace("</text", "</ text").replace("<text", "< text");
        out.extend([tag, ": <text>", &plain, "</text>\n"]);
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Tags of the document and their keys in JSON.
const HEAD: &[(&str, &str)] = &[
    ("SPDXVersion", "spdxVersion"),
    ("DataLicense", "dataLicense"),
    ("SPDXID", "SPDXID"),
    ("DocumentName", "name"),
    ("DocumentNamespace", "documentNamespace"),
];
/// Tags of a package and their keys in JSON, the name first.
const PACKAGE: &[(&str, &str)] = &[
    ("PackageName", "name"),
    ("SPDXID", "SPDXID"),
    ("PackageVersion", "versionInfo"),
    ("PackageSupplier", "supplier"),
    ("PackageDownloadLocation", "downloadLocation"),
    ("PrimaryPackagePurpose", "primaryPackagePurpose"),
    ("FilesAnalyzed", "filesAnalyzed"),
    ("PackageLicenseConcluded", "licenseConcluded"),
    ("PackageLicenseDeclared", "licenseDeclared"),
    ("PackageCopyrightText", "copyrightText"),
    ("PackageDescription", "description"),
    ("PackageSourceInfo", "sourceInfo"),
];
