//! A session with its agent's parser and the people at it, put together as the daemon does it, without a store: what is
//! recorded is numbered, taken in, written as bytes, and told to the agent.

use std::time::Duration;

use betcode_agents::{Agent, Kind};
use betcode_core::command::{Action, Command, StartSession};
use betcode_core::event::{ClientInfo, ClientKind, Draft, Event, EventBody};
use betcode_core::id::{AgentName, ClientId, HostEpoch, IdempotencyKey, SessionId};
use betcode_core::observation::{AgentRequest, Observation, Observations};
use betcode_core::ruling::{Ruling, Verdict};
use betcode_core::session::{Context, Decision, HostNews, Presence, Progress, Session, Terms};
use betcode_core::steady::Hold;
use betcode_core::time::Timestamp;
use betcode_proto::convert::{append_event, decode_event_list};
use uuid::Uuid;

use super::checks::Checks;
use crate::driver::check_frame;
use crate::parser::{check_line, restored};

/// In how many rounds a session comes to rest at the latest.
const ROUNDS: usize = 100;

/// Everything that a daemon has about one session.
pub(super) struct House {
    pub(super) session: Session,
    pub(super) checks: Checks,
    /// What the rules say about every call.
    pub(super) ruling: Ruling,
    agent: Agent,
    progress: Progress,
    presence: Presence,
    terms: Terms,
    now: Timestamp,
    hosts: u128,
    messages: u128,
    commands: u128,
    /// Commands that wait for the input lock.
    parked: Vec<Command>,
    to_decide: bool,
    log: Vec<Event>,
    /// The log as it is stored.
    stored: Vec<u8>,
    /// Where what the log still holds begins.
    trimmed: usize,
}

impl House {
    pub(super) fn new() -> Self {
        let now = Timestamp(1_000_000_000);
        let mut house = Self {
            session: Session::new(SessionId(Uuid::from_u128(0xbe7))),
            checks: Checks::default(),
            ruling: Ruling::default(),
            agent: Agent::new(Kind::ClaudeCode),
            progress: Progress::default(),
            presence: Presence::new(now),
            terms: Terms::default(),
            now,
            hosts: 0,
            messages: 0,
            commands: 0,
            parked: Vec::new(),
            to_decide: false,
            log: Vec::new(),
            stored: Vec::new(),
            trimmed: 0,
        };
        house.command(
            0,
            Action::Start(Box::new(StartSession {
                agent: AgentName::from("claude"),
                cwd: "/home/user/project".to_owned(),
                title: String::new(),
                launch: betcode_core::command::LaunchOptions::default(),
                environment: betcode_core::command::Environment::default(),
            })),
        );
        house.arrive(0, false);
        house
    }

    fn context(&self, asked: bool) -> Context<'_> {
        Context {
            now: self.now,
            fresh_host: HostEpoch(Uuid::from_u128(self.hosts + 1)),
            terms: &self.terms,
            presence: &self.presence,
            asked,
        }
    }

    /// The agent says a line. A process that is not there says nothing.
    pub(super) fn line(&mut self, line: &[u8]) {
        if !self.session.agent().is_present() {
            return;
        }
        let mut seen = Observations::new();
        self.agent.line(line, &mut seen);
        let seen = seen.take();
        check_line(line, &seen);
        self.take(seen);
        for reply in self.agent.replies() {
            check_frame(&reply);
        }
    }

    fn take(&mut self, seen: Vec<betcode_core::observation::Observed>) {
        for seen in seen {
            let announced = match &seen.observation {
                Observation::ToolAnnounced(request) => Some(request.id.clone()),
                _ => None,
            };
            let asked = matches!(
                seen.observation,
                Observation::ToolAnnounced(_) | Observation::PermissionAsked(_)
            );
            let ruling = if asked {
                self.ruling.clone()
            } else {
                Ruling::default()
            };
            let (progress, terms) = (&mut self.progress, &self.terms);
            let drafts = self
                .session
                .observe(progress, terms, self.now, seen, &ruling);
            self.record(drafts);
            if let Some(id) = announced
                && ruling.verdict != Verdict::Deny
            {
                let ask = ruling.verdict == Verdict::Ask;
                let frame = self.agent.request(&AgentRequest::Proceed { id, ask });
                check_frame(&frame);
            }
        }
    }

    /// News about the present host.
    pub(super) fn news(&mut self, news: impl FnOnce(HostEpoch) -> HostNews) {
        let Some(host) = self.session.agent().host() else {
            return;
        };
        let news = news(host);
        if matches!(news, HostNews::Exited { .. }) {
            let mut seen = Observations::new();
            self.agent.ended(&mut seen);
            self.take(seen.take());
        }
        let drafts = self.session.host(&mut self.progress, self.now, news);
        self.record(drafts);
    }

    pub(super) fn command(&mut self, who: usize, action: Action) {
        let is_message = matches!(action, Action::Message { .. });
        let key = if is_message {
            self.messages + 1
        } else {
            self.commands += 1;
            0xc0_0000 + self.commands
        };
        let client = client(who);
        self.presence.heard(client.id, self.now);
        let command = Command {
            session: self.session.id(),
            key: IdempotencyKey(Uuid::from_u128(key)),
            client,
            action,
        };
        let before = self.session.clone();
        if self.decide(command, false) {
            self.messages += u128::from(is_message);
        } else {
            assert!(self.session == before, "a refusal changes something");
        }
        self.decide_parked();
    }

    fn decide(&mut self, command: Command, asked: bool) -> bool {
        let done = match self.session.decide(self.context(asked), &command) {
            Ok(Decision::Waits(drafts)) => {
                self.record_and_settle(drafts);
                self.parked.push(command);
                return true;
            }
            Ok(Decision::Done(drafts)) => {
                self.record_and_settle(drafts);
                let touched = self.session.touch(self.now, &self.terms);
                self.record_and_settle(touched);
                true
            }
            Err(_) => false,
        };
        if asked {
            let drafts = self.session.gave_up_waiting(&command.client);
            self.record_and_settle(drafts);
        }
        done
    }

    fn decide_parked(&mut self) {
        let mut rounds = 0;
        while std::mem::take(&mut self.to_decide) && !self.parked.is_empty() {
            rounds += 1;
            assert!(rounds <= ROUNDS, "commands wait and are decided for ever");
            for command in std::mem::take(&mut self.parked) {
                self.decide(command, true);
            }
        }
    }

    pub(super) fn arrive(&mut self, who: usize, observes: bool) {
        let client = client(who);
        self.presence.arrived(client.id, self.now);
        let mut drafts = self.session.touch(self.now, &self.terms);
        drafts.extend(self.session.arrived(&client, observes));
        self.record(drafts);
    }

    pub(super) fn leave(&mut self, who: usize, for_good: bool) {
        let client = client(who);
        if self.presence.is_here(client.id) {
            self.presence.left(client.id, self.now);
            let drafts = self.session.left(&self.presence, &client, for_good);
            self.record(drafts);
        }
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
        // What one end has set off may be due at once.
        for _ in 0..5 {
            let (now, terms) = (self.now, &self.terms);
            let drafts = self
                .session
                .expire(now, Hold::default(), terms, &self.presence);
            self.record(drafts);
        }
        let deadline = self.session.next_deadline(Hold::default());
        let grace = self.session.grace_ends(&self.terms, &self.presence);
        let deadline = deadline.into_iter().chain(grace).min();
        assert!(
            deadline.is_none_or(|at| at > self.now),
            "{deadline:?} has passed"
        );
    }

    /// Nobody watches: the agent may rest.
    pub(super) fn rest(&mut self) {
        let drafts = self.session.rest();
        self.record(drafts);
    }

    /// What somebody allowed for good is written to a file.
    pub(super) fn write_rules(&mut self) {
        let unwritten = self.session.requests().unwritten().next();
        if let Some((id, rules)) = unwritten.map(|(id, rules)| (id.clone(), rules.to_vec())) {
            let (file, error) = (String::new(), String::new());
            let body = EventBody::RulesWritten {
                id,
                rules,
                file,
                error,
                untrusted: false,
            };
            self.record(vec![body.into()]);
        }
    }

    /// The daemon was killed; another one goes on with what is written down.
    pub(super) fn restart(&mut self) {
        let stored = decode_event_list(&self.stored).expect("what was stored can be read");
        assert!(stored == self.log, "the stored log is another one");
        let fold = |events: &[Event]| {
            let mut session = Session::new(self.session.id());
            for event in events {
                session.apply(event);
            }
            session
        };
        assert!(fold(&stored) == self.session, "the log gives another state");
        if let Some(kept) = stored.get(self.trimmed..) {
            assert!(
                fold(kept) == self.session,
                "the trimmed log gives another state"
            );
        }
        let snapshot = serde_json::to_vec(&self.session).expect("a state can be written");
        let session: Session = serde_json::from_slice(&snapshot).expect("a state can be read");
        assert!(session == self.session, "the snapshot is another state");
        let progress = serde_json::to_vec(&self.progress).expect("progress can be written");
        let progress: Progress = serde_json::from_slice(&progress).expect("progress can be read");
        assert_eq!(progress, self.progress, "what is no event yet is lost");
        self.session = session;
        self.progress = progress;
        self.agent = restored(&self.agent);
        self.presence = Presence::new(self.now);
        self.parked.clear();
    }

    fn record(&mut self, drafts: Vec<Draft>) {
        self.record_and_settle(drafts);
        self.decide_parked();
    }

    fn record_and_settle(&mut self, drafts: Vec<Draft>) {
        for draft in drafts {
            self.record_one(draft);
        }
        for _ in 0..ROUNDS {
            let drafts = self.session.settle(self.context(false));
            if drafts.is_empty() {
                return;
            }
            assert!(
                self.session.is_unsettled(),
                "it says that it is settled: {drafts:?}"
            );
            for draft in drafts {
                self.record_one(draft);
            }
        }
        panic!("the session does not come to rest");
    }

    fn record_one(&mut self, draft: Draft) {
        if let EventBody::AgentStarting { host, .. } = &draft.body {
            self.progress = Progress::default();
            self.agent = Agent::new(Kind::ClaudeCode);
            self.hosts = host.0.as_u128();
        }
        let event = Event {
            sequence: self.session.head().next(),
            first_sequence: None,
            timestamp: self.now,
            parent: draft.parent,
            previews: Vec::new(),
            body: draft.body,
        };
        let requests = self.session.agent_requests(&event.body);
        self.session.apply(&event);
        self.to_decide |= matches!(
            event.body,
            EventBody::InputLockChanged { .. }
                | EventBody::InputLockRequestEnded { .. }
                | EventBody::PermissionResolved(_)
                | EventBody::QuestionAnswered { .. }
        );
        if matches!(event.body, EventBody::HistoryTrimmed { .. }) {
            self.trimmed = self.log.len();
        }
        for request in requests {
            assert!(
                self.session.agent().is_present(),
                "nobody hears {request:?}"
            );
            check_frame(&self.agent.request(&request));
            self.checks.told(&request);
        }
        self.checks.event(&event);
        append_event(event.clone(), &mut self.stored);
        self.log.push(event);
    }

    /// The state fits what can be read off the log.
    pub(super) fn check(&self) {
        self.checks.compare(&self.session);
    }
}

/// One of four people; the last one is a run that nobody watches.
fn client(who: usize) -> ClientInfo {
    ClientInfo {
        name: format!("person {who}"),
        place: String::new(),
        id: ClientId(Uuid::from_u128(who as u128 + 1)),
        kind: match who {
            3 => ClientKind::Run,
            2 => ClientKind::OneShot,
            _ => ClientKind::Interactive,
        },
    }
}
