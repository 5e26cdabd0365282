//! Keys written into an EncryptionConfiguration.

use manifest::Value;
use manifest::base64::decode;

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
