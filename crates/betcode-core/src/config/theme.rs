//! Which colours somebody chose for the interactive screen. What they look like is the screen's business.

/// What the screen's colours are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ThemeChoice {
    /// Whatever the terminal says of its background.
    Auto,
    /// A dark background.
    Dark,
    /// A light one.
    Light,
    /// Much contrast on a dark background.
    HighContrast,
    /// Much contrast on a light one.
    HighContrastLight,
    /// Colours that the colour-blind can tell apart, on a dark background.
    ColourBlind,
    /// The same on a light one.
    ColourBlindLight,
}

impl ThemeChoice {
    /// All.
    pub const ALL: [Self; 7] = [
        Self::Auto,
        Self::Dark,
        Self::Light,
        Self::HighContrast,
        Self::HighContrastLight,
        Self::ColourBlind,
        Self::ColourBlindLight,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::HighContrast => "high-contrast",
            Self::HighContrastLight => "high-contrast-light",
            Self::ColourBlind => "colour-blind",
            Self::ColourBlindLight => "colour-blind-light",
        }
    }

    /// What it is, for whoever chooses.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Auto => "dark or light, as the terminal is",
            Self::Dark => "for a dark background",
            Self::Light => "for a light background",
            Self::HighContrast => "nothing faint, for a dark background",
            Self::HighContrastLight => "nothing faint, for a light background",
            Self::ColourBlind => "changes in blue and orange, for a dark background",
            Self::ColourBlindLight => "changes in blue and orange, for a light background",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == name)
    }

    /// All names, for whoever asked for another one.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}
