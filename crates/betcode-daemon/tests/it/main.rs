//! The real daemon program, as the operating system and its clients see it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod commands;
mod daemon;
mod deadlines;
mod inside;
mod life;
mod limits;
mod usage;
