//! Texts of any bytes: no panic, places that lie in the text, and the same from a stream as from the whole.
#![no_main]

use image::secrets::{Allow, Encoding, Search, search};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let allow = Allow::default();
    let whole = search("app/config", bytes, &allow);
    let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
    assert!(whole.iter().all(|secret| secret.line as usize <= lines && secret.column as usize <= bytes.len() + 1));
    for encoding in [Encoding::Plain, Encoding::Utf16Little, Encoding::Utf16Big] {
        let mut stream = Search::new(encoding, &allow);
        bytes.chunks(7).for_each(|piece| stream.push(piece));
        let (found, left) = stream.finish();
        assert_eq!(left, 0);
        assert!(encoding != Encoding::Plain || found == whole);
    }
    let _ = image::license::detect(bytes);
    let _ = Encoding::of(bytes);
});
