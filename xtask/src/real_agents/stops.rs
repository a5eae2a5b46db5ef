//! Turns that somebody stops: while the agent speaks, while a tool runs, while it waits for a permission. The session is
//! usable at once afterwards.

use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use serde_json::json;

use super::cases::Case;
use super::requests::{permission, ran, start};
use super::script::{AGAIN, BEGUN};
use super::turn::{SESSION, Stage, Turn};
use crate::clock;

/// How long anything may take that another process does.
const BUDGET: Duration = Duration::from_secs(20);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// How a client ends that was stopped by Ctrl-C.
const INTERRUPTED: i32 = 130;

/// The cases with interrupts.
pub(super) const STOPS: &[Case] = &[
    Case {
        name: "stop-text",
        about: "Ctrl-C in mid-answer: exit code 130, and the session takes the next prompt",
        play: text,
    },
    Case {
        name: "stop-tool",
        about: "Ctrl-C while a tool runs: the tool ends, too",
        play: tool,
    },
    Case {
        name: "stop-ask",
        about: "Ctrl-C while a permission is open: nothing runs, nothing waits",
        play: ask,
    },
];

/// Stops a turn and checks what is left.
fn stopped(stage: &Stage, turn: Turn) -> Result<()> {
    turn.interrupt();
    turn.finish()?.ended_with(INTERRUPTED)?;
    let log = stage.log()?;
    log.turns_ended(&["cancelled"])?;
    log.has("cancel_requested", 1)?;
    stage.rests()
}

/// The session answers.
fn usable(stage: &Stage) -> Result<()> {
    let outcome = stage.next(&["say #again"])?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{AGAIN}\n"))?;
    stage.log()?.turns_ended(&["cancelled", "end_turn"])
}

fn text(stage: &Stage) -> Result<()> {
    let turn = stage.start(&["--session-id", SESSION, "say #slow"], &[])?;
    stage.wait_for("piece 5\n")?;
    stopped(stage, turn)?;
    let log = stage.log()?;
    log.says("message_complete", "/end", &json!("aborted"))?;
    ensure!(
        !log.text().contains("piece 40\n"),
        "it was not stopped: {:?}",
        log.text()
    );
    usable(stage)
}

fn tool(stage: &Stage) -> Result<()> {
    let arguments = [
        "--session-id",
        SESSION,
        "--allowed-tools",
        "Bash",
        "do #endless",
    ];
    let turn = stage.start(&arguments, &[])?;
    let file = stage.lab.path("work").join(BEGUN);
    let begun = || (file.exists() && stage.lab.runs("tail", "work")).then_some(());
    clock::poll(BUDGET, PAUSE, begun).ok_or_else(|| anyhow!("the tool did not begin"))?;
    stopped(stage, turn)?;
    let log = stage.log()?;
    log.has("tool_call_start", 1)?;
    log.has("tool_call_result", 1)?;
    log.says("tool_call_result", "/is_error", &json!(true))?;
    let gone = || (!stage.lab.runs("tail", "work")).then_some(());
    clock::poll(BUDGET, PAUSE, gone).ok_or_else(|| anyhow!("the tool still runs"))?;
    usable(stage)
}

fn ask(stage: &Stage) -> Result<()> {
    let mut turn = start(stage, &["use #append"])?;
    permission(stage, &mut turn)?;
    stopped(stage, turn)?;
    ran(stage, "")?;
    let log = stage.log()?;
    log.has("permission_request", 1)?;
    log.has("permission_resolved", 1)?;
    usable(stage)?;
    ran(stage, "")
}
