//! The part of a long log that is in memory, while one goes about in it.

use betcode_core::event::{Event, EventBody, MessageEnd, TextPiece};
use betcode_core::id::Sequence;
use betcode_core::time::Timestamp;

use crate::msg::{Msg, Towards};
use crate::scene::{Scene, screen};
use crate::transcript::Transcript;

/// So many events come at once.
const PAGE: usize = 400;

/// A log of answers, of which each says its number.
fn log(count: u64) -> Vec<Event> {
    let event = |sequence, body| Event {
        sequence: Sequence(sequence),
        first_sequence: None,
        timestamp: Timestamp(0),
        parent: None,
        previews: Vec::new(),
        body,
    };
    let one = |number: u64| {
        let message_id = format!("m{number}");
        let piece = TextPiece {
            message_id: message_id.clone(),
            text: format!("number {number}."),
        };
        let end = EventBody::MessageComplete {
            message_id,
            model: None,
            end: MessageEnd::Finished,
        };
        [
            event(2 * number - 1, EventBody::TextDelta(piece)),
            event(2 * number, end),
        ]
    };
    (1..=count).flat_map(one).collect()
}

/// Draws, and gives what is wanted of the log, until nothing more is.
fn settle(scene: &mut Scene, log: &[Event]) -> String {
    for _ in 0..10_000 {
        let text = scene.text();
        let wanted = crate::update::after_drawing(&mut scene.model);
        let Some(crate::msg::Effect::Read(towards)) = wanted.into_iter().next() else {
            return text;
        };
        let events = match towards {
            Towards::Start(before) => {
                let end = log.partition_point(|event| event.sequence <= before);
                log[end.saturating_sub(PAGE)..end].to_vec()
            }
            Towards::End(after) => {
                let start = log.partition_point(|event| event.sequence <= after);
                log[start..(start + PAGE).min(log.len())].to_vec()
            }
        };
        scene.on(Msg::Page {
            towards,
            events: Ok(events),
        });
    }
    panic!("the log is read without an end");
}

fn at_the_end(log: &[Event]) -> Scene {
    let mut scene = screen(80, 24);
    let head = log.last().expect("a log").sequence;
    scene.model.head = head;
    scene.sequence = head.0;
    scene.model.at_beginning = false;
    scene.model.transcript = Transcript::after(head);
    settle(&mut scene, log);
    scene
}

fn shown(text: &str) -> Vec<u64> {
    let numbers = text.split("number ").skip(1);
    numbers
        .filter_map(|rest| rest.split('.').next()?.parse().ok())
        .collect()
}

#[test]
fn from_the_top_of_a_long_log_page_by_page_everything_is_seen_once_and_in_its_order() {
    let log = log(3_000);
    let mut scene = at_the_end(&log);
    assert_eq!(shown(&settle(&mut scene, &log)).last(), Some(&3_000));
    scene.keys("tab g");
    assert_eq!(shown(&settle(&mut scene, &log)).first(), Some(&1));
    let mut last = 0;
    for _ in 0..1_000 {
        let text = settle(&mut scene, &log);
        for number in shown(&text) {
            assert!(number <= last + 1, "{number} after {last}: {text}");
            last = last.max(number);
        }
        if last == 3_000 {
            break;
        }
        scene.keys("pagedown");
    }
    assert_eq!(last, 3_000);
    scene.answers("the newest of all");
    assert!(settle(&mut scene, &log).contains("the newest of all"));
}

#[test]
fn page_by_page_upwards_everything_is_seen_once_and_in_its_order() {
    let log = log(3_000);
    let mut scene = at_the_end(&log);
    let mut last = 3_001;
    for _ in 0..1_000 {
        let text = settle(&mut scene, &log);
        for number in shown(&text).into_iter().rev() {
            assert!(number + 1 >= last, "{number} before {last}: {text}");
            last = last.min(number);
        }
        if last == 1 {
            break;
        }
        scene.keys("pageup");
    }
    assert_eq!(last, 1);
    scene.keys("tab G");
    assert_eq!(shown(&settle(&mut scene, &log)).last(), Some(&3_000));
}
