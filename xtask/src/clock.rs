//! The clock of the tasks: the only file of this crate that asks what time it is.

use std::time::{Duration, Instant};
#[cfg(feature = "clients")]
use std::time::{SystemTime, UNIX_EPOCH};

/// Now, for measuring.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place where the tasks read the clock"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// How much of the processor's time this thread has had.
#[cfg(feature = "bench")]
pub(crate) fn own_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Now, as nanoseconds since the Unix epoch: where a seed comes from when none is given.
#[cfg(feature = "clients")]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place where the tasks read the clock"
)]
pub(crate) fn nanoseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_nanos() % u128::from(u64::MAX)).unwrap_or_default()
    })
}

/// Now, as microseconds since the Unix epoch.
#[cfg(feature = "bench")]
pub(crate) fn microseconds() -> u64 {
    nanoseconds() / 1_000
}

/// Waits until `done` gives something, asking again every `pause`, at most for `limit`.
pub(crate) fn poll<T>(
    limit: Duration,
    pause: Duration,
    mut done: impl FnMut() -> Option<T>,
) -> Option<T> {
    let deadline = now() + limit;
    loop {
        if let Some(value) = done() {
            return Some(value);
        }
        if now() >= deadline {
            return None;
        }
        std::thread::sleep(pause);
    }
}
