//! What the model says in the cases. A prompt chooses its scene by the word that begins with `#`.

use std::time::Duration;

use betcode_testkit::fake_model::{Reply, Scene, Script};
use serde_json::{Value, json};

/// The answer to `#plain`.
pub(super) const PLAIN: &str = "Hello from the model.";
/// The answer to `#again`.
pub(super) const AGAIN: &str = "Hello once more.";
/// The last words of `#tool`.
pub(super) const TOOL: &str = "The tool has been seen to.";
/// The file that the tool of `#tool` makes.
pub(super) const TOOL_FILE: &str = "made-by-tool";
/// What that tool prints.
pub(super) const TOOL_OUTPUT: &str = "created";
/// The last words of `#ask`.
pub(super) const ASKED: &str = "Thank you for the answers.";
/// The questions of `#ask`.
pub(super) const COLOUR: &str = "Which colour should it be?";
/// The second, to which several answers are possible.
pub(super) const PLATFORMS: &str = "Which platforms?";
/// The last words of `#plan`.
pub(super) const PLANNED: &str = "The plan has been seen to.";
/// The file to which the tool of `#append` appends.
pub(super) const APPENDED: &str = "appended-by-tool";
/// What it appends each time.
pub(super) const APPEND: &str = "ran\n";
/// The file that the tool of `#read` reads.
pub(super) const READ_FILE: &str = "notes.txt";
/// The file that the tool of `#write` makes.
pub(super) const WRITTEN_FILE: &str = "written-by-tool";
/// The variable that the command of `#variable` prints.
pub(super) const VARIABLE: &str = "PROJECT_VARIABLE";
/// The answer after rate limits that pass.
pub(super) const PATIENT: &str = "It was worth the wait.";

/// How many pieces the answer to `#slow` has.
const SLOW_PIECES: u64 = 40;

/// The answer to `#slow`, in its pieces.
pub(super) fn slow() -> Vec<String> {
    (1..=SLOW_PIECES)
        .map(|number| format!("piece {number}\n"))
        .collect()
}

/// The command of `#append`.
pub(super) fn append() -> String {
    format!("echo ran >> {APPENDED} && echo {TOOL_OUTPUT}")
}

/// The input of `#ask`.
fn questions() -> Value {
    let option = |label: &str| json!({"label": label, "description": label});
    json!({"questions": [
        {
            "question": COLOUR,
            "header": "Colour",
            "multiSelect": false,
            "options": [option("Red"), option("Blue")],
        },
        {
            "question": PLATFORMS,
            "header": "Platforms",
            "multiSelect": true,
            "options": [option("Linux"), option("macOS"), option("Windows")],
        },
    ]})
}

/// All scenes.
pub(super) fn script() -> Script {
    let command = format!("touch {TOOL_FILE} && echo {TOOL_OUTPUT}");
    let tool = Reply::tool(
        "Bash",
        json!({"command": command, "description": "Make a file"}),
    );
    let append = Reply::tool(
        "Bash",
        json!({"command": append(), "description": "Append a line"}),
    );
    let read = Reply::tool("Read", json!({"file_path": READ_FILE}));
    let write = json!({"file_path": WRITTEN_FILE, "content": "x"});
    let variable = json!({
        "command": format!("echo it is ${{{VARIABLE}:-unset}}"),
        "description": "Print a variable",
    });
    let plan = json!({"plan": "# Plan\n\n1. Nothing."});
    Script::new([
        Scene::new("#append")
            .reply(append.clone())
            .reply(Reply::text(TOOL)),
        Scene::new("#both")
            .reply(append)
            .reply(read.clone())
            .reply(Reply::text(TOOL)),
        Scene::new("#read").reply(read).reply(Reply::text(TOOL)),
        Scene::new("#write")
            .reply(Reply::tool("Write", write))
            .reply(Reply::text(TOOL)),
        Scene::new("#variable")
            .reply(Reply::tool("Bash", variable))
            .reply(Reply::text(TOOL)),
        Scene::new("#ask")
            .reply(Reply::tool("AskUserQuestion", questions()))
            .reply(Reply::text(ASKED)),
        Scene::new("#plan")
            .reply(Reply::tool("ExitPlanMode", plan))
            .reply(Reply::text(PLANNED)),
        Scene::new("#plain").reply(Reply::text(PLAIN)),
        Scene::new("#again").reply(Reply::text(AGAIN)),
        Scene::new("#tool").reply(tool).reply(Reply::text(TOOL)),
        Scene::new("#slow").reply(Reply::slow(slow(), Duration::from_millis(50))),
        Scene::new("#busy")
            .fails(429, Some(1), Some(2))
            .reply(Reply::text(PATIENT)),
        Scene::new("#limited").fails(429, Some(7), None),
        Scene::new("#broken").fails(500, None, None),
        Scene::new("#unknown-key").fails(401, None, None),
    ])
}
