//! The vocabulary of BetCode and its pure machines.
//!
//! Ids, times, events, commands, what an agent says (observations) and is told (requests), the durable session machine
//! with its parts, and the ephemeral machines (resume, backoff, steady). State is a fold over events.
//!
//! This crate never does I/O: it reads no clock, no randomness, no environment and no file; all of that is an argument.

pub mod backoff;
pub mod canonical;
pub mod command;
pub mod config;
pub mod context;
pub mod endpoint;
pub mod event;
pub mod id;
pub mod notify;
pub mod observation;
pub mod proxy;
pub mod reading;
pub mod redact;
pub mod resume;
pub mod ruling;
pub mod session;
pub mod steady;
pub mod time;
pub mod visible;
