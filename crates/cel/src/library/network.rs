//! Addresses and networks: the network extension, and the libraries of Kubernetes that it was made after.

use std::any::Any;
use std::fmt;

use self::address::Address;
use super::arguments::{go_quote, opaque, text};
use crate::context::Context;
use crate::decl::{Env, Library};
use crate::fault::Fault;
use crate::types::Type;
use crate::value::{Opaque, Value};

mod address;

/// The network extension.
pub fn network() -> Library {
    let (ip, cidr) = (Type::opaque(IP), Type::opaque(CIDR));
    let library =
        addresses(Library::default()).function("cidr", "string_to_cidr", &[Type::String], cidr.clone(), |_, args| {
            network_of(text(args, 0)?).map(Value::opaque).map_err(Fault::error)
        });
    networks(library)
        .function("isCIDR", "is_cidr", &[Type::String], Type::Bool, |_, args| {
            Ok(Value::Bool(network_of(text(args, 0)?).is_ok()))
        })
        .method("isMask", "cidr_is_mask", std::slice::from_ref(&cidr), Type::Bool, |_, args| {
            let network = opaque::<Cidr>(args, 0)?;
            Ok(Value::Bool(network.address == network.masked().address))
        })
        .method("containsIP", "cidr_contains_ip_ip", &[cidr.clone(), ip], Type::Bool, contains_ip)
        .method("containsIP", "cidr_contains_ip_string", &[cidr.clone(), Type::String], Type::Bool, |_, args| {
            let address = address_of(text(args, 1)?).map_err(Fault::error)?;
            Ok(Value::Bool(opaque::<Cidr>(args, 0)?.contains(&address)))
        })
        .method("containsCIDR", "cidr_contains_cidr", &[cidr.clone(), cidr.clone()], Type::Bool, contains_cidr)
        .method("containsCIDR", "cidr_contains_cidr_string", &[cidr, Type::String], Type::Bool, |_, args| {
            let inner = network_of(text(args, 1)?).map_err(Fault::error)?;
            Ok(Value::Bool(opaque::<Cidr>(args, 0)?.covers(&inner)))
        })
}

/// Replaces what kube-apiserver's version does otherwise than the specification: addresses of IPv4 written in
/// the hexadecimal form of IPv6 are those of IPv4.
pub(super) fn as_specified(env: &mut Env) {
    env.implement("ip", "string_to_ip", |_, args| {
        unmapped(text(args, 0)?).map(|address| Value::opaque(Ip(address))).map_err(Fault::error)
    });
    env.implement("isIP", "is_ip", |_, args| Ok(Value::Bool(unmapped(text(args, 0)?).is_ok())));
}

/// An address; the mixed form `::ffff:1.2.3.4` is none.
fn unmapped(source: &str) -> Result<Address, String> {
    match address::parse(source) {
        Ok((address, false)) if !source.contains('.') => Ok(address.unmapped()),
        _ => address_of(source),
    }
}

/// Addresses as Kubernetes has them.
pub(super) fn ip() -> Library {
    addresses(Library::default())
}

/// Networks as Kubernetes has them.
pub(super) fn cidr() -> Library {
    let (ip, cidr) = (Type::opaque(IP), Type::opaque(CIDR));
    let library = Library::default().function("cidr", "string_to_cidr", &[Type::String], cidr.clone(), |_, args| {
        loose_network_of(text(args, 0)?).map(Value::opaque).map_err(Fault::error)
    });
    networks(library)
        .function("isCIDR", "is_cidr", &[Type::String], Type::Bool, |_, args| {
            Ok(Value::Bool(loose_network_of(text(args, 0)?).is_ok()))
        })
        .method("containsIP", "cidr_contains_ip_string", &[cidr.clone(), Type::String], Type::Bool, |_, args| {
            // What is wrong with the address is lost, as there.
            let address = address_of(text(args, 1)?).map_err(|_| Fault::no_such_overload())?;
            Ok(Value::Bool(opaque::<Cidr>(args, 0)?.contains(&address)))
        })
        .method("containsIP", "cidr_contains_ip_ip", &[cidr.clone(), ip], Type::Bool, contains_ip)
        .method("containsCIDR", "cidr_contains_cidr_string", &[cidr.clone(), Type::String], Type::Bool, |_, args| {
            let inner = loose_network_of(text(args, 1)?).map_err(Fault::error)?;
            Ok(Value::Bool(opaque::<Cidr>(args, 0)?.covers(&inner)))
        })
        .method("containsCIDR", "cidr_contains_cidr", &[cidr.clone(), cidr], Type::Bool, contains_cidr)
}

const IP: &str = "net.IP";
const CIDR: &str = "net.CIDR";

fn addresses(library: Library) -> Library {
    let of = Type::opaque(IP);
    let one = [of.clone()];
    library
        .constant(IP, Type::of(of.clone()), Value::Type(of.clone().into()))
        .function("ip", "string_to_ip", &[Type::String], of.clone(), |_, args| {
            address_of(text(args, 0)?).map(|address| Value::opaque(Ip(address))).map_err(Fault::error)
        })
        .method("family", "ip_family", &one, Type::Int, |_, args| {
            Ok(Value::Int(if matches!(opaque::<Ip>(args, 0)?.0, Address::V4(_)) { 4 } else { 6 }))
        })
        .function("ip.isCanonical", "ip_is_canonical", &[Type::String], Type::Bool, |_, args| {
            let source = text(args, 0)?;
            Ok(Value::Bool(address_of(source).map_err(Fault::error)?.to_string() == source))
        })
        .method("isUnspecified", "ip_is_unspecified", &one, Type::Bool, |_, args| is(args, Address::is_unspecified))
        .method("isLoopback", "ip_is_loopback", &one, Type::Bool, |_, args| is(args, Address::is_loopback))
        .method("isLinkLocalMulticast", "ip_is_link_local_multicast", &one, Type::Bool, |_, args| {
            is(args, Address::is_link_local_multicast)
        })
        .method("isLinkLocalUnicast", "ip_is_link_local_unicast", &one, Type::Bool, |_, args| {
            is(args, Address::is_link_local_unicast)
        })
        .method("isGlobalUnicast", "ip_is_global_unicast", &one, Type::Bool, |_, args| {
            is(args, Address::is_global_unicast)
        })
        .function("isIP", "is_ip", &[Type::String], Type::Bool, |_, args| {
            Ok(Value::Bool(address_of(text(args, 0)?).is_ok()))
        })
        .function("string", "ip_to_string", &one, Type::String, |_, args| {
            Ok(Value::string(opaque::<Ip>(args, 0)?.0.to_string()))
        })
}

fn networks(library: Library) -> Library {
    let (ip, cidr) = (Type::opaque(IP), Type::opaque(CIDR));
    let one = [cidr.clone()];
    library
        .constant(CIDR, Type::of(cidr.clone()), Value::Type(cidr.clone().into()))
        .method("ip", "cidr_ip", &one, ip, |_, args| Ok(Value::opaque(Ip(opaque::<Cidr>(args, 0)?.address))))
        .method("prefixLength", "cidr_prefix_length", &one, Type::Int, |_, args| {
            Ok(Value::Int(i64::from(opaque::<Cidr>(args, 0)?.bits)))
        })
        .method("masked", "cidr_masked", &one, cidr, |_, args| Ok(Value::opaque(opaque::<Cidr>(args, 0)?.masked())))
        .function("string", "cidr_to_string", &one, Type::String, |_, args| {
            Ok(Value::string(opaque::<Cidr>(args, 0)?.to_string()))
        })
}

fn is<'v>(args: &[Value<'v>], test: fn(&Address) -> bool) -> Result<Value<'v>, Fault> {
    Ok(Value::Bool(test(&opaque::<Ip>(args, 0)?.0)))
}

fn contains_ip<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    Ok(Value::Bool(opaque::<Cidr>(args, 0)?.contains(&opaque::<Ip>(args, 1)?.0)))
}

fn contains_cidr<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    Ok(Value::Bool(opaque::<Cidr>(args, 0)?.covers(opaque(args, 1)?)))
}

/// An address without a zone that is no IPv4 address in the clothes of IPv6.
fn address_of(source: &str) -> Result<Address, String> {
    let (address, zone) = address::parse(source)
        .map_err(|why| format!("IP Address {} parse error during conversion from string: {why}", go_quote(source)))?;
    if zone {
        return Err(format!("IP address {} with zone value is not allowed", go_quote(source)));
    }
    if address.is_mapped() {
        return Err(format!("IPv4-mapped IPv6 address {} is not allowed", go_quote(source)));
    }
    Ok(address)
}

fn network_of(source: &str) -> Result<Cidr, String> {
    let network = Cidr::parse(source)
        .map_err(|why| format!("CIDR {} parse error during conversion from string: {why}", go_quote(source)))?;
    if network.address.is_mapped() {
        return Err(format!("IPv4-mapped IPv6 address {} is not allowed", go_quote(source)));
    }
    Ok(network)
}

fn loose_network_of(source: &str) -> Result<Cidr, String> {
    let parse = |source| {
        let network = Cidr::parse(source)
            .map_err(|why| format!("network address parse error during conversion from string: {why}"))?;
        if network.address.is_mapped() {
            return Err(format!("IPv4-mapped IPv6 address {} is not allowed", go_quote(source)));
        }
        Ok(network)
    };
    // The words stand twice in the API server's message too.
    parse(source).map_err(|why| format!("network address parse error during conversion from string: {why}"))
}

/// An address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip(Address);

/// A network: an address and how many of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    address: Address,
    bits: u8,
}

impl Cidr {
    fn parse(source: &str) -> Result<Cidr, String> {
        let failed = |why: String| format!("netip.ParsePrefix({}): {why}", go_quote(source));
        let (address, bits) = source.rsplit_once('/').ok_or_else(|| failed("no '/'".to_owned()))?;
        let (address, zone) = address::parse(address).map_err(failed)?;
        if zone {
            return Err(failed("IPv6 zones cannot be present in a prefix".to_owned()));
        }
        let is_number = bits.bytes().all(|byte| byte.is_ascii_digit()) && !(bits.len() > 1 && bits.starts_with('0'));
        let count: Option<u64> = if is_number { bits.parse().ok() } else { None };
        let count = count
            .filter(|count| i64::try_from(*count).is_ok())
            .ok_or_else(|| failed(format!("bad bits after slash: {}", go_quote(bits))))?;
        match u8::try_from(count) {
            Ok(bits) if bits <= address.bits() => Ok(Cidr { address, bits }),
            _ => Err(failed("prefix length out of range".to_owned())),
        }
    }

    fn masked(&self) -> Cidr {
        Cidr { address: self.address.masked(self.bits), bits: self.bits }
    }

    fn contains(&self, address: &Address) -> bool {
        self.address.bits() == address.bits() && self.address.masked(self.bits) == address.masked(self.bits)
    }

    fn covers(&self, inner: &Cidr) -> bool {
        self.bits <= inner.bits && self.contains(&inner.address)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl Opaque for Ip {
    fn type_name(&self) -> &'static str {
        IP
    }

    fn equals(&self, other: &dyn Opaque) -> bool {
        other.as_any().downcast_ref::<Ip>() == Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn size(&self) -> u64 {
        u64::from(self.0.bits() / 8)
    }

    fn describe(&self) -> String {
        self.0.to_string()
    }

    fn lost(&self) -> Option<String> {
        Some(format!("unsupported conversion to ref.Val: (netip.Addr){}", self.0))
    }
}

impl Opaque for Cidr {
    fn type_name(&self) -> &'static str {
        CIDR
    }

    fn equals(&self, other: &dyn Opaque) -> bool {
        other.as_any().downcast_ref::<Cidr>() == Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn size(&self) -> u64 {
        u64::from(self.bits.div_ceil(8))
    }

    fn describe(&self) -> String {
        self.to_string()
    }

    fn lost(&self) -> Option<String> {
        Some(format!("unsupported conversion to ref.Val: (netip.Prefix){self}"))
    }
}

/// Whether a text is an address of IPv6, with or without a zone; the error is in Go's words.
pub(super) fn is_v6(source: &str) -> Result<bool, String> {
    address::parse(source).map(|(address, _)| matches!(address, Address::V6(_)))
}
