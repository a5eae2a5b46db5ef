//! Fuzz targets: whatever bytes come, the laws of each part hold. A target is a function of bytes that panics when a law is
//! broken, together with seeds: inputs from which an engine starts.
//!
//! The targets know no engine. `cargo xtask fuzz` runs them under libFuzzer, which lives in `fuzz/` because it needs a C++
//! compiler; this crate's own tests run each on its seeds and on a few thousand of their mutations, and its program runs one
//! on a file, to look into what was found.
//!
//! No law lives here that a target is not needed for: what can be told without bytes is a test of its own crate.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a law that is broken has to end the run"
)]

pub mod blobs;
pub mod config;
mod deeds;
pub mod driver;
pub mod frames;
mod input;
pub mod mutate;
pub mod parser;
pub mod rules;
pub mod session;
pub mod settings;
pub mod spool;
mod transcripts;

pub use transcripts::words;

/// A part of the program, the laws that hold for it whatever it is given, and inputs to begin with.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it checks, in one line.
    pub about: &'static str,
    /// Checks one input. Panics when a law is broken.
    pub run: fn(&[u8]),
    /// The inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How long an input may be.
    pub longest: usize,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    parser::TARGET,
    driver::TARGET,
    session::TARGET,
    spool::TARGET,
    frames::TARGET,
    config::TARGET,
    settings::TARGET,
    blobs::TARGET,
    rules::TARGET,
];

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
