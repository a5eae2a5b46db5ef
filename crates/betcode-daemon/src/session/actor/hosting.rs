//! The agent's host as the actor sees it: starting it, finding it again, reading on, and noticing its end.
//!
//! States: none → opening (being started or looked for) → up → drained; or opening → gone → drained. A host that is gone
//! is read to the end of its spool before its end is recorded.

mod opening;

use std::io;
use std::path::PathBuf;
use std::pin::Pin;

use betcode_agents::{Agent, Kind, refusal};
use betcode_core::event::{AgentExit, EventBody};
use betcode_core::id::{FrameNumber, HostEpoch};
use betcode_core::session::{AgentWanted, HostNews, Progress, Refused};
use betcode_core::time::Timestamp;
use betcode_host::protocol::{FromHost, ToHost};
use betcode_host::{remains, spool};

use super::{Actor, Life};
use crate::session::launch;
use crate::session::link::{self, Link, Opened};
use crate::session::reader::{CHUNK, Extent, LineReader, Lines};
use crate::store::{HostRow, HostState};

/// How long an agent may take to end when it is asked to.
const STOP_GRACE_MS: u32 = 3_000;

type Opening = Pin<Box<dyn Future<Output = Opened> + Send>>;

/// The agent's host.
pub(super) enum Host {
    /// There is none.
    None,
    /// There is one.
    Some(Box<Attached>),
}

/// What the actor knows of a host.
pub(super) struct Attached {
    epoch: HostEpoch,
    directory: PathBuf,
    connection: Connection,
    reader: LineReader,
    /// The end of what the spool holds.
    available: u64,
    /// Frames that are committed and that the host has not acknowledged.
    outbox: Vec<(FrameNumber, Vec<u8>)>,
    written: FrameNumber,
    /// How the agent ended, once that is known; reported when everything has been read.
    exit: Option<(AgentExit, String)>,
    /// The largest window that was asked for.
    window: u64,
    /// It was told that nothing more will come.
    closing: bool,
    /// It was asked to end.
    stopping: bool,
    output: Output,
}

/// What becomes of the agent's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    /// It is read as it comes.
    Read,
    /// What comes next is gone, although its host lives: nothing is read before the host has ended.
    Gone,
    /// Everything is read, and its end is reported.
    Reported,
}

enum Connection {
    Opening(Opening),
    Up(Link),
    Gone,
}

/// What happened at the host.
pub(super) enum HostEvent {
    Opened(Opened),
    Said(Vec<FromHost>),
    Lost,
    /// There is output to be read.
    Output,
}

impl Host {
    /// Waits for the next thing. Pending for ever when there is no host. Dropping the future loses nothing.
    pub(super) async fn next(&mut self, can_read: bool) -> HostEvent {
        let Self::Some(host) = self else {
            return std::future::pending().await;
        };
        if can_read && host.has_output() {
            return HostEvent::Output;
        }
        match &mut host.connection {
            Connection::Opening(opening) => HostEvent::Opened(opening.await),
            Connection::Up(link) => match link.receive().await {
                Ok(messages) => HostEvent::Said(messages),
                Err(_) => HostEvent::Lost,
            },
            Connection::Gone => std::future::pending().await,
        }
    }

    /// Gives every whole line of the next chunk to `each`.
    pub(super) fn read_lines(&mut self, each: impl FnMut(&[u8])) -> io::Result<Lines> {
        let Self::Some(host) = self else {
            return Ok(Lines::default());
        };
        let finished = host.exit.is_some();
        let extent = Extent {
            end: host.available,
            finished,
            abandoned: finished || matches!(host.connection, Connection::Gone),
        };
        let lines = host.reader.read_on(extent, each)?;
        host.widen_window();
        Ok(lines)
    }

    /// Everything below this offset is committed.
    pub(super) fn commit(&mut self, offset: u64) {
        if let Self::Some(host) = self
            && let Connection::Up(link) = &mut host.connection
        {
            link.send(&ToHost::Committed { offset });
        }
    }

    /// Frames whose batch is committed.
    pub(super) fn send_frames(&mut self, frames: Vec<(FrameNumber, Vec<u8>)>) {
        let Self::Some(host) = self else { return };
        for (number, bytes) in frames {
            if let Connection::Up(link) = &mut host.connection {
                link.send_frame(number.0, &bytes);
            }
            host.outbox.push((number, bytes));
        }
    }

    /// Ends the host because what it has written is gone. Says where that was.
    pub(super) fn give_up(&mut self) -> Option<PathBuf> {
        let Self::Some(host) = self else { return None };
        host.output = Output::Gone;
        let place = host.directory.clone();
        self.stop();
        Some(place)
    }

    /// Asks the agent to end.
    pub(super) fn stop(&mut self) {
        let Self::Some(host) = self else { return };
        if std::mem::replace(&mut host.stopping, true) {
            return;
        }
        if let Connection::Up(link) = &mut host.connection {
            link.send(&ToHost::Stop {
                grace_ms: STOP_GRACE_MS,
            });
        }
    }

    /// Tells the agent that nothing more will come.
    fn close_stdin(&mut self) {
        let Self::Some(host) = self else { return };
        if !std::mem::replace(&mut host.closing, true)
            && let Connection::Up(link) = &mut host.connection
        {
            link.send(&ToHost::CloseStdin);
        }
    }

    /// True when there is output that has not been read.
    pub(super) fn has_unread(&self) -> bool {
        matches!(self, Self::Some(host) if host.has_output())
    }

    /// True when there is one.
    pub(super) fn is_present(&self) -> bool {
        matches!(self, Self::Some(_))
    }

    /// The spool segment and the offset up to which the output of this host is in events; 0 for one that is yet to come.
    pub(super) fn position(&self, epoch: HostEpoch) -> (u64, u64) {
        match self {
            Self::Some(host) if host.epoch == epoch => (host.reader.segment(), host.reader.taken()),
            _ => (0, 0),
        }
    }

    /// The last frame that the host has written.
    pub(super) fn written(&self) -> Option<(HostEpoch, FrameNumber)> {
        match self {
            Self::Some(host) if host.written.0 > 0 => Some((host.epoch, host.written)),
            _ => None,
        }
    }
}

impl Attached {
    fn new(epoch: HostEpoch, directory: PathBuf, offset: u64, opening: Opening) -> Self {
        Self {
            epoch,
            reader: LineReader::open(&directory, offset),
            directory,
            connection: Connection::Opening(opening),
            available: offset,
            outbox: Vec::new(),
            written: FrameNumber(0),
            exit: None,
            window: betcode_host::spec::DEFAULT_WINDOW,
            closing: false,
            stopping: false,
            output: Output::Read,
        }
    }

    fn has_output(&self) -> bool {
        match (self.output, &self.exit) {
            (Output::Reported, _) => self.is_behind(),
            (Output::Gone, None) => false,
            (Output::Gone, Some(_)) => true,
            (Output::Read, exit) => self.is_behind() || exit.is_some(),
        }
    }

    fn is_behind(&self) -> bool {
        self.reader.position() < self.available
    }

    /// A line longer than the window could never end: the host is asked for more.
    fn widen_window(&mut self) {
        let open_line = self.reader.position() - self.reader.taken();
        if open_line + CHUNK as u64 > self.window
            && let Connection::Up(link) = &mut self.connection
        {
            self.window = (open_line + CHUNK as u64) * 2;
            link.send(&ToHost::Window { bytes: self.window });
        }
    }

    fn acknowledged(&mut self, frame: FrameNumber) {
        self.written = self.written.max(frame);
        self.outbox.retain(|(number, _)| *number > self.written);
    }

    /// The host's process is gone: what it left says how the agent ended.
    fn read_remains(&mut self) {
        let tail = remains::stderr_tail(&self.directory).unwrap_or_default();
        let stderr = String::from_utf8_lossy(&tail).into_owned();
        self.connection = Connection::Gone;
        let (exit, end) = match remains::read_exit(&self.directory) {
            Ok(Some(exit)) => (
                how_it_ended(exit.code, exit.signal, exit.error),
                exit.stdout_end,
            ),
            Ok(None) | Err(_) => (
                AgentExit::HostLost,
                spool::end(&self.directory).unwrap_or(self.available),
            ),
        };
        self.available = self.available.max(end);
        self.exit = Some((exit, stderr));
    }
}

fn how_it_ended(code: Option<i32>, signal: Option<i32>, error: Option<String>) -> AgentExit {
    match (error, code, signal) {
        (Some(reason), _, _) => AgentExit::NotStarted { reason },
        (None, Some(code), _) => AgentExit::Code { code },
        (None, None, Some(signal)) => AgentExit::Signal { signal },
        (None, None, None) => AgentExit::HostLost,
    }
}

impl Actor {
    /// Called for each event that is being recorded, before it is applied.
    pub(super) fn host_decided(&mut self, body: &EventBody, now: Timestamp) {
        let row = |epoch, state| HostRow {
            epoch,
            session: self.log.id(),
            state,
            created: now,
        };
        match body {
            EventBody::AgentStarting { host, .. } => {
                self.batch.hosts.push(row(*host, HostState::Starting));
                self.batch.start = Some(*host);
                self.batch.clear_outbox = true;
                self.parser =
                    Agent::new(Kind::of(&self.session.info().agent).unwrap_or(Kind::ClaudeCode));
                self.progress = Progress::default();
                self.next_frame = FrameNumber(1);
            }
            EventBody::AgentStarted { host, .. } => {
                self.batch.hosts.push(row(*host, HostState::Running));
            }
            EventBody::AgentExited { host, .. } => {
                self.batch.hosts.push(row(*host, HostState::Ended));
                self.batch.ended = Some(*host);
                self.batch.clear_outbox = true;
                self.batch.frames.clear();
                self.context_unanswered();
            }
            _ => {}
        }
    }

    /// The session is deleted: its host is nobody's from the commit on, and is ended then.
    pub(super) fn record_host_gone(&mut self, now: Timestamp) {
        if let Some(epoch) = self.session.agent().host() {
            self.batch.hosts.push(HostRow {
                epoch,
                session: self.log.id(),
                state: HostState::Ended,
                created: now,
            });
        }
    }

    /// The machine counts a session's agent once, however often it is found again.
    fn count_agent(&mut self, present: bool) {
        if std::mem::replace(&mut self.counted, present) != present {
            if present {
                self.machine.agent_began();
            } else {
                self.machine.agent_ended();
            }
        }
    }

    pub(super) fn host_event(&mut self, event: HostEvent) {
        match event {
            HostEvent::Output => {
                self.read_output();
                self.report_exit();
            }
            HostEvent::Opened(opened) => self.opened(opened),
            HostEvent::Said(messages) => messages
                .into_iter()
                .for_each(|message| self.host_said(&message)),
            HostEvent::Lost => {
                if let Host::Some(host) = &mut self.host {
                    if remains::is_alive(&host.directory).unwrap_or(false)
                        && matches!(remains::read_exit(&host.directory), Ok(None))
                    {
                        host.connection =
                            Connection::Opening(Box::pin(link::open(host.directory.clone())));
                    } else {
                        host.read_remains();
                    }
                }
            }
        }
    }

    fn opened(&mut self, opened: Opened) {
        let Host::Some(host) = &mut self.host else {
            return;
        };
        match opened {
            Opened::Up(link) => host.connection = Connection::Up(link),
            Opened::Dead => host.read_remains(),
            Opened::Failed(reason) => {
                host.connection = Connection::Gone;
                host.exit = Some((AgentExit::NotStarted { reason }, String::new()));
            }
        }
    }

    fn host_said(&mut self, message: &FromHost) {
        let Host::Some(host) = &mut self.host else {
            return;
        };
        match *message {
            FromHost::Hello {
                stdout_end,
                written,
                pid,
                ..
            } => {
                host.available = host.available.max(stdout_end);
                host.acknowledged(FrameNumber(written));
                let offset = host.reader.taken();
                let (closing, stopping) = (host.closing, host.stopping);
                if let Connection::Up(link) = &mut host.connection {
                    link.send(&ToHost::Committed { offset });
                    for (number, bytes) in &host.outbox {
                        link.send_frame(number.0, bytes);
                    }
                    if closing {
                        link.send(&ToHost::CloseStdin);
                    }
                    if stopping {
                        link.send(&ToHost::Stop {
                            grace_ms: STOP_GRACE_MS,
                        });
                    }
                }
                let epoch = host.epoch;
                let starting = matches!(
                    self.session.agent(),
                    betcode_core::session::AgentState::Starting { .. }
                );
                if starting && pid != 0 {
                    self.host_news(HostNews::Started { host: epoch, pid });
                }
                self.reconcile_host();
            }
            FromHost::Appended { end } => {
                host.available = host.available.max(end);
                self.heard();
            }
            FromHost::Written { frame } => host.acknowledged(FrameNumber(frame)),
            FromHost::Exited {
                code,
                signal,
                stdout_end,
            } => {
                host.available = host.available.max(stdout_end);
                let left = remains::read_exit(&host.directory).ok().flatten();
                let tail = remains::stderr_tail(&host.directory).unwrap_or_default();
                let exit = how_it_ended(code, signal, left.and_then(|exit| exit.error));
                host.exit = Some((exit, String::from_utf8_lossy(&tail).into_owned()));
            }
            FromHost::StdinClosed { .. } | FromHost::Unknown(_) => {}
        }
    }

    /// Records the end of the agent once everything that it said has been read.
    fn report_exit(&mut self) {
        let Host::Some(host) = &mut self.host else {
            return;
        };
        if host.output == Output::Reported || host.is_behind() {
            return;
        }
        let Some((exit, stderr)) = host.exit.clone() else {
            return;
        };
        host.output = Output::Reported;
        let epoch = host.epoch;
        self.end_messages();
        let refused = self.refused(&exit, &stderr);
        self.host_news(HostNews::Exited {
            host: epoch,
            exit,
            stderr,
            refused,
        });
    }

    /// Why the agent would not begin, if it is known: it failed before it had said that it is ready.
    fn refused(&self, exit: &AgentExit, stderr: &str) -> Option<Refused> {
        let failed = matches!(exit, AgentExit::Code { code } if *code != 0);
        if !failed || self.progress.ready {
            return None;
        }
        let info = self.session.info();
        let session = self.session.id().to_string();
        refusal(
            Kind::of(&info.agent)?,
            stderr,
            &info.agent_version,
            &session,
        )
    }

    fn host_news(&mut self, news: HostNews) {
        let now = self.now();
        let drafts = self.session.host(&mut self.progress, now, news);
        self.record(drafts, now);
    }

    /// The end of a host is committed: its directory can go.
    pub(super) fn host_ended(&mut self, epoch: HostEpoch) {
        self.count_agent(false);
        let directory = launch::directory(&self.machine.settings().state_dir, epoch);
        if let Host::Some(host) = &mut self.host
            && host.epoch == epoch
        {
            if let Connection::Up(link) = &mut host.connection {
                link.send(&ToHost::Finish);
            }
            self.host = Host::None;
        }
        self.machine.reap(directory);
    }

    /// Ends the agent whatever it does. That it was asked to is recorded first, so that its end is no crash.
    pub(super) fn stop_agent(&mut self) {
        self.life = Life::StoppingAgent;
        let now = self.now();
        if let Some(host) = self.session.agent().host() {
            self.record(vec![EventBody::AgentStopping { host }.into()], now);
        }
    }

    /// Remembers from which event on the agent is to end. Called after each event.
    pub(super) fn note_end(&mut self) {
        self.end_from = match self.session.agent_wanted() {
            AgentWanted::Stay => None,
            AgentWanted::Stop => self.end_from.or(Some(self.session.head())),
        };
    }

    /// Ends an agent that should not be there any more: gently, so that it finishes what it does in the background, unless
    /// somebody waits for that.
    pub(super) fn reconcile_host(&mut self) {
        // What is not in the log yet has no effect: this daemon may die, and then it never was.
        if self.end_from.is_none_or(|from| from > self.committed) {
            return;
        }
        let urgent = self.life == Life::StoppingAgent
            || self.session.is_closed()
            || self
                .session
                .turn()
                .is_some_and(|turn| turn.cancelled.is_some())
            || self.session.messages().first_queued().is_some();
        if urgent {
            self.host.stop();
        } else {
            self.host.close_stdin();
        }
    }
}
