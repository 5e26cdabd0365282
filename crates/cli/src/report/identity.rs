//! Identifiers computed from content, so that the same input gives the same report.

use aws_lc_rs::digest::{SHA256, digest};
use uuid::Uuid;

/// A version 5 UUID of the parts; the parts cannot run into one another.
pub(crate) fn uuid(parts: &[&str]) -> String {
    let mut name = Vec::new();
    for part in parts {
        name.extend_from_slice(part.as_bytes());
        name.push(0xff);
    }
    Uuid::new_v5(&NAMESPACE, &name).to_string()
}

/// The source expression that allows exactly this inline script or style, Content Security Policy level 3 §2.3.1.
pub(crate) fn csp_hash(text: &str) -> String {
    format!("'sha256-{}'", base64(digest(&SHA256, text.as_bytes()).as_ref()))
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let index = (word >> (18 - 6 * place) & 63) as usize;
            let symbol = ALPHABET.get(index).copied().unwrap_or(b'=');
            out.push(if place <= chunk.len() { char::from(symbol) } else { '=' });
        }
    }
    out
}

/// Names of things in Kobuk's reports, made once at random.
const NAMESPACE: Uuid = Uuid::from_u128(0x0b9f_3c52_7a1e_4d06_9c4b_5f0e_26d1_8a73);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_follows_the_vectors_of_rfc_4648() {
        for (text, code) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(text.as_bytes()), code);
        }
    }

    #[test]
    fn parts_do_not_run_into_one_another() {
        assert_ne!(uuid(&["ab", "c"]), uuid(&["a", "bc"]));
        assert_eq!(uuid(&["a"]).as_bytes()[14], b'5');
    }
}
