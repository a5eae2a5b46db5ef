//! The line that ends a turn.

use serde_json::{Value, json};

use super::{Stop, Turn};
use crate::{clock, lines};

/// A turn that ends with an error of the model API.
pub(crate) struct Failure {
    pub(crate) text: String,
    /// `error` of the synthetic message: `rate_limit`, `server_error`, …
    pub(crate) kind: &'static str,
    /// HTTP status and the API's own name for the error.
    pub(crate) status: Option<(u64, &'static str)>,
}

impl Failure {
    /// A prompt that cannot be played.
    pub(crate) fn invalid(text: String) -> Self {
        Self {
            text,
            kind: "invalid_request",
            status: None,
        }
    }

    pub(super) fn describe(&self, line: &mut Value) {
        if let (Some((status, name)), Value::Object(object)) = (self.status, line) {
            object.insert("api_error_status".to_owned(), status.into());
            object.insert("api_error_type".to_owned(), name.into());
        }
    }
}

impl Turn<'_> {
    /// The result of a turn that was played to its end; says whether it failed.
    pub(super) fn succeed(&mut self) -> Result<bool, Stop> {
        let failure = self.failure.take();
        let text = std::mem::take(&mut self.last_text);
        let mut line = self.result("success", failure.is_some());
        let turns = self.requests;
        set(&mut line, "num_turns", turns.into());
        set(&mut line, "result", text.into());
        set(&mut line, "api_error_status", Value::Null);
        if let Some(failure) = &failure {
            set(&mut line, "stop_reason", "stop_sequence".into());
            set(&mut line, "terminal_reason", "api_error".into());
            failure.describe(&mut line);
        } else {
            set(&mut line, "stop_reason", "end_turn".into());
            set(&mut line, "terminal_reason", "completed".into());
            let first = self.first_token_ms.unwrap_or_default();
            for key in [
                "ttft_ms",
                "ttft_stream_ms",
                "time_to_request_ms",
                "first_content_frame_ms",
            ] {
                set(&mut line, key, first.into());
            }
        }
        if !self.uuids().is_empty() {
            self.mark(&mut line, true);
            let sent = clock::wall().as_millis();
            set(
                &mut line,
                "request_sent_wall_ms",
                u64::try_from(sent).unwrap_or(u64::MAX).into(),
            );
            set(
                &mut line,
                "first_request_input_tokens",
                self.input_tokens.into(),
            );
            set(&mut line, "first_request_cache_read_input_tokens", 0.into());
        }
        self.session.line(line)?;
        Ok(failure.is_some())
    }

    /// The lines that end a turn that was interrupted.
    pub(super) fn abort(&mut self) -> Result<bool, Stop> {
        let streaming = self.message.is_some();
        if streaming {
            self.abandon()?;
        } else {
            self.user_text("[Request interrupted by user for tool use]")?;
        }
        let (reason, stop) = if streaming {
            ("aborted_streaming", None)
        } else {
            ("aborted_tools", Some("tool_use"))
        };
        let mut line = self.result("error_during_execution", true);
        set(
            &mut line,
            "stop_reason",
            stop.map_or(Value::Null, Value::from),
        );
        set(&mut line, "terminal_reason", reason.into());
        set(&mut line, "num_turns", (self.requests + 1).into());
        let stop = stop.unwrap_or("null");
        let error =
            format!("[ede_diagnostic] result_type=user last_content_type=n/a stop_reason={stop}");
        set(&mut line, "errors", json!([error]));
        self.session.line(line)?;
        Ok(true)
    }

    /// The result of a turn that has used up its requests.
    pub(super) fn exhaust(&mut self) -> Result<bool, Stop> {
        let turns = self.requests;
        let mut line = self.result("error_max_turns", true);
        set(&mut line, "stop_reason", "tool_use".into());
        set(&mut line, "terminal_reason", "max_turns".into());
        set(&mut line, "num_turns", turns.into());
        set(
            &mut line,
            "errors",
            json!([format!("Reached maximum number of turns ({turns})")]),
        );
        self.session.line(line)?;
        Ok(true)
    }

    pub(super) fn result(&mut self, subtype: &str, is_error: bool) -> Value {
        let index = self.session.results;
        self.session.results += 1;
        let (input, output) = (self.input_tokens, self.output_tokens);
        let (input, output) = if self.begun.is_empty() {
            (0, 0)
        } else {
            (input, output)
        };
        let model = &self.session.model;
        let all_input = self.session.input_tokens + input;
        let all_output = self.session.output_tokens + output;
        json!({
            "type": "result",
            "subtype": subtype,
            "is_error": is_error,
            "duration_ms": clock::millis_since(self.started),
            "duration_api_ms": 0,
            "total_cost_usd": 0,
            "usage": lines::result_usage(input, output),
            "modelUsage": lines::model_usage(model, all_input, all_output),
            "model_usage_since_last_result": lines::model_usage(model, input, output),
            "permission_denials": std::mem::take(&mut self.denials),
            "fast_mode_state": "off",
            "fast_mode_disabled_reason": "sdk_opt_in_required",
            "subagent_stats": lines::subagent_stats(self.subagents),
            "safety_stops": 0,
            "begun_message_ids": std::mem::take(&mut self.begun),
            "queued_turn_count": 0,
            "result_index": index,
        })
    }
}

pub(super) fn set(line: &mut Value, key: &str, value: Value) {
    if let Value::Object(object) = line {
        object.insert(key.to_owned(), value);
    }
}
