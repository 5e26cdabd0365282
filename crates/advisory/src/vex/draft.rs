//! Drafts: every vulnerability is under investigation until somebody says more.

use std::collections::BTreeMap;

use model::purl::Purl;
use serde_json::{Value, json};

use crate::matching::Vulnerability;

/// A draft in OpenVEX in which every vulnerability is under investigation, the same for the same input.
pub fn open_vex(
    vulnerabilities: &[Vulnerability],
    author: &str,
    timestamp: &str,
    purl: impl Fn(usize) -> String,
) -> String {
    let statements: Vec<Value> = vulnerabilities
        .iter()
        .map(|one| {
            json!({
                "vulnerability": { "name": one.id, "aliases": one.aliases },
                "products": [{ "@id": purl(one.package) }],
                "status": "under_investigation",
            })
        })
        .collect();
    let document = json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": format!("urn:kobuk:vex:{timestamp}"),
        "author": author,
        "timestamp": timestamp,
        "version": 1,
        "statements": statements,
    });
    format!("{document:#}")
}

/// A draft in CycloneDX 1.6 in which every vulnerability is in triage, the same for the same input.
pub fn cyclonedx(
    vulnerabilities: &[Vulnerability],
    author: &str,
    timestamp: &str,
    purl: impl Fn(usize) -> String,
) -> String {
    let purls: BTreeMap<usize, String> = vulnerabilities.iter().map(|one| (one.package, purl(one.package))).collect();
    let mut components: BTreeMap<&str, Value> = BTreeMap::new();
    for purl in purls.values() {
        let read = Purl::parse_lenient(purl).unwrap_or_default();
        let name = if read.name.is_empty() { purl } else { &*read.name };
        let mut component = json!({ "type": "library", "bom-ref": purl, "name": name, "purl": purl });
        if !read.version.is_empty() {
            component["version"] = json!(read.version);
        }
        components.insert(purl, component);
    }
    let mut ids: BTreeMap<&str, BTreeMap<&str, &Vulnerability>> = BTreeMap::new();
    for one in vulnerabilities {
        let purl = purls.get(&one.package).map(String::as_str).unwrap_or_default();
        ids.entry(&one.id).or_default().insert(purl, one);
    }
    let listed: Vec<Value> = ids
        .iter()
        .map(|(id, places)| {
            let affects: Vec<Value> = places.keys().map(|purl| json!({ "ref": purl })).collect();
            json!({ "bom-ref": format!("vulnerability-{id}"), "id": id, "analysis": { "state": "in_triage" }, "affects": affects })
        })
        .collect();
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "timestamp": timestamp, "authors": [{ "name": author }] },
        "components": components.into_values().collect::<Vec<_>>(),
        "vulnerabilities": listed,
    });
    format!("{document:#}")
}
