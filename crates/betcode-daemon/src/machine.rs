//! The machine: all sessions of this daemon, each behind one actor, and the one handler that every command goes through.
//!
//! Law: a session has one actor at most. It is made when somebody needs the session, and stays until nobody does (see `away`),
//! the session is deleted, or the daemon ends.

mod away;
pub(crate) mod import;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use betcode_core::command::{Action, Command, Environment, LaunchOptions, Rejected, StartSession};
use betcode_core::context::ContextUsage;
use betcode_core::event::{ClientInfo, SessionInfo};
use betcode_core::id::{AgentName, HostEpoch, SessionId};
use betcode_core::session::Session;
use betcode_core::time::Timestamp;
use betcode_proto::status::Refusal;
use tokio::sync::{OnceCell, mpsc, oneshot, watch};

use crate::agent::probe::Versions;
use crate::agent::{self, Resolved};
use crate::clock::Clock;
use crate::limits::{Admitted, Limits};
use crate::session::actor::commands::Asked;
use crate::session::actor::{AcceptedAnswer, Actor, MAILBOX, Request};
use crate::session::audience::{Audience, Seat};
use crate::session::reap;
use crate::settings::Settings;
use crate::store::{ReadError, SessionLog, Store};
use crate::tasks::Tasks;
use crate::trust;

/// How long agents and commits may take to end when the daemon ends.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);

/// How long an agent may take to answer a question about itself.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// How often what is too old is removed.
const PRUNED_EVERY: Duration = Duration::from_hours(24);

/// How long accepted commands are remembered: longer than any queue of a client, 32 days.
const COMMANDS_KEPT_US: i64 = 32 * 24 * 60 * 60 * 1_000_000;
/// How long decisions and requests that have ended are kept: 90 days.
const RECORD_KEPT_US: i64 = 90 * 24 * 60 * 60 * 1_000_000;

/// A session that is in use.
#[derive(Debug, Clone)]
pub struct Handle {
    log: Arc<SessionLog>,
    mailbox: mpsc::Sender<Request>,
    audience: Audience,
}

impl Handle {
    /// Its log.
    pub fn log(&self) -> &Arc<SessionLog> {
        &self.log
    }

    /// Counts a client as attached for as long as the seat is kept.
    pub fn attach(&self, client: ClientInfo, observes: bool) -> Seat {
        self.audience.seat(client, observes)
    }

    /// Its state as it is now.
    pub async fn view(&self) -> Result<Session, Rejected> {
        let (reply, answer) = oneshot::channel();
        let ended = || Rejected::Unavailable("the session is being closed; try again".into());
        self.mailbox
            .send(Request::View(reply))
            .await
            .map_err(|_| ended())?;
        answer.await.map(|session| *session).map_err(|_| ended())
    }
}

impl Handle {
    /// How full the context of its agent is, as the agent says.
    pub async fn context(&self) -> Result<ContextUsage, Rejected> {
        let (reply, answer) = oneshot::channel();
        let ended = || Rejected::Unavailable("the session is being closed; try again".into());
        let request = Request::Context(reply);
        self.mailbox.send(request).await.map_err(|_| ended())?;
        match tokio::time::timeout(ANSWER_LIMIT, answer).await {
            Ok(answer) => answer.map_err(|_| ended())?,
            Err(_) => Err(Rejected::Unavailable(format!(
                "the agent has not said within {} s how full its context is",
                ANSWER_LIMIT.as_secs()
            ))),
        }
    }
}

/// All sessions of this daemon.
#[derive(Debug)]
pub struct Machine {
    store: Store,
    clock: Clock,
    tasks: Tasks,
    settings: Arc<Settings>,
    limits: Limits,
    sessions: Mutex<HashMap<SessionId, Arc<OnceCell<Handle>>>>,
    agents: watch::Sender<usize>,
    needed: watch::Sender<usize>,
    working: watch::Sender<usize>,
    versions: Versions,
}

impl Machine {
    /// A machine without a session in use.
    pub fn new(store: Store, clock: Clock, tasks: Tasks, settings: Arc<Settings>) -> Arc<Self> {
        let (agents, needed) = (watch::Sender::new(0), watch::Sender::new(0));
        let working = watch::Sender::new(0);
        let limits = Limits::new(&settings.limits, clock.clone());
        Arc::new(Self {
            store,
            clock,
            tasks,
            settings,
            limits,
            sessions: Mutex::default(),
            agents,
            needed,
            working,
            versions: Versions::default(),
        })
    }

    /// How many sessions have an agent at work: a turn runs, and waits for no person.
    pub fn sessions_at_work(&self) -> watch::Receiver<usize> {
        self.working.subscribe()
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// How the daemon runs.
    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// The daemon's tasks.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// How many agents run.
    pub fn agents_running(&self) -> watch::Receiver<usize> {
        self.agents.subscribe()
    }

    /// How many sessions need the daemon: their agents run, or somebody is waited for.
    pub fn sessions_in_need(&self) -> watch::Receiver<usize> {
        self.needed.subscribe()
    }

    /// Takes up again what an earlier daemon left: sessions whose agents run or whose requests have a deadline.
    pub async fn recover(self: &Arc<Self>) {
        if let Err(error) = self.take_up().await {
            tracing::error!(%error, "unfinished sessions cannot be found");
        }
        let machine = self.clone();
        self.tasks.spawn("remove old records", async move {
            loop {
                let now = machine.clock.now();
                let before = |kept| Timestamp(now.0.saturating_sub(kept));
                machine.store.prune_commands(before(COMMANDS_KEPT_US));
                machine.store.prune_audit(before(RECORD_KEPT_US));
                tokio::select! {
                    () = machine.clock.sleep_until(now.plus(PRUNED_EVERY)) => {}
                    () = machine.tasks.stopping() => return,
                }
            }
        });
    }

    async fn take_up(self: &Arc<Self>) -> Result<(), ReadError> {
        let hosts = self.store.live_hosts().await?;
        let deadlines = self.store.due_deadlines(Timestamp(i64::MAX)).await?;
        self.reap_unknown(&hosts.iter().map(|host| host.epoch).collect());
        let with_hosts = hosts.into_iter().map(|host| host.session);
        let with_deadlines = deadlines.into_iter().map(|(session, _)| session);
        for session in with_hosts.chain(with_deadlines).collect::<BTreeSet<_>>() {
            if let Err(rejected) = self.open(session).await {
                tracing::error!(%session, error = %rejected, "a session cannot be taken up again");
            }
        }
        Ok(())
    }

    /// The session, loaded if it was not in use.
    pub async fn open(self: &Arc<Self>, id: SessionId) -> Result<Handle, Rejected> {
        let slot = self.slot(id);
        let handle = slot.get_or_try_init(|| self.load(id)).await;
        match handle {
            Ok(handle) => Ok(handle.clone()),
            Err(rejected) => {
                self.forget_slot(id, &slot);
                Err(rejected)
            }
        }
    }

    /// Carries out a command. This is the one way to change a session. Says with the answer what remains where a limit holds.
    pub async fn submit(
        self: &Arc<Self>,
        mut command: Command,
        hash: [u8; 32],
    ) -> Result<(AcceptedAnswer, BTreeMap<String, String>), Refusal> {
        let mut admitted = Admitted::default();
        let (handle, mut notices) = match &mut command.action {
            Action::Start(start) => {
                let known = self.known_start(command.session, &command.key, hash);
                if let Some(accepted) = known.await? {
                    return Ok((accepted, BTreeMap::new()));
                }
                let notices = self.prepare(start).await?;
                let environment = start.environment.clone();
                // Before anything is made for it.
                admitted = self.limits.admit(&command)?;
                (self.create(command.session, environment).await?, notices)
            }
            _ => (self.open(command.session).await?, Vec::new()),
        };
        // Looked up while the actor is held: what it accepts from now on it knows by itself.
        if let Some(known) = self
            .store
            .command(command.key)
            .await
            .map_err(|error| broken(&error))?
        {
            return if known.payload_hash == hash {
                let answer = AcceptedAnswer {
                    sequence: known.sequence,
                    notices: known.notices,
                };
                Ok((answer, BTreeMap::new()))
            } else {
                Err(Rejected::KeyReused(command.key).into())
            };
        }
        if !matches!(command.action, Action::Start(_)) {
            admitted = self.limits.admit(&command)?;
        }
        notices.append(&mut admitted.notices);
        let (reply, answer) = oneshot::channel();
        let request = Request::Command(Asked {
            command: Box::new(command),
            hash,
            notices,
            reply,
        });
        let ended = || {
            Refusal::from(Rejected::Unavailable(
                "the session is being closed; try again".into(),
            ))
        };
        handle.mailbox.send(request).await.map_err(|_| ended())?;
        let accepted = answer.await.map_err(|_| ended())??;
        Ok((accepted, admitted.metadata))
    }

    /// Ends everything in good order; with `stop_agents`, the agents too.
    pub async fn shutdown(&self, stop_agents: bool) {
        let handles: Vec<Handle> = self
            .lock()
            .values()
            .filter_map(|slot| slot.get().cloned())
            .collect();
        for handle in &handles {
            // An actor that has ended already needs no asking.
            let _ended = handle
                .mailbox
                .send(Request::Shutdown {
                    stop_agent: stop_agents,
                })
                .await;
        }
        let all = async {
            for handle in &handles {
                handle.mailbox.closed().await;
            }
        };
        if tokio::time::timeout(SHUTDOWN_LIMIT, all).await.is_err() {
            tracing::warn!("some sessions did not end in time");
        }
    }

    /// The program and environment of a session's agent, as things stand now. Looks at files; must not run on the reactor.
    pub(crate) fn resolve(
        &self,
        info: &SessionInfo,
        options: &LaunchOptions,
        trusted: bool,
        environment: &Environment,
    ) -> Result<Resolved, Rejected> {
        let cwd = Path::new(&info.cwd);
        let mut resolved =
            agent::resolve(&self.settings, trusted, Some(&info.agent), cwd, environment)?;
        if !options.command.is_empty() {
            resolved.command =
                agent::resolve::absolute("--agent-command", &options.command, cwd, environment)?;
        }
        Ok(resolved)
    }

    /// Refuses an agent that is too old. Returns what the user should know about its version. It may run the program: this
    /// blocks. A command with arguments of its own is somebody's own program, of which nobody knows what it does with one more.
    pub(crate) fn supported(
        &self,
        resolved: &Resolved,
        cwd: &Path,
        client_env: &Environment,
    ) -> Result<Option<String>, Rejected> {
        if resolved.name.0 != AgentName::CLAUDE || resolved.command.len() != 1 {
            return Ok(None);
        }
        let mut environment = client_env.clone();
        environment.0.extend(resolved.environment.iter().cloned());
        let version = self
            .versions
            .of(&self.clock, &resolved.command, cwd, &environment);
        version.supported(&resolved.name)
    }

    /// The directory by which the user trusts this one, with links resolved: itself or one above it.
    pub(crate) async fn trusted_by(&self, directory: &str) -> Option<PathBuf> {
        let trusted = trust::trusted_by(&self.store, Path::new(directory)).await;
        trusted.ok().flatten()
    }

    /// The session is no longer in use.
    pub(crate) fn forget(&self, id: SessionId) {
        self.lock().remove(&id);
    }

    /// The session is deleted: those who watch it are told.
    pub(crate) fn deleted(&self, id: SessionId) {
        let slot = self.lock().remove(&id);
        if let Some(handle) = slot.as_ref().and_then(|slot| slot.get()) {
            handle.audience.dismiss();
        }
    }

    pub(crate) fn agent_began(&self) {
        self.agents.send_modify(|count| *count += 1);
    }

    pub(crate) fn agent_ended(&self) {
        self.agents
            .send_modify(|count| *count = count.saturating_sub(1));
    }

    pub(crate) fn need_changed(&self, needed: bool) {
        self.needed
            .send_modify(|count| *count = one_more_or_less(*count, needed));
    }

    pub(crate) fn work_changed(&self, works: bool) {
        self.working
            .send_modify(|count| *count = one_more_or_less(*count, works));
    }

    /// Ends the host in this directory if it lives, and removes what it left behind.
    pub(crate) fn reap(&self, directory: PathBuf) {
        self.tasks
            .spawn("reap an agent host", reap::reap(directory));
    }

    /// Ends hosts that no session knows: their sessions were deleted while no daemon could end them.
    fn reap_unknown(&self, known: &BTreeSet<HostEpoch>) {
        let Ok(entries) = std::fs::read_dir(self.settings.state_dir.join("hosts")) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let epoch = name.to_str().and_then(|name| name.parse().ok());
            if epoch.is_some_and(|epoch| !known.contains(&epoch)) {
                self.reap(entry.path());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Arc<OnceCell<Handle>>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, id: SessionId) -> Arc<OnceCell<Handle>> {
        let mut sessions = self.lock();
        let ended = |slot: &Arc<OnceCell<Handle>>| {
            slot.get().is_some_and(|handle| handle.mailbox.is_closed())
        };
        if sessions.get(&id).is_some_and(ended) {
            sessions.remove(&id);
        }
        sessions.entry(id).or_default().clone()
    }

    fn forget_slot(&self, id: SessionId, slot: &Arc<OnceCell<Handle>>) {
        let mut sessions = self.lock();
        if sessions
            .get(&id)
            .is_some_and(|current| Arc::ptr_eq(current, slot))
            && slot.get().is_none()
        {
            sessions.remove(&id);
        }
    }

    async fn load(self: &Arc<Self>, id: SessionId) -> Result<Handle, Rejected> {
        let loaded = self
            .store
            .open_log(id)
            .await
            .map_err(|error| broken(&error))?;
        let loaded = loaded.ok_or(Rejected::UnknownSession(id))?;
        let log = loaded.log.clone();
        let (mailbox, requests) = mpsc::channel(MAILBOX);
        let (audience, heard) = Audience::new();
        let actor = Actor::load(self.clone(), loaded, requests, (audience.clone(), heard))
            .await
            .map_err(|error| broken(&error))?;
        self.tasks.spawn("session", actor.run());
        Ok(Handle {
            log,
            mailbox,
            audience,
        })
    }

    async fn create(
        self: &Arc<Self>,
        id: SessionId,
        environment: Environment,
    ) -> Result<Handle, Rejected> {
        let slot = self.slot(id);
        let handle = slot
            .get_or_try_init(|| async {
                match self.load(id).await {
                    Err(Rejected::UnknownSession(_)) => {
                        let log = self.store.new_log(id);
                        let (mailbox, requests) = mpsc::channel(MAILBOX);
                        let (audience, heard) = Audience::new();
                        let actor = Actor::create(
                            self.clone(),
                            log.clone(),
                            environment,
                            requests,
                            (audience.clone(), heard),
                        );
                        self.tasks.spawn("session", actor.run());
                        Ok(Handle {
                            log,
                            mailbox,
                            audience,
                        })
                    }
                    loaded => loaded,
                }
            })
            .await;
        match handle {
            Ok(handle) => Ok(handle.clone()),
            Err(rejected) => {
                self.forget_slot(id, &slot);
                Err(rejected)
            }
        }
    }

    /// The earlier answer to a start that is asked for again: it must not depend on what is installed now.
    async fn known_start(
        &self,
        session: SessionId,
        key: &betcode_core::id::IdempotencyKey,
        hash: [u8; 32],
    ) -> Result<Option<AcceptedAnswer>, Refusal> {
        match self
            .store
            .command(*key)
            .await
            .map_err(|error| broken(&error))?
        {
            Some(known) if known.payload_hash == hash && known.session == session => {
                Ok(Some(AcceptedAnswer {
                    sequence: known.sequence,
                    notices: known.notices,
                }))
            }
            Some(_) => Err(Rejected::KeyReused(*key).into()),
            None => Ok(None),
        }
    }

    /// Finds out which agent a new session gets. Returns what the user should know about that.
    async fn prepare(self: &Arc<Self>, start: &mut StartSession) -> Result<Vec<String>, Rejected> {
        let machine = self.clone();
        let wanted = (!start.agent.0.is_empty()).then(|| start.agent.clone());
        let trusted = self.trusted_by(&start.cwd).await.is_some();
        let (cwd, environment) = (PathBuf::from(&start.cwd), start.environment.clone());
        let command = start.launch.command.clone();
        let resolved = tokio::task::spawn_blocking(move || {
            let mut resolved = agent::resolve(
                &machine.settings,
                trusted,
                wanted.as_ref(),
                &cwd,
                &environment,
            )?;
            if command.is_empty() {
                let doubt = machine.supported(&resolved, &cwd, &environment)?;
                resolved.notices.extend(doubt);
            } else {
                agent::resolve::absolute("--agent-command", &command, &cwd, &environment)?;
            }
            Ok::<Resolved, Rejected>(resolved)
        })
        .await
        .map_err(|error| Rejected::Unavailable(error.to_string()))??;
        start.agent = resolved.name;
        Ok(resolved.notices)
    }
}

fn one_more_or_less(count: usize, more: bool) -> usize {
    if more {
        count + 1
    } else {
        count.saturating_sub(1)
    }
}

fn broken(error: &ReadError) -> Rejected {
    Rejected::Unavailable(format!("the log cannot be read: {error}"))
}
