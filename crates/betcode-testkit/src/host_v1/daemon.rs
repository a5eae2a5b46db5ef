//! The frozen host's side of a daemon's connection: one thread each, of which the one that attached last counts.

use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::words::{self, FromDaemon};
use super::{Host, State, Stdin, agent};

impl Host {
    pub(super) fn listen(self: &Arc<Self>, listener: &UnixListener) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        for stream in listener.incoming().flatten() {
            let host = Arc::clone(self);
            spawn(move || host.serve(NEXT.fetch_add(1, Ordering::Relaxed), stream));
        }
    }

    fn serve(self: &Arc<Self>, number: u64, mut stream: UnixStream) {
        let Ok(out) = stream.try_clone() else { return };
        if !matches!(words::read(&mut stream), Ok(FromDaemon::Attach)) {
            return;
        }
        let mut state = self.lock();
        if let Some((_, older)) = state.daemon.replace((number, out)) {
            let _closed = older.shutdown(std::net::Shutdown::Both);
        }
        state.ever_attached = true;
        self.greet(&mut state);
        self.changed.notify_all();
        drop(state);
        while let Ok(message) = words::read(&mut stream) {
            let mut state = self.lock();
            if state
                .daemon
                .as_ref()
                .is_none_or(|(current, _)| *current != number)
            {
                return;
            }
            let goes_on = self.obey(&mut state, message);
            self.changed.notify_all();
            if !goes_on {
                break;
            }
        }
        let mut state = self.lock();
        if state
            .daemon
            .as_ref()
            .is_some_and(|(current, _)| *current == number)
        {
            state.daemon = None;
        }
        self.changed.notify_all();
        let _closed = stream.shutdown(std::net::Shutdown::Both);
    }

    fn greet(&self, state: &mut State) {
        let (end, written) = (state.stdout_end, state.written);
        let mut message = words::hello(end, written, state.exit.is_some(), self.agent);
        if let Some(frame) = state.refused_from() {
            message.extend(words::stdin_closed(frame));
        }
        if let Some(exit) = state.exit {
            message.extend(words::exited(exit));
        }
        self.tell(state, &message);
    }

    /// False when the connection is to be closed.
    fn obey(self: &Arc<Self>, state: &mut State, message: FromDaemon) -> bool {
        match message {
            FromDaemon::Attach => self.greet(state),
            FromDaemon::Frame { number, bytes } => return self.accept(state, number, bytes),
            FromDaemon::Committed(offset) => {
                state.committed = state.committed.max(offset.min(state.stdout_end));
                self.delete_below(state.committed);
            }
            FromDaemon::Signal(signal) => {
                if let Some(signal) = Signal::from_named_raw(signal) {
                    self.signal(state, signal);
                }
            }
            FromDaemon::CloseStdin => {
                if state.stdin == Stdin::Open {
                    state.stdin = Stdin::Closing;
                }
            }
            FromDaemon::Stop { grace_ms } => {
                state.stdin = Stdin::Closed;
                state.frames.clear();
                self.signal(state, Signal::TERM);
                let host = Arc::clone(self);
                spawn(move || host.kill_after(Duration::from_millis(grace_ms.into())));
            }
            FromDaemon::Finish => state.finished = state.exit.is_some(),
            FromDaemon::Window(bytes) => state.window = bytes,
            FromDaemon::Unknown => {}
        }
        true
    }

    fn accept(&self, state: &mut State, number: u64, bytes: Vec<u8>) -> bool {
        if let Some(refused) = state.refused_from()
            && number >= refused
        {
            self.tell(state, &words::stdin_closed(refused));
        } else if number <= state.accepted {
            if number <= state.written {
                let written = state.written;
                self.tell(state, &words::written(written));
            }
        } else if number == state.accepted + 1 {
            state.accepted = number;
            state.frames.push_back(bytes);
        } else {
            return false;
        }
        true
    }

    fn signal(&self, state: &State, signal: Signal) {
        let pid = i32::try_from(self.agent).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| state.exit.is_none()) {
            let _gone = kill_process(pid, signal);
        }
    }

    fn kill_after(&self, grace: Duration) {
        // a pause, because: this is the grace that the daemon asked for.
        sleep(grace);
        if self.lock().exit.is_none() {
            agent::kill_tree();
        }
    }

    /// The last segment stays.
    fn delete_below(&self, offset: u64) {
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten();
        let mut starts: Vec<u64> = entries
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name();
                name.to_str()?.strip_suffix(".out")?.parse().ok()
            })
            .collect();
        starts.sort_unstable();
        for (start, next) in starts.iter().zip(starts.iter().skip(1)) {
            if *next <= offset {
                let path = self.directory.join(format!("{start:020}.out"));
                let _gone = std::fs::remove_file(path);
            }
        }
    }
}
