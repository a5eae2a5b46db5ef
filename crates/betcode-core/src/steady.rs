//! Whether the time of day can be believed: after a jump forward nothing expires until the clock has been stable for a
//! while. Not a clock: whoever has one shows both its hands, the time of day and the time that has really passed.
//!
//! The state is the distance between the two hands when last seen, and the moment of the last jump on the hand that never
//! jumps. A jump is a change of the distance by more than [`DRIFT`] between two looks; less is drift, which is taken over, so
//! that it never adds up to a jump. A machine that slept looks like a clock that was set forward, and is treated like one.
//! The first look counts as a jump: one may have happened while nobody was looking.
//!
//! Laws:
//! - after a jump forward, nothing that was asked until it was seen expires before [`STABLE`] has really passed;
//! - what is asked later is not held;
//! - a hold lasts [`STABLE`] of real time and no longer, however the time of day is moved meanwhile, unless it jumps forward
//!   again;
//! - a jump backward holds nothing: it moves a hold that lasts along with the time of day.

use std::time::Duration;

use crate::time::Timestamp;

/// How far the hands may drift apart between two looks.
pub const DRIFT: Duration = Duration::from_secs(30);

/// How long the clock must have been stable after a jump.
pub const STABLE: Duration = Duration::from_mins(5);

/// What must not expire yet. The default holds nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hold {
    /// What was asked up to here is held.
    pub asked_until: Timestamp,
    /// It does not expire before this moment.
    pub until: Timestamp,
}

impl Hold {
    /// When something that was asked at `asked` and is due at `due` may expire.
    #[must_use]
    pub fn not_before(&self, asked: Timestamp, due: Timestamp) -> Timestamp {
        if asked <= self.asked_until {
            due.max(self.until)
        } else {
            due
        }
    }
}

/// The machine. It needs a look often enough that drift stays small between two of them: once an hour is plenty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Steady {
    seen: Option<Seen>,
}

/// What the last look showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    /// The time of day when the other hand stood at zero.
    origin: Timestamp,
    /// The last jump forward.
    jumped: Duration,
}

impl Steady {
    /// Looks at the time of day and the time that has really passed since some fixed moment. Gives what must be held now.
    pub fn look(&mut self, wall: Timestamp, uptime: Duration) -> Hold {
        let origin = Timestamp(wall.0.saturating_sub(Timestamp(0).plus(uptime).0));
        let jumped = match self.seen {
            Some(seen) if origin.since(seen.origin) <= DRIFT => seen.jumped,
            _ => uptime,
        };
        self.seen = Some(Seen { origin, jumped });
        let stable = jumped.saturating_add(STABLE);
        if uptime >= stable {
            return Hold::default();
        }
        Hold {
            asked_until: origin.plus(jumped),
            until: origin.plus(stable),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    fn up(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// What happens, the looks, and the hold in the end; see [`after`].
    type Row = (&'static str, &'static [(i64, u64)], Option<(i64, i64)>);

    /// Looks at these (time of day, uptime) in seconds; gives the last hold as (asked until, until).
    fn after(looks: &[(i64, u64)]) -> Option<(i64, i64)> {
        let mut steady = Steady::default();
        let mut hold = Hold::default();
        for (wall, uptime) in looks {
            hold = steady.look(at(*wall), up(*uptime));
        }
        (hold != Hold::default())
            .then_some((hold.asked_until.0 / 1_000_000, hold.until.0 / 1_000_000))
    }

    #[test]
    fn each_change_of_the_clock_holds_what_it_must_and_no_more() {
        let table: &[Row] = &[
            ("the start", &[(DAY, 7)], Some((DAY, DAY + 300))),
            (
                "just before five minutes",
                &[(DAY, 0), (DAY + 299, 299)],
                Some((DAY, DAY + 300)),
            ),
            ("five minutes", &[(DAY, 0), (DAY + 300, 300)], None),
            (
                "a jump when all was quiet",
                &[(DAY, 0), (DAY + 400, 400), (2 * DAY, 401)],
                Some((2 * DAY, 2 * DAY + 300)),
            ),
            (
                "half a minute forward is drift",
                &[(DAY, 0), (DAY + 430, 400)],
                None,
            ),
            (
                "a second more is a jump",
                &[(DAY, 0), (DAY + 431, 400)],
                Some((DAY + 431, DAY + 731)),
            ),
            (
                "drift does not add up to a jump",
                &[(DAY, 0), (DAY + 429, 400), (DAY + 858, 800)],
                None,
            ),
            (
                "a jump during a hold begins a new one",
                &[(DAY, 0), (2 * DAY, 200), (2 * DAY + 200, 400)],
                Some((2 * DAY, 2 * DAY + 300)),
            ),
            (
                "backward when all was quiet",
                &[(9 * DAY, 0), (9 * DAY + 400, 400), (DAY, 401)],
                None,
            ),
            (
                "backward during a hold takes the hold along",
                &[(9 * DAY, 0), (8 * DAY + 100, 100)],
                Some((8 * DAY, 8 * DAY + 300)),
            ),
        ];
        for (name, looks, expected) in table {
            assert_eq!(after(looks), *expected, "{name}");
        }
    }

    #[test]
    fn only_what_was_asked_before_is_put_off_and_only_if_it_is_due_too_soon() {
        let hold = Hold {
            asked_until: at(100),
            until: at(400),
        };
        assert_eq!(hold.not_before(at(100), at(150)), at(400));
        assert_eq!(hold.not_before(at(100), at(500)), at(500));
        assert_eq!(hold.not_before(at(101), at(150)), at(150));
        assert_eq!(Hold::default().not_before(at(50), at(60)), at(60));
    }

    /// Real time that passes in milliseconds, then a change of the time of day in seconds.
    fn steps() -> impl Strategy<Value = Vec<(u64, i64)>> {
        let moved = prop_oneof![
            4 => Just(0),
            2 => -29i64..=29,
            2 => 31i64..40 * DAY,
            1 => -40 * DAY..-31,
        ];
        prop::collection::vec((0u64..400_000, moved), 1..40)
    }

    proptest! {
        #[test]
        fn what_was_asked_before_a_jump_lives_five_real_minutes_and_no_hold_lasts_longer(steps in steps()) {
            let mut steady = Steady::default();
            let mut uptime = Duration::ZERO;
            let mut wall = at(400 * DAY);
            steady.look(wall, uptime);
            let mut jumped = uptime;
            for (passes, moved) in steps {
                // Looked at just before the jump, so that what passes is not part of it.
                uptime += Duration::from_millis(passes);
                wall = wall.plus(Duration::from_millis(passes));
                steady.look(wall, uptime);
                let asked = wall;
                wall = Timestamp(wall.0 + moved * 1_000_000);
                let hold = steady.look(wall, uptime);
                if moved > 30 {
                    jumped = uptime;
                    prop_assert_eq!(hold.not_before(asked, asked), wall.plus(STABLE));
                }
                let left = (jumped + STABLE).saturating_sub(uptime);
                prop_assert_eq!(hold.until.since(wall), left);
                prop_assert_eq!(hold == Hold::default(), left.is_zero());
            }
        }

        #[test]
        fn what_is_asked_after_the_last_jump_is_not_held(steps in steps(), later in 1i64..1_000_000_000) {
            let mut steady = Steady::default();
            let mut uptime = Duration::ZERO;
            let mut wall = at(400 * DAY);
            for (passes, moved) in steps {
                uptime += Duration::from_millis(passes);
                wall = Timestamp(wall.plus(Duration::from_millis(passes)).0 + moved * 1_000_000);
                let hold = steady.look(wall, uptime);
                let asked = Timestamp(wall.0 + later);
                prop_assert_eq!(hold.not_before(asked, asked), asked);
            }
        }
    }
}
