//! Runs one `betcode -p` in the profile of a case and reads what was recorded.

use std::cell::Cell;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use betcode_testkit::fake_model::FakeModel;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::clock;
use crate::lab::Lab;

/// How long a turn may take.
const BUDGET: Duration = Duration::from_secs(15);
/// Between two looks at a condition that only another process can tell.
const PAUSE: Duration = Duration::from_millis(10);

/// The session of every case: each has a profile of its own.
pub(super) const SESSION: &str = "5e551047-0000-4000-8000-000000000001";

/// Where a case plays.
pub(super) struct Stage {
    pub(super) lab: Lab,
    pub(super) model: FakeModel,
    /// How many clients were started so far.
    clients: Cell<u32>,
}

/// A client that runs.
pub(super) struct Turn {
    child: Child,
    output: PathBuf,
}

/// What became of it.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Stage {
    pub(super) const fn new(lab: Lab, model: FakeModel) -> Self {
        Self {
            lab,
            model,
            clients: Cell::new(0),
        }
    }

    /// Starts `betcode -p --agent claude` with these arguments and variables.
    pub(super) fn start(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Result<Turn> {
        let mut command = self
            .lab
            .betcode(["-p", "--agent", "claude"].iter().chain(arguments));
        command.envs(variables.iter().copied());
        self.spawn(command)
    }

    /// Runs it to its end with this on stdin.
    pub(super) fn run_with_stdin(&self, arguments: &[&str], stdin: &str) -> Result<Outcome> {
        let file = self.lab.path("out").join("stdin");
        std::fs::write(&file, stdin)?;
        let mut command = self
            .lab
            .betcode(["-p", "--agent", "claude"].iter().chain(arguments));
        command.stdin(File::open(&file)?);
        self.spawn(command)?.finish()
    }

    /// Starts a command whose output is kept.
    pub(super) fn spawn(&self, mut command: Command) -> Result<Turn> {
        self.clients.set(self.clients.get() + 1);
        let name = format!("client-{}", self.clients.get());
        let output = self.lab.path("out").join(name);
        command
            .stdout(File::create(&output)?)
            .stderr(File::create(output.with_extension("err"))?);
        let child = command.spawn().context("cannot run betcode")?;
        Ok(Turn { child, output })
    }

    /// Runs it to its end.
    pub(super) fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Result<Outcome> {
        self.start(arguments, variables)?.finish()
    }

    /// Runs `betcode` with these arguments to its end, beside a turn.
    pub(super) fn betcode(&self, arguments: &[&str]) -> Result<Outcome> {
        let output = self.lab.betcode(arguments).output()?;
        Ok(Outcome {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// The first turn of the session.
    pub(super) fn first(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Result<Outcome> {
        let first: Vec<&str> = ["--session-id", SESSION]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        self.run(&first, variables)
    }

    /// A later turn of the session.
    pub(super) fn next(&self, arguments: &[&str]) -> Result<Outcome> {
        let next: Vec<&str> = ["--resume", SESSION]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        self.run(&next, &[])
    }

    /// Checks that the session is at rest in the end: idle, and nobody is asked for anything.
    pub(super) fn rests(&self) -> Result<()> {
        let mut last = String::new();
        let idle = || {
            let shown = self.betcode(&["session", "show", SESSION, "--json"]).ok()?;
            last.clone_from(&shown.stdout);
            let shown: Value = serde_json::from_str(&shown.stdout).ok()?;
            (shown.get("status") == Some(&json!("idle"))).then_some(())
        };
        let rests = clock::poll(BUDGET, PAUSE, idle);
        rests.ok_or_else(|| anyhow!("the session is not idle: {last}"))?;
        for kind in ["permission", "question"] {
            let listed = self.betcode(&[kind, "list", "--json"])?;
            let entries: Vec<Value> = serde_json::from_str(&listed.stdout)?;
            let open = entries
                .iter()
                .find(|entry| entry.get("state") == Some(&json!("pending")));
            ensure!(open.is_none(), "a {kind} still waits: {open:?}");
        }
        Ok(())
    }

    /// Waits until the log is as it must be; says otherwise what was wrong with it last.
    pub(super) fn until(&self, right: impl Fn(&Log) -> Result<()>) -> Result<()> {
        let mut last = None;
        let fine = || match self.log().and_then(|log| right(&log)) {
            Ok(()) => Some(()),
            Err(problem) => {
                last = Some(problem);
                None
            }
        };
        let ended = clock::poll(BUDGET, PAUSE, fine);
        ended.ok_or_else(|| last.unwrap_or_else(|| anyhow!("there is no log")))
    }

    /// The session's log. Its sequences are checked on the way, and that nothing in it is unknown.
    pub(super) fn log(&self) -> Result<Log> {
        let output = self
            .lab
            .betcode(["session", "events", SESSION, "--json"])
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "session events failed: {said}");
        let mut events = Vec::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            events
                .push(serde_json::from_str(line).with_context(|| format!("not an event: {line}"))?);
        }
        let log = Log(events);
        for (event, expected) in log.0.iter().zip(1_u64..) {
            let sequence = event.get("sequence").and_then(Value::as_u64);
            ensure!(
                sequence == Some(expected),
                "event {expected} has the sequence {sequence:?}"
            );
        }
        if let Some(unknown) = log.of("unknown").next() {
            return Err(anyhow!(
                "the agent said something that nobody knows: {unknown}"
            ));
        }
        Ok(log)
    }

    /// Waits until the log has this text. What is not a terminal is given a message when it has ended.
    pub(super) fn wait_for(&self, text: &str) -> Result<()> {
        let seen = || {
            self.log()
                .is_ok_and(|log| log.text().contains(text))
                .then_some(())
        };
        clock::poll(BUDGET, PAUSE, seen).ok_or_else(|| anyhow!("the agent did not say {text:?}"))
    }

    /// Ends every process; the directory stays when something went wrong.
    pub(super) fn end(self, fine: bool) {
        self.lab.stop();
        if fine {
            self.lab.remove();
        } else {
            println!("  everything is kept in {}", self.lab.root().display());
        }
    }
}

impl Turn {
    /// What it has printed so far.
    pub(super) fn printed(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.output).unwrap_or_default()).into_owned()
    }

    /// What it has said on standard error so far.
    pub(super) fn complained(&self) -> String {
        let said = std::fs::read(self.output.with_extension("err")).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Sends it what Ctrl-C sends.
    pub(super) fn interrupt(&self) {
        betcode_testkit::kill(self.child.id(), Signal::INT);
    }

    /// True once it has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Waits for its end. One that takes too long is killed.
    pub(super) fn finish(mut self) -> Result<Outcome> {
        let ended = clock::poll(BUDGET, PAUSE, || self.child.try_wait().ok().flatten());
        if ended.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        let outcome = Outcome {
            code: ended.and_then(|status| status.code()),
            stdout: self.printed(),
            stderr: self.complained(),
        };
        let seconds = BUDGET.as_secs();
        ensure!(
            ended.is_some(),
            "the turn did not end within {seconds} s: {outcome:?}"
        );
        Ok(outcome)
    }
}

impl Outcome {
    /// Checks the exit code.
    pub(super) fn ended_with(&self, code: i32) -> Result<()> {
        ensure!(self.code == Some(code), "it must end with {code}: {self:?}");
        Ok(())
    }

    /// Checks what was printed.
    pub(super) fn printed(&self, text: &str) -> Result<()> {
        ensure!(self.stdout == text, "it must print {text:?}: {self:?}");
        Ok(())
    }
}

/// A session's events.
pub(super) struct Log(Vec<Value>);

impl Log {
    /// The events of one type.
    pub(super) fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0
            .iter()
            .filter(move |event| event.get("type").and_then(Value::as_str) == Some(kind))
    }

    /// Checks how many events of a type there are.
    pub(super) fn has(&self, kind: &str, count: usize) -> Result<()> {
        let found = self.of(kind).count();
        ensure!(
            found == count,
            "{count} {kind} must be in the log, {found} are"
        );
        Ok(())
    }

    /// Checks that each turn has ended once, and for these reasons.
    pub(super) fn turns_ended(&self, reasons: &[&str]) -> Result<()> {
        self.has("user_input", reasons.len())?;
        let ended: Vec<&str> = self
            .of("turn_complete")
            .filter_map(|event| event.get("stop_reason").and_then(Value::as_str))
            .collect();
        ensure!(
            ended == reasons,
            "the turns must have ended with {reasons:?}, not {ended:?}"
        );
        Ok(())
    }

    /// All text of the assistant.
    pub(super) fn text(&self) -> String {
        self.of("text_delta")
            .filter_map(|event| event.get("text")?.as_str())
            .collect()
    }

    /// All text of the assistant but what it gave up.
    pub(super) fn kept_text(&self) -> String {
        let given_up: Vec<_> = self
            .of("message_complete")
            .filter(|event| event.get("end") == Some(&json!("abandoned")))
            .map(|event| event.get("message_id"))
            .collect();
        self.of("text_delta")
            .filter(|event| !given_up.contains(&event.get("message_id")))
            .filter_map(|event| event.get("text")?.as_str())
            .collect()
    }

    /// Checks that a call of one tool hangs below a call of the other.
    pub(super) fn below(&self, outer: &str, inner: &str) -> Result<()> {
        let call = |tool: &str| {
            let mut calls = self.of("tool_call_start");
            calls.find(|event| event.get("tool").and_then(Value::as_str) == Some(tool))
        };
        let id = call(outer).and_then(|event| event.get("id"));
        let parent = call(inner).and_then(|event| event.get("parent_tool_call_id"));
        ensure!(
            id.is_some() && parent == id,
            "the call of {inner} is below {parent:?}, not below {id:?}"
        );
        Ok(())
    }

    /// Checks that an event of this type has this value in a field, given as a JSON pointer.
    pub(super) fn says(&self, kind: &str, pointer: &str, value: &Value) -> Result<()> {
        let mut events = self.of(kind);
        let found = events.any(|event| event.pointer(pointer) == Some(value));
        let all: Vec<&Value> = self.of(kind).collect();
        ensure!(found, "no {kind} has {value} at {pointer}: {all:?}");
        Ok(())
    }
}
