//! Settings of what is known about the use of plans: whether anything is asked, whom, and what is worth a notification.

use super::key::{Key, UsageKey};
use super::value::{BadValue, Kind, Value, bad, shown};

/// No announcement comes earlier before a reset: a day, in minutes.
const LONGEST_SOON: u32 = 24 * 60;

/// Settings of the use of plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageConfig {
    /// Whether anything is asked and shown at all.
    pub enabled: bool,
    /// From this use on there is a warning, in percent.
    pub warning: u32,
    /// From this use on it is critical, in percent.
    pub critical: u32,
    /// So many minutes before a reset it is announced.
    pub reset_soon: Vec<u32>,
    /// Directories of Claude Code's configuration beside the usual one: one for each account. `~/` is the user's home.
    pub claude_dirs: Vec<String>,
    /// What may be used of the week in a day, in points; none: an even share of what is left.
    pub daily_goal: Option<u32>,
    /// Which window is shown where there is place for one.
    pub window: WindowChoice,
}

impl Default for UsageConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            warning: 75,
            critical: 90,
            reset_soon: vec![30, 15, 5],
            claude_dirs: Vec::new(),
            daily_goal: None,
            window: WindowChoice::Tightest,
        }
    }
}

/// Which window is shown where there is place for one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WindowChoice {
    /// The one that bites first.
    #[default]
    Tightest,
    /// That of hours.
    Session,
    /// That of a week.
    Weekly,
}

impl WindowChoice {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tightest, Self::Session, Self::Weekly];

    /// Its name in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tightest => "tightest",
            Self::Session => "session",
            Self::Weekly => "weekly",
        }
    }

    /// The choice of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == name)
    }
}

impl UsageConfig {
    pub(super) fn set(&mut self, key: UsageKey, value: &Value) {
        match key {
            UsageKey::Enabled => value.switch(&mut self.enabled),
            UsageKey::Warning => value.count(&mut self.warning),
            UsageKey::Critical => value.count(&mut self.critical),
            UsageKey::ResetSoon => self.reset_soon = minutes(value),
            UsageKey::ClaudeDirs => self.claude_dirs = list(value).to_vec(),
            UsageKey::DailyGoal => {
                let mut goal = 0;
                value.count(&mut goal);
                self.daily_goal = (goal > 0).then_some(goal);
            }
            UsageKey::Window => {
                let choice = value.as_text().and_then(WindowChoice::of_name);
                self.window = choice.unwrap_or_default();
            }
        }
    }

    /// What holds when nothing is set, by key.
    pub(super) fn defaults(&self) -> [(Key, Option<Value>); 7] {
        let soon = self.reset_soon.iter().map(ToString::to_string).collect();
        [
            (UsageKey::Enabled, Some(Value::Switch(self.enabled))),
            (UsageKey::Warning, Some(Value::Count(self.warning))),
            (UsageKey::Critical, Some(Value::Count(self.critical))),
            (UsageKey::ResetSoon, Some(Value::Keys(soon))),
            (UsageKey::ClaudeDirs, None),
            (UsageKey::DailyGoal, None),
            (
                UsageKey::Window,
                Some(Value::Text(self.window.name().to_owned())),
            ),
        ]
        .map(|(key, value)| (Key::Usage(key), value))
    }
}

fn list(value: &Value) -> &[String] {
    match value {
        Value::Keys(words) => words,
        _ => &[],
    }
}

fn minutes(value: &Value) -> Vec<u32> {
    let words = list(value).iter();
    let mut minutes: Vec<u32> = words.filter_map(|word| read_minutes(word)).collect();
    minutes.sort_unstable_by(|one, other| other.cmp(one));
    minutes.dedup();
    minutes
}

fn read_minutes(word: &str) -> Option<u32> {
    let minutes = word.parse().ok()?;
    (1..=LONGEST_SOON).contains(&minutes).then_some(minutes)
}

/// A percentage of a limit that is worth a word.
pub(super) fn percent(text: &str) -> Option<Value> {
    let percent = text.parse().ok()?;
    (1..=100)
        .contains(&percent)
        .then_some(Value::Count(percent))
}

/// A list of minutes or of directories, if every word is one.
pub(super) fn words(kind: Kind, words: Vec<String>) -> Result<Value, BadValue> {
    let fits = |word: &&String| match kind {
        Kind::Minutes => read_minutes(word).is_some(),
        _ => is_directory(word),
    };
    match words.iter().find(|word| !fits(word)) {
        Some(word) => Err(bad(kind, shown(kind, word))),
        None => Ok(Value::Keys(words)),
    }
}

/// Whether it says where it is, wherever it is read.
fn is_directory(word: &str) -> bool {
    let is_rooted = word.starts_with('/') || word.starts_with("~/");
    is_rooted && !word.contains(char::is_control)
}
