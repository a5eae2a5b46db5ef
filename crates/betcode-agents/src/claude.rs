//! Claude Code's stream-json: one JSON value a line, both ways.
//!
//! Not here: how the process is started (`launch`), and what follows from an observation (the session machine).

mod drive;
pub(crate) mod history;
mod hooks;
mod parse;
mod plan;
mod result;
mod state;
mod stream;
mod tasks;
mod tools;
mod user_hooks;
mod wire;

use betcode_core::observation::{Observation, Observations};

use crate::StateError;
use state::State;

/// Parser and driver of one process.
#[derive(Debug)]
pub(crate) struct Claude {
    state: State,
    changed: bool,
}

impl Default for Claude {
    fn default() -> Self {
        Self {
            state: State::new(),
            changed: true,
        }
    }
}

impl Claude {
    pub(crate) fn restore(state: &str) -> Result<Self, StateError> {
        Ok(Self {
            state: State::read(state)?,
            changed: false,
        })
    }

    pub(crate) fn state(&self) -> String {
        self.state.write()
    }

    pub(crate) fn state_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    pub(crate) fn line(&mut self, line: &[u8], out: &mut Observations) {
        if line.trim_ascii().is_empty() {
            return;
        }
        let known = std::str::from_utf8(line)
            .ok()
            .and_then(|text| self.text_line(text, out));
        if known.is_none() {
            out.push(
                None,
                Observation::Unknown {
                    raw: String::from_utf8_lossy(line).into_owned(),
                },
            );
        }
    }

    pub(crate) fn ended(&mut self, out: &mut Observations) {
        self.cut_short(out);
    }

    pub(crate) fn replies(&mut self) -> Vec<Vec<u8>> {
        if self.state.replies.is_empty() {
            return Vec::new();
        }
        self.changed = true;
        std::mem::take(&mut self.state.replies)
            .into_iter()
            .map(String::into_bytes)
            .collect()
    }
}

#[cfg(test)]
mod tests;
