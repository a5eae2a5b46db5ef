//! Whether the store can do its work: what it found wrong, and what keeps it from writing at present.

use std::sync::Arc;

use tokio::sync::watch;

use super::append::CommitError;

/// How the store is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Why the last transaction was not committed; none when it was.
    pub failing: Option<String>,
    /// The disk has no room for what agents say.
    pub full: bool,
    /// What the check of the database found.
    pub damaged: Option<String>,
}

impl Health {
    /// What keeps sessions from going on at present.
    pub fn trouble(&self) -> Option<String> {
        let full = || self.full.then(|| CommitError::DiskFull.to_string());
        self.failing.clone().or_else(full)
    }
}

/// Where it is kept.
pub(super) type Keeper = Arc<watch::Sender<Health>>;

/// A transaction was committed, or was not for this reason.
pub(super) fn note_commit(keeper: &Keeper, failing: Option<String>) {
    keeper.send_if_modified(|health| {
        let changed = health.failing != failing;
        health.failing = failing;
        changed
    });
}

/// There is room on the disk, or is not.
pub(super) fn note_room(keeper: &Keeper, full: bool) {
    keeper.send_if_modified(|health| std::mem::replace(&mut health.full, full) != full);
}
