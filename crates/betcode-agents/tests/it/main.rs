//! Claude Code's parser and driver against every recorded session.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod failures;
mod frames;
mod history;
mod laws;
mod noise;
mod snapshots;
mod transcript;
