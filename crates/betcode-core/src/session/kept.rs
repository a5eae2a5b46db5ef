//! Answers that are kept because the agent that asked has died: whoever answers cannot know that, and need not wait for it.
//!
//! An answer is kept under the tool and the canonical form of its input. It is used up by the first request for the same,
//! and dropped when the conversation that it belongs to has gone on without asking, or is no more.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Pending;
use crate::canonical;
use crate::event::{
    Answer, Decider, EventBody, PermissionDecision, PermissionScope, QuestionOutcome,
};
use crate::id::{RequestId, Sequence};

/// The answers that are kept, in the order in which they were given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct KeptAnswers(Vec<Kept>);

/// An answer whose agent had died.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// The request that it answered.
    id: RequestId,
    tool: String,
    /// The digest of the input.
    input: String,
    /// The event that has the whole input, if the digest is that of a preview.
    cut_at: Option<Sequence>,
    answer: KeptAnswer,
    /// The event that has the whole edited input, if only a preview of it is here. Such an answer is not used.
    edit_cut_at: Option<Sequence>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum KeptAnswer {
    /// To a request for permission.
    Permission(PermissionDecision),
    /// To a question.
    Question {
        /// One answer for each item.
        answers: Vec<Answer>,
        /// How it ended.
        outcome: QuestionOutcome,
        /// By whom.
        by: Decider,
        /// The message to the agent.
        message: String,
    },
}

impl KeptAnswers {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Keeps an answer to a request.
    pub(super) fn keep(
        &mut self,
        id: &RequestId,
        pending: &Pending,
        cut_at: Option<Sequence>,
        answer: KeptAnswer,
        edit_cut_at: Option<Sequence>,
    ) {
        self.0.push(Kept {
            id: id.clone(),
            tool: pending.tool().to_owned(),
            input: canonical::digest(pending.input()),
            cut_at,
            answer,
            edit_cut_at,
        });
    }

    /// The same was asked again and has been decided: one answer to it is used up.
    pub(super) fn used(&mut self, pending: &Pending) {
        if let Some(place) = self.find(pending) {
            self.0.remove(place);
        }
    }

    /// The decision that was made about the same.
    pub(super) fn decision(&self, pending: &Pending) -> Option<EventBody> {
        let kept = self.0.get(self.find(pending)?)?;
        if kept.edit_cut_at.is_some() {
            return None;
        }
        Some(match (&kept.answer, pending) {
            (KeptAnswer::Permission(decision), Pending::Permission(request)) => {
                EventBody::PermissionResolved(PermissionDecision {
                    id: request.id.clone(),
                    // What it allowed beyond this call was allowed when it was given.
                    scope: PermissionScope::Once,
                    rules: Vec::new(),
                    ..decision.clone()
                })
            }
            (
                KeptAnswer::Question {
                    answers,
                    outcome,
                    by,
                    message,
                },
                Pending::Question(question),
            ) => EventBody::QuestionAnswered {
                id: question.id.clone(),
                answers: answers.clone(),
                outcome: *outcome,
                by: by.clone(),
                message: message.clone(),
            },
            _ => return None,
        })
    }

    /// True when an answer was given for this tool, but for another input.
    pub(super) fn asks_something_else(&self, pending: &Pending) -> bool {
        self.0.iter().any(|kept| kept.tool == pending.tool()) && self.find(pending).is_none()
    }

    /// The events that have the whole of what is here as a preview.
    pub(super) fn cut(&self) -> impl Iterator<Item = Sequence> {
        let cut = |kept: &Kept| kept.cut_at.into_iter().chain(kept.edit_cut_at);
        self.0.iter().flat_map(cut)
    }

    pub(super) fn restore_input(&mut self, at: Sequence, input: &Value) {
        for kept in &mut self.0 {
            if kept.cut_at == Some(at) {
                kept.input = canonical::digest(input);
                kept.cut_at = None;
            } else if kept.edit_cut_at == Some(at) {
                if let KeptAnswer::Permission(decision) = &mut kept.answer {
                    decision.input = Some(input.clone());
                }
                kept.edit_cut_at = None;
            }
        }
    }

    pub(super) fn keep_whole(&mut self) {
        for kept in &mut self.0 {
            kept.cut_at = None;
            kept.edit_cut_at = None;
        }
    }

    fn find(&self, pending: &Pending) -> Option<usize> {
        if self.0.is_empty() {
            return None;
        }
        let digest = canonical::digest(pending.input());
        let same = |kept: &Kept| kept.tool == pending.tool() && kept.input == digest;
        self.0.iter().position(same)
    }
}
