//! What a line means in line mode: an answer, a command, or something to be said. See [`crate::plain`] for when it is an answer.

mod answer;
mod told;

use crate::composer::Part;
use crate::layers::Layer;
use crate::model::{Armed, Model};
use crate::msg::Effect;
use crate::plain::{Plain, Said, Standing, Wanted};
use crate::prompt::{Prompt, permission};

use super::commands::{self, Command};
use super::{Work, input, keys, layers, prompts};

/// What line mode has beside the client's other commands.
pub const COMMANDS: &[Command] = &[
    command("help", "", "these commands"),
    command("status", "", "the session, what it does, what waits"),
    command("more", "", "what came before what was printed"),
    command(
        "show",
        "[N]",
        "all of the last call or thought; 2: the one before",
    ),
    command("find", "WORDS", "where something is in the conversation"),
    command(
        "usage",
        "[again]",
        "how much of the plan is used; again: ask anew",
    ),
    command(
        "notifications",
        "[...]",
        "what stands there for you, and the pause",
    ),
    command("say", "TEXT", "say it now, also while something is asked"),
    command(
        "edit",
        "[TEXT]",
        "what you keep, or what a tool is to do, in your editor or as TEXT",
    ),
    command("send", "", "what is kept"),
    command(
        "drop",
        "",
        "what is kept, or several lines that you have begun",
    ),
    command("history", "", "an earlier message"),
    command("stop", "", "interrupt the turn, as ctrl-c does"),
    command("later", "", "answer what is asked later; closes a list"),
    command(
        "answer",
        "",
        "what waits for an answer; to be read only, when somebody else has the input",
    ),
];

const fn command(name: &'static str, hint: &'static str, about: &'static str) -> Command {
    Command { name, hint, about }
}

pub(super) fn said(model: &mut Model, work: &mut Work<'_, '_>, said: Said) {
    let Some(mut plain) = model.plain.take() else {
        return;
    };
    match said {
        Said::Shown { serial, begun } => {
            plain.shown(serial, &begun, model.now);
            if !begun.is_empty() {
                let text = format!("you had begun to write `{begun}`: that line answers nothing");
                model.say(text);
            }
        }
        Said::Interrupt => interrupt(model, work),
        Said::End => keys::leave(model, work),
        Said::Lines(lines) => {
            model.armed = None;
            take(model, &mut plain, work, &lines);
            model.last_key = model.now;
        }
    }
    model.plain = Some(plain);
}

/// First the turn is interrupted, then it is asked, then left.
fn interrupt(model: &mut Model, work: &mut Work<'_, '_>) {
    match model.armed.take() {
        Some(Armed::Leave) => keys::leave(model, work),
        None if model.session.is_working() && !model.observes() => {
            model.armed = Some(Armed::Interrupt);
            let otherwise = "interrupting the turn; ctrl-c again asks whether to leave";
            keys::stop(model, work, otherwise);
        }
        _ => {
            model.armed = Some(Armed::Leave);
            model.say("ctrl-c again leaves; the session goes on, and any line stays");
        }
    }
}

/// Lines that came together.
fn take(model: &mut Model, plain: &mut Plain, work: &mut Work<'_, '_>, lines: &[String]) {
    let standing = plain.standing(lines.len(), model.now);
    let begun = std::mem::take(&mut plain.begun);
    let text = begun.clone() + &lines.join("\n");
    let command = text.trim().starts_with('/') && begun.is_empty() && lines.len() == 1;
    if command && own(model, plain, work, text.trim(), standing) {
        return;
    }
    match standing {
        Standing::Answer if text.trim().is_empty() => plain.ask_again(),
        Standing::Answer if command && commands::run(model, work, &text) => {}
        Standing::Answer => answer::answer(model, plain, work, &text),
        Standing::Free if text.trim().is_empty() && plain.lines.is_empty() => {
            if !watches(model, plain) {
                prompts::go_on(model, work);
            }
        }
        // What had been begun before something was asked may be a message, or an attempt to answer.
        Standing::TooEarly
            if !begun.is_empty() || plain.asks_for_more_than_a_message() || lines.len() > 1 =>
        {
            keep(model, &text);
            model.say(
                "that was no answer, because it was there before, or came at once; choose again",
            );
            plain.ask_again();
        }
        Standing::TooEarly | Standing::Free => write(model, plain, work, &text),
    }
}

/// Something to be said, unless it goes on in the next line.
fn write(model: &mut Model, plain: &mut Plain, work: &mut Work<'_, '_>, text: &str) {
    if let Some(line) = text.strip_suffix('\\') {
        plain.lines.extend([line, "\n"]);
        return;
    }
    let text = std::mem::take(&mut plain.lines) + text;
    if text.trim().is_empty() {
        return;
    }
    if model.observes() && !text.starts_with('/') {
        keep(model, &text);
        return model.say("somebody else has the input: /lock asks for it");
    }
    if std::mem::take(&mut plain.adds) {
        keep(model, &text);
        return input::send(model, work);
    }
    let kept = input::text_of(&model.composer.parts());
    model.composer.set(&text);
    input::send(model, work);
    // A command may have left something to be written on.
    if model.composer.is_empty() {
        model.composer.set(&kept);
    } else if model.composer.text() != text && !kept.is_empty() {
        keep(model, &kept);
    }
}

/// Keeps something that was written and not sent, behind what is kept already.
fn keep(model: &mut Model, text: &str) {
    if !model.composer.is_empty() && !model.composer.text().ends_with('\n') {
        model.composer.type_in("\n");
    }
    model.composer.paste(text);
}

/// Does what a command of line mode says. False when it is none.
fn own(
    model: &mut Model,
    plain: &mut Plain,
    work: &mut Work<'_, '_>,
    line: &str,
    standing: Standing,
) -> bool {
    let line = line.trim_start_matches('/');
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let wanted = match name {
        "help" => Wanted::Help,
        "status" => Wanted::Status,
        "more" => Wanted::More,
        "show" => Wanted::Show(rest.parse().unwrap_or(1)),
        "find" if !rest.is_empty() => Wanted::Find(rest.to_owned()),
        "find" => Wanted::Text(vec!["/find needs words.".to_owned()]),
        "usage" => {
            told::of_usage(model, plain, work, rest);
            return true;
        }
        "notifications" => {
            told::of_notices(model, plain, work, rest);
            return true;
        }
        "say" | "send" | "drop" | "edit" | "history" | "stop" | "later" | "answer" => {
            act(model, plain, work, (name, rest), standing);
            return true;
        }
        _ => return false,
    };
    plain.wanted.push(wanted);
    true
}

fn act(
    model: &mut Model,
    plain: &mut Plain,
    work: &mut Work<'_, '_>,
    (name, rest): (&str, &str),
    standing: Standing,
) {
    match name {
        "say" if model.observes() => {
            keep(model, rest);
            model.say("somebody else has the input: /lock asks for it");
        }
        "say" if rest.is_empty() => model.say("/say needs a text"),
        "say" => input::message(model, work, vec![Part::Text(rest.to_owned())]),
        "send" if model.composer.is_empty() => model.say("nothing is kept"),
        "send" => {
            plain.adds = false;
            input::send(model, work);
        }
        "drop" => {
            model.composer.take();
            plain.lines.clear();
            plain.adds = false;
            model.say("dropped");
        }
        "edit" => edit(model, work, rest, standing),
        "history" => layers::history(model),
        "stop" if model.session.is_working() => {
            keys::stop(model, work, "interrupting the turn");
        }
        "stop" => model.say("nothing runs"),
        "later" => later(model),
        _ => {
            plain.ask_again();
            if model.layers.is_empty() && model.prompt.is_none() && !watches(model, plain) {
                prompts::open(model);
            }
        }
    }
}

/// Who only watches reads what is asked, and is not asked.
fn watches(model: &Model, plain: &mut Plain) -> bool {
    let watches = model.observes() && model.waiting() > 0;
    if watches {
        plain.wanted.push(Wanted::Asked);
    }
    watches
}

/// The input of what is asked for, or what is kept.
fn edit(model: &mut Model, work: &mut Work<'_, '_>, text: &str, standing: Standing) {
    let asked = match &model.prompt {
        Some(Prompt::Permission(prompt)) => model
            .session
            .permissions
            .iter()
            .find(|request| request.id == prompt.id)
            .map(|request| (prompt, request)),
        _ => None,
    };
    match asked {
        Some(_) if standing != Standing::Answer => {
            model.say("that came before it was shown in full; choose again");
        }
        Some((_, request)) if text.is_empty() => {
            work.ask(Effect::Edit(permission::editable(&request.input)));
        }
        Some((prompt, request)) => {
            let outcome = prompt.edited(text, request);
            prompts::outcome(model, work, outcome);
        }
        None if text.is_empty() => {
            work.ask(Effect::Edit(input::text_of(&model.composer.parts())));
        }
        None => model.composer.set(text),
    }
}

/// Closes what is open.
fn later(model: &mut Model) {
    match (model.layers.pop(), &mut model.prompt) {
        (Some(lock @ Layer::Lock { .. }), _) => {
            // It is asked until it is answered or over.
            model.layers.push(lock);
            model.say("it moves by itself after ten seconds");
        }
        (Some(_), _) => {}
        (None, Some(Prompt::Permission(prompt))) if prompt.message.is_some() => {
            prompt.message = None;
        }
        (None, Some(Prompt::Question(prompt))) if prompt.words.is_some() => prompt.words = None,
        (None, Some(_)) => {
            model.prompt = None;
            model.put_off = model.waiting();
            model.say("it waits: /answer, or enter alone, asks again");
        }
        (None, None) => model.say("nothing is asked"),
    }
}
