//! How long to wait before the next attempt. Not a timer: the caller supplies randomness and does the waiting.
//!
//! Laws:
//! - delays follow the ladder: the n-th attempt since the last reset uses the n-th rung, the last rung is used for ever;
//! - with jitter, a delay lies within ±20 % of its rung;
//! - no delay is longer than the last rung: there, jitter only shortens.

use std::time::Duration;

/// Rungs of a client that lost its connection.
const RECONNECT: &[Duration] = &[
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
];

/// Rungs of an agent that died: doubling, with a round limit.
const AGENT_RESTART: &[Duration] = &[
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(30),
];

/// Jitter in percent of a rung, to either side.
const JITTER_PERCENT: u64 = 20;

/// A ladder of delays and the place on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    rungs: &'static [Duration],
    jitter_percent: u64,
    step: usize,
}

impl Backoff {
    /// The ladder of a client that lost its connection: 100 ms, 1 s, 5 s, 30 s, with jitter, so that many clients of one
    /// restarted peer do not come back at the same moment.
    #[must_use]
    pub const fn reconnect() -> Self {
        Self {
            rungs: RECONNECT,
            jitter_percent: JITTER_PERCENT,
            step: 0,
        }
    }

    /// The ladder of an agent that died: 500 ms doubling to 30 s. Without jitter: one daemon restarts one process, there
    /// is nobody to stay clear of.
    #[must_use]
    pub const fn agent_restart() -> Self {
        Self {
            rungs: AGENT_RESTART,
            jitter_percent: 0,
            step: 0,
        }
    }

    /// A ladder without jitter that was climbed `step` times already.
    #[must_use]
    pub fn ladder(rungs: &'static [Duration], step: usize) -> Self {
        Self {
            rungs,
            jitter_percent: 0,
            step: step.min(rungs.len().saturating_sub(1)),
        }
    }

    /// The delay before the next attempt; goes one rung up. `random` is uniform over all of `u32`.
    pub fn next(&mut self, random: u32) -> Duration {
        let rung = self.rung();
        self.step = (self.step + 1).min(self.rungs.len().saturating_sub(1));
        let spread = micros(rung) * self.jitter_percent / 100;
        let lowest = micros(rung) - spread;
        let highest = (micros(rung) + spread).min(micros(self.longest()));
        let share = (highest - lowest) * u64::from(random) / u64::from(u32::MAX);
        Duration::from_micros(lowest + share)
    }

    /// The attempt succeeded: the next failure starts at the first rung.
    pub const fn reset(&mut self) {
        self.step = 0;
    }

    fn rung(&self) -> Duration {
        self.rungs.get(self.step).copied().unwrap_or_default()
    }

    fn longest(&self) -> Duration {
        self.rungs.last().copied().unwrap_or_default()
    }
}

/// Rungs are far below the 584,000 years at which this would cut off.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIDDLE: u32 = u32::MAX / 2;

    fn millis(backoff: &mut Backoff, random: u32, attempts: usize) -> Vec<u128> {
        (0..attempts)
            .map(|_| backoff.next(random).as_millis())
            .collect()
    }

    #[test]
    fn a_client_climbs_to_thirty_seconds_and_stays_there() {
        let lowest = millis(&mut Backoff::reconnect(), 0, 6);
        let highest = millis(&mut Backoff::reconnect(), u32::MAX, 6);
        assert_eq!(lowest, [80, 800, 4_000, 24_000, 24_000, 24_000]);
        assert_eq!(highest, [120, 1_200, 6_000, 30_000, 30_000, 30_000]);
    }

    #[test]
    fn an_agent_is_restarted_after_doubling_delays_up_to_thirty_seconds() {
        let delays = millis(&mut Backoff::agent_restart(), MIDDLE, 9);
        assert_eq!(
            delays,
            [
                500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000
            ]
        );
    }

    #[test]
    fn success_starts_the_ladder_anew() {
        let mut backoff = Backoff::reconnect();
        millis(&mut backoff, MIDDLE, 3);
        backoff.reset();
        assert_eq!(backoff, Backoff::reconnect());
        assert_eq!(millis(&mut backoff, 0, 2), [80, 800]);
    }

    #[test]
    fn a_ladder_goes_on_where_it_was() {
        let mut backoff = Backoff::ladder(AGENT_RESTART, 5);
        assert_eq!(millis(&mut backoff, MIDDLE, 3), [16_000, 30_000, 30_000]);
        let mut backoff = Backoff::ladder(AGENT_RESTART, usize::MAX);
        assert_eq!(millis(&mut backoff, MIDDLE, 1), [30_000]);
    }

    proptest! {
        #[test]
        fn every_delay_is_within_a_fifth_of_its_rung_and_never_over_the_last(randoms in prop::collection::vec(any::<u32>(), 1..20)) {
            let mut backoff = Backoff::reconnect();
            for (attempt, random) in randoms.into_iter().enumerate() {
                let rung = RECONNECT[attempt.min(RECONNECT.len() - 1)];
                let delay = backoff.next(random);
                prop_assert!(delay >= rung * 4 / 5 && delay <= rung * 6 / 5, "{delay:?} for {rung:?}");
                prop_assert!(delay <= Duration::from_secs(30), "{delay:?}");
            }
        }

        #[test]
        fn a_larger_random_number_never_waits_less(attempts in 0usize..6, one in any::<u32>(), other in any::<u32>()) {
            let mut backoff = Backoff::reconnect();
            millis(&mut backoff, 0, attempts);
            let (small, large) = (one.min(other), one.max(other));
            prop_assert!(backoff.clone().next(small) <= backoff.next(large));
        }

        #[test]
        fn an_agents_delays_ignore_randomness(randoms in prop::collection::vec(any::<u32>(), 1..10)) {
            let (mut one, mut other) = (Backoff::agent_restart(), Backoff::agent_restart());
            for random in randoms {
                prop_assert_eq!(one.next(random), other.next(0));
            }
        }
    }
}
