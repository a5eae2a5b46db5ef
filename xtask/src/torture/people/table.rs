//! Sessions with people: made, played on, brought to rest, looked at, closed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use betcode_client::session::{Handle, Open, Position, Update};
use betcode_client::{Occasion, Profile};
use betcode_core::command::{Action, Command, Environment, LaunchOptions, StartSession};
use betcode_core::event::{ClientInfo, ClientKind, Status};
use betcode_core::id::{ClientId, IdempotencyKey, SessionId};
use tokio::runtime::Handle as Runtime;

use super::act::{Doing, answer};
use super::board::Board;
use super::deeds::{Deed, How, PEOPLE, Way, What};
use super::person::{Person, Reach, Shared};
use crate::clock;
use crate::lab::Lab;
use crate::torture::check::people::{Act, Outcome, Said, Shown, Told};
use crate::torture::log::{self, Entry, Frame};
use crate::torture::random::Random;

/// How long everything together may take after the last kill.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(4);

/// What all sessions with people share.
#[derive(Debug)]
pub(in crate::torture) struct Tables {
    runtime: Runtime,
    reach: Reach,
    ids: Random,
    sittings: u64,
    /// Attachments of clients that were killed.
    vanished: BTreeSet<u64>,
    pub(in crate::torture) killed: u64,
    deeds: Vec<tokio::task::JoinHandle<()>>,
}

/// One session with its people.
#[derive(Debug)]
pub(in crate::torture) struct Table {
    pub(in crate::torture) id: String,
    shared: Shared,
    people: Vec<Person>,
    pub(in crate::torture) closed: bool,
    /// The disk ran full in its life.
    pub(in crate::torture) had_no_room: bool,
    pub(in crate::torture) log: Vec<Entry>,
    pub(in crate::torture) journal: Vec<Frame>,
    pub(in crate::torture) ran_before: Vec<String>,
    pub(in crate::torture) ran_after: Vec<String>,
    pub(in crate::torture) shown: Option<Shown>,
    pub(in crate::torture) said: Vec<Said>,
    pub(in crate::torture) told: Vec<Told>,
    pub(in crate::torture) problems: Vec<String>,
    ran: std::path::PathBuf,
    journal_file: std::path::PathBuf,
}

impl Tables {
    /// The clients run on a thread of their own, for as long as the task does.
    pub(in crate::torture) fn new(lab: &Lab, seed: u64) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        std::thread::Builder::new()
            .name("people".to_owned())
            .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
        let command = lab.betcode(["daemon", "run", "--auto"]);
        let program = std::iter::once(command.get_program());
        let reach = Reach {
            profile: Profile {
                config_dir: lab.path("config"),
                state_dir: lab.state(),
                socket: None,
            },
            command: program.chain(command.get_args()).map(Into::into).collect(),
            environment: command
                .get_envs()
                .filter_map(|(name, value)| Some((name.into(), value?.into())))
                .collect(),
        };
        Ok(Self {
            runtime: handle,
            reach,
            ids: Random::new(seed ^ 0x7e0b_1e00),
            sittings: 0,
            vanished: BTreeSet::new(),
            killed: 0,
            deeds: Vec::new(),
        })
    }

    fn id(&mut self) -> String {
        self.ids.id()
    }

    fn key(&mut self) -> Result<IdempotencyKey> {
        self.id().parse().context("not an id")
    }

    fn person(&mut self, place: usize) -> Result<ClientInfo> {
        let kind = match place {
            0 | 1 => ClientKind::Interactive,
            2 => ClientKind::Run,
            _ => ClientKind::OneShot,
        };
        Ok(ClientInfo {
            name: format!("person {place}"),
            place: "torture".to_owned(),
            id: self.id().parse().context("not an id")?,
            kind,
        })
    }

    /// Makes a session with people who are not there yet.
    pub(in crate::torture) fn make(&mut self, lab: &Lab) -> Result<Table> {
        let id = self.id();
        let session: SessionId = id.parse().context("not an id")?;
        let people = (0..PEOPLE)
            .map(|place| Ok(Person::new(self.person(place)?)))
            .collect::<Result<Vec<_>>>()?;
        let shared = Shared {
            session,
            reach: self.reach.clone(),
            board: Arc::new(Mutex::new(Board::default())),
        };
        let journal_file = lab.path("out").join(format!("{id}.journal"));
        let environment = [
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("HOME", lab.path("home").display().to_string()),
            ("BETCODE_DEMO_JOURNAL", journal_file.display().to_string()),
        ];
        let start = StartSession {
            agent: "demo".into(),
            cwd: lab.path("work").display().to_string(),
            title: String::new(),
            launch: LaunchOptions::default(),
            environment: Environment(
                environment
                    .map(|(name, value)| (name.to_owned(), value))
                    .into(),
            ),
        };
        let command = Command {
            session,
            key: self.key()?,
            client: self.person(PEOPLE)?,
            action: Action::Start(Box::new(start)),
        };
        self.runtime
            .block_on(self.runtime.spawn(shared.clone().call(command, Act::Start)))?;
        let ran = lab.path("out").join(format!("{id}.ran"));
        std::fs::write(&ran, "")?;
        Ok(Table {
            id,
            shared,
            people,
            closed: false,
            had_no_room: false,
            log: Vec::new(),
            journal: Vec::new(),
            ran_before: Vec::new(),
            ran_after: Vec::new(),
            shown: None,
            said: Vec::new(),
            told: Vec::new(),
            problems: Vec::new(),
            ran,
            journal_file,
        })
    }

    /// Begins a deed. What it waits for, it waits for by itself.
    pub(in crate::torture) fn begin(&mut self, table: &mut Table, deed: &Deed) -> Result<()> {
        let keys = [self.key()?, self.key()?];
        let (next, new): (u64, ClientId) =
            (self.sittings + 1, self.id().parse().context("not an id")?);
        let other = table
            .people
            .get((deed.person + 1) % PEOPLE)
            .map(Person::line);
        let Some(person) = table.people.get_mut(deed.person) else {
            return Ok(());
        };
        match deed.what {
            What::Sit { observe } => {
                self.sittings = next;
                person.sit(&table.shared, &self.runtime, next, observe);
            }
            What::Leave => drop(person.leave()),
            What::Vanish => {
                if let Some(sitting) = person.vanish(new) {
                    self.vanished.insert(sitting);
                    self.killed += 1;
                }
            }
            _ => {
                let line = person.line();
                let doing = Doing {
                    shared: table.shared.clone(),
                    other: other.unwrap_or_else(|| line.clone()),
                    line,
                    way: deed.way,
                    which: deed.which,
                    keys,
                    file: table.ran.display().to_string(),
                };
                let task = self.runtime.spawn(doing.perform(deed.what.clone()));
                self.deeds.push(task);
            }
        }
        Ok(())
    }

    /// Waits until every command has its answer.
    pub(in crate::torture) fn answers(&mut self, tables: &mut [Table]) {
        let deeds = &mut self.deeds;
        clock::poll(PATIENCE, PAUSE, || {
            deeds.retain(|deed| !deed.is_finished());
            deeds.is_empty().then_some(())
        });
        for deed in deeds.drain(..) {
            deed.abort();
        }
        for table in tables {
            let gone = &self.vanished;
            clock::poll(PATIENCE, PAUSE, || {
                let mut board = table.shared.board();
                for said in &mut board.said {
                    let killed = said.sitting.is_some_and(|sitting| gone.contains(&sitting));
                    if killed && said.outcome == Outcome::Open {
                        said.outcome = Outcome::Gone;
                    }
                }
                let open = board.said.iter().any(|said| said.outcome == Outcome::Open);
                (!open).then_some(())
            });
        }
    }

    /// Everybody leaves, and one who comes last answers whatever is asked until the agent rests.
    pub(in crate::torture) fn finish(
        &mut self,
        table: &mut Table,
        random: &mut Random,
    ) -> Result<()> {
        Self::everybody_leaves(table);
        let mut last = Person::new(ClientInfo {
            name: "the last".to_owned(),
            ..self.person(0)?
        });
        self.sittings += 1;
        last.sit(&table.shared, &self.runtime, self.sittings, false);
        let deadline = clock::now() + PATIENCE;
        let mut quiet = 0;
        // It has been at rest for a few looks: what was under way has been seen.
        while quiet < 5 {
            if clock::now() >= deadline {
                table.problems.push(
                    "the agent does not come to rest although everything is answered".to_owned(),
                );
                break;
            }
            let (pending, rests) = {
                let board = table.shared.board();
                let rests = matches!(
                    board.status,
                    None | Some(Status::Idle | Status::Crashed | Status::Error)
                );
                (board.pending(), rests && board.queued.is_empty())
            };
            for (id, open) in &pending {
                let how = if random.chance(2, 3) {
                    How::Allow
                } else {
                    How::Deny
                };
                let (action, act) = answer(id, open, how);
                let command = Command {
                    session: table.shared.session,
                    key: self.key()?,
                    client: last.info.clone(),
                    action,
                };
                let (line, shared) = (last.line(), table.shared.clone());
                let send = async move { line.send(&shared, Way::Call, command, act).await };
                self.runtime.block_on(self.runtime.spawn(send))?;
            }
            let rests = rests && pending.is_empty();
            quiet = if rests { quiet + 1 } else { 0 };
            std::thread::sleep(PAUSE);
        }
        if let Some(task) = last.leave() {
            wait(&task);
        }
        Ok(())
    }

    fn everybody_leaves(table: &mut Table) {
        for person in &mut table.people {
            if let Some(task) = person.leave() {
                wait(&task);
            }
        }
    }

    /// Reads everything that was written down, at a moment at which nothing happens.
    pub(in crate::torture) fn look(
        &self,
        table: &mut Table,
        read: impl Fn(&str) -> Result<Result<Vec<Entry>, String>>,
    ) -> Result<()> {
        let deadline = clock::now() + PATIENCE;
        table.shown = None;
        loop {
            let ran_before = lines(&table.ran);
            let before = read(&table.id)?;
            let shown = if table.closed {
                Some((before.as_ref().map_or(0, Vec::len) as u64, None))
            } else {
                self.runtime
                    .block_on(self.runtime.spawn(shown(table.shared.clone())))?
                    .map(|(head, shown)| (head, Some(shown)))
            };
            let journal = std::fs::read(&table.journal_file).unwrap_or_default();
            // Before the log is read again: what anybody was told is in it then.
            let (said, told) = table.spoken();
            let after = read(&table.id)?;
            let ran_after = lines(&table.ran);
            let why = match (&before, &after, &shown) {
                (Ok(before), Ok(after), Some((head, _)))
                    if before.len() == after.len()
                        && *head == after.len() as u64
                        && rests(after) =>
                {
                    None
                }
                (Err(problem), _, _) | (_, Err(problem), _) => Some(problem.clone()),
                _ => Some("it does not come to rest".to_owned()),
            };
            let late = clock::now() >= deadline;
            if why.is_some() && !late {
                std::thread::sleep(PAUSE);
                continue;
            }
            table.shown = shown.filter(|_| why.is_none()).and_then(|(_, shown)| shown);
            table.problems.extend(why);
            table.problems.append(&mut table.shared.board().problems);
            let troubles = std::mem::take(&mut table.shared.board().troubles);
            let expected = |trouble: &String| table.had_no_room && trouble.contains("is full");
            let unexpected = troubles.into_iter().filter(|trouble| !expected(trouble));
            let unexpected =
                unexpected.map(|trouble| format!("nothing can be recorded: {trouble}"));
            table.problems.extend(unexpected.collect::<Vec<_>>());
            table.log = after.unwrap_or_default();
            table.journal = log::frames(&String::from_utf8_lossy(&journal));
            (table.ran_before, table.ran_after) = (ran_before, ran_after);
            (table.said, table.told) = (said, told);
            return Ok(());
        }
    }

    /// Everybody leaves, and the session is closed.
    pub(in crate::torture) fn close(table: &mut Table, lab: &Lab) -> Result<()> {
        Self::everybody_leaves(table);
        let output = lab.betcode(["session", "close", &table.id]).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            table
                .problems
                .push(format!("it cannot be closed: {}", said.trim()));
        }
        table.closed = true;
        Ok(())
    }
}

impl Table {
    /// What was said and told so far.
    fn spoken(&self) -> (Vec<Said>, Vec<Told>) {
        let board = self.shared.board();
        (board.said.clone(), board.told.clone())
    }
}

/// Waits until a client has left.
fn wait(task: &tokio::task::JoinHandle<()>) {
    clock::poll(PATIENCE, PAUSE, || task.is_finished().then_some(()));
    task.abort();
}

fn lines(path: &std::path::Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// True when nothing more comes by itself: the agent waits for somebody, or rests, or is gone for good.
fn rests(log: &[Entry]) -> bool {
    let count = |kind: &str| log.iter().filter(|entry| entry.kind == kind).count();
    let mut changes = log.iter().filter(|entry| entry.kind == "status_change");
    let last = changes
        .next_back()
        .map_or("", |entry| entry.status.as_str());
    if last == "closed" {
        return count("agent_starting") == count("agent_exited");
    }
    matches!(last, "" | "idle" | "waiting_for_user" | "crashed" | "error")
}

/// What somebody is shown who comes now.
async fn shown(shared: Shared) -> Option<(u64, Shown)> {
    let connection = shared.reach.insist().await?;
    let details = connection
        .get_session(&shared.session.to_string())
        .await
        .ok()?;
    let audit = connection
        .list_audit(Some(shared.session), 10_000, None)
        .await
        .ok()?;
    let reach = shared.reach.clone();
    let connector = move |_: Occasion| {
        let reach = reach.clone();
        async move { reach.connect().await }
    };
    let open = Open {
        session: shared.session,
        after: Position::default(),
        follow: false,
        client: ClientInfo {
            name: "reader".to_owned(),
            kind: ClientKind::OneShot,
            ..ClientInfo::default()
        },
        observe: true,
    };
    let mut handle = Handle::on(connection, connector, open);
    loop {
        match handle.next().await {
            Update::Attached { head, standing, .. } => {
                let permissions = standing.permissions.iter().map(|it| it.id.to_string());
                let questions = standing.questions.iter().map(|it| it.id.to_string());
                let waiting = |unknown: bool| {
                    let here = details.messages.iter();
                    here.filter(|waiting| waiting.delivery_unknown == unknown)
                        .map(|waiting| waiting.message.message_id.to_string())
                        .collect()
                };
                let shown = Shown {
                    requests: permissions.chain(questions).collect(),
                    holder: standing.lock.holder.map(|holder| holder.id.to_string()),
                    asking: standing
                        .lock
                        .requests
                        .iter()
                        .map(|(by, _)| by.id.to_string())
                        .collect(),
                    queued: waiting(false),
                    unknown: waiting(true),
                    decisions: audit
                        .iter()
                        .map(|entry| (entry.request.to_string(), entry.outcome.clone()))
                        .collect(),
                };
                return Some((head.0, shown));
            }
            Update::End(_) => return None,
            _ => {}
        }
    }
}
