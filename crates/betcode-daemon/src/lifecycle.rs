//! The life of a daemon, from the lock on its state directory to its release.
//!
//! 1. The state directory is made private and locked. When another daemon holds it, that is said and nothing else happens.
//! 2. The store is opened.
//! 3. The socket is bound, then the endpoint file written: who reads it finds somebody listening.
//! 4. Sessions that an earlier daemon left are taken up again; clients that come meanwhile wait.
//! 5. Clients are served until a signal, a client or idleness ends it.
//! 6. The endpoint file and the socket are removed, sessions end their work, streams and tasks end, the store is closed,
//!    and with the process the lock.
//!
//! Exit codes: 0 it ended in good order; 1 it could not start, or lost its socket for good.

mod clients;
pub mod doctor;
mod ending;
mod endpoint;
mod idle;
mod listener;
mod lock;
mod logs;
mod room;
mod signals;
pub mod upkeep;
pub(crate) mod watch;

pub use clients::Clients;
pub use ending::Ending;

use std::io::Write as _;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use betcode_core::id::LogEpoch;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock::Clock;
use crate::machine::Machine;
use crate::notify::Notifier;
use crate::search::Index;
use crate::server::connection::{self, Services};
use crate::server::daemon::DaemonServer;
use crate::settings::{Options, Settings};
use crate::store::{self, OpenReport, Store, StoreOptions};
use crate::tasks::Tasks;
use crate::usage::Usage;
use idle::Rule;
use listener::Bound;
use lock::Lock;
use signals::Signals;

/// How long streams and tasks may take to end.
const PATIENCE: Duration = Duration::from_secs(3);
/// The work is waiting for the disk and for clients; more threads gave nothing.
const WORKERS: usize = 2;
const STACK: usize = 1 << 20;
/// Threads for looking at files; they end when there is nothing to look at.
const BLOCKING: usize = 8;
const BLOCKING_STAYS: Duration = Duration::from_secs(1);

/// What stops a daemon from starting or from going on, in one line, and what to do.
struct Failure {
    message: String,
    hint: String,
}

impl From<lock::Refused> for Failure {
    fn from(refused: lock::Refused) -> Self {
        Self {
            hint: refused.hint(),
            message: refused.to_string(),
        }
    }
}

impl Failure {
    fn new(message: &impl ToString) -> Self {
        Self {
            message: message.to_string(),
            hint: String::new(),
        }
    }
}

/// Is the daemon of a state directory until something ends it.
pub fn run(options: &Options) -> ExitCode {
    match live(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { message, hint }) => {
            let hint = if hint.is_empty() {
                hint
            } else {
                format!("hint: {hint}\n")
            };
            let text = format!("Error: {message}\n{hint}");
            // Nobody may be reading any more, and then there is nobody to tell.
            let _unread = std::io::stderr().write_all(text.as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn live(options: &Options) -> Result<(), Failure> {
    let (settings, complaints) = Settings::load(options);
    let settings = Arc::new(settings);
    let _lock = match Lock::take(&settings.state_dir) {
        // Whoever started this wants a daemon, and there is one; or it is on its way out, and then it is asked for again.
        Err(lock::Refused::AlreadyRuns { .. }) if settings.auto => return Ok(()),
        lock => lock?,
    };
    logs::begin(&settings.state_dir, settings.log_level);
    for complaint in &complaints {
        tracing::warn!(complaint, "a setting does not count");
    }
    let clock = Clock::new(settings.test_clock.as_deref());
    let (store, mut notices) = open(&settings)?;
    notices.extend(complaints.iter().map(|complaint| {
        format!(
            "{complaint}; the daemon goes on without it: betcode config edit, then betcode daemon restart"
        )
    }));
    let runtime = runtime().map_err(|error| Failure::new(&error))?;
    let index =
        Index::start(&settings.state_dir, store.clone()).map_err(|error| Failure::new(&error))?;
    let outcome = runtime.block_on(serve(
        settings,
        clock,
        (store.clone(), index.clone()),
        notices,
    ));
    // Whatever has not ended by now is cut off.
    runtime.shutdown_timeout(Duration::ZERO);
    index.close();
    store.close();
    if let Err(failure) = &outcome {
        tracing::error!(reason = failure.message, "the daemon cannot go on");
    }
    outcome
}

/// The store, and what its user should know about it.
fn open(settings: &Settings) -> Result<(Store, Vec<String>), Failure> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let boot = boot
        .and_then(|text| Uuid::parse_str(text.trim()).ok())
        .map(Uuid::into_bytes);
    let options = StoreOptions {
        boot,
        ..StoreOptions::default()
    };
    let (store, report) = Store::open(&settings.state_dir, LogEpoch(Uuid::new_v4()), options)
        .map_err(|error| Failure {
            hint: error.hint().to_owned(),
            message: error.to_string(),
        })?;
    let OpenReport {
        created,
        epoch_changed,
        unclean,
        set_aside,
        migrated_from,
        lost,
    } = report;
    if let Some(file) = set_aside {
        tracing::error!(file = %file.display(), "a file of the log could not be used and was set aside");
    } else if lost {
        tracing::error!("the log that was here before is gone");
    }
    let notices = store::losses(&settings.state_dir);
    for notice in &notices {
        tracing::warn!(notice, "something that was recorded is missing");
    }
    if let Some(reason) = epoch_changed {
        tracing::warn!(%reason, "clients start anew, because the log is not the one they knew");
    }
    if let Some(version) = migrated_from {
        tracing::info!(version, "the log was brought up to date");
    }
    tracing::debug!(created, unclean, "the log is open");
    Ok((store, notices))
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_stack_size(STACK)
        .max_blocking_threads(BLOCKING)
        .thread_keep_alive(BLOCKING_STAYS)
        .thread_name("daemon")
        .enable_all()
        .build()
}

async fn serve(
    settings: Arc<Settings>,
    clock: Clock,
    (store, index): (Store, Index),
    notices: Vec<String>,
) -> Result<(), Failure> {
    let mut signals = Signals::catch().map_err(|error| Failure::new(&error))?;
    let socket = endpoint::socket_path(&settings)?;
    let bound = Bound::bind(&socket)?;
    endpoint::publish(&settings, &socket).map_err(|error| Failure::new(&error))?;
    tracing::info!(socket = %socket.display(), version = settings.version, pid = std::process::id(), "the daemon is ready");

    let told = Arc::new(AtomicBool::new(false));
    let tasks = Tasks::new();
    let (clients, ending) = (Clients::default(), Ending::default());
    let machine = Machine::new(
        store.clone(),
        clock.clone(),
        tasks.clone(),
        Arc::clone(&settings),
    );
    machine.recover().await;

    let watching = room::watch(
        settings.state_dir.clone(),
        store.clone(),
        machine.sessions_at_work(),
        tasks.clone(),
    );
    tasks.spawn("watch the disk", watching);

    let state_dir = settings.state_dir.clone();
    let daemon = DaemonServer {
        settings: Arc::clone(&settings),
        store,
        clock: clock.clone(),
        socket: socket.display().to_string(),
        clients: clients.clone(),
        machine: machine.clone(),
        ending: ending.clone(),
        notices,
        told: Arc::clone(&told),
    };
    let tellers = (Notifier::start(&machine), Usage::start(&machine));
    let services = Services::new(&machine, index, tellers, daemon);
    let closing = CancellationToken::new();
    let serve = |stream, guest| {
        let serving = connection::serve(stream, services.clone(), tasks.clone(), closing.clone());
        tasks.spawn("client", async move {
            serving.await;
            drop(guest);
        });
    };
    let rebound = || {
        if let Err(error) = endpoint::publish(&settings, &socket) {
            tracing::error!(%error, "the endpoint file cannot be written");
        }
    };
    let mut accepting = pin!(bound.accept(&clients, &closing, serve, rebound));
    let rule = Rule {
        idle_exit: (settings.auto || settings.ephemeral).then_some(settings.idle_exit),
        ephemeral: settings.ephemeral,
    };
    let lost = tokio::select! {
        signal = signals.next() => {
            tracing::info!(signal, "the daemon ends");
            None
        }
        () = ending.begun() => None,
        reason = idle::until_unneeded(rule, &clock, clients.subscribe(), machine.sessions_in_need()) => {
            tracing::info!(reason, "the daemon ends");
            ending.begin(settings.ephemeral);
            None
        }
        lost = &mut accepting => Some(lost),
    };

    endpoint::withdraw(&settings);
    closing.cancel();
    let outcome = match lost {
        Some(lost) => lost,
        None => accepting.await,
    };
    if let Ok(bound) = &outcome {
        bound.remove();
    }
    machine.shutdown(ending.stops_agents()).await;
    tasks.stop();
    tasks.drain(PATIENCE).await;
    if told.load(Ordering::Relaxed)
        && let Err(error) = store::forget_losses(&state_dir)
    {
        tracing::warn!(%error, "what was told will be told again");
    }
    tracing::debug!("everything has ended");
    outcome.map(drop).map_err(Failure::from)
}
