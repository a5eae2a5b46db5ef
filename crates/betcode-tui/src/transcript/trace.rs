//! What remains in the conversation of things that are neither said nor done: a remark, or nothing.

use betcode_core::event::{
    AgentExit, ClientInfo, Decider, EventBody, PermissionDecision, PermissionOutcome,
    PermissionScope, QuestionOutcome, StopReason, TurnComplete,
};

use super::entry::{Trace, TraceKind};

/// A turn that took so long says so.
const LONG_TURN_MS: u64 = 30_000;

/// What became of a request that somebody denied.
pub(super) const DENIED: &str = "denied";

/// The remark that an event leaves.
pub(super) fn trace(event: &EventBody) -> Option<Trace> {
    match event {
        EventBody::PermissionResolved(decision) => permission(decision),
        EventBody::QuestionAnswered {
            outcome,
            answers,
            by,
            message,
            ..
        } => {
            let (kind, what) = match outcome {
                QuestionOutcome::Answered => (TraceKind::Allowed, "answered"),
                QuestionOutcome::Declined => (TraceKind::Denied, "declined"),
                QuestionOutcome::Withdrawn => return None,
                QuestionOutcome::Expired => (TraceKind::Denied, "not answered in time"),
            };
            let chosen = answers.iter().map(|answer| {
                let mut words = answer.selected.clone();
                words.extend(Some(answer.text.clone()).filter(|text| !text.is_empty()));
                words.join(", ")
            });
            let chosen: Vec<_> = chosen.collect();
            Some(Trace {
                kind,
                text: joined(&[what, &chosen.join(" · "), message]),
                hint: who(by),
                by: client(by),
            })
        }
        EventBody::RulesWritten {
            rules,
            file,
            error,
            untrusted,
            ..
        } => Some(if error.is_empty() {
            let rules = rules.join(", ");
            note(if *untrusted {
                format!(
                    "allowed in this session only: {rules}; elsewhere {file} counts after `betcode trust` in this directory"
                )
            } else {
                format!("from now on allowed: {rules} ({file})")
            })
        } else {
            failure(
                format!("the rule could not be written to {file}: {error}"),
                "",
            )
        }),
        EventBody::ModelChange { model } if !model.is_empty() => {
            Some(note(format!("model: {model}")))
        }
        EventBody::PermissionModeChange { mode } if !mode.is_empty() => {
            Some(note(format!("mode: {mode}")))
        }
        EventBody::TurnComplete(turn) => turn_end(turn),
        EventBody::Compacted {
            trigger,
            before_tokens,
            after_tokens,
        } => Some(divider(format!(
            "context compacted ({trigger}): {before_tokens} → {after_tokens} tokens"
        ))),
        EventBody::HistoryTrimmed { .. } => Some(divider("what came before was removed")),
        EventBody::SessionReopened { by } => Some(Trace {
            by: Some(Box::new(by.clone())),
            ..divider("reopened")
        }),
        EventBody::AgentExited { exit, .. } => match exit {
            AgentExit::Code { code: 0 } => None,
            AgentExit::Code { code } => {
                Some(failure(format!("the agent ended with code {code}"), ""))
            }
            AgentExit::Signal { signal } => Some(failure(
                format!("the agent was ended by signal {signal}"),
                "",
            )),
            AgentExit::NotStarted { reason } => {
                Some(failure(format!("the agent did not start: {reason}"), ""))
            }
            AgentExit::HostLost => Some(failure("the agent was lost with its host", "")),
        },
        EventBody::DeliveryUnknown { .. } => Some(failure(
            "it is not known whether the agent received this message",
            "/queue sends it again, or lets it go",
        )),
        EventBody::Notice { text } => Some(note(text)),
        EventBody::Error { message, hint, .. } => Some(failure(message, hint)),
        EventBody::Unknown { .. } => Some(note(
            "the agent said something that this version does not know",
        )),
        _ => None,
    }
}

fn note(text: impl Into<String>) -> Trace {
    Trace {
        kind: TraceKind::Note,
        text: text.into(),
        hint: String::new(),
        by: None,
    }
}

fn failure(text: impl Into<String>, hint: &str) -> Trace {
    Trace {
        kind: TraceKind::Failure,
        text: text.into(),
        hint: hint.to_owned(),
        by: None,
    }
}

fn divider(text: impl Into<String>) -> Trace {
    Trace {
        kind: TraceKind::Divider,
        text: text.into(),
        hint: String::new(),
        by: None,
    }
}

/// A call that simply runs is trace enough of an allowance for once.
fn permission(decision: &PermissionDecision) -> Option<Trace> {
    let (kind, what) = match (decision.outcome, decision.scope) {
        (PermissionOutcome::Allowed, PermissionScope::Once) if decision.input.is_some() => {
            (TraceKind::Allowed, "allowed with an edited input")
        }
        (PermissionOutcome::Allowed, PermissionScope::Once) | (PermissionOutcome::Withdrawn, _) => {
            return None;
        }
        (PermissionOutcome::Allowed, PermissionScope::Session) => {
            (TraceKind::Allowed, "allowed for this session")
        }
        (PermissionOutcome::Allowed, PermissionScope::Always) => {
            (TraceKind::Allowed, "allowed from now on")
        }
        (PermissionOutcome::Denied, _) => (TraceKind::Denied, DENIED),
        (PermissionOutcome::Expired, _) => (TraceKind::Denied, "not answered in time"),
    };
    Some(Trace {
        kind,
        text: joined(&[what, &decision.rules.join(", "), &decision.message]),
        hint: who(&decision.by),
        by: client(&decision.by),
    })
}

fn turn_end(turn: &TurnComplete) -> Option<Trace> {
    let reason = match turn.stop_reason {
        StopReason::EndTurn if turn.duration_ms < LONG_TURN_MS => return None,
        StopReason::EndTurn => {
            return Some(note(format!(
                "worked for {}",
                crate::view::words::duration_ms(turn.duration_ms)
            )));
        }
        StopReason::Cancelled => "interrupted",
        StopReason::MaxTurns => "stopped: it reached the allowed number of rounds",
        StopReason::MaxBudget => "stopped: it reached the allowed cost",
        StopReason::Refusal => "the model refused",
        StopReason::MaxTokens => "stopped: the model reached its output limit",
        StopReason::Error => "the turn failed",
        StopReason::AgentExited => "the turn ended with the agent",
    };
    let message = turn.error.as_ref().map(|error| error.message.as_str());
    Some(Trace {
        kind: TraceKind::Failure,
        text: joined(&[reason, message.unwrap_or_default()]),
        hint: String::new(),
        by: None,
    })
}

fn who(by: &Decider) -> String {
    match by {
        // Whether that is to be told depends on who looks.
        Decider::Client(_) => String::new(),
        Decider::Rule { rule, .. } => format!("by the rule {rule}"),
        Decider::Unattended => "nobody was there".to_owned(),
        Decider::Agent => "by the agent".to_owned(),
    }
}

fn client(by: &Decider) -> Option<Box<ClientInfo>> {
    match by {
        Decider::Client(client) => Some(Box::new(client.clone())),
        _ => None,
    }
}

fn joined(parts: &[&str]) -> String {
    let parts: Vec<_> = parts
        .iter()
        .filter(|part| !part.is_empty())
        .copied()
        .collect();
    parts.join(": ")
}
