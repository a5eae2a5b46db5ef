//! A flood: from the agent's stdout to what a client prints, everything on disk before it is shown.
//!
//! A rate counts the agent's lines from the moment at which the client could read the last event before the first piece
//! of text until it could read the last piece; the agent's start is not part of it. Every piece ends with a line break, so that pieces
//! can be counted however they were joined.
//!
//! Once with lines that can be joined (pieces of one text) and once with lines that cannot (text and thinking take
//! turns), so that each becomes an event of its own.

use anyhow::{Context as _, Result, ensure};

use super::client::Printed;
use super::profile::{Daemon, Place, Session};
use super::report::{Goal, Report, median, percentile};
use super::{Options, calibrate, goals, process};

/// What a flood is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) lines: u64,
    /// Lines a second; 0 is as fast as it goes.
    pub(super) rate: u64,
    /// No two lines can be joined.
    pub(super) mixed: bool,
    pub(super) stamped: bool,
}

impl Load {
    /// The length of a text that makes a line of about 290 bytes.
    const SIZE: usize = 24;

    fn prompt(self) -> String {
        let Self {
            lines,
            rate,
            mixed,
            stamped,
        } = self;
        let (size, mixed, stamp) = (Self::SIZE, u8::from(mixed), u8::from(stamped));
        format!("/demo flood n={lines} size={size} rate={rate} mixed={mixed} stamp={stamp}")
    }
}

/// What came of a flood.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// For each client, the one with the prompt first: lines a second.
    pub(super) rates: Vec<f64>,
    /// For all clients: milliseconds from a line's stamp until it could be read.
    pub(super) delays: Vec<f64>,
    /// Events that the flood became.
    pub(super) events: u64,
    /// Microseconds of processor time a line, by process or thread.
    pub(super) costs: Vec<(String, f64)>,
    /// The agent's host, when the last client had everything.
    pub(super) host: Host,
}

/// What an agent's host took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Host {
    /// MB that nobody shares, changed or not.
    pub(super) private: f64,
    /// MB that it changed.
    pub(super) dirty: f64,
    /// MB, shared ones divided by who shares them.
    pub(super) share: f64,
    /// Bytes that went to storage.
    pub(super) written: f64,
}

impl Host {
    fn read(daemon: &Daemon) -> Result<Self> {
        let pid = *daemon
            .profile
            .hosts()?
            .first()
            .context("no agent host runs")?;
        Ok(Self {
            private: process::mapped_mb(pid, &["Private_Clean:", "Private_Dirty:"])?,
            dirty: process::mapped_mb(pid, &["Private_Dirty:"])?,
            share: process::mapped_mb(pid, &["Pss:"])?,
            written: process::written(pid)?,
        })
    }
}

/// Plays a flood to so many clients of a session.
pub(super) fn play(
    daemon: &Daemon,
    session: &mut Session,
    load: Load,
    clients: usize,
) -> Result<Outcome> {
    let followers: Vec<_> = (1..clients)
        .map(|_| daemon.follower(session))
        .collect::<Result<_>>()?;
    let before = Costs::read(daemon)?;
    let prompt = daemon.prompt(session, &load.prompt(), false)?;
    prompt.wait_turn()?;
    // The agent rests as soon as nobody wants it.
    let host = Host::read(daemon).unwrap_or_default();
    for follower in &followers {
        follower.wait_turn()?;
    }
    let mut outcome = Outcome {
        costs: before.until_now(daemon, load.lines)?,
        host,
        ..Outcome::default()
    };
    let first = prompt.finish()?;
    let followed: Vec<_> = followers
        .into_iter()
        .map(super::client::Client::stop)
        .collect::<Result<_>>()?;
    let begun = first
        .lines()
        .take_while(|line| !is(line.text, "text_delta"))
        .last()
        .context("nothing comes before the first piece")?
        .at;
    let from = session.head;
    session.read_head(&first)?;
    outcome.events = session.head - from;
    let share = cost(first.cpu_ns, load.lines);
    outcome.costs.push(("client".to_owned(), share));
    for printed in std::iter::once(&first).chain(&followed) {
        outcome.look_at(printed, load, begun)?;
    }
    Ok(outcome)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "lines and nanoseconds of a run are far below 2^52"
)]
fn cost(nanoseconds: f64, lines: u64) -> f64 {
    nanoseconds / 1_000.0 / lines as f64
}

fn is(line: &str, kind: &str) -> bool {
    line.split_once("\"type\":\"").is_some_and(|(_, rest)| {
        rest.strip_prefix(kind)
            .is_some_and(|rest| rest.starts_with('"'))
    })
}

impl Outcome {
    #[expect(
        clippy::cast_precision_loss,
        reason = "lines and microseconds of a run are far below 2^52"
    )]
    fn look_at(&mut self, printed: &Printed, load: Load, begun: u64) -> Result<()> {
        let (mut pieces, mut last) = (0, begun);
        for line in printed.lines() {
            if !is(line.text, "text_delta") && !is(line.text, "thinking_delta") {
                continue;
            }
            pieces += memchr::memmem::find_iter(line.text.as_bytes(), br"\n").count() as u64;
            last = last.max(line.at);
            if load.stamped {
                self.delays.extend(
                    stamps(line.text).map(|stamp| line.at.saturating_sub(stamp) as f64 / 1_000.0),
                );
            }
        }
        ensure!(
            pieces == load.lines,
            "a client got {pieces} of {} lines",
            load.lines
        );
        self.rates
            .push(load.lines as f64 / ((last - begun) as f64 / 1e6));
        Ok(())
    }
}

/// The times that the agent wrote into a text.
fn stamps(text: &str) -> impl Iterator<Item = u64> {
    text.split('@')
        .filter(|part| part.len() == 16)
        .filter_map(|part| part.parse().ok())
}

/// Processor time of everything that is there before a flood and after it.
struct Costs(Vec<(String, f64)>);

impl Costs {
    fn read(daemon: &Daemon) -> Result<Self> {
        let mut times = Vec::new();
        for host in daemon.profile.hosts()? {
            times.push(("host".to_owned(), process::time(host)?));
            for agent in process::children(host) {
                times.push(("agent".to_owned(), process::time(agent)?));
            }
        }
        for (thread, time) in process::thread_times(daemon.pid())? {
            times.push((format!("daemon {thread}"), time));
        }
        Ok(Self(times))
    }

    fn until_now(self, daemon: &Daemon, lines: u64) -> Result<Vec<(String, f64)>> {
        let spent = |(name, time): (String, f64)| {
            let before: f64 = self
                .0
                .iter()
                .filter(|(known, _)| *known == name)
                .map(|(_, time)| time)
                .sum();
            (name, cost(time - before, lines))
        };
        Ok(Self::read(daemon)?.0.into_iter().map(spent).collect())
    }
}

/// Measures floods for one client and for eight.
pub(super) fn run(
    place: &Place,
    options: &Options,
    raw: calibrate::Raw,
    report: &mut Report,
) -> Result<()> {
    let repetitions = if options.quick { 1 } else { 5 };
    let daemon = place.profile()?.start()?;
    for (mixed, name) in [
        (true, "events of their own"),
        (false, "pieces that can be joined"),
    ] {
        let mut one = f64::NAN;
        for clients in [1, 8] {
            let (mut rates, mut outcome) = (Vec::new(), Outcome::default());
            for _ in 0..repetitions {
                let mut session = daemon.session()?;
                let load = Load {
                    lines: options.lines,
                    rate: 0,
                    mixed,
                    stamped: false,
                };
                outcome = play(&daemon, &mut session, load, clients)?;
                // The slowest client counts.
                rates.push(percentile(&mut outcome.rates, 0));
            }
            let rate = median(&rates);
            if clients == 1 {
                one = rate;
                let floor = if options.quick {
                    Goal::None
                } else {
                    Goal::AtLeast(goals::FLOOD.max(goals::FLOOD_OF_RAW * raw.rows))
                };
                report.add(
                    format!("flood, {name}, 1 client"),
                    "lines/s",
                    floor,
                    &rates,
                    Some(rate / raw.rows),
                );
            } else {
                let floor = Goal::AtLeast(goals::FLOOD_OF_ONE * one);
                report.add(
                    format!("flood, {name}, slowest of 8 clients"),
                    "lines/s",
                    floor,
                    &rates,
                    Some(rate / one),
                );
            }
            let costs = outcome.costs.iter().filter(|(_, cost)| *cost >= 0.005);
            let costs: Vec<_> = costs
                .map(|(name, cost)| format!("{name} {cost:.2}"))
                .collect();
            report.note(format!(
                "{} events; µs of processor time a line: {}",
                outcome.events,
                costs.join(", ")
            ));
        }
    }
    daemon.stop()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_event_is_told_from_its_longer_namesake() {
        let line = r#"{"session_id":"x","sequence":1,"type":"text_delta","text":"\"type\":\"user_input\""}"#;
        assert!(is(line, "text_delta"));
        assert!(!is(line, "text") && !is(line, "user_input"));
    }

    #[test]
    fn stamps_are_found_wherever_pieces_were_joined() {
        let text = r"@1763764111000001@       1 .\n@1763764111000002@       2 .\n";
        assert_eq!(
            stamps(text).collect::<Vec<_>>(),
            [1_763_764_111_000_001, 1_763_764_111_000_002]
        );
    }
}
