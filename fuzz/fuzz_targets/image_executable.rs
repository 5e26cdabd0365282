//! Executable files of any bytes, in chunks of any size: no panic.
#![no_main]

use image::catalog::Sink;
use image::executable::Scan;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &[u8])| {
    let (chunk, bytes) = input;
    let mut scan = Scan::new("usr/bin/python3.11", bytes.len() as u64);
    scan.push(b"\x7fELF");
    bytes.chunks(usize::from(chunk).max(1)).for_each(|chunk| scan.push(chunk));
    scan.finish(&mut Sink::default());
});
