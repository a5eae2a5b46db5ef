//! What is known about the settings of the tray, and their keys.

use super::{KeyInfo, Kind, Projects};

pub(super) static ICON: KeyInfo = KeyInfo {
    name: "tray.icon",
    kind: Kind::IconStyle,
    default: "ring",
    description: "what the icon in the tray shows of the plan's use",
    variable: None,
    projects: Projects::Personal,
};
pub(super) static PULSE: KeyInfo = KeyInfo {
    name: "tray.pulse",
    kind: Kind::Switch,
    default: "true",
    description: "whether the icon in the tray moves for half a second when a notification is shown",
    variable: None,
    projects: Projects::Personal,
};
pub(super) static TERMINAL: KeyInfo = KeyInfo {
    name: "tray.terminal",
    kind: Kind::Words,
    default: "$TERMINAL, or one that is installed",
    description: "the terminal in which the tray opens sessions, with what stands before the command",
    variable: None,
    projects: Projects::Personal,
};
pub(super) static START: KeyInfo = KeyInfo {
    name: "tray.start",
    kind: Kind::Switch,
    default: "false",
    description: "whether betcode daemon start starts the tray as well",
    variable: None,
    projects: Projects::Personal,
};

/// One key of the tray.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TrayKey {
    /// `tray.icon`.
    Icon,
    /// `tray.pulse`.
    Pulse,
    /// `tray.terminal`.
    Terminal,
    /// `tray.start`.
    Start,
}

const ALL: [TrayKey; 4] = [
    TrayKey::Icon,
    TrayKey::Pulse,
    TrayKey::Terminal,
    TrayKey::Start,
];

impl TrayKey {
    pub(super) fn info(self) -> &'static KeyInfo {
        match self {
            Self::Icon => &ICON,
            Self::Pulse => &PULSE,
            Self::Terminal => &TERMINAL,
            Self::Start => &START,
        }
    }

    pub(super) fn from_path(path: &[&str]) -> Option<Self> {
        let name = path.join(".");
        ALL.into_iter().find(|key| key.info().name == name)
    }
}
