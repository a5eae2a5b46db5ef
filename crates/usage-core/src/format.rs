//! Readings as text: bars for people, one line for prompts and panels, and the forms that panels read.
//!
//! Every form shows what is known and nothing else: a window that began anew since it was read has no number, and readings
//! that are not good any more say so.
//!
//! Laws: the tooltip has at most 64 characters; no form has a control character other than the line breaks and colours that
//! belong to it.

mod bars;
mod panel;
mod time;

use std::collections::BTreeMap;

use betcode_core::time::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::forecast::Pace;
use crate::level::Level;
use crate::planner::State;
use crate::reading::{Kind, ProviderId, Reading, Window};
use crate::readings::binding;

pub use bars::{
    Room, bar, bars, bars_within, day_line, day_line_within, flowed, name_width, row, state_line,
};
pub use panel::{line, tooltip, waybar};
pub use time::{clock, left, span};

/// What is shown.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// How it stands.
    pub state: &'a State,
    /// The readings.
    pub readings: &'a [Reading],
    /// How their use goes on, where that is known.
    pub paces: &'a BTreeMap<Window, Pace>,
    /// The window that is shown where there is room for one; without it the one that bites first.
    pub chosen: Option<&'a Window>,
    /// How many things wait for the person.
    pub waiting: usize,
    /// Now.
    pub now: Timestamp,
    /// Where the person is.
    pub zone: &'a TimeZone,
}

impl<'a> Shown<'a> {
    /// The reading that is shown where there is room for one; one that is over, if all are.
    pub fn main(&self) -> Option<&'a Reading> {
        let chosen = self.chosen;
        let chosen = self.readings.iter().find(|it| chosen == Some(&it.window()));
        chosen
            .or_else(|| binding(self.readings, self.now))
            .or_else(|| self.readings.iter().max_by_key(|it| it.observed_at))
    }

    /// The level of the reading that is shown, if it says something about now.
    pub fn level(&self) -> Option<Level> {
        Some(Level::of(self.main()?.current(self.now)?))
    }

    /// The names of classes: the level, and the state unless it is good.
    pub fn classes(&self) -> Vec<&'static str> {
        let level = self.level().map(Level::name);
        let state = (!self.state.is_ok()).then(|| self.state.name());
        level.into_iter().chain(state).collect()
    }
}

/// With which marks text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// None.
    Plain,
    /// Those of terminals.
    Ansi,
    /// Those of the status line of tmux.
    Tmux,
}

impl Paint {
    /// The text in the colour of a level.
    pub fn paint(self, level: Level, text: &str) -> String {
        let number = match level {
            Level::Calm => "32",
            Level::Busy => "33",
            // Terminals have no orange of their own.
            Level::High => "38;5;208",
            Level::Critical => "31",
        };
        match self {
            Self::Plain => text.to_owned(),
            Self::Ansi => format!("\u{1b}[{number}m{text}\u{1b}[0m"),
            Self::Tmux => {
                let colour = match level {
                    Level::High => "colour208",
                    _ => level.colour(),
                };
                format!("#[fg={colour}]{text}#[default]")
            }
        }
    }
}

/// What `betcode usage --json` prints.
pub fn json(state: &State, readings: &[Reading]) -> Value {
    let mut usage = json!({"state": state.name(), "readings": readings});
    if let (Some(usage), State::RateLimited { until }) = (usage.as_object_mut(), state) {
        usage.insert("until".to_owned(), json!(until));
    }
    if let (Some(usage), false) = (usage.as_object_mut(), state.is_ok()) {
        usage.insert("message".to_owned(), json!(state.to_string()));
    }
    usage
}

/// What a window is called in a sentence: `5-hour`, `weekly Fable`.
pub fn window_name(window: &Window, duration_s: Option<u64>) -> String {
    let name = match window.kind {
        Kind::Weekly | Kind::WeeklyScoped => "weekly".to_owned(),
        Kind::Monthly => "monthly".to_owned(),
        Kind::Extra => "extra usage".to_owned(),
        Kind::Session | Kind::SessionScoped | Kind::Other => duration_s.map_or_else(
            || "session".to_owned(),
            |seconds| {
                let (count, unit) = whole(seconds);
                format!("{count}-{unit}")
            },
        ),
    };
    with_label(name, window)
}

/// The same where there is little room: `5h`, `7d Fable`.
pub fn short_name(reading: &Reading) -> String {
    let name = match (reading.kind, reading.duration_s) {
        (Kind::Extra, _) => "extra".to_owned(),
        (_, Some(seconds)) => {
            let (count, unit) = whole(seconds);
            format!("{count}{}", unit.chars().next().unwrap_or('s'))
        }
        (kind, None) => kind.name().to_owned(),
    };
    with_label(name, &reading.window())
}

fn with_label(name: String, window: &Window) -> String {
    match &window.label {
        Some(label) => format!("{name} {label}"),
        None => name,
    }
}

/// A length in the largest unit of which it is a whole number.
fn whole(seconds: u64) -> (u64, &'static str) {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let unit = units
        .into_iter()
        .find(|(length, _)| seconds >= *length && seconds.is_multiple_of(*length));
    let (length, unit) = unit.unwrap_or((1, "second"));
    (seconds / length, unit)
}

/// Whether readings of several providers or accounts are shown.
fn owners(readings: &[Reading]) -> Vec<(ProviderId, &str)> {
    let mut owners: Vec<_> = readings
        .iter()
        .map(|it| (it.provider, it.account.0.as_str()))
        .collect();
    owners.sort_unstable();
    owners.dedup();
    owners
}

#[cfg(test)]
mod tests;
