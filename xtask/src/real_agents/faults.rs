//! What a model's service does wrong: overload, cut streams, prompts that it does not take, no login.

use anyhow::{Result, ensure};
use serde_json::json;

use super::cases::{Case, ONE_RETRY};
use super::script::{PATIENT, PLAIN};
use super::turn::Stage;

/// The cases with faults.
pub(super) const FAULTS: &[Case] = &[
    Case {
        name: "overloaded",
        about: "the service is overloaded for a while: the answer comes all the same",
        play: overloaded,
    },
    Case {
        name: "swamped",
        about: "the service stays overloaded: exit code 1, and why",
        play: swamped,
    },
    Case {
        name: "cut-stream",
        about: "the connection ends in mid-answer: the answer is there once",
        play: |stage| said_once(stage, "say #cut"),
    },
    Case {
        name: "broken-stream",
        about: "the service gives up in mid-answer: the answer is there once",
        play: |stage| said_once(stage, "say #choked"),
    },
    Case {
        name: "stalled",
        about: "the service falls silent in mid-answer: that is told, the turn interrupted, and the session goes on",
        play: stalled,
    },
    Case {
        name: "too-long",
        about: "the prompt is longer than the model takes: exit code 1, and why",
        play: too_long,
    },
    Case {
        name: "no-login",
        about: "nobody is logged in: exit code 1, and what to do",
        play: no_login,
    },
];

fn overloaded(stage: &Stage) -> Result<()> {
    let outcome = stage.first(&["say #overloaded"], &[])?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{PATIENT}\n"))?;
    let log = stage.log()?;
    log.turns_ended(&["end_turn"])?;
    log.says("status_change", "/status", &json!("retrying"))?;
    let told = log.of("status_change").any(|event| {
        event.get("status") == Some(&json!("retrying")) && event.get("retry_at").is_some()
    });
    ensure!(told, "nothing says when it is tried again");
    stage.rests()
}

fn swamped(stage: &Stage) -> Result<()> {
    let outcome = stage.first(&["say #swamped"], &[ONE_RETRY])?;
    outcome.ended_with(1)?;
    let log = stage.log()?;
    log.turns_ended(&["error"])?;
    log.says("turn_complete", "/error/kind", &json!("server"))?;
    log.says("turn_complete", "/error/http_status", &json!(529))?;
    stage.rests()
}

/// The stream breaks once, and whoever reads it hears the answer once.
fn said_once(stage: &Stage, prompt: &str) -> Result<()> {
    let outcome = stage.first(&["--output-format", "json", prompt], &[])?;
    outcome.ended_with(0)?;
    let object: serde_json::Value = serde_json::from_str(&outcome.stdout)?;
    ensure!(
        object.get("result") == Some(&json!(PATIENT)),
        "the result is {object}"
    );
    let log = stage.log()?;
    log.turns_ended(&["end_turn"])?;
    log.has("error", 0)?;
    ensure!(
        log.kept_text() == PATIENT,
        "what counts is {:?}",
        log.kept_text()
    );
    stage.rests()
}

fn stalled(stage: &Stage) -> Result<()> {
    let settings = "[session]\nstalled_after = \"10s\"\ninterrupt_stalled_after = \"12s\"\n";
    std::fs::write(stage.lab.path("config").join("config.toml"), settings)?;
    let outcome = stage.first(&["say #silent"], &[])?;
    outcome.ended_with(1)?;
    ensure!(
        outcome.stderr.contains("said nothing for"),
        "stderr says {:?}",
        outcome.stderr
    );
    let log = stage.log()?;
    log.turns_ended(&["error"])?;
    log.says("status_change", "/status", &json!("stalled"))?;
    stage.rests()?;
    let outcome = stage.next(&["say #plain"])?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{PLAIN}\n"))?;
    stage.rests()
}

fn too_long(stage: &Stage) -> Result<()> {
    let outcome = stage.first(&["say #long"], &[])?;
    outcome.ended_with(1)?;
    ensure!(
        outcome.stderr.contains("Error: Prompt is too long"),
        "stderr says {:?}",
        outcome.stderr
    );
    let log = stage.log()?;
    log.turns_ended(&["error"])?;
    log.says("turn_complete", "/error/kind", &json!("prompt_too_long"))?;
    stage.rests()
}

fn no_login(stage: &Stage) -> Result<()> {
    let outcome = stage.first(&["say #plain"], &[("ANTHROPIC_API_KEY", "")])?;
    outcome.ended_with(1)?;
    ensure!(
        outcome.stderr.contains("betcode agent check"),
        "stderr says {:?}",
        outcome.stderr
    );
    let log = stage.log()?;
    log.turns_ended(&["error"])?;
    log.says("turn_complete", "/error/kind", &json!("authentication"))?;
    let asked = stage.model.asked().len();
    ensure!(asked == 0, "the model was asked {asked} times");
    stage.rests()
}
