//! What somebody wants to read: the commands, the state, what came before, the whole of something.

use betcode_core::event::TodoState;

use crate::model::Model;
use crate::plain::{Plain, Wanted};
use crate::transcript::{Body, Entry};
use crate::update::{commands, lines};

use super::super::viewer::Viewer;
use super::super::words;
use super::ENTRIES;
use super::entry::Voice;
use super::told;

/// So many places are printed of what is looked for.
const FOUND: usize = 10;

/// What is said before everything else.
pub(super) fn welcome(model: &Model, plain: &mut Plain, out: &mut Vec<String>) {
    let before = plain.wanted.len();
    plain.wanted.retain(|wanted| *wanted != Wanted::Welcome);
    if plain.wanted.len() < before {
        let what = if model.exists {
            "The session is opened."
        } else {
            "Write a line to say something."
        };
        out.push(format!(
            "BetCode in lines, in {}. {what} /help lists the commands.",
            model.session.cwd
        ));
    }
}

pub(super) fn print(model: &mut Model, plain: &mut Plain, out: &mut Vec<String>) {
    for wanted in std::mem::take(&mut plain.wanted) {
        match wanted {
            Wanted::Welcome => {}
            Wanted::Help => help(model, out),
            Wanted::Status => status(model, out),
            Wanted::More => {
                if !more(model, plain, out) {
                    plain.wanted.push(Wanted::More);
                }
            }
            Wanted::Show(nth) => show(model, nth, out),
            Wanted::Find(words) => find(model, &words, out),
            Wanted::Asked => super::asked::read_only(model, out),
            Wanted::Usage => told::usage(model, out),
            Wanted::Notices => told::notices(model, plain, out),
            Wanted::Text(mut lines) => out.append(&mut lines),
        }
    }
}

fn help(model: &Model, out: &mut Vec<String>) {
    out.push(
        "A line is sent when you press enter. A backslash at its end goes on in the next line. `!` and a command runs it in your shell. ctrl-c interrupts, ctrl-d leaves.".to_owned(),
    );
    out.push(
        "What is asked is answered by the number of a choice; enter alone repeats it.".to_owned(),
    );
    let ours = lines::COMMANDS;
    let others = commands::COMMANDS
        .iter()
        .filter(|command| !ours.iter().any(|own| own.name == command.name));
    for command in ours.iter().chain(others) {
        let space = if command.hint.is_empty() { "" } else { " " };
        out.push(format!(
            "/{}{space}{}: {}",
            command.name, command.hint, command.about
        ));
    }
    if !model.session.commands.is_empty() {
        let names: Vec<_> = model
            .session
            .commands
            .iter()
            .map(|name| format!("/{name}"))
            .collect();
        out.push(format!("The agent's own: {}", names.join(" ")));
    }
}

fn status(model: &Model, out: &mut Vec<String>) {
    let session = &model.session;
    if !model.exists {
        out.push("There is no session yet: it begins with the first message.".to_owned());
        return;
    }
    out.push(format!("Session: {}", words::title(&session.title)));
    let model_name = if session.model.is_empty() {
        String::new()
    } else {
        format!(", model {}", session.model)
    };
    let mode = if session.mode.is_empty() {
        String::new()
    } else {
        format!(", mode {}", session.mode)
    };
    out.push(format!("Agent: {}{model_name}{mode}", session.agent));
    let mut doing = words::status(session.status).to_owned();
    if let Some(since) = session.turn_since.filter(|_| session.is_working()) {
        let time = words::duration_ms(model.now.since(since).as_secs() * 1000);
        doing.extend([", for ", &time]);
    }
    out.push(format!("It is: {doing}"));
    let usage = &session.usage;
    if usage.context_window > 0 && usage.context_tokens > 0 {
        let full = usage.context_tokens.saturating_mul(100) / usage.context_window;
        out.push(format!("Context: {full}% full"));
    }
    if usage.cost_usd > 0.0 {
        out.push(format!("Cost: ${:.2}", usage.cost_usd));
    }
    if let Some(brief) = told::brief(model) {
        out.push(format!("Plan: {brief}"));
    }
    for todo in &session.todos {
        let state = match todo.state {
            TodoState::Completed => "done",
            TodoState::InProgress => "now",
            TodoState::Pending => "to do",
        };
        out.push(format!("{state}: {}", todo.text));
    }
    for task in &session.tasks {
        out.push(format!("In the background: {}", task.description));
    }
    for queued in &session.queue {
        out.push(format!("Waits: {}", words::first_line(&queued.text)));
    }
    if session.waiting() > 0 {
        out.push(format!(
            "{} for an answer. /answer asks.",
            match session.waiting() {
                1 => "1 thing waits".to_owned(),
                count => format!("{count} things wait"),
            }
        ));
    }
    if let Some(holder) = &session.lock.holder {
        let who = if holder.id == model.me.id {
            "you".to_owned()
        } else {
            holder.label()
        };
        out.push(format!("The input has: {who}"));
    }
}

/// What came before. False while it has to be read from the log.
fn more(model: &mut Model, plain: &mut Plain, out: &mut Vec<String>) -> bool {
    let id = model.session.id;
    let earliest = plain.earliest.filter(|(session, _)| *session == id);
    let Some((_, earliest)) = earliest else {
        out.push("Nothing came before.".to_owned());
        return true;
    };
    let list = model.transcript.list();
    let (Ok(end) | Err(end)) = list.place(earliest);
    let start = end.saturating_sub(ENTRIES);
    // An entry at the very beginning of the window may have its own beginning before it.
    if start == 0 && !model.at_beginning {
        return false;
    }
    if end == 0 {
        out.push("Nothing came before.".to_owned());
        return true;
    }
    out.push(format!("Earlier, {}:", entries(end - start)));
    let cwd = model.session.cwd.clone();
    let viewer = Viewer::of(model);
    let voice = Voice {
        cwd: &cwd,
        viewer: &viewer,
        whole: false,
    };
    for place in start..end {
        if let Some(entry) = model.transcript.list_mut().at_mut(place) {
            if place == start {
                plain.earliest = Some((id, entry.first));
            }
            voice.entry(entry, 0..usize::MAX, out);
            entry.drawn.release();
        }
    }
    out.push(if start == 0 {
        "That was the beginning, up to what you have read.".to_owned()
    } else {
        "Up to what you have read. /more prints what came before.".to_owned()
    });
    true
}

fn entries(count: usize) -> String {
    match count {
        1 => "1 entry".to_owned(),
        count => format!("{count} entries"),
    }
}

fn show(model: &mut Model, nth: usize, out: &mut Vec<String>) {
    let cwd = model.session.cwd.clone();
    let viewer = Viewer::of(model);
    let voice = Voice {
        cwd: &cwd,
        viewer: &viewer,
        whole: true,
    };
    let list = model.transcript.list_mut();
    let folded = |entry: &&mut Entry| super::is_folded(&entry.body);
    let mut entries = list.iter_mut().rev().filter(folded);
    match entries.nth(nth.saturating_sub(1)) {
        Some(entry) => voice.entry(entry, 0..usize::MAX, out),
        None => out.push("There is no such call or thought in what is loaded.".to_owned()),
    }
}

fn find(model: &Model, wanted: &str, out: &mut Vec<String>) {
    let lower = wanted.to_lowercase();
    let mut found = Vec::new();
    for entry in model.transcript.list().iter() {
        let who = match &entry.body {
            Body::User(_) => "You",
            Body::Answer(_) => "Assistant",
            Body::Thinking(_) => "Thought",
            Body::Tool(_) => "Tool",
            Body::Trace(_) => "Note",
        };
        let text = crate::update::plain(&entry.body);
        let lines = text
            .lines()
            .filter(|line| line.to_lowercase().contains(&lower));
        found.extend(lines.map(|line| format!("{who}: {}", line.trim())));
    }
    let count = found.len();
    let skip = count.saturating_sub(FOUND);
    out.push(match count {
        0 => format!("`{wanted}` is nowhere in what is loaded."),
        _ if skip > 0 => format!("`{wanted}` is in {count} lines; the last {FOUND}:"),
        _ => format!("`{wanted}` is in {}:", words::counted(count, "line")),
    });
    out.extend(found.into_iter().skip(skip));
}
