//! What a run adds up to, and how it is told.

use std::fmt;
use std::time::Duration;

use super::check::{Findings, Kind};
use super::run::Kills;

/// So many violations are printed in full; more would say the same again.
const SHOWN: u64 = 20;

/// The sums.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) rounds: u64,
    pub(super) kills: Kills,
    /// How often the disk ran full.
    pub(super) filled: u64,
    lines: u64,
    frames: u64,
    turned_away: u64,
    told: u64,
    commands: u64,
    requests: u64,
    pending: u64,
    answers: u64,
    ran: u64,
    messages: u64,
    locks: u64,
    went_on: u64,
    lost: u64,
    doubled: u64,
    unaccounted: u64,
}

impl Report {
    /// True while nothing was found.
    pub(super) const fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.unaccounted == 0
    }

    /// Takes the findings about a session. What was compared counts once, when it is the last time.
    pub(super) fn add(&mut self, place: &str, findings: &Findings, last: bool) {
        if last {
            self.lines += findings.lines;
            self.frames += findings.frames;
            self.turned_away += findings.turned_away;
            self.told += findings.told;
            self.commands += findings.commands;
            self.requests += findings.requests;
            self.answers += findings.answers;
            self.ran += findings.ran;
            self.messages += findings.messages;
            self.locks += findings.locks;
            self.went_on += findings.went_on;
        }
        // Those that still wait are looked at each time.
        self.pending += findings.pending;
        for violation in &findings.violations {
            self.violation(place, violation.kind, &violation.what);
        }
    }

    /// Takes something that cannot be explained.
    pub(super) fn unaccounted(&mut self, place: &str, what: &str) {
        self.violation(place, Kind::Unaccounted, what);
    }

    fn violation(&mut self, place: &str, kind: Kind, what: &str) {
        let (count, word) = match kind {
            Kind::Lost => (&mut self.lost, "lost"),
            Kind::Doubled => (&mut self.doubled, "doubled"),
            Kind::Unaccounted => (&mut self.unaccounted, "unaccounted"),
        };
        *count += 1;
        if self.lost + self.doubled + self.unaccounted <= SHOWN {
            println!("{place}: {word}: {what}");
        }
    }

    /// One line while it goes on.
    pub(super) fn progress(&self, kills: Kills, elapsed: Duration) -> String {
        format!(
            "round {}, {} s: killed {} daemons, {} hosts, {} agents, {} clients",
            self.rounds,
            elapsed.as_secs(),
            kills.daemons,
            kills.hosts,
            kills.agents,
            kills.clients
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = [
            ("rounds", self.rounds),
            ("daemon kills", self.kills.daemons),
            ("host kills", self.kills.hosts),
            ("agent kills", self.kills.agents),
            ("client kills", self.kills.clients),
            ("disk ran full", self.filled),
            ("lines checked", self.lines),
            ("frames checked", self.frames),
            ("turns went on", self.went_on),
            ("turned away", self.turned_away),
            ("people cut off", self.kills.people),
            ("commands", self.commands),
            ("events told", self.told),
            ("requests", self.requests),
            ("still pending", self.pending),
            ("decided by people", self.answers),
            ("tools that ran", self.ran),
            ("messages", self.messages),
            ("lock requests", self.locks),
            ("lost", self.lost),
            ("doubled", self.doubled),
            ("unaccounted", self.unaccounted),
        ];
        let lines = rows.map(|(name, value)| format!("{name:<18}{value:>8}"));
        formatter.write_str(&lines.join("\n"))
    }
}
