//! The bytes of the database file: header, sections, numbers of variable length, strings, sorted hashes.

use super::DatabaseError;
use super::seal::Part;

/// What is found to be wrong in a file that has been opened.
pub(super) fn damaged(what: &'static str) -> DatabaseError {
    DatabaseError::Damaged { what }
}

/// Where a section stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Strings,
    Records,
    Packages,
    PackageIndex,
    IdIndex,
    AliasIndex,
    Exploited,
    Epss,
    Sources,
    Ecosystems,
}

impl Section {
    pub(super) const ALL: [Section; SECTIONS] = [
        Section::Strings,
        Section::Records,
        Section::Packages,
        Section::PackageIndex,
        Section::IdIndex,
        Section::AliasIndex,
        Section::Exploited,
        Section::Epss,
        Section::Sources,
        Section::Ecosystems,
    ];
}

/// A place in bytes that are read from the front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// At a place in bytes that have been compared.
    pub(super) fn at(bytes: &'a [u8], offset: u64) -> Result<Self, DatabaseError> {
        let offset = usize::try_from(offset).map_err(|_| damaged("an offset"))?;
        Ok(Self { rest: bytes.get(offset..).ok_or_else(|| damaged("an offset"))? })
    }

    pub(super) fn byte(&mut self) -> Result<u8, DatabaseError> {
        let (first, rest) = self.rest.split_first().ok_or_else(|| damaged("a record that ends early"))?;
        self.rest = rest;
        Ok(*first)
    }

    /// Little groups of seven bits; at most ten of them hold 64 bits.
    pub(super) fn number(&mut self) -> Result<u64, DatabaseError> {
        let (number, length) = number_in(self.rest)?;
        self.rest = self.rest.get(length..).unwrap_or_default();
        Ok(number)
    }

    /// A number that counts what follows. Each counted thing takes a byte at least, so a greater count is a lie, and
    /// nobody makes room for it.
    pub(super) fn count(&mut self) -> Result<usize, DatabaseError> {
        let count = usize::try_from(self.number()?).map_err(|_| damaged("a count"))?;
        if count > self.rest.len() { Err(damaged("a count")) } else { Ok(count) }
    }

    pub(super) fn time(&mut self) -> Result<Option<i64>, DatabaseError> {
        Ok(match self.number()? {
            0 => None,
            value => {
                let value = value - 1;
                Some((value >> 1) as i64 ^ -((value & 1) as i64))
            }
        })
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], DatabaseError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| damaged("a length"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn sized(&mut self) -> Result<&'a [u8], DatabaseError> {
        let length = self.count()?;
        self.take(length)
    }

    pub(super) fn inline(&mut self) -> Result<&'a str, DatabaseError> {
        std::str::from_utf8(self.sized()?).map_err(|_| damaged("a text"))
    }

    /// A string of the table of strings.
    pub(super) fn string(&mut self, strings: Part<'a>) -> Result<&'a str, DatabaseError> {
        strings.text(self.number()?)
    }

    pub(super) fn list(&mut self, strings: Part<'a>) -> Result<Vec<Box<str>>, DatabaseError> {
        let count = self.count()?;
        (0..count).map(|_| self.string(strings).map(Box::from)).collect()
    }
}

/// The number at the front of bytes, and how many of them it takes.
pub(super) fn number_in(bytes: &[u8]) -> Result<(u64, usize), DatabaseError> {
    let mut value = 0u64;
    for (place, shift) in (0..64).step_by(7).enumerate() {
        let byte = *bytes.get(place).ok_or_else(|| damaged("a record that ends early"))?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((value, place + 1));
        }
    }
    Err(damaged("a number"))
}

pub(super) fn put_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A time; times that no calendar holds are left out.
pub(super) fn put_time(out: &mut Vec<u8>, time: Option<i64>) {
    match time {
        Some(time) if time.unsigned_abs() < 1 << 60 => put_number(out, (((time << 1) ^ (time >> 63)) as u64) + 1),
        _ => out.push(0),
    }
}

pub(super) fn put_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// FNV-1a with a final mix. The index compares the names themselves, so that a collision costs time only.
pub(super) fn hash(parts: &[&str]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325u64;
    for part in parts {
        for byte in part.as_bytes() {
            state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        state = (state ^ 0xff).wrapping_mul(0x0100_0000_01b3);
    }
    state ^= state >> 32;
    state.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The offsets that stand under a hash in a table that has been compared and is in order of hashes.
pub(super) fn under(table: &[u8], hash: u64) -> impl Iterator<Item = u32> {
    let (entries, _) = table.as_chunks::<HASH_ENTRY>();
    let start = entries.partition_point(|entry| split(entry).0 < hash);
    let rest = entries.get(start..).unwrap_or_default().iter().map(split);
    rest.take_while(move |(other, _)| *other == hash).map(|(_, offset)| offset)
}

pub(super) fn split(entry: &[u8; HASH_ENTRY]) -> (u64, u32) {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *entry;
    (u64::from_le_bytes([a, b, c, d, e, f, g, h]), u32::from_le_bytes([i, j, k, l]))
}

/// The table of a list of (hash, offset).
pub(super) fn table(mut entries: Vec<(u64, u32)>) -> Vec<u8> {
    entries.sort_unstable();
    entries.dedup();
    let mut out = Vec::with_capacity(entries.len() * HASH_ENTRY);
    for (hash, offset) in entries {
        out.extend_from_slice(&hash.to_le_bytes());
        out.extend_from_slice(&offset.to_le_bytes());
    }
    out
}

/// `CVE-2024-1234` as a number that sorts; `None` for anything else.
pub(super) fn cve_key(id: &str) -> Option<u64> {
    let (year, number) = id.strip_prefix("CVE-")?.split_once('-')?;
    let digits = |text: &str, most: usize| {
        (!text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<u64>().ok())
            .flatten()
    };
    if number.len() < 4 || number.len() > 4 && number.starts_with('0') {
        return None;
    }
    Some(digits(year, 4)? << 48 | digits(number, 12)?)
}

/// First bytes of every database.
pub(super) const MAGIC: [u8; 8] = *b"KOBUKADV";
/// Version of the format; a reader refuses every other one.
pub(super) const VERSION: u32 = 2;
pub(super) const SECTIONS: usize = 10;
/// Magic, version, checksum of the table of checksums, time of making, count of records, then offset and length per section,
/// digest of what follows the header, digest of the header.
pub(super) const HEADER: usize = 8 + 4 + 4 + 8 + 8 + SECTIONS * 16 + 32 + 32;
pub(super) const HASH_ENTRY: usize = 12;
/// Key, probability, percentile.
pub(super) const EPSS_ENTRY: usize = 16;
