//! What is known about the settings of the connection over which the use of plans may be asked for, and their keys.

use super::{KeyInfo, Kind, Projects};

pub(super) static HTTP: KeyInfo = KeyInfo {
    name: "usage.http",
    kind: Kind::Switch,
    default: "false",
    description: "whether the providers' own endpoints may be asked for the use of a plan, with the token that the agent keeps",
    variable: None,
    projects: Projects::Never,
};
pub(super) static PROXY: KeyInfo = KeyInfo {
    name: "usage.proxy",
    kind: Kind::Proxy,
    default: "what HTTPS_PROXY, ALL_PROXY and HTTP_PROXY say",
    description: "the proxy through which they are asked; its name and password are never printed",
    variable: None,
    projects: Projects::Never,
};
pub(super) static NO_PROXY: KeyInfo = KeyInfo {
    name: "usage.no_proxy",
    kind: Kind::Hosts,
    default: "what NO_PROXY says",
    description: "hosts that are asked without a proxy",
    variable: None,
    projects: Projects::Never,
};
pub(super) static CA_FILES: KeyInfo = KeyInfo {
    name: "usage.ca_files",
    kind: Kind::Files,
    default: "none",
    description: "files with certificates that are trusted beside those of the system, SSL_CERT_FILE and NODE_EXTRA_CA_CERTS",
    variable: None,
    projects: Projects::Never,
};
pub(super) static PINS: KeyInfo = KeyInfo {
    name: "usage.pins",
    kind: Kind::Pins,
    default: "none",
    description: "keys of authorities, of which one must have vouched for the endpoint",
    variable: None,
    projects: Projects::Never,
};
pub(super) static PINS_UNTIL: KeyInfo = KeyInfo {
    name: "usage.pins_until",
    kind: Kind::Day,
    default: "must be set with usage.pins",
    description: "the last day on which the pins may refuse a connection; then they only report",
    variable: None,
    projects: Projects::Never,
};
pub(super) static PINNING: KeyInfo = KeyInfo {
    name: "usage.pinning",
    kind: Kind::Pinning,
    default: "report",
    description: "what is done when none of the pinned keys is seen",
    variable: None,
    projects: Projects::Never,
};

/// One key of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UsageHttpKey {
    /// `usage.http`.
    Http,
    /// `usage.proxy`.
    Proxy,
    /// `usage.no_proxy`.
    NoProxy,
    /// `usage.ca_files`.
    CaFiles,
    /// `usage.pins`.
    Pins,
    /// `usage.pins_until`.
    PinsUntil,
    /// `usage.pinning`.
    Pinning,
}

impl UsageHttpKey {
    const ALL: [Self; 7] = [
        Self::Http,
        Self::Proxy,
        Self::NoProxy,
        Self::CaFiles,
        Self::Pins,
        Self::PinsUntil,
        Self::Pinning,
    ];

    pub(super) const fn info(self) -> &'static KeyInfo {
        match self {
            Self::Http => &HTTP,
            Self::Proxy => &PROXY,
            Self::NoProxy => &NO_PROXY,
            Self::CaFiles => &CA_FILES,
            Self::Pins => &PINS,
            Self::PinsUntil => &PINS_UNTIL,
            Self::Pinning => &PINNING,
        }
    }

    pub(super) fn from_path(path: &[&str]) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|key| key.info().name.split('.').eq(path.iter().copied()))
    }
}
