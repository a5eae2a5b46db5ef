//! The one place that reads clocks.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Now, on the clock that never goes back.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the module that owns the clock"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Time since the Unix epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the module that owns the clock"
)]
pub(crate) fn wall() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Milliseconds from `start` until now.
pub(crate) fn millis_since(start: Instant) -> u64 {
    u64::try_from(now().saturating_duration_since(start).as_millis()).unwrap_or(u64::MAX)
}

/// The present as `2026-11-21T19:12:21.703Z`.
pub(crate) fn timestamp() -> String {
    format_timestamp(wall())
}

/// Renders a time since the epoch; the date is Howard Hinnant's days-to-civil computation.
fn format_timestamp(since_epoch: Duration) -> String {
    let seconds = since_epoch.as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        rest / 3_600,
        rest / 60 % 60,
        rest % 60,
        since_epoch.subsec_millis()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_the_utc_date_with_milliseconds() {
        let check = |millis, text: &str| {
            assert_eq!(format_timestamp(Duration::from_millis(millis)), text);
        };
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_399_999, "2000-02-28T23:59:59.999Z");
        check(951_782_400_000, "2000-02-29T00:00:00.000Z");
        check(1_795_288_341_703, "2026-11-21T19:12:21.703Z");
    }
}
