//! Zip archives that may be hostile: jars, wheels, eggs.
//!
//! Entries come from the central directory alone, as the tools that run the archives read it. Every number in it is
//! checked against the bytes that are there; what an entry unpacks to is counted against a budget that all archives inside
//! one file share, so that neither nesting nor ratio can make a small file large.

use std::collections::HashMap;
use std::io::Read;

/// Why an archive or an entry of it could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// There is no end of a central directory.
    #[error("it is no zip archive, or it is cut off")]
    NoDirectory,
    /// The directory, or an entry, points outside the archive.
    #[error("{0:?} points outside the archive")]
    Outside(Box<str>),
    /// More entries than `ENTRIES_MAX`.
    #[error("it has more than {ENTRIES_MAX} entries")]
    Entries,
    /// An entry is packed by another method than stored and deflate, or encrypted.
    #[error("{0:?} is packed in a way that is not read")]
    Method(Box<str>),
    /// An entry is larger than allowed.
    #[error("{0:?} unpacks to more than {1} bytes")]
    Large(Box<str>, u64),
    /// The budget of the whole file is used up.
    #[error("what it holds unpacks to more than {BYTES_MAX} bytes")]
    Budget,
    /// The bytes do not inflate, or their sum differs.
    #[error("{0:?} is damaged")]
    Damaged(Box<str>),
}

/// What may still be unpacked of one file, archives in it included.
#[derive(Debug)]
pub struct Budget {
    bytes: u64,
}

/// The directory of an archive.
#[derive(Debug)]
pub struct Archive<'a> {
    bytes: &'a [u8],
    entries: Vec<Entry>,
    by_name: HashMap<Box<str>, usize>,
}

/// One file in an archive.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Name in normal form: no leading slash, no `.` and `..`, slashes forward; bytes that are not UTF-8 are U+FFFD.
    pub name: Box<str>,
    /// Unpacked size in bytes, as the directory claims.
    pub size: u64,
    packed: u64,
    crc: u32,
    method: u16,
    encrypted: bool,
    offset: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { bytes: BYTES_MAX }
    }
}

impl<'a> Archive<'a> {
    /// Reads the directory. Folders are left out; of entries with one name the last counts.
    ///
    /// # Errors
    ///
    /// When there is no directory, it is cut off, or it has too many entries.
    pub fn open(bytes: &'a [u8]) -> Result<Self, ArchiveError> {
        let end = end_of_directory(bytes).ok_or(ArchiveError::NoDirectory)?;
        let outside = || ArchiveError::Outside("the directory".into());
        if end.count > ENTRIES_MAX {
            return Err(ArchiveError::Entries);
        }
        // Archives may have a program before them; offsets then count from where the archive starts.
        let start = end.at.checked_sub(end.size).ok_or_else(outside)?;
        let shift = start.checked_sub(end.offset).ok_or_else(outside)?;
        let mut rest = bytes.get(usize_of(start)..usize_of(end.at)).ok_or_else(outside)?;
        let mut archive = Archive { bytes, entries: Vec::new(), by_name: HashMap::new() };
        while rest.starts_with(b"PK\x01\x02") {
            let (mut entry, used) = entry(rest).ok_or_else(outside)?;
            rest = rest.get(used..).unwrap_or_default();
            entry.offset = entry.offset.saturating_add(shift);
            if entry.name.is_empty() {
                continue;
            }
            if archive.entries.len() as u64 >= ENTRIES_MAX {
                return Err(ArchiveError::Entries);
            }
            archive.by_name.insert(entry.name.clone(), archive.entries.len());
            archive.entries.push(entry);
        }
        Ok(archive)
    }

    /// All files, in order of the directory.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The file of a name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.by_name.get(name).and_then(|at| self.entries.get(*at))
    }

    /// Unpacks one file of at most `max` bytes and checks its sum.
    ///
    /// # Errors
    ///
    /// When it is too large, damaged, or packed in a way that is not read.
    pub fn read(&self, entry: &Entry, max: u64, budget: &mut Budget) -> Result<Vec<u8>, ArchiveError> {
        let name = || entry.name.clone();
        if entry.encrypted || !matches!(entry.method, 0 | 8) {
            return Err(ArchiveError::Method(name()));
        }
        if entry.size > max {
            return Err(ArchiveError::Large(name(), max));
        }
        let packed = self.packed(entry).ok_or_else(|| ArchiveError::Outside(name()))?;
        let allowed = max.min(budget.bytes);
        let mut out = Vec::new();
        // One byte more than allowed tells a file that fits from one that claims a smaller size than it has.
        let read = match entry.method {
            0 => packed.take(allowed + 1).read_to_end(&mut out),
            _ => flate2::bufread::DeflateDecoder::new(packed).take(allowed + 1).read_to_end(&mut out),
        };
        let length = out.len() as u64;
        budget.bytes = budget.bytes.saturating_sub(length);
        if length > max {
            return Err(ArchiveError::Large(name(), max));
        }
        if length > allowed {
            return Err(ArchiveError::Budget);
        }
        let mut crc = flate2::Crc::new();
        crc.update(&out);
        if read.is_err() || crc.sum() != entry.crc {
            return Err(ArchiveError::Damaged(name()));
        }
        Ok(out)
    }

    fn packed(&self, entry: &Entry) -> Option<&'a [u8]> {
        let local = self.bytes.get(usize_of(entry.offset)..)?;
        if !local.starts_with(b"PK\x03\x04") {
            return None;
        }
        let start = 30 + usize::from(u16_at(local, 26)?) + usize::from(u16_at(local, 28)?);
        local.get(start..)?.get(..usize_of(entry.packed))
    }
}

struct End {
    at: u64,
    count: u64,
    size: u64,
    offset: u64,
}

fn end_of_directory(bytes: &[u8]) -> Option<End> {
    let tail = bytes.len().saturating_sub(22 + COMMENT_MAX);
    let at = tail + memchr::memmem::rfind(bytes.get(tail..)?, b"PK\x05\x06")?;
    let record = bytes.get(at..)?;
    let mut end = End {
        at: at as u64,
        count: u64::from(u16_at(record, 10)?),
        size: u64::from(u32_at(record, 12)?),
        offset: u64::from(u32_at(record, 16)?),
    };
    let wide = end.count == 0xffff || end.size == 0xffff_ffff || end.offset == 0xffff_ffff;
    let locator = at.checked_sub(20).and_then(|at| bytes.get(at..)).filter(|at| at.starts_with(b"PK\x06\x07"));
    if let (true, Some(locator)) = (wide, locator) {
        let at = u64_at(locator, 8)?;
        let record = bytes.get(usize_of(at)..).filter(|at| at.starts_with(b"PK\x06\x06"))?;
        end = End { at, count: u64_at(record, 32)?, size: u64_at(record, 40)?, offset: u64_at(record, 48)? };
    }
    Some(end)
}

/// An entry of the directory and its length there; folders come with an empty name.
fn entry(bytes: &[u8]) -> Option<(Entry, usize)> {
    let name_length = usize::from(u16_at(bytes, 28)?);
    let extra_length = usize::from(u16_at(bytes, 30)?);
    let used = 46 + name_length + extra_length + usize::from(u16_at(bytes, 32)?);
    let raw = bytes.get(46..46 + name_length)?;
    let mut entry = Entry {
        name: normal(raw),
        size: u64::from(u32_at(bytes, 24)?),
        packed: u64::from(u32_at(bytes, 20)?),
        crc: u32_at(bytes, 16)?,
        method: u16_at(bytes, 10)?,
        encrypted: u16_at(bytes, 8)? & 1 != 0,
        offset: u64::from(u32_at(bytes, 42)?),
    };
    let mut extra = bytes.get(46 + name_length..46 + name_length + extra_length)?;
    while let (Some(id), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let field = extra.get(4..4 + usize::from(length)).unwrap_or_default();
        if id == 1 {
            let mut at = 0;
            for value in [&mut entry.size, &mut entry.packed, &mut entry.offset] {
                if *value == 0xffff_ffff {
                    *value = u64_at(field, at)?;
                    at += 8;
                }
            }
        }
        extra = extra.get(4 + usize::from(length)..).unwrap_or_default();
    }
    Some((entry, used))
}

fn normal(raw: &[u8]) -> Box<str> {
    let name = String::from_utf8_lossy(raw).replace('\\', "/");
    if name.ends_with('/') {
        return "".into();
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
    parts.join("/").into()
}

fn usize_of(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The largest jars in use (Scala and cloud SDK bundles) hold some 60,000 files; four times that.
const ENTRIES_MAX: u64 = 250_000;

/// Only inner jars and small texts are unpacked; fat jars of 200 MB are mostly stored jars.
const BYTES_MAX: u64 = 1 << 29;

/// The comment at the end has a length of 16 bits.
const COMMENT_MAX: usize = 0xffff;

#[cfg(test)]
pub(crate) mod tests {
    use super::{Archive, ArchiveError, Budget};

    /// A zip archive of stored files.
    pub(crate) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
        let (mut out, mut directory) = (Vec::new(), Vec::new());
        for (name, bytes) in files {
            let mut crc = flate2::Crc::new();
            crc.update(bytes);
            let offset = out.len() as u32;
            let mut head = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            head.extend(crc.sum().to_le_bytes());
            head.extend((bytes.len() as u32).to_le_bytes());
            head.extend((bytes.len() as u32).to_le_bytes());
            head.extend((name.len() as u16).to_le_bytes());
            head.extend([0, 0]);
            out.extend(b"PK\x03\x04");
            out.extend(&head);
            out.extend(name.as_bytes());
            out.extend(*bytes);
            directory.extend(b"PK\x01\x02\x14\x00");
            directory.extend(&head);
            directory.extend([0; 10]);
            directory.extend(offset.to_le_bytes());
            directory.extend(name.as_bytes());
        }
        let (at, size, count) = (out.len() as u32, directory.len() as u32, files.len() as u16);
        out.extend(directory);
        out.extend(b"PK\x05\x06\0\0\0\0");
        out.extend(count.to_le_bytes());
        out.extend(count.to_le_bytes());
        out.extend(size.to_le_bytes());
        out.extend(at.to_le_bytes());
        out.extend([0, 0]);
        out
    }

    #[test]
    fn files_are_read_by_their_normal_names() {
        let bytes = zip(&[("../a/./b.txt", b"hello"), ("folder/", b"")]);
        let archive = Archive::open(&bytes).unwrap();
        assert_eq!(archive.entries().len(), 1);
        let entry = archive.find("a/b.txt").unwrap();
        assert_eq!(archive.read(entry, 100, &mut Budget::default()).unwrap(), b"hello");
        assert!(matches!(archive.read(entry, 4, &mut Budget::default()), Err(ArchiveError::Large(..))));
    }

    #[test]
    fn a_program_may_stand_before_the_archive() {
        let mut bytes = b"#!/bin/sh\n".to_vec();
        bytes.extend(zip(&[("a", b"x")]));
        let archive = Archive::open(&bytes).unwrap();
        assert_eq!(archive.read(archive.find("a").unwrap(), 9, &mut Budget::default()).unwrap(), b"x");
    }

    #[test]
    fn every_cut_and_every_flipped_byte_is_survived() {
        let bytes = zip(&[("a", b"some text"), ("b", b"more")]);
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0xff;
            for input in [&bytes[..at], &flipped] {
                if let Ok(archive) = Archive::open(input) {
                    for entry in archive.entries() {
                        let _ = archive.read(entry, 100, &mut Budget::default());
                    }
                }
            }
        }
    }
}
