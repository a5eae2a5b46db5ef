//! Whether there is room on the disk, while agents run. What they say goes to files that only their hosts write, and a host
//! whose disk is full waits without a word: whoever follows a session would wait without knowing why.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::statvfs;
use tokio::sync::watch::Receiver;

use crate::store::Store;
use crate::tasks::Tasks;

/// How often it is looked.
const PAUSE: Duration = Duration::from_secs(1);
/// With less room than this nothing can be relied on.
const FULL: u64 = 128 << 10;

/// One system call that answers from memory. A directory that cannot be looked at is not full.
pub(super) fn is_full(directory: &Path) -> bool {
    statvfs(directory).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < FULL)
}

/// Looks until the daemon ends; not at all while no agent runs.
pub(super) async fn watch(
    state_dir: PathBuf,
    store: Store,
    mut agents: Receiver<usize>,
    tasks: Tasks,
) {
    loop {
        tokio::select! {
            some = agents.wait_for(|agents| *agents > 0) => if some.is_err() {
                return;
            },
            () = tasks.stopping() => return,
        }
        store.note_room(is_full(&state_dir));
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = tasks.stopping() => return,
        }
    }
}
