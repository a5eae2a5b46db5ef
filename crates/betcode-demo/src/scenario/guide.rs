//! The answer to any prompt that is not a `/demo`: what this agent is, what is in the directory
//! (from a tool that really runs), and what to try next.

use super::{SCENARIOS, tools};
use crate::turn::{Stop, Turn};

/// How many entries of the directory are named.
const NAMED: usize = 8;

/// Plays the guide.
pub(super) fn guide(turn: &mut Turn<'_>) -> Result<(), Stop> {
    turn.begin()?;
    turn.text(
        "Hello! I am the demo agent: a program without a model, so I cannot answer that. \
         But the tools I use are real. Let me look at this directory.",
    )?;
    let report = turn.call("Bash", &tools::bash("ls"))?;
    let seen = if report.is_error {
        format!("I could not list the directory: {}", report.text)
    } else {
        describe(
            report
                .detail
                .get("stdout")
                .and_then(|it| it.as_str())
                .unwrap_or_default(),
        )
    };
    let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    turn.begin()?;
    turn.text(&format!(
        "{seen}\n\nWhat you can try next:\n\
         - `/demo tool command=\"date\"` runs a command\n\
         - `/demo permission command=\"touch hello\"` asks before it does\n\
         - `/demo edit file=notes.txt text=\"a line\"` changes a file\n\
         - `/demo flood n=2000` writes a lot of text\n\n\
         All scenarios: {}.",
        names.join(", ")
    ))?;
    turn.end("end_turn")
}

fn describe(listing: &str) -> String {
    let entries: Vec<_> = listing.lines().collect();
    match entries.len() {
        0 => "The directory is empty.".to_owned(),
        1 => format!("There is one entry: {listing}."),
        count => {
            let named: Vec<_> = entries.iter().take(NAMED).copied().collect();
            let more = if count > NAMED { " and more" } else { "" };
            format!("There are {count} entries: {}{more}.", named.join(", "))
        }
    }
}
