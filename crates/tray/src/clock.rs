//! The one place of this crate that reads a clock, and the zone it is read in.

use betcode_core::time::Timestamp;
use jiff::tz::TimeZone;

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "this is the runtime's clock")]
pub fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond())
}

/// Where this machine is.
pub fn zone() -> TimeZone {
    TimeZone::system()
}
