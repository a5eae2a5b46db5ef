//! A session with the people and the agent around it, as tests drive it: every decision becomes numbered events, and every
//! step is told in short words (see [`brief`]).

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::command::{Action, Command, Rejected, StartSession};
use crate::event::*;
use crate::id::*;
use crate::observation::*;
use crate::time::Timestamp;

mod agent;
mod description;
mod laws;
mod messages;
mod replay;
mod requests;
mod turns;

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
}

pub(super) fn message_id(number: u128) -> MessageId {
    MessageId(Uuid::from_u128(number))
}

pub(super) fn client() -> ClientInfo {
    ClientInfo {
        name: "test".into(),
        place: String::new(),
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
        }
    }

    /// The session was made and nothing was said yet.
    pub(super) fn new() -> Self {
        let mut bench = Self::empty();
        bench.command(start("")).unwrap();
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

    pub(super) fn context(&self) -> Context {
        Context {
            now: self.now,
            fresh_host: HostEpoch(Uuid::from_u128(self.hosts + 1)),
        }
    }

    /// The host that was started last.
    pub(super) fn host(&self) -> HostEpoch {
        HostEpoch(Uuid::from_u128(self.hosts))
    }

    pub(super) fn pass(&mut self, micros: i64) {
        self.now = Timestamp(self.now.0.saturating_add(micros));
    }

    pub(super) fn command(&mut self, action: Action) -> Result<Vec<String>, Rejected> {
        self.command_with_key(0xc0_0000 + self.log.len() as u128, action)
    }

    pub(super) fn command_with_key(
        &mut self,
        key: u128,
        action: Action,
    ) -> Result<Vec<String>, Rejected> {
        let command = Command {
            session: self.session.id(),
            key: IdempotencyKey(Uuid::from_u128(key)),
            client: client(),
            action,
        };
        let drafts = self.session.decide(self.context(), &command)?;
        Ok(self.record(drafts))
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
        let seen = Observed {
            parent: parent.map(ToolCallId::from),
            observation,
        };
        let drafts = self.session.observe(&mut self.progress, self.now, seen);
        self.record(drafts)
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
        })
    }

    pub(super) fn expire(&mut self) -> Vec<String> {
        let drafts = self.session.expire(self.now);
        self.record(drafts)
    }

    /// Numbers drafts and takes them into the state, then lets the session settle.
    pub(super) fn record(&mut self, drafts: Vec<Draft>) -> Vec<String> {
        let first = self.log.len();
        for draft in drafts {
            self.record_one(draft);
        }
        let mut rounds = 0;
        loop {
            let drafts = self.session.settle(self.context());
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
        let heard = self.session.agent().is_present();
        let listener = if heard {
            &mut self.told
        } else {
            &mut self.unheard
        };
        listener.extend(requests);
        self.log.push(event);
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

pub(super) fn start(title: &str) -> Action {
    Action::Start(Box::new(StartSession {
        agent: AgentName::DEMO.into(),
        cwd: "/work".into(),
        title: title.into(),
        launch: LaunchOptions::default(),
        environment: crate::command::Environment::default(),
    }))
}

pub(super) fn model(model: &str) -> Action {
    Action::Configure(Box::new(LaunchOptions {
        model: model.into(),
        ..LaunchOptions::default()
    }))
}

pub(super) fn text(text: &str) -> Observation {
    Observation::Text(TextPiece {
        message_id: "a".into(),
        text: text.into(),
    })
}

pub(super) fn end(stop_reason: StopReason) -> TurnComplete {
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
        raw: Some(json!({"cost": 0.1})),
    }
}

pub(super) fn result(stop_reason: StopReason) -> Observation {
    Observation::Result(Box::new(end(stop_reason)))
}

pub(super) fn permission(id: &str, tool: &str) -> Observation {
    Observation::PermissionAsked(PermissionRequest {
        id: id.into(),
        tool: tool.into(),
        tool_call: None,
        input: json!({"command": "ls"}),
        description: "ls".into(),
        suggested_rules: vec![],
        expires_at: None,
        is_replay: false,
    })
}

pub(super) fn question(id: &str) -> Observation {
    Observation::QuestionAsked(Question {
        id: id.into(),
        tool_call: None,
        items: vec![],
        plan: None,
        input: json!({}),
        expires_at: None,
    })
}

pub(super) fn tool_started(id: &str) -> Observation {
    Observation::ToolStarted {
        id: id.into(),
        tool: "Bash".into(),
        input: json!({}),
        description: String::new(),
    }
}

pub(super) fn tool_finished(id: &str) -> Observation {
    Observation::ToolFinished {
        id: id.into(),
        output: String::new(),
        is_error: false,
        diff: vec![],
    }
}

pub(super) fn retrying(http_status: u16, delay_ms: u64) -> Observation {
    Observation::Retrying {
        attempt: 1,
        max_attempts: 10,
        delay_ms,
        http_status: Some(http_status),
        error: "rate_limit".into(),
    }
}

pub(super) fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value).unwrap() {
        serde_json::Value::String(word) => word,
        other => other.to_string(),
    }
}

/// An event in a few words; messages by number.
pub(super) fn brief(body: &EventBody) -> String {
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
        EventBody::PermissionResolved {
            id, outcome, by, ..
        } => {
            format!("{} {id} by {}", word(outcome), decider(by))
        }
        EventBody::QuestionAnswered {
            id, outcome, by, ..
        } => {
            format!("{} {id} by {}", word(outcome), decider(by))
        }
        _ => kind,
    }
}

fn decider(by: &Decider) -> String {
    match by {
        Decider::Client(client) => client.name.clone(),
        Decider::Rule { rule } => rule.clone(),
        Decider::Unattended => "unattended".into(),
        Decider::Agent => "agent".into(),
    }
}
