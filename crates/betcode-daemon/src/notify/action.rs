//! What the user wants to be done for a kind of notifications: a program that gets it as JSON on stdin, or an address that is
//! opened. Nobody waits for it, and nothing of what it prints is kept.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use betcode_core::config::NotifyAction;
use betcode_core::notify;
use betcode_proto::convert::notify::Notification;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::agent::probe;
use crate::clock::Clock;
use crate::tasks::Tasks;

/// How long a program may run.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
/// How many run at a time; more wait for their turn.
const AT_ONCE: usize = 4;
/// How often is looked whether it has ended: at first, and at most.
const LOOK: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));

/// What opens an address.
const OPENER: &str = if cfg!(target_os = "macos") {
    "open"
} else {
    "xdg-open"
};

/// Runs programs. Copies share the limit.
#[derive(Debug, Clone)]
pub(super) struct Actions {
    clock: Clock,
    tasks: Tasks,
    places: Arc<Semaphore>,
}

impl Actions {
    pub(super) fn new(clock: Clock, tasks: Tasks) -> Self {
        Self {
            clock,
            tasks,
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Begins what is wanted for this notification.
    pub(super) fn begin(&self, action: &NotifyAction, notification: &notify::Notification) {
        let kind = notification.kind.word();
        if !action.url.is_empty() {
            let mut command = Command::new(OPENER);
            command.arg(&action.url);
            // A browser stays, and is nobody's turn; it only has to be buried when it ends.
            self.thread(kind, command, |mut child, _, place| {
                drop(place);
                let _buried = child.wait();
            });
        }
        let Some((program, arguments)) = action.command.split_first() else {
            return;
        };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped());
        let mut json = serde_json::to_vec(&Notification::from(notification)).unwrap_or_default();
        json.push(b'\n');
        self.thread(kind, command, move |child, clock, place| {
            if !attend(child, &json, &clock, LIMIT) {
                tracing::warn!(
                    kind,
                    "what is run for a notification took too long and was ended"
                );
            }
            drop(place);
        });
    }

    fn thread(
        &self,
        kind: &'static str,
        mut command: Command,
        work: impl FnOnce(Child, Clock, OwnedSemaphorePermit) + Send + 'static,
    ) {
        let (clock, places) = (self.clock.clone(), Arc::clone(&self.places));
        self.tasks.spawn("run for a notification", async move {
            let Ok(place) = places.acquire_owned().await else {
                return;
            };
            command
                .current_dir("/")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .process_group(0);
            let run = move || match command.spawn() {
                Ok(child) => work(child, clock, place),
                Err(error) => {
                    tracing::warn!(kind, %error, "what is to be run for a notification cannot be");
                }
            };
            // A thread of its own: those of the runtime are few.
            let thread = std::thread::Builder::new().name("notification".into());
            if let Err(error) = thread.spawn(run) {
                tracing::warn!(%error, "nothing can be run for a notification");
            }
        });
    }
}

/// Gives it what it reads and waits for its end. One that takes too long is ended with everything it has started; then false.
fn attend(mut child: Child, json: &[u8], clock: &Clock, limit: Duration) -> bool {
    // It fits into the pipe, whether it is read or not.
    if let Some(mut stdin) = child.stdin.take() {
        let _unread = stdin.write_all(json);
    }
    let deadline = clock.uptime() + limit;
    let mut pause = LOOK.0;
    loop {
        if !matches!(child.try_wait(), Ok(None)) {
            return true;
        }
        let left = deadline.saturating_sub(clock.uptime());
        if left.is_zero() {
            probe::end(&mut child);
            return false;
        }
        std::thread::park_timeout(pause.min(left));
        pause = (pause * 2).min(LOOK.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Child {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script])
            .stdin(Stdio::piped())
            .process_group(0);
        command.spawn().unwrap()
    }

    fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
        let clock = Clock::new(None);
        let end = clock.uptime() + Duration::from_secs(30);
        while !is_so() {
            assert!(clock.uptime() < end, "not in time: {what}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_program_gets_the_notification_and_one_that_does_not_read_it_harms_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("got");
        let clock = Clock::new(None);
        let child = shell(&format!("cat > {}", file.display()));
        assert!(attend(child, b"{}\n", &clock, LIMIT));
        assert_eq!(std::fs::read(file).unwrap(), b"{}\n");
        assert!(attend(shell("exit 3"), b"{}\n", &clock, LIMIT));
    }

    #[test]
    fn a_program_that_takes_too_long_is_ended_with_what_it_has_started() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let script = format!(
            "sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait",
            file.display()
        );
        let child = shell(&script);
        eventually("it has started something", || file.exists());
        assert!(!attend(child, b"", &Clock::new(None), Duration::ZERO));
        let pid = std::fs::read_to_string(file).unwrap();
        let gone = || match std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())) {
            // Nobody may have buried it yet.
            Ok(stat) => stat.contains(") Z "),
            Err(_) => true,
        };
        eventually("what it has started is gone", gone);
    }
}
