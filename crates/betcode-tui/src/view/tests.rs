//! Whole screens.

use betcode_core::event::{
    EventBody, FileDiff, Hunk, PermissionRequest, Question, QuestionItem, QuestionOption, Status,
    TodoItem, TodoState,
};
use serde_json::json;

use crate::scene::{Scene, screen};
use crate::terminal::notify::Progress;
use crate::view::progress;

pub(super) fn tool(
    scene: &mut Scene,
    id: &str,
    name: &str,
    description: &str,
    input: serde_json::Value,
) {
    scene.event(EventBody::ToolCallStart {
        id: id.into(),
        tool: name.into(),
        input,
        description: description.into(),
    });
}

pub(super) fn result(
    scene: &mut Scene,
    id: &str,
    output: &str,
    is_error: bool,
    diff: Vec<FileDiff>,
) {
    scene.event(EventBody::ToolCallResult {
        id: id.into(),
        output: output.into(),
        attachments: Vec::new(),
        is_error,
        duration_ms: Some(1_240),
        diff,
    });
}

fn a_change() -> Vec<FileDiff> {
    vec![FileDiff {
        path: "src/auth/login.rs".into(),
        created: false,
        hunks: vec![Hunk {
            old_start: 10,
            old_lines: 3,
            new_start: 10,
            new_lines: 4,
            lines: vec![
                " fn login(user: &str) -> bool {".into(),
                "-    check(user, \"\")".into(),
                "+    let password = ask();".into(),
                "+    check(user, &password)".into(),
                " }".into(),
            ],
        }],
    }]
}

pub(super) fn a_conversation(width: u16, height: u16) -> Scene {
    let mut scene = screen(width, height);
    scene.said("Fix the auth bug in login.rs");
    scene.answers("I'll look at it.\n\n## Plan\n\n1. read **login.rs**\n2. fix `check`\n");
    tool(
        &mut scene,
        "t1",
        "Read",
        "Read src/auth/login.rs",
        json!({"file_path": "src/auth/login.rs"}),
    );
    result(&mut scene, "t1", "1\n2\n3\n", false, Vec::new());
    tool(
        &mut scene,
        "t2",
        "Bash",
        "cargo test",
        json!({"command": "cargo test"}),
    );
    result(
        &mut scene,
        "t2",
        "error: no such file\nmore",
        true,
        Vec::new(),
    );
    tool(
        &mut scene,
        "t3",
        "Edit",
        "Edit src/auth/login.rs",
        json!({"file_path": "src/auth/login.rs"}),
    );
    result(&mut scene, "t3", "done", false, a_change());
    scene.answers("Fixed: the password was never asked for.");
    scene
}

#[test]
fn a_conversation_at_every_size() {
    for (width, height) in [(80, 24), (120, 40), (40, 12), (40, 10), (300, 100)] {
        let mut scene = a_conversation(width, height);
        scene.status(Status::Idle);
        insta::assert_snapshot!(format!("conversation_{width}x{height}"), scene.text());
    }
}

#[test]
fn a_new_session_says_what_to_do() {
    let mut scene = screen(80, 24);
    scene.model.exists = false;
    insta::assert_snapshot!(scene.text());
}

pub(super) fn permission(input: serde_json::Value, tool: &str, rules: &[&str]) -> EventBody {
    EventBody::PermissionRequest(PermissionRequest {
        id: "r1".into(),
        tool: tool.into(),
        tool_call: None,
        input,
        description: String::new(),
        suggested_rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        expires_at: None,
        is_replay: false,
        note: String::new(),
    })
}

#[test]
fn a_permission_is_complete_and_readable_at_every_size() {
    for (width, height) in [(80, 24), (60, 20), (40, 12), (40, 10)] {
        let mut scene = a_conversation(width, height);
        scene.status(Status::WaitingForUser);
        scene.event(permission(
            json!({"command": "rm -rf target && cargo build --release --workspace\u{202e} && ls", "description": "Build anew"}),
            "Bash",
            &["Bash(cargo build *)"],
        ));
        scene.wait(2000);
        insta::assert_snapshot!(format!("permission_bash_{width}x{height}"), scene.text());
    }
}

#[test]
fn a_permission_to_edit_shows_the_change() {
    for (width, height) in [(80, 24), (60, 20), (40, 12)] {
        let mut scene = screen(width, height);
        scene.said("Fix it").status(Status::WaitingForUser);
        let lines: Vec<_> = (1..30).map(|line| format!("line {line}")).collect();
        let old = lines.join("\n") + "\n";
        let new = old
            .replace("line 3\n", "line three\n")
            .replace("line 20\n", "line twenty\n");
        scene.event(permission(
            json!({"file_path": "/home/user/project/src/retry.py", "old_string": old, "new_string": new}),
            "Edit",
            &["Edit(src/**)"],
        ));
        scene.wait(2000);
        insta::assert_snapshot!(format!("permission_edit_{width}x{height}"), scene.text());
    }
}

#[test]
fn a_question_shows_its_options() {
    let option = |label: &str, description: &str| QuestionOption {
        label: label.into(),
        description: description.into(),
    };
    let mut scene = a_conversation(80, 24);
    scene.event(EventBody::Question(Question {
        id: "q1".into(),
        tool_call: None,
        items: vec![QuestionItem {
            question: "Which database should the project use from now on?".into(),
            header: "Database".into(),
            multi_select: false,
            options: vec![
                option("SQLite", "one file"),
                option("PostgreSQL", "a server"),
            ],
        }],
        plan: None,
        input: json!({}),
        expires_at: None,
        is_replay: false,
        note: String::new(),
    }));
    scene.wait(2000).keys("down");
    insta::assert_snapshot!(scene.text());
}

#[test]
fn what_is_being_done_and_what_there_is_to_do() {
    let mut scene = a_conversation(80, 24);
    let todo = |text: &str, state| TodoItem {
        text: text.into(),
        state,
    };
    scene.event(EventBody::TodoUpdate {
        items: vec![
            todo("read the code", TodoState::Completed),
            todo("fix it", TodoState::InProgress),
            todo("test it", TodoState::Pending),
        ],
    });
    scene.status(Status::RunningTool);
    scene.wait(63_000).types("and then commit");
    insta::assert_snapshot!(scene.text());
}

#[test]
fn help_and_palette_lie_over_the_conversation() {
    let mut scene = a_conversation(80, 24);
    scene.keys("f1");
    insta::assert_snapshot!("help", scene.text());
    let mut scene = a_conversation(80, 24);
    scene.keys("ctrl-p").types("model");
    insta::assert_snapshot!("palette", scene.text());
    let mut scene = a_conversation(80, 24);
    scene.types("/mo");
    insta::assert_snapshot!("commands", scene.text());
}

#[test]
fn nothing_moves_where_less_motion_is_wanted() {
    for (reduced_motion, moves) in [(false, true), (true, false)] {
        let mut scene = screen(60, 12);
        scene.model.taste.reduced_motion = reduced_motion;
        scene.said("go");
        let before = scene.text();
        assert_eq!(scene.wait(125).text() != before, moves);
        let next = scene.model.deadline().unwrap().since(scene.model.now);
        assert_eq!(next < std::time::Duration::from_secs(1), moves);
    }
}

#[test]
fn the_terminal_shows_whether_a_turn_runs_waits_or_has_failed() {
    let mut scene = screen(80, 24);
    assert_eq!(progress(&scene.model), Progress::None);
    scene.said("do it");
    assert_eq!(progress(&scene.model), Progress::Busy);
    scene.event(permission(json!({"command": "ls"}), "Bash", &[]));
    assert_eq!(progress(&scene.model), Progress::Waiting);
    scene.model.session.permissions.clear();
    scene.status(Status::Error);
    assert_eq!(progress(&scene.model), Progress::Failed);
    scene.model.session.failed = true;
    scene.status(Status::Idle);
    assert_eq!(progress(&scene.model), Progress::Failed);
    scene.said("again").status(Status::Idle);
    assert_eq!(progress(&scene.model), Progress::None);
}
