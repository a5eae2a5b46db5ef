//! One session, several clients, and words that are for the session rather than for the model.

use anyhow::{Result, ensure};
use serde_json::json;

use super::cases::Case;
use super::requests::must;
use super::script::{AGAIN, PLAIN, slow};
use super::turn::{SESSION, Stage};

/// The cases with more than one client, and with compaction.
pub(super) const TOGETHER: &[Case] = &[
    Case {
        name: "queued",
        about: "one client leaves its turn behind; what another one says meanwhile waits for its end",
        play: queued,
    },
    Case {
        name: "other-client",
        about: "while a run speaks, another one is refused; afterwards it goes on with the session",
        play: other_client,
    },
    Case {
        name: "compact",
        about: "the context is compacted, and the conversation goes on",
        play: compact,
    },
    Case {
        name: "clear",
        about: "the conversation is forgotten, and another one goes on in the same session",
        play: clear,
    },
];

fn queued(stage: &Stage) -> Result<()> {
    let outcome = stage.first(&["--detach", "say #slow"], &[])?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{SESSION}\n"))?;
    stage.wait_for("piece 5\n")?;
    let second = stage.start(&["--resume", SESSION, "say #again"], &[])?;
    stage.until(|log| log.has("message_queued", 1))?;
    stage.log()?.has("turn_complete", 0)?;
    let outcome = second.finish()?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{AGAIN}\n"))?;
    let log = stage.log()?;
    log.turns_ended(&["end_turn", "end_turn"])?;
    log.has("message_queued", 1)?;
    log.has("agent_starting", 1)?;
    let whole = format!("{}{AGAIN}", slow().concat());
    ensure!(log.text() == whole, "the log says {:?}", log.text());
    stage.rests()
}

fn other_client(stage: &Stage) -> Result<()> {
    let first = stage.start(&["--session-id", SESSION, "say #slow"], &[])?;
    stage.wait_for("piece 5\n")?;
    let refused = stage.next(&["say #again"])?;
    refused.ended_with(1)?;
    ensure!(
        refused.stderr.contains("holds the input lock"),
        "stderr says {:?}",
        refused.stderr
    );
    let first = first.finish()?;
    first.ended_with(0)?;
    first.printed(&slow().concat())?;
    let outcome = stage.next(&["say #again"])?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{AGAIN}\n"))?;
    stage.log()?.turns_ended(&["end_turn", "end_turn"])?;
    stage.rests()
}

fn compact(stage: &Stage) -> Result<()> {
    stage.first(&["say #plain"], &[])?.ended_with(0)?;
    must(stage, &["session", "compact", SESSION])?;
    let log = stage.log()?;
    log.has("compacted", 1)?;
    log.says("compacted", "/trigger", &json!("manual"))?;
    stage.rests()?;
    let outcome = stage.next(&["say #again"])?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{AGAIN}\n"))?;
    // To compact is a turn as well.
    stage
        .log()?
        .turns_ended(&["end_turn", "end_turn", "end_turn"])
}

fn clear(stage: &Stage) -> Result<()> {
    stage.first(&["say #plain"], &[])?.ended_with(0)?;
    must(stage, &["session", "clear", SESSION, "--yes"])?;
    stage.rests()?;
    let outcome = stage.next(&["say #again"])?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{AGAIN}\n"))?;
    let asked = stage.model.asked();
    let last = asked.last().map(|asked| asked.text.as_str());
    let forgot = |text: &str| !text.contains("#plain") && !text.contains(PLAIN);
    ensure!(
        last.is_some_and(forgot),
        "the model still hears what was said before: {last:?}"
    );
    Ok(())
}
