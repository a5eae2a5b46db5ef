//! `question answer`. What can be checked is checked before anything is sent.

use betcode_client::RequestKind;
use betcode_core::command::{Action, QuestionAnswer};
use betcode_core::event::Question;
use betcode_core::session::Pending;
use serde_json::json;

use super::{AnswerArgs, choose, list};
use crate::cli::answer::{find, me, send};
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::headless::tell;
use crate::link::{Policy, with_daemon};
use crate::output::printable;

/// Answers one question.
pub(super) fn answer(args: &AnswerArgs, context: &mut Context) -> Result<Exit, Failure> {
    let (record, before) = with_daemon(context, Policy::Start, async |daemon| {
        let record = find(&daemon, &args.id, RequestKind::Question).await?;
        let Pending::Question(question) = &record.request else {
            return Ok((record, None));
        };
        let action = Action::AnswerQuestion {
            id: question.id.clone(),
            answer: given(args, question)?,
        };
        let accepted = send(&daemon, &record, me("betcode question"), action).await?;
        tell(&accepted.notices);
        // The same answer again has no effect; whose it was is worth one more question, but no error.
        let before = if accepted.sequence.is_none() {
            let kind = Some(RequestKind::Question);
            let now = daemon.get_request(&record.id().0, kind).await.ok();
            Some(now.map_or_else(String::new, |now| now.decided_by))
        } else {
            None
        };
        Ok((record, before))
    })?;
    let Pending::Question(question) = &record.request else {
        return Ok(Exit::Success);
    };
    let state = if args.decline { "declined" } else { "answered" };
    if args.json {
        context.output.json(&json!({
            "id": question.id,
            "session_id": record.session,
            "state": state,
            "decided_before": before.is_some(),
        }))?;
    } else {
        let how = match (args.decline, question.plan.is_some()) {
            (true, true) => "not approved",
            (true, false) => "declined",
            (false, true) => "approved",
            (false, false) => "answered",
        };
        let what = if question.plan.is_some() {
            "the plan"
        } else {
            "the question"
        };
        let told = match before.as_deref() {
            None => format!("{what} is {how}"),
            Some("") => format!("{what} was already {how} like this"),
            Some(by) => format!("{what} was already {how} like this, by {}", printable(by)),
        };
        context.output.line(&told)?;
    }
    Ok(Exit::Success)
}

/// The answer that the flags give to this question.
fn given(args: &AnswerArgs, question: &Question) -> Result<QuestionAnswer, Failure> {
    if args.decline {
        return Ok(QuestionAnswer::Declined {
            message: args.message.clone(),
        });
    }
    let show = format!("betcode question show {} shows it", question.id);
    let wrong = |problem: String| Failure::usage(problem).hint(show.clone());
    if question.plan.is_some() {
        return if args.approve {
            Ok(QuestionAnswer::Answered(Vec::new()))
        } else {
            Err(wrong("this is a plan: --approve or --decline".to_owned()))
        };
    }
    if args.approve {
        let asked = printable(&list::line(question)).into_owned();
        return Err(wrong(format!(
            "this is no plan that could be approved, but a question: {asked}"
        )));
    }
    let answers = choose::answers(question, &args.answer, &args.text).map_err(wrong)?;
    if answers.is_empty() {
        return Err(wrong(
            "an answer is needed: --answer N=LABEL, --text N=…, or --decline".to_owned(),
        ));
    }
    Ok(QuestionAnswer::Answered(answers))
}
