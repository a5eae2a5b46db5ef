//! The daemon's clock: the only place where it reads the time, and how it waits for one. Not a scheduler: who waits keeps
//! its own deadline.
//!
//! With a test clock the time of day is moved by the milliseconds that stand in a file, and follows that file when it
//! changes, so that days can pass in a test of the real program. The file is looked at only when there is one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use betcode_core::time::Timestamp;

/// Timers stand still while the machine sleeps, so a long wait looks at the time of day once an hour.
const LONGEST_NAP: Duration = Duration::from_hours(1);
/// How often a waiter looks at the test clock's file.
const TEST_NAP: Duration = Duration::from_millis(50);

/// The time. Copies share the test clock.
#[derive(Clone)]
pub struct Clock {
    started: Instant,
    test: Option<Arc<TestClock>>,
}

struct TestClock {
    file: PathBuf,
    seen: Mutex<Seen>,
}

/// What the file held when it was last read, and how to tell that it is still the same.
#[derive(Default)]
struct Seen {
    mark: Option<(SystemTime, u64)>,
    offset: Duration,
}

impl Clock {
    /// The time of day, moved by what stands in `test_file` if there is one. Uptime counts from here.
    #[expect(clippy::disallowed_methods, reason = "this is the daemon's clock")]
    pub fn new(test_file: Option<&Path>) -> Self {
        let test = test_file.map(|file| {
            Arc::new(TestClock {
                file: file.to_owned(),
                seen: Mutex::default(),
            })
        });
        Self {
            started: Instant::now(),
            test,
        }
    }

    /// The time of day.
    #[expect(clippy::disallowed_methods, reason = "this is the daemon's clock")]
    pub fn now(&self) -> Timestamp {
        let real = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let moved = self.test.as_ref().map_or(real, |test| real + test.offset());
        Timestamp(i64::try_from(moved.as_micros()).unwrap_or(i64::MAX))
    }

    /// How long this clock has existed; never goes back, and the test clock does not move it.
    #[expect(clippy::disallowed_methods, reason = "this is the daemon's clock")]
    pub fn uptime(&self) -> Duration {
        Instant::now().duration_since(self.started)
    }

    /// Returns once the time of day has reached `deadline`, also when it was moved there or passed while the machine slept.
    pub async fn sleep_until(&self, deadline: Timestamp) {
        let longest = if self.test.is_some() {
            TEST_NAP
        } else {
            LONGEST_NAP
        };
        loop {
            let remaining = deadline.since(self.now());
            if remaining.is_zero() {
                return;
            }
            tokio::time::sleep(remaining.min(longest)).await;
        }
    }
}

impl TestClock {
    fn offset(&self) -> Duration {
        let mark = std::fs::metadata(&self.file)
            .ok()
            .and_then(|data| Some((data.modified().ok()?, data.len())));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.mark != mark {
            // A file that is being rewritten may be empty for a moment: what it said before holds until it says something.
            match std::fs::read_to_string(&self.file) {
                Ok(text) => {
                    if let Ok(milliseconds) = text.trim().parse() {
                        *seen = Seen {
                            mark,
                            offset: Duration::from_millis(milliseconds),
                        };
                    }
                }
                Err(_) => *seen = Seen::default(),
            }
        }
        seen.offset
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let test = self.test.as_ref().map(|test| &test.file);
        f.debug_struct("Clock")
            .field("test", &test)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_missing_or_unreadable_test_file_moves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("clock");
        let (real, clock) = (Clock::new(None), Clock::new(Some(&file)));
        assert!(clock.now().since(real.now()) < DAY);
        std::fs::write(&file, "soon").unwrap();
        assert!(clock.now().since(real.now()) < DAY);
    }

    #[test]
    fn the_time_follows_the_test_file_and_comes_back_without_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("clock");
        let (real, clock) = (Clock::new(None), Clock::new(Some(&file)));
        std::fs::write(&file, "86400000\n").unwrap();
        assert!(clock.now().since(real.now()) + SECOND > DAY);
        // Longer text, so that the change shows even where file times are coarse.
        std::fs::write(&file, "864000000\n").unwrap();
        assert!(clock.now().since(real.now()) + SECOND > 10 * DAY);
        std::fs::write(&file, "").unwrap();
        assert!(clock.now().since(real.now()) + SECOND > 10 * DAY);
        std::fs::remove_file(&file).unwrap();
        assert!(clock.now().since(real.now()) < DAY);
    }

    #[tokio::test]
    async fn a_waiter_wakes_when_the_test_clock_is_moved_past_its_deadline() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("clock");
        let clock = Clock::new(Some(&file));
        let deadline = clock.now().plus(DAY);
        let mut waiting = std::pin::pin!(clock.sleep_until(deadline));
        tokio::select! {
            () = &mut waiting => unreachable!("a day has not passed"),
            () = std::future::ready(()) => {}
        }
        std::fs::write(&file, "86400000").unwrap();
        waiting.await;
        assert!(clock.now() >= deadline);
    }

    #[tokio::test]
    async fn a_deadline_that_has_passed_does_not_wait() {
        let clock = Clock::new(None);
        clock.sleep_until(Timestamp(0)).await;
    }
}
