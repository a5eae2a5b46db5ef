//! The newest reading of every window.
//!
//! Laws:
//! - of two readings of a window the one that was observed later stays; nothing else takes a value away;
//! - a reset that jitters does not move: within the provider's tolerance the first one stays;
//! - at most one window of an account is the binding one;
//! - a window that has not been spoken of for long, while others have, is forgotten: the plan no longer has it.

use std::collections::BTreeMap;
use std::time::Duration;

use betcode_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::reading::{Reading, Window, same_reset};

/// More windows than this are not kept.
const MOST: usize = 64;
/// So long after others were read, a window that was not is gone.
const GONE_AFTER: Duration = Duration::from_hours(8 * 24);

/// The newest reading of every window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Reading>", into = "Vec<Reading>")]
pub struct Readings {
    by_window: BTreeMap<Window, Reading>,
}

impl From<Vec<Reading>> for Readings {
    fn from(readings: Vec<Reading>) -> Self {
        let mut all = Self::default();
        all.merge(readings);
        all
    }
}

impl From<Readings> for Vec<Reading> {
    fn from(readings: Readings) -> Self {
        readings.by_window.into_values().collect()
    }
}

impl Readings {
    /// Takes in readings. True when something that is shown has changed, which a later time of observation alone is not.
    pub fn merge(&mut self, readings: impl IntoIterator<Item = Reading>) -> bool {
        let mut changed = false;
        for reading in readings {
            changed |= self.take(reading);
        }
        changed
    }

    fn take(&mut self, mut new: Reading) -> bool {
        let window = new.window();
        let mut changed = true;
        match self.by_window.get(&window) {
            Some(old) if old.observed_at > new.observed_at => return false,
            Some(old) => {
                if let (Some(before), Some(after)) = (old.resets_at, new.resets_at)
                    && same_reset(new.provider, before, after)
                {
                    new.resets_at = Some(before);
                }
                // Sources that know less do not take away what others said.
                if new.amount.is_none() && new.resets_at == old.resets_at {
                    new.amount.clone_from(&old.amount);
                }
                new.binding |= old.binding && !new.source.tells_binding();
                changed = shown(old) != shown(&new);
            }
            None if self.by_window.len() >= MOST => return false,
            None => {}
        }
        if new.binding {
            let of_account = self.by_window.values_mut().filter(|other| {
                other.provider == new.provider
                    && other.account == new.account
                    && other.observed_at <= new.observed_at
            });
            of_account.for_each(|other| other.binding = false);
        }
        self.by_window.insert(window, new);
        changed
    }

    /// Forgets what the plan no longer has.
    pub fn forget(&mut self) {
        let newest = self.newest();
        self.by_window.retain(|_, reading| {
            newest.is_none_or(|newest| newest.since(reading.observed_at) <= GONE_AFTER)
        });
    }

    /// Nothing was observed later than now, whatever the clock said then.
    pub(crate) fn not_after(&mut self, now: Timestamp) {
        for reading in self.by_window.values_mut() {
            reading.observed_at = reading.observed_at.min(now);
        }
    }

    /// All of them, in the order of their windows.
    pub fn iter(&self) -> impl Iterator<Item = &Reading> {
        self.by_window.values()
    }

    /// The reading of a window.
    pub fn get(&self, window: &Window) -> Option<&Reading> {
        self.by_window.get(window)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_window.is_empty()
    }

    /// When the newest was observed.
    pub fn newest(&self) -> Option<Timestamp> {
        self.iter().map(|reading| reading.observed_at).max()
    }
}

/// The window that bites first: the one that its source says, or else the fullest. Windows that began anew since do not count.
pub fn binding<'a>(
    readings: impl IntoIterator<Item = &'a Reading>,
    now: Timestamp,
) -> Option<&'a Reading> {
    let current = readings.into_iter().filter(|it| !it.is_over(now));
    current.max_by(|one, other| {
        let by_percent = one.percent.get().total_cmp(&other.percent.get());
        one.binding.cmp(&other.binding).then(by_percent)
    })
}

/// What a person sees of it.
fn shown(reading: &Reading) -> impl PartialEq + use<'_> {
    (
        reading.percent,
        reading.resets_at,
        reading.severity,
        reading.binding,
        &reading.amount,
        reading.duration_s,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{Account, Kind, Origin, Percent, ProviderId, Source};

    const SECOND: i64 = 1_000_000;

    fn reading(observed: i64, percent: f64, resets_at: Option<i64>) -> Reading {
        let origin = Origin {
            provider: ProviderId::Claude,
            account: Account("default".into()),
            source: Source::GetUsage,
            observed_at: Timestamp(observed),
        };
        let percent = Percent::new(percent).unwrap();
        let mut reading = Reading::new(&origin, Kind::Session, Some(18_000), percent);
        reading.resets_at = resets_at.map(Timestamp);
        reading
    }

    fn only(readings: &Readings) -> &Reading {
        readings.iter().next().unwrap()
    }

    #[test]
    fn the_newest_reading_wins_in_whatever_order_they_come() {
        let mut readings = Readings::default();
        assert!(readings.merge([reading(5, 20.0, None), reading(3, 90.0, None)]));
        assert_eq!(Some(only(&readings).percent), Percent::new(20.0));
        assert!(!readings.merge([reading(6, 20.0, None)]), "nothing to see");
        assert_eq!(only(&readings).observed_at, Timestamp(6));
    }

    #[test]
    fn a_reset_that_jitters_does_not_move() {
        let mut readings = Readings::default();
        let hour = 3_600 * SECOND;
        readings.merge([reading(1, 20.0, Some(hour))]);
        for jitter in [-1, 234_567, -400_000, 60 * SECOND, -60 * SECOND] {
            assert!(!readings.merge([reading(2, 20.0, Some(hour + jitter))]));
            assert_eq!(only(&readings).resets_at, Some(Timestamp(hour)));
        }
        assert!(readings.merge([reading(2, 20.0, Some(hour + 61 * SECOND))]));
        assert_eq!(
            only(&readings).resets_at,
            Some(Timestamp(hour + 61 * SECOND))
        );
    }

    #[test]
    fn windows_of_models_are_told_apart_by_their_labels() {
        let scoped = |label| Reading {
            kind: Kind::WeeklyScoped,
            ..reading(1, 20.0, None).with_label(Some(label))
        };
        let mut readings = Readings::default();
        readings.merge([scoped("Fable"), scoped("Opus"), scoped("Fable")]);
        let labels: Vec<_> = readings.iter().map(|it| it.label.as_deref()).collect();
        assert_eq!(labels, [Some("Fable"), Some("Opus")]);
    }

    #[test]
    fn one_window_is_the_binding_one() {
        let weekly = Reading {
            kind: Kind::Weekly,
            binding: true,
            ..reading(1, 10.0, None)
        };
        let session = Reading {
            binding: true,
            ..reading(2, 5.0, None)
        };
        let mut readings = Readings::default();
        readings.merge([weekly.clone()]);
        assert_eq!(binding(readings.iter(), Timestamp(3)), Some(&weekly));
        readings.merge([session, reading(3, 5.0, None)]);
        assert!(
            readings.iter().all(|it| !it.binding),
            "taken back by the newest"
        );
        let fullest = binding(readings.iter(), Timestamp(3)).unwrap();
        assert_eq!(fullest.kind, Kind::Weekly);
    }

    #[test]
    fn a_source_that_does_not_say_what_bites_takes_nothing_back() {
        let mut readings = Readings::default();
        readings.merge([Reading {
            binding: true,
            ..reading(1, 5.0, None)
        }]);
        readings.merge([Reading {
            source: Source::Statusline,
            ..reading(2, 6.0, None)
        }]);
        assert!(only(&readings).binding);
    }

    #[test]
    fn a_window_that_began_anew_does_not_bind() {
        let over = Reading {
            binding: true,
            ..reading(1, 99.0, Some(2))
        };
        assert_eq!(binding([&over], Timestamp(1)), Some(&over));
        assert_eq!(binding([&over], Timestamp(2)), None);
    }

    #[test]
    fn a_window_that_the_plan_no_longer_has_is_forgotten_when_others_go_on() {
        let weekly = Reading {
            kind: Kind::Weekly,
            ..reading(0, 10.0, None)
        };
        let mut readings = Readings::default();
        readings.merge([weekly]);
        readings.forget();
        assert_eq!(readings.iter().count(), 1, "the last good value stays");
        readings.merge([reading(9 * 86_400 * SECOND, 1.0, None)]);
        readings.forget();
        assert_eq!(only(&readings).kind, Kind::Session);
    }

    #[test]
    fn what_was_kept_comes_back() {
        let mut readings = Readings::default();
        readings.merge([reading(1, 33.3, Some(99))]);
        let json = serde_json::to_string(&readings).unwrap();
        assert_eq!(serde_json::from_str::<Readings>(&json).unwrap(), readings);
    }
}
