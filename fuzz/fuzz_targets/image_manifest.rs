//! Manifests, indexes and configurations: no panic, and what was read as one is never read as the other.
#![no_main]

use image::config::Config;
use image::manifest::{Document, OCI_INDEX, OCI_MANIFEST, Platform};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let read = |announced| Document::read(bytes, announced);
    assert!(!matches!(read(Some(OCI_INDEX)), Ok(Document::Manifest(_))));
    assert!(!matches!(read(Some(OCI_MANIFEST)), Ok(Document::Index(_))));
    match read(None) {
        Ok(Document::Index(index)) => drop(index.select(&Platform::linux("amd64"))),
        Ok(Document::Manifest(manifest)) => assert!(!manifest.layers.is_empty()),
        Err(error) => drop(error.to_string()),
    }
    for layers in 0..3 {
        if let Ok(config) = Config::read(bytes, layers) {
            assert_eq!(config.diff_ids.len(), layers);
        }
    }
});
