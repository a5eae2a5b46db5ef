//! Settings of the tray: what its icon shows, and what it starts.

use super::key::{Key, TrayKey};
use super::value::Value;

/// Settings of the tray.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrayConfig {
    /// What the icon shows.
    pub icon: IconStyle,
    /// Whether the icon moves for a moment when a notification is shown.
    pub pulse: bool,
    /// The terminal in which sessions are opened, and its arguments before the command; empty: one that is there.
    pub terminal: Vec<String>,
    /// Whether the tray is started together with the daemon.
    pub start: bool,
}

impl Default for TrayConfig {
    fn default() -> Self {
        Self {
            icon: IconStyle::Ring,
            pulse: true,
            terminal: Vec::new(),
            start: false,
        }
    }
}

/// What the icon of the tray shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IconStyle {
    /// A ring that fills.
    Ring,
    /// The number.
    Number,
    /// The number in the ring.
    Both,
    /// A bar that fills.
    Bar,
}

impl IconStyle {
    /// All.
    pub const ALL: [Self; 4] = [Self::Ring, Self::Number, Self::Both, Self::Bar];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ring => "ring",
            Self::Number => "number",
            Self::Both => "both",
            Self::Bar => "bar",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|style| style.name() == name)
    }
}

impl TrayConfig {
    pub(super) fn set(&mut self, key: TrayKey, value: &Value) {
        match key {
            TrayKey::Icon => {
                let style = value.as_text().and_then(IconStyle::named);
                self.icon = style.unwrap_or(self.icon);
            }
            TrayKey::Pulse => value.switch(&mut self.pulse),
            TrayKey::Terminal => {
                self.terminal = value.as_words().map(<[String]>::to_vec).unwrap_or_default();
            }
            TrayKey::Start => value.switch(&mut self.start),
        }
    }

    /// What holds when nothing is set, by key.
    pub(super) fn defaults(&self) -> [(Key, Option<Value>); 4] {
        [
            (
                TrayKey::Icon,
                Some(Value::Text(self.icon.name().to_owned())),
            ),
            (TrayKey::Pulse, Some(Value::Switch(self.pulse))),
            (TrayKey::Terminal, None),
            (TrayKey::Start, Some(Value::Switch(self.start))),
        ]
        .map(|(key, value)| (Key::Tray(key), value))
    }
}
