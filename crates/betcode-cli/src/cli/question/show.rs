//! `question show`: the questions and their options, numbered, and how to answer.

use std::fmt::Write as _;

use betcode_client::{RequestKind, RequestRecord};
use betcode_core::event::{Question, QuestionItem};
use betcode_core::session::Pending;
use betcode_core::time::Timestamp;

use super::list::object;
use crate::cli::answer::{find, whole};
use crate::cli::permission::expiry;
use crate::clock;
use crate::context::Context;
use crate::duration::ago;
use crate::error::{Exit, Failure};
use crate::link::{Policy, with_daemon};
use betcode_core::visible::{fields, visible};

/// Shows one question.
pub(super) fn show(id: &str, json: bool, context: &mut Context) -> Result<Exit, Failure> {
    let record = with_daemon(context, Policy::Start, async |daemon| {
        let record = find(&daemon, id, RequestKind::Question).await?;
        whole(&daemon, record).await
    })?;
    let Pending::Question(question) = &record.request else {
        return Ok(Exit::Success);
    };
    if json {
        context.output.json(&object(&record, question))?;
    } else {
        let text = page(&record, question, clock::now());
        context.output.write(text.as_bytes())?;
    }
    Ok(Exit::Success)
}

fn page(record: &RequestRecord, question: &Question, now: Timestamp) -> String {
    let mut page = String::new();
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            let value = visible(value).replace('\n', " ");
            page.extend([format!("{name:<12} {value}").trim_end(), "\n"]);
        }
    };
    row("id", &question.id.0);
    row("session", &record.session.to_string());
    row("state", &record.state);
    row("decided by", &record.decided_by);
    row(
        "asked",
        &format!("{} ({})", ago(now, record.asked), record.asked),
    );
    if record.ended.is_none() {
        row("expires", &expiry(now, question.expires_at));
    }
    row("note", &question.note);
    if let Some(plan) = &question.plan {
        page.push_str("\nplan\n");
        let text = if plan.trim().is_empty() {
            fields(&question.input, &[])
        } else {
            visible(plan).into_owned()
        };
        for line in text.lines() {
            page.extend(["  ", line, "\n"]);
        }
    }
    for (number, item) in question.items.iter().enumerate() {
        page.push('\n');
        item_lines(&mut page, number + 1, item);
    }
    if record.ended.is_none() {
        page.extend(["\n", &how_to_answer(question), "\n"]);
    }
    page
}

fn item_lines(page: &mut String, number: usize, item: &QuestionItem) {
    let how = match (item.options.is_empty(), item.multi_select) {
        (true, _) => "in your own words",
        (false, true) => "any of these, or your own words",
        (false, false) => "one of these, or your own words",
    };
    let question = visible(&item.question).replace('\n', "\n   ");
    // A `String` takes everything.
    let _ = writeln!(page, "{number}. {question}  ({how})");
    let widest = item
        .options
        .iter()
        .map(|option| option.label.chars().count());
    let widest = widest.max().unwrap_or(0);
    for option in &item.options {
        let label = visible(&option.label).replace('\n', "⟨U+000A⟩");
        let about = visible(&option.description).replace('\n', " ");
        let line = format!("     {label:<widest$}  {about}");
        page.extend([line.trim_end(), "\n"]);
    }
}

/// The command that answers, as an example.
fn how_to_answer(question: &Question) -> String {
    let id = &question.id;
    if question.plan.is_some() {
        return format!(
            "betcode question answer {id} --approve\nbetcode question answer {id} --decline --message \"what to change\""
        );
    }
    let mut command = format!("betcode question answer {id}");
    for (number, item) in question.items.iter().enumerate() {
        let number = number + 1;
        let answer = match item.options.first() {
            Some(option) => {
                let value = format!("{number}={}", visible(&option.label));
                format!(" --answer {}", shell_words::quote(&value))
            }
            None => format!(" --text \"{number}=…\""),
        };
        command.push_str(&answer);
    }
    command
}

#[cfg(test)]
pub(super) mod tests {
    use betcode_core::event::QuestionOption;
    use betcode_core::id::{Sequence, SessionId};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    pub(crate) fn item(question: &str, multi_select: bool, labels: &[&str]) -> QuestionItem {
        let option = |label: &&str| QuestionOption {
            label: (*label).to_owned(),
            description: format!("about {label}"),
        };
        QuestionItem {
            question: question.into(),
            header: String::new(),
            multi_select,
            options: labels.iter().map(option).collect(),
        }
    }

    pub(crate) fn two() -> Question {
        Question {
            id: "77d0ffee-0000".into(),
            tool_call: None,
            items: vec![
                item("Which colour?", false, &["Red", "Blue, or so"]),
                item("Which\nplatforms\u{1b}?", true, &["Linux", "macOS"]),
            ],
            plan: None,
            input: json!({}),
            expires_at: Some(Timestamp(605_800_000_000)),
            is_replay: false,
            note: String::new(),
        }
    }

    pub(crate) fn plan(text: &str) -> Question {
        Question {
            items: Vec::new(),
            plan: Some(text.into()),
            input: json!({"planFilePath": "/p/plan.md"}),
            ..two()
        }
    }

    pub(crate) fn record(question: Question) -> RequestRecord {
        RequestRecord {
            session: SessionId(Uuid::from_u128(0x0198_a0b0 << 96)),
            sequence: Sequence(9),
            asked: Timestamp(1_000_000_000),
            request: Pending::Question(question),
            previews: Vec::new(),
            state: "pending".into(),
            decided_by: String::new(),
            ended: None,
        }
    }

    #[test]
    fn questions_are_numbered_and_the_answer_is_spelled_out() {
        let page = page(&record(two()), &two(), Timestamp(1_200_000_000));
        insta::assert_snapshot!(page);
    }

    #[test]
    fn a_plan_is_shown_with_the_two_answers_there_are() {
        let plan = plan("# Plan\n1. think");
        let page = page(&record(plan.clone()), &plan, Timestamp(1_200_000_000));
        insta::assert_snapshot!(page);
    }
}
