//! Other sessions of this machine that wait for somebody: told here, and one key away.

use betcode_client::Summary;
use betcode_core::event::Status;
use betcode_core::id::SessionId;

use crate::model::Model;
use crate::msg::{Effect, Elsewhere};
use crate::session::Session;
use crate::view::words;

use super::{Work, drafts};

pub(super) fn take(model: &mut Model, work: &mut Work<'_, '_>, what: Elsewhere) {
    match what {
        Elsewhere::All(sessions) => {
            model.elsewhere.clear();
            for session in sessions {
                know(model, session);
            }
        }
        Elsewhere::Changed(session) => {
            let is_new = session.status == Status::WaitingForUser
                && session.id != model.session.id
                && !model.elsewhere.contains_key(&session.id);
            if is_new && model.notifies() {
                let title = words::title(&session.title);
                work.ask(Effect::Notify(format!("{title} waits for you")));
            }
            know(model, *session);
        }
        Elsewhere::Gone(id) => {
            model.elsewhere.remove(&id);
        }
    }
}

fn know(model: &mut Model, session: Summary) {
    if session.status == Status::WaitingForUser {
        model.elsewhere.insert(session.id, session);
    } else {
        model.elsewhere.remove(&session.id);
    }
}

/// To the one that waits longest.
pub(super) fn go(model: &mut Model, work: &mut Work<'_, '_>) {
    let next = model.waiting_elsewhere().next().cloned();
    match next {
        Some(next) => open(model, work, &next),
        None => model.say("nothing waits for you"),
    }
}

/// Another session takes the place of this one.
pub(super) fn open(model: &mut Model, work: &mut Work<'_, '_>, summary: &Summary) {
    let session = Session::new(summary.id, &summary.agent.0, &summary.cwd);
    drafts::leave(model, work);
    model.switch(session, true);
    work.ask(Effect::Open(summary.id));
}

/// Another session of which only the id is known takes the place of this one.
pub(super) fn open_id(model: &mut Model, work: &mut Work<'_, '_>, id: SessionId) {
    if model.exists && model.id() == id {
        return;
    }
    let session = Session::new(id, "", &model.session.cwd);
    drafts::leave(model, work);
    model.switch(session, true);
    work.ask(Effect::Open(id));
}

impl Model {
    /// Other sessions that wait, the longest waiting first.
    pub(crate) fn waiting_elsewhere(&self) -> impl Iterator<Item = &Summary> {
        let here = self.session.id;
        let mut waiting: Vec<_> = self
            .elsewhere
            .values()
            .filter(|session| session.id != here)
            .collect();
        waiting.sort_by_key(|session| session.updated);
        waiting.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use betcode_core::time::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::msg::Msg;
    use crate::scene::{Scene, screen, summary};

    fn waits(scene: &mut Scene, id: u128, title: &str, updated: i64, status: Status) {
        let mut summary = summary(SessionId(Uuid::from_u128(id)), title);
        summary.status = status;
        summary.updated = Timestamp(updated);
        scene.on(Msg::Elsewhere(Elsewhere::Changed(Box::new(summary))));
    }

    #[test]
    fn a_session_that_waits_elsewhere_is_told_and_one_key_away() {
        let mut scene = screen(80, 24);
        waits(&mut scene, 9, "Later one", 20, Status::WaitingForUser);
        waits(&mut scene, 8, "Deploy", 10, Status::WaitingForUser);
        let text = scene.text();
        assert!(
            text.contains("▲ Deploy waits for you (and 1 more)  ctrl-y goes there"),
            "{text}"
        );
        scene.keys("ctrl-y");
        assert_eq!(scene.model.id(), SessionId(Uuid::from_u128(8)));
        assert!(scene.text().contains("▲ Later one waits for you  ctrl-y"));
        waits(&mut scene, 9, "Later one", 30, Status::Thinking);
        assert!(!scene.text().contains("waits for you"));
    }

    #[test]
    fn enter_with_nothing_written_never_goes_to_another_session() {
        let mut scene = screen(80, 24);
        waits(&mut scene, 8, "Deploy", 10, Status::WaitingForUser);
        scene.keys("enter");
        assert_eq!(scene.model.id(), SessionId(Uuid::from_u128(7)));
    }

    #[test]
    fn who_looks_away_is_notified_once() {
        let mut scene = screen(80, 24);
        scene.on(Msg::Focus(false));
        for updated in 1..4 {
            waits(&mut scene, 8, "Deploy", updated, Status::WaitingForUser);
        }
        let told = Effect::Notify("Deploy waits for you".into());
        let count = scene
            .effects
            .iter()
            .filter(|effect| **effect == told)
            .count();
        assert_eq!(count, 1, "{:?}", scene.effects);
    }
}
