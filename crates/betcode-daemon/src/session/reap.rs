//! Ending an agent host that belongs to no session any more: one of a deleted session, one that an earlier daemon left, or
//! one that was killed. A host ends whatever its agent has started; for one that was killed this is done here, on Linux, as
//! far as it can be found: what has not thrown its environment away.

use std::path::{Path, PathBuf};
use std::time::Duration;

use betcode_host::protocol::{FromHost, ToHost};

use super::launch;
use super::link::{self, Opened};

/// How long an agent may take to end when it is asked to.
const GRACE_MS: u32 = 3_000;
/// How long the whole may take. What remains then is looked for again at the daemon's next start.
const LIMIT: Duration = Duration::from_secs(10);
/// How often what a killed host has left is looked for, and the pause between two looks.
const ROUNDS: usize = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// Ends the host in `directory` and removes what it leaves.
pub(crate) async fn reap(directory: PathBuf) {
    if tokio::time::timeout(LIMIT, stop(directory.clone()))
        .await
        .is_err()
    {
        tracing::warn!(directory = %directory.display(), "an agent host did not end in time");
        return;
    }
    let removed = tokio::task::spawn_blocking(move || {
        sweep(&directory);
        std::fs::remove_dir_all(directory)
    });
    let removed = removed.await;
    if let Ok(Err(error)) = removed
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "an agent host's directory cannot be removed");
    }
}

/// Kills what a host that was killed has left behind.
fn sweep(directory: &Path) {
    let in_order = !matches!(betcode_host::remains::read_exit(directory), Ok(None));
    let alive = betcode_host::remains::is_alive(directory).unwrap_or(true);
    let Some(name) = directory.file_name().and_then(|name| name.to_str()) else {
        return;
    };
    if in_order || alive {
        return;
    }
    let mark = format!("{}={name}", launch::MARK);
    // Whoever forks meanwhile is met by the next round.
    for _ in 0..ROUNDS {
        let left = marked(mark.as_bytes());
        if left.is_empty() {
            return;
        }
        tracing::info!(
            count = left.len(),
            "processes of an agent whose host was killed are ended"
        );
        for pid in left {
            let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        std::thread::sleep(PAUSE);
    }
}

/// The processes with this in their environment. Those that have ended have none.
fn marked(mark: &[u8]) -> Vec<rustix::process::Pid> {
    let own = std::process::id();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let has_it = |pid: &i32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|word| word == mark)
    };
    pids.filter(|pid| pid.unsigned_abs() != own)
        .filter(has_it)
        .filter_map(rustix::process::Pid::from_raw)
        .collect()
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
