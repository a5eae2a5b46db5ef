//! Which logs have changed, for whoever derives something from them and must not hold up the writer: it notes a number and goes
//! on. What was noted is taken one log at a time, the newest session first; nothing wakes up while nothing changes.
//!
//! Law: a log that has changed is noted until somebody has said that they are done with it, and a change meanwhile notes it
//! again.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The logs that have changed. Shared by the writer, who notes, and one who follows.
#[derive(Debug, Default)]
pub struct Changes {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct State {
    noted: BTreeSet<u64>,
    /// The one that is being looked at.
    taken: Option<u64>,
    /// Somebody waits for the follower.
    urged: bool,
    /// The follower knows what there is.
    begun: bool,
    ended: bool,
}

impl Changes {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These logs have changed.
    pub(crate) fn note(&self, numbers: impl IntoIterator<Item = u64>) {
        let mut state = self.lock();
        let had_none = state.noted.is_empty();
        state.noted.extend(numbers);
        let wakes = had_none && !state.noted.is_empty();
        drop(state);
        if wakes {
            self.moved.notify_all();
        }
    }

    /// The follower has noted everything that had changed before it came.
    pub(crate) fn begin(&self) {
        self.lock().begun = true;
        self.moved.notify_all();
    }

    /// The follower knows nothing any more, and begins anew.
    pub(crate) fn lose(&self) {
        self.lock().begun = false;
    }

    /// Waits until a log has changed, and then for `pause`, so that much of what comes together is looked at together. False
    /// when it is over.
    pub(crate) fn wait(&self, pause: Duration) -> bool {
        let idle = |state: &mut State| state.noted.is_empty() && !state.ended;
        let state = self
            .moved
            .wait_while(self.lock(), idle)
            .unwrap_or_else(PoisonError::into_inner);
        self.rest(state, pause)
    }

    /// Waits for `pause`, or until somebody is in a hurry. False when it is over.
    pub(crate) fn pause(&self, pause: Duration) -> bool {
        let goes_on = self.rest(self.lock(), pause);
        self.lock().urged = false;
        goes_on
    }

    fn rest(&self, state: MutexGuard<'_, State>, pause: Duration) -> bool {
        let calm = |state: &mut State| !state.urged && !state.ended;
        let (state, _) = self
            .moved
            .wait_timeout_while(state, pause, calm)
            .unwrap_or_else(PoisonError::into_inner);
        !state.ended
    }

    /// The next log to look at.
    pub(crate) fn take(&self) -> Option<u64> {
        let mut state = self.lock();
        if state.ended {
            return None;
        }
        state.taken = state.noted.pop_last();
        state.taken
    }

    /// The log that was taken has been looked at, wholly or in part.
    pub(crate) fn done(&self, wholly: bool) {
        let mut state = self.lock();
        if let Some(number) = state.taken.take()
            && !wholly
        {
            state.noted.insert(number);
        }
        let settled = state.noted.is_empty();
        state.urged &= !settled;
        drop(state);
        if settled {
            self.moved.notify_all();
        }
    }

    /// How many logs are still to be looked at; none when that is not known yet. Urges the follower, and gives it at most
    /// `patience`. Blocks.
    pub(crate) fn behind(&self, patience: Duration) -> Option<usize> {
        let mut state = self.lock();
        state.urged = !state.noted.is_empty();
        if state.urged {
            self.moved.notify_all();
        }
        let busy = |state: &mut State| {
            let settled = state.noted.is_empty() && state.taken.is_none();
            !(state.ended || state.begun && settled)
        };
        let (state, _) = self
            .moved
            .wait_timeout_while(state, patience, busy)
            .unwrap_or_else(PoisonError::into_inner);
        let behind = state.noted.len() + usize::from(state.taken.is_some());
        state.begun.then_some(behind)
    }

    /// Whoever follows ends.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.moved.notify_all();
    }

    /// Whether it has been ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.lock().ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_stays_noted_until_it_has_been_looked_at_wholly() {
        let changes = Changes::default();
        changes.note([3, 7]);
        assert_eq!(changes.take(), Some(7));
        changes.done(false);
        assert_eq!(changes.take(), Some(7));
        // It changes while it is looked at.
        changes.note([7]);
        changes.done(true);
        assert_eq!(changes.take(), Some(7));
        changes.done(true);
        assert_eq!(changes.take(), Some(3));
        assert_eq!(changes.behind(Duration::ZERO), None);
        changes.begin();
        assert_eq!(changes.behind(Duration::ZERO), Some(1));
        changes.done(true);
        assert_eq!(changes.take(), None);
        assert_eq!(changes.behind(Duration::ZERO), Some(0));
    }

    #[test]
    fn who_waits_is_woken_by_a_change_and_by_the_end() {
        let changes = Changes::default();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| changes.wait(Duration::from_mins(10)));
            changes.note([1]);
            // Somebody in a hurry does not wait for the pause.
            changes.begin();
            while changes.behind(Duration::from_millis(1)) != Some(1) || !waiting.is_finished() {}
            assert!(waiting.join().unwrap());
            assert_eq!(changes.take(), Some(1));
            changes.done(true);
            let waiting = scope.spawn(|| changes.wait(Duration::from_mins(10)));
            changes.end();
            assert!(!waiting.join().unwrap());
        });
        assert_eq!(changes.take(), None);
    }
}
