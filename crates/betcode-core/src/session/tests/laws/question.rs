//! When answers are answers to a question, told as simply as can be.

use super::*;

/// Each answer is to another item of the question, chooses among its options, one only where one may be chosen, and says
/// something. A plan has nothing to answer.
pub(super) fn assert_fits(question: &Question, answers: &[Answer]) {
    assert_eq!(answers.is_empty(), question.items.is_empty());
    for (place, answer) in answers.iter().enumerate() {
        let again = answers[..place]
            .iter()
            .any(|before| before.question == answer.question);
        assert!(!again, "answered twice");
        let item = question
            .items
            .iter()
            .find(|item| item.question == answer.question);
        let item = item.expect("it was asked");
        for label in &answer.selected {
            assert!(item.options.iter().any(|option| option.label == *label));
        }
        assert!(
            answer.selected.len()
                <= if item.multi_select {
                    item.options.len()
                } else {
                    1
                }
        );
        assert!(!answer.selected.is_empty() || !answer.text.trim().is_empty());
    }
}
