//! The line at the top: which session, which agent and model, how full its context is, what it cost, how much of the plan
//! is used, and how it is reached.

use crate::model::{Link, Model};
use crate::text::row::Row;
use crate::text::sanitize;

use super::{usage, words};

/// From so many columns on, the use of the plan is always shown.
const ROOMY: usize = 60;

/// The line. What matters least is left out first.
pub(super) fn row(model: &Model, width: u16) -> Row {
    let theme = &model.theme;
    let session = &model.session;
    let width = usize::from(width);
    let right = right(model);
    let mut row = Row::styled(" ", theme.text);
    let title = if model.exists {
        words::title(&session.title)
    } else {
        "new session"
    };
    // In a narrow window the use of the plan takes no room from anything.
    let brief = usage::brief(model).filter(|_| right.width() == 0 || width >= ROOMY);
    let kept = brief
        .as_ref()
        .filter(|_| width >= ROOMY)
        .map_or(0, Row::width);
    let left = width.saturating_sub(right.width() + kept + 2);
    row.extend(&Row::styled(sanitize::line(title), theme.strong).cut(left.saturating_sub(1)));
    let agent = if session.model.is_empty() {
        session.agent.clone()
    } else {
        format!("{} {}", session.agent, session.model)
    };
    let mut parts = vec![agent];
    if !session.mode.is_empty() && session.mode != "default" {
        parts.push(session.mode.clone());
    }
    if session.usage.context_window > 0 && session.usage.context_tokens > 0 {
        let full = session.usage.context_tokens.saturating_mul(100) / session.usage.context_window;
        parts.push(format!("context {full}%"));
    }
    if session.usage.cost_usd > 0.0 {
        parts.push(format!("${:.2}", session.usage.cost_usd));
    }
    parts.push(words::directory(&session.cwd).to_owned());
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let part = format!(" · {}", sanitize::line(part));
        let next = Row::styled(part, theme.faint);
        if row.width() + next.width() <= left {
            row.extend(&next);
        }
    }
    let gap = width.saturating_sub(row.width() + right.width());
    if let Some(brief) = brief.filter(|brief| brief.width() < gap) {
        row.push(&" ".repeat(gap - brief.width()), theme.text);
        row.extend(&brief);
    } else {
        row.push(&" ".repeat(gap), theme.text);
    }
    row.extend(&right);
    row.cut(width)
}

/// What is at the right: who may act, and the connection when it is not simply there.
fn right(model: &Model) -> Row {
    let theme = &model.theme;
    let mut row = Row::default();
    if model.observes() {
        let holder = model
            .session
            .lock
            .holder
            .as_ref()
            .map(betcode_core::event::ClientInfo::label);
        let holder = holder.unwrap_or_default();
        row.push(
            &format!("watching: {} has the input ", sanitize::line(&holder)),
            theme.needs_you,
        );
    }
    match &model.link {
        Link::Connecting if model.exists => row.push("connecting ", theme.faint),
        Link::Connecting | Link::Connected => {}
        Link::Reconnecting { next, .. } => {
            let wait = next.since(model.now).as_secs();
            let text = if wait == 0 {
                "reconnecting ".to_owned()
            } else {
                format!("reconnecting in {wait} s ")
            };
            row.push(&text, theme.needs_you);
        }
        Link::Ended(_) => row.push("not connected ", theme.failure),
    }
    if model.trouble.is_some() {
        row.push("nothing can be recorded ", theme.failure);
    }
    row
}
