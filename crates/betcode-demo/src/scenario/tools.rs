//! Scenarios whose tools really run in the working directory.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use super::Fault;
use crate::command::Command;
use crate::tool::file;
use crate::turn::{Fate, Report, Turn};

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

/// `permission`: asks, then runs the tool; `count` times one after the other, `parallel` questions at once.
pub(super) fn permission(turn: &mut Turn<'_>, command: &Command) -> Result<(), Fault> {
    let rounds = several(command, "count")?;
    let at_once = several(command, "parallel")?;
    let changed = command.switch("change_on_resume")? && turn.is_resumed();
    let mut number = 0;
    let mut said = Vec::new();
    for _ in 0..rounds {
        let mut name = "Bash";
        let mut inputs = Vec::new();
        for _ in 0..at_once {
            number += 1;
            let (tool, input) = asked(turn, command, number, changed)?;
            name = tool;
            inputs.push(input);
        }
        turn.begin()?;
        turn.text("I'll ask first.")?;
        for (input, report) in turn.calls_with_permission(name, inputs, None)? {
            said.push(told(&input, &report));
        }
    }
    finish(turn, &said)
}

/// `withdraw`: asks, and takes the question back when there is no answer in time.
pub(super) fn withdraw(turn: &mut Turn<'_>, command: &Command) -> Result<(), Fault> {
    let patience = Duration::from_millis(command.number("after_ms", 1000)?);
    let (name, input) = asked(turn, command, 1, false)?;
    turn.begin()?;
    turn.text("I'll ask, but I won't wait for long.")?;
    let done = turn.calls_with_permission(name, vec![input], Some(patience))?;
    let said: Vec<_> = done
        .iter()
        .map(|(input, report)| told(input, report))
        .collect();
    finish(turn, &said)
}

/// A key that says how often.
fn several(command: &Command, key: &str) -> Result<u64, Fault> {
    match command.number(key, 1)? {
        times @ 1..=100 => Ok(times),
        times => Err(Fault::Key(format!(
            "{key}={times} is not between 1 and 100"
        ))),
    }
}

/// The tool and input that the keys describe; `{n}` in a command is its number.
fn asked(
    turn: &Turn<'_>,
    command: &Command,
    number: u64,
    changed: bool,
) -> Result<(&'static str, Value), Fault> {
    match command.text("tool").unwrap_or("Bash") {
        "Bash" => {
            let line = command.text("command").unwrap_or("touch demo.txt");
            let mut line = line.replace("{n}", &number.to_string());
            if changed {
                line.push_str(" # changed");
            }
            Ok(("Bash", bash(&line)))
        }
        "Edit" | "Write" => change(turn, command),
        other => Err(Fault::Key(format!(
            "tool={other}: it is one of Bash, Edit, Write"
        ))),
    }
}

/// What came of a tool that was asked about, in words.
pub(super) fn told(input: &Value, report: &Report) -> String {
    let part = |value: &Value, key: &str| {
        let text = value.get(key).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    match report.fate {
        Fate::Denied => format!("You said: {}", report.text),
        Fate::Withdrawn => "Nobody answered in time, so I took the question back.".to_owned(),
        Fate::Ran | Fate::Refused if report.is_error => {
            format!("That did not work: {}", report.text)
        }
        Fate::Ran | Fate::Refused => {
            let file = part(input, "file_path");
            if !file.is_empty() {
                return format!("Done, with your permission. I changed {file}.");
            }
            let ran = part(input, "command");
            let mut said = format!("Done, with your permission. I ran `{ran}`.");
            let output = part(&report.detail, "stdout");
            if !output.is_empty() {
                said.push_str(" It said:\n");
                said.push_str(&output);
            }
            said
        }
    }
}

/// The message after all tools.
fn finish(turn: &mut Turn<'_>, said: &[String]) -> Result<(), Fault> {
    turn.begin()?;
    turn.text(&said.join("\n"))?;
    Ok(turn.end("end_turn")?)
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
