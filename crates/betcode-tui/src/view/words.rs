//! Numbers as people say them.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_counts_are_short() {
        let times = [20, 850, 3_240, 42_000, 185_000, 7_620_000].map(duration_ms);
        assert_eq!(times, ["20 ms", "0.8 s", "3.2 s", "42 s", "3 m 05 s", "2 h 07 m"]);
        let counts = [7, 12_345, 245_900, 1_260_000].map(count);
        assert_eq!(counts, ["7", "12.3k", "245k", "1.2M"]);
        assert_eq!(counted(1, "line"), "1 line");
        assert_eq!(counted(3, "line"), "3 lines");
    }
}
