//! The prompt for questions and plans: one question after the other, with options, several of them, or own words.

use std::collections::BTreeSet;

use betcode_core::command::{Action, QuestionAnswer};
use betcode_core::event::{Answer, Question};
use betcode_core::id::RequestId;
use betcode_core::time::Timestamp;

use crate::composer::Composer;
use crate::keymap::Do;

/// The prompt.
#[derive(Debug)]
pub struct QuestionPrompt {
    /// Which request.
    pub id: RequestId,
    /// From when on it takes answers; none before it was seen.
    pub listens: Option<Timestamp>,
    /// Which of the questions is shown; behind the last one, all answers are.
    pub item: usize,
    /// The option that the cursor is on.
    pub cursor: usize,
    /// What has been chosen for each question.
    pub chosen: Vec<Choice>,
    /// Own words, while they are being written.
    pub words: Option<Composer>,
    /// How many rows of a plan are above what is shown.
    pub scroll: usize,
}

/// What has been chosen for a question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The options, by number.
    pub options: BTreeSet<usize>,
    /// Own words.
    pub text: String,
}

impl QuestionPrompt {
    /// The prompt for a question.
    pub fn new(question: &Question, listens: Option<Timestamp>) -> Self {
        Self {
            id: question.id.clone(),
            listens,
            item: 0,
            cursor: 0,
            chosen: vec![Choice::default(); question.items.len()],
            words: None,
            scroll: 0,
        }
    }

    /// Does what a key says. An action is the answer.
    pub fn act(&mut self, what: Do, question: &Question, width: u16) -> Option<Action> {
        match what {
            Do::Approve if question.plan.is_some() => return Some(self.answered(question)),
            Do::Decline => return Some(self.declined(String::new())),
            Do::OwnWords => self.words = Some(Composer::new(width)),
            Do::PlanDown | Do::PageDown => self.scroll = self.scroll.saturating_add(10),
            Do::PlanUp | Do::PageUp => self.scroll = self.scroll.saturating_sub(10),
            Do::OptionDown => self.step(question, 1),
            Do::OptionUp => self.step(question, -1),
            Do::Mark => self.mark(question, self.cursor),
            Do::Confirm => return self.confirm(question),
            _ => {}
        }
        None
    }

    /// A digit takes the option with this number: marks it where several may be chosen, answers where it is one.
    pub fn digit(&mut self, digit: u32, question: &Question) -> Option<Action> {
        let item = question.items.get(self.item)?;
        let option = usize::try_from(digit).ok()?.checked_sub(1)?;
        item.options.get(option)?;
        self.cursor = option;
        if item.multi_select {
            self.mark(question, option);
            None
        } else {
            self.confirm(question)
        }
    }

    /// The words have been written.
    pub fn said(&mut self, text: String, question: &Question) -> Option<Action> {
        self.words = None;
        if question.plan.is_some() {
            return Some(self.declined(text));
        }
        if let Some(choice) = self.chosen.get_mut(self.item) {
            choice.text = text;
            let single = question
                .items
                .get(self.item)
                .is_some_and(|item| !item.multi_select);
            if single {
                choice.options.clear();
            }
        }
        self.next(question)
    }

    /// Whether enter takes nothing, because several options may be marked and none is.
    pub fn wants_marks(&self, question: &Question) -> bool {
        let item = question.items.get(self.item);
        let chosen = self.chosen.get(self.item);
        item.is_some_and(|item| item.multi_select && !item.options.is_empty())
            && chosen.is_some_and(|choice| choice.options.is_empty() && choice.text.is_empty())
    }

    fn confirm(&mut self, question: &Question) -> Option<Action> {
        let Some(item) = question.items.get(self.item) else {
            return Some(self.answered(question));
        };
        if let Some(choice) = self.chosen.get_mut(self.item) {
            if !item.multi_select {
                choice.text.clear();
                choice.options = std::iter::once(self.cursor)
                    .filter(|at| *at < item.options.len())
                    .collect();
            }
            // What the cursor is on is no answer to what several answers are possible to.
            if choice.options.is_empty() && choice.text.is_empty() {
                return None;
            }
        }
        self.next(question)
    }

    /// One question answers at once; several are looked over first.
    fn next(&mut self, question: &Question) -> Option<Action> {
        self.item += 1;
        self.cursor = 0;
        (question.items.len() <= 1).then(|| self.answered(question))
    }

    fn step(&mut self, question: &Question, by: isize) {
        let options = question
            .items
            .get(self.item)
            .map_or(0, |item| item.options.len());
        self.cursor = self
            .cursor
            .saturating_add_signed(by)
            .min(options.saturating_sub(1));
    }

    fn mark(&mut self, question: &Question, option: usize) {
        let several = question
            .items
            .get(self.item)
            .is_some_and(|item| item.multi_select);
        if let Some(choice) = self.chosen.get_mut(self.item).filter(|_| several)
            && !choice.options.remove(&option)
        {
            choice.options.insert(option);
        }
    }

    fn answered(&self, question: &Question) -> Action {
        let answers = question
            .items
            .iter()
            .zip(&self.chosen)
            .map(|(item, choice)| Answer {
                question: item.question.clone(),
                selected: choice
                    .options
                    .iter()
                    .filter_map(|option| item.options.get(*option))
                    .map(|option| option.label.clone())
                    .collect(),
                text: choice.text.clone(),
            });
        self.action(QuestionAnswer::Answered(answers.collect()))
    }

    fn declined(&self, message: String) -> Action {
        self.action(QuestionAnswer::Declined { message })
    }

    fn action(&self, answer: QuestionAnswer) -> Action {
        Action::AnswerQuestion {
            id: self.id.clone(),
            answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use betcode_core::event::{QuestionItem, QuestionOption};

    use super::*;

    fn item(question: &str, multi_select: bool) -> QuestionItem {
        let option = |label: &str| QuestionOption {
            label: label.to_owned(),
            description: String::new(),
        };
        QuestionItem {
            question: question.to_owned(),
            header: String::new(),
            multi_select,
            options: vec![option("red"), option("green"), option("blue")],
        }
    }

    fn question(items: Vec<QuestionItem>, plan: Option<&str>) -> Question {
        Question {
            id: "q".into(),
            tool_call: None,
            items,
            plan: plan.map(str::to_owned),
            input: serde_json::Value::Null,
            expires_at: None,
            is_replay: false,
            note: String::new(),
        }
    }

    fn answers(action: Option<Action>) -> Vec<Answer> {
        match action {
            Some(Action::AnswerQuestion {
                answer: QuestionAnswer::Answered(answers),
                ..
            }) => answers,
            other => panic!("{other:?} answers nothing"),
        }
    }

    #[test]
    fn one_question_is_answered_by_a_digit_or_by_moving_and_enter() {
        let asked = question(vec![item("which?", false)], None);
        let mut prompt = QuestionPrompt::new(&asked, None);
        assert_eq!(answers(prompt.digit(2, &asked))[0].selected, ["green"]);
        let mut prompt = QuestionPrompt::new(&asked, None);
        assert_eq!(prompt.digit(9, &asked), None);
        assert_eq!(prompt.act(Do::OptionDown, &asked, 80), None);
        assert_eq!(prompt.act(Do::OptionDown, &asked, 80), None);
        assert_eq!(
            answers(prompt.act(Do::Confirm, &asked, 80))[0].selected,
            ["blue"]
        );
    }

    #[test]
    fn several_questions_are_looked_over_before_they_are_sent() {
        let asked = question(vec![item("one?", false), item("many?", true)], None);
        let mut prompt = QuestionPrompt::new(&asked, None);
        assert_eq!(prompt.digit(1, &asked), None);
        assert_eq!(prompt.digit(1, &asked), None);
        assert_eq!(prompt.digit(3, &asked), None);
        assert_eq!(prompt.act(Do::Confirm, &asked, 80), None);
        let sent = answers(prompt.act(Do::Confirm, &asked, 80));
        assert_eq!(sent[0].selected, ["red"]);
        assert_eq!(sent[1].selected, ["red", "blue"]);
    }

    #[test]
    fn where_several_may_be_marked_enter_takes_nothing_until_one_is() {
        let asked = question(vec![item("many?", true)], None);
        let mut prompt = QuestionPrompt::new(&asked, None);
        assert!(prompt.wants_marks(&asked));
        assert_eq!(prompt.act(Do::Confirm, &asked, 80), None);
        assert_eq!(prompt.item, 0);
        assert_eq!(prompt.act(Do::OptionDown, &asked, 80), None);
        assert_eq!(prompt.act(Do::Mark, &asked, 80), None);
        assert!(!prompt.wants_marks(&asked));
        let sent = answers(prompt.act(Do::Confirm, &asked, 80));
        assert_eq!(sent[0].selected, ["green"]);
    }

    #[test]
    fn own_words_take_the_place_of_an_option() {
        let asked = question(vec![item("which?", false)], None);
        let mut prompt = QuestionPrompt::new(&asked, None);
        assert_eq!(prompt.act(Do::OwnWords, &asked, 80), None);
        let sent = answers(prompt.said("violet".into(), &asked));
        assert_eq!(
            (sent[0].selected.len(), sent[0].text.as_str()),
            (0, "violet")
        );
    }

    #[test]
    fn a_plan_is_approved_or_sent_back_with_words() {
        let asked = question(Vec::new(), Some("1. do it"));
        let mut prompt = QuestionPrompt::new(&asked, None);
        assert_eq!(answers(prompt.act(Do::Approve, &asked, 80)).len(), 0);
        let back = prompt.said("not yet".into(), &asked);
        assert!(
            matches!(back, Some(Action::AnswerQuestion { answer: QuestionAnswer::Declined { message }, .. }) if message == "not yet")
        );
    }
}
