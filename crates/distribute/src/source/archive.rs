//! The outer tar archive of an image: which file lies at which offset. Nothing is unpacked.
//!
//! This reads what `docker save`, skopeo, buildah, crane and `tar` write: ustar, GNU long names, PAX paths and sizes.
//! Two entries of one name, and everything else that readers differ in, refuse the archive.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::manifest::MANIFEST_BYTES_MAX;

use super::{SourceError, io_error, shown};

/// The archive cannot be read in one way only.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// No header of tar.
    #[error("no tar header at byte {0}")]
    Header(u64),
    /// An entry is longer than the file.
    #[error("the entry at byte {0} ends after the end of the file")]
    Truncated(u64),
    /// A name of long form.
    #[error("the extended header at byte {0} cannot be read")]
    Extended(u64),
    /// Two entries of one name.
    #[error("{0:?} stands twice in it")]
    Twice(Box<str>),
    /// Too many.
    #[error("more than {ENTRIES_MAX} entries")]
    Many,
    /// A sparse or otherwise odd entry.
    #[error("the entry {0:?} is of a kind that images have none of")]
    Kind(Box<str>),
    /// Links that lead nowhere.
    #[error("the link {0:?} leads to no file in it")]
    Link(Box<str>),
}

/// A tar archive with the offsets of its files.
pub(super) struct Archive {
    file: Arc<File>,
    path: PathBuf,
    entries: HashMap<Box<str>, Entry>,
}

#[derive(Debug)]
enum Entry {
    File {
        offset: u64,
        size: u64,
    },
    /// Path in the archive.
    Link(Box<str>),
}

impl Archive {
    /// Reads all headers.
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        let io = |error| io_error(path, error);
        let metadata = std::fs::metadata(path).map_err(io)?;
        if !metadata.is_file() {
            return Err(SourceError::NotRegular(shown(path)));
        }
        let file = File::open(path).map_err(io)?;
        let mut start = [0; 8];
        let read = file.read_at(&mut start, 0).map_err(io)?;
        super::refuse_compressed(path, start.get(..read).unwrap_or_default())?;
        let entries = entries(&file, metadata.len()).map_err(|error| match error {
            Failure::Io(error) => io_error(path, error),
            Failure::Archive(source) => SourceError::Archive { path: shown(path), source },
        })?;
        Ok(Archive { file: Arc::new(file), path: path.into(), entries })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// A file's bytes, through links inside the archive.
    pub(super) fn read(&self, name: &str) -> Result<Section, SourceError> {
        let mut at = name;
        for _ in 0..LINKS_MAX {
            match self.entries.get(at) {
                Some(Entry::File { offset, size }) => {
                    let end = offset.saturating_add(*size);
                    return Ok(Section { file: Arc::clone(&self.file), at: *offset, end });
                }
                Some(Entry::Link(target)) => at = target,
                None if at == name => return Err(SourceError::Missing(shown(&self.path), name.into())),
                None => break,
            }
        }
        let source = ArchiveError::Link(name.into());
        Err(SourceError::Archive { path: shown(&self.path), source })
    }

    /// A document of the archive, whole.
    pub(super) fn small(&self, name: &str) -> Result<Vec<u8>, SourceError> {
        let section = self.read(name)?;
        if section.size() > MANIFEST_BYTES_MAX as u64 {
            return Err(SourceError::Mismatch {
                place: shown(&self.path.join(name)),
                named: format!("at most {MANIFEST_BYTES_MAX} bytes").into(),
                actual: format!("{} bytes", section.size()).into(),
            });
        }
        let mut bytes = Vec::new();
        let mut section = section;
        section.read_to_end(&mut bytes).map_err(|error| io_error(&self.path, error))?;
        Ok(bytes)
    }
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Archive({:?}, {} entries)", self.path, self.entries.len())
    }
}

/// A part of a file.
#[derive(Debug)]
pub(super) struct Section {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Section {
    pub(super) fn size(&self) -> u64 {
        self.end.saturating_sub(self.at)
    }

    /// The first bytes, without moving.
    pub(super) fn start(&self) -> io::Result<[u8; 4]> {
        let mut start = [0; 4];
        let room = usize::try_from(self.size()).map_or(4, |size| size.min(4));
        self.file.read_exact_at(start.get_mut(..room).unwrap_or_default(), self.at)?;
        Ok(start)
    }
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.size()).map_or(buffer.len(), |size| size.min(buffer.len()));
        let count = self.file.read_at(buffer.get_mut(..room).unwrap_or_default(), self.at)?;
        if count == 0 && room > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at = self.at.saturating_add(count as u64);
        Ok(count)
    }
}

enum Failure {
    Io(io::Error),
    Archive(ArchiveError),
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        Failure::Archive(error)
    }
}

#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

fn entries(file: &File, length: u64) -> Result<HashMap<Box<str>, Entry>, Failure> {
    let mut entries = HashMap::new();
    let mut extended = Extended::default();
    let mut count = 0_usize;
    let mut at = 0_u64;
    while at.saturating_add(BLOCK) <= length {
        let mut header = [0; 512];
        file.read_exact_at(&mut header, at).map_err(Failure::Io)?;
        if header.iter().all(|byte| *byte == 0) {
            return Ok(entries);
        }
        count += 1;
        if count > ENTRIES_MAX {
            return Err(ArchiveError::Many.into());
        }
        check_sum(&header).ok_or(ArchiveError::Header(at))?;
        let kind = header.get(156).copied().unwrap_or_default();
        let is_extension = matches!(kind, b'x' | b'g' | b'L' | b'K');
        let own = number(header.get(124..136).unwrap_or_default()).ok_or(ArchiveError::Header(at))?;
        let size = if is_extension { own } else { extended.size.unwrap_or(own) };
        let data = at.saturating_add(BLOCK);
        // Folders and links have no data, whatever their header says.
        let size = if matches!(kind, b'1' | b'2' | b'5') { 0 } else { size };
        let end = data.checked_add(size).filter(|end| *end <= length).ok_or(ArchiveError::Truncated(at))?;
        if is_extension {
            extend(file, kind, data, size, &mut extended)
                .map_err(|failure| failure.unwrap_or(Failure::Archive(ArchiveError::Extended(at))))?;
        } else {
            let taken = std::mem::take(&mut extended);
            let name = clean("", &taken.path.unwrap_or_else(|| own_name(&header)));
            let link = || taken.link.clone().unwrap_or_else(|| cut(header.get(157..257).unwrap_or_default()).to_vec());
            let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
            let entry = match kind {
                b'0' | 0 | b'7' => Some(Entry::File { offset: data, size }),
                b'1' => Some(Entry::Link(clean("", &link()).into())),
                b'2' => Some(Entry::Link(clean(folder, &link()).into())),
                b'5' => None,
                _ => return Err(ArchiveError::Kind(name.into()).into()),
            };
            if let Some(entry) = entry
                && entries.insert(name.as_str().into(), entry).is_some()
            {
                return Err(ArchiveError::Twice(name.into()).into());
            }
        }
        at = end.div_ceil(BLOCK).saturating_mul(BLOCK);
    }
    // Without the two empty blocks at the end, the archive was cut between entries.
    Err(ArchiveError::Truncated(at).into())
}

/// Reads a GNU long name or PAX records for the entry that follows. `None` is a damaged one.
fn extend(file: &File, kind: u8, at: u64, size: u64, extended: &mut Extended) -> Result<(), Option<Failure>> {
    let size = usize::try_from(size).ok().filter(|size| *size <= EXTENDED_BYTES_MAX).ok_or(None)?;
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, at).map_err(|error| Some(Failure::Io(error)))?;
    match kind {
        b'L' => extended.path = Some(cut(&bytes).to_vec()),
        b'K' => extended.link = Some(cut(&bytes).to_vec()),
        // Global records would hold for all entries after them; only comments (of `git archive`) are passed over.
        _ => {
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (key, value, after) = record(rest).ok_or(None)?;
                match (kind, key) {
                    (b'x', b"path") => extended.path = Some(value.to_vec()),
                    (b'x', b"linkpath") => extended.link = Some(value.to_vec()),
                    (b'x', b"size") => {
                        let digits = std::str::from_utf8(value)
                            .ok()
                            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
                        extended.size = Some(digits.and_then(|text| text.parse().ok()).ok_or(None)?);
                    }
                    (b'g', b"path" | b"linkpath" | b"size") => return Err(None),
                    (_, key) if key.starts_with(b"GNU.sparse") => return Err(None),
                    _ => {}
                }
                rest = after;
            }
        }
    }
    Ok(())
}

/// `LENGTH KEY=VALUE\n`.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(bytes.get(..space)?).ok()?.parse().ok()?;
    let body = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    Some((body.get(..equals)?, body.get(equals + 1..)?, bytes.get(length..)?))
}

fn check_sum(header: &[u8; 512]) -> Option<()> {
    let written = number(header.get(148..156)?)?;
    let sum = |byte: (usize, &u8)| if (148..156).contains(&byte.0) { 32 } else { u64::from(*byte.1) };
    (header.iter().enumerate().map(sum).sum::<u64>() == written).then_some(())
}

/// Octal digits, or GNU's binary form for sizes of 8 GiB and more.
fn number(bytes: &[u8]) -> Option<u64> {
    if let Some((0x80, rest)) = bytes.split_first().map(|(first, rest)| (*first, rest)) {
        return rest.iter().try_fold(0_u64, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let text = bytes.split(|byte| *byte == 0).next()?.trim_ascii();
    let digit = |sum: u64, byte: &u8| {
        matches!(byte, b'0'..=b'7').then(|| sum.checked_mul(8)?.checked_add(u64::from(byte - b'0'))).flatten()
    };
    text.iter().try_fold(0, digit)
}

fn own_name(header: &[u8; 512]) -> Vec<u8> {
    let name = cut(header.get(..100).unwrap_or_default());
    let prefix = cut(header.get(345..500).unwrap_or_default());
    // GNU's old format has times where ustar has the prefix; its magic ends in blanks.
    if prefix.is_empty() || header.get(257..263) != Some(b"ustar\0") {
        return name.to_vec();
    }
    [prefix, b"/", name].concat()
}

fn cut(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A path in the archive without `.`, `..` and empty components, beginning at `folder`. `..` at the root stays there.
fn clean(folder: &str, path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    let mut parts: Vec<&str> = if text.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.join("/")
}

const BLOCK: u64 = 512;
/// `docker save` writes three entries for each layer and one for each blob; a thousand layers in a hundred images.
const ENTRIES_MAX: usize = 400_000;
/// Paths of Linux are at most 4 KiB; PAX headers carry a few of them.
const EXTENDED_BYTES_MAX: usize = 64 << 10;
/// Links to links are not written by any tool.
const LINKS_MAX: usize = 8;
