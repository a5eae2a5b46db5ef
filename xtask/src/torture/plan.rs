//! What is to happen in a round, made from the seed alone: which prompts begin when, and who is killed when.
//!
//! The moments are planned, but what the processes are doing at these moments is not: the same seed puts the same
//! load on the same places without repeating a run exactly.

use super::people::deeds::{self, Deed};
use super::random::Random;
use super::scenario::Scenario;

/// How many sessions are under way at the same time.
pub(super) const SLOTS: usize = 3;
/// How many more there are in which people take part.
pub(super) const TABLES: usize = 2;
/// After so many rounds at most a session is closed and its place taken by a new one.
const LONGEST_LIFE: u64 = 6;

/// How a client prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// The text alone.
    Text,
    /// Events, byte for byte as they are in the log.
    Events,
}

/// A client with a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prompt {
    /// In which of the sessions.
    pub(super) slot: usize,
    pub(super) scenario: Scenario,
    pub(super) format: Format,
}

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Victim {
    Daemon,
    /// One of the agent hosts that live then; the number chooses.
    Host(u64),
    /// One of the agents that live then; the number chooses.
    Agent(u64),
    /// One of the clients that live then; the number chooses.
    Client(u64),
}

/// One thing that is done to the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Start(Prompt),
    Kill(Victim),
    /// At one of the sessions with people.
    Do(usize, Deed),
    /// The disk has room for so many more bytes.
    Fill(u64),
    /// The disk has room again.
    Free,
}

/// A round: what is done, in milliseconds since its beginning, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Round {
    pub(super) actions: Vec<(u64, Action)>,
    /// Which sessions are closed at its end.
    pub(super) retired: Vec<usize>,
    /// At which sessions with people everything is answered at its end.
    pub(super) finished: Vec<usize>,
    /// And which of these are closed.
    pub(super) left: Vec<usize>,
}

/// The rounds of a seed, one after the other.
#[derive(Debug)]
pub(super) struct Plan {
    random: Random,
    made: u64,
    ages: [u64; SLOTS],
    /// The same of the sessions with people.
    table_ages: [u64; TABLES],
    said: u64,
}

impl Plan {
    pub(super) const fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            made: 0,
            ages: [0; SLOTS],
            table_ages: [0; TABLES],
            said: 0,
        }
    }

    /// The next round.
    pub(super) fn round(&mut self) -> Round {
        let length = self.random.within(60..320);
        let mut actions = Vec::new();
        for slot in 0..SLOTS {
            for _ in 0..self.prompts() {
                let prompt = self.prompt(slot, length);
                let at = self.random.within(0..length / 2);
                actions.push((at, Action::Start(prompt)));
            }
        }
        for table in 0..TABLES {
            for _ in 0..self.random.within(8..28) {
                self.said += 1;
                let deed = deeds::deed(&mut self.random, self.said);
                let at = self.random.within(0..length);
                actions.push((at, Action::Do(table, deed)));
            }
        }
        for victim in self.victims() {
            let at = self.random.within(0..length + length / 4);
            actions.push((at, Action::Kill(victim)));
        }
        if self.random.chance(1, 6) {
            let at = self.random.within(0..length);
            let leave = self.random.one_of([0, 4 << 10, 64 << 10, 1 << 20]);
            let lasts = self.random.one_of([20, 100, 300, 1_300]);
            actions.push((at, Action::Fill(leave)));
            actions.push((at + lasts, Action::Free));
        }
        // Stable: what is planned for one millisecond is done in the order of planning.
        actions.sort_by_key(|(at, _)| *at);
        let retired = retire(&mut self.random, &mut self.ages);
        let finished = (0..TABLES).filter(|_| self.random.chance(1, 2)).collect();
        let left = retire(&mut self.random, &mut self.table_ages);
        Round {
            actions,
            retired,
            finished,
            left,
        }
    }

    /// A session is left alone, asked once, or asked again while it still answers: then messages wait in its queue, and its
    /// agent is sent more than one.
    fn prompts(&mut self) -> u64 {
        match self.random.within(0..8) {
            0 => 0,
            1..=4 => 1,
            5 | 6 => 2,
            _ => 3,
        }
    }

    fn prompt(&mut self, slot: usize, length: u64) -> Prompt {
        // The count of prompts is part of each, so that every prompt of a session is its own.
        self.made += 1;
        let scenario = if self.random.chance(1, 3) {
            let size = if self.random.chance(1, 4) { 300 } else { 20 };
            Scenario::Flood {
                n: 500 + self.made % 1_500,
                size,
                rate: 0,
            }
        } else {
            let n = 100 + self.made % 300;
            // It takes a part of the round, so that kills meet it in the middle.
            let milliseconds = self.random.within(length / 4..length);
            let rate = n * 1_000 / milliseconds;
            Scenario::Count { n, rate }
        };
        let format = if self.random.chance(1, 2) {
            Format::Text
        } else {
            Format::Events
        };
        Prompt {
            slot,
            scenario,
            format,
        }
    }

    fn victims(&mut self) -> Vec<Victim> {
        let daemons = self.random.one_of([0, 1, 1, 2, 2, 4]);
        let mut victims = vec![Victim::Daemon; daemons];
        for _ in 0..self.random.one_of([0, 0, 1, 2]) {
            victims.push(Victim::Host(self.random.next()));
        }
        for _ in 0..self.random.one_of([0, 0, 1, 2]) {
            victims.push(Victim::Agent(self.random.next()));
        }
        if self.random.chance(1, 3) {
            victims.push(Victim::Client(self.random.next()));
        }
        victims
    }
}

/// Which of these are closed at the end of a round.
fn retire(random: &mut Random, ages: &mut [u64]) -> Vec<usize> {
    let mut retired = Vec::new();
    for (slot, age) in ages.iter_mut().enumerate() {
        *age += 1;
        if random.chance(*age, LONGEST_LIFE) {
            *age = 0;
            retired.push(slot);
        }
    }
    retired
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn rounds(seed: u64, count: usize) -> Vec<Round> {
        let mut plan = Plan::new(seed);
        (0..count).map(|_| plan.round()).collect()
    }

    #[test]
    fn a_seed_gives_the_same_rounds_again() {
        assert_eq!(rounds(42, 50), rounds(42, 50));
        assert_ne!(rounds(42, 5), rounds(43, 5));
    }

    #[test]
    fn no_prompt_comes_twice_within_the_life_of_a_session() {
        let prompts: Vec<String> = rounds(3, 500)
            .into_iter()
            .flat_map(|round| round.actions)
            .filter_map(|(_, action)| match action {
                Action::Start(prompt) => Some(prompt.scenario.prompt()),
                Action::Kill(_) | Action::Do(..) | Action::Fill(_) | Action::Free => None,
            })
            .collect();
        let most = usize::try_from(LONGEST_LIFE).unwrap() * SLOTS * 3;
        for window in prompts.windows(most) {
            let different: BTreeSet<_> = window.iter().collect();
            assert_eq!(different.len(), most);
        }
    }

    #[test]
    fn every_kind_of_victim_comes_and_a_turn_can_be_hit_several_times() {
        let all = rounds(9, 200);
        let kills = |round: &Round, wanted: fn(&Victim) -> bool| {
            let hit = |(_, action): &&(u64, Action)| matches!(action, Action::Kill(victim) if wanted(victim));
            round.actions.iter().filter(hit).count()
        };
        assert!(
            all.iter()
                .any(|round| kills(round, |it| *it == Victim::Daemon) >= 3)
        );
        assert!(
            all.iter()
                .any(|round| kills(round, |it| matches!(it, Victim::Host(_))) == 2)
        );
        assert!(
            all.iter()
                .any(|round| kills(round, |it| matches!(it, Victim::Agent(_))) == 2)
        );
        assert!(
            all.iter()
                .any(|round| kills(round, |it| matches!(it, Victim::Client(_))) == 1)
        );
    }

    #[test]
    fn a_disk_that_is_filled_has_room_again_in_the_same_round() {
        let mut filled = 0;
        for round in rounds(11, 200) {
            let mut full = false;
            for (_, action) in &round.actions {
                match action {
                    Action::Fill(_) => full = true,
                    Action::Free => full = false,
                    _ => continue,
                }
                filled += 1;
            }
            assert!(!full);
        }
        assert!(filled > 20);
    }

    #[test]
    fn rounds_are_short_and_in_order_and_every_session_ends_some_day() {
        let all = rounds(5, 200);
        for round in &all {
            assert!(round.actions.is_sorted_by_key(|(at, _)| *at));
            let free = |action: &Action| *action == Action::Free;
            assert!(
                round
                    .actions
                    .iter()
                    .all(|(at, action)| *at < 400 || free(action))
            );
        }
        for slot in 0..SLOTS {
            assert!(all.iter().any(|round| round.retired.contains(&slot)));
        }
    }
}
