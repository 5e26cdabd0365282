//! Java archives of any bytes: no panic, bounded depth and memory.
#![no_main]

use image::catalog::{Input, Sink, all};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for cataloguer in all() {
        if cataloguer.name.starts_with("java-archive") {
            (cataloguer.read)(&Input { path: "a-1.0.jar", bytes }, &mut Sink::default());
        }
    }
});
