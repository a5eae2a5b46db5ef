//! When the network is up, when it is down, and when the host has slept. Given what the kernel knows; listens to nothing.
//!
//! A way out is a default route over a link that works, or an address on a link that works and is not this machine's own and
//! not good for neighbours alone. Links that work are switched on and have a carrier.
//!
//! Laws:
//! - what was there at the start is no signal: a machine without any way out may reach everything through a proxy that was
//!   given to it, and only who saw a way out go may say that there is none;
//! - the network is down when the last way out goes. Bridges of containers are such ways, so it may stay up where nothing is
//!   reached any more: whoever is wrong about that tries in vain, and whoever were wrong the other way would not try at all;
//! - the network is up when the first way out comes, and whenever a default route comes that was not there: a cable where
//!   there was a bridge, another network than before. That is said although it was not down;
//! - the host has slept when the time for which it ever slept has grown by a second or more. A clock that is set, forward or
//!   back, is no sleep.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Signal;

/// Two clocks are read one after the other, and something may come in between.
const SHORTEST_SLEEP: Duration = Duration::from_secs(1);

/// A way out of this machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// A route to everywhere.
    Default {
        /// The table in which it stands.
        table: u32,
        /// The family of its addresses.
        family: u8,
        /// The link that it leads over; several, if none.
        link: Option<u32>,
        /// The next machine on it, if it is named.
        gateway: Vec<u8>,
    },
    /// An address.
    Address {
        /// The link that has it.
        link: u32,
        /// The address.
        address: Vec<u8>,
    },
}

/// What the kernel knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// The links, and whether one can get out over them.
    pub(super) links: BTreeMap<u32, bool>,
    /// Default routes and addresses, whatever their links do.
    pub(super) ways: BTreeSet<Way>,
}

impl Known {
    /// The ways that lead out.
    fn open(self) -> BTreeSet<Way> {
        let Self { links, mut ways } = self;
        let works = |link: &u32| links.get(link).copied().unwrap_or_default();
        ways.retain(|way| match way {
            Way::Default { link: None, .. } => links.values().any(|works| *works),
            Way::Default {
                link: Some(link), ..
            }
            | Way::Address { link, .. } => works(link),
        });
        ways
    }
}

/// What was known of the network.
#[derive(Debug)]
pub(super) struct Network(BTreeSet<Way>);

impl Network {
    pub(super) fn new(known: Known) -> Self {
        Self(known.open())
    }

    /// What is to be said about what is known now.
    pub(super) fn look(&mut self, known: Known) -> Option<Signal> {
        let before = std::mem::replace(&mut self.0, known.open());
        let is_route = |way: &Way| matches!(way, Way::Default { .. });
        match (before.is_empty(), self.0.is_empty()) {
            (true, true) => None,
            (false, true) => Some(Signal::NetworkDown),
            (true, false) => Some(Signal::NetworkUp),
            (false, false) => {
                let mut new = self.0.difference(&before);
                new.any(is_route).then_some(Signal::NetworkUp)
            }
        }
    }
}

/// For how long the host had slept.
#[derive(Debug)]
pub(super) struct Sleep(Duration);

impl Sleep {
    pub(super) const fn new(slept: Duration) -> Self {
        Self(slept)
    }

    /// What is to be said when it has slept for so long by now.
    pub(super) fn look(&mut self, slept: Duration) -> Option<Signal> {
        if slept.saturating_sub(self.0) < SHORTEST_SLEEP {
            return None;
        }
        self.0 = slept;
        Some(Signal::Woke)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(link: Option<u32>, gateway: u8) -> Way {
        Way::Default {
            table: 254,
            family: 2,
            link,
            gateway: vec![10, 0, 0, gateway],
        }
    }

    fn address(link: u32, last: u8) -> Way {
        Way::Address {
            link,
            address: vec![10, 0, 0, last],
        }
    }

    fn known(links: &[(u32, bool)], ways: &[Way]) -> Known {
        Known {
            links: links.iter().copied().collect(),
            ways: ways.iter().cloned().collect(),
        }
    }

    #[test]
    fn what_was_there_at_the_start_is_no_signal_and_nothing_is_not_down() {
        let mut network = Network::new(Known::default());
        assert_eq!(network.look(Known::default()), None);
        let up = known(&[(2, true)], &[address(2, 5), route(Some(2), 1)]);
        let mut network = Network::new(up.clone());
        assert_eq!(network.look(up), None);
    }

    #[test]
    fn the_network_is_down_when_its_last_way_out_goes_and_up_with_the_first() {
        let up = known(&[(2, true)], &[address(2, 5), route(Some(2), 1)]);
        let only_address = known(&[(2, true)], &[address(2, 5)]);
        let mut network = Network::new(up.clone());
        assert_eq!(network.look(only_address.clone()), None);
        assert_eq!(network.look(Known::default()), Some(Signal::NetworkDown));
        assert_eq!(network.look(Known::default()), None);
        assert_eq!(network.look(only_address), Some(Signal::NetworkUp));
        assert_eq!(network.look(up), Some(Signal::NetworkUp));
    }

    #[test]
    fn a_link_that_does_not_work_is_no_way_out_whatever_it_has() {
        let ways = [address(2, 5), route(Some(2), 1)];
        let mut network = Network::new(known(&[(2, true)], &ways));
        let unplugged = known(&[(2, false)], &ways);
        assert_eq!(network.look(unplugged), Some(Signal::NetworkDown));
        assert_eq!(network.look(known(&[], &ways)), None);
        assert_eq!(
            network.look(known(&[(2, true)], &ways)),
            Some(Signal::NetworkUp)
        );
        let several = [route(None, 1)];
        assert_eq!(
            network.look(known(&[(2, false)], &several)),
            Some(Signal::NetworkDown)
        );
        let one_of_them = known(&[(2, false), (3, true)], &several);
        assert_eq!(network.look(one_of_them), Some(Signal::NetworkUp));
    }

    #[test]
    fn another_network_beside_a_bridge_is_told_and_another_address_is_not() {
        let links = [(2, true), (3, true)];
        let mut network = Network::new(known(&links, &[address(3, 9)]));
        let wireless = [address(3, 9), address(2, 5), route(Some(2), 1)];
        assert_eq!(
            network.look(known(&links, &wireless)),
            Some(Signal::NetworkUp)
        );
        let renewed = [address(3, 9), address(2, 6), route(Some(2), 1)];
        assert_eq!(network.look(known(&links, &renewed)), None);
        let elsewhere = [address(3, 9), address(2, 6), route(Some(2), 7)];
        assert_eq!(
            network.look(known(&links, &elsewhere)),
            Some(Signal::NetworkUp)
        );
        assert_eq!(
            network.look(known(&links, &[address(3, 9)])),
            None,
            "the bridge is left"
        );
    }

    #[test]
    fn a_sleep_is_told_once_and_a_clock_that_was_set_is_none() {
        let seconds = Duration::from_secs;
        let mut sleep = Sleep::new(seconds(100));
        assert_eq!(sleep.look(seconds(100)), None);
        assert_eq!(sleep.look(seconds(99)), None);
        assert_eq!(sleep.look(Duration::from_millis(100_999)), None);
        assert_eq!(sleep.look(seconds(101)), Some(Signal::Woke));
        assert_eq!(sleep.look(seconds(101)), None);
        assert_eq!(sleep.look(seconds(9_000)), Some(Signal::Woke));
    }
}
