//! What a run makes of what happens on its session.

use betcode_client::session::{Batch, End, Update};
use betcode_core::event::{EventBody, Status};

use super::{AGAIN, ATTEMPTS, PAUSE, Run};
use crate::error::Failure;
use crate::headless::errands::Outcome;
use crate::headless::format::{self, Printed};
use crate::headless::start::tell;
use crate::headless::turn::{Turn, is_restart};
use crate::output::{say, trouble_line};

impl Run<'_> {
    /// Takes what happens on the session.
    pub(super) async fn update(
        &mut self,
        update: Update,
        turn: &mut Turn,
        printed: &mut Printed,
    ) -> Result<(), Failure> {
        match update {
            Update::Events(batch) => self.events(&batch, turn, printed).await,
            Update::Outcome {
                key,
                outcome: Ok(accepted),
            } => {
                tell(&accepted.notices);
                if key.0 == turn.message().0 {
                    turn.accepted(accepted.sequence);
                }
                self.told(key, Outcome::Done, printed);
                Ok(())
            }
            Update::Outcome {
                key,
                outcome: Err(refusal),
            } => {
                if key.0 == turn.message().0 {
                    if !refusal.is_unavailable() || self.refused == AGAIN {
                        return Err(refusal.into());
                    }
                    self.refused += 1;
                    if self.cut.is_some() {
                        turn.not_taken();
                    } else {
                        self.again = Some(Box::pin(tokio::time::sleep(PAUSE)));
                    }
                }
                // The message was no longer in the queue: it is being answered, so the turn is ours to stop.
                if self.removal == Some(key) && !refusal.is_unavailable() {
                    self.removal = None;
                    self.state.stops = true;
                    self.stop_begun(turn);
                }
                let outcome = if refusal.is_unavailable() {
                    Outcome::NotNow
                } else {
                    Outcome::Refused(&refusal.message)
                };
                self.told(key, outcome, printed);
                Ok(())
            }
            Update::Reset { reason } if turn.is_recorded() => Err(Failure::general(
                "LOG_REPLACED",
                format!("the session's log was replaced while it was read: {reason}"),
            )
            .hint("what was printed may not be in the log any more")),
            Update::Trimmed { .. } => {
                turn.trimmed();
                Ok(())
            }
            Update::Reconnecting {
                attempt: 1, cause, ..
            } => {
                say(&format!("note: reconnecting: {cause}"));
                Ok(())
            }
            Update::Reconnecting { attempt, cause, .. } if attempt > ATTEMPTS => {
                Err(Failure::connection(
                    "CONNECTION_LOST",
                    format!("the daemon cannot be reached: {cause}"),
                )
                .hint(format!(
                    "the turn may still be running: betcode session events {}",
                    self.session
                )))
            }
            Update::Attached { standing, .. } => {
                if !self.args.asks_on_stdio() {
                    self.waiting.standing(&standing);
                    printed.notes.extend(self.waiting.untold());
                }
                Ok(())
            }
            Update::Trouble(trouble) => {
                self.state.trouble = trouble.is_some();
                say(&trouble_line(trouble.as_deref()));
                Ok(())
            }
            Update::Reset { .. } | Update::Reconnecting { .. } => Ok(()),
            Update::End(End::Refused(refusal)) => Err(refusal.into()),
            Update::End(End::Failed(error)) => Err(error.into()),
            Update::End(End::Complete) => Err(Failure::connection(
                "CONNECTION_LOST",
                "the daemon ended the stream",
            )),
        }
    }

    async fn events(
        &mut self,
        batch: &Batch,
        turn: &mut Turn,
        printed: &mut Printed,
    ) -> Result<(), Failure> {
        let mut asked = Vec::new();
        for mut event in batch.events()? {
            let notes = self.wholes.fill(self.session, &mut event).await;
            printed.notes.extend(notes);
            let ours = turn.see(&event);
            self.stop_begun(turn);
            if self.args.asks_on_stdio() {
                asked.extend(self.prompts.see(&event, ours));
            } else {
                printed.notes.extend(self.waiting.see(&event));
            }
            if ours {
                self.format.event(self.session, &event, printed);
                if let EventBody::StatusChange { detail, status, .. } = &event.body
                    && (is_restart(&event.body) || *status == Status::Stalled)
                {
                    printed.notes.push(format!("note: {detail}"));
                }
            }
        }
        printed.notes.extend(self.waiting.untold());
        self.nobody_answers();
        asked.extend(self.prompts.untold());
        for line in asked {
            format::line(&mut printed.data, &line);
        }
        Ok(())
    }
}
