//! Whether the store can do its work: what it found wrong, and what keeps it from writing at present.

use tokio::sync::watch;

/// How the store is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Why the last transaction was not committed; none when it was.
    pub failing: Option<String>,
    /// What the check of the database found.
    pub damaged: Option<String>,
}

/// Where it is kept.
pub(super) type Keeper = watch::Sender<Health>;

/// A transaction was committed, or was not for this reason.
pub(super) fn note(keeper: &Keeper, failing: Option<String>) {
    keeper.send_if_modified(|health| {
        let changed = health.failing != failing;
        health.failing = failing;
        changed
    });
}
