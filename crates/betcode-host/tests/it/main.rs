//! Real hosts with real agents: every law of the host protocol, seen from the daemon's side. They look into `/proc`, so they
//! run on Linux.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers fail like the test itself"
)]

mod lifecycle;
mod stdin;
mod stdout;
mod support;
mod tree;
