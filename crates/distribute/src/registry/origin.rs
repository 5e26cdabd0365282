//! Where a request goes: origins, what may follow a redirect, and which addresses are out of bounds.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};

use ureq::http::Uri;

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Origin {
    pub(super) https: bool,
    /// In lower case, IPv6 in brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

/// How far an address reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// The world.
    Public,
    /// A private network.
    Private,
    /// This machine.
    Loopback,
    /// Link-local, where clouds serve their credentials, and addresses that are none of a host.
    Forbidden,
}

impl Origin {
    /// The origin of an absolute address of http or https without a user's name in it.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let https = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return None;
        }
        let port = match authority.port() {
            Some(port) => port.as_str().parse().ok()?,
            None if https => 443,
            None => 80,
        };
        Some(Origin { https, host: authority.host().to_ascii_lowercase(), port })
    }

    /// The address that the host itself is, where it is no name.
    fn literal(&self) -> Option<IpAddr> {
        self.host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// Whether it names this machine.
    pub(super) fn is_local(&self) -> bool {
        self.host == "localhost" || self.literal().is_some_and(|address| reach(address) == Reach::Loopback)
    }

    /// The nearest reach of its addresses: a host of which all are in a private network is in it. A host that cannot be
    /// resolved here (behind a proxy) counts as public.
    pub(super) fn reach(&self) -> Reach {
        if let Some(address) = self.literal() {
            return reach(address);
        }
        let addresses = (self.host.as_str(), self.port).to_socket_addrs();
        addresses.ok().and_then(|all| all.map(|address| reach(address.ip())).min()).unwrap_or(Reach::Public)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

impl Reach {
    /// Whether somebody with this reach may send a client to an address of reach `target`. A registry in the world may
    /// not send clients into networks that it cannot see itself.
    pub(super) fn may_lead_to(self, target: Reach) -> bool {
        match target {
            Reach::Public => true,
            Reach::Private => self == Reach::Private || self == Reach::Loopback,
            Reach::Loopback => self == Reach::Loopback,
            Reach::Forbidden => false,
        }
    }
}

/// How far an address reaches. IPv4 in IPv6 (mapped, compatible, NAT64, 6to4) is the address that it holds.
pub(super) fn reach(address: IpAddr) -> Reach {
    let address = match address {
        IpAddr::V6(address) => embedded(address).map_or(IpAddr::V6(address), IpAddr::V4),
        address => address,
    };
    match address {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let odd = address.is_link_local() || address.is_multicast() || address.is_broadcast() || a == 0 || a >= 240;
            match () {
                () if odd => Reach::Forbidden,
                () if address.is_loopback() => Reach::Loopback,
                () if address.is_private() || shared => Reach::Private,
                () => Reach::Public,
            }
        }
        IpAddr::V6(address) => match () {
            () if address.is_loopback() => Reach::Loopback,
            () if address.is_unspecified() || address.is_multicast() => Reach::Forbidden,
            () if address.is_unicast_link_local() => Reach::Forbidden,
            () if address.is_unique_local() => Reach::Private,
            () => Reach::Public,
        },
    }
}

fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(of(high, low)),
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

/// The address that `location` names when it is said by `base`.
pub(super) fn join(base: &Uri, location: &str) -> Option<Uri> {
    let plain = location.len() <= LOCATION_BYTES_MAX && location.bytes().all(|byte| (0x21..0x7f).contains(&byte));
    if !plain || location.is_empty() {
        return None;
    }
    let location = location.split('#').next().unwrap_or(location);
    let scheme = base.scheme_str()?;
    let authority = base.authority()?;
    let text = match location {
        text if text.starts_with("//") => format!("{scheme}:{text}"),
        text if text.starts_with('/') => format!("{scheme}://{authority}{text}"),
        text if text.starts_with('?') => format!("{scheme}://{authority}{}{text}", base.path()),
        text => text.to_owned(),
    };
    text.parse().ok()
}

/// Signed addresses of object stores are about 2 KiB.
const LOCATION_BYTES_MAX: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_registry_leads_into_networks_that_it_cannot_see() {
        #[track_caller]
        fn check(address: &str, expect: Reach) {
            assert_eq!(reach(address.parse().expect(address)), expect, "{address}");
        }
        for address in
            ["169.254.169.254", "fe80::1", "0.0.0.0", "::ffff:169.254.169.254", "255.255.255.255", "::", "224.0.0.1"]
        {
            check(address, Reach::Forbidden);
        }
        for address in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"] {
            check(address, Reach::Loopback);
        }
        for address in ["10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "::ffff:10.0.0.1"] {
            check(address, Reach::Private);
        }
        for address in ["1.1.1.1", "2606:4700::1", "172.32.0.1", "100.128.0.1"] {
            check(address, Reach::Public);
        }
        for (from, to, expect) in [
            (Reach::Public, Reach::Public, true),
            (Reach::Public, Reach::Private, false),
            (Reach::Public, Reach::Loopback, false),
            (Reach::Private, Reach::Private, true),
            (Reach::Private, Reach::Loopback, false),
            (Reach::Loopback, Reach::Loopback, true),
            (Reach::Loopback, Reach::Forbidden, false),
        ] {
            assert_eq!(from.may_lead_to(to), expect, "{from:?} to {to:?}");
        }
    }

    #[test]
    fn locations_are_joined_and_origins_have_no_users() {
        let base: Uri = "https://registry.example/v2/a/blobs/x?y=1".parse().expect("an address");
        let joined = |location: &str| join(&base, location).map(|uri| uri.to_string());
        assert_eq!(joined("/v2/b"), Some("https://registry.example/v2/b".to_owned()));
        assert_eq!(joined("//cdn.example/b#c"), Some("https://cdn.example/b".to_owned()));
        assert_eq!(joined("http://cdn.example/b"), Some("http://cdn.example/b".to_owned()));
        assert_eq!(joined(""), None);
        assert_eq!(joined("/a b"), None);
        let origin =
            |text: &str| text.parse::<Uri>().ok().and_then(|uri| Origin::of(&uri)).map(|origin| origin.to_string());
        assert_eq!(origin("HTTPS://Registry.Example/x"), Some("https://registry.example:443".to_owned()));
        for bad in
            ["file:///etc/passwd", "https://user:secret@registry.example/", "ftp://a.example/", "/x", "a.example"]
        {
            assert_eq!(origin(bad), None, "{bad}");
        }
    }
}
