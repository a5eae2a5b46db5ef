//! What has changed beside the conversation, each change said once: the connection, who has the input, what the agent does.

use betcode_core::event::{Status, TodoState};

use crate::composer::Part;
use crate::model::{Link, Model};
use crate::plain::{LinkTold, Told};

use super::super::words;

/// What is said before what has come of the conversation.
pub(super) fn before(model: &Model, told: &mut Told, lines: &mut Vec<String>) {
    if told.session != Some(model.session.id) {
        *told = Told {
            session: Some(model.session.id),
            link: told.link,
            remark: told.remark.take(),
            kept: std::mem::take(&mut told.kept),
            step: told.step,
            usage: told.usage.take(),
            // What it does is said when it is known, and being at rest is nothing new.
            ..Told::default()
        };
    }
    link(model, told, lines);
    holder(model, told, lines);
}

fn link(model: &Model, told: &mut Told, lines: &mut Vec<String>) {
    match &model.link {
        Link::Connecting => {}
        Link::Connected => {
            if matches!(told.link, Some(LinkTold::Lost | LinkTold::Ended)) {
                lines.push("Connected again. Nothing is lost.".to_owned());
            }
            told.link = Some(LinkTold::There);
        }
        Link::Reconnecting { .. } => {
            if told.link != Some(LinkTold::Lost) {
                lines.push(
                    "The connection to the daemon is lost. Reconnecting; what you write is sent then."
                        .to_owned(),
                );
            }
            told.link = Some(LinkTold::Lost);
        }
        Link::Ended(why) => {
            if told.link != Some(LinkTold::Ended) {
                lines.push(format!("Not connected: {why}"));
            }
            told.link = Some(LinkTold::Ended);
        }
    }
    if told.trouble != model.trouble {
        lines.push(match &model.trouble {
            Some(trouble) => format!("Problem: nothing can be recorded: {trouble}"),
            None => "Everything is recorded again.".to_owned(),
        });
        told.trouble.clone_from(&model.trouble);
    }
}

fn holder(model: &Model, told: &mut Told, lines: &mut Vec<String>) {
    let other = model.session.lock.holder.as_ref();
    let other = other.filter(|holder| holder.id != model.me.id);
    let now = other.map(|holder| holder.id);
    if now == told.holder {
        return;
    }
    lines.push(match other {
        Some(holder) => format!(
            "Watching: {} has the input. /lock asks for it.",
            holder.label()
        ),
        None => "The input is yours.".to_owned(),
    });
    told.holder = now;
}

/// What is said after it.
pub(super) fn after(model: &mut Model, told: &mut Told, lines: &mut Vec<String>) {
    queue(model, told, lines);
    usage(model, told, lines);
    tour(model, told, lines);
    todo(model, told, lines);
    status(model, told, lines);
    kept(model, told, lines);
    if let Some(remark) = &model.remark {
        if told.remark.as_ref() != Some(remark) {
            lines.push(format!("Note: {}", remark.0));
        }
        told.remark = Some(remark.clone());
    }
    for refused in model.pending.iter().filter_map(|it| it.refused.as_deref()) {
        lines.push(format!("Problem: not sent: {refused}"));
    }
    model.pending.retain(|pending| pending.refused.is_none());
}

fn tour(model: &Model, told: &mut Told, lines: &mut Vec<String>) {
    let Some(tour) = &model.tour else {
        return;
    };
    let Some(how) = tour.how() else {
        return;
    };
    if let Some((at, of, step)) = tour.told().filter(|(at, ..)| *at != told.step) {
        told.step = at;
        lines.push(format!("Step {at} of {of}. {}", step.text));
        lines.push(format!("Now {how}."));
    }
}

/// Why nothing is known of the plan, once an episode.
fn usage(model: &Model, told: &mut Told, lines: &mut Vec<String>) {
    let banner = model.usage.banner(&model.session.agent);
    let now = banner.map(|(account, _)| model.usage.sentence(account, model.now));
    let episode = banner.map(|(account, _)| account.state.name().to_owned());
    if let Some(sentence) = now.filter(|_| episode != told.usage) {
        lines.push(format!(
            "Usage: {sentence}. /usage tells all, /usage again asks anew."
        ));
    }
    told.usage = episode;
}

fn queue(model: &Model, told: &mut Told, lines: &mut Vec<String>) {
    for queued in &model.session.queue {
        if !told.queue.contains(&queued.message_id) {
            let text = words::first_line(&queued.text);
            lines.push(format!("Waits for the end of the turn: {text}"));
        }
    }
    told.queue = model.session.queue.iter().map(|it| it.message_id).collect();
}

fn todo(model: &Model, told: &mut Told, lines: &mut Vec<String>) {
    let todos = &model.session.todos;
    let doing = todos
        .iter()
        .find(|todo| todo.state == TodoState::InProgress)
        .map(|todo| todo.text.clone());
    if doing == told.doing {
        return;
    }
    let done = todos
        .iter()
        .filter(|todo| todo.state == TodoState::Completed)
        .count();
    match &doing {
        Some(text) => lines.push(format!(
            "To do, {done} of {} done. Now: {text}",
            todos.len()
        )),
        None if done == todos.len() && done > 0 => lines.push("To do: all done.".to_owned()),
        None => {}
    }
    told.doing = doing;
}

fn status(model: &Model, told: &mut Told, lines: &mut Vec<String>) {
    let session = &model.session;
    let now = session.status;
    let before = told.status.replace(now);
    if before == Some(now) || !model.exists {
        return;
    }
    let detail = if session.detail.is_empty() {
        String::new()
    } else {
        format!(": {}", session.detail)
    };
    let line = match now {
        Status::Starting | Status::Thinking if !before.is_some_and(works) => "Working.".to_owned(),
        Status::Idle if before.is_some_and(works) => "Done. It is your turn.".to_owned(),
        Status::RateLimited | Status::Retrying => {
            let when = session.retry_at.map(|at| at.since(model.now).as_secs());
            let when = when.map(|seconds| format!(", trying again in {seconds} s"));
            let what = if now == Status::RateLimited {
                "Rate limited"
            } else {
                "That failed"
            };
            format!("{what}{}{detail}", when.unwrap_or_default())
        }
        Status::Compacting => "Compacting the context.".to_owned(),
        Status::Stalled => format!("The agent says nothing{detail}"),
        Status::Crashed | Status::Error | Status::Closed => {
            format!("The session: {}{detail}", words::status(now))
        }
        Status::WaitingForUser if model.observes() => {
            "It waits for an answer of who has the input.".to_owned()
        }
        _ => return,
    };
    lines.push(line);
}

const fn works(status: Status) -> bool {
    !matches!(
        status,
        Status::Idle | Status::Crashed | Status::Error | Status::Closed
    )
}

fn kept(model: &Model, told: &mut Told, lines: &mut Vec<String>) {
    if model.composer.revision() == told.kept.0 {
        return;
    }
    let parts = model.composer.parts();
    let texts = parts.iter().map(|part| match part {
        Part::Text(text) => text.clone(),
        Part::Attachment(chip) => format!("[{}]", chip.name),
    });
    let kept: String = texts.collect();
    let before = std::mem::replace(&mut told.kept, (model.composer.revision(), kept.clone()));
    if kept == before.1 {
        return;
    }
    if !kept.trim().is_empty() {
        let first = words::first_line(&kept);
        lines.push(format!(
            "Kept: `{first}`. /send sends it, /edit opens it in your editor, /drop drops it."
        ));
    }
}
