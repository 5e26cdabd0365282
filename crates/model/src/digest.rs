//! Content digests as OCI writes them.

use std::fmt;
use std::str::FromStr;

/// `sha256:` or `sha512:` with its lower-case hexadecimal digits: the name of exactly one sequence of bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(Box<str>);

/// Hash functions that OCI registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// The text is no digest that can be verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// No colon between algorithm and digits.
    #[error("`{0}` is no digest; one reads `sha256:` and 64 hexadecimal digits")]
    Malformed(Box<str>),
    /// An algorithm that OCI does not register or that is not safe.
    #[error("digest algorithm `{0}` is not supported; sha256 and sha512 are")]
    Algorithm(Box<str>),
    /// Wrong number of digits, or digits other than `0-9a-f`.
    #[error("digest `{0}` does not have the {1} lower-case hexadecimal digits of its algorithm")]
    Digits(Box<str>, usize),
}

impl Digest {
    /// The digest made of a hash value of 32 (SHA-256) or 64 (SHA-512) bytes; `None` for other lengths.
    pub fn of_hash(hash: &[u8]) -> Option<Self> {
        let prefix = match hash.len() {
            32 => "sha256:",
            64 => "sha512:",
            _ => return None,
        };
        Some(Digest(format!("{prefix}{}", hex(hash)).into()))
    }

    /// The hash function.
    pub fn algorithm(&self) -> Algorithm {
        if self.0.starts_with("sha512:") { Algorithm::Sha512 } else { Algorithm::Sha256 }
    }

    /// The digits after the colon.
    pub fn hex(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, digits)| digits)
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (algorithm, digits) = text.split_once(':').ok_or_else(|| DigestError::Malformed(text.into()))?;
        let expected = match algorithm {
            "sha256" => 64,
            "sha512" => 128,
            _ => return Err(DigestError::Algorithm(algorithm.into())),
        };
        let plain = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if digits.len() != expected || !plain {
            return Err(DigestError::Digits(text.into(), expected));
        }
        Ok(Digest(text.into()))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_its_algorithm_and_exactly_its_digits() {
        let hash = [0xab; 32];
        let digest = Digest::of_hash(&hash).expect("32 bytes");
        assert_eq!(digest.as_str(), format!("sha256:{}", "ab".repeat(32)));
        assert_eq!(digest.as_str().parse::<Digest>(), Ok(digest));
        assert_eq!(Digest::of_hash(&hash[..20]), None);
        for bad in ["", "sha256", "sha1:00", "sha256:00", &format!("sha256:{}", "AB".repeat(32)), "sha256:../../etc"] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }
}
