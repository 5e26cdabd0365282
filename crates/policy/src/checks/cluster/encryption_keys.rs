//! Keys written into an EncryptionConfiguration.

use manifest::Value;

/// One key with its place.
#[derive(Debug)]
pub(super) struct Key<'d> {
    /// Index of the element in `resources`.
    pub(super) element: usize,
    /// Index of the provider in the element.
    pub(super) provider: usize,
    /// Path of the list that it stands in.
    pub(super) field: String,
    /// The entry.
    pub(super) entry: Value<'d>,
    /// Its name.
    pub(super) name: &'d str,
    /// Its bytes in base64. Never to be printed.
    pub(super) secret: &'d str,
}

/// Providers that keep their keys in the file, with the key lengths that they take.
pub(super) const LOCAL: &[(&str, &[usize])] =
    &[("aesgcm", &[16, 24, 32]), ("aescbc", &[16, 24, 32]), ("secretbox", &[32])];

/// All keys, in order.
pub(super) fn keys<'d>(root: Value<'d>) -> Vec<Key<'d>> {
    let mut found = Vec::new();
    for (element, rules) in root.list("resources").enumerate() {
        for (provider, settings) in rules.list("providers").enumerate() {
            for (kind, _) in LOCAL {
                let Some(local) = settings.get(kind) else { continue };
                for entry in local.list("keys") {
                    found.push(Key {
                        element,
                        provider,
                        field: format!("resources[{element}].providers[{provider}].{kind}.keys"),
                        entry,
                        name: entry.str_at("name").unwrap_or(""),
                        secret: entry.str_at("secret").unwrap_or(""),
                    });
                }
            }
        }
    }
    found
}

/// Whether a key decodes to readable text: random bytes do that once in millions of keys.
pub(super) fn is_typed(secret: &str) -> bool {
    decode(secret).is_some_and(|bytes| bytes.len() >= 16 && bytes.iter().all(|b| (0x20..0x7f).contains(b)))
}

/// The bytes of standard base64 with padding, as Go's decoder takes it: line breaks are skipped.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let symbols: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    if !symbols.len().is_multiple_of(4) {
        return None;
    }
    let padding = symbols.iter().rev().take_while(|byte| **byte == b'=').count();
    if padding > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(symbols.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for symbol in symbols.get(..symbols.len() - padding)? {
        let value = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(((bits >> count) & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{decode, is_typed};

    #[test]
    fn base64_is_read_as_go_reads_it() {
        assert_eq!(decode("aGVsbG8=").as_deref(), Some(&b"hello"[..]));
        assert_eq!(decode("aGVs\nbG8=").as_deref(), Some(&b"hello"[..]));
        assert_eq!(decode("").as_deref(), Some(&b""[..]));
        for bad in ["aGVsbG8", "a===", "aGV$", "aGVsbG8=="] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn readable_keys_are_told_from_random_ones() {
        assert!(is_typed("dGhpcyBpcyBwYXNzd29yZA=="));
        assert!(!is_typed("+qcnfOFX3aRXM9PuY7lQXDWYIQ3GWUdBc3nYBo91SCA="));
    }
}
