//! Wheels, metadata and lock files of Python of any bytes: no panic.
#![no_main]

use image::catalog::{Input, Sink, all};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for cataloguer in all() {
        if cataloguer.name.starts_with("python-") {
            (cataloguer.read)(&Input { path: "a-1.0.dist-info/METADATA", bytes }, &mut Sink::default());
        }
    }
});
