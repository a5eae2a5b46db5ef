//! Requests of the agent that wait for an answer: permissions and questions.
//!
//! States: pending → resolved (allowed, denied, answered, declined, withdrawn, expired), once. Laws: a request ends exactly
//! once; what is decided by policy is recorded like any other decision; nothing waits for ever; a request that is asked
//! again while it waits is the same request.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Session;
use super::observe::nested;
use crate::event::{
    Decider, Draft, EventBody, PermissionDecision, PermissionOutcome, PermissionRequest,
    PermissionScope, Question, QuestionOutcome, Status, TurnPolicy,
};
use crate::id::{RequestId, ToolCallId};
use crate::observation::AgentRequest;
use crate::time::Timestamp;

/// How long a request waits for an answer.
pub const REQUEST_LIFETIME: Duration = Duration::from_hours(7 * 24);

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

/// A request with the sub-agent that asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Waiting {
    pending: Pending,
    parent: Option<ToolCallId>,
}

/// All requests that wait.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Requests(BTreeMap<RequestId, Waiting>);

impl Requests {
    /// The requests by id.
    pub fn iter(&self) -> impl Iterator<Item = (&RequestId, &Pending)> {
        self.0.iter().map(|(id, waiting)| (id, &waiting.pending))
    }

    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when this one waits.
    pub fn contains(&self, id: &RequestId) -> bool {
        self.0.contains_key(id)
    }

    pub(super) fn any_nested(&self) -> bool {
        self.0.values().any(|waiting| waiting.parent.is_some())
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.iter()
            .filter_map(|(_, pending)| pending.expires_at())
            .min()
    }

    pub(super) fn expire(&self, now: Timestamp) -> Vec<Draft> {
        let due = |waiting: &Waiting| waiting.pending.expires_at().is_some_and(|at| at <= now);
        self.0
            .iter()
            .filter(|(_, waiting)| due(waiting))
            .map(|(id, waiting)| expired(id, waiting))
            .collect()
    }

    /// Ends every request because the agent no longer waits.
    pub(super) fn withdraw_all(&self) -> Vec<Draft> {
        self.0
            .iter()
            .map(|(id, waiting)| withdrawn(id, waiting))
            .collect()
    }

    /// Ends the requests of the main conversation. Sub-agents in the background go on waiting.
    pub(super) fn withdraw_own(&self) -> Vec<Draft> {
        let own = self
            .0
            .iter()
            .filter(|(_, waiting)| waiting.parent.is_none());
        own.map(|(id, waiting)| withdrawn(id, waiting)).collect()
    }

    pub(super) fn add(&mut self, id: &RequestId, pending: Pending, parent: Option<&ToolCallId>) {
        self.0.insert(
            id.clone(),
            Waiting {
                pending,
                parent: parent.cloned(),
            },
        );
    }

    pub(super) fn remove(&mut self, id: &RequestId) {
        self.0.remove(id);
    }
}

impl Session {
    pub(super) fn permission_asked(
        &self,
        now: Timestamp,
        parent: Option<ToolCallId>,
        mut request: PermissionRequest,
        drafts: &mut Vec<Draft>,
    ) {
        if self.requests.contains(&request.id) {
            return;
        }
        request.expires_at = Some(now.plus(REQUEST_LIFETIME));
        let decided = permission_by_policy(&request, self.present_policy());
        nested(
            parent.clone(),
            EventBody::PermissionRequest(request),
            drafts,
        );
        self.decided_or_waiting(parent, decided, drafts);
    }

    pub(super) fn question_asked(
        &self,
        now: Timestamp,
        parent: Option<ToolCallId>,
        mut question: Question,
        drafts: &mut Vec<Draft>,
    ) {
        if self.requests.contains(&question.id) {
            return;
        }
        question.expires_at = Some(now.plus(REQUEST_LIFETIME));
        let decided = question_by_policy(&question, self.present_policy());
        nested(parent.clone(), EventBody::Question(question), drafts);
        self.decided_or_waiting(parent, decided, drafts);
    }

    /// The agent takes a request back.
    pub(super) fn withdrawn(&self, id: &RequestId, drafts: &mut Vec<Draft>) {
        drafts.extend(
            self.requests
                .0
                .get(id)
                .map(|waiting| withdrawn(id, waiting)),
        );
        self.go_on(drafts);
    }

    /// Ends what has waited too long.
    pub(super) fn expire_requests(&self, now: Timestamp) -> Vec<Draft> {
        let mut drafts = self.requests.expire(now);
        self.go_on(&mut drafts);
        drafts
    }

    /// When these drafts end the last request, nobody waits for the user any more.
    fn go_on(&self, drafts: &mut Vec<Draft>) {
        let waits = self.info.status == Status::WaitingForUser;
        if waits && !drafts.is_empty() && drafts.len() == self.requests.0.len() {
            let status = match &self.turn {
                None => Status::Idle,
                Some(turn) if turn.open_tools > 0 => Status::RunningTool,
                Some(_) => Status::Thinking,
            };
            self.status_to(status, drafts);
        }
    }

    /// What may be done without asking: by the turn, and by what it left running in the background.
    fn present_policy(&self) -> &TurnPolicy {
        self.turn.as_ref().map_or(&self.policy, |turn| &turn.policy)
    }

    fn decided_or_waiting(
        &self,
        parent: Option<ToolCallId>,
        decided: Option<EventBody>,
        drafts: &mut Vec<Draft>,
    ) {
        match decided {
            Some(decided) => nested(parent, decided, drafts),
            None => self.status_to(Status::WaitingForUser, drafts),
        }
    }
}

fn withdrawn(id: &RequestId, waiting: &Waiting) -> Draft {
    let body = match waiting.pending {
        Pending::Permission(_) => {
            permission_resolved(id, PermissionOutcome::Withdrawn, Decider::Agent, "")
        }
        Pending::Question(_) => {
            question_answered(id, QuestionOutcome::Withdrawn, Decider::Agent, "")
        }
    };
    Draft {
        parent: waiting.parent.clone(),
        body,
    }
}

fn expired(id: &RequestId, waiting: &Waiting) -> Draft {
    let by = Decider::Unattended;
    let body = match waiting.pending {
        Pending::Permission(_) => permission_resolved(id, PermissionOutcome::Expired, by, EXPIRED),
        Pending::Question(_) => question_answered(id, QuestionOutcome::Expired, by, EXPIRED),
    };
    Draft {
        parent: waiting.parent.clone(),
        body,
    }
}

/// What the policy of the turn says to a request for permission; nothing when a person is to be asked.
fn permission_by_policy(request: &PermissionRequest, policy: &TurnPolicy) -> Option<EventBody> {
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
fn question_by_policy(question: &Question, policy: &TurnPolicy) -> Option<EventBody> {
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

fn question_answered(
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
