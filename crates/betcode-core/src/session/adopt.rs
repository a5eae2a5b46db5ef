//! A conversation that an agent had by itself becomes a session: what is recorded of it, as if it had been had here.
//!
//! What the agent said goes through [`Session::observe`] like anything that it says. This is what else there is: how such a
//! session begins, and what the user said in it. Nothing here asks anything of an agent: that is left to the next message.

use super::Session;
use crate::command::{LaunchOptions, Rejected};
use crate::event::{Draft, EventBody, SessionInfo, Status, UserInput};
use crate::id::{AgentName, Sequence};

/// What such a session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopted {
    /// The agent.
    pub agent: AgentName,
    /// Where it works.
    pub cwd: String,
    /// The title that a person gave it; empty for none.
    pub title: String,
    /// Its model; empty for the agent's default.
    pub model: String,
    /// The agent's own id for the conversation.
    pub agent_session: String,
    /// The agent's version that had it.
    pub agent_version: String,
}

impl Session {
    /// The beginning of such a session.
    pub fn adopt(&self, adopted: Adopted) -> Result<Vec<Draft>, Rejected> {
        if self.head != Sequence(0) {
            return Err(Rejected::SessionExists(self.id));
        }
        let launch = LaunchOptions {
            model: adopted.model.clone(),
            ..LaunchOptions::default()
        };
        let info = SessionInfo {
            agent: adopted.agent,
            cwd: adopted.cwd,
            title: adopted.title,
            model: adopted.model,
            agent_session: adopted.agent_session,
            agent_version: adopted.agent_version,
            ..self.info.clone()
        };
        Ok(vec![
            EventBody::SessionInfo(Box::new(info)).into(),
            EventBody::LaunchChange(launch).into(),
        ])
    }

    /// Something that the user said in it: it begins a turn, or joins the one that runs.
    pub fn adopt_message(&self, input: UserInput) -> Vec<Draft> {
        let mut drafts = vec![EventBody::UserInput(input).into()];
        if self.turn.is_none() {
            self.status_to(Status::Thinking, &mut drafts);
        }
        drafts
    }
}
