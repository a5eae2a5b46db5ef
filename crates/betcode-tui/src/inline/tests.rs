//! Laws of what is printed: everything, once, in order.

use betcode_client::session::Update;
use betcode_core::event::{EventBody, MessageEnd, Status, TextPiece};
use betcode_core::id::{Sequence, SessionId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::layers::Layer;
use crate::msg::Msg;
use crate::scene::{Scene, screen};
use crate::session::Session;
use crate::text::highlight::NoHighlights;
use crate::text::row::Row;
use crate::view::inline::{farewell, live, settle};

fn inline(width: u16, height: u16) -> Scene {
    let mut scene = screen(width, height);
    scene.model.inline = Some(Inline::default());
    assert!(printed(&mut scene).is_empty());
    scene
}

fn texts(rows: &[Row]) -> Vec<String> {
    rows.iter()
        .map(|row| row.text().trim_end().to_owned())
        .collect()
}

/// What is printed now.
fn printed(scene: &mut Scene) -> Vec<String> {
    texts(&settle(&mut scene.model, &mut NoHighlights))
}

/// What stands below.
fn below(scene: &mut Scene) -> String {
    texts(&live(&mut scene.model, &mut NoHighlights).rows).join("\n")
}

fn piece(scene: &mut Scene, id: &str, text: &str) {
    scene.event(EventBody::TextDelta(TextPiece {
        message_id: id.into(),
        text: text.into(),
    }));
}

fn thought(scene: &mut Scene, id: &str, text: &str) {
    scene.event(EventBody::ThinkingDelta(TextPiece {
        message_id: id.into(),
        text: text.into(),
    }));
}

fn end(scene: &mut Scene, id: &str, end: MessageEnd) {
    scene.event(EventBody::MessageComplete {
        message_id: id.into(),
        model: None,
        end,
    });
}

fn start(scene: &mut Scene, id: &str) {
    scene.event(EventBody::ToolCallStart {
        id: id.into(),
        tool: "Bash".into(),
        input: serde_json::Value::Null,
        description: id.into(),
    });
}

fn result(scene: &mut Scene, id: &str) {
    scene.event(EventBody::ToolCallResult {
        id: id.into(),
        output: String::new(),
        attachments: Vec::new(),
        is_error: false,
        duration_ms: None,
        diff: Vec::new(),
    });
}

/// Away to a session that is new, and back: as if its end had been read again.
fn away_and_back(scene: &mut Scene) -> Vec<String> {
    let here = scene.model.session.clone();
    let there = Session::new(SessionId(Uuid::from_u128(99)), "demo", "/tmp");
    let transcript = std::mem::take(&mut scene.model.transcript);
    let head = scene.model.head;
    scene.model.switch(there, false);
    let mut rows = printed(scene);
    scene.model.switch(here, true);
    scene.model.reading = true;
    rows.extend(printed(scene));
    scene.model.reading = false;
    scene.model.at_beginning = true;
    scene.model.head = head;
    scene.model.transcript = transcript;
    scene.model.link = crate::model::Link::Connected;
    rows
}

#[test]
fn an_entry_is_printed_when_it_and_all_before_it_are_finished() {
    let mut scene = inline(60, 24);
    scene.said("do it");
    assert_eq!(printed(&mut scene), ["❯ do it"]);
    start(&mut scene, "first");
    start(&mut scene, "second");
    result(&mut scene, "second");
    assert!(printed(&mut scene).is_empty());
    let tail = below(&mut scene);
    assert!(
        tail.contains("◌ Bash first") && tail.contains("✓ Bash second"),
        "{tail}"
    );
    result(&mut scene, "first");
    assert_eq!(printed(&mut scene), ["", "✓ Bash first", "✓ Bash second"]);
    assert!(printed(&mut scene).is_empty());
    assert!(!below(&mut scene).contains("first"));
}

#[test]
fn finished_blocks_of_a_text_that_comes_are_printed_and_the_rest_is_below() {
    let mut scene = inline(60, 24);
    scene.said("tell");
    printed(&mut scene);
    piece(&mut scene, "m", "one\n\ntwo\n\nthree\nand");
    assert_eq!(printed(&mut scene), ["", "one", "", "two"]);
    assert!(below(&mut scene).starts_with("\nthree\nand\n"));
    piece(&mut scene, "m", " more\n\nfour");
    end(&mut scene, "m", MessageEnd::Finished);
    assert_eq!(printed(&mut scene), ["", "three", "and more", "", "four"]);
}

#[test]
fn a_text_that_is_given_up_says_so_once() {
    let mut scene = inline(60, 24);
    scene.said("tell");
    piece(&mut scene, "m", "one\n\ntwo\n");
    printed(&mut scene);
    end(&mut scene, "m", MessageEnd::Abandoned);
    assert_eq!(
        printed(&mut scene),
        ["· (given up by the agent, which began anew)"]
    );
    piece(&mut scene, "n", "again");
    end(&mut scene, "n", MessageEnd::Finished);
    assert_eq!(printed(&mut scene), ["", "again"]);
}

#[test]
fn of_a_long_conversation_only_the_last_screenful_is_printed_and_how_much_was_before() {
    let mut scene = screen(60, 20);
    for number in 0..100 {
        scene.answers(&format!("answer {number}"));
    }
    scene.status(Status::Idle);
    scene.model.inline = Some(Inline::default());
    scene.model.reading = true;
    assert!(printed(&mut scene).is_empty());
    scene.model.reading = false;
    let rows = printed(&mut scene);
    assert!(rows.len() <= 20, "{rows:?}");
    assert!(rows[0].starts_with("── 188 events came before"), "{rows:?}");
    assert_eq!(rows[2], "answer 94");
    assert_eq!(rows.last().map(String::as_str), Some("answer 99"));
}

#[test]
fn another_session_is_announced_and_of_the_first_only_what_is_new_comes() {
    let mut scene = inline(60, 24);
    scene.said("before");
    printed(&mut scene);
    let rows = away_and_back(&mut scene);
    assert_eq!(rows.len(), 2);
    assert!(rows[1].starts_with("── a new session ─"), "{rows:?}");
    scene.said("after");
    let rows = printed(&mut scene);
    assert!(
        rows[1].starts_with("── session: Fix the login ─"),
        "{rows:?}"
    );
    assert_eq!(rows[2..], ["", "❯ after"]);
}

#[test]
fn a_log_that_begins_anew_is_printed_from_its_beginning() {
    let mut scene = inline(60, 24);
    scene.said("before");
    printed(&mut scene);
    scene.says(Update::Reset {
        reason: "it was restored".into(),
    });
    let rows = printed(&mut scene);
    assert!(rows[1].starts_with("── the log begins anew ─"), "{rows:?}");
    let event = betcode_core::event::Event {
        sequence: Sequence(1),
        first_sequence: None,
        timestamp: scene.now,
        parent: None,
        previews: Vec::new(),
        body: EventBody::TextDelta(TextPiece {
            message_id: "m".into(),
            text: "new\n\nand\n".into(),
        }),
    };
    scene.model.transcript.append(&event);
    assert_eq!(printed(&mut scene), ["", "new"]);
}

#[test]
fn what_has_not_ended_is_printed_as_it_stands_when_it_is_over() {
    let mut scene = inline(60, 24);
    scene.said("go");
    piece(&mut scene, "m", "one\n\ntwo\n");
    printed(&mut scene);
    start(&mut scene, "runs");
    let rows = texts(&farewell(&mut scene.model, &mut NoHighlights));
    assert_eq!(rows, ["", "two", "", "◌ Bash runs", ""]);
}

#[test]
fn nothing_is_let_go_before_it_is_printed() {
    let mut scene = inline(60, 24);
    scene.status(Status::Thinking);
    start(&mut scene, "runs");
    for number in 0..2_500 {
        scene.said(&format!("w{number}x"));
    }
    result(&mut scene, "runs");
    assert_eq!(words(&printed(&mut scene)).len(), 2_500);
    for _ in 0..1_100 {
        scene.said("and on");
        printed(&mut scene);
    }
    assert!(scene.model.transcript.list().len() < 2_000);
}

#[test]
fn the_rows_below_fit_into_every_terminal() {
    for height in 1..30 {
        for width in [1, 7, 40, 200] {
            let mut scene = inline(width, height);
            scene.said("go");
            piece(&mut scene, "m", &"long ".repeat(400));
            for layer in [false, true] {
                if layer {
                    scene.model.layers.push(Layer::Help { scroll: 0 });
                }
                let live = live(&mut scene.model, &mut NoHighlights);
                assert!(live.height() <= height, "{width}x{height}");
                let wide = live
                    .rows
                    .iter()
                    .find(|row| row.width() > usize::from(width));
                assert!(width < 40 || wide.is_none(), "{width}x{height}: {wide:?}");
            }
        }
    }
}

/// The marked words in some rows.
fn words(rows: &[String]) -> Vec<String> {
    let is_mark = |word: &&str| {
        word.strip_prefix('w')
            .and_then(|word| word.strip_suffix('x'))
            .is_some_and(|number| number.parse::<u32>().is_ok())
    };
    rows.iter()
        .flat_map(|row| row.split_whitespace())
        .filter(is_mark)
        .map(str::to_owned)
        .collect()
}

/// Everything that the conversation says, in its order.
fn said(scene: &Scene) -> Vec<String> {
    let mut all = Vec::new();
    for entry in scene.model.transcript.list().iter() {
        all.push(match &entry.body {
            crate::transcript::Body::Tool(tool) => tool.description.clone(),
            crate::transcript::Body::Thinking(_) => String::new(),
            body => crate::update::plain(body),
        });
    }
    words(&all)
}

proptest! {
    #[test]
    fn everything_is_printed_once_and_in_order(steps in prop::collection::vec((0_u8..16, 0_u8..8), 1..120)) {
        let mut scene = inline(60, 24);
        scene.status(Status::Thinking);
        let mut rows = Vec::new();
        let (mut count, mut message) = (0, 0);
        let mut running: Vec<String> = Vec::new();
        for (step, number) in steps {
            count += 1;
            let id = format!("m{message}");
            match step {
                0 => { scene.said(&format!("w{count}x")); }
                1..=3 => piece(&mut scene, &id, ["w#x ", "w#x\n", "w#x\n\n", "- w#x\n", "\n```\nw#x\n", "w#x\n```\n\n", "# w#x\n", "> w#x\n"][usize::from(number)].replace('#', &count.to_string()).as_str()),
                4 => thought(&mut scene, &id, "hm "),
                5 => {
                    let how = if number < 4 { MessageEnd::Finished } else { MessageEnd::Aborted };
                    end(&mut scene, &id, how);
                    message += 1;
                }
                6 | 7 => {
                    let id = format!("w{count}x");
                    start(&mut scene, &id);
                    running.push(id);
                }
                8 | 9 => {
                    if !running.is_empty() {
                        let id = running.remove(usize::from(number) % running.len());
                        result(&mut scene, &id);
                    }
                }
                10 => { scene.on(Msg::Resize { width: 30 + 20 * u16::from(number), height: 4 + 5 * u16::from(number) }); }
                11 => rows.extend(away_and_back(&mut scene)),
                12 => {
                    if scene.model.layers.pop().is_none() {
                        scene.model.layers.push(Layer::Help { scroll: 0 });
                    }
                }
                13 => { scene.says(Update::Reconnecting { attempt: 1, wait: std::time::Duration::from_secs(1), cause: "gone".into() }); }
                _ => {
                    rows.extend(printed(&mut scene));
                    let seen = words(&rows);
                    let below = words(&[below(&mut scene)]);
                    prop_assert!(below.iter().all(|word| !seen.contains(word)), "{below:?} is printed");
                }
            }
        }
        end(&mut scene, &format!("m{message}"), MessageEnd::Finished);
        for id in running {
            result(&mut scene, &id);
        }
        rows.extend(printed(&mut scene));
        prop_assert_eq!(words(&rows), said(&scene));
        prop_assert!(words(&[below(&mut scene)]).is_empty());
    }
}

#[test]
fn what_the_user_said_is_printed_as_a_prompt() {
    let mut scene = inline(20, 24);
    scene
        .said("a prompt that takes two rows")
        .answers("an answer");
    let rows = settle(&mut scene.model, &mut NoHighlights);
    let marks: Vec<_> = rows
        .iter()
        .map(|row| (row.text().trim_end(), row.prompt.begins, row.prompt.ends))
        .collect();
    assert_eq!(
        marks,
        [
            ("❯ a prompt that", true, false),
            ("  takes two rows", false, true),
            ("", false, false),
            ("an answer", false, false),
        ]
    );
}
