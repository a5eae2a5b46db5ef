//! One account: its planner, what is being run for it, and how it is seen. What is to be run and told is given to the task.

use std::collections::BTreeSet;

use betcode_core::time::Timestamp;
use betcode_proto::convert::feed::UsageNews;
use betcode_proto::convert::usage::UsageAccount;
use tokio_util::sync::{CancellationToken, DropGuard};
use usage_core::credentials::Login;
use usage_core::planner::{Effect, Input, Job, Notice, Planner, State};
use usage_core::reading::{Reading, Source};

use super::errands::Run;
use super::memory::{Kept, Told};
use super::news::{Topic, ended};
use super::past::Past;
use super::place::{Means, Place};

/// In microseconds.
const MINUTE: i64 = 60_000_000;

/// What a planner wants to be done outside of it.
#[derive(Debug)]
pub(super) enum Errand {
    Pull(usage_core::planner::Effect),
    Cancel(Job),
    ReadCredentials,
}

/// One account.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) place: Place,
    /// What there is to ask; nothing before anybody has looked.
    pub(super) means: Option<Means>,
    pub(super) login: Login,
    pub(super) planner: Planner,
    pub(super) told: Option<Told>,
    pub(super) standing: BTreeSet<String>,
    /// What is being run, and what of it has not ended yet.
    pub(super) running: Vec<(Job, Run)>,
    /// The pull whose answer is waited for.
    pub(super) flight: Option<Job>,
    /// How often a source has answered, one way or another.
    pub(super) answers: u64,
    /// Ends with the task that watches the login.
    pub(super) watch: Option<DropGuard>,
    pub(super) errands: Vec<Errand>,
    pub(super) notices: Vec<Notice>,
    /// The memory is to be written.
    pub(super) is_dirty: bool,
}

impl Driver {
    /// As it was left. Nothing is asked before somebody has looked what there is to ask.
    pub(super) fn new(now: Timestamp, place: Place, kept: Kept) -> Self {
        let nothing = usage_core::planner::Settings {
            sources: Vec::new(),
            credentials_are_watched: false,
        };
        Self {
            place,
            means: None,
            login: Login::Unknown,
            planner: Planner::new(now, nothing, kept.planner, Login::Unknown),
            told: kept.told,
            standing: kept.standing,
            running: Vec::new(),
            flight: None,
            answers: 0,
            watch: None,
            errands: Vec::new(),
            notices: Vec::new(),
            is_dirty: false,
        }
    }

    /// Somebody has looked what there is to ask.
    pub(super) fn looked(&mut self, now: Timestamp, means: Means, login: Login) {
        let settings = means.settings();
        let before = self.means.replace(means);
        self.login = login.clone();
        match before {
            None => {
                let memory = self.planner.memory().clone();
                self.planner = Planner::new(now, settings, memory, login);
            }
            Some(before) => {
                if before.settings() != settings {
                    self.handle(now, Input::Settings(settings));
                }
                self.handle(now, Input::Credentials(login));
            }
        }
        self.collect();
    }

    /// Takes in what happened. What is over by that is returned.
    pub(super) fn handle(&mut self, now: Timestamp, input: Input) -> Vec<UsageNews> {
        let topics: &[Topic] = match &input {
            Input::Finished { result: Ok(_), .. } => {
                &[Topic::Login, Topic::RateLimited, Topic::Offline]
            }
            Input::Pushed(readings) if is_live(readings) => &[Topic::RateLimited, Topic::Offline],
            _ => &[],
        };
        if let Input::Finished { job, .. } = &input
            && self.flight == Some(*job)
        {
            self.flight = None;
            self.answers += 1;
            // A program may still have something to write down.
            let job = *job;
            self.running
                .retain(|(it, run)| *it != job || matches!(run, Run::Program(_)));
        }
        self.planner.handle(now, input);
        self.collect();
        // That it is back is told as such, and says that it is not away.
        let is_back = self.notices.contains(&Notice::BackOnline);
        let topics = topics.iter().copied();
        let topics: Vec<Topic> = topics
            .filter(|topic| !(is_back && *topic == Topic::Offline))
            .collect();
        ended(&self.place, &topics, &mut self.standing)
    }

    /// Takes in that time has passed.
    pub(super) fn pass(&mut self, now: Timestamp) {
        self.planner.handle_timeout(now);
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(effect) = self.planner.poll_effect() {
            match effect {
                Effect::Pull { job, .. } => {
                    self.flight = Some(job);
                    self.errands.push(Errand::Pull(effect));
                }
                Effect::Cancel { job } => self.errands.push(Errand::Cancel(job)),
                Effect::ReadCredentials => self.errands.push(Errand::ReadCredentials),
                Effect::Notify(notice) => self.notices.push(notice),
                Effect::Save => self.is_dirty = true,
                // Whether that is to be seen is found out by looking at it.
                Effect::Changed => {}
            }
        }
    }

    /// Whether it will be asked before long, or is being asked.
    pub(super) fn is_about_to_answer(&self, by: Timestamp, now: Timestamp) -> bool {
        let next = self.planner.view(now).next_at;
        self.flight.is_some() || next.is_some_and(|next| next <= by)
    }

    /// The credentials are watched for as long as this token is not cancelled.
    pub(super) fn watched(&mut self) -> CancellationToken {
        let token = CancellationToken::new();
        self.watch = Some(token.clone().drop_guard());
        token
    }

    pub(super) fn kept(&self) -> Kept {
        Kept {
            planner: self.planner.memory().clone(),
            told: self.told.clone(),
            standing: self.standing.clone(),
        }
    }

    /// How it is seen.
    pub(super) fn account(&self, now: Timestamp, past: &Past) -> UsageAccount {
        let view = self.planner.view(now);
        // To the minute, so that nobody is told that nothing but the time has changed.
        let now = Timestamp(now.0 - now.0.rem_euclid(MINUTE));
        let paces = view.readings.iter();
        let paces = paces.filter_map(|it| Some((it.window(), past.pace(it, now)?)));
        UsageAccount {
            provider: self.place.provider,
            account: self.place.account.clone(),
            state: self.state(view.state),
            paces: paces.collect(),
            readings: view.readings,
            next_at: view.next_at,
            asked: view.asked,
            asked_at: view.asked_at,
            login_command: self.login_command(),
        }
    }

    /// Its planner does not know why it has no sources.
    pub(super) fn state(&self, state: State) -> State {
        match (&self.means, state) {
            (None, State::Unavailable { .. }) => State::Loading,
            (Some(means), State::Unavailable { why }) => match &means.missing {
                Some(missing) if means.sources.is_empty() => State::Unavailable {
                    why: missing.clone(),
                },
                None if self.answers == 0 && self.flight.is_some() => State::Loading,
                _ => State::Unavailable { why },
            },
            (_, state) => state,
        }
    }

    fn login_command(&self) -> Vec<String> {
        let means = self.means.as_ref();
        means.map(|it| it.login_command.clone()).unwrap_or_default()
    }
}

/// Whether an agent has just said so itself.
fn is_live(readings: &[Reading]) -> bool {
    readings.iter().any(|it| it.source != Source::CachedFile)
}
