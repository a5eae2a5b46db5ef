//! The turns, and what must come of them: exit code, text, events.

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::{Value, json};

use super::script::{AGAIN, PATIENT, PLAIN, TOOL, TOOL_FILE, TOOL_OUTPUT, slow};
use super::turn::{Outcome, SESSION, Stage};

/// One case.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) play: fn(&Stage) -> Result<()>,
}

/// Claude Code tries again for minutes; one attempt more is enough to see that it does.
pub(super) const ONE_RETRY: (&str, &str) = ("CLAUDE_CODE_MAX_RETRIES", "1");

/// The cases in which nobody is asked.
pub(super) const CASES: &[Case] = &[
    Case {
        name: "plain",
        about: "a prompt, an answer",
        play: plain,
    },
    Case {
        name: "json",
        about: "the same as one object and as Claude Code's own lines",
        play: json_formats,
    },
    Case {
        name: "tool",
        about: "a tool that is allowed runs",
        play: tool,
    },
    Case {
        name: "denied",
        about: "a tool that is not allowed does not run: exit code 3",
        play: denied,
    },
    Case {
        name: "second",
        about: "a second run goes on with the conversation",
        play: second,
    },
    Case {
        name: "open",
        about: "two messages on stdin go to one process",
        play: open,
    },
    Case {
        name: "resume",
        about: "the host is killed in mid-answer: the turn goes on, and so does the conversation",
        play: resume,
    },
    Case {
        name: "agent-killed",
        about: "the agent is killed in mid-answer: the turn goes on to its end",
        play: agent_killed,
    },
    Case {
        name: "daemon-killed",
        about: "the daemon is killed in mid-answer: the agent goes on, nothing is lost",
        play: daemon_killed,
    },
    Case {
        name: "busy",
        about: "a rate limit that passes",
        play: busy,
    },
    Case {
        name: "no-retry",
        about: "a rate limit with --no-retry: exit code 4 at once",
        play: no_retry,
    },
    Case {
        name: "limited",
        about: "a rate limit that stays: exit code 4 after the agent's own attempts",
        play: limited,
    },
    Case {
        name: "server-error",
        about: "the model's service has a fault: exit code 1",
        play: server_error,
    },
    Case {
        name: "wrong-key",
        about: "the key is refused: exit code 1 at the first refusal",
        play: wrong_key,
    },
];

fn plain(stage: &Stage) -> Result<()> {
    let outcome = stage.first(&["say #plain"], &[])?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{PLAIN}\n"))?;
    let log = stage.log()?;
    log.turns_ended(&["end_turn"])?;
    log.has("agent_started", 1)?;
    log.has("message_complete", 1)?;
    log.has("error", 0)?;
    ensure!(log.text() == PLAIN, "the log says {:?}", log.text());
    let deltas = log.of("text_delta").count();
    ensure!(deltas > 0, "there is no text delta");
    log.says("turn_complete", "/usage/output_tokens", &json!(20))
}

fn json_formats(stage: &Stage) -> Result<()> {
    let outcome = stage.first(&["--output-format", "json", "say #plain"], &[])?;
    outcome.ended_with(0)?;
    let object: Value =
        serde_json::from_str(&outcome.stdout).with_context(|| format!("{outcome:?}"))?;
    for (key, value) in [
        ("result", json!(PLAIN)),
        ("is_error", json!(false)),
        ("session_id", json!(SESSION)),
        ("num_turns", json!(1)),
    ] {
        ensure!(
            object.get(key) == Some(&value),
            "{key} must be {value}: {object}"
        );
    }
    let outcome = stage.next(&["--output-format", "stream-json", "say #again"])?;
    outcome.ended_with(0)?;
    let lines: Vec<Value> = outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
        .collect::<Result<_>>()?;
    let kinds: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.get("type")?.as_str())
        .collect();
    ensure!(
        kinds.first() == Some(&"system") && kinds.last() == Some(&"result"),
        "the lines are {kinds:?}"
    );
    ensure!(kinds.contains(&"assistant"), "the lines are {kinds:?}");
    let sequences: Vec<u64> = lines
        .iter()
        .filter_map(|line| line.get("sequence")?.as_u64())
        .collect();
    ensure!(
        sequences.len() == lines.len(),
        "a line has no sequence: {}",
        outcome.stdout
    );
    ensure!(sequences.is_sorted(), "the sequences are {sequences:?}");
    let result = lines.last().and_then(|line| line.get("result"));
    ensure!(result == Some(&json!(AGAIN)), "the result is {result:?}");
    stage.log()?.turns_ended(&["end_turn", "end_turn"])
}

fn tool(stage: &Stage) -> Result<()> {
    let outcome = stage.first(&["--allowed-tools", "Bash", "use #tool"], &[])?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{TOOL}\n"))?;
    let file = stage.lab.path("work").join(TOOL_FILE);
    ensure!(
        file.is_file(),
        "the tool did not run: {} is missing",
        file.display()
    );
    let log = stage.log()?;
    log.turns_ended(&["end_turn"])?;
    log.has("tool_call_start", 1)?;
    log.has("tool_call_result", 1)?;
    log.says("tool_call_start", "/tool", &json!("Bash"))?;
    log.says("tool_call_result", "/output", &json!(TOOL_OUTPUT))?;
    log.says("tool_call_result", "/is_error", &json!(false))
}

fn denied(stage: &Stage) -> Result<()> {
    let outcome = stage.first(&["use #tool"], &[])?;
    outcome.ended_with(3)?;
    outcome.printed(&format!("{TOOL}\n"))?;
    ensure!(
        outcome.stderr.contains("not allowed to use Bash"),
        "stderr says {:?}",
        outcome.stderr
    );
    let file = stage.lab.path("work").join(TOOL_FILE);
    ensure!(!file.exists(), "the tool ran: {} is there", file.display());
    let log = stage.log()?;
    log.turns_ended(&["end_turn"])?;
    log.has("permission_request", 1)?;
    log.says("permission_resolved", "/outcome", &json!("denied"))?;
    log.says("tool_call_result", "/is_error", &json!(true))
}

fn second(stage: &Stage) -> Result<()> {
    stage.first(&["say #plain"], &[])?.ended_with(0)?;
    let outcome = stage.next(&["say #again"])?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{AGAIN}\n"))?;
    stage.log()?.turns_ended(&["end_turn", "end_turn"])?;
    // The first prompt, its answer, the second prompt.
    conversation_was_at_least(stage, 3)
}

fn open(stage: &Stage) -> Result<()> {
    let message =
        |text: &str| json!({"type": "user", "message": {"role": "user", "content": text}});
    let stdin = format!("{}\n{}\n", message("say #plain"), message("say #again"));
    let formats = [
        "--input-format",
        "stream-json",
        "--output-format",
        "stream-json",
    ];
    let arguments: Vec<&str> = ["--session-id", SESSION]
        .into_iter()
        .chain(formats)
        .collect();
    let outcome = stage.run_with_stdin(&arguments, &stdin)?;
    outcome.ended_with(0)?;
    let results: Vec<Value> = outcome
        .stdout
        .lines()
        .filter_map(|line| {
            serde_json::from_str::<Value>(line)
                .ok()?
                .get("result")
                .cloned()
        })
        .collect();
    ensure!(
        results == [json!(PLAIN), json!(AGAIN)],
        "the results are {results:?}"
    );
    let log = stage.log()?;
    log.turns_ended(&["end_turn", "end_turn"])?;
    log.has("agent_starting", 1)?;
    conversation_was_at_least(stage, 3)
}

fn resume(stage: &Stage) -> Result<()> {
    let turn = stage.start(&["--session-id", SESSION, "say #slow"], &[])?;
    stage.wait_for("piece 5\n")?;
    let host = stage
        .lab
        .hosts()
        .pop()
        .ok_or_else(|| anyhow!("there is no agent host"))?;
    ensure!(host.process.kill(), "the agent host was gone already");
    goes_on(stage, &turn.finish()?, "/exit/how", &json!("host_lost"))?;
    let outcome = stage.next(&["say #again"])?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{AGAIN}\n"))?;
    stage.log()?.turns_ended(&["end_turn", "end_turn"])?;
    conversation_was_at_least(stage, 2)
}

fn agent_killed(stage: &Stage) -> Result<()> {
    let turn = stage.start(&["--session-id", SESSION, "say #slow"], &[])?;
    stage.wait_for("piece 5\n")?;
    let agents = stage.lab.agents();
    let (_, agent) = agents.first().ok_or_else(|| anyhow!("there is no agent"))?;
    ensure!(agent.kill(), "the agent was gone already");
    goes_on(stage, &turn.finish()?, "/exit/signal", &json!(9))
}

/// A turn whose agent died has ended well with the next one, and what the first was saying is no part of the answer.
fn goes_on(stage: &Stage, outcome: &Outcome, pointer: &str, how: &Value) -> Result<()> {
    outcome.ended_with(0)?;
    outcome.printed(&slow().concat())?;
    ensure!(
        outcome.stderr.matches("; it is started again").count() == 1,
        "stderr says {:?}",
        outcome.stderr
    );
    let log = stage.log()?;
    log.turns_ended(&["end_turn"])?;
    log.has("agent_starting", 2)?;
    log.has("delivery_unknown", 0)?;
    log.says("agent_exited", pointer, how)?;
    log.says("message_complete", "/end", &json!("aborted"))?;
    log.says("agent_starting", "/resume", &json!(true))
}

/// The second prompt brought what had been said before along.
fn conversation_was_at_least(stage: &Stage, least: usize) -> Result<()> {
    let asked = stage.model.asked();
    let again = asked.iter().find(|asked| asked.cue == "#again");
    let messages = again.map(|asked| asked.messages);
    ensure!(
        messages >= Some(least),
        "the second conversation had {messages:?} messages"
    );
    Ok(())
}

fn daemon_killed(stage: &Stage) -> Result<()> {
    let turn = stage.start(&["--session-id", SESSION, "say #slow"], &[])?;
    let mut killed = Vec::new();
    for piece in ["piece 5\n", "piece 20\n"] {
        stage.wait_for(piece)?;
        let daemon = stage
            .lab
            .daemon()
            .ok_or_else(|| anyhow!("there is no daemon"))?;
        ensure!(daemon.kill(), "the daemon was gone already");
        killed.push(daemon.pid());
    }
    let outcome = turn.finish()?;
    outcome.ended_with(0)?;
    outcome.printed(&slow().concat())?;
    let last = stage.lab.daemon().map(|daemon| daemon.pid());
    ensure!(
        last.is_some_and(|pid| !killed.contains(&pid)),
        "no new daemon was started"
    );
    let log = stage.log()?;
    log.turns_ended(&["end_turn"])?;
    log.has("agent_starting", 1)?;
    // An agent that nobody needs any more ends in good order.
    let died = log
        .of("agent_exited")
        .find(|event| event.pointer("/exit/code") != Some(&json!(0)));
    ensure!(died.is_none(), "the agent died: {died:?}");
    ensure!(
        log.text() == slow().concat(),
        "the log says {:?}",
        log.text()
    );
    let asked = stage.model.asked().len();
    ensure!(asked == 1, "the model was asked {asked} times");
    Ok(())
}

fn busy(stage: &Stage) -> Result<()> {
    let outcome = stage.first(&["say #busy"], &[])?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{PATIENT}\n"))?;
    let log = stage.log()?;
    log.turns_ended(&["end_turn"])?;
    log.says("status_change", "/status", &json!("rate_limited"))
}

fn no_retry(stage: &Stage) -> Result<()> {
    let outcome = stage.first(&["--no-retry", "say #limited"], &[])?;
    outcome.ended_with(4)?;
    let line = outcome
        .stderr
        .lines()
        .find(|line| line.starts_with("Error: "));
    let right = |line: &&str| line.starts_with("Error: Rate limit exceeded. Retry after ");
    ensure!(
        line.as_ref().is_some_and(right),
        "stderr says {:?}",
        outcome.stderr
    );
    stage.log()?.has("turn_complete", 1)
}

fn limited(stage: &Stage) -> Result<()> {
    let outcome = stage.first(&["say #limited"], &[ONE_RETRY])?;
    outcome.ended_with(4)?;
    ensure!(
        outcome.stderr.contains("Error: Rate limit exceeded."),
        "stderr says {:?}",
        outcome.stderr
    );
    let log = stage.log()?;
    log.turns_ended(&["error"])?;
    log.says("turn_complete", "/error/kind", &json!("rate_limit"))
}

fn server_error(stage: &Stage) -> Result<()> {
    let outcome = stage.first(&["say #broken"], &[ONE_RETRY])?;
    outcome.ended_with(1)?;
    let log = stage.log()?;
    log.turns_ended(&["error"])?;
    log.says("turn_complete", "/error/kind", &json!("server"))
}

fn wrong_key(stage: &Stage) -> Result<()> {
    // Left alone, Claude Code would try this ten times, for minutes.
    let outcome = stage.first(&["say #unknown-key"], &[])?;
    outcome.ended_with(1)?;
    let log = stage.log()?;
    log.has("cancel_requested", 1)?;
    log.turns_ended(&["error"])?;
    log.says("turn_complete", "/error/kind", &json!("authentication"))
}
