//! How long a command takes until it is acknowledged, which means on disk: by both ways, beside the bare database with the
//! same promise. And how long after somebody has allowed a tool its result is in the log.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use betcode_client::session::{Handle, Open, Position, Update};
use betcode_client::{Connection, Occasion};
use betcode_core::command::{Action, Command, PermissionAnswer};
use betcode_core::event::{ClientInfo, Event, EventBody, PermissionScope, TurnPolicy};
use betcode_core::id::{IdempotencyKey, SessionId};
use rusqlite::Connection as Database;

use super::profile::{Place, Profile};
use super::report::{Goal, Report, median, percentile};
use super::{Options, calibrate, goals};
use crate::{clock, workspace};

/// Commands of one repetition.
const COMMANDS: usize = 200;
/// Tools that are allowed in one repetition.
const TOOLS: usize = 20;
/// About what a command adds to the database.
const ROW: usize = 300;

/// One kind of figure: the medians and the 99th percentiles of the repetitions.
#[derive(Debug, Default)]
struct Figures {
    medians: Vec<f64>,
    highs: Vec<f64>,
}

impl Figures {
    fn take(&mut self, mut samples: Vec<f64>) {
        self.medians.push(percentile(&mut samples, 50));
        self.highs.push(percentile(&mut samples, 99));
    }

    fn add(&self, report: &mut Report, what: &str, goal: Goal, raw: f64) {
        let ratio = Some(median(&self.medians) / raw);
        report.add(format!("{what}, median"), "ms", goal, &self.medians, ratio);
        report.add(format!("{what}, 99 %"), "ms", Goal::None, &self.highs, None);
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Measures commands.
pub(super) fn run(
    place: &Place,
    options: &Options,
    _: calibrate::Raw,
    report: &mut Report,
) -> Result<()> {
    let repetitions = if options.quick { 3 } else { 9 };
    let daemon = place.profile()?.start()?;
    let session = daemon.session()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut client = runtime.block_on(Client::sit(&daemon.profile, session.id.parse()?))?;
    let (mut raw, mut calls, mut stream, mut tools) = (
        Figures::default(),
        Figures::default(),
        Figures::default(),
        Figures::default(),
    );
    for _ in 0..repetitions {
        raw.take(database()?);
        calls.take(runtime.block_on(client.calls())?);
        stream.take(runtime.block_on(client.stream())?);
        tools.take(runtime.block_on(client.tools())?);
    }
    let one = median(&raw.medians);
    raw.add(
        report,
        "calibration: bare database, one row, FULL",
        Goal::None,
        one,
    );
    let goal = Goal::Below(goals::COMMAND);
    calls.add(report, "a command is acknowledged, by a call", goal, one);
    stream.add(
        report,
        "a command is acknowledged, on the stream",
        goal,
        one,
    );
    tools.add(
        report,
        "from allowing a tool to its result",
        Goal::None,
        one,
    );
    daemon.stop()
}

/// One row in each transaction, on disk before the next.
fn database() -> Result<Vec<f64>> {
    let parent = workspace::target().join("bench");
    let directory = tempfile::Builder::new().prefix("raw-").tempdir_in(parent)?;
    let connection = Database::open(directory.path().join("raw.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.execute_batch("CREATE TABLE log (id INTEGER PRIMARY KEY, event BLOB NOT NULL)")?;
    let row = vec![b'x'; ROW];
    let mut samples = Vec::new();
    for _ in 0..COMMANDS {
        let begun = clock::now();
        connection
            .prepare_cached("INSERT INTO log (event) VALUES (?1)")?
            .execute((&row,))?;
        samples.push(milliseconds(begun.elapsed()));
    }
    Ok(samples)
}

/// The next of a row of ids.
fn id(number: &mut u64) -> String {
    *number += 1;
    format!(
        "00000000-0000-4000-8000-{:012x}",
        *number & 0xffff_ffff_ffff
    )
}

/// Somebody at a session.
struct Client {
    connection: Connection,
    handle: Handle,
    info: ClientInfo,
    session: SessionId,
    number: u64,
    /// Events that have come and were not looked at.
    events: VecDeque<Event>,
}

impl Client {
    async fn sit(profile: &Profile, session: SessionId) -> Result<Self> {
        let profile = profile.for_client();
        let connection = betcode_client::connect(&profile).await?;
        let connector = move |_: Occasion| {
            let profile = profile.clone();
            async move { betcode_client::connect(&profile).await }
        };
        let mut number = clock::nanoseconds();
        let info = ClientInfo {
            name: "bench".to_owned(),
            id: id(&mut number).parse()?,
            ..ClientInfo::default()
        };
        let open = Open {
            session,
            after: Position::default(),
            follow: true,
            client: info.clone(),
            observe: false,
        };
        let mut client = Self {
            handle: Handle::on(connection.clone(), connector, open),
            connection,
            info,
            session,
            number,
            events: VecDeque::new(),
        };
        while !matches!(client.handle.next().await, Update::Attached { .. }) {}
        Ok(client)
    }

    fn command(&mut self, action: Action) -> Result<Command> {
        let key: IdempotencyKey = id(&mut self.number).parse()?;
        Ok(Command {
            session: self.session,
            key,
            client: self.info.clone(),
            action,
        })
    }

    /// A small command that always has an effect.
    fn rename(&mut self) -> Result<Command> {
        let title = format!("title {}", self.number);
        self.command(Action::Rename { title })
    }

    async fn calls(&mut self) -> Result<Vec<f64>> {
        let mut samples = Vec::new();
        for _ in 0..COMMANDS {
            let command = self.rename()?;
            let begun = clock::now();
            let accepted = self.connection.submit(command).await?;
            samples.push(milliseconds(begun.elapsed()));
            ensure!(accepted.sequence.is_some(), "a command did nothing");
        }
        Ok(samples)
    }

    async fn stream(&mut self) -> Result<Vec<f64>> {
        let mut samples = Vec::new();
        for _ in 0..COMMANDS {
            let command = self.rename()?;
            let begun = clock::now();
            let accepted = self.handle.perform(command).await?;
            samples.push(milliseconds(begun.elapsed()));
            ensure!(accepted.sequence.is_some(), "a command did nothing");
        }
        Ok(samples)
    }

    async fn tools(&mut self) -> Result<Vec<f64>> {
        let message = Action::Message {
            text: format!("/demo permission command=true count={TOOLS}"),
            attachments: Vec::new(),
            policy: TurnPolicy::default(),
        };
        let command = self.command(message)?;
        self.handle.perform(command).await?;
        let mut samples = Vec::new();
        while samples.len() < TOOLS {
            let id = self
                .until(|body| match body {
                    EventBody::PermissionRequest(request) => Some(request.id.clone()),
                    _ => None,
                })
                .await?;
            let answer = PermissionAnswer::Allow {
                scope: PermissionScope::Once,
                input: None,
            };
            let command = self.command(Action::AnswerPermission { id, answer })?;
            let begun = clock::now();
            self.handle.send(command);
            self.until(|body| matches!(body, EventBody::ToolCallResult { .. }).then_some(()))
                .await?;
            samples.push(milliseconds(begun.elapsed()));
        }
        self.until(|body| matches!(body, EventBody::TurnComplete(_)).then_some(()))
            .await?;
        Ok(samples)
    }

    /// Waits for an event.
    async fn until<T>(&mut self, wanted: impl Fn(&EventBody) -> Option<T>) -> Result<T> {
        loop {
            while let Some(event) = self.events.pop_front() {
                if let Some(found) = wanted(&event.body) {
                    return Ok(found);
                }
            }
            match self.handle.next().await {
                Update::Events(batch) => self.events.extend(batch.events()?),
                Update::Outcome { outcome, .. } => {
                    outcome.context("an answer was refused")?;
                }
                Update::End(end) => bail!("the session's stream ended: {end:?}"),
                _ => {}
            }
        }
    }
}
