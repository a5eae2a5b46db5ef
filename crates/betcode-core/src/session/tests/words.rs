//! Short words for what tests do and see: actions, observations, and events in brief.

use serde_json::json;

use super::*;
use crate::command::{PermissionAnswer, QuestionAnswer};

pub(in crate::session) fn start(title: &str) -> Action {
    Action::Start(Box::new(StartSession {
        agent: AgentName::DEMO.into(),
        cwd: "/work".into(),
        title: title.into(),
        launch: LaunchOptions::default(),
        environment: crate::command::Environment::default(),
    }))
}

pub(in crate::session) fn model(model: &str) -> Action {
    Action::Configure(Box::new(LaunchOptions {
        model: model.into(),
        ..LaunchOptions::default()
    }))
}

pub(in crate::session) fn text(text: &str) -> Observation {
    Observation::Text(TextPiece {
        message_id: "a".into(),
        text: text.into(),
    })
}

pub(in crate::session) fn end(stop_reason: StopReason) -> TurnComplete {
    TurnComplete {
        stop_reason,
        error: None,
        num_turns: 1,
        duration_ms: 10,
        duration_api_ms: 5,
        usage: Usage {
            input_tokens: 100,
            output_tokens: 20,
            cost_usd: 0.1,
            ..Usage::default()
        },
        result: String::new(),
        permission_denials: vec![],
        origin: String::new(),
        raw: Some(json!({"cost": 0.1})),
    }
}

pub(in crate::session) fn server(name: &str, status: &str) -> McpServer {
    McpServer {
        name: name.into(),
        status: status.into(),
        source: String::new(),
    }
}

pub(in crate::session) fn background_task(number: u8) -> BackgroundTask {
    BackgroundTask {
        id: number.to_string(),
        kind: "local_bash".into(),
        description: "a server".into(),
    }
}

pub(in crate::session) fn result(stop_reason: StopReason) -> Observation {
    Observation::Result(Box::new(end(stop_reason)))
}

pub(in crate::session) fn asked(id: &str, tool: &str) -> PermissionRequest {
    PermissionRequest {
        id: id.into(),
        tool: tool.into(),
        tool_call: None,
        input: json!({"command": "ls"}),
        description: "ls".into(),
        suggested_rules: vec![],
        expires_at: None,
        is_replay: false,
        note: String::new(),
    }
}

pub(in crate::session) fn permission(id: &str, tool: &str) -> Observation {
    Observation::PermissionAsked(asked(id, tool))
}

pub(in crate::session) fn question(id: &str) -> Observation {
    Observation::QuestionAsked(Question {
        id: id.into(),
        tool_call: None,
        items: vec![],
        plan: None,
        input: json!({}),
        expires_at: None,
        is_replay: false,
        note: String::new(),
    })
}

pub(in crate::session) fn tool_started(id: &str) -> Observation {
    Observation::ToolStarted {
        id: id.into(),
        tool: "Bash".into(),
        input: json!({}),
        description: String::new(),
    }
}

pub(in crate::session) fn tool_finished(id: &str) -> Observation {
    Observation::ToolFinished {
        id: id.into(),
        output: String::new(),
        is_error: false,
        diff: vec![],
        attachments: vec![],
    }
}

pub(in crate::session) fn retrying(http_status: u16, delay_ms: u64) -> Observation {
    Observation::Retrying {
        attempt: 1,
        max_attempts: 10,
        delay_ms,
        http_status: Some(http_status),
        error: "rate_limit".into(),
    }
}

pub(in crate::session) fn refused() -> Refused {
    Refused {
        message: "it does not know --flag".into(),
        hint: "update it".into(),
    }
}

pub(in crate::session) fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value).unwrap() {
        serde_json::Value::String(word) => word,
        other => other.to_string(),
    }
}

/// An event in a few words; messages by number.
pub(in crate::session) fn brief(body: &EventBody) -> String {
    let kind = word(&serde_json::to_value(body).unwrap()["type"]);
    match body {
        EventBody::UserInput(input) => format!("input {}", input.message_id.0.as_u128()),
        EventBody::MessageQueued(input) => format!("queued {}", input.message_id.0.as_u128()),
        EventBody::MessageDequeued {
            message_id,
            removed,
        } => {
            format!(
                "{} {}",
                if *removed { "removed" } else { "dequeued" },
                message_id.0.as_u128()
            )
        }
        EventBody::DeliveryUnknown { message_id } => format!("unknown {}", message_id.0.as_u128()),
        EventBody::StatusChange { status, .. } => format!("status {}", word(status)),
        EventBody::TurnComplete(end) => format!("end {}", word(&end.stop_reason)),
        EventBody::AgentStarting { resume, .. } => {
            format!("starting {}", if *resume { "resumed" } else { "fresh" })
        }
        EventBody::PermissionRequest(request) => format!("asks {}", request.id),
        EventBody::Question(question) => format!("asks {}", question.id),
        EventBody::PermissionResolved(PermissionDecision {
            id, outcome, by, ..
        }) => {
            format!("{} {id} by {}", word(outcome), decider(by))
        }
        EventBody::QuestionAnswered {
            id, outcome, by, ..
        } => {
            format!("{} {id} by {}", word(outcome), decider(by))
        }
        EventBody::MessageEdited(input) => format!("edited {}", input.message_id.0.as_u128()),
        EventBody::RequestExtended { id, .. } => format!("extended {id}"),
        EventBody::RequestReminder { id, hours } => format!("reminder {id} {hours} h"),
        EventBody::InputLockChanged { holder: None } => "lock free".into(),
        EventBody::InputLockChanged {
            holder: Some(holder),
        } => format!("lock {}", holder.name),
        EventBody::InputLockRequested { by, .. } => format!("wants {}", by.name),
        EventBody::InputLockRequestEnded { by, outcome } => {
            format!("{} {}", word(outcome), by.name)
        }
        EventBody::HistoryTrimmed { up_to, .. } => format!("trimmed {up_to}"),
        _ => kind,
    }
}

fn decider(by: &Decider) -> String {
    match by {
        Decider::Client(client) => client.name.clone(),
        Decider::Rule { rule, place } if place.is_empty() => rule.clone(),
        Decider::Rule { rule, place } => format!("{rule}, {place}"),
        Decider::Unattended => "unattended".into(),
        Decider::Agent => "agent".into(),
    }
}

pub(in crate::session) fn answer(id: &str, answer: PermissionAnswer) -> Action {
    Action::AnswerPermission {
        id: id.into(),
        answer,
    }
}

/// Allows this one call.
pub(in crate::session) fn allow(id: &str) -> Action {
    allow_for(id, PermissionScope::Once)
}

pub(in crate::session) fn allow_for(id: &str, scope: PermissionScope) -> Action {
    answer(id, PermissionAnswer::Allow { scope, input: None })
}

pub(in crate::session) fn deny(id: &str, message: &str) -> Action {
    let (message, interrupt) = (message.into(), false);
    answer(id, PermissionAnswer::Deny { message, interrupt })
}

pub(in crate::session) fn answer_question(id: &str, answers: Vec<Answer>) -> Action {
    Action::AnswerQuestion {
        id: id.into(),
        answer: QuestionAnswer::Answered(answers),
    }
}

pub(in crate::session) fn decline(id: &str, message: &str) -> Action {
    Action::AnswerQuestion {
        id: id.into(),
        answer: QuestionAnswer::Declined {
            message: message.into(),
        },
    }
}
