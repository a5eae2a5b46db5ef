//! `question list`.

use betcode_client::{RequestKind, RequestRecord};
use betcode_core::event::Question;
use betcode_core::session::Pending;
use betcode_core::time::Timestamp;
use serde_json::{Value, json};

use crate::cli::permission::{ListArgs, add_ending, expiry, print};
use crate::context::Context;
use crate::duration::ago;
use crate::error::{Exit, Failure};
use crate::table::{Table, cut, session_prefix, shortened};

/// Enough of a question to recognise it.
const WHAT: usize = 60;

/// Lists questions, oldest first.
pub(super) fn list(args: &ListArgs, context: &mut Context) -> Result<Exit, Failure> {
    let rows = |records: &[RequestRecord]| {
        questions(records)
            .map(|(record, question)| object(record, question))
            .collect()
    };
    let none = "no agent asks a question";
    print(args, RequestKind::Question, context, rows, none, table)
}

fn questions(records: &[RequestRecord]) -> impl Iterator<Item = (&RequestRecord, &Question)> {
    records.iter().filter_map(|record| match &record.request {
        Pending::Question(question) => Some((record, question)),
        Pending::Permission(_) => None,
    })
}

/// A question as programs read it.
pub(super) fn object(record: &RequestRecord, question: &Question) -> Value {
    let mut object = json!({
        "id": question.id,
        "session_id": record.session,
        "questions": question.items,
        "plan": question.plan,
        "expires_at": question.expires_at,
        "state": record.state,
        "asked_at": record.asked,
        "sequence": record.sequence,
    });
    add_ending(&mut object, record, &question.note);
    object
}

/// What is asked, in one line.
pub(crate) fn line(question: &Question) -> String {
    if let Some(plan) = &question.plan {
        let first = plan.lines().find(|line| !line.trim().is_empty());
        return match first {
            Some(first) => format!("plan: {}", first.trim_start_matches(['#', ' '])),
            None => "a plan to approve".to_owned(),
        };
    }
    let first = question.items.first();
    let first = first.map(|item| item.question.lines().next().unwrap_or_default());
    match (first, question.items.len()) {
        (None, _) => "a question without text".to_owned(),
        (Some(first), 1) => first.to_owned(),
        (Some(first), several) => format!("{first} (and {} more)", several - 1),
    }
}

fn table(records: &[RequestRecord], all: bool, now: Timestamp) -> Table {
    let ids =
        betcode_core::id::shortest_prefix(records.iter().map(|record| record.id().0.as_str()));
    let sessions: Vec<String> = records
        .iter()
        .map(|record| record.session.to_string())
        .collect();
    let session = session_prefix(sessions.iter().map(String::as_str));
    let mut headings = vec!["ID", "SESSION", "QUESTION", "ASKED"];
    headings.extend(if all {
        &["STATE", "BY"][..]
    } else {
        &["EXPIRES"]
    });
    let mut table = Table::new(&headings);
    for (record, question) in questions(records) {
        let mut row = vec![
            shortened(&question.id.0, ids),
            shortened(&record.session.to_string(), session),
            cut(&line(question), WHAT),
            ago(now, record.asked),
        ];
        if all {
            row.extend([record.state.clone(), record.decided_by.clone()]);
        } else {
            row.push(expiry(now, question.expires_at));
        }
        table.row(row);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::show::tests::{plan, record, two};
    use super::*;

    #[test]
    fn what_is_asked_is_an_aligned_table() {
        let records = [record(two()), record(plan("\n# Plan: fix it\n\n1. …"))];
        insta::assert_snapshot!(table(&records, false, Timestamp(1_200_000_000)).render(false));
    }

    #[test]
    fn a_question_as_json_has_the_promised_keys() {
        let record = record(two());
        let rows: Vec<Value> = questions(std::slice::from_ref(&record))
            .map(|(record, question)| object(record, question))
            .collect();
        insta::assert_snapshot!(serde_json::to_string_pretty(&rows).unwrap());
    }

    #[test]
    fn a_plan_without_text_is_still_a_plan() {
        assert_eq!(line(&plan("")), "a plan to approve");
    }
}
