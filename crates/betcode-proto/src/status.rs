//! A refusal: one set of words, carried as a gRPC status or in-band as [`v1::Refused`]. Not the place where anything is
//! refused.
//!
//! As a status it has the code and message of gRPC and, in the details, a `google.rpc.ErrorInfo` with the reason, the
//! domain `betcode`, and the metadata; the hint is metadata under the key `hint`. What the metadata says of a limit
//! ([`rate_limit`]) is in the headers as well.

mod rpc;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use betcode_core::command::Rejected;
use betcode_core::notify::Refused;
use prost::Message as _;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use crate::convert::WireError;
use crate::v1;

/// Stable words for programs.
pub mod reason {
    /// There is no such session.
    pub const SESSION_NOT_FOUND: &str = "SESSION_NOT_FOUND";
    /// The prefix of an id fits several sessions.
    pub const SESSION_AMBIGUOUS: &str = "SESSION_AMBIGUOUS";
    /// The session was closed.
    pub const SESSION_CLOSED: &str = "SESSION_CLOSED";
    /// A session with this id exists.
    pub const SESSION_EXISTS: &str = "SESSION_EXISTS";
    /// A conversation that cannot become a session.
    pub const NOT_IMPORTABLE: &str = "NOT_IMPORTABLE";
    /// A message is not in the state that the command needs.
    pub const MESSAGE_STATE: &str = "MESSAGE_STATE";
    /// A field is malformed; the metadata `field` names it.
    pub const INVALID_FIELD: &str = "INVALID_FIELD";
    /// The prefix of an id fits several requests; the metadata `candidates` names some.
    pub const REQUEST_AMBIGUOUS: &str = "REQUEST_AMBIGUOUS";
    /// There is no such request.
    pub const REQUEST_UNKNOWN: &str = "REQUEST_UNKNOWN";
    /// The request has come to its end, and not by this answer; the metadata `outcome` says how.
    pub const REQUEST_ENDED: &str = "REQUEST_ENDED";
    /// Somebody else holds the input lock; the metadata `holder` says who.
    pub const LOCK_HELD: &str = "LOCK_HELD";
    /// Nobody asks for the input lock, or the sender is not the one to say so.
    pub const LOCK_NOT_REQUESTED: &str = "LOCK_NOT_REQUESTED";
    /// The sender runs inside an agent.
    pub const INSIDE_AGENT: &str = "INSIDE_AGENT";
    /// Too many requests; the metadata has `retry-after-ms` and `rate-limit-…`.
    pub const RATE_LIMITED: &str = "RATE_LIMITED";
    /// The idempotency key belongs to another command.
    pub const KEY_REUSED: &str = "KEY_REUSED";
    /// The agent is missing, not logged in, or of a wrong version.
    pub const AGENT_UNAVAILABLE: &str = "AGENT_UNAVAILABLE";
    /// The agent cannot do this.
    pub const UNSUPPORTED: &str = "UNSUPPORTED";
    /// A turn is running, and the command has to wait until it has ended.
    pub const TURN_RUNNING: &str = "TURN_RUNNING";
    /// The daemon is going down, or could not write.
    pub const UNAVAILABLE: &str = "UNAVAILABLE";
    /// There is no such payload.
    pub const PAYLOAD_NOT_FOUND: &str = "PAYLOAD_NOT_FOUND";
    /// The log is another one than the client thinks.
    pub const EPOCH_CHANGED: &str = "EPOCH_CHANGED";
    /// There is no such notification, or no more.
    pub const NOTIFICATION_UNKNOWN: &str = "NOTIFICATION_UNKNOWN";
    /// Another client shows the notification.
    pub const NOTIFICATION_TAKEN: &str = "NOTIFICATION_TAKEN";
    /// The client has claimed the notification too often without showing it.
    pub const NOTIFICATION_FAILED: &str = "NOTIFICATION_FAILED";
    /// That cannot be chosen in the notification.
    pub const NOT_A_CHOICE: &str = "NOT_A_CHOICE";
    /// A fault in the daemon.
    pub const INTERNAL: &str = "INTERNAL";
}

/// A command or call that was refused and changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The gRPC status code.
    pub code: Code,
    /// A stable word for programs, see [`reason`]; empty when the peer gave none.
    pub reason: String,
    /// What happened.
    pub message: String,
    /// What to do; empty for nothing.
    pub hint: String,
    /// More, by key.
    pub metadata: BTreeMap<String, String>,
}

/// How a limit stands. These keys of the metadata travel as headers, too.
pub mod rate_limit {
    /// In how many milliseconds it makes sense to try again.
    pub const RETRY_AFTER_MS: &str = "retry-after-ms";
    /// How many are allowed.
    pub const LIMIT: &str = "rate-limit-limit";
    /// How many are left.
    pub const REMAINING: &str = "rate-limit-remaining";
    /// In how many milliseconds the whole allowance is back.
    pub const RESET: &str = "rate-limit-reset";

    pub(super) const ALL: [&str; 4] = [RETRY_AFTER_MS, LIMIT, REMAINING, RESET];
}

const DOMAIN: &str = "betcode";
const HINT: &str = "hint";
const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";
/// Headers have a limit of a few KiB in all; a longer text is cut when it travels as a status.
const LONGEST_TEXT: usize = 1024;

impl Refusal {
    /// A refusal without hint and metadata.
    pub fn new(code: Code, reason: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.to_owned(),
            message: message.into(),
            hint: String::new(),
            metadata: BTreeMap::new(),
        }
    }

    /// The same with what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same with one more piece of metadata.
    #[must_use]
    pub fn with(mut self, key: &str, value: &impl ToString) -> Self {
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// True when the daemon does not know such a call: it is older than its client.
    pub fn is_unknown(&self) -> bool {
        self.code == Code::Unimplemented
    }

    /// True when the daemon could not do it now, although there is nothing wrong with it.
    pub fn is_unavailable(&self) -> bool {
        self.code == Code::Unavailable
    }

    /// True when the daemon knows no such call: it is an older one.
    pub fn is_unimplemented(&self) -> bool {
        self.code == Code::Unimplemented
    }
}

impl From<Rejected> for Refusal {
    fn from(rejected: Rejected) -> Self {
        let message = rejected.to_string();
        match rejected {
            Rejected::UnknownSession(id) => {
                Self::new(Code::NotFound, reason::SESSION_NOT_FOUND, message).with("session", &id)
            }
            Rejected::SessionClosed(id) => {
                Self::new(Code::NotFound, reason::SESSION_CLOSED, message).with("session", &id)
            }
            Rejected::SessionExists(id) => {
                Self::new(Code::AlreadyExists, reason::SESSION_EXISTS, message).with("session", &id)
            }
            Rejected::WrongMessage { id, expected } => {
                Self::new(Code::FailedPrecondition, reason::MESSAGE_STATE, message)
                    .with("message", &id)
                    .with("expected", &expected)
            }
            Rejected::Invalid { field, .. } => {
                Self::new(Code::InvalidArgument, reason::INVALID_FIELD, message)
                    .with("field", &field)
            }
            Rejected::UnknownRequest(id) => {
                Self::new(Code::FailedPrecondition, reason::REQUEST_UNKNOWN, message)
                    .with("request", &id)
            }
            Rejected::RequestEnded { id, outcome, .. } => {
                Self::new(Code::FailedPrecondition, reason::REQUEST_ENDED, message)
                    .with("request", &id)
                    .with("outcome", &outcome)
            }
            Rejected::NotHolder {
                session,
                holder,
                refused,
            } => Self::new(Code::PermissionDenied, reason::LOCK_HELD, message)
                .with("holder", &holder)
                .with("refused", &refused)
                .hint(format!("ask for it: betcode lock request {session}")),
            Rejected::NoLockRequest(_) => Self::new(
                Code::FailedPrecondition,
                reason::LOCK_NOT_REQUESTED,
                message,
            ),
            Rejected::InsideAgent(_) => {
                Self::new(Code::PermissionDenied, reason::INSIDE_AGENT, message)
                    .hint("answer from a terminal that no agent has started")
            }
            Rejected::Limited {
                limit,
                retry_after_ms,
                reset_ms,
                ..
            } => Self::new(Code::ResourceExhausted, reason::RATE_LIMITED, message)
                .with(rate_limit::RETRY_AFTER_MS, &retry_after_ms)
                .with(rate_limit::LIMIT, &limit)
                .with(rate_limit::REMAINING, &0)
                .with(rate_limit::RESET, &reset_ms),
            Rejected::KeyReused(key) => {
                Self::new(Code::InvalidArgument, reason::KEY_REUSED, message)
                    .with("idempotency_key", &key)
            }
            Rejected::Agent { hint, .. } => {
                Self::new(Code::FailedPrecondition, reason::AGENT_UNAVAILABLE, message).hint(hint)
            }
            Rejected::Unsupported(_) => {
                Self::new(Code::FailedPrecondition, reason::UNSUPPORTED, message)
            }
            Rejected::TurnRunning(_) => {
                Self::new(Code::FailedPrecondition, reason::TURN_RUNNING, message)
            }
            Rejected::Unavailable(_) => Self::new(Code::Unavailable, reason::UNAVAILABLE, message),
        }
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let message = refused.to_string();
        match refused {
            Refused::Unknown(id) => {
                Self::new(Code::NotFound, reason::NOTIFICATION_UNKNOWN, message)
                    .with("notification", &id)
            }
            Refused::Taken => Self::new(
                Code::FailedPrecondition,
                reason::NOTIFICATION_TAKEN,
                message,
            ),
            Refused::Failed => Self::new(
                Code::FailedPrecondition,
                reason::NOTIFICATION_FAILED,
                message,
            ),
            Refused::NoSuchChoice(choice) => {
                Self::new(Code::InvalidArgument, reason::NOT_A_CHOICE, message)
                    .with("choice", &choice.word())
            }
        }
    }
}

impl From<WireError> for Refusal {
    fn from(error: WireError) -> Self {
        Rejected::from(error).into()
    }
}

impl From<Refusal> for v1::Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: refusal.code.into(),
            reason: refusal.reason,
            message: refusal.message,
            hint: refusal.hint,
            metadata: refusal.metadata.into_iter().collect(),
        }
    }
}

impl From<v1::Refused> for Refusal {
    fn from(refused: v1::Refused) -> Self {
        Self {
            code: Code::from(refused.code),
            reason: refused.reason,
            message: refused.message,
            hint: refused.hint,
            metadata: refused.metadata.into_iter().collect(),
        }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let message = shortened(refusal.message);
        let headers = headers(&refusal.metadata);
        let mut metadata = refusal.metadata;
        if !refusal.hint.is_empty() {
            metadata.insert(HINT.to_owned(), refusal.hint);
        }
        let info = rpc::ErrorInfo {
            reason: refusal.reason,
            domain: DOMAIN.to_owned(),
            metadata: metadata
                .into_iter()
                .map(|(key, value)| (key, shortened(value)))
                .collect(),
        };
        let details = rpc::Status {
            code: refusal.code.into(),
            message: message.clone(),
            details: vec![prost_types::Any {
                type_url: ERROR_INFO.to_owned(),
                value: info.encode_to_vec(),
            }],
        };
        let details = details.encode_to_vec().into();
        Self::with_details_and_metadata(refusal.code, message, details, headers)
    }
}

impl From<Rejected> for v1::Refused {
    fn from(rejected: Rejected) -> Self {
        Refusal::from(rejected).into()
    }
}

impl From<&Status> for Refusal {
    /// Any status; one that does not come from this project's daemon has no reason.
    fn from(status: &Status) -> Self {
        let info = error_info(status.details()).unwrap_or_default();
        let mut metadata: BTreeMap<_, _> = info.metadata.into_iter().collect();
        let hint = metadata.remove(HINT).unwrap_or_default();
        Self {
            code: status.code(),
            reason: info.reason,
            message: status.message().to_owned(),
            hint,
            metadata,
        }
    }
}

/// What is said as headers, too, for programs that look nowhere else.
fn headers(metadata: &BTreeMap<String, String>) -> MetadataMap {
    let mut headers = MetadataMap::new();
    for key in rate_limit::ALL {
        if let Some(value) = metadata.get(key).and_then(|value| value.parse().ok()) {
            headers.insert(key, value);
        }
    }
    headers
}

fn error_info(details: &[u8]) -> Option<rpc::ErrorInfo> {
    rpc::Status::decode(details)
        .ok()?
        .details
        .into_iter()
        .filter(|any| any.type_url == ERROR_INFO)
        .filter_map(|any| rpc::ErrorInfo::decode(any.value.as_slice()).ok())
        .find(|info| info.domain == DOMAIN)
}

fn shortened(mut text: String) -> String {
    if text.len() > LONGEST_TEXT {
        let mut end = LONGEST_TEXT;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}
