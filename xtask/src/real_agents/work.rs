//! Turns in which the agent works: edits that are shown as differences, sub-agents, commands in the background.

use anyhow::{Result, ensure};
use betcode_testkit::fake_model::Asked;
use serde_json::json;

use super::cases::Case;
use super::requests::{ran, text, told};
use super::script::{
    AFTER, APPEND, BEFORE, NOTED, PICTURE, PICTURE_FILE, PLAIN, READ_FILE, TOOL, TOOL_OUTPUT,
};
use super::turn::{SESSION, Stage};

/// With this, sub-agents and commands hold the turn open.
const FOREGROUND: (&str, &str) = ("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1");

/// What appending a line takes: the output goes to a file.
const TOOLS: &str = "Agent,Bash,Edit";

/// The cases with work.
pub(super) const WORK: &[Case] = &[
    Case {
        name: "edit",
        about: "an edit is done, and the log shows the difference",
        play: edit,
    },
    Case {
        name: "image",
        about: "an image that is attached is shown to the model, once",
        play: image,
    },
    Case {
        name: "image-back",
        about: "an image that a tool reads is shown to the model, and kept beside the tool's result",
        play: image_back,
    },
    Case {
        name: "steer",
        about: "an agent that runs takes another permission mode and another model without being started anew",
        play: steer,
    },
    Case {
        name: "stop-task",
        about: "a command in the background is stopped by its id, and nothing else is",
        play: stop_task,
    },
    Case {
        name: "hook",
        about: "a hook of the user's own that fails is told, and one that is well is not",
        play: hook,
    },
    Case {
        name: "helper",
        about: "a sub-agent works inside the turn: what it does hangs below its call",
        play: helper,
    },
    Case {
        name: "helper-later",
        about: "a sub-agent works in the background: the turn goes on until what came of it is told",
        play: helper_later,
    },
    Case {
        name: "background",
        about: "a command runs in the background, once; a turn of its own tells what came of it",
        play: background,
    },
];

fn image(stage: &Stage) -> Result<()> {
    let file = stage.lab.path("work").join(PICTURE_FILE);
    std::fs::write(&file, PICTURE)?;
    let outcome = stage.first(&["--image", PICTURE_FILE, "say #plain"], &[])?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{PLAIN}\n"))?;
    let shown = |asked: &Asked| asked.cue == "#plain" && asked.text.contains("image/png");
    let shown = stage
        .model
        .asked()
        .iter()
        .filter(|asked| shown(asked))
        .count();
    ensure!(shown == 1, "the model was shown the image {shown} times");
    let log = stage.log()?;
    log.turns_ended(&["end_turn"])?;
    log.says("user_input", "/attachments/0/name", &json!(PICTURE_FILE))?;
    stage.rests()
}

fn image_back(stage: &Stage) -> Result<()> {
    let file = stage.lab.path("work").join(PICTURE_FILE);
    std::fs::write(&file, PICTURE)?;
    let outcome = stage.first(&["look at the #picture"], &[])?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{TOOL}\n"))?;
    let log = stage.log()?;
    log.turns_ended(&["end_turn"])?;
    kept_with_result(stage)?;
    stage.rests()
}

fn hook(stage: &Stage) -> Result<()> {
    let place = stage.lab.path("home/.claude");
    std::fs::create_dir_all(&place)?;
    let command = |line: &str| json!([{"hooks": [{"type": "command", "command": line}]}]);
    let hooks = json!({
        "SessionStart": command("true"),
        "PreToolUse": command("echo fine"),
        "PostToolUse": command("echo no such formatter >&2; exit 1"),
    });
    let settings = json!({"hooks": hooks}).to_string();
    std::fs::write(place.join("settings.json"), settings)?;
    let prompt = ["--allowed-tools", TOOLS, "do #append"];
    stage.first(&prompt, &[])?.ended_with(0)?;
    let log = stage.log()?;
    log.turns_ended(&["end_turn"])?;
    log.has("notice", 1)?;
    let told = "Hook PostToolUse:Bash failed (exit code 1): no such formatter";
    log.says("notice", "/text", &json!(told))?;
    stage.rests()
}

/// The log has the image that a tool gave back, every byte of it.
pub(super) fn kept_with_result(stage: &Stage) -> Result<()> {
    let log = stage.log()?;
    log.says(
        "tool_call_result",
        "/attachments/0/media_type",
        &json!("image/png"),
    )?;
    log.says(
        "tool_call_result",
        "/attachments/0/size",
        &json!(PICTURE.len()),
    )?;
    let result = log.of("tool_call_result").next();
    let sequence = result.and_then(|event| event.get("sequence"));
    let sequence = sequence.map(ToString::to_string).unwrap_or_default();
    let payload = ["session", "payload", SESSION, &sequence, "attachments/0"];
    let fetched = stage.lab.betcode(payload).output()?;
    ensure!(fetched.stdout == PICTURE, "the payload is {fetched:?}");
    Ok(())
}

fn edit(stage: &Stage) -> Result<()> {
    let file = stage.lab.path("work").join(READ_FILE);
    std::fs::write(&file, BEFORE)?;
    let outcome = stage.first(&["--allowed-tools", "Edit", "make the #edit"], &[])?;
    outcome.ended_with(0)?;
    let now = std::fs::read_to_string(&file)?;
    ensure!(now == AFTER, "the file says {now:?}");
    let log = stage.log()?;
    log.turns_ended(&["end_turn"])?;
    log.has("tool_call_start", 2)?;
    log.has("tool_call_result", 2)?;
    let diff = log
        .of("tool_call_result")
        .find_map(|event| event.pointer("/diff/0/hunks/0/lines").cloned());
    ensure!(
        diff == Some(json!([" one", "-two", "+TWO", " three"])),
        "the difference is {diff:?}"
    );
    stage.rests()
}

fn helper(stage: &Stage) -> Result<()> {
    let outcome = stage.first(&["--allowed-tools", TOOLS, "do #outer"], &[FOREGROUND])?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{TOOL}\n"))?;
    ran(stage, APPEND)?;
    let log = stage.log()?;
    log.turns_ended(&["end_turn"])?;
    log.has("tool_call_start", 2)?;
    log.has("tool_call_result", 2)?;
    log.below("Agent", "Bash")?;
    stage.rests()
}

fn helper_later(stage: &Stage) -> Result<()> {
    let outcome = stage.first(&["--allowed-tools", TOOLS, "do #delegate"], &[])?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{TOOL}\n{NOTED}\n"))?;
    ran(stage, APPEND)?;
    let log = stage.log()?;
    log.turns_ended(&["end_turn"])?;
    log.below("Agent", "Bash")?;
    stage.rests()
}

fn background(stage: &Stage) -> Result<()> {
    let outcome = stage.first(&["--allowed-tools", TOOLS, "run #background"], &[])?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{TOOL}\n"))?;
    noted(stage)?;
    ran(stage, APPEND)?;
    let log = stage.log()?;
    log.has("tool_call_start", 1)?;
    let output = log.of("tool_call_result").next();
    ensure!(
        output.is_some_and(|event| !text(event, "output").contains(TOOL_OUTPUT)),
        "it did not run in the background: {output:?}"
    );
    told(stage, &["background"])?;
    stage.rests()
}

fn steer(stage: &Stage) -> Result<()> {
    let file = stage.lab.path("work").join(READ_FILE);
    std::fs::write(&file, BEFORE)?;
    // An agent that nobody waits for would end with its turn.
    let first = stage.first(&["--wait-for-permissions", "say #plain"], &[])?;
    first.ended_with(0)?;
    let edited = stage.next(&[
        "--wait-for-permissions=60s",
        "--permission-mode",
        "acceptEdits",
        "--model",
        "claude-other",
        "make the #edit",
    ])?;
    edited.ended_with(0)?;
    let now = std::fs::read_to_string(&file)?;
    ensure!(now == AFTER, "the file says {now:?}");
    let log = stage.log()?;
    log.has("agent_starting", 1)?;
    log.has("permission_request", 0)?;
    let models: Vec<_> = log
        .of("message_complete")
        .filter_map(|event| event.get("model")?.as_str().map(str::to_owned))
        .collect();
    ensure!(
        models.last().is_some_and(|model| model == "claude-other"),
        "the models were {models:?}"
    );
    stage.rests()
}

fn stop_task(stage: &Stage) -> Result<()> {
    // An agent that nobody waits for would end with its turn.
    let prompt = [
        "--wait-for-permissions",
        "--allowed-tools",
        TOOLS,
        "run #lasting",
    ];
    stage.first(&prompt, &[])?.ended_with(0)?;
    stage
        .betcode(&["session", "stop-task", SESSION, "nope"])?
        .ended_with(1)?;
    stage
        .betcode(&["session", "stop-task", SESSION])?
        .ended_with(0)?;
    stage.until(|log| {
        log.says("background_tasks", "/tasks", &json!([]))?;
        log.has("task_stop_requested", 1)?;
        log.has("error", 0)
    })?;
    let again = stage.betcode(&["session", "stop-task", SESSION])?;
    again.ended_with(1)?;
    ensure!(again.stderr.contains("nothing runs"), "it says {again:?}");
    stage.rests()
}

/// Waits for the turn that nobody asked for.
fn noted(stage: &Stage) -> Result<()> {
    stage.until(|log| {
        log.has("user_input", 1)?;
        log.has("turn_complete", 2)?;
        ensure!(
            log.text().ends_with(NOTED),
            "the log ends with {:?}",
            log.text()
        );
        Ok(())
    })
}
