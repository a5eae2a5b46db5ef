//! What was sent to the daemon for the program on stdin: requests that are answered once they are done, and answers that must
//! arrive. Not the place that sends.
//!
//! Laws:
//! - a request is answered exactly once, with what became of it;
//! - what the daemon could not take at this moment is sent again, under its key;
//! - an answer that was not taken is told.

use std::pin::Pin;
use std::time::Duration;

use betcode_core::command::Command;
use betcode_core::id::IdempotencyKey;
use serde_json::Value;
use tokio::time::Sleep;

use super::control::{Refused, response};

/// The pause before something is sent again.
const PAUSE: Duration = Duration::from_millis(100);

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Errands {
    open: Vec<Errand>,
    again: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug)]
struct Errand {
    command: Command,
    of: Purpose,
    /// It was refused for the moment and is to be sent again.
    waits: bool,
}

/// What something was sent for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Purpose {
    /// A request of the program.
    Request {
        /// Which one.
        id: String,
        /// What is answered when it is done.
        answer: Value,
    },
    /// The program's answer to this request of the agent.
    Answer(String),
    /// An answer because nobody else can give one.
    Nobody,
}

/// What the daemon said to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome<'a> {
    /// Done.
    Done,
    /// It cannot be done at this moment.
    NotNow,
    /// It cannot be done, for this reason.
    Refused(&'a str),
}

/// What is to be told.
#[derive(Debug, PartialEq)]
pub(super) enum Told {
    /// A line for the program.
    Line(Value),
    /// A line on stderr.
    Note(String),
}

impl Errands {
    /// This was sent.
    pub(super) fn sent(&mut self, command: Command, of: Purpose) {
        let waits = false;
        self.open.push(Errand { command, of, waits });
    }

    /// True when there is nothing left to wait for.
    pub(super) const fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// A command was answered.
    pub(super) fn outcome(&mut self, key: IdempotencyKey, outcome: Outcome<'_>) -> Option<Told> {
        let at = self.open.iter().position(|open| open.command.key == key)?;
        if outcome == Outcome::NotNow {
            self.open.get_mut(at)?.waits = true;
            self.again
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(PAUSE)));
            return None;
        }
        match (self.open.swap_remove(at).of, outcome) {
            (Purpose::Request { id, .. }, Outcome::Refused(why)) => {
                let code = "refused";
                let message = why.to_owned();
                let refused = Refused { code, message };
                Some(Told::Line(response(&id, Err(refused))))
            }
            (Purpose::Request { id, answer }, _) => Some(Told::Line(response(&id, Ok(answer)))),
            (Purpose::Answer(id), Outcome::Refused(why)) => Some(Told::Note(format!(
                "warning: the answer to {id} was not taken: {why}"
            ))),
            // Somebody has answered meanwhile, or nothing is asked any more.
            (Purpose::Answer(_) | Purpose::Nobody, _) => None,
        }
    }

    /// Waits until something is to be sent again, and gives it. May be given up at any time.
    pub(super) async fn due(&mut self) -> Vec<Command> {
        let Some(again) = &mut self.again else {
            return std::future::pending().await;
        };
        again.await;
        self.again = None;
        let waiting = self.open.iter_mut().filter(|open| open.waits);
        waiting
            .map(|open| {
                open.waits = false;
                open.command.clone()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use betcode_core::command::Action;
    use betcode_core::event::ClientKind;
    use betcode_core::id::SessionId;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::link::{client, command};

    fn sent(errands: &mut Errands, of: Purpose) -> IdempotencyKey {
        let session = SessionId(Uuid::from_u128(1));
        let command = command(session, client("x", ClientKind::Run), Action::Cancel);
        errands.sent(command.clone(), of);
        command.key
    }

    fn request() -> Purpose {
        Purpose::Request {
            id: "r".into(),
            answer: json!({"mode": "plan"}),
        }
    }

    #[test]
    fn a_request_is_answered_once_with_what_became_of_it() {
        let mut errands = Errands::default();
        let key = sent(&mut errands, request());
        let done = json!({"type": "control_response", "response":
            {"subtype": "success", "request_id": "r", "response": {"mode": "plan"}}});
        assert_eq!(errands.outcome(key, Outcome::Done), Some(Told::Line(done)));
        assert_eq!(errands.outcome(key, Outcome::Done), None);
        let key = sent(&mut errands, request());
        let Some(Told::Line(line)) = errands.outcome(key, Outcome::Refused("closed")) else {
            panic!("no line");
        };
        assert_eq!(line["response"]["subtype"], "error");
        assert_eq!(line["response"]["error"], "closed");
        assert!(errands.is_empty());
    }

    #[test]
    fn an_answer_that_is_not_taken_is_told_and_one_of_nobody_is_not() {
        let mut errands = Errands::default();
        let key = sent(&mut errands, Purpose::Answer("p".into()));
        assert_eq!(
            errands.outcome(key, Outcome::Refused("denied")),
            Some(Told::Note(
                "warning: the answer to p was not taken: denied".into()
            ))
        );
        let key = sent(&mut errands, Purpose::Nobody);
        assert_eq!(errands.outcome(key, Outcome::Refused("denied")), None);
        assert!(errands.is_empty());
    }

    #[tokio::test]
    async fn what_could_not_be_taken_now_is_sent_again_under_its_key() {
        let mut errands = Errands::default();
        let key = sent(&mut errands, Purpose::Nobody);
        assert_eq!(errands.outcome(key, Outcome::NotNow), None);
        let again: Vec<_> = errands.due().await.iter().map(|sent| sent.key).collect();
        assert_eq!(again, [key]);
        assert_eq!(errands.outcome(key, Outcome::Done), None);
        assert!(errands.is_empty());
    }
}
