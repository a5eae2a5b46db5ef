//! The terminal client: a session in, a screen out.
//!
//! State changes are pure ([`update`]: a message in, effects out), drawing is a function of the state ([`view`]), and only
//! [`runtime`] knows a terminal, a clock and the daemon. Text of agents and files is made harmless where it becomes rows
//! ([`text`]), so nothing that is drawn can steer the terminal.
//!
//! This crate never parses arguments, never reads the environment and never prints: who calls it says what to open and
//! where the screen is.

pub mod completion;
pub mod composer;
pub mod finds;
pub mod inline;
pub mod key;
pub mod keymap;
pub mod layers;
pub mod marking;
pub mod model;
pub mod msg;
pub mod notices;
pub mod plain;
pub mod prompt;
pub mod runtime;
pub mod seek;
pub mod session;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod tour;
pub mod transcript;
pub mod update;
pub mod usage;
pub mod view;

#[cfg(test)]
mod scene;
