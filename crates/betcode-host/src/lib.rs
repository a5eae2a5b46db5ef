//! The agent host: the process that owns one agent's stdin, stdout, stderr and process tree, and outlives the daemon.
//!
//! What the agent prints goes byte for byte into a spool of segment files; what the daemon wants written arrives as
//! numbered frames over a Unix socket and is written once. `docs/host-protocol.md` is the contract.
//!
//! The daemon uses this crate too: [`spawn`] starts a host, [`protocol`] speaks with it, [`spool::Reader`] reads what
//! the agent printed, [`remains`] looks at what a dead host left behind. Those parts never block on a socket.
//!
//! This crate never parses what an agent says, never syncs the spool to disk, never logs, and uses no async runtime
//! and no second thread.

mod directory;
#[cfg(unix)]
mod host;
pub mod protocol;
pub mod remains;
mod spawn;
pub mod spec;
pub mod spool;

pub use directory::socket_path;
pub use host::run;
pub use spawn::{SpawnError, spawn};
