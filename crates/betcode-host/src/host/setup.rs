//! From an empty process to a running host, in this order: 1. the lock, 2. refuse a directory that was used,
//! 3. the specification, 4. signals, sub-reaper, watch, socket, 5. `started`, 6. the agent, 7. forget the secrets.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use rustix::fs::{FlockOperation, fcntl_lock};

use super::listener::Listener;
use super::process::{self, Process};
use super::signals::Signals;
use super::stderr::Stderr;
use super::stdin::Stdin;
use super::stdout::Stdout;
use super::watch::Watch;
use super::{Agent, Ended, Host, clock, tree, write_remains};
use crate::directory::{LOCK, STARTED, create_synced, private};
use crate::remains::{Exit, was_started};
use crate::spec::{self, Spec};
use crate::spool::Writer;

/// Another host has this directory.
const TAKEN: u8 = 75;
/// An agent was started in this directory before.
const USED: u8 = 76;
/// The host could not be set up.
const FAILED: u8 = 70;

/// The pause before something that a full disk refused is tried again.
const NO_ROOM: Duration = Duration::from_millis(500);
/// How often it is tried again.
const ATTEMPTS: usize = 120;

/// How much is read from a daemon at once.
const SCRATCH: usize = 64 * 1024;

/// Everything up to the first poll. The error is the process's exit code.
pub(super) fn host(directory: &Path) -> Result<Host, ExitCode> {
    let failed = |_| ExitCode::from(FAILED);
    let directory = &std::path::absolute(directory).map_err(failed)?;
    // No directory is kept busy by a host.
    std::env::set_current_dir("/").map_err(failed)?;
    let lock = lock(directory)
        .map_err(failed)?
        .ok_or(ExitCode::from(TAKEN))?;
    if was_started(directory).map_err(failed)? {
        return Err(ExitCode::from(USED));
    }
    prepare(directory, lock).map_err(|sentence| {
        let exit = Exit {
            version: Exit::VERSION,
            code: None,
            signal: None,
            error: Some(sentence),
            stdout_end: 0,
            stdin_written: 0,
        };
        // First: on a full disk it makes room for what follows.
        let _ = std::fs::remove_file(directory.join(spec::FILE));
        // If not even this can be written, the exit code has to do.
        let _ = write_remains(directory, &[], &exit);
        ExitCode::from(FAILED)
    })
}

/// The directory's lock, or `None` when another host has it. It is a record lock, so that others can ask for its
/// holder without taking it.
fn lock(directory: &Path) -> io::Result<Option<File>> {
    let options = &mut OpenOptions::new();
    let file = private(options.read(true).write(true).create(true).truncate(false))
        .open(directory.join(LOCK))?;
    match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).map_err(io::Error::from) {
        Ok(()) => Ok(Some(file)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::PermissionDenied
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Writes down that an agent is about to be started. On a full disk it waits a minute for room.
fn mark_started(directory: &Path, mark: &[u8]) -> io::Result<()> {
    for _ in 0..ATTEMPTS {
        match create_synced(directory, STARTED, mark) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => std::thread::sleep(NO_ROOM),
            done => return done,
        }
    }
    create_synced(directory, STARTED, mark)
}

/// Sets the host up. The error is a sentence for people.
fn prepare(directory: &Path, lock: File) -> Result<Host, String> {
    let what = |what: &'static str| move |error: io::Error| format!("cannot {what}: {error}");
    let spec = Spec::read(directory).map_err(what("read what is to be run"))?;
    let orphan_limit = spec::orphan_limit(directory).map_err(what("read what is to be run"))?;
    let signals = Signals::catch().map_err(what("catch signals"))?;
    tree::adopt_orphans().map_err(what("become a sub-reaper"))?;
    let watch = Watch::new(directory).map_err(what("watch the host directory"))?;
    let listener = Listener::open(directory).map_err(what("listen for the daemon"))?;
    let mark = format!("{{\"version\":1,\"pid\":{}}}", std::process::id());
    mark_started(directory, mark.as_bytes()).map_err(what("mark the agent as started"))?;

    let started = process::start(&spec);
    let _ = std::fs::remove_file(directory.join(spec::FILE));
    let now = clock::now();
    let (agent, pid, stdin, stdout, stderr) = match started {
        Ok(Process {
            pid,
            stdin,
            stdout,
            stderr,
        }) => (
            Agent::Running { kill_at: None },
            Some(pid),
            Some(stdin),
            Some(stdout),
            Some(stderr),
        ),
        Err(sentence) => {
            let how = Ended {
                error: Some(sentence),
                ..Ended::default()
            };
            (
                Agent::Ended {
                    how,
                    drain_until: now,
                    childless: true,
                },
                None,
                None,
                None,
                None,
            )
        }
    };
    Ok(Host {
        directory: directory.to_owned(),
        signals,
        watch,
        listener,
        current: None,
        incoming: None,
        ever_attached: false,
        alone_since: now,
        orphan_limit,
        agent,
        pid,
        stdin: Stdin::new(stdin),
        stdout: Stdout::new(
            stdout,
            Writer::new(directory, spec.segment_bytes),
            spec.window,
        ),
        stderr: Stderr::new(stderr),
        retry_at: None,
        scratch: vec![0; SCRATCH].into_boxed_slice(),
        _lock: lock,
    })
}
