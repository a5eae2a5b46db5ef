//! Requests of the agent that wait for an answer: permissions and questions. How each kind is decided and answered stands
//! in `permission` and `question`.
//!
//! States: pending → ended (allowed, denied, answered, declined, withdrawn, expired), once. A pending request whose agent
//! died is *orphaned*: its answer is kept until the agent, started again, asks the same once more.
//!
//! Laws:
//! - a request ends exactly once; the first valid answer counts, the same one again changes nothing, another one is told
//!   what was decided;
//! - a request that is asked again while it waits is the same request;
//! - nothing waits for ever: activity prolongs a request, once an hour at most and never past 30 days after it was asked;
//! - a clock that jumped ends nothing before it has been steady (see [`Hold`]);
//! - each reminder is given once, and several that were slept through are one;
//! - an answer to an orphan is applied once, and only to the same tool with the same input.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ends::{describe, expired, outcome_word, withdrawn};
use super::kept::{KeptAnswer, KeptAnswers};
use super::{Session, Terms};
use crate::canonical;
use crate::command::Rejected;
use crate::event::{
    Answer, Decider, Draft, EventBody, PermissionDecision, PermissionOutcome, PermissionRequest,
    PermissionScope, Question, QuestionOutcome, Status,
};
use crate::id::{RequestId, Sequence, ToolCallId};
use crate::steady::Hold;
use crate::time::Timestamp;

/// No activity prolongs a request past this age.
const OLDEST: Duration = Duration::from_hours(30 * 24);
/// Activity prolongs a request at most so often; one that waits for a few hours only, four times in its life.
const EXTENDED_EVERY: Duration = Duration::from_hours(1);
/// After so many hours without an answer the user is reminded.
const REMINDERS: [u32; 2] = [1, 24];
/// How many ended requests are remembered, for those who answer late.
const REMEMBERED: usize = 256;

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
    /// Its id.
    pub fn id(&self) -> &RequestId {
        match self {
            Self::Permission(request) => &request.id,
            Self::Question(question) => &question.id,
        }
    }

    /// When it ends without an answer.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Permission(request) => request.expires_at,
            Self::Question(question) => question.expires_at,
        }
    }

    /// What the agent asks with.
    pub fn input(&self) -> &Value {
        match self {
            Self::Permission(request) => &request.input,
            Self::Question(question) => &question.input,
        }
    }

    fn input_mut(&mut self) -> &mut Value {
        match self {
            Self::Permission(request) => &mut request.input,
            Self::Question(question) => &mut question.input,
        }
    }

    /// The tool that waits; what asks a question has none of its own.
    pub fn tool(&self) -> &str {
        match self {
            Self::Permission(request) => &request.tool,
            Self::Question(question) if question.plan.is_some() => "ExitPlanMode",
            Self::Question(_) => "AskUserQuestion",
        }
    }
}

/// A request with what is known around it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) pending: Pending,
    /// The sub-agent that asks.
    pub(super) parent: Option<ToolCallId>,
    asked: Timestamp,
    /// When its end was set last.
    set: Timestamp,
    /// Activity does not prolong it.
    fixed: bool,
    /// The reminder that was given last, in hours.
    reminded: u32,
    /// The agent that asked has died.
    pub(super) orphaned: bool,
    /// The event that has the whole input, if the log shows only a preview.
    cut_at: Option<Sequence>,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Ended {
    id: RequestId,
    word: String,
    by: Decider,
    /// The answer's digest, when it was one.
    answer: Option<String>,
    /// The event that has the whole edited input, if the digest is that of a preview.
    cut_at: Option<Sequence>,
}

/// All requests of a session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Requests {
    waiting: BTreeMap<RequestId, Waiting>,
    ended: VecDeque<Ended>,
    pub(super) kept: KeptAnswers,
    /// Rules that are allowed while the session lasts.
    pub(super) grants: BTreeSet<String>,
    /// Rules that were allowed for good and have not been written yet.
    unwritten: BTreeMap<RequestId, Vec<String>>,
}

impl Requests {
    /// The requests that wait, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&RequestId, &Pending)> {
        self.waiting
            .iter()
            .map(|(id, waiting)| (id, &waiting.pending))
    }

    /// Those of them that ask for permission.
    pub fn permissions(&self) -> impl Iterator<Item = &PermissionRequest> {
        self.iter().filter_map(|(_, pending)| match pending {
            Pending::Permission(request) => Some(request),
            Pending::Question(_) => None,
        })
    }

    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// True when this one waits.
    pub fn contains(&self, id: &RequestId) -> bool {
        self.waiting.contains_key(id)
    }

    /// True when the agent that asked this is there to hear the answer.
    pub(super) fn is_heard(&self, id: &RequestId) -> bool {
        self.waiting
            .get(id)
            .is_some_and(|waiting| !waiting.orphaned)
    }

    /// The requests whose agent is there to hear the answer.
    pub(super) fn heard(&self) -> impl Iterator<Item = (&RequestId, &Waiting)> {
        self.waiting.iter().filter(|(_, waiting)| !waiting.orphaned)
    }

    /// True when somebody is there that waits for an answer.
    pub(super) fn any_heard(&self) -> bool {
        self.waiting.values().any(|waiting| !waiting.orphaned)
    }

    /// What is allowed while the session lasts: rules, and exact inputs for which there is no rule.
    pub fn grants(&self) -> impl Iterator<Item = &str> {
        self.grants.iter().map(String::as_str)
    }

    /// Rules that are to be written to the project's local settings, with the request that they come from.
    pub fn unwritten(&self) -> impl Iterator<Item = (&RequestId, &[String])> {
        self.unwritten
            .iter()
            .map(|(id, rules)| (id, rules.as_slice()))
    }

    /// The events that have the whole input of a request or an answer of which only a preview is here.
    pub fn cut(&self) -> Vec<Sequence> {
        let waiting = self.waiting.values().filter_map(|waiting| waiting.cut_at);
        let ended = self.ended.iter().filter_map(|ended| ended.cut_at);
        let cut: BTreeSet<_> = waiting.chain(ended).chain(self.kept.cut()).collect();
        cut.into_iter().collect()
    }

    pub(super) fn restore_input(&mut self, at: Sequence, input: Value) {
        self.kept.restore_input(at, &input);
        for ended in self
            .ended
            .iter_mut()
            .filter(|ended| ended.cut_at == Some(at))
        {
            let answer = ended.answer.take();
            ended.answer = answer.map(|answer| super::permission::with_edit(answer, &input));
            ended.cut_at = None;
        }
        let cut = |waiting: &&mut Waiting| waiting.cut_at == Some(at);
        if let Some(waiting) = self.waiting.values_mut().find(cut) {
            *waiting.pending.input_mut() = input;
            waiting.cut_at = None;
        }
    }

    /// The state holds every input whole, so nothing is fetched for it any more.
    pub(super) fn keep_whole(&mut self) {
        for waiting in self.waiting.values_mut() {
            waiting.cut_at = None;
        }
        for ended in &mut self.ended {
            ended.cut_at = None;
        }
        self.kept.keep_whole();
    }

    pub(super) fn any_nested(&self) -> bool {
        self.waiting
            .values()
            .any(|waiting| waiting.parent.is_some())
    }

    pub(super) fn next_deadline(&self, hold: Hold) -> Option<Timestamp> {
        self.waiting
            .values()
            .filter_map(|waiting| waiting.next_deadline(hold))
            .min()
    }

    /// The request, if it waits; otherwise what to tell whoever answers: nothing for the same answer again.
    pub(super) fn answerable(
        &self,
        id: &RequestId,
        answer: &str,
    ) -> Result<Option<&Waiting>, Rejected> {
        if let Some(waiting) = self.waiting.get(id) {
            return Ok(Some(waiting));
        }
        match self.ended.iter().rev().find(|ended| ended.id == *id) {
            Some(ended) if ended.answer.as_deref() == Some(answer) => Ok(None),
            Some(ended) => Err(Rejected::RequestEnded {
                id: id.clone(),
                how: match &ended.by {
                    Decider::Unattended => format!("{}: {}", ended.word, describe(&ended.by)),
                    by => format!("{} by {}", ended.word, describe(by)),
                },
                outcome: ended.word.clone(),
            }),
            None => Err(Rejected::UnknownRequest(id.clone())),
        }
    }

    /// Drafts that end or remind of what has waited too long.
    fn expire(&self, now: Timestamp, hold: Hold) -> (Vec<Draft>, Vec<&RequestId>) {
        let mut drafts = Vec::new();
        let mut ends = Vec::new();
        for (id, waiting) in &self.waiting {
            if waiting.expires(hold).is_some_and(|at| at <= now) {
                ends.push(id);
                drafts.push(expired(id, waiting));
            } else if let Some(hours) = waiting.due_reminder(now) {
                let body = EventBody::RequestReminder {
                    id: id.clone(),
                    hours,
                };
                drafts.push(waiting.draft(body));
            }
        }
        (drafts, ends)
    }

    /// Ends every request because the agent no longer waits.
    pub(super) fn withdraw_all(&self) -> Vec<Draft> {
        self.withdraw(|_| true)
    }

    /// Ends the requests of the main conversation. Sub-agents in the background go on waiting.
    pub(super) fn withdraw_own(&self) -> Vec<Draft> {
        self.withdraw(|waiting| waiting.parent.is_none())
    }

    /// Ends the requests of the main conversation that the present agent asked.
    pub(super) fn withdraw_heard(&self) -> Vec<Draft> {
        self.withdraw(|waiting| waiting.parent.is_none() && !waiting.orphaned)
    }

    /// Ends the requests whose agent died: the next one has something else to do.
    pub(super) fn withdraw_orphans(&self) -> Vec<Draft> {
        self.withdraw(|waiting| waiting.orphaned)
    }

    /// Ends the requests of sub-agents: they die with the agent and are not started again.
    pub(super) fn withdraw_nested(&self) -> Vec<Draft> {
        self.withdraw(|waiting| waiting.parent.is_some())
    }

    fn withdraw(&self, which: impl Fn(&Waiting) -> bool) -> Vec<Draft> {
        self.waiting
            .iter()
            .filter(|(_, waiting)| which(waiting))
            .map(|(id, waiting)| withdrawn(id, waiting, ""))
            .collect()
    }

    /// The orphan that is now asked again.
    pub(super) fn orphan_like(&self, pending: &Pending) -> Option<(&RequestId, &Waiting)> {
        // An agent that takes up its own id again means the same request, whatever it asks with.
        if let Some(orphan) = self.waiting.get_key_value(pending.id()) {
            return Some(orphan);
        }
        let mut orphans = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.orphaned && waiting.pending.tool() == pending.tool())
            .peekable();
        orphans.peek()?;
        let digest = canonical::digest(pending.input());
        orphans.find(|(_, waiting)| canonical::digest(waiting.pending.input()) == digest)
    }

    pub(super) fn asked(
        &mut self,
        pending: Pending,
        parent: Option<&ToolCallId>,
        at: Timestamp,
        fixed: bool,
        cut_at: Option<Sequence>,
    ) {
        self.waiting.insert(
            pending.id().clone(),
            Waiting {
                pending,
                parent: parent.cloned(),
                asked: at,
                set: at,
                fixed,
                reminded: 0,
                orphaned: false,
                cut_at,
            },
        );
    }

    pub(super) fn extended(&mut self, id: &RequestId, expires_at: Timestamp, at: Timestamp) {
        if let Some(waiting) = self.waiting.get_mut(id) {
            waiting.set = at;
            match &mut waiting.pending {
                Pending::Permission(request) => request.expires_at = Some(expires_at),
                Pending::Question(question) => question.expires_at = Some(expires_at),
            }
        }
    }

    pub(super) fn reminded(&mut self, id: &RequestId, hours: u32) {
        if let Some(waiting) = self.waiting.get_mut(id) {
            waiting.reminded = hours;
        }
    }

    pub(super) fn permission_ended(
        &mut self,
        decision: &PermissionDecision,
        cut_at: Option<Sequence>,
    ) {
        if decision.outcome == PermissionOutcome::Allowed && decision.scope != PermissionScope::Once
        {
            self.grants.extend(decision.rules.iter().cloned());
        }
        if decision.scope == PermissionScope::Always && !decision.rules.is_empty() {
            self.unwritten
                .insert(decision.id.clone(), decision.rules.clone());
        }
        let answer = matches!(decision.by, Decider::Client(_))
            .then(|| super::permission::digest_of(decision));
        let word = outcome_word(&decision.outcome);
        let kept = || KeptAnswer::Permission(decision.clone());
        self.ended(&decision.id, word, &decision.by, answer, kept, cut_at);
    }

    pub(super) fn question_ended(
        &mut self,
        id: &RequestId,
        answers: &[Answer],
        outcome: QuestionOutcome,
        by: &Decider,
        message: &str,
    ) {
        let answer = matches!(by, Decider::Client(_))
            .then(|| super::question::digest_of(answers, outcome, message));
        let kept = || KeptAnswer::Question {
            answers: answers.to_vec(),
            outcome,
            by: by.clone(),
            message: message.to_owned(),
        };
        self.ended(id, outcome_word(&outcome), by, answer, kept, None);
    }

    fn ended(
        &mut self,
        id: &RequestId,
        word: String,
        by: &Decider,
        answer: Option<String>,
        kept: impl FnOnce() -> KeptAnswer,
        cut_at: Option<Sequence>,
    ) {
        let Some(waiting) = self.waiting.remove(id) else {
            return;
        };
        if !waiting.orphaned {
            self.kept.used(&waiting.pending);
        } else if answer.is_some() {
            let pending = &waiting.pending;
            self.kept.keep(id, pending, waiting.cut_at, kept(), cut_at);
        }
        if self.ended.len() == REMEMBERED {
            self.ended.pop_front();
        }
        self.ended.push_back(Ended {
            id: id.clone(),
            word,
            by: by.clone(),
            answer,
            cut_at,
        });
    }

    pub(super) fn written(&mut self, id: &RequestId) {
        self.unwritten.remove(id);
    }

    pub(super) fn orphan(&mut self) {
        for waiting in self.waiting.values_mut() {
            waiting.orphaned = true;
        }
    }
}

impl Waiting {
    pub(super) fn draft(&self, body: EventBody) -> Draft {
        Draft {
            parent: self.parent.clone(),
            body,
        }
    }

    fn expires(&self, hold: Hold) -> Option<Timestamp> {
        Some(hold.not_before(self.asked, self.pending.expires_at()?))
    }

    fn next_deadline(&self, hold: Hold) -> Option<Timestamp> {
        let next = REMINDERS.iter().find(|hours| **hours > self.reminded);
        let reminder = next.map(|hours| self.asked.plus(Duration::from_hours((*hours).into())));
        self.expires(hold).into_iter().chain(reminder).min()
    }

    fn due_reminder(&self, now: Timestamp) -> Option<u32> {
        let due = |hours: &&u32| self.asked.plus(Duration::from_hours(u64::from(**hours))) <= now;
        let last = REMINDERS.iter().rev().find(due)?;
        (*last > self.reminded).then_some(*last)
    }

    /// From when on activity counts again.
    fn next_extension(&self, terms: &Terms) -> Timestamp {
        self.set
            .plus(EXTENDED_EVERY.min(terms.request_lifetime / 4))
    }

    /// When activity at `now` would make it wait until, if that is later and not too soon after the last time.
    fn extension(&self, now: Timestamp, terms: &Terms) -> Option<Timestamp> {
        let expires_at = self.pending.expires_at()?;
        let until = now
            .plus(terms.request_lifetime)
            .min(self.asked.plus(OLDEST));
        let due = !self.fixed && self.next_extension(terms) <= now;
        (due && until > expires_at).then_some(until)
    }
}

impl Session {
    /// Somebody is active in the session: its requests wait longer.
    pub fn touch(&self, now: Timestamp, terms: &Terms) -> Vec<Draft> {
        let requests = self.requests.waiting.iter();
        requests
            .filter_map(|(id, waiting)| {
                let body = EventBody::RequestExtended {
                    id: id.clone(),
                    expires_at: waiting.extension(now, terms)?,
                };
                Some(waiting.draft(body))
            })
            .collect()
    }

    /// When activity that lasts is to be noted next; none when it would prolong nothing.
    pub fn next_touch(&self, terms: &Terms) -> Option<Timestamp> {
        let due = |waiting: &Waiting| {
            let at = waiting.next_extension(terms);
            waiting.extension(at, terms).map(|_| at)
        };
        self.requests.waiting.values().filter_map(due).min()
    }

    /// The agent takes a request back.
    pub(super) fn withdrawn(&self, id: &RequestId, drafts: &mut Vec<Draft>) {
        if let Some(waiting) = self.requests.waiting.get(id).filter(|w| !w.orphaned) {
            drafts.push(withdrawn(id, waiting, ""));
            self.go_on(&[id], drafts);
        }
    }

    /// Ends what has waited too long, and reminds of what has waited long.
    pub(super) fn expire_requests(&self, now: Timestamp, hold: Hold) -> Vec<Draft> {
        let (mut drafts, ends) = self.requests.expire(now, hold);
        self.go_on(&ends, &mut drafts);
        drafts
    }

    /// When these requests have been ended, perhaps nobody waits for the user any more.
    pub(super) fn go_on(&self, ended: &[&RequestId], drafts: &mut Vec<Draft>) {
        let waits = self.info.status == Status::WaitingForUser;
        let waiting = &self.requests.waiting;
        let goes_on =
            |(id, waiting): (&RequestId, &Waiting)| !waiting.orphaned && !ended.contains(&id);
        if waits && !waiting.iter().any(goes_on) {
            let status = match &self.turn {
                None => Status::Idle,
                Some(turn) if turn.open_tools > 0 => Status::RunningTool,
                Some(_) => Status::Thinking,
            };
            self.status_to(status, drafts);
        }
    }
}
