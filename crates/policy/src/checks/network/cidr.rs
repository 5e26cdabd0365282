//! Address blocks.

use std::net::IpAddr;

/// The address that the metadata services of most clouds answer at.
pub(super) const METADATA: &str = "169.254.169.254/32";

/// An address block: an address and the number of leading bits that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cidr {
    bits: u128,
    prefix: u32,
    width: u32,
}

impl Cidr {
    /// Reads `10.0.0.0/8` or `fd00::/8`. `None` for anything that the API server refuses.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let digits = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix: u32 = if digits { prefix.parse().ok()? } else { return None };
        let (bits, width) = match address.parse().ok()? {
            IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
            IpAddr::V6(address) => (u128::from(address), 128),
        };
        (prefix <= width).then_some(Cidr { bits, prefix, width })
    }

    /// Whether every address of the family is in the block.
    pub(super) fn is_everything(self) -> bool {
        self.prefix == 0
    }

    /// Whether the other block lies inside this one; equal blocks do.
    pub(super) fn covers(self, other: Cidr) -> bool {
        let shift = self.width - self.prefix;
        let head = |bits: u128| bits.checked_shr(shift).unwrap_or(0);
        self.width == other.width && self.prefix <= other.prefix && head(self.bits) == head(other.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::Cidr;

    #[test]
    fn blocks_are_read_as_the_api_server_reads_them() {
        for good in ["10.0.0.0/8", "0.0.0.0/0", "::/0", "fd00::/8", "169.254.169.254/32"] {
            assert!(Cidr::parse(good).is_some(), "{good}");
        }
        for bad in ["", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0/8", "::/129", "a/8", "10.0.0.0/+8"] {
            assert!(Cidr::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_block_covers_what_lies_inside_it() {
        let covers = |outer, inner| Cidr::parse(outer).unwrap().covers(Cidr::parse(inner).unwrap());
        assert!(covers("0.0.0.0/0", "169.254.169.254/32"));
        assert!(covers("10.0.0.0/8", "10.1.0.0/16"));
        assert!(!covers("10.1.0.0/16", "10.0.0.0/8"));
        assert!(!covers("::/0", "10.0.0.0/8"));
        assert!(covers("::/0", "fd00::/8"));
        assert!(covers("fd00::1/128", "fd00::1/128"));
    }
}
