//! Sessions inside the daemon: for each one that is in use an actor, the link to its agent's host, and its followers.
//!
//! The way of an event: the actor decides on its speculative state, collects everything that belongs together into one
//! `batch::Batch`, hands it to the store, and only after the commit acknowledges, writes to the agent and tells the host
//! how far it got. Followers never ask the actor: they read the log.

pub mod actor;
pub mod audience;
mod batch;
pub mod follow;
mod launch;
mod link;
mod load;
pub mod reader;
pub(crate) mod reap;
pub(crate) mod summary;
