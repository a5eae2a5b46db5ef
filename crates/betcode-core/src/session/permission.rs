//! Requests for permission: what is decided without asking, what an answer does, and what the agent is told.
//!
//! Order of decision: a tool that this run does not allow is denied; then the answer that was given before the agent died;
//! then what was allowed for the session; then what this run allows; then the rules of the settings; then, where nobody is
//! there to ask, it is denied; otherwise somebody is asked.

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
use crate::time::Timestamp;

pub(super) const UNATTENDED: &str = "nobody is there to answer: this run is unattended";
pub(super) const SOMETHING_ELSE: &str = "asked again: the agent was started anew, and now asks for something else than what was answered";
const DENIED: &str = "The user does not want this.";

impl Session {
    pub(super) fn permission_asked(
        &self,
        terms: &Terms,
        now: Timestamp,
        parent: Option<ToolCallId>,
        mut request: PermissionRequest,
        drafts: &mut Vec<Draft>,
    ) {
        if self.requests.is_heard(&request.id) {
            return;
        }
        request.expires_at = Some(self.ends_waiting(terms, now));
        let pending = Pending::Permission(request);
        let before = self.decided_before(&pending, drafts);
        let something_else = self.requests.kept.asks_something_else(&pending);
        let Pending::Permission(mut request) = pending else {
            return;
        };
        let decided = self
            .denied_by_policy(&request)
            .or(before)
            .or_else(|| self.permission_by_policy(terms, &request));
        if decided.is_none() && something_else {
            SOMETHING_ELSE.clone_into(&mut request.note);
        }
        nested(
            parent.clone(),
            EventBody::PermissionRequest(request),
            drafts,
        );
        self.decided_or_waiting(parent, decided, drafts);
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

    /// What this run does not allow, nobody is asked about.
    fn denied_by_policy(&self, request: &PermissionRequest) -> Option<EventBody> {
        let denied = &self.present_policy().disallowed_tools;
        denied.contains(&request.tool).then(|| {
            let rule = format!("--disallowed-tools {}", request.tool);
            let message = format!("{} is not allowed in this run", request.tool);
            let by = Decider::Rule { rule };
            permission_resolved(&request.id, PermissionOutcome::Denied, by, &message)
        })
    }

    /// What is decided without asking anybody; nothing when a person is to be asked.
    fn permission_by_policy(
        &self,
        terms: &Terms,
        request: &PermissionRequest,
    ) -> Option<EventBody> {
        let policy = self.present_policy();
        let allow = |rule: String| {
            let by = Decider::Rule { rule };
            Some(permission_resolved(
                &request.id,
                PermissionOutcome::Allowed,
                by,
                "",
            ))
        };
        let rules = proposed_rules(request);
        if rules.iter().all(|rule| self.requests.grants.contains(rule)) {
            let rule = format!("{}, allowed for this session", rules.join(" and "));
            return allow(rule);
        }
        if policy.allowed_tools.contains(&request.tool) {
            let rule = format!("--allowed-tools {}", request.tool);
            return allow(rule);
        }
        if terms.rules.contains(&request.tool) {
            return allow(request.tool.clone());
        }
        if rules.iter().all(|rule| terms.rules.contains(rule)) {
            return allow(rules.join(" and "));
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
            decision.rules = proposed_rules(request);
        }
        let is_rule = |rule: &String| !rule.chars().any(char::is_control);
        if decision.scope == PermissionScope::Always && !decision.rules.iter().all(is_rule) {
            return Err(Rejected::Invalid {
                field: "allow.scope",
                problem:
                    "a rule is one line, and this input is not: allow it once, or for the session"
                        .into(),
            });
        }
        let also = self.covered_too(id, &decision.rules);
        let interrupt = decision.interrupt;
        let body = EventBody::PermissionResolved(decision);
        self.answered(context, client, (id, waiting), body, (interrupt, also))
    }

    /// Other requests that wait for what these rules allow.
    fn covered_too(&self, id: &RequestId, rules: &[String]) -> Vec<(&RequestId, Draft)> {
        let is_covered = |request: &PermissionRequest| {
            !rules.is_empty()
                && request.id != *id
                && proposed_rules(request)
                    .iter()
                    .all(|rule| rules.contains(rule) || self.requests.grants.contains(rule))
        };
        let heard = self.requests.heard();
        heard
            .filter_map(|(other, waiting)| match &waiting.pending {
                Pending::Permission(request) if is_covered(request) => {
                    let by = Decider::Rule {
                        rule: format!("{}, allowed for this session", rules.join(" and ")),
                    };
                    let end = permission_resolved(other, PermissionOutcome::Allowed, by, "");
                    Some((other, waiting.draft(end)))
                }
                _ => None,
            })
            .collect()
    }

    /// The way of every answer: the lock, the end of the request, and the agent that has to be started for it.
    pub(super) fn answered(
        &self,
        context: Context<'_>,
        client: &ClientInfo,
        (id, waiting): (&RequestId, &Waiting),
        end: EventBody,
        (interrupt, also): (bool, Vec<(&RequestId, Draft)>),
    ) -> Result<Decision, Rejected> {
        let (before, after) = match self.way_to_answer(context, client)? {
            Way::Ask(drafts) => return Ok(Decision::Waits(drafts)),
            Way::Clear { before, after } => (before, after),
        };
        let mut drafts = before;
        drafts.push(waiting.draft(end));
        let mut ended = vec![id];
        for (id, draft) in also {
            ended.push(id);
            drafts.push(draft);
        }
        let needs_agent = waiting.orphaned && !self.agent.is_present() && !interrupt;
        if needs_agent {
            drafts.extend(self.start_agent(context));
            self.status_to(Status::Starting, &mut drafts);
        } else {
            self.go_on(&ended, &mut drafts);
        }
        drafts.extend(after);
        Ok(Decision::Done(drafts))
    }
}

/// The rules that would allow this request from now on: what the agent proposes, otherwise the narrowest that says the same.
pub fn proposed_rules(request: &PermissionRequest) -> Vec<String> {
    if !request.suggested_rules.is_empty() {
        return request.suggested_rules.clone();
    }
    let field = |name: &str| request.input.get(name).and_then(Value::as_str);
    let tool = &request.tool;
    let host = |url: &str| {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host)
            .to_owned()
    };
    vec![if let Some(command) = field("command") {
        format!("{tool}({command})")
    } else if let Some(path) = field("file_path").or_else(|| field("notebook_path")) {
        format!("{tool}({path})")
    } else if let Some(url) = field("url") {
        format!("{tool}(domain:{})", host(url))
    } else {
        tool.clone()
    }]
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
