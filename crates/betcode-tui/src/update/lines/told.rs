//! The use of plans and notifications, by lines. A number means what stood there when they were printed last.

use betcode_core::notify::Choice;

use crate::model::Model;
use crate::msg::Effect;
use crate::notices::Wish;
use crate::plain::{Plain, Wanted};

use super::super::{Work, notices, usage};

/// How to say it.
const HOW: &str = "/notifications; or behind it: pause 5, 15, 30 or reset; resume; dismiss 1; 1 and one of its choices";

pub(super) fn of_usage(model: &mut Model, plain: &mut Plain, work: &mut Work<'_, '_>, rest: &str) {
    match rest {
        "" => plain.wanted.push(Wanted::Usage),
        "again" => usage::refresh(model, work),
        _ => model.say("/usage tells all; /usage again asks anew"),
    }
}

pub(super) fn of_notices(
    model: &mut Model,
    plain: &mut Plain,
    work: &mut Work<'_, '_>,
    rest: &str,
) {
    let words: Vec<&str> = rest.split_whitespace().collect();
    let by_number = |number: &str| {
        let place = number.parse::<usize>().ok()?.checked_sub(1)?;
        plain.notices.get(place).copied()
    };
    let wish = match words.as_slice() {
        [] => {
            plain.awaits_notices = true;
            return notices::ask(model, work);
        }
        ["pause", "reset"] => Wish::Snooze(0),
        ["pause", minutes] => match minutes.parse() {
            Ok(minutes @ (5 | 15 | 30)) => Wish::Snooze(minutes),
            _ => return model.say("pause takes 5, 15 or 30 minutes, or reset"),
        },
        ["resume"] => Wish::Unsnooze,
        ["dismiss", number] => match by_number(number) {
            Some(id) => Wish::Dismiss(id),
            None => return model.say("there is no such number; /notifications prints them"),
        },
        [number, choice] => match (by_number(number), Choice::of_word(choice)) {
            (Some(id), Some(choice)) => return notices::act(model, work, id, choice),
            (None, _) => return model.say("there is no such number; /notifications prints them"),
            (_, None) => return model.say(HOW),
        },
        _ => return model.say(HOW),
    };
    work.ask(Effect::Notice(wish));
}
