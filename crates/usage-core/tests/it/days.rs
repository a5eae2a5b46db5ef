//! Thirty days of work, sleep, broken networks, refusals, expired tokens, logins and interruptions, against what must hold.
//!
//! The service and the clock are made up; the planner and the alerts are real, and are driven as their documentation says.

mod expected;
mod service;

use std::collections::HashSet;
use std::time::Duration;

use betcode_core::time::Timestamp;
use proptest::prelude::*;
use usage_core::alert::{self, Alert, AlertKind, Alerts};
use usage_core::credentials::TokenHash;
use usage_core::failure::Failure;
use usage_core::planner::{Effect, Input, Job, Memory, Planner, Settings, State};
use usage_core::reading::Source;

use crate::random::Random;
use expected::Expected;
use service::Service;

pub(crate) const START: Timestamp = Timestamp(1_795_089_600_000_000);
pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
const DAYS: i64 = 30;

/// What is on disk, written in one transaction.
struct Disk {
    planner: String,
    alerts: String,
    /// So many of those that were recorded.
    recorded: usize,
    expected: expected::Mark,
}

/// A pull that runs.
#[derive(Debug, Clone, PartialEq)]
struct Running {
    job: Job,
    source: Source,
    /// The token that is used; none if it was not there any more.
    token: Option<u64>,
    /// When its answer comes; a pull that hangs has none.
    answers: Option<Timestamp>,
}

struct World {
    now: Timestamp,
    random: Random,
    settings: Settings,
    planner: Planner,
    alerts: Alerts,
    service: Service,
    running: Option<Running>,
    network_reported: bool,
    /// A person wants a pull though there is no network.
    doubted: bool,
    recorded: Vec<Alert>,
    expected: Expected,
    disk: Disk,
    timers: u64,
    had_readings: bool,
}

impl World {
    fn new(seed: u64, sources: &[Source]) -> Self {
        let mut random = Random::new(seed);
        let service = Service::new(START, &mut random);
        let settings = Settings {
            sources: sources.to_vec(),
            credentials_are_watched: true,
        };
        let login = service.login();
        let planner = Planner::new(START, settings.clone(), Memory::default(), login);
        let alerts = Alerts::new(alert::Settings::default(), alert::Memory::default());
        let disk = Disk {
            planner: serde_json::to_string(&Memory::default()).unwrap(),
            alerts: serde_json::to_string(alerts.memory()).unwrap(),
            recorded: 0,
            expected: Expected::default().mark(),
        };
        let mut world = Self {
            now: START,
            random,
            settings,
            planner,
            alerts,
            service,
            running: None,
            network_reported: true,
            doubted: false,
            recorded: Vec::new(),
            expected: Expected::default(),
            disk,
            timers: 0,
            had_readings: false,
        };
        world.drain();
        world
    }

    fn give(&mut self, input: Input) {
        self.planner.handle(self.now, input);
        self.drain();
    }

    /// Runs the effects, and checks what must hold after every step.
    fn drain(&mut self) {
        let mut changed = false;
        let mut reads = false;
        while let Some(effect) = self.planner.poll_effect() {
            match effect {
                Effect::Pull {
                    job, source, token, ..
                } => self.pull(job, source, token.as_ref()),
                Effect::Cancel { job } => {
                    let dies = self.random.below(5).cast_signed() * SECOND;
                    let running = self.running.as_mut().expect("only what runs is cancelled");
                    assert_eq!(running.job, job);
                    running.answers = Some(Timestamp(self.now.0 + dies));
                }
                Effect::ReadCredentials => reads = true,
                Effect::Save => {
                    self.disk.planner = serde_json::to_string(self.planner.memory()).unwrap();
                }
                Effect::Changed => changed = true,
                Effect::Notify(_) => {}
            }
        }
        if changed {
            self.show();
        }
        self.check();
        if reads {
            let login = self.service.login();
            self.give(Input::Credentials(login));
        }
    }

    fn pull(&mut self, job: Job, source: Source, token: Option<&TokenHash>) {
        assert_eq!(self.running, None, "two pulls in flight");
        self.doubted = false;
        let takes = self.random.below(4_000_000).cast_signed() + 1;
        let hangs = self.random.chance(2);
        let answers = (!hangs).then_some(Timestamp(self.now.0 + takes));
        let is_there = token.is_none_or(|token| *token == self.service.hash());
        let token = is_there.then(|| self.service.asked(self.now, source));
        self.running = Some(Running {
            job,
            source,
            token,
            answers,
        });
    }

    fn check(&mut self) {
        let view = self.planner.view(self.now);
        self.had_readings |= !view.readings.is_empty();
        assert_eq!(
            view.readings.is_empty(),
            !self.had_readings,
            "a good value was lost"
        );
        let is_idle = self.running.is_none() && matches!(view.state, State::Offline { .. });
        if is_idle && !self.network_reported && !self.doubted {
            assert_eq!(
                self.planner.poll_timeout(),
                None,
                "a timer without a network"
            );
        }
    }

    /// The alerts see what is shown.
    fn show(&mut self) {
        let readings = self.planner.view(self.now).readings;
        self.expected.see(self.now, &readings, &self.service);
        let interrupted = self.random.chance(3);
        self.alerts
            .handle(self.now, alert::Input::Readings(readings));
        if interrupted {
            // Stored before anybody took the alerts.
            self.commit();
        }
        self.take();
    }

    fn take(&mut self) {
        while let Some(alert) = self.alerts.poll_effect() {
            self.recorded.push(alert);
        }
        if !self.random.chance(5) {
            self.commit();
        }
    }

    fn commit(&mut self) {
        self.disk.alerts = serde_json::to_string(self.alerts.memory()).unwrap();
        self.disk.recorded = self.recorded.len();
        self.disk.expected = self.expected.mark();
    }

    /// The daemon dies and starts again from what is on disk.
    fn crash(&mut self) {
        self.running = None;
        let memory = serde_json::from_str(&self.disk.alerts).unwrap();
        self.alerts = Alerts::new(alert::Settings::default(), memory);
        self.recorded.truncate(self.disk.recorded);
        self.expected.back_to(&self.disk.expected);
        let memory: Memory = serde_json::from_str(&self.disk.planner).unwrap();
        let login = self.service.login();
        self.planner = Planner::new(self.now, self.settings.clone(), memory, login);
        self.had_readings = !self.planner.view(self.now).readings.is_empty();
        self.network_reported = true;
        self.doubted = false;
        self.drain();
        self.show();
    }

    /// Up to a moment, with every timer and answer on the way.
    fn run_until(&mut self, end: Timestamp) {
        loop {
            let answer = self.running.as_ref().and_then(|it| it.answers);
            let due = [
                answer,
                self.planner.poll_timeout(),
                self.alerts.poll_timeout(),
            ];
            let Some(next) = due.into_iter().flatten().min().filter(|it| *it <= end) else {
                break;
            };
            self.now = self.now.max(next);
            self.timers += 1;
            self.service.pass(self.now);
            if answer.is_some_and(|it| it <= self.now) {
                let Running {
                    job, source, token, ..
                } = self.running.take().unwrap();
                let result = match token {
                    Some(token) => self
                        .service
                        .answer(self.now, source, token, &mut self.random),
                    None => Err(Failure::TokenChanged),
                };
                self.give(Input::Finished { job, result });
            }
            self.pass_time();
        }
        self.now = self.now.max(end);
        self.service.pass(self.now);
    }

    fn pass_time(&mut self) {
        self.planner.handle_timeout(self.now);
        self.drain();
        let late = self.planner.poll_timeout().filter(|it| *it <= self.now);
        assert_eq!(late, None, "a timer that is never over: {:?}", self.planner);
        self.alerts.handle_timeout(self.now);
        let late = self.alerts.poll_timeout().filter(|it| *it <= self.now);
        assert_eq!(late, None, "an alert that is never over");
        self.take();
    }

    /// Something happens.
    fn happen(&mut self) {
        match self.random.below(100) {
            0..45 => {
                self.service.work(self.now, &mut self.random);
                if self.random.chance(50) {
                    self.give(Input::TurnEnded);
                }
                if self.random.chance(20) && self.service.is_online() {
                    let readings =
                        self.service
                            .readings(self.now, Source::RateLimitEvent, &mut self.random);
                    self.give(Input::Pushed(readings));
                }
            }
            45..53 => {
                let asleep = self.random.below(10 * 3_600).cast_signed() * SECOND;
                self.now = Timestamp(self.now.0 + asleep);
                self.service.pass(self.now);
                self.give(Input::Woke);
                self.pass_time();
            }
            53..60 => {
                self.service.set_online(false);
                if self.random.chance(50) {
                    self.network_reported = false;
                    self.give(Input::NetworkDown);
                }
            }
            60..70 => {
                self.service.set_online(true);
                self.network_reported = true;
                self.give(Input::NetworkUp);
            }
            70..75 => self.service.refuse(self.now, &mut self.random),
            75..79 => {
                self.service.log_out(&mut self.random);
                self.give(Input::Credentials(self.service.login()));
            }
            79..84 => {
                self.service.log_in(self.now);
                self.give(Input::Credentials(self.service.login()));
            }
            84..92 => {
                self.doubted = !self.network_reported;
                self.give(Input::Refresh);
            }
            92..97 => {
                let watched = self.random.chance(50);
                self.give(Input::Watched(watched));
            }
            _ => self.crash(),
        }
    }

    fn live(&mut self) {
        let end = Timestamp(START.0 + DAYS * 24 * HOUR);
        while self.now < end {
            let pause = self.random.below(40 * 60).cast_signed() * SECOND;
            self.run_until(Timestamp(self.now.0 + pause));
            self.happen();
        }
    }

    /// Everything works again: within the longest rest there are fresh readings.
    fn recover(&mut self) {
        self.service.set_online(true);
        self.service.log_in(self.now);
        self.network_reported = true;
        self.give(Input::NetworkUp);
        self.give(Input::Credentials(self.service.login()));
        self.service.is_calm = true;
        let before = self.now;
        self.run_until(Timestamp(before.0 + 7 * HOUR));
        let view = self.planner.view(self.now);
        let newest = view.readings.iter().map(|it| it.observed_at).max().unwrap();
        assert!(newest > before, "nothing new since {before}: {view:?}");
        assert_eq!(view.state, State::Ok, "{view:?}");
    }
}

fn month(seed: u64, sources: &[Source]) {
    let mut world = World::new(seed, sources);
    world.live();
    world.recover();
    let recorded = world.recorded.iter().filter_map(|alert| {
        let is_soon = matches!(alert.kind, AlertKind::ResetSoon { .. });
        (!is_soon).then_some((alert.window.kind, alert.kind))
    });
    let recorded: Vec<_> = recorded.collect();
    assert_eq!(recorded, world.expected.alerts, "alerts lost or said twice");
    let keys: HashSet<_> = world.recorded.iter().map(|it| &it.key).collect();
    assert_eq!(keys.len(), world.recorded.len(), "an alert came twice");
    // Less than one timer in twenty seconds, with everything broken in turn.
    let most = u64::try_from(DAYS * 24 * HOUR / SECOND / 20).unwrap();
    assert!(world.timers < most, "{} timers", world.timers);
}

/// So many months for each order of sources.
const MONTHS: u32 = 3;

proptest! {
    #![proptest_config(ProptestConfig { cases: MONTHS, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_month_with_the_agent_as_the_source(seed in any::<u64>()) {
        month(seed, &[Source::GetUsage]);
    }

    #[test]
    fn a_month_with_the_endpoint_first(seed in any::<u64>()) {
        month(seed, &[Source::OauthUsage, Source::GetUsage]);
    }

    #[test]
    fn a_month_with_the_endpoint_behind_the_agent(seed in any::<u64>()) {
        month(seed, &[Source::GetUsage, Source::OauthUsage]);
    }

    #[test]
    fn a_month_with_the_endpoint_alone(seed in any::<u64>()) {
        month(seed, &[Source::OauthUsage]);
    }
}

#[test]
fn the_month_is_one_in_which_things_happen() {
    let mut world = World::new(7, &[Source::OauthUsage, Source::GetUsage]);
    world.live();
    let count = |kind| world.recorded.iter().filter(|it| it.kind == kind).count();
    assert!(count(AlertKind::Warning) > 5, "{}", world.recorded.len());
    assert!(count(AlertKind::Critical) > 2);
    assert!(count(AlertKind::Reset) > 5);
    assert!(
        world
            .recorded
            .iter()
            .any(|it| matches!(it.kind, AlertKind::ResetSoon { .. }))
    );
    assert!(world.service.calls() > 100 && world.service.refusals() > 3);
    assert!(world.timers > 1_000);
    let day = Duration::from_hours(24);
    assert!(world.now.since(START) >= day * u32::try_from(DAYS).unwrap());
}
