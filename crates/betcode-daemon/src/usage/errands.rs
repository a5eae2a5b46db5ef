//! What planners want to be done outside: asking sources, reading and watching logins, looking at what there is. Everything that
//! may take long is done elsewhere, and comes back as an event.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use betcode_core::command::Environment;
use betcode_core::proxy::{Proxy, Routes};
use betcode_core::time::Timestamp;
use tokio::sync::OnceCell;
use tokio_util::sync::{CancellationToken, DropGuard};
use usage_core::credentials::{Credentials, Login, TokenHash};
use usage_core::failure::{Failure, Unreachable};
use usage_core::planner::{Effect, Job};
use usage_core::provider::Reply;
use usage_core::reading::{Reading, Source};

use super::driver::{Driver, Errand};
use super::http::{Client, HttpSettings, SystemRoots};
use super::past::{histories, thinner};
use super::place::{self, Means, Place, SERVICE};
use super::process::{self, Question};
use super::task::{Event, Found, Task};
use crate::lifecycle::watch::Watch;
use crate::machine::Machine;
use crate::settings::Settings;
use crate::store::{CommitError, ReadError, Store};

/// How long programs may take to end when the daemon ends.
const PATIENCE: Duration = Duration::from_secs(2);
/// A planner's own time-out comes first.
const LATER: Duration = Duration::from_secs(5);

/// Something that is being asked. When this is dropped it is ended.
#[derive(Debug)]
pub(super) enum Run {
    /// A program.
    Program(process::Running),
    /// An endpoint.
    Endpoint {
        /// Ends it.
        _end: DropGuard,
    },
}

impl Run {
    /// Whether nothing of it is left to be ended.
    fn is_over(&self) -> bool {
        match self {
            Self::Program(program) => program.is_over(),
            Self::Endpoint { .. } => false,
        }
    }
}

/// Does what the planners want.
pub(super) fn run(task: &mut Task) {
    for at in 0..task.drivers.len() {
        let Some(driver) = task.drivers.get_mut(at) else {
            continue;
        };
        driver.running.retain(|(_, running)| !running.is_over());
        for errand in std::mem::take(&mut driver.errands) {
            match errand {
                Errand::Pull(Effect::Pull {
                    job,
                    source,
                    timeout,
                    token,
                }) => {
                    if let Some(token) = token.filter(|_| source.is_http()) {
                        fetch(task, at, job, (source, token, timeout));
                    } else {
                        pull(task, at, job, (source, timeout));
                    }
                }
                Errand::Pull(_) => {}
                Errand::Cancel(job) => {
                    if let Some(driver) = task.drivers.get_mut(at) {
                        let ended = driver.running.extract_if(.., |(it, _)| *it == job);
                        // It says so itself.
                        ended.for_each(drop);
                    }
                }
                Errand::ReadCredentials => read_credentials(task, at),
            }
        }
    }
}

fn pull(task: &mut Task, at: usize, job: Job, (source, timeout): (Source, Duration)) {
    let clock = task.machine.clock().clone();
    let events = task.events.clone();
    let Some(driver) = task.drivers.get_mut(at) else {
        return;
    };
    let (place, key) = (driver.place.clone(), driver.place.key());
    let means = driver.means.clone().unwrap_or_default();
    let provider = place.provider();
    let begun = match (provider.program(source), means.program) {
        (Some(asked), Some(program)) => {
            let question = Question {
                program,
                asked,
                environment: means.environment,
                directory: place.directory.clone(),
                is_answer: Box::new(move |line| provider.is_answer(line)),
                limit: timeout + LATER,
            };
            let (events, key, clock_of) = (events.clone(), key.clone(), clock.clone());
            process::begin(question, clock, move |output| {
                let now = clock_of.now();
                let result = output.and_then(|output| {
                    let reply = Reply::Output(&output);
                    provider.read(source, &place.account, reply, now)
                });
                // Nobody waits for it any more when the daemon ends.
                let _gone = events.blocking_send(Event::Finished { key, job, result });
            })
        }
        _ => Err(std::io::ErrorKind::Unsupported.into()),
    };
    match begun {
        Ok(running) => driver.running.push((job, Run::Program(running))),
        Err(error) => {
            let why = format!("nothing can be asked: {error}");
            let result = Err(Failure::Unavailable { why });
            task.machine.tasks().spawn("a source", async move {
                let _gone = events.send(Event::Finished { key, job, result }).await;
            });
        }
    }
}

/// Asks an endpoint, with this token and no other.
fn fetch(
    task: &mut Task,
    at: usize,
    job: Job,
    (source, token, timeout): (Source, TokenHash, Duration),
) {
    let (machine, events) = (task.machine.clone(), task.events.clone());
    let client = task.client.clone();
    let Some(driver) = task.drivers.get_mut(at) else {
        return;
    };
    let (place, key) = (driver.place.clone(), driver.place.key());
    let over = CancellationToken::new();
    let guard = over.clone().drop_guard();
    driver.running.push((job, Run::Endpoint { _end: guard }));
    task.machine.tasks().spawn("ask an endpoint", async move {
        let cancelled = Failure::Offline {
            cause: Unreachable::Timeout,
        };
        let result = tokio::select! {
            result = ask(&machine, client, &place, (source, &token, timeout)) => result,
            () = over.cancelled() => Err(cancelled),
        };
        let _gone = events.send(Event::Finished { key, job, result }).await;
    });
}

async fn ask(
    machine: &Arc<Machine>,
    client: Arc<OnceCell<Client>>,
    place: &Place,
    (source, token, timeout): (Source, &TokenHash, Duration),
) -> Result<Vec<Reading>, Failure> {
    let of = place.clone();
    let credentials = tokio::task::spawn_blocking(move || of.credentials()).await;
    let (Ok(Credentials::Token(found)), Some(request)) =
        (credentials, place.provider().request(source))
    else {
        return Err(Failure::TokenChanged);
    };
    if found.info.hash != *token {
        return Err(Failure::TokenChanged);
    }
    let client = connected(machine, &client).await?;
    let reply = client.fetch(&request, &found.secret, timeout).await?;
    let now = machine.clock().now();
    let provider = place.provider();
    provider.read(source, &place.account, reply.as_provider(), now)
}

/// Who asks endpoints; made when it is first needed, because that reads certificates.
pub(super) async fn connected<'a>(
    machine: &Arc<Machine>,
    client: &'a OnceCell<Client>,
) -> Result<&'a Client, Failure> {
    let make = || async {
        let machine = Arc::clone(machine);
        let made = tokio::task::spawn_blocking(move || {
            let settings = machine.settings();
            let settings = HttpSettings {
                config: &settings.usage_http,
                environment: &settings.environment,
                roots: &SystemRoots::Usual,
            };
            Client::new(&settings, machine.clock()).map_err(|problem| problem.to_string())
        });
        let made = made.await.map_err(|error| error.to_string());
        made.flatten().map_err(|why| Failure::Unavailable { why })
    };
    client.get_or_try_init(make).await
}

fn read_credentials(task: &Task, at: usize) {
    let Some(driver) = task.drivers.get(at) else {
        return;
    };
    let (place, events) = (driver.place.clone(), task.events.clone());
    task.machine.tasks().spawn("read a login", async move {
        let key = place.key();
        let login = tokio::task::spawn_blocking(move || place.credentials().login()).await;
        let login = login.unwrap_or(Login::Unknown);
        let _gone = events.send(Event::Credentials { key, login }).await;
    });
}

/// Looks what there is to ask these accounts; those of which it is said for the first time.
pub(super) fn look(task: &Task, places: Vec<(Place, bool)>) {
    let (machine, events) = (task.machine.clone(), task.events.clone());
    let now = task.now();
    task.machine.tasks().spawn("look for agents", async move {
        let looking = tokio::task::spawn_blocking(move || {
            let settings = machine.settings();
            let home = place::home(&settings.environment);
            let found = places.into_iter().map(|(place, is_first)| Found {
                key: place.key(),
                means: place::means(settings, &place),
                login: place.credentials().login(),
                remembered: match home {
                    Some(home) if is_first => place.remembered(home, now),
                    _ => Vec::new(),
                },
            });
            found.collect()
        });
        let found = looking.await.unwrap_or_default();
        let _gone = events.send(Event::Looked(found)).await;
    });
}

/// Watches the login of an account, unless that is done already. False when it cannot be.
pub(super) fn watch(task: &mut Task, at: usize, means: &Means) -> bool {
    let (tasks, events) = (task.machine.tasks().clone(), task.events.clone());
    let Some(driver) = task.drivers.get_mut(at) else {
        return false;
    };
    if means.sources.is_empty() {
        driver.watch = None;
        return false;
    }
    if driver.watch.is_some() {
        return true;
    }
    let file = driver.place.directory.join(driver.place.login_file());
    let is_link = file.symlink_metadata().is_ok_and(|it| it.is_symlink());
    // What a link leads to changes elsewhere.
    let watch = (!is_link).then(|| Watch::inside(&driver.place.directory).ok());
    let Some(watch) = watch.flatten() else {
        return false;
    };
    let (key, name) = (
        driver.place.key(),
        OsString::from(driver.place.login_file()),
    );
    let over = driver.watched();
    let stopping = tasks.clone();
    tasks.spawn("watch a login", async move {
        loop {
            let is_watched = tokio::select! {
                it = watch.changed_inside(&name) => it,
                () = over.cancelled() => return,
                () = stopping.stopping() => return,
            };
            let key = key.clone();
            let sent = events.send(Event::Touched { key, is_watched }).await;
            if !is_watched || sent.is_err() {
                return;
            }
        }
    });
    true
}

/// Ends what runs, with everything it has started.
pub(super) async fn end_all(drivers: Vec<Driver>) {
    let running: Vec<_> = drivers.into_iter().flat_map(|it| it.running).collect();
    if running.is_empty() {
        return;
    }
    let ending = tokio::task::spawn_blocking(move || {
        for (_, running) in running {
            match running {
                Run::Program(program) => program.end(),
                Run::Endpoint { .. } => {}
            }
        }
    });
    let _late = tokio::time::timeout(PATIENCE, ending).await;
}

/// The environment that a session's agent was given.
pub(super) fn variables(text: Option<String>) -> Environment {
    let text = text.unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Removes what is not worth keeping of the history.
pub(super) async fn thin(store: &Store, now: Timestamp) -> Result<(), Trouble> {
    for history in histories(store.points_since(i64::MIN).await?) {
        if let Some((window, up_to, points)) = thinner(&history, now) {
            store.replace_points(window, up_to, points).await?;
        }
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("{0}")]
    Read(#[from] ReadError),
    #[error("{0}")]
    Write(#[from] CommitError),
}

/// Whether programs and questions leave this machine through a proxy that runs on it.
pub(super) fn is_proxied_here(settings: &Settings) -> bool {
    let config = &settings.usage_http;
    let variables = &settings.environment.0;
    let routes = Routes::new(&config.proxy, &config.no_proxy, variables).ok();
    let proxy = routes
        .as_ref()
        .and_then(|it| it.proxy(SERVICE.0, SERVICE.1));
    proxy.is_some_and(Proxy::is_on_this_machine)
}
