//! Conversations that Claude Code had by itself: where they are, what they are, and how one becomes a session here.
//!
//! The daemon reads the files, not the client: it is the one that writes the log, the files can be far larger than a message,
//! and a client that is killed in between must not leave half of one. Its own environment is a scrubbed one, so the client's
//! says where to look: the same that the agent will be started with, so that what is found is what it can resume.
//!
//! A session gets the conversation's own id. So it is known under the same id in both programs, and there cannot be two of one.
//!
//! `find` looks at directories and files, `lines` reads a file line by line, `nested` those of sub-agents, `copy` writes the
//! log. What a line means is `betcode_agents::history`'s business. All of it runs on the blocking pool.

pub(crate) mod copy;
pub(crate) mod find;
mod lines;
mod nested;

use betcode_agents::history::Outline;
use betcode_core::time::Timestamp;
use uuid::Uuid;

/// A conversation that could be imported.
#[derive(Debug, Clone)]
pub(crate) struct Importable {
    /// The agent's id for it.
    pub(crate) id: Uuid,
    /// When its file last changed.
    pub(crate) changed: Timestamp,
    /// What it is.
    pub(crate) outline: Outline,
    /// Another process seems to use it.
    pub(crate) in_use: bool,
}

/// How far an import is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) read: u64,
    pub(crate) size: u64,
}
