//! Questions and plans: what an answer must look like, what it does, and what the agent is told.

use std::collections::BTreeSet;

use serde_json::json;

use super::ends::question_answered;
use super::observe::nested;
use super::permission::{SOMETHING_ELSE, UNATTENDED, deny};
use super::{Context, Decision, Pending, Session, Terms};
use crate::canonical;
use crate::command::{QuestionAnswer, Rejected};
use crate::event::{
    Answer, ClientInfo, Decider, Draft, EventBody, Question, QuestionItem, QuestionOutcome,
};
use crate::id::{RequestId, ToolCallId};
use crate::observation::AgentRequest;
use crate::time::Timestamp;

impl Session {
    pub(super) fn question_asked(
        &self,
        terms: &Terms,
        now: Timestamp,
        parent: Option<ToolCallId>,
        mut question: Question,
        drafts: &mut Vec<Draft>,
    ) {
        if self.requests.is_heard(&question.id) {
            return;
        }
        question.expires_at = Some(self.ends_waiting(terms, now));
        let pending = Pending::Question(question);
        let before = self.decided_before(&pending, drafts);
        let something_else = self.requests.kept.asks_something_else(&pending);
        let Pending::Question(mut question) = pending else {
            return;
        };
        let unattended = || {
            self.present_policy().unattended.then(|| {
                question_answered(
                    &question.id,
                    QuestionOutcome::Declined,
                    Decider::Unattended,
                    UNATTENDED,
                )
            })
        };
        let decided = before.or_else(unattended);
        if decided.is_none() && something_else {
            SOMETHING_ELSE.clone_into(&mut question.note);
        }
        nested(parent.clone(), EventBody::Question(question), drafts);
        self.decided_or_waiting(parent, decided, drafts);
    }

    pub(super) fn answer_question(
        &self,
        context: Context<'_>,
        client: &ClientInfo,
        id: &RequestId,
        answer: &QuestionAnswer,
    ) -> Result<Decision, Rejected> {
        let (answers, outcome, message) = match answer {
            QuestionAnswer::Answered(answers) => {
                (answers.as_slice(), QuestionOutcome::Answered, "")
            }
            QuestionAnswer::Declined { message } => (
                &[] as &[Answer],
                QuestionOutcome::Declined,
                message.as_str(),
            ),
        };
        let digest = digest_of(answers, outcome, message);
        let Some(waiting) = self.requests.answerable(id, &digest)? else {
            return Ok(Decision::Done(Vec::new()));
        };
        let Pending::Question(question) = &waiting.pending else {
            return Err(Rejected::Invalid {
                field: "answer_question.id",
                problem: format!("{id} is a request for permission, not a question"),
            });
        };
        if outcome == QuestionOutcome::Answered {
            check(question, answers)?;
        }
        let end = EventBody::QuestionAnswered {
            id: id.clone(),
            answers: answers.to_vec(),
            outcome,
            by: Decider::Client(client.clone()),
            message: message.to_owned(),
        };
        self.answered(context, client, (id, waiting), end, false)
    }

    /// What the agent is told when a question has ended.
    pub(super) fn tell_answer(
        &self,
        id: &RequestId,
        answers: &[Answer],
        outcome: QuestionOutcome,
        message: &str,
    ) -> Vec<AgentRequest> {
        match outcome {
            QuestionOutcome::Answered => {
                let asked = self.requests.iter().find(|(asked, _)| *asked == id);
                vec![AgentRequest::Answer {
                    id: id.clone(),
                    input: asked
                        .map(|(_, pending)| pending.input().clone())
                        .unwrap_or_default(),
                    answers: answers.to_vec(),
                }]
            }
            QuestionOutcome::Declined | QuestionOutcome::Expired => {
                vec![deny(id, message, false)]
            }
            QuestionOutcome::Withdrawn => Vec::new(),
        }
    }
}

/// Whether these answers are answers to this question.
fn check(question: &Question, answers: &[Answer]) -> Result<(), Rejected> {
    let invalid = |problem: String| {
        Err(Rejected::Invalid {
            field: "answer_question.answers",
            problem,
        })
    };
    if question.plan.is_some() {
        return if answers.is_empty() {
            Ok(())
        } else {
            invalid("a plan is approved or declined; it has nothing to choose from".into())
        };
    }
    if answers.is_empty() && !question.items.is_empty() {
        return invalid("nothing is answered: answer at least one of them, or decline".into());
    }
    let mut seen = BTreeSet::new();
    for answer in answers {
        let item = question
            .items
            .iter()
            .find(|item| item.question == answer.question);
        let Some(item) = item else {
            return invalid(format!("{:?} was not asked", answer.question));
        };
        if !seen.insert(&answer.question) {
            return invalid(format!("{:?} is answered twice", answer.question));
        }
        if let Some(problem) = misfit(item, answer) {
            return invalid(format!("{:?}: {problem}", item.question));
        }
    }
    Ok(())
}

fn misfit(item: &QuestionItem, answer: &Answer) -> Option<String> {
    let labels: Vec<_> = item
        .options
        .iter()
        .map(|option| option.label.as_str())
        .collect();
    let unknown = answer
        .selected
        .iter()
        .find(|label| !labels.contains(&label.as_str()));
    if let Some(label) = unknown {
        return Some(format!(
            "{label:?} is none of its options ({})",
            labels.join(", ")
        ));
    }
    let mut chosen = BTreeSet::new();
    if let Some(label) = answer.selected.iter().find(|label| !chosen.insert(*label)) {
        return Some(format!("{label:?} is chosen twice"));
    }
    if answer.selected.len() > 1 && !item.multi_select {
        return Some("only one option may be chosen".into());
    }
    if answer.selected.is_empty() && answer.text.trim().is_empty() {
        return Some("the answer is empty".into());
    }
    None
}

/// By what an answer is told from another one.
pub(super) fn digest_of(answers: &[Answer], outcome: QuestionOutcome, message: &str) -> String {
    canonical::digest(&json!([answers, outcome, message]))
}
