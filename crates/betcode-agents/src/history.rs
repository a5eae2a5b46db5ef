//! What an agent program keeps of the conversations that it had by itself: read back, so that they can go on here.
//!
//! Two passes over the lines of a file, each with bounded memory for a line: a [`Survey`] finds out what the conversation is
//! and which lines belong to it, a [`Teller`] tells those as prompts and observations. Not here: where such files are, and
//! what becomes of what they tell.
//!
//! Laws:
//! - nothing here fails, whatever the bytes are: what is not understood is counted and left out;
//! - the same lines give the same outline and tell the same;
//! - every turn that is told begins once and ends once.

use betcode_core::event::Attachment;
use betcode_core::id::MessageId;
use betcode_core::observation::Observed;
use betcode_core::time::Timestamp;

pub use crate::claude::history::{Outline, Survey, Teller, directory_name};

/// Something that happened in a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// When, as far as the file says.
    pub at: Option<Timestamp>,
    /// What.
    pub what: Tale,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Tale {
    /// The user said something: it begins a turn, or joins the one that runs.
    Prompt(Prompt),
    /// The agent said or did something.
    Seen(Observed),
}

/// What the user said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The message's id, where the file has one that is usable.
    pub id: Option<MessageId>,
    /// The text.
    pub text: String,
    /// What was attached, by name and size.
    pub attachments: Vec<Attachment>,
}
