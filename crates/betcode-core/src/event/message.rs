//! Messages: those of the user, with who sent them and what their turn may do, and the pieces of the agent's.

use serde::{Deserialize, Serialize};

use super::Attachment;
use crate::id::{ClientId, IdempotencyKey, MessageId};

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
    /// It asks the agent to compact its context; when it has, the log before that is removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub then_trim: bool,
}

/// How requests of a turn are decided when nobody is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnPolicy {
    /// Nobody will answer: whatever would be asked is denied at once.
    #[serde(default)]
    pub unattended: bool,
    /// Rules for what is allowed without asking.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_tools: Vec<String>,
    /// Rules for what is denied without asking. A denial beats an allowance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disallowed_tools: Vec<String>,
    /// Whatever no rule allows is denied, reading included.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_allowed: bool,
    /// How long its requests wait for an answer, instead of the setting. Activity does not prolong this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

impl TurnPolicy {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Who sent a command.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClientInfo {
    /// The program, such as `betcode -p`.
    pub name: String,
    /// Where it runs, such as `laptop · terminal`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// Its identity; nil for logs and programs that have none.
    #[serde(default, skip_serializing_if = "ClientId::is_nil")]
    pub id: ClientId,
    /// How it takes part. In JSON it is not called `kind`, which beside a client's fields says that a client decided.
    #[serde(
        rename = "client_kind",
        default,
        skip_serializing_if = "ClientKind::is_interactive"
    )]
    pub kind: ClientKind,
}

impl ClientInfo {
    /// The machine: the place without what tells clients on it apart, which stands behind a comma.
    pub fn machine(&self) -> &str {
        self.place
            .split_once(", ")
            .map_or(self.place.as_str(), |(machine, _)| machine)
    }

    /// For people: the program and the place.
    pub fn label(&self) -> String {
        if self.place.is_empty() {
            self.name.clone()
        } else {
            format!("{} ({})", self.name, self.place)
        }
    }
}

/// How a client takes part in a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// A person sits in front of it.
    #[default]
    Interactive,
    /// It runs one job without a person, and gives way to whoever answers a request.
    Run,
    /// It does one thing and is gone: what it takes it gives back.
    OneShot,
}

impl ClientKind {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde asks with a reference"
    )]
    fn is_interactive(&self) -> bool {
        *self == Self::Interactive
    }
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
