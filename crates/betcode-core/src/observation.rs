//! What an agent says and what it is told, in neutral words: the seam between the agents' own protocols and the session machine.
//!
//! A parser turns bytes into [`Observation`]s; the session machine turns those into events. Events that ask something of the
//! agent become [`AgentRequest`]s; a driver turns those into bytes. The session machine knows no agent by name.

use serde_json::Value;

use crate::context::ContextUsage;
use crate::event::{
    Answer, Attachment, BackgroundTask, Capability, FileDiff, McpServer, MessageEnd,
    PermissionRequest, Question, TextPiece, TodoItem, TurnComplete, Usage,
};
use crate::id::{MessageId, RequestId, ToolCallId};
use crate::reading::UsageReading;

/// The longest text of one delta event; longer ones are cut into several, shorter ones are joined up to here.
pub const DELTA_BYTES: usize = 16 * 1024;

/// Something that an agent said.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// A piece of an answer.
    Text(TextPiece),
    /// A piece of thinking.
    Thinking(TextPiece),
    /// A message ended.
    MessageComplete {
        /// Which one.
        message_id: String,
        /// The model that wrote it.
        model: Option<String>,
        /// How.
        end: MessageEnd,
    },
    /// A tool is called.
    ToolStarted {
        /// The call.
        id: ToolCallId,
        /// The tool.
        tool: String,
        /// Its input.
        input: Value,
        /// One line for people.
        description: String,
    },
    /// A tool still runs.
    ToolProgress {
        /// The call.
        id: ToolCallId,
        /// For how long.
        elapsed_ms: u64,
        /// Output so far.
        output: String,
    },
    /// A tool ended.
    ToolFinished {
        /// The call.
        id: ToolCallId,
        /// What it gave back.
        output: String,
        /// It failed or was denied.
        is_error: bool,
        /// What it changed in files.
        diff: Vec<FileDiff>,
        /// Images and files that it gave back, with their contents.
        attachments: Vec<Attachment>,
    },
    /// It asks for permission; `expires_at` and the rules are not set yet.
    PermissionAsked(PermissionRequest),
    /// It is about to use a tool and waits to hear whether a rule forbids that, or asks about it. What it does otherwise is
    /// its own business: it may ask for permission, or not.
    ToolAnnounced(PermissionRequest),
    /// It asks a question or for approval of a plan; `expires_at` is not set yet.
    QuestionAsked(Question),
    /// It takes a request or question back.
    RequestWithdrawn {
        /// Which one.
        id: RequestId,
    },
    /// Its list of things to do.
    Todo(Vec<TodoItem>),
    /// What it does in the background, all of it.
    BackgroundTasks(Vec<BackgroundTask>),
    /// Its permission mode changed.
    ModeChanged(String),
    /// It works.
    Working,
    /// It waits for the user.
    WaitingForUser,
    /// It compacts its context.
    Compacting,
    /// It is idle; a running turn is over.
    Idle,
    /// It tries again after a failure.
    Retrying {
        /// The attempt, from 1.
        attempt: u32,
        /// How many there will be.
        max_attempts: u32,
        /// When the next one is due, from now.
        delay_ms: u64,
        /// The HTTP status of the failure.
        http_status: Option<u16>,
        /// The failure in the agent's word, such as `rate_limit`.
        error: String,
    },
    /// The outcome of a turn. The turn itself is over when the agent is [`Observation::Idle`].
    Result(Box<TurnComplete>),
    /// Tokens so far.
    UsageReport(Usage),
    /// What it says about the limits of its plan. This is for the machine's feed; the session only keeps in mind from when
    /// on its requests are served again.
    PlanUsage(Box<UsageReading>),
    /// How full its context is, as it was asked. This is for those who asked, and no event.
    ContextUsage(Box<ContextUsage>),
    /// It was asked how full its context is, and cannot say.
    ContextUnknown {
        /// Why.
        message: String,
    },
    /// Its context was compacted.
    Compacted {
        /// `manual` or `auto`.
        trigger: String,
        /// Tokens before.
        before_tokens: u64,
        /// Tokens after.
        after_tokens: u64,
    },
    /// It says what it is. Fields that are `None` were not said this time.
    Described(Box<AgentDescription>),
    /// What became of a message of the user.
    Delivery {
        /// Which one.
        message_id: MessageId,
        /// What.
        state: Delivery,
    },
    /// It began a new conversation of its own under this id.
    ConversationReset {
        /// The new id.
        agent_session: String,
    },
    /// It chose a title.
    Title(String),
    /// Something the user should read.
    Notice(String),
    /// Something failed that is not the end of the turn.
    Failed {
        /// A stable word.
        code: String,
        /// What.
        message: String,
    },
    /// A line that the parser does not know.
    Unknown {
        /// The line.
        raw: String,
    },
}

/// What an agent says it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AgentDescription {
    /// Its version.
    pub version: Option<String>,
    /// Its own id for the conversation.
    pub agent_session: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// Its permission mode.
    pub permission_mode: Option<String>,
    /// Its tools.
    pub tools: Option<Vec<String>>,
    /// Its slash commands.
    pub slash_commands: Option<Vec<String>>,
    /// Models it offers.
    pub models: Option<Vec<String>>,
    /// Its login, in its own words, without secrets.
    pub account: Option<String>,
    /// What it can do.
    pub capabilities: Option<Vec<Capability>>,
    /// What else it says of itself, under its own names.
    pub particulars: Option<Value>,
    /// The servers from which it has tools.
    pub mcp_servers: Option<Vec<McpServer>>,
}

/// What became of a message of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It waits.
    Queued,
    /// It was taken.
    Started,
    /// Its turn is over.
    Completed,
    /// It was dropped.
    Cancelled,
}

/// An observation with the sub-agent that it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The tool call of the sub-agent.
    pub parent: Option<ToolCallId>,
    /// What was said.
    pub observation: Observation,
}

/// Collects observations in order. Consecutive deltas of one message are joined here, before any of them has a number.
#[derive(Debug, Default)]
pub struct Observations(Vec<Observed>);

impl Observations {
    /// An empty collection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, parent: Option<ToolCallId>, observation: Observation) {
        self.0.push(Observed {
            parent,
            observation,
        });
    }

    /// Adds a piece of an answer.
    pub fn text(&mut self, parent: Option<&str>, message_id: &str, text: &str) {
        self.delta(parent, message_id, text, false);
    }

    /// Adds a piece of thinking.
    pub fn thinking(&mut self, parent: Option<&str>, message_id: &str, text: &str) {
        self.delta(parent, message_id, text, true);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes all of them out.
    pub fn take(&mut self) -> Vec<Observed> {
        std::mem::take(&mut self.0)
    }

    fn delta(&mut self, parent: Option<&str>, message_id: &str, mut text: &str, thinking: bool) {
        if text.is_empty() {
            return;
        }
        if let Some(open) = self.open_delta(parent, message_id, thinking)
            && open.len() + text.len() <= DELTA_BYTES
        {
            open.push_str(text);
            return;
        }
        while !text.is_empty() {
            let mut end = DELTA_BYTES.min(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let (piece, rest) = text.split_at(end);
            text = rest;
            let piece = TextPiece {
                message_id: message_id.to_owned(),
                text: piece.to_owned(),
            };
            let observation = if thinking {
                Observation::Thinking(piece)
            } else {
                Observation::Text(piece)
            };
            self.push(parent.map(ToolCallId::from), observation);
        }
    }

    fn open_delta(
        &mut self,
        parent: Option<&str>,
        message_id: &str,
        thinking: bool,
    ) -> Option<&mut String> {
        let last = self.0.last_mut()?;
        if last.parent.as_ref().map(|id| id.0.as_str()) != parent {
            return None;
        }
        let ((Observation::Text(piece), false) | (Observation::Thinking(piece), true)) =
            (&mut last.observation, thinking)
        else {
            return None;
        };
        (piece.message_id == message_id).then_some(&mut piece.text)
    }
}

/// Something that an agent is to be told. Each one follows from an event.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentRequest {
    /// Say what you are. The first request to a new process.
    Initialize,
    /// A message of the user.
    UserMessage {
        /// Its id.
        message_id: MessageId,
        /// Its text.
        text: String,
        /// What is attached.
        attachments: Vec<Attachment>,
    },
    /// Stop the running turn.
    Interrupt,
    /// A tool may run, with this input instead of its own if there is one.
    Allow {
        /// The request.
        id: RequestId,
        /// The edited input.
        input: Option<Value>,
    },
    /// No rule forbids what was announced.
    Proceed {
        /// The request.
        id: RequestId,
        /// It has to ask for permission first, whatever it would do otherwise.
        ask: bool,
    },
    /// A question is answered.
    Answer {
        /// The request.
        id: RequestId,
        /// The input of the agent's request, which the answer repeats.
        input: Value,
        /// One answer for each item that was answered; none when a plan is approved.
        answers: Vec<Answer>,
    },
    /// A tool may not run.
    Deny {
        /// The request.
        id: RequestId,
        /// What the agent is told.
        message: String,
        /// The turn is to end as well.
        interrupt: bool,
    },
    /// Stop what you do in the background under this id.
    StopTask(String),
    /// Your conversation has this title.
    Rename(String),
    /// Say how full your context is.
    SayContext,
    /// Use this model; empty means your default.
    SetModel(String),
    /// Use this permission mode.
    SetPermissionMode(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(observations: &mut Observations) -> Vec<String> {
        observations
            .take()
            .into_iter()
            .map(|seen| match seen.observation {
                Observation::Text(piece) => piece.text,
                Observation::Thinking(piece) => format!("({})", piece.text),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn deltas_of_one_message_are_joined_and_others_are_not() {
        let mut seen = Observations::new();
        seen.text(None, "a", "1");
        seen.text(None, "a", "2");
        seen.thinking(None, "a", "3");
        seen.text(None, "a", "4");
        seen.text(None, "b", "5");
        seen.text(Some("t"), "b", "6");
        seen.text(Some("t"), "b", "");
        assert_eq!(texts(&mut seen), ["12", "(3)", "4", "5", "6"]);
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_nothing_is_lost() {
        let whole = "aé".repeat(DELTA_BYTES);
        let mut seen = Observations::new();
        seen.text(None, "a", &whole);
        let pieces = texts(&mut seen);
        assert!(pieces.iter().all(|piece| piece.len() <= DELTA_BYTES));
        assert_eq!(pieces.concat(), whole);
    }
}
