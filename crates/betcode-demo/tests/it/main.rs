//! The real demo agent over pipes: against the recorded transcripts of the program that it
//! imitates, and against what its scenarios promise.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what these tests share may fail as loudly as the tests themselves"
)]

mod agent;
mod announce;
mod input;
mod requests;
mod resume;
mod scenarios;
mod shape;
mod transcripts;
