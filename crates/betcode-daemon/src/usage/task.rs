//! The task: follower, timers, calls, answers of sources, and what follows from each, written before it is done or told.

mod settle;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use betcode_core::config::UsageConfig;
use betcode_core::id::{LogEpoch, Sequence};
use betcode_core::time::Timestamp;
use betcode_proto::convert::feed::{FeedBody, FeedEntry, UsageNews, decode_feed_list};
use betcode_proto::status::{Refusal, reason};
use jiff::tz::TimeZone;
use tokio::sync::{OnceCell, mpsc, oneshot, watch};
use tonic::Code;
use usage_core::alert::{self, Alerts};
use usage_core::credentials::Login;
use usage_core::failure::Failure;
use usage_core::planner::{Input, Job};
use usage_core::provider::claude;
use usage_core::reading::{Percent, Reading};

use super::doctor::Examined;
use super::driver::{Driver, Errand};
use super::host::{Signal, Signals};
use super::http::Client;
use super::memory::Memory;
use super::past::Past;
use super::place::{self, Means, Place};
use super::{Ask, View, Whose, errands};
use crate::machine::Machine;
use crate::session::follow::Follower;
use crate::store::ReadError;

/// Under what name its memory is kept.
const NAME: &str = "usage";
/// After so many entries that said nothing new it is written down how far the feed was read.
const FAR: u64 = 1_000;
/// After how long is tried again what could not be read or written.
const AGAIN: Duration = Duration::from_secs(1);
/// A turn that ended longer ago says nothing about now.
const RECENT: Duration = Duration::from_mins(5);
/// A refresh is made within this time, or not for now.
const SOON: Duration = Duration::from_secs(15);
/// How often the history is thinned.
const THINNED_EVERY: Duration = Duration::from_hours(24);
/// How many events wait at most.
const EVENTS: usize = 64;
/// How much a status line is given at most.
const LONGEST_STATUSLINE: usize = 256 << 10;

/// What comes back from what was begun.
pub(super) enum Event {
    /// A source has answered, or not.
    Finished {
        key: String,
        job: Job,
        result: Result<Vec<Reading>, Failure>,
    },
    /// The credentials were read.
    Credentials { key: String, login: Login },
    /// Something happened to the credentials; false: they are not watched any more.
    Touched { key: String, is_watched: bool },
    /// Somebody has looked what there is to ask.
    Looked(Vec<Found>),
}

/// What there is to ask an account.
pub(super) struct Found {
    pub(super) key: String,
    pub(super) means: Means,
    pub(super) login: Login,
    pub(super) remembered: Vec<Reading>,
}

/// A client that waits until sources have answered.
struct Waiter {
    reply: oneshot::Sender<()>,
    /// Accounts, and how many answers they will have given by then.
    until: Vec<(String, u64)>,
}

/// What the task has.
pub(super) struct Task {
    pub(super) machine: Arc<Machine>,
    config: UsageConfig,
    asked: mpsc::Receiver<Ask>,
    pub(super) events: mpsc::Sender<Event>,
    happened: mpsc::Receiver<Event>,
    shown: watch::Sender<Arc<View>>,
    watchers: watch::Receiver<usize>,
    /// Who asks endpoints, once that was necessary.
    pub(super) client: Arc<OnceCell<Client>>,
    pub(super) drivers: Vec<Driver>,
    alerts: Alerts,
    past: Past,
    zone: TimeZone,
    /// What was written down last.
    memory: Memory,
    cursor: Sequence,
    epoch: Option<LogEpoch>,
    resets: Timestamp,
    /// To be told with the next that is written.
    news: Vec<UsageNews>,
    /// Something could not be written: it is tried again then.
    again: Option<Timestamp>,
    thinned: Option<Timestamp>,
    /// Clients that wait for somebody to look first.
    refreshing: Vec<(Whose, oneshot::Sender<()>)>,
    is_looking: bool,
    waiters: Vec<Waiter>,
    /// Whose status lines were taken in, and who hear of it when that is shown.
    taken: Vec<oneshot::Sender<Result<(), Refusal>>>,
}

impl Task {
    pub(super) fn new(
        machine: Arc<Machine>,
        asked: mpsc::Receiver<Ask>,
        shown: watch::Sender<Arc<View>>,
        (watchers, client): (watch::Receiver<usize>, Arc<OnceCell<Client>>),
    ) -> Self {
        let (events, happened) = mpsc::channel(EVENTS);
        let config = machine.settings().usage.clone();
        let alerts = Alerts::new(alert_settings(&config), alert::Memory::default());
        Self {
            config,
            machine,
            asked,
            events,
            happened,
            shown,
            watchers,
            client,
            drivers: Vec::new(),
            alerts,
            past: Past::default(),
            zone: TimeZone::system(),
            memory: Memory::default(),
            cursor: Sequence(0),
            epoch: None,
            resets: Timestamp(0),
            news: Vec::new(),
            again: None,
            thinned: None,
            refreshing: Vec::new(),
            is_looking: false,
            waiters: Vec::new(),
            taken: Vec::new(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.machine.clock().now()
    }

    /// Works until the daemon ends.
    pub(super) async fn run(mut self) {
        let tasks = self.machine.tasks().clone();
        while let Err(problem) = self.live().await {
            tracing::error!(%problem, "the use of plans has to wait");
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                () = tasks.stopping() => break,
            }
        }
        errands::end_all(std::mem::take(&mut self.drivers)).await;
    }

    /// From what is written down to the end of the daemon, or to something that cannot be read.
    async fn live(&mut self) -> Result<(), Problem> {
        let tasks = self.machine.tasks().clone();
        let store = self.machine.store().clone();
        self.begin().await?;
        let feed = store.feed_log();
        let mut follower = Follower::new(store, feed, self.cursor, true);
        let clock = self.machine.clock().clone();
        let mut host = Signals::open(&clock);
        self.look();
        loop {
            let due = self.due();
            let wait = async {
                match due {
                    Some(due) => clock.sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = tasks.stopping() => return Ok(()),
                ask = self.asked.recv() => match ask {
                    Some(ask) => self.answer(ask),
                    None => return Ok(()),
                },
                Some(event) = self.happened.recv() => self.take(event),
                Ok(()) = self.watchers.changed() => {
                    let watched = *self.watchers.borrow_and_update() > 0;
                    if watched {
                        self.look();
                    }
                    self.all(&Input::Watched(watched));
                }
                signal = host.next() => self.hear(signal),
                chunk = follower.next() => match chunk? {
                    Some(chunk) => {
                        let entries = decode_feed_list(&chunk.bytes);
                        let entries = entries.map_err(|error| Problem::Feed(error.to_string()))?;
                        self.read(entries).await;
                    }
                    None => return Ok(()),
                },
                () = wait => {}
            }
            self.settle().await;
        }
    }

    /// Takes up what was written down. What was known is shown at once.
    async fn begin(&mut self) -> Result<(), Problem> {
        let store = self.machine.store().clone();
        let written = store.state(NAME).await?;
        let read = written.map(|text| serde_json::from_str::<Memory>(&text));
        let memory = match read {
            Some(Ok(memory)) => memory,
            Some(Err(error)) => {
                tracing::error!(%error, "what is known of the use of plans cannot be read; it begins anew");
                Memory::default()
            }
            None => Memory::default(),
        };
        let now = self.now();
        let (epoch, head) = (store.epoch(), store.feed_log().head());
        // What was said before it began to listen is over.
        let is_same_log = memory.epoch == Some(epoch) && memory.cursor <= head;
        self.cursor = if is_same_log { memory.cursor } else { head };
        self.epoch = Some(epoch);
        self.resets = memory.resets.unwrap_or(now).min(now);
        self.alerts = Alerts::new(alert_settings(&self.config), memory.alerts.clone());
        self.past = Past::default();
        self.past.load(store.points_since(Past::since(now)).await?);
        errands::end_all(std::mem::take(&mut self.drivers)).await;
        let places = place::places(self.machine.settings());
        self.drivers = places
            .into_iter()
            .map(|place| {
                let kept = memory.accounts.get(&place.key()).cloned();
                Driver::new(now, place, kept.unwrap_or_default())
            })
            .collect();
        self.memory = memory;
        self.is_looking = false;
        self.show(now);
        Ok(())
    }

    /// When something is due by itself.
    fn due(&self) -> Option<Timestamp> {
        let drivers = self.drivers.iter();
        let planners = drivers.filter_map(|driver| driver.planner.poll_timeout());
        let readings = self.readings(self.now());
        let resets = readings.iter().filter_map(|reading| reading.resets_at);
        let resets = resets.filter(|at| *at > self.resets);
        let alerts = self.alerts.poll_timeout();
        planners.chain(resets).chain(alerts).chain(self.again).min()
    }

    fn readings(&self, now: Timestamp) -> Vec<Reading> {
        let drivers = self.drivers.iter();
        drivers
            .flat_map(|driver| driver.planner.view(now).readings)
            .collect()
    }

    fn driver(&mut self, key: &str) -> Option<&mut Driver> {
        let mut drivers = self.drivers.iter_mut();
        drivers.find(|driver| driver.place.key() == key)
    }

    fn tell(&mut self, key: &str, input: Input) {
        let now = self.now();
        if let Some(driver) = self.driver(key) {
            let over = driver.handle(now, input);
            self.news.extend(over);
        }
    }

    fn all(&mut self, input: &Input) {
        let now = self.now();
        for driver in &mut self.drivers {
            let over = driver.handle(now, input.clone());
            self.news.extend(over);
        }
    }

    /// Takes in what the host says.
    fn hear(&mut self, signal: Signal) {
        match signal {
            Signal::Woke => self.all(&Input::Woke),
            Signal::NetworkUp => self.all(&Input::NetworkUp),
            // What leads through a proxy on this machine may be reached all the same.
            Signal::NetworkDown if errands::is_proxied_here(self.machine.settings()) => {}
            Signal::NetworkDown => self.all(&Input::NetworkDown),
        }
    }

    /// Looks what there is to ask, off the threads that others wait for.
    pub(super) fn look(&mut self) {
        if std::mem::replace(&mut self.is_looking, true) {
            return;
        }
        let places = self.drivers.iter();
        let places: Vec<(Place, bool)> = places
            .map(|driver| (driver.place.clone(), driver.means.is_none()))
            .collect();
        errands::look(self, places);
    }

    fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Refresh(whose, reply) => {
                self.refreshing.push((whose, reply));
                self.look();
            }
            Ask::Statusline {
                json,
                directory,
                reply,
            } => match self.statusline(&json, &directory) {
                Ok(()) => self.taken.push(reply),
                Err(refusal) => {
                    let _gone = reply.send(Err(refusal));
                }
            },
            Ask::Examine(reply) => {
                let now = self.now();
                let drivers = self.drivers.iter();
                let examined = drivers.map(|driver| Examined::of(driver, now));
                let _gone = reply.send(examined.collect());
            }
        }
    }

    fn statusline(&mut self, json: &[u8], directory: &str) -> Result<(), Refusal> {
        let invalid =
            |message: String| Refusal::new(Code::InvalidArgument, reason::INVALID_FIELD, message);
        if json.len() > LONGEST_STATUSLINE {
            let message = format!("json: longer than {LONGEST_STATUSLINE} bytes");
            return Err(invalid(message));
        }
        let now = self.now();
        let Some(key) = self.claude_at(directory) else {
            let message = format!(
                "config_dir: {directory} is no account that is followed; add it to usage.claude_dirs"
            );
            return Err(invalid(message));
        };
        let account = self.driver(&key).map(|it| it.place.account.clone());
        let Some(account) = account.filter(|_| self.config.enabled) else {
            return Ok(());
        };
        match claude::statusline(json, &account, now) {
            Ok(readings) => self.tell(&key, Input::Pushed(readings)),
            Err(Failure::Unreadable { what }) => return Err(invalid(format!("json: {what}"))),
            // It has nothing to say before its first answer.
            Err(_) => {}
        }
        Ok(())
    }

    /// Claude's account with this directory; empty: the default one.
    fn claude_at(&self, directory: &str) -> Option<String> {
        let directory: PathBuf = PathBuf::from(directory).components().collect();
        let is_default = directory.as_os_str().is_empty();
        let mut claude = self.drivers.iter().map(|driver| &driver.place);
        let place = claude.find(|place| {
            place.provider == usage_core::reading::ProviderId::Claude
                && (is_default && place.is_default() || place.directory == directory)
        });
        place.map(Place::key)
    }

    /// Takes in what came back.
    fn take(&mut self, event: Event) {
        match event {
            Event::Finished { key, job, result } => {
                self.tell(&key, Input::Finished { job, result });
            }
            Event::Credentials { key, login } => {
                if let Some(driver) = self.driver(&key) {
                    driver.login = login.clone();
                }
                self.tell(&key, Input::Credentials(login));
            }
            Event::Touched { key, is_watched } => {
                if let Some(driver) = self.driver(&key) {
                    driver.errands.push(Errand::ReadCredentials);
                    if !is_watched {
                        driver.watch = None;
                    }
                }
                if !is_watched {
                    self.look();
                }
            }
            Event::Looked(found) => self.looked(found),
        }
    }

    fn looked(&mut self, found: Vec<Found>) {
        self.is_looking = false;
        let now = self.now();
        let is_watched = *self.watchers.borrow() > 0;
        for Found {
            key,
            mut means,
            login,
            remembered,
        } in found
        {
            let Some(at) = self.drivers.iter().position(|it| it.place.key() == key) else {
                continue;
            };
            means.is_watched = errands::watch(self, at, &means);
            let Some(driver) = self.drivers.get_mut(at) else {
                continue;
            };
            let is_first = driver.means.is_none();
            driver.looked(now, means, login);
            if is_first && is_watched {
                self.tell(&key, Input::Watched(true));
            }
            if self.config.enabled {
                self.tell(&key, Input::Pushed(remembered));
            }
        }
        for (whose, reply) in std::mem::take(&mut self.refreshing) {
            self.refresh(&whose, reply);
        }
    }

    fn refresh(&mut self, whose: &Whose, reply: oneshot::Sender<()>) {
        let now = self.now();
        let keys = self.drivers.iter().filter(|driver| {
            let Place {
                provider, account, ..
            } = &driver.place;
            whose.means(provider.name(), &account.0)
        });
        let keys: Vec<String> = keys.map(|driver| driver.place.key()).collect();
        let mut until = Vec::new();
        for key in keys {
            self.tell(&key, Input::Refresh);
            if let Some(driver) = self.driver(&key)
                && driver.is_about_to_answer(now.plus(SOON), now)
            {
                until.push((key, driver.answers + 1));
            }
        }
        self.waiters.push(Waiter { reply, until });
    }

    /// Takes entries of the feed.
    async fn read(&mut self, mut entries: Vec<FeedEntry>) {
        entries.retain(|entry| entry.sequence > self.cursor);
        for entry in entries {
            self.cursor = entry.sequence;
            if !self.config.enabled {
                continue;
            }
            match entry.body {
                FeedBody::UsageReading(said) => {
                    if let Some(key) = self.account_of(said.session_id).await
                        && let Some(driver) = self.driver(&key)
                    {
                        let account = driver.place.account.clone();
                        let readings =
                            claude::rate_limit_event(&said.reading, &account, said.observed_at);
                        self.tell(&key, Input::Pushed(readings));
                    }
                }
                FeedBody::TurnEnded(turn) if self.now().since(entry.timestamp) < RECENT => {
                    if let Some(key) = self.account_of(turn.session_id).await {
                        self.look();
                        self.tell(&key, Input::TurnEnded);
                    }
                }
                _ => {}
            }
        }
    }

    /// Whose plan a session uses.
    async fn account_of(&self, session: betcode_core::id::SessionId) -> Option<String> {
        let launch = self.machine.store().launch(session).await;
        let (agent, environment) = launch.ok().flatten()?;
        let environment = errands::variables(environment);
        let mut drivers = self.drivers.iter().map(|driver| &driver.place);
        let place = drivers.find(|place| {
            let directory = environment.0.get(place.variable());
            let directory = directory.filter(|it| !it.is_empty());
            let is_here = match directory {
                Some(directory) => {
                    let directory: PathBuf = PathBuf::from(directory).components().collect();
                    place.directory == directory
                }
                None => place.is_default(),
            };
            place.provider.name() == agent.as_str() && is_here
        });
        place.map(Place::key)
    }
}

fn alert_settings(config: &UsageConfig) -> alert::Settings {
    let percent = |percent: u32| Percent::new(percent.into()).unwrap_or_default();
    let usual = alert::Settings::default();
    let warning = percent(config.warning);
    alert::Settings {
        warning,
        critical: percent(config.critical),
        soon: config.reset_soon.clone(),
        // Whatever was warned of is worth a word when it begins anew.
        resets_from: if warning < usual.resets_from {
            warning
        } else {
            usual.resets_from
        },
    }
}

/// Why it cannot go on.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{0}")]
    Read(#[from] ReadError),
    #[error("the feed cannot be read: {0}")]
    Feed(String),
}
