//! Bytes to text.

use std::borrow::Cow;

/// The bytes are in no encoding that a Kubernetes tool reads.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not UTF-8, and no byte-order mark says otherwise.
    #[error("not valid UTF-8 at byte {0}; save the file as UTF-8")]
    NotUtf8(usize),
    /// A UTF-16 file with an odd number of bytes or a broken surrogate pair.
    #[error("damaged UTF-16; save the file as UTF-8")]
    BrokenUtf16,
    /// The file holds NUL bytes, so it is binary or an encoding without a mark.
    #[error("binary data (a NUL byte at byte {0}); not a manifest")]
    Binary(usize),
}

/// Decodes UTF-8, or UTF-16 with a byte-order mark. The mark itself is dropped.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => Cow::Owned(utf16(rest, u16::from_le_bytes)?),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(utf16(rest, u16::from_be_bytes)?),
        _ => {
            let bytes = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
            Cow::Borrowed(std::str::from_utf8(bytes).map_err(|error| DecodeError::NotUtf8(error.valid_up_to()))?)
        }
    };
    match text.bytes().position(|byte| byte == 0) {
        Some(at) => Err(DecodeError::Binary(at)),
        None => Ok(text),
    }
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
