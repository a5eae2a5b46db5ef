//! What the host hears from daemons and tells them. At most one is attached; at most one more is at the door.
//!
//! A connection: 1. the daemon says `Attach`, and replaces the one that was attached; 2. the host answers `Hello`, then
//! `StdinClosed` and `Exited` where they hold; 3. both say what they have to say, until one of them closes.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::stdin::Accepted;
use super::{Agent, Host, Next};
use crate::protocol::{FromHost, ToHost, VERSION};
use crate::{spec, spool};

impl Host {
    pub(super) fn tell(&mut self, message: FromHost) {
        if let Some(current) = &mut self.current {
            current.tell(message);
        }
    }

    pub(super) fn on_current(&mut self, now: Instant) -> Next {
        let Some(current) = &mut self.current else {
            return Next::GoOn;
        };
        let open = current.receive(&mut self.scratch);
        self.poke(now);
        loop {
            // A message may have closed the connection.
            let Some(current) = &mut self.current else {
                return Next::GoOn;
            };
            match current.pull() {
                Ok(Some(message)) => {
                    if self.obey(message, now) == Next::End {
                        return Next::End;
                    }
                }
                Ok(None) if open => return Next::GoOn,
                Ok(None) | Err(_) => {
                    self.detach(now);
                    return Next::GoOn;
                }
            }
        }
    }

    pub(super) fn on_incoming(&mut self, now: Instant) -> Next {
        let Some(mut incoming) = self.incoming.take() else {
            return Next::GoOn;
        };
        let open = incoming.receive(&mut self.scratch);
        match incoming.pull() {
            Ok(Some(ToHost::Attach { .. })) => {
                self.current = Some(incoming);
                self.ever_attached = true;
                self.greet();
                // What came together with `Attach` is already in the connection's decoder.
                self.on_current(now)
            }
            Ok(None) if open => {
                self.incoming = Some(incoming);
                Next::GoOn
            }
            Ok(_) | Err(_) => Next::GoOn,
        }
    }

    fn detach(&mut self, now: Instant) {
        self.current = None;
        self.alone_since = now;
    }

    /// Tells a daemon that has just attached how things are.
    fn greet(&mut self) {
        let (stdout_end, written) = (self.stdout.end(), self.stdin.written());
        let pid = self
            .pid
            .map_or(0, |pid| pid.as_raw_nonzero().get().unsigned_abs());
        let exited = matches!(self.agent, Agent::Done { .. });
        self.tell(FromHost::Hello {
            version: VERSION,
            stdout_end,
            written,
            exited,
            pid,
        });
        self.tell_stdin_closed();
        self.tell_exit();
    }

    pub(super) fn tell_exit(&mut self) {
        if let Agent::Done { exit, .. } = &self.agent {
            let message = FromHost::Exited {
                code: exit.code,
                signal: exit.signal,
                stdout_end: exit.stdout_end,
            };
            self.tell(message);
        }
    }

    fn obey(&mut self, message: ToHost, now: Instant) -> Next {
        match message {
            ToHost::Attach { .. } => self.greet(),
            ToHost::Frame { number, bytes } => match self.stdin.accept(number, bytes) {
                Accepted::Yes => {
                    self.stdin.write();
                    if number <= self.stdin.written() {
                        self.tell(FromHost::Written {
                            frame: self.stdin.written(),
                        });
                    }
                    self.tell_stdin_closed();
                }
                Accepted::Closed => self.tell_stdin_closed(),
                Accepted::Gap => self.detach(now),
            },
            ToHost::Committed { offset } => self.stdout.committed(offset),
            ToHost::Window { bytes } => self.stdout.set_window(bytes),
            ToHost::Signal { signal } => {
                if let Some(signal) = Signal::from_named_raw(signal) {
                    self.signal(signal);
                }
            }
            ToHost::CloseStdin => {
                self.stdin.close();
                self.tell(FromHost::Written {
                    frame: self.stdin.written(),
                });
                self.tell_stdin_closed();
            }
            ToHost::Stop { grace_ms } => self.stop(Duration::from_millis(grace_ms.into()), now),
            // Before the exit there is nothing that could be finished.
            ToHost::Finish if matches!(self.agent, Agent::Done { .. }) => {
                let _ = spool::delete_all(&self.directory);
                let _ = std::fs::remove_file(self.directory.join(spec::FILE));
                return Next::End;
            }
            ToHost::Finish | ToHost::Unknown(_) => {}
        }
        Next::GoOn
    }

    pub(super) fn flush(&mut self, now: Instant) {
        if self
            .current
            .as_mut()
            .is_some_and(|current| current.flush().is_err())
        {
            self.detach(now);
        }
    }
}
