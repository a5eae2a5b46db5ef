//! Standard output: whole lines, collected and written at once. Nothing is held back while the
//! agent waits: whoever waits flushes first.

use std::io::{self, Write as _};

use serde_json::Value;

use crate::turn::Stop;

/// How much is collected before it is written without being asked to.
pub(crate) const CHUNK: usize = 64 * 1024;

/// The writing end.
#[derive(Default)]
pub(crate) struct Output {
    pending: Vec<u8>,
}

impl Output {
    /// Adds one JSON line.
    pub(crate) fn line(&mut self, value: &Value) -> Result<(), Stop> {
        serde_json::to_writer(&mut self.pending, value).map_err(|_| Stop::Exit(1))?;
        self.pending.push(b'\n');
        if self.pending.len() >= CHUNK {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// What is collected, for a caller that renders lines by itself.
    pub(crate) fn pending(&mut self) -> &mut Vec<u8> {
        &mut self.pending
    }

    /// Writes all that is collected. A reader that is gone ends the agent.
    pub(crate) fn flush(&mut self) -> Result<(), Stop> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        let written = stdout
            .write_all(&self.pending)
            .and_then(|()| stdout.flush());
        self.pending.clear();
        written.map_err(|_| Stop::Exit(1))
    }
}
