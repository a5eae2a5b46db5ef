//! What stands in the conversation: plain data, with what is needed to draw it kept beside it.

use betcode_core::event::{ClientInfo, FileDiff, MessageEnd};
use betcode_core::id::{MessageId, Sequence, ToolCallId};
use betcode_core::time::Timestamp;
use serde_json::Value;

use super::List;
use super::trace::DENIED;
use crate::view::entry::Drawn;

/// One thing in the conversation.
#[derive(Debug)]
pub struct Entry {
    /// The number of its first event, which is its name.
    pub first: Sequence,
    /// The number of the last event that belongs to it.
    pub last: Sequence,
    /// When it began.
    pub at: Timestamp,
    /// Its beginning may be before the window.
    pub headless: bool,
    /// Whether it was folded or unfolded by hand.
    pub unfolded: Option<bool>,
    /// What it is.
    pub body: Body,
    /// Its rows as drawn last.
    pub drawn: Drawn,
}

/// What an entry is.
#[derive(Debug)]
pub enum Body {
    /// A message of the user.
    User(Said),
    /// Text of the agent.
    Answer(Message),
    /// Thinking of the agent.
    Thinking(Message),
    /// A call of a tool.
    Tool(Box<Tool>),
    /// A remark of one line, or a few.
    Trace(Trace),
}

/// What somebody said to the agent.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// Its id.
    pub id: MessageId,
    /// The text.
    pub text: String,
    /// The names of what is attached.
    pub attached: Vec<String>,
    /// Who said it.
    pub from: ClientInfo,
}

/// Whether a message is text or thinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// Thinking.
    Thinking,
}

/// A piece of a message of the agent, from one tool call to the next.
#[derive(Debug)]
pub struct Message {
    /// The agent's id of the message.
    pub id: String,
    text: String,
    end: Option<MessageEnd>,
}

impl Message {
    /// One that says nothing yet.
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            text: String::new(),
            end: None,
        }
    }

    /// More of it.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// It has ended.
    pub fn finish(&mut self, end: MessageEnd) {
        self.end = Some(end);
    }

    /// What it says.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How it ended; none while it comes.
    pub const fn end(&self) -> Option<MessageEnd> {
        self.end
    }

    /// Whether it is this one and still comes.
    pub(super) fn is_open(&self, id: &str) -> bool {
        self.end.is_none() && self.id == id
    }

    fn absorb(&mut self, later: &Self) {
        self.push(later.text());
        if let Some(end) = later.end() {
            self.finish(end);
        }
    }
}

/// A call of a tool.
#[derive(Debug)]
pub struct Tool {
    /// Its id.
    pub id: ToolCallId,
    /// The tool; empty when the beginning is not known.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// The input.
    pub input: Value,
    /// Fields of which only the beginning is here.
    pub cut: Vec<String>,
    /// How far it is.
    pub state: ToolState,
    /// The number of the event that said so last.
    pub(super) told: Sequence,
    /// What it has given, as far as it is known.
    pub output: String,
    /// What it changed in files.
    pub diff: Vec<FileDiff>,
    /// What a sub-agent did in it.
    pub children: List,
}

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolState {
    /// It runs, for so long as the agent said last.
    Running {
        /// For how long.
        elapsed_ms: u64,
    },
    /// It has ended.
    Ended {
        /// It failed or was denied.
        failed: bool,
        /// How long it took.
        duration_ms: Option<u64>,
    },
}

/// A remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// What kind.
    pub kind: TraceKind,
    /// What it says.
    pub text: String,
    /// What to do about it, or more of it.
    pub hint: String,
    /// Who did it.
    pub by: Option<Box<ClientInfo>>,
}

impl Trace {
    /// Whether it says no more than the call says that it is about: somebody has denied it, by no rule and without a word.
    pub(crate) fn is_bare_denial(&self) -> bool {
        self.kind == TraceKind::Denied && self.text == DENIED && self.by.is_some()
    }

    /// What to do about it, or more of it, or who did it if that is somebody else, by the name that a function gives to such.
    pub(crate) fn hint(&self, other: impl Fn(&ClientInfo) -> Option<String>) -> String {
        let other = self.by.as_deref().and_then(other);
        other.map_or_else(|| self.hint.clone(), |other| format!("by {other}"))
    }
}

/// What a remark is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceKind {
    /// Something to know.
    Note,
    /// Something was allowed or answered.
    Allowed,
    /// Something was not allowed, or not answered.
    Denied,
    /// Something failed.
    Failure,
    /// Something stands between what was and what comes.
    Divider,
}

impl Entry {
    /// A new one.
    pub fn new(first: Sequence, last: Sequence, at: Timestamp, body: Body) -> Self {
        Self {
            first,
            last,
            at,
            headless: false,
            unfolded: None,
            body,
            drawn: Drawn::default(),
        }
    }

    /// The message that it is has ended.
    pub(super) fn end(&mut self, end: MessageEnd, at: Sequence) {
        self.last = self.last.max(at);
        self.drawn.forget();
        if let Body::Answer(message) | Body::Thinking(message) = &mut self.body {
            message.finish(end);
        }
    }

    /// Whether both are parts of one thing.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (&self.body, &other.body) {
            (Body::Tool(one), Body::Tool(other)) => one.id == other.id,
            (Body::Answer(one), Body::Answer(other))
            | (Body::Thinking(one), Body::Thinking(other)) => one.id == other.id,
            _ => false,
        }
    }

    /// Takes over what comes later of the same thing.
    pub(super) fn absorb(&mut self, later: Self) {
        self.last = self.last.max(later.last);
        self.unfolded = later.unfolded.or(self.unfolded);
        self.drawn.forget();
        match (&mut self.body, later.body) {
            (Body::Tool(tool), Body::Tool(later)) => tool.absorb(*later),
            (Body::Answer(message), Body::Answer(later))
            | (Body::Thinking(message), Body::Thinking(later)) => {
                message.absorb(&later);
            }
            _ => {}
        }
    }
}

impl Tool {
    /// A call of which nothing is known yet.
    pub(crate) fn unknown(id: &ToolCallId) -> Self {
        Self {
            id: id.clone(),
            name: String::new(),
            description: String::new(),
            input: Value::Null,
            cut: Vec::new(),
            state: ToolState::Running { elapsed_ms: 0 },
            told: Sequence(0),
            output: String::new(),
            diff: Vec::new(),
            children: List::default(),
        }
    }

    fn absorb(&mut self, later: Self) {
        if later.told > self.told {
            self.told = later.told;
            self.state = later.state;
            if !later.output.is_empty() || matches!(later.state, ToolState::Ended { .. }) {
                self.output = later.output;
            }
        }
        if !later.diff.is_empty() {
            self.diff = later.diff;
        }
        self.cut.extend(later.cut);
        self.children.join(later.children);
    }
}
