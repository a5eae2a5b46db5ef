//! Identifiers and positions as types of their own, so that they cannot be mixed up. Nothing here makes randomness.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The number after this one.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

uuid_id! {
    /// One conversation with one agent in one working directory.
    SessionId
}
uuid_id! {
    /// The identity of a log: new when a database is created, restored, or found to be older than its witness.
    LogEpoch
}
uuid_id! {
    /// One life of one agent host.
    HostEpoch
}
uuid_id! {
    /// One life of one client, made when it starts and kept over reconnects. The input lock belongs to such an id.
    #[derive(Default)]
    ClientId
}
uuid_id! {
    /// Made by the client when the user acted; a repeated command with the same key has no second effect.
    IdempotencyKey
}
uuid_id! {
    /// One message of the user. It is the idempotency key of the command that brought it.
    MessageId
}
number! {
    /// The number of an event in its session's log: 1, 2, 3 …, without gaps. 0 means "before the first".
    Sequence
}
number! {
    /// The number of a frame written to an agent's stdin: 1, 2, 3 … within one host epoch.
    FrameNumber
}
text_id! {
    /// A tool call, named by the agent.
    ToolCallId
}
text_id! {
    /// A request for permission or a question, named by the agent.
    RequestId
}

impl ClientId {
    /// True for a client without identity.
    pub fn is_nil(&self) -> bool {
        self.0.is_nil()
    }
}

/// Which agent drives a session: a kind this build knows, or one that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AgentName(pub String);

impl AgentName {
    /// Claude Code.
    pub const CLAUDE: &'static str = "claude";
    /// The demo agent, which has no model.
    pub const DEMO: &'static str = "demo";
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<&str> for AgentName {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// How much of these ids tells all of them apart, and at least eight characters.
pub fn shortest_prefix<'a>(ids: impl IntoIterator<Item = &'a str>) -> usize {
    let mut ids: Vec<&str> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let common = |pair: &[&str]| match pair {
        [one, other] => one
            .chars()
            .zip(other.chars())
            .take_while(|(one, other)| one == other)
            .count(),
        _ => 0,
    };
    ids.windows(2)
        .map(common)
        .max()
        .map_or(8, |common| (common + 1).max(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shortened_only_as_far_as_they_stay_unique() {
        assert_eq!(shortest_prefix(["0198a0b0-0000"]), 8);
        assert_eq!(shortest_prefix(["0198a0b0-0000", "0198a0b0-0000"]), 8);
        assert_eq!(shortest_prefix(["0198a0b0-0001", "0198a0b0-0002"]), 13);
        assert_eq!(shortest_prefix(["0198a0b0-00", "0298a0b0-00"]), 8);
    }
}
