//! Requests of the agent that wait for an answer: permissions and questions.
//!
//! States: pending → resolved (allowed, denied, answered, declined, withdrawn, expired), once. Laws: a request ends exactly
//! once; what is decided by policy is recorded like any other decision; nothing waits for ever.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{
    Decider, Draft, EventBody, PermissionOutcome, PermissionRequest, Question, QuestionOutcome,
    TurnPolicy,
};
use crate::id::RequestId;
use crate::observation::AgentRequest;
use crate::time::Timestamp;

/// How long a request waits for an answer.
pub const REQUEST_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

const UNATTENDED: &str = "nobody is there to answer: this run is unattended";
const EXPIRED: &str = "the request expired without an answer; ask again if it is still needed";

/// One request that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Pending {
    /// For permission to use a tool.
    Permission(PermissionRequest),
    /// For an answer.
    Question(Question),
}

impl Pending {
    fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Permission(request) => request.expires_at,
            Self::Question(question) => question.expires_at,
        }
    }
}

/// All requests that wait.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Requests(BTreeMap<RequestId, Pending>);

impl Requests {
    /// The requests by id.
    pub fn iter(&self) -> impl Iterator<Item = (&RequestId, &Pending)> {
        self.0.iter()
    }

    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when this one waits.
    pub fn contains(&self, id: &RequestId) -> bool {
        self.0.contains_key(id)
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.0.values().filter_map(Pending::expires_at).min()
    }

    pub(super) fn expire(&self, now: Timestamp) -> Vec<Draft> {
        let due = self
            .0
            .iter()
            .filter(|(_, pending)| pending.expires_at().is_some_and(|at| at <= now));
        due.map(|(id, pending)| match pending {
            Pending::Permission(_) => {
                permission_resolved(id, PermissionOutcome::Expired, Decider::Unattended, EXPIRED)
            }
            Pending::Question(_) => {
                question_answered(id, QuestionOutcome::Expired, Decider::Unattended, EXPIRED)
            }
        })
        .collect()
    }

    /// Ends every request because the agent no longer waits.
    pub(super) fn withdraw_all(&self) -> Vec<Draft> {
        self.0.keys().filter_map(|id| self.withdraw(id)).collect()
    }

    pub(super) fn withdraw(&self, id: &RequestId) -> Option<Draft> {
        Some(match self.0.get(id)? {
            Pending::Permission(_) => {
                permission_resolved(id, PermissionOutcome::Withdrawn, Decider::Agent, "")
            }
            Pending::Question(_) => {
                question_answered(id, QuestionOutcome::Withdrawn, Decider::Agent, "")
            }
        })
    }

    pub(super) fn add(&mut self, id: &RequestId, pending: Pending) {
        self.0.insert(id.clone(), pending);
    }

    pub(super) fn remove(&mut self, id: &RequestId) {
        self.0.remove(id);
    }
}

/// What the policy of the turn says to a request for permission; nothing when a person is to be asked.
pub(super) fn permission_by_policy(
    request: &PermissionRequest,
    policy: &TurnPolicy,
) -> Option<Draft> {
    let named = |list: &[String]| list.contains(&request.tool);
    if named(&policy.disallowed_tools) {
        let rule = format!("--disallowed-tools {}", request.tool);
        let message = format!("{} is not allowed in this run", request.tool);
        return Some(permission_resolved(
            &request.id,
            PermissionOutcome::Denied,
            Decider::Rule { rule },
            &message,
        ));
    }
    if named(&policy.allowed_tools) {
        let rule = format!("--allowed-tools {}", request.tool);
        return Some(permission_resolved(
            &request.id,
            PermissionOutcome::Allowed,
            Decider::Rule { rule },
            "",
        ));
    }
    policy.unattended.then(|| {
        permission_resolved(
            &request.id,
            PermissionOutcome::Denied,
            Decider::Unattended,
            UNATTENDED,
        )
    })
}

/// What the policy of the turn says to a question; nothing when a person is to be asked.
pub(super) fn question_by_policy(question: &Question, policy: &TurnPolicy) -> Option<Draft> {
    policy.unattended.then(|| {
        question_answered(
            &question.id,
            QuestionOutcome::Declined,
            Decider::Unattended,
            UNATTENDED,
        )
    })
}

/// What the agent is told when a request for permission has ended.
pub(super) fn answer_permission(
    id: &RequestId,
    outcome: PermissionOutcome,
    message: &str,
) -> Vec<AgentRequest> {
    match outcome {
        PermissionOutcome::Allowed => vec![AgentRequest::Allow {
            id: id.clone(),
            input: None,
        }],
        PermissionOutcome::Denied | PermissionOutcome::Expired => vec![deny(id, message)],
        PermissionOutcome::Withdrawn => Vec::new(),
    }
}

/// What the agent is told when a question has ended. Answers are turned into an input once clients can give them.
pub(super) fn answer_question(
    id: &RequestId,
    outcome: QuestionOutcome,
    message: &str,
) -> Vec<AgentRequest> {
    match outcome {
        QuestionOutcome::Answered => vec![AgentRequest::Allow {
            id: id.clone(),
            input: None,
        }],
        QuestionOutcome::Declined | QuestionOutcome::Expired => vec![deny(id, message)],
        QuestionOutcome::Withdrawn => Vec::new(),
    }
}

fn deny(id: &RequestId, message: &str) -> AgentRequest {
    let message = if message.is_empty() {
        "denied"
    } else {
        message
    };
    AgentRequest::Deny {
        id: id.clone(),
        message: message.to_owned(),
        interrupt: false,
    }
}

fn permission_resolved(
    id: &RequestId,
    outcome: PermissionOutcome,
    by: Decider,
    message: &str,
) -> Draft {
    EventBody::PermissionResolved {
        id: id.clone(),
        outcome,
        by,
        message: message.to_owned(),
    }
    .into()
}

fn question_answered(
    id: &RequestId,
    outcome: QuestionOutcome,
    by: Decider,
    message: &str,
) -> Draft {
    EventBody::QuestionAnswered {
        id: id.clone(),
        answers: Vec::new(),
        outcome,
        by,
        message: message.to_owned(),
    }
    .into()
}
