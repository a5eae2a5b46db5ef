//! What becomes of a turn when the model's service fails: recorded sessions, and lines of the same shape where none was
//! recorded, played to the parser and from there to the session machine.

use betcode_agents::{Agent, Kind};
use betcode_core::command::{Action, Command, Environment, LaunchOptions, StartSession};
use betcode_core::event::{
    ClientInfo, Draft, Event, EventBody, Status, StopReason, TurnComplete, TurnErrorKind,
    TurnPolicy,
};
use betcode_core::id::{HostEpoch, IdempotencyKey, SessionId};
use betcode_core::observation::{AgentRequest, Observations};
use betcode_core::ruling::Ruling;
use betcode_core::session::{Context, Decision, HostNews, Presence, Progress, Session, Terms};
use betcode_core::time::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::transcript;

const NOW: Timestamp = Timestamp(1_000_000_000);
const HOST: HostEpoch = HostEpoch(Uuid::from_u128(1));

/// A session whose agent says what a transcript says.
struct Life {
    session: Session,
    progress: Progress,
    parser: Agent,
    log: Vec<EventBody>,
    told: Vec<AgentRequest>,
}

impl Life {
    /// The agent runs and was sent a message.
    fn new() -> Self {
        let mut life = Self {
            session: Session::new(SessionId(Uuid::from_u128(7))),
            progress: Progress::default(),
            parser: Agent::new(Kind::ClaudeCode),
            log: Vec::new(),
            told: Vec::new(),
        };
        life.command(Action::Start(Box::new(StartSession {
            agent: "claude".into(),
            cwd: "/workspace".into(),
            title: String::new(),
            launch: LaunchOptions::default(),
            environment: Environment::default(),
        })));
        life.command(Action::Message {
            text: "hello".into(),
            attachments: Vec::new(),
            policy: TurnPolicy::default(),
        });
        let news = HostNews::Started { host: HOST, pid: 1 };
        let drafts = life.session.host(&mut life.progress, NOW, news);
        life.record(drafts);
        life
    }

    fn command(&mut self, action: Action) {
        let command = Command {
            session: self.session.id(),
            key: IdempotencyKey(Uuid::from_u128(self.log.len() as u128)),
            client: ClientInfo::default(),
            action,
        };
        let (terms, presence) = (Terms::default(), Presence::new(NOW));
        let context = Context {
            now: NOW,
            fresh_host: HOST,
            terms: &terms,
            presence: &presence,
            asked: false,
        };
        match self.session.decide(context, &command).unwrap() {
            Decision::Done(drafts) => self.record(drafts),
            Decision::Waits(_) => unreachable!("nobody holds the lock"),
        }
    }

    fn record(&mut self, drafts: Vec<Draft>) {
        for draft in drafts {
            self.told.extend(self.session.agent_requests(&draft.body));
            self.session.apply(&Event {
                sequence: self.session.head().next(),
                first_sequence: None,
                timestamp: NOW,
                parent: draft.parent,
                previews: Vec::new(),
                body: draft.body.clone(),
            });
            self.log.push(draft.body);
        }
    }

    fn says(&mut self, line: &Value) {
        let mut seen = Observations::new();
        self.parser.line(line.to_string().as_bytes(), &mut seen);
        for seen in seen.take() {
            let drafts = self.session.observe(
                &mut self.progress,
                &Terms::default(),
                NOW,
                seen,
                &Ruling::default(),
            );
            self.record(drafts);
        }
    }

    fn plays(name: &str) -> Self {
        let all = transcript::all();
        let transcript = all.iter().find(|one| one.name == name).expect(name);
        let mut life = Self::new();
        transcript.out().for_each(|line| life.says(line));
        life
    }

    /// Times at which it is tried again, with what the session is called meanwhile.
    fn tries(&self) -> Vec<(Status, u64, String)> {
        let tries = self.log.iter().filter_map(|body| match body {
            EventBody::StatusChange {
                status,
                detail,
                retry_at: Some(at),
            } => {
                let milliseconds = u64::try_from(at.since(NOW).as_millis()).unwrap();
                Some((*status, milliseconds, detail.clone()))
            }
            _ => None,
        });
        tries.collect()
    }

    fn end(&self) -> Option<&TurnComplete> {
        self.log.iter().find_map(|body| match body {
            EventBody::TurnComplete(end) => Some(end),
            _ => None,
        })
    }

    fn error(&self) -> (TurnErrorKind, Option<u16>, &str) {
        let end = self.end().expect("the turn has ended");
        assert_eq!(end.stop_reason, StopReason::Error);
        assert_eq!(self.session.info().status, Status::Idle);
        let error = end.error.as_ref().expect("an error");
        (error.kind, error.http_status, &error.message)
    }
}

fn retry(status: &Value, error: &str) -> Value {
    json!({"type": "system", "subtype": "api_retry", "attempt": 1, "max_retries": 10,
        "retry_delay_ms": 532, "error_status": status, "error": error})
}

fn failed(terminal_reason: &str, status: &Value, said: &str) -> Value {
    json!({"type": "result", "subtype": "success", "is_error": true, "num_turns": 1,
        "terminal_reason": terminal_reason, "api_error_status": status, "result": said,
        "total_cost_usd": 0, "permission_denials": [], "duration_ms": 1, "duration_api_ms": 1})
}

#[test]
fn tries_that_were_in_vain_say_when_the_next_one_comes_and_end_with_an_error() {
    let limited = Life::plays("rate_limited_forever");
    assert!(
        limited
            .tries()
            .iter()
            .all(|(status, after, _)| *status == Status::RateLimited && *after > 0),
        "{:?}",
        limited.tries()
    );
    let (kind, status, message) = limited.error();
    assert_eq!((kind, status), (TurnErrorKind::RateLimit, Some(429)));
    assert!(message.starts_with("API Error: Request rejected (429)"));
    let overloaded = Life::plays("overloaded_forever");
    assert_eq!(
        overloaded.tries(),
        [
            (
                Status::Retrying,
                532,
                "overloaded: attempt 1 of 2".to_owned()
            ),
            (
                Status::Retrying,
                1_122,
                "overloaded: attempt 2 of 2".to_owned()
            ),
        ]
    );
    let (kind, status, _) = overloaded.error();
    assert_eq!((kind, status), (TurnErrorKind::Server, Some(529)));
}

#[test]
fn a_try_that_succeeds_is_an_ordinary_turn() {
    for (name, status) in [
        ("rate_limited_then_ok", Status::RateLimited),
        ("server_error_then_ok", Status::Retrying),
    ] {
        let life = Life::plays(name);
        assert!(life.tries().iter().all(|tried| tried.0 == status), "{name}");
        assert!(!life.tries().is_empty(), "{name}");
        let end = life.end().expect(name);
        assert_eq!((end.stop_reason, &end.error), (StopReason::EndTurn, &None));
        assert_eq!(life.session.info().status, Status::Idle);
    }
}

#[test]
fn a_connection_that_was_cut_is_tried_again() {
    let mut life = Life::new();
    life.says(&retry(&Value::Null, "unknown"));
    assert_eq!(
        life.tries(),
        [(Status::Retrying, 532, "unknown: attempt 1 of 10".to_owned())]
    );
    assert!(life.end().is_none());
}

#[test]
fn the_first_refusal_of_the_login_stops_the_turn_with_what_to_do() {
    let mut life = Life::new();
    life.says(&json!({"type": "system", "subtype": "session_state_changed", "state": "running"}));
    life.says(&retry(&json!(401), "authentication_failed"));
    life.says(&retry(&json!(401), "authentication_failed"));
    let interrupts = |told: &&AgentRequest| **told == AgentRequest::Interrupt;
    assert_eq!(life.told.iter().filter(interrupts).count(), 1);
    life.says(
        &json!({"type": "result", "subtype": "error_during_execution", "is_error": true,
        "terminal_reason": "aborted_streaming", "errors": ["[ede_diagnostic] x"], "num_turns": 1}),
    );
    life.says(&json!({"type": "system", "subtype": "session_state_changed", "state": "idle"}));
    let (kind, status, message) = life.error();
    assert_eq!((kind, status), (TurnErrorKind::Authentication, Some(401)));
    assert!(message.contains("run claude auth login"), "{message}");
}

#[test]
fn who_is_not_logged_in_is_told_what_to_run() {
    let life = Life::plays("no_credentials");
    let (kind, _, message) = life.error();
    assert_eq!(kind, TurnErrorKind::Authentication);
    assert_eq!(message, "Not logged in · run claude auth login");
}

#[test]
fn an_unknown_model_and_a_prompt_that_is_too_long_are_errors_although_they_are_called_success() {
    let unknown = Life::plays("flag_model_bad");
    let (kind, status, message) = unknown.error();
    assert_eq!((kind, status), (TurnErrorKind::InvalidRequest, Some(404)));
    assert!(message.contains("no-such-model"), "{message}");
    let mut long = Life::new();
    long.says(&failed(
        "prompt_too_long",
        &json!(400),
        "Prompt is too long",
    ));
    assert_eq!(long.error().0, TurnErrorKind::PromptTooLong);
}

#[test]
fn what_the_agent_mends_by_itself_is_no_failure_and_a_refusal_and_a_cut_answer_are_told() {
    let mended = Life::plays("max_tokens");
    assert_eq!(mended.end().unwrap().stop_reason, StopReason::EndTurn);
    for (word, reason) in [
        ("max_tokens", StopReason::MaxTokens),
        ("refusal", StopReason::Refusal),
    ] {
        let mut life = Life::new();
        life.says(
            &json!({"type": "result", "subtype": "success", "is_error": false,
            "terminal_reason": "completed", "stop_reason": word, "result": "", "num_turns": 1}),
        );
        assert_eq!(life.end().unwrap().stop_reason, reason);
    }
}

#[test]
fn a_stream_that_hangs_leaves_its_turn_running_until_somebody_stops_it() {
    let life = Life::plays("stream_hang");
    assert!(life.end().is_none());
    assert_eq!(life.session.info().status, Status::Thinking);
}
