//! The wish that the daemon ends. It is carried out by the life cycle alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

/// The wish. Copies are the same one.
#[derive(Debug, Clone, Default)]
pub struct Ending {
    begun: CancellationToken,
    stop_agents: Arc<AtomicBool>,
}

impl Ending {
    /// The daemon is to end; with `stop_agents`, with its agents. Once that was asked for it stays.
    pub(crate) fn begin(&self, stop_agents: bool) {
        if stop_agents {
            self.stop_agents.store(true, Ordering::Release);
        }
        self.begun.cancel();
    }

    pub(crate) async fn begun(&self) {
        self.begun.cancelled().await;
    }

    pub(crate) fn stops_agents(&self) -> bool {
        self.stop_agents.load(Ordering::Acquire)
    }
}
