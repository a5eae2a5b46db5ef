//! The task: follower, timers, calls, and what follows from each, written before it is told.

use std::sync::Arc;
use std::time::Duration;

use betcode_core::config::NotifyConfig;
use betcode_core::id::{LogEpoch, Sequence};
use betcode_core::notify::{Input, Refused};
use betcode_core::time::Timestamp;
use betcode_proto::convert::feed::{FeedEntry, decode_feed_list};
use betcode_proto::status::{Refusal, reason};
use betcode_proto::v1::feed_entry;
use tokio::sync::{mpsc, watch};
use tonic::Code;

use super::action::Actions;
use super::memory::{Acted, Memory};
use super::news::{asked, is_decided_once, news, subject};
use super::told::Told;
use super::{Ask, Chosen, Rest, View, local, unavailable};
use crate::machine::Machine;
use crate::session::actor::requests::waiting;
use crate::session::follow::Follower;
use crate::store::{CommitError, Durability, ReadError};

/// Under what name its memory is kept.
const NAME: &str = "notify";
/// After so many entries that said nothing new it is written down how far the feed was read.
const FAR: u64 = 1_000;
/// After how long is tried again what could not be read or written.
const AGAIN: Duration = Duration::from_secs(1);

/// What the task has. Its memory is what is written down, except while something is being decided.
pub(super) struct Task {
    machine: Arc<Machine>,
    config: NotifyConfig,
    actions: Actions,
    asked: mpsc::Receiver<Ask>,
    shown: watch::Sender<Arc<View>>,
    memory: Memory,
    /// How far the feed was read when that was last written down; none when it has to be now.
    written: Option<Sequence>,
    /// When the local time moves against UTC.
    zone_changes: Option<Timestamp>,
}

impl Task {
    pub(super) fn new(
        machine: Arc<Machine>,
        asked: mpsc::Receiver<Ask>,
        shown: watch::Sender<Arc<View>>,
    ) -> Self {
        Self {
            config: machine.settings().notify.clone(),
            actions: Actions::new(machine.clock().clone(), machine.tasks().clone()),
            machine,
            asked,
            shown,
            memory: Memory::default(),
            written: None,
            zone_changes: None,
        }
    }

    /// Works until the daemon ends.
    pub(super) async fn run(mut self) {
        let tasks = self.machine.tasks().clone();
        while let Err(problem) = self.live().await {
            tracing::error!(%problem, "notifications have to wait");
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                () = tasks.stopping() => return,
            }
        }
    }

    /// From what is written down to the end of the daemon, or to something that cannot be read or written.
    async fn live(&mut self) -> Result<(), Problem> {
        let tasks = self.machine.tasks().clone();
        let store = self.machine.store().clone();
        self.begin().await?;
        let feed = store.feed_log();
        let mut follower = Follower::new(store, feed, self.memory.cursor, true);
        let clock = self.machine.clock().clone();
        loop {
            let due = self.due();
            let wait = async {
                match due {
                    Some(due) => clock.sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = tasks.stopping() => return Ok(()),
                ask = self.asked.recv() => match ask {
                    Some(ask) => self.answer(ask).await,
                    None => return Ok(()),
                },
                chunk = follower.next() => match chunk? {
                    Some(chunk) => {
                        let entries = decode_feed_list(&chunk.bytes);
                        let entries = entries.map_err(|error| Problem::Feed(error.to_string()))?;
                        self.take(entries).await?;
                    }
                    None => return Ok(()),
                },
                () = wait => {
                    let before = self.memory.clone();
                    self.now(|_, _| Ok(())).ok();
                    self.settle(before, Durability::Process).await?;
                }
            }
        }
    }

    /// Takes up what was written down, and what the settings say now.
    async fn begin(&mut self) -> Result<(), Problem> {
        let store = self.machine.store().clone();
        let written = store.state(NAME).await?;
        let read = written.map(|text| serde_json::from_str::<Memory>(&text));
        let before = match read {
            Some(Ok(memory)) => memory,
            Some(Err(error)) => {
                tracing::error!(%error, "what is known of notifications cannot be read; it begins anew");
                Memory::default()
            }
            None => Memory::default(),
        };
        self.memory = before.clone();
        self.written = Some(before.cursor);
        let (epoch, head) = (store.epoch(), store.feed_log().head());
        if before.epoch != Some(epoch) || before.cursor > head {
            self.look_around(epoch, head).await?;
        }
        let rules = self.config.rules.clone();
        self.now(|memory, now| memory.notify.handle(now, Input::Rules(rules)))
            .ok();
        self.settle(before, Durability::Process).await?;
        self.show();
        Ok(())
    }

    /// The numbers of the feed mean nothing: what waits is looked up instead.
    async fn look_around(&mut self, epoch: LogEpoch, head: Sequence) -> Result<(), Problem> {
        let waiting: Vec<_> = self
            .machine
            .store()
            .list_requests(None, None, false)
            .await?
            .into_iter()
            .map(|record| waiting(record.session, &record.request))
            .collect();
        self.memory.epoch = Some(epoch);
        self.memory.cursor = head;
        let notify = &self.memory.notify;
        let kept = notify.held().iter().map(|notice| &notice.subject);
        let standing = notify.list().flat_map(|(it, _)| &it.subjects);
        let over: Vec<String> = kept
            .chain(standing)
            .filter(|known| known.contains("/request/"))
            .filter(|known| !waiting.iter().any(|it| known.starts_with(&subject(it))))
            .cloned()
            .collect();
        let over = over.into_iter().map(|subject| Input::Withdraw { subject });
        let config = self.config.clone();
        let inputs: Vec<Input> = over
            .chain(waiting.iter().map(|it| asked(it, &config)))
            .collect();
        self.now(|memory, now| {
            for input in inputs {
                memory.notify.handle(now, input).ok();
            }
            Ok(())
        })
        .ok();
        Ok(())
    }

    /// When something is due by itself.
    fn due(&self) -> Option<Timestamp> {
        let now = self.machine.clock().now();
        let due = self.memory.notify.poll_timeout(now)?;
        Some(self.zone_changes.map_or(due, |change| change.min(due)))
    }

    /// Changes the memory at this moment, and does what is due.
    fn now<T>(
        &mut self,
        change: impl FnOnce(&mut Memory, Timestamp) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let now = self.machine.clock().now();
        let (offset, changes) = local::offset(now);
        self.zone_changes = changes;
        // Neither can be refused.
        let _told = self.memory.notify.handle(now, Input::Offset(offset));
        let outcome = change(&mut self.memory, now);
        self.memory.notify.handle_timeout(now);
        self.memory.forget(now);
        outcome
    }

    /// Takes entries of the feed.
    async fn take(&mut self, mut entries: Vec<FeedEntry>) -> Result<(), Problem> {
        entries.retain(|entry| entry.sequence > self.memory.cursor);
        let Some(last) = entries.last().map(|entry| entry.sequence) else {
            return Ok(());
        };
        let before = self.memory.clone();
        let config = self.config.clone();
        self.memory.cursor = last;
        let mut inputs = Vec::new();
        for entry in &entries {
            inputs.extend(news(entry, &mut self.memory, &config));
        }
        // What was decided about these must not be decided anew under other settings.
        if entries.iter().any(is_decided_once) {
            self.written = None;
        }
        self.now(|memory, now| {
            for input in inputs {
                // What is raised and withdrawn is never refused.
                memory.notify.handle(now, input).ok();
            }
            Ok(())
        })
        .ok();
        Ok(self.settle(before, Durability::Process).await?)
    }

    /// Answers a call. What cannot be written is refused and has not happened.
    async fn answer(&mut self, ask: Ask) {
        let before = self.memory.clone();
        match ask {
            Ask::Input(input, reply) => {
                let durability = match input {
                    Input::Claim { .. } | Input::Confirm { .. } => Durability::Process,
                    _ => Durability::PowerLoss,
                };
                let outcome = self.now(|memory, now| memory.notify.handle(now, input));
                let written = self.settle(before, durability).await;
                let answer = outcome
                    .map_err(Refusal::from)
                    .and(written.map_err(|error| refused(&error)));
                let _gone = reply.send(answer);
            }
            Ask::Choose(chosen, reply) => {
                let outcome = self.choose(&chosen);
                let written = self.settle(before, Durability::PowerLoss).await;
                let answer = match written {
                    Ok(()) => outcome,
                    Err(error) => Err(refused(&error)),
                };
                let _gone = reply.send(answer);
            }
        }
    }

    fn choose(&mut self, chosen: &Chosen) -> Result<Rest, Refusal> {
        let Chosen { id, choice, key } = chosen;
        if let Some(acted) = self.memory.acted.get(key) {
            return if (acted.id, acted.choice) == (*id, *choice) {
                Ok(rest(acted))
            } else {
                let message = format!("idempotency key {key} was already used for another choice");
                Err(Refusal::new(
                    Code::InvalidArgument,
                    reason::KEY_REUSED,
                    message,
                ))
            };
        }
        let acted = self.now(|memory, at| {
            let found = memory.notify.list().find(|(it, _)| it.id == *id);
            let notification = found.map(|(it, _)| it.clone());
            let notification = notification.ok_or(Refused::Unknown(id.0))?;
            if !notification.choices.contains(choice) {
                return Err(Refused::NoSuchChoice(*choice));
            }
            let answers = choice.answers();
            let acted = Acted {
                id: *id,
                choice: *choice,
                session: notification.session,
                request: notification.request.filter(|_| answers),
                at,
            };
            // An answer may be refused, or have to wait: the notification ends with the request.
            if !answers {
                let (id, choice) = (*id, *choice);
                memory.notify.handle(at, Input::Act { id, choice })?;
            }
            memory.acted.insert(*key, acted.clone());
            Ok(acted)
        })?;
        Ok(rest(&acted))
    }

    /// Writes down what has changed since `before`, and tells of it. When that fails nothing has happened.
    async fn settle(&mut self, before: Memory, durability: Durability) -> Result<(), CommitError> {
        let notify = &mut self.memory.notify;
        let told = Told::of(std::iter::from_fn(|| notify.poll_effect()).collect());
        let is_near = |written: Sequence| self.memory.cursor.0.saturating_sub(written.0) < FAR;
        let is_written = self.written.is_some_and(is_near) && self.memory.says_the_same(&before);
        if told.feed.is_empty() && is_written {
            return Ok(());
        }
        let written = self.write(told.feed, durability).await;
        if let Err(error) = written {
            self.memory = before;
            return Err(error);
        }
        self.written = Some(self.memory.cursor);
        for notification in &told.offered {
            if let Some(action) = self.config.actions.get(&notification.kind) {
                self.actions.begin(action, notification);
            }
        }
        self.show();
        Ok(())
    }

    async fn write(
        &self,
        feed: Vec<feed_entry::Body>,
        durability: Durability,
    ) -> Result<(), CommitError> {
        let text = serde_json::to_string(&self.memory)
            .map_err(|error| CommitError::Database(error.to_string()))?;
        let now = self.machine.clock().now();
        let store = self.machine.store();
        store.keep(NAME, text, now, feed, durability).await
    }

    fn show(&self) {
        let now = self.machine.clock().now();
        let notify = &self.memory.notify;
        let standing = notify.list().map(|(it, state)| (it.clone(), state));
        let held = notify.held().iter();
        let view = View {
            is_known: true,
            standing: standing.collect(),
            held: held
                .map(|notice| (notice.clone(), notify.held_until(notice.kind, now)))
                .collect(),
            snooze: notify.snooze(),
        };
        self.shown.send_replace(Arc::new(view));
    }
}

/// What is to be done for a choice that was taken.
fn rest(acted: &Acted) -> Rest {
    match (acted.session, &acted.request) {
        (Some(session), Some(request)) => Rest::Answer {
            session,
            request: request.clone(),
        },
        (session, _) => Rest::Nothing(session),
    }
}

fn refused(error: &CommitError) -> Refusal {
    unavailable(format!("it could not be written down: {error}"))
}

/// Why it cannot go on.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{0}")]
    Read(#[from] ReadError),
    #[error("{0}")]
    Write(#[from] CommitError),
    #[error("the feed cannot be read: {0}")]
    Feed(String),
}
