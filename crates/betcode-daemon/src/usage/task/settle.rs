//! What follows from what happened: what there is to tell, writing it down, and only then telling it and doing what planners want.

use std::sync::Arc;

use betcode_core::id::Sequence;
use betcode_core::time::Timestamp;
use betcode_proto::convert::feed::{FeedBody, FeedEntry};
use betcode_proto::v1::{self, feed_entry};
use usage_core::alert;

use super::super::driver::Driver;
use super::super::memory::{Kept, Told};
use super::super::news::{self, Topic};
use super::super::{View, errands};
use super::{AGAIN, NAME, SOON, THINNED_EVERY, Task, Waiter};
use crate::store::{CommitError, Durability};

impl Task {
    /// Does what is due, writes down what has changed, and then tells of it and does what planners want.
    pub(super) async fn settle(&mut self) {
        let now = self.now();
        for driver in &mut self.drivers {
            driver.pass(now);
        }
        self.notice(now);
        match self.write(now).await {
            Ok(()) => self.again = None,
            Err(error) => {
                if self.again.is_none() {
                    tracing::error!(%error, "what is known of the use of plans cannot be written down");
                }
                self.again = Some(now.plus(AGAIN));
                self.thank();
                return;
            }
        }
        self.show(now);
        self.thank();
        errands::run(self);
        let drivers = &self.drivers;
        let is_done = |waiter: &Waiter| {
            waiter.until.iter().all(|(key, answers)| {
                let mut drivers = drivers.iter();
                let driver = drivers.find(|driver| driver.place.key() == *key);
                // One that is put off has no answer to wait for.
                driver.is_none_or(|driver| {
                    driver.answers >= *answers || !driver.is_about_to_answer(now.plus(SOON), now)
                })
            })
        };
        for waiter in self.waiters.extract_if(.., |waiter| is_done(waiter)) {
            let _gone = waiter.reply.send(());
        }
    }

    /// Tells those who have handed something in that it is taken.
    fn thank(&mut self) {
        for reply in self.taken.drain(..) {
            let _gone = reply.send(Ok(()));
        }
    }

    /// What there is to tell of by now.
    fn notice(&mut self, now: Timestamp) {
        let readings = self.readings(now);
        self.alerts
            .handle(now, alert::Input::Readings(readings.clone()));
        while let Some(alert) = self.alerts.poll_effect() {
            self.news
                .extend(news::of_alert(&alert, &self.config.reset_soon));
        }
        let began = news::resets(readings.iter(), self.resets, now);
        self.news.extend(began);
        self.resets = self.resets.max(now);
        for at in 0..self.drivers.len() {
            let offline = |(other, driver): (usize, &Driver)| {
                other != at && Topic::Offline.stands(&driver.place, &driver.standing)
            };
            let others_offline = self.drivers.iter().enumerate().any(offline);
            let Some(driver) = self.drivers.get_mut(at) else {
                continue;
            };
            for notice in std::mem::take(&mut driver.notices) {
                let standing = &mut driver.standing;
                let time = (now, &self.zone);
                let told = news::of_notice(&driver.place, &notice, time, standing, others_offline);
                self.news.extend(told);
            }
        }
        for reading in &readings {
            self.past.note(reading);
        }
    }

    /// Writes down what has changed, with what the feed says of it.
    async fn write(&mut self, now: Timestamp) -> Result<(), CommitError> {
        let mut feed: Vec<feed_entry::Body> = Vec::new();
        let mut told = Vec::new();
        for driver in self.drivers.iter().filter(|driver| driver.means.is_some()) {
            let account = driver.account(now, &self.past);
            let seen = Told::of(&account);
            let is_new = driver.told.as_ref() != Some(&seen);
            let is_nothing = driver.told.is_none() && seen.is_nothing();
            if is_new && !is_nothing {
                feed.extend(body(FeedBody::UsageChanged(Box::new(account))));
                told.push((driver.place.key(), seen));
            }
        }
        let news = self.news.iter().cloned();
        feed.extend(news.filter_map(|news| body(FeedBody::UsageNews(news))));
        let mut memory = self.memory.clone();
        memory.epoch = self.epoch;
        memory.cursor = self.cursor;
        memory.alerts = self.alerts.memory().clone();
        for driver in &self.drivers {
            let mut kept = driver.kept();
            let mut told = told.iter();
            if let Some((_, seen)) = told.find(|(key, _)| *key == driver.place.key()) {
                kept.told = Some(seen.clone());
            }
            if kept != Kept::default() {
                memory.accounts.insert(driver.place.key(), kept);
            }
        }
        let is_far = self.is_far();
        let is_first = self.memory.epoch.is_none() && memory.accounts.is_empty();
        let is_same = self.memory.says_the_same(&memory) || is_first;
        self.points(now).await;
        if feed.is_empty() && is_same && !is_far {
            return Ok(());
        }
        // Only what is written anyhow: it moves with the clock.
        memory.resets = Some(self.resets);
        let text = serde_json::to_string(&memory)
            .map_err(|error| CommitError::Database(error.to_string()))?;
        let store = self.machine.store();
        store
            .keep(NAME, text, now, feed, Durability::Process)
            .await?;
        self.memory = memory;
        self.news.clear();
        for (key, seen) in told {
            if let Some(driver) = self.driver(&key) {
                driver.told = Some(seen);
            }
        }
        Ok(())
    }

    /// Writes down how windows were used. A point that is lost is no loss.
    async fn points(&mut self, now: Timestamp) {
        let fresh = self.past.take_fresh();
        if fresh.is_empty() {
            return;
        }
        let store = self.machine.store().clone();
        if let Err(error) = store.add_points(fresh).await {
            tracing::warn!(%error, "the history of the use of plans has a gap");
        }
        let is_due = |thinned: Timestamp| now.since(thinned) >= THINNED_EVERY;
        if self.thinned.is_none_or(is_due) {
            self.thinned = Some(now);
            self.machine.tasks().spawn("thin the history", async move {
                if let Err(error) = errands::thin(&store, now).await {
                    tracing::warn!(%error, "the history of the use of plans cannot be thinned");
                }
            });
        }
    }

    pub(super) fn show(&self, now: Timestamp) {
        let drivers = self.drivers.iter();
        let accounts = drivers.map(|driver| driver.account(now, &self.past));
        let view = View {
            is_known: true,
            accounts: accounts.collect(),
        };
        self.shown.send_if_modified(|shown| {
            let differs = **shown != view;
            if differs {
                *shown = Arc::new(view);
            }
            differs
        });
    }
}

fn body(body: FeedBody) -> Option<feed_entry::Body> {
    let entry = FeedEntry {
        sequence: Sequence(0),
        timestamp: Timestamp(0),
        body,
    };
    v1::FeedEntry::from(entry).body
}
