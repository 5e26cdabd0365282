//! Bills in CycloneDX: whatever is read is written as the schema demands.
#![no_main]

use image::sbom::{Options, cyclonedx, parse_json, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(document) = parse_json(bytes) {
        let _ = cyclonedx::validate(&document);
    }
    let Ok(bill) = read(bytes) else { return };
    let bill = image::sbom::Bill::new(
        bill.subject.clone(),
        bill.distro.as_ref(),
        &bill.packages().cloned().collect::<Vec<_>>(),
    );
    for version in [cyclonedx::Version::V1_6, cyclonedx::Version::V1_7] {
        let text = cyclonedx::write(&bill, version, &Options::default());
        let document = parse_json(text.as_bytes()).unwrap();
        assert_eq!(cyclonedx::validate(&document), [], "{text}");
    }
});
