//! Files of npm of any bytes: no panic.
#![no_main]

use image::catalog::{Input, Sink, all};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for cataloguer in all() {
        if cataloguer.name.starts_with("npm-") {
            (cataloguer.read)(&Input { path: "node_modules/a/package.json", bytes }, &mut Sink::default());
        }
    }
});
