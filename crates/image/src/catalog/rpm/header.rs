//! The header of one package: an index of tags, and the data that they point into.

use std::borrow::Cow;

use super::be32;

pub(super) const NAME: u32 = 1000;
pub(super) const VERSION: u32 = 1001;
pub(super) const RELEASE: u32 = 1002;
pub(super) const EPOCH: u32 = 1003;
pub(super) const VENDOR: u32 = 1011;
pub(super) const LICENSE: u32 = 1014;
pub(super) const ARCH: u32 = 1022;
pub(super) const SOURCE_RPM: u32 = 1044;
pub(super) const REQUIRE_NAME: u32 = 1049;
pub(super) const DIR_INDEXES: u32 = 1116;
pub(super) const BASE_NAMES: u32 = 1117;
pub(super) const DIR_NAMES: u32 = 1118;
pub(super) const MODULARITY_LABEL: u32 = 5096;

/// A header whose index was found whole.
pub(super) struct Header<'a> {
    index: &'a [u8],
    data: &'a [u8],
}

impl<'a> Header<'a> {
    /// Reads the two lengths and sets index and data apart.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let entries = usize::try_from(be32(bytes, 0)?).ok().filter(|entries| (1..=ENTRIES_MAX).contains(entries))?;
        let length = usize::try_from(be32(bytes, 4)?).ok()?;
        let end = 8 + entries * ENTRY_BYTES;
        let index = bytes.get(8..end)?;
        let data = bytes.get(end..end.checked_add(length)?)?;
        Some(Header { index, data })
    }

    /// Type, offset and count of a tag.
    fn entry(&self, tag: u32) -> Option<(u32, usize, usize)> {
        let entry = self.index.chunks_exact(ENTRY_BYTES).find(|entry| be32(entry, 0) == Some(tag))?;
        Some((be32(entry, 4)?, be32(entry, 8)? as usize, be32(entry, 12)? as usize))
    }

    /// The first text of a tag.
    pub(super) fn text(&self, tag: u32) -> Option<Cow<'a, str>> {
        self.texts(tag).next()
    }

    /// The texts of a tag.
    pub(super) fn texts(&self, tag: u32) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        let (mut rest, count) = match self.entry(tag) {
            Some((STRING, offset, _)) => (self.data.get(offset..).unwrap_or_default(), 1),
            Some((STRING_ARRAY | I18N_STRING, offset, count)) => (self.data.get(offset..).unwrap_or_default(), count),
            _ => (&[][..], 0),
        };
        let texts = std::iter::from_fn(move || {
            let end = memchr::memchr(0, rest)?;
            let text = String::from_utf8_lossy(rest.get(..end)?);
            rest = rest.get(end + 1..).unwrap_or_default();
            Some(text)
        });
        texts.take(count)
    }

    /// The first number of a tag.
    pub(super) fn number(&self, tag: u32) -> Option<u32> {
        self.numbers(tag).next()
    }

    /// The numbers of a tag.
    pub(super) fn numbers(&self, tag: u32) -> impl Iterator<Item = u32> + use<'a> {
        let (offset, count) = match self.entry(tag) {
            Some((INT32, offset, count)) => (offset, count),
            _ => (0, 0),
        };
        let data: &'a [u8] = self.data.get(offset..).unwrap_or_default();
        data.chunks_exact(4).take(count).filter_map(|chunk| be32(chunk, 0))
    }
}

const ENTRY_BYTES: usize = 16;

/// rpm itself takes no more tags than this of one header.
const ENTRIES_MAX: usize = 0xffff;

const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;
