//! What waits for a person's answer, in the place of the input: a request for permission, or a question.
//!
//! Laws:
//! - a prompt never opens over something that is being written, and never within a moment of a key;
//! - what is pressed in the first moment of a prompt answers nothing: text goes to the input and the prompt waits; its choices
//!   look like it;
//! - who only watches sees what is asked and answers nothing; when the input comes to them, it is as if the prompt had just opened;
//! - a prompt that has been answered, here or elsewhere, is gone at once; put off, it waits for a key that says so.

pub mod permission;
pub mod question;

use std::time::Duration;

use betcode_core::id::RequestId;
use betcode_core::time::Timestamp;

pub use permission::PermissionPrompt;
pub use question::QuestionPrompt;

/// For so long after it is seen, a prompt takes no answer.
pub const DEAF: Duration = Duration::from_millis(300);
/// For so long after the last key, none opens by itself.
pub const QUIET: Duration = Duration::from_secs(1);

/// A prompt that is open.
#[derive(Debug)]
pub enum Prompt {
    /// A request for permission.
    Permission(PermissionPrompt),
    /// A question.
    Question(QuestionPrompt),
}

impl Prompt {
    /// Which request it is about.
    pub const fn id(&self) -> &RequestId {
        match self {
            Self::Permission(prompt) => &prompt.id,
            Self::Question(prompt) => &prompt.id,
        }
    }

    /// From when on it takes answers; none before it was seen.
    pub const fn listens(&self) -> Option<Timestamp> {
        match self {
            Self::Permission(prompt) => prompt.listens,
            Self::Question(prompt) => prompt.listens,
        }
    }

    /// It takes no answer before it is seen again.
    pub(crate) const fn close_ears(&mut self) {
        match self {
            Self::Permission(prompt) => prompt.listens = None,
            Self::Question(prompt) => prompt.listens = None,
        }
    }

    /// It is seen at this time, for the first time or again.
    pub(crate) fn seen(&mut self, at: Timestamp) {
        let listens = match self {
            Self::Permission(prompt) => &mut prompt.listens,
            Self::Question(prompt) => &mut prompt.listens,
        };
        listens.get_or_insert(at.plus(DEAF));
    }

    /// Whether something is being written in it.
    pub const fn is_written_in(&self) -> bool {
        match self {
            Self::Permission(prompt) => prompt.message.is_some(),
            Self::Question(prompt) => prompt.words.is_some(),
        }
    }
}
