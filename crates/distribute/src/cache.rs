//! What is known of layers, kept from scan to scan by the digest of the unpacked layer.
//!
//! Guarantees: an entry counts only when its checksum is right and it was made by this version of the cataloguers; anything
//! else is as if it were not there. Entries appear whole or not at all, whatever stops the process. A cache that cannot be
//! written costs time, never a result.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::digest;
use image::facts::LayerFacts;
use model::Digest;

mod decode;
mod encode;

/// A folder of entries.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    /// Makes names of files that are being written unique in this process.
    count: AtomicU32,
}

impl Cache {
    /// The cache in a folder, which need not exist.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Cache { folder: folder.into(), count: AtomicU32::new(0) }
    }

    /// What is known of a layer, where `wanted` names what was looked for.
    pub fn load(&self, diff_id: &Digest, wanted: &str) -> Option<LayerFacts> {
        let path = self.path(diff_id, wanted);
        let length = fs::metadata(&path).ok()?.len();
        if length > ENTRY_BYTES_MAX {
            return None;
        }
        let bytes = fs::read(path).ok()?;
        let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(SUM_BYTES)?)?;
        if digest::digest(&digest::SHA256, body).as_ref() != sum {
            return None;
        }
        let body = body.strip_prefix(MAGIC)?;
        let facts = decode::facts(body)?;
        (facts.diff_id == *diff_id).then_some(facts)
    }

    /// Keeps what is known of a layer.
    ///
    /// # Errors
    /// When the folder cannot be written; nothing is left behind then.
    pub fn store(&self, facts: &LayerFacts, wanted: &str) -> io::Result<()> {
        let mut bytes = MAGIC.to_vec();
        encode::facts(facts, &mut bytes);
        let sum = digest::digest(&digest::SHA256, &bytes);
        bytes.extend_from_slice(sum.as_ref());
        let path = self.path(&facts.diff_id, wanted);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let unique = self.count.fetch_add(1, Ordering::Relaxed);
        let draft = folder.join(format!(".{}-{unique}.part", std::process::id()));
        let written = fs::write(&draft, &bytes).and_then(|()| fs::rename(&draft, &path));
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written
    }

    fn path(&self, diff_id: &Digest, wanted: &str) -> PathBuf {
        let hex = diff_id.hex();
        self.folder.join(VERSION).join(wanted).join(hex.get(..2).unwrap_or("")).join(hex)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Changes with every change of what cataloguers find or how it is written down: a digest of all of their source.
const VERSION: &str = concat!("layers-", env!("KOBUK_CATALOGUERS"));

const MAGIC: &[u8] = b"kobuk layer facts 3\n";

const SUM_BYTES: usize = 32;

/// Facts of the largest layers known have some ten megabytes, most of it digests of paths.
const ENTRY_BYTES_MAX: u64 = 512 << 20;

#[cfg(test)]
mod tests;
