//! Names of images: no panic, and the normal form of a name is the normal form of itself.
#![no_main]

use image::reference::Reference;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(name) = text.parse::<Reference>() else { return };
    let normal = name.to_string();
    let again: Reference = normal.parse().expect("the normal form is a name");
    assert_eq!(again.to_string(), normal);
    assert_eq!(
        (again.registry(), again.repository(), again.digest()),
        (name.registry(), name.repository(), name.digest())
    );
    assert!(name.is_within(name.registry()));
    assert!(!name.repository().contains("..") && !normal.contains([' ', '\n', '?', '#', '%', '\\']));
});
