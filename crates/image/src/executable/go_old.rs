//! The build information of Go before 1.18: two pointers to texts that lie elsewhere in the program. Programs pass by once
//! and are never held whole, so the texts are gathered as they pass, before anything points to them.
//!
//! Only ELF is followed. What cannot be followed is damage.

use memchr::memmem;

use super::go::{BuildInfo, MAGIC};

/// What has passed by of one program.
#[derive(Debug, Default)]
pub(super) struct Old {
    /// Whether the head has the mark of the Go linker; nothing is gathered otherwise.
    go: bool,
    seen_head: bool,
    elf: Elf,
    /// Texts that may be the version of Go, by their offset in the file.
    versions: Vec<(u64, Box<[u8]>)>,
    modules: Option<Box<str>>,
    /// Where version and modules are described, as offsets in the file; `None` for what has no bytes there.
    wanted: Option<[Option<u64>; 2]>,
    /// Address and length of both.
    headers: [Option<(u64, u64)>; 2],
    /// Whether the old form is there.
    present: bool,
}

/// What of an ELF file maps addresses to offsets.
#[derive(Debug, Default)]
struct Elf {
    wide: bool,
    big: bool,
    /// Address, offset, bytes in the file, of each part that is loaded.
    loads: Vec<[u64; 3]>,
}

impl Old {
    /// Looks at the window, whose first byte stands at the offset `base`. Returns from where on it must be kept.
    pub(super) fn look(&mut self, window: &[u8], base: u64, last: bool) -> usize {
        if !self.seen_head {
            self.seen_head = true;
            let head = window.get(..HEAD_BYTES).unwrap_or(window);
            self.go = memmem::find(head, NOTE).is_some();
            self.elf = Elf::read(head).unwrap_or_default();
        }
        let mut keep = window.len();
        for at in memmem::find_iter(window, MAGIC) {
            let Some(blob) = window.get(at..at + BLOB_BYTES) else {
                keep = keep.min(if last { keep } else { at });
                continue;
            };
            if matches!((blob[14], blob[15]), (4 | 8, 0 | 1)) && !self.present {
                self.present = true;
                self.wanted = self.elf.pointers(blob).map(|pointers| pointers.map(|address| self.elf.offset(address)));
            }
        }
        if !self.go {
            return keep;
        }
        self.gather_versions(window, base, last);
        let kept = self.gather_modules(window, last);
        self.gather_headers(window, base);
        keep.min(kept)
    }

    fn gather_versions(&mut self, window: &[u8], base: u64, last: bool) {
        for at in memmem::find_iter(window, b"go1.") {
            let text = window.get(at..(at + VERSION_BYTES_MAX).min(window.len())).unwrap_or_default();
            let offset = base + at as u64;
            let known = self.versions.last().is_some_and(|(other, _)| *other >= offset);
            // What is cut off at the end of the window comes again with the next one.
            if (text.len() == VERSION_BYTES_MAX || last) && !known && self.versions.len() < VERSIONS_MAX {
                self.versions.push((offset, text.into()));
            }
        }
    }

    fn gather_modules(&mut self, window: &[u8], last: bool) -> usize {
        let start = memmem::find(window, START).filter(|_| self.modules.is_none());
        let Some(start) = start else { return window.len() };
        let text = window.get(start + START.len()..).unwrap_or_default();
        match memmem::find(text, END) {
            Some(end) => self.modules = Some(String::from_utf8_lossy(text.get(..end).unwrap_or_default()).into()),
            None if !last && text.len() < super::CAPTURE_MAX => return start,
            None => {}
        }
        window.len()
    }

    fn gather_headers(&mut self, window: &[u8], base: u64) {
        for (header, wanted) in self.headers.iter_mut().zip(self.wanted.unwrap_or_default()) {
            let at = wanted.and_then(|offset| usize::try_from(offset.checked_sub(base)?).ok());
            let bytes = at.and_then(|at| window.get(at..)).unwrap_or_default();
            if header.is_none() {
                *header = self.elf.word(bytes, 0).zip(self.elf.word(bytes, 1));
            }
        }
    }

    /// Whether the old form is there, and what it says where it could be followed.
    pub(super) fn finish(self) -> Option<Option<BuildInfo>> {
        self.present.then(|| {
            let (address, length) = self.headers[0]?;
            let offset = self.elf.offset(address)?;
            let (_, text) = self.versions.iter().find(|(at, _)| *at == offset)?;
            let version = std::str::from_utf8(text.get(..usize::try_from(length).ok()?)?).ok()?;
            // Programs that were built without modules have none.
            let modules = match (self.wanted?[1], self.headers[1]) {
                (None, _) | (_, Some((_, 0))) => "".into(),
                (_, Some(_)) => self.modules?,
                _ => return None,
            };
            Some(BuildInfo { version: version.into(), modules })
        })
    }
}

impl Elf {
    fn read(head: &[u8]) -> Option<Elf> {
        let (wide, big) = (*head.get(4)? == 2, *head.get(5)? == 2);
        let mut elf = Elf { wide, big, loads: Vec::new() };
        if !head.starts_with(b"\x7fELF") {
            return None;
        }
        let table = usize::try_from(elf.number(head, if wide { 32 } else { 28 }, elf.size())?).ok()?;
        let [entry, count] = if wide { [54, 56] } else { [42, 44] }.map(|at| elf.number(head, at, 2));
        let (entry, count) = (usize::try_from(entry?).ok()?, count?.min(PARTS_MAX));
        for index in 0..usize::try_from(count).ok()? {
            let part = head.get(table.checked_add(index.checked_mul(entry)?)?..)?;
            let [offset, address, bytes] = if wide { [8, 16, 32] } else { [4, 8, 16] };
            let word = |at| elf.number(part, at, elf.size());
            if elf.number(part, 0, 4)? == 1 {
                elf.loads.push([word(address)?, word(offset)?, word(bytes)?]);
            }
        }
        Some(elf)
    }

    fn size(&self) -> usize {
        if self.wide { 8 } else { 4 }
    }

    fn number(&self, bytes: &[u8], at: usize, size: usize) -> Option<u64> {
        let bytes = bytes.get(at..at.checked_add(size)?)?;
        let join = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if self.big { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) })
    }

    fn word(&self, bytes: &[u8], index: usize) -> Option<u64> {
        self.number(bytes, index * self.size(), self.size())
    }

    /// The pointers behind the magic, where neither is missing and both are written as the file is.
    fn pointers(&self, blob: &[u8]) -> Option<[u64; 2]> {
        let same = usize::from(*blob.get(14)?) == self.size() && (*blob.get(15)? == 1) == self.big;
        let bytes = blob.get(16..).filter(|_| same)?;
        let pointers = [self.word(bytes, 0)?, self.word(bytes, 1)?];
        (pointers[0] != 0).then_some(pointers)
    }

    fn offset(&self, address: u64) -> Option<u64> {
        self.loads.iter().find_map(|[start, offset, bytes]| {
            let inside = address.checked_sub(*start).filter(|inside| inside < bytes)?;
            offset.checked_add(inside)
        })
    }
}

/// The name of the note that holds the build ID, with its length and the kind of note around it.
const NOTE: &[u8] = b"\x04\0\0\0Go\0\0";

/// ELF header, program headers and notes; the linker of Go puts all of them into the first page.
const HEAD_BYTES: usize = 4096;

/// Magic, size of pointers, flags, and room for two pointers.
const BLOB_BYTES: usize = 32;

/// `go1.17.13b7` and alike with room.
const VERSION_BYTES_MAX: usize = 32;

/// Texts like a version of Go. The Go command itself has some hundred.
const VERSIONS_MAX: usize = 4096;

/// Parts of a program; linkers make about ten.
const PARTS_MAX: u64 = 64;

/// What stands before the list of modules.
const START: &[u8] = b"\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6";

/// And behind it.
const END: &[u8] = b"\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2";
