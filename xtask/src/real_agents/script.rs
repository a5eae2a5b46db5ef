//! What the model says in the cases. A prompt chooses its scene by the word that begins with `#`.

use std::time::Duration;

use betcode_testkit::fake_model::{Fault, Reply, Scene, Script};
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
/// The image that the tool of `#picture` reads.
pub(super) const PICTURE_FILE: &str = "dot.png";
/// What is in it, the smallest there is: one pixel.
pub(super) const PICTURE: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
    \0\0\0\nIDATx\x9cc\0\x01\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82";
/// The same as base64.
pub(super) const PICTURE_TEXT: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAACklEQVR4nGMAAQAABQABDQottAAAAABJRU5ErkJggg==";
/// The file that the tool of `#write` makes.
pub(super) const WRITTEN_FILE: &str = "written-by-tool";
/// The variable that the command of `#variable` prints.
pub(super) const VARIABLE: &str = "PROJECT_VARIABLE";
/// What the file of `#edit` says before and after.
pub(super) const BEFORE: &str = "one\ntwo\nthree\n";
/// After it.
pub(super) const AFTER: &str = "one\nTWO\nthree\n";
/// The file that the endless tool of `#endless` makes when it begins.
pub(super) const BEGUN: &str = "begun";
/// The last words of the sub-agent of `#outer`.
pub(super) const INNER: &str = "The helper has seen to it.";
/// What the model says when something that ran in the background has ended.
pub(super) const NOTED: &str = "That has been noted.";
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
    let endless = json!({
        "command": format!("touch {BEGUN} && tail -f /dev/null"),
        "description": "Wait",
    });
    let lasting = json!({
        "command": format!("touch {BEGUN} && tail -f /dev/null"),
        "description": "Wait for ever",
        "run_in_background": true,
    });
    let edit = json!({"file_path": READ_FILE, "old_string": "two", "new_string": "TWO"});
    let helper = json!({
        "description": "Append a line",
        "prompt": "do #inner",
        "subagent_type": "general-purpose",
    });
    let late_helper = json!({
        "description": "Append a line later",
        "prompt": "do #late",
        "subagent_type": "general-purpose",
    });
    let background = json!({
        "command": format!("timeout 2 tail -f /dev/null; {}", self::append()),
        "description": "Append a line",
        "run_in_background": true,
    });
    let plan = json!({"plan": "# Plan\n\n1. Nothing."});
    let scenes = [
        Scene::new("#endless")
            .reply(Reply::tool("Bash", endless))
            .reply(Reply::text(TOOL)),
        Scene::new("#edit")
            .reply(read.clone())
            .reply(Reply::tool("Edit", edit))
            .reply(Reply::text(TOOL)),
        Scene::new("#picture")
            .reply(Reply::tool("Read", json!({"file_path": PICTURE_FILE})))
            .reply(Reply::text(TOOL)),
        Scene::new("#outer")
            .reply(Reply::tool("Agent", helper))
            .reply(Reply::text(TOOL))
            .reply(Reply::text(NOTED)),
        Scene::new("#inner")
            .reply(append.clone())
            .reply(Reply::text(INNER)),
        Scene::new("#delegate")
            .reply(Reply::tool("Agent", late_helper))
            .reply(Reply::text(TOOL))
            .reply(Reply::text(NOTED)),
        Scene::new("#late")
            .reply(append.clone())
            .reply(Reply::slow(slow(), Duration::from_millis(50))),
        Scene::new("#background")
            .reply(Reply::tool("Bash", background))
            .reply(Reply::text(TOOL))
            .reply(Reply::text(NOTED)),
        Scene::new("#lasting")
            .reply(Reply::tool("Bash", lasting))
            .reply(Reply::text(TOOL))
            .reply(Reply::text(NOTED)),
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
    ];
    Script::new(scenes.into_iter().chain(faults()))
}

/// What goes wrong.
fn faults() -> Vec<Scene> {
    vec![
        Scene::new("#busy")
            .fails(429, Some(1), Some(2))
            .reply(Reply::text(PATIENT)),
        Scene::new("#limited").fails(429, Some(7), None),
        Scene::new("#broken").fails(500, None, None),
        Scene::new("#unknown-key").fails(401, None, None),
        Scene::new("#overloaded")
            .fails(529, None, Some(2))
            .reply(Reply::text(PATIENT)),
        Scene::new("#swamped").fails(529, None, None),
        Scene::new("#cut")
            .breaks(Fault::Cut, Some(1))
            .reply(Reply::text(PATIENT)),
        Scene::new("#choked")
            .breaks(Fault::Overloaded, Some(1))
            .reply(Reply::text(PATIENT)),
        Scene::new("#silent")
            .breaks(Fault::Stalls(Duration::from_mins(5)), None)
            .reply(Reply::text(PATIENT)),
        Scene::new("#no-model").fails(404, None, None),
        Scene::new("#form")
            .reply(Reply::tool("StructuredOutput", json!({"name": "x"})))
            .reply(Reply::text(PLAIN)),
        Scene::new("#long").fails(400, None, None),
    ]
}
