//! A condition on the peer: a host, an address or a network, with or without a port.

use std::net::IpAddr;

use crate::Error;

/// A condition on the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dest {
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Any,
    Network { address: IpAddr, bits: u32 },
    Name(String),
}

impl Dest {
    /// Reads `HOST`, `HOST:PORT`, `:PORT`, `[v6]:PORT` or `NETWORK/BITS`; HOST may be an address. A
    /// name matches the name that the event has for its peer.
    ///
    /// # Errors
    /// [`Error::Dest`] when it is none of these.
    pub fn parse(text: &str) -> Result<Dest, Error> {
        Dest::read(text).ok_or_else(|| Error::Dest { dest: text.to_owned() })
    }

    fn read(text: &str) -> Option<Dest> {
        let whole = |host: Host| Some(Dest { host, port: None });
        if let Ok(address) = text.parse::<IpAddr>() {
            return whole(one(address));
        }
        if let Some((network, bits)) = text.split_once('/') {
            let address: IpAddr = network.parse().ok()?;
            let bits: u32 = bits.parse().ok().filter(|bits| *bits <= width(address))?;
            return whole(network_of(address, bits)?);
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (text, None),
        };
        let inner = host.strip_prefix('[').map(|rest| rest.strip_suffix(']'));
        let host = match (inner, host) {
            (Some(inner), _) => one(inner?.parse().ok()?),
            (None, "") => Host::Any,
            (None, host) => match host.parse() {
                Ok(address) => one(address),
                // A bare IPv6 address with a port is ambiguous.
                Err(_) if host.contains(':') => return None,
                Err(_) => Host::Name(host.to_owned()),
            },
        };
        (host != Host::Any || port.is_some()).then_some(Dest { host, port })
    }

    /// Returns whether a peer is so.
    #[must_use]
    pub fn holds(&self, ip: Option<IpAddr>, port: Option<u16>, name: Option<&str>) -> bool {
        let host = match &self.host {
            Host::Any => ip.is_some(),
            Host::Network { address, bits } => ip.is_some_and(|ip| within(ip, *address, *bits)),
            Host::Name(wanted) => name.is_some_and(|name| name.eq_ignore_ascii_case(wanted)),
        };
        host && self.port.is_none_or(|wanted| port == Some(wanted))
    }

    /// Returns whether only a peer's name can tell.
    #[must_use]
    pub fn is_name(&self) -> bool {
        matches!(self.host, Host::Name(_))
    }

    /// Returns whether a peer of this address and this name can be meant, by some port.
    #[must_use]
    pub fn may_hold(&self, ip: Option<IpAddr>, name: Option<&str>) -> bool {
        Dest { port: None, ..self.clone() }.holds(ip, None, name)
    }
}

fn one(address: IpAddr) -> Host {
    let address = address.to_canonical();
    Host::Network { address, bits: width(address) }
}

/// A network of IPv4 addresses in IPv6 clothes is one of IPv4 addresses.
fn network_of(address: IpAddr, bits: u32) -> Option<Host> {
    match (address, address.to_canonical()) {
        (IpAddr::V6(_), canonical @ IpAddr::V4(_)) => {
            Some(Host::Network { address: canonical, bits: bits.checked_sub(96)? })
        }
        (address, _) => Some(Host::Network { address, bits }),
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Whether `ip` is in the network; an IPv4 address in IPv6 clothes is an IPv4 address.
pub(crate) fn within(ip: IpAddr, network: IpAddr, bits: u32) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let ip = ip.to_canonical();
    let differing = number(ip) ^ number(network);
    ip.is_ipv4() == network.is_ipv4()
        && differing.checked_shr(128 - bits.min(128)).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::Dest;

    fn check(text: &str, ip: &str, port: u16, expected: bool) {
        let dest = Dest::parse(text).expect(text);
        let ip = ip.parse().expect(ip);
        let held = dest.holds(Some(ip), Some(port), Some("api.example.com"));
        assert_eq!(held, expected, "{text} {ip}");
    }

    #[test]
    fn destinations_are_hosts_networks_and_ports() {
        check("10.1.2.3", "10.1.2.3", 80, true);
        check("10.1.2.3", "10.1.2.4", 80, false);
        check("10.1.2.3:443", "10.1.2.3", 80, false);
        check(":80", "10.1.2.3", 80, true);
        check("10.0.0.0/8", "10.200.0.1", 80, true);
        check("10.0.0.0/8", "11.0.0.1", 80, false);
        check("0.0.0.0/0", "11.0.0.1", 80, true);
        check("0.0.0.0/0", "2001:db8::1", 80, false);
        check("[2001:db8::1]:443", "2001:db8::1", 443, true);
        check("2001:db8::/32", "2001:db8:1::1", 443, true);
        check("::ffff:10.0.0.0/104", "10.9.0.1", 80, true);
        check("10.0.0.1", "::ffff:10.0.0.1", 80, true);
        check("API.example.com:443", "192.0.2.1", 443, true);
        check("example.com", "192.0.2.1", 443, false);
    }

    #[test]
    fn what_is_no_destination_is_named() {
        for text in
            ["", ":", "10.0.0.0/33", "x:y", "10.0.0.1:99999", "[::1", "2001:db8::1:zz", "a:b:1"]
        {
            let error = Dest::parse(text).expect_err(text);
            assert_eq!(error.to_string(), format!("cannot read the destination '{text}'"));
        }
    }

    #[test]
    fn an_event_without_a_peer_has_no_destination() {
        for text in [":80", "0.0.0.0/0", "example.com"] {
            assert!(!Dest::parse(text).expect(text).holds(None, None, None), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[0-9a-f:./\\[\\]]{0,20}") {
            let _ = Dest::parse(&text);
        }

        #[test]
        fn an_address_is_in_each_of_its_networks(ip: IpAddr, bits in 0u32..=128) {
            let bits = bits.min(super::width(ip));
            if let Ok(dest) = Dest::parse(&format!("{ip}/{bits}")) {
                prop_assert!(dest.holds(Some(ip), None, None));
            }
        }
    }
}
