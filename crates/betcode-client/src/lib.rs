//! The client's side of the daemon: finding one, starting one, calling it, and following a session without losing,
//! doubling or reordering anything.
//!
//! - [`daemon`]: a [`Connection`] to the daemon of a [`Profile`], started first if need be.
//! - [`Connection`]: one method for each call.
//! - [`session`] and [`feed`]: handles that come back after a lost connection and go on exactly where they were.
//!
//! This crate never reads the environment or the configuration, never prints, and runs no task of its own: a handle
//! makes progress while somebody awaits it, and keeps what arrived when that is given up.

mod connection;
pub mod daemon;
mod endpoint;
mod error;
pub mod feed;
mod follow;
mod profile;
pub mod session;
mod transport;

pub use betcode_proto::convert::WireError;
pub use betcode_proto::convert::search::{
    FoundEntry, FoundKind, FoundPiece, FoundSession, SearchAnswer,
};
pub use betcode_proto::convert::session::Summary;
pub use betcode_proto::status::{Refusal, reason};
pub use connection::{
    Accepted, Agent, AuditEntry, Connection, DaemonStatus, Direction, EventPages, Import,
    Importable, ImportableList, Imported, ListedNotification, ListedRule, MatchedRule,
    Notification, NotificationList, NotificationTest, Page, Pause, ReadEvents, RequestKind,
    RequestRecord, RuleDecision, RuleFile, RuleList, RuleOrigin, RulePart, RuleProblem, RuleScope,
    RuleTest, RuleVerdict, RuleVerdicts, Search, SessionDetails, Trusted, UsageAccount,
    UsageFinding, UsageHistory, WaitingMessage,
};
pub use daemon::{Start, connect, connect_or_start, returned};
pub use error::{CallError, ConnectError};
pub use follow::{Connector, Occasion};
pub use profile::{NoProfile, Profile};
