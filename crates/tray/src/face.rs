//! What the icon shows, as data: two moments with the same face look the same, and nothing is drawn between them.
//!
//! Not how it is drawn (see [`icon`](crate::icon)).

use betcode_core::config::IconStyle;
use usage_core::level::Level;

/// What the icon shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Face {
    /// In which form.
    pub style: IconStyle,
    /// How much is used; none where that is not known.
    pub gauge: Option<Gauge>,
    /// What is the matter, in the place of a number.
    pub sign: Sign,
    /// Whether something waits for the person.
    pub waiting: bool,
    /// Whether it draws attention right now.
    pub pulse: bool,
}

/// How much is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Gauge {
    /// In whole percent; at most 999.
    pub percent: u16,
    /// Which of the four.
    pub level: Level,
    /// Whether it may be different by now.
    pub stale: bool,
}

/// What is the matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sign {
    /// Nothing.
    None,
    /// Nothing is known yet: three dots.
    Loading,
    /// The source is not reached: a cross.
    Offline,
    /// Somebody must log in: a key.
    Key,
    /// No daemon runs: a stroke through the ring.
    Absent,
}

impl Face {
    /// Of a tray that knows nothing yet.
    pub const fn unknown(style: IconStyle) -> Self {
        Self {
            style,
            gauge: None,
            sign: Sign::Loading,
            waiting: false,
            pulse: false,
        }
    }
}
