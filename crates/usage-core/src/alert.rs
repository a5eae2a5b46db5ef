//! When the use of a plan is worth a notification: once for each threshold in each run of a window, never twice.
//!
//! A *run* is the life of a window from one reset to the next. It says nothing about how a notification looks, whether it is
//! held back or snoozed, and nothing about logins and networks (see [`planner`](crate::planner)).
//!
//! The driver feeds [`Input`]s, calls [`Alerts::handle_timeout`] when [`Alerts::poll_timeout`] says so, and stores what
//! [`Alerts::poll_effect`] gives in one transaction with [`Alerts::memory`]. Alerts that were not taken yet are part of the
//! memory, so an interruption at any moment loses none; one that comes a second time has the same [`Alert::key`].
//!
//! Laws:
//! - a threshold is announced once a run, when the use rises across it, however the readings or the reset jitter;
//! - the first reading of a window that was never seen is where it stands and no news, unless it is critical;
//! - of several thresholds crossed at once the most serious one is announced, and the others count as announced;
//! - announcements that time has passed over are merged into one;
//! - a reading that is older than what is known, or whose window has begun anew since, changes nothing.

mod run;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use betcode_core::notify;
use betcode_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::level;
use crate::reading::{Kind, Percent, Reading, Window};
use run::Run;

/// More windows than this are not watched.
const MOST_WINDOWS: usize = 256;
/// A window of which nothing was heard for so long is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(40 * 24);

/// What a person has chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// From this use on there is a warning.
    pub warning: Percent,
    /// From this use on it is critical.
    pub critical: Percent,
    /// So many minutes before a reset it is announced.
    pub soon: Vec<u32>,
    /// Resets are worth a word only of windows that are used at least so far.
    pub resets_from: Percent,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            warning: Percent::known(level::HIGH),
            critical: Percent::known(level::CRITICAL),
            soon: vec![30, 15, 5],
            resets_from: Percent::known(level::BUSY),
        }
    }
}

/// What there is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// The window began anew.
    Reset,
    /// It soon will.
    ResetSoon {
        /// In so many minutes.
        minutes: u32,
    },
    /// Much is used.
    Warning,
    /// Nearly all is used.
    Critical,
}

/// Something worth a notification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// The same alert always has the same key, and no other has it.
    pub key: String,
    /// What there is to say.
    pub kind: AlertKind,
    /// About which window.
    pub window: Window,
    /// How long the window is.
    pub duration_s: Option<u64>,
    /// How much of it is used.
    pub percent: Percent,
    /// When it begins anew.
    pub resets_at: Option<Timestamp>,
    /// When this was found.
    pub at: Timestamp,
}

impl Alert {
    /// What stands above it.
    pub fn title(&self) -> String {
        let title = self.notice().title();
        match self.kind {
            AlertKind::Reset => title.to_owned(),
            _ => format!("{} {title}", self.window.provider.title()),
        }
    }

    /// The kind of notification that it is worth.
    pub const fn notice(&self) -> notify::Kind {
        match self.kind {
            AlertKind::Warning => notify::Kind::UsageWarning,
            AlertKind::Critical => notify::Kind::UsageCritical,
            AlertKind::ResetSoon { .. } => notify::Kind::ResetSoon,
            AlertKind::Reset => notify::Kind::QuotaReset,
        }
    }

    /// What it says.
    pub fn body(&self) -> String {
        let window = crate::format::window_name(&self.window, self.duration_s);
        let percent = self.percent.get();
        match self.kind {
            AlertKind::Warning => format!("You've used {percent:.0}% of your {window} quota."),
            AlertKind::Critical => format!("You've used {percent:.0}% of your {window} quota!"),
            AlertKind::ResetSoon { minutes: 1 } => {
                format!("Your {window} quota resets in 1 minute.")
            }
            AlertKind::ResetSoon { minutes } => {
                format!("Your {window} quota resets in {minutes} minutes.")
            }
            AlertKind::Reset => format!("Your {window} quota is fresh again."),
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// This is what is known of windows now; it may be the same as before.
    Readings(Vec<Reading>),
    /// The person chose otherwise.
    Settings(Settings),
}

/// What must be kept: which runs there are and what was announced of them, and what is not taken yet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    #[serde(with = "pairs", default)]
    runs: BTreeMap<Window, Run>,
    #[serde(default)]
    waiting: VecDeque<Alert>,
}

/// The machine.
#[derive(Debug, Clone)]
pub struct Alerts {
    settings: Settings,
    memory: Memory,
}

impl Alerts {
    /// Goes on from what was kept.
    pub const fn new(settings: Settings, memory: Memory) -> Self {
        Self { settings, memory }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        self.handle_timeout(now);
        match input {
            Input::Settings(settings) => self.settings = settings,
            Input::Readings(readings) => {
                for reading in &readings {
                    self.read(now, reading);
                }
                self.memory
                    .runs
                    .retain(|_, run| now.since(run.observed_at()) <= FORGOTTEN_AFTER);
            }
        }
    }

    /// Takes in that time has passed.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        for (window, run) in &mut self.memory.runs {
            let alert = run.pass(now, window, &self.settings);
            self.memory.waiting.extend(alert);
        }
    }

    /// When to call [`Alerts::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let runs = self.memory.runs.values();
        runs.filter_map(|run| run.due(&self.settings)).min()
    }

    /// The next alert.
    pub fn poll_effect(&mut self) -> Option<Alert> {
        self.memory.waiting.pop_front()
    }

    /// What must be kept.
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    fn read(&mut self, now: Timestamp, reading: &Reading) {
        if reading.is_over(now) {
            return;
        }
        let window = reading.window();
        let runs = &mut self.memory.runs;
        let has_room = runs.len() < MOST_WINDOWS;
        let alerts = if let Some(run) = runs.get_mut(&window) {
            run.read(now, reading, &self.settings)
        } else if has_room {
            let (run, alert) = Run::first(now, reading, &self.settings);
            runs.insert(window, run);
            alert.into_iter().collect()
        } else {
            Vec::new()
        };
        self.memory.waiting.extend(alerts);
    }
}

/// What is paid beyond the plan has no reset that a person waits for.
fn has_resets(kind: Kind) -> bool {
    kind != Kind::Extra
}

/// A map whose keys are no texts, as a list of pairs.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Run, Window};

    pub(super) fn serialize<S: Serializer>(
        runs: &BTreeMap<Window, Run>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(runs)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Window, Run>, D::Error> {
        let pairs = Vec::<(Window, Run)>::deserialize(deserializer)?;
        Ok(pairs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
