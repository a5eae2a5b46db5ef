//! What Codex says about a plan, in answers of `codex app-server`.
//!
//! A window is known by its length and never by its place: the weekly one stands in `primary` for plans without a window of
//! hours. What Codex says by itself is sparse: it names what changed, so it is laid over what was known ([`Windows`]).

use std::collections::BTreeMap;

use betcode_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json::{moment, number, text};
use super::{Program, Provider, Reply, Request, origin, some};
use crate::credentials::{self, Credentials};
use crate::failure::{Failure, RetryAfter};
use crate::reading::{Account, Kind, Origin, Percent, ProviderId, Reading, Source};

/// The limit of everything; others are of one model.
const MAIN: &str = "codex";
/// More limits than this are not kept.
const MOST_LIMITS: usize = 16;
/// The places in which windows stand, and no more than places.
const PLACES: [&str; 2] = ["primary", "secondary"];
/// The longest window, in minutes.
const LONGEST_MINUTES: f64 = 400.0 * 24.0 * 60.0;

/// Introduces itself, and asks for the limits with the id [`READ_ID`].
const QUESTION: &str = concat!(
    r#"{"id":0,"method":"initialize","params":{"clientInfo":{"name":"betcode","title":"BetCode","version":"1"}}}"#,
    "\n",
    r#"{"method":"initialized"}"#,
    "\n",
    r#"{"id":1,"method":"account/rateLimits/read"}"#,
    "\n"
);
/// The id of the question for the limits.
const READ_ID: u64 = 1;

/// Codex's plans.
#[derive(Debug)]
pub struct Codex;

impl Provider for Codex {
    fn id(&self) -> ProviderId {
        ProviderId::Codex
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::CodexRead]
    }

    fn program(&self, source: Source) -> Option<Program> {
        (source == Source::CodexRead).then_some(Program {
            arguments: &["-s", "read-only", "-a", "never", "app-server"],
            without: &["OPENAI_API_KEY", "CODEX_API_KEY"],
            question: QUESTION,
        })
    }

    fn request(&self, _: Source) -> Option<Request> {
        None
    }

    fn is_answer(&self, line: &[u8]) -> bool {
        answer(line).is_some()
    }

    fn read(
        &self,
        source: Source,
        account: &Account,
        reply: Reply<'_>,
        now: Timestamp,
    ) -> Result<Vec<Reading>, Failure> {
        let Reply::Output(output) = reply else {
            return Err(Failure::unavailable("codex is asked as a program"));
        };
        let mut windows = Windows::default();
        windows.read(output)?;
        some(windows.readings(account, source, now))
    }

    fn credentials(&self, bytes: &[u8]) -> Credentials {
        credentials::read_codex(bytes)
    }
}

/// What is known of all windows of an account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Windows {
    limits: BTreeMap<String, Limit>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Limit {
    name: Option<String>,
    /// By their length in minutes.
    windows: BTreeMap<u64, Known>,
    /// The length of the window that was last seen in a place.
    places: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Known {
    percent: Percent,
    resets_at: Option<Timestamp>,
}

impl Windows {
    /// Takes in the answer to `account/rateLimits/read`, which is the whole: `bytes` are the lines that the program wrote,
    /// among which others may stand.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let answer = bytes
            .split(|byte| *byte == b'\n')
            .find_map(answer)
            .ok_or_else(|| Failure::unreadable("codex gave no answer"))?;
        if let Some(error) = answer.get("error") {
            return Err(refused(text(error, "message").unwrap_or_default()));
        }
        let result = answer.get("result").unwrap_or(&Value::Null);
        if !result.is_object() {
            return Err(Failure::unreadable("the answer of codex is empty"));
        }
        self.limits.clear();
        self.lay_over(result);
        Ok(())
    }

    /// Takes in a notification `account/rateLimits/updated`: what it does not name is as it was. Gives the readings of what
    /// it named; a window whose length neither it nor anything before it told is left out.
    pub fn update(
        &mut self,
        bytes: &[u8],
        account: &Account,
        observed_at: Timestamp,
    ) -> Vec<Reading> {
        let Ok(line) = serde_json::from_slice::<Value>(bytes) else {
            return Vec::new();
        };
        if text(&line, "method") != Some("account/rateLimits/updated") {
            return Vec::new();
        }
        let before = self.clone();
        self.lay_over(line.get("params").unwrap_or(&Value::Null));
        let named = before.named(&line);
        let origin = origin(ProviderId::Codex, account, Source::CodexUpdate, observed_at);
        let mut readings = Vec::new();
        for (id, limit) in &self.limits {
            for (minutes, known) in &limit.windows {
                if named.contains(&(id.clone(), *minutes)) {
                    readings.push(reading(&origin, id, limit, *minutes, *known));
                }
            }
        }
        readings
    }

    /// Every window.
    pub fn readings(
        &self,
        account: &Account,
        source: Source,
        observed_at: Timestamp,
    ) -> Vec<Reading> {
        let origin = origin(ProviderId::Codex, account, source, observed_at);
        let limits = self.limits.iter();
        limits
            .flat_map(|(id, limit)| {
                let windows = limit.windows.iter();
                windows.map(|(minutes, known)| reading(&origin, id, limit, *minutes, *known))
            })
            .collect()
    }

    fn lay_over(&mut self, object: &Value) {
        for (id, limit) in limits(object) {
            if self.limits.len() >= MOST_LIMITS && !self.limits.contains_key(&id) {
                continue;
            }
            self.limits.entry(id).or_default().lay_over(limit);
        }
    }

    /// Which windows a notification names, as far as their lengths are known.
    fn named(&self, line: &Value) -> Vec<(String, u64)> {
        let params = line.get("params").unwrap_or(&Value::Null);
        let mut named = Vec::new();
        for (id, limit) in limits(params) {
            for place in PLACES {
                let Some(window) = limit.get(place).filter(|it| it.is_object()) else {
                    continue;
                };
                let before = self.limits.get(&id).and_then(|it| it.places.get(place));
                let minutes = minutes(window).or_else(|| before.copied());
                named.extend(minutes.map(|minutes| (id.clone(), minutes)));
            }
        }
        named
    }
}

impl Limit {
    fn lay_over(&mut self, object: &Value) {
        if let Some(name) = text(object, "limitName") {
            self.name = Some(name.to_owned());
        }
        for place in PLACES {
            let Some(window) = object.get(place).filter(|it| it.is_object()) else {
                continue;
            };
            let before = self.places.get(place).copied();
            let Some(minutes) = minutes(window).or(before) else {
                continue;
            };
            self.places.insert(place.to_owned(), minutes);
            let known = self.windows.get(&minutes);
            let percent = number(window, "usedPercent").and_then(Percent::new);
            let resets_at = window.get("resetsAt").and_then(moment);
            if let Some(percent) = percent.or(known.map(|it| it.percent)) {
                let resets_at = resets_at.or(known.and_then(|it| it.resets_at));
                self.windows.insert(minutes, Known { percent, resets_at });
            }
        }
    }
}

/// The answer to the question for the limits, if a line is that.
fn answer(line: &[u8]) -> Option<Value> {
    let line: Value = serde_json::from_slice(line).ok()?;
    let is_answer = line.get("id").and_then(Value::as_u64) == Some(READ_ID);
    (is_answer && line.get("method").is_none()).then_some(line)
}

/// Every limit that an object speaks of: the main one beside others, or by their ids.
fn limits(object: &Value) -> impl Iterator<Item = (String, &Value)> {
    let by_id = object
        .get("rateLimitsByLimitId")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(id, limit)| (text(limit, "limitId").unwrap_or(id).to_owned(), limit));
    let main = object
        .get("rateLimits")
        .map(|limit| (text(limit, "limitId").unwrap_or(MAIN).to_owned(), limit));
    main.into_iter()
        .chain(by_id)
        .filter(|(_, limit)| limit.is_object())
}

fn minutes(window: &Value) -> Option<u64> {
    let minutes = number(window, "windowDurationMins")?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between one and a number that fits"
    )]
    let whole = (1.0..=LONGEST_MINUTES)
        .contains(&minutes)
        .then(|| minutes.round() as u64);
    whole
}

fn reading(origin: &Origin, id: &str, limit: &Limit, minutes: u64, known: Known) -> Reading {
    let label = (id != MAIN).then(|| limit.name.as_deref().unwrap_or(id));
    let seconds = minutes * 60;
    let kind = Kind::of_duration(seconds, label.is_some());
    Reading::new(origin, kind, Some(seconds), known.percent)
        .with_label(label)
        .with_reset(known.resets_at)
}

fn refused(error: &str) -> Failure {
    let error = error.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if says(&["429", "too many"]) {
        Failure::RateLimited {
            retry_after: RetryAfter::Absent,
        }
    } else if says(&["chatgpt auth", "api key", "apikey"]) {
        Failure::NoSubscription
    } else if says(&["401", "auth", "log in", "login", "logged"]) {
        Failure::NotLoggedIn
    } else if says(&["method not found", "unknown"]) {
        Failure::unavailable("this version of codex does not tell its limits")
    } else {
        Failure::unreadable("codex refused to tell its limits")
    }
}

#[cfg(test)]
mod tests;
