//! From what was typed to answers. Pure.
//!
//! A label is matched exactly, else without regard to case, else by a beginning that only one label has. The whole text
//! is tried before it is split at commas, and longer pieces before shorter ones: labels may contain commas.

use betcode_core::event::{Answer, Question, QuestionItem};

/// The answers, in the order of the questions.
pub(super) fn answers(
    question: &Question,
    choices: &[String],
    texts: &[String],
) -> Result<Vec<Answer>, String> {
    let mut given: Vec<Option<Answer>> = vec![None; question.items.len()];
    for (flag, values) in [("--answer", choices), ("--text", texts)] {
        for value in values {
            let (place, item, text) = numbered(question, flag, value)?;
            let slot = given.get_mut(place).ok_or("no such question")?;
            let answer = slot.get_or_insert_with(|| Answer {
                question: item.question.clone(),
                selected: Vec::new(),
                text: String::new(),
            });
            if flag == "--text" {
                add_text(answer, place, text)?;
            } else {
                add_labels(answer, item, place, text)?;
            }
        }
    }
    Ok(given.into_iter().flatten().collect())
}

fn add_text(answer: &mut Answer, place: usize, text: &str) -> Result<(), String> {
    let number = place + 1;
    if text.trim().is_empty() {
        return Err(format!("--text {number}=: the text is empty"));
    }
    if !answer.text.is_empty() {
        return Err(format!("question {number} has two texts"));
    }
    text.clone_into(&mut answer.text);
    Ok(())
}

fn add_labels(
    answer: &mut Answer,
    item: &QuestionItem,
    place: usize,
    text: &str,
) -> Result<(), String> {
    let number = place + 1;
    for label in labels(item, text).map_err(|problem| format!("question {number}: {problem}"))? {
        if !answer.selected.contains(&label) {
            answer.selected.push(label);
        }
    }
    if answer.selected.len() > 1 && !item.multi_select {
        return Err(format!(
            "question {number} takes one answer, not {}",
            answer.selected.join(" and ")
        ));
    }
    Ok(())
}

/// Which question a value is for, and the rest of it.
fn numbered<'a, 'b>(
    question: &'a Question,
    flag: &str,
    value: &'b str,
) -> Result<(usize, &'a QuestionItem, &'b str), String> {
    let items = &question.items;
    let number = value.split_once('=').and_then(|(number, rest)| {
        let number: usize = number.trim().parse().ok()?;
        Some((number, rest))
    });
    match (number, items.as_slice()) {
        (Some((number, rest)), _) => {
            let place = number.checked_sub(1);
            let item = place.and_then(|place| items.get(place));
            match (place, item) {
                (Some(place), Some(item)) => Ok((place, item, rest)),
                _ => Err(match items.len() {
                    1 => format!("{flag} {value}: there is only question 1"),
                    count => format!("{flag} {value}: the questions are 1 to {count}"),
                }),
            }
        }
        (None, [only]) => Ok((0, only, value)),
        (None, _) => Err(format!(
            "{flag} {value}: say which question it is for, such as {flag} 1={value}"
        )),
    }
}

/// The labels that a text names.
fn labels(item: &QuestionItem, text: &str) -> Result<Vec<String>, String> {
    let known: Vec<&str> = item
        .options
        .iter()
        .map(|option| option.label.as_str())
        .collect();
    if known.is_empty() {
        return Err("it has no options; answer with --text".to_owned());
    }
    let pieces: Vec<&str> = text.split(',').collect();
    let mut found = Vec::new();
    let mut rest = pieces.as_slice();
    while !rest.is_empty() {
        let mut longest_first = (1..=rest.len()).rev();
        let hit = longest_first.find_map(|length| {
            let (these, after) = rest.split_at_checked(length)?;
            let label = one(&known, these.join(",").trim())?;
            Some((label, after))
        });
        let Some((label, after)) = hit else {
            return Err(no_label(&known, rest.first().copied().unwrap_or_default()));
        };
        found.push(label.to_owned());
        rest = after;
    }
    Ok(found)
}

/// The one label that is meant.
fn one<'a>(known: &[&'a str], text: &str) -> Option<&'a str> {
    if text.is_empty() {
        return None;
    }
    if let Some(exact) = known.iter().find(|label| **label == text) {
        return Some(exact);
    }
    let lower = text.to_lowercase();
    let same = |label: &&&str| label.to_lowercase() == lower;
    let begins = |label: &&&str| label.to_lowercase().starts_with(&lower);
    only(known.iter().filter(same)).or_else(|| only(known.iter().filter(begins)))
}

fn only<'a, 'b>(mut labels: impl Iterator<Item = &'b &'a str>) -> Option<&'a str>
where
    'a: 'b,
{
    let first = labels.next()?;
    labels.next().is_none().then_some(*first)
}

fn no_label(known: &[&str], text: &str) -> String {
    let text = text.trim();
    let lower = text.to_lowercase();
    let fitting: Vec<&str> = known
        .iter()
        .filter(|label| !lower.is_empty() && label.to_lowercase().starts_with(&lower))
        .copied()
        .collect();
    if fitting.len() > 1 {
        return format!("`{text}` fits several options: {}", fitting.join(" · "));
    }
    format!("`{text}` is none of its options: {}", known.join(" · "))
}

#[cfg(test)]
mod tests {
    use super::super::show::tests::{item, two};
    use super::*;

    fn chosen(several: bool, options: &[&str], text: &str) -> Result<Vec<String>, String> {
        labels(&item("Q", several, options), text)
    }

    #[test]
    fn a_label_is_matched_exactly_then_by_case_then_by_a_unique_beginning() {
        let options = ["Red", "Reddish", "red", "Blue"];
        for (text, label) in [
            ("Red", "Red"),
            ("red", "red"),
            ("BLUE", "Blue"),
            ("b", "Blue"),
            (" redd ", "Reddish"),
        ] {
            assert_eq!(
                chosen(false, &options, text),
                Ok(vec![label.to_owned()]),
                "{text}"
            );
        }
        assert_eq!(
            chosen(false, &options, "re"),
            Err("`re` fits several options: Red · Reddish · red".to_owned())
        );
        assert_eq!(
            chosen(false, &options, "RED"),
            Err("`RED` fits several options: Red · Reddish · red".to_owned())
        );
        assert_eq!(
            chosen(false, &options, "green"),
            Err("`green` is none of its options: Red · Reddish · red · Blue".to_owned())
        );
        assert_eq!(
            chosen(false, &options, ""),
            Err("`` is none of its options: Red · Reddish · red · Blue".to_owned())
        );
    }

    #[test]
    fn labels_with_commas_are_found_alone_and_among_others() {
        let options = ["Blue, or so", "Blue", "Red"];
        for (text, expected) in [
            ("Blue, or so", &["Blue, or so"][..]),
            ("Red,Blue, or so", &["Red", "Blue, or so"]),
            ("blue, or so,red", &["Blue, or so", "Red"]),
            ("Blue,Red", &["Blue", "Red"]),
        ] {
            assert_eq!(chosen(true, &options, text).unwrap(), expected, "{text}");
        }
    }

    fn given(choices: &[&str], texts: &[&str]) -> Result<Vec<Answer>, String> {
        let own = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        answers(&two(), &own(choices), &own(texts))
    }

    #[test]
    fn answers_come_in_the_order_of_the_questions() {
        let answers = given(&["2=linux,mac", "1=red"], &["2=and a toaster"]).unwrap();
        let shown: Vec<_> = answers
            .iter()
            .map(|answer| (answer.selected.join("+"), answer.text.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("Red".to_owned(), ""),
                ("Linux+macOS".to_owned(), "and a toaster")
            ]
        );
        assert_eq!(answers[1].question, two().items[1].question);
    }

    #[test]
    fn an_answer_that_fits_no_question_is_refused() {
        for (choices, texts, problem) in [
            (
                &["3=x"][..],
                &[][..],
                "--answer 3=x: the questions are 1 to 2",
            ),
            (&["0=x"], &[], "--answer 0=x: the questions are 1 to 2"),
            (
                &["red"],
                &[],
                "--answer red: say which question it is for, such as --answer 1=red",
            ),
            (
                &["1=red", "1=blue"],
                &[],
                "question 1 takes one answer, not Red and Blue, or so",
            ),
            (
                &["1=pink"],
                &[],
                "question 1: `pink` is none of its options: Red · Blue, or so",
            ),
            (&[], &["1= "], "--text 1=: the text is empty"),
            (&[], &["1=a", "1=b"], "question 1 has two texts"),
        ] {
            assert_eq!(given(choices, texts), Err(problem.to_owned()));
        }
    }

    #[test]
    fn a_single_question_needs_no_number() {
        let mut single = two();
        single.items.truncate(1);
        let answers = answers(&single, &["blue".to_owned()], &[]).unwrap();
        assert_eq!(answers[0].selected, ["Blue, or so"]);
    }
}
