//! One recording, whose first prompt is run by `betcode -p`: nobody is there to answer.

use std::time::Duration;

use betcode_testkit::Profile;
use betcode_testkit::replay::Record;
use betcode_testkit::replay::judge::{exit_code, last_words};
use betcode_testkit::replay::plan::{Plan, Step, Take};
use serde_json::Value;

use super::Piece;

/// How much longer than its own time a run may take to end.
const GRACE: Duration = Duration::from_secs(20);

/// Runs it. Says with which code it ended, or what was wrong.
pub(super) fn play(profile: &Profile, piece: &Piece) -> Result<String, Vec<String>> {
    let record = profile.work().join(format!("{}.run", piece.name));
    let prompt = piece.plan.first_message().unwrap_or_default();
    let seconds = if goes_on_without_end(&piece.plan) {
        2
    } else {
        30
    };
    let time = seconds.to_string();
    let (name, line) = piece.variable(&record);
    let output = profile
        .betcode([
            "-p",
            "--agent",
            "claude",
            "--output-format",
            "json",
            "--timeout",
            &time,
        ])
        .env(&name, line)
        .stdin(prompt)
        .within(Duration::from_secs(seconds) + GRACE)
        .run();
    let played = Record::read(&record);
    let mut wrong: Vec<String> = played.problems().map(str::to_owned).collect();
    let expected = exit_code(&played);
    if output.code != expected {
        wrong.push(format!(
            "the exit code is {}, and must be {expected}\n{}\n{}",
            output.code, output.stdout, output.stderr
        ));
    }
    match serde_json::from_str::<Value>(&output.stdout) {
        Ok(result) => {
            if result["is_error"] != (![0, 3].contains(&output.code)) {
                wrong.push(format!(
                    "with exit code {} the result says {result}",
                    output.code
                ));
            }
            let words = last_words(&played);
            if output.code == 0
                && words
                    .as_deref()
                    .is_some_and(|words| result["result"] != words)
            {
                wrong.push(format!(
                    "the agent's last words were {words:?}, the result says {result}"
                ));
            }
        }
        Err(why) => wrong.push(format!("{why} in {:?}\n{}", output.stdout, output.stderr)),
    }
    if wrong.is_empty() {
        Ok(format!("exit code {}", output.code))
    } else {
        Err(wrong)
    }
}

/// Nothing in the first turn of the recording ends it but an interrupt.
fn goes_on_without_end(plan: &Plan) -> bool {
    let mut turn = plan.steps.iter().take_while(|step| {
        !matches!(
            step,
            Step::Say {
                ends_turn: true,
                ..
            }
        )
    });
    let interrupted = turn.any(|step| matches!(step, Step::Take(Take::Interrupt(_))));
    let ends = plan.steps.iter().any(|step| {
        matches!(
            step,
            Step::Say {
                ends_turn: true,
                ..
            }
        )
    });
    interrupted || plan.hangs && !ends
}
