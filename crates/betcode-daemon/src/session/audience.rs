//! How many clients are attached to a session. Its actor hears when that changes; an agent that nobody needs may rest.

use std::sync::Arc;

use tokio::sync::watch;

/// The clients of one session. Copies are the same audience.
#[derive(Debug, Clone, Default)]
pub struct Audience(Arc<watch::Sender<usize>>);

/// One attached client; gone when it is dropped.
#[derive(Debug)]
pub struct Seat(Audience);

impl Audience {
    /// One more client.
    pub fn seat(&self) -> Seat {
        self.0.send_modify(|count| *count += 1);
        Seat(self.clone())
    }

    /// How many there are, and when that changes.
    pub fn watch(&self) -> watch::Receiver<usize> {
        self.0.subscribe()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}
