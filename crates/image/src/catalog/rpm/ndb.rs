//! ndb: pages of slots that point at blobs.

use super::{DatabaseError, HEADER_BYTES_MAX, le32};

/// Whether the file begins as one.
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RpmP")
}

/// Gives the blob of every package.
pub(super) fn packages(bytes: &[u8], blob: &mut dyn FnMut(&[u8])) -> Result<(), DatabaseError> {
    let pages = le32(bytes, 12).ok_or(DatabaseError::Malformed("the number of slot pages"))? as usize;
    let end = pages.checked_mul(PAGE_BYTES).filter(|end| *end <= bytes.len());
    let slots = bytes.get(HEADER_BYTES..end.ok_or(DatabaseError::Malformed("the pages of slots"))?);
    let slots = slots.ok_or(DatabaseError::Malformed("the pages of slots"))?;
    // Slots may point at one blob many times; together they hold no more than the file does.
    let mut room = bytes.len();
    for slot in slots.chunks_exact(SLOT_BYTES) {
        if !slot.starts_with(b"Slot") {
            return Err(DatabaseError::Malformed("a slot"));
        }
        let (index, offset) = (le32(slot, 4).unwrap_or(0), le32(slot, 8).unwrap_or(0));
        if index == 0 || offset == 0 {
            continue;
        }
        let at = (offset as usize).checked_mul(BLOCK_BYTES).ok_or(DatabaseError::Malformed("a blob"))?;
        let head = at.checked_add(16).and_then(|end| bytes.get(at..end)).ok_or(DatabaseError::Malformed("a blob"))?;
        let length = le32(head, 12).unwrap_or(0) as usize;
        if !head.starts_with(b"BlbS") || le32(head, 4) != Some(index) || length > HEADER_BYTES_MAX {
            return Err(DatabaseError::Malformed("a blob"));
        }
        room = room.checked_sub(length).ok_or(DatabaseError::Circle)?;
        let body = (at + 16).checked_add(length).and_then(|end| bytes.get(at + 16..end));
        blob(body.ok_or(DatabaseError::Malformed("a blob"))?);
    }
    Ok(())
}

const PAGE_BYTES: usize = 4096;
const HEADER_BYTES: usize = 32;
const SLOT_BYTES: usize = 16;
const BLOCK_BYTES: usize = 16;
