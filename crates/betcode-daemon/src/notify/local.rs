//! The clock on the wall of this machine: how far it is ahead of UTC, and when that changes next.

use betcode_core::time::Timestamp;
use jiff::tz::TimeZone;

/// How far the local time is ahead of UTC, in seconds, and when that changes.
pub(super) fn offset(now: Timestamp) -> (i32, Option<Timestamp>) {
    in_zone(&TimeZone::system(), now)
}

fn in_zone(zone: &TimeZone, now: Timestamp) -> (i32, Option<Timestamp>) {
    let Ok(now) = jiff::Timestamp::from_microsecond(now.0) else {
        return (0, None);
    };
    let change = zone.following(now).next();
    let change = change.map(|change| Timestamp(change.timestamp().as_microsecond()));
    (zone.to_offset(now).seconds(), change)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_known_with_the_moment_of_its_change() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let at = |text: &str| {
            let time: jiff::Timestamp = text.parse().unwrap();
            Timestamp(time.as_microsecond())
        };
        let summer = at("2027-03-28T01:00:00Z");
        assert_eq!(
            in_zone(&zone, at("2027-01-01T00:00:00Z")),
            (3600, Some(summer))
        );
        assert_eq!(in_zone(&zone, summer).0, 7200);
        assert_eq!(in_zone(&TimeZone::UTC, summer), (0, None));
    }
}
