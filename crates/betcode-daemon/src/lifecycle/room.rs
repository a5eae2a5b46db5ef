//! Whether there is room on the disk, while agents work. What they say goes to files that only their hosts write, and a host
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

/// Looks until the daemon ends, while an agent works on a turn, and until there is room again.
pub(super) async fn watch(
    state_dir: PathBuf,
    store: Store,
    mut working: Receiver<usize>,
    tasks: Tasks,
) {
    let mut full = false;
    loop {
        if !full {
            tokio::select! {
                some = working.wait_for(|sessions| *sessions > 0) => if some.is_err() {
                    return;
                },
                () = tasks.stopping() => return,
            }
        }
        full = is_full(&state_dir);
        store.note_room(full);
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = tasks.stopping() => return,
        }
    }
}
