//! Scenarios whose tools really run in the working directory.

use std::fs;

use serde_json::{Value, json};

use super::Fault;
use crate::command::Command;
use crate::tool::file;
use crate::turn::{Report, Turn};

/// `tool`: runs a command without asking.
pub(super) fn tool(turn: &mut Turn<'_>, command: &Command) -> Result<(), Fault> {
    let line = command.text("command").unwrap_or("ls");
    turn.begin()?;
    turn.text("I'll run it.")?;
    let report = turn.call("Bash", &bash(line))?;
    close(turn, &report, "The command has run.")
}

/// `edit`: changes a file without asking.
pub(super) fn edit(turn: &mut Turn<'_>, command: &Command) -> Result<(), Fault> {
    let (name, input) = change(turn, command)?;
    turn.begin()?;
    turn.text("I'll change the file.")?;
    let report = turn.call(name, &input)?;
    close(turn, &report, "The file is changed.")
}

/// `permission`: asks, then runs the tool.
pub(super) fn permission(turn: &mut Turn<'_>, command: &Command) -> Result<(), Fault> {
    let (name, input) = match command.text("tool").unwrap_or("Bash") {
        "Bash" => (
            "Bash",
            bash(command.text("command").unwrap_or("touch demo.txt")),
        ),
        "Edit" | "Write" => change(turn, command)?,
        other => {
            return Err(Fault::Key(format!(
                "tool={other}: it is one of Bash, Edit, Write"
            )));
        }
    };
    turn.begin()?;
    turn.text("I'll ask first.")?;
    let report = turn.call_with_permission(name, &input)?;
    close(turn, &report, "Done, with your permission.")
}

/// The input of a `Bash` tool.
pub(super) fn bash(line: &str) -> Value {
    let mut words = line.split_whitespace();
    json!({"command": line, "description": format!("Run {}", words.next().unwrap_or("nothing"))})
}

/// The tool and input that make the change which the keys describe.
fn change(turn: &Turn<'_>, command: &Command) -> Result<(&'static str, Value), Fault> {
    let name = command.text("file").unwrap_or("demo.txt");
    let text = command
        .text("text")
        .unwrap_or("A line from the demo agent.");
    let path = file::resolve(&turn.session.directory, name);
    let shown = path.to_string_lossy();
    let edit = |old: &str, new: &str| {
        let input = json!({
            "file_path": shown, "old_string": old, "new_string": new, "replace_all": false,
        });
        Ok(("Edit", input))
    };
    if let Some(old) = command.text("old") {
        return edit(old, text);
    }
    let original = fs::read_to_string(&path).unwrap_or_default();
    if command.text("tool") == Some("Write") || original.is_empty() {
        let content = format!("{text}\n");
        return Ok(("Write", json!({"file_path": shown, "content": content})));
    }
    // An edit needs a text that occurs once: the last line if it does, else all of the file.
    let body = original.strip_suffix('\n').unwrap_or(&original);
    let last = body.rsplit('\n').next().unwrap_or(body);
    let unique = !last.is_empty() && original.matches(last).count() == 1;
    let old = if unique { last } else { original.as_str() };
    let gap = if old.ends_with('\n') { "" } else { "\n" };
    let end = if unique { "" } else { "\n" };
    edit(old, &format!("{old}{gap}{text}{end}"))
}

/// The message after the tool.
fn close(turn: &mut Turn<'_>, report: &Report, good: &str) -> Result<(), Fault> {
    turn.begin()?;
    if report.is_error {
        turn.text(&format!("That did not work: {}", report.text))?;
    } else {
        turn.text(good)?;
    }
    Ok(turn.end("end_turn")?)
}
