//! How requests end, as events and in words. Not the place where it is decided that they do.

use serde::Serialize;
use serde_json::Value;

use super::Pending;
use super::requests::Waiting;
use crate::event::{
    Decider, Draft, EventBody, PermissionDecision, PermissionOutcome, PermissionScope,
    QuestionOutcome,
};
use crate::id::RequestId;

const EXPIRED: &str = "the request expired without an answer; ask again if it is still needed";

pub(super) fn withdrawn(id: &RequestId, waiting: &Waiting, why: &str) -> Draft {
    let by = Decider::Agent;
    waiting.draft(match waiting.pending {
        Pending::Permission(_) => permission_resolved(id, PermissionOutcome::Withdrawn, by, why),
        Pending::Question(_) => question_answered(id, QuestionOutcome::Withdrawn, by, why),
    })
}

pub(super) fn expired(id: &RequestId, waiting: &Waiting) -> Draft {
    let by = Decider::Unattended;
    waiting.draft(match waiting.pending {
        Pending::Permission(_) => permission_resolved(id, PermissionOutcome::Expired, by, EXPIRED),
        Pending::Question(_) => question_answered(id, QuestionOutcome::Expired, by, EXPIRED),
    })
}

pub(super) fn permission_resolved(
    id: &RequestId,
    outcome: PermissionOutcome,
    by: Decider,
    message: &str,
) -> EventBody {
    EventBody::PermissionResolved(PermissionDecision {
        id: id.clone(),
        outcome,
        by,
        message: message.to_owned(),
        scope: PermissionScope::Once,
        rules: Vec::new(),
        input: None,
        interrupt: false,
    })
}

pub(super) fn question_answered(
    id: &RequestId,
    outcome: QuestionOutcome,
    by: Decider,
    message: &str,
) -> EventBody {
    EventBody::QuestionAnswered {
        id: id.clone(),
        answers: Vec::new(),
        outcome,
        by,
        message: message.to_owned(),
    }
}

/// Who or what decided, for people.
pub fn describe(by: &Decider) -> String {
    match by {
        Decider::Client(client) => client.label(),
        Decider::Rule { rule, place } if place.is_empty() => rule.clone(),
        Decider::Rule { rule, place } => format!("{rule} ({place})"),
        Decider::Unattended => "nobody was there to answer".to_owned(),
        Decider::Agent => "the agent".to_owned(),
    }
}

/// How something ended, in the word that the log uses.
pub fn outcome_word(outcome: &impl Serialize) -> String {
    match serde_json::to_value(outcome) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}
