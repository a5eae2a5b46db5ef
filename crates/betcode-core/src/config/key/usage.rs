//! What is known about the settings of the use of plans, and their keys.

use super::{KeyInfo, Kind, Projects};

pub(super) static ENABLED: KeyInfo = KeyInfo {
    name: "usage.enabled",
    kind: Kind::Switch,
    default: "true",
    description: "whether it is followed how much of plans is used; without it no program is started for that",
    variable: Some("BETCODE_USAGE"),
    projects: Projects::Never,
};
pub(super) static WARNING: KeyInfo = KeyInfo {
    name: "usage.warning",
    kind: Kind::Percent,
    default: "75",
    description: "from how much of a window on there is a warning, in percent",
    variable: None,
    projects: Projects::Never,
};
pub(super) static CRITICAL: KeyInfo = KeyInfo {
    name: "usage.critical",
    kind: Kind::Percent,
    default: "90",
    description: "from how much of a window on it is critical, in percent",
    variable: None,
    projects: Projects::Never,
};
pub(super) static RESET_SOON: KeyInfo = KeyInfo {
    name: "usage.reset_soon",
    kind: Kind::Minutes,
    default: r#"["30", "15", "5"]"#,
    description: "how many minutes before a window begins anew that is announced; an empty list: never",
    variable: None,
    projects: Projects::Never,
};
pub(super) static CLAUDE_DIRS: KeyInfo = KeyInfo {
    name: "usage.claude_dirs",
    kind: Kind::Directories,
    default: "none",
    description: "directories of Claude Code's configuration (CLAUDE_CONFIG_DIR) beside the usual one, one for each account",
    variable: None,
    projects: Projects::Never,
};
pub(super) static DAILY_GOAL: KeyInfo = KeyInfo {
    name: "usage.daily_goal",
    kind: Kind::Percent,
    default: "an even share of what is left of the week",
    description: "how much of the week may be used in a day, in percent of the week",
    variable: None,
    projects: Projects::Never,
};
pub(super) static WINDOW: KeyInfo = KeyInfo {
    name: "usage.window",
    kind: Kind::Window,
    default: "tightest",
    description: "which window is shown where there is place for one",
    variable: None,
    projects: Projects::Never,
};

/// One key of the use of plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UsageKey {
    /// `usage.enabled`.
    Enabled,
    /// `usage.warning`.
    Warning,
    /// `usage.critical`.
    Critical,
    /// `usage.reset_soon`.
    ResetSoon,
    /// `usage.claude_dirs`.
    ClaudeDirs,
    /// `usage.daily_goal`.
    DailyGoal,
    /// `usage.window`.
    Window,
}

/// All of them.
pub(super) const ALL: [UsageKey; 7] = [
    UsageKey::Enabled,
    UsageKey::Warning,
    UsageKey::Critical,
    UsageKey::ResetSoon,
    UsageKey::ClaudeDirs,
    UsageKey::DailyGoal,
    UsageKey::Window,
];

impl UsageKey {
    pub(super) const fn info(self) -> &'static KeyInfo {
        match self {
            Self::Enabled => &ENABLED,
            Self::Warning => &WARNING,
            Self::Critical => &CRITICAL,
            Self::ResetSoon => &RESET_SOON,
            Self::ClaudeDirs => &CLAUDE_DIRS,
            Self::DailyGoal => &DAILY_GOAL,
            Self::Window => &WINDOW,
        }
    }

    pub(super) fn from_path(path: &[&str]) -> Option<Self> {
        let mut all = ALL.into_iter();
        all.find(|key| key.info().name.split('.').eq(path.iter().copied()))
    }
}
