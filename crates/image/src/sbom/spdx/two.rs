//! SPDX 2.3 out.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{NO_TIME, declared, document_name, found_in, purl_reference, reference, set};
use crate::sbom::bill::{Bill, Entry, SubjectKind};
use crate::sbom::{Options, identity};

/// The document in the shape of its JSON.
pub(super) fn document(bill: &Bill, options: &Options<'_>) -> Value {
    let mut extracted = BTreeMap::new();
    let subject = format!("SPDXRef-Subject-{}", reference(&document_name(bill)));
    let mut packages = vec![subject_package(bill, &subject)];
    let mut relationships = vec![relationship(DOCUMENT, "DESCRIBES", &subject)];
    if let Some(system) = system_package(bill) {
        relationships.push(relationship(&subject, "CONTAINS", system["SPDXID"].as_str().unwrap_or_default()));
        packages.push(system);
    }
    let ids: Vec<String> =
        bill.entries.iter().map(|entry| format!("SPDXRef-Package-{}", reference(&entry.id))).collect();
    for (entry, id) in bill.entries.iter().zip(&ids) {
        packages.push(package(entry, id, &mut extracted));
        relationships.push(relationship(&subject, "CONTAINS", id));
    }
    for (entry, id) in bill.entries.iter().zip(&ids) {
        let needs = entry.needs.iter().filter_map(|index| ids.get(*index));
        relationships.extend(needs.map(|other| relationship(id, "DEPENDS_ON", other)));
    }
    let creator = if options.tool_version.is_empty() {
        "Tool: kobuk".into()
    } else {
        format!("Tool: kobuk-{}", options.tool_version)
    };
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": document_name(bill),
        "documentNamespace": "",
        "creationInfo": {"created": options.timestamp.unwrap_or(NO_TIME), "creators": [creator]},
        "packages": packages,
        "relationships": relationships,
    });
    if !extracted.is_empty() {
        let all: Vec<Value> = extracted
            .into_iter()
            .map(|(id, words)| json!({"licenseId": id, "extractedText": words, "name": words}))
            .collect();
        document["hasExtractedLicensingInfos"] = all.into();
    }
    let serial = options.serial.map_or_else(|| identity::uuid(document.to_string().as_bytes()), str::to_owned);
    document["documentNamespace"] = format!("{NAMESPACE}{}", serial.trim_start_matches("urn:uuid:")).into();
    document
}

fn subject_package(bill: &Bill, id: &str) -> Value {
    let subject = &bill.subject;
    let name = if subject.name.is_empty() { "unknown" } else { &subject.name };
    let mut package = plain(id, name);
    let version = subject.digest.as_ref().map_or(&*subject.version, |digest| digest.as_str());
    set(&mut package, "versionInfo", version);
    if let Some(digest) = &subject.digest {
        let algorithm = if digest.hex().len() == 64 { "SHA256" } else { "SHA512" };
        package["checksums"] = json!([{"algorithm": algorithm, "checksumValue": digest.hex()}]);
    }
    if let Some(purl) = subject.purl() {
        package["externalRefs"] = json!([purl_reference("PACKAGE-MANAGER", "purl", &purl.to_string())]);
    }
    package["primaryPackagePurpose"] = match subject.kind {
        SubjectKind::Image => "CONTAINER",
        SubjectKind::Folder => "SOURCE",
        SubjectKind::Other => "APPLICATION",
    }
    .into();
    package
}

fn system_package(bill: &Bill) -> Option<Value> {
    let distro = bill.distro.as_ref()?;
    let id = format!("SPDXRef-OperatingSystem-{}", reference(&format!("{}@{}", distro.id, distro.version)));
    let mut package = plain(&id, if distro.id.is_empty() { "unknown" } else { &distro.id });
    set(&mut package, "versionInfo", &distro.version);
    set(&mut package, "description", &distro.pretty_name);
    if distro.cpe.starts_with("cpe:/") {
        package["externalRefs"] = json!([purl_reference("SECURITY", "cpe22Type", &distro.cpe)]);
    } else if distro.cpe.starts_with("cpe:2.3:") {
        package["externalRefs"] = json!([purl_reference("SECURITY", "cpe23Type", &distro.cpe)]);
    }
    package["primaryPackagePurpose"] = "OPERATING_SYSTEM".into();
    Some(package)
}

fn package(entry: &Entry, id: &str, extracted: &mut BTreeMap<String, String>) -> Value {
    let found = &entry.package;
    let mut package = plain(id, &found.name);
    set(&mut package, "versionInfo", &found.version);
    if !found.supplier.is_empty() {
        package["supplier"] = format!("Organization: {}", found.supplier).into();
    }
    let sums = entry.hashes.iter().filter_map(|(name, digits)| {
        let name = name.replace('-', "");
        CHECKSUMS.contains(&&*name).then(|| json!({"algorithm": name, "checksumValue": &**digits}))
    });
    let sums: Vec<Value> = sums.collect();
    if !sums.is_empty() {
        package["checksums"] = sums.into();
    }
    let (expression, others) = declared(&found.licenses);
    extracted.extend(others);
    package["licenseDeclared"] = expression.map_or("NOASSERTION".into(), Value::from);
    set(&mut package, "sourceInfo", &found_in(&found.places));
    let mut references = vec![purl_reference("PACKAGE-MANAGER", "purl", &entry.purl.to_string())];
    references.extend(entry.cpes.iter().map(|cpe| purl_reference("SECURITY", "cpe23Type", cpe)));
    package["externalRefs"] = references.into();
    package["primaryPackagePurpose"] = "LIBRARY".into();
    package
}

fn plain(id: &str, name: &str) -> Value {
    json!({
        "SPDXID": id,
        "name": name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "supplier": "NOASSERTION",
    })
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to})
}

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
/// Where SPDX says that names of documents live which have no home of their own.
const NAMESPACE: &str = "https://spdx.org/spdxdocs/kobuk-";
/// Algorithms of checksums that CycloneDX and SPDX share, as SPDX writes them.
const CHECKSUMS: &[&str] = &["MD5", "SHA1", "SHA256", "SHA384", "SHA512"];
