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
        let counting = self.is_counting().then(|| self.now.plus(SECOND));
        [
            spinner,
            remark,
            prompt,
            listens,
            counting,
            self.finds_due(),
            self.draft_due(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// From when on what is asked takes answers.
    fn listens(&self) -> Option<Timestamp> {
        match (self.layers.last(), &self.prompt) {
            (Some(Layer::Lock { listens, .. }), _) => *listens,
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

    /// Something with seconds is shown.
    fn is_counting(&self) -> bool {
        matches!(self.link, Link::Reconnecting { .. })
            || !self.session.lock.requests.is_empty()
            || self.session.retry_at.is_some()
    }
}
