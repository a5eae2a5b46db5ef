//! Turns that rules decide about: also what Claude Code would do without asking, and what lies in a directory that nobody
//! trusts. What must come of it is told by files that tools or hooks make, and by what the model was told.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::cases::Case;
use super::requests::{must, permission, ran, start, told};
use super::script::{APPEND, READ_FILE, TOOL_FILE, TOOL_OUTPUT, VARIABLE, WRITTEN_FILE};
use super::turn::{SESSION, Stage};

/// What stands in the file that is read.
const CONTENT: &str = "nobody is to know this";
/// What the project tells whoever works in it.
const INSTRUCTION: &str = "Always be kind to otters.";

/// The cases with rules.
pub(super) const RULES: &[Case] = &[
    Case {
        name: "rule-announced",
        about: "a denied command does not run in a mode that allows it; the model hears the rule",
        play: announced,
    },
    Case {
        name: "rule-handed",
        about: "denied reads and edits do not happen where the agent never asks",
        play: handed,
    },
    Case {
        name: "rule-asked",
        about: "a rule that asks is asked about in a mode that allows it",
        play: asked,
    },
    Case {
        name: "rule-live",
        about: "a rule that is made while the agent works counts for its next call",
        play: live,
    },
    Case {
        name: "rule-dont-ask",
        about: "a rule allows in a mode in which the agent would deny",
        play: dont_ask,
    },
    Case {
        name: "untrusted",
        about: "a directory that is not trusted configures nothing but its instructions; once trusted it does",
        play: untrusted,
    },
];

/// Writes the user's rules.
fn configure(stage: &Stage, action: &str, rules: &[&str]) -> Result<()> {
    let text = format!("[permissions]\n{action} = {}\n", json!(rules));
    let file = stage.lab.path("config").join("config.toml");
    std::fs::write(&file, text).with_context(|| file.display().to_string())
}

fn work(stage: &Stage, name: &str) -> std::path::PathBuf {
    stage.lab.path("work").join(name)
}

fn is_there(stage: &Stage, name: &str, there: bool) -> Result<()> {
    let file = work(stage, name);
    ensure!(
        file.exists() == there,
        "{} must {}be there",
        file.display(),
        if there { "" } else { "not " }
    );
    Ok(())
}

/// No result of a tool has these words.
fn never_told(stage: &Stage, words: &str) -> Result<()> {
    let asked = stage.model.asked();
    let mut results = asked.iter().flat_map(|asked| &asked.results);
    let found = results.find(|result| result.contains(words));
    ensure!(found.is_none(), "the model has heard {found:?}");
    Ok(())
}

fn announced(stage: &Stage) -> Result<()> {
    let rule = "Bash(touch *)";
    configure(stage, "deny", &[rule])?;
    let outcome = stage.first(&["--permission-mode", "acceptEdits", "use #tool"], &[])?;
    outcome.ended_with(3)?;
    is_there(stage, TOOL_FILE, false)?;
    told(stage, &[rule])?;
    let log = stage.log()?;
    log.turns_ended(&["end_turn"])?;
    log.has("permission_request", 1)?;
    log.says("permission_resolved", "/outcome", &json!("denied"))?;
    log.says("tool_call_result", "/is_error", &json!(true))?;
    // Without the rule this mode runs it, and nobody is asked.
    configure(stage, "deny", &[])?;
    stage.next(&["use #tool"])?.ended_with(0)?;
    is_there(stage, TOOL_FILE, true)?;
    stage.log()?.has("permission_request", 1)
}

fn handed(stage: &Stage) -> Result<()> {
    std::fs::write(work(stage, READ_FILE), CONTENT)?;
    let deny = [
        format!("Read({READ_FILE})"),
        format!("Edit({WRITTEN_FILE})"),
    ];
    configure(stage, "deny", &[&deny[0], &deny[1]])?;
    stage.first(&["--permission-mode", "acceptEdits", "look #read"], &[])?;
    never_told(stage, CONTENT)?;
    stage.next(&["make #write"])?;
    is_there(stage, WRITTEN_FILE, false)?;
    told(stage, &["denied"])?;
    // A file that a message mentions is read without any call: only the agent itself can refuse that.
    let mention = format!("look at @{READ_FILE} #plain");
    stage.next(&[&mention])?.ended_with(0)?;
    let shown = || {
        let asked = stage.model.asked();
        asked.iter().any(|asked| asked.text.contains(CONTENT))
    };
    ensure!(!shown(), "the model has seen the mentioned file");
    let log = stage.log()?;
    log.turns_ended(&["end_turn", "end_turn", "end_turn"])?;
    let failed = log
        .of("tool_call_result")
        .filter(|event| event.get("is_error") == Some(&json!(true)));
    let failed = failed.count();
    ensure!(failed == 2, "{failed} of 2 calls have failed");
    configure(stage, "deny", &[])?;
    stage.next(&["make #write"])?.ended_with(0)?;
    is_there(stage, WRITTEN_FILE, true)?;
    stage.next(&[&mention])?.ended_with(0)?;
    ensure!(shown(), "without the rule it is not read either");
    Ok(())
}

fn asked(stage: &Stage) -> Result<()> {
    configure(stage, "ask", &["Bash(touch *)"])?;
    let outcome = stage.first(&["--permission-mode", "acceptEdits", "use #tool"], &[])?;
    outcome.ended_with(3)?;
    is_there(stage, TOOL_FILE, false)?;
    let log = stage.log()?;
    log.has("permission_request", 1)?;
    log.says("permission_resolved", "/outcome", &json!("denied"))
}

fn live(stage: &Stage) -> Result<()> {
    std::fs::write(work(stage, READ_FILE), CONTENT)?;
    let mut turn = start(stage, &["use #both"])?;
    let id = permission(stage, &mut turn)?;
    let rule = format!("Read({READ_FILE})");
    configure(stage, "deny", &[&rule])?;
    must(stage, &["permission", "allow", &id])?;
    turn.finish()?.ended_with(3)?;
    ran(stage, APPEND)?;
    never_told(stage, CONTENT)?;
    told(stage, &[&rule])?;
    stage.log()?.turns_ended(&["end_turn"])
}

fn dont_ask(stage: &Stage) -> Result<()> {
    let mode = ["--permission-mode", "dontAsk"];
    let outcome = stage.first(&[mode[0], mode[1], "use #tool"], &[])?;
    outcome.ended_with(3)?;
    is_there(stage, TOOL_FILE, false)?;
    configure(stage, "allow", &["Bash(touch *)", "Bash(echo *)"])?;
    stage.next(&["use #tool"])?.ended_with(0)?;
    is_there(stage, TOOL_FILE, true)?;
    told(stage, &[TOOL_OUTPUT])
}

/// What hooks and servers of the project make.
const EFFECTS: [&str; 4] = [
    "by-session-hook",
    "by-tool-hook",
    "by-prompt-hook",
    "by-server",
];

fn untrusted(stage: &Stage) -> Result<()> {
    let touch = |name: &str| format!("touch '{}'", work(stage, name).display());
    let hook = |name: &str| json!([{"hooks": [{"type": "command", "command": touch(name)}]}]);
    let settings = json!({
        "permissions": {"allow": ["Bash(touch *)", "Bash(echo *)"]},
        "hooks": {
            "SessionStart": hook(EFFECTS[0]),
            "PreToolUse": hook(EFFECTS[1]),
            "UserPromptSubmit": hook(EFFECTS[2]),
        },
        "env": {VARIABLE: "set"},
        "enableAllProjectMcpServers": true,
    });
    let server =
        json!({"mcpServers": {"project": {"command": "sh", "args": ["-c", touch(EFFECTS[3])]}}});
    std::fs::create_dir(work(stage, ".claude"))?;
    std::fs::write(work(stage, ".claude/settings.json"), settings.to_string())?;
    std::fs::write(work(stage, ".mcp.json"), server.to_string())?;
    std::fs::write(work(stage, "CLAUDE.md"), INSTRUCTION)?;

    stage.first(&["use #tool"], &[])?.ended_with(3)?;
    is_there(stage, TOOL_FILE, false)?;
    stage
        .run(
            &[
                "--resume",
                SESSION,
                "--allowed-tools",
                "Bash",
                "tell #variable",
            ],
            &[],
        )?
        .ended_with(0)?;
    told(stage, &["it is unset"])?;
    for name in EFFECTS {
        is_there(stage, name, false)?;
    }
    let instructed = stage
        .model
        .asked()
        .iter()
        .all(|asked| asked.text.contains(INSTRUCTION));
    ensure!(instructed, "the model has not seen the project's CLAUDE.md");

    let directory = stage.lab.path("work").display().to_string();
    must(stage, &["trust", &directory])?;
    stage.next(&["use #tool"])?.ended_with(0)?;
    is_there(stage, TOOL_FILE, true)?;
    stage.next(&["tell #variable"])?.ended_with(0)?;
    told(stage, &["it is set"])?;
    for name in EFFECTS {
        is_there(stage, name, true)?;
    }
    Ok(())
}
