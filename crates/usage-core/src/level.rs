//! How much is used, as one of four levels: the colours and classes of the tray, the screen and status lines.
//!
//! Not the colours themselves (each client has its own) and not the thresholds of notifications, which are settings.

use serde::{Deserialize, Serialize};

use crate::reading::Percent;

/// From this percentage on it is no longer calm.
pub const BUSY: f64 = 50.0;
/// From this percentage on it is high.
pub const HIGH: f64 = 75.0;
/// From this percentage on it is critical.
pub const CRITICAL: f64 = 90.0;

/// How much is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Below 50 %: green.
    Calm,
    /// Below 75 %: yellow.
    Busy,
    /// Below 90 %: orange.
    High,
    /// From 90 % on: red.
    Critical,
}

impl Level {
    /// The level of a percentage.
    pub fn of(percent: Percent) -> Self {
        match percent.get() {
            it if it >= CRITICAL => Self::Critical,
            it if it >= HIGH => Self::High,
            it if it >= BUSY => Self::Busy,
            _ => Self::Calm,
        }
    }

    /// Its name, as a class of style sheets.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Busy => "busy",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The name of its colour: `green`, `yellow`, `orange`, `red`.
    pub const fn colour(self) -> &'static str {
        match self {
            Self::Calm => "green",
            Self::Busy => "yellow",
            Self::High => "orange",
            Self::Critical => "red",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_begins_exactly_at_its_threshold() {
        let levels = [0.0, 49.99, 50.0, 74.99, 75.0, 89.99, 90.0, 130.0]
            .map(|percent| Level::of(Percent::new(percent).unwrap()).colour());
        assert_eq!(
            levels,
            [
                "green", "green", "yellow", "yellow", "orange", "orange", "red", "red"
            ]
        );
    }
}
