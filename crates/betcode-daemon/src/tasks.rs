//! The daemon's tasks: every one has a name, is counted, hears that the daemon ends, and cannot die unseen. Not a place for
//! work: it starts and awaits what others give it.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Starts and counts tasks. Copies are the same set.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
}

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task. A panic in it is logged with its name and ends this task alone. Must be called inside a runtime.
    pub fn spawn<F>(&self, name: &'static str, work: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tracker.spawn(async move {
            if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
                tracing::error!(task = name, reason = reason(&*panic), "a task panicked");
            }
        })
    }

    /// Asks every task to end. There is no way back.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Whether [`Tasks::stop`] was called.
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// What becomes cancelled with [`Tasks::stop`]; for those who must hand it on or make children of it.
    pub fn token(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Returns once [`Tasks::stop`] was called.
    pub async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    /// Waits until every task has ended, at most `limit`. False when some have not; they are still running.
    pub async fn drain(&self, limit: Duration) -> bool {
        self.tracker.close();
        let ended = tokio::time::timeout(limit, self.tracker.wait())
            .await
            .is_ok();
        if !ended {
            tracing::warn!(tasks = self.tracker.len(), "tasks have not ended in time");
        }
        ended
    }

    /// How many tasks run.
    pub fn running(&self) -> usize {
        self.tracker.len()
    }
}

/// Only fixed text: a formatted message may hold what the task was working on.
pub(crate) fn reason(panic: &(dyn Any + Send)) -> &'static str {
    panic
        .downcast_ref::<&'static str>()
        .unwrap_or(&"(message withheld)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_its_own_task_and_no_other() {
        let tasks = Tasks::new();
        let unlucky = tasks.spawn("unlucky", async { panic!("on purpose") });
        let (sender, receiver) = tokio::sync::oneshot::channel();
        tasks.spawn("lucky", async { sender.send(7).unwrap() });
        unlucky.await.unwrap();
        assert_eq!(receiver.await, Ok(7));
        assert!(tasks.drain(Duration::from_secs(5)).await);
        assert_eq!(tasks.running(), 0);
    }

    #[tokio::test]
    async fn a_formatted_panic_message_is_withheld() {
        let secret = "hunter2".to_owned();
        let caught = AssertUnwindSafe(async move { panic!("bad: {secret}") })
            .catch_unwind()
            .await;
        assert_eq!(reason(&*caught.unwrap_err()), "(message withheld)");
        let caught = AssertUnwindSafe(async { panic!("plain") })
            .catch_unwind()
            .await;
        assert_eq!(reason(&*caught.unwrap_err()), "plain");
    }

    #[tokio::test]
    async fn draining_waits_for_tasks_that_were_asked_to_stop_and_tells_when_one_stays() {
        let tasks = Tasks::new();
        let stop = tasks.clone();
        tasks.spawn("obedient", async move { stop.stopping().await });
        assert!(!tasks.is_stopping());
        assert!(!tasks.drain(Duration::from_millis(1)).await);
        tasks.stop();
        assert!(tasks.is_stopping());
        assert!(tasks.drain(Duration::from_secs(5)).await);
    }
}
