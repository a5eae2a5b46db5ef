//! The one place where the host reads the time. It is monotonic; the host never asks what day it is.

use std::time::Instant;

/// The time now.
#[expect(clippy::disallowed_methods, reason = "this is the host's clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
