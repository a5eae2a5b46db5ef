//! What the session waits for somebody to decide, told on stderr: each request once, with the command that answers it, and
//! once more when it is decided. Pure.
//!
//! A request that is decided as soon as it is asked is never told of: whoever calls asks for [`Waiting::untold`] only after
//! everything that came together has been seen.

use betcode_client::session::Standing;
use betcode_core::event::{
    Decider, Event, EventBody, PermissionOutcome, PermissionRequest, Question, QuestionOutcome,
};
use betcode_core::id::RequestId;
use betcode_core::session::describe;

use crate::cli::question_line;
use crate::table::{cut, first_line};

/// Enough of a description to recognise it.
const WHAT: usize = 100;

/// The requests that wait.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    id: RequestId,
    what: String,
    /// What is said when it waits.
    note: String,
    told: bool,
}

impl Waiting {
    /// What waits at the moment of attaching.
    pub(super) fn standing(&mut self, standing: &Standing) {
        standing
            .permissions
            .iter()
            .for_each(|request| self.permission(request));
        standing
            .questions
            .iter()
            .for_each(|question| self.question(question));
    }

    /// Takes the next event. Says what became of a request that was told of.
    pub(super) fn see(&mut self, event: &Event) -> Option<String> {
        match &event.body {
            EventBody::PermissionRequest(request) => self.permission(request),
            EventBody::Question(question) => self.question(question),
            EventBody::PermissionResolved(decision) => {
                let how = match decision.outcome {
                    PermissionOutcome::Allowed => "was allowed",
                    PermissionOutcome::Denied => "was denied",
                    PermissionOutcome::Withdrawn => "is not asked for any more",
                    PermissionOutcome::Expired => "was not answered in time, and so denied",
                };
                return self.ended(&decision.id, how, &decision.by);
            }
            EventBody::QuestionAnswered {
                id, outcome, by, ..
            } => {
                let how = match outcome {
                    QuestionOutcome::Answered => "was answered",
                    QuestionOutcome::Declined => "was declined",
                    QuestionOutcome::Withdrawn => "is not asked any more",
                    QuestionOutcome::Expired => "was not answered in time",
                };
                return self.ended(id, how, by);
            }
            _ => {}
        }
        None
    }

    /// What has not been told of yet.
    pub(super) fn untold(&mut self) -> Vec<String> {
        let untold = self.open.iter_mut().filter(|open| !open.told);
        untold
            .map(|open| {
                open.told = true;
                open.note.clone()
            })
            .collect()
    }

    fn permission(&mut self, request: &PermissionRequest) {
        let about = first_line(&request.description, WHAT);
        let what = format!("{} ({about})", request.tool);
        let id = &request.id;
        let note =
            format!("note: waiting for permission to use {what}: betcode permission allow {id}");
        self.add(id, what, note);
    }

    fn question(&mut self, question: &Question) {
        let id = &question.id;
        let what = cut(&question_line(question), WHAT);
        let note = format!("note: waiting for an answer to \"{what}\": betcode question show {id}");
        self.add(id, format!("\"{what}\""), note);
    }

    fn add(&mut self, id: &RequestId, what: String, note: String) {
        if self.open.iter().any(|open| open.id == *id) {
            return;
        }
        self.open.push(Open {
            id: id.clone(),
            what,
            note,
            told: false,
        });
    }

    fn ended(&mut self, id: &RequestId, how: &str, by: &Decider) -> Option<String> {
        let place = self.open.iter().position(|open| open.id == *id)?;
        let open = self.open.swap_remove(place);
        if !open.told {
            return None;
        }
        let by = match by {
            Decider::Client(_) | Decider::Rule { .. } => format!(" by {}", describe(by)),
            Decider::Unattended | Decider::Agent => String::new(),
        };
        Some(format!("note: {} {how}{by}", open.what))
    }
}

#[cfg(test)]
mod tests {
    use betcode_core::event::{ClientInfo, PermissionDecision, PermissionScope, QuestionItem};
    use betcode_core::id::Sequence;
    use betcode_core::time::Timestamp;
    use serde_json::json;

    use super::*;

    fn request() -> PermissionRequest {
        PermissionRequest {
            id: "r-1".into(),
            tool: "Bash".into(),
            tool_call: None,
            input: json!({}),
            description: "touch made\nand more".into(),
            suggested_rules: Vec::new(),
            expires_at: None,
            is_replay: false,
            note: String::new(),
        }
    }

    fn question() -> Question {
        Question {
            id: "q-1".into(),
            tool_call: None,
            items: vec![QuestionItem {
                question: "Which colour?".into(),
                header: String::new(),
                multi_select: false,
                options: Vec::new(),
            }],
            plan: None,
            input: json!({}),
            expires_at: None,
            is_replay: false,
            note: String::new(),
        }
    }

    fn event(body: EventBody) -> Event {
        Event {
            sequence: Sequence(1),
            first_sequence: None,
            timestamp: Timestamp(0),
            parent: None,
            previews: Vec::new(),
            body,
        }
    }

    fn decided(outcome: PermissionOutcome, by: Decider) -> Event {
        event(EventBody::PermissionResolved(PermissionDecision {
            id: "r-1".into(),
            outcome,
            by,
            message: String::new(),
            scope: PermissionScope::Once,
            rules: Vec::new(),
            input: None,
            interrupt: false,
        }))
    }

    fn person() -> Decider {
        Decider::Client(ClientInfo {
            name: "betcode permission".into(),
            place: "laptop".into(),
            ..ClientInfo::default()
        })
    }

    #[test]
    fn a_request_that_waits_is_told_once_and_its_end_is_told_with_who_decided() {
        let mut waiting = Waiting::default();
        assert_eq!(
            waiting.see(&event(EventBody::PermissionRequest(request()))),
            None
        );
        assert_eq!(
            waiting.untold(),
            [
                "note: waiting for permission to use Bash (touch made (+1 line)): betcode permission allow r-1"
            ]
        );
        // After a lost connection the same request stands there again.
        waiting.standing(&Standing {
            permissions: vec![request()],
            ..Standing::default()
        });
        assert_eq!(waiting.untold(), Vec::<String>::new());
        assert_eq!(
            waiting.see(&decided(PermissionOutcome::Allowed, person())),
            Some(
                "note: Bash (touch made (+1 line)) was allowed by betcode permission (laptop)"
                    .into()
            )
        );
        assert_eq!(
            waiting.see(&decided(PermissionOutcome::Allowed, person())),
            None
        );
    }

    #[test]
    fn what_is_decided_at_once_is_not_told() {
        let mut waiting = Waiting::default();
        waiting.see(&event(EventBody::PermissionRequest(request())));
        let by = Decider::Unattended;
        assert_eq!(waiting.see(&decided(PermissionOutcome::Denied, by)), None);
        assert_eq!(waiting.untold(), Vec::<String>::new());
    }

    #[test]
    fn what_waited_before_and_what_expires_is_told() {
        let mut waiting = Waiting::default();
        waiting.standing(&Standing {
            permissions: vec![request()],
            questions: vec![question()],
            ..Standing::default()
        });
        assert_eq!(
            waiting.untold(),
            [
                "note: waiting for permission to use Bash (touch made (+1 line)): betcode permission allow r-1",
                "note: waiting for an answer to \"Which colour?\": betcode question show q-1"
            ]
        );
        let by = Decider::Unattended;
        assert_eq!(
            waiting.see(&decided(PermissionOutcome::Expired, by.clone())),
            Some(
                "note: Bash (touch made (+1 line)) was not answered in time, and so denied".into()
            )
        );
        let answered = event(EventBody::QuestionAnswered {
            id: "q-1".into(),
            answers: Vec::new(),
            outcome: QuestionOutcome::Declined,
            by: person(),
            message: String::new(),
        });
        assert_eq!(
            waiting.see(&answered),
            Some("note: \"Which colour?\" was declined by betcode permission (laptop)".into())
        );
    }
}
