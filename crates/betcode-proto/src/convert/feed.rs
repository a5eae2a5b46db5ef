//! The machine feed: its entries, and lists of them as they travel.

use betcode_core::event::StopReason;
use betcode_core::id::{RequestId, Sequence, SessionId};
use betcode_core::time::Timestamp;
use prost::Message as _;
use serde::Serialize;

use super::notify::{self, Notification, Pause};
use super::reading::SessionReading;
use super::session::Summary;
use super::usage::UsageAccount;
use super::{Problem, WireError, id_bytes, read_id};
use crate::v1;
use crate::v1::feed_entry::Body;

/// One entry of the feed. Its JSON is one line of `daemon feed`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeedEntry {
    /// Its number.
    pub sequence: Sequence,
    /// When it happened.
    pub timestamp: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub body: FeedBody,
}

/// What happened on this machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FeedBody {
    /// A session was made, or what a list shows of it changed.
    SessionChanged {
        /// The session as it is now.
        session: Box<Summary>,
    },
    /// A session was removed.
    SessionDeleted {
        /// Which one.
        session_id: SessionId,
    },
    /// A request waits for the user.
    RequestPending(PendingRequest),
    /// A request came to its end.
    RequestResolved(PendingRequest),
    /// A request has waited for a while and nobody has answered.
    RequestReminder(PendingRequest),
    /// An agent said something about the limits of its plan.
    UsageReading(Box<SessionReading>),
    /// A turn came to its end.
    TurnEnded(TurnEnded),
    /// Clients may claim a notification.
    NotificationOffered {
        /// Which.
        notification: Notification,
        /// It was offered before, and whoever claimed it has not shown it.
        again: bool,
    },
    /// A notification has other words now.
    NotificationUpdated {
        /// As it is now.
        notification: Notification,
    },
    /// A notification is over.
    NotificationEnded {
        /// Its number.
        id: u64,
    },
    /// A pause of notifications begins, is another one, or ends.
    NotificationPause {
        /// As it is now.
        snooze: Option<Pause>,
    },
    /// What is known of the use of a plan has changed.
    UsageChanged(Box<UsageAccount>),
    /// Something about the use of a plan is worth a notification, or no longer is.
    UsageNews(UsageNews),
    /// The daemon started.
    DaemonStarted {
        /// Its version.
        version: String,
        /// Its process.
        pid: u32,
    },
    /// Something that this version cannot read.
    Unknown {
        /// Why.
        note: String,
    },
}

/// Something about the use of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsageNews {
    /// What it is about. Parts of it stand behind it, each after a `/`.
    pub subject: String,
    /// The kind of notification that it is worth; empty: what is about this subject, or below it, is over.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// What stands above it; empty: the usual title of the kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What there is to say; empty: nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub body: String,
}

/// A turn that came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TurnEnded {
    /// In which session.
    pub session_id: SessionId,
    /// The session's title.
    pub title: String,
    /// Why it stopped.
    pub stop_reason: StopReason,
    /// What went wrong, in one line; empty for nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// How long it took.
    pub duration_ms: u64,
    /// Whether a client was attached to the session when it ended.
    pub attended: bool,
}

/// A request that waits, or waited, for the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PendingRequest {
    /// In which session.
    pub session_id: SessionId,
    /// Its id.
    pub request_id: RequestId,
    /// The tool; empty for a question.
    pub tool: String,
    /// One line for people.
    pub description: String,
    /// When it is denied without an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// How it ended, in a word; empty while it waits.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub outcome: String,
    /// In a reminder: for how many hours it has waited.
    #[serde(skip_serializing_if = "is_zero")]
    pub hours: u32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// An encoded list of these entries.
pub fn encode_feed_list(entries: impl IntoIterator<Item = FeedEntry>) -> Vec<u8> {
    let entries = entries.into_iter().map(Into::into).collect();
    v1::FeedList { entries }.encode_to_vec()
}

/// The entries of an encoded list. What this version cannot read is `Unknown`.
pub fn decode_feed_list(list: &[u8]) -> Result<Vec<FeedEntry>, WireError> {
    let list =
        v1::FeedList::decode(list).map_err(|_| WireError::new("entries", Problem::Malformed))?;
    Ok(list.entries.into_iter().map(Into::into).collect())
}

impl From<FeedEntry> for v1::FeedEntry {
    fn from(entry: FeedEntry) -> Self {
        Self {
            sequence: entry.sequence.0,
            timestamp_us: entry.timestamp.0,
            body: match entry.body {
                FeedBody::SessionChanged { session } => {
                    Some(Body::SessionChanged((*session).into()))
                }
                FeedBody::SessionDeleted { session_id } => {
                    Some(Body::SessionDeleted(v1::SessionDeleted {
                        id: id_bytes(session_id.0),
                    }))
                }
                FeedBody::RequestPending(request) => Some(Body::RequestPending(request.into())),
                FeedBody::RequestResolved(request) => Some(Body::RequestResolved(request.into())),
                FeedBody::RequestReminder(request) => Some(Body::RequestReminder(request.into())),
                FeedBody::UsageReading(reading) => Some(Body::UsageReading((*reading).into())),
                FeedBody::TurnEnded(turn) => Some(Body::TurnEnded(turn.into())),
                FeedBody::NotificationOffered {
                    notification,
                    again,
                } => Some(Body::NotificationOffered(v1::NotificationOffered {
                    notification: Some(notification.into()),
                    again,
                })),
                FeedBody::NotificationUpdated { notification } => {
                    Some(Body::NotificationUpdated(notification.into()))
                }
                FeedBody::NotificationEnded { id } => {
                    Some(Body::NotificationEnded(v1::NotificationEnded { id }))
                }
                FeedBody::NotificationPause { snooze } => {
                    Some(Body::NotificationPause(notify::pause_to_wire(snooze)))
                }
                FeedBody::UsageChanged(account) => Some(Body::UsageChanged((*account).into())),
                FeedBody::UsageNews(news) => Some(Body::UsageNews(v1::UsageNews {
                    subject: news.subject,
                    kind: news.kind,
                    title: news.title,
                    body: news.body,
                })),
                FeedBody::DaemonStarted { version, pid } => {
                    Some(Body::DaemonStarted(v1::DaemonStarted { version, pid }))
                }
                FeedBody::Unknown { .. } => None,
            },
        }
    }
}

impl From<v1::FeedEntry> for FeedEntry {
    fn from(entry: v1::FeedEntry) -> Self {
        let body = entry
            .body
            .ok_or(WireError::new("body", Problem::UnknownKind))
            .and_then(FeedBody::try_from)
            .unwrap_or_else(|error| FeedBody::Unknown {
                note: error.to_string(),
            });
        Self {
            sequence: Sequence(entry.sequence),
            timestamp: Timestamp(entry.timestamp_us),
            body,
        }
    }
}

impl TryFrom<Body> for FeedBody {
    type Error = WireError;

    fn try_from(body: Body) -> Result<Self, WireError> {
        Ok(match body {
            Body::SessionChanged(session) => Self::SessionChanged {
                session: Box::new(session.try_into()?),
            },
            Body::SessionDeleted(session) => Self::SessionDeleted {
                session_id: SessionId(read_id("id", &session.id)?),
            },
            Body::RequestPending(request) => Self::RequestPending(request.try_into()?),
            Body::RequestResolved(request) => Self::RequestResolved(request.try_into()?),
            Body::RequestReminder(request) => Self::RequestReminder(request.try_into()?),
            Body::UsageReading(reading) => Self::UsageReading(Box::new(reading.try_into()?)),
            Body::TurnEnded(turn) => Self::TurnEnded(turn.try_into()?),
            Body::NotificationOffered(offered) => Self::NotificationOffered {
                notification: notify::present(offered.notification)?,
                again: offered.again,
            },
            Body::NotificationUpdated(notification) => Self::NotificationUpdated {
                notification: notification.try_into()?,
            },
            Body::NotificationEnded(ended) => Self::NotificationEnded { id: ended.id },
            Body::NotificationPause(pause) => Self::NotificationPause {
                snooze: notify::pause_from_wire(Some(pause)),
            },
            Body::UsageChanged(account) => Self::UsageChanged(Box::new(account.try_into()?)),
            Body::UsageNews(news) => Self::UsageNews(UsageNews {
                subject: news.subject,
                kind: news.kind,
                title: news.title,
                body: news.body,
            }),
            Body::DaemonStarted(started) => Self::DaemonStarted {
                version: started.version,
                pid: started.pid,
            },
        })
    }
}

impl From<TurnEnded> for v1::TurnEnded {
    fn from(turn: TurnEnded) -> Self {
        Self {
            session_id: id_bytes(turn.session_id.0),
            title: turn.title,
            stop_reason: v1::StopReason::from(turn.stop_reason).into(),
            error: turn.error,
            duration_ms: turn.duration_ms,
            attended: turn.attended,
        }
    }
}

impl TryFrom<v1::TurnEnded> for TurnEnded {
    type Error = WireError;

    fn try_from(turn: v1::TurnEnded) -> Result<Self, WireError> {
        Ok(Self {
            session_id: SessionId(read_id("session_id", &turn.session_id)?),
            stop_reason: turn.stop_reason().into(),
            title: turn.title,
            error: turn.error,
            duration_ms: turn.duration_ms,
            attended: turn.attended,
        })
    }
}

impl From<PendingRequest> for v1::PendingRequest {
    fn from(request: PendingRequest) -> Self {
        Self {
            session_id: id_bytes(request.session_id.0),
            request_id: request.request_id.0,
            tool: request.tool,
            description: request.description,
            expires_at_us: request.expires_at.map(|time| time.0),
            outcome: request.outcome,
            hours: request.hours,
        }
    }
}

impl TryFrom<v1::PendingRequest> for PendingRequest {
    type Error = WireError;

    fn try_from(request: v1::PendingRequest) -> Result<Self, WireError> {
        Ok(Self {
            session_id: SessionId(read_id("session_id", &request.session_id)?),
            request_id: request.request_id.into(),
            tool: request.tool,
            description: request.description,
            expires_at: request.expires_at_us.map(Timestamp),
            outcome: request.outcome,
            hours: request.hours,
        })
    }
}
