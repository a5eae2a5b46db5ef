//! The crate from outside: a table of verdicts, laws, rules as text, proposals, and time.
#![cfg(test)]

mod laws;
mod propose;
mod syntax;
mod table;
mod time;
mod world;
