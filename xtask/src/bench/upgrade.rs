//! How soon a client goes on when the daemon is back: after a restart in good order, after `kill -9`, and after a daemon
//! that stayed away for a while.
//!
//! The agent talks all the time, so the next event is there as soon as the client is. A client here never starts a daemon
//! itself: what is measured is how it finds one that somebody else has started.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::client::Client;
use super::profile::Place;
use super::report::{Goal, Report};
use super::{Options, calibrate, goals};
use crate::clock;

/// Pieces of text a second, and for how long.
const RATE: u64 = 500;
const SECONDS: u64 = 8;

/// Measures until a client's next event.
pub(super) fn run(
    place: &Place,
    options: &Options,
    _: calibrate::Raw,
    report: &mut Report,
) -> Result<()> {
    let repetitions = if options.quick { 1 } else { 5 };
    for (what, in_order, away) in [
        ("a restart in good order", true, Duration::ZERO),
        ("kill -9 and a start", false, Duration::ZERO),
        (
            "kill -9 and a start 3 s later",
            false,
            Duration::from_secs(3),
        ),
    ] {
        let (mut resumed, mut silent) = (Vec::new(), Vec::new());
        for _ in 0..repetitions {
            let (after_ready, after_end) = once(place, in_order, away)?;
            resumed.push(after_ready);
            silent.push(after_end);
        }
        report.add(
            format!("from daemon ready to a client's next event, {what}"),
            "ms",
            Goal::Below(goals::RESUMED),
            &resumed,
            None,
        );
        report.add(
            format!("from the old daemon's end to that event, {what}"),
            "ms",
            Goal::None,
            &silent,
            None,
        );
    }
    Ok(())
}

/// One loss and one return: milliseconds from ready, and from the end, to the next event.
fn once(place: &Place, in_order: bool, away: Duration) -> Result<(f64, f64)> {
    let profile = place.profile()?;
    let daemon = profile.start()?;
    let session = daemon.session()?;
    let flood = format!("/demo flood n={} rate={RATE} size=20", RATE * SECONDS);
    let client = daemon.prompt(&session, &flood, false)?;
    client.wait_first()?;
    // A while of calm streaming: a loss right after an attachment is another case.
    std::thread::sleep(Duration::from_secs(1));
    daemon.leave(in_order)?;
    let ended = clock::microseconds();
    std::thread::sleep(away);
    let daemon = profile.start()?;
    let ready = clock::microseconds();
    let next = next_event(client, ended)?;
    daemon.stop()?;
    Ok((
        milliseconds(next.saturating_sub(ready)),
        milliseconds(next.saturating_sub(ended)),
    ))
}

/// When the first event came after this moment.
fn next_event(client: Client, after: u64) -> Result<u64> {
    let printed = client.finish()?;
    let next = printed.lines().find(|line| line.at > after);
    Ok(next.context("no event came any more")?.at)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a time of seconds is far below 2^52"
)]
fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1_000.0
}
