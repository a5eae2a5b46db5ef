//! The services that clients see, one file each. They turn messages into calls and answers into messages; they decide nothing.

pub mod agent;
pub(crate) mod connection;
pub mod daemon;
pub mod feed;
mod notify;
pub(crate) mod peer;
pub mod request;
pub mod rules;
pub mod session;
pub mod trust;
mod usage;
