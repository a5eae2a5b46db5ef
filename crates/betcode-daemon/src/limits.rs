//! Rate limits: how many sessions an hour and how many messages a minute a client may ask for. Not about what the agents'
//! providers allow.
//!
//! Laws:
//! - a limit that is not set refuses nothing and says nothing;
//! - an allowance is whole at the start and comes back bit by bit, evenly over its time;
//! - what is refused costs nothing, and neither does a command that was admitted before under the same key.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use betcode_core::command::{Action, Command, Rejected};
use betcode_core::config::LimitsConfig;
use betcode_core::id::{IdempotencyKey, SessionId};
use betcode_proto::status::rate_limit;
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::clock::Clock;

/// From how many remaining sessions on a user is told.
const FEW: u32 = 3;
/// How many admitted commands are remembered: those that may be on their way into the log.
const REMEMBERED: usize = 256;
/// How many sessions may have an account before those without debts are removed.
const ACCOUNTS: usize = 256;

/// What a client is told about a command that a limit let through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admitted {
    /// How much remains, by the names of [`rate_limit`]; empty where no limit holds.
    pub metadata: BTreeMap<String, String>,
    /// Lines for the user.
    pub notices: Vec<String>,
}

/// The limits of one daemon.
pub struct Limits {
    clock: Clock,
    sessions: Option<Limit<()>>,
    messages: Option<Limit<SessionId>>,
    /// Admitted not long ago, the oldest first.
    admitted: Mutex<VecDeque<(IdempotencyKey, Admitted)>>,
}

impl Limits {
    /// The limits that are set.
    pub fn new(settings: &LimitsConfig, clock: Clock) -> Self {
        let sessions = NonZeroU32::new(settings.sessions_per_hour)
            .map(|limit| Limit::new(&clock, Quota::per_hour(limit), "new sessions", "an hour"));
        let messages = NonZeroU32::new(settings.messages_per_minute)
            .map(|limit| Limit::new(&clock, Quota::per_minute(limit), "messages", "a minute"));
        Self {
            clock,
            sessions,
            messages,
            admitted: Mutex::default(),
        }
    }

    /// Whether a command that was not accepted before may go on. One that makes a session or says something to an agent
    /// counts from here on.
    pub fn admit(&self, command: &Command) -> Result<Admitted, Rejected> {
        match (&command.action, &self.messages) {
            (Action::Start(_), _) => self.admit_session(command.key),
            (Action::Message { .. } | Action::SendAgain { .. }, Some(limit)) => {
                self.once(command.key, || {
                    let left = limit.take(&command.session, &self.clock)?;
                    Ok(Admitted {
                        notices: Vec::new(),
                        metadata: left.metadata(),
                    })
                })
            }
            _ => Ok(Admitted::default()),
        }
    }

    /// Whether a session may be made, in whichever way.
    pub(crate) fn admit_session(&self, key: IdempotencyKey) -> Result<Admitted, Rejected> {
        let Some(limit) = &self.sessions else {
            return Ok(Admitted::default());
        };
        self.once(key, || {
            let left = limit.take(&(), &self.clock)?;
            Ok(Admitted {
                notices: few_sessions(left.remaining).into_iter().collect(),
                metadata: left.metadata(),
            })
        })
    }

    /// A command that comes again before the log knows it gets the answer it got.
    fn once(
        &self,
        key: IdempotencyKey,
        take: impl FnOnce() -> Result<Admitted, Rejected>,
    ) -> Result<Admitted, Rejected> {
        let mut known = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, admitted)) = known.iter().find(|(known, _)| *known == key) {
            return Ok(admitted.clone());
        }
        let admitted = take()?;
        if known.len() >= REMEMBERED {
            known.pop_front();
        }
        known.push_back((key, admitted.clone()));
        Ok(admitted)
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits")
            .field("sessions", &self.sessions.as_ref().map(|limit| limit.most))
            .field("messages", &self.messages.as_ref().map(|limit| limit.most))
            .finish_non_exhaustive()
    }
}

/// One limit, with an account for each key.
struct Limit<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, HashMapStateStore<K>, Uptime, StateInformationMiddleware>,
    what: &'static str,
    per: &'static str,
    most: u32,
    /// In what time one comes back.
    interval: Duration,
}

/// What is left of an allowance.
struct Left {
    most: u32,
    remaining: u32,
    whole_again: Duration,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(clock: &Clock, quota: Quota, what: &'static str, per: &'static str) -> Self {
        Self {
            limiter: RateLimiter::new(quota, HashMapStateStore::default(), Uptime(clock.clone())),
            what,
            per,
            most: quota.burst_size().get(),
            interval: quota.replenish_interval(),
        }
    }

    fn take(&self, key: &K, clock: &Clock) -> Result<Left, Rejected> {
        if self.limiter.len() > ACCOUNTS {
            self.limiter.retain_recent();
        }
        match self.limiter.check_key(key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Ok(Left {
                    most: self.most,
                    remaining,
                    // The one that is coming back may be nearly there: this is at most one interval too long.
                    whole_again: self.interval * self.most.saturating_sub(remaining),
                })
            }
            Err(until) => {
                let wait = until.wait_time_from(clock.uptime());
                Err(Rejected::Limited {
                    what: self.what,
                    limit: self.most,
                    per: self.per,
                    retry_after_ms: millis(wait),
                    reset_ms: millis(wait + self.interval * self.most.saturating_sub(1)),
                })
            }
        }
    }
}

impl Left {
    fn metadata(&self) -> BTreeMap<String, String> {
        [
            (rate_limit::RETRY_AFTER_MS, 0),
            (rate_limit::LIMIT, self.most.into()),
            (rate_limit::REMAINING, self.remaining.into()),
            (rate_limit::RESET, millis(self.whole_again)),
        ]
        .map(|(name, value): (&str, u64)| (name.to_owned(), value.to_string()))
        .into()
    }
}

/// The time by which allowances come back: a change of the time of day gives and takes nothing.
#[derive(Debug)]
struct Uptime(Clock);

impl governor::clock::Clock for Uptime {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.uptime()
    }
}

fn few_sessions(remaining: u32) -> Option<String> {
    let left = match remaining {
        0 => "no sessions".to_owned(),
        1 => "1 session".to_owned(),
        few if few < FEW => format!("{few} sessions"),
        _ => return None,
    };
    Some(format!("You have {left} remaining this hour."))
}

/// Rounded up: who waits that long has waited long enough.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use betcode_core::command::{Environment, LaunchOptions, StartSession};
    use betcode_core::event::{ClientInfo, TurnPolicy};
    use uuid::Uuid;

    use super::*;

    struct Ground {
        _directory: tempfile::TempDir,
        file: PathBuf,
        limits: Limits,
        keys: u128,
    }

    impl Ground {
        fn new(sessions_per_hour: u32, messages_per_minute: u32) -> Self {
            let directory = tempfile::tempdir().unwrap();
            let file = directory.path().join("clock");
            let settings = LimitsConfig {
                sessions_per_hour,
                messages_per_minute,
            };
            let limits = Limits::new(&settings, Clock::new(Some(&file)));
            Self {
                _directory: directory,
                file,
                limits,
                keys: 0,
            }
        }

        /// Longer text each time, so that the change shows even where file times are coarse.
        fn pass(&mut self, text: &str) {
            self.keys += 1;
            let blanks = " ".repeat(usize::try_from(self.keys).unwrap());
            std::fs::write(&self.file, format!("{text}{blanks}")).unwrap();
        }

        fn command(&mut self, session: u128, action: Action) -> Command {
            self.keys += 1;
            Command {
                session: SessionId(Uuid::from_u128(session)),
                key: IdempotencyKey(Uuid::from_u128(self.keys)),
                client: ClientInfo::default(),
                action,
            }
        }

        fn say(&mut self, session: u128) -> Result<Admitted, Rejected> {
            let message = Action::Message {
                text: "hello".into(),
                attachments: Vec::new(),
                policy: TurnPolicy::default(),
            };
            let command = self.command(session, message);
            self.limits.admit(&command)
        }

        fn start(&mut self) -> Result<Admitted, Rejected> {
            let start = Action::Start(Box::new(StartSession {
                agent: "demo".into(),
                cwd: "/".into(),
                title: String::new(),
                launch: LaunchOptions::default(),
                environment: Environment::default(),
            }));
            let command = self.command(1, start);
            self.limits.admit(&command)
        }
    }

    fn retry_after_ms(refused: Result<Admitted, Rejected>) -> u64 {
        match refused {
            Err(Rejected::Limited { retry_after_ms, .. }) => retry_after_ms,
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn without_a_limit_nothing_is_refused_and_nothing_is_said() {
        let mut ground = Ground::new(0, 0);
        for _ in 0..200 {
            assert_eq!(ground.say(1), Ok(Admitted::default()));
            assert_eq!(ground.start(), Ok(Admitted::default()));
        }
    }

    #[test]
    fn each_message_says_how_many_remain_and_the_first_too_many_when_to_come_back() {
        let mut ground = Ground::new(0, 6);
        for remaining in (0..6).rev() {
            let admitted = ground.say(1).unwrap();
            assert_eq!(admitted.notices, Vec::<String>::new());
            assert_eq!(admitted.metadata["rate-limit-limit"], "6");
            assert_eq!(
                admitted.metadata["rate-limit-remaining"],
                remaining.to_string()
            );
            let reset = (6 - remaining) * 10_000;
            assert_eq!(admitted.metadata["rate-limit-reset"], reset.to_string());
            assert_eq!(admitted.metadata["retry-after-ms"], "0");
        }
        match ground.say(1).unwrap_err() {
            Rejected::Limited {
                what: "messages",
                limit: 6,
                per: "a minute",
                retry_after_ms,
                reset_ms,
            } => {
                assert!(
                    (9_000..=10_000).contains(&retry_after_ms),
                    "{retry_after_ms}"
                );
                assert_eq!(reset_ms, retry_after_ms + 50_000);
            }
            other => unreachable!("{other:?}"),
        }
        ground.say(2).unwrap();
        assert_eq!(ground.start(), Ok(Admitted::default()));
    }

    #[test]
    fn allowances_come_back_with_time_that_passes_and_not_with_a_jump_of_the_clock() {
        let mut ground = Ground::new(0, 6);
        for _ in 0..6 {
            ground.say(1).unwrap();
        }
        ground.pass("0 86400000");
        let wait = retry_after_ms(ground.say(1));
        ground.pass(&format!("{wait} 86400000"));
        ground.say(1).unwrap();
        assert!(retry_after_ms(ground.say(1)) > 0);
        ground.pass("3600000");
        let admitted = ground.say(1).unwrap();
        assert_eq!(admitted.metadata["rate-limit-remaining"], "5");
    }

    #[test]
    fn the_last_sessions_of_an_hour_come_with_a_warning() {
        let mut ground = Ground::new(4, 0);
        let said = |ground: &mut Ground| ground.start().unwrap().notices;
        assert_eq!(said(&mut ground), Vec::<String>::new());
        assert_eq!(
            said(&mut ground),
            ["You have 2 sessions remaining this hour."]
        );
        assert_eq!(
            said(&mut ground),
            ["You have 1 session remaining this hour."]
        );
        assert_eq!(
            said(&mut ground),
            ["You have no sessions remaining this hour."]
        );
        assert!(retry_after_ms(ground.start()) > 890_000);
        for _ in 0..100 {
            assert_eq!(ground.say(1), Ok(Admitted::default()));
        }
    }

    #[test]
    fn a_repeated_command_is_answered_as_before_and_does_not_count() {
        let mut ground = Ground::new(0, 2);
        let again = Action::SendAgain {
            message_id: betcode_core::id::MessageId(Uuid::nil()),
        };
        let command = ground.command(1, again);
        let first = ground.limits.admit(&command).unwrap();
        for _ in 0..10 {
            assert_eq!(ground.limits.admit(&command).unwrap(), first);
        }
        ground.say(1).unwrap();
        assert!(retry_after_ms(ground.say(1)) > 0);
        assert_eq!(ground.limits.admit(&command).unwrap(), first);
    }

    #[test]
    fn sessions_that_owe_nothing_are_forgotten() {
        let mut ground = Ground::new(0, 60);
        for session in 0..1_000 {
            ground.say(session).unwrap();
        }
        ground.pass("600000");
        ground.say(1).unwrap();
        assert!(ground.limits.messages.as_ref().unwrap().limiter.len() <= 2);
    }
}
