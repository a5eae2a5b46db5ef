//! Questions to the driver: may this tool run, and what does the user answer?
//!
//! 1. `requires_action`, then the request, perhaps several; 2. the
//!    scenario may write what it still owes;
//! 3. wait: an answer to any of them, an interrupt (all are withdrawn), the end of standard
//!    input (which denies), or the time after which the scenario no longer wants to know;
//! 4. `running`, once none is open.

use std::time::Instant;

use serde_json::{Value, json};

use super::{Stop, Turn};
use crate::clock;
use crate::session::{Question, State};

const INVALID: &str = "The canUseTool callback returned an invalid permission result. Expected \
    {behavior: 'allow', updatedInput?: object} or {behavior: 'deny', message: string}. \
    updatedPermissions may hold at most 4096 updates, rules and directories in all.";

/// How the driver decided.
pub(crate) enum Decision {
    /// The tool may run, with this input.
    Allow { input: Value },
    /// It may not, and this is what the model is told.
    Deny { message: String, by_user: bool },
    /// It may not, and the turn ends.
    DenyAndStop,
}

impl Turn<'_> {
    /// Writes a `can_use_tool` request; [`Turn::answer`] must follow.
    pub(super) fn question(&mut self, request: Value) -> Result<(), Stop> {
        let part = |key: &str| request.get(key).cloned().unwrap_or(Value::Null);
        let tool = part("tool_use_id").as_str().unwrap_or_default().to_owned();
        let input = part("input");
        let request_id = self.session.ids.uuid();
        self.session.set_state(State::RequiresAction)?;
        self.session.out.line(
            &json!({"type": "control_request", "request_id": request_id, "request": request}),
        )?;
        self.session.questions.push(Question {
            request_id,
            tool,
            input,
            answer: None,
        });
        Ok(())
    }

    /// Waits until one of the open questions is decided, at most until `deadline`: the tool that it was about, and how.
    pub(super) fn answer(
        &mut self,
        deadline: Option<Instant>,
    ) -> Result<Option<(String, Decision)>, Stop> {
        let question = loop {
            let questions = &mut self.session.questions;
            if questions.is_empty() {
                return Err(Stop::Interrupted);
            }
            if let Some(at) = questions.iter().position(|it| it.answer.is_some()) {
                break questions.remove(at);
            }
            if self.session.closed {
                break questions.remove(0);
            }
            if deadline.is_some_and(|deadline| clock::now() >= deadline) {
                return Ok(None);
            }
            self.session.wait(deadline)?;
        };
        if self.session.questions.is_empty() {
            self.session.set_state(State::Running)?;
        }
        let decision = match &question.answer {
            Some(response) => self.decide(response, &question.input)?,
            None => Decision::Deny {
                message: "Tool permission request failed: AbortError: Tool permission stream \
                    closed before response received"
                    .to_owned(),
                by_user: false,
            },
        };
        Ok(Some((question.tool, decision)))
    }

    /// Asks one question and waits for its answer; an interrupt is an answer, too.
    pub(crate) fn ask(&mut self, request: Value) -> Result<Decision, Stop> {
        self.question(request)?;
        self.only_answer()
    }

    /// Waits for the answer to the only open question.
    pub(super) fn only_answer(&mut self) -> Result<Decision, Stop> {
        match self.answer(None) {
            Ok(Some((_, decision))) => Ok(decision),
            Ok(None) | Err(Stop::Interrupted) => Ok(Decision::DenyAndStop),
            Err(stop) => Err(stop),
        }
    }

    /// What a former process knows about the next tool or question of the turn: null when nothing has come of it.
    pub(crate) fn recall(&mut self) -> Value {
        let known = self.recalled.pop_front().unwrap_or_default();
        self.settled.push(known.clone());
        known
    }

    /// Notes what has come of a tool or question, by its place in the turn.
    pub(crate) fn settle(&mut self, place: usize, outcome: Value) {
        if let Some(settled) = self.settled.get_mut(place) {
            *settled = outcome;
        }
        self.remember();
    }

    /// Puts the turn into the memory as it stands. What a former process has settled and this one has not come to yet
    /// stays in it.
    pub(super) fn remember(&mut self) {
        let session = &self.session;
        let settled: Vec<_> = self.settled.iter().chain(&self.recalled).cloned().collect();
        let kept = session
            .memory
            .remember(&session.id, &self.prompts, &settled, self.deaths);
        if let Err(error) = kept {
            Self::complain(&format!("Warning: this turn could not be kept: {error}"));
        }
    }

    fn decide(&mut self, response: &Value, input: &Value) -> Result<Decision, Stop> {
        if response.get("subtype").and_then(Value::as_str) != Some("success") {
            let error = response
                .get("error")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let message = format!("Tool permission request failed: Error: {error}");
            return Ok(Decision::Deny {
                message,
                by_user: false,
            });
        }
        let invalid = || Decision::Deny {
            message: INVALID.to_owned(),
            by_user: false,
        };
        let answer = response.get("response").unwrap_or(&Value::Null);
        Ok(match answer.get("behavior").and_then(Value::as_str) {
            Some("allow") => match answer.get("updatedInput") {
                None => self.allow(answer, input.clone())?,
                Some(updated @ Value::Object(_)) => self.allow(answer, updated.clone())?,
                Some(_) => invalid(),
            },
            Some("deny") => match answer.get("message").and_then(Value::as_str) {
                Some(_) if answer.get("interrupt").and_then(Value::as_bool) == Some(true) => {
                    Decision::DenyAndStop
                }
                Some(message) => Decision::Deny {
                    message: message.to_owned(),
                    by_user: true,
                },
                None => invalid(),
            },
            Some(_) | None => invalid(),
        })
    }

    /// Applies what the user wants to keep of an allowance.
    fn allow(&mut self, answer: &Value, input: Value) -> Result<Decision, Stop> {
        let updates = answer.get("updatedPermissions").and_then(Value::as_array);
        for update in updates.into_iter().flatten() {
            let text = |key: &str| update.get(key).and_then(Value::as_str);
            match text("type") {
                Some("setMode") => {
                    let mode = text("mode").unwrap_or("default").to_owned();
                    self.session.set_mode(&mode)?;
                }
                Some("addRules") if text("behavior") == Some("allow") => {
                    let rules = update.get("rules").and_then(Value::as_array);
                    for rule in rules.into_iter().flatten() {
                        let part = |key: &str| rule.get(key).and_then(Value::as_str);
                        if let Some(tool) = part("toolName") {
                            let content = part("ruleContent").map(str::to_owned);
                            self.session.kept_rules.push((tool.to_owned(), content));
                        }
                    }
                }
                Some(_) | None => {}
            }
        }
        Ok(Decision::Allow { input })
    }
}
