//! The signals that end whoever has the terminal, so that it is given back first.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end it.
#[derive(Debug)]
pub struct Signals([(i32, Signal); 3]);

impl Signals {
    /// Begins to listen. Needs the runtime.
    pub fn listen() -> io::Result<Self> {
        let listen = |kind: SignalKind| Ok::<_, io::Error>((kind.as_raw_value(), signal(kind)?));
        Ok(Self([
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
            listen(SignalKind::interrupt())?,
        ]))
    }

    /// The number of the next one.
    pub async fn next(&mut self) -> i32 {
        let [(term, terminate), (hang, hangup), (int, interrupt)] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => *term,
            _ = hangup.recv() => *hang,
            _ = interrupt.recv() => *int,
        }
    }
}
