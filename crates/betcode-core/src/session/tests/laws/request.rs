//! What the log says of permissions and questions, and what the agent hears of it: each ends once, is told once and only as
//! it ended, and an answer that a dead agent could not hear is used once and for the same only.

use std::collections::{BTreeMap, BTreeSet};

use super::life::WAIT_MS;
use super::*;

const HOUR: Duration = Duration::from_hours(1);
const MONTH: Duration = Duration::from_hours(30 * 24);

/// How a request ended, in the terms of what the agent is to hear.
#[derive(Debug, Clone, PartialEq)]
enum End {
    Allowed(Option<serde_json::Value>),
    Answered(Vec<Answer>),
    Denied,
    Withdrawn,
}

#[derive(Debug)]
struct Known {
    what: Pending,
    host: HostEpoch,
    asked: Timestamp,
    expires: Timestamp,
    set: Timestamp,
    reminded: u32,
    end: Option<End>,
    told: u32,
}

/// An answer that nobody has heard.
#[derive(Debug, PartialEq)]
struct Kept {
    tool: String,
    input: serde_json::Value,
    by: ClientInfo,
    end: End,
}

/// The naive model.
#[derive(Debug, Default)]
pub(super) struct RequestModel {
    followed: usize,
    heard: usize,
    host: Option<HostEpoch>,
    turn: bool,
    known: BTreeMap<RequestId, Known>,
    pub(super) waiting: BTreeSet<RequestId>,
    kept: Vec<Kept>,
    conversation: String,
    granted: BTreeSet<String>,
    unwritten: BTreeSet<RequestId>,
    just_asked: Option<RequestId>,
}

impl RequestModel {
    pub(super) fn follow(&mut self, bench: &Bench) {
        self.just_asked = None;
        for event in &bench.log[self.followed..] {
            self.followed += 1;
            let just_asked = self.just_asked.take();
            self.event(event, just_asked.as_ref(), bench);
        }
        for told in &bench.told[self.heard..] {
            self.heard += 1;
            self.told(told);
        }
        for known in self.known.values() {
            let heard = !matches!(known.end, None | Some(End::Withdrawn));
            let is_orphan = self.host != Some(known.host);
            assert!(
                !heard || known.told == 1 || is_orphan,
                "not told: {known:?}"
            );
        }
    }

    /// Somebody is there who waits for this.
    pub(super) fn is_heard(&self, id: &RequestId) -> bool {
        self.waiting.contains(id) && Some(self.known[id].host) == self.host
    }

    pub(super) fn any_heard(&self) -> bool {
        self.waiting.iter().any(|id| self.is_heard(id))
    }

    fn event(&mut self, event: &Event, just_asked: Option<&RequestId>, bench: &Bench) {
        let at = event.timestamp;
        match &event.body {
            EventBody::PermissionRequest(request) => {
                self.asked(Pending::Permission(request.clone()), at, bench);
            }
            EventBody::Question(question) => {
                self.asked(Pending::Question(question.clone()), at, bench);
            }
            EventBody::PermissionResolved(decision) => {
                let end = match decision.outcome {
                    PermissionOutcome::Allowed => End::Allowed(decision.input.clone()),
                    PermissionOutcome::Denied | PermissionOutcome::Expired => End::Denied,
                    PermissionOutcome::Withdrawn => End::Withdrawn,
                };
                let expired = decision.outcome == PermissionOutcome::Expired;
                if let Decider::Rule { rule, place } = &decision.by
                    && place == FOR_THE_SESSION
                {
                    assert!(self.granted.contains(rule), "{rule}");
                }
                if decision.scope != PermissionScope::Once {
                    assert_eq!(decision.outcome, PermissionOutcome::Allowed);
                    self.granted.extend(decision.rules.iter().cloned());
                }
                if decision.scope == PermissionScope::Always {
                    self.unwritten.insert(decision.id.clone());
                }
                self.ended(
                    &decision.id,
                    end,
                    &decision.by,
                    expired,
                    just_asked,
                    event,
                    bench,
                );
            }
            EventBody::QuestionAnswered {
                id,
                answers,
                outcome,
                by,
                ..
            } => {
                let end = match outcome {
                    QuestionOutcome::Answered => End::Answered(answers.clone()),
                    QuestionOutcome::Declined | QuestionOutcome::Expired => End::Denied,
                    QuestionOutcome::Withdrawn => End::Withdrawn,
                };
                let expired = *outcome == QuestionOutcome::Expired;
                self.ended(id, end, by, expired, just_asked, event, bench);
            }
            EventBody::RequestExtended { id, expires_at } => {
                self.extended(id, *expires_at, at, bench);
            }
            EventBody::RequestReminder { id, hours } => {
                assert!(self.waiting.contains(id));
                let known = self.known.get_mut(id).unwrap();
                assert!(
                    [1, 24].contains(hours) && *hours > known.reminded,
                    "once each"
                );
                assert!(at.since(known.asked) >= HOUR * *hours);
                known.reminded = *hours;
            }
            EventBody::RulesWritten { id, .. } => assert!(self.unwritten.remove(id)),
            EventBody::SessionInfo(info) if info.agent_session != self.conversation => {
                self.conversation.clone_from(&info.agent_session);
                self.kept.clear();
            }
            EventBody::TurnComplete(end) => {
                self.turn = false;
                if end.stop_reason != StopReason::AgentExited {
                    self.kept.clear();
                }
            }
            EventBody::AgentStarting { host, .. } => self.host = Some(*host),
            EventBody::AgentExited { .. } => {
                self.host = None;
                // It was started for an answer, and died before it took up its turn.
                if !self.turn {
                    self.kept.clear();
                }
            }
            EventBody::UserInput(_)
            | EventBody::StatusChange {
                status: Status::Thinking,
                ..
            } => self.turn = true,
            _ => {}
        }
    }

    fn extended(&mut self, id: &RequestId, expires_at: Timestamp, at: Timestamp, bench: &Bench) {
        assert!(self.waiting.contains(id));
        let known = self.known.get_mut(id).unwrap();
        let own = known.expires.since(known.asked) == Duration::from_millis(WAIT_MS);
        assert!(!own, "what a run waits for is not prolonged");
        let often = HOUR.min(bench.terms.request_lifetime / 4);
        assert!(
            at.since(known.set) >= often,
            "once an hour, or as a short life needs it"
        );
        assert!(expires_at > known.expires, "longer");
        assert!(expires_at <= known.asked.plus(MONTH), "not for ever");
        known.expires = expires_at;
        known.set = at;
    }

    fn asked(&mut self, what: Pending, at: Timestamp, bench: &Bench) {
        let id = what.id().clone();
        let expires = what.expires_at().expect("it ends some day");
        let waits = expires.since(at);
        let own = Duration::from_millis(WAIT_MS);
        assert!(waits == own || waits == bench.terms.request_lifetime);
        assert!(self.waiting.insert(id.clone()), "asked twice at once: {id}");
        let host = self.host.expect("nobody asks");
        self.just_asked = Some(id.clone());
        let known = Known {
            what,
            host,
            asked: at,
            expires,
            set: at,
            reminded: 0,
            end: None,
            told: 0,
        };
        self.known.insert(id, known);
    }

    #[expect(clippy::too_many_arguments, reason = "everything about one end")]
    fn ended(
        &mut self,
        id: &RequestId,
        end: End,
        by: &Decider,
        expired: bool,
        just_asked: Option<&RequestId>,
        event: &Event,
        bench: &Bench,
    ) {
        assert!(self.waiting.remove(id), "ended twice: {id}");
        let known = self.known.get_mut(id).unwrap();
        assert_eq!(known.end.replace(end.clone()), None);
        if expired {
            assert!(known.expires <= event.timestamp, "too early");
            let is_held =
                known.asked <= bench.hold.asked_until && event.timestamp < bench.hold.until;
            assert!(!is_held, "the clock was not steady");
        }
        let (tool, input) = (known.what.tool().to_owned(), known.what.input().clone());
        if let Decider::Client(by) = by {
            if let (Pending::Question(question), End::Answered(answers)) = (&known.what, &end) {
                super::question::assert_fits(question, answers);
            }
            let same = |kept: &Kept| kept.tool == tool && kept.input == input;
            if just_asked == Some(id) {
                // Nobody can have seen it yet: it was answered before the agent died.
                let used = Kept {
                    tool: tool.clone(),
                    input: input.clone(),
                    by: by.clone(),
                    end,
                };
                let place = self.kept.iter().position(|kept| *kept == used);
                let first = self.kept.iter().position(same);
                assert_eq!(
                    place, first,
                    "answers are used in the order in which they were given"
                );
                self.kept.remove(place.expect("nobody gave this answer"));
            } else if Some(known.host) != self.host {
                let by = by.clone();
                self.kept.push(Kept {
                    tool,
                    input,
                    by,
                    end,
                });
            } else if let Some(place) = self.kept.iter().position(same) {
                self.kept.remove(place);
            }
        } else if Some(known.host) == self.host
            && let Some(place) = self
                .kept
                .iter()
                .position(|kept| kept.tool == tool && kept.input == input)
        {
            self.kept.remove(place);
        }
    }

    fn told(&mut self, told: &AgentRequest) {
        let (id, end) = match told {
            AgentRequest::Allow { id, input } => (id, End::Allowed(input.clone())),
            AgentRequest::Deny { id, message, .. } => {
                assert!(!message.trim().is_empty());
                (id, End::Denied)
            }
            AgentRequest::Answer { id, answers, input } => {
                assert_eq!(input, self.known[id].what.input());
                (id, End::Answered(answers.clone()))
            }
            _ => return,
        };
        let known = self.known.get_mut(id).expect("nobody asked");
        assert_eq!(known.end.as_ref(), Some(&end), "told as it ended");
        known.told += 1;
        assert_eq!(known.told, 1, "told once: {id}");
    }

    pub(super) fn compare(&self, bench: &Bench, time_passed: bool) {
        let requests = bench.session.requests();
        assert!(requests.iter().map(|(id, _)| id).eq(&self.waiting));
        assert!(requests.unwritten().map(|(id, _)| id).eq(&self.unwritten));
        for id in &self.waiting {
            let known = &self.known[id];
            let age = bench.now.since(known.asked);
            if time_passed {
                let is_held = known.asked <= bench.hold.asked_until && bench.now < bench.hold.until;
                assert!(known.expires > bench.now || is_held, "it waits for ever");
                let due = if age >= HOUR * 24 {
                    24
                } else {
                    u32::from(age >= HOUR)
                };
                assert_eq!(known.reminded, due, "a reminder is missing");
            }
        }
    }
}
