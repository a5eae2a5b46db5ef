//! What is known about the settings of the interactive screen.

use super::{KeyInfo, Kind, Projects};

pub(super) static SCREEN_KEYS: KeyInfo = KeyInfo {
    name: "tui.keys.<action>",
    kind: Kind::Keys,
    default: "the usual keys: betcode keys",
    description: "the keys for something that the screen can do; an empty list takes them away",
    variable: None,
    projects: Projects::Personal,
};
pub(super) static THEME: KeyInfo = KeyInfo {
    name: "tui.theme",
    kind: Kind::Theme,
    default: "auto",
    description: "whom and what background the screen's colours are for; auto: the terminal is asked",
    variable: None,
    projects: Projects::Personal,
};
pub(super) static MOUSE: KeyInfo = KeyInfo {
    name: "tui.mouse",
    kind: Kind::Switch,
    default: "true",
    description: "whether the screen takes the mouse, for its wheel",
    variable: None,
    projects: Projects::Personal,
};
pub(super) static REDUCED_MOTION: KeyInfo = KeyInfo {
    name: "tui.reduced_motion",
    kind: Kind::Switch,
    default: "false",
    description: "whether nothing on the screen moves only to show that something runs",
    variable: None,
    projects: Projects::Personal,
};
pub(super) static SCREEN_READER: KeyInfo = KeyInfo {
    name: "tui.screen_reader",
    kind: Kind::Switch,
    default: "false",
    description: "whether the interactive client prints lines that a screen reader can read, and draws no screen",
    variable: Some("BETCODE_SCREEN_READER"),
    projects: Projects::Personal,
};
pub(super) static NOTIFY: KeyInfo = KeyInfo {
    name: "tui.notify",
    kind: Kind::Switch,
    default: "true",
    description: "whether the terminal notifies you of what waits or has ended while you look elsewhere",
    variable: None,
    projects: Projects::Personal,
};
pub(super) static VIM: KeyInfo = KeyInfo {
    name: "tui.vim",
    kind: Kind::Switch,
    default: "false",
    description: "whether the input takes vim's keys",
    variable: None,
    projects: Projects::Personal,
};
pub(super) static PROGRESS: KeyInfo = KeyInfo {
    name: "tui.progress",
    kind: Kind::Switch,
    default: "true",
    description: "whether the terminal shows in its tab or taskbar that a turn runs, where it can",
    variable: None,
    projects: Projects::Personal,
};
pub(super) static HISTORY: KeyInfo = KeyInfo {
    name: "tui.history",
    kind: Kind::Switch,
    default: "true",
    description: "whether what you send is kept, so that other sessions in the same directory can find it",
    variable: None,
    projects: Projects::Personal,
};
