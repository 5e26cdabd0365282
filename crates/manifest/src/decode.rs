//! Bytes to text.

use std::borrow::Cow;

/// The bytes are in no encoding that a Kubernetes tool reads.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A UTF-16 file with an odd number of bytes or a broken surrogate pair.
    #[error("damaged UTF-16; save the file as UTF-8")]
    BrokenUtf16,
    /// The file holds NUL bytes and no Kubernetes object, so it is binary or an encoding without a mark.
    #[error("binary data (a NUL byte at byte {0}); not a manifest")]
    Binary(usize),
}

/// Stands for bytes that are no UTF-8. It is no character and YAML forbids it, so that the documents
/// which hold it are refused one by one and their neighbours read; JSON readers put a replacement
/// character in the place of such bytes too, and go on.
pub(crate) const DAMAGED: char = '\u{fffe}';

/// Decodes UTF-8, or UTF-16 with a byte-order mark. The mark itself is dropped.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => Cow::Owned(utf16(rest, u16::from_le_bytes)?),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(utf16(rest, u16::from_be_bytes)?),
        _ => {
            let bytes = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
            std::str::from_utf8(bytes).map_or_else(|_| Cow::Owned(damaged_utf8(bytes)), Cow::Borrowed)
        }
    };
    match memchr::memchr(0, text.as_bytes()) {
        Some(at) if !names_a_kind(&text) => Err(DecodeError::Binary(at)),
        _ => Ok(text),
    }
}

/// Decodes like [`decode`], without a copy of bytes that are UTF-8 already.
pub fn decode_owned(mut bytes: Vec<u8>) -> Result<String, DecodeError> {
    match decode(&bytes)? {
        Cow::Owned(text) => return Ok(text),
        Cow::Borrowed(text) if text.len() < bytes.len() => {
            let mark = bytes.len() - text.len();
            bytes.drain(..mark);
        }
        Cow::Borrowed(_) => {}
    }
    // The bytes were checked above; the second look costs less than a second copy in memory.
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| damaged_utf8(error.as_bytes())))
}

fn damaged_utf8(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(DAMAGED);
        }
    }
    text
}

/// Whether a text could hold a Kubernetes object, in spite of its NUL bytes.
fn names_a_kind(text: &str) -> bool {
    text.as_bytes().windows(4).any(|word| word.eq_ignore_ascii_case(b"kind"))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, DecodeError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(DecodeError::BrokenUtf16);
    }
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .collect::<Result<String, _>>()
        .map_err(|_| DecodeError::BrokenUtf16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_16_and_byte_order_marks_are_read() {
        let le: Vec<u8> =
            std::iter::once(0xfeff).chain("kind: é".encode_utf16()).flat_map(|unit: u16| unit.to_le_bytes()).collect();
        assert_eq!(decode(&le).unwrap(), "kind: é");
        assert_eq!(decode(b"\xef\xbb\xbfkind: Pod").unwrap(), "kind: Pod");
        assert_eq!(decode_owned(le.clone()).unwrap(), "kind: é");
        for bytes in [&b"\xef\xbb\xbfkind: Pod"[..], b"kind: Pod", b"kind: \xff", b""] {
            assert_eq!(decode_owned(bytes.to_vec()).unwrap(), decode(bytes).unwrap());
        }
        assert!(matches!(decode(&le[..le.len() - 1]), Err(DecodeError::BrokenUtf16)));
    }

    #[test]
    fn binary_data_is_told_from_manifests_with_a_nul() {
        assert!(matches!(decode(b"\x7fELF\0\0"), Err(DecodeError::Binary(4))));
        assert!(decode(b"kind: Pod\n---\nkind: \0").is_ok());
    }
}
