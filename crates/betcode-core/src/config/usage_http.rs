//! Settings of the connection over which the use of plans may be asked for: whether there is one, proxies, certificates.
//! Whether files can be read and keys are seen is for whoever connects.

mod pin;

use std::path::Path;

use jiff::civil::Date;

pub use pin::{BadPin, Pin, Pinning};

use super::key::{Key, UsageHttpKey};
use super::value::{BadValue, Kind, Value, bad, shown};
use crate::proxy::{Exception, ProxyChoice};
use crate::time::Timestamp;

/// With a single one, nobody could connect any more once that key is replaced.
const FEWEST_PINS: usize = 2;

/// Settings of the connection over which the use of plans may be asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageHttpConfig {
    /// Whether the providers' endpoints are asked at all, with the token that the agent keeps.
    pub enabled: bool,
    /// The proxy.
    pub proxy: ProxyChoice,
    /// Hosts that are reached without it; none: those that the variables name.
    pub no_proxy: Vec<Exception>,
    /// Files with certificates that are trusted beside those of the system.
    pub ca_files: Vec<String>,
    /// Keys of which one must have vouched for the other side; none: any.
    pub pins: Vec<Pin>,
    /// The last day on which the pins may decide.
    pub pins_until: Option<Date>,
    /// What they decide.
    pub pinning: Pinning,
}

impl UsageHttpConfig {
    pub(super) fn set(&mut self, key: UsageHttpKey, value: &Value) {
        match key {
            UsageHttpKey::Http => value.switch(&mut self.enabled),
            UsageHttpKey::Proxy => {
                if let Value::Proxy(choice) = value {
                    self.proxy.clone_from(choice);
                }
            }
            UsageHttpKey::NoProxy => {
                let words = list(value).iter();
                self.no_proxy = words.filter_map(|word| Exception::read(word)).collect();
            }
            UsageHttpKey::CaFiles => self.ca_files = list(value).to_vec(),
            UsageHttpKey::Pins => {
                let words = list(value).iter();
                self.pins = words.filter_map(|word| Pin::read(word).ok()).collect();
            }
            UsageHttpKey::PinsUntil => {
                self.pins_until = value.as_text().and_then(day);
            }
            UsageHttpKey::Pinning => {
                let choice = value.as_text().and_then(Pinning::named);
                self.pinning = choice.unwrap_or_default();
            }
        }
    }

    /// What holds when nothing is set, by key.
    pub(super) fn defaults(&self) -> [(Key, Option<Value>); 7] {
        [
            (UsageHttpKey::Http, Some(Value::Switch(self.enabled))),
            (UsageHttpKey::Proxy, None),
            (UsageHttpKey::NoProxy, None),
            (UsageHttpKey::CaFiles, None),
            (UsageHttpKey::Pins, None),
            (UsageHttpKey::PinsUntil, None),
            (
                UsageHttpKey::Pinning,
                Some(Value::Text(self.pinning.name().to_owned())),
            ),
        ]
        .map(|(key, value)| (Key::UsageHttp(key), value))
    }
}

/// The first moment after a day, everywhere the same.
pub fn end_of(day: Date) -> Option<Timestamp> {
    let next = day.tomorrow().ok()?;
    let midnight = next.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp(midnight.timestamp().as_microsecond()))
}

fn list(value: &Value) -> &[String] {
    match value {
        Value::Keys(words) => words,
        _ => &[],
    }
}

/// A day as it is printed, and nothing that only begins with one.
fn day(text: &str) -> Option<Date> {
    let day: Date = text.parse().ok()?;
    (day.to_string() == text).then_some(day)
}

/// A value of one of these kinds out of one text.
pub(super) fn value(kind: Kind, text: &str) -> Result<Value, BadValue> {
    let text = text.trim();
    match kind {
        Kind::Proxy => match ProxyChoice::read(text) {
            Ok(choice) => Ok(Value::Proxy(choice)),
            Err(why) => Err(bad(kind, format!("something else: {why}"))),
        },
        Kind::Hosts | Kind::Files | Kind::Pins => {
            let words = text.split([',', ' ', '\t', '\n']);
            let words = words.filter(|word| !word.is_empty());
            words_value(kind, words.map(str::to_owned).collect())
        }
        Kind::Day if text.is_empty() || day(text).is_some() => Ok(Value::Text(text.to_owned())),
        Kind::Pinning if Pinning::named(text).is_some() => Ok(Value::Text(text.to_owned())),
        _ => Err(bad(kind, shown(kind, text))),
    }
}

/// A list, if every word of it fits, and all together do.
pub(super) fn words_value(kind: Kind, words: Vec<String>) -> Result<Value, BadValue> {
    let fits = |word: &&String| match kind {
        Kind::Hosts => Exception::read(word).is_some(),
        Kind::Files => Path::new(word).is_absolute() && !word.contains(char::is_control),
        _ => Pin::read(word).is_ok(),
    };
    if let Some(word) = words.iter().find(|word| !fits(word)) {
        return Err(bad(kind, shown(kind, word)));
    }
    if kind == Kind::Pins && !words.is_empty() {
        let mut pins: Vec<Pin> = words
            .iter()
            .filter_map(|word| Pin::read(word).ok())
            .collect();
        pins.sort_unstable();
        pins.dedup();
        if pins.len() < FEWEST_PINS {
            return Err(bad(kind, "one key alone"));
        }
    }
    Ok(Value::Keys(words))
}

#[cfg(test)]
mod tests;
