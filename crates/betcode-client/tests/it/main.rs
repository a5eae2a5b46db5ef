//! The client against a daemon that each test plays itself, on a real socket.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod calls;
mod daemon;
mod fake;
mod feed;
mod requests;
mod rules;
mod session;
