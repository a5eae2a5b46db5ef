//! The one place of this crate that reads a clock.

use std::time::Instant;

use betcode_core::time::Timestamp;

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "this is the runtime's clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond())
}

/// A moment for measuring how long something takes.
#[expect(clippy::disallowed_methods, reason = "this is the runtime's clock")]
pub(crate) fn moment() -> Instant {
    Instant::now()
}
