//! `betcode -p`: one prompt, print, exit. Nothing here ever waits for a person, unless `--wait-for-permissions` says so.
//!
//! - [`options`]: the flags; `refused`: those that cannot be honoured;
//! - [`input`]: what comes on stdin; [`control`]: what is asked and answered there beside messages;
//! - [`turn`]: watching one turn go by; [`waiting`]: what it waits for; [`verdict`]: what it means for the exit code;
//! - [`mod@format`] with `text`, `json`, `stream_json`, `events`: what is printed;
//! - [`start`]: which session; [`mod@run`]: sending, following; [`interrupt`]: signals; [`lines`]: messages from stdin;
//! - [`errands`]: what was sent for the program on stdin; [`words`]: the file for the last words.
//! - [`wholes`]: what events only show the beginning of;

mod control;
mod errands;
mod events;
mod format;
pub(crate) mod image;
mod input;
mod interrupt;
mod json;
mod lines;
mod options;
mod refused;
mod run;
mod start;
mod stream_json;
mod text;
mod turn;
mod verdict;
mod waiting;
mod wholes;
mod words;

use betcode_core::event::{ClientInfo, ClientKind};

use crate::link::client;

pub(crate) use input::Piped;
pub(crate) use interrupt::Interrupts;
pub(crate) use json::error_result;
pub(crate) use options::{MODES, RunArgs};
pub(crate) use run::{run, run_with};
pub(crate) use start::{look_up, start_session, tell};
pub(crate) use verdict::Cut;

/// Who this client is.
fn me() -> ClientInfo {
    client("betcode -p", ClientKind::Run)
}

#[cfg(test)]
mod tests;
