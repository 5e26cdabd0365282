//! One header block.

use super::{BLOCK, TarError};

/// The fields of a header that matter here.
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) mode: u32,
    pub(super) size: u64,
    pub(super) kind: u8,
    pub(super) link: Vec<u8>,
    /// Whether blocks of a sparse map follow.
    pub(super) extended_sparse: bool,
}

impl Header {
    pub(super) fn parse(block: &[u8; BLOCK], at: u64) -> Result<Self, TarError> {
        if !sums(block) {
            return Err(TarError::Checksum(at));
        }
        let number = |from: usize, to: usize, field| number(&block[from..to]).ok_or(TarError::Number { field, at });
        let ustar = &block[257..263] == b"ustar\0";
        let gnu = &block[257..265] == b"ustar  \0";
        let mut name = text(&block[0..100]);
        let prefix = text(&block[345..500]);
        if ustar && !prefix.is_empty() {
            name = [prefix, name].join(&b'/');
        }
        Ok(Header {
            name,
            mode: (number(100, 108, "mode")? & 0o7777) as u32,
            size: number(124, 136, "size")?,
            kind: block[156],
            link: text(&block[157..257]),
            extended_sparse: gnu && block[156] == b'S' && block[482] != 0,
        })
    }
}

/// Whether the checksum is right, taken over unsigned bytes as POSIX has it or signed ones as old tools did.
fn sums(block: &[u8; BLOCK]) -> bool {
    let Some(told) = number(&block[148..156]) else { return false };
    let counted = |index: usize| !(148..156).contains(&index);
    let byte = |index: usize, byte: u8| if counted(index) { byte } else { b' ' };
    let unsigned: u64 = block.iter().enumerate().map(|(index, value)| u64::from(byte(index, *value))).sum();
    let signed: i64 = block.iter().enumerate().map(|(index, value)| i64::from(byte(index, *value) as i8)).sum();
    told == unsigned || i64::try_from(told) == Ok(signed)
}

fn text(field: &[u8]) -> Vec<u8> {
    field.split(|byte| *byte == 0).next().unwrap_or(&[]).to_vec()
}

/// A number in octal digits, or in base 256 where the first bit is set. Empty fields are zero.
fn number(field: &[u8]) -> Option<u64> {
    let first = *field.first()?;
    if first & 0x80 != 0 {
        // Negative numbers make no sense in any field that is read here.
        if first & 0x40 != 0 {
            return None;
        }
        let digits = std::iter::once(first & 0x3f).chain(field[1..].iter().copied());
        return digits
            .into_iter()
            .try_fold(0u64, |value, byte| (value >> 55 == 0).then_some(value << 8 | u64::from(byte)));
    }
    let digits = field.iter().skip_while(|byte| matches!(byte, b' ' | 0));
    let mut value = 0u64;
    let mut ended = false;
    for byte in digits {
        match byte {
            b'0'..=b'7' if !ended => value = value.checked_mul(8)?.checked_add(u64::from(byte - b'0'))?,
            // Behind a NUL nobody looks; behind a blank some do.
            0 => break,
            b' ' => ended = true,
            _ => return None,
        }
    }
    Some(value)
}
