//! Numbers and states as people say them.

use std::time::Duration;

use betcode_core::event::Status;

/// `850 ms`, `12 s`, `3 m 05 s`, `2 h 07 m`.
pub fn duration_ms(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0 if milliseconds < 100 => format!("{milliseconds} ms"),
        0..10 => format!("{}.{} s", seconds, milliseconds % 1000 / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `950`, `12.3k`, `1.2M`.
pub fn count(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        1000..100_000 => format!("{}.{}k", number / 1000, number % 1000 / 100),
        100_000..1_000_000 => format!("{}k", number / 1000),
        _ => format!("{}.{}M", number / 1_000_000, number % 1_000_000 / 100_000),
    }
}

/// `1 line`, `2 lines`.
pub fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// `now`, `12 s`, `5 min`, `3 h`, `2 d`.
pub fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..10 => "now".to_owned(),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// How long ago something was.
pub fn ago(time: Duration) -> String {
    match age(time) {
        now if now == "now" => now,
        age => format!("{age} ago"),
    }
}

/// The first line, marked when it is not all.
pub fn first_line(text: &str) -> String {
    let mut lines = text.trim().lines();
    let first = lines.next().unwrap_or_default();
    if lines.next().is_some() {
        format!("{first} …")
    } else {
        first.to_owned()
    }
}

/// The last part of a path.
pub fn directory(path: &str) -> &str {
    path.trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or(path)
}

/// A session's title, or what stands for one.
pub const fn title(title: &str) -> &str {
    if title.is_empty() {
        "(no title)"
    } else {
        title
    }
}

/// The beginning of an id, which is enough to find it.
pub fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

/// What a session is doing.
pub const fn status(status: Status) -> &'static str {
    match status {
        Status::Starting => "starting",
        Status::Thinking => "working",
        Status::RunningTool => "running a tool",
        Status::WaitingForUser => "waits for you",
        Status::Idle => "idle",
        Status::Compacting => "compacting",
        Status::RateLimited => "rate limited",
        Status::Retrying => "trying again",
        Status::Stalled => "says nothing",
        Status::Crashed => "crashed",
        Status::Error => "failed",
        Status::Closed => "closed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_counts_are_short() {
        let times = [20, 850, 3_240, 42_000, 185_000, 7_620_000].map(duration_ms);
        assert_eq!(
            times,
            ["20 ms", "0.8 s", "3.2 s", "42 s", "3 m 05 s", "2 h 07 m"]
        );
        let counts = [7, 12_345, 245_900, 1_260_000].map(count);
        assert_eq!(counts, ["7", "12.3k", "245k", "1.2M"]);
        assert_eq!(counted(1, "line"), "1 line");
        assert_eq!(counted(3, "line"), "3 lines");
    }
}
