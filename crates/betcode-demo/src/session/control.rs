//! Answers to the driver's control requests. Each gets exactly one `control_response`, in the
//! order in which they came, also in the middle of a turn.

use serde_json::{Value, json};

use super::Session;
use crate::lines;
use crate::turn::Stop;

/// Why a request is refused: text and code.
struct Refusal {
    error: String,
    code: &'static str,
    /// The model that stays, when another was refused.
    model: Option<String>,
}

impl Session {
    pub(super) fn take_control(&mut self, line: &Value) -> Result<(), Stop> {
        let id = line.get("request_id").cloned().unwrap_or(Value::Null);
        let request = line.get("request").unwrap_or(&Value::Null);
        let subtype = request
            .get("subtype")
            .and_then(Value::as_str)
            .unwrap_or("undefined");
        let mut response = json!({"subtype": "success", "request_id": id});
        match self.control(subtype, request)? {
            Ok(None) => {}
            Ok(Some(answer)) => insert(&mut response, "response", answer),
            Err(refusal) => {
                insert(&mut response, "subtype", "error".into());
                insert(&mut response, "error", refusal.error.into());
                insert(&mut response, "error_code", refusal.code.into());
                if let Some(model) = refusal.model {
                    insert(&mut response, "model", model.into());
                }
            }
        }
        if subtype == "initialize" {
            insert(&mut response, "pending_permission_requests", json!([]));
            insert(&mut response, "pending_user_dialog_requests", json!([]));
        }
        self.out
            .line(&json!({"type": "control_response", "response": response}))?;
        self.after(subtype, request)?;
        self.out.flush()
    }

    /// What is answered, before anything that follows the answer.
    fn control(
        &mut self,
        subtype: &str,
        request: &Value,
    ) -> Result<Result<Option<Value>, Refusal>, Stop> {
        let text = |key: &str| request.get(key).and_then(Value::as_str);
        let answer = match subtype {
            "initialize" => {
                self.forward_subagent_text = request
                    .get("forwardSubagentText")
                    .and_then(Value::as_bool)
                    .unwrap_or(false);
                self.announces = request
                    .pointer("/hooks/PreToolUse/0/hookCallbackIds/0")
                    .and_then(Value::as_str)
                    .map(str::to_owned);
                Some(lines::initialized(
                    &self.model,
                    &self.mode,
                    self.state.name(),
                ))
            }
            "interrupt" => Some(self.interrupt(request)?),
            "set_permission_mode" => match self.admissible_mode(text("mode")) {
                Ok(mode) => Some(json!({"mode": mode})),
                Err(refusal) => return Ok(Err(refusal)),
            },
            "set_model" => match text("model").unwrap_or("default") {
                "default" => Some(self.choose_model(lines::MODEL)),
                name if name == self.model || lines::CATALOGUE.contains(&name) => {
                    Some(self.choose_model(name))
                }
                name => {
                    return Ok(Err(Refusal {
                        error: format!("Model '{name}' not found"),
                        code: "not_found",
                        model: Some(self.model.clone()),
                    }));
                }
            },
            "set_max_thinking_tokens" | "apply_flag_settings" => None,
            "rename_session" => {
                let title = text("title").unwrap_or_default().to_owned();
                self.line(
                    json!({"type": "system", "subtype": "session_title_changed", "title": title}),
                )?;
                None
            }
            "mcp_status" => Some(json!({"mcpServers": []})),
            "list_models" => Some(json!({"models": lines::models(&self.model)})),
            "list_permission_rules" => Some(json!({"state": {
                "rules": [],
                "workspaceDirectories": [],
                "originalCwd": self.directory.to_string_lossy(),
                "managedOnly": false,
            }})),
            "get_context_usage" => Some(lines::context_usage(&self.model, self.context_tokens())),
            "get_session_cost" => Some(json!({"text": format!(
                "Estimated cost:        $0.0000\nUsage:                 {} input, {} output, 0 cache read, 0 cache write",
                self.input_tokens, self.output_tokens
            )})),
            "get_usage" => Some(json!({
                "session": {"total_cost_usd": 0, "model_usage": {}},
                "subscription_type": null,
                "rate_limits_available": false,
                "rate_limits": null,
                "behaviors": null,
            })),
            "get_binary_version" => Some(json!({"version": lines::VERSION})),
            "background_tasks" | "stop_task" => Some(json!({})),
            "cancel_async_message" => Some(self.cancel_waiting(text("message_uuid"))?),
            _ => {
                return Ok(Err(Refusal {
                    error: format!("Unsupported control request subtype: {subtype}"),
                    code: "unsupported_request",
                    model: None,
                }));
            }
        };
        Ok(Ok(answer))
    }

    /// What the real program says after the answer.
    fn after(&mut self, subtype: &str, request: &Value) -> Result<(), Stop> {
        match subtype {
            "set_permission_mode" => {
                match self.admissible_mode(request.get("mode").and_then(Value::as_str)) {
                    Ok(mode) => self.set_mode(&mode),
                    Err(_) => Ok(()),
                }
            }
            "initialize" if !self.initialized => {
                self.initialized = true;
                Ok(())
            }
            "initialize" => self.tell_background(),
            "stop_task" => {
                let id = request.get("task_id");
                let before = self.background.len();
                self.background.retain(|task| task.get("task_id") != id);
                if self.background.len() == before {
                    return Ok(());
                }
                self.tell_background()
            }
            _ => Ok(()),
        }
    }

    /// Says what runs in the background, all of it.
    pub(crate) fn tell_background(&mut self) -> Result<(), Stop> {
        let tasks = &self.background;
        let line = json!({"type": "system", "subtype": "background_tasks_changed", "tasks": tasks});
        self.line(line)
    }

    /// Stops the turn that runs, if one does; an open question is withdrawn first.
    fn interrupt(&mut self, request: &Value) -> Result<Value, Stop> {
        if self.in_turn && !self.interrupted {
            self.interrupted = true;
            if !self.questions.is_empty() {
                self.withdraw()?;
            }
        }
        let uuids = |session: &Self| -> Vec<String> {
            session
                .waiting
                .iter()
                .filter_map(|prompt| prompt.uuid.clone())
                .collect()
        };
        if request.get("cancel_queued").and_then(Value::as_bool) != Some(true) {
            return Ok(json!({"still_queued": uuids(self)}));
        }
        let cancelled = uuids(self);
        self.waiting.clear();
        for uuid in &cancelled {
            self.lifecycle(Some(uuid), "cancelled")?;
        }
        Ok(json!({"still_queued": [], "cancelled": cancelled}))
    }

    /// How much of the context is in use.
    pub(crate) fn context_tokens(&self) -> u64 {
        (self.input_tokens + self.output_tokens).saturating_sub(self.compacted)
    }

    fn cancel_waiting(&mut self, uuid: Option<&str>) -> Result<Value, Stop> {
        let before = self.waiting.len();
        self.waiting
            .retain(|prompt| uuid.is_none() || prompt.uuid.as_deref() != uuid);
        let cancelled = self.waiting.len() < before;
        if cancelled {
            self.lifecycle(uuid, "cancelled")?;
        }
        Ok(json!({"cancelled": cancelled}))
    }

    fn choose_model(&mut self, name: &str) -> Value {
        name.clone_into(&mut self.model);
        json!({"model": name})
    }

    fn admissible_mode(&self, mode: Option<&str>) -> Result<String, Refusal> {
        let refuse = |error: &str, code| {
            Err(Refusal {
                error: error.to_owned(),
                code,
                model: None,
            })
        };
        match mode {
            Some("manual") => Ok("default".to_owned()),
            Some("bypassPermissions") if !self.options.bypass_permitted => refuse(
                "Cannot set permission mode to bypassPermissions because the session was not launched with --dangerously-skip-permissions",
                "bypass_not_launched",
            ),
            Some(mode) if lines::MODES.contains(&mode) => Ok(mode.to_owned()),
            Some(_) | None => refuse(
                "Cannot set permission mode: must be one of acceptEdits, auto, bypassPermissions, default, dontAsk, plan",
                "invalid_mode",
            ),
        }
    }
}

fn insert(into: &mut Value, key: &str, value: Value) {
    if let Value::Object(object) = into {
        object.insert(key.to_owned(), value);
    }
}
