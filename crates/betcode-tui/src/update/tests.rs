//! Keys and events against what they must come to.

mod asked;
mod find;
mod told;
mod watched;
mod window;

use betcode_core::command::{Action, PermissionAnswer};
use betcode_core::config::ThemeChoice;
use betcode_core::event::{EventBody, PermissionRequest, PermissionScope, Status};
use betcode_core::id::Sequence;
use betcode_core::time::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use crate::model::Focus;
use crate::msg::{Effect, Msg, Towards};
use crate::scene::{Scene, me, screen};
use crate::terminal::input::MouseAct;
use crate::transcript::Body;

pub(super) fn request(id: &str) -> EventBody {
    EventBody::PermissionRequest(PermissionRequest {
        id: id.into(),
        tool: "Bash".into(),
        tool_call: None,
        input: json!({"command": "rm -rf docs"}),
        description: String::new(),
        suggested_rules: vec!["Bash(rm *)".into()],
        expires_at: None,
        is_replay: false,
        note: String::new(),
    })
}

/// Somebody else.
fn phone() -> betcode_core::event::ClientInfo {
    betcode_core::event::ClientInfo {
        name: "phone".into(),
        id: betcode_core::id::ClientId(uuid::Uuid::from_u128(99)),
        ..me()
    }
}

/// What was sent to the session.
fn sent(scene: &Scene) -> Vec<&Action> {
    let sent = scene.effects.iter().filter_map(|effect| match effect {
        Effect::Send(_, action) => Some(&**action),
        _ => None,
    });
    sent.collect()
}

fn answers(scene: &Scene) -> usize {
    sent(scene)
        .iter()
        .filter(|action| matches!(action, Action::AnswerPermission { .. }))
        .count()
}

#[test]
fn a_message_is_sent_once_and_shown_until_the_log_has_it() {
    let mut scene = screen(80, 24);
    scene.types("hello").keys("enter");
    assert!(
        matches!(sent(&scene)[..], [Action::Message { text, .. }] if text == "hello"),
        "{:?}",
        scene.effects
    );
    assert!(scene.text().contains("sending …"));
    scene.keys("enter enter");
    assert_eq!(sent(&scene).len(), 1);
}

#[test]
fn the_beginning_of_a_long_log_is_read_at_once() {
    let mut scene = screen(80, 24);
    scene.said("the newest");
    scene.model.at_beginning = false;
    scene.keys("tab g");
    scene.text();
    let wanted = crate::update::after_drawing(&mut scene.model);
    assert!(
        matches!(wanted[..], [Effect::Read(Towards::End(Sequence(0)))]),
        "{wanted:?}"
    );
}

#[test]
fn the_first_message_makes_the_session() {
    let mut scene = screen(80, 24);
    scene.model.exists = false;
    scene.types("hello").keys("enter");
    let is_kept = |effect: &&Effect| matches!(effect, Effect::Keep(..));
    let asked: Vec<_> = scene.effects.iter().filter(|it| !is_kept(it)).collect();
    assert!(
        matches!(asked[..], [Effect::Create(_), Effect::Send(..)]),
        "{asked:?}"
    );
}

#[test]
fn what_was_refused_comes_back_into_the_input() {
    let mut scene = screen(80, 24);
    scene.types("hello").keys("enter");
    scene.refuses_last("somebody else holds the input lock");
    let text = scene.text();
    assert!(
        text.contains("> hello") && text.contains("somebody else holds the input lock"),
        "{text}"
    );
}

#[test]
fn a_prompt_opens_when_nobody_types_and_is_answered_with_one_key() {
    let mut scene = screen(80, 24);
    scene.said("go").event(request("r"));
    assert!(scene.wait(1500).model.prompt.is_some());
    scene.wait(400).keys("y");
    let expected = Action::AnswerPermission {
        id: "r".into(),
        answer: PermissionAnswer::Allow {
            scope: PermissionScope::Once,
            input: None,
        },
    };
    assert_eq!(sent(&scene), [&expected]);
    assert!(scene.model.prompt.is_none());
}

#[test]
fn a_prompt_never_takes_what_is_being_written() {
    let mut scene = screen(80, 24);
    scene.said("go").types("yes, please do").event(request("r"));
    scene.wait(5000).types(" all of it");
    assert!(scene.model.prompt.is_none());
    assert_eq!(scene.model.composer.text(), "yes, please do all of it");
    let text = scene.text();
    assert!(
        text.contains("wants to use Bash") && text.contains("ctrl-y answers"),
        "{text}"
    );
    scene.keys("ctrl-y").wait(400).keys("n");
    assert_eq!(answers(&scene), 1);
    assert_eq!(
        scene.model.composer.text(),
        "yes, please do all of it",
        "the draft stays"
    );
}

#[test]
fn what_is_pasted_answers_nothing() {
    let mut scene = screen(80, 24);
    scene.said("go").event(request("r")).wait(5000);
    scene.on(Msg::Paste("y\n".into()));
    assert_eq!(answers(&scene), 0);
    assert_eq!(scene.model.composer.text(), "y\n");
}

#[test]
fn a_prompt_that_is_put_off_waits_for_a_key_or_for_another_one() {
    let mut scene = screen(80, 24);
    scene
        .said("go")
        .event(request("r"))
        .wait(2000)
        .keys("esc")
        .wait(60_000);
    assert!(scene.model.prompt.is_none());
    scene.event(request("r2")).wait(2000);
    assert!(scene.model.prompt.is_some());
}

#[test]
fn what_was_answered_is_not_asked_again_before_the_daemon_has_said_so() {
    let mut scene = screen(80, 24);
    scene.event(request("r1")).wait(2000).wait(400).keys("y");
    scene.wait(5000).keys("ctrl-y").wait(400);
    assert!(scene.model.prompt.is_none());
    assert!(!scene.text().contains("wants to use"), "{}", scene.text());
    assert_eq!(answers(&scene), 1);
    // Another one is asked in its turn, and a refusal brings the first one back.
    scene.event(request("r2")).wait(2000);
    let open = scene.model.prompt.as_ref().map(|open| open.id().clone());
    assert_eq!(open, Some("r2".into()));
    scene.wait(400).keys("n");
    scene.refuses_last("no").wait(2000).wait(400).keys("y");
    assert_eq!(answers(&scene), 3);
}

#[test]
fn a_prompt_that_was_answered_elsewhere_closes() {
    let mut scene = screen(80, 24);
    scene.said("go").event(request("r")).wait(2000);
    assert!(scene.model.prompt.is_some());
    scene.event(EventBody::PermissionResolved(
        betcode_core::event::PermissionDecision {
            id: "r".into(),
            outcome: betcode_core::event::PermissionOutcome::Denied,
            by: betcode_core::event::Decider::Client(me()),
            message: String::new(),
            scope: PermissionScope::Once,
            rules: Vec::new(),
            input: None,
            interrupt: false,
        },
    ));
    assert!(scene.model.prompt.is_none());
}

#[test]
fn ctrl_c_clears_then_interrupts_then_leaves() {
    let mut scene = screen(80, 24);
    scene.said("go").types("draft").keys("ctrl-c");
    assert_eq!(scene.model.composer.text(), "");
    assert!(sent(&scene).is_empty());
    scene.keys("ctrl-c");
    assert!(matches!(sent(&scene)[..], [Action::Cancel]));
    assert!(!scene.model.left);
    scene.keys("ctrl-c");
    assert!(scene.model.left);
}

#[test]
fn escape_asks_before_it_interrupts() {
    let mut scene = screen(80, 24);
    scene.said("go").keys("esc");
    assert!(sent(&scene).is_empty());
    assert!(scene.text().contains("esc again interrupts"));
    scene.keys("esc");
    assert!(matches!(sent(&scene)[..], [Action::Cancel]));
    let mut scene = screen(80, 24);
    scene
        .said("go")
        .keys("esc")
        .types("x")
        .keys("backspace esc");
    assert!(sent(&scene).is_empty(), "another key between the two");
    scene
        .keys("z backspace esc")
        .on(Msg::Paste("x".into()))
        .keys("esc");
    assert!(sent(&scene).is_empty(), "a paste between the two");
    scene.keys("ctrl-c esc").wait(5_000).keys("esc");
    assert!(sent(&scene).is_empty(), "it is not said any more");
    scene.keys("esc");
    assert!(matches!(sent(&scene)[..], [Action::Cancel]));
}

#[test]
fn an_observer_reads_and_asks_for_the_input() {
    let mut scene = screen(80, 24);
    let other = phone();
    scene.event(EventBody::InputLockChanged {
        holder: Some(other),
    });
    assert!(scene.text().contains("watching: phone"), "{}", scene.text());
    scene.keys("r");
    assert!(matches!(sent(&scene)[..], [Action::RequestLock]));
}

#[test]
fn whoever_holds_the_input_is_asked_for_it() {
    let mut scene = screen(80, 24);
    let other = phone();
    scene.event(EventBody::InputLockChanged { holder: Some(me()) });
    let expires_at = scene.now.plus(std::time::Duration::from_secs(10));
    scene.event(EventBody::InputLockRequested {
        by: other,
        expires_at,
    });
    scene.wait(3000);
    assert!(
        scene.text().contains("they get it in 7 s"),
        "{}",
        scene.text()
    );
    scene.keys("n");
    assert!(matches!(
        sent(&scene)[..],
        [Action::AnswerLock { grant: false, .. }]
    ));
}

#[test]
fn a_request_for_the_input_never_comes_between_somebody_and_what_is_being_written() {
    let mut scene = screen(80, 24);
    let other = phone();
    scene.event(EventBody::InputLockChanged { holder: Some(me()) });
    let expires_at = scene.now.plus(std::time::Duration::from_secs(10));
    scene.types("a da");
    scene.event(EventBody::InputLockRequested {
        by: other,
        expires_at,
    });
    scene.types("y is ny");
    assert_eq!(scene.model.composer.text(), "a day is ny");
    assert!(
        scene.text().contains("in 9 s phone (here) gets the input"),
        "{}",
        scene.text()
    );
    // With nothing written it opens after a moment, and what is typed at once is still text.
    scene.keys("ctrl-c").wait(1000);
    assert!(scene.text().contains("give it to them"), "{}", scene.text());
    scene.types("y");
    assert_eq!(scene.model.composer.text(), "y");
    scene.keys("ctrl-c").wait(1000).on(Msg::Paste("yes".into()));
    assert_eq!(scene.model.composer.text(), "yes");
    assert!(sent(&scene).is_empty(), "nothing was answered");
    // Put off, it does not come by itself again.
    scene.keys("ctrl-c").wait(1000).keys("esc").wait(3000);
    assert!(scene.model.layers.is_empty());
    scene.keys("ctrl-y y");
    assert!(matches!(
        sent(&scene)[..],
        [Action::AnswerLock { grant: true, .. }]
    ));
}

#[test]
fn text_that_answers_nothing_goes_into_the_input() {
    let mut scene = screen(80, 24);
    scene.event(request("r1")).wait(2000).wait(400).types("hey");
    assert_eq!(scene.model.composer.text(), "hey");
    assert_eq!(answers(&scene), 0);
}

#[test]
fn a_prompt_that_somebody_opens_is_read_before_it_is_answered() {
    for opens in ["enter", "ctrl-y"] {
        let mut scene = screen(80, 24);
        scene.types("x").keys("ctrl-c").event(request("r1"));
        scene.keys(opens).types("yes");
        assert_eq!(scene.model.composer.text(), "yes", "{opens}");
        assert!(sent(&scene).is_empty(), "{opens}");
        // What was read and put off is known.
        scene.keys("ctrl-c ctrl-y").wait(400).keys("esc ctrl-y y");
        assert_eq!(answers(&scene), 1, "{opens}");
    }
}

#[test]
fn a_prompt_takes_no_answer_before_it_can_be_seen() {
    let mut scene = screen(80, 24);
    scene.model.lag = std::time::Duration::from_millis(400);
    scene.event(request("r1"));
    scene.wait(600).types("y");
    assert_eq!(
        scene.model.composer.text(),
        "y",
        "it has travelled since before"
    );
    assert!(sent(&scene).is_empty());
    scene.keys("ctrl-c").wait(1000).wait(700).types("y");
    assert!(matches!(
        sent(&scene)[..],
        [Action::AnswerPermission { .. }]
    ));
}

#[test]
fn one_looks_where_one_scrolled_while_more_comes() {
    let mut scene = screen(80, 24);
    for number in 0..40 {
        scene.answers(&format!("answer {number}"));
    }
    assert!(scene.text().contains("answer 39"));
    for _ in 0..10 {
        scene.mouse(MouseAct::ScrollUp, 0, 0);
    }
    scene.text();
    let before = scene.text();
    assert!(!before.contains("answer 39"), "{before}");
    scene.answers("one more");
    let after = scene.text();
    assert_eq!(before.lines().nth(2), after.lines().nth(2));
    assert!(after.contains("new ↓ end"), "{after}");
    scene.keys("ctrl-end");
    assert!(scene.text().contains("one more"));
}

#[test]
fn a_part_of_the_log_is_read_when_one_comes_near_it() {
    let mut scene = screen(80, 24);
    scene.model.at_beginning = false;
    scene.model.head = Sequence(1000);
    scene.model.transcript = crate::transcript::Transcript::after(Sequence(1000));
    scene.text();
    let wanted = super::after_drawing(&mut scene.model);
    assert_eq!(
        wanted,
        [Effect::Read(crate::msg::Towards::Start(Sequence(1000)))]
    );
    assert_eq!(super::after_drawing(&mut scene.model), [], "once");
}

#[test]
fn tab_goes_between_input_and_conversation_and_writing_comes_back() {
    let mut scene = screen(80, 24);
    scene.answers("text").keys("tab");
    assert_eq!(scene.model.focus, Focus::Conversation);
    scene.types("x");
    assert_eq!(
        (scene.model.focus, scene.model.composer.text()),
        (Focus::Input, "x")
    );
}

proptest! {
    /// Whenever a prompt comes, and whatever is typed around that moment at a person's pace: nothing typed is lost, nothing
    /// is allowed.
    #[test]
    fn typing_around_a_prompt_loses_nothing_and_allows_nothing(
        before in 0_usize..12,
        gaps in proptest::collection::vec(20_i64..250, 12),
        quiet in 0_i64..2500,
    ) {
        let mut scene = screen(80, 24);
        scene.said("go").status(Status::Thinking);
        let text = "yay, 1 A day";
        for (at, (c, gap)) in text.chars().zip(&gaps).enumerate() {
            if at == before {
                scene.event(request("r"));
                if before == 0 {
                    // It opens only after a while without a key; the first key comes within its first moment.
                    scene.wait(quiet);
                    let open = scene.model.prompt.as_ref().and_then(crate::prompt::Prompt::listens);
                    let soon = scene.now.plus(std::time::Duration::from_millis(50));
                    if open.is_some_and(|listens| listens <= soon) {
                        return Ok(());
                    }
                }
            }
            let key = crate::key::Key { code: crate::key::Code::Char(c), mods: crate::key::Mods::NONE };
            if at > 0 {
                scene.wait(*gap);
            }
            scene.on(Msg::Key(key));
        }
        prop_assert_eq!(answers(&scene), 0);
        prop_assert_eq!(scene.model.composer.text(), text);
    }

    /// Any keys at any time: never a panic, and whatever is drawn fits.
    #[test]
    fn any_keys_can_be_pressed(
        keys in proptest::collection::vec(0_usize..crate::keymap::ACTIONS.len() * 2, 0..60),
        width in 0_u16..130,
        height in 0_u16..50,
    ) {
        let mut scene = screen(width, height);
        scene.said("go").answers("# a\n\n- b\n\n```rust\nfn x() {}\n```\n").event(request("r"));
        for key in keys {
            let entry = crate::keymap::ACTIONS[key / 2];
            let Some(name) = entry.keys.get(key % 2).or(entry.keys.first()) else { continue };
            scene.wait(i64::try_from(key * 13 % 700).unwrap()).on(Msg::Key(name.parse().unwrap()));
            scene.text();
        }
    }
}

#[test]
fn a_session_without_a_title_is_called_by_its_first_message() {
    let mut scene = screen(80, 24);
    scene.model.session.title.clear();
    scene.said("Fix the parser\nand its tests");
    let info = json!({"agent": "demo", "cwd": "/home/user/project", "status": "thinking"});
    let info = serde_json::from_value(info).unwrap();
    scene.event(EventBody::SessionInfo(Box::new(info)));
    assert!(
        scene.text().starts_with(" Fix the parser …"),
        "{}",
        scene.text()
    );
}

#[test]
fn a_request_of_which_only_the_beginning_is_here_says_so() {
    let mut scene = screen(80, 24);
    scene.previews = vec![betcode_core::event::Preview {
        field: "input".into(),
        size: 100_000,
        stored: 100_000,
    }];
    scene.event(request("r1")).wait(2000);
    let text = scene.text();
    assert!(
        text.contains("only the beginning is shown: betcode permission show r1"),
        "{text}"
    );
}

#[test]
fn a_click_never_answers_a_request() {
    let mut scene = screen(60, 20);
    scene.said("go").event(request("r1"));
    scene.wait(5_000).wait(5_000);
    assert!(scene.model.prompt.is_some());
    for y in 0..20 {
        scene.text();
        scene
            .mouse(MouseAct::Press(0), 5, y)
            .mouse(MouseAct::Release(0), 5, y);
    }
    assert!(scene.model.prompt.is_some());
    assert_eq!(answers(&scene), 0);
}

#[test]
fn a_message_that_may_not_have_arrived_is_shown_and_sent_again_or_let_go() {
    let lost = |scene: &mut Scene| {
        scene.said("deploy it");
        let said = scene.model.transcript.list().iter().next_back();
        let message_id = match said.map(|entry| &entry.body) {
            Some(Body::User(said)) => said.id,
            other => panic!("{other:?}"),
        };
        scene.event(EventBody::DeliveryUnknown { message_id });
        scene.status(Status::Idle);
        message_id
    };
    let mut scene = screen(80, 24);
    let message_id = lost(&mut scene);
    let text = scene.text();
    assert!(
        text.contains("? deploy it  (may not have reached the agent: /queue)"),
        "{text}"
    );
    scene.types("/queue").keys("enter enter");
    assert_eq!(sent(&scene), [&Action::SendAgain { message_id }]);

    let mut scene = screen(80, 24);
    let message_id = lost(&mut scene);
    scene.types("/queue").keys("enter ctrl-d");
    assert_eq!(sent(&scene), [&Action::RemoveQueued { message_id }]);
    scene.event(EventBody::MessageDequeued {
        message_id,
        removed: true,
    });
    assert!(!scene.text().contains("? deploy it"));
    scene.types("/queue").keys("enter");
    assert!(scene.text().contains("no message waits"));
}

#[test]
fn other_colours_come_by_name_or_from_a_list() {
    let mut scene = screen(80, 24);
    scene.types("/theme colour-blind").keys("enter");
    let blind = Effect::Theme(ThemeChoice::ColourBlind);
    assert!(scene.effects.contains(&blind), "{:?}", scene.effects);
    scene.types("/theme pink").keys("enter");
    assert!(scene.text().contains("there is no theme `pink`, but auto,"));
    scene.types("/theme").keys("enter").types("contrast-l");
    assert!(scene.text().contains("nothing faint, for a light"));
    scene.keys("enter");
    let light = Effect::Theme(ThemeChoice::HighContrastLight);
    assert!(scene.effects.contains(&light), "{:?}", scene.effects);
}

#[test]
fn a_prompt_takes_no_answer_before_what_was_typed_by_then_is_taken_in() {
    let mut scene = screen(80, 24);
    scene.said("go").event(request("r1"));
    assert!(scene.model.prompt.is_some());
    // It is time, but nobody has seen to it that nothing waits to be read.
    scene.now = scene.now.plus(std::time::Duration::from_secs(9));
    scene.on(Msg::Key("y".parse().expect("a key")));
    assert_eq!(answers(&scene), 0);
    assert_eq!(scene.model.composer.text(), "y");

    let mut scene = screen(80, 24);
    scene.said("go").event(request("r1"));
    let before = scene.now;
    scene.wait(400);
    // It was read before it was seen that nothing else waits.
    scene.now = before;
    scene.on(Msg::Key("y".parse().expect("a key")));
    assert_eq!(answers(&scene), 0);

    let mut scene = screen(80, 24);
    scene.said("go").event(request("r1"));
    scene.wait(400).on(Msg::Key("y".parse().expect("a key")));
    assert_eq!(answers(&scene), 1);
}

#[test]
fn seconds_that_run_down_are_all_seen() {
    let mut scene = screen(80, 24);
    scene.said("go");
    scene.model.session.retry_at = Some(scene.now.plus(std::time::Duration::from_millis(9_400)));
    scene.model.focused = false;
    let mut seen = Vec::new();
    for _ in 0..9 {
        let text = scene.text();
        let number = text
            .split(" in ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        seen.push(number.unwrap_or_default().to_owned());
        // Woken late, as it happens.
        let due = scene.model.deadline().expect("it counts").since(scene.now);
        scene.wait(i64::try_from(due.as_millis()).expect("a moment") + 7);
    }
    assert_eq!(seen, ["9", "8", "7", "6", "5", "4", "3", "2", "1"]);
}

#[test]
fn a_daemon_that_does_not_answer_is_told_after_a_while() {
    let mut scene = screen(80, 24);
    scene.types("hello").keys("enter");
    assert!(scene.text().contains("sending …"));
    assert!(scene.model.deadline().is_some(), "it is looked at again");
    scene.wait(5_000);
    let text = scene.text();
    assert!(
        text.contains("the daemon has not answered for 5 s"),
        "{text}"
    );
}

#[test]
fn what_somebody_writes_who_only_watches_is_kept_until_it_can_be_sent() {
    let mut scene = screen(80, 24);
    let other = phone();
    scene.event(EventBody::InputLockChanged {
        holder: Some(other),
    });
    scene.types("hello there").keys("backspace");
    assert_eq!(sent(&scene), [&Action::Cancel; 0]);
    let text = scene.text();
    assert!(
        text.contains("watching · enter asks for the input") && text.contains("> hello ther"),
        "{text}"
    );
    scene.keys("enter");
    assert_eq!(sent(&scene), [&Action::RequestLock]);
    assert!(text.contains("enter ask for the input"), "{text}");
    scene.event(EventBody::InputLockRequested {
        by: me(),
        expires_at: Timestamp(i64::MAX),
    });
    let text = scene.text();
    assert!(text.contains("watching · asked for the input"), "{text}");
    scene.event(EventBody::InputLockChanged { holder: Some(me()) });
    scene.wait(3_000).keys("enter");
    assert!(matches!(sent(&scene)[..], [_, Action::Message { text, .. }] if text == "hello ther"));
}
