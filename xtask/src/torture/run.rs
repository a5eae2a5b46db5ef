//! Plays a round on real processes: starts clients, kills at the planned moments, waits until everything has settled,
//! and reads what was written down. It judges nothing.

use std::collections::BTreeSet;
use std::fs::File;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::check::{Client, ClientEnd};
use super::disk::Disk;
use super::log::{self, Entry, Frame};
use super::people::{Table, Tables};
use super::plan::{Action, Format, Prompt, Round, SLOTS, TABLES, Victim};
use super::random::Random;
use crate::clock;
use crate::lab::Lab;

/// How long a client may take after the last kill. An agent that has nothing to take up is given a minute.
const CLIENT_PATIENCE: Duration = Duration::from_secs(90);
/// How long a session may take until its turns have ended and dead hosts are noticed.
const SETTLING_PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at a condition that only another process can tell.
const PAUSE: Duration = Duration::from_millis(4);

/// How many were killed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kills {
    pub(super) daemons: u64,
    pub(super) hosts: u64,
    pub(super) agents: u64,
    pub(super) clients: u64,
    /// Attachments of people that broke off.
    pub(super) people: u64,
}

/// A session and everything that is known about it.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) id: String,
    /// A client has been told that it exists.
    exists: bool,
    pub(super) clients: Vec<Client>,
    pub(super) closed: bool,
    /// Its log as it was read last.
    pub(super) log: Vec<Entry>,
    pub(super) journal: Vec<Frame>,
    /// Why the log could not be read, or that it did not settle.
    pub(super) problem: Option<String>,
}

struct Running {
    slot: usize,
    prompt: Prompt,
    child: Child,
    killed: bool,
    file: std::path::PathBuf,
}

/// The machine under torture.
pub(super) struct Machine<'a> {
    lab: &'a Lab,
    ids: Random,
    pub(super) slots: Vec<Session>,
    running: Vec<Running>,
    pub(super) kills: Kills,
    /// Epochs of the hosts that were killed.
    pub(super) killed_hosts: BTreeSet<String>,
    /// Epochs of the hosts whose agent was killed.
    pub(super) killed_agents: BTreeSet<String>,
    /// Of the hosts, the ones that had not yet begun to start their agent.
    pub(super) killed_early: BTreeSet<String>,
    started: u64,
    people: Tables,
    pub(super) tables: Vec<Table>,
    /// The disk under the state, if it may run full.
    disk: Option<Disk>,
    random: Random,
}

impl<'a> Machine<'a> {
    pub(super) fn new(lab: &'a Lab, seed: u64, disk: Option<Disk>) -> Result<Self> {
        let mut machine = Self {
            lab,
            ids: Random::new(!seed),
            slots: Vec::new(),
            running: Vec::new(),
            kills: Kills::default(),
            killed_hosts: BTreeSet::new(),
            killed_agents: BTreeSet::new(),
            killed_early: BTreeSet::new(),
            started: 0,
            people: Tables::new(lab, seed)?,
            tables: Vec::new(),
            disk,
            random: Random::new(seed ^ 0x1a57),
        };
        machine.slots = (0..SLOTS).map(|_| machine.fresh()).collect();
        for _ in 0..TABLES {
            machine.tables.push(machine.people.make(lab)?);
        }
        Ok(machine)
    }

    fn fresh(&mut self) -> Session {
        let id = self.ids.id();
        Session {
            id,
            ..Session::default()
        }
    }

    /// Does what is planned and waits for everything that follows from it.
    pub(super) fn play(&mut self, round: &Round) -> Result<()> {
        let began = clock::now();
        for (at, action) in &round.actions {
            let due = began + Duration::from_millis(*at);
            std::thread::sleep(due.saturating_duration_since(clock::now()));
            match action {
                Action::Start(prompt) => self.start(prompt)?,
                Action::Kill(victim) => self.kill(*victim),
                Action::Do(table, deed) => {
                    if let Some(table) = self.tables.get_mut(*table) {
                        self.people.begin(table, deed)?;
                    }
                }
                Action::Fill(leave) => self.fill(*leave)?,
                Action::Free => {
                    if let Some(disk) = &self.disk {
                        disk.free()?;
                    }
                }
            }
        }
        self.wait_for_clients()?;
        self.people.answers(&mut self.tables);
        for (at, table) in self.tables.iter_mut().enumerate() {
            if round.finished.contains(&at) {
                self.people.finish(table, &mut self.random)?;
            }
            self.people.look(table, |id| read(self.lab, id))?;
        }
        self.kills.people = self.people.killed;
        for slot in 0..SLOTS {
            self.settle(slot)?;
        }
        Ok(())
    }

    fn fill(&mut self, leave: u64) -> Result<()> {
        let Some(disk) = &mut self.disk else {
            return Ok(());
        };
        for table in &mut self.tables {
            table.had_no_room = true;
        }
        disk.fill(leave)
    }

    /// How often the disk ran full.
    pub(super) fn filled(&self) -> u64 {
        self.disk.as_ref().map_or(0, |disk| disk.filled)
    }

    /// Keeps what would be gone with this process.
    pub(super) fn keep(&self) -> Result<()> {
        match &self.disk {
            Some(disk) => disk.keep(&self.lab.path("state-kept")),
            None => Ok(()),
        }
    }

    fn start(&mut self, prompt: &Prompt) -> Result<()> {
        let already = self.running.iter().any(|it| it.slot == prompt.slot);
        let Some(session) = self.slots.get(prompt.slot) else {
            return Ok(());
        };
        // A session that nobody has seen yet is made by one client alone.
        if already && !session.exists {
            return Ok(());
        }
        let which = if session.exists {
            "--resume"
        } else {
            "--session-id"
        };
        let format = match prompt.format {
            Format::Text => "text",
            Format::Events => "events",
        };
        let words = prompt.scenario.prompt();
        self.started += 1;
        let file = self.lab.path("out").join(self.started.to_string());
        let child = self
            .lab
            .betcode([
                "-p",
                "--agent",
                "demo",
                which,
                &session.id,
                "--output-format",
                format,
                &words,
            ])
            .env("BETCODE_DEMO_JOURNAL", self.journal(&session.id))
            .stdout(File::create(&file)?)
            .stderr(File::create(file.with_extension("err"))?)
            .spawn()
            .context("cannot run betcode")?;
        self.running.push(Running {
            slot: prompt.slot,
            prompt: prompt.clone(),
            child,
            killed: false,
            file,
        });
        Ok(())
    }

    fn journal(&self, session: &str) -> std::path::PathBuf {
        self.lab.path("out").join(format!("{session}.journal"))
    }

    fn kill(&mut self, victim: Victim) {
        match victim {
            Victim::Daemon => {
                if self.lab.daemon().is_some_and(|daemon| daemon.kill()) {
                    self.kills.daemons += 1;
                }
            }
            Victim::Host(which) => {
                let hosts = self.lab.hosts();
                let chosen = usize::try_from(which % (hosts.len().max(1) as u64)).unwrap_or(0);
                let Some(host) = hosts.get(chosen) else {
                    return;
                };
                if host.process.kill() {
                    self.kills.hosts += 1;
                    self.killed_hosts.insert(host.epoch.clone());
                    if !host.started {
                        self.killed_early.insert(host.epoch.clone());
                    }
                }
            }
            Victim::Agent(which) => {
                let agents = self.lab.agents();
                let chosen = usize::try_from(which % (agents.len().max(1) as u64)).unwrap_or(0);
                let Some((epoch, agent)) = agents.get(chosen) else {
                    return;
                };
                if agent.kill() {
                    self.kills.agents += 1;
                    self.killed_agents.insert(epoch.clone());
                }
            }
            Victim::Client(which) => {
                let mut live: Vec<&mut Running> =
                    self.running.iter_mut().filter(|it| !it.killed).collect();
                let chosen = usize::try_from(which % (live.len().max(1) as u64)).unwrap_or(0);
                let Some(client) = live.get_mut(chosen) else {
                    return;
                };
                let lives = matches!(client.child.try_wait(), Ok(None));
                if lives && client.child.kill().is_ok() {
                    client.killed = true;
                    self.kills.clients += 1;
                }
            }
        }
    }

    fn wait_for_clients(&mut self) -> Result<()> {
        let deadline = clock::now() + CLIENT_PATIENCE;
        for mut running in std::mem::take(&mut self.running) {
            let end = wait(&mut running.child, running.killed, deadline);
            if end == ClientEnd::Hung {
                let _ = running.child.kill();
                let _ = running.child.wait();
            }
            let said = std::fs::read(running.file.with_extension("err")).unwrap_or_default();
            let said = String::from_utf8_lossy(&said);
            let client = Client {
                prompt: running.prompt.scenario.prompt(),
                format: running.prompt.format,
                end,
                printed: String::from_utf8_lossy(&std::fs::read(&running.file)?).into_owned(),
                said: said.trim().replace('\n', " | "),
            };
            if let Some(session) = self.slots.get_mut(running.slot) {
                session.clients.push(client);
            }
        }
        Ok(())
    }

    /// Reads a session until nothing more can come.
    fn settle(&mut self, slot: usize) -> Result<()> {
        let Some(session) = self
            .slots
            .get(slot)
            .filter(|session| !session.clients.is_empty())
        else {
            return Ok(());
        };
        let id = session.id.clone();
        let deadline = clock::now() + SETTLING_PATIENCE;
        let (log, problem) = loop {
            let read = self.read(&id)?;
            let waits = match &read {
                Ok(log) if !log::is_settled(log) => "it does not settle".to_owned(),
                Ok(log) if self.owes_an_end(log) => {
                    "the end of a killed host or agent is not recorded".to_owned()
                }
                Ok(_) => break (read.unwrap_or_default(), None),
                Err(problem) => problem.clone(),
            };
            // A session whose only client was killed or refused may never have come to be.
            let unknown = read.is_err() && !session.exists && waits.contains("there is no session");
            if unknown || clock::now() >= deadline {
                break (read.unwrap_or_default(), (!unknown).then_some(waits));
            }
            std::thread::sleep(PAUSE);
        };
        let journal = std::fs::read(self.journal(&id)).unwrap_or_default();
        if let Some(session) = self.slots.get_mut(slot) {
            session.exists = !log.is_empty();
            session.log = log;
            session.journal = log::frames(&String::from_utf8_lossy(&journal));
            session.problem = problem;
        }
        Ok(())
    }

    /// True while a host that was killed is in the log and its end is not.
    fn owes_an_end(&self, log: &[Entry]) -> bool {
        let mut owed = BTreeSet::new();
        for entry in log {
            match entry.kind.as_str() {
                "agent_starting"
                    if self.killed_hosts.contains(&entry.host)
                        || self.killed_agents.contains(&entry.host) =>
                {
                    owed.insert(&entry.host);
                }
                "agent_exited" => {
                    owed.remove(&entry.host);
                }
                // Killed before it began, and begun again by the next daemon.
                "agent_started" if self.killed_early.contains(&entry.host) => {
                    owed.remove(&entry.host);
                }
                _ => {}
            }
        }
        !owed.is_empty()
    }

    /// A session's log as the command prints it.
    pub(super) fn read(&self, id: &str) -> Result<Result<Vec<Entry>, String>> {
        read(self.lab, id)
    }

    /// Closes a session with people and puts a new one in its place.
    pub(super) fn leave(&mut self, at: usize) -> Result<Option<Table>> {
        let mut fresh = self.people.make(self.lab)?;
        // That the disk was full is told a moment longer than it is.
        fresh.had_no_room = self.filled() > 0;
        let Some(place) = self.tables.get_mut(at) else {
            return Ok(None);
        };
        let mut old = std::mem::replace(place, fresh);
        Tables::close(&mut old, self.lab)?;
        self.people.look(&mut old, |id| read(self.lab, id))?;
        Ok(Some(old))
    }

    /// Closes a session, waits until its agent has ended, and puts a new one in its place.
    pub(super) fn retire(&mut self, slot: usize) -> Result<Option<Session>> {
        let fresh = self.fresh();
        let Some(place) = self.slots.get_mut(slot).filter(|session| session.exists) else {
            return Ok(None);
        };
        let mut old = std::mem::replace(place, fresh);
        let output = self
            .lab
            .betcode(["session", "close", &old.id])
            .stdout(Stdio::null())
            .output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            old.problem = Some(format!("it cannot be closed: {}", said.trim()));
        }
        old.closed = true;
        let ended = |log: &Vec<Entry>| {
            let count = |kind: &str| log.iter().filter(|entry| entry.kind == kind).count();
            count("agent_starting") == count("agent_exited")
        };
        let deadline = clock::now() + SETTLING_PATIENCE;
        loop {
            match self.read(&old.id)? {
                Ok(log) if ended(&log) || clock::now() >= deadline => {
                    old.log = log;
                    return Ok(Some(old));
                }
                Err(problem) if clock::now() >= deadline => {
                    old.problem = Some(problem);
                    return Ok(Some(old));
                }
                Ok(_) | Err(_) => std::thread::sleep(PAUSE),
            }
        }
    }
}

fn read(lab: &Lab, id: &str) -> Result<Result<Vec<Entry>, String>> {
    let output = lab.betcode(["session", "events", id, "--json"]).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code();
        return Ok(Err(format!(
            "session events ended with {code:?}: {}",
            said.trim()
        )));
    }
    Ok(log::entries(&String::from_utf8_lossy(&output.stdout)))
}

fn wait(child: &mut Child, killed: bool, deadline: Instant) -> ClientEnd {
    loop {
        match child.try_wait() {
            Ok(Some(_)) if killed => return ClientEnd::Killed,
            Ok(Some(status)) => return ClientEnd::Exited(status.code()),
            Ok(None) if clock::now() < deadline => std::thread::sleep(PAUSE),
            Ok(None) | Err(_) => return ClientEnd::Hung,
        }
    }
}
