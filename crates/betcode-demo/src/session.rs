//! The process as a whole: takes input, keeps prompts waiting while a turn runs, and plays one
//! turn after the other. What happens inside a turn is `turn`'s matter.
//!
//! States: idle → running (⇄ requires action, while a question is open) → idle. Laws: one
//! result line ends each turn; a prompt that arrives during a turn waits, and all that wait are
//! merged into the next turn, up to one that is a command of the program itself (`/clear`, `/compact`), which has a turn of
//! its own; input is taken in the order in which it came; a turn that died with a former process is played before all others,
//! once the driver has said that it is there, or never.

mod control;

use std::collections::VecDeque;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::{Value, json};

use crate::args::Options;
use crate::ids::Ids;
use crate::input::{Inbox, Input};
use crate::memory::{Interrupted, Memory};
use crate::output::Output;
use crate::tool::Ended;
use crate::turn::{Slash, Stop, Turn};
use crate::{clock, lines};

/// A message of the user that waits for its turn.
pub(crate) struct Prompt {
    pub(crate) text: String,
    /// What images came with it, in words.
    pub(crate) images: Vec<String>,
    /// Its `uuid`, if the driver gave one: then its fate is reported.
    pub(crate) uuid: Option<String>,
}

/// What the session is doing, as `session_state_changed` names it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Idle,
    Running,
    RequiresAction,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::RequiresAction => "requires_action",
        }
    }
}

/// An open question to the driver, or an announced call, and, once it came, the answer.
pub(crate) struct Question {
    pub(crate) request_id: String,
    /// The tool that waits for it.
    pub(crate) tool: String,
    /// What the tool is to run with.
    pub(crate) input: Value,
    /// The `response` of the control response that answers it.
    pub(crate) answer: Option<Value>,
}

/// What a session keeps beyond this process.
pub(crate) struct Keeps {
    pub(crate) memory: Memory,
    /// Whether a turn that died goes on.
    pub(crate) goes_on: bool,
}

/// The session and all that outlives a turn.
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent of each other"
)]
pub(crate) struct Session {
    pub(crate) options: Options,
    pub(crate) out: Output,
    pub(crate) ids: Ids,
    pub(crate) id: String,
    pub(crate) directory: PathBuf,
    pub(crate) model: String,
    pub(crate) mode: String,
    pub(crate) waiting: VecDeque<Prompt>,
    /// The open questions, in the order in which they were asked.
    pub(crate) questions: Vec<Question>,
    pub(crate) memory: Memory,
    pub(crate) ended_tool: Option<Ended>,
    pub(crate) interrupted: bool,
    /// Standard input has ended.
    pub(crate) closed: bool,
    /// Rules that the user chose to keep: tool and exact content.
    pub(crate) kept_rules: Vec<(String, Option<String>)>,
    pub(crate) todos: Vec<Value>,
    /// What is said to run in the background.
    pub(crate) background: Vec<Value>,
    pub(crate) forward_subagent_text: bool,
    /// The callback that the driver wants to hear of every call by.
    pub(crate) announces: Option<String>,
    /// The last number that the scenario `count` has said.
    pub(crate) counted: u64,
    pub(crate) results: u64,
    pub(crate) tools_started: u64,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    /// How many tokens of the conversation a compaction has dropped.
    pub(crate) compacted: u64,
    inbox: Inbox,
    /// A turn that died with a former process and goes on in this one.
    died: Option<Interrupted>,
    state: State,
    state_events: bool,
    in_turn: bool,
    initialized: bool,
    failed: bool,
}

impl Session {
    pub(crate) fn new(
        mut options: Options,
        inbox: Inbox,
        state_events: bool,
        keeps: Keeps,
    ) -> Self {
        let mut ids = Ids::new();
        let id = options.session_id.take().unwrap_or_else(|| ids.uuid());
        let Keeps { memory, goes_on } = keeps;
        let died = if options.resumed && goes_on {
            memory.recall(&id)
        } else {
            None
        };
        let mode = match options.permission_mode.take() {
            Some(mode) if lines::MODES.contains(&mode.as_str()) => mode,
            Some(_) | None => "default".to_owned(),
        };
        Self {
            id,
            ids,
            mode,
            model: options
                .model
                .take()
                .unwrap_or_else(|| lines::MODEL.to_owned()),
            directory: std::env::current_dir().unwrap_or_default(),
            options,
            out: Output::default(),
            waiting: VecDeque::new(),
            questions: Vec::new(),
            memory,
            compacted: 0,
            died,
            ended_tool: None,
            interrupted: false,
            closed: false,
            kept_rules: Vec::new(),
            todos: Vec::new(),
            background: Vec::new(),
            forward_subagent_text: false,
            announces: None,
            counted: 0,
            results: 0,
            tools_started: 0,
            input_tokens: 0,
            output_tokens: 0,
            inbox,
            state: State::Idle,
            state_events,
            in_turn: false,
            initialized: false,
            failed: false,
        }
    }

    /// Runs until standard input ends; the exit code is 1 if the last turn failed.
    pub(crate) fn run(mut self) -> ExitCode {
        let stop = loop {
            if let Err(stop) = self.step() {
                break stop;
            }
        };
        let _ = self.out.flush();
        match stop {
            Stop::Exit(code) => ExitCode::from(code),
            Stop::Interrupted | Stop::MaxTurns => ExitCode::FAILURE,
        }
    }

    /// Plays a turn if a prompt waits, else takes one input; stops when neither can come.
    fn step(&mut self) -> Result<(), Stop> {
        self.poll()?;
        let died = self.died.take_if(|_| self.initialized);
        if self.waiting.is_empty() && died.is_none() {
            if self.closed {
                return Err(Stop::Exit(u8::from(self.failed)));
            }
            return self.wait(None).map(drop);
        }
        self.in_turn = true;
        self.failed = if let Some(died) = died {
            Turn::play_again(self, died)?
        } else {
            // Once another turn has begun, the one that died is past.
            self.died = None;
            if self.options.resumed {
                self.memory.forget(&self.id);
            }
            let slash = |prompt: &Prompt| Slash::of(&prompt.text);
            if let Some(slash) = self.waiting.front().and_then(slash) {
                let prompt = self.waiting.pop_front();
                Turn::obey(self, prompt.into_iter().collect(), slash)?
            } else {
                let waiting = self.waiting.iter();
                let merged = waiting.take_while(|it| slash(it).is_none()).count();
                let prompts = self.waiting.drain(..merged).collect();
                Turn::play(self, prompts)?
            }
        };
        self.in_turn = false;
        self.interrupted = false;
        self.ended_tool = None;
        if self.waiting.is_empty() {
            self.set_state(State::Idle)?;
        }
        Ok(())
    }

    /// Takes all input that has arrived.
    pub(crate) fn poll(&mut self) -> Result<(), Stop> {
        while let Some(input) = self.inbox.poll() {
            self.take(input)?;
        }
        Ok(())
    }

    /// Writes what is due and waits for one input, at most until `deadline`; says whether one came.
    pub(crate) fn wait(&mut self, deadline: Option<Instant>) -> Result<bool, Stop> {
        self.out.flush()?;
        match self.inbox.wait(deadline) {
            Some(input) => self.take(input).map(|()| true),
            None => Ok(false),
        }
    }

    /// Where a tool reports its end.
    pub(crate) fn tool_sender(&self) -> std::sync::mpsc::Sender<Input> {
        self.inbox.sender()
    }

    /// Writes a line with this session's id and a new uuid in it.
    pub(crate) fn line(&mut self, mut value: Value) -> Result<(), Stop> {
        if let Value::Object(object) = &mut value {
            object.insert("session_id".to_owned(), Value::from(self.id.as_str()));
            object.insert("uuid".to_owned(), Value::from(self.ids.uuid()));
        }
        self.out.line(&value)
    }

    /// Changes the state, and says so if the driver asked for it.
    pub(crate) fn set_state(&mut self, state: State) -> Result<(), Stop> {
        if self.state == state {
            return Ok(());
        }
        self.state = state;
        if self.state_events {
            let name = state.name();
            self.line(
                json!({"type": "system", "subtype": "session_state_changed", "state": name}),
            )?;
        }
        Ok(())
    }

    /// Reports the fate of a prompt that has a uuid.
    pub(crate) fn lifecycle(&mut self, uuid: Option<&str>, state: &str) -> Result<(), Stop> {
        match uuid {
            Some(uuid) => self
                .line(json!({"type": "command_lifecycle", "command_uuid": uuid, "state": state})),
            None => Ok(()),
        }
    }

    /// Changes the permission mode and says so.
    pub(crate) fn set_mode(&mut self, mode: &str) -> Result<(), Stop> {
        mode.clone_into(&mut self.mode);
        self.line(
            json!({"type": "system", "subtype": "status", "status": null, "permissionMode": mode}),
        )
    }

    fn take(&mut self, input: Input) -> Result<(), Stop> {
        match input {
            Input::Closed => {
                self.closed = true;
                Ok(())
            }
            Input::Broken(message) => Self::die(&message),
            Input::Tool(ended) => {
                self.ended_tool = Some(ended);
                Ok(())
            }
            Input::Line(line) => match line.get("type").and_then(Value::as_str) {
                Some("user") => self.take_prompt(&line),
                Some("control_request") => self.take_control(&line),
                Some("control_response") => {
                    self.take_answer(&line);
                    Ok(())
                }
                // Like the real program: what is not known is not answered.
                Some(_) | None => Ok(()),
            },
        }
    }

    fn take_prompt(&mut self, line: &Value) -> Result<(), Stop> {
        let message = line.get("message").unwrap_or(&Value::Null);
        let role = message
            .get("role")
            .and_then(Value::as_str)
            .unwrap_or("undefined");
        if role != "user" {
            return Self::die(&format!(
                "Error: Expected message role 'user', got '{role}'"
            ));
        }
        let text = match message.get("content") {
            Some(Value::Array(blocks)) => blocks
                .iter()
                .filter_map(|block| block.get("text").and_then(Value::as_str))
                .collect::<Vec<_>>()
                .join("\n"),
            Some(content) => content.as_str().unwrap_or_default().to_owned(),
            None => String::new(),
        };
        let uuid = line.get("uuid").and_then(Value::as_str).map(str::to_owned);
        self.lifecycle(uuid.as_deref(), "queued")?;
        let images = images(message);
        self.waiting.push_back(Prompt { text, images, uuid });
        if self.in_turn {
            self.out.flush()
        } else {
            Ok(())
        }
    }

    fn take_answer(&mut self, line: &Value) {
        let response = line.get("response").unwrap_or(&Value::Null);
        let id = response.get("request_id").and_then(Value::as_str);
        let mut questions = self.questions.iter_mut();
        if let Some(question) = questions.find(|question| Some(&*question.request_id) == id) {
            // Like the real program: only the first answer counts.
            question.answer.get_or_insert_with(|| response.clone());
        }
    }

    /// Takes all open questions back.
    pub(crate) fn withdraw(&mut self) -> Result<(), Stop> {
        for question in std::mem::take(&mut self.questions) {
            let id = question.request_id;
            self.out
                .line(&json!({"type": "control_cancel_request", "request_id": id}))?;
        }
        self.set_state(State::Running)
    }

    fn die(message: &str) -> Result<(), Stop> {
        let _ = writeln!(std::io::stderr(), "{message}");
        Err(Stop::Exit(1))
    }

    /// Waits until `instant`, taking input meanwhile; an interrupt ends the wait.
    pub(crate) fn sleep_until(&mut self, instant: Instant) -> Result<(), Stop> {
        self.poll()?;
        while !self.interrupted && clock::now() < instant {
            self.wait(Some(instant))?;
        }
        if self.interrupted {
            Err(Stop::Interrupted)
        } else {
            Ok(())
        }
    }
}

/// The images of a message: what they are and how large.
fn images(message: &Value) -> Vec<String> {
    let blocks = message.get("content").and_then(Value::as_array);
    let images = blocks.into_iter().flatten().filter_map(|block| {
        let text = |pointer: &str| block.pointer(pointer).and_then(Value::as_str);
        let (kind, data) = (text("/source/media_type")?, text("/source/data")?);
        let padding = data.bytes().rev().take_while(|byte| *byte == b'=').count();
        let size = data.len() / 4 * 3 - padding.min(2);
        Some(format!("{kind}, {size} bytes"))
    });
    images.collect()
}
