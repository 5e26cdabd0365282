//! VEX in all formats: what is read can be applied, and a product without name is covered by nothing.
#![no_main]

use advisory::matching::{Remedy, Vulnerability};
use advisory::vex;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|document: &[u8]| {
    let Ok(statements) = vex::read(document) else { return };
    let names = statements.iter().flat_map(|statement| &statement.vulnerability).take(8);
    let vulnerabilities: Vec<Vulnerability> = names
        .map(|name| Vulnerability {
            package: 0,
            id: name.clone(),
            aliases: Vec::new(),
            ecosystem: "npm".into(),
            summary: "".into(),
            severity: None,
            fixed: None,
            remedy: Remedy::NotFixed,
            references: Vec::new(),
            cwes: Vec::new(),
            epss: None,
            exploited: None,
        })
        .collect();
    let purl = |_| String::from("pkg:npm/a@1");
    let applied = vex::applied(&vulnerabilities, &statements, Some("pkg:oci/app"), purl);
    assert_eq!(applied.len(), vulnerabilities.len());
    let draft = vex::draft_cyclonedx(&vulnerabilities, "author", "2024-01-01T00:00:00Z", purl);
    assert!(vex::read(draft.as_bytes()).is_ok());
});
