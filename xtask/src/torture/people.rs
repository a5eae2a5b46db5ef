//! People at sessions whose agents ask: clients of every kind, played by the client library. It writes down what they say
//! and what they are told; it judges nothing.
//!
//! `deeds` makes what they do from the seed, `board` is what they can see, `person` is one client, `act` does a deed,
//! `table` is one session with its people.

mod act;
mod board;
pub(super) mod deeds;
mod person;
mod table;

pub(super) use table::{Table, Tables};
