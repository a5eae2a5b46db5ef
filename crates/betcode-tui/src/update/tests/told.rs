//! The use of plans and notifications: what keys do, what they never do, and what is asked for when.

use betcode_client::{NotificationList, Pause};
use betcode_core::event::EventBody;
use proptest::prelude::*;
use usage_core::failure::Unreachable;
use usage_core::planner::State;
use usage_core::reading::ProviderId;

use super::{answers, request};
use crate::layers::Layer;
use crate::msg::{Effect, Msg};
use crate::notices::tests::listed;
use crate::notices::{News as Noticed, Wish};
use crate::plain::{Plain, Said};
use crate::scene::{Scene, screen};
use crate::usage::tests::{NOON, account, accounts};
use crate::usage::{Lack, News};

fn offline() -> State {
    State::Offline {
        cause: Unreachable::Dns,
    }
}

fn known(scene: &mut Scene, state: State) {
    let claude = account(ProviderId::Claude, state, Vec::new());
    scene.on(Msg::Usage(News::All(vec![claude])));
}

fn list(ids: &[u64]) -> Msg {
    let all = ids.iter().map(|id| {
        let body = format!("Bash number {id}");
        listed(
            *id,
            "Permission Required",
            &body,
            &["allow", "deny", "open"],
        )
    });
    Msg::Notices(Noticed::Listed(Ok(NotificationList {
        notifications: all.collect(),
        snooze: None,
    })))
}

/// What was chosen in notifications: their numbers, and the words.
fn acted(scene: &Scene) -> Vec<(u64, &'static str)> {
    let acted = scene.effects.iter().filter_map(|effect| match effect {
        Effect::Notice(Wish::Act { id, choice, .. }) => Some((*id, *choice)),
        _ => None,
    });
    acted.collect()
}

fn asked(scene: &Scene, effect: &Effect) -> usize {
    scene.effects.iter().filter(|it| *it == effect).count()
}

#[test]
fn the_line_about_usage_changes_no_key_of_the_input() {
    let types = |scene: &mut Scene| {
        scene
            .types("fix it")
            .keys("left left backspace ctrl-a")
            .types("!");
        (scene.model.composer.text().to_owned(), scene.effects.len())
    };
    let mut with = screen(80, 24);
    known(&mut with, offline());
    assert!(with.text().contains("f8 tries again"), "{}", with.text());
    assert_eq!(types(&mut with), types(&mut screen(80, 24)));
    with.keys("f9");
    assert!(!with.text().contains("offline"), "{}", with.text());
    assert_eq!(with.model.composer.text(), "!fixit");
    with.keys("f8 f8");
    assert_eq!(asked(&with, &Effect::RefreshUsage), 1, "one at a time");
    with.on(Msg::Usage(News::Refreshed(Err(Lack::Problem("no".into())))));
    with.keys("f8");
    assert_eq!(asked(&with, &Effect::RefreshUsage), 2);
}

#[test]
fn the_line_never_stands_over_a_prompt() {
    let mut scene = screen(80, 24);
    known(&mut scene, offline());
    scene.said("go").event(request("r1")).wait(2_000).wait(400);
    let text = scene.text();
    assert!(
        text.contains("yes, once") && !text.contains("offline"),
        "{text}"
    );
    scene.keys("y");
    assert_eq!(answers(&scene), 1);
    scene.event(EventBody::StatusChange {
        status: betcode_core::event::Status::Idle,
        detail: String::new(),
        retry_at: None,
    });
    assert!(!scene.effects.is_empty());
}

#[test]
fn who_has_to_log_in_gets_the_command() {
    let mut scene = screen(80, 24);
    known(&mut scene, State::LoginNeeded);
    scene.keys("f8");
    let command = "CLAUDE_CONFIG_DIR='/home/user/my claude' claude auth login";
    assert_eq!(asked(&scene, &Effect::Copy(command.into())), 1);
    scene.keys("f6");
    let text = scene.text();
    let words: Vec<_> = text.split_whitespace().collect();
    assert!(words.join(" ").contains(command), "{text}");
    assert_eq!(asked(&scene, &Effect::UsageHistory), 1);
}

#[test]
fn what_means_nothing_in_a_pane_is_written() {
    for key in ["f6", "f7"] {
        let mut scene = screen(80, 24);
        scene.keys(key).types("xq");
        assert_eq!(scene.model.composer.text(), "xq", "{key}");
        assert!(scene.model.layers.is_empty());
        scene.keys(key);
        assert_eq!(scene.model.layers.len(), 1);
        scene.keys(key);
        assert!(scene.model.layers.is_empty(), "the same key closes it");
    }
}

#[test]
fn a_list_that_is_open_follows_what_changes() {
    let mut scene = screen(80, 24);
    scene.on(Msg::Notices(Noticed::Changed));
    assert_eq!(asked(&scene, &Effect::Notices), 0, "nobody looks");
    scene.keys("f7");
    assert_eq!(asked(&scene, &Effect::Notices), 1);
    scene.on(Msg::Notices(Noticed::Changed));
    scene.on(Msg::Notices(Noticed::Changed));
    assert_eq!(asked(&scene, &Effect::Notices), 1, "it is being read");
    scene.on(list(&[1]));
    assert_eq!(asked(&scene, &Effect::Notices), 2, "once more");
    scene.on(list(&[1, 2]));
    assert!(scene.text().contains("Bash number 2"), "{}", scene.text());
}

#[test]
fn only_deliberate_keys_answer_and_never_something_else_than_was_seen() {
    let mut scene = screen(80, 24);
    scene.keys("f7").on(list(&[1, 2]));
    scene.keys("y n a 1 Y");
    assert_eq!(acted(&scene), [], "typed at once, or for something else");
    assert_eq!(scene.model.composer.text(), "yna1Y");

    let mut scene = screen(80, 24);
    scene.keys("f7").on(list(&[1, 2])).wait(400);
    scene.on(list(&[2])).keys("Y");
    assert_eq!(acted(&scene), [], "that one was not seen yet");
    scene.wait(400).keys("Y");
    assert_eq!(acted(&scene), [(2, "allow")]);
    scene.keys("N");
    assert_eq!(acted(&scene), [(2, "allow"), (2, "deny")]);
    scene.keys("enter");
    assert_eq!(acted(&scene).last(), Some(&(2, "open")));
}

#[test]
fn opening_goes_to_the_session_and_other_choices_are_done_here() {
    let session = betcode_core::id::SessionId(uuid::Uuid::from_u128(9));
    let mut scene = screen(80, 24);
    scene
        .types("a draft")
        .keys("f7")
        .on(list(&[1]))
        .wait(400)
        .keys("enter");
    let wish = scene.effects.iter().rev().find_map(|effect| match effect {
        Effect::Notice(wish) => Some(wish.clone()),
        _ => None,
    });
    let wish = wish.unwrap();
    scene.on(Msg::Notices(Noticed::Done(wish, Ok(Some(session)))));
    assert_eq!(scene.model.id(), session);
    assert!(scene.model.layers.is_empty());
    assert_eq!(asked(&scene, &Effect::Open(session)), 1);
    let kept = |effect: &Effect| matches!(effect, Effect::Keep(_, text) if text == "a draft");
    assert!(scene.effects.iter().any(kept), "{:?}", scene.effects);
}

#[test]
fn a_pause_is_begun_and_ended_by_keys() {
    let mut scene = screen(80, 24);
    scene.keys("f7").on(list(&[])).keys("5 f t r e");
    let wishes: Vec<_> = scene
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Notice(wish) => Some(wish.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(
        wishes,
        [
            Wish::Snooze(5),
            Wish::Snooze(15),
            Wish::Snooze(30),
            Wish::Snooze(0),
            Wish::Unsnooze
        ]
    );
    scene.on(Msg::Notices(Noticed::Done(Wish::Snooze(0), Ok(None))));
    scene.on(Msg::Notices(Noticed::Listed(Ok(NotificationList {
        notifications: Vec::new(),
        snooze: Some(Pause { until: None }),
    }))));
    let text = scene.text();
    assert!(text.contains("paused until a quota begins anew"), "{text}");
}

#[test]
fn a_daemon_that_is_older_is_told_where_somebody_looks_and_nowhere_else() {
    let mut scene = screen(80, 24);
    let before = scene.text();
    scene.on(Msg::Usage(News::Unsupported));
    assert_eq!(scene.text(), before);
    for key in ["f6", "f7"] {
        let lack = Err(Lack::Unsupported);
        scene.keys(key).on(Msg::Notices(Noticed::Listed(lack)));
        let text = scene.text();
        assert!(text.contains("the daemon that runs is older"), "{text}");
        scene.keys("esc");
    }
}

#[test]
fn a_terminal_that_nobody_looks_at_says_so_once() {
    let mut scene = screen(80, 24);
    scene.on(Msg::Focus(true));
    assert_eq!(asked(&scene, &Effect::Look), 0);
    scene.on(Msg::Focus(false)).on(Msg::Focus(false));
    assert_eq!(asked(&scene, &Effect::Look), 1);
    scene.on(Msg::Focus(true));
    assert_eq!(asked(&scene, &Effect::Look), 2);
}

fn lines(scene: &mut Scene, line: &str) -> String {
    scene.on(Msg::Plain(Said::Lines(vec![line.into()])));
    crate::view::plain::settle(&mut scene.model)
        .lines
        .join("\n")
}

#[test]
fn in_lines_everything_is_said_in_words() {
    let mut scene = screen(80, 24);
    scene.now = NOON;
    scene.model.inline = Some(crate::inline::Inline::default());
    scene.model.plain = Some(Plain::new());
    crate::view::plain::settle(&mut scene.model);
    known(&mut scene, offline());
    let told = crate::view::plain::settle(&mut scene.model)
        .lines
        .join("\n");
    assert!(
        told.contains("Usage: Claude: offline: the name was not found."),
        "{told}"
    );
    known(&mut scene, offline());
    let told = crate::view::plain::settle(&mut scene.model)
        .lines
        .join("\n");
    assert_eq!(told, "", "once an episode");
    scene.on(Msg::Usage(News::All(accounts())));
    let told = lines(&mut scene, "/usage");
    for words in [
        "Claude (default): up to date.",
        "5-hour: 62 percent used; resets at 13:20, in 1h 20m; 12 points ahead of an even pace; the limit would be reached at 12:30, 50m before the reset; this one is the tightest; normal; read now from get_usage",
        "weekly Fable: 93 percent used",
        "weekly: not known; began anew at 11:59, and was not read since",
    ] {
        assert!(told.contains(words), "{words}\n{told}");
    }
    assert_eq!(scene.model.deadline(), None, "nothing counts in lines");
    lines(&mut scene, "/usage again");
    assert_eq!(asked(&scene, &Effect::RefreshUsage), 1);

    lines(&mut scene, "/notifications");
    assert_eq!(asked(&scene, &Effect::Notices), 1);
    scene.on(list(&[7, 8]));
    let told = crate::view::plain::settle(&mut scene.model)
        .lines
        .join("\n");
    assert!(told.contains("Notifications, 2:"), "{told}");
    assert!(
        told.contains("2 Permission Required: Bash number 8"),
        "{told}"
    );
    assert!(told.contains("Choices: allow, deny, open."), "{told}");
    lines(&mut scene, "/notifications 2 allow");
    assert_eq!(acted(&scene), [(8, "allow")]);
    let told = lines(&mut scene, "/notifications 3 allow");
    assert!(told.contains("there is no such number"), "{told}");
    lines(&mut scene, "/notifications pause 15");
    assert_eq!(asked(&scene, &Effect::Notice(Wish::Snooze(15))), 1);
    lines(&mut scene, "/notifications dismiss 1");
    assert_eq!(asked(&scene, &Effect::Notice(Wish::Dismiss(7))), 1);
}

proptest! {
    /// Whatever is typed, and whatever happens meanwhile: a line about usage takes no key, and no pane opens by itself.
    #[test]
    fn what_is_told_of_usage_never_comes_between(
        text in "[a-z ]{1,20}", at in 0usize..20, which in 0usize..4,
    ) {
        let mut scene = screen(80, 24);
        for (place, c) in text.chars().enumerate() {
            if place == at {
                let state = [offline(), State::LoginNeeded, State::Ok, State::RateLimited { until: NOON }];
                known(&mut scene, state[which].clone());
                scene.on(list(&[1]));
                scene.on(Msg::Notices(Noticed::Changed));
            }
            scene.types(&c.to_string());
            scene.text();
        }
        prop_assert_eq!(scene.model.composer.text(), text);
        prop_assert!(scene.model.layers.is_empty());
        let acts = scene.effects.iter().any(|it| matches!(it, Effect::Notice(_) | Effect::Copy(_)));
        prop_assert!(!acts);
    }
}

#[test]
fn a_prompt_waits_behind_a_pane() {
    let mut scene = screen(80, 24);
    scene.said("go").keys("f6").event(request("r1")).wait(5_000);
    assert!(matches!(scene.model.layers[..], [Layer::Usage { .. }]));
    assert!(scene.model.prompt.is_none());
    assert!(
        scene.text().contains("wants to use Bash"),
        "{}",
        scene.text()
    );
    scene.keys("esc").wait(2_000);
    assert!(scene.model.prompt.is_some());
}
