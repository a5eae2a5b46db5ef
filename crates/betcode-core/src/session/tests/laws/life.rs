//! Random lives: what can be done to a session, in small numbers so that things meet.

use std::time::Duration;

use proptest::prelude::*;

use super::super::replay::{fold_all, fold_from_trim};
use super::*;
use crate::command::{PermissionAnswer, QuestionAnswer};
use crate::reading::UsageReading;

/// One thing that happens. Small numbers name clients (see [`who`]) and the things that are there to choose from.
#[derive(Debug, Clone)]
pub(in crate::session::tests) enum Step {
    Do(u8, Deed),
    Arrive(u8, bool),
    Leave(u8, bool),
    /// A caller whose answer waits for the lock goes away.
    HangUp,
    /// Somebody is active.
    Touch,
    RulesWritten,
    Say {
        nested: bool,
        what: Said,
    },
    Started {
        foreign: bool,
    },
    Exited {
        foreign: bool,
        exit: u8,
    },
    Pass(u32),
    /// The clock jumps forward, and nothing that was asked before may expire yet.
    Jump(u32),
    Settings(u8),
    /// Nobody watches: the agent may rest.
    Rest,
    /// The daemon was killed; another one goes on with the snapshot and the checkpoint.
    Restart,
}

/// Something that a client does.
#[derive(Debug, Clone)]
pub(in crate::session::tests) enum Deed {
    Message { policy: u8, long: bool },
    Configure(u8),
    Cancel,
    RemoveQueued(u8),
    EditQueued { which: u8, long: bool },
    SendAgain(u8),
    Rename,
    Compact(bool),
    Clear,
    Close,
    Reopen,
    RequestLock,
    ReleaseLock,
    AnswerLock(u8, bool),
    Answer { which: u8, how: u8 },
}

/// What came of a deed.
#[derive(Debug)]
pub(in crate::session::tests) struct Did {
    pub(in crate::session::tests) by: ClientInfo,
    pub(in crate::session::tests) action: Action,
    /// It changes a message that the client has queued itself.
    pub(in crate::session::tests) own: bool,
    pub(in crate::session::tests) result: Result<Vec<String>, Rejected>,
}

/// Something that the agent says; numbers name tools, requests and messages.
#[derive(Debug, Clone)]
pub(in crate::session::tests) enum Said {
    Text,
    Message,
    ToolStarted(u8),
    ToolFinished(u8),
    Permission(u8),
    Question(u8),
    /// It asks once more what it waits for already.
    Again,
    /// It asks under another id what it has asked before.
    Repeat(u8),
    Withdrawn(u8),
    Working,
    WaitingForUser,
    Compacting,
    Idle,
    Retrying(bool),
    Result(u8),
    Usage(u8),
    Compacted,
    Described(u8),
    Delivery(u8, u8),
    Reset(u8),
    Title(u8),
    Background(u8),
    Plan(bool),
    Unknown,
}

fn any_said() -> impl Strategy<Value = Said> {
    prop_oneof![
        3 => Just(Said::Text),
        1 => Just(Said::Message),
        3 => (0..4_u8).prop_map(Said::ToolStarted),
        3 => (0..4_u8).prop_map(Said::ToolFinished),
        5 => (0..4_u8).prop_map(Said::Permission),
        3 => (0..3_u8).prop_map(Said::Question),
        1 => Just(Said::Again),
        2 => (0..6_u8).prop_map(Said::Repeat),
        2 => (0..3_u8).prop_map(Said::Withdrawn),
        6 => Just(Said::Working),
        1 => Just(Said::WaitingForUser),
        1 => Just(Said::Compacting),
        6 => Just(Said::Idle),
        2 => any::<bool>().prop_map(Said::Retrying),
        4 => (0..4_u8).prop_map(Said::Result),
        1 => (0..4_u8).prop_map(Said::Usage),
        1 => Just(Said::Compacted),
        1 => (0..3_u8).prop_map(Said::Background),
        1 => any::<bool>().prop_map(Said::Plan),
        2 => (0..3_u8).prop_map(Said::Described),
        3 => (0..8_u8, 0..4_u8).prop_map(|(message, state)| Said::Delivery(message, state)),
        1 => (0..2_u8).prop_map(Said::Reset),
        1 => (0..2_u8).prop_map(Said::Title),
        1 => Just(Said::Unknown),
    ]
}

fn any_deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        8 => (0..5_u8, prop::bool::weighted(0.1)).prop_map(|(policy, long)| Deed::Message { policy, long }),
        2 => (0..2_u8).prop_map(Deed::Configure),
        1 => Just(Deed::Cancel),
        2 => (0..4_u8).prop_map(Deed::RemoveQueued),
        2 => (0..4_u8, prop::bool::weighted(0.1)).prop_map(|(which, long)| Deed::EditQueued { which, long }),
        2 => (0..4_u8).prop_map(Deed::SendAgain),
        1 => Just(Deed::Rename),
        2 => any::<bool>().prop_map(Deed::Compact),
        1 => prop::bool::weighted(0.5).prop_map(|clear| if clear { Deed::Clear } else { Deed::Cancel }),
        1 => prop::bool::weighted(0.1).prop_map(|close| if close { Deed::Close } else { Deed::Cancel }),
        1 => Just(Deed::Reopen),
        4 => Just(Deed::RequestLock),
        2 => Just(Deed::ReleaseLock),
        4 => (0..3_u8, any::<bool>()).prop_map(|(which, grant)| Deed::AnswerLock(which, grant)),
        12 => (0..5_u8, 0..8_u8).prop_map(|(which, how)| Deed::Answer { which, how }),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    // The one who was first does most.
    let by = || prop_oneof![3 => Just(0_u8), 4 => 0..6_u8];
    prop_oneof![
        20 => (by(), any_deed()).prop_map(|(by, deed)| Step::Do(by, deed)),
        3 => (0..6_u8, prop::bool::weighted(0.2)).prop_map(|(by, observes)| Step::Arrive(by, observes)),
        2 => (0..6_u8, any::<bool>()).prop_map(|(by, for_good)| Step::Leave(by, for_good)),
        1 => Just(Step::HangUp),
        1 => Just(Step::Touch),
        1 => Just(Step::RulesWritten),
        28 => (prop::bool::weighted(0.2), any_said()).prop_map(|(nested, what)| Step::Say { nested, what }),
        5 => prop::bool::weighted(0.1).prop_map(|foreign| Step::Started { foreign }),
        4 => (prop::bool::weighted(0.1), 0..7_u8).prop_map(|(foreign, exit)| Step::Exited { foreign, exit }),
        3 => (0..20_u32).prop_map(Step::Pass),
        2 => (0..200_000_u32).prop_map(Step::Pass),
        1 => (0..3_000_000_u32).prop_map(Step::Pass),
        1 => (0..3_000_000_u32).prop_map(Step::Jump),
        1 => (0..5_u8).prop_map(Step::Settings),
        3 => Just(Step::Restart),
        1 => Just(Step::Rest),
    ]
}

/// The agent falls silent in its turn, for short or for long.
fn any_silence() -> impl Strategy<Value = Vec<Step>> {
    let say = |what| Step::Say {
        nested: false,
        what,
    };
    (0..5_u8, any::<bool>(), any::<bool>()).prop_map(move |(settings, long, late)| {
        let message = Deed::Message {
            policy: 0,
            long: false,
        };
        let mut steps = vec![
            Step::Settings(settings),
            Step::Do(0, message),
            Step::Started { foreign: false },
            say(Said::Working),
            Step::Pass(121),
        ];
        if long {
            steps.push(Step::Pass(300));
        }
        if late {
            steps.push(say(Said::Text));
        }
        steps.push(Step::Pass(31));
        steps
    })
}

/// Several steps that belong together, so that what takes many of them happens often enough.
fn any_scene() -> impl Strategy<Value = Vec<Step>> {
    let say = |what| Step::Say {
        nested: false,
        what,
    };
    let started = || Step::Started { foreign: false };
    let message = |policy| {
        let long = false;
        Step::Do(0, Deed::Message { policy, long })
    };
    let work = move |policy| {
        vec![
            message(policy),
            started(),
            say(Said::Working),
            say(Said::Text),
        ]
    };
    let asks = || {
        prop_oneof![
            (0..4_u8).prop_map(Said::Permission),
            (0..3_u8).prop_map(Said::Question)
        ]
    };
    let answer = |which, how| Deed::Answer { which, how };
    // Somebody else answers while the holder is busy, and the holder says something to that or not.
    let dispute = (asks(), 0..6_u8, 0..8_u8, 0..3_u8).prop_map(move |(asked, by, how, then)| {
        let reaction = match then {
            0 => Step::Do(0, Deed::AnswerLock(0, true)),
            1 => Step::Do(0, Deed::AnswerLock(0, false)),
            _ => Step::Pass(10),
        };
        vec![
            message(0),
            say(asked),
            Step::Do(by, answer(0, how)),
            reaction,
        ]
    });
    // The agent dies with requests, and another one asks them again.
    let death = (
        prop::collection::vec(asks(), 1..3),
        prop::collection::vec((0..6_u8, 0..3_u8, 0..8_u8), 0..4),
        any::<bool>(),
        prop::collection::vec(0..6_u8, 0..5),
    );
    let death = death.prop_map(move |(asked, answers, speaks, again)| {
        let host_lost = Step::Exited {
            foreign: false,
            exit: 5,
        };
        let mut steps: Vec<_> = asked.into_iter().map(say).collect();
        steps.push(host_lost);
        let answers = answers.into_iter();
        steps.extend(answers.map(|(by, which, how)| Step::Do(by, answer(which, how))));
        if speaks {
            steps.push(message(0));
        }
        steps.extend([started(), say(Said::Working)]);
        steps.extend(again.into_iter().map(|which| say(Said::Repeat(which))));
        steps
    });
    // The turn ends, and the log or the whole session with it.
    let forget = (0..3_u8, 0..6_u8).prop_map(move |(what, by)| {
        let rest = || [say(Said::Working), say(Said::Idle)];
        let mut steps = rest().to_vec();
        match what {
            0 => {
                steps.push(Step::Do(0, Deed::Compact(true)));
                steps.extend([say(Said::Compacted), say(Said::Working), say(Said::Idle)]);
            }
            1 => steps.push(Step::Do(0, Deed::Clear)),
            _ => {
                let late = Deed::Message {
                    policy: 0,
                    long: false,
                };
                let deeds = [(0, Deed::Close), (by, late), (by, Deed::Reopen)];
                steps.extend(deeds.map(|(by, deed)| Step::Do(by, deed)));
            }
        }
        steps
    });
    prop_oneof![
        20 => any_step().prop_map(|step| vec![step]),
        1 => any_silence(),
        3 => (0..5_u8).prop_map(work),
        1 => forget,
        3 => dispute,
        3 => death,
    ]
}

/// A life of so many scenes.
pub(in crate::session::tests) fn any_life(scenes: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(any_scene(), 0..scenes).prop_map(|scenes| scenes.concat())
}

/// The clients of a life: three people, a run, one that does one thing and is gone, and one without identity.
pub(in crate::session::tests) fn who(number: u8) -> ClientInfo {
    match number {
        0 => client(),
        1 => person(2),
        2 => run(3),
        3 => shot(4),
        4 => ClientInfo::default(),
        _ => person(5),
    }
}

pub(in crate::session::tests) fn exit(number: u8) -> AgentExit {
    match number {
        0 => AgentExit::Code { code: 0 },
        1 | 6 => AgentExit::Code { code: 1 },
        2 => AgentExit::Signal { signal: 15 },
        3 => AgentExit::Signal { signal: 9 },
        4 => AgentExit::NotStarted {
            reason: "missing".into(),
        },
        _ => AgentExit::HostLost,
    }
}

fn policy(number: u8) -> TurnPolicy {
    let bash = || vec!["Bash".to_owned()];
    match number {
        0 => TurnPolicy::default(),
        1 => TurnPolicy {
            unattended: true,
            ..TurnPolicy::default()
        },
        2 => TurnPolicy {
            allowed_tools: bash(),
            ..TurnPolicy::default()
        },
        3 => TurnPolicy {
            allowed_tools: bash(),
            disallowed_tools: bash(),
            ..TurnPolicy::default()
        },
        _ => TurnPolicy {
            wait_ms: Some(WAIT_MS),
            ..TurnPolicy::default()
        },
    }
}

/// How long the requests of a run wait that says so itself.
pub(in crate::session::tests) const WAIT_MS: u64 = 10_000_019;

/// The terms by number.
fn settings(number: u8) -> Terms {
    let terms = Terms::default();
    match number {
        0 | 2 => terms,
        1 => Terms {
            answer_without_lock: true,
            ..terms
        },
        3 => Terms {
            request_lifetime: REQUEST_LIFETIMES.0,
            ..terms
        },
        _ => Terms {
            request_lifetime: REQUEST_LIFETIMES.1,
            lock_wait: Duration::from_secs(1),
            lock_grace: Duration::from_secs(2),
            stalled_after: STALLED_AFTER.0,
            interrupt_stalled_after: Some(Duration::from_mins(5)),
            ..terms
        },
    }
}

fn asks_permission(id: RequestId, number: u8) -> Observation {
    let tools = ["Bash", "Bash", "Write", "Bash"];
    let input = match number {
        3 => json!({"command": "long ".repeat(20_000)}),
        _ => json!({"command": format!("command {number}")}),
    };
    Observation::PermissionAsked(PermissionRequest {
        id,
        tool: tools[usize::from(number)].into(),
        tool_call: None,
        input,
        description: String::new(),
        suggested_rules: vec![],
        expires_at: None,
        is_replay: false,
        note: String::new(),
    })
}

fn asks_question(id: RequestId, number: u8) -> Observation {
    let item = |question: &str, multi_select| QuestionItem {
        question: question.into(),
        header: String::new(),
        multi_select,
        options: ["red", "blue"]
            .map(|label| QuestionOption {
                label: label.into(),
                description: String::new(),
            })
            .into(),
    };
    let items = match number {
        0 => vec![],
        1 => vec![item("one?", false)],
        _ => vec![item("one?", false), item("many?", true)],
    };
    Observation::QuestionAsked(Question {
        id,
        tool_call: None,
        items,
        plan: (number == 0).then(|| "plan".into()),
        input: json!({"number": number}),
        expires_at: None,
        is_replay: false,
        note: String::new(),
    })
}

/// An answer, right or wrong, by number.
fn some_answer(id: &RequestId, how: u8) -> Action {
    let permission = |answer| Action::AnswerPermission {
        id: id.clone(),
        answer,
    };
    let question = |answer| Action::AnswerQuestion {
        id: id.clone(),
        answer,
    };
    let allow = |scope, input| permission(PermissionAnswer::Allow { scope, input });
    let chosen = |question: &str, selected: &[&str]| Answer {
        question: question.into(),
        selected: selected.iter().map(|label| (*label).to_owned()).collect(),
        text: String::new(),
    };
    let message = String::new();
    if id.0.starts_with('q') {
        question(match how {
            0 => QuestionAnswer::Answered(vec![]),
            1 | 2 => QuestionAnswer::Answered(vec![chosen("one?", &["red"])]),
            3 => QuestionAnswer::Answered(vec![chosen("many?", &["red", "blue"])]),
            4 => QuestionAnswer::Answered(vec![chosen("one?", &["red", "blue"])]),
            5 => QuestionAnswer::Answered(vec![chosen("one?", &["green"])]),
            6 => {
                return permission(PermissionAnswer::Deny {
                    message,
                    interrupt: false,
                });
            }
            _ => QuestionAnswer::Declined { message },
        })
    } else {
        match how {
            0 | 1 => allow(PermissionScope::Once, None),
            2 => allow(PermissionScope::Session, None),
            3 => allow(PermissionScope::Always, None),
            4 => allow(
                PermissionScope::Once,
                Some(json!({"edited": "long ".repeat(20_000)})),
            ),
            5 => permission(PermissionAnswer::Deny {
                message,
                interrupt: false,
            }),
            6 => permission(PermissionAnswer::Deny {
                message,
                interrupt: true,
            }),
            _ => question(QuestionAnswer::Answered(vec![])),
        }
    }
}

/// The call of the sub-agent, or another one.
fn call(number: u8) -> String {
    match number {
        3 => TASK.to_owned(),
        number => format!("tool {number}"),
    }
}

/// The call of the sub-agent that speaks.
const TASK: &str = "task";

fn observation(bench: &mut Bench, said: &Said) -> Observation {
    match said {
        Said::Text => text("word"),
        Said::Message => Observation::MessageComplete {
            message_id: "a".into(),
            model: None,
            end: MessageEnd::Finished,
        },
        Said::ToolStarted(tool) => tool_started(&call(*tool)),
        Said::ToolFinished(tool) => tool_finished(&call(*tool)),
        Said::Permission(number) => asks_permission(bench.new_request("p"), *number),
        Said::Question(number) => asks_question(bench.new_request("q"), *number),
        Said::Again => {
            let mut requests = bench.session.requests().iter();
            match requests.next() {
                Some((_, Pending::Permission(request))) => {
                    Observation::PermissionAsked(request.clone())
                }
                Some((_, Pending::Question(question))) => {
                    Observation::QuestionAsked(question.clone())
                }
                None => Observation::Unknown { raw: "?".into() },
            }
        }
        Said::Repeat(which) => repeated(bench, *which),
        Said::Withdrawn(which) => Observation::RequestWithdrawn {
            id: bench.some_request(*which),
        },
        Said::Working => Observation::Working,
        Said::WaitingForUser => Observation::WaitingForUser,
        Said::Compacting => Observation::Compacting,
        Said::Idle => Observation::Idle,
        Said::Retrying(limited) => retrying(if *limited { 429 } else { 500 }, 1_009),
        Said::Result(number) => {
            let reasons = [
                StopReason::EndTurn,
                StopReason::Error,
                StopReason::Cancelled,
                StopReason::MaxTurns,
            ];
            let mut end = end(reasons[usize::from(*number)]);
            end.usage.cost_usd = 0.1 + f64::from(*number) / 3.0;
            Observation::Result(Box::new(end))
        }
        Said::Usage(number) => Observation::UsageReport(Usage {
            context_tokens: u64::from(*number),
            ..Usage::default()
        }),
        Said::Compacted => Observation::Compacted {
            trigger: "manual".into(),
            before_tokens: 9,
            after_tokens: 1,
        },
        Said::Described(number) => Observation::Described(Box::new(AgentDescription {
            version: Some(number.to_string()),
            tools: (*number > 0).then(|| vec!["Bash".into()]),
            mcp_servers: (*number > 1).then(|| vec![server("s", "failed")]),
            capabilities: (*number > 0).then(|| vec![Capability::EditedInput, Capability::Resume]),
            ..AgentDescription::default()
        })),
        Said::Background(tasks) => {
            Observation::BackgroundTasks((0..*tasks).map(background_task).collect())
        }
        Said::Plan(used_up) => Observation::PlanUsage(Box::new(UsageReading {
            status: if *used_up { "rejected" } else { "allowed" }.into(),
            resets_at: Some(bench.now.plus(Duration::from_hours(1))),
            ..UsageReading::default()
        })),
        Said::Delivery(message, state) => {
            let states = [
                Delivery::Queued,
                Delivery::Started,
                Delivery::Completed,
                Delivery::Cancelled,
            ];
            let state = states[usize::from(*state)];
            Observation::Delivery {
                message_id: message_id(u128::from(*message) + 1),
                state,
            }
        }
        Said::Reset(number) => Observation::ConversationReset {
            agent_session: number.to_string(),
        },
        Said::Title(number) => Observation::Title(format!("title {number}")),
        Said::Unknown => Observation::Unknown { raw: "?".into() },
    }
}

fn repeated(bench: &mut Bench, which: u8) -> Observation {
    let before = bench.some_request(which);
    let asked = bench.log.iter().rev().find_map(|event| match &event.body {
        EventBody::PermissionRequest(request) if request.id == before => {
            Some(Pending::Permission(request.clone()))
        }
        EventBody::Question(question) if question.id == before => {
            Some(Pending::Question(question.clone()))
        }
        _ => None,
    });
    match asked {
        Some(Pending::Permission(request)) => {
            let id = bench.new_request("p");
            Observation::PermissionAsked(PermissionRequest { id, ..request })
        }
        Some(Pending::Question(question)) => {
            let id = bench.new_request("q");
            Observation::QuestionAsked(Question { id, ..question })
        }
        None => Observation::Unknown { raw: "?".into() },
    }
}

/// Carries out a step. Gives what came of it when a client did something.
pub(in crate::session::tests) fn live(bench: &mut Bench, step: &Step) -> Option<Did> {
    let foreign = HostEpoch(Uuid::from_u128(u128::MAX));
    let host = |is_foreign: bool, bench: &Bench| if is_foreign { foreign } else { bench.host() };
    match step {
        Step::Do(by, deed) => return act(bench, who(*by), deed),
        Step::Arrive(by, observes) => drop(bench.attach(&who(*by), *observes)),
        // Nobody leaves who is not there.
        Step::Leave(by, for_good) if bench.presence.is_here(who(*by).id) => {
            drop(bench.leave(&who(*by), *for_good));
        }
        Step::Leave(..) => {}
        Step::HangUp => {
            if let Some(command) = bench.parked.first() {
                let who = command.client.clone();
                bench.hang_up(&who);
            }
        }
        Step::Touch => {
            let drafts = bench.session.touch(bench.now, &bench.terms);
            bench.record(drafts);
        }
        Step::RulesWritten => {
            let unwritten = bench.session.requests().unwritten().next();
            let unwritten = unwritten.map(|(id, rules)| (id.clone(), rules.to_vec()));
            if let Some((id, rules)) = unwritten {
                let (file, error) = (String::new(), String::new());
                let body = EventBody::RulesWritten {
                    id,
                    rules,
                    file,
                    error,
                    untrusted: false,
                };
                bench.record(vec![body.into()]);
            }
        }
        // A process that is not there says nothing.
        Step::Say { .. } if !bench.session.agent().is_present() => {}
        Step::Say { nested, what } => {
            // What is repeated is said by whoever said it first.
            let said = observation(bench, what);
            let nested = *nested && !matches!(what, Said::Again);
            drop(bench.say_from(nested.then_some(TASK), said));
        }
        Step::Started { foreign } => {
            let news = HostNews::Started {
                host: host(*foreign, bench),
                pid: 7,
            };
            drop(bench.news(news));
        }
        Step::Exited {
            foreign,
            exit: number,
        } => {
            let host = host(*foreign, bench);
            drop(bench.news(HostNews::Exited {
                host,
                exit: exit(*number),
                stderr: String::new(),
                refused: (*number == 6).then(refused),
            }));
        }
        Step::Pass(seconds) => {
            let passed = Duration::from_secs(u64::from(*seconds));
            bench.now = bench.now.plus(passed);
            bench.uptime += passed;
            if bench.now >= bench.hold.until {
                bench.hold = Hold::default();
            }
            time_passes(bench);
        }
        Step::Jump(seconds) => {
            bench.now = bench.now.plus(Duration::from_secs(u64::from(*seconds)));
            bench.hold = Hold {
                asked_until: bench.now,
                until: bench.now.plus(crate::steady::STABLE),
            };
            time_passes(bench);
        }
        Step::Settings(number) => {
            bench.terms = settings(*number);
            let rule = |there: bool| {
                there
                    .then(|| "Bash(command 1)".to_owned())
                    .into_iter()
                    .collect()
            };
            bench.allowed = rule(*number == 2);
            bench.denied = rule(*number == 0);
        }
        Step::Rest => drop(bench.record(bench.session.rest())),
        Step::Restart => {
            assert_eq!(fold_all(bench), bench.session);
            assert_eq!(fold_from_trim(bench), bench.session);
            bench.restart();
        }
    }
    None
}

fn time_passes(bench: &mut Bench) {
    if bench.presence.is_anybody_here() {
        let drafts = bench.session.touch(bench.now, &bench.terms);
        bench.record(drafts);
    }
    // What one end has set off may be due at once: a lock that is granted to somebody who has gone meanwhile moves on.
    for _ in 0..5 {
        bench.expire();
        bench.silent();
    }
    let due = bench
        .silence
        .due(&bench.session, &bench.progress, &bench.terms);
    assert!(due.is_none_or(|due| due > bench.uptime));
    let deadline = bench.deadline();
    assert!(
        deadline.is_none_or(|deadline| deadline > bench.now),
        "{deadline:?} has passed at {:?}",
        bench.now
    );
}

fn act(bench: &mut Bench, by: ClientInfo, deed: &Deed) -> Option<Did> {
    let text = |long: bool| {
        // The preview of a long one shows less than its first line.
        if long {
            format!("{}{}", "\n".repeat(5_000), "long ".repeat(20_000))
        } else {
            "short".to_owned()
        }
    };
    let queued = |which: u8| {
        let mut queued = bench.session.messages().queued();
        queued.nth(usize::from(which)).cloned()
    };
    let mut own = false;
    let action = match deed {
        Deed::Message {
            policy: number,
            long,
        } => Action::Message {
            text: text(*long),
            attachments: vec![],
            policy: policy(*number),
        },
        Deed::Configure(number) => model(&number.to_string()),
        Deed::Cancel => Action::Cancel,
        Deed::RemoveQueued(which) => {
            let unknown = || {
                let mut unknown = bench.session.messages().unknown();
                unknown.nth(usize::from(*which)).cloned()
            };
            let input = queued(*which).or_else(unknown)?;
            own = input.client == by && by != ClientInfo::default();
            let message_id = input.message_id;
            Action::RemoveQueued { message_id }
        }
        Deed::EditQueued { which, long } => {
            let input = queued(*which)?;
            own = input.client == by && by != ClientInfo::default();
            let text = format!("{} edited {}", text(*long), bench.log.len());
            let message_id = input.message_id;
            Action::EditQueued { message_id, text }
        }
        Deed::SendAgain(which) => {
            let mut unknown = bench.session.messages().unknown();
            let message_id = unknown.nth(usize::from(*which))?.message_id;
            Action::SendAgain { message_id }
        }
        Deed::Rename => Action::Rename {
            title: "chosen".into(),
        },
        Deed::Compact(trim) => Action::Compact { trim: *trim },
        Deed::Clear => Action::Clear,
        Deed::Close => Action::Close,
        Deed::Reopen => Action::Reopen {
            environment: crate::command::Environment::default(),
        },
        Deed::RequestLock => Action::RequestLock,
        Deed::ReleaseLock => Action::ReleaseLock,
        Deed::AnswerLock(which, grant) => {
            let asking = bench.session.lock().asking();
            let client = asking.get(usize::from(*which))?.by.id;
            let grant = *grant;
            Action::AnswerLock { client, grant }
        }
        Deed::Answer { which, how } => some_answer(&bench.some_request(*which), *how),
    };
    let is_message = matches!(action, Action::Message { .. });
    let result = if is_message {
        // Messages are numbered 1, 2, 3 … in the order in which they were accepted.
        let next = 1 + bench.messages;
        let result = bench.command_with(next, &by, action.clone());
        bench.messages += u128::from(result.is_ok());
        result
    } else {
        bench.command_by(&by, action.clone())
    };
    Some(Did {
        by,
        action,
        own,
        result,
    })
}
