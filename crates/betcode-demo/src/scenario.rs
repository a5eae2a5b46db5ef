//! The scenarios, one function each. What they are called and which keys they take stands in
//! [`SCENARIOS`] and nowhere else.
//!
//! `flood` makes texts that can be checked: each delta is exactly `size` bytes long, begins
//! with its number (from 1, right-aligned in eight columns, or in all but the last byte when
//! `size` is below ten, where only the last digits are kept), and ends with a line break; dots
//! fill the rest. With `stamp=1`, `@MICROSECONDS@` since the Unix epoch stands before these
//! bytes, taken right before the write. With `mixed=1` every other delta is thinking in another
//! block, so that a reader cannot join neighbours. `count` says `NUMBER` and a line break per delta, and a
//! later `count` in the same process goes on where the last one ended.

mod agent;
mod dialogue;
mod flood;
mod guide;
mod text;
mod tools;
mod trouble;

use crate::command::Command;
use crate::turn::{Failure, Stop, Turn};

/// A scenario that a prompt `/demo NAME key=value …` plays.
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// An example of its keys.
    pub usage: &'static str,
    /// What it shows, in a few words.
    pub about: &'static str,
    keys: &'static [&'static str],
    play: fn(&mut Turn<'_>, &Command) -> Result<(), Fault>,
}

/// All scenarios.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "help",
        usage: "",
        about: "lists the scenarios",
        keys: &[],
        play: text::help,
    },
    Scenario {
        name: "say",
        usage: "text=\"Hello\"",
        about: "says a text",
        keys: &["text"],
        play: text::say,
    },
    Scenario {
        name: "flood",
        usage: "n=20000 size=20 rate=0",
        about: "n pieces of text of size bytes; rate a second, 0 is as fast as it can; stamp=1 adds the time, mixed=1 thinks every other piece",
        keys: &["n", "size", "rate", "stamp", "mixed"],
        play: flood::flood,
    },
    Scenario {
        name: "count",
        usage: "n=100 rate=0 row=1",
        about: "counts on, one number a piece, so many in a line",
        keys: &["n", "rate", "row"],
        play: flood::count,
    },
    Scenario {
        name: "tool",
        usage: "command=\"ls\"",
        about: "runs a command",
        keys: &["command"],
        play: tools::tool,
    },
    Scenario {
        name: "edit",
        usage: "file=notes.txt text=\"a line\"",
        about: "adds a line to a file, or makes the file; old=\"…\" replaces that text instead",
        keys: &["file", "text", "old"],
        play: tools::edit,
    },
    Scenario {
        name: "permission",
        usage: "tool=Bash command=\"touch x\" count=1 parallel=1",
        about: "asks first, then runs a command; tool=Edit or Write with file= and text=; count times, parallel questions at once, {n} in the command is the number; change_on_resume=1 asks for another command when it goes on after the agent died",
        keys: &[
            "tool",
            "command",
            "file",
            "text",
            "count",
            "parallel",
            "change_on_resume",
        ],
        play: tools::permission,
    },
    Scenario {
        name: "withdraw",
        usage: "after_ms=1000 command=\"touch x\"",
        about: "asks first, and takes the question back after so many milliseconds",
        keys: &["after_ms", "tool", "command", "file", "text"],
        play: tools::withdraw,
    },
    Scenario {
        name: "ask",
        usage: "n=2",
        about: "asks n questions at once, one to four, every other with several answers",
        keys: &["n"],
        play: dialogue::ask,
    },
    Scenario {
        name: "think",
        usage: "",
        about: "thinks first",
        keys: &[],
        play: text::think,
    },
    Scenario {
        name: "todo",
        usage: "",
        about: "works through a todo list",
        keys: &[],
        play: dialogue::todo,
    },
    Scenario {
        name: "plan",
        usage: "",
        about: "makes a plan and asks whether to go on",
        keys: &[],
        play: dialogue::plan,
    },
    Scenario {
        name: "subagent",
        usage: "permission=0 command=\"ls | wc -l\"",
        about: "delegates to a subagent; permission=1 has it ask first",
        keys: &["permission", "command"],
        play: agent::subagent,
    },
    Scenario {
        name: "background",
        usage: "n=1",
        about: "says that n tasks run in the background",
        keys: &["n"],
        play: agent::background,
    },
    Scenario {
        name: "line",
        usage: "bytes=5000000",
        about: "says a text in one very long line",
        keys: &["bytes"],
        play: text::line,
    },
    Scenario {
        name: "unknown",
        usage: "garbage=0",
        about: "sends a message of a type that nobody knows; garbage=1 adds a line that is not JSON",
        keys: &["garbage"],
        play: trouble::unknown,
    },
    Scenario {
        name: "error",
        usage: "code=500",
        about: "fails with an error of the model API",
        keys: &["code"],
        play: trouble::error,
    },
    Scenario {
        name: "ratelimit",
        usage: "retry=180",
        about: "is rate-limited, to be retried after so many seconds",
        keys: &["retry"],
        play: trouble::ratelimit,
    },
    Scenario {
        name: "usage",
        usage: "status=allowed_warning percent=92 resets=3600",
        about: "says how much of a plan is used and in how many seconds it begins anew; status=rejected refuses the request",
        keys: &["status", "percent", "resets"],
        play: trouble::usage,
    },
    Scenario {
        name: "stall",
        usage: "secs=60",
        about: "falls silent in the middle of a text",
        keys: &["secs"],
        play: trouble::stall,
    },
    Scenario {
        name: "crash",
        usage: "after=100 times=1",
        about: "exits with code 1 after so many pieces of text: so many times, else each time that the turn is taken up again",
        keys: &["after", "times"],
        play: trouble::crash,
    },
];

/// Why a scenario did not end well.
enum Fault {
    Stop(Stop),
    /// A key is missing or has a value that makes no sense.
    Key(String),
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<String> for Fault {
    fn from(text: String) -> Self {
        Self::Key(text)
    }
}

/// Plays what a prompt asks for: a scenario, or the guide.
pub(crate) fn play(turn: &mut Turn<'_>, prompt: &str) -> Result<(), Stop> {
    let command = match Command::parse(prompt) {
        None => return guide::guide(turn),
        Some(Err(reason)) => return refuse(turn, &reason),
        Some(Ok(command)) => command,
    };
    let Some(scenario) = SCENARIOS
        .iter()
        .find(|scenario| scenario.name == command.name)
    else {
        return refuse(turn, &format!("there is no scenario `{}`", command.name));
    };
    if let Some(key) = command.stray_key(scenario.keys) {
        return refuse(
            turn,
            &format!("`{}` does not take a key `{key}`", scenario.name),
        );
    }
    match (scenario.play)(turn, &command) {
        Ok(()) => Ok(()),
        Err(Fault::Stop(stop)) => Err(stop),
        Err(Fault::Key(reason)) => refuse(turn, &reason),
    }
}

fn refuse(turn: &mut Turn<'_>, reason: &str) -> Result<(), Stop> {
    turn.fail(Failure::invalid(format!(
        "Demo: {reason}.\n\nScenarios:\n{}",
        list()
    )))
}

/// The scenarios, one a line.
fn list() -> String {
    let lines: Vec<_> = SCENARIOS
        .iter()
        .map(|it| {
            format!("/demo {} {}", it.name, it.usage)
                .trim_end()
                .to_owned()
                + " — "
                + it.about
        })
        .collect();
    lines.join("\n")
}
