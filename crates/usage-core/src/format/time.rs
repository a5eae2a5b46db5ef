//! Times for people.

use std::time::Duration;

use betcode_core::time::Timestamp;
use jiff::tz::TimeZone;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A length in its two largest units: `1h 20m`, `2d 3h`, `45m`; to the nearest minute, because resets jitter.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs().saturating_add(MINUTE / 2);
    let (days, hours, minutes) = (seconds / DAY, seconds % DAY / HOUR, seconds % HOUR / MINUTE);
    match (days, hours, minutes) {
        (0, 0, 0) => "1m".to_owned(),
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, 0) => format!("{hours}h"),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, 0, _) => format!("{days}d"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}

/// The time from now until a moment.
pub fn left(moment: Timestamp, now: Timestamp) -> String {
    span(moment.since(now))
}

/// How long ago a moment was; what is younger than half a minute is from now.
pub(super) fn age(moment: Timestamp, now: Timestamp) -> String {
    let age = now.since(moment);
    if age.as_secs() < MINUTE / 2 {
        return "just now".to_owned();
    }
    format!("{} ago", span(age))
}

/// A moment as people say it: `16:40` on the same day, `Thu 16:40` within a week, `28 Nov 16:40` otherwise.
pub fn clock(moment: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    // To the nearest minute: a reset at 16:39:59.9 is one at 16:40.
    let moment = moment.plus(Duration::from_secs(MINUTE / 2));
    let zoned = |moment: Timestamp| {
        let moment = jiff::Timestamp::from_microsecond(moment.0).ok()?;
        Some(moment.to_zoned(zone.clone()))
    };
    let (Some(then), Some(today)) = (zoned(moment), zoned(now)) else {
        return "far away".to_owned();
    };
    let apart = moment.since(now).max(now.since(moment)).as_secs();
    let format = if then.date() == today.date() {
        "%H:%M"
    } else if apart < 6 * DAY {
        "%a %H:%M"
    } else {
        "%-d %b %H:%M"
    };
    then.strftime(format).to_string()
}
