//! Ending an agent host that belongs to no session any more: one of a deleted session, or one that an earlier daemon left.

use std::path::PathBuf;
use std::time::Duration;

use betcode_host::protocol::{FromHost, ToHost};

use super::link::{self, Opened};

/// How long an agent may take to end when it is asked to.
const GRACE_MS: u32 = 3_000;
/// How long the whole may take. What remains then is looked for again at the daemon's next start.
const LIMIT: Duration = Duration::from_secs(10);

/// Ends the host in `directory` and removes what it leaves.
pub(crate) async fn reap(directory: PathBuf) {
    if tokio::time::timeout(LIMIT, stop(directory.clone()))
        .await
        .is_err()
    {
        tracing::warn!(directory = %directory.display(), "an agent host did not end in time");
        return;
    }
    let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(directory)).await;
    if let Ok(Err(error)) = removed
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "an agent host's directory cannot be removed");
    }
}

async fn stop(directory: PathBuf) {
    let never_ran = !betcode_host::remains::was_started(&directory).unwrap_or(false)
        && !betcode_host::remains::is_alive(&directory).unwrap_or(false);
    if never_ran {
        return;
    }
    let Opened::Up(mut link) = link::open(directory).await else {
        return;
    };
    link.send(&ToHost::Stop { grace_ms: GRACE_MS });
    while let Ok(messages) = link.receive().await {
        for message in messages {
            match message {
                // Nobody will read it, but the window must not hold the end back.
                FromHost::Appended { end } => link.send(&ToHost::Committed { offset: end }),
                FromHost::Exited { .. } => link.send(&ToHost::Finish),
                FromHost::Hello { .. }
                | FromHost::Written { .. }
                | FromHost::StdinClosed { .. }
                | FromHost::Unknown(_) => {}
            }
        }
    }
}
