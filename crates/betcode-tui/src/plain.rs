//! Line mode, for screen readers and for terminals that can do nothing but show lines: what a person is asked, and when a line
//! is an answer. Lines are edited by the terminal itself and come when they are finished. What lines mean is
//! [`crate::update`]'s, what is printed [`crate::view::plain`]'s.
//!
//! States of what is asked: nothing; *on its way* (its lines are being printed); *shown* (they were printed in full, and what
//! was in the terminal's input at that moment has been taken away from it).
//! Laws:
//! - a line answers only what was shown in full before the line was begun: neither what came before, nor the line that was
//!   being written at that moment, is ever an answer;
//! - what opens by itself takes no answer in its first moment, and lines that come together (a paste) answer nothing;
//! - nothing that was written is lost: it becomes a message, or it is kept and said to be.

use betcode_core::event::Status;
use betcode_core::id::{ClientId, MessageId, RequestId, Sequence, SessionId};
use betcode_core::time::Timestamp;

use crate::layers::{Layer, What};
use crate::model::Model;
use crate::prompt::{DEAF, Prompt};

/// The state of line mode.
#[derive(Debug, Default)]
pub struct Plain {
    /// What is asked now.
    pub(crate) asked: Option<Asked>,
    /// The number of what was asked last.
    serial: u64,
    /// A line was being written when something was asked: its beginning is kept.
    pub(crate) begun: String,
    /// Lines that end with a backslash go on.
    pub(crate) lines: String,
    /// The next message is written behind what is kept.
    pub(crate) adds: bool,
    /// What somebody wants to read beside what happens.
    pub(crate) wanted: Vec<Wanted>,
    /// Notifications have been asked for, to be printed.
    pub(crate) awaits_notices: bool,
    /// The numbers of the notifications that were printed last, in their order.
    pub(crate) notices: Vec<u64>,
    /// What was said of the state last.
    pub(crate) told: Told,
    /// The first entry of this session that was printed.
    pub(crate) earliest: Option<(SessionId, Sequence)>,
}

/// Something that is asked of a person.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its number; each has another one.
    pub serial: u64,
    /// What it is.
    pub topic: Topic,
    /// When it had been shown in full.
    shown: Option<Timestamp>,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    /// A permission.
    Permission(RequestId),
    /// Why it is not given.
    Why(RequestId),
    /// One of the questions; behind the last one, whether the answers are right.
    Question(RequestId, usize),
    /// An answer in own words.
    Words(RequestId, usize),
    /// Whether somebody else may have the input.
    Lock(ClientId),
    /// Which thing of a list, looked for with these words.
    Pick(What, String),
}

/// Something that somebody wants to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// What this is.
    Welcome,
    /// The commands.
    Help,
    /// What the session is and does.
    Status,
    /// What came before what was printed.
    More,
    /// Everything about a call or a thought: the so-manieth from the end.
    Show(usize),
    /// Where these words are.
    Find(String),
    /// What somebody else is asked.
    Asked,
    /// How much of plans is used.
    Usage,
    /// Notifications.
    Notices,
    /// This.
    Text(Vec<String>),
}

/// What was said of the state last, so that it is said once.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) session: Option<SessionId>,
    pub(crate) link: Option<LinkTold>,
    pub(crate) status: Option<Status>,
    pub(crate) holder: Option<ClientId>,
    pub(crate) queue: Vec<MessageId>,
    pub(crate) doing: Option<String>,
    pub(crate) remark: Option<(String, Timestamp)>,
    pub(crate) trouble: Option<String>,
    /// Why nothing comes of usage.
    pub(crate) usage: Option<String>,
    /// What is kept, and which revision of it.
    pub(crate) kept: (u64, String),
    /// The step of a guided tour.
    pub(crate) step: usize,
}

/// What was said of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkTold {
    Lost,
    There,
    Ended,
}

/// What came from the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Lines that came together: one, unless they were pasted.
    Lines(Vec<String>),
    /// What was asked under this number has been shown in full; a line had been begun.
    Shown {
        /// The number.
        serial: u64,
        /// The beginning of that line.
        begun: String,
    },
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D: there are no more lines.
    End,
}

/// Whether a line may be an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing is asked.
    Free,
    /// It may.
    Answer,
    /// Something is asked, but the line was there before, or came with others.
    TooEarly,
}

impl Plain {
    /// At the beginning.
    pub fn new() -> Self {
        Self {
            wanted: vec![Wanted::Welcome],
            ..Self::default()
        }
    }

    /// What is asked now; a number that is new says that it has to be shown.
    pub(crate) fn ask(&mut self, topic: Option<Topic>) -> Option<u64> {
        let Some(topic) = topic else {
            self.asked = None;
            return None;
        };
        if self
            .asked
            .as_ref()
            .is_some_and(|asked| asked.topic == topic)
        {
            return None;
        }
        self.serial += 1;
        self.asked = Some(Asked {
            serial: self.serial,
            topic,
            shown: None,
        });
        Some(self.serial)
    }

    /// It is shown again, because somebody wants to hear it again.
    pub(crate) fn ask_again(&mut self) {
        self.asked = None;
    }

    /// What was asked under this number has been shown; a line had been begun.
    pub(crate) fn shown(&mut self, serial: u64, begun: &str, now: Timestamp) {
        self.begun.push_str(begun);
        if let Some(asked) = self.asked.as_mut().filter(|asked| asked.serial == serial) {
            asked.shown = Some(now);
        }
    }

    /// Whether lines that came now may answer what is asked.
    pub(crate) fn standing(&self, lines: usize, now: Timestamp) -> Standing {
        let Some(asked) = &self.asked else {
            return Standing::Free;
        };
        let by_itself = !matches!(
            asked.topic,
            Topic::Pick(..) | Topic::Why(_) | Topic::Words(..)
        );
        let hears = asked
            .shown
            .is_some_and(|shown| !by_itself || now.since(shown) >= DEAF);
        if hears && lines == 1 && self.begun.is_empty() {
            Standing::Answer
        } else {
            Standing::TooEarly
        }
    }

    /// A line that is no answer to what is asked is no message either: it was meant for it.
    pub(crate) fn asks_for_more_than_a_message(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| {
            asked.shown.is_some()
                || matches!(
                    asked.topic,
                    Topic::Pick(..) | Topic::Why(_) | Topic::Words(..)
                )
        })
    }

    /// Somebody wants to read what came before, and it has to be read from the log first.
    pub(crate) fn wants_more(&self) -> bool {
        self.wanted.contains(&Wanted::More)
    }

    /// The log begins anew.
    pub(crate) fn begin_anew(&mut self) {
        self.earliest = None;
    }
}

/// What is to be asked in a state.
pub(crate) fn topic(model: &Model) -> Option<Topic> {
    match model.layers.last() {
        Some(Layer::Lock { asker, .. }) => return Some(Topic::Lock(asker.id)),
        Some(Layer::Pick(pick)) if !pick.waiting => {
            return Some(Topic::Pick(pick.what, pick.list.query().to_owned()));
        }
        Some(
            Layer::Pick(_)
            | Layer::Search(_)
            | Layer::Help { .. }
            | Layer::Usage { .. }
            | Layer::Notices(_),
        ) => return None,
        None => {}
    }
    Some(match model.prompt.as_ref()? {
        Prompt::Permission(prompt) if prompt.message.is_some() => Topic::Why(prompt.id.clone()),
        Prompt::Permission(prompt) => Topic::Permission(prompt.id.clone()),
        Prompt::Question(prompt) if prompt.words.is_some() => {
            Topic::Words(prompt.id.clone(), prompt.item)
        }
        Prompt::Question(prompt) => Topic::Question(prompt.id.clone(), prompt.item),
    })
}

#[cfg(test)]
mod tests;
