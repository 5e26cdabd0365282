//! Package URLs: what is read is written in a form that reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::purl::{Purl, package, purl};

fuzz_target!(|text: &str| {
    let strict = Purl::parse(text);
    let Ok(read) = Purl::parse_lenient(text) else {
        assert!(strict.is_err(), "{text}");
        return;
    };
    if let Ok(strict) = strict {
        assert_eq!(strict, read);
    }
    let written = read.to_string();
    assert_eq!(Purl::parse_lenient(&written), Ok(read.clone()), "{written}");
    if let Some(package) = package(&read) {
        let _ = purl(&package, None).to_string();
    }
});
