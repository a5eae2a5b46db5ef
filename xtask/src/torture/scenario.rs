//! What the demo agent is asked to say, and what it must therefore say: every line has a number, so a line that is
//! missing or doubled shows.

use std::fmt::Write as _;

/// A prompt with a known answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scenario {
    /// The next `n` numbers, one a line; the count goes on for as long as the agent lives.
    Count {
        /// How many.
        n: u64,
        /// How many a second; 0 is as fast as it can.
        rate: u64,
    },
    /// `n` numbered lines of `size` bytes, each time from 1.
    Flood {
        /// How many.
        n: u64,
        /// Bytes of each line.
        size: usize,
        /// How many a second; 0 is as fast as it can.
        rate: u64,
    },
}

/// The columns of a number in a flood.
const COLUMNS: usize = 8;

impl Scenario {
    /// The words for the agent.
    pub(super) fn prompt(&self) -> String {
        match self {
            Self::Count { n, rate } => format!("/demo count n={n} rate={rate}"),
            Self::Flood { n, size, rate } => format!("/demo flood n={n} size={size} rate={rate}"),
        }
    }

    /// Reads the words back.
    pub(super) fn parse(prompt: &str) -> Option<Self> {
        let mut words = prompt.strip_prefix("/demo ")?.split(' ');
        let name = words.next()?;
        let mut value = |key: &str| {
            let word = words.next()?;
            word.strip_prefix(key)?
                .strip_prefix('=')?
                .parse::<u64>()
                .ok()
        };
        match name {
            "count" => Some(Self::Count {
                n: value("n")?,
                rate: value("rate")?,
            }),
            "flood" => Some(Self::Flood {
                n: value("n")?,
                size: usize::try_from(value("size")?).ok()?,
                rate: value("rate")?,
            }),
            _ => None,
        }
    }

    /// The answer of an agent that has counted to `counted` before, and where its count stands then.
    pub(super) fn answer(&self, counted: u64) -> (String, u64) {
        let mut text = String::new();
        match self {
            Self::Count { n, .. } => {
                for number in counted + 1..=counted + n {
                    let _ = writeln!(text, "{number}");
                }
                (text, counted + n)
            }
            Self::Flood { n, size, .. } => {
                let dots = ".".repeat(size.saturating_sub(COLUMNS + 2));
                for number in 1..=*n {
                    let _ = writeln!(text, "{number:>COLUMNS$} {dots}");
                }
                (text, counted)
            }
        }
    }
}

/// The number at the beginning of a line.
pub(super) fn number(line: &str) -> Option<u64> {
    line.trim_start().split([' ', '\n']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_read_back_as_it_was_meant() {
        for scenario in [
            Scenario::Count { n: 12, rate: 0 },
            Scenario::Flood {
                n: 3,
                size: 20,
                rate: 900,
            },
        ] {
            assert_eq!(Scenario::parse(&scenario.prompt()), Some(scenario));
        }
        assert_eq!(Scenario::parse("/demo say text=1"), None);
        assert_eq!(Scenario::parse("hello"), None);
    }

    #[test]
    fn counting_goes_on_and_a_flood_begins_anew() {
        let count = Scenario::Count { n: 2, rate: 0 };
        assert_eq!(count.answer(9), ("10\n11\n".to_owned(), 11));
        let flood = Scenario::Flood {
            n: 2,
            size: 14,
            rate: 0,
        };
        let (text, counted) = flood.answer(9);
        assert_eq!(text, "       1 ....\n       2 ....\n");
        assert_eq!(counted, 9);
        assert!(text.lines().all(|line| line.len() + 1 == 14));
        assert_eq!(text.lines().filter_map(number).collect::<Vec<_>>(), [1, 2]);
    }
}
