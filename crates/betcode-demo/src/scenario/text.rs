//! Scenarios that only speak.

use super::Fault;
use crate::command::Command;
use crate::turn::{Failure, Turn};

/// `say`: says a text.
pub(super) fn say(turn: &mut Turn<'_>, command: &Command) -> Result<(), Fault> {
    let text = command.text("text").unwrap_or("Hello from the demo agent.");
    turn.begin()?;
    turn.text(text)?;
    Ok(turn.end("end_turn")?)
}

/// `help`: lists the scenarios.
pub(super) fn help(turn: &mut Turn<'_>, _: &Command) -> Result<(), Fault> {
    turn.begin()?;
    turn.text(&format!("Scenarios:\n{}", super::list()))?;
    Ok(turn.end("end_turn")?)
}

/// `think`: thinks, then says so.
pub(super) fn think(turn: &mut Turn<'_>, _: &Command) -> Result<(), Fault> {
    turn.begin()?;
    turn.think(&[
        "There is no model here, ",
        "so this thought is a written one.",
    ])?;
    turn.text("I thought about it: a demo agent has only written thoughts.")?;
    Ok(turn.end("end_turn")?)
}

/// `line`: one `assistant` line of at least `bytes` bytes.
pub(super) fn line(turn: &mut Turn<'_>, command: &Command) -> Result<(), Fault> {
    const LIMIT: u64 = 1 << 30;
    let bytes = command.number("bytes", 5_000_000)?;
    let bytes = usize::try_from(bytes.min(LIMIT)).unwrap_or_default();
    let mut text = String::with_capacity(bytes + 64);
    let mut number = 0_u64;
    while text.len() < bytes {
        number += 1;
        text.push_str("A long line, part ");
        text.push_str(&number.to_string());
        text.push_str(". ");
    }
    Ok(turn.whole(text)?)
}

impl Failure {
    /// An error of the model API with this status, named as the real program names it.
    pub(super) fn api(status: u64) -> Self {
        let (kind, name, said) = match status {
            401 | 403 => (
                "authentication_failed",
                "authentication_error",
                "Failed to authenticate.",
            ),
            429 => ("rate_limit", "rate_limit_error", ""),
            529 => ("server_error", "overloaded_error", ""),
            400..=499 => (
                "invalid_request",
                "invalid_request_error",
                "The request was not valid.",
            ),
            _ => ("server_error", "api_error", "Internal server error"),
        };
        let text = match status {
            429 => "API Error: Request rejected (429) · This request would exceed your account's \
                rate limit. Please try again later."
                .to_owned(),
            529 => "API Error: Repeated 529 Overloaded errors. The API is at capacity — this is \
                usually temporary. Try again in a moment."
                .to_owned(),
            _ => format!("API Error: {status} {said}"),
        };
        Self {
            text,
            kind,
            status: Some((status, name)),
        }
    }
}
