//! `WWW-Authenticate`: no panic, and values come from the header.
#![no_main]

use distribute::registry::challenge::Challenge;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|header: &str| {
    for challenge in Challenge::read(header) {
        assert!(!challenge.scheme.is_empty());
        for (name, value) in &challenge.parameters {
            assert!(!name.is_empty() && value.len() <= header.len());
        }
    }
});
