//! Random lives: what can be done to a session, in small numbers so that things meet.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// One thing that happens.
#[derive(Debug, Clone)]
pub(in crate::session::tests) enum Step {
    Message {
        policy: u8,
        long: bool,
    },
    Configure(u8),
    Cancel,
    RemoveQueued(u8),
    SendAgain(u8),
    Rename,
    Close,
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
    /// Nobody watches: the agent may rest.
    Rest,
    /// The daemon was killed; another one goes on with the snapshot and the checkpoint.
    Restart,
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
    Withdrawn(u8),
    Working,
    WaitingForUser,
    Compacting,
    Idle,
    Retrying(bool),
    Result(u8),
    Usage(u8),
    Described(u8),
    Delivery(u8, u8),
    Reset(u8),
    Title(u8),
    Unknown,
}

fn any_said() -> impl Strategy<Value = Said> {
    prop_oneof![
        3 => Just(Said::Text),
        1 => Just(Said::Message),
        3 => (0..3_u8).prop_map(Said::ToolStarted),
        3 => (0..3_u8).prop_map(Said::ToolFinished),
        3 => (0..3_u8).prop_map(Said::Permission),
        2 => (0..3_u8).prop_map(Said::Question),
        2 => (0..3_u8).prop_map(Said::Withdrawn),
        6 => Just(Said::Working),
        1 => Just(Said::WaitingForUser),
        1 => Just(Said::Compacting),
        6 => Just(Said::Idle),
        2 => any::<bool>().prop_map(Said::Retrying),
        4 => (0..4_u8).prop_map(Said::Result),
        1 => (0..4_u8).prop_map(Said::Usage),
        2 => (0..3_u8).prop_map(Said::Described),
        3 => (0..8_u8, 0..4_u8).prop_map(|(message, state)| Said::Delivery(message, state)),
        1 => (0..2_u8).prop_map(Said::Reset),
        1 => (0..2_u8).prop_map(Said::Title),
        1 => Just(Said::Unknown),
    ]
}

pub(in crate::session::tests) fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4_u8, prop::bool::weighted(0.1)).prop_map(|(policy, long)| Step::Message { policy, long }),
        2 => (0..2_u8).prop_map(Step::Configure),
        1 => Just(Step::Cancel),
        2 => (0..4_u8).prop_map(Step::RemoveQueued),
        2 => (0..4_u8).prop_map(Step::SendAgain),
        1 => Just(Step::Rename),
        1 => prop::bool::weighted(0.2).prop_map(|close| if close { Step::Close } else { Step::Cancel }),
        24 => (prop::bool::weighted(0.2), any_said()).prop_map(|(nested, what)| Step::Say { nested, what }),
        4 => prop::bool::weighted(0.1).prop_map(|foreign| Step::Started { foreign }),
        3 => (prop::bool::weighted(0.1), 0..6_u8).prop_map(|(foreign, exit)| Step::Exited { foreign, exit }),
        3 => (0..1_000_000_u32).prop_map(Step::Pass),
        2 => Just(Step::Restart),
        1 => Just(Step::Rest),
    ]
}

pub(in crate::session::tests) fn exit(number: u8) -> AgentExit {
    match number {
        0 => AgentExit::Code { code: 0 },
        1 => AgentExit::Code { code: 1 },
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
        _ => TurnPolicy {
            allowed_tools: bash(),
            disallowed_tools: bash(),
            ..TurnPolicy::default()
        },
    }
}

fn observation(said: &Said) -> Observation {
    match said {
        Said::Text => text("word"),
        Said::Message => Observation::MessageComplete {
            message_id: "a".into(),
            model: None,
            end: MessageEnd::Finished,
        },
        Said::ToolStarted(tool) => tool_started(&format!("tool {tool}")),
        Said::ToolFinished(tool) => tool_finished(&format!("tool {tool}")),
        Said::Permission(id) => permission(&format!("request {id}"), "Bash"),
        Said::Question(id) => question(&format!("request {id}")),
        Said::Withdrawn(id) => Observation::RequestWithdrawn {
            id: format!("request {id}").into(),
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
        Said::Described(number) => Observation::Described(Box::new(AgentDescription {
            version: Some(number.to_string()),
            tools: (*number > 0).then(|| vec!["Bash".into()]),
            ..AgentDescription::default()
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

/// Carries out a step. Gives the message that was accepted with it.
pub(in crate::session::tests) fn live(bench: &mut Bench, step: &Step) -> Option<MessageId> {
    let foreign = HostEpoch(Uuid::from_u128(u128::MAX));
    let host = |is_foreign: bool, bench: &Bench| if is_foreign { foreign } else { bench.host() };
    match step {
        Step::Message {
            policy: number,
            long,
        } => {
            // Messages are numbered 1, 2, 3 … in the order in which they were accepted.
            let next = 1 + bench.messages;
            // Its preview shows less than its first line.
            let text = if *long {
                format!("{}{}", "\n".repeat(5_000), "long ".repeat(20_000))
            } else {
                "short".to_owned()
            };
            let policy = policy(*number);
            let message = Action::Message {
                text,
                attachments: vec![],
                policy,
            };
            if bench.command_with_key(next, message).is_ok() {
                bench.messages = next;
                return Some(message_id(next));
            }
        }
        Step::Configure(number) => drop(bench.command(model(&number.to_string()))),
        Step::Cancel => drop(bench.command(Action::Cancel)),
        Step::RemoveQueued(number) => {
            let queued: Vec<_> = bench
                .session
                .messages()
                .queued()
                .map(|input| input.message_id)
                .collect();
            if let Some(message_id) = queued.get(usize::from(*number)).copied() {
                bench.command(Action::RemoveQueued { message_id }).unwrap();
            }
        }
        Step::SendAgain(number) => {
            let unknown: Vec<_> = bench
                .session
                .messages()
                .unknown()
                .map(|input| input.message_id)
                .collect();
            if let Some(message_id) = unknown.get(usize::from(*number)).copied() {
                drop(bench.command(Action::SendAgain { message_id }));
            }
        }
        Step::Rename => drop(bench.command(Action::Rename {
            title: "chosen".into(),
        })),
        Step::Close => drop(bench.command(Action::Close)),
        // A process that is not there says nothing.
        Step::Say { .. } if !bench.session.agent().is_present() => {}
        Step::Say { nested, what } => {
            drop(bench.say_from(nested.then_some("task"), observation(what)));
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
            }));
        }
        Step::Pass(seconds) => {
            bench.now = bench.now.plus(Duration::from_secs(u64::from(*seconds)));
            bench.expire();
            assert!(
                bench
                    .session
                    .next_deadline(Hold::default())
                    .is_none_or(|deadline| deadline > bench.now)
            );
        }
        Step::Rest => drop(bench.record(bench.session.rest())),
        Step::Restart => {
            bench.restart();
        }
    }
    None
}
