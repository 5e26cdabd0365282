//! ndb: pages of slots that point at blobs.

use super::{DatabaseError, Each, HEADER_BYTES_MAX, le32};

/// Whether the file begins as one.
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RpmP")
}

/// Gives the blob of every package, and why one cannot be had.
pub(super) fn packages(bytes: &[u8], each: &mut Each<'_>) -> Result<(), DatabaseError> {
    let malformed = DatabaseError::Malformed("the pages of slots");
    let pages = le32(bytes, 12).ok_or(DatabaseError::Malformed("the number of slot pages"))? as usize;
    // A cut file has its first slots.
    let end = pages.checked_mul(PAGE_BYTES).ok_or(malformed)?;
    if end > bytes.len() {
        each(Err(malformed));
    }
    let slots = bytes.get(HEADER_BYTES..end.min(bytes.len())).ok_or(malformed)?;
    // Slots may point at one blob many times; together they hold no more than the file does.
    let mut room = bytes.len();
    for slot in slots.chunks_exact(SLOT_BYTES) {
        if !slot.starts_with(b"Slot") {
            each(Err(DatabaseError::Malformed("a slot")));
            continue;
        }
        let (index, offset) = (le32(slot, 4).unwrap_or(0), le32(slot, 8).unwrap_or(0));
        if index == 0 || offset == 0 {
            continue;
        }
        let body = body(bytes, index, offset);
        if let Ok(body) = body {
            room = room.checked_sub(body.len()).ok_or(DatabaseError::Circle)?;
        }
        each(body);
    }
    Ok(())
}

/// The blob of a slot.
fn body(bytes: &[u8], index: u32, offset: u32) -> Result<&[u8], DatabaseError> {
    let malformed = DatabaseError::Malformed("a blob");
    let at = (offset as usize).checked_mul(BLOCK_BYTES).ok_or(malformed)?;
    let head = at.checked_add(16).and_then(|end| bytes.get(at..end)).ok_or(malformed)?;
    let length = le32(head, 12).unwrap_or(0) as usize;
    if !head.starts_with(b"BlbS") || le32(head, 4) != Some(index) || length > HEADER_BYTES_MAX {
        return Err(malformed);
    }
    let end = (at + 16).checked_add(length);
    end.and_then(|end| bytes.get(at + 16..end)).ok_or(malformed)
}

const PAGE_BYTES: usize = 4096;
const HEADER_BYTES: usize = 32;
const SLOT_BYTES: usize = 16;
const BLOCK_BYTES: usize = 16;
