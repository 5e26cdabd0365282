//! As much of SQLite's file format as it takes to read one table: <https://www.sqlite.org/fileformat2.html>.

use super::{DatabaseError, Each, HEADER_BYTES_MAX};

/// Gives the blob of every row of the table of packages, and why one cannot be had.
pub(super) fn packages(bytes: &[u8], each: &mut Each<'_>) -> Result<(), DatabaseError> {
    let size = match u16_at(bytes, 16).ok_or(DatabaseError::Malformed("the header"))? {
        1 => 65_536,
        size if size.is_power_of_two() && size >= 512 => usize::from(size),
        _ => return Err(DatabaseError::Malformed("the size of pages")),
    };
    let reserved = usize::from(*bytes.get(20).ok_or(DatabaseError::Malformed("the header"))?);
    let usable = size.checked_sub(reserved).filter(|usable| *usable >= 480);
    let usable = usable.ok_or(DatabaseError::Malformed("the size of pages"))?;
    let file = File { bytes, size, usable };
    let mut root = None;
    // A broken row of the schema matters only when it is that of the table.
    file.table(1, &mut |record| {
        if let Ok(record) = record
            && let Some([kind, name, _, page]) = record.columns::<4>()
            && kind == b"table"
            && name == b"Packages"
        {
            root = number(page);
        }
    })?;
    let root = root.ok_or(DatabaseError::NoTable)?;
    file.table(root, &mut |record| match record {
        Ok(record) => match record.columns::<2>() {
            Some([_, value]) => each(Ok(value)),
            None => each(Err(DatabaseError::Malformed("a row"))),
        },
        Err(error) => each(Err(error)),
    })
}

/// Takes the rows of a table.
type Rows<'a> = dyn FnMut(Result<Record, DatabaseError>) + 'a;

struct File<'a> {
    bytes: &'a [u8],
    size: usize,
    usable: usize,
}

impl<'a> File<'a> {
    /// Walks the leaves of a table's tree. Every page is visited once, so a circle ends; what is broken costs itself alone.
    fn table(&self, root: usize, each: &mut Rows<'_>) -> Result<(), DatabaseError> {
        let mut visited = vec![false; self.bytes.len() / self.size + 1];
        // Cells may point at one place many times; together they hold no more than the file does.
        let mut room = self.bytes.len();
        let mut waiting = vec![root];
        while let Some(number) = waiting.pop() {
            let seen = match visited.get_mut(number) {
                Some(seen) => seen,
                None => {
                    each(Err(DatabaseError::Malformed("a page")));
                    continue;
                }
            };
            if std::mem::replace(seen, true) {
                each(Err(DatabaseError::Circle));
                continue;
            }
            if let Err(error) = self.leaves(number, &mut visited, &mut waiting, &mut room, each) {
                each(Err(error));
                if room == 0 {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The rows of a leaf, or the pages below an interior one.
    fn leaves(
        &self,
        number: usize,
        visited: &mut [bool],
        waiting: &mut Vec<usize>,
        room: &mut usize,
        each: &mut Rows<'_>,
    ) -> Result<(), DatabaseError> {
        let malformed = || DatabaseError::Malformed("a page");
        let page = self.page(number)?;
        // The first page begins with the header of the file.
        let head = if number == 1 { 100 } else { 0 };
        let kind = *page.get(head).ok_or_else(malformed)?;
        let cells = usize::from(u16_at(page, head + 3).ok_or_else(malformed)?);
        let first = head + if kind == INTERIOR { 12 } else { 8 };
        let cell = |index: usize| u16_at(page, first + index * 2).map(usize::from);
        match kind {
            LEAF => {
                for index in 0..cells {
                    let at = cell(index).ok_or_else(malformed)?;
                    let record = self.record(page, at, visited);
                    if let Ok(record) = &record {
                        let left = room.checked_sub(record.0.len());
                        *room = left.unwrap_or(0);
                        left.ok_or(DatabaseError::Circle)?;
                    }
                    each(record);
                }
            }
            INTERIOR => {
                waiting.push(u32_at(page, head + 8).ok_or_else(malformed)? as usize);
                for index in (0..cells).rev() {
                    match cell(index).and_then(|at| u32_at(page, at)) {
                        Some(child) => waiting.push(child as usize),
                        None => each(Err(DatabaseError::Malformed("a cell"))),
                    }
                }
            }
            _ => return Err(malformed()),
        }
        Ok(())
    }

    fn page(&self, number: usize) -> Result<&'a [u8], DatabaseError> {
        let start = number.checked_sub(1).and_then(|index| index.checked_mul(self.size));
        let page = start.and_then(|start| self.bytes.get(start..start.checked_add(self.size)?));
        page.ok_or(DatabaseError::Malformed("a page"))
    }

    /// The payload of a cell, with what of it lies on overflow pages.
    fn record(&self, page: &[u8], at: usize, visited: &mut [bool]) -> Result<Record, DatabaseError> {
        let malformed = || DatabaseError::Malformed("a cell");
        let cell = page.get(at..).ok_or_else(malformed)?;
        let (length, rest) = varint(cell).ok_or_else(malformed)?;
        let (_, rest) = varint(rest).ok_or_else(malformed)?;
        let length = usize::try_from(length).ok().filter(|length| *length <= HEADER_BYTES_MAX).ok_or_else(malformed)?;
        let largest = self.usable - 35;
        if length <= largest {
            return Ok(Record(rest.get(..length).ok_or_else(malformed)?.to_vec()));
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let local = least + (length - least) % (self.usable - 4);
        let local = if local <= largest { local } else { least };
        let mut payload = rest.get(..local).ok_or_else(malformed)?.to_vec();
        let mut next = u32_at(rest, local).ok_or_else(malformed)? as usize;
        // A page belongs to one place.
        while payload.len() < length {
            let seen = visited.get_mut(next).ok_or_else(malformed)?;
            if std::mem::replace(seen, true) {
                return Err(DatabaseError::Circle);
            }
            let page = self.page(next)?;
            next = u32_at(page, 0).ok_or_else(malformed)? as usize;
            let wanted = (length - payload.len()).min(self.usable - 4);
            payload.extend_from_slice(page.get(4..4 + wanted).ok_or_else(malformed)?);
        }
        Ok(Record(payload))
    }
}

/// A row: the types of its columns, then their values.
struct Record(Vec<u8>);

impl Record {
    /// The first columns, as bytes.
    fn columns<const N: usize>(&self) -> Option<[&[u8]; N]> {
        let (head, _) = varint(&self.0)?;
        let head = usize::try_from(head).ok()?;
        let (_, mut types) = varint(self.0.get(..head)?)?;
        let mut values = self.0.get(head..)?;
        let mut columns = [&[][..]; N];
        for column in &mut columns {
            let (kind, rest) = varint(types)?;
            types = rest;
            let length = match kind {
                0 | 8 | 9 => 0,
                1..=4 => kind as usize,
                5 => 6,
                6 | 7 => 8,
                10 | 11 => return None,
                kind => usize::try_from((kind - 12) / 2).ok()?,
            };
            let (value, rest) = values.split_at_checked(length)?;
            (*column, values) = (value, rest);
        }
        Some(columns)
    }
}

/// A number of seven bits a byte, the last of nine bytes with all eight.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for index in 0..9 {
        let byte = *bytes.get(index)?;
        if index == 8 {
            return Some((value << 8 | u64::from(byte), bytes.get(9..)?));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

fn number(bytes: &[u8]) -> Option<usize> {
    (bytes.len() <= 4).then(|| bytes.iter().fold(0, |value, byte| value << 8 | usize::from(*byte)))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    super::be32(bytes, at)
}

const LEAF: u8 = 13;
const INTERIOR: u8 = 5;
