//! Which way a connection goes: proxies as people write them, and the hosts that are reached without one. Connects to
//! nothing; variables are given, not read.
//!
//! Laws:
//! - a setting replaces the variable of its meaning; `direct` replaces it by no proxy at all;
//! - of the variables `HTTPS_PROXY` counts before `ALL_PROXY`, and that before `HTTP_PROXY`; small letters count before
//!   large ones, and an empty one counts as none; `HTTP_PROXY` is left out where `REQUEST_METHOD` is set, for there somebody
//!   else may have set it;
//! - neither a name nor a password of a proxy is ever printed, and no error quotes what was written.

use core::net::{IpAddr, Ipv6Addr};
use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::config::Secret;

mod exception;

pub use exception::Exception;

/// The variables that name a proxy, the one that counts most first.
const VARIABLES: [&str; 3] = ["https_proxy", "all_proxy", "http_proxy"];
const EXCEPTIONS: &str = "no_proxy";
/// Where this is set, a request may have set `HTTP_PROXY`.
const REQUEST: &str = "REQUEST_METHOD";
/// The word for no proxy, whatever variables say.
pub const DIRECT: &str = "direct";

/// How one speaks with a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// With `CONNECT`.
    Http,
    /// With `CONNECT`, inside TLS.
    Https,
    /// SOCKS 5, with addresses that are found here.
    Socks5,
    /// SOCKS 5, with names that the proxy looks up.
    Socks5h,
}

impl Scheme {
    const ALL: [Self; 4] = [Self::Http, Self::Https, Self::Socks5, Self::Socks5h];

    /// Its name in an address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    const fn usual_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 | Self::Socks5h => 1080,
        }
    }
}

/// A proxy. Printed without who one is to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// How one speaks with it.
    pub scheme: Scheme,
    /// Its name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who one is to it.
    pub credentials: Option<Credentials>,
}

/// Who one is to a proxy; never printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub user: Secret,
    /// The password; may be empty.
    pub password: Secret,
}

/// Why something is no proxy. It never says what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadProxy {
    /// Another way of speaking.
    #[error("its scheme is none of http, https, socks5 and socks5h")]
    Scheme,
    /// No host, or nothing that can be one.
    #[error("its host is missing or no name and no address")]
    Host,
    /// Not a port.
    #[error("its port is no number from 1 to 65535")]
    Port,
    /// A path or a query.
    #[error("something follows behind its host and port")]
    Path,
    /// Name or password.
    #[error(
        "its name or password cannot be read; characters such as @ : / and % are written %40 %3A %2F %25"
    )]
    Credentials,
}

impl Proxy {
    /// Reads `scheme://name:password@host:port`; only the host must be there.
    pub fn read(text: &str) -> Result<Self, BadProxy> {
        let (scheme, rest) = match text.trim().split_once("://") {
            Some((scheme, rest)) => {
                let named = |known: &Scheme| scheme.eq_ignore_ascii_case(known.name());
                (
                    Scheme::ALL
                        .into_iter()
                        .find(named)
                        .ok_or(BadProxy::Scheme)?,
                    rest,
                )
            }
            None => (Scheme::Http, text.trim()),
        };
        let (credentials, rest) = match rest.rsplit_once('@') {
            Some((credentials, rest)) => (Some(credentials), rest),
            None => (None, rest),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(BadProxy::Path);
        }
        let (host, port) = host_and_port(rest).ok_or(BadProxy::Host)?;
        let port = match port {
            Some(port) => port.parse().ok().filter(|port| *port != 0),
            None => Some(scheme.usual_port()),
        };
        Ok(Self {
            scheme,
            host,
            port: port.ok_or(BadProxy::Port)?,
            credentials: credentials.map(Credentials::read).transpose()?,
        })
    }

    /// The whole address with name and password, for the file in which it is kept.
    pub fn reveal(&self) -> String {
        let credentials = self.credentials.as_ref().map(Credentials::reveal);
        self.address(credentials.as_deref())
    }

    fn address(&self, credentials: Option<&str>) -> String {
        let scheme = self.scheme.name();
        let (before, at) = credentials.map_or(("", ""), |credentials| (credentials, "@"));
        let host = bracketed(&self.host);
        format!("{scheme}://{before}{at}{host}:{}", self.port)
    }

    /// Whether it runs on this machine, so that a network outside says little about it.
    pub fn is_on_this_machine(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        address.map_or(self.host.eq_ignore_ascii_case("localhost"), |address| {
            address.is_loopback()
        })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = self.credentials.as_ref().map(|_| "[redacted]");
        f.pad(&self.address(credentials))
    }
}

impl Credentials {
    fn read(text: &str) -> Result<Self, BadProxy> {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        let decoded = |text| decoded(text).map(Secret::from).ok_or(BadProxy::Credentials);
        Ok(Self {
            user: decoded(user)?,
            password: decoded(password)?,
        })
    }

    /// As they stand in a request to a proxy over HTTP.
    pub fn basic(&self) -> Secret {
        let Self { user, password } = self;
        let pair = format!("{}:{}", user.reveal(), password.reveal());
        format!("Basic {}", BASE64_STANDARD.encode(pair)).into()
    }

    fn reveal(&self) -> String {
        let Self { user, password } = self;
        format!("{}:{}", encoded(user.reveal()), encoded(password.reveal()))
    }
}

/// What a person says about a proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ProxyChoice {
    /// What the variables say.
    #[default]
    Variables,
    /// None.
    Direct,
    /// This one.
    Through(Proxy),
}

impl ProxyChoice {
    /// Reads a setting: nothing, `direct`, or a proxy.
    pub fn read(text: &str) -> Result<Self, BadProxy> {
        match text.trim() {
            "" => Ok(Self::Variables),
            DIRECT => Ok(Self::Direct),
            proxy => Proxy::read(proxy).map(Self::Through),
        }
    }

    /// The setting, with name and password, for the file in which it is kept.
    pub fn reveal(&self) -> String {
        match self {
            Self::Through(proxy) => proxy.reveal(),
            Self::Variables | Self::Direct => self.to_string(),
        }
    }
}

impl fmt::Display for ProxyChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variables => f.pad(""),
            Self::Direct => f.pad(DIRECT),
            Self::Through(proxy) => fmt::Display::fmt(proxy, f),
        }
    }
}

/// A variable that names no proxy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the variable {variable} is not a proxy: {why}")]
pub struct BadVariable {
    /// Which.
    pub variable: String,
    /// Why.
    pub why: BadProxy,
}

/// Which way connections go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routes {
    proxy: Option<Proxy>,
    exceptions: Vec<Exception>,
}

impl Routes {
    /// What settings and variables come to.
    pub fn new(
        choice: &ProxyChoice,
        exceptions: &[Exception],
        variables: &BTreeMap<String, String>,
    ) -> Result<Self, BadVariable> {
        let proxy = match choice {
            ProxyChoice::Direct => None,
            ProxyChoice::Through(proxy) => Some(proxy.clone()),
            ProxyChoice::Variables => of_variables(variables)?,
        };
        let exceptions = if exceptions.is_empty() {
            let (_, text) = variable(variables, EXCEPTIONS).unwrap_or_default();
            let words = text.split([',', ' ', '\t']);
            words.filter_map(Exception::read).collect()
        } else {
            exceptions.to_vec()
        };
        Ok(Self { proxy, exceptions })
    }

    /// The proxy on the way to a host.
    pub fn proxy(&self, host: &str, port: u16) -> Option<&Proxy> {
        let is_excepted = self.exceptions.iter().any(|it| it.covers(host, port));
        self.proxy.as_ref().filter(|_| !is_excepted)
    }
}

fn of_variables(variables: &BTreeMap<String, String>) -> Result<Option<Proxy>, BadVariable> {
    let (may_be_foreign, trusted) = (VARIABLES.len() - 1, VARIABLES.len());
    let count = if variables.contains_key(REQUEST) {
        may_be_foreign
    } else {
        trusted
    };
    let mut known = VARIABLES.iter().take(count);
    let Some((name, text)) = known.find_map(|name| variable(variables, name)) else {
        return Ok(None);
    };
    let bad = |why| BadVariable {
        variable: name,
        why,
    };
    Proxy::read(text).map(Some).map_err(bad)
}

/// A variable in small or in large letters, with the name that it has, unless it is empty.
fn variable<'a>(variables: &'a BTreeMap<String, String>, name: &str) -> Option<(String, &'a str)> {
    [name.to_owned(), name.to_ascii_uppercase()]
        .into_iter()
        .find_map(|name| {
            let text = variables.get(&name)?.trim();
            (!text.is_empty()).then_some((name, text))
        })
}

/// A host as it stands in an address.
pub fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

/// Splits `host:port`, `[host]:port` and the same without a port. The host can be one; the port may be anything.
pub fn host_and_port(text: &str) -> Option<(String, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        let port = match rest {
            "" => None,
            rest => Some(rest.strip_prefix(':')?),
        };
        return Some((host.to_owned(), port));
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Some((text.to_owned(), None));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!host.is_empty() && host.chars().all(fits)).then(|| (host.to_owned(), port))
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        if first == b'%' {
            let (digits, behind) = rest.split_at_checked(2)?;
            let digits = std::str::from_utf8(digits).ok()?;
            if digits.starts_with('+') {
                return None;
            }
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = behind;
        } else {
            bytes.push(first);
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.contains(char::is_control)).then_some(text)
}

fn encoded(text: &str) -> String {
    use fmt::Write as _;

    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
