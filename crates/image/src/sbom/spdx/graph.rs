//! SPDX 3.0.1 out.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{NO_TIME, declared, document_name, found_in, reference, set};
use crate::sbom::bill::{Bill, Entry, SubjectKind};
use crate::sbom::{Options, identity};

/// SPDX 3.0.1 in JSON-LD, ending with a line feed. The same bill and options give the same bytes.
pub fn write(bill: &Bill, options: &Options<'_>) -> String {
    let seed = || {
        let names = bill.entries.iter().map(|entry| &*entry.id).collect::<Vec<_>>().join("\n");
        identity::uuid(format!("{}\n{names}", document_name(bill)).as_bytes())
    };
    let serial = options.serial.map_or_else(seed, str::to_owned);
    let mut graph = Graph {
        base: format!("{NAMESPACE}{}#", serial.trim_start_matches("urn:uuid:")),
        elements: Vec::new(),
        expressions: BTreeMap::new(),
        suppliers: BTreeMap::new(),
    };
    graph.fill(bill);
    let elements = graph.finish(bill, options);
    crate::sbom::pretty(&json!({"@context": CONTEXT, "@graph": elements}))
}

struct Graph {
    base: String,
    elements: Vec<Value>,
    /// By expression: the packages that declare it, and the words of unlisted licenses in it.
    expressions: BTreeMap<String, Declared>,
    suppliers: BTreeMap<String, String>,
}

#[derive(Default)]
struct Declared {
    packages: Vec<String>,
    /// Reference and words.
    custom: BTreeMap<String, String>,
}

impl Graph {
    fn id(&self, name: &str) -> String {
        format!("{}{name}", self.base)
    }

    fn element(&mut self, kind: &str, id: &str, mut fields: Value) {
        let mut element = json!({"type": kind, "spdxId": id, "creationInfo": CREATION});
        if let (Value::Object(element), Value::Object(fields)) = (&mut element, &mut fields) {
            element.append(fields);
        }
        self.elements.push(element);
    }

    fn relate(&mut self, name: &str, from: &str, kind: &str, to: &[String]) {
        if !to.is_empty() {
            let id = self.id(&format!("Relationship-{name}"));
            self.element(
                "Relationship",
                &id,
                json!({"from": from, "relationshipType": kind, "to": to, "completeness": "noAssertion"}),
            );
        }
    }

    fn fill(&mut self, bill: &Bill) {
        let subject = self.id("Subject");
        self.subject(bill, &subject);
        let mut contained = Vec::new();
        if let Some(distro) = &bill.distro {
            let id = self.id("OperatingSystem");
            let mut fields = json!({"name": if distro.id.is_empty() { "unknown" } else { &*distro.id }, "software_primaryPurpose": "operatingSystem"});
            set(&mut fields, "software_packageVersion", &distro.version);
            set(&mut fields, "description", &distro.pretty_name);
            self.element("software_Package", &id, fields);
            contained.push(id);
        }
        let ids: Vec<String> =
            bill.entries.iter().map(|entry| self.id(&format!("Package-{}", reference(&entry.id)))).collect();
        for (entry, id) in bill.entries.iter().zip(&ids) {
            self.package(entry, id);
        }
        contained.extend(ids.iter().cloned());
        self.relate("contains", &subject, "contains", &contained);
        for (entry, id) in bill.entries.iter().zip(&ids) {
            let needs: Vec<String> = entry.needs.iter().filter_map(|index| ids.get(*index)).cloned().collect();
            self.relate(&format!("dependsOn-{}", identity::short(id)), id, "dependsOn", &needs);
        }
    }

    fn subject(&mut self, bill: &Bill, id: &str) {
        let subject = &bill.subject;
        let purpose = match subject.kind {
            SubjectKind::Image => "container",
            SubjectKind::Folder => "source",
            SubjectKind::Other => "application",
        };
        let name = if subject.name.is_empty() { "unknown" } else { &*subject.name };
        let mut fields = json!({"name": name, "software_primaryPurpose": purpose});
        set(
            &mut fields,
            "software_packageVersion",
            subject.digest.as_ref().map_or(&*subject.version, |digest| digest.as_str()),
        );
        if let Some(digest) = &subject.digest {
            let algorithm = if digest.hex().len() == 64 { "sha256" } else { "sha512" };
            fields["verifiedUsing"] = json!([hash(algorithm, digest.hex())]);
        }
        if let Some(purl) = subject.purl() {
            fields["software_packageUrl"] = purl.to_string().into();
        }
        self.element("software_Package", id, fields);
    }

    fn package(&mut self, entry: &Entry, id: &str) {
        let package = &entry.package;
        let mut fields = json!({"name": &*package.name, "software_primaryPurpose": "library", "software_packageUrl": entry.purl.to_string()});
        set(&mut fields, "software_packageVersion", &package.version);
        set(&mut fields, "software_sourceInfo", &found_in(&package.places));
        if !entry.cpes.is_empty() {
            let names = entry.cpes.iter().map(
                |cpe| json!({"type": "ExternalIdentifier", "externalIdentifierType": "cpe23", "identifier": &**cpe}),
            );
            fields["externalIdentifier"] = names.collect();
        }
        if !entry.hashes.is_empty() {
            let sums =
                entry.hashes.iter().map(|(name, digits)| hash(&name.replace('-', "").to_ascii_lowercase(), digits));
            fields["verifiedUsing"] = sums.collect();
        }
        if !package.supplier.is_empty() {
            let supplier = self.id(&format!("Supplier-{}", identity::short(&package.supplier)));
            fields["suppliedBy"] = supplier.clone().into();
            self.suppliers.insert(supplier, package.supplier.to_string());
        }
        self.element("software_Package", id, fields);
        let (expression, others) = declared(&package.licenses);
        if let Some(expression) = expression {
            let slot = self.expressions.entry(expression).or_default();
            slot.packages.push(id.to_owned());
            slot.custom.extend(others);
        }
    }

    fn licenses(&mut self) {
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        for (expression, Declared { packages, custom }) in std::mem::take(&mut self.expressions) {
            let id = self.id(&format!("License-{}", identity::short(&expression)));
            let mut fields = json!({"simplelicensing_licenseExpression": expression});
            if !custom.is_empty() {
                let entry = |name: &String| json!({"type": "DictionaryEntry", "key": name, "value": self.id(name)});
                fields["simplelicensing_customIdToUri"] = custom.keys().map(entry).collect();
                texts.extend(custom);
            }
            self.element("simplelicensing_LicenseExpression", &id, fields);
            for package in packages {
                let name = format!("license-{}", identity::short(&package));
                self.relate(&name, &package, "hasDeclaredLicense", std::slice::from_ref(&id));
            }
        }
        for (name, words) in texts {
            let id = self.id(&name);
            self.element(
                "simplelicensing_SimpleLicensingText",
                &id,
                json!({"name": name, "simplelicensing_licenseText": words}),
            );
        }
    }

    fn finish(mut self, bill: &Bill, options: &Options<'_>) -> Vec<Value> {
        self.licenses();
        for (id, name) in std::mem::take(&mut self.suppliers) {
            self.element("Organization", &id, json!({"name": name}));
        }
        let (agent, document, sbom, subject) =
            (self.id("Agent"), self.id("Document"), self.id("Sbom"), self.id("Subject"));
        let elements: Vec<Value> = self.elements.iter().map(|element| element["spdxId"].clone()).collect();
        let name =
            if options.tool_version.is_empty() { "kobuk".into() } else { format!("kobuk-{}", options.tool_version) };
        let mut head = vec![json!({
            "type": "CreationInfo",
            "@id": CREATION,
            "specVersion": "3.0.1",
            "created": options.timestamp.unwrap_or(NO_TIME),
            "createdBy": [&agent],
        })];
        let body = std::mem::take(&mut self.elements);
        self.element("SoftwareAgent", &agent, json!({"name": name}));
        self.element(
            "SpdxDocument",
            &document,
            json!({
                "name": document_name(bill),
                "profileConformance": ["core", "software", "simpleLicensing"],
                "rootElement": [&sbom],
            }),
        );
        self.element(
            "software_Sbom",
            &sbom,
            json!({
                "profileConformance": ["core", "software", "simpleLicensing"],
                "rootElement": [&subject],
                "element": elements,
                "software_sbomType": ["analyzed"],
            }),
        );
        head.append(&mut self.elements);
        head.extend(body);
        head
    }
}

fn hash(algorithm: &str, digits: &str) -> Value {
    json!({"type": "Hash", "algorithm": algorithm, "hashValue": digits})
}

const CONTEXT: &str = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld";
const CREATION: &str = "_:creation";
const NAMESPACE: &str = "https://spdx.org/spdxdocs/kobuk-";
