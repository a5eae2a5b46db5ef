//! The window is the same however its events came.

use std::fmt::Write as _;

use betcode_core::event::{ClientInfo, Event, EventBody, MessageEnd, TextPiece, UserInput};
use betcode_core::id::{IdempotencyKey, MessageId, Sequence, ToolCallId};
use betcode_core::time::Timestamp;
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::*;

/// Everything about the entries but what is kept for drawing.
fn told(transcript: &Transcript) -> String {
    let mut told = String::new();
    tell(transcript.list(), 0, &mut told);
    told
}

fn tell(list: &List, depth: usize, told: &mut String) {
    for entry in list.iter() {
        let (from, to) = (entry.first, entry.last);
        write!(told, "{:depth$}{from}..{to} ", "").unwrap();
        match &entry.body {
            Body::User(said) => writeln!(told, "user {:?}", said.text),
            Body::Answer(message) => writeln!(
                told,
                "answer {} {:?} {:?}",
                message.id,
                message.text(),
                message.end()
            ),
            Body::Thinking(message) => writeln!(
                told,
                "thinking {} {:?} {:?}",
                message.id,
                message.text(),
                message.end()
            ),
            Body::Trace(trace) => writeln!(told, "{:?} {}", trace.kind, trace.text),
            Body::Tool(tool) => {
                writeln!(
                    told,
                    "{} {} {:?} {:?}",
                    tool.name, tool.id, tool.state, tool.output
                )
                .unwrap();
                tell(&tool.children, depth + 1, told);
                Ok(())
            }
        }
        .unwrap();
    }
}

/// A log, written down step by step.
#[derive(Default)]
struct Log {
    events: Vec<Event>,
}

impl Log {
    fn add(&mut self, parent: Option<&str>, body: EventBody) {
        let sequence = Sequence(self.events.len() as u64 + 1);
        self.events.push(Event {
            sequence,
            first_sequence: None,
            timestamp: Timestamp(0),
            parent: parent.map(ToolCallId::from),
            previews: Vec::new(),
            body,
        });
    }
}

fn piece(id: &str, text: &str) -> TextPiece {
    TextPiece {
        message_id: id.into(),
        text: text.into(),
    }
}

fn start(id: &str) -> EventBody {
    EventBody::ToolCallStart {
        id: id.into(),
        tool: "Bash".into(),
        input: json!({"command": "ls"}),
        description: "list".into(),
    }
}

fn result(id: &str) -> EventBody {
    EventBody::ToolCallResult {
        id: id.into(),
        output: format!("output of {id}"),
        attachments: Vec::new(),
        is_error: false,
        duration_ms: Some(3),
        diff: Vec::new(),
    }
}

fn user(number: u128) -> EventBody {
    EventBody::UserInput(UserInput {
        message_id: MessageId(Uuid::from_u128(number)),
        idempotency_key: IdempotencyKey(Uuid::from_u128(number)),
        text: format!("message {number}"),
        attachments: Vec::new(),
        client: ClientInfo::default(),
        policy: betcode_core::event::TurnPolicy::default(),
        then_trim: false,
    })
}

/// A plausible log: messages that go on, calls that overlap, sub-agents inside calls.
/// Logs with messages, calls in calls, and what has no end.
pub(crate) fn log() -> impl Strategy<Value = Shown> {
    proptest::collection::vec((0_u8..9, 0_usize..4), 1..60).prop_map(|steps| {
        let mut log = Log::default();
        let mut message = 0;
        let mut calls = 0;
        let mut running: Vec<(String, Option<String>)> = Vec::new();
        for (what, which) in steps {
            let parent = match which {
                0 => None,
                _ => running.get(which - 1).map(|(id, _)| id.clone()),
            };
            let within = parent.as_deref();
            let speaker = format!("m{message}-{}", within.unwrap_or("top"));
            match what {
                0 => log.add(
                    within,
                    EventBody::TextDelta(piece(&speaker, &format!("[{}]", log.events.len()))),
                ),
                1 => log.add(within, EventBody::ThinkingDelta(piece(&speaker, "hm "))),
                2 => {
                    log.add(
                        within,
                        EventBody::MessageComplete {
                            message_id: speaker,
                            model: None,
                            end: MessageEnd::Finished,
                        },
                    );
                    message += 1;
                }
                3 | 4 => {
                    calls += 1;
                    let id = format!("c{calls}");
                    log.add(within, start(&id));
                    running.push((id, parent));
                }
                5 if !running.is_empty() => {
                    let (id, parent) = running[which % running.len()].clone();
                    log.add(
                        parent.as_deref(),
                        EventBody::ToolCallProgress {
                            id: ToolCallId(id),
                            elapsed_ms: 5,
                            output: String::new(),
                        },
                    );
                }
                6 | 7 if !running.is_empty() => {
                    let (id, parent) = running.remove(which % running.len());
                    log.add(parent.as_deref(), result(&id));
                }
                _ => log.add(None, user(log.events.len() as u128)),
            }
        }
        Shown(log.events)
    })
}

/// A log as a failure shows it.
#[derive(Clone)]
pub(crate) struct Shown(pub(crate) Vec<Event>);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for event in &self.0 {
            let body = serde_json::to_value(&event.body).unwrap_or_default();
            let parent = event
                .parent
                .as_ref()
                .map(|parent| parent.0.as_str())
                .unwrap_or_default();
            writeln!(
                f,
                "{} {parent} {} {}{}",
                event.sequence, body["type"], body["id"], body["message_id"]
            )?;
        }
        Ok(())
    }
}

/// All of a log in one window.
pub(crate) fn whole(events: &[Event]) -> Transcript {
    let mut transcript = Transcript::default();
    for event in events {
        assert!(transcript.append(event));
    }
    transcript
}

proptest! {
    #[test]
    fn pages_from_the_front_give_the_same_window(Shown(events) in log(), mut cuts in proptest::collection::vec(0_usize..60, 1..5)) {
        for cut in &mut cuts {
            *cut %= events.len();
        }
        cuts.push(0);
        cuts.sort_unstable();
        cuts.dedup();
        let newest = *cuts.last().unwrap();
        let mut window = Transcript::after(Sequence(newest as u64));
        for event in &events[newest..] {
            window.append(event);
        }
        for pair in cuts.windows(2).rev() {
            prop_assert!(window.prepend(&events[pair[0]..pair[1]]));
        }
        prop_assert_eq!(told(&window), told(&whole(&events)));
    }

    #[test]
    fn what_was_let_go_at_the_front_comes_back(Shown(events) in log(), keep in 1_usize..10) {
        let mut window = whole(&events);
        window.shorten_front(keep);
        let before = usize::try_from(window.before().0).unwrap();
        prop_assert!(before == 0 || window.prepend(&events[..before]));
        prop_assert_eq!(told(&window), told(&whole(&events)));
    }

    #[test]
    fn what_was_let_go_at_the_back_comes_back(Shown(events) in log(), keep in 1_usize..10) {
        let mut window = whole(&events);
        window.shorten_back(keep);
        let to = usize::try_from(window.to().0).unwrap();
        for event in &events[to..] {
            prop_assert!(window.append(event));
        }
        prop_assert_eq!(told(&window), told(&whole(&events)));
    }
}

#[test]
fn an_event_counts_once_and_one_that_is_not_next_does_not_count() {
    let mut log = Log::default();
    for text in ["a", "b", "c"] {
        log.add(None, EventBody::TextDelta(piece("m", text)));
    }
    let mut window = Transcript::default();
    assert!(window.append(&log.events[0]));
    assert!(!window.append(&log.events[0]));
    assert!(!window.append(&log.events[2]));
    assert!(window.append(&log.events[1]));
    assert_eq!(told(&window), "1..2 answer m \"ab\" None\n");
}

#[test]
fn a_page_that_does_not_end_before_the_window_is_not_taken() {
    let mut window = Transcript::after(Sequence(7));
    assert!(!window.prepend(&[]));
    let mut log = Log::default();
    log.add(None, user(1));
    assert!(!window.prepend(&log.events));
}
