//! A running demo agent, and the lines that go in and out.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A demo agent in a directory of its own.
pub(crate) struct Agent {
    pub(crate) directory: TempDir,
    child: Killed,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    stderr: Receiver<String>,
}

/// Where the agent keeps what outlives it, below its directory.
pub(crate) const STATE: &str = ".state";
/// The session of all agents here.
pub(crate) const SESSION: &str = "5f55e5f3-a7c8-4f25-a18a-476ba394f82e";

/// The flags that a driver passes.
pub(crate) const FLAGS: [&str; 9] = [
    "--output-format",
    "stream-json",
    "--input-format",
    "stream-json",
    "--verbose",
    "--permission-prompt-tool",
    "stdio",
    "--include-partial-messages",
    "--session-id=5f55e5f3-a7c8-4f25-a18a-476ba394f82e",
];

impl Agent {
    /// Starts one as a driver does.
    pub(crate) fn start() -> Self {
        Self::start_with(&[], &[])
    }

    /// Starts one with more flags and variables.
    pub(crate) fn start_with(flags: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = command();
        command
            .args(FLAGS)
            .args(flags)
            .envs(variables.iter().copied());
        Self::spawn(command)
    }

    pub(crate) fn spawn(command: Command) -> Self {
        Self::spawn_in(TempDir::new().unwrap(), command)
    }

    /// Starts one in this directory; what it keeps beyond its life is kept in there, too.
    pub(crate) fn spawn_in(directory: TempDir, mut command: Command) -> Self {
        let mut child = command
            .current_dir(directory.path())
            .env("BETCODE_DEMO_STATE", directory.path().join(STATE))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            stdout
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let (sender, stderr) = channel();
        let mut pipe = child.stderr.take().unwrap();
        thread::spawn(move || {
            let mut text = String::new();
            let _ = pipe.read_to_string(&mut text);
            sender.send(text)
        });
        let stdin = child.stdin.take();
        Self {
            directory,
            child: Killed(child),
            stdin,
            lines,
            stderr,
        }
    }

    pub(crate) fn send(&mut self, line: &Value) {
        self.send_raw(&format!("{line}\n"));
    }

    pub(crate) fn send_raw(&mut self, text: &str) {
        self.stdin
            .as_mut()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }

    pub(crate) fn prompt(&mut self, text: &str) {
        self.send(&json!({"type": "user", "message": {"role": "user", "content": text}}));
    }

    pub(crate) fn control(&mut self, request: &Value) {
        self.send(&json!({"type": "control_request", "request_id": "c1", "request": request}));
    }

    /// Answers the question in `line`.
    pub(crate) fn answer(&mut self, line: &Value, response: &Value) {
        self.send(&json!({"type": "control_response", "response": {
            "subtype": "success", "request_id": line["request_id"], "response": response,
        }}));
    }

    /// The next line, or `None` at the end of output.
    pub(crate) fn next_text(&mut self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => None,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("the agent says nothing"),
        }
    }

    /// Lines up to and with the first that `found` accepts.
    pub(crate) fn until(&mut self, found: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut lines = Vec::new();
        while let Some(text) = self.next_text() {
            let line: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
            let last = found(&line);
            lines.push(line);
            if last {
                return lines;
            }
        }
        panic!("the output ended first: {lines:#?}");
    }

    pub(crate) fn until_result(&mut self) -> Vec<Value> {
        self.until(|line| line["type"] == "result")
    }

    pub(crate) fn until_question(&mut self) -> Vec<Value> {
        self.until(|line| line["type"] == "control_request")
    }

    pub(crate) fn until_text(&mut self) -> Vec<Value> {
        self.until(|line| line["event"]["delta"]["type"] == "text_delta")
    }

    /// Plays one prompt to its result.
    pub(crate) fn play(&mut self, prompt: &str) -> Vec<Value> {
        self.prompt(prompt);
        self.until_result()
    }

    pub(crate) fn close_input(&mut self) {
        self.stdin = None;
    }

    /// Kills it; what remains is the directory.
    pub(crate) fn kill(self) -> TempDir {
        let Self {
            directory, child, ..
        } = self;
        drop(child);
        directory
    }

    /// Starts one in the directory of one that was killed, resuming its session, and has it initialized.
    pub(crate) fn resume(directory: TempDir, variables: &[(&str, &str)]) -> Self {
        let mut command = command();
        command
            .args(&FLAGS[..8])
            .args(["--resume", SESSION])
            .envs(variables.iter().copied());
        let mut agent = Self::spawn_in(directory, command);
        agent.control(&json!({"subtype": "initialize", "hooks": null}));
        agent.until(|line| line["type"] == "control_response");
        agent
    }

    /// Ends input and waits: what was still said, the exit code, standard error.
    pub(crate) fn finish(mut self) -> (Vec<Value>, Option<i32>, String) {
        self.close_input();
        let mut rest = Vec::new();
        while let Some(text) = self.next_text() {
            rest.push(serde_json::from_str(&text).unwrap_or(Value::String(text)));
        }
        let code = self.child.0.wait().unwrap().code();
        (rest, code, self.stderr.recv_timeout(PATIENCE).unwrap())
    }
}

/// A process that is killed at the latest when it is dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_betcode-demo"))
}

/// The text of all deltas.
pub(crate) fn deltas(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .filter_map(|line| line["event"]["delta"]["text"].as_str())
        .collect()
}

pub(crate) fn of_type<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}
