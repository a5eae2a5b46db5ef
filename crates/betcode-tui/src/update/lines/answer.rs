//! Answers by the number of a choice, and what else may stand behind it.

use betcode_core::command::Action;

use crate::keymap::Do;
use crate::layers::Layer;
use crate::model::Model;
use crate::plain::{Plain, Wanted};
use crate::prompt::{PermissionPrompt, Prompt, QuestionPrompt, permission::Outcome};

use super::super::{Work, layers, prompts};

/// Takes an answer to what is asked.
pub(super) fn answer(model: &mut Model, plain: &mut Plain, work: &mut Work<'_, '_>, line: &str) {
    let line = line.trim();
    if !model.layers.is_empty() {
        if !in_list(model, plain, work, line) {
            not_one(plain, line);
        }
        return;
    }
    let width = model.width;
    let understood = match &mut model.prompt {
        Some(Prompt::Permission(prompt)) => {
            let id = prompt.id.clone();
            let request = model.session.permissions.iter();
            let Some(request) = request.clone().find(|request| request.id == id) else {
                return;
            };
            let did = permission(prompt, request, line, width);
            did.map(|did| prompts::outcome(model, work, Ok(did)))
        }
        Some(Prompt::Question(prompt)) => {
            let id = prompt.id.clone();
            let mut questions = model.session.questions.iter();
            let Some(question) = questions.find(|question| question.id == id) else {
                return;
            };
            let before = prompt.item;
            let did = self::question(prompt, question, line, width);
            if did.is_some() && prompt.item == before {
                plain.ask_again();
            }
            did.map(|action| {
                if let Some(action) = action {
                    prompts::answer(model, work, action);
                }
            })
        }
        None => return,
    };
    if understood.is_none() {
        not_one(plain, line);
    }
}

/// It answers nothing, and that is said.
fn not_one(plain: &mut Plain, line: &str) {
    plain.wanted.push(Wanted::Text(vec![format!(
        "`{line}` is none of the choices, and answers nothing. A number chooses, enter alone repeats them, /say TEXT says something, /later answers later."
    )]));
}

/// The number at the beginning, and what stands behind it.
fn numbered(line: &str) -> Option<(usize, &str)> {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let number = word.trim_end_matches(['.', ')', ',']).parse().ok()?;
    Some((number, rest.trim()))
}

fn permission(
    prompt: &mut PermissionPrompt,
    request: &betcode_core::event::PermissionRequest,
    line: &str,
    width: u16,
) -> Option<Outcome> {
    if prompt.message.is_some() {
        return Some(prompt.deny(line.to_owned(), false));
    }
    let what = match line.to_lowercase().as_str() {
        "y" | "yes" => Do::AllowOnce,
        "n" | "no" => Do::Deny,
        _ => match numbered(line)? {
            (1, "") => Do::AllowOnce,
            (2, "") => Do::AllowSession,
            (3, "") => Do::AllowAlways,
            (4, "") => Do::Deny,
            (5, "") => Do::DenyWithMessage,
            (5, why) => return Some(prompt.deny(why.to_owned(), false)),
            (6, "") => Do::DenyAndStop,
            (7, "") => Do::EditInput,
            _ => return None,
        },
    };
    Some(prompt.act(what, request, width))
}

/// None: it is none of the choices. Otherwise the answer, if it is whole.
#[expect(
    clippy::option_option,
    reason = "understood or not, and an answer or not yet"
)]
fn question(
    prompt: &mut QuestionPrompt,
    question: &betcode_core::event::Question,
    line: &str,
    width: u16,
) -> Option<Option<Action>> {
    if prompt.words.is_some() {
        return Some(prompt.said(line.to_owned(), question));
    }
    if question.plan.is_some() {
        return Some(match numbered(line)? {
            (1, "") => prompt.act(Do::Approve, question, width),
            (2, "") => prompt.act(Do::Decline, question, width),
            (3, "") => prompt.act(Do::OwnWords, question, width),
            (3, words) => prompt.said(words.to_owned(), question),
            _ => return None,
        });
    }
    let Some(item) = question.items.get(prompt.item) else {
        return Some(match numbered(line)? {
            (1, "") => prompt.act(Do::Confirm, question, width),
            (2, "") => {
                *prompt = QuestionPrompt::new(question, prompt.listens);
                None
            }
            (3, "") => prompt.act(Do::Decline, question, width),
            _ => return None,
        });
    };
    let options = item.options.len();
    let (number, rest) = numbered(line)?;
    if number == options + 1 {
        return Some(if rest.is_empty() {
            prompt.act(Do::OwnWords, question, width)
        } else {
            prompt.said(rest.to_owned(), question)
        });
    }
    if number == options + 2 && rest.is_empty() {
        return Some(prompt.act(Do::Decline, question, width));
    }
    let digit = |number: usize| u32::try_from(number).ok();
    if !item.multi_select {
        let fits = (1..=options).contains(&number) && rest.is_empty();
        return fits.then(|| prompt.digit(digit(number)?, question));
    }
    let numbers: Option<Vec<usize>> = line
        .split([' ', ','])
        .filter(|word| !word.is_empty())
        .map(|word| word.parse().ok().filter(|it| (1..=options).contains(it)))
        .collect();
    let chosen = prompt.chosen.get_mut(prompt.item)?;
    chosen.options = numbers?.into_iter().map(|number| number - 1).collect();
    Some(prompt.act(Do::Confirm, question, width))
}

/// A choice from a list, or words to look for in it. False when it is neither.
fn in_list(model: &mut Model, plain: &mut Plain, work: &mut Work<'_, '_>, line: &str) -> bool {
    let now = model.now;
    match model.layers.last_mut() {
        Some(Layer::Lock { asker, .. }) => {
            let grant = match line {
                "1" | "y" | "yes" => true,
                "2" | "n" | "no" => false,
                _ => return false,
            };
            let client = asker.id;
            model.layers.pop();
            work.send(Action::AnswerLock { client, grant });
        }
        Some(Layer::Pick(pick)) => match numbered(line) {
            Some((0, "")) => {
                model.layers.pop();
            }
            Some((number, "")) if number <= pick.list.len() => {
                pick.list.choose(number - 1);
                pick.find = None;
                layers::choose(model, work);
            }
            Some((number, "")) if number <= pick.list.len() + pick.finds.all().len() => {
                pick.find = number.checked_sub(pick.list.len() + 1);
                layers::choose(model, work);
            }
            Some((_, "")) => return false,
            _ => {
                layers::look_for(pick, line, now);
                plain.ask_again();
            }
        },
        _ => return false,
    }
    true
}
