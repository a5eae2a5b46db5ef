//! The list of scenes: what there is to be seen, each made on a screen of any size. A new one needs a line in [`SCENES`].

mod told;

use betcode_client::session::Update;
use betcode_core::event::{
    BackgroundTask, ClientInfo, EventBody, FileDiff, Hunk, PermissionRequest, Question,
    QuestionItem, QuestionOption, Status, TextPiece, TodoItem, TodoState, TurnPolicy, UserInput,
};
use betcode_core::id::{ClientId, IdempotencyKey, MessageId, SessionId};
use serde_json::json;
use uuid::Uuid;

use crate::inline::Inline;
use crate::model::Link;
use crate::msg::Msg;
use crate::scene::{Scene, me, screen, summary};

/// One scene.
pub(super) struct Shown {
    /// Its name, and that of its snapshots.
    pub(super) name: &'static str,
    /// It, on a screen of this size.
    pub(super) make: fn(u16, u16) -> Scene,
    /// What has to be seen wherever there are at least 40 columns and 12 rows.
    pub(super) always: &'static [&'static str],
}

const fn shown(
    name: &'static str,
    make: fn(u16, u16) -> Scene,
    always: &'static [&'static str],
) -> Shown {
    Shown { name, make, always }
}

/// All of them.
pub(super) const SCENES: &[Shown] = &[
    shown("empty", empty, &["new session", "say something"]),
    shown(
        "conversation",
        idle,
        &["Fix the login", "never asked for", "say something"],
    ),
    shown("tools", tools, &["Bash", "working"]),
    shown("change", change, &["login.rs"]),
    shown("thinking", thinking, &["thinking"]),
    shown("markdown", markdown, &["fn main"]),
    shown(
        "permission_bash",
        permission_bash,
        &[
            "▲ Bash",
            "rm -rf target",
            "⟨U+202E⟩",
            "y",
            "yes, once",
            "no",
        ],
    ),
    shown(
        "permission_edit",
        permission_edit,
        &["▲ Edit", "retry.py", "yes, once", "no", "Edit(src/**)"],
    ),
    shown(
        "permission_other",
        permission_other,
        &["▲ mcp__github", "title", "yes, once", "no"],
    ),
    shown(
        "permission_noted",
        permission_noted,
        &["▲ Bash", "outside", "yes, once", "no"],
    ),
    shown(
        "permission_several",
        permission_several,
        &["▲ Bash", "1 of 3 that wait", "e change it", "say why"],
    ),
    shown(
        "permission_waits",
        permission_waits,
        &["wants to use Bash", "ctrl-y", "please also"],
    ),
    shown(
        "permission_why",
        permission_why,
        &["▲ Bash", "not like this"],
    ),
    shown(
        "question",
        question,
        &["▲ Database", "SQLite", "PostgreSQL"],
    ),
    shown("questions", questions, &["▲ Platforms 1/2", "[x]", "[ ]"]),
    shown("plan", plan, &["a plan to approve", "yes, go on"]),
    shown(
        "todos",
        todos,
        &["fix it", "running a tool", "and then commit"],
    ),
    shown("queue", queue, &["and then commit"]),
    shown("sessions", sessions, &["Sessions", "Fix the login"]),
    shown("palette", palette, &["model"]),
    shown("commands", commands, &["/model"]),
    shown("help", help, &[]),
    shown("search", search, &["/"]),
    shown("reconnecting", reconnecting, &["reconnecting in 3 s"]),
    shown("observer", observer, &["watching"]),
    shown(
        "observer_asked",
        observer_asked,
        &["▲ Bash", "rm -rf target", "has the input, and answers"],
    ),
    shown(
        "lock_request",
        lock_request,
        &["asks for the input", "y give it to them", "n keep it"],
    ),
    shown(
        "lock_waits",
        lock_waits,
        &["gets the input", "in 8 s", "a draft"],
    ),
    shown("crashed", crashed, &["crashed"]),
    shown("usage_brief", told::brief, &["Fix the login"]),
    shown("usage", told::usage, &["Usage", "Claude", "5h", "62%"]),
    shown("usage_end", told::usage_end, &["began anew", "codex_read"]),
    shown("usage_older", told::usage_older, &["daemon restart"]),
    shown(
        "usage_offline",
        told::usage_offline,
        &["f8", "f9", "offline"],
    ),
    shown("usage_login", told::usage_login, &["f8", "cop", "log in"]),
    shown(
        "notifications",
        told::notifications,
        &[
            "Permission Required",
            "cargo test",
            "paused until 12:15",
            "Y yes, once",
            "N no",
        ],
    ),
    shown("inline", inline, &["never asked for", "say something"]),
    shown(
        "inline_permission",
        inline_permission,
        &["▲ Bash", "rm -rf target", "yes, once", "no"],
    ),
];

pub(in crate::view) fn tool(
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

pub(in crate::view) fn result(
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

pub(in crate::view) fn conversation(width: u16, height: u16) -> Scene {
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

fn idle(width: u16, height: u16) -> Scene {
    let mut scene = conversation(width, height);
    scene.status(Status::Idle);
    scene
}

fn empty(width: u16, height: u16) -> Scene {
    let mut scene = screen(width, height);
    scene.model.exists = false;
    scene
}

fn tools(width: u16, height: u16) -> Scene {
    let mut scene = conversation(width, height);
    tool(
        &mut scene,
        "t4",
        "Bash",
        "cargo build",
        json!({"command": "cargo build"}),
    );
    scene.event(EventBody::ToolCallProgress {
        id: "t4".into(),
        elapsed_ms: 2_000,
        output: "   Compiling a v0.1.0\n   Compiling b v0.1.0\n".into(),
    });
    tool(
        &mut scene,
        "t5",
        "Task",
        "Count files",
        json!({"description": "Count files", "prompt": "Count."}),
    );
    scene.child(
        Some("t5"),
        EventBody::ToolCallStart {
            id: "t6".into(),
            tool: "Bash".into(),
            input: json!({"command": "ls | wc -l"}),
            description: "ls | wc -l".into(),
        },
    );
    scene.event(EventBody::BackgroundTasks {
        tasks: vec![BackgroundTask {
            id: "b1".into(),
            kind: "local_bash".into(),
            description: "npm run dev".into(),
        }],
    });
    scene.status(Status::Thinking);
    scene.wait(2_500);
    scene
}

fn change(width: u16, height: u16) -> Scene {
    let mut scene = screen(width, height);
    scene.said("Fix the auth bug in login.rs");
    tool(
        &mut scene,
        "t3",
        "Edit",
        "Edit src/auth/login.rs",
        json!({"file_path": "src/auth/login.rs"}),
    );
    result(&mut scene, "t3", "done", false, a_change());
    scene.status(Status::Idle);
    scene.text();
    scene.keys("tab k enter");
    scene
}

fn thinking(width: u16, height: u16) -> Scene {
    let mut scene = screen(width, height);
    scene.said("Why does it fail?");
    scene.event(EventBody::ThinkingDelta(TextPiece {
        message_id: "m".into(),
        text: "The test says that the password is never asked for. ".repeat(4),
    }));
    scene.wait(4_000);
    scene
}

fn markdown(width: u16, height: u16) -> Scene {
    let mut scene = screen(width, height);
    scene.said("Explain").answers(
        "# What it does\n\nIt **asks**, see [the book](https://example.org/book).\n\n\
         | tool | when |\n|---|---|\n| Bash | always |\n| 漢字 | never |\n\n- one\n  - two\n\n> quoted\n\n\
         ```rust\nfn main() {\n    println!(\"hi\");\n}\n```\n",
    );
    scene.status(Status::Idle);
    scene
}

pub(super) fn permission(
    tool: &str,
    input: serde_json::Value,
    rules: &[&str],
    note: &str,
) -> EventBody {
    EventBody::PermissionRequest(PermissionRequest {
        id: "r1".into(),
        tool: tool.into(),
        tool_call: None,
        input,
        description: String::new(),
        suggested_rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        expires_at: None,
        is_replay: false,
        note: note.into(),
    })
}

fn a_command() -> EventBody {
    permission(
        "Bash",
        json!({"command": "rm -rf target && cargo build --release --workspace\u{202e} && ls", "description": "Build anew"}),
        &["Bash(cargo build *)"],
        "",
    )
}

/// It is open, and takes answers.
fn asked(mut scene: Scene, body: EventBody) -> Scene {
    scene.status(Status::WaitingForUser).event(body);
    scene.wait(2_000).wait(400);
    scene
}

fn permission_bash(width: u16, height: u16) -> Scene {
    asked(conversation(width, height), a_command())
}

fn permission_edit(width: u16, height: u16) -> Scene {
    let lines: Vec<_> = (1..30).map(|line| format!("line {line}")).collect();
    let old = lines.join("\n") + "\n";
    let new = old
        .replace("line 3\n", "line three\n")
        .replace("line 20\n", "line twenty\n");
    let input = json!({"file_path": "/home/user/project/src/retry.py", "old_string": old, "new_string": new});
    let mut scene = screen(width, height);
    scene.said("Fix it");
    asked(scene, permission("Edit", input, &["Edit(src/**)"], ""))
}

fn permission_other(width: u16, height: u16) -> Scene {
    let input = json!({"title": "Login fails", "labels": ["bug", "auth"], "draft": false, "body": "It fails.\nAlways."});
    let body = permission("mcp__github__create_issue", input, &[], "");
    asked(conversation(width, height), body)
}

fn permission_noted(width: u16, height: u16) -> Scene {
    let note = "it writes outside the project: /etc/hosts";
    let body = permission(
        "Bash",
        json!({"command": "echo x >> /etc/hosts"}),
        &["Bash(echo *)"],
        note,
    );
    asked(conversation(width, height), body)
}

fn permission_several(width: u16, height: u16) -> Scene {
    let mut scene = conversation(width, height);
    for (id, command) in [("r2", "cargo build"), ("r3", "cargo test")] {
        let mut body = permission(
            "Bash",
            json!({ "command": command }),
            &["Bash(cargo *)"],
            "",
        );
        if let EventBody::PermissionRequest(request) = &mut body {
            request.id = id.into();
        }
        scene.event(body);
    }
    let body = permission("Bash", json!({"command": "ls"}), &["Bash(ls)"], "");
    asked(scene, body)
}

fn permission_waits(width: u16, height: u16) -> Scene {
    let mut scene = conversation(width, height);
    scene.types("please also");
    asked(scene, a_command())
}

fn permission_why(width: u16, height: u16) -> Scene {
    let mut scene = permission_bash(width, height);
    scene.keys("tab").types("not like this");
    scene
}

fn item(
    question: &str,
    header: &str,
    multi_select: bool,
    options: &[(&str, &str)],
) -> QuestionItem {
    let option = |(label, description): &(&str, &str)| QuestionOption {
        label: (*label).into(),
        description: (*description).into(),
    };
    QuestionItem {
        question: question.into(),
        header: header.into(),
        multi_select,
        options: options.iter().map(option).collect(),
    }
}

fn questioned(items: Vec<QuestionItem>, plan: Option<&str>) -> EventBody {
    EventBody::Question(Question {
        id: "q1".into(),
        tool_call: None,
        items,
        plan: plan.map(str::to_owned),
        input: json!({}),
        expires_at: None,
        is_replay: false,
        note: String::new(),
    })
}

fn question(width: u16, height: u16) -> Scene {
    let options = [("SQLite", "one file"), ("PostgreSQL", "a server")];
    let item = item(
        "Which database should the project use from now on?",
        "Database",
        false,
        &options,
    );
    let mut scene = asked(conversation(width, height), questioned(vec![item], None));
    scene.keys("down");
    scene
}

fn questions(width: u16, height: u16) -> Scene {
    let platforms = [
        ("Linux", "Desktop and server"),
        ("macOS", "Apple's desktop"),
        ("Windows", "Version 10 and later"),
    ];
    let items = vec![
        item("Which platforms?", "Platforms", true, &platforms),
        item(
            "What should it be called?",
            "Name",
            false,
            &[("Button", "As it is"), ("Knob", "Shorter")],
        ),
    ];
    let mut scene = asked(conversation(width, height), questioned(items, None));
    scene.keys("1 down");
    scene
}

fn plan(width: u16, height: u16) -> Scene {
    let plan = "# Plan\n\n1. Look at the **directory**.\n2. Change nothing.\n3. Say so.\n";
    asked(
        conversation(width, height),
        questioned(Vec::new(), Some(plan)),
    )
}

fn todos(width: u16, height: u16) -> Scene {
    let mut scene = conversation(width, height);
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
    scene
}

fn queue(width: u16, height: u16) -> Scene {
    let mut scene = conversation(width, height);
    scene.status(Status::Thinking);
    for (number, text) in [
        (1, "and then commit"),
        (
            2,
            "and push it, when all tests are green, to the branch of today",
        ),
    ] {
        scene.event(EventBody::MessageQueued(UserInput {
            message_id: MessageId(Uuid::from_u128(number)),
            idempotency_key: IdempotencyKey(Uuid::from_u128(number)),
            text: text.into(),
            attachments: Vec::new(),
            client: me(),
            policy: TurnPolicy::default(),
            then_trim: false,
        }));
    }
    scene
}

fn sessions(width: u16, height: u16) -> Scene {
    let mut scene = idle(width, height);
    let titles = [
        "Fix the login",
        "",
        "Write the manual, and let somebody read it who has never seen the program",
    ];
    let mut all: Vec<_> = (1..)
        .zip(titles)
        .map(|(number, title)| summary(SessionId(Uuid::from_u128(number << 64)), title))
        .collect();
    for (at, session) in (1..).zip(&mut all) {
        session.updated = betcode_core::time::Timestamp(scene.now.0 - 3_000_000 * at);
    }
    if let Some(last) = all.last_mut() {
        last.status = Status::WaitingForUser;
    }
    scene.keys("ctrl-s").on(Msg::Sessions(Ok(all)));
    scene
}

fn palette(width: u16, height: u16) -> Scene {
    let mut scene = idle(width, height);
    scene.keys("ctrl-p").types("model");
    scene
}

fn commands(width: u16, height: u16) -> Scene {
    let mut scene = idle(width, height);
    scene.types("/mo");
    scene
}

fn help(width: u16, height: u16) -> Scene {
    let mut scene = idle(width, height);
    scene.keys("f1");
    scene
}

fn search(width: u16, height: u16) -> Scene {
    let mut scene = idle(width, height);
    scene.text();
    scene.keys("tab /").types("login");
    scene
}

fn reconnecting(width: u16, height: u16) -> Scene {
    let mut scene = conversation(width, height);
    scene.says(Update::Reconnecting {
        attempt: 2,
        wait: std::time::Duration::from_secs(3),
        cause: "the daemon is gone".into(),
    });
    scene.types("meanwhile");
    scene.model.link = Link::Reconnecting {
        next: scene.now.plus(std::time::Duration::from_secs(3)),
        cause: "the daemon is gone".into(),
    };
    scene
}

fn phone() -> ClientInfo {
    ClientInfo {
        name: "phone".into(),
        place: "kitchen".into(),
        id: ClientId(Uuid::from_u128(99)),
        ..me()
    }
}

fn observer(width: u16, height: u16) -> Scene {
    let mut scene = conversation(width, height);
    let holder = Some(phone());
    scene.event(EventBody::InputLockChanged { holder });
    scene
}

fn observer_asked(width: u16, height: u16) -> Scene {
    let mut scene = observer(width, height);
    scene.status(Status::WaitingForUser).event(a_command());
    scene.keys("ctrl-y").wait(10_000);
    scene
}

fn lock_request(width: u16, height: u16) -> Scene {
    let mut scene = conversation(width, height);
    let holder = Some(me());
    scene
        .status(Status::Idle)
        .event(EventBody::InputLockChanged { holder });
    let expires_at = scene.now.plus(std::time::Duration::from_secs(10));
    let by = phone();
    scene.event(EventBody::InputLockRequested { by, expires_at });
    scene.wait(2_000).wait(1_000);
    scene
}

fn lock_waits(width: u16, height: u16) -> Scene {
    let mut scene = conversation(width, height);
    let holder = Some(me());
    scene
        .status(Status::Idle)
        .event(EventBody::InputLockChanged { holder });
    scene.types("a draft");
    let expires_at = scene.now.plus(std::time::Duration::from_secs(10));
    let by = phone();
    scene.event(EventBody::InputLockRequested { by, expires_at });
    scene.wait(2_000);
    scene
}

fn crashed(width: u16, height: u16) -> Scene {
    let mut scene = conversation(width, height);
    scene.event(EventBody::StatusChange {
        status: Status::Crashed,
        detail: "the agent ended with exit code 1".into(),
        retry_at: None,
    });
    scene
}

fn inline(width: u16, height: u16) -> Scene {
    let mut scene = idle(width, height);
    scene.model.inline = Some(Inline::default());
    scene
}

fn inline_permission(width: u16, height: u16) -> Scene {
    let mut scene = conversation(width, height);
    scene.model.inline = Some(Inline::default());
    asked(scene, a_command())
}
