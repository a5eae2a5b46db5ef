//! A subagent in its foreground form: whole lines with `parent_tool_use_id`, no deltas, between
//! the tool use and its result. Its command really runs.

use serde_json::{Value, json};

use super::Fault;
use crate::clock;
use crate::command::Command;
use crate::lines;
use crate::turn::{Fate, Report, Stop, Turn};

const KIND: &str = "general-purpose";
const TASK: &str = "Count files";
const PROMPT: &str = "Count the files here.";
const COMMAND: &str = "ls | wc -l";

/// `background`: says that so many tasks run in the background. None does.
pub(super) fn background(turn: &mut Turn<'_>, command: &Command) -> Result<(), Fault> {
    let count = command.number("n", 1)?.min(100);
    let tasks: Vec<Value> = (1..=count)
        .map(|number| {
            json!({"task_id": format!("b{number}"), "task_type": "local_bash", "description": format!("Task {number}")})
        })
        .collect();
    turn.session.background = tasks;
    turn.session.tell_background()?;
    turn.begin()?;
    turn.text(&format!("{count} tasks run in the background."))?;
    Ok(turn.end("end_turn")?)
}

/// `subagent`: delegates counting the files, or another command.
pub(super) fn subagent(turn: &mut Turn<'_>, command: &Command) -> Result<(), Fault> {
    let asks = command.switch("permission")?;
    let line = command.text("command").unwrap_or(COMMAND);
    let started = clock::now();
    turn.begin()?;
    let input = json!({"description": TASK, "prompt": PROMPT, "subagent_type": KIND});
    let tool = match turn.delegate(&input)? {
        Ok(tool) => tool,
        Err(report) => {
            turn.begin()?;
            turn.text(&format!("You said: {}", report.text))?;
            return Ok(turn.end("end_turn")?);
        }
    };
    let agent = turn.session.ids.short("a");
    turn.task(
        &agent,
        &tool,
        "task_started",
        json!({
            "description": TASK,
            "subagent_type": KIND,
            "is_backgrounded": false,
            "spawn_depth": 1,
            "task_type": "local_agent",
            "prompt": PROMPT,
        }),
    )?;
    turn.stop_reason("tool_use")?;
    let nested = Nested {
        tool: &tool,
        agent: &agent,
    };
    nested.user(turn, json!({"type": "text", "text": PROMPT}), None)?;
    turn.end("tool_use")?;
    let report = nested.work(turn, line, asks)?;
    let said = if report.fate == Fate::Denied {
        format!("You said: {}", report.text)
    } else if line == COMMAND {
        format!("There are {} files.", report.text.trim())
    } else {
        format!("`{line}` said: {}", report.text.trim())
    };
    if turn.session.forward_subagent_text {
        nested.assistant(turn, json!({"type": "text", "text": said}))?;
    }
    turn.session.line(json!({
        "type": "system",
        "subtype": "task_updated",
        "task_id": agent,
        "run_id": format!("run-{agent}"),
        "patch": {
            "status": "completed",
            "end_time": u64::try_from(clock::wall().as_millis()).unwrap_or(u64::MAX),
        },
    }))?;
    turn.task(
        &agent,
        &tool,
        "task_notification",
        json!({
            "status": "completed",
            "output_file": "",
            "summary": said,
        }),
    )?;
    let millis = clock::millis_since(started);
    let meta = json!({"permission_decision": {"decision": "accept", "source": "config"}});
    let told = format!(
        "{said}\nagentId: {agent}\n<usage>subagent_tokens: 0\ntool_uses: 1\nduration_ms: {millis}</usage>"
    );
    let detail = json!({
        "status": "completed",
        "prompt": PROMPT,
        "agentId": agent,
        "agentType": KIND,
        "toolsUsed": ["Bash"],
        "content": [{"type": "text", "text": said}],
        "resolvedModel": turn.session.model,
        "totalDurationMs": millis,
        "totalTokens": 0,
        "totalToolUseCount": 1,
        "toolStats": {
            "readCount": 0, "searchCount": 0, "bashCount": 1, "editFileCount": 0,
            "linesAdded": 0, "linesRemoved": 0, "otherToolCount": 0,
        },
        "canContinueAgent": false,
    });
    let content = json!({"content": [{"type": "text", "text": told}]});
    turn.tool_result(&tool, content, detail, Some(meta))?;
    turn.begin()?;
    turn.text(&format!("The subagent finished: {said}"))?;
    Ok(turn.end("end_turn")?)
}

/// Lines of a subagent.
struct Nested<'a> {
    tool: &'a str,
    agent: &'a str,
}

impl Nested<'_> {
    /// Runs the subagent's only command, perhaps after asking, and returns what came of it.
    fn work(&self, turn: &mut Turn<'_>, line: &str, asks: bool) -> Result<Report, Stop> {
        let id = turn.session.ids.short("toolu");
        turn.task(
            self.agent,
            self.tool,
            "task_progress",
            json!({
                "description": format!("Running {TASK}"),
                "subagent_type": KIND,
                "last_tool_name": "Bash",
            }),
        )?;
        let input = json!({"command": line, "description": TASK});
        let tool_use = json!({"type": "tool_use", "id": id, "name": "Bash", "input": input});
        self.assistant(turn, tool_use)?;
        let report = turn.nested_call(self.agent, &id, input, !asks)?;
        let result = json!({
            "tool_use_id": id,
            "type": "tool_result",
            "content": report.text,
            "is_error": report.is_error,
        });
        let decision =
            json!({"decision": "accept", "source": "config", "reason_type": "subcommandResults"});
        let meta = json!([{"id": id, "permission_decision": decision}]);
        self.user(turn, result, Some(meta))?;
        Ok(report)
    }

    fn assistant(&self, turn: &mut Turn<'_>, content: Value) -> Result<(), Stop> {
        let message = json!({
            "id": turn.session.ids.short("msg"),
            "type": "message",
            "role": "assistant",
            "model": turn.session.model,
            "content": [content],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": lines::message_usage(0, 1),
            "context_management": null,
        });
        let mut line = self.line("assistant", &message);
        insert(
            &mut line,
            "request_id",
            turn.session.ids.short("req").into(),
        );
        turn.session.line(line)
    }

    fn user(&self, turn: &mut Turn<'_>, content: Value, meta: Option<Value>) -> Result<(), Stop> {
        let mut line = self.line("user", &json!({"role": "user", "content": [content]}));
        if let Some(meta) = meta {
            insert(&mut line, "tool_result_meta", meta);
        }
        turn.session.line(line)
    }

    fn line(&self, kind: &str, message: &Value) -> Value {
        json!({
            "type": kind,
            "message": message,
            "parent_tool_use_id": self.tool,
            "agent_id": self.agent,
            "timestamp": clock::timestamp(),
            "subagent_type": KIND,
            "task_description": TASK,
        })
    }
}

fn insert(line: &mut Value, key: &str, value: Value) {
    if let Value::Object(line) = line {
        line.insert(key.to_owned(), value);
    }
}
