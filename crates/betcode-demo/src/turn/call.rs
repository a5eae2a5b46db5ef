//! Tools that the message asked for: whether they may run, how they run, what came of them.

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::announce::Word;
use super::gated::known;
use super::{Decision, Order, Stop, Turn};
use crate::tool::{bash, file};
use crate::{clock, session::State};

/// After this long a running command is announced as a task.
const ANNOUNCED_AFTER: Duration = Duration::from_secs(3);
/// How often a running command shows that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How long a killed command may take to be gone before it is left alone.
const GRACE: Duration = Duration::from_secs(2);

const REJECTED: &str = "The user doesn't want to proceed with this tool use. The tool use was \
    rejected (eg. if it was a file edit, the new_string was NOT written to the file). STOP what \
    you are doing and wait for the user to tell you how to proceed.";

/// What came of a tool.
pub(crate) struct Report {
    /// What the model is told.
    pub(crate) text: String,
    pub(crate) is_error: bool,
    /// `tool_use_result`: an object, or a text that starts with `Error:`.
    pub(crate) detail: Value,
    pub(crate) fate: Fate,
}

/// How far a tool came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was run, whatever came of it.
    Ran,
    /// The user said no, or the driver did.
    Denied,
    /// It was refused by itself, or by an answer that makes no sense.
    Refused,
    /// The question was taken back.
    Withdrawn,
}

impl Turn<'_> {
    /// Has the message ask for a tool that needs no permission, runs it and reports it, unless a former process has begun
    /// with it.
    pub(crate) fn call(&mut self, name: &str, input: &Value) -> Result<Report, Stop> {
        let place = self.settled.len();
        if let Some((_, report)) = known(&self.recall()) {
            self.end("end_turn")?;
            return Ok(report);
        }
        let id = self.tool_use(name, input)?;
        self.end("tool_use")?;
        let report = match self.admitted(&id, name, input)? {
            Ok(input) => {
                self.begin_call(place, &input);
                let meta = json!({"decision": "accept", "source": "config", "reason_type": "mode"});
                self.perform(&id, name, &input, meta)?
            }
            Err(report) => report,
        };
        self.conclude(place, input, &report);
        Ok(report)
    }

    /// Has the message ask for a tool that is a conversation with the user, and waits for it.
    /// `Err` in the inner result is what a refusal has reported.
    pub(crate) fn converse(
        &mut self,
        name: &str,
        input: &Value,
        order: Order,
    ) -> Result<Result<(String, Value), Report>, Stop> {
        let place = self.settled.len();
        let known = self.recall();
        let id = self.tool_use(name, input)?;
        if let Some(answered) = known.get("input") {
            self.end("tool_use")?;
            return Ok(Ok((id, answered.clone())));
        }
        match self.announce(&id, name, input, None) {
            Ok(Word::Deny(reason)) => {
                self.end("tool_use")?;
                return self.deny(&id, name, input, &reason).map(Err);
            }
            Ok(Word::GoOn | Word::Ask) => {}
            Err(stop) => {
                self.end("tool_use")?;
                self.reject(&id)?;
                return Err(stop);
            }
        }
        if !self.session.options.can_ask {
            self.end("tool_use")?;
            return self.refuse_by_itself(&id, name, input, false).map(Err);
        }
        let request = json!({
            "subtype": "can_use_tool",
            "tool_name": name,
            "display_name": name,
            "input": input,
            "tool_use_id": id,
            "requires_user_interaction": true,
        });
        match self.put(order, request)? {
            Decision::Allow { input } => {
                self.settle(place, json!({"input": input}));
                Ok(Ok((id, input)))
            }
            refusal => self.refuse(&id, name, input, refusal).map(Err),
        }
    }

    /// Asks in the given order and ends the message.
    fn put(&mut self, order: Order, request: Value) -> Result<Decision, Stop> {
        match order {
            Order::InBlock => self.question(request)?,
            Order::InMessage => {
                self.stop_reason("tool_use")?;
                self.question(request)?;
            }
            Order::AfterMessage => {
                self.end("tool_use")?;
                self.question(request)?;
            }
        }
        self.end("tool_use")?;
        self.only_answer()
    }

    /// The `user` line with a tool's result.
    pub(crate) fn tool_result(
        &mut self,
        id: &str,
        result: Value,
        detail: Value,
        meta: Option<Value>,
    ) -> Result<(), Stop> {
        let mut block = json!({"type": "tool_result", "tool_use_id": id});
        if let (Value::Object(block), Value::Object(result)) = (&mut block, result) {
            block.extend(result);
        }
        let mut line = json!({
            "type": "user",
            "message": {"role": "user", "content": [block]},
            "parent_tool_use_id": null,
            "timestamp": clock::timestamp(),
            "tool_use_result": detail,
        });
        if let (Some(mut meta), Value::Object(line)) = (meta, &mut line) {
            if let Value::Object(meta) = &mut meta {
                meta.insert("id".to_owned(), id.into());
            }
            line.insert("tool_result_meta".to_owned(), json!([meta]));
        }
        self.session.line(line)
    }

    /// Asks for a tool that has no effect in the world; `result` follows at once, still inside
    /// its message, as recorded for the todo list. Nothing follows if it is refused.
    pub(crate) fn note(
        &mut self,
        name: &str,
        input: &Value,
        result: &str,
        detail: Value,
    ) -> Result<(), Stop> {
        let id = self.tool_use(name, input)?;
        self.stop_reason("tool_use")?;
        if self.admitted(&id, name, input)?.is_ok() {
            let meta = json!({"permission_decision": {"decision": "accept", "source": "config"}});
            self.tool_result(&id, json!({"content": result}), detail, Some(meta))?;
        }
        self.end("tool_use")
    }

    /// Starts a subagent's tool use: its id, with the message still open, or what a refusal has reported.
    pub(crate) fn delegate(&mut self, input: &Value) -> Result<Result<String, Report>, Stop> {
        let id = self.tool_use("Agent", input)?;
        self.close_block()?;
        if let Err(report) = self.admitted(&id, "Agent", input)? {
            self.end("tool_use")?;
            return Ok(Err(report));
        }
        self.subagents += 1;
        Ok(Ok(id))
    }

    pub(super) fn perform(
        &mut self,
        id: &str,
        name: &str,
        input: &Value,
        decision: Value,
    ) -> Result<Report, Stop> {
        if self
            .session
            .options
            .disallowed_tools
            .iter()
            .any(|tool| tool == name)
        {
            let error = format!(
                "No such tool available: {name}. {name} is disabled for this session, in subagents as well as here."
            );
            let told = format!("<tool_use_error>Error: {error}</tool_use_error>");
            return self.report(id, Report::failed(told, &error), None);
        }
        let directory = self.session.directory.clone();
        let report = match name {
            "Bash" => {
                let command = input
                    .get("command")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let described = input
                    .get("description")
                    .and_then(Value::as_str)
                    .unwrap_or(command);
                match self.bash(id, command, described)? {
                    Some(report) => report,
                    None => return self.killed(id, &decision),
                }
            }
            "Edit" => Report::changed(file::edit(&directory, input)),
            _ => Report::changed(file::write(&directory, input)),
        };
        self.report(id, report, Some(json!({"permission_decision": decision})))
    }

    /// Runs a command to its end; `None` if it was interrupted.
    pub(crate) fn bash(
        &mut self,
        id: &str,
        command: &str,
        described: &str,
    ) -> Result<Option<Report>, Stop> {
        self.poll()?;
        self.session.out.flush()?;
        self.session.tools_started += 1;
        let token = self.session.tools_started;
        let directory = self.session.directory.clone();
        let sender = self.session.tool_sender();
        let mut running = match bash::start(command, &directory, token, sender) {
            Ok(running) => running,
            Err(error) => {
                let text = format!("cannot run a shell: {error}");
                return Ok(Some(Report::failed(text.clone(), &text)));
            }
        };
        let started = clock::now();
        let mut due = started + ANNOUNCED_AFTER;
        let mut task: Option<(String, u64)> = None;
        let output = loop {
            if let Some(ended) = self.session.ended_tool.take()
                && ended.token == token
            {
                running.ended();
                break ended.output;
            }
            if self.session.interrupted {
                running.kill();
                let deadline = clock::now() + GRACE;
                while self
                    .session
                    .ended_tool
                    .as_ref()
                    .is_none_or(|ended| ended.token != token)
                    && clock::now() < deadline
                {
                    self.session.wait(Some(deadline))?;
                }
                running.ended();
                return Ok(None);
            }
            self.session.wait(Some(due))?;
            if clock::now() < due {
                continue;
            }
            match &mut task {
                None => {
                    let name = self.session.ids.short("b");
                    self.task(
                        &name,
                        id,
                        "task_started",
                        json!({
                            "description": described,
                            "is_backgrounded": false,
                            "task_type": "local_bash",
                        }),
                    )?;
                    task = Some((name, 0));
                    due = started + HEARTBEAT;
                }
                Some((_, beats)) => {
                    let line = json!({
                        "type": "tool_progress",
                        "tool_use_id": format!("{id}-heartbeat-{beats}"),
                        "tool_name": "Bash",
                        "parent_tool_use_id": id,
                        "elapsed_time_seconds": clock::millis_since(started) / 1000,
                        "heartbeat": true,
                    });
                    *beats += 1;
                    due += HEARTBEAT;
                    self.session.line(line)?;
                }
            }
        };
        if let Some((name, _)) = task {
            self.task(
                &name,
                id,
                "task_notification",
                json!({
                    "status": "completed",
                    "output_file": "",
                    "summary": described,
                }),
            )?;
        }
        Ok(Some(Report::ran(output)))
    }

    /// A `system` line about a task.
    pub(crate) fn task(
        &mut self,
        task: &str,
        tool: &str,
        subtype: &str,
        rest: Value,
    ) -> Result<(), Stop> {
        let mut line = json!({
            "type": "system",
            "subtype": subtype,
            "task_id": task,
            "run_id": format!("run-{task}"),
            "tool_use_id": tool,
        });
        if let (Value::Object(line), Value::Object(rest)) = (&mut line, rest) {
            line.extend(rest);
        }
        self.session.line(line)
    }

    fn report(&mut self, id: &str, report: Report, meta: Option<Value>) -> Result<Report, Stop> {
        let mut result = json!({"content": report.text});
        // Only commands say `is_error` when all is well.
        if let (true, Value::Object(result)) = (
            report.is_error || report.detail.get("stdout").is_some(),
            &mut result,
        ) {
            result.insert("is_error".to_owned(), report.is_error.into());
        }
        self.input_tokens += super::tokens(&report.text);
        self.tool_result(id, result, report.detail.clone(), meta)?;
        Ok(report)
    }

    /// Reports a command that an interrupt has killed.
    fn killed(&mut self, id: &str, decision: &Value) -> Result<Report, Stop> {
        let text = "Exit code 137\n[Request interrupted by user for tool use]";
        let report = Report::failed(text.to_owned(), text);
        self.report(id, report, Some(json!({"permission_decision": decision})))?;
        Err(Stop::Interrupted)
    }

    /// Reports a tool that the driver did not allow.
    pub(super) fn refuse(
        &mut self,
        id: &str,
        name: &str,
        input: &Value,
        decision: Decision,
    ) -> Result<Report, Stop> {
        self.denials
            .push(json!({"tool_name": name, "tool_use_id": id, "tool_input": input}));
        let (text, by_user) = match decision {
            Decision::Deny { message, by_user } => (message, by_user),
            Decision::Allow { .. } | Decision::DenyAndStop => {
                self.reject(id)?;
                return Err(Stop::Interrupted);
            }
        };
        let decision = if by_user {
            json!({"decision": "reject", "source": "user_reject"})
        } else {
            json!({"decision": "reject", "source": "config", "reason_type": "other"})
        };
        let meta =
            json!({"non_execution_kind": "permission-rule", "permission_decision": decision});
        let fate = if by_user { Fate::Denied } else { Fate::Refused };
        let report = Report {
            fate,
            ..Report::failed(text.clone(), &text)
        };
        self.report(id, report, Some(meta))
    }

    /// Reports a tool that the driver denied when it was announced.
    pub(super) fn deny(
        &mut self,
        id: &str,
        name: &str,
        input: &Value,
        reason: &str,
    ) -> Result<Report, Stop> {
        self.denials
            .push(json!({"tool_name": name, "tool_use_id": id, "tool_input": input}));
        let decision = json!({"decision": "reject", "source": "hook", "reason_type": "hook"});
        let meta =
            json!({"non_execution_kind": "permission-rule", "permission_decision": decision});
        let report = Report {
            fate: Fate::Denied,
            ..Report::failed(reason.to_owned(), reason)
        };
        self.report(id, report, Some(meta))
    }

    /// Reports a tool that will not run because the turn ends.
    pub(super) fn reject(&mut self, id: &str) -> Result<(), Stop> {
        let result = json!({"content": REJECTED, "is_error": true});
        let meta = json!({"non_execution_kind": "user-rejected"});
        self.tool_result(id, result, "User rejected tool use".into(), Some(meta))?;
        self.session.set_state(State::Running)
    }

    /// Reports a tool about which the question was taken back.
    pub(super) fn give_up_on(&mut self, id: &str) -> Result<Report, Stop> {
        let text = "The question was taken back before it was answered.";
        let report = Report {
            fate: Fate::Withdrawn,
            ..Report::failed(text.to_owned(), text)
        };
        let meta = json!({"non_execution_kind": "user-rejected"});
        self.report(id, report, Some(meta))
    }

    /// Reports a tool that was refused because nobody can be asked.
    pub(super) fn refuse_by_itself(
        &mut self,
        id: &str,
        name: &str,
        input: &Value,
        mode: bool,
    ) -> Result<Report, Stop> {
        self.denials
            .push(json!({"tool_name": name, "tool_use_id": id, "tool_input": input}));
        let text = if mode {
            format!(
                "Permission to use {name} has been denied because the demo agent is running in don't ask mode."
            )
        } else {
            format!("{name} needs approval, and there is nobody to ask.")
        };
        let mut line = json!({
            "type": "system",
            "subtype": "permission_denied",
            "tool_name": name,
            "tool_use_id": id,
            "message": text,
        });
        let mut decision = json!({"decision": "reject", "source": "config"});
        if mode && let (Value::Object(line), Value::Object(decision)) = (&mut line, &mut decision) {
            line.insert("decision_reason_type".to_owned(), "mode".into());
            decision.insert("reason_type".to_owned(), "mode".into());
        }
        self.session.line(line)?;
        let kind = if mode {
            "permission-rule"
        } else {
            "user-rejected"
        };
        let meta = json!({"non_execution_kind": kind, "permission_decision": decision});
        let report = Report {
            fate: Fate::Refused,
            ..Report::failed(text.clone(), &text)
        };
        self.report(id, report, Some(meta))
    }

    /// A remark for whoever reads the agent's standard error.
    pub(crate) fn complain(message: &str) {
        let _ = writeln!(std::io::stderr(), "{message}");
    }
}

impl Report {
    pub(super) fn failed(text: String, error: &str) -> Self {
        Self {
            text,
            is_error: true,
            detail: format!("Error: {error}").into(),
            fate: Fate::Ran,
        }
    }

    fn changed(result: Result<file::Changed, String>) -> Self {
        match result {
            Ok(changed) => Self {
                text: changed.content,
                is_error: false,
                detail: changed.detail,
                fate: Fate::Ran,
            },
            Err(error) => Self::failed(format!("<tool_use_error>{error}</tool_use_error>"), &error),
        }
    }

    fn ran(output: std::io::Result<std::process::Output>) -> Self {
        let output = match output {
            Ok(output) => output,
            Err(error) => {
                let text = format!("the command could not be waited for: {error}");
                return Self::failed(text.clone(), &text);
            }
        };
        let stdout = String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned();
        let stderr = String::from_utf8_lossy(&output.stderr)
            .trim_end()
            .to_owned();
        let both = [stdout.as_str(), stderr.as_str()];
        let said: Vec<_> = both.into_iter().filter(|part| !part.is_empty()).collect();
        let code = bash::exit_code(&output);
        if code != 0 {
            let text = format!("Exit code {code}\n{}", said.join("\n"))
                .trim_end()
                .to_owned();
            return Self::failed(text.clone(), &text);
        }
        let text = if said.is_empty() {
            "(Bash completed with no output)".to_owned()
        } else {
            said.join("\n")
        };
        Self {
            text,
            is_error: false,
            detail: json!({
                "stdout": stdout,
                "stderr": stderr,
                "interrupted": false,
                "isImage": false,
                "noOutputExpected": false,
            }),
            fate: Fate::Ran,
        }
    }
}
