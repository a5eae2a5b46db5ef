//! What is stored or sent, damaged: events, snapshots, the state of a parser, what is no event yet, a command. Laws:
//! - reading gives a value or an error and never fails otherwise; a value that was read is written and read again as the same;
//! - a state that was read, however strange, can be lived with: everything may happen to it, and it comes to rest.

use betcode_agents::{Agent, Kind};
use betcode_core::command::{Action, Command};
use betcode_core::event::{AgentExit, Draft, Event, EventBody};
use betcode_core::id::{HostEpoch, IdempotencyKey, Sequence, SessionId};
use betcode_core::observation::{Observation, Observations, Observed};
use betcode_core::ruling::Ruling;
use betcode_core::session::{Context, Decision, HostNews, Presence, Progress, Session, Terms};
use betcode_core::steady::Hold;
use betcode_core::time::Timestamp;
use betcode_proto::convert::{decode_event_list, encode_event_list};
use betcode_proto::v1;
use prost::Message as _;
use uuid::Uuid;

use crate::driver::check_frame;
use crate::{Target, transcripts};

/// See the file.
pub const TARGET: Target = Target {
    name: "blobs",
    about: "stored events, snapshots and parser states, damaged: an error or a value to live with",
    run,
    seeds,
    longest: 16 * 1024,
};

const EVENTS: u8 = 0;
const SNAPSHOT: u8 = 1;
const PARSER: u8 = 2;
const PROGRESS: u8 = 3;
const COMMAND: u8 = 4;

fn seeds() -> Vec<Vec<u8>> {
    let text =
        std::fs::read_to_string(transcripts::fixtures().join("log/v2/events.jsonl")).unwrap();
    let events: Vec<Event> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert!(events.len() > 20, "the stored log can be read");
    let kind = |kind: u8, bytes: &[u8]| [&[kind], bytes].concat();
    let mut seeds: Vec<Vec<u8>> = events
        .chunks(4)
        .chain([events.as_slice()])
        .map(|events| kind(EVENTS, &encode_event_list(events.to_vec())))
        .collect();
    let mut session = Session::new(SessionId(Uuid::from_u128(7)));
    for event in &events {
        session.apply(event);
        if event.sequence.0 % 9 == 0 {
            seeds.push(kind(SNAPSHOT, &serde_json::to_vec(&session).unwrap()));
        }
    }
    for output in transcripts::outputs().iter().step_by(5) {
        let mut agent = Agent::new(Kind::ClaudeCode);
        let lines = output.split(|byte| *byte == b'\n');
        let half = lines.clone().count() / 2;
        lines
            .take(half)
            .for_each(|line| agent.line(line, &mut Observations::new()));
        seeds.push(kind(PARSER, agent.state().as_bytes()));
    }
    let progress = Progress {
        worked: true,
        ..Progress::default()
    };
    seeds.push(kind(PROGRESS, &serde_json::to_vec(&progress).unwrap()));
    for action in actions() {
        let command = v1::Command::from(command(action));
        seeds.push(kind(COMMAND, &command.encode_to_vec()));
    }
    seeds
}

fn run(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else {
        return;
    };
    match *kind {
        EVENTS => events(bytes),
        SNAPSHOT => {
            if let Ok(session) = serde_json::from_slice::<Session>(bytes) {
                same_through_json(&session);
                live(session, Progress::default());
            }
        }
        PARSER => parser(bytes),
        PROGRESS => {
            if let Ok(progress) = serde_json::from_slice::<Progress>(bytes) {
                live(working(), progress);
            }
        }
        COMMAND => {
            let read = v1::Command::decode(bytes).map(Command::try_from);
            if let Ok(Ok(command)) = read {
                let again = v1::Command::decode(
                    v1::Command::from(command.clone())
                        .encode_to_vec()
                        .as_slice(),
                );
                let again = Command::try_from(again.expect("a command can be read"));
                assert_eq!(again.as_ref(), Ok(&command));
                decide(&mut working(), &command);
            }
        }
        _ => {}
    }
}

fn events(bytes: &[u8]) {
    let Ok(events) = decode_event_list(bytes) else {
        return;
    };
    let once = encode_event_list(events.clone());
    let again = decode_event_list(&once).expect("what was written can be read");
    assert_eq!(
        encode_event_list(again),
        once,
        "an event changes by being written"
    );
    let mut session = Session::new(SessionId(Uuid::from_u128(7)));
    for event in &events {
        session.apply(event);
        event.to_json(session.id()).expect("an event can be shown");
    }
    same_through_json(&session);
    live(session, Progress::default());
}

fn parser(bytes: &[u8]) {
    let Some(mut agent) = std::str::from_utf8(bytes)
        .ok()
        .and_then(|state| Agent::restore(Kind::ClaudeCode, state).ok())
    else {
        return;
    };
    let state = agent.state();
    let again = Agent::restore(Kind::ClaudeCode, &state).expect("its own state can be read");
    assert_eq!(again.state(), state);
    let mut seen = Observations::new();
    for line in KINDS.with(Clone::clone).iter() {
        agent.line(line, &mut seen);
    }
    for request in [
        betcode_core::observation::AgentRequest::Initialize,
        betcode_core::observation::AgentRequest::Interrupt,
    ] {
        check_frame(&agent.request(&request));
    }
    agent.ended(&mut seen);
}

std::thread_local! {
    /// One line of each kind; read once.
    static KINDS: std::rc::Rc<Vec<Vec<u8>>> = std::rc::Rc::new(transcripts::kinds());
}

/// A snapshot is written and read as the same.
fn same_through_json(session: &Session) {
    let once = serde_json::to_vec(session).expect("a state can be written");
    let again: Session =
        serde_json::from_slice(&once).expect("a state that was written can be read");
    let twice = serde_json::to_vec(&again).expect("a state can be written");
    assert!(once == twice, "a state changes by being read");
}

/// A session whose agent works on a message.
fn working() -> Session {
    let mut session = Session::new(SessionId(Uuid::from_u128(7)));
    decide(&mut session, &command(actions().remove(0)));
    decide(&mut session, &command(actions().remove(1)));
    let host = session.agent().host().expect("a message starts an agent");
    let news = HostNews::Started { host, pid: 1 };
    let drafts = session.host(&mut Progress::default(), NOW, news);
    record(&mut session, drafts);
    session
}

const NOW: Timestamp = Timestamp(2_000_000_000_000_000);

fn context(presence: &Presence) -> Context<'_> {
    static TERMS: std::sync::LazyLock<Terms> = std::sync::LazyLock::new(Terms::default);
    Context {
        now: NOW,
        fresh_host: HostEpoch(Uuid::from_u128(99)),
        terms: &TERMS,
        presence,
        asked: false,
    }
}

fn command(action: Action) -> Command {
    Command {
        session: SessionId(Uuid::from_u128(7)),
        key: IdempotencyKey(Uuid::from_u128(1)),
        client: betcode_core::event::ClientInfo::default(),
        action,
    }
}

fn actions() -> Vec<Action> {
    vec![
        Action::Start(Box::new(betcode_core::command::StartSession {
            agent: "claude".into(),
            cwd: "/home/user".to_owned(),
            title: String::new(),
            launch: betcode_core::command::LaunchOptions::default(),
            environment: betcode_core::command::Environment::default(),
        })),
        Action::Message {
            text: "hello".to_owned(),
            attachments: Vec::new(),
            policy: betcode_core::event::TurnPolicy::default(),
        },
        Action::Cancel,
        Action::Compact { trim: true },
        Action::Clear,
        Action::RequestLock,
        Action::Close,
    ]
}

/// Whatever can happen to a session, once.
fn live(mut session: Session, mut progress: Progress) {
    let terms = Terms::default();
    let presence = Presence::new(NOW);
    let observations = [
        Observation::Working,
        Observation::WaitingForUser,
        Observation::Title("t".to_owned()),
        Observation::Idle,
    ];
    for observation in observations {
        let seen = Observed {
            parent: None,
            observation,
        };
        let drafts = session.observe(&mut progress, &terms, NOW, seen, &Ruling::default());
        record(&mut session, drafts);
    }
    for action in actions().into_iter().skip(1) {
        decide(&mut session, &command(action));
    }
    let drafts = session.expire(NOW, Hold::default(), &terms, &presence);
    record(&mut session, drafts);
    if let Some(host) = session.agent().host() {
        let exit = AgentExit::HostLost;
        let stderr = String::new();
        let news = HostNews::Exited {
            host,
            exit,
            stderr,
            refused: None,
        };
        let drafts = session.host(&mut progress, NOW, news);
        record(&mut session, drafts);
    }
    let _title = (
        session.title().len(),
        session.next_deadline(Hold::default()),
    );
}

fn decide(session: &mut Session, command: &Command) {
    let presence = Presence::new(NOW);
    if let Ok(Decision::Done(drafts) | Decision::Waits(drafts)) =
        session.decide(context(&presence), command)
    {
        record(session, drafts);
    }
}

/// Takes drafts in, and what follows from them.
fn record(session: &mut Session, mut drafts: Vec<Draft>) {
    let presence = Presence::new(NOW);
    let mut rounds = 0;
    loop {
        for draft in drafts {
            apply(session, draft);
        }
        drafts = session.settle(context(&presence));
        if drafts.is_empty() {
            return;
        }
        rounds += 1;
        // Each round may send one of the messages that wait, and there are not more of them than bytes.
        assert!(rounds <= 20_000, "it does not come to rest");
    }
}

fn apply(session: &mut Session, draft: Draft) {
    let is_trim = matches!(draft.body, EventBody::HistoryTrimmed { .. });
    if is_trim {
        assert_eq!(
            Session::cannot_begin_with(&draft.body),
            None,
            "a trimmed log cannot be read"
        );
    }
    session.agent_requests(&draft.body);
    session.apply(&Event {
        sequence: Sequence(session.head().0.saturating_add(1)),
        first_sequence: None,
        timestamp: NOW,
        parent: draft.parent,
        previews: Vec::new(),
        body: draft.body,
    });
}
