//! Settings of notifications: what is told, when, and what is run for it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::key::{Key, NotifyKey};
use super::value::{BadValue, Kind as ValueKind, Value, bad, shown};
use crate::notify::{Hours, Kind, Rules};

/// Settings of notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifyConfig {
    /// When the user wants to be left alone, and with what.
    pub rules: Rules,
    /// Whether notifications say what an agent wants to do, what it asks, and what a session is about.
    pub preview: bool,
    /// After how long a turn is worth a notification although somebody was attached to its session; zero: never.
    pub turn_after: Duration,
    /// What is done for notifications of a kind, beside showing them.
    pub actions: BTreeMap<Kind, NotifyAction>,
}

/// What is done for a notification, beside showing it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotifyAction {
    /// A program and its arguments; none: nothing is run.
    pub command: Vec<String>,
    /// An address that is opened; empty: none is.
    pub url: String,
}

impl Default for NotifyConfig {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            preview: true,
            turn_after: Duration::from_mins(10),
            actions: BTreeMap::new(),
        }
    }
}

impl NotifyConfig {
    pub(super) fn set(&mut self, key: &NotifyKey, value: &Value) {
        match key {
            NotifyKey::Off => self.rules.off = kinds(value),
            NotifyKey::QuietHours => self.rules.quiet = hours(value),
            NotifyKey::Focus => value.switch(&mut self.rules.focus),
            NotifyKey::WaitingPassesSnooze => value.switch(&mut self.rules.waiting_passes_snooze),
            NotifyKey::CriticalPassesQuiet => value.switch(&mut self.rules.critical_passes_quiet),
            NotifyKey::Preview => value.switch(&mut self.preview),
            NotifyKey::TurnAfter => value.duration(&mut self.turn_after),
            NotifyKey::Command(kind) => {
                let command = value.as_words().map(<[String]>::to_vec);
                self.actions.entry(*kind).or_default().command = command.unwrap_or_default();
            }
            NotifyKey::Url(kind) => {
                let url = value.as_text().unwrap_or_default().to_owned();
                self.actions.entry(*kind).or_default().url = url;
            }
        }
    }

    /// What holds when nothing is set, by key.
    pub(super) fn defaults(&self) -> [(Key, Option<Value>); 7] {
        let switch = |on| Some(Value::Switch(on));
        let Self {
            rules,
            preview,
            turn_after,
            ..
        } = self;
        [
            (NotifyKey::Off, None),
            (NotifyKey::QuietHours, None),
            (NotifyKey::Focus, switch(rules.focus)),
            (
                NotifyKey::WaitingPassesSnooze,
                switch(rules.waiting_passes_snooze),
            ),
            (
                NotifyKey::CriticalPassesQuiet,
                switch(rules.critical_passes_quiet),
            ),
            (NotifyKey::Preview, switch(*preview)),
            (NotifyKey::TurnAfter, Some(Value::Duration(*turn_after))),
        ]
        .map(|(key, value)| (Key::Notification(key), value))
    }
}

fn list(value: &Value) -> &[String] {
    match value {
        Value::Keys(words) => words,
        _ => &[],
    }
}

fn kinds(value: &Value) -> BTreeSet<Kind> {
    let words = list(value).iter();
    words.filter_map(|word| Kind::of_word(word)).collect()
}

fn hours(value: &Value) -> Vec<Hours> {
    let words = list(value).iter();
    words.filter_map(|word| Hours::read(word)).collect()
}

/// A list of kinds or of hours, if every word is one.
pub(super) fn words(kind: ValueKind, words: Vec<String>) -> Result<Value, BadValue> {
    let fits = |word: &&String| match kind {
        ValueKind::Hours => Hours::read(word).is_some(),
        _ => Kind::of_word(word).is_some(),
    };
    match words.iter().find(|word| !fits(word)) {
        Some(word) => Err(bad(kind, shown(kind, word))),
        None => Ok(Value::Keys(words)),
    }
}

/// Whether a browser can be sent there, and nothing else be meant by it.
pub(super) fn is_address(text: &str) -> bool {
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    text.is_empty()
        || rest.is_some_and(|rest| {
            !rest.is_empty() && !rest.contains(|c: char| c.is_whitespace() || c.is_control())
        })
}
