//! Removing the beginning of a log: after a compaction, on somebody's wish, and when everything is to be forgotten.
//!
//! Laws: what is removed is removed up to one number; the event after it carries the state that the removed ones had made, so
//! that folding what is left gives the same session; what waits (messages, requests) is kept whole in it.

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::{AgentState, Context, SNAPSHOT_VERSION, Session};
use crate::command::Rejected;
use crate::event::{Draft, Event, EventBody, SessionInfo, Status};

const VERSION: &str = "version";
const SESSION: &str = "session";

impl Session {
    /// The agent forgets everything: its next start is a new conversation. The log so far is removed, together with what
    /// comes before that because of the same command.
    pub(super) fn clear(
        &self,
        context: Context<'_>,
        before: Vec<Draft>,
    ) -> Result<Vec<Draft>, Rejected> {
        if self.turn.is_some() {
            return Err(Rejected::TurnRunning("stop it first"));
        }
        let mut drafts = before;
        drafts.extend(self.requests.withdraw_all());
        if let AgentState::Starting { host, .. } | AgentState::Running { host, .. } = &self.agent {
            drafts.push(EventBody::AgentStopping { host: *host }.into());
        }
        let info = SessionInfo {
            agent_session: context.fresh_host.to_string(),
            tools: Vec::new(),
            status: Status::Idle,
            ..self.info.clone()
        };
        drafts.push(EventBody::SessionInfo(Box::new(info)).into());
        let mut later = self.clone();
        for draft in &drafts {
            later.apply(&Event {
                sequence: later.head().next(),
                first_sequence: None,
                timestamp: context.now,
                parent: draft.parent.clone(),
                previews: Vec::new(),
                body: draft.body.clone(),
            });
        }
        drafts.extend(later.trim());
        Ok(drafts)
    }

    /// Removes everything up to now. What the session is follows anew, for those who read on from here.
    pub(super) fn trim(&self) -> Vec<Draft> {
        let mut kept = self.clone();
        kept.messages.keep_whole();
        kept.requests.keep_whole();
        let state = json!({VERSION: SNAPSHOT_VERSION, SESSION: kept});
        let info = SessionInfo {
            trimmed_up_to: self.head(),
            ..self.info.clone()
        };
        vec![
            EventBody::HistoryTrimmed {
                up_to: self.head(),
                state,
            }
            .into(),
            EventBody::SessionInfo(Box::new(info)).into(),
        ]
    }

    /// The first event of a log whose beginning was removed.
    pub(super) fn begin_with(&mut self, state: &Value) {
        if let Ok(kept) = read(state) {
            *self = kept;
        }
    }

    /// Why a log cannot be folded from this event on, if it is the first that is left.
    pub fn cannot_begin_with(event: &EventBody) -> Option<String> {
        match event {
            EventBody::HistoryTrimmed { state, .. } => read(state).err(),
            _ => None,
        }
    }
}

fn read(state: &Value) -> Result<Session, String> {
    let session = state
        .get(SESSION)
        .ok_or("it holds no state of the session")?;
    Session::deserialize(session).map_err(|error| {
        let version = state.get(VERSION).and_then(Value::as_u64);
        let version = version.unwrap_or_default();
        format!("its state, of version {version}, cannot be read: {error}")
    })
}
