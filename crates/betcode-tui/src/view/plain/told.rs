//! The use of plans and notifications in words.

use usage_core::format::{short_name, window_name};
use usage_core::reading::Reading;

use crate::model::Model;
use crate::notices::Known as Listed;
use crate::plain::Plain;
use crate::usage::{Known, OLDER, pace, reset};

use super::super::{notices::paused, words};

/// The window that bites first.
pub(super) fn brief(model: &Model) -> Option<String> {
    let tightest = model.usage.tightest(&model.session.agent, model.now)?;
    let name = short_name(tightest.reading);
    let mut text = format!("{:.0} percent of {name} used", tightest.percent.get());
    if !tightest.fresh {
        let age = words::ago(model.now.since(tightest.reading.observed_at));
        text.extend([", read ", &age]);
    } else if let Some(reset) = reset(tightest.reading, &model.usage, model.now) {
        text.extend([", ", &reset]);
    }
    Some(text)
}

/// All windows of all accounts.
pub(super) fn usage(model: &Model, out: &mut Vec<String>) {
    let usage = &model.usage;
    let accounts = match &usage.known {
        Known::Nothing => return out.push("Nothing is known of usage yet.".to_owned()),
        Known::Unsupported => return out.push(format!("Usage: {OLDER}.")),
        Known::Accounts(accounts) if accounts.is_empty() => {
            return out.push("No plan with limits is known on this machine.".to_owned());
        }
        Known::Accounts(accounts) => accounts,
    };
    for account in accounts {
        let sentence = usage.sentence(account, model.now);
        out.push(format!("{sentence}."));
        for reading in &account.readings {
            out.push(window(model, reading));
        }
    }
    out.push("/usage again asks anew.".to_owned());
}

fn window(model: &Model, reading: &Reading) -> String {
    let now = model.now;
    let name = window_name(&reading.window(), reading.duration_s);
    let mut parts = vec![match reading.current(now) {
        Some(percent) => format!("{name}: {:.0} percent used", percent.get()),
        None => format!("{name}: not known"),
    }];
    parts.extend(reset(reading, &model.usage, now));
    parts.extend(pace(reading, &model.usage, now).filter(|_| !reading.is_over(now)));
    if reading.binding {
        parts.push("this one is the tightest".to_owned());
    }
    parts.push(reading.severity.name().to_owned());
    let age = words::ago(now.since(reading.observed_at));
    parts.push(format!("read {age} from {}", reading.source.name()));
    parts.join("; ")
}

/// What stands, numbered, what is held back, and the pause.
pub(super) fn notices(model: &Model, plain: &mut Plain, out: &mut Vec<String>) {
    let list = match &model.notices.known {
        Listed::Nothing => return,
        Listed::Lacking(lack) => {
            return out.push(format!("Notifications: {}.", lack.clone().said()));
        }
        Listed::Here(list) => list,
    };
    let standing = model.notices.standing();
    plain.notices = standing.map(|(id, _)| id).collect();
    match plain.notices.len() {
        0 => out.push("No notification stands there for you.".to_owned()),
        count => out.push(format!("Notifications, {count}:")),
    }
    let mut number = 0;
    for listed in &list.notifications {
        let it = &listed.notification;
        let body = it.body.lines().collect::<Vec<_>>().join("; ");
        let text = format!("{}: {body}", it.title);
        if it.id.is_none() {
            out.push(format!("Held back: {text}"));
            continue;
        }
        number += 1;
        let age = it.at.map(|at| words::ago(model.now.since(at)));
        let choices = match it.choices.join(", ") {
            none if none.is_empty() => String::new(),
            choices => format!(" Choices: {choices}."),
        };
        out.push(format!(
            "{number} {text}, {}.{choices}",
            age.unwrap_or_default()
        ));
    }
    if let Some(paused) = paused(model) {
        out.push(format!(
            "They are {paused}. /notifications resume ends that."
        ));
    }
    out.push(
        "/notifications and a number and a choice does it; dismiss and a number takes one away; pause 5, 15, 30 or reset holds them back."
            .to_owned(),
    );
}
