//! Addresses as text, as strict as Go's `net/netip`.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::arguments::go_quote;

/// An IP address without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Address {
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

/// Reads an address; says whether it has a zone, which is dropped. The error is in Go's words.
pub(in super::super) fn parse(source: &str) -> Result<(Address, bool), String> {
    match source.bytes().find(|byte| matches!(byte, b'.' | b':' | b'%')) {
        Some(b'.') => Ok((Address::V4(octets(source, source)?.into()), false)),
        Some(b':') => parse_v6(source),
        Some(_) => Err(failed(source, "missing IPv6 address", "")),
        None => Err(failed(source, "unable to parse IP", "")),
    }
}

fn failed(source: &str, why: &str, at: &str) -> String {
    let at = if at.is_empty() { String::new() } else { format!(" (at {})", go_quote(at)) };
    format!("ParseAddr({}): {why}{at}", go_quote(source))
}

fn octets(source: &str, part: &str) -> Result<[u8; 4], String> {
    let mut octets = [0; 4];
    let (mut value, mut digits, mut filled) = (0u32, 0, 0);
    for (at, byte) in part.bytes().enumerate() {
        match byte {
            b'0'..=b'9' => {
                if digits == 1 && value == 0 {
                    return Err(failed(source, "IPv4 field has octet with leading zero", ""));
                }
                value = value * 10 + u32::from(byte - b'0');
                digits += 1;
                if value > 255 {
                    return Err(failed(source, "IPv4 field has value >255", ""));
                }
            }
            b'.' => {
                if at == 0 || at + 1 == part.len() || digits == 0 {
                    return Err(failed(source, "IPv4 field must have at least one digit", &part[at..]));
                }
                if filled == 3 {
                    return Err(failed(source, "IPv4 address too long", ""));
                }
                octets[filled] = value as u8;
                (filled, value, digits) = (filled + 1, 0, 0);
            }
            _ => return Err(failed(source, "unexpected character", part.get(at..).unwrap_or_default())),
        }
    }
    if filled < 3 {
        return Err(failed(source, "IPv4 address too short", ""));
    }
    octets[3] = value as u8;
    Ok(octets)
}

fn parse_v6(source: &str) -> Result<(Address, bool), String> {
    let (mut rest, zone) = source.split_once('%').map_or((source, None), |(rest, zone)| (rest, Some(zone)));
    if zone == Some("") {
        return Err(failed(source, "zone must be a non-empty string", ""));
    }
    let zone = zone.is_some();
    let mut bytes = [0u8; 16];
    let mut filled = 0;
    // Where `::` stands.
    let mut gap = None;
    if let Some(after) = rest.strip_prefix("::") {
        gap = Some(0);
        rest = after;
        if rest.is_empty() {
            return Ok((Address::V6(Ipv6Addr::UNSPECIFIED), zone));
        }
    }
    while filled < 16 {
        let (group, digits) = group(source, rest)?;
        if rest[digits..].starts_with('.') {
            if gap.is_none() && filled != 12 {
                let why = "embedded IPv4 address must replace the final 2 fields of the address";
                return Err(failed(source, why, rest));
            }
            if filled + 4 > 16 {
                let why = "too many hex fields to fit an embedded IPv4 at the end of the address";
                return Err(failed(source, why, rest));
            }
            bytes[filled..filled + 4].copy_from_slice(&octets(source, rest)?);
            filled += 4;
            rest = "";
            break;
        }
        bytes[filled..filled + 2].copy_from_slice(&group.to_be_bytes());
        filled += 2;
        rest = &rest[digits..];
        if rest.is_empty() {
            break;
        }
        let Some(after) = rest.strip_prefix(':') else {
            return Err(failed(source, "unexpected character, want colon", rest));
        };
        if after.is_empty() {
            return Err(failed(source, "colon must be followed by more characters", rest));
        }
        rest = after;
        if let Some(after) = rest.strip_prefix(':') {
            if gap.is_some() {
                return Err(failed(source, "multiple :: in address", rest));
            }
            gap = Some(filled);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
    }
    if !rest.is_empty() {
        return Err(failed(source, "trailing garbage after address", rest));
    }
    spread(source, &mut bytes, filled, gap)?;
    Ok((Address::V6(bytes.into()), zone))
}

/// Fills the place of `::` with zeros.
fn spread(source: &str, bytes: &mut [u8; 16], filled: usize, gap: Option<usize>) -> Result<(), String> {
    match gap {
        None if filled < 16 => return Err(failed(source, "address string too short", "")),
        Some(_) if filled == 16 => {
            return Err(failed(source, "the :: must expand to at least one field of zeros", ""));
        }
        Some(gap) => {
            bytes.copy_within(gap..filled, gap + 16 - filled);
            bytes[gap..gap + 16 - filled].fill(0);
        }
        None => {}
    }
    Ok(())
}

/// A group of up to four hexadecimal digits, and how many they are.
fn group(source: &str, rest: &str) -> Result<(u16, usize), String> {
    let mut value = 0u32;
    let mut digits = 0;
    while let Some(digit) = rest.as_bytes().get(digits).and_then(|byte| char::from(*byte).to_digit(16)) {
        if digits > 3 {
            return Err(failed(source, "each group must have 4 or less digits", rest));
        }
        value = value << 4 | digit;
        digits += 1;
    }
    if digits == 0 {
        return Err(failed(source, "each colon-separated field must have at least one digit", rest));
    }
    Ok((value as u16, digits))
}

impl Address {
    /// 32 or 128.
    pub(super) fn bits(&self) -> u8 {
        if matches!(self, Address::V4(_)) { 32 } else { 128 }
    }

    /// `::ffff:1.2.3.4`
    pub(super) fn is_mapped(&self) -> bool {
        matches!(self, Address::V6(address) if address.to_ipv4_mapped().is_some())
    }

    /// The address of IPv4 that one of IPv6 stands for, or the address itself.
    pub(super) fn unmapped(self) -> Address {
        match self {
            Address::V6(address) => address.to_ipv4_mapped().map_or(self, Address::V4),
            Address::V4(_) => self,
        }
    }

    /// With all but the first bits zero.
    pub(super) fn masked(&self, bits: u8) -> Address {
        match self {
            Address::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
                Address::V4((u32::from(*address) & mask).into())
            }
            Address::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
                Address::V6((u128::from(*address) & mask).into())
            }
        }
    }

    pub(super) fn is_unspecified(&self) -> bool {
        match self {
            Address::V4(address) => address.is_unspecified(),
            Address::V6(address) => address.is_unspecified(),
        }
    }

    pub(super) fn is_loopback(&self) -> bool {
        match self {
            Address::V4(address) => address.is_loopback(),
            Address::V6(address) => address.is_loopback(),
        }
    }

    pub(super) fn is_link_local_multicast(&self) -> bool {
        match self {
            Address::V4(address) => address.octets().starts_with(&[224, 0, 0]),
            Address::V6(address) => address.segments()[0] & 0xff0f == 0xff02,
        }
    }

    pub(super) fn is_link_local_unicast(&self) -> bool {
        match self {
            Address::V4(address) => address.is_link_local(),
            Address::V6(address) => address.is_unicast_link_local(),
        }
    }

    fn is_multicast(&self) -> bool {
        match self {
            Address::V4(address) => address.is_multicast(),
            Address::V6(address) => address.is_multicast(),
        }
    }

    /// Private addresses count as global.
    pub(super) fn is_global_unicast(&self) -> bool {
        !matches!(self, Address::V4(Ipv4Addr::BROADCAST))
            && !self.is_unspecified()
            && !self.is_loopback()
            && !self.is_multicast()
            && !self.is_link_local_unicast()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::V4(address) => address.fmt(f),
            Address::V6(address) => address.fmt(f),
        }
    }
}
