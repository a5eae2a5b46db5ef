//! Names and formats of what a daemon keeps in its state directory, shared by the daemon and its clients.
//!
//! Only names and data: opening, locking and writing is done by those who use them.

use serde::{Deserialize, Serialize};

/// Held with an exclusive OS lock by the daemon that owns the state directory.
pub const LOCK_FILE: &str = "daemon.lock";
/// Where the daemon says how it can be reached: an [`Endpoint`] as JSON, mode 0600.
pub const ENDPOINT_FILE: &str = "endpoint.json";
/// The daemon's socket, unless told otherwise or the path is too long.
pub const SOCKET_FILE: &str = "daemon.sock";
/// The directory of log files.
pub const LOG_DIRECTORY: &str = "logs";
/// In it: what an automatically started daemon wrote to stderr before it was ready. Truncated at each start.
pub const STARTUP_LOG: &str = "startup.log";
/// The longest socket path that works everywhere.
pub const LONGEST_SOCKET_PATH: usize = 100;
/// The version of the protocol between daemon and clients; differences within one are additive.
pub const PROTOCOL_VERSION: u32 = 1;

/// How a daemon can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Version of this file's format.
    pub version: u32,
    /// The socket's path.
    pub socket: String,
    /// The daemon's process.
    pub pid: u32,
    /// The daemon's version.
    pub daemon_version: String,
    /// The version of the protocol it speaks.
    pub protocol: u32,
}
