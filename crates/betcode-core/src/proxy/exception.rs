//! Hosts that are reached without a proxy.

use core::net::IpAddr;

use super::host_and_port;

/// Some hosts that are reached without a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exception {
    /// All.
    All,
    /// Those with addresses in a network.
    Network {
        /// An address in it.
        address: IpAddr,
        /// How many bits of it all of them share.
        prefix: u8,
    },
    /// One host, and those whose names end in its name.
    Host {
        /// Its name in small letters, or its address.
        name: String,
        /// Only this port.
        port: Option<u16>,
    },
}

impl Exception {
    /// Reads `*`, `example.org`, `.example.org`, `*.example.org`, `10.0.0.0/8`, `10.1.2.3`, and hosts with a port.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "*" {
            return Some(Self::All);
        }
        if let Some((address, prefix)) = text.split_once('/') {
            let address: IpAddr = address.parse().ok()?;
            let prefix: u8 = prefix.parse().ok()?;
            return (prefix <= width(address)).then_some(Self::Network { address, prefix });
        }
        let text = text.strip_prefix('*').unwrap_or(text);
        let (name, port) = host_and_port(text.strip_prefix('.').unwrap_or(text))?;
        let port = port.map(str::parse).transpose().ok()?;
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        (!name.is_empty()).then_some(Self::Host { name, port })
    }

    /// Whether this host is one of them.
    pub fn covers(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        match self {
            Self::All => true,
            Self::Network { address, prefix } => host
                .parse()
                .is_ok_and(|host| shares(*address, host, *prefix)),
            Self::Host { port: Some(it), .. } if *it != port => false,
            Self::Host { name, .. } => {
                host == *name
                    || host
                        .strip_suffix(name.as_str())
                        .is_some_and(|rest| rest.ends_with('.'))
            }
        }
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Whether the first bits are the same.
fn shares(one: IpAddr, other: IpAddr, prefix: u8) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    let behind = u32::from(width(one).saturating_sub(prefix));
    let first = |address| bits(address).checked_shr(behind).unwrap_or_default();
    width(one) == width(other) && first(one) == first(other)
}
