//! Layers of any bytes: no panic, no run away, and entries that lie within the stream one after the other.
#![no_main]

use image::layer::{Promise, scan};
use image::scanner::{Options, Table};
use image::secrets::Allow;
use image::tar::Archive;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut archive = Archive::new(bytes);
    let mut content = 0u64;
    while let Ok(Some(entry)) = archive.next_entry() {
        let mut taken = 0;
        while let Ok(piece) = archive.chunk() {
            if piece.is_empty() {
                break;
            }
            taken += piece.len() as u64;
        }
        content += taken;
        assert!(taken <= entry.size);
        assert!(archive.position() <= bytes.len() as u64 && content <= bytes.len() as u64);
    }
    let table = Table::new(image::catalog::all(), true);
    let options = Options {
        table: &table,
        secrets: true,
        allow: Allow::default(),
        known_bad: None,
        markers: true,
        executables: Some(image::scanner::executables),
        over: None,
    };
    let promise = Promise { media_type: "".into(), digest: None, size: None, diff_id: None };
    if let Ok(facts) = scan(bytes, &promise, &options) {
        assert!(facts.files.is_sorted_by(|a, b| a.path < b.path) && facts.hides.is_sorted());
    }
});
