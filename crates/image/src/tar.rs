//! A reader of tar streams that never writes anything: ustar, PAX, the forms of GNU and of Solaris-era tools.
//!
//! Guarantees: the walk stays in step with what GNU tar and Go's archive/tar see, because the size that moves it is the one
//! that POSIX gives precedence (PAX before ustar); what they disagree about is refused as [`TarError::Ambiguous`]. Memory is bounded by the buffer and by
//! [`HEADER_BYTES_MAX`]. Content is lent from the buffer, not copied.

use std::io::{self, Read};

mod header;
mod pax;

use header::Header;
use pax::Records;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// Another name of a file of the same archive.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A character or block device.
    Device,
    /// A folder.
    Folder,
    /// A named pipe.
    Fifo,
    /// Something that has no place in a layer; its content is skipped.
    Other(u8),
}

/// The head of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name as bytes, as written.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// Mode bits.
    pub mode: u32,
    /// Bytes of content in the archive that follow.
    pub size: u64,
    /// Target of a link as bytes.
    pub link: Vec<u8>,
    /// Whether file capabilities are recorded.
    pub capabilities: bool,
    /// Whether the file is sparse, so that the content is its map or parts and not the file itself.
    pub sparse: bool,
}

/// The stream is no tar archive that every reader reads alike.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// The stream beneath failed.
    #[error("cannot read the archive")]
    Read(#[source] io::Error),
    /// The stream ends inside an entry.
    #[error("the archive ends inside of the entry at byte {0}")]
    Truncated(u64),
    /// The checksum of a header is wrong.
    #[error("the header at byte {0} has a wrong checksum")]
    Checksum(u64),
    /// A number in a header is none.
    #[error("the {field} of the header at byte {at} is no number")]
    Number {
        /// Which field.
        field: &'static str,
        /// Where the header begins.
        at: u64,
    },
    /// One block of zeros, and then more.
    #[error(
        "one block of zeros at byte {0} is followed by more entries; readers disagree whether the archive ends there"
    )]
    LoneZeros(u64),
    /// Something that some readers take in one way and others in another.
    #[error("the entry at byte {at} {what}; readers disagree about it")]
    Ambiguous {
        /// What it has.
        what: &'static str,
        /// Where its header begins.
        at: u64,
    },
    /// A PAX record is malformed.
    #[error("the extended header at byte {0} is malformed")]
    Pax(u64),
    /// An extended header above the limit.
    #[error("the extended header at byte {0} is longer than {HEADER_BYTES_MAX} bytes")]
    HeaderLong(u64),
}

/// A tar stream.
#[derive(Debug)]
pub struct Archive<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes taken from the stream before `buffer[start]`.
    position: u64,
    /// Content of the current entry that was not taken yet, and the padding behind it.
    content: u64,
    padding: u64,
    globals: Records,
    ended: bool,
}

impl<R: Read> Archive<R> {
    /// An archive at its beginning.
    pub fn new(reader: R) -> Self {
        Archive {
            reader,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            position: 0,
            content: 0,
            padding: 0,
            globals: Records::default(),
            ended: false,
        }
    }

    /// Goes to the next entry; the rest of the current one is skipped. `None` at the end.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, TarError> {
        self.skip_content()?;
        if self.ended {
            return Ok(None);
        }
        let (mut long_name, mut long_link, mut local) = (None, None, None);
        loop {
            let at = self.position;
            let Some(block) = self.block()? else { return Ok(None) };
            if block.iter().all(|byte| *byte == 0) {
                // Two blocks of zeros end an archive. After one alone some readers go on, some stop and some fail.
                self.ended = true;
                return match self.block()? {
                    Some(block) if block.iter().any(|byte| *byte != 0) => Err(TarError::LoneZeros(at)),
                    _ => Ok(None),
                };
            }
            let header = Header::parse(&block, at)?;
            match header.kind {
                b'L' => once(&mut long_name, cut(self.extended(&header, at)?), at)?,
                b'K' => once(&mut long_link, cut(self.extended(&header, at)?), at)?,
                b'x' => {
                    let records = Records::parse(&self.extended(&header, at)?).ok_or(TarError::Pax(at))?;
                    once(&mut local, records, at)?;
                }
                // Go takes the extended headers of Solaris for entries.
                b'X' => return Err(TarError::Ambiguous { what: "is an extended header of Solaris", at }),
                b'g' => {
                    let records = Records::parse(&self.extended(&header, at)?).ok_or(TarError::Pax(at))?;
                    // GNU tar and Python apply global records to what follows, Go does not.
                    if records.place_entries() {
                        return Err(TarError::Ambiguous { what: "gives names or sizes to all entries", at });
                    }
                    self.globals.extend(records);
                }
                _ => return self.entry(header, long_name, long_link, &local.unwrap_or_default(), at).map(Some),
            }
        }
    }

    fn entry(
        &mut self,
        header: Header,
        long_name: Option<Vec<u8>>,
        long_link: Option<Vec<u8>>,
        local: &Records,
        at: u64,
    ) -> Result<Entry, TarError> {
        let record = |name: &str| local.last(name).or_else(|| self.globals.last(name));
        let size = match record("size") {
            Some(text) => pax::number(text).ok_or(TarError::Pax(at))?,
            None => header.size,
        };
        let old_sparse = header.kind == b'S';
        let new_sparse = ["GNU.sparse.major", "GNU.sparse.map", "GNU.sparse.size", "GNU.sparse.numblocks"]
            .iter()
            .any(|name| record(name).is_some());
        // Which of the two counts differs between GNU tar and Go.
        let twice =
            |long: &Option<Vec<u8>>, name| long.is_some() && record(name).is_some_and(|it| Some(it) != long.as_deref());
        if twice(&long_name, "path") || twice(&long_link, "linkpath") {
            return Err(TarError::Ambiguous { what: "has two long names", at });
        }
        let name = record("GNU.sparse.name").or_else(|| record("path")).map(<[u8]>::to_vec);
        let name = name.or(long_name).unwrap_or(header.name);
        let link = record("linkpath").map(<[u8]>::to_vec).or(long_link).unwrap_or(header.link);
        let capabilities = record("SCHILY.xattr.security.capability").is_some();
        let kind = match header.kind {
            // Old archives mark folders by a slash at the end of the name alone.
            b'0' | 0 if name.ends_with(b"/") => EntryKind::Folder,
            b'0' | 0 | b'7' | b'S' => EntryKind::File,
            b'1' => EntryKind::HardLink,
            b'2' => EntryKind::Symlink,
            b'3' | b'4' => EntryKind::Device,
            b'5' | b'D' => EntryKind::Folder,
            b'6' => EntryKind::Fifo,
            other => EntryKind::Other(other),
        };
        // A regular file whose name ends in a slash is a folder that brings content, to all readers.
        let has_content = matches!(kind, EntryKind::File | EntryKind::Other(_)) || matches!(header.kind, b'D' | b'0');
        // All readers agree that a hard link has no content, whatever its size says. With the other kinds some skip as
        // many bytes as the size says and some do not, so that each would see an archive of its own.
        if !has_content && size > 0 && kind != EntryKind::HardLink {
            return Err(TarError::Ambiguous { what: "has a size, and its kind has no content", at });
        }
        let size = if has_content { size } else { 0 };
        if old_sparse && header.extended_sparse {
            self.sparse_blocks(at)?;
        }
        self.content = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
        Ok(Entry { name, kind, mode: header.mode, size, link, capabilities, sparse: old_sparse || new_sparse })
    }

    /// The next piece of the content of the current entry, empty at its end.
    pub fn chunk(&mut self) -> Result<&[u8], TarError> {
        if self.content == 0 {
            return Ok(&[]);
        }
        if self.start == self.end && !self.fill()? {
            return Err(TarError::Truncated(self.position));
        }
        let length = ((self.end - self.start) as u64).min(self.content) as usize;
        let from = self.start;
        self.take(length);
        self.content -= length as u64;
        Ok(&self.buffer[from..from + length])
    }

    /// Reads the stream to its end, so that what digests it sees all bytes.
    pub fn drain(&mut self) -> Result<(), TarError> {
        loop {
            self.take(self.end - self.start);
            if !self.fill()? {
                return Ok(());
            }
        }
    }

    /// Bytes taken from the stream.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The reader beneath.
    pub fn into_inner(self) -> R {
        self.reader
    }

    fn skip_content(&mut self) -> Result<(), TarError> {
        let mut left = self.content.saturating_add(self.padding);
        (self.content, self.padding) = (0, 0);
        while left > 0 {
            if self.start == self.end && !self.fill()? {
                return Err(TarError::Truncated(self.position));
            }
            let length = ((self.end - self.start) as u64).min(left);
            self.take(length as usize);
            left -= length;
        }
        Ok(())
    }

    /// Blocks of a sparse map of old GNU archives that follow the header; each says whether another follows.
    fn sparse_blocks(&mut self, at: u64) -> Result<(), TarError> {
        for _ in 0..SPARSE_BLOCKS_MAX {
            let block = self.block()?.ok_or(TarError::Truncated(at))?;
            if block[504] == 0 {
                return Ok(());
            }
        }
        Err(TarError::HeaderLong(at))
    }

    /// The content of an entry that describes the next one.
    fn extended(&mut self, header: &Header, at: u64) -> Result<Vec<u8>, TarError> {
        if header.size > HEADER_BYTES_MAX as u64 {
            return Err(TarError::HeaderLong(at));
        }
        self.content = header.size;
        self.padding = header.size.wrapping_neg() % BLOCK as u64;
        let mut bytes = Vec::with_capacity(header.size as usize);
        loop {
            let piece = self.chunk()?;
            if piece.is_empty() {
                break;
            }
            bytes.extend_from_slice(piece);
        }
        self.skip_content()?;
        Ok(bytes)
    }

    /// One header block; `None` when the stream ends before it.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, TarError> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            if self.start == self.end && !self.fill()? {
                // Archives without end blocks are common; half a block is a cut one.
                return if filled == 0 { Ok(None) } else { Err(TarError::Truncated(self.position)) };
            }
            let length = (self.end - self.start).min(BLOCK - filled);
            block[filled..filled + length].copy_from_slice(&self.buffer[self.start..self.start + length]);
            self.take(length);
            filled += length;
        }
        Ok(Some(block))
    }

    fn take(&mut self, length: usize) {
        self.start += length;
        self.position += length as u64;
    }

    fn fill(&mut self) -> Result<bool, TarError> {
        (self.start, self.end) = (0, 0);
        loop {
            match self.reader.read(&mut self.buffer) {
                Ok(length) => {
                    self.end = length;
                    return Ok(length > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(TarError::Read(error)),
            }
        }
    }
}

/// Keeps what describes the next entry; a second description of the same kind replaces or joins the first by reader.
fn once<T>(slot: &mut Option<T>, value: T, at: u64) -> Result<(), TarError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(TarError::Ambiguous { what: "is described twice", at }),
    }
}

/// Bytes up to the first NUL.
fn cut(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(end) = memchr::memchr(0, &bytes) {
        bytes.truncate(end);
    }
    bytes
}

const BLOCK: usize = 512;

/// Bytes asked of the stream at once: large enough that calls do not count, small enough for the second-level cache.
const BUFFER_BYTES: usize = 128 * 1024;

/// Longest extended header. Paths end at 4,096 bytes and extended attributes at 64 KiB each; 1 MiB is what Go allows.
pub const HEADER_BYTES_MAX: usize = 1 << 20;

/// Blocks of a sparse map, 21 pieces each: more pieces than a file system gives a file of this age.
const SPARSE_BLOCKS_MAX: usize = 50_000;

#[cfg(test)]
mod tests;
