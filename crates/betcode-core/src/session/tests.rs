//! A session with the people and the agent around it, as tests drive it: every decision becomes numbered events, and every
//! step is told in short words (see [`brief`]).

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::command::{Action, Command, Rejected, StartSession};
use crate::event::*;
use crate::id::*;
use crate::observation::*;
use crate::time::Timestamp;

mod agent;
mod calls;
mod crash;
mod description;
mod dormant;
mod history;
mod laws;
mod lock;
mod messages;
mod orphans;
mod permissions;
mod questions;
mod replay;
mod requests;
mod rules;
mod silence;
mod turns;
mod waiting;
mod words;

use words::*;

/// A session, its log, and what its agent has said that is no event yet.
pub(super) struct Bench {
    pub(super) session: Session,
    pub(super) progress: Progress,
    pub(super) log: Vec<Event>,
    pub(super) told: Vec<AgentRequest>,
    /// What was to be told to an agent that was not there.
    pub(super) unheard: Vec<AgentRequest>,
    pub(super) now: Timestamp,
    pub(super) hosts: u128,
    /// The most rounds in which the session settled after one decision.
    pub(super) rounds: usize,
    /// How many messages were accepted.
    pub(super) messages: u128,
    pub(super) terms: Terms,
    /// Rules of the settings, word for word: what they allow, ask about and deny.
    pub(super) allowed: Vec<String>,
    pub(super) asked: Vec<String>,
    pub(super) denied: Vec<String>,
    pub(super) presence: Presence,
    pub(super) hold: Hold,
    /// The hand of the clock that never jumps.
    pub(super) uptime: Duration,
    pub(super) silence: Silence,
    /// Commands that wait for the input lock.
    pub(super) parked: Vec<Command>,
    /// What became of those that have waited: who, and why not.
    pub(super) outcomes: Vec<(String, Option<Rejected>)>,
    decide_parked: bool,
    /// How many requests the agent has made.
    requests: usize,
}

pub(super) fn message_id(number: u128) -> MessageId {
    MessageId(Uuid::from_u128(number))
}

/// The person who is there from the beginning.
pub(super) fn client() -> ClientInfo {
    somebody(1, "test", ClientKind::Interactive)
}

/// Another person.
pub(super) fn person(number: u128) -> ClientInfo {
    let name = format!("person {number}");
    somebody(number, &name, ClientKind::Interactive)
}

/// A run without a person.
pub(super) fn run(number: u128) -> ClientInfo {
    somebody(number, &format!("run {number}"), ClientKind::Run)
}

/// A client that does one thing and is gone.
pub(super) fn shot(number: u128) -> ClientInfo {
    somebody(number, &format!("shot {number}"), ClientKind::OneShot)
}

fn somebody(number: u128, name: &str, kind: ClientKind) -> ClientInfo {
    ClientInfo {
        name: name.into(),
        place: String::new(),
        id: ClientId(Uuid::from_u128(number)),
        kind,
    }
}

impl Bench {
    /// Nothing has happened.
    pub(super) fn empty() -> Self {
        Self {
            session: Session::new(SessionId(Uuid::from_u128(0xbe7))),
            progress: Progress::default(),
            log: Vec::new(),
            told: Vec::new(),
            unheard: Vec::new(),
            now: Timestamp(1_000_000_000),
            hosts: 0,
            rounds: 0,
            messages: 0,
            terms: Terms::default(),
            allowed: Vec::new(),
            asked: Vec::new(),
            denied: Vec::new(),
            presence: Presence::new(Timestamp(1_000_000_000)),
            hold: Hold::default(),
            uptime: Duration::from_secs(1_000),
            silence: Silence::default(),
            parked: Vec::new(),
            outcomes: Vec::new(),
            decide_parked: false,
            requests: 0,
        }
    }

    /// The session was made, and nobody is there.
    pub(super) fn deserted() -> Self {
        let mut bench = Self::empty();
        bench.command(start("")).unwrap();
        bench
    }

    /// The session was made, [`client`] sits at it, and nothing was said yet.
    pub(super) fn new() -> Self {
        let mut bench = Self::deserted();
        bench.arrive(&client());
        bench
    }

    /// The agent runs and works on message 1.
    pub(super) fn working() -> Self {
        Self::working_with(TurnPolicy::default())
    }

    pub(super) fn working_with(policy: TurnPolicy) -> Self {
        let mut bench = Self::new();
        bench.send(1, policy).unwrap();
        bench.started();
        bench.say(Observation::Working);
        bench
    }

    /// The agent runs, has answered message 1, and is idle.
    pub(super) fn idle() -> Self {
        let mut bench = Self::working();
        bench.say(text("hello"));
        bench.say(result(StopReason::EndTurn));
        bench.say(Observation::Idle);
        bench
    }

    pub(super) fn context(&self, asked: bool) -> Context<'_> {
        Context {
            now: self.now,
            fresh_host: HostEpoch(Uuid::from_u128(self.hosts + 1)),
            terms: &self.terms,
            presence: &self.presence,
            asked,
        }
    }

    /// The host that was started last.
    pub(super) fn host(&self) -> HostEpoch {
        HostEpoch(Uuid::from_u128(self.hosts))
    }

    pub(super) fn pass(&mut self, micros: i64) {
        self.now = Timestamp(self.now.0.saturating_add(micros));
    }

    pub(super) fn pass_hours(&mut self, hours: u64) {
        self.now = self.now.plus(Duration::from_hours(hours));
    }

    pub(super) fn command(&mut self, action: Action) -> Result<Vec<String>, Rejected> {
        self.command_by(&client(), action)
    }

    pub(super) fn command_by(
        &mut self,
        by: &ClientInfo,
        action: Action,
    ) -> Result<Vec<String>, Rejected> {
        self.command_with(0xc0_0000 + self.log.len() as u128, by, action)
    }

    pub(super) fn command_with_key(
        &mut self,
        key: u128,
        action: Action,
    ) -> Result<Vec<String>, Rejected> {
        self.command_with(key, &client(), action)
    }

    pub(super) fn command_with(
        &mut self,
        key: u128,
        by: &ClientInfo,
        action: Action,
    ) -> Result<Vec<String>, Rejected> {
        let command = Command {
            session: self.session.id(),
            key: IdempotencyKey(Uuid::from_u128(key)),
            client: by.clone(),
            action,
        };
        self.presence.heard(by.id, self.now);
        let first = self.log.len();
        self.decide(command, false)?;
        self.decide_parked_ones();
        Ok(self.briefs_from(first))
    }

    fn decide(&mut self, command: Command, asked: bool) -> Result<(), Rejected> {
        match self.session.decide(self.context(asked), &command) {
            Ok(Decision::Waits(drafts)) => {
                self.record_and_settle(drafts);
                self.parked.push(command);
                return Ok(());
            }
            Ok(Decision::Done(drafts)) => {
                self.record_and_settle(drafts);
                let touched = self.session.touch(self.now, &self.terms);
                self.record_and_settle(touched);
                if matches!(command.action, Action::AnswerPermission { .. }) {
                    self.allow_meanwhile();
                }
                if asked {
                    self.outcomes.push((command.client.name.clone(), None));
                }
            }
            Err(rejected) if asked => {
                let name = command.client.name.clone();
                self.outcomes.push((name, Some(rejected)));
            }
            Err(rejected) => return Err(rejected),
        }
        // Whoever has waited waits no more, whatever came of it.
        if asked {
            let drafts = self.session.gave_up_waiting(&command.client);
            self.record_and_settle(drafts);
        }
        Ok(())
    }

    /// Commands that wait are decided anew whenever the lock or the requests have changed.
    fn decide_parked_ones(&mut self) {
        let mut rounds = 0;
        while std::mem::take(&mut self.decide_parked) && !self.parked.is_empty() {
            rounds += 1;
            assert!(rounds <= 100, "commands wait and are decided for ever");
            for command in std::mem::take(&mut self.parked) {
                self.decide(command, true).unwrap();
            }
        }
    }

    /// A caller whose command waits goes away.
    pub(super) fn hang_up(&mut self, who: &ClientInfo) -> Vec<String> {
        let waited = self.parked.len();
        self.parked.retain(|command| command.client != *who);
        assert!(self.parked.len() < waited, "{} does not wait", who.name);
        let drafts = self.session.gave_up_waiting(who);
        self.record(drafts)
    }

    pub(super) fn arrive(&mut self, who: &ClientInfo) -> Vec<String> {
        self.attach(who, false)
    }

    pub(super) fn attach(&mut self, who: &ClientInfo, observes: bool) -> Vec<String> {
        self.presence.arrived(who.id, self.now);
        let mut drafts = self.session.touch(self.now, &self.terms);
        drafts.extend(self.session.arrived(who, observes));
        self.record(drafts)
    }

    /// The client's attachment breaks off, or it leaves for good.
    pub(super) fn leave(&mut self, who: &ClientInfo, for_good: bool) -> Vec<String> {
        self.presence.left(who.id, self.now);
        let drafts = self.session.left(&self.presence, who, for_good);
        self.record(drafts)
    }

    /// The daemon starts anew with what it had written down. Nobody is attached, and nobody waits for an answer.
    pub(super) fn restart(&mut self) {
        self.presence = Presence::new(self.now);
        self.parked.clear();
        self.silence = Silence::default();
        self.session = through_json(&self.session);
        self.progress = through_json(&self.progress);
        self.watch();
    }

    /// Time passes for both hands of the clock.
    pub(super) fn pass_seconds(&mut self, seconds: u64) -> Vec<String> {
        let passed = Duration::from_secs(seconds);
        self.now = self.now.plus(passed);
        self.uptime += passed;
        let mut all = self.expire();
        all.extend(self.silent());
        all
    }

    pub(super) fn silent(&mut self) -> Vec<String> {
        let drafts = self.session.silent(
            &mut self.progress,
            &self.silence,
            &self.terms,
            self.now,
            self.uptime,
        );
        self.record(drafts)
    }

    /// A byte of the agent has come.
    pub(super) fn heard(&mut self) -> Vec<String> {
        self.silence.heard(self.uptime);
        let drafts = self.session.speaks(&self.progress);
        self.record(drafts)
    }

    fn watch(&mut self) {
        let uptime = self.uptime;
        self.silence.watch(&self.session, &self.progress, || uptime);
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let grace = self.session.grace_ends(&self.terms, &self.presence);
        let log = self.session.next_deadline(self.hold);
        log.into_iter().chain(grace).min()
    }

    pub(super) fn send(
        &mut self,
        number: u128,
        policy: TurnPolicy,
    ) -> Result<Vec<String>, Rejected> {
        let text = format!("message {number}");
        self.command_with_key(
            number,
            Action::Message {
                text,
                attachments: vec![],
                policy,
            },
        )
    }

    pub(super) fn message(&mut self, number: u128) -> Result<Vec<String>, Rejected> {
        self.send(number, TurnPolicy::default())
    }

    pub(super) fn say(&mut self, observation: Observation) -> Vec<String> {
        self.say_from(None, observation)
    }

    pub(super) fn say_from(
        &mut self,
        parent: Option<&str>,
        observation: Observation,
    ) -> Vec<String> {
        self.heard();
        let ruling = self.ruling_on(&observation);
        let seen = Observed {
            parent: parent.map(ToolCallId::from),
            observation,
        };
        let (progress, terms) = (&mut self.progress, &self.terms);
        let drafts = self
            .session
            .observe(progress, terms, self.now, seen, &ruling);
        let events = self.record(drafts);
        // It may have changed what is expected without any event.
        self.watch();
        events
    }

    pub(super) fn news(&mut self, news: HostNews) -> Vec<String> {
        let drafts = self.session.host(&mut self.progress, self.now, news);
        self.record(drafts)
    }

    pub(super) fn started(&mut self) -> Vec<String> {
        self.news(HostNews::Started {
            host: self.host(),
            pid: 42,
        })
    }

    pub(super) fn exited(&mut self, exit: AgentExit) -> Vec<String> {
        self.news(HostNews::Exited {
            host: self.host(),
            exit,
            stderr: "first\nlast words\n".into(),
            refused: None,
        })
    }

    pub(super) fn expire(&mut self) -> Vec<String> {
        let drafts = self
            .session
            .expire(self.now, self.hold, &self.terms, &self.presence);
        self.record(drafts)
    }

    /// Numbers drafts and takes them into the state, then lets the session settle and those go on who waited for it.
    pub(super) fn record(&mut self, drafts: Vec<Draft>) -> Vec<String> {
        let first = self.log.len();
        self.record_and_settle(drafts);
        self.decide_parked_ones();
        self.briefs_from(first)
    }

    fn record_and_settle(&mut self, drafts: Vec<Draft>) {
        for draft in drafts {
            self.record_one(draft);
        }
        let mut rounds = 0;
        loop {
            let drafts = self.session.settle(self.context(false));
            if drafts.is_empty() {
                break;
            }
            rounds += 1;
            assert!(rounds <= 100, "the session does not settle: {drafts:?}");
            for draft in drafts {
                self.record_one(draft);
            }
        }
        self.rounds = self.rounds.max(rounds);
        self.watch();
    }

    fn briefs_from(&self, first: usize) -> Vec<String> {
        self.log[first..]
            .iter()
            .map(|event| brief(&event.body))
            .collect()
    }

    fn record_one(&mut self, draft: Draft) {
        if let EventBody::AgentStarting { host, .. } = &draft.body {
            self.progress = Progress::default();
            self.hosts = host.0.as_u128();
        }
        let event = Event {
            sequence: self.session.head().next(),
            first_sequence: None,
            timestamp: self.now,
            parent: draft.parent,
            previews: vec![],
            body: draft.body,
        };
        let requests = self.session.agent_requests(&event.body);
        self.session.apply(&event);
        self.decide_parked |= matches!(
            event.body,
            EventBody::InputLockChanged { .. }
                | EventBody::InputLockRequestEnded { .. }
                | EventBody::PermissionResolved(_)
                | EventBody::QuestionAnswered { .. }
        );
        let heard = self.session.agent().is_present();
        let listener = if heard {
            &mut self.told
        } else {
            &mut self.unheard
        };
        listener.extend(requests);
        self.log.push(event);
    }

    /// An id that the agent has not used yet; questions begin with `q`, requests for permission with `p`.
    pub(super) fn new_request(&mut self, kind: &str) -> RequestId {
        self.requests += 1;
        format!("{kind}{:03}", self.requests).into()
    }

    /// One of the latest requests, whatever became of it.
    pub(super) fn some_request(&self, back: u8) -> RequestId {
        let asked = self.log.iter().rev().filter_map(|event| match &event.body {
            EventBody::PermissionRequest(request) => Some(&request.id),
            EventBody::Question(question) => Some(&question.id),
            _ => None,
        });
        let mut asked: Vec<_> = asked.collect();
        asked.dedup();
        asked
            .get(usize::from(back))
            .map_or_else(|| "p000".into(), |id| (*id).clone())
    }

    /// The last turn's end.
    pub(super) fn last_end(&self) -> TurnComplete {
        let ends = self.log.iter().rev().find_map(|event| match &event.body {
            EventBody::TurnComplete(end) => Some(end.clone()),
            _ => None,
        });
        ends.expect("a turn has ended")
    }

    pub(super) fn status(&self) -> Status {
        self.session.info().status
    }
}

/// A value as it is written down and read again; nothing of it may be lost.
pub(super) fn through_json<T>(value: &T) -> T
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let again = serde_json::from_slice(&serde_json::to_vec(value).unwrap()).unwrap();
    assert_eq!(*value, again);
    again
}
