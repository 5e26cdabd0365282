//! Names what is kept of layers after the code that found it, so that a change of the code forgets it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where the code lies that decides what is found in a layer, and how it is written down.
const PLACES: [&str; 4] = ["../image/src", "../model/src", "src/cache", "src/cache.rs"];

fn main() -> io::Result<()> {
    let mut files = Vec::new();
    for place in PLACES {
        println!("cargo::rerun-if-changed={place}");
        collect(Path::new(place), &mut files)?;
    }
    files.sort();
    let mut hash = OFFSET;
    // Tests decide nothing.
    for file in files.iter().filter(|file| !file.ends_with("tests.rs")) {
        mix(&mut hash, file.to_string_lossy().as_bytes());
        mix(&mut hash, &fs::read(file)?);
    }
    println!("cargo::rustc-env=KOBUK_CATALOGUERS={hash:032x}");
    Ok(())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}

/// FNV-1a of 128 bits: nobody is kept out by it, it only has to differ where the code does.
fn mix(hash: &mut u128, bytes: &[u8]) {
    for byte in bytes {
        *hash = (*hash ^ u128::from(*byte)).wrapping_mul(PRIME);
    }
    *hash = (*hash ^ bytes.len() as u128).wrapping_mul(PRIME);
}

const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
