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

    /// The number to write beside the icon, where there is place for one: what is used, unless it is in the icon or something
    /// is the matter.
    pub fn percent_beside(&self) -> Option<u16> {
        let is_ring = matches!(self.style, IconStyle::Ring | IconStyle::Bar);
        let gauge = self.gauge.filter(|_| is_ring && self.sign == Sign::None);
        gauge.map(|it| it.percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_stands_beside_the_icon_unless_it_is_in_it_or_something_is_the_matter() {
        let gauge = Gauge {
            percent: 42,
            level: Level::Calm,
            stale: false,
        };
        let beside = |style, sign| {
            let face = Face {
                gauge: Some(gauge),
                sign,
                ..Face::unknown(style)
            };
            face.percent_beside()
        };
        assert_eq!(beside(IconStyle::Ring, Sign::None), Some(42));
        assert_eq!(beside(IconStyle::Bar, Sign::None), Some(42));
        assert_eq!(beside(IconStyle::Number, Sign::None), None);
        assert_eq!(beside(IconStyle::Both, Sign::None), None);
        assert_eq!(beside(IconStyle::Ring, Sign::Offline), None);
        assert_eq!(Face::unknown(IconStyle::Ring).percent_beside(), None);
    }
}
