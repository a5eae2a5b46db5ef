//! Questions to the driver: may this tool run, and what does the user answer?
//!
//! 1. `requires_action`, then the request; 2. the scenario may write what it still owes;
//! 3. wait: an answer, an interrupt (the request is withdrawn), or the end of standard input
//!    (which denies); 4. `running`.

use serde_json::{Value, json};

use super::{Stop, Turn};
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
        let request_id = self.session.ids.uuid();
        self.session.set_state(State::RequiresAction)?;
        self.session.out.line(
            &json!({"type": "control_request", "request_id": request_id, "request": request}),
        )?;
        self.session.question = Some(Question {
            request_id,
            answer: None,
        });
        Ok(())
    }

    /// Waits for the answer to the open question. `input` is what the tool was to run with.
    pub(super) fn answer(&mut self, input: &Value) -> Result<Decision, Stop> {
        let response = loop {
            match self
                .session
                .question
                .as_mut()
                .map(|question| question.answer.take())
            {
                None => return Err(Stop::Interrupted),
                Some(Some(response)) => break Some(response),
                Some(None) if self.session.closed => break None,
                Some(None) => self.session.wait(None)?,
            };
        };
        self.session.question = None;
        self.session.set_state(State::Running)?;
        let Some(response) = response else {
            let message = "Tool permission request failed: AbortError: Tool permission stream \
                closed before response received";
            return Ok(Decision::Deny {
                message: message.to_owned(),
                by_user: false,
            });
        };
        self.decide(&response, input)
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
