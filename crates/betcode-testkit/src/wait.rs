//! Waiting for conditions, with a deadline.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until `condition` gives something, and panics with `what` when it does not in time.
///
/// # Panics
/// When the deadline passes.
#[expect(
    clippy::disallowed_methods,
    reason = "tests measure real time and fail by panicking"
)]
pub fn wait_until<T>(
    deadline: Duration,
    what: &str,
    mut condition: impl FnMut() -> Option<T>,
) -> T {
    let end = Instant::now() + deadline;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < end, "not within {deadline:?}: {what}");
        // a pause, because: nobody tells us when a condition of another process comes true.
        std::thread::sleep(PAUSE);
    }
}

/// Sends a signal to one process. A process that is gone is no error.
pub fn kill(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _gone = kill_process(pid, signal);
    }
}
