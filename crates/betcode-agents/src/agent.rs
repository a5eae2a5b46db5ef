//! One running agent process: the protocol that it speaks, behind one face. What a line means is the protocol's business.

use betcode_core::id::AgentName;
use betcode_core::observation::{AgentRequest, Observations};

use crate::claude::Claude;

/// Which protocol an agent speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Claude Code's stream-json. The demo agent speaks it too.
    ClaudeCode,
}

impl Kind {
    /// The protocol of an agent that this build can drive.
    pub fn of(agent: &AgentName) -> Option<Self> {
        matches!(agent.0.as_str(), AgentName::CLAUDE | AgentName::DEMO).then_some(Self::ClaudeCode)
    }
}

/// Why a stored state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It is not the JSON that it should be.
    #[error("the stored state of the agent's parser is damaged: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It was written by another version of this program.
    #[error(
        "the stored state of the agent's parser has version {found}, this program knows {known}"
    )]
    Version {
        /// The version that it has.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
}

/// Parser and driver of one running agent process.
#[derive(Debug)]
pub struct Agent {
    protocol: Protocol,
}

#[derive(Debug)]
enum Protocol {
    Claude(Box<Claude>),
}

impl Agent {
    /// A new process that has said nothing yet.
    pub fn new(kind: Kind) -> Self {
        let protocol = match kind {
            Kind::ClaudeCode => Protocol::Claude(Box::default()),
        };
        Self { protocol }
    }

    /// The process as it was when `state` was taken.
    pub fn restore(kind: Kind, state: &str) -> Result<Self, StateError> {
        let protocol = match kind {
            Kind::ClaudeCode => Protocol::Claude(Box::new(Claude::restore(state)?)),
        };
        Ok(Self { protocol })
    }

    /// Everything that must be known to go on later, as versioned JSON.
    pub fn state(&self) -> String {
        match &self.protocol {
            Protocol::Claude(claude) => claude.state(),
        }
    }

    /// True when [`Self::state`] may differ from what it was at the last call of this function.
    pub fn state_changed(&mut self) -> bool {
        match &mut self.protocol {
            Protocol::Claude(claude) => claude.state_changed(),
        }
    }

    /// Takes one line of the agent's stdout, without its newline. What is not understood becomes an `Unknown` observation.
    pub fn line(&mut self, line: &[u8], out: &mut Observations) {
        match &mut self.protocol {
            Protocol::Claude(claude) => claude.line(line, out),
        }
    }

    /// The process has ended, and every line of it was taken: what it had begun to say ends here.
    pub fn ended(&mut self, out: &mut Observations) {
        match &mut self.protocol {
            Protocol::Claude(claude) => claude.ended(out),
        }
    }

    /// The frame for the agent's stdin that says `request`: one line of JSON with its newline, or nothing at all when the
    /// protocol has no words for it.
    pub fn request(&mut self, request: &AgentRequest) -> Vec<u8> {
        match &mut self.protocol {
            Protocol::Claude(claude) => claude.request(request),
        }
    }

    /// Takes the frames that the protocol itself owes the agent since the last call: answers to requests that nobody but the
    /// parser can answer. They are part of the state until they are taken.
    pub fn replies(&mut self) -> Vec<Vec<u8>> {
        match &mut self.protocol {
            Protocol::Claude(claude) => claude.replies(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claude_and_demo_speak_one_protocol_and_other_agents_none() {
        assert_eq!(Kind::of(&AgentName::from("claude")), Some(Kind::ClaudeCode));
        assert_eq!(Kind::of(&AgentName::from("demo")), Some(Kind::ClaudeCode));
        assert_eq!(Kind::of(&AgentName::from("codex")), None);
    }
}
