//! Values of settings: their kinds, how they are written in a file, in a variable and in a message.

mod kind;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use toml::de::DeValue;

pub use kind::Kind;

use super::notify;
use super::theme::ThemeChoice;
use super::tray::IconStyle;
use super::usage::{self, WindowChoice};
use super::usage_http;
use crate::event::PREVIEW_LIMIT;
use crate::proxy::ProxyChoice;
use crate::session::{LONGEST_LOCK_WAIT, LONGEST_STALL, REQUEST_LIFETIMES, STALLED_AFTER};

/// The smallest limit for payloads: below it there would be nothing to fetch beyond the preview.
const SMALLEST_PAYLOAD_LIMIT: u64 = PREVIEW_LIMIT as u64;
/// The largest: what a database row can hold, with room to spare.
const LARGEST_PAYLOAD_LIMIT: u64 = 512 << 20;
const KIB: u64 = 1 << 10;

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What failed.
    Error,
    /// Also what looks wrong.
    Warn,
    /// Also what happens.
    Info,
    /// Also why.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// All, from the quietest.
    pub const ALL: [Self; 6] = [
        Self::Off,
        Self::Error,
        Self::Warn,
        Self::Info,
        Self::Debug,
        Self::Trace,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// Text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one who needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The value of a setting. Displayed as it would be given to a flag, a secret as `[redacted]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Of [`Kind::Agent`], [`Kind::Text`], [`Kind::Address`], [`Kind::Window`], [`Kind::Day`], [`Kind::Pinning`] and
    /// [`Kind::IconStyle`].
    Text(String),
    /// Of [`Kind::Words`].
    Words(Vec<String>),
    /// Of [`Kind::Secret`].
    Secret(Secret),
    /// Of [`Kind::Duration`], [`Kind::Lifetime`], [`Kind::Wait`], [`Kind::Stall`] and [`Kind::LongStall`].
    Duration(Duration),
    /// Of [`Kind::Level`].
    Level(LogLevel),
    /// Of [`Kind::Size`].
    Size(u64),
    /// Of [`Kind::Switch`].
    Switch(bool),
    /// Of [`Kind::Count`] and [`Kind::Percent`].
    Count(u32),
    /// Of [`Kind::Rules`].
    Rules(Vec<String>),
    /// Of [`Kind::Keys`], [`Kind::Notices`], [`Kind::Hours`], [`Kind::Minutes`], [`Kind::Directories`], [`Kind::Hosts`],
    /// [`Kind::Files`] and [`Kind::Pins`].
    Keys(Vec<String>),
    /// Of [`Kind::Theme`].
    Theme(ThemeChoice),
    /// Of [`Kind::Proxy`].
    Proxy(ProxyChoice),
}

/// A value that its kind does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {allowed}, found {found}")]
pub struct BadValue {
    /// What was written, or what it was; never a secret or a command line.
    pub found: String,
    /// What may be written.
    pub allowed: String,
}

impl Value {
    /// Reads a value as a flag or a variable holds it: a command line is split as a shell would, rules at commas, keys at
    /// blanks, and `[` begins a list, unless it stands alone and is a key.
    pub fn from_text(kind: Kind, text: &str) -> Result<Self, BadValue> {
        let value = match kind {
            Kind::Agent | Kind::Text => one_line(kind, text),
            kind if kind.is_list() && text.trim_start().starts_with('[') && text.trim() != "[" => {
                return match DeValue::parse(text) {
                    Ok(value) => Self::from_toml(kind, value.get_ref()),
                    Err(_) => Err(bad(kind, "a list that cannot be read")),
                };
            }
            Kind::Words => match shell_words::split(text) {
                Ok(words) => return words_value(words),
                Err(_) => return Err(bad(kind, "a command line with an unclosed quote")),
            },
            Kind::Secret if text.contains('\0') => {
                return Err(bad(kind, "text with a NUL character"));
            }
            Kind::Secret => Some(Self::Secret(Secret(text.to_owned()))),
            Kind::Duration => parse_duration(text).map(Self::Duration),
            Kind::Level => level(text).map(Self::Level),
            Kind::Size => parse_size(text).and_then(limit).map(Self::Size),
            Kind::Lifetime => {
                let (shortest, longest) = REQUEST_LIFETIMES;
                parse_duration(text)
                    .filter(|lifetime| (shortest..=longest).contains(lifetime))
                    .map(Self::Duration)
            }
            Kind::Wait => parse_duration(text)
                .filter(|wait| *wait <= LONGEST_LOCK_WAIT)
                .map(Self::Duration),
            Kind::Stall => {
                let (shortest, longest) = STALLED_AFTER;
                parse_duration(text)
                    .filter(|stall| (shortest..=longest).contains(stall))
                    .map(Self::Duration)
            }
            Kind::LongStall => parse_duration(text)
                .filter(|stall| {
                    stall.is_zero() || (STALLED_AFTER.0..=LONGEST_STALL).contains(stall)
                })
                .map(Self::Duration),
            Kind::Switch => match text {
                "1" => Some(Self::Switch(true)),
                "0" => Some(Self::Switch(false)),
                _ => text.parse().ok().map(Self::Switch),
            },
            Kind::Count => text.parse().ok().map(Self::Count),
            Kind::Rules => return rules_value(split_rules(text)),
            Kind::Keys => return keys_value(text.split_whitespace().map(str::to_owned).collect()),
            Kind::Notices | Kind::Hours => {
                let words = text.split([',', ' ', '\t', '\n']);
                let words = words.filter(|word| !word.is_empty());
                return notify::words(kind, words.map(str::to_owned).collect());
            }
            Kind::Minutes | Kind::Directories => {
                let words = text.split([',', ' ', '\t', '\n']);
                let words = words.filter(|word| !word.is_empty());
                return usage::words(kind, words.map(str::to_owned).collect());
            }
            Kind::Percent => usage::percent(text),
            Kind::Window => WindowChoice::of_name(text).map(|it| Self::Text(it.name().to_owned())),
            Kind::Address => notify::is_address(text).then(|| Self::Text(text.to_owned())),
            Kind::Theme => ThemeChoice::named(text).map(Self::Theme),
            Kind::IconStyle => {
                IconStyle::named(text).map(|style| Self::Text(style.name().to_owned()))
            }
            Kind::Proxy | Kind::Hosts | Kind::Files | Kind::Pins | Kind::Day | Kind::Pinning => {
                return usage_http::value(kind, text);
            }
        };
        value.ok_or_else(|| bad(kind, shown(kind, text)))
    }

    pub(super) fn from_toml(kind: Kind, value: &DeValue<'_>) -> Result<Self, BadValue> {
        match (kind, value) {
            (kind, DeValue::Array(items)) if kind.is_list() => {
                let words: Option<Vec<String>> = items
                    .iter()
                    .map(|item| match item.get_ref() {
                        DeValue::Integer(number) if kind == Kind::Minutes => {
                            Some(number.to_string())
                        }
                        item => item.as_str().map(str::to_owned),
                    })
                    .collect();
                match words {
                    Some(rules) if kind == Kind::Rules => rules_value(rules),
                    Some(keys) if kind == Kind::Keys => keys_value(keys),
                    Some(words) if kind == Kind::Words => words_value(words),
                    Some(words) if matches!(kind, Kind::Minutes | Kind::Directories) => {
                        usage::words(kind, words)
                    }
                    Some(words) if matches!(kind, Kind::Notices | Kind::Hours) => {
                        notify::words(kind, words)
                    }
                    Some(words) => usage_http::words_value(kind, words),
                    None => Err(bad(kind, "a list with something else than text in it")),
                }
            }
            (Kind::Day, DeValue::Datetime(moment)) => Self::from_text(kind, &moment.to_string()),
            (Kind::Switch, DeValue::Boolean(on)) => Ok(Self::Switch(*on)),
            (
                Kind::Duration
                | Kind::Lifetime
                | Kind::Wait
                | Kind::Stall
                | Kind::LongStall
                | Kind::Size
                | Kind::Percent
                | Kind::Count,
                DeValue::Integer(number),
            ) => {
                let value = u64::from_str_radix(number.as_str(), number.radix())
                    .map_err(|_| bad(kind, number.to_string()))?;
                Self::from_text(kind, &value.to_string())
            }
            (
                Kind::Agent
                | Kind::Text
                | Kind::Secret
                | Kind::Duration
                | Kind::Lifetime
                | Kind::Wait
                | Kind::Stall
                | Kind::LongStall
                | Kind::Level
                | Kind::Theme
                | Kind::IconStyle
                | Kind::Address
                | Kind::Window
                | Kind::Size
                | Kind::Proxy
                | Kind::Hosts
                | Kind::Files
                | Kind::Pins
                | Kind::Day
                | Kind::Pinning,
                DeValue::String(text),
            ) => Self::from_text(kind, text),
            (kind, other) => Err(bad(kind, described(kind, other))),
        }
    }

    /// The text, unless it is empty.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The words.
    pub fn as_words(&self) -> Option<&[String]> {
        match self {
            Self::Words(words) => Some(words),
            _ => None,
        }
    }

    /// Puts a duration where it belongs; anything else changes nothing.
    pub(super) fn duration(&self, place: &mut Duration) {
        if let Self::Duration(duration) = self {
            *place = *duration;
        }
    }

    /// Puts a number where it belongs; anything else changes nothing.
    pub(super) fn count(&self, place: &mut u32) {
        if let Self::Count(count) = self {
            *place = *count;
        }
    }

    /// Puts a decision where it belongs; anything else changes nothing.
    pub(super) fn switch(&self, place: &mut bool) {
        if let Self::Switch(on) = self {
            *place = *on;
        }
    }

    /// Puts rules where they belong; anything else changes nothing.
    pub(super) fn rules(&self, place: &mut Vec<String>) {
        if let Self::Rules(rules) = self {
            place.clone_from(rules);
        }
    }

    /// Takes what a weaker layer says into account: its rules come first, anything else is replaced. Whether it counts.
    pub(super) fn add(&mut self, weaker: &Self) -> bool {
        let (Self::Rules(rules), Self::Rules(weaker)) = (self, weaker) else {
            return false;
        };
        let added = std::mem::replace(rules, weaker.clone());
        let mut known: BTreeSet<String> = rules.iter().cloned().collect();
        for rule in added {
            if known.insert(rule.clone()) {
                rules.push(rule);
            }
        }
        true
    }

    /// The value as a TOML literal; a secret as it is.
    pub(super) fn to_toml(&self) -> String {
        let literal = match self {
            Self::Words(words) | Self::Rules(words) | Self::Keys(words) => {
                toml::Value::from(words.clone())
            }
            Self::Secret(secret) => toml::Value::from(secret.reveal()),
            Self::Switch(on) => toml::Value::from(*on),
            Self::Count(count) => toml::Value::from(*count),
            Self::Text(_) | Self::Duration(_) | Self::Level(_) | Self::Size(_) | Self::Theme(_) => {
                toml::Value::from(self.to_string())
            }
            Self::Proxy(choice) => toml::Value::from(choice.reveal()),
        };
        literal.to_string()
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.pad(text),
            Self::Words(words) => f.pad(&shell_words::join(words)),
            Self::Secret(_) => f.pad("[redacted]"),
            Self::Duration(duration) => f.pad(&format_duration(*duration)),
            Self::Level(level) => f.pad(level.name()),
            Self::Size(bytes) => f.pad(&format_size(*bytes)),
            Self::Switch(on) => on.fmt(f),
            Self::Count(count) => count.fmt(f),
            Self::Rules(list) | Self::Keys(list) => {
                f.pad(&toml::Value::from(list.clone()).to_string())
            }
            Self::Theme(choice) => f.pad(choice.name()),
            Self::Proxy(choice) => choice.fmt(f),
        }
    }
}

/// Reads a duration: `90` and `90s`, `10m`, `2h`, `7d`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (count, unit) = number_and_unit(text)?;
    let seconds = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    count.checked_mul(seconds).map(Duration::from_secs)
}

/// Writes a duration in the largest unit that divides it; parts of a second are cut off.
pub fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(24 * 60 * 60, 'd'), (60 * 60, 'h'), (60, 'm')];
    let unit = units
        .into_iter()
        .find(|(length, _)| seconds > 0 && seconds.is_multiple_of(*length));
    let (length, unit) = unit.unwrap_or((1, 's'));
    format!("{}{unit}", seconds / length)
}

/// Reads a number of bytes: `65536` and `65536B`, `64KiB`, `10MiB`, `1GiB`.
pub fn parse_size(text: &str) -> Option<u64> {
    let (count, unit) = number_and_unit(text)?;
    let bytes = match unit {
        "" | "B" => 1,
        "KiB" => KIB,
        "MiB" => KIB * KIB,
        "GiB" => KIB * KIB * KIB,
        _ => return None,
    };
    count.checked_mul(bytes)
}

/// Writes a number of bytes in the largest unit that divides it.
pub fn format_size(bytes: u64) -> String {
    let units = [(KIB * KIB * KIB, "GiB"), (KIB * KIB, "MiB"), (KIB, "KiB")];
    let unit = units
        .into_iter()
        .find(|(size, _)| bytes > 0 && bytes.is_multiple_of(*size));
    let (size, unit) = unit.unwrap_or((1, "B"));
    format!("{}{unit}", bytes / size)
}

/// The rules in a text that holds several, with commas or line breaks between them. What stands in parentheses belongs to one
/// rule; a parenthesis that is not closed reaches to the end.
pub fn split_rules(text: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let between = |character: char| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && matches!(character, ',' | '\n' | '\r')
    };
    text.split(between)
        .map(str::trim)
        .filter(|rule| !rule.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether an agent may be called so: what fits in a key, a variable's name and a file's name alike.
pub(super) fn is_agent_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.chars().all(allowed)
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit))
}

fn one_line(kind: Kind, text: &str) -> Option<Value> {
    let fits = match kind {
        Kind::Agent => text.is_empty() || is_agent_name(text),
        _ => !text.contains(char::is_control),
    };
    fits.then(|| Value::Text(text.to_owned()))
}

fn words_value(words: Vec<String>) -> Result<Value, BadValue> {
    if words.first().is_none_or(String::is_empty) {
        return Err(bad(Kind::Words, "a command without a program"));
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Err(bad(Kind::Words, "a command with a NUL character"));
    }
    Ok(Value::Words(words))
}

fn rules_value(mut rules: Vec<String>) -> Result<Value, BadValue> {
    let fits = |rule: &String| !rule.trim().is_empty() && !rule.contains(char::is_control);
    if !rules.iter().all(fits) {
        return Err(bad(Kind::Rules, "a rule that is not text on one line"));
    }
    let mut seen = BTreeSet::new();
    rules.retain(|rule| seen.insert(rule.clone()));
    Ok(Value::Rules(rules))
}

/// Which keys there are is known to whoever reads them.
fn keys_value(keys: Vec<String>) -> Result<Value, BadValue> {
    if keys
        .iter()
        .any(|key| key.is_empty() || key.contains(char::is_control))
    {
        return Err(bad(Kind::Keys, "a key without a name"));
    }
    Ok(Value::Keys(keys))
}

fn level(text: &str) -> Option<LogLevel> {
    LogLevel::ALL.into_iter().find(|level| level.name() == text)
}

fn limit(bytes: u64) -> Option<u64> {
    (SMALLEST_PAYLOAD_LIMIT..=LARGEST_PAYLOAD_LIMIT)
        .contains(&bytes)
        .then_some(bytes)
}

pub(super) fn bad(kind: Kind, found: impl Into<String>) -> BadValue {
    BadValue {
        found: found.into(),
        allowed: kind.allowed(),
    }
}

/// A value in a message: quoted, and not longer than one wants to read.
pub(super) fn shown(kind: Kind, text: &str) -> String {
    const LONGEST: usize = 40;
    match kind {
        Kind::Secret | Kind::Words | Kind::Proxy => "what was given".to_owned(),
        _ => {
            let start: String = text.chars().take(LONGEST).collect();
            let more = if start.len() < text.len() { "…" } else { "" };
            format!("{:?}", start + more)
        }
    }
}

/// What stands in a file instead of what is allowed.
fn described(kind: Kind, value: &DeValue<'_>) -> String {
    match value {
        DeValue::Integer(number) if kind != Kind::Secret => number.to_string(),
        DeValue::Boolean(value) if kind != Kind::Secret => value.to_string(),
        DeValue::String(_) => "text".to_owned(),
        DeValue::Integer(_) | DeValue::Float(_) => "a number".to_owned(),
        DeValue::Boolean(_) => "true or false".to_owned(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
