//! The planner, step by step.

use super::*;
use crate::credentials::{TokenHash, TokenInfo};
use crate::failure::RetryAfter;
use crate::reading::{Account, Kind, Origin, Percent, ProviderId};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const START: i64 = 1_795_089_600_000_000;

/// A planner with a clock and what it did.
struct World {
    planner: Planner,
    now: Timestamp,
    job: Option<(Job, Source)>,
    effects: Vec<Effect>,
    percent: f64,
}

fn token(name: &str, expires_in: i64) -> Login {
    Login::Token(TokenInfo {
        hash: TokenHash::of(name),
        expires_at: Some(Timestamp(START + expires_in)),
        scopes: None,
        plan: None,
    })
}

fn settings(sources: &[Source]) -> Settings {
    Settings {
        sources: sources.to_vec(),
        credentials_are_watched: true,
    }
}

const AGENT: &[Source] = &[Source::GetUsage];
const HTTP: &[Source] = &[Source::OauthUsage];
const BOTH: &[Source] = &[Source::OauthUsage, Source::GetUsage];
const REFUSED: Failure = Failure::RateLimited {
    retry_after: RetryAfter::Absent,
};
const DNS: Failure = Failure::Offline {
    cause: Unreachable::Dns,
};

impl World {
    fn new(sources: &[Source], login: Login) -> Self {
        Self::after(sources, login, Memory::default(), 0)
    }

    fn after(sources: &[Source], login: Login, memory: Memory, at: i64) -> Self {
        let now = Timestamp(START + at);
        let planner = Planner::new(now, settings(sources), memory, login);
        let mut world = Self {
            planner,
            now,
            job: None,
            effects: Vec::new(),
            percent: 10.0,
        };
        world.drain();
        world
    }

    /// What was stored, in another life.
    fn restarted(&self, sources: &[Source], login: Login) -> Self {
        let json = serde_json::to_string(self.planner.memory()).unwrap();
        let memory = serde_json::from_str(&json).unwrap();
        Self::after(sources, login, memory, self.now.0 - START)
    }

    fn drain(&mut self) {
        while let Some(effect) = self.planner.poll_effect() {
            if let Effect::Pull { job, source, .. } = &effect {
                assert_eq!(self.job, None, "two pulls in flight");
                self.job = Some((*job, *source));
            }
            self.effects.push(effect);
        }
    }

    fn give(&mut self, input: Input) {
        self.planner.handle(self.now, input);
        self.drain();
    }

    fn end(&mut self, result: Result<Vec<Reading>, Failure>) {
        let (job, _) = self.job.take().expect("a pull is in flight");
        self.give(Input::Finished { job, result });
    }

    fn fail(&mut self, failure: Failure) {
        self.end(Err(failure));
    }

    fn succeed(&mut self) {
        self.percent += 1.0;
        let readings = vec![self.reading(None)];
        self.end(Ok(readings));
    }

    fn succeed_unchanged(&mut self) {
        let readings = vec![self.reading(None)];
        self.end(Ok(readings));
    }

    fn reading(&self, resets_in: Option<i64>) -> Reading {
        let origin = Origin {
            provider: ProviderId::Claude,
            account: Account("default".into()),
            source: Source::GetUsage,
            observed_at: self.now,
        };
        let percent = Percent::new(self.percent).unwrap();
        Reading {
            resets_at: resets_in.map(|micros| Timestamp(self.now.0 + micros)),
            ..Reading::new(&origin, Kind::Session, Some(18_000), percent)
        }
    }

    /// Lets this much time pass, with every timer on the way.
    fn pass(&mut self, micros: i64) {
        let end = Timestamp(self.now.0 + micros);
        while let Some(due) = self.planner.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.planner.handle_timeout(self.now);
            self.drain();
            assert!(
                self.planner
                    .poll_timeout()
                    .is_none_or(|next| next > self.now),
                "a timer that is never over: {:?}",
                self.planner
            );
        }
        self.now = end;
    }

    /// How long until the next pull, in seconds; `None`: nothing within a week.
    fn next_pull(&mut self) -> Option<i64> {
        assert_eq!(self.job, None);
        let from = self.now;
        while self.job.is_none() {
            let due = self.planner.poll_timeout()?;
            if due.since(from) > Duration::from_hours(7 * 24) {
                return None;
            }
            self.now = self.now.max(due);
            self.planner.handle_timeout(self.now);
            self.drain();
        }
        Some((self.now.0 - from.0) / SECOND)
    }

    fn state(&self) -> State {
        self.planner.state(self.now)
    }

    fn notices(&mut self) -> Vec<Notice> {
        let effects = std::mem::take(&mut self.effects);
        effects
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Notify(notice) => Some(notice),
                _ => None,
            })
            .collect()
    }

    fn did(&mut self, wanted: &Effect) -> bool {
        std::mem::take(&mut self.effects).contains(wanted)
    }
}

#[test]
fn it_asks_at_once_and_then_at_a_growing_interval_while_nothing_changes() {
    let mut world = World::new(AGENT, Login::Unknown);
    assert_eq!(world.state(), State::Loading);
    world.succeed();
    assert_eq!(world.state(), State::Ok);
    let mut waits = Vec::new();
    for _ in 0..5 {
        waits.extend(world.next_pull());
        world.succeed_unchanged();
    }
    assert_eq!(waits, [300, 600, 1_200, 1_800, 1_800]);
    world.next_pull();
    world.succeed();
    assert_eq!(world.next_pull(), Some(300), "something changed");
}

#[test]
fn while_somebody_looks_it_asks_every_minute_as_long_as_something_changes() {
    let mut world = World::new(AGENT, Login::Unknown);
    world.succeed();
    world.pass(2 * MINUTE);
    world.give(Input::Watched(true));
    assert!(world.job.is_some(), "what is shown is older than a minute");
    for _ in 0..3 {
        world.succeed();
        assert_eq!(world.next_pull(), Some(60));
    }
    world.succeed_unchanged();
    assert_eq!(world.next_pull(), Some(120));
}

#[test]
fn triggers_ask_at_once_but_not_in_bursts() {
    for (input, floor) in [
        (Input::TurnEnded, 60),
        (Input::Refresh, 10),
        (Input::Woke, 2),
    ] {
        let mut world = World::new(AGENT, Login::Unknown);
        world.succeed();
        world.give(input.clone());
        world.give(input.clone());
        assert_eq!(world.next_pull(), Some(floor), "{input:?}");
        world.succeed();
        world.pass(2 * MINUTE);
        world.give(input.clone());
        assert!(world.job.is_some(), "{input:?}");
        // In flight nothing starts, and what came meanwhile follows.
        world.give(input.clone());
        world.pass(SECOND);
        world.succeed();
        assert_eq!(world.next_pull(), Some(floor - 1), "{input:?}");
    }
}

#[test]
fn that_there_still_is_a_network_is_no_news_unless_the_source_was_not_reached() {
    let mut world = World::new(AGENT, Login::Unknown);
    world.give(Input::NetworkUp);
    world.succeed();
    world.give(Input::NetworkUp);
    assert_eq!(world.next_pull(), Some(300));
    world.fail(DNS);
    world.pass(SECOND);
    world.give(Input::NetworkUp);
    world.pass(SECOND);
    assert!(world.job.is_some());
}

#[test]
fn the_same_values_read_again_are_shown_as_younger_at_most_once_a_minute() {
    let mut world = World::new(AGENT, Login::Unknown);
    world.succeed();
    for (seconds, shown) in [(30, false), (29, false), (1, true), (59, false), (1, true)] {
        world.effects.clear();
        world.pass(seconds * SECOND);
        let reading = world.reading(None);
        world.give(Input::Pushed(vec![reading]));
        assert_eq!(world.did(&Effect::Changed), shown, "{seconds}");
    }
}

#[test]
fn after_a_reset_it_asks_once_half_a_minute_later() {
    let mut world = World::new(AGENT, Login::Unknown);
    let readings = vec![world.reading(Some(100 * SECOND))];
    world.end(Ok(readings));
    assert_eq!(world.next_pull(), Some(130));
    // The service still tells the old one.
    let old = vec![world.reading(Some(-30 * SECOND))];
    world.end(Ok(old));
    assert_eq!(world.next_pull(), Some(600));
}

#[test]
fn a_pull_that_takes_too_long_is_cancelled_and_counts_as_unreached() {
    for (sources, seconds) in [(AGENT, 25), (HTTP, 30)] {
        let mut world = World::new(sources, token("a", HOUR));
        let (job, _) = world.job.unwrap();
        world.pass(seconds * SECOND - 1);
        assert!(!world.did(&Effect::Cancel { job }));
        world.pass(1);
        assert!(world.did(&Effect::Cancel { job }));
        world.give(Input::Refresh);
        assert!(world.planner.flight.is_some(), "still in flight");
        world.fail(Failure::Server { status: 500 });
        let cause = Unreachable::Timeout;
        assert_eq!(world.state(), State::Offline { cause });
    }
}

#[test]
fn a_token_that_changed_before_it_was_used_counts_against_nobody() {
    let mut world = World::new(HTTP, token("a", 100 * HOUR));
    world.fail(Failure::TokenChanged);
    assert!(world.did(&Effect::ReadCredentials));
    world.give(Input::Credentials(token("b", 100 * HOUR)));
    assert_eq!(world.next_pull(), Some(2));
    let named = Effect::Pull {
        job: world.job.unwrap().0,
        source: Source::OauthUsage,
        token: Some(TokenHash::of("b")),
        timeout: Source::OauthUsage.timeout(),
    };
    assert!(world.did(&named));
}

#[test]
fn a_pull_that_slept_with_the_host_gets_time_to_end() {
    let mut world = World::new(AGENT, Login::Unknown);
    let (job, _) = world.job.unwrap();
    world.now = Timestamp(START + 9 * HOUR);
    world.planner.handle_timeout(world.now);
    world.drain();
    assert!(!world.did(&Effect::Cancel { job }));
    world.pass(10 * SECOND);
    assert!(world.did(&Effect::Cancel { job }));
    world.now = Timestamp(START + 18 * HOUR);
    world.give(Input::Woke);
    world.planner.handle_timeout(world.now);
    world.drain();
    assert!(world.planner.flight.is_some(), "it may still be ending");
    world.succeed();
    assert_eq!(world.state(), State::Ok);
}

#[test]
fn a_refusal_that_comes_late_counts_all_the_same() {
    let mut world = World::new(HTTP, token("a", 100 * HOUR));
    world.pass(31 * SECOND);
    world.fail(REFUSED);
    assert_eq!(world.state().name(), "rate_limited");
    assert_eq!(world.next_pull(), Some(1_800));
}

#[test]
fn a_pull_that_never_ends_is_given_up_and_its_late_answer_is_ignored() {
    let mut world = World::new(AGENT, Login::Unknown);
    let (late, _) = world.job.take().unwrap();
    world.pass(35 * SECOND);
    assert_eq!(world.state().name(), "offline");
    assert_eq!(world.next_pull(), Some(2));
    let result = Ok(vec![world.reading(None)]);
    world.give(Input::Finished { job: late, result });
    assert_eq!(world.state().name(), "offline");
    assert!(world.planner.view(world.now).readings.is_empty());
}

#[test]
fn an_unreached_source_is_retried_five_times_and_then_at_the_interval() {
    let mut world = World::new(AGENT, Login::Unknown);
    let mut waits = Vec::new();
    for _ in 0..7 {
        world.fail(DNS);
        waits.extend(world.next_pull());
    }
    assert_eq!(waits, [2, 4, 8, 16, 32, 600, 1_200]);
    assert_eq!(world.notices(), [Notice::Offline], "told once");
    world.succeed();
    assert_eq!(world.notices(), [Notice::BackOnline]);
    world.next_pull();
    world.fail(DNS);
    assert_eq!(world.next_pull(), Some(2), "the ladder begins anew");
    world.succeed();
    assert_eq!(world.notices(), [], "nobody was told of it");
}

#[test]
fn without_a_network_there_is_no_timer_and_with_it_a_pull_at_once() {
    let mut world = World::new(AGENT, Login::Unknown);
    world.succeed();
    world.give(Input::NetworkDown);
    let cause = Unreachable::NoNetwork;
    assert_eq!(world.state(), State::Offline { cause });
    assert_eq!(world.planner.poll_timeout(), None);
    world.give(Input::TurnEnded);
    world.give(Input::Woke);
    assert_eq!((world.planner.poll_timeout(), world.job), (None, None));
    assert_eq!(world.planner.view(world.now).readings.len(), 1);
    world.pass(HOUR);
    world.give(Input::NetworkUp);
    assert!(world.job.is_some());
}

#[test]
fn a_person_may_doubt_that_there_is_no_network_once() {
    let mut world = World::new(AGENT, Login::Unknown);
    world.succeed();
    world.give(Input::NetworkDown);
    world.pass(MINUTE);
    world.give(Input::Refresh);
    world.fail(DNS);
    assert_eq!(world.planner.poll_timeout(), None);
}

#[test]
fn interception_is_named() {
    let mut world = World::new(HTTP, token("a", 100 * HOUR));
    let issuer = "Corp Proxy CA".to_owned();
    for _ in 0..6 {
        world.fail(Failure::TlsIntercepted {
            issuer: issuer.clone(),
        });
        assert_eq!(
            world.state(),
            State::TlsIntercepted {
                issuer: issuer.clone()
            }
        );
        world.next_pull();
    }
    assert_eq!(world.notices(), [Notice::TlsIntercepted { issuer }]);
}

#[test]
fn an_agent_that_is_refused_is_retried_on_the_standard_ladder() {
    let mut world = World::new(AGENT, Login::Unknown);
    let mut waits = Vec::new();
    for _ in 0..6 {
        world.fail(REFUSED);
        assert_eq!(world.state().name(), "rate_limited");
        waits.extend(world.next_pull());
    }
    assert_eq!(waits, [1, 2, 4, 8, 300, 600]);
    assert_eq!(world.notices().len(), 1, "told once");
    world.succeed();
    assert_eq!(world.state(), State::Ok);
}

#[test]
fn an_endpoint_that_refuses_is_left_alone_by_everybody_with_that_token() {
    let mut world = World::new(BOTH, token("a", 100 * HOUR));
    world.fail(REFUSED);
    let until = Timestamp(START + 30 * MINUTE);
    assert_eq!(world.state(), State::RateLimited { until });
    assert_eq!(world.notices(), [Notice::RateLimited { until }]);
    for input in [
        Input::Refresh,
        Input::Woke,
        Input::TurnEnded,
        Input::NetworkUp,
    ] {
        world.pass(MINUTE);
        world.give(input);
        assert_eq!(world.job, None, "the agent would use the same token");
    }
    assert_eq!(world.planner.view(world.now).rests_until, Some(until));
    assert_eq!(world.next_pull(), Some(26 * 60));
    world.fail(REFUSED);
    assert_eq!(world.notices(), [], "the same episode");
    assert_eq!(world.next_pull(), Some(3_600));
    world.succeed();
    assert_eq!(world.next_pull(), Some(300));
    world.fail(Failure::RateLimited {
        retry_after: RetryAfter::Wait(Duration::from_secs(272)),
    });
    assert_eq!(world.next_pull(), Some(300), "the ladder began anew");
}

#[test]
fn a_rest_outlives_a_restart_and_ends_with_a_new_token() {
    let mut world = World::new(HTTP, token("a", 100 * HOUR));
    world.fail(REFUSED);
    world.pass(MINUTE);
    let mut same = world.restarted(HTTP, token("a", 100 * HOUR));
    assert_eq!(same.job, None);
    let until = Timestamp(START + 30 * MINUTE);
    assert_eq!(same.state(), State::RateLimited { until });
    assert_eq!(same.next_pull(), Some(29 * 60));
    assert!(world.restarted(HTTP, token("b", 100 * HOUR)).job.is_some());
    world.give(Input::Credentials(token("b", 100 * HOUR)));
    assert!(world.job.is_some());
}

#[test]
fn the_endpoint_is_called_once_in_five_minutes_whatever_happens() {
    let mut world = World::new(HTTP, token("a", 100 * HOUR));
    world.succeed();
    world.give(Input::Watched(true));
    world.give(Input::Refresh);
    assert_eq!(world.next_pull(), Some(300));
    let mut again = world.restarted(HTTP, token("a", 100 * HOUR));
    assert_eq!(
        again.next_pull(),
        Some(300),
        "the call was noted before it was made"
    );
}

#[test]
fn a_call_that_never_came_to_the_endpoint_does_not_count() {
    let mut world = World::new(HTTP, token("a", 100 * HOUR));
    world.fail(DNS);
    assert_eq!(world.next_pull(), Some(2));
    world.fail(Failure::Offline {
        cause: Unreachable::Timeout,
    });
    assert_eq!(world.next_pull(), Some(300), "this one may have");
}

#[test]
fn an_expired_token_is_renewed_by_asking_the_agent_once() {
    let mut world = World::new(BOTH, token("a", -HOUR));
    assert_eq!(world.job.unwrap().1, Source::GetUsage);
    world.succeed();
    assert!(world.did(&Effect::ReadCredentials));
    world.give(Input::Credentials(token("b", 100 * HOUR)));
    assert_eq!(world.state(), State::Ok);
    assert_eq!(world.next_pull(), Some(60));
    assert_eq!(world.job.unwrap().1, Source::OauthUsage);
}

#[test]
fn when_the_agent_cannot_renew_it_somebody_must_log_in_and_then_it_asks_at_once() {
    let mut world = World::new(BOTH, token("a", -HOUR));
    world.fail(Failure::NotLoggedIn);
    assert_eq!(world.state(), State::TokenExpired);
    assert!(world.did(&Effect::ReadCredentials));
    world.give(Input::Credentials(token("a", -HOUR)));
    assert_eq!(world.state(), State::LoginNeeded);
    assert_eq!(world.notices(), [Notice::LoginNeeded]);
    assert_eq!(
        world.planner.poll_timeout(),
        None,
        "the credentials are watched"
    );
    for input in [
        Input::TurnEnded,
        Input::Credentials(Login::Unknown),
        Input::Credentials(token("a", -HOUR)),
    ] {
        world.pass(HOUR);
        world.give(input);
        assert_eq!(world.job, None);
    }
    world.give(Input::Credentials(token("b", 100 * HOUR)));
    assert_eq!(world.job.unwrap().1, Source::OauthUsage, "at once, no rest");
    world.succeed();
    assert_eq!(world.state(), State::Ok);
}

#[test]
fn an_agent_that_does_not_say_why_sends_nobody_to_log_in_at_once() {
    let mut world = World::new(AGENT, token("a", -HOUR));
    let mut waits = Vec::new();
    for _ in 0..2 {
        world.fail(Failure::Unexplained);
        assert_eq!(world.state(), State::TokenExpired);
        waits.extend(world.next_pull());
    }
    assert_eq!(waits, [8, 32]);
    assert_eq!(world.notices(), []);
    let mut reconnected = world.planner.clone();
    world.fail(Failure::Unexplained);
    world.give(Input::Credentials(token("a", -HOUR)));
    assert_eq!(world.state(), State::LoginNeeded);
    assert_eq!(world.notices(), [Notice::LoginNeeded]);
    // It was the network after all.
    world.pass(HOUR);
    world.give(Input::Woke);
    assert_eq!(world.state(), State::TokenExpired);
    world.succeed();
    assert_eq!(world.state(), State::Ok);
    // With the network back, it counts from the beginning.
    reconnected.handle(world.now, Input::NetworkDown);
    reconnected.handle(world.now, Input::NetworkUp);
    assert_eq!(reconnected.unexplained, 0);
}

#[test]
fn with_a_good_token_an_unexplained_answer_is_an_error_and_another_source_helps() {
    let mut world = World::new(AGENT, token("a", 100 * HOUR));
    let mut waits = Vec::new();
    for _ in 0..5 {
        world.fail(Failure::Unexplained);
        assert_eq!(world.state().name(), "error");
        waits.extend(world.next_pull());
    }
    assert_eq!(waits, [8, 32, 600, 1_200, 1_800]);
    let sources = [Source::GetUsage, Source::OauthUsage];
    let mut world = World::new(&sources, token("a", 100 * HOUR));
    for _ in 0..2 {
        world.fail(Failure::Unexplained);
        world.next_pull();
    }
    world.fail(Failure::Unexplained);
    assert_eq!(world.job.unwrap().1, Source::OauthUsage);
}

#[test]
fn a_person_is_told_once_a_token_also_after_a_restart() {
    let mut world = World::new(AGENT, token("a", -HOUR));
    world.fail(Failure::NotLoggedIn);
    world.give(Input::Credentials(token("a", -HOUR)));
    assert_eq!(world.notices(), [Notice::LoginNeeded]);
    world.give(Input::Refresh);
    world.pass(10 * SECOND);
    world.fail(Failure::NotLoggedIn);
    world.pass(GRACE.as_secs().cast_signed() * SECOND);
    assert_eq!(world.state(), State::LoginNeeded, "nobody answered");
    let mut world = world.restarted(AGENT, token("a", -HOUR));
    world.fail(Failure::NotLoggedIn);
    world.give(Input::Credentials(token("a", -HOUR)));
    assert_eq!(
        (world.state(), world.notices()),
        (State::LoginNeeded, vec![])
    );
    world.give(Input::Credentials(token("b", -HOUR / 2)));
    assert_eq!(
        world.job, None,
        "another token that has expired is of no use"
    );
    world.give(Input::Credentials(token("b", 2 * HOUR)));
    world.fail(Failure::NotLoggedIn);
    world.give(Input::Credentials(token("b", 2 * HOUR)));
    assert_eq!(world.notices(), [Notice::LoginNeeded], "of another token");
}

#[test]
fn the_same_token_that_is_good_for_longer_is_a_new_login() {
    let mut world = World::new(AGENT, token("a", -HOUR));
    world.fail(Failure::NotLoggedIn);
    world.give(Input::Credentials(token("a", -HOUR)));
    assert_eq!(world.state(), State::LoginNeeded);
    world.give(Input::Credentials(token("a", HOUR)));
    assert!(world.job.is_some());
}

#[test]
fn a_store_that_cannot_be_watched_is_looked_at_every_five_seconds_only_then() {
    let mut world = World::new(AGENT, Login::Unknown);
    world.planner.settings.credentials_are_watched = false;
    world.fail(Failure::NotLoggedIn);
    world.give(Input::Credentials(Login::Unknown));
    assert_eq!(world.state(), State::LoginNeeded);
    world.effects.clear();
    world.pass(16 * SECOND);
    let looks = world
        .effects
        .iter()
        .filter(|it| **it == Effect::ReadCredentials);
    assert_eq!(looks.count(), 3);
    world.give(Input::Credentials(token("a", HOUR)));
    world.succeed();
    world.effects.clear();
    world.pass(4 * MINUTE);
    assert!(!world.effects.contains(&Effect::ReadCredentials));
}

#[test]
fn a_refusal_of_a_token_that_has_just_expired_is_no_rate_limit() {
    let mut world = World::new(BOTH, token("a", 10 * SECOND));
    assert_eq!(world.job.unwrap().1, Source::OauthUsage);
    world.pass(11 * SECOND);
    world.fail(REFUSED);
    assert_eq!(world.notices(), []);
    assert_eq!(
        world.job.unwrap().1,
        Source::GetUsage,
        "the agent renews it"
    );
}

#[test]
fn a_revoked_token_is_not_used_again_over_http() {
    let mut world = World::new(BOTH, token("a", 100 * HOUR));
    world.fail(Failure::TokenRejected);
    assert_eq!(world.job.unwrap().1, Source::GetUsage);
    world.succeed();
    let mut world = world.restarted(BOTH, token("a", 100 * HOUR));
    assert_eq!(world.job.unwrap().1, Source::GetUsage);
    world.fail(Failure::Unavailable { why: "no".into() });
    world.give(Input::Credentials(token("a", 100 * HOUR)));
    assert_eq!(world.state(), State::LoginNeeded);
    let mut world = World::new(HTTP, token("a", -1));
    assert_eq!((world.job, world.state()), (None, State::TokenExpired));
    world.give(Input::Credentials(token("a", -1)));
    assert_eq!(world.state(), State::LoginNeeded, "nobody can renew it");
}

#[test]
fn a_token_without_the_scope_is_for_good_until_another_comes() {
    let mut world = World::new(HTTP, token("a", 100 * HOUR));
    world.fail(Failure::ScopeMissing);
    assert_eq!(world.state(), State::ScopeMissing);
    assert_eq!(world.next_pull(), None);
    world.give(Input::Refresh);
    assert_eq!(world.job, None);
    world.give(Input::Credentials(token("b", 100 * HOUR)));
    assert!(world.job.is_some());
    let mut world = World::new(BOTH, token("a", 100 * HOUR));
    world.fail(Failure::ScopeMissing);
    assert_eq!(world.job.unwrap().1, Source::GetUsage);
    world.succeed();
    assert_eq!(world.state(), State::Ok, "the other source goes on");
}

#[test]
fn an_agent_without_numbers_whose_token_lacks_the_scope_says_so() {
    for failure in [Failure::unavailable("none"), Failure::Unexplained] {
        let Login::Token(mut info) = token("a", 100 * HOUR) else {
            panic!("no token");
        };
        info.scopes = Some(vec!["user:inference".to_owned()]);
        let mut world = World::new(&[Source::GetUsage], Login::Token(info));
        world.fail(failure);
        assert_eq!(world.state(), State::ScopeMissing);
    }
}

#[test]
fn who_never_was_logged_in_is_not_asked_to_log_in() {
    let mut world = World::new(&[Source::CodexRead], Login::LoggedOut);
    world.fail(Failure::NotLoggedIn);
    assert_eq!(world.state(), State::NoSubscription);
    assert_eq!(world.notices(), []);
    // Who was is.
    let mut world = World::new(&[Source::CodexRead], token("a", 100 * HOUR));
    world.succeed();
    world.give(Input::Credentials(Login::LoggedOut));
    if world.job.is_none() {
        assert!(world.next_pull().is_some());
    }
    world.fail(Failure::NotLoggedIn);
    world.give(Input::Credentials(Login::LoggedOut));
    assert_eq!(world.state(), State::LoginNeeded);
    assert_eq!(world.notices(), [Notice::LoginNeeded]);
}

#[test]
fn another_source_helps_out_and_the_best_is_tried_again_later() {
    let mut world = World::new(
        &[Source::GetUsage, Source::OauthUsage],
        token("a", 100 * HOUR),
    );
    world.fail(Failure::Unavailable {
        why: "too old".into(),
    });
    assert_eq!(world.job.unwrap().1, Source::OauthUsage);
    world.succeed();
    let mut waited = 0;
    while world.next_pull().inspect(|it| waited += it).is_some() && waited < 1_800 {
        assert_eq!(world.job.unwrap().1, Source::OauthUsage);
        world.succeed();
    }
    assert_eq!(world.job.unwrap().1, Source::GetUsage);
}

#[test]
fn a_source_that_fails_alone_is_asked_at_the_interval() {
    for (failure, state) in [
        (Failure::Server { status: 503 }, "error"),
        (Failure::unreadable("x"), "error"),
        (Failure::unavailable("x"), "unavailable"),
    ] {
        let mut world = World::new(&[Source::GetUsage, Source::OauthUsage], Login::Unknown);
        world.fail(failure);
        assert_eq!(world.state().name(), state);
        assert_eq!(world.next_pull(), Some(600));
        world.succeed();
        assert_eq!(world.state(), State::Ok);
    }
    let mut world = World::new(AGENT, Login::Unknown);
    world.fail(Failure::NoSubscription);
    assert_eq!(world.state(), State::NoSubscription);
    assert_eq!(world.next_pull(), Some(1_800));
    let mut world = World::new(AGENT, Login::Unknown);
    world.end(Ok(Vec::new()));
    assert_eq!(
        world.state().name(),
        "unavailable",
        "no readings are no success"
    );
}

#[test]
fn without_a_source_nothing_happens() {
    let world = World::new(&[], Login::Unknown);
    assert_eq!(
        (world.state().name(), world.planner.poll_timeout()),
        ("unavailable", None)
    );
    let world = World::new(HTTP, Login::Unknown);
    assert_eq!(
        (world.state().name(), world.planner.poll_timeout()),
        ("unavailable", None)
    );
}

#[test]
fn what_is_pushed_counts_and_shows_that_the_service_is_reached() {
    let mut world = World::new(AGENT, Login::Unknown);
    for _ in 0..6 {
        world.fail(DNS);
        world.next_pull();
    }
    world.fail(DNS);
    let reading = world.reading(None);
    world.give(Input::Pushed(vec![reading.clone()]));
    assert_eq!(world.state(), State::Ok);
    assert_eq!(world.notices(), [Notice::Offline, Notice::BackOnline]);
    world.give(Input::Pushed(vec![reading]));
    assert!(!world.did(&Effect::Changed), "nothing new");
}

#[test]
fn what_the_agent_remembers_is_shown_and_says_nothing_about_the_service() {
    let mut world = World::new(AGENT, Login::Unknown);
    let mut reading = world.reading(Some(4 * HOUR));
    reading.source = Source::CachedFile;
    reading.observed_at = Timestamp(START - HOUR);
    world.give(Input::Pushed(vec![reading]));
    assert_eq!(world.state(), State::Stale, "with its age");
    world.fail(DNS);
    assert_eq!(world.state().name(), "offline");
    assert_eq!(world.planner.view(world.now).readings.len(), 1);
}

#[test]
fn the_last_good_value_stays_through_every_failure_and_becomes_stale() {
    let mut world = World::new(AGENT, token("a", 100 * HOUR));
    world.succeed();
    let good = world.planner.view(world.now).readings;
    for failure in [
        DNS,
        REFUSED,
        Failure::Server { status: 500 },
        Failure::unavailable("x"),
        Failure::NoSubscription,
        Failure::ScopeMissing,
        Failure::NotLoggedIn,
    ] {
        world.next_pull();
        world.fail(failure);
        assert_eq!(world.planner.view(world.now).readings, good);
    }
    world.pass(HOUR);
    let world = world.restarted(AGENT, Login::Unknown);
    let view = world.planner.view(world.now);
    assert_eq!((view.state, view.readings), (State::Stale, good));
}

#[test]
fn good_readings_that_grow_old_are_said_to_be_stale_when_they_become_so() {
    let mut world = World::new(AGENT, Login::Unknown);
    let readings = vec![world.reading(Some(10 * MINUTE))];
    world.end(Ok(readings));
    world.next_pull();
    world.effects.clear();
    world.pass(20 * SECOND);
    assert_eq!(world.state(), State::Ok);
    // The pull hangs, and the window begins anew.
    world.planner.flight.as_mut().unwrap().deadline =
        Due::after(world.now, Duration::from_hours(9));
    world.pass(10 * MINUTE);
    assert_eq!(world.state(), State::Stale);
    assert!(world.did(&Effect::Changed));
}

#[test]
fn a_clock_that_is_set_back_prolongs_no_wait_and_hides_no_reading() {
    let mut world = World::new(HTTP, token("a", 1_000 * HOUR));
    world.succeed();
    world.now = Timestamp(START - 10 * HOUR);
    world.give(Input::TurnEnded);
    assert_eq!(world.next_pull(), Some(300));
    world.succeed();
    let view = world.planner.view(world.now);
    assert_eq!(view.readings[0].observed_at, world.now);
}
