//! What settings hold, and what may be written for each. Reading it is [`super`]'s.

use std::fmt;

use super::{
    LARGEST_PAYLOAD_LIMIT, LogLevel, SMALLEST_PAYLOAD_LIMIT, format_duration, format_size,
};
use crate::config::theme::ThemeChoice;
use crate::config::tray::IconStyle;
use crate::config::usage::WindowChoice;
use crate::config::usage_http::Pinning;
use crate::notify::{self, KINDS};
use crate::proxy::DIRECT;
use crate::session::{LONGEST_LOCK_WAIT, LONGEST_STALL, REQUEST_LIFETIMES, STALLED_AFTER};

/// What a setting holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The name of an agent; empty: none chosen.
    Agent,
    /// Text on one line; empty: none chosen.
    Text,
    /// A program and its arguments.
    Words,
    /// Text that is never printed.
    Secret,
    /// A length of time.
    Duration,
    /// A level of logging.
    Level,
    /// A number of bytes.
    Size,
    /// How long a request may wait.
    Lifetime,
    /// How long somebody may be kept waiting who sits there.
    Wait,
    /// How long an agent may say nothing before that is remarkable.
    Stall,
    /// How long an agent may say nothing at all; zero: for ever.
    LongStall,
    /// Yes or no.
    Switch,
    /// How many.
    Count,
    /// Rules about permissions.
    Rules,
    /// Keys of the keyboard.
    Keys,
    /// What the screen's colours are for.
    Theme,
    /// Kinds of notifications.
    Notices,
    /// Times of the day.
    Hours,
    /// Where a browser goes.
    Address,
    /// How much of a limit, from 1 to 100.
    Percent,
    /// Lengths of time in minutes.
    Minutes,
    /// Directories.
    Directories,
    /// Which window of a plan.
    Window,
    /// A proxy, with who one is to it.
    Proxy,
    /// Hosts and networks.
    Hosts,
    /// Files.
    Files,
    /// Keys of authorities.
    Pins,
    /// A day; empty: none.
    Day,
    /// What is done when no pinned key is seen.
    Pinning,
    /// What the icon of the tray shows.
    IconStyle,
}

impl Kind {
    /// Whether it is a list of words, which may be written as one too.
    pub(super) const fn is_list(self) -> bool {
        matches!(
            self,
            Self::Words
                | Self::Rules
                | Self::Keys
                | Self::Notices
                | Self::Hours
                | Self::Minutes
                | Self::Directories
                | Self::Hosts
                | Self::Files
                | Self::Pins
        )
    }

    /// What may be written, for people.
    pub fn allowed(self) -> String {
        match self {
            Self::Agent => {
                "the name of an agent (lower-case letters, digits, `-` and `_`)".to_owned()
            }
            Self::Text => "text on one line".to_owned(),
            Self::Words => r#"a program and its arguments (["my-agent", "--stdio"])"#.to_owned(),
            Self::Secret => "text in quotes".to_owned(),
            Self::Duration => "a duration (90, 90s, 10m, 2h or 7d)".to_owned(),
            Self::Level => format!("one of {}", LogLevel::ALL.map(LogLevel::name).join(", ")),
            Self::Size => format!(
                "a size from {} to {} (65536, 64KiB or 10MiB)",
                format_size(SMALLEST_PAYLOAD_LIMIT),
                format_size(LARGEST_PAYLOAD_LIMIT),
            ),
            Self::Lifetime => {
                let (shortest, longest) = REQUEST_LIFETIMES;
                let (shortest, longest) = (format_duration(shortest), format_duration(longest));
                format!("a duration from {shortest} to {longest} (90m, 12h or 7d)")
            }
            Self::Wait => {
                let longest = format_duration(LONGEST_LOCK_WAIT);
                format!("a duration up to {longest} (5s or 10s)")
            }
            Self::Stall => {
                let (shortest, longest) = STALLED_AFTER;
                let (shortest, longest) = (format_duration(shortest), format_duration(longest));
                format!("a duration from {shortest} to {longest} (30s, 2m or 10m)")
            }
            Self::LongStall => {
                let shortest = format_duration(STALLED_AFTER.0);
                let longest = format_duration(LONGEST_STALL);
                format!("a duration from {shortest} to {longest} (5m or 1h), or 0 for never")
            }
            Self::Switch => "true or false".to_owned(),
            Self::Count => "a whole number; 0 for no limit".to_owned(),
            Self::Rules => r#"a list of rules (["Read", "Bash(cargo test)"])"#.to_owned(),
            Self::Keys => r#"a list of keys (["ctrl-enter", "f5"])"#.to_owned(),
            Self::Theme => format!("one of {}", ThemeChoice::names()),
            Self::Notices => {
                let kinds = KINDS.map(notify::Kind::word).join(", ");
                format!(r#"a list of kinds (["back_online", "new_version"]) out of {kinds}"#)
            }
            Self::Hours => {
                r#"a list of times of the day (["22:00-07:30", "12:00-13:00"])"#.to_owned()
            }
            Self::Address => {
                "an address that begins with http:// or https://, without blanks".to_owned()
            }
            Self::Percent => "a percentage from 1 to 100".to_owned(),
            Self::Minutes => r#"a list of minutes up to a day (["30", "15", "5"])"#.to_owned(),
            Self::Directories => {
                r#"a list of directories that begin with / or ~/ (["~/.claude-work"])"#.to_owned()
            }
            Self::Window => {
                let names = WindowChoice::ALL.map(WindowChoice::name);
                format!("one of {}", names.join(", "))
            }
            Self::Proxy => format!(
                "a proxy (http://name:password@host:port, https://…, socks5://… or socks5h://…), \"{DIRECT}\" or \"\""
            ),
            Self::Hosts => {
                r#"a list of hosts and networks (["example.org", "10.0.0.0/8"])"#.to_owned()
            }
            Self::Files => r#"a list of whole paths (["/etc/ssl/corp.pem"])"#.to_owned(),
            Self::Pins => {
                "a list of at least two keys (\"sha256/…\" as `betcode usage doctor` prints them)"
                    .to_owned()
            }
            Self::Day => "a day (2027-06-30)".to_owned(),
            Self::Pinning => format!("one of {}", Pinning::ALL.map(Pinning::name).join(", ")),
            Self::IconStyle => {
                format!("one of {}", IconStyle::ALL.map(IconStyle::name).join(", "))
            }
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Agent => "agent",
            Self::Text => "text",
            Self::Words => "words",
            Self::Secret => "secret",
            Self::Duration => "duration",
            Self::Level => "level",
            Self::Size => "size",
            Self::Lifetime => "lifetime",
            Self::Wait => "wait",
            Self::Stall => "stall",
            Self::LongStall => "long stall",
            Self::Switch => "switch",
            Self::Count => "count",
            Self::Rules => "rules",
            Self::Keys => "keys",
            Self::Theme => "theme",
            Self::Notices => "notices",
            Self::Hours => "hours",
            Self::Address => "address",
            Self::Percent => "percent",
            Self::Minutes => "minutes",
            Self::Directories => "directories",
            Self::Window => "window",
            Self::Proxy => "proxy",
            Self::Hosts => "hosts",
            Self::Files => "files",
            Self::Pins => "pins",
            Self::Day => "day",
            Self::Pinning => "pinning",
            Self::IconStyle => "icon style",
        })
    }
}
