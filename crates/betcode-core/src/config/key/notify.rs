//! What is known about the settings of notifications, and their keys.

use super::{KeyInfo, Kind, Projects};
use crate::notify;

pub(super) static OFF: KeyInfo = KeyInfo {
    name: "notify.off",
    kind: Kind::Notices,
    default: "none",
    description: "kinds of notifications that are not told at all",
    variable: None,
    projects: Projects::Never,
};
pub(super) static QUIET_HOURS: KeyInfo = KeyInfo {
    name: "notify.quiet_hours",
    kind: Kind::Hours,
    default: "none",
    description: "times of the day, on the clock of this machine, in which no notification is shown",
    variable: None,
    projects: Projects::Never,
};
pub(super) static FOCUS: KeyInfo = KeyInfo {
    name: "notify.focus",
    kind: Kind::Switch,
    default: "false",
    description: "whether no notification is shown until this is switched off",
    variable: None,
    projects: Projects::Never,
};
pub(super) static WAITING_PASSES_SNOOZE: KeyInfo = KeyInfo {
    name: "notify.waiting_passes_snooze",
    kind: Kind::Switch,
    default: "true",
    description: "whether a pause does not hold back permissions, questions, reminders and errors",
    variable: None,
    projects: Projects::Never,
};
pub(super) static CRITICAL_PASSES_QUIET: KeyInfo = KeyInfo {
    name: "notify.critical_passes_quiet",
    kind: Kind::Switch,
    default: "false",
    description: "whether quiet hours and focus do not hold back a critical usage, an expired token and errors",
    variable: None,
    projects: Projects::Never,
};
pub(super) static PREVIEW: KeyInfo = KeyInfo {
    name: "notify.preview",
    kind: Kind::Switch,
    default: "true",
    description: "whether notifications say what an agent wants to do, what it asks, and what a session is about",
    variable: None,
    projects: Projects::Never,
};
pub(super) static TURN_AFTER: KeyInfo = KeyInfo {
    name: "notify.turn_after",
    kind: Kind::Duration,
    default: "10m",
    description: "after how long a turn is told although somebody was attached to its session; 0: never",
    variable: None,
    projects: Projects::Never,
};
pub(super) static COMMAND: KeyInfo = KeyInfo {
    name: "notify.command.<kind>",
    kind: Kind::Words,
    default: "nothing is run",
    description: "a program that is run for every notification of a kind, with the notification as JSON on stdin",
    variable: None,
    projects: Projects::Never,
};
pub(super) static URL: KeyInfo = KeyInfo {
    name: "notify.url.<kind>",
    kind: Kind::Address,
    default: "nothing is opened",
    description: "an address that is opened for every notification of a kind",
    variable: None,
    projects: Projects::Never,
};

/// One key of notifications, with its parts filled in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NotifyKey {
    /// `notify.off`.
    Off,
    /// `notify.quiet_hours`.
    QuietHours,
    /// `notify.focus`.
    Focus,
    /// `notify.waiting_passes_snooze`.
    WaitingPassesSnooze,
    /// `notify.critical_passes_quiet`.
    CriticalPassesQuiet,
    /// `notify.preview`.
    Preview,
    /// `notify.turn_after`.
    TurnAfter,
    /// `notify.command.<kind>`.
    Command(notify::Kind),
    /// `notify.url.<kind>`.
    Url(notify::Kind),
}

/// The keys that have no part to choose.
const WHOLE: [NotifyKey; 7] = [
    NotifyKey::Off,
    NotifyKey::QuietHours,
    NotifyKey::Focus,
    NotifyKey::WaitingPassesSnooze,
    NotifyKey::CriticalPassesQuiet,
    NotifyKey::Preview,
    NotifyKey::TurnAfter,
];

impl NotifyKey {
    pub(super) fn info(&self) -> &'static KeyInfo {
        match self {
            Self::Off => &OFF,
            Self::QuietHours => &QUIET_HOURS,
            Self::Focus => &FOCUS,
            Self::WaitingPassesSnooze => &WAITING_PASSES_SNOOZE,
            Self::CriticalPassesQuiet => &CRITICAL_PASSES_QUIET,
            Self::Preview => &PREVIEW,
            Self::TurnAfter => &TURN_AFTER,
            Self::Command(_) => &COMMAND,
            Self::Url(_) => &URL,
        }
    }

    pub(super) fn path(&self) -> Vec<&'static str> {
        match self {
            Self::Command(kind) => vec!["notify", "command", kind.word()],
            Self::Url(kind) => vec!["notify", "url", kind.word()],
            _ => self.info().name.split('.').collect(),
        }
    }

    pub(super) fn from_path(path: &[&str]) -> Option<Self> {
        match *path {
            ["notify", "command", kind] => notify::Kind::of_word(kind).map(Self::Command),
            ["notify", "url", kind] => notify::Kind::of_word(kind).map(Self::Url),
            _ => WHOLE.iter().find(|key| key.path() == path).cloned(),
        }
    }
}
