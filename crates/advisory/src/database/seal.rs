//! Checks of what is read, block by block, when it is read for the first time.
//!
//! The body of the file is cut into blocks, and a table that follows it holds a checksum of each. Reading a part of the file
//! compares the blocks that it lies in, once: a lookup of a few packages touches a few blocks and not the whole file, and a
//! byte that was flipped anywhere is an error and never an answer.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::DatabaseError;
use super::format::{HASH_ENTRY, damaged, number_in, split};

/// The bytes of a file of advisories, with what of them has been compared with its checksum so far. Several threads may use
/// it at once.
#[derive(Debug)]
pub struct Content<B> {
    bytes: B,
    compared: Compared,
}

/// A bit for each block that was compared and found right.
pub(super) type Compared = OnceLock<Box<[AtomicU64]>>;

impl<B: AsRef<[u8]>> Content<B> {
    /// Bytes that nothing is known of yet.
    pub fn new(bytes: B) -> Self {
        Self { bytes, compared: Compared::new() }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    pub(super) fn compared(&self) -> &Compared {
        &self.compared
    }
}

/// The body with its checksums.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed<'a> {
    body: &'a [u8],
    sums: &'a [[u8; SUM]],
    compared: &'a [AtomicU64],
}

/// A section of the body. What is asked of it is compared before it is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    sealed: Sealed<'a>,
    start: usize,
    end: usize,
}

impl<'a> Sealed<'a> {
    /// `sums` has been compared with its own checksum.
    pub(super) fn new(body: &'a [u8], sums: &'a [u8], compared: &'a Compared) -> Result<Self, DatabaseError> {
        let (sums, rest) = sums.as_chunks::<SUM>();
        if !rest.is_empty() || sums.len() != body.len().div_ceil(BLOCK) {
            return Err(damaged("the table of checksums"));
        }
        let words = sums.len().div_ceil(64);
        let compared: &[AtomicU64] = compared.get_or_init(|| (0..words).map(|_| AtomicU64::new(0)).collect());
        if compared.len() != words {
            return Err(damaged("the table of checksums"));
        }
        Ok(Self { body, sums, compared })
    }

    pub(super) fn part(self, start: usize, end: usize) -> Result<Part<'a>, DatabaseError> {
        if start > end || end > self.body.len() {
            return Err(damaged("the place of a section"));
        }
        Ok(Part { sealed: self, start, end })
    }

    /// Compares the blocks from `start` to `end` that have not been yet.
    fn compare(self, start: usize, end: usize) -> Result<(), DatabaseError> {
        if start >= end {
            return Ok(());
        }
        for block in start / BLOCK..=(end - 1) / BLOCK {
            let word = self.compared.get(block / 64).ok_or_else(|| damaged("the table of checksums"))?;
            let bit = 1u64 << (block % 64);
            if word.load(Ordering::Relaxed) & bit == 0 {
                self.block(block)?;
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    #[cold]
    fn block(self, block: usize) -> Result<(), DatabaseError> {
        let bytes = self.body.get(block * BLOCK..self.body.len().min((block + 1) * BLOCK));
        let sum = self.sums.get(block).map(|sum| u32::from_le_bytes(*sum));
        match bytes.zip(sum) {
            Some((bytes, sum)) if crc32fast::hash(bytes) == sum => Ok(()),
            _ => Err(DatabaseError::Digest),
        }
    }
}

impl<'a> Part<'a> {
    pub(super) fn len(self) -> usize {
        self.end - self.start
    }

    /// All of it.
    pub(super) fn whole(self) -> Result<&'a [u8], DatabaseError> {
        self.bytes(0, self.len())
    }

    /// `length` bytes from `offset` on.
    pub(super) fn bytes(self, offset: usize, length: usize) -> Result<&'a [u8], DatabaseError> {
        let start = self.start.checked_add(offset).filter(|start| *start <= self.end);
        let end = start.and_then(|start| start.checked_add(length)).filter(|end| *end <= self.end);
        let (start, end) = start.zip(end).ok_or_else(|| damaged("an offset"))?;
        self.sealed.compare(start, end)?;
        self.sealed.body.get(start..end).ok_or_else(|| damaged("an offset"))
    }

    /// The number at `offset`, and where it ends.
    pub(super) fn number(self, offset: u64) -> Result<(u64, usize), DatabaseError> {
        let offset = usize::try_from(offset).map_err(|_| damaged("an offset"))?;
        let room = self.len().checked_sub(offset).ok_or_else(|| damaged("an offset"))?;
        let (number, length) = number_in(self.bytes(offset, room.min(NUMBER_MAX))?)?;
        Ok((number, offset + length))
    }

    /// What stands at `offset` with its length before it, and where it ends.
    pub(super) fn sized(self, offset: u64) -> Result<(&'a [u8], usize), DatabaseError> {
        let (length, start) = self.number(offset)?;
        let length = usize::try_from(length).map_err(|_| damaged("a length"))?;
        Ok((self.bytes(start, length)?, start + length))
    }

    /// The text at `offset`.
    pub(super) fn text(self, offset: u64) -> Result<&'a str, DatabaseError> {
        std::str::from_utf8(self.sized(offset)?.0).map_err(|_| damaged("a text"))
    }

    /// The offsets that stand under a hash in a table that is in order of hashes.
    pub(super) fn under(self, hash: u64) -> Result<Vec<u32>, DatabaseError> {
        let entry = |place: usize| {
            let bytes = self.bytes(place * HASH_ENTRY, HASH_ENTRY)?;
            bytes.as_array().map(split).ok_or_else(|| damaged("a table"))
        };
        let (mut place, mut offsets) =
            (self.place(self.len() / HASH_ENTRY, |place| Ok(entry(place)?.0 < hash))?, Vec::new());
        while place < self.len() / HASH_ENTRY {
            let (found, offset) = entry(place)?;
            if found != hash {
                break;
            }
            offsets.push(offset);
            place += 1;
        }
        Ok(offsets)
    }

    /// The first of `count` places of which `before` does not hold; it holds of none behind that.
    pub(super) fn place(
        self,
        count: usize,
        before: impl Fn(usize) -> Result<bool, DatabaseError>,
    ) -> Result<usize, DatabaseError> {
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            if before(middle)? {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

/// The table of checksums of a body that is given in pieces.
#[derive(Debug)]
pub(super) struct Sums {
    out: Vec<u8>,
    block: crc32fast::Hasher,
    filled: usize,
}

impl Sums {
    pub(super) fn new() -> Self {
        Self { out: Vec::new(), block: crc32fast::Hasher::new(), filled: 0 }
    }

    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.filled));
            self.block.update(now);
            self.filled += now.len();
            if self.filled == BLOCK {
                self.close();
            }
            bytes = later;
        }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.filled > 0 {
            self.close();
        }
        self.out
    }

    fn close(&mut self) {
        let block = std::mem::take(&mut self.block);
        self.out.extend_from_slice(&block.finalize().to_le_bytes());
        self.filled = 0;
    }
}

/// Bytes of a block: what a record and its neighbours take. Larger blocks make lookups read more than they ask for, smaller
/// ones make the table larger than 4 in 1,000 of the file.
pub(super) const BLOCK: usize = 1024;
/// Bytes of a checksum. CRC-32 finds every fault of up to 32 neighbouring bits; against others than chance the digest over
/// everything is compared when a file arrives.
pub(super) const SUM: usize = 4;
/// Bytes of the longest number.
const NUMBER_MAX: usize = 10;
