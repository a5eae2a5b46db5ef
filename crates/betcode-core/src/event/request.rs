//! What the agent asks of the user, how that ends, and who decided it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ClientInfo;
use crate::id::{RequestId, ToolCallId};
use crate::time::Timestamp;

/// The agent asks whether it may use a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PermissionRequest {
    /// Its id.
    pub id: RequestId,
    /// The tool.
    pub tool: String,
    /// The call that waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call: Option<ToolCallId>,
    /// The exact input.
    pub input: Value,
    /// One line for people.
    pub description: String,
    /// The rules that "always" would write, and "for this session" would grant. Empty: no rule can stand for this call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suggested_rules: Vec<String>,
    /// When it is denied without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// True when it is shown again to a client that reattached. Never true in the log.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_replay: bool,
    /// Why it is asked although something like it was answered before.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// How a request for permission ended, and everything about that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PermissionDecision {
    /// Which request.
    pub id: RequestId,
    /// How.
    pub outcome: PermissionOutcome,
    /// By whom or what.
    pub by: Decider,
    /// The message to the agent, or why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// For how long it is allowed.
    #[serde(default, skip_serializing_if = "PermissionScope::is_once")]
    pub scope: PermissionScope,
    /// The rules that are allowed from now on, for a scope beyond this one call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// The input that runs instead of the agent's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// The turn ends as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupt: bool,
}

/// For how long something is allowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionScope {
    /// This one call.
    #[default]
    Once,
    /// While this session lasts.
    Session,
    /// From now on, by a rule in the project's local settings.
    Always,
}

impl PermissionScope {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde asks with a reference"
    )]
    fn is_once(&self) -> bool {
        *self == Self::Once
    }
}

/// How a request for permission ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionOutcome {
    /// The tool may run.
    Allowed,
    /// The tool may not run.
    Denied,
    /// The agent took the request back.
    Withdrawn,
    /// Nobody answered in time.
    Expired,
}

/// Who or what decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Decider {
    /// A person at a client.
    Client(ClientInfo),
    /// A rule or setting, named.
    Rule {
        /// Which.
        rule: String,
        /// Where it stands.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        place: String,
    },
    /// Nobody was there to ask.
    Unattended,
    /// The agent itself.
    Agent,
}

/// The agent asks the user to choose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Its id.
    pub id: RequestId,
    /// The call that waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call: Option<ToolCallId>,
    /// The questions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<QuestionItem>,
    /// Set when a plan is to be approved: its text, or empty where the agent keeps it in a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The input of the agent's request, which an answer must repeat.
    pub input: Value,
    /// When it counts as not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// True when it is shown again to a client that reattached. Never true in the log.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_replay: bool,
    /// Why it is asked although something like it was answered before.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// One question of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionItem {
    /// The whole text.
    pub question: String,
    /// A short heading.
    #[serde(default)]
    pub header: String,
    /// True when several options may be chosen.
    #[serde(default)]
    pub multi_select: bool,
    /// The options.
    #[serde(default)]
    pub options: Vec<QuestionOption>,
}

/// One option of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionOption {
    /// Its label.
    pub label: String,
    /// What it means.
    #[serde(default)]
    pub description: String,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The whole text of the question.
    pub question: String,
    /// The labels chosen.
    #[serde(default)]
    pub selected: Vec<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// How asking for the input lock ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockOutcome {
    /// The holder handed it over, or went away.
    Granted,
    /// The holder said no, or somebody else got it.
    Refused,
    /// The holder said nothing in time, and so lost it.
    TimedOut,
    /// Whoever asked wants it no more.
    Withdrawn,
}

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionOutcome {
    /// It was answered (a plan: approved).
    Answered,
    /// It was refused (a plan: not approved).
    Declined,
    /// The agent took it back.
    Withdrawn,
    /// Nobody answered in time.
    Expired,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ClientKind;

    #[test]
    fn who_decided_is_read_back_from_json_for_every_kind_of_client() {
        for kind in [
            ClientKind::Interactive,
            ClientKind::Run,
            ClientKind::OneShot,
        ] {
            let by = Decider::Client(ClientInfo {
                name: "betcode".into(),
                kind,
                ..ClientInfo::default()
            });
            let line = serde_json::to_string(&by).unwrap();
            assert_eq!(serde_json::from_str::<Decider>(&line).unwrap(), by);
            let value = serde_json::to_value(&by).unwrap();
            assert_eq!(serde_json::from_value::<Decider>(value).unwrap(), by);
        }
    }
}
