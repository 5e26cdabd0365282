//! Bills in SPDX: whatever is read is written so that it reads with as many packages.
#![no_main]

use image::sbom::{Bill, Options, read, spdx};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(bill) = read(bytes) else { return };
    let packages: Vec<_> = bill.packages().cloned().collect();
    let bill = Bill::new(bill.subject.clone(), bill.distro.as_ref(), &packages);
    let options = Options::default();
    for text in [
        spdx::write_json(&bill, &options),
        spdx::write_tag_value(&bill, &options),
        spdx::write_json_ld(&bill, &options),
    ] {
        let again = read(text.as_bytes()).unwrap();
        assert_eq!(again.entries.len(), bill.entries.len(), "{text}");
    }
});
