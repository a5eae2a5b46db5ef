//! `usage --history`: how the use of every window went.

use std::time::Duration;

use betcode_client::UsageHistory;
use betcode_core::time::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use usage_core::format::Paint;
use usage_core::reading::{ProviderId, Window};

use super::plot::plot;
use super::width;
use crate::clock;
use crate::context::Context;
use crate::duration::spell;
use crate::error::{Exit, Failure};
use crate::link::{Policy, with_daemon};
use crate::output::say;

/// Plots the past, or prints it for programs.
pub(super) fn history(
    length: Duration,
    json: bool,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let now = clock::now();
    let length = length.min(usage_core::history::KEPT);
    let since = before(now, length);
    let past = with_daemon(context, Policy::Start, async |daemon| {
        Ok(daemon.usage_history(Some(since)).await?)
    })?;
    if json {
        let windows: Vec<Entry<'_>> = past.iter().map(Entry::from).collect();
        context.output.json(&windows)?;
        return Ok(Exit::Success);
    }
    let past: Vec<UsageHistory> = past
        .into_iter()
        .filter(|it| !it.points.is_empty())
        .collect();
    if past.is_empty() {
        say(&format!(
            "nothing was read in the last {}; betcode usage shows what is known now",
            spell(length)
        ));
        return Ok(Exit::Success);
    }
    let paint = if context.output.colours() {
        Paint::Ansi
    } else {
        Paint::Plain
    };
    let zone = TimeZone::system();
    let width = width(context);
    for (place, window) in past.iter().enumerate() {
        if place > 0 {
            context.output.line("")?;
        }
        let several = is_one_of_several(&window.window, &past);
        let text = plot(window, several, (since, now), &zone, width, paint);
        context.output.write(text.as_bytes())?;
    }
    Ok(Exit::Success)
}

fn before(now: Timestamp, length: Duration) -> Timestamp {
    let micros = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
    Timestamp(now.0.saturating_sub(micros))
}

/// Whether the provider has several accounts here.
fn is_one_of_several(window: &Window, past: &[UsageHistory]) -> bool {
    let same = |provider: ProviderId| provider == window.provider;
    past.iter()
        .any(|it| same(it.window.provider) && it.window.account != window.account)
}

/// A window as programs read it.
#[derive(Serialize)]
struct Entry<'a> {
    #[serde(flatten)]
    window: &'a Window,
    points: Vec<Moment>,
}

#[derive(Serialize)]
struct Moment {
    at: Timestamp,
    percent: f64,
}

impl<'a> From<&'a UsageHistory> for Entry<'a> {
    fn from(history: &'a UsageHistory) -> Self {
        let points = history.points.iter().map(|point| Moment {
            at: point.at,
            percent: point.percent.get(),
        });
        Self {
            window: &history.window,
            points: points.collect(),
        }
    }
}
