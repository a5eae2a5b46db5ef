//! What the configuration says about requests, the input lock and silent agents. Only data, handed to every decision: a change of the
//! settings changes no log.

use std::time::Duration;

/// The terms under which a session decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// How long a request waits for an answer.
    pub request_lifetime: Duration,
    /// How long a holder has to say something when somebody asks for the input lock.
    pub lock_wait: Duration,
    /// After how long without input a holder need not be asked any more before somebody else answers a request.
    pub lock_idle: Duration,
    /// How long a holder that went away keeps the lock.
    pub lock_grace: Duration,
    /// Requests may be answered without the lock.
    pub answer_without_lock: bool,
    /// After how long without a byte from the agent a turn is called stalled.
    pub stalled_after: Duration,
    /// After how long it is interrupted; none: never.
    pub interrupt_stalled_after: Option<Duration>,
}

/// The shortest and the longest time that a request may be set to wait.
pub const REQUEST_LIFETIMES: (Duration, Duration) =
    (Duration::from_hours(1), Duration::from_hours(30 * 24));

/// The longest time that a holder may be given to say something: clients give up on an answer after half a minute.
pub const LONGEST_LOCK_WAIT: Duration = Duration::from_secs(25);

impl Default for Terms {
    fn default() -> Self {
        Self {
            request_lifetime: Duration::from_hours(7 * 24),
            lock_wait: Duration::from_secs(10),
            lock_idle: Duration::from_secs(30),
            lock_grace: Duration::from_secs(10),
            answer_without_lock: false,
            stalled_after: Duration::from_mins(2),
            interrupt_stalled_after: None,
        }
    }
}
