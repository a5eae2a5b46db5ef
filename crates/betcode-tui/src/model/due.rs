//! When something changes by itself, and from when on what is asked takes answers.

use std::time::Duration;

use betcode_core::time::Timestamp;

use super::{Link, Model};
use crate::layers::Layer;
use crate::prompt::Prompt;

/// How soon it is seen again whether everything was taken in that was typed.
const AGAIN: Duration = Duration::from_millis(10);
/// How often what counts seconds is drawn.
const SECOND: Duration = Duration::from_secs(1);
/// How often something that moves is drawn.
const SPINNER: Duration = Duration::from_millis(125);

impl Model {
    /// When something changes by itself: then [`crate::msg::Msg::Wake`] is due.
    pub fn deadline(&self) -> Option<Timestamp> {
        let moving = self.session.is_working() && self.focused;
        let often = if self.taste.reduced_motion {
            SECOND
        } else {
            SPINNER
        };
        let spinner = moving.then(|| self.now.plus(often));
        let remark = self.remark.as_ref().map(|(_, until)| *until);
        let prompt = (self.waits_to_open() || self.asker_waits())
            .then(|| self.last_key.plus(crate::prompt::QUIET));
        if self.plain.is_some() {
            // Nothing in lines moves or counts.
            let due = [prompt, self.draft_due(), self.finds_due()];
            return due.into_iter().flatten().min();
        }
        let listens = self.listens().filter(|at| self.heard < *at);
        let listens = listens.map(|at| at.max(self.now.plus(AGAIN)));
        [
            spinner,
            remark,
            prompt,
            listens,
            self.count_due(),
            self.sent_due(),
            self.finds_due(),
            self.draft_due(),
            self.usage_due(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// When the time left of the plan says something else. Nobody reads it where nobody looks.
    fn usage_due(&self) -> Option<Timestamp> {
        let due = || self.usage.due(&self.session.agent, self.now);
        self.focused.then(due).flatten()
    }

    /// From when on what is asked takes answers.
    fn listens(&self) -> Option<Timestamp> {
        match (self.layers.last(), &self.prompt) {
            (Some(Layer::Lock { listens, .. }), _) => *listens,
            (Some(Layer::Notices(pane)), _) => pane.listens,
            (_, prompt) => prompt.as_ref().and_then(Prompt::listens),
        }
    }

    /// Whether it is time, and only what was typed before has to be taken in.
    pub(crate) fn listens_at(&self, now: Timestamp) -> bool {
        self.listens()
            .is_some_and(|at| at <= now && self.heard < at)
    }

    /// Whether something that takes answers from this time on takes none yet.
    pub(crate) fn is_deaf(&self, listens: Option<Timestamp>) -> bool {
        listens.is_none_or(|at| self.heard < at || self.now < self.heard)
    }

    /// When the daemon is to be asked what was said in sessions.
    fn finds_due(&self) -> Option<Timestamp> {
        match self.layers.last() {
            Some(Layer::Pick(pick)) => pick.finds.due(),
            _ => None,
        }
    }

    /// When it is said for how long nobody has answered.
    fn sent_due(&self) -> Option<Timestamp> {
        let mut pending = self.pending.iter();
        let waits = pending.any(|pending| pending.refused.is_none());
        waits.then(|| self.now.plus(SECOND))
    }

    /// When seconds that run down show another number: each is seen.
    fn count_due(&self) -> Option<Timestamp> {
        let next = match self.link {
            Link::Reconnecting { next, .. } => Some(next),
            _ => None,
        };
        let asked = self.session.lock.requests.iter().map(|(_, until)| *until);
        let moments = asked.chain(next).chain(self.session.retry_at);
        let due = moments.map(|moment| match moment.since(self.now) {
            Duration::ZERO => self.now.plus(SECOND),
            left => {
                let rest = Duration::from_micros(u64::from(left.subsec_micros()));
                self.now.plus(rest + Duration::from_millis(1))
            }
        });
        due.min()
    }
}
