//! Durations as people write them (`90`, `90s`, `10m`, `2h`, `7d`) and times as they say them (`3 min ago`).

use std::time::Duration;

use betcode_core::time::Timestamp;

/// Reads a duration; a bare number is seconds.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    match betcode_core::config::parse_duration(text) {
        Some(Duration::ZERO) => Err("must be longer than nothing".to_owned()),
        Some(duration) => Ok(duration),
        None => {
            Err("write a number of seconds, or one with a unit: 90, 90s, 10m, 2h, 7d".to_owned())
        }
    }
}

/// A duration in the shortest form that loses nothing down to the second.
pub(crate) fn spell(duration: Duration) -> String {
    let millis = duration.as_millis();
    if !millis.is_multiple_of(1000) && millis < 10_000 {
        return format!("{millis}ms");
    }
    let seconds = duration.as_secs();
    let (whole, rest) = match seconds {
        0..120 => return format!("{seconds}s"),
        120..7_200 => ((seconds / 60, 'm'), (seconds % 60, 's')),
        7_200..172_800 => ((seconds / 3_600, 'h'), (seconds % 3_600 / 60, 'm')),
        _ => ((seconds / 86_400, 'd'), (seconds % 86_400 / 3_600, 'h')),
    };
    match (whole, rest) {
        ((count, unit), (0, _)) => format!("{count}{unit}"),
        ((count, unit), (more, smaller)) => format!("{count}{unit} {more}{smaller}"),
    }
}

/// How long ago something was.
pub(crate) fn ago(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.since(then).as_secs();
    match seconds {
        0..5 => "just now".to_owned(),
        5..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..172_800 => "yesterday".to_owned(),
        172_800..2_592_000 => format!("{} days ago", seconds / 86_400),
        _ => then.to_string().get(..10).unwrap_or_default().to_owned(),
    }
}

/// How soon something will be.
pub(crate) fn until(now: Timestamp, then: Timestamp) -> String {
    if then <= now {
        return "now".to_owned();
    }
    let seconds = then.since(now).as_secs();
    match seconds {
        0..60 => format!("in {seconds} s"),
        60..3_600 => format!("in {} min", seconds / 60),
        3_600..172_800 => format!("in {} h", seconds / 3_600),
        _ => format!("in {} days", (seconds + 43_200) / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_future_is_told_roughly() {
        let now = Timestamp(1_763_760_000_000_000);
        for (seconds, text) in [
            (-1, "now"),
            (0, "now"),
            (9, "in 9 s"),
            (90, "in 1 min"),
            (7_300, "in 2 h"),
            (90_000, "in 25 h"),
            (604_799, "in 7 days"),
        ] {
            assert_eq!(until(now, Timestamp(now.0 + seconds * 1_000_000)), text);
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("10m", 600),
            ("2h", 7_200),
            ("7d", 604_800),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "s",
            "1.5h",
            "-1",
            "10 m",
            "1w",
            "0",
            "99999999999999999999",
            "99999999999999999d",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_spelled_shortly() {
        for (millis, text) in [
            (300, "300ms"),
            (90_000, "90s"),
            (600_000, "10m"),
            (605_000, "10m 5s"),
            (9_000_000, "2h 30m"),
            (7_200_000, "2h"),
            (180_000_000, "2d 2h"),
            (604_800_000, "7d"),
        ] {
            assert_eq!(spell(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn the_past_is_told_roughly_and_the_future_never() {
        let now = Timestamp(1_763_760_000_000_000);
        let ago_of = |seconds: i64| ago(now, Timestamp(now.0 - seconds * 1_000_000));
        assert_eq!(ago_of(-60), "just now");
        assert_eq!(ago_of(30), "30 s ago");
        assert_eq!(ago_of(200), "3 min ago");
        assert_eq!(ago_of(7_300), "2 h ago");
        assert_eq!(ago_of(90_000), "yesterday");
        assert_eq!(ago_of(400_000), "4 days ago");
        assert_eq!(ago_of(100 * 86_400), "2025-08-13");
    }
}
