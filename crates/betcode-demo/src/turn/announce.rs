//! Calls that are announced to a driver which asked for that when it initialized: its `PreToolUse` hook.
//!
//! 1. `hook_callback` with the call; 2. wait: an answer, an interrupt (the announcement is withdrawn), or the end of standard
//!    input (which denies); 3. the call goes on as it would have, is asked about first, or is denied.
//!
//! Like the real program: an answer that makes no sense lets the call go on. Where no driver asked, nothing is announced.

use serde_json::{Value, json};

use super::result::set;
use super::{Decision, Report, Stop, Turn};
use crate::session::Question;

/// What the driver says to an announced call.
pub(super) enum Word {
    GoOn,
    Ask,
    Deny(String),
}

impl Turn<'_> {
    /// Announces a call and waits for the word of the driver. `agent` is the subagent that makes it.
    pub(super) fn announce(
        &mut self,
        id: &str,
        name: &str,
        input: &Value,
        agent: Option<&str>,
    ) -> Result<Word, Stop> {
        let Some(callback) = self.session.announces.clone() else {
            return Ok(Word::GoOn);
        };
        let mut call = json!({
            "session_id": self.session.id,
            "cwd": self.session.directory.to_string_lossy(),
            "permission_mode": self.session.mode,
            "hook_event_name": "PreToolUse",
            "tool_name": name,
            "tool_input": input,
            "tool_use_id": id,
        });
        if let Some(agent) = agent {
            set(&mut call, "agent_id", agent.into());
        }
        let request_id = self.session.ids.uuid();
        self.session.out.line(&json!({
            "type": "control_request",
            "request_id": request_id,
            "request": {
                "subtype": "hook_callback",
                "callback_id": callback,
                "input": call,
                "tool_use_id": id,
            },
        }))?;
        self.session.questions.push(Question {
            request_id: request_id.clone(),
            tool: id.to_owned(),
            input: Value::Null,
            answer: None,
        });
        loop {
            let questions = &mut self.session.questions;
            let Some(at) = questions.iter().position(|it| it.request_id == request_id) else {
                return Err(Stop::Interrupted);
            };
            let answered = questions.get(at).is_some_and(|it| it.answer.is_some());
            if answered || self.session.closed {
                let answer = questions.remove(at).answer;
                return answer.map_or_else(|| Ok(Word::Deny(CLOSED.to_owned())), |it| word(&it));
            }
            if self.session.interrupted {
                self.session.withdraw()?;
                return Err(Stop::Interrupted);
            }
            self.session.wait(None)?;
        }
    }

    /// Announces a call that needs no permission, and asks about it if the driver wants that. Returns the input to run with,
    /// or what a refusal has reported. The message that asks for it has ended.
    pub(super) fn admitted(
        &mut self,
        id: &str,
        name: &str,
        input: &Value,
    ) -> Result<Result<Value, Report>, Stop> {
        let decision = match self.announce(id, name, input, None) {
            Ok(Word::GoOn) => return Ok(Ok(input.clone())),
            Ok(Word::Deny(reason)) => return self.deny(id, name, input, &reason).map(Err),
            Ok(Word::Ask) if !self.session.options.can_ask => {
                return self.refuse_by_itself(id, name, input, false).map(Err);
            }
            Ok(Word::Ask) => {
                let request = self.permission_request(id, name, input);
                self.ask(request)?
            }
            Err(Stop::Interrupted) => Decision::DenyAndStop,
            Err(stop) => return Err(stop),
        };
        match decision {
            Decision::Allow { input } => Ok(Ok(input)),
            refusal => self.refuse(id, name, input, refusal).map(Err),
        }
    }
}

const CLOSED: &str = "The driver is gone.";

/// An answer in the words of the protocol. One that also ends the turn is an interrupt.
fn word(response: &Value) -> Result<Word, Stop> {
    let output = response.get("response").unwrap_or(&Value::Null);
    let said = |key: &str| output.pointer(&format!("/hookSpecificOutput/{key}"));
    let said = |key: &str| said(key).and_then(Value::as_str);
    match said("permissionDecision") {
        Some("deny") if output.get("continue") == Some(&Value::Bool(false)) => {
            Err(Stop::Interrupted)
        }
        Some("deny") => {
            let reason = said("permissionDecisionReason").unwrap_or("Blocked by hook");
            Ok(Word::Deny(reason.to_owned()))
        }
        Some("ask") => Ok(Word::Ask),
        Some(_) | None => Ok(Word::GoOn),
    }
}
