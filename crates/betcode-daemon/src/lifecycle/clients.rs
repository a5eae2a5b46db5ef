//! Counts clients. Who they are and what they do is not known here.

use tokio::sync::watch;

/// How many clients there are and were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Now.
    pub(crate) connected: usize,
    /// Since the start.
    pub(crate) ever: u64,
}

/// The counter. Copies are the same one.
#[derive(Debug, Clone, Default)]
pub struct Clients {
    count: watch::Sender<Count>,
}

impl Clients {
    /// One more, until what is returned is dropped.
    pub(crate) fn enter(&self) -> Guest {
        self.count.send_modify(|count| {
            count.connected += 1;
            count.ever += 1;
        });
        Guest {
            count: self.count.clone(),
        }
    }

    pub(crate) fn connected(&self) -> usize {
        self.count.borrow().connected
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Count> {
        self.count.subscribe()
    }
}

/// One client.
#[derive(Debug)]
pub(crate) struct Guest {
    count: watch::Sender<Count>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.count
            .send_modify(|count| count.connected = count.connected.saturating_sub(1));
    }
}
