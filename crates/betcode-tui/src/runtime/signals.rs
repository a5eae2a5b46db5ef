//! The signals that end whoever has the terminal, so that it is given back first.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end it.
#[derive(Debug)]
pub struct Signals {
    ends: [(i32, Signal); 2],
    interrupt: Option<(i32, Signal)>,
}

impl Signals {
    /// Begins to listen. Needs the runtime.
    pub fn listen() -> io::Result<Self> {
        let mut signals = Self::without_interrupt()?;
        signals.interrupt = Some(listen(SignalKind::interrupt())?);
        Ok(signals)
    }

    /// The same where an interrupt is no end.
    pub fn without_interrupt() -> io::Result<Self> {
        Ok(Self {
            ends: [
                listen(SignalKind::terminate())?,
                listen(SignalKind::hangup())?,
            ],
            interrupt: None,
        })
    }

    /// The number of the next one.
    pub async fn next(&mut self) -> i32 {
        let [(term, terminate), (hang, hangup)] = &mut self.ends;
        tokio::select! {
            _ = terminate.recv() => *term,
            _ = hangup.recv() => *hang,
            number = interrupted(&mut self.interrupt) => number,
        }
    }
}

fn listen(kind: SignalKind) -> io::Result<(i32, Signal)> {
    Ok((kind.as_raw_value(), signal(kind)?))
}

async fn interrupted(interrupt: &mut Option<(i32, Signal)>) -> i32 {
    match interrupt {
        Some((number, interrupt)) => {
            interrupt.recv().await;
            *number
        }
        None => std::future::pending().await,
    }
}
