//! Records of PAX extended headers: `LENGTH NAME=VALUE\n`.

/// Records in order.
#[derive(Debug, Default)]
pub(super) struct Records(Vec<Record>);

/// Name and value.
type Record = (Box<[u8]>, Box<[u8]>);

impl Records {
    /// Reads records; `None` when one is malformed.
    pub(super) fn parse(mut bytes: &[u8]) -> Option<Self> {
        let mut records = Vec::new();
        while !bytes.is_empty() {
            let blank = bytes.iter().take(LENGTH_DIGITS_MAX + 1).position(|byte| *byte == b' ')?;
            let length = usize::try_from(number(bytes.get(..blank)?)?).ok()?;
            let record = bytes.get(blank + 1..length)?;
            let record = record.strip_suffix(b"\n")?;
            let equals = record.iter().position(|byte| *byte == b'=')?;
            let (name, value) = (&record[..equals], &record[equals + 1..]);
            // A NUL in a path or link would end it for one reader and not for another.
            if name.is_empty() || (matches!(name, b"path" | b"linkpath") && value.contains(&0)) {
                return None;
            }
            records.push((name.into(), value.into()));
            bytes = bytes.get(length..)?;
        }
        Some(Records(records))
    }

    pub(super) fn extend(&mut self, later: Records) {
        self.0.extend(later.0);
        // Global records replace earlier ones of their name; archives with thousands of global headers exist.
        if self.0.len() > RECORDS_MAX {
            let keep = self.0.len() - RECORDS_MAX;
            self.0.drain(..keep);
        }
    }

    /// Whether a record changes what an entry is called or where the next one begins.
    pub(super) fn place_entries(&self) -> bool {
        let placing = |name: &[u8]| matches!(name, b"path" | b"linkpath" | b"size") || name.starts_with(b"GNU.sparse.");
        self.0.iter().any(|(name, _)| placing(name))
    }

    /// The last value of that name; an empty one stands for none.
    pub(super) fn last(&self, name: &str) -> Option<&[u8]> {
        let (_, value) = self.0.iter().rev().find(|(key, _)| &**key == name.as_bytes())?;
        (!value.is_empty()).then_some(value)
    }
}

/// Decimal digits.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |value, byte| {
        byte.is_ascii_digit().then(|| value.checked_mul(10)?.checked_add(u64::from(byte - b'0')))?
    })
}

/// Digits of the length of a record; those of 1 MiB are seven.
const LENGTH_DIGITS_MAX: usize = 10;

/// Global records kept.
const RECORDS_MAX: usize = 256;
