//! SIGINT and SIGTERM. The first one is an event, so that the turn can be stopped and its end printed; the second one
//! ends the process in the signal handler itself, even while it waits for somebody to read its output.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::verdict::Cut;
use crate::error::{Exit, Failure};

/// The signals that stop a turn.
pub(crate) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    /// Begins to listen. Needs the runtime.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let wrong = |error| Failure::io("cannot listen for signals", &error);
        let seen = Arc::new(AtomicBool::new(false));
        for (number, exit) in [(SIGINT, Exit::Interrupted), (SIGTERM, Exit::Terminated)] {
            let code = i32::from(exit.code());
            // In this order, so that the first signal only sets the flag.
            signal_hook::flag::register_conditional_shutdown(number, code, Arc::clone(&seen))
                .map_err(wrong)?;
            signal_hook::flag::register(number, Arc::clone(&seen)).map_err(wrong)?;
        }
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(wrong)?,
            terminate: signal(SignalKind::terminate()).map_err(wrong)?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Cut {
        tokio::select! {
            _ = self.interrupt.recv() => Cut::Interrupted,
            _ = self.terminate.recv() => Cut::Terminated,
        }
    }
}
