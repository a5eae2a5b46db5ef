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
}

impl ThemeChoice {
    /// All.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Dark, Self::Light];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Dark => "dark",
            Self::Light => "light",
        }
    }
}
