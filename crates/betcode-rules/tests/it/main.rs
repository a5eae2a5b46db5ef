//! The crate from outside: a table of verdicts, laws, rules as text, proposals, and time.
#![cfg(test)]

// Older versions of bash, as other systems have them, do not tell of a command that is not found.
#[cfg(target_os = "linux")]
mod bash;
mod call;
mod laws;
mod place;
mod propose;
mod syntax;
mod table;
mod time;
mod world;
