//! How many clients are attached to a session, and whether it still exists. Its actor hears when clients come and go, so
//! that an agent that nobody needs may rest; clients hear when the session is deleted.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The clients of one session. Copies are the same audience.
#[derive(Debug, Clone, Default)]
pub struct Audience {
    clients: Arc<watch::Sender<usize>>,
    deleted: CancellationToken,
}

/// One attached client; gone when it is dropped.
#[derive(Debug)]
pub struct Seat(Audience);

impl Audience {
    /// One more client.
    pub fn seat(&self) -> Seat {
        self.clients.send_modify(|count| *count += 1);
        Seat(self.clone())
    }

    /// How many there are, and when that changes.
    pub fn watch(&self) -> watch::Receiver<usize> {
        self.clients.subscribe()
    }

    /// Tells everybody that the session is deleted.
    pub fn dismiss(&self) {
        self.deleted.cancel();
    }
}

impl Seat {
    /// Returns once the session is deleted.
    pub async fn deleted(&self) {
        self.0.deleted.cancelled().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.clients.send_modify(|count| *count -= 1);
    }
}
