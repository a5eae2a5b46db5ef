//! What can be wrong with a configuration, in words that name the place, the key and what is allowed.

use std::fmt;

use super::source::Place;
use super::value::BadValue;
use crate::id::AgentName;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Where; none when it was asked about directly.
    pub place: Option<Place>,
    /// What.
    pub reason: Reason,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A file is not TOML.
    #[error("not valid TOML: {message}")]
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// There is no such key.
    #[error("unknown key `{key}`{} (allowed here: {})", did_you_mean(suggestion.as_deref()), allowed.join(", "))]
    UnknownKey {
        /// The key as it stands there.
        key: String,
        /// What was probably meant.
        suggestion: Option<String>,
        /// What may stand there.
        allowed: Vec<String>,
    },
    /// A table of settings stands or is named where a setting belongs, or the other way round.
    #[error("`{key}` is a table of settings: {}", members.join(", "))]
    Section {
        /// The table.
        key: String,
        /// What may stand in it.
        members: Vec<String>,
    },
    /// An agent or a variable cannot be called so.
    #[error("{name:?} is not {allowed}")]
    BadName {
        /// The name.
        name: String,
        /// What is allowed.
        allowed: String,
    },
    /// The value does not fit the key.
    #[error("bad value for `{key}`: {problem}")]
    BadValue {
        /// The key.
        key: String,
        /// What is wrong with the value.
        problem: BadValue,
    },
    /// The chosen agent is defined only by a project that is not trusted.
    #[error("agent `{agent}` is defined only at {defined}, and this directory is not trusted")]
    UntrustedAgent {
        /// The agent.
        agent: AgentName,
        /// Where its command stands.
        defined: Place,
    },
}

impl ConfigError {
    /// What to do about it, when that is not plain from the message.
    pub fn hint(&self) -> Option<&'static str> {
        match &self.reason {
            Reason::Syntax { .. } => Some("correct the file; until then nothing in it counts"),
            Reason::UntrustedAgent { .. } => Some(
                "look at the command, then run `betcode trust`, or choose another agent with --agent",
            ),
            Reason::UnknownKey { .. }
            | Reason::Section { .. }
            | Reason::BadName { .. }
            | Reason::BadValue { .. } => None,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        self.reason.fmt(f)
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.reason)
    }
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |key| format!(", did you mean `{key}`?"))
}
