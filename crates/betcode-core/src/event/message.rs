//! Messages: those of the user, with who sent them and what their turn may do, and the pieces of the agent's.

use serde::{Deserialize, Serialize};

use crate::id::{IdempotencyKey, MessageId};

/// A message of the user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserInput {
    /// Its id; also the `uuid` by which its fate at the agent is followed.
    pub message_id: MessageId,
    /// The key of the command that brought it.
    pub idempotency_key: IdempotencyKey,
    /// The text.
    pub text: String,
    /// What was attached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Who sent it.
    pub client: ClientInfo,
    /// What the turn may do without anybody being asked.
    #[serde(default, skip_serializing_if = "TurnPolicy::is_default")]
    pub policy: TurnPolicy,
}

/// An attachment, by name only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
}

/// How requests of a turn are decided when nobody is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnPolicy {
    /// Nobody will answer: whatever would be asked is denied at once.
    #[serde(default)]
    pub unattended: bool,
    /// Tools that are allowed without asking, by plain name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_tools: Vec<String>,
    /// Tools that are denied without asking, by plain name. A denial beats an allowance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disallowed_tools: Vec<String>,
}

impl TurnPolicy {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Who sent a command.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClientInfo {
    /// The program, such as `betcode -p`.
    pub name: String,
    /// Where it runs, such as `laptop · terminal`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
}

/// A piece of text of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextPiece {
    /// The agent's id of the message.
    pub message_id: String,
    /// The text.
    pub text: String,
}

/// How a message of the agent ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageEnd {
    /// It is whole.
    #[default]
    Finished,
    /// It was interrupted; what there is stays.
    Aborted,
    /// The agent gave it up and starts anew: its text does not count.
    Abandoned,
}

impl MessageEnd {
    /// True for a whole message.
    pub fn is_finished(&self) -> bool {
        *self == Self::Finished
    }
}
