//! A conversation that Claude Code had by itself goes on here.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::cases::Case;
use super::script::{AGAIN, PICTURE, PICTURE_FILE, PLAIN, TOOL};
use super::turn::{SESSION, Stage};
use super::work::kept_with_result;

/// The cases.
pub(super) const IMPORT: &[Case] = &[
    Case {
        name: "import",
        about: "a conversation of claude alone is imported, and goes on with all of it",
        play: import,
    },
    Case {
        name: "import-image",
        about: "an image that a tool of claude alone has read is imported with the conversation",
        play: import_image,
    },
];

/// What was said before: two prompts and two answers, and the prompt itself.
const MESSAGES: usize = 5;

fn import(stage: &Stage) -> Result<()> {
    alone(stage, &["--session-id", SESSION, "say #plain"], PLAIN)?;
    alone(stage, &["--resume", SESSION, "say #again"], AGAIN)?;
    let listed = stage.betcode(&["session", "import"])?;
    listed.ended_with(0)?;
    ensure!(
        listed.stdout.contains("say #plain"),
        "the list is {:?}",
        listed.stdout
    );
    stage
        .betcode(&["session", "import", SESSION])?
        .ended_with(0)?;
    let again = stage.betcode(&["session", "import", "--last"])?;
    again.ended_with(0)?;
    ensure!(
        again.stdout.contains("imported already"),
        "the second import says {:?}",
        again.stdout
    );
    let log = stage.log()?;
    log.turns_ended(&["end_turn", "end_turn"])?;
    ensure!(
        log.text() == format!("{PLAIN}{AGAIN}"),
        "the log says {:?}",
        log.text()
    );
    log.says("user_input", "/client/name", &json!("imported"))?;
    let outcome = stage.next(&["--allowed-tools", "Bash", "use #tool"])?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{TOOL}\n"))?;
    stage
        .log()?
        .turns_ended(&["end_turn", "end_turn", "end_turn"])?;
    let asked = stage.model.asked();
    let third = asked.iter().find(|asked| asked.cue == "#tool");
    let messages = third.map(|asked| asked.messages);
    ensure!(
        messages >= Some(MESSAGES),
        "the model was sent {messages:?} messages of the conversation"
    );
    Ok(())
}

fn import_image(stage: &Stage) -> Result<()> {
    let file = stage.lab.path("work").join(PICTURE_FILE);
    std::fs::write(&file, PICTURE)?;
    let prompt = ["--session-id", SESSION, "look at the #picture"];
    alone(stage, &prompt, TOOL)?;
    stage
        .betcode(&["session", "import", SESSION])?
        .ended_with(0)?;
    kept_with_result(stage)
}

/// Runs `claude` itself, in the environment of the case.
fn alone(stage: &Stage, arguments: &[&str], answer: &str) -> Result<()> {
    let template = stage.lab.betcode([] as [&str; 0]);
    let variables: Vec<_> = template
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let program = variables
        .iter()
        .find(|(name, _)| *name == "BETCODE_AGENT_CLAUDE_COMMAND")
        .context("the program of claude is not known")?
        .1;
    let output = Command::new(program)
        .arg("-p")
        .args(arguments)
        .env_clear()
        .envs(variables)
        .current_dir(stage.lab.path("work"))
        .stdin(Stdio::null())
        .output()
        .context("cannot run claude")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success() && said.trim_end() == answer,
        "claude alone said {said:?} and {:?}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
