//! The crate from outside: a table of verdicts, laws, rules as text, proposals, and time.
#![cfg(test)]

#[cfg(unix)]
mod bash;
mod laws;
mod propose;
mod syntax;
mod table;
mod time;
mod world;
