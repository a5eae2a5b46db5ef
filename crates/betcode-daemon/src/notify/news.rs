//! What entries of the feed mean for the user: which of them are worth a notice, in which words, and which notices they make
//! pointless. Pure.
//!
//! Subjects begin with the session: `SESSION/request/ID`, `SESSION/turn/N`, `SESSION/error/N`. Those of the use of plans begin with
//! `usage/`, and are made where it is followed.

use betcode_core::config::NotifyConfig;
use betcode_core::event::{Status, StopReason};
use betcode_core::id::SessionId;
use betcode_core::notify::{Input, Kind, Notice};
use betcode_core::redact;
use betcode_proto::convert::feed::{FeedBody, FeedEntry, PendingRequest, TurnEnded, UsageNews};
use betcode_proto::convert::session::Summary;

use super::memory::Memory;

/// As much of a text as one reads in passing, in characters.
const SHORT: usize = 120;

/// What an entry means.
pub(super) fn news(entry: &FeedEntry, memory: &mut Memory, config: &NotifyConfig) -> Vec<Input> {
    match &entry.body {
        FeedBody::RequestPending(request) => vec![asked(request, config)],
        FeedBody::RequestReminder(request) => {
            // It takes the place of what was said of the request before.
            let subject = subject(request);
            vec![Input::Withdraw { subject }, reminder(request, config)]
        }
        FeedBody::RequestResolved(request) => vec![Input::Withdraw {
            subject: subject(request),
        }],
        FeedBody::TurnEnded(turn) => {
            let number = entry.sequence.0;
            turn_ended(turn, number, memory, config)
                .into_iter()
                .collect()
        }
        FeedBody::SessionChanged { session } => changed(session, entry.sequence.0, memory, config),
        FeedBody::SessionDeleted { session_id } => {
            memory.troubled.remove(session_id);
            vec![withdraw(*session_id, "")]
        }
        FeedBody::UsageNews(news) => usage(news),
        _ => Vec::new(),
    }
}

/// The words were chosen where the plan is known.
fn usage(news: &UsageNews) -> Vec<Input> {
    let UsageNews {
        subject,
        kind,
        title,
        body,
    } = news.clone();
    if kind.is_empty() {
        return vec![Input::Withdraw { subject }];
    }
    let Some(kind) = Kind::of_word(&kind) else {
        return Vec::new();
    };
    let reset = (kind == Kind::QuotaReset).then_some(Input::QuotaReset);
    let notice = (!body.is_empty()).then_some(Input::Raise(Notice {
        subject,
        kind,
        session: None,
        request: None,
        title,
        body,
        in_part: false,
    }));
    reset.into_iter().chain(notice).collect()
}

/// Whether the settings decide what an entry means: of what was no news then, none is made later.
pub(super) const fn is_decided_once(entry: &FeedEntry) -> bool {
    matches!(
        entry.body,
        FeedBody::TurnEnded(_) | FeedBody::RequestPending(_) | FeedBody::RequestReminder(_)
    )
}

/// What all is said of a request is below this.
pub(super) fn subject(request: &PendingRequest) -> String {
    format!("{}/request/{}", request.session_id, request.request_id)
}

/// A request that waits.
pub(super) fn asked(request: &PendingRequest, config: &NotifyConfig) -> Input {
    let is_question = request.tool.is_empty();
    let body = match (is_question, config.preview) {
        (true, true) => short(&request.description),
        (true, false) => "an agent has asked something".to_owned(),
        (false, true) => format!("BetCode wants to {}", doing(request)),
        (false, false) => format!("BetCode wants to use {}", short(&request.tool)),
    };
    let kind = if is_question {
        Kind::Question
    } else {
        Kind::Permission
    };
    about(request, kind, subject(request), body, config)
}

fn reminder(request: &PendingRequest, config: &NotifyConfig) -> Input {
    let what = if request.tool.is_empty() {
        "Question"
    } else {
        "Permission"
    };
    let mut body = format!("{what} pending for {} h", request.hours);
    let shown = match (request.tool.as_str(), config.preview) {
        (_, true) => short(&request.description),
        (tool, false) => short(tool),
    };
    if !shown.is_empty() {
        body.extend([": ", &shown]);
    }
    let subject = format!("{}/reminder", subject(request));
    about(request, Kind::Reminder, subject, body, config)
}

fn about(
    request: &PendingRequest,
    kind: Kind,
    subject: String,
    body: String,
    config: &NotifyConfig,
) -> Input {
    let is_question = request.tool.is_empty();
    Input::Raise(Notice {
        subject,
        kind,
        session: Some(request.session_id),
        request: (!is_question).then(|| request.request_id.clone()),
        title: String::new(),
        body,
        // Who hides what is asked has chosen to answer unseen.
        in_part: config.preview && !is_short(&request.description),
    })
}

/// What a tool would do, behind "wants to".
fn doing(request: &PendingRequest) -> String {
    let (tool, what) = (short(&request.tool), short(&request.description));
    match tool.as_str() {
        "Bash" if !what.is_empty() => format!("run: {what}"),
        _ if what.is_empty() || what == tool => format!("use {tool}"),
        _ => format!("use {tool}: {what}"),
    }
}

fn turn_ended(
    turn: &TurnEnded,
    number: u64,
    memory: &mut Memory,
    config: &NotifyConfig,
) -> Option<Input> {
    let failed = match turn.stop_reason {
        // Whoever stopped it knows.
        StopReason::Cancelled => return None,
        StopReason::Error | StopReason::AgentExited => true,
        _ => false,
    };
    let long = u128::from(turn.duration_ms) >= config.turn_after.as_millis();
    let seen = turn.attended && (config.turn_after.is_zero() || !long);
    if failed && !memory.troubled.insert(turn.session_id) || seen {
        return None;
    }
    let title = named(&turn.title, config);
    let body = match turn.stop_reason {
        _ if failed => trouble(&title, &turn.error, config),
        StopReason::MaxTurns => format!("Stopped at the most rounds it may take: {title}"),
        StopReason::MaxBudget => format!("Stopped at the most it may cost: {title}"),
        StopReason::MaxTokens => format!("Stopped at the longest answer of its model: {title}"),
        StopReason::Refusal => format!("The model refused: {title}"),
        _ => format!("Finished: {title}"),
    };
    let (kind, what) = if failed {
        (Kind::SessionError, "error")
    } else {
        (Kind::TurnComplete, "turn")
    };
    Some(raise(
        turn.session_id,
        kind,
        &format!("{what}/{number}"),
        body,
    ))
}

fn changed(
    session: &Summary,
    number: u64,
    memory: &mut Memory,
    config: &NotifyConfig,
) -> Vec<Input> {
    let id = session.id;
    match session.status {
        Status::Error | Status::Crashed => {
            if !memory.troubled.insert(id) {
                return Vec::new();
            }
            let what = if session.status == Status::Crashed {
                "its agent has died"
            } else {
                "it cannot go on"
            };
            let body = trouble(&named(&session.title, config), what, config);
            let subject = format!("error/{number}");
            vec![raise(id, Kind::SessionError, &subject, body)]
        }
        Status::Idle => Vec::new(),
        Status::Closed => {
            memory.troubled.remove(&id);
            vec![withdraw(id, "")]
        }
        // It works again: what was said of the last turn is of no use any more.
        _ => {
            memory.troubled.remove(&id);
            vec![withdraw(id, "/turn"), withdraw(id, "/error")]
        }
    }
}

fn raise(session: SessionId, kind: Kind, subject: &str, body: String) -> Input {
    Input::Raise(Notice {
        subject: format!("{session}/{subject}"),
        kind,
        session: Some(session),
        request: None,
        title: String::new(),
        body,
        in_part: false,
    })
}

fn withdraw(session: SessionId, what: &str) -> Input {
    Input::Withdraw {
        subject: format!("{session}{what}"),
    }
}

/// A session in one line. A title is often the beginning of what the user said.
fn named(title: &str, config: &NotifyConfig) -> String {
    match short(title) {
        title if config.preview && !title.is_empty() => title,
        _ => "a session".to_owned(),
    }
}

fn trouble(title: &str, what: &str, config: &NotifyConfig) -> String {
    match short(what) {
        what if config.preview && !what.is_empty() => format!("{title}: {what}"),
        _ => format!("{title} has failed"),
    }
}

/// Whether [`short`] gives the whole of a text.
fn is_short(text: &str) -> bool {
    let text = text.trim();
    !text.ends_with('…') && !text.contains(char::is_control) && short(text) == redact::redact(text)
}

/// The first line, without secrets and signs that could steer something, and not longer than one reads in passing.
fn short(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    let line = redact::redact(&line);
    let more = text.trim().lines().nth(1).is_some();
    if !more && line.chars().count() <= SHORT {
        return line;
    }
    let mut short: String = line.chars().take(SHORT - 1).collect();
    short.push('…');
    short
}
