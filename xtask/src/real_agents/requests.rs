//! Turns in which the agent asks: permissions, questions, plans. Who answers is another client than the one that runs the turn,
//! and what must come of it is told by the file that the tool appends to and by what the model was told.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::{Value, json};

use super::cases::Case;
use super::script::{
    APPEND, APPENDED, ASKED, COLOUR, PLANNED, PLATFORMS, TOOL, TOOL_OUTPUT, append,
};
use super::turn::{SESSION, Stage, Turn};
use crate::clock;

/// How long anything may take that another process does.
const BUDGET: Duration = Duration::from_secs(20);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// The cases with requests.
pub(super) const REQUESTS: &[Case] = &[
    Case {
        name: "ask-killed",
        about: "the daemon is killed while a permission is open; another client allows it: runs once",
        play: daemon_killed,
    },
    Case {
        name: "ask-edited",
        about: "what runs is the edited input",
        play: edited,
    },
    Case {
        name: "ask-denied",
        about: "the message of a denial reaches the model",
        play: denied,
    },
    Case {
        name: "ask-always",
        about: "a rule for good is ours: the agent's settings and mode stay as they are",
        play: always,
    },
    Case {
        name: "question",
        about: "a question is answered, and the model hears the choice",
        play: question,
    },
    Case {
        name: "plan",
        about: "a plan is approved",
        play: plan,
    },
    Case {
        name: "ask-host-killed",
        about: "the host is killed while a permission is open: the answer is given to whoever asks again",
        play: host_killed,
    },
];

/// Starts a turn that waits for permissions.
pub(super) fn start(stage: &Stage, arguments: &[&str]) -> Result<Turn> {
    let all: Vec<&str> = ["--session-id", SESSION, "--wait-for-permissions"]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    stage.start(&all, &[])
}

/// Waits until there is a request of this kind that waits for an answer.
fn pending(stage: &Stage, turn: &mut Turn, kind: &str) -> Result<Value> {
    let mut last = String::new();
    let found = clock::poll(BUDGET, PAUSE, || {
        if turn.has_ended() {
            let said = turn.complained();
            return Some(Err(anyhow!("the turn ended without a {kind}: {said}")));
        }
        let listed = stage.betcode(&[kind, "list", "--json"]).ok()?;
        last = format!("{listed:?}");
        let entries: Vec<Value> = serde_json::from_str(&listed.stdout).ok()?;
        let mut entries = entries.into_iter();
        entries
            .find(|entry| text(entry, "session_id") == SESSION && text(entry, "state") == "pending")
            .map(Ok)
    });
    found.unwrap_or_else(|| Err(anyhow!("there is no open {kind}: {last}")))
}

pub(super) fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The permission for the tool that appends a line.
pub(super) fn permission(stage: &Stage, turn: &mut Turn) -> Result<String> {
    let entry = pending(stage, turn, "permission")?;
    ensure!(text(&entry, "tool") == "Bash", "it asks for {entry}");
    let command = entry.pointer("/input/command").and_then(Value::as_str);
    ensure!(command == Some(&*append()), "it asks for {entry}");
    for key in ["description", "expires_at"] {
        ensure!(entry.get(key).is_some(), "{key} is missing: {entry}");
    }
    Ok(text(&entry, "id").to_owned())
}

/// Runs `betcode` and expects it to succeed.
pub(super) fn must(stage: &Stage, arguments: &[&str]) -> Result<()> {
    let outcome = stage.betcode(arguments)?;
    outcome
        .ended_with(0)
        .with_context(|| format!("betcode {}", arguments.join(" ")))
}

/// What the tools have appended.
fn appended(stage: &Stage) -> String {
    std::fs::read_to_string(stage.lab.path("work").join(APPENDED)).unwrap_or_default()
}

pub(super) fn ran(stage: &Stage, lines: &str) -> Result<()> {
    let appended = appended(stage);
    ensure!(
        appended == lines,
        "the tool must have appended {lines:?}, not {appended:?}"
    );
    Ok(())
}

/// Checks what the model was told last about a tool.
pub(super) fn told(stage: &Stage, words: &[&str]) -> Result<()> {
    let asked = stage.model.asked();
    let last = asked.last().and_then(|asked| asked.results.last());
    let heard = |word: &&&str| last.is_some_and(|last| last.contains(**word));
    let missing: Vec<_> = words.iter().filter(|word| !heard(word)).collect();
    ensure!(
        missing.is_empty(),
        "the model must have heard {missing:?}: {last:?}"
    );
    Ok(())
}

/// The agent's own settings are as they were: there are none.
fn settings_are_untouched(stage: &Stage) -> Result<()> {
    let below = stage.lab.path("work").join(".claude");
    for name in ["settings.json", "settings.local.json"] {
        let file = below.join(name);
        ensure!(!file.exists(), "{} was written", file.display());
    }
    Ok(())
}

fn daemon_killed(stage: &Stage) -> Result<()> {
    let mut turn = start(stage, &["use #append"])?;
    let id = permission(stage, &mut turn)?;
    let daemon = stage.lab.daemon();
    let daemon = daemon.ok_or_else(|| anyhow!("there is no daemon"))?;
    ensure!(daemon.kill(), "the daemon was gone already");
    ensure!(
        permission(stage, &mut turn)? == id,
        "after the restart it is another request"
    );
    ran(stage, "")?;
    must(stage, &["permission", "allow", &id])?;
    let outcome = turn.finish()?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{TOOL}\n"))?;
    ran(stage, APPEND)?;
    told(stage, &[TOOL_OUTPUT])?;
    let again = stage.betcode(&["permission", "allow", &id])?;
    let deny = stage.betcode(&["permission", "deny", &id])?;
    ensure!(
        deny.code != Some(0),
        "a different second answer was taken: {again:?} {deny:?}"
    );
    ran(stage, APPEND)?;
    let log = stage.log()?;
    log.turns_ended(&["end_turn"])?;
    log.has("agent_starting", 1)?;
    log.has("permission_request", 1)?;
    log.has("permission_resolved", 1)
}

fn edited(stage: &Stage) -> Result<()> {
    let mut turn = start(stage, &["use #append"])?;
    let id = permission(stage, &mut turn)?;
    let file = stage.lab.path("out").join("edited.json");
    let input = json!({"command": format!("echo edited >> {APPENDED} && echo so it is")});
    std::fs::write(&file, input.to_string())?;
    let file = file.display().to_string();
    must(stage, &["permission", "allow", &id, "--edit", &file])?;
    turn.finish()?.ended_with(0)?;
    ran(stage, "edited\n")?;
    told(stage, &["so it is"])
}

fn denied(stage: &Stage) -> Result<()> {
    let mut turn = start(stage, &["use #append"])?;
    let id = permission(stage, &mut turn)?;
    let words = "Not on a Sunday, please.";
    must(stage, &["permission", "deny", &id, "--message", words])?;
    turn.finish()?.ended_with(3)?;
    ran(stage, "")?;
    told(stage, &[words])?;
    let log = stage.log()?;
    log.turns_ended(&["end_turn"])?;
    log.says("permission_resolved", "/outcome", &json!("denied"))?;
    log.says("permission_resolved", "/message", &json!(words))
}

fn always(stage: &Stage) -> Result<()> {
    let mut turn = start(stage, &["use #append"])?;
    let id = permission(stage, &mut turn)?;
    must(stage, &["permission", "allow", &id, "--always"])?;
    turn.finish()?.ended_with(0)?;
    ran(stage, APPEND)?;
    settings_are_untouched(stage)?;
    let file = stage.lab.path("work").join(".betcode/config.local.toml");
    let rules = clock::poll(BUDGET, PAUSE, || std::fs::read_to_string(&file).ok());
    let rules = rules.ok_or_else(|| anyhow!("{} was not written", file.display()))?;
    ensure!(
        rules.matches('(').count() == 1 && rules.contains(&format!("/{APPENDED})")),
        "the rules are {rules}"
    );
    // What a project says counts once it is trusted.
    let work = stage.lab.path("work").display().to_string();
    must(stage, &["trust", &work])?;
    let log = stage.log()?;
    log.has("rules_written", 1)?;
    let switched = log
        .of("permission_mode_change")
        .any(|event| text(event, "mode") == "acceptEdits");
    ensure!(!switched, "the agent switched to another mode");
    // Nobody is there to ask, and nobody has to be asked.
    stage.next(&["use #append"])?.ended_with(0)?;
    ran(stage, &APPEND.repeat(2))?;
    settings_are_untouched(stage)
}

fn question(stage: &Stage) -> Result<()> {
    let mut turn = start(stage, &["ask #ask"])?;
    let entry = pending(stage, &mut turn, "question")?;
    let id = text(&entry, "id");
    must(
        stage,
        &[
            "question",
            "answer",
            id,
            "--answer",
            "1=Blue",
            "--answer",
            "2=Linux,macOS",
        ],
    )?;
    let outcome = turn.finish()?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{ASKED}\n"))?;
    let platforms = format!("\"{PLATFORMS}\"=\"Linux, macOS\"");
    told(stage, &[&format!("\"{COLOUR}\"=\"Blue\""), &platforms])?;
    let log = stage.log()?;
    log.turns_ended(&["end_turn"])?;
    log.says("question_answered", "/outcome", &json!("answered"))
}

fn plan(stage: &Stage) -> Result<()> {
    let mut turn = start(stage, &["--permission-mode", "plan", "make #plan"])?;
    let entry = pending(stage, &mut turn, "question")?;
    let id = text(&entry, "id");
    must(stage, &["question", "answer", id, "--approve"])?;
    let outcome = turn.finish()?;
    outcome.ended_with(0)?;
    outcome.printed(&format!("{PLANNED}\n"))?;
    told(stage, &["User has approved"])?;
    settings_are_untouched(stage)
}

fn host_killed(stage: &Stage) -> Result<()> {
    let mut turn = start(stage, &["use #append"])?;
    let id = permission(stage, &mut turn)?;
    // What Claude Code has not written down by then, nobody can resume.
    let kept = clock::poll(BUDGET, PAUSE, || conversation_is_kept(stage).then_some(()));
    kept.ok_or_else(|| anyhow!("Claude Code kept no conversation"))?;
    let host = stage.lab.hosts().pop();
    let host = host.ok_or_else(|| anyhow!("there is no agent host"))?;
    ensure!(host.process.kill(), "the agent host was gone already");
    let gone = || stage.lab.hosts().is_empty().then_some(());
    clock::poll(BUDGET, PAUSE, gone).ok_or_else(|| anyhow!("the agent host does not go away"))?;
    ran(stage, "")?;
    must(stage, &["permission", "allow", &id])?;
    let done = || (!appended(stage).is_empty()).then_some(());
    clock::poll(BUDGET, PAUSE, done).ok_or_else(|| anyhow!("the tool did not run"))?;
    // Whatever the first client makes of the death, the second life of the agent ends its turn.
    turn.finish()?;
    let ended = clock::poll(BUDGET, PAUSE, || {
        let log = stage.log().ok()?;
        let ends = log
            .of("turn_complete")
            .last()
            .map(|it| text(it, "stop_reason").to_owned());
        (ends.as_deref() == Some("end_turn")).then_some(log)
    });
    let log = ended.ok_or_else(|| anyhow!("the turn did not go on to its end"))?;
    ran(stage, APPEND)?;
    told(stage, &[TOOL_OUTPUT])?;
    log.has("agent_starting", 2)?;
    log.says("agent_starting", "/resume", &json!(true))?;
    ensure!(
        log.text().ends_with(TOOL),
        "the log ends with {:?}",
        log.text()
    );
    Ok(())
}

/// True once a transcript of Claude Code has the call of the tool.
fn conversation_is_kept(stage: &Stage) -> bool {
    let below = |path: &std::path::Path| {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let projects = below(&stage.lab.path("home").join(".claude/projects"));
    let mut files = projects.iter().flat_map(|project| below(project));
    files.any(|file| {
        std::fs::read_to_string(file).is_ok_and(|kept| kept.contains("\"type\":\"tool_use\""))
    })
}
