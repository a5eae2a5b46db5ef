//! The daemon: it owns the sessions of one state directory, their logs and their agents' hosts, and serves clients.
//!
//! This crate never talks to a model, never decides what a session's rules are (that is the core's), never prints for
//! people, and never reads the process environment: whoever starts it says what it needs to know.

pub mod agent;
pub mod clock;
mod import;
pub mod lifecycle;
pub mod limits;
pub mod machine;
mod notify;
pub mod rules;
pub mod search;
pub mod server;
pub mod session;
pub mod settings;
pub mod store;
pub mod tasks;
pub mod text;
pub mod trust;
pub mod usage;

pub use lifecycle::run;
pub use server::peer::is_inside_an_agent;
pub use settings::Options;
