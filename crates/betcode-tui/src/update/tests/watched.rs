//! Who only watches: what is asked can be looked at, and nothing is answered.

use betcode_core::event::EventBody;
use proptest::prelude::*;

use super::{answers, phone, request, sent};
use crate::plain::{Plain, Said};
use crate::scene::{Scene, me, screen};

use betcode_core::command::Action;

fn watching() -> Scene {
    let mut scene = screen(80, 24);
    scene.said("go").event(EventBody::InputLockChanged {
        holder: Some(phone()),
    });
    scene.event(request("r1"));
    scene
}

#[test]
fn what_somebody_else_is_asked_can_be_looked_at_and_is_not_answered() {
    let mut scene = watching();
    scene.wait(5_000);
    assert!(scene.model.prompt.is_none(), "it opens for nobody else");
    let text = scene.text();
    assert!(text.contains("ctrl-y shows it"), "{text}");
    scene.keys("ctrl-y").wait(1_000);
    let text = scene.text();
    assert!(text.contains("rm -rf docs"), "{text}");
    assert!(
        text.contains("phone (here) has the input, and answers"),
        "{text}"
    );
    assert!(!text.contains("yes, once"), "{text}");
    scene.keys("y a A n d e tab 1 2 3 4 j k");
    assert_eq!(answers(&scene), 0);
    assert!(scene.model.prompt.is_some());
    assert!(
        scene.text().contains("r asks for the input"),
        "{}",
        scene.text()
    );
    scene.keys("r");
    assert!(matches!(sent(&scene)[..], [Action::RequestLock]));
    scene.types("wait for me");
    assert_eq!(scene.model.composer.text(), "wait for me");
    assert!(scene.model.prompt.is_none());
    assert_eq!(answers(&scene), 0);
}

#[test]
fn when_the_input_comes_to_who_looks_the_prompt_takes_no_answer_at_once() {
    let mut scene = watching();
    scene.keys("ctrl-y").wait(5_000);
    assert!(
        scene.model.deadline().is_none_or(|at| at > scene.now),
        "nothing is due"
    );
    scene.event(EventBody::InputLockChanged { holder: Some(me()) });
    scene.types("y");
    assert_eq!(answers(&scene), 0);
    assert_eq!(scene.model.composer.text(), "y");

    let mut scene = watching();
    scene.keys("ctrl-y").wait(5_000);
    scene.event(EventBody::InputLockChanged { holder: Some(me()) });
    assert!(scene.text().contains("yes, once"), "{}", scene.text());
    scene.wait(400).keys("y");
    assert_eq!(answers(&scene), 1);
}

#[test]
fn the_title_says_how_many_wait() {
    let mut scene = screen(80, 24);
    scene.said("go").event(request("r1")).wait(2_000).wait(400);
    assert!(!scene.text().contains("that wait"), "{}", scene.text());
    scene.event(request("r2")).event(request("r3"));
    assert!(
        scene.text().contains("▲ Bash  1 of 3 that wait"),
        "{}",
        scene.text()
    );
    scene.keys("y").wait(2_000).wait(400);
    assert!(
        scene.text().contains("▲ Bash  1 of 2 that wait"),
        "{}",
        scene.text()
    );
}

#[test]
fn in_lines_who_watches_reads_what_is_asked_without_choices() {
    let mut scene = watching();
    scene.model.inline = Some(crate::inline::Inline::default());
    scene.model.plain = Some(Plain::new());
    crate::view::plain::settle(&mut scene.model);
    scene.on(crate::msg::Msg::Plain(Said::Lines(vec!["/answer".into()])));
    let lines = crate::view::plain::settle(&mut scene.model)
        .lines
        .join("\n");
    assert!(lines.contains("rm -rf docs"), "{lines}");
    assert!(
        lines.contains("phone (here) has the input, and answers."),
        "{lines}"
    );
    assert!(!lines.contains("1 yes"), "{lines}");
}

#[test]
fn what_is_allowed_for_good_says_where_it_counts() {
    for (untrusted, told) in [
        (true, "allowed in this session only: Bash(ls)"),
        (false, "from now on allowed: Bash(ls)"),
    ] {
        let mut scene = screen(120, 24);
        scene.said("go").event(EventBody::RulesWritten {
            id: "r".into(),
            rules: vec!["Bash(ls)".into()],
            file: "/p/.betcode/config.local.toml".into(),
            error: String::new(),
            untrusted,
        });
        let text = scene.text();
        assert!(text.contains(told), "{text}");
        assert_eq!(text.contains("betcode trust"), untrusted, "{text}");
    }
}

proptest! {
    #[test]
    fn no_keys_of_who_watches_answer(keys in prop::collection::vec("[ -~]", 0..40)) {
        let mut scene = watching();
        scene.keys("ctrl-y");
        for key in keys {
            scene.types(&key);
            if scene.model.prompt.is_none() {
                scene.model.composer.set("");
                scene.keys("ctrl-y");
            }
        }
        prop_assert_eq!(answers(&scene), 0);
    }
}
