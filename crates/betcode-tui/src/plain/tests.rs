//! Laws of line mode: when a line is an answer, and what is printed.

use betcode_client::{FoundEntry, FoundKind, FoundPiece, FoundSession, SearchAnswer};
use betcode_core::command::{Action, PermissionAnswer, QuestionAnswer};
use betcode_core::event::{
    EventBody, FileDiff, Hunk, MessageEnd, PermissionRequest, PermissionScope, Question,
    QuestionItem, QuestionOption, Status, TextPiece,
};
use betcode_core::id::{Sequence, SessionId};
use betcode_core::time::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::inline::Inline;
use crate::model::Link;
use crate::msg::{Effect, Msg};
use crate::scene::{Scene, screen, summary};
use crate::view::plain::settle;

/// A client in lines; what it prints first is printed.
fn lines() -> Scene {
    let mut scene = screen(80, 24);
    scene.model.inline = Some(Inline::default());
    scene.model.plain = Some(Plain::new());
    let welcome = printed(&mut scene);
    assert!(welcome.contains("/help lists the commands"), "{welcome}");
    scene
}

/// What is printed now, without the terminal having taken it.
fn printed(scene: &mut Scene) -> String {
    settle(&mut scene.model).lines.join("\n")
}

/// What is printed now; it is shown in full, nothing had been begun, and it was seen.
fn seen(scene: &mut Scene) -> String {
    let printed = settle(&mut scene.model);
    if let Some(serial) = printed.asked {
        shown(scene, serial, "");
        scene.wait(1_000);
    }
    printed.lines.join("\n")
}

fn shown(scene: &mut Scene, serial: u64, begun: &str) {
    let begun = begun.to_owned();
    scene.on(Msg::Plain(Said::Shown { serial, begun }));
}

/// A line comes.
fn line(scene: &mut Scene, text: &str) -> String {
    scene.on(Msg::Plain(Said::Lines(vec![text.to_owned()])));
    seen(scene)
}

fn permission(scene: &mut Scene, command: &str, rules: &[&str]) {
    scene.event(EventBody::PermissionRequest(PermissionRequest {
        id: "p1".into(),
        tool: "Bash".into(),
        tool_call: None,
        input: json!({"command": command}),
        description: String::new(),
        suggested_rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        expires_at: None,
        is_replay: false,
        note: String::new(),
    }));
    scene.wait(2_000);
}

fn question(scene: &mut Scene, several: &[bool]) {
    let option = |label: &str| QuestionOption {
        label: label.into(),
        description: format!("it is {label}"),
    };
    let item = |multi_select: &bool| QuestionItem {
        question: "Which colour?".into(),
        header: "Colour".into(),
        multi_select: *multi_select,
        options: vec![option("red"), option("green"), option("blue")],
    };
    scene.event(EventBody::Question(Question {
        id: "q1".into(),
        tool_call: None,
        items: several.iter().map(item).collect(),
        plan: None,
        input: serde_json::Value::Null,
        expires_at: None,
        is_replay: false,
        note: String::new(),
    }));
    scene.wait(2_000);
}

/// The commands that were sent.
fn sent(scene: &Scene) -> Vec<&Action> {
    let sent = scene.effects.iter().filter_map(|effect| match effect {
        Effect::Send(_, action) => Some(&**action),
        _ => None,
    });
    sent.collect()
}

fn answer(scene: &Scene) -> &PermissionAnswer {
    match sent(scene).as_slice() {
        [Action::AnswerPermission { answer, .. }] => answer,
        other => panic!("{other:?}"),
    }
}

fn said(scene: &Scene) -> Vec<&str> {
    let messages = sent(scene).into_iter().filter_map(|action| match action {
        Action::Message { text, .. } => Some(text.as_str()),
        _ => None,
    });
    messages.collect()
}

fn is_answered(scene: &Scene) -> bool {
    let is = |action: &&Action| {
        matches!(
            action,
            Action::AnswerPermission { .. } | Action::AnswerQuestion { .. }
        )
    };
    sent(scene).iter().any(is)
}

#[test]
fn a_request_is_printed_whole_and_answered_by_the_number_of_a_choice() {
    let mut scene = lines();
    permission(&mut scene, "rm -rf docs\nls\u{202e}", &["Bash(rm *)"]);
    let text = seen(&mut scene);
    insta::assert_snapshot!(text, @r"
    Permission needed: Bash rm -rf docs
      ls⟨U+202E⟩
    In /home/user/project, by demo.
    1 yes, this once
    2 yes, Bash(rm *) for this session
    3 yes, Bash(rm *) always, in this project
    4 no
    5 no, and say why (or: 5 and the reason)
    6 no, and end the turn
    7 change it in your editor (or: /edit and the text)
    ");
    line(&mut scene, "3");
    let always = PermissionAnswer::Allow {
        scope: PermissionScope::Always,
        input: None,
    };
    assert_eq!(answer(&scene), &always);
}

#[test]
fn a_line_that_was_there_before_a_request_never_answers_it() {
    // What came before it was printed.
    let mut scene = lines();
    permission(&mut scene, "ls", &[]);
    scene.on(Msg::Plain(Said::Lines(vec!["1".into()])));
    assert!(!is_answered(&scene), "nothing was printed yet");
    // What came while it was being printed.
    let asked = settle(&mut scene.model).asked.unwrap();
    scene.on(Msg::Plain(Said::Lines(vec!["1".into()])));
    scene.on(Msg::Plain(Said::Lines(vec!["yes".into()])));
    assert!(!is_answered(&scene), "it was not shown in full");
    assert_eq!(said(&scene), ["1", "1", "yes"], "nothing is lost");
    // The line that was being written then, however it ends.
    shown(&mut scene, asked, "add option ");
    scene.wait(1_000);
    scene.on(Msg::Plain(Said::Lines(vec!["1".into()])));
    assert!(!is_answered(&scene));
    let text = seen(&mut scene);
    assert!(text.contains("Kept: `add option 1`"), "{text}");
    assert!(text.contains("1 yes, this once"), "it is asked again");
    // The next one was begun when it could be seen.
    line(&mut scene, "1");
    assert!(is_answered(&scene));
    assert_eq!(said(&scene).len(), 3);
    line(&mut scene, "/send");
    assert_eq!(said(&scene).last(), Some(&"add option 1"));
}

#[test]
fn nothing_answers_in_the_first_moment_and_lines_that_come_together_never_do() {
    let mut scene = lines();
    permission(&mut scene, "ls", &[]);
    let asked = settle(&mut scene.model).asked.unwrap();
    shown(&mut scene, asked, "");
    scene.wait(100);
    scene.on(Msg::Plain(Said::Lines(vec!["1".into()])));
    assert!(!is_answered(&scene));
    seen(&mut scene);
    scene.on(Msg::Plain(Said::Lines(vec!["1".into(), "1".into()])));
    assert!(!is_answered(&scene), "a paste");
    assert!(said(&scene).is_empty());
    seen(&mut scene);
    line(&mut scene, "4");
    assert!(matches!(answer(&scene), PermissionAnswer::Deny { .. }));
}

#[test]
fn what_is_shown_answers_only_for_itself() {
    let mut scene = lines();
    permission(&mut scene, "ls", &[]);
    let first = settle(&mut scene.model).asked.unwrap();
    shown(&mut scene, first, "");
    scene.wait(1_000);
    scene.on(Msg::Plain(Said::Lines(vec![String::new()])));
    let again = settle(&mut scene.model).asked;
    assert!(again.is_some_and(|again| again != first), "{again:?}");
    // The news that the first one was shown says nothing of the second.
    shown(&mut scene, first, "");
    scene.wait(1_000);
    scene.on(Msg::Plain(Said::Lines(vec!["1".into()])));
    assert!(!is_answered(&scene));
}

#[test]
fn an_answer_may_have_words_behind_it_or_after_it() {
    let mut scene = lines();
    permission(&mut scene, "ls", &[]);
    seen(&mut scene);
    assert!(line(&mut scene, "1 and more").contains("none of the choices"));
    assert!(line(&mut scene, "2").contains("no rule can stand for this call"));
    assert!(line(&mut scene, "5").contains("Say why"));
    line(&mut scene, "not now");
    let denied = PermissionAnswer::Deny {
        message: "not now".into(),
        interrupt: false,
    };
    assert_eq!(answer(&scene), &denied);

    let mut scene = lines();
    permission(&mut scene, "ls", &[]);
    seen(&mut scene);
    line(&mut scene, "/edit ls -l");
    let changed = PermissionAnswer::Allow {
        scope: PermissionScope::Once,
        input: Some(json!({"command": "ls -l"})),
    };
    assert_eq!(answer(&scene), &changed);
}

#[test]
fn questions_take_numbers_several_numbers_and_words() {
    let mut scene = lines();
    question(&mut scene, &[false, true, false]);
    assert!(seen(&mut scene).contains("Question 1 of 3, Colour: Which colour?"));
    assert!(line(&mut scene, "9").contains("none of the choices"));
    line(&mut scene, "2");
    line(&mut scene, "1, 3");
    let overview = line(&mut scene, "4 violet");
    assert!(overview.contains("Which colour? red, blue"), "{overview}");
    assert!(overview.contains("Which colour? violet"), "{overview}");
    assert!(!is_answered(&scene));
    line(&mut scene, "1");
    let [
        Action::AnswerQuestion {
            answer: QuestionAnswer::Answered(answers),
            ..
        },
    ] = sent(&scene)[..]
    else {
        panic!()
    };
    let all: Vec<_> = answers
        .iter()
        .map(|answer| (answer.selected.join("+"), answer.text.as_str()))
        .collect();
    let wanted = [("green", ""), ("red+blue", ""), ("", "violet")];
    assert_eq!(all, wanted.map(|(one, other)| (one.to_owned(), other)));
}

#[test]
fn what_is_asked_can_wait_and_be_asked_again() {
    let mut scene = lines();
    permission(&mut scene, "ls", &[]);
    seen(&mut scene);
    assert!(line(&mut scene, "/later").contains("/answer"));
    line(&mut scene, "something else first");
    assert_eq!(said(&scene), ["something else first"]);
    assert!(line(&mut scene, "/answer").contains("Permission needed: Bash ls"));
    assert!(line(&mut scene, "").contains("Permission needed: Bash ls"));
}

#[test]
fn a_message_may_have_several_lines_and_a_paste_is_one() {
    let mut scene = lines();
    line(&mut scene, r"one\");
    line(&mut scene, "two");
    let pasted = vec!["three".into(), "four".into()];
    scene.on(Msg::Plain(Said::Lines(pasted)));
    assert_eq!(said(&scene), ["one\ntwo", "three\nfour"]);
}

#[test]
fn ctrl_c_interrupts_then_asks_then_leaves() {
    let mut scene = lines();
    scene.said("work");
    seen(&mut scene);
    scene.on(Msg::Plain(Said::Interrupt));
    assert!(matches!(sent(&scene)[..], [Action::Cancel]));
    assert!(seen(&mut scene).contains("interrupting the turn"));
    scene.on(Msg::Plain(Said::Interrupt));
    assert!(seen(&mut scene).contains("ctrl-c again leaves"));
    assert!(!scene.model.left);
    line(&mut scene, "/status");
    scene.on(Msg::Plain(Said::Interrupt));
    assert!(!scene.model.left, "a line in between begins anew");
    scene.on(Msg::Plain(Said::Interrupt));
    scene.on(Msg::Plain(Said::Interrupt));
    assert!(scene.model.left);
}

#[test]
fn finished_blocks_are_printed_once_and_in_words() {
    let mut scene = lines();
    scene.said("show me");
    assert_eq!(seen(&mut scene), "You: show me\nWorking.");
    let piece = |text: &str| {
        EventBody::TextDelta(TextPiece {
            message_id: "m".into(),
            text: text.into(),
        })
    };
    scene.event(piece("# Result\n\nIt **works**.\nAnd"));
    assert_eq!(seen(&mut scene), "Assistant: Heading: Result");
    scene.event(piece(" well.\n\n- a\n- b"));
    assert_eq!(seen(&mut scene), "It works.\nAnd well.");
    scene.event(piece("\n- c"));
    assert_eq!(seen(&mut scene), "- a");
    scene.event(EventBody::MessageComplete {
        message_id: "m".into(),
        model: None,
        end: MessageEnd::Finished,
    });
    scene.status(Status::Idle);
    assert_eq!(seen(&mut scene), "- b\n- c\nDone. It is your turn.");
    assert_eq!(seen(&mut scene), "");
}

#[test]
fn a_change_is_read_line_by_line() {
    let mut scene = lines();
    scene.event(EventBody::ToolCallStart {
        id: "t".into(),
        tool: "Edit".into(),
        input: json!({}),
        description: "Edit: /home/user/project/src/a.rs".into(),
    });
    scene.event(EventBody::ToolCallResult {
        id: "t".into(),
        output: "ok".into(),
        attachments: Vec::new(),
        is_error: false,
        duration_ms: None,
        diff: vec![FileDiff {
            path: "/home/user/project/src/a.rs".into(),
            created: false,
            hunks: vec![Hunk {
                old_start: 10,
                new_start: 10,
                lines: vec![" fn a() {".into(), "-    one()".into(), "+    two()".into()],
                old_lines: 2,
                new_lines: 2,
            }],
        }],
    });
    insta::assert_snapshot!(seen(&mut scene), @"
    Tool Edit src/a.rs: done, 1 line added, 1 removed
    line 10: fn a() {
    removed 11:     one()
    added 11:     two()
    ");
}

#[test]
fn a_lost_connection_is_said_once_and_so_is_its_return() {
    let mut scene = lines();
    let lost = |scene: &mut Scene| {
        scene.model.link = Link::Reconnecting {
            next: scene.now,
            cause: "gone".into(),
        };
        seen(scene)
    };
    assert!(lost(&mut scene).contains("Reconnecting"));
    scene.wait(5_000);
    assert_eq!(lost(&mut scene), "");
    scene.model.link = Link::Connected;
    assert_eq!(seen(&mut scene), "Connected again. Nothing is lost.");
    assert_eq!(seen(&mut scene), "");
}

#[test]
fn nothing_that_anybody_says_has_a_control_character() {
    let mut scene = lines();
    let evil = "a\u{1b}[2J\u{1b}]0;evil\u{7}b\u{9b}31mc\rd\u{8}";
    scene.said(evil);
    scene.answers(&format!("{evil}\n\n```\n{evil}\n```\n"));
    permission(&mut scene, evil, &[evil]);
    scene.model.say(evil);
    let text = seen(&mut scene) + &line(&mut scene, evil) + &line(&mut scene, "/status");
    assert!(text.contains("⟨U+001B⟩"), "what is decided about is seen");
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
}

#[test]
fn no_time_passes_by_itself() {
    let mut scene = lines();
    scene.said("work");
    assert_eq!(scene.model.deadline(), None);
}

#[test]
fn an_answer_that_is_on_its_way_is_not_asked_for_again() {
    let mut scene = lines();
    permission(&mut scene, "ls", &[]);
    seen(&mut scene);
    line(&mut scene, "1");
    scene.wait(60_000);
    assert_eq!(seen(&mut scene), "");
    assert!(scene.model.prompt.is_none());
}

#[test]
fn an_image_goes_with_the_next_message() {
    use betcode_core::event::Attachment;

    use crate::msg::Image;

    let mut scene = lines();
    line(&mut scene, "/image shot.png");
    let image = Attachment::new("shot.png", "image/png", b"\x89PNG");
    scene.on(Msg::Image(Image::Clipboard, Ok(image)));
    assert!(seen(&mut scene).contains("Kept: `[shot.png]`"));
    line(&mut scene, "what is wrong here?");
    let [
        Action::Message {
            attachments, text, ..
        },
    ] = sent(&scene)[..]
    else {
        panic!("{:?}", sent(&scene));
    };
    assert_eq!(attachments.len(), 1);
    assert!(text.ends_with("\nwhat is wrong here?"), "{text}");
    line(&mut scene, "and here?");
    assert_eq!(said(&scene).last(), Some(&"and here?"));
}

#[test]
fn output_of_the_shell_goes_with_the_next_message() {
    let mut scene = lines();
    line(&mut scene, "!ls");
    assert!(scene.effects.contains(&Effect::Shell("ls".into())));
    scene.on(Msg::Shell {
        command: "ls".into(),
        output: "a.rs\nb.rs\n".into(),
    });
    let text = seen(&mut scene);
    assert!(text.contains("Output of ls:\na.rs\nb.rs\nEnd of"), "{text}");
    line(&mut scene, "what are these?");
    assert_eq!(said(&scene), ["$ ls\na.rs\nb.rs\n\nwhat are these?"]);
}

#[test]
fn lists_are_chosen_from_by_number_and_searched_by_words() {
    let mut scene = lines();
    scene.said("first prompt").said("second prompt");
    seen(&mut scene);
    let list = line(&mut scene, "/history");
    assert!(list.contains("1 second prompt\n2 first prompt"), "{list}");
    let found = line(&mut scene, "first");
    assert!(found.contains("1 first prompt"), "{found}");
    let kept = line(&mut scene, "1");
    assert!(kept.contains("Kept: `first prompt`"), "{kept}");
    line(&mut scene, "/send");
    assert_eq!(said(&scene), ["first prompt"]);
}

#[test]
fn what_was_said_in_sessions_is_numbered_behind_their_titles() {
    let mut scene = lines();
    line(&mut scene, "/sessions");
    let one = SessionId(Uuid::from_u128(8));
    let sessions = vec![summary(one, "Cookies"), summary(scene.model.id(), "Login")];
    scene.on(Msg::Sessions(Ok(sessions)));
    let text = seen(&mut scene);
    assert!(
        text.contains("1 Cookies") && text.contains("2 Login"),
        "{text}"
    );
    line(&mut scene, "cookie");
    scene.wait(300);
    let asked = Effect::Find {
        words: "cookie".into(),
        cwd: None,
    };
    assert!(scene.effects.contains(&asked), "{:?}", scene.effects);
    let line_found = FoundPiece {
        text: "the cookie expires".into(),
        hit: true,
    };
    let entry = FoundEntry {
        sequence: Sequence(4),
        timestamp: Timestamp(0),
        kind: FoundKind::Answer,
        line: vec![line_found],
    };
    let found = FoundSession {
        session: summary(one, "Cookies"),
        count: 1,
        entries: vec![entry],
    };
    let answer = SearchAnswer {
        sessions: vec![found],
        total: 1,
        behind: 0,
    };
    scene.on(Msg::Found {
        words: "cookie".into(),
        answer: Ok(answer),
    });
    let text = seen(&mut scene);
    assert!(text.contains("2 Cookies: the cookie expires"), "{text}");
    line(&mut scene, "2");
    assert!(
        scene.effects.contains(&Effect::Open(one)),
        "{:?}",
        scene.effects
    );
}
