//! What a person is told about a source, once an episode; what is told about windows is in [`alert`](crate::alert).

use betcode_core::notify;
use betcode_core::time::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::format::clock;
use crate::reading::ProviderId;

/// What a person is told about a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// Somebody must log in.
    LoginNeeded,
    /// The source was asked too often.
    RateLimited {
        /// It is asked again then.
        until: Timestamp,
    },
    /// The source has not been reached for a while, though there is a network.
    Offline,
    /// Something intercepts the connection.
    TlsIntercepted {
        /// Who signed its certificate.
        issuer: String,
    },
    /// The source is reached again.
    BackOnline,
}

impl Notice {
    /// What stands above it.
    pub fn title(&self, provider: ProviderId) -> String {
        let title = self.kind().title();
        match self {
            Self::LoginNeeded => format!("{} {title}", provider.title()),
            Self::TlsIntercepted { .. } => "Connection Intercepted".to_owned(),
            Self::RateLimited { .. } | Self::Offline | Self::BackOnline => title.to_owned(),
        }
    }

    /// The kind of notification that it is worth.
    pub const fn kind(&self) -> notify::Kind {
        match self {
            Self::LoginNeeded => notify::Kind::TokenExpired,
            Self::RateLimited { .. } => notify::Kind::RateLimited,
            Self::Offline | Self::TlsIntercepted { .. } => notify::Kind::Offline,
            Self::BackOnline => notify::Kind::BackOnline,
        }
    }

    /// What it says.
    pub fn body(&self, now: Timestamp, zone: &TimeZone) -> String {
        match self {
            Self::LoginNeeded => "Log in to refresh your token.".to_owned(),
            Self::RateLimited { until } => {
                let until = clock(*until, now, zone);
                format!("Usage source is rate limited. Next try at {until}.")
            }
            Self::Offline => "BetCode is offline. Will retry automatically.".to_owned(),
            Self::TlsIntercepted { issuer } => {
                format!("The usage source answers with a certificate from {issuer}.")
            }
            Self::BackOnline => "The usage source is reached again.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_names_the_provider_and_the_time() {
        let now = Timestamp(1_795_089_600_000_000);
        let until = Timestamp(now.0 + 16_800_000_000);
        let limited = Notice::RateLimited { until };
        assert_eq!(
            limited.body(now, &TimeZone::UTC),
            "Usage source is rate limited. Next try at 16:40."
        );
        let title = Notice::LoginNeeded.title(ProviderId::Claude);
        assert_eq!(title, "Claude Token Expired");
    }
}
