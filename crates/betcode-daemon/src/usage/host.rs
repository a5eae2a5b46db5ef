//! What the host says by itself: that its network came or went, and that it woke up. Nobody is asked over D-Bus, and nothing
//! wakes up to look: where the kernel has nothing to say, this waits.
//!
//! Linux says it all: routes and addresses over its routing socket, a sleep by a timer that is cancelled when the time of day
//! is set, which the kernel does itself when it wakes. Other systems say nothing here, and neither does a place where the
//! kernel does not let us listen; who uses this must get on without.
//!
//! What the words mean, and when they are said, is the law of `law`.

mod law;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod netlink;

use crate::clock::Clock;

/// What the host says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// It slept and woke up.
    Woke,
    /// There is a way out of this machine that was not there before.
    NetworkUp,
    /// The last way out of this machine is gone.
    NetworkDown,
}

/// Where signals come from.
#[derive(Debug)]
pub struct Signals {
    #[cfg(target_os = "linux")]
    linux: linux::Linux,
}

impl Signals {
    /// Begins to listen. Must be called inside a runtime.
    pub fn open(clock: &Clock) -> Self {
        #[cfg(not(target_os = "linux"))]
        let _ = clock;
        Self {
            #[cfg(target_os = "linux")]
            linux: linux::Linux::open(clock),
        }
    }

    /// The next signal. May be dropped while it waits; nothing is lost by that.
    pub async fn next(&mut self) -> Signal {
        #[cfg(target_os = "linux")]
        {
            self.linux.next().await
        }
        #[cfg(not(target_os = "linux"))]
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests;
