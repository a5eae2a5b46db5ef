//! Agent programs as BetCode sees them: a parser turns an agent's lines into [`Observation`]s, a driver turns
//! [`AgentRequest`]s into the lines that the agent is told. One [`Agent`] stands for one running process.
//!
//! Everything here is pure: no I/O, no clock, no randomness. The same lines and requests in the same order always give the same
//! observations and frames, and what is kept between two lines can be written down ([`Agent::state`]) and taken up again
//! ([`Agent::restore`]) at any line boundary.
//!
//! This crate never decides anything: it does not allow, deny, retry or time out, and it never fails on what an agent says.
//!
//! [`Observation`]: betcode_core::observation::Observation
//! [`AgentRequest`]: betcode_core::observation::AgentRequest

mod agent;
mod claude;
pub mod history;
pub mod launch;
mod refusal;

pub use agent::{Agent, Kind, StateError};
pub use refusal::{UPDATE_CLAUDE, refusal};
