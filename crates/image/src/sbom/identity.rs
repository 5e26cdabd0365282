//! Identifiers that follow from content alone, so that the same bill is the same bytes.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

use model::digest::hex;

/// UUID version 5 in the name space of URLs (RFC 9562), of any bytes.
pub(super) fn uuid(content: &[u8]) -> String {
    let mut input = Vec::with_capacity(content.len() + URL_NAMESPACE.len());
    input.extend_from_slice(&URL_NAMESPACE);
    input.extend_from_slice(content);
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &input);
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash.as_ref()).for_each(|(byte, hash)| *byte = *hash);
    bytes[6] = (bytes[6] & 0x0f) | 0x50;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let digits = hex(&bytes);
    let part = |from, to| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// The first 16 digits of the SHA-256 of a text: enough to keep a million names apart.
pub(super) fn short(text: &str) -> String {
    let mut digits = hex(digest(&SHA256, text.as_bytes()).as_ref());
    digits.truncate(16);
    digits
}

const URL_NAMESPACE: [u8; 16] =
    [0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8];

#[cfg(test)]
mod tests {
    #[test]
    fn the_uuid_is_that_of_the_standard() {
        assert_eq!(super::uuid(b"www.example.com"), "b63cdfa4-3df9-568e-97ae-006c5b8fd652");
    }
}
