//! The least that a scan of an image costs: every layer unpacked, and the digests of both sides taken. Nothing else.
//!
//! `cargo run --release -p distribute --example floor -- IMAGE`, where `IMAGE` is an OCI layout or archive, or whatever else
//! `kobuk scan image` takes. What the scan costs above it is what finding packages costs.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use distribute::registry::{Client, Settings};
use distribute::scan::Layers;
use distribute::source::{Location, Opened, Options};
use image::compression::{Compression, Digesting, Unpacked};
use model::digest::Algorithm;

#[allow(clippy::print_stdout)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).ok_or("an image is needed")?;
    let client = Client::new(Settings::default())?;
    let Opened::Image(image) = Location::parse(&name)?.open(&Options::default(), &client)? else {
        return Err("no image".into());
    };
    let (mut stored, mut unpacked) = (0, 0);
    for index in 0..image.count() {
        let promise = image.promise(index);
        let (packed, plain) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let mut reader = Layers::open(&*image, index)?;
        let mut head = Vec::new();
        reader.by_ref().take(4).read_to_end(&mut head)?;
        let compression = Compression::of_bytes(&head);
        let outer = Digesting::new(io::Cursor::new(head).chain(reader), Algorithm::Sha256, Rc::clone(&packed));
        let mut inner = Digesting::new(Unpacked::new(outer, compression)?, Algorithm::Sha256, Rc::clone(&plain));
        let mut buffer = vec![0; BUFFER_BYTES];
        while inner.read(&mut buffer)? > 0 {}
        let (diff_id, unpacker) = inner.finish();
        if diff_id != promise.diff_id || unpacker.finish()?.0.digest() != promise.digest {
            return Err(format!("layer {index} has other digests than promised").into());
        }
        (stored, unpacked) = (stored + packed.get(), unpacked + plain.get());
    }
    println!("{} layers, {stored} bytes stored, {unpacked} bytes unpacked", image.count());
    Ok(())
}

/// As much as the scan asks for at once.
const BUFFER_BYTES: usize = 128 * 1024;
