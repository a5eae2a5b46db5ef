//! One recording, whose first prompt is run by `betcode -p`: nobody is there to answer.

use std::time::Duration;

use betcode_testkit::Profile;
use betcode_testkit::replay::Record;
use betcode_testkit::replay::judge::{exit_codes, last_words};
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
    let expected = exit_codes(&played);
    if !expected.contains(&output.code) {
        wrong.push(format!(
            "the exit code is {}, and must be {expected:?}\n{}\n{}",
            output.code, output.stdout, output.stderr
        ));
    }
    match serde_json::from_str::<Value>(&output.stdout) {
        Ok(result) => wrong.extend(dishonest(&result, output.code, &played)),
        Err(why) => wrong.push(format!("{why} in {:?}\n{}", output.stdout, output.stderr)),
    }
    if wrong.is_empty() {
        Ok(format!("exit code {}", output.code))
    } else {
        Err(wrong)
    }
}

/// What a result says that is not so.
fn dishonest(result: &Value, code: i32, played: &Record) -> Option<String> {
    let is_error = result["is_error"].as_bool()?;
    let words = last_words(played).filter(|_| code == 0);
    // Whoever is denied a tool may go on without it, or not.
    let wrong = match code {
        0 => is_error || words.is_some_and(|words| result["result"] != words),
        3 => false,
        _ => !is_error,
    };
    let short: String = result.to_string().chars().take(1000).collect();
    wrong.then(|| format!("with exit code {code} the result says {short}"))
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
