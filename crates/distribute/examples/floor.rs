//! The least that a verified scan of an image costs: every layer unpacked once, SHA-256 taken of both sides, nothing else.
//!
//! `floor FILE-OR-FOLDER` reads an OCI layout, as a folder or as a tar archive of one, on one thread, and prints bytes
//! and the digests. A scan does all of this and reads the files too; docs/images-speed.md compares them.
#![expect(clippy::print_stdout, reason = "a program that measures")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use flate2::bufread::MultiGzDecoder;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: floor FILE-OR-FOLDER")?;
    let path = Path::new(&path);
    if path.is_dir() {
        for entry in fs::read_dir(path.join("blobs/sha256"))? {
            let mut file = File::open(entry?.path())?;
            let size = file.metadata()?.len();
            blob(&mut file, size)?;
        }
        return Ok(());
    }
    let mut file = File::open(path)?;
    let mut at = 0;
    while let Some((name, size)) = head(&mut file, at)? {
        if name.contains("blobs/sha256/") && size > 0 {
            blob(&mut file, size)?;
        }
        at += 512 + size.next_multiple_of(512);
    }
    Ok(())
}

/// Name and size of the entry of a tar archive whose header stands there. Archives of layouts need neither long names
/// nor large numbers.
fn head(file: &mut File, at: u64) -> Result<Option<(String, u64)>, Box<dyn Error>> {
    file.seek(SeekFrom::Start(at))?;
    let mut block = [0; 512];
    match file.read_exact(&mut block) {
        Ok(()) if block[0] != 0 => {}
        Ok(()) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let text = |from: usize, to: usize| String::from_utf8_lossy(&block[from..to]).trim_matches(['\0', ' ']).to_owned();
    Ok(Some((text(0, 100), u64::from_str_radix(&text(124, 136), 8)?)))
}

/// Unpacks a blob if it is a layer in gzip.
fn blob(file: &mut File, size: u64) -> io::Result<()> {
    let mut magic = [0; 2];
    file.read_exact(&mut magic)?;
    if magic != [0x1f, 0x8b] {
        return Ok(());
    }
    file.seek_relative(-2)?;
    let packed =
        BufReader::with_capacity(PACKED_BYTES, Digesting { reader: file.take(size), context: Context::new(&SHA256) });
    let mut unpacker = MultiGzDecoder::new(packed);
    let (mut context, mut buffer, mut unpacked) = (Context::new(&SHA256), vec![0; UNPACKED_BYTES], 0);
    loop {
        let length = unpacker.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        context.update(&buffer[..length]);
        unpacked += length as u64;
    }
    let outer = hex(unpacker.into_inner().into_inner().context);
    println!("{size} bytes sha256:{outer} unpack to {unpacked} bytes sha256:{}", hex(context));
    Ok(())
}

struct Digesting<R> {
    reader: R,
    context: Context,
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.context.update(&buffer[..length]);
        Ok(length)
    }
}

fn hex(context: Context) -> String {
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The buffers of the product.
const PACKED_BYTES: usize = 64 * 1024;
const UNPACKED_BYTES: usize = 128 * 1024;
