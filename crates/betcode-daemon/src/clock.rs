//! The daemon's clock: the only place where it reads the time, and how it waits for one. Not a scheduler: who waits keeps
//! its own deadline.
//!
//! With a test clock the time is moved by what stands in a file, and follows that file when it changes, so that days can
//! pass in a test of the real program: one number of milliseconds that pass, and perhaps a second one by which the time of
//! day jumps beyond that (backward when it is negative). The file is looked at only when there is one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use betcode_core::steady::{Hold, Steady};
use betcode_core::time::Timestamp;

/// Timers stand still while the machine sleeps, so a long wait looks at the time of day once an hour.
const LONGEST_NAP: Duration = Duration::from_hours(1);
/// How often a waiter looks at the test clock's file.
const TEST_NAP: Duration = Duration::from_millis(50);

/// The time. Copies share the test clock and what is known about jumps.
#[derive(Clone)]
pub struct Clock {
    started: Instant,
    steady: Arc<Mutex<Steady>>,
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
    moved: Moved,
    /// The most that ever passed: this never goes back.
    most_passed: Duration,
}

/// By how much the test clock moves the time.
#[derive(Clone, Copy, Default)]
struct Moved {
    passed: Duration,
    /// In milliseconds; only the time of day knows of it.
    jumped: i64,
}

/// Both hands of the clock at one moment.
struct Hands {
    wall: Timestamp,
    uptime: Duration,
}

impl Clock {
    /// The time of day, moved by what stands in `test_file` if there is one. Uptime counts from here, and so does the time
    /// for which the clock is not yet known to be stable.
    #[expect(clippy::disallowed_methods, reason = "this is the daemon's clock")]
    pub fn new(test_file: Option<&Path>) -> Self {
        let test = test_file.map(|file| {
            Arc::new(TestClock {
                file: file.to_owned(),
                seen: Mutex::default(),
            })
        });
        let clock = Self {
            started: Instant::now(),
            steady: Arc::default(),
            test,
        };
        clock.hold();
        clock
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        self.hands().wall
    }

    /// How long this clock has existed; never goes back, and knows of no jump.
    pub fn uptime(&self) -> Duration {
        self.hands().uptime
    }

    /// For how long this machine has ever slept since it was started. It grows with every sleep, and with nothing else.
    #[cfg(target_os = "linux")]
    pub fn slept(&self) -> Duration {
        use rustix::time::{ClockId, clock_gettime};

        let read = |clock| {
            let time = clock_gettime(clock);
            let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
            let rest = u32::try_from(time.tv_nsec).unwrap_or_default();
            Duration::new(seconds, rest)
        };
        // In this order it is at most too short by what comes in between.
        let with_sleep = read(ClockId::Boottime);
        with_sleep.saturating_sub(read(ClockId::Monotonic))
    }

    /// What must not expire yet, because the time of day jumped forward not long ago or this clock is new.
    pub fn hold(&self) -> Hold {
        let mut steady = self.steady.lock().unwrap_or_else(PoisonError::into_inner);
        let Hands { wall, uptime } = self.hands();
        steady.look(wall, uptime)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the daemon's clock")]
    fn hands(&self) -> Hands {
        let real = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let existed = Instant::now().duration_since(self.started);
        let (moved, most_passed) = self
            .test
            .as_ref()
            .map_or_else(Default::default, |test| test.moved());
        let passed = real.saturating_add(moved.passed);
        let wall = i64::try_from(passed.as_micros()).unwrap_or(i64::MAX);
        Hands {
            wall: Timestamp(wall.saturating_add(moved.jumped.saturating_mul(1_000))),
            uptime: existed.saturating_add(most_passed),
        }
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

    /// Returns once this clock has existed for so long, however the time of day is moved meanwhile.
    pub async fn real_sleep_until(&self, deadline: Duration) {
        let longest = if self.test.is_some() {
            TEST_NAP
        } else {
            Duration::MAX
        };
        loop {
            let remaining = deadline.saturating_sub(self.uptime());
            if remaining.is_zero() {
                return;
            }
            tokio::time::sleep(remaining.min(longest)).await;
        }
    }
}

impl TestClock {
    /// By how much the time is moved now, and the most that ever passed.
    fn moved(&self) -> (Moved, Duration) {
        let mark = std::fs::metadata(&self.file)
            .ok()
            .and_then(|data| Some((data.modified().ok()?, data.len())));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.mark != mark {
            // A file that is being rewritten may be empty for a moment: what it said before holds until it says something.
            if let Ok(text) = std::fs::read_to_string(&self.file) {
                if let Some(moved) = Moved::parse(&text) {
                    seen.mark = mark;
                    seen.moved = moved;
                }
            } else {
                seen.mark = None;
                seen.moved = Moved::default();
            }
            seen.most_passed = seen.most_passed.max(seen.moved.passed);
        }
        (seen.moved, seen.most_passed)
    }
}

impl Moved {
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split_ascii_whitespace();
        let passed = Duration::from_millis(numbers.next()?.parse().ok()?);
        let jumped = match numbers.next() {
            Some(number) => number.parse().ok()?,
            None => 0,
        };
        numbers.next().is_none().then_some(Self { passed, jumped })
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

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn time_that_passes_moves_both_hands_and_a_jump_only_the_time_of_day() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("clock");
        let (real, clock) = (Clock::new(None), Clock::new(Some(&file)));
        std::fs::write(&file, "3600000").unwrap();
        assert!(clock.uptime() >= HOUR && clock.uptime() < HOUR + real.uptime() + SECOND);
        assert!(clock.now().since(real.now()) + SECOND > HOUR);
        std::fs::write(&file, "3600000 86400000\n").unwrap();
        assert!(clock.uptime() >= HOUR && clock.uptime() < HOUR + real.uptime() + SECOND);
        assert!(clock.now().since(real.now()) + SECOND > HOUR + DAY);
        std::fs::write(&file, "3600000 -864000000").unwrap();
        assert!(real.now().since(clock.now()) + SECOND + HOUR > 10 * DAY);
        let before = clock.uptime();
        std::fs::remove_file(&file).unwrap();
        assert!(clock.uptime() >= before, "this never goes back");
    }

    #[test]
    fn a_new_clock_and_one_that_jumped_hold_for_five_minutes_that_really_pass() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("clock");
        let clock = Clock::new(Some(&file));
        let copy = clock.clone();
        let asked = Timestamp(0);
        let held = |clock: &Clock| clock.hold().not_before(asked, asked) != asked;
        assert!(held(&clock), "what happened before it nobody knows");
        std::fs::write(&file, "300000").unwrap();
        assert!(!held(&clock));
        std::fs::write(&file, "300000 86400000").unwrap();
        assert!(held(&clock) && held(&copy));
        let until = clock.hold().until;
        assert!(until.since(clock.now()) <= Duration::from_mins(5));
        std::fs::write(&file, "590000 86400000\n").unwrap();
        assert!(held(&copy), "ten seconds are missing");
        std::fs::write(&file, "600100 86400000\n\n").unwrap();
        assert!(!held(&clock) && !held(&copy));
    }

    #[test]
    fn what_is_no_pair_of_numbers_moves_nothing() {
        for text in ["", "x", "-1", "1 x", "1 2 3"] {
            assert!(Moved::parse(text).is_none(), "{text:?}");
        }
    }

    #[tokio::test]
    async fn a_waiter_wakes_when_the_time_of_day_jumps_past_its_deadline() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("clock");
        let clock = Clock::new(Some(&file));
        let deadline = clock.now().plus(DAY);
        std::fs::write(&file, "0 86400000").unwrap();
        clock.sleep_until(deadline).await;
        assert!(clock.uptime() < DAY);
    }

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
