//! Berkeley DB with its hash method, as rpm used it: values lie on chains of overflow pages.

use super::{DatabaseError, Each, HEADER_BYTES_MAX};

/// Whether the file begins as one, in either order of bytes.
pub(super) fn is(bytes: &[u8]) -> bool {
    order(bytes).is_some()
}

/// Gives the blob of every package, and why one cannot be had.
pub(super) fn packages(bytes: &[u8], each: &mut Each<'_>) -> Result<(), DatabaseError> {
    let order = order(bytes).ok_or(DatabaseError::Unknown)?;
    let file = File { bytes, order, page_bytes: 0 };
    let page_bytes = file.u32(20).filter(|size| size.is_power_of_two() && (512..=65_536).contains(size));
    let file = File { page_bytes: page_bytes.ok_or(DatabaseError::Malformed("the size of pages"))? as usize, ..file };
    let pages = bytes.len() / file.page_bytes;
    let mut used = vec![false; pages];
    for number in 1..pages {
        let page = number * file.page_bytes;
        if !matches!(bytes.get(page + 25), Some(&(HASH_UNSORTED | HASH))) {
            continue;
        }
        let entries = usize::from(file.u16(page + 20).unwrap_or(0));
        let room = (file.page_bytes - PAGE_HEADER) / 2;
        if entries > room {
            each(Err(DatabaseError::Malformed("a page")));
        }
        // Keys and values in turn; values of packages are too large for the page.
        for entry in (1..entries.min(room)).step_by(2) {
            let offset = usize::from(file.u16(page + PAGE_HEADER + entry * 2).unwrap_or(0));
            if offset >= file.page_bytes {
                each(Err(DatabaseError::Malformed("an entry")));
                continue;
            }
            if bytes.get(page + offset) != Some(&OFF_PAGE) {
                continue;
            }
            let first = file.u32(page + offset + 4).ok_or(DatabaseError::Malformed("an entry"));
            match first.and_then(|first| file.chain(first, &mut used)) {
                Ok(blob) => each(Ok(&blob)),
                Err(error) => each(Err(error)),
            }
        }
    }
    // The pages before a cut are there.
    let last = file.u32(LAST_PAGE_AT).unwrap_or(0) as usize;
    if last >= pages || !bytes.len().is_multiple_of(file.page_bytes) {
        each(Err(DatabaseError::Malformed("the last page")));
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

fn order(bytes: &[u8]) -> Option<Order> {
    match bytes.get(12..16)? {
        [0x61, 0x15, 0x06, 0x00] => Some(Order::Little),
        [0x00, 0x06, 0x15, 0x61] => Some(Order::Big),
        _ => None,
    }
}

#[derive(Clone, Copy)]
struct File<'a> {
    bytes: &'a [u8],
    order: Order,
    page_bytes: usize,
}

impl File<'_> {
    /// The data on a chain of overflow pages. No page belongs to two values.
    fn chain(&self, first: u32, used: &mut [bool]) -> Result<Vec<u8>, DatabaseError> {
        let mut data = Vec::new();
        let mut next = first as usize;
        while next != 0 {
            let seen = used.get_mut(next).ok_or(DatabaseError::Malformed("an overflow page"))?;
            if std::mem::replace(seen, true) {
                return Err(DatabaseError::Circle);
            }
            let page = next * self.page_bytes;
            if self.bytes.get(page + 25) != Some(&OVERFLOW) {
                return Err(DatabaseError::Malformed("an overflow page"));
            }
            let last = self.u32(page + 16).ok_or(DatabaseError::Malformed("an overflow page"))?;
            let length = match last {
                0 => usize::from(self.u16(page + 22).unwrap_or(0)),
                _ => self.page_bytes - PAGE_HEADER,
            };
            let piece =
                self.bytes.get(page + PAGE_HEADER..page + PAGE_HEADER + length.min(self.page_bytes - PAGE_HEADER));
            data.extend_from_slice(piece.ok_or(DatabaseError::Malformed("an overflow page"))?);
            if data.len() > HEADER_BYTES_MAX {
                return Err(DatabaseError::Malformed("a package header"));
            }
            next = last as usize;
        }
        Ok(data)
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(match self.order {
            Order::Little => u32::from_le_bytes(bytes),
            Order::Big => u32::from_be_bytes(bytes),
        })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(match self.order {
            Order::Little => u16::from_le_bytes(bytes),
            Order::Big => u16::from_be_bytes(bytes),
        })
    }
}

/// Where the first page tells the number of the last one.
const LAST_PAGE_AT: usize = 32;

const PAGE_HEADER: usize = 26;
const HASH_UNSORTED: u8 = 2;
const HASH: u8 = 13;
const OVERFLOW: u8 = 7;
const OFF_PAGE: u8 = 3;
