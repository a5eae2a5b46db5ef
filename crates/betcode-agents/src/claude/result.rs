//! The end of a turn: a `result` line. Its `subtype` says little: a failed call of the model's service is a `success` with
//! `is_error`, and an interrupted turn is an `error_during_execution`.

use std::collections::BTreeMap;

use betcode_core::event::{
    PermissionDenial, StopReason, TurnComplete, TurnError, TurnErrorKind, Usage,
};
use betcode_core::id::ToolCallId;
use betcode_core::observation::{Observation, Observations};

use super::Claude;
use super::state::Totals;
use super::wire::{ModelUsage, Number, ResultLine, read};

impl Claude {
    pub(super) fn result(&mut self, line: &str, out: &mut Observations) -> Option<()> {
        let result: ResultLine = read(line)?;
        let raw = read(line)?;
        self.close(None, out);
        let totals = self.totals(&result);
        let turn = TurnComplete {
            stop_reason: stop_reason(&result),
            error: self.error(&result),
            num_turns: result.num_turns.small(),
            duration_ms: result.duration_ms.whole(),
            duration_api_ms: result.duration_api_ms.whole(),
            usage: self.turn_usage(&result, &totals),
            result: said(&result),
            permission_denials: result
                .permission_denials
                .into_iter()
                .map(|denial| PermissionDenial {
                    tool: denial.tool_name,
                    tool_call: ToolCallId(denial.tool_use_id),
                    input: denial.tool_input,
                })
                .collect(),
            origin: result
                .origin
                .and_then(|origin| origin.kind)
                .unwrap_or_default(),
            raw: Some(raw),
        };
        let now = Totals {
            tokens: [
                totals.input_tokens,
                totals.output_tokens,
                totals.cache_read_tokens,
                totals.cache_write_tokens,
            ],
            cost_nanodollars: nanodollars(totals.cost_usd),
        };
        let grown = std::mem::replace(&mut self.state.totals, now) != now;
        self.state.retry_delay_ms = None;
        self.state.api_error = None;
        self.changed = true;
        if grown {
            out.push(None, Observation::UsageReport(totals));
        }
        out.push(None, Observation::Result(Box::new(turn)));
        if !self.state.announces {
            self.state.busy = false;
            self.state.compacting = false;
            out.push(None, Observation::Idle);
        }
        Some(())
    }

    /// Everything that the process has used so far, by its own count.
    fn totals(&self, result: &ResultLine) -> Usage {
        let mut usage = result.model_usage.as_ref().map(sum).unwrap_or_default();
        usage.cost_usd = result.total_cost_usd.0;
        usage.model = self.state.model.clone().unwrap_or_default();
        usage.context_tokens = self.state.context_tokens;
        usage.context_window = self.context_window(result);
        usage
    }

    /// What this turn used. Older versions say the tokens only, so that the cost is what the total grew by.
    fn turn_usage(&self, result: &ResultLine, totals: &Usage) -> Usage {
        let mut usage = match (&result.model_usage_since_last_result, result.usage) {
            (Some(models), _) => sum(models),
            (None, Some(tokens)) => Usage {
                input_tokens: tokens.input_tokens.whole(),
                output_tokens: tokens.output_tokens.whole(),
                cache_read_tokens: tokens.cache_read_input_tokens.whole(),
                cache_write_tokens: tokens.cache_creation_input_tokens.whole(),
                cost_usd: dollars(
                    nanodollars(totals.cost_usd).saturating_sub(self.state.totals.cost_nanodollars),
                ),
                ..Usage::default()
            },
            (None, None) => Usage::default(),
        };
        usage.model.clone_from(&totals.model);
        usage.duration_ms = result.duration_ms.whole();
        usage.context_tokens = totals.context_tokens;
        usage.context_window = totals.context_window;
        usage
    }

    fn context_window(&self, result: &ResultLine) -> u64 {
        let Some(models) = &result.model_usage else {
            return 0;
        };
        let ours = self
            .state
            .model
            .as_ref()
            .and_then(|model| models.get(model));
        let widest = || {
            models
                .values()
                .map(|model| model.context_window.whole())
                .max()
        };
        ours.map(|model| model.context_window.whole())
            .or_else(widest)
            .unwrap_or_default()
    }

    fn error(&self, result: &ResultLine) -> Option<TurnError> {
        if stop_reason(result) != StopReason::Error {
            return None;
        }
        // The command that it names works in its own terminal only.
        let message = said(result).replace("Please run /login", "run claude auth login");
        let kind = error_kind(result, self.state.api_error.as_deref(), &message);
        let retry_after_ms = self
            .state
            .retry_delay_ms
            .filter(|_| kind == TurnErrorKind::RateLimit);
        Some(TurnError {
            kind,
            message,
            http_status: result.api_error_status,
            retry_after_ms,
        })
    }
}

/// The agent's last words, or what it says went wrong. Its notes to its own developers are left out.
fn said(result: &ResultLine) -> String {
    match &result.result {
        Some(text) if !text.is_empty() => text.clone(),
        _ => {
            let errors = result
                .errors
                .iter()
                .filter(|error| !error.starts_with("[ede_diagnostic]"));
            errors.map(String::as_str).collect::<Vec<_>>().join("\n")
        }
    }
}

fn nanodollars(dollars: f64) -> u64 {
    Number((dollars * 1e9).round()).whole()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a turn costs less than nine million dollars"
)]
fn dollars(nanodollars: u64) -> f64 {
    nanodollars as f64 / 1e9
}

fn sum(models: &BTreeMap<String, ModelUsage>) -> Usage {
    let mut usage = Usage::default();
    for model in models.values() {
        usage.add(&Usage {
            input_tokens: model.input_tokens.whole(),
            output_tokens: model.output_tokens.whole(),
            cache_read_tokens: model.cache_read_input_tokens.whole(),
            cache_write_tokens: model.cache_creation_input_tokens.whole(),
            cost_usd: model.cost_usd.0,
            ..Usage::default()
        });
    }
    usage
}

fn stop_reason(result: &ResultLine) -> StopReason {
    if result
        .terminal_reason
        .as_deref()
        .is_some_and(|reason| reason.starts_with("aborted"))
    {
        return StopReason::Cancelled;
    }
    match result.subtype.as_str() {
        "error_max_turns" => return StopReason::MaxTurns,
        "error_max_budget_usd" => return StopReason::MaxBudget,
        _ if result.is_error => return StopReason::Error,
        _ => {}
    }
    match result.stop_reason.as_deref() {
        Some("max_tokens") => StopReason::MaxTokens,
        Some("refusal") => StopReason::Refusal,
        _ => StopReason::EndTurn,
    }
}

/// What an HTTP status says about a failure.
pub(super) fn kind_of_status(status: Option<u16>) -> Option<TurnErrorKind> {
    match status? {
        429 => Some(TurnErrorKind::RateLimit),
        401 | 403 => Some(TurnErrorKind::Authentication),
        413 => Some(TurnErrorKind::PromptTooLong),
        400..=499 => Some(TurnErrorKind::InvalidRequest),
        500.. => Some(TurnErrorKind::Server),
        _ => None,
    }
}

fn error_kind(result: &ResultLine, word: Option<&str>, message: &str) -> TurnErrorKind {
    if result.terminal_reason.as_deref() == Some("prompt_too_long") {
        return TurnErrorKind::PromptTooLong;
    }
    if let Some(kind) = kind_of_status(result.api_error_status) {
        return kind;
    }
    match word {
        Some("rate_limit") => TurnErrorKind::RateLimit,
        Some("authentication_failed" | "oauth_org_not_allowed" | "billing_error") => {
            TurnErrorKind::Authentication
        }
        Some("server_error" | "overloaded") => TurnErrorKind::Server,
        Some("invalid_request" | "model_not_found") => TurnErrorKind::InvalidRequest,
        // A used-up plan, which not every version tells apart from other failures by a status.
        _ if message.starts_with("You've hit your ") && message.contains("limit") => {
            TurnErrorKind::RateLimit
        }
        _ if message.contains("Not logged in") => TurnErrorKind::Authentication,
        _ if message.contains("Prompt is too long") => TurnErrorKind::PromptTooLong,
        _ => TurnErrorKind::Other,
    }
}
