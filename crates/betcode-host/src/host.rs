//! The host's life: one thread, one `poll` over everything.
//!
//! States of the agent: *running* → *ended* (it was reaped; its tree is being killed and its stdout read to the end)
//! → *done* (`exit.json` is there). An agent that could not be started begins at *ended*.
//!
//! Laws: `exit.json` exists before `Exited` is sent; a byte is in the spool before `Appended` names it; there is a
//! timeout only while something is due; the host ends only in *done*, or when its directory has vanished.

mod clock;
mod connection;
mod daemons;
mod listener;
mod process;
mod setup;
mod signals;
mod stderr;
mod stdin;
mod stdout;
mod timers;
mod tree;
mod watch;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};

use crate::directory::{self, write_whole};
use crate::protocol::FromHost;
use crate::remains::Exit;
use connection::Connection;
use listener::Listener;
use signals::Signals;
use stderr::Stderr;
use stdin::Stdin;
use stdout::Stdout;
use watch::Watch;

/// How often a disk that takes nothing is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How long a dead agent's stdout may be held open by something that could not be killed.
const DRAIN: Duration = Duration::from_secs(2);
/// How long a host whose agent is done waits for the first daemon, or for one that has connected to say `Attach`.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest time that one poll sleeps.
const LONGEST_SLEEP: Duration = Duration::from_hours(20 * 24);
/// The grace when nobody named one.
const GRACE: Duration = Duration::from_secs(5);

/// Runs the host of this directory until it is no longer needed. The calling process must be made for it: it becomes
/// a sub-reaper, catches signals and reaps every child.
///
/// Exit codes: 0 its work is done, 75 another host has this directory, 76 an agent was started here before, 70 the
/// host could not be set up (`exit.json` says why, where it could be written).
pub fn run(directory: &Path) -> ExitCode {
    match setup::host(directory) {
        Ok(host) => host.live(),
        Err(code) => code,
    }
}

#[derive(Debug)]
struct Host {
    directory: PathBuf,
    signals: Signals,
    watch: Watch,
    listener: Listener,
    /// The daemon.
    current: Option<Connection>,
    /// A connection that has not said `Attach` yet.
    incoming: Option<Connection>,
    ever_attached: bool,
    /// When the last daemon left, or the host began.
    alone_since: Instant,
    /// How long the agent may run without a daemon.
    orphan_limit: Duration,
    agent: Agent,
    pid: Option<Pid>,
    stdin: Stdin,
    stdout: Stdout,
    stderr: Stderr,
    /// When something that the disk refused is tried again.
    retry_at: Option<Instant>,
    scratch: Box<[u8]>,
    /// Released by the end of the process.
    _lock: File,
}

#[derive(Debug)]
enum Agent {
    Running {
        kill_at: Option<Instant>,
    },
    Ended {
        how: Ended,
        drain_until: Instant,
        childless: bool,
    },
    Done {
        exit: Exit,
        since: Instant,
    },
}

/// How the agent process ended.
#[derive(Debug, Clone, Default)]
struct Ended {
    code: Option<i32>,
    signal: Option<i32>,
    error: Option<String>,
}

/// What a poll may find ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Signals,
    Directory,
    Stdout,
    Stderr,
    Stdin,
    Current,
    Incoming,
    Listener,
}

/// Whether the host goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    End,
}

impl Host {
    fn live(mut self) -> ExitCode {
        loop {
            let ready = match self.wait() {
                Ok(ready) => ready,
                Err(Errno::INTR) => continue,
                Err(_) => return self.end_in_haste(),
            };
            let now = clock::now();
            if self.watch.vanished() {
                return self.end_in_haste();
            }
            for source in ready {
                if self.handle(source, now) == Next::End {
                    return ExitCode::SUCCESS;
                }
            }
            self.on_time(now);
            self.settle(now);
            self.flush(now);
            if self.is_over(now) {
                return ExitCode::SUCCESS;
            }
        }
    }

    /// Sleeps until something is ready or due.
    fn wait(&self) -> Result<Vec<Source>, Errno> {
        let mut sources = Vec::with_capacity(8);
        let mut fds = Vec::with_capacity(8);
        let mut add = |source, fd, flags| {
            sources.push(source);
            fds.push(PollFd::from_borrowed_fd(fd, flags));
        };
        let writable = |yes| {
            if yes {
                PollFlags::OUT
            } else {
                PollFlags::empty()
            }
        };
        add(Source::Signals, self.signals.as_fd(), PollFlags::IN);
        if let Some(events) = self.watch.events() {
            add(Source::Directory, events, PollFlags::IN);
        }
        if let Some(pipe) = self.stdout.poll(self.current.is_some()) {
            add(Source::Stdout, pipe, PollFlags::IN);
        }
        if let Some(pipe) = self.stderr.poll() {
            add(Source::Stderr, pipe, PollFlags::IN);
        }
        // Without a wish to write, the poll still tells when the reader is gone.
        if let Some((pipe, waiting)) = self.stdin.poll() {
            add(Source::Stdin, pipe, writable(waiting));
        }
        for (source, connection) in [
            (Source::Current, &self.current),
            (Source::Incoming, &self.incoming),
        ] {
            if let Some(connection) = connection {
                add(
                    source,
                    connection.as_fd(),
                    PollFlags::IN | writable(connection.is_blocked()),
                );
            }
        }
        add(Source::Listener, self.listener.as_fd(), PollFlags::IN);

        let timeout = self
            .due_at()
            .map(|due| timespec(due.saturating_duration_since(clock::now())));
        poll(&mut fds, timeout.as_ref())?;
        let ready = sources
            .into_iter()
            .zip(&fds)
            .filter(|(_, fd)| !fd.revents().is_empty());
        Ok(ready.map(|(source, _)| source).collect())
    }

    fn handle(&mut self, source: Source, now: Instant) -> Next {
        match source {
            Source::Signals => self.on_signals(now),
            Source::Directory => self.watch.take(),
            Source::Stdout => {
                let result = self.stdout.read();
                self.after_spooling(result.is_ok(), now);
            }
            Source::Stderr => {
                self.stderr.read();
            }
            Source::Stdin => self.on_stdin(),
            Source::Current => return self.on_current(now),
            Source::Incoming => return self.on_incoming(now),
            // A newer stranger replaces an older one that never introduced itself.
            Source::Listener => self.incoming = self.listener.accept().or(self.incoming.take()),
        }
        Next::GoOn
    }

    fn on_signals(&mut self, now: Instant) {
        if self.signals.take() {
            self.stop(GRACE, now);
        }
        let childless = self.reap(now);
        if let Agent::Ended {
            childless: known, ..
        } = &mut self.agent
        {
            *known = childless;
        }
        if !childless && !matches!(self.agent, Agent::Running { .. }) {
            tree::kill_all(self.pid);
        }
    }

    /// Reaps whoever has ended, adopted orphans included. Returns whether there is no child left.
    fn reap(&mut self, now: Instant) -> bool {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    let running = matches!(self.agent, Agent::Running { .. });
                    let over = status.exited() || status.signaled();
                    if running && over && Some(pid) == self.pid {
                        let (code, signal) = (status.exit_status(), status.terminating_signal());
                        let how = Ended {
                            code,
                            signal,
                            error: None,
                        };
                        self.agent = Agent::Ended {
                            how,
                            drain_until: now + DRAIN,
                            childless: false,
                        };
                    }
                }
                Ok(None) => return false,
                Err(Errno::INTR) => {}
                Err(_) => return true,
            }
        }
    }

    fn stop(&mut self, grace: Duration, now: Instant) {
        if let Agent::Running { kill_at } = &mut self.agent {
            let due = now + grace;
            *kill_at = Some(kill_at.map_or(due, |earlier| earlier.min(due)));
            self.stdin.close_now();
            self.signal(Signal::TERM);
            self.tell_stdin_closed();
        }
    }

    /// Signals the agent process. It is our child and has not been reaped while it is *running*: the id is its own.
    fn signal(&self, signal: Signal) {
        if let (Agent::Running { .. }, Some(pid)) = (&self.agent, self.pid) {
            let _ = kill_process(pid, signal);
        }
    }

    fn on_stdin(&mut self) {
        let (written, open) = (self.stdin.written(), self.stdin.refused_from().is_none());
        let idle = self.stdin.poll().is_some_and(|(_, waiting)| !waiting);
        // Nothing was to be written, so what the poll found is that the reader has gone.
        if idle {
            self.stdin.close_now();
        } else {
            self.stdin.write();
        }
        if self.stdin.written() > written {
            self.tell(FromHost::Written {
                frame: self.stdin.written(),
            });
        }
        if open || self.stdin.poll().is_none() {
            self.tell_stdin_closed();
        }
    }

    fn tell_stdin_closed(&mut self) {
        if let Some(frame) = self.stdin.refused_from() {
            self.tell(FromHost::StdinClosed { frame });
        }
    }

    /// A message from the daemon may mean that there is room again.
    fn poke(&mut self, now: Instant) {
        if self.retry_at.is_some() {
            self.retry_at = Some(now);
        }
    }

    fn after_spooling(&mut self, complete: bool, now: Instant) {
        self.retry_at = (!complete).then_some(now + RETRY);
        self.tell(FromHost::Appended {
            end: self.stdout.end(),
        });
    }

    /// Goes from *ended* to *done* when nothing is missing any more.
    fn settle(&mut self, now: Instant) {
        let Agent::Ended {
            how,
            drain_until,
            childless,
        } = &self.agent
        else {
            return;
        };
        if self.retry_at.is_some() || !self.stdout.at_end() || !(*childless || now >= *drain_until)
        {
            return;
        }
        let how = how.clone();
        let exit = Exit {
            version: Exit::VERSION,
            code: how.code,
            signal: how.signal,
            error: how.error,
            stdout_end: self.stdout.end(),
            stdin_written: self.stdin.written(),
        };
        if write_remains(&self.directory, self.stderr.finish(), &exit).is_err() {
            self.retry_at = Some(now + RETRY);
            return;
        }
        self.stdin.close_now();
        self.agent = Agent::Done { exit, since: now };
        self.tell_stdin_closed();
        self.tell_exit();
    }

    /// Whether nobody needs this host any more: it leaves the remains to be read.
    fn is_over(&mut self, now: Instant) -> bool {
        let Agent::Done { since, .. } = &self.agent else {
            return false;
        };
        if self.current.is_some() {
            return false;
        }
        // Whoever is at the door already is let in.
        self.incoming = self.incoming.take().or_else(|| self.listener.accept());
        let expects_somebody = self.incoming.is_some() || !self.ever_attached;
        !expects_somebody || now >= self.patient_until(*since)
    }

    /// The directory has vanished, or the host cannot go on: nothing of the agent may stay.
    fn end_in_haste(mut self) -> ExitCode {
        let deadline = clock::now() + DRAIN;
        tree::kill_all(self.pid);
        while !self.reap(clock::now()) && clock::now() < deadline {
            let mut fds = [PollFd::new(&self.signals, PollFlags::IN)];
            let _ = poll(
                &mut fds,
                Some(&timespec(deadline.saturating_duration_since(clock::now()))),
            );
            self.signals.take();
            self.reap(clock::now());
            tree::kill_all(self.pid);
        }
        ExitCode::SUCCESS
    }
}

fn write_remains(directory: &Path, stderr: &[u8], exit: &Exit) -> io::Result<()> {
    write_whole(directory, directory::STDERR, stderr)?;
    write_whole(directory, directory::EXIT, &serde_json::to_vec(exit)?)
}

fn timespec(duration: Duration) -> Timespec {
    // Rounded up to the next microsecond, so that the wake-up is never before what is due. Some systems refuse more
    // milliseconds than fit into 31 bits; waking once too often in three weeks does no harm.
    let duration = duration.min(LONGEST_SLEEP) + Duration::from_micros(1);
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}
