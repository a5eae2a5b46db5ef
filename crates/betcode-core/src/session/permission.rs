//! Requests for permission: what is decided without asking, what an answer does, and what the agent is told.
//!
//! Order of decision: what a rule denies is denied; then the answer that was given before the agent died; then what was allowed
//! for the session, and what rules or the mode allow; then, where nobody is there to ask, it is denied; otherwise somebody is
//! asked. What the rules say comes with the request, as a [`Ruling`].

use serde_json::{Value, json};

use super::ends::{permission_resolved, withdrawn};
use super::lock::Way;
use super::observe::nested;
use super::requests::Waiting;
use super::{Context, Decision, Pending, Session, Terms};
use crate::canonical;
use crate::command::{PermissionAnswer, Rejected};
use crate::event::{
    Capability, ClientInfo, Decider, Draft, EventBody, PermissionDecision, PermissionOutcome,
    PermissionRequest, PermissionScope, Status,
};
use crate::id::{RequestId, ToolCallId};
use crate::observation::AgentRequest;
use crate::ruling::{BUILT_IN, RuleName, Ruling, Verdict, exact_grant};
use crate::time::Timestamp;

pub(super) const UNATTENDED: &str = "nobody is there to answer: this run is unattended";
pub(super) const SOMETHING_ELSE: &str = "asked again: the agent was started anew, and now asks for something else than what was answered";
/// Where a rule stands that was granted for the session.
pub const FOR_THE_SESSION: &str = "allowed for this session";
const DENIED: &str = "The user does not want this.";

impl Session {
    pub(super) fn permission_asked(
        &self,
        terms: &Terms,
        now: Timestamp,
        parent: Option<ToolCallId>,
        mut request: PermissionRequest,
        ruling: &Ruling,
        drafts: &mut Vec<Draft>,
    ) {
        if self.requests.is_heard(&request.id) {
            return;
        }
        request.expires_at = Some(self.ends_waiting(terms, now));
        request.suggested_rules.clone_from(&ruling.proposed);
        let pending = Pending::Permission(request);
        let before = self.decided_before(&pending, drafts);
        let something_else = self.requests.kept.asks_something_else(&pending);
        let Pending::Permission(mut request) = pending else {
            return;
        };
        let decided = denied_by(&request.id, ruling)
            .or(before)
            .or_else(|| self.without_asking(&request, ruling));
        if decided.is_none() {
            request.note = match &ruling.by {
                _ if something_else => SOMETHING_ELSE.to_owned(),
                Some(by) if !by.place.is_empty() => format!("{} ({})", ruling.reason, by.place),
                Some(_) => ruling.reason.clone(),
                None => String::new(),
            };
        }
        nested(
            parent.clone(),
            EventBody::PermissionRequest(request),
            drafts,
        );
        self.decided_or_waiting(parent, decided, drafts);
    }

    /// A call that the agent announces leaves a trace only when a rule forbids it.
    pub(super) fn tool_announced(
        &self,
        now: Timestamp,
        parent: Option<ToolCallId>,
        mut request: PermissionRequest,
        ruling: &Ruling,
        drafts: &mut Vec<Draft>,
    ) {
        let Some(denied) = denied_by(&request.id, ruling) else {
            return;
        };
        if self.requests.is_heard(&request.id) {
            return;
        }
        request.expires_at = Some(now);
        request.suggested_rules.clone_from(&ruling.proposed);
        nested(
            parent.clone(),
            EventBody::PermissionRequest(request),
            drafts,
        );
        nested(parent, denied, drafts);
    }

    /// The answer that somebody gave before the agent died, if this is the same again. An orphan that has not been answered
    /// ends: this request takes its place.
    pub(super) fn decided_before(
        &self,
        pending: &Pending,
        drafts: &mut Vec<Draft>,
    ) -> Option<EventBody> {
        if let Some((id, orphan)) = self.requests.orphan_like(pending) {
            let why = format!("asked again as {}", pending.id());
            drafts.push(withdrawn(id, orphan, &why));
        }
        self.requests.kept.decision(pending)
    }

    /// Until when a request that is asked now waits.
    pub(super) fn ends_waiting(&self, terms: &Terms, now: Timestamp) -> Timestamp {
        let own = self.present_policy().wait_ms;
        now.plus(own.map_or(terms.request_lifetime, std::time::Duration::from_millis))
    }

    /// What is decided without asking anybody; nothing when a person is to be asked.
    fn without_asking(&self, request: &PermissionRequest, ruling: &Ruling) -> Option<EventBody> {
        let unattended = || {
            self.present_policy().unattended.then(|| {
                permission_resolved(
                    &request.id,
                    PermissionOutcome::Denied,
                    Decider::Unattended,
                    UNATTENDED,
                )
            })
        };
        self.allowance(request, ruling).or_else(unattended)
    }

    /// What was allowed for the session, and what the rules or the mode allow.
    fn allowance(&self, request: &PermissionRequest, ruling: &Ruling) -> Option<EventBody> {
        let allowed = |by| permission_resolved(&request.id, PermissionOutcome::Allowed, by, "");
        let exact = exact_grant(&request.tool, &request.input);
        if self.requests.grants.contains(&exact) {
            return Some(allowed(Decider::Rule {
                rule: exact,
                place: FOR_THE_SESSION.to_owned(),
            }));
        }
        (ruling.verdict == Verdict::Allow).then(|| allowed(decider(ruling)))
    }

    /// Ends a request that waits for a person because a rule that was made meanwhile allows it.
    pub fn allowed_meanwhile(&self, id: &RequestId, ruling: &Ruling) -> Vec<Draft> {
        let waiting = self.requests.heard().find(|(other, _)| *other == id);
        let Some((_, waiting)) = waiting else {
            return Vec::new();
        };
        let Pending::Permission(request) = &waiting.pending else {
            return Vec::new();
        };
        let Some(allowed) = self.allowance(request, ruling) else {
            return Vec::new();
        };
        let mut drafts = vec![waiting.draft(allowed)];
        self.go_on(&[id], &mut drafts);
        drafts
    }

    pub(super) fn decided_or_waiting(
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

    pub(super) fn answer_permission(
        &self,
        context: Context<'_>,
        client: &ClientInfo,
        id: &RequestId,
        answer: &PermissionAnswer,
    ) -> Result<Decision, Rejected> {
        let by = Decider::Client(client.clone());
        let mut decision = decision(id, by, answer);
        let Some(waiting) = self.requests.answerable(id, &digest_of(&decision))? else {
            return Ok(Decision::Done(Vec::new()));
        };
        let Pending::Permission(request) = &waiting.pending else {
            return Err(Rejected::Invalid {
                field: "answer_permission.id",
                problem: format!("{id} is a question, not a request for permission"),
            });
        };
        let edits = self.info.capabilities.contains(&Capability::EditedInput);
        if decision.input.is_some() && !edits {
            return Err(Rejected::Unsupported(
                "this agent cannot run an edited input: allow or deny the request as it is".into(),
            ));
        }
        // A rule would be about what the agent asked for, which is not what is allowed here.
        if decision.input.is_some() && decision.scope != PermissionScope::Once {
            return Err(Rejected::Invalid {
                field: "allow.scope",
                problem: "another input than the agent's is allowed once, not for longer".into(),
            });
        }
        if decision.scope != PermissionScope::Once {
            decision.rules.clone_from(&request.suggested_rules);
        }
        match decision.scope {
            PermissionScope::Session if decision.rules.is_empty() => {
                decision.rules = vec![exact_grant(&request.tool, &request.input)];
            }
            PermissionScope::Always if decision.rules.is_empty() => {
                return Err(Rejected::Invalid {
                    field: "allow.scope",
                    problem: "no rule can stand for this call, so there is none to write: allow it once, or for the session"
                        .into(),
                });
            }
            _ => {}
        }
        let interrupt = decision.interrupt;
        let body = EventBody::PermissionResolved(decision);
        self.answered(context, client, (id, waiting), body, interrupt)
    }

    /// The way of every answer: the lock, the end of the request, and the agent that has to be started for it.
    pub(super) fn answered(
        &self,
        context: Context<'_>,
        client: &ClientInfo,
        (id, waiting): (&RequestId, &Waiting),
        end: EventBody,
        interrupt: bool,
    ) -> Result<Decision, Rejected> {
        let (before, after) = match self.way_to_answer(context, client)? {
            Way::Ask(drafts) => return Ok(Decision::Waits(drafts)),
            Way::Clear { before, after } => (before, after),
        };
        let mut drafts = before;
        drafts.push(waiting.draft(end));
        let needs_agent = waiting.orphaned && !self.agent.is_present() && !interrupt;
        if needs_agent {
            drafts.extend(self.start_agent(context));
            self.status_to(Status::Starting, &mut drafts);
        } else {
            self.go_on(&[id], &mut drafts);
        }
        drafts.extend(after);
        Ok(Decision::Done(drafts))
    }
}

fn denied_by(id: &RequestId, ruling: &Ruling) -> Option<EventBody> {
    (ruling.verdict == Verdict::Deny).then(|| {
        let by = decider(ruling);
        permission_resolved(id, PermissionOutcome::Denied, by, &ruling.reason)
    })
}

/// The rule that decided; without one, what is built in.
fn decider(ruling: &Ruling) -> Decider {
    match &ruling.by {
        Some(RuleName { rule, place }) => Decider::Rule {
            rule: rule.clone(),
            place: place.clone(),
        },
        None => Decider::Rule {
            rule: ruling.reason.clone(),
            place: BUILT_IN.to_owned(),
        },
    }
}

fn decision(id: &RequestId, by: Decider, answer: &PermissionAnswer) -> PermissionDecision {
    match answer.clone() {
        PermissionAnswer::Allow { scope, input } => PermissionDecision {
            id: id.clone(),
            outcome: PermissionOutcome::Allowed,
            by,
            message: String::new(),
            scope,
            rules: Vec::new(),
            input,
            interrupt: false,
        },
        PermissionAnswer::Deny { message, interrupt } => PermissionDecision {
            id: id.clone(),
            outcome: PermissionOutcome::Denied,
            by,
            message,
            scope: PermissionScope::Once,
            rules: Vec::new(),
            input: None,
            interrupt,
        },
    }
}

/// By what an answer is told from another one: everything that it does, but not who gave it. The digest of an edited input
/// stands at the end, see [`with_edit`].
pub(super) fn digest_of(decision: &PermissionDecision) -> String {
    let words = canonical::digest(&json!([
        decision.outcome,
        decision.scope,
        decision.input.is_some(),
        decision.message,
        decision.interrupt,
    ]));
    match &decision.input {
        Some(input) => with_edit(words, input),
        None => words,
    }
}

/// The same with another edited input: what the log shows of a long one is a preview.
pub(super) fn with_edit(mut answer: String, input: &Value) -> String {
    answer.truncate(64);
    answer.push_str(&canonical::digest(input));
    answer
}

/// What the agent is told when a request for permission has ended.
pub(super) fn tell(decision: &PermissionDecision) -> Vec<AgentRequest> {
    match decision.outcome {
        PermissionOutcome::Allowed => vec![AgentRequest::Allow {
            id: decision.id.clone(),
            input: decision.input.clone(),
        }],
        PermissionOutcome::Denied | PermissionOutcome::Expired => {
            vec![deny(&decision.id, &decision.message, decision.interrupt)]
        }
        PermissionOutcome::Withdrawn => Vec::new(),
    }
}

pub(super) fn deny(id: &RequestId, message: &str, interrupt: bool) -> AgentRequest {
    let message = if message.trim().is_empty() {
        DENIED
    } else {
        message
    };
    AgentRequest::Deny {
        id: id.clone(),
        message: message.to_owned(),
        interrupt,
    }
}
